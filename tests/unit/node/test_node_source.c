/*
 * The state for members that need entries which are in no log any more: when it
 * is offered, what is sent, how fast, and when it is put aside. The member is
 * played by the test, which takes what is sent to it off the network.
 */
// link: world node store data cmd snapshot codec
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "codec/frame.h"
#include "node/node_internal.h"
#include "snapshot/inspect.h"
#include "world/world.h"

#define SOFT (8 * 1024)
#define HARD (16 * 1024)
#define ALL  UINT64_C(1000000000)

static struct world world;

/* What the member has been sent since it asked last. */
struct receiver {
    struct world *w;
    uint32_t leader, self, other;
    struct transfer_offer offer; /* the last one */
    uint64_t id;
    uint32_t offers;
    struct buf chunk;    /* of which pieces have come */
    uint64_t number;     /* chunks so far */
    uint64_t hash;       /* of the last */
    uint64_t bytes;      /* of all */
    struct buf last_key; /* of the last */
    struct inspect *inspect;
    bool done, gone, busy;
};

static void take_piece(struct receiver *r, const struct transfer_chunk *c)
{
    struct buf error = BUF_INIT;
    struct store_row row = {.key = BYTES_NONE};
    assert_true(c->number == r->number + 1);
    assert_int_equal(c->offset, r->chunk.len);
    buf_bytes(&r->chunk, c->data);
    if (r->chunk.len < c->total)
        return;
    struct chunk whole = {c->number, c->hash, buf_view(&r->chunk)};
    if (r->inspect != NULL)
        assert_int_equal(inspect_chunk(r->inspect, &whole, &error), 0);
    assert_true(chunk_hash(whole.rows, r->hash) == c->hash);
    for (struct bytes rows = whole.rows; store_row_next(&rows, &row);) {
    }
    buf_reset(&r->last_key);
    buf_bytes(&r->last_key, row.key);
    r->number = c->number;
    r->hash = c->hash;
    r->bytes += c->total;
    buf_reset(&r->chunk);
}

static void take(struct receiver *r, const struct transfer *t)
{
    assert_true(t->kind == TRANSFER_OFFER || t->kind == TRANSFER_GONE ||
                t->id == r->id);
    if (t->kind == TRANSFER_OFFER) {
        r->offer = t->offer;
        r->id = t->id;
        r->offers++;
    } else if (t->kind == TRANSFER_CHUNK) {
        take_piece(r, &t->chunk);
    } else if (t->kind == TRANSFER_DONE) {
        assert_true(t->done.chunks == r->number && t->done.hash == r->hash);
        assert_true(t->done.bytes == r->bytes);
        r->done = true;
    } else if (t->kind == TRANSFER_GONE) {
        r->gone = true;
    } else {
        assert_int_equal(t->kind, TRANSFER_BUSY);
        r->busy = true;
    }
}

/* Takes what is on its way to the member, before it gets it. */
static void collect(struct receiver *r)
{
    struct world_message *before = NULL;
    struct world_message *m = r->w->queue.head;
    while (m != NULL) {
        if (m->frame_type != FRAME_SNAPSHOT || m->to != r->self) {
            before = m;
            m = m->next;
            continue;
        }
        struct transfer t;
        m = world_queue_take(&r->w->queue, before);
        assert_int_equal(m->from, r->leader);
        assert_int_equal(transfer_decode(world_message_payload(m), &t), 0);
        take(r, &t);
        mem_free(m);
        m = before == NULL ? r->w->queue.head : before->next;
    }
}

static void turn(struct receiver *r)
{
    world_turn(r->w);
    collect(r);
}

static void turns(struct receiver *r, int64_t ms)
{
    int64_t end_ms = r->w->now_ms + ms;
    while (r->w->now_ms < end_ms)
        turn(r);
}

/* The member says something to the leader. */
static void say(struct receiver *r, const struct transfer *t)
{
    struct buf out = BUF_INIT;
    struct node *n = r->w->nodes[r->leader].node;
    transfer_encode(t, &out);
    int err = node_receive(n, r->self, FRAME_SNAPSHOT, buf_view(&out));
    assert_int_equal(err, 0);
    buf_release(&out);
    collect(r);
}

static void want(struct receiver *r, uint64_t until, bool begin)
{
    bool first = r->number == 0;
    buf_reset(&r->chunk);
    say(r, &(struct transfer){.kind = TRANSFER_WANT,
                              .id = r->id,
                              .want = {.number = r->number + 1,
                                       .hash = r->hash,
                                       .from = r->bytes,
                                       .until = until,
                                       .begin = begin,
                                       .after = begin && !first
                                                    ? buf_view(&r->last_key)
                                                    : BYTES_NONE}});
}

static void leave(struct receiver *r)
{
    say(r, &(struct transfer){.kind = TRANSFER_LEAVE, .id = r->id});
}

static void start_over(struct receiver *r)
{
    buf_reset(&r->chunk);
    inspect_free(r->inspect);
    r->inspect = inspect_new();
    r->number = r->hash = r->bytes = 0;
    r->done = r->gone = r->busy = false;
}

static struct node *node_of(const struct receiver *r)
{
    return r->w->nodes[r->leader].node;
}

static int64_t measured(const struct receiver *r, enum metric_id id)
{
    return world_measured(r->w, r->leader, id);
}

/* So many chunks of state in all, of which one row is larger than a piece. */
static void write_rows(struct receiver *r, int keys, size_t large)
{
    struct world_client *tc = world_client_new(r->w, r->leader);
    static char line[1024 * 1024];
    for (int i = 0; i < keys; i++) {
        size_t len = i == keys / 2 ? large : 900;
        int at = snprintf(line, sizeof(line), "set key%06d ", i);
        memset(line + at, 'a' + i % 26, len);
        line[at + (int)len] = '\0';
        assert_int_equal(world_submit(tc, line), 0);
        if (i % 20 == 0)
            world_wait_answered(r->w, tc);
    }
    world_wait_answered(r->w, tc);
}

static void set_log_size(struct world *w, uint64_t soft, uint64_t hard)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->nodes[i].node != NULL)
            node_set_log_size(w->nodes[i].node, soft, hard);
}

/* A cluster whose log was cut above what a member needs that is back. */
static void begin(struct receiver *r, int keys, size_t large)
{
    struct world *w = &world;
    memset(r, 0, sizeof(*r));
    world_init(w, WORLD_NODES, 51);
    r->w = w;
    r->leader = (uint32_t)world_elect(w);
    r->self = (r->leader + 1) % WORLD_NODES;
    r->other = (r->leader + 2) % WORLD_NODES;
    world_crash_keep(w, r->self, 0);
    set_log_size(w, SOFT, HARD);
    write_rows(r, keys, large);
    for (int i = 0; i < 50 && measured(r, METRIC_raft_first_index) <= 10; i++) {
        world_write(w, r->leader, 10);
        world_run(w, 100);
    }
    assert_true(measured(r, METRIC_raft_first_index) > 10);
    int err = store_flush(w->nodes[r->leader].store, STORE_STATE, true);
    assert_int_equal(err, 0);
    start_over(r);
    world_start(w, r->self);
    for (int i = 0; i < 5000 && r->offers == 0; i++)
        turn(r);
    assert_true(r->offers > 0);
}

static void end(struct receiver *r)
{
    inspect_free(r->inspect);
    buf_release(&r->chunk);
    buf_release(&r->last_key);
    world_release(r->w);
}

static void until_done(struct receiver *r)
{
    for (int i = 0; i < 20000 && !r->done; i++)
        turn(r);
    assert_true(r->done);
}

/* All of it has arrived, and is a state. */
static void expect_whole(struct receiver *r)
{
    struct inspect_totals totals;
    struct buf error = BUF_INIT;
    assert_true(r->done);
    assert_int_equal(inspect_end(r->inspect, &totals, &error), 0);
    assert_true(totals.hash == r->hash && totals.bytes == r->bytes);
    assert_true(totals.applied.index == r->offer.index);
    assert_true(totals.applied.term == r->offer.term);
    assert_true(totals.applied.chain == r->offer.chain);
}

/* From the first offer to the end: what arrives is the state of the entry that
 * was named, joins the log, and is put aside when the member leaves. */
static void test_all_of_it(void **state)
{
    struct receiver r;
    UNUSED(state);
    begin(&r, 700, 300000);
    assert_int_equal(r.offer.source, r.leader);
    assert_true(r.offer.index + 1 >= node_of(&r)->raft.first);
    assert_int_equal(r.offer.level, LEVEL_MIN);
    assert_true(measured(&r, METRIC_raft_snapshot_index) ==
                (int64_t)r.offer.index);
    assert_int_equal(measured(&r, METRIC_raft_snapshot_receivers), 0);
    want(&r, ALL, true);
    assert_int_equal(measured(&r, METRIC_raft_snapshot_receivers), 1);
    until_done(&r);
    expect_whole(&r);
    assert_true(r.number > 3 && r.bytes > 900000);
    assert_true(measured(&r, METRIC_raft_snapshot_sent) == (int64_t)r.bytes);
    assert_int_equal(measured(&r, METRIC_raft_snapshot_receivers), 0);
    leave(&r);
    assert_int_equal(measured(&r, METRIC_raft_snapshot_index), 0);
    end(&r);
}

/* No more than was asked for, but for the rest of a chunk. */
static void test_credit(void **state)
{
    struct receiver r;
    UNUSED(state);
    begin(&r, 700, 300000);
    turns(&r, 500);
    assert_int_equal(r.bytes, 0); /* an offer is no request */
    want(&r, 0, true);
    turns(&r, 500);
    assert_int_equal(r.number, 0);
    for (uint64_t chunks = 1; chunks <= 3; chunks++) {
        want(&r, r.bytes + 1, false);
        turns(&r, 500);
        assert_true(r.number == chunks);
        assert_int_equal(r.chunk.len, 0);
    }
    want(&r, r.bytes, false); /* asks for nothing more */
    turns(&r, 500);
    assert_true(r.number == 3 && !r.done);
    want(&r, ALL, false);
    until_done(&r);
    expect_whole(&r);
    end(&r);
}

/* A link that breaks, at any chunk and in the middle of one. */
static void test_goes_on(void **state)
{
    struct receiver r;
    UNUSED(state);
    begin(&r, 700, 300000);
    want(&r, ALL, true);
    for (int breaks = 0; breaks < 6 && !r.done; breaks++) {
        for (int i = 0; i < 2; i++)
            turn(&r);
        uint64_t had = r.number;
        world_link(r.w, r.leader, r.self, false);
        collect(&r);
        assert_int_equal(measured(&r, METRIC_raft_snapshot_receivers), 0);
        world_link(r.w, r.leader, r.self, true);
        uint32_t offers = r.offers;
        for (int i = 0; i < 2000 && r.offers == offers; i++)
            turn(&r);
        assert_true(r.offers > offers); /* at once: the link is a new one */
        assert_true(r.number >= had);
        r.done = false;
        want(&r, ALL, true);
    }
    until_done(&r);
    expect_whole(&r);
    /* Also from the very end. */
    r.done = false;
    want(&r, ALL, true);
    until_done(&r);
    end(&r);
}

/* It is there for a minute after the last request, not longer; who asks for
 * it then is told so, and offered another one. */
static void test_closed_when_unused(void **state)
{
    struct receiver r;
    UNUSED(state);
    begin(&r, 100, 900);
    want(&r, 0, true);
    turns(&r, 50000);
    want(&r, 1, false);
    turns(&r, 50000);
    uint64_t id = r.id;
    assert_int_equal(measured(&r, METRIC_raft_snapshot_receivers), 1);
    assert_true(node_of(&r)->source.id == id);
    turns(&r, 11000);
    assert_int_equal(measured(&r, METRIC_raft_snapshot_receivers), 0);
    assert_true(node_of(&r)->source.id != id);
    r.id = id;
    want(&r, ALL, true);
    assert_true(r.gone);
    start_over(&r);
    turns(&r, 4000);
    assert_true(r.id != id);
    want(&r, ALL, true);
    until_done(&r);
    expect_whole(&r);
    end(&r);
}

/* Offers are repeated as long as nobody takes them, and not while somebody
 * does. */
static void test_offers(void **state)
{
    struct receiver r;
    UNUSED(state);
    begin(&r, 100, 900);
    uint32_t offers = r.offers;
    turns(&r, 20000);
    assert_in_range(r.offers - offers, 4, 7);
    want(&r, 0, true);
    offers = r.offers;
    turns(&r, 20000);
    assert_int_equal(r.offers, offers);
    leave(&r);
    turns(&r, 4000);
    assert_true(r.offers > offers);
    end(&r);
}

/* Clients write until the state that was offered is of no use, and another one
 * is offered; whether the first one was asked for. */
static void until_outrun(struct receiver *r, bool asked)
{
    uint64_t id = r->id;
    raft_index index = r->offer.index;
    if (asked)
        want(r, 0, true);
    for (int i = 0; i < 20 && node_of(r)->raft.first <= index + 1; i++) {
        write_rows(r, 100, 900);
        turns(r, 1000);
    }
    assert_true(node_of(r)->raft.first > index + 1);
    turns(r, 4000);
    assert_true(r->gone == asked);
    assert_true(r->id != id && r->offer.index > index);
}

/* The log was cut above the state, as the transfer was slower than clients
 * wrote: it is of no use, and another one follows. */
static void test_outrun(void **state)
{
    struct receiver r;
    UNUSED(state);
    begin(&r, 300, 900);
    node_set_snapshot_rate(node_of(&r), 1000);
    until_outrun(&r, true);
    start_over(&r);
    want(&r, ALL, true);
    int64_t begin_ms = r.w->now_ms;
    until_done(&r);
    expect_whole(&r);
    assert_true(r.bytes > 100000);
    assert_true(r.w->now_ms - begin_ms < 3000); /* whatever the rate is */
    leave(&r);
    /* The next one is not in a hurry. */
    turns(&r, 4000);
    start_over(&r);
    want(&r, ALL, true);
    turns(&r, 3000);
    assert_true(!r.done);
    end(&r);
}

/* A member that has only been offered a state was not too slow. */
static void test_outrun_offer(void **state)
{
    struct receiver r;
    UNUSED(state);
    begin(&r, 100, 900);
    node_set_snapshot_rate(node_of(&r), 1000);
    until_outrun(&r, false);
    start_over(&r);
    want(&r, ALL, true);
    turns(&r, 3000);
    assert_true(!r.done);
    end(&r);
}

/* A leader that is one no more goes on with what it has begun, and offers
 * nothing. */
static void test_deposed(void **state)
{
    struct receiver r;
    UNUSED(state);
    begin(&r, 300, 900);
    want(&r, 1, true);
    turns(&r, 100);
    assert_true(node_transfer(node_of(&r), r.other));
    for (int i = 0; i < 5000 && world_leader(r.w) != (int)r.other; i++)
        turn(&r);
    assert_int_equal(world_leader(r.w), (int)r.other);
    uint32_t offers = r.offers;
    want(&r, ALL, false);
    for (int i = 0; i < 5000 && !r.done; i++) {
        /* What the new leader offers is not for this test. */
        world_turn(r.w);
        struct world_message *before = NULL;
        for (struct world_message *m = r.w->queue.head; m != NULL;) {
            bool its = m->frame_type == FRAME_SNAPSHOT && m->from == r.other;
            struct world_message *next = m->next;
            if (its)
                mem_free(world_queue_take(&r.w->queue, before));
            else
                before = m;
            m = next;
        }
        collect(&r);
    }
    expect_whole(&r);
    assert_int_equal(r.offers, offers);
    end(&r);
}

/* In so much time no more than this, and about as much. */
static uint64_t sent_in(struct receiver *r, int64_t ms)
{
    uint64_t before = (uint64_t)measured(r, METRIC_raft_snapshot_sent);
    turns(r, ms);
    return (uint64_t)measured(r, METRIC_raft_snapshot_sent) - before;
}

static void test_rate(void **state)
{
    const uint64_t rate = 200 * 1000, burst = TRANSFER_PIECE_MAX + 20000;
    struct receiver r;
    UNUSED(state);
    begin(&r, 2500, 300000);
    node_set_snapshot_rate(node_of(&r), rate);
    want(&r, ALL, true);
    turns(&r, 2000); /* the last sync is forgotten */
    assert_in_range(sent_in(&r, 3000), 3 * rate - burst, 3 * rate + burst);
    /* A slow disk halves it. Nothing is written here that it could sync. */
    node_of(&r)->durability.sync_ms = 11;
    node_of(&r)->durability.done_ms = r.w->now_ms + 5000;
    assert_in_range(sent_in(&r, 3000), 3 * rate / 2 - burst,
                    3 * rate / 2 + burst);
    node_set_snapshot_rate(node_of(&r), 0);
    until_done(&r);
    expect_whole(&r);
    end(&r);
}

/* What the link does not take is sent later; what is asked for in vain does no
 * harm. */
static void test_held_up(void **state)
{
    struct receiver r;
    UNUSED(state);
    begin(&r, 700, 300000);
    r.w->no_bulk[r.self] = true;
    want(&r, ALL, true);
    turns(&r, 1000);
    assert_int_equal(r.bytes, 0);
    r.w->no_bulk[r.self] = false;
    for (int i = 0; i < 5; i++) {
        turn(&r);
        r.w->no_bulk[r.self] = i % 2 == 0;
    }
    r.w->no_bulk[r.self] = false;
    until_done(&r);
    expect_whole(&r);
    end(&r);
}

/* Requests that no honest member makes. */
static void test_odd_requests(void **state)
{
    struct receiver r;
    struct transfer t = {.kind = TRANSFER_WANT};
    UNUSED(state);
    begin(&r, 300, 900);
    t.id = r.id;
    t.want = (struct transfer_want){.number = RAFT_NUMBER_MAX,
                                    .hash = 1,
                                    .from = 1,
                                    .until = RAFT_NUMBER_MAX,
                                    .begin = true,
                                    .after = BYTES_LIT("~~~~")};
    say(&r, &t); /* after the last key: there is nothing more */
    turns(&r, 100);
    assert_int_equal(measured(&r, METRIC_raft_snapshot_receivers), 0);
    t.want = (struct transfer_want){
        .number = 9, .from = 1, .until = RAFT_NUMBER_MAX};
    say(&r, &t); /* goes on with what was never begun */
    turns(&r, 100);
    assert_int_equal(measured(&r, METRIC_raft_snapshot_receivers), 0);
    say(&r, &(struct transfer){.kind = TRANSFER_LEAVE, .id = r.id + 1});
    assert_true(node_of(&r)->source.id == r.id); /* that was another one */
    t.id = r.id + 1;
    say(&r, &t);
    assert_true(r.gone);
    want(&r, ALL, true);
    want(&r, ALL, true); /* twice: from the beginning again */
    until_done(&r);
    expect_whole(&r);
    leave(&r);
    leave(&r);
    end(&r);
}

/* A member without space is not offered what it cannot take. */
static void test_not_to_a_paused_one(void **state)
{
    struct receiver r;
    UNUSED(state);
    begin(&r, 100, 900);
    node_set_disk_short(r.w->nodes[r.self].node, true);
    turns(&r, 3000);
    uint32_t offers = r.offers;
    turns(&r, 20000);
    assert_int_equal(r.offers, offers);
    node_set_disk_short(r.w->nodes[r.self].node, false);
    turns(&r, 4000);
    assert_true(r.offers > offers);
    end(&r);
}

/* A state that cannot be read: the member hears that it is gone, and another
 * attempt is made after a while. The node goes on. */
static void test_read_error(void **state)
{
    struct receiver r;
    UNUSED(state);
    begin(&r, 700, 300000);
    uint64_t id = r.id;
    want(&r, 1, true);
    turns(&r, 100);
    assert_true(r.number == 1);
    world.frozen = true;
    store_memory_fail(r.w->nodes[r.leader].store, "get", 1);
    want(&r, ALL, false);
    node_source_send(node_of(&r));
    node_source_send(node_of(&r));
    node_source_send(node_of(&r));
    store_memory_fail(r.w->nodes[r.leader].store, "get", 0);
    collect(&r);
    world.frozen = false;
    assert_true(r.gone && node_of(&r)->source.id == 0);
    turns(&r, 4000);
    assert_true(r.id == id);
    turns(&r, 2000);
    assert_true(r.id != id);
    start_over(&r);
    want(&r, ALL, true);
    until_done(&r);
    expect_whole(&r);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_it),
        cmocka_unit_test(test_credit),
        cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_closed_when_unused),
        cmocka_unit_test(test_offers),
        cmocka_unit_test(test_outrun),
        cmocka_unit_test(test_outrun_offer),
        cmocka_unit_test(test_deposed),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_held_up),
        cmocka_unit_test(test_odd_requests),
        cmocka_unit_test(test_not_to_a_paused_one),
        cmocka_unit_test(test_read_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
