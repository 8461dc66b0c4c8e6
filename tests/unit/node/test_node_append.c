/*
 * A leader that appends what no node of ours would: payloads that are no
 * requests, times that fall, requests in the name of the follower.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/beat.h"
#include "codec/entry.h"
#include "codec/frame.h"
#include "codec/message.h"
#include "codec/request.h"

#include "world/world.h"

static struct world world;

struct made_up {
    struct buf parcel;
    uint64_t seq;
};

/* The next request, in a parcel of its own, as from node `from`. */
static void make_parcel(struct world *w, uint32_t from, struct made_up *h)
{
    struct bytes argv[4] = {BYTES_LIT("setex"), BYTES_LIT("k"), BYTES_LIT("10"),
                            BYTES_LIT("v")};
    struct request head = {.argc = 4};
    buf_reset(&h->parcel);
    size_t begin = request_parcel_begin(&h->parcel, from,
                                        w->nodes[from].incarnation, ++h->seq);
    request_encode(&h->parcel, &head, argv);
    request_parcel_end(&h->parcel, begin, 1);
}

/* The next entry of a follower's log, as from its leader. */
static int append(struct world *w, uint32_t to, uint8_t kind, int64_t time_ms,
                  struct bytes payload)
{
    struct world_node *t = &w->nodes[to];
    struct buf out = BUF_INIT;
    struct node_status s;
    node_status(t->node, &s);
    struct raft_message m = {
        .type = RAFT_MSG_APPEND,
        .cluster_id = s.cluster_id,
        .from = s.leader,
        .to = to,
        .from_incarnation = w->nodes[s.leader].incarnation,
        .to_incarnation = t->incarnation,
        .term = s.term,
        .index = s.last,
        .index_term = s.term, /* nothing of an older term: see the caller */
        .count = 1,
        .run_count = 1,
        .runs = {{s.last + 1, s.term}},
        .commit = s.last + 1,
    };
    struct entry e = {.index = s.last + 1,
                      .term = s.term,
                      .time_ms = time_ms,
                      .kind = kind,
                      .payload = payload};
    message_encode(&m, &out);
    beat_encode(&(struct beat){0}, &out);
    entry_seal(&e);
    entry_encode(&e, &out);
    int err = node_receive(t->node, s.leader, FRAME_RAFT, buf_view(&out));
    node_flush(t->node);
    world_complete_sync(t);
    node_flush(t->node);
    buf_release(&out);
    return err;
}

/* A configuration of these members, the second one with this life and role. */
static void make_configuration(struct buf *out, uint32_t count, uint32_t life,
                               uint8_t roles)
{
    struct configuration c;
    configuration_of(&c, (const node_id[]){0, 1, 2, 3}, count);
    c.members[1].life = life;
    c.members[1].roles = roles;
    buf_reset(out);
    configuration_encode(&c, out);
}

/* Members change as the leader says. */
static void test_made_up_configurations(void **state)
{
    struct world *w = &world;
    struct buf c = BUF_INIT;
    raft_index at = 0;
    UNUSED(state);
    world_init(w, WORLD_NODES, 36);
    int leader = world_elect(w);
    assert_true(leader >= 0);
    world_run(w, 200);
    uint32_t to = (uint32_t)(leader + 1) % WORLD_NODES;
    raft_index before = world_applied(w, to);
    assert_int_equal(append(w, to, ENTRY_CONFIG, 1, BYTES_LIT("x")),
                     ERR_CORRUPT);
    assert_int_equal(append(w, to, ENTRY_CONFIG, 1, BYTES_NONE), ERR_CORRUPT);
    assert_int_equal(world_applied(w, to), before);
    make_configuration(&c, 3, to == 1 ? 0 : 6, MEMBER_VOTER);
    assert_int_equal(append(w, to, ENTRY_CONFIG, 1, buf_view(&c)), 0);
    assert_int_equal(world_applied(w, to), before + 1);
    const struct configuration *now =
        node_configuration(w->nodes[to].node, &at);
    assert_int_equal(at, before + 1);
    assert_int_equal(now->members[1].life, to == 1 ? 0 : 6);
    /* Others come and go; this node may be a learner, or no member. */
    make_configuration(&c, 4, to == 1 ? 0 : 6, 0);
    assert_int_equal(append(w, to, ENTRY_CONFIG, 1, buf_view(&c)), 0);
    make_configuration(&c, to == 0 ? 3 : to, to == 1 ? 0 : 6, MEMBER_VOTER);
    assert_int_equal(append(w, to, ENTRY_CONFIG, 1, buf_view(&c)), 0);
    assert_int_equal(world_applied(w, to), before + 3);
    buf_release(&c);
    world_release(w);
}

static void test_made_up_entries(void **state)
{
    struct world *w = &world;
    struct made_up h = {.seq = 0};
    static const int64_t refused[] = {ENTRY_TIME_MAX + 1, INT64_MAX, -1,
                                      INT64_MIN};
    static const int64_t times[] = {ENTRY_TIME_MAX - 5, 5, ENTRY_TIME_MAX, 0};
    UNUSED(state);
    world_init(w, WORLD_NODES, 35);
    int leader = world_elect(w);
    assert_true(leader >= 0);
    uint32_t to = (uint32_t)(leader + 1) % WORLD_NODES;
    uint32_t other = (uint32_t)(leader + 2) % WORLD_NODES;
    world_run(w, 200);
    raft_index before = world_applied(w, to);
    make_parcel(w, other, &h);

    /* Refused before it is accepted. */
    struct bytes parcel = buf_view(&h.parcel);
    struct bytes cut = bytes_of(parcel.data, parcel.len - 1);
    struct bytes bad = BYTES_LIT("not a parcel");
    assert_int_equal(append(w, to, ENTRY_REQUESTS, 1, bad), ERR_CORRUPT);
    assert_int_equal(append(w, to, ENTRY_REQUESTS, 1, cut), ERR_CORRUPT);
    assert_int_equal(append(w, to, ENTRY_REQUESTS, 1, BYTES_NONE), ERR_CORRUPT);
    assert_int_equal(append(w, to, ENTRY_EMPTY, 1, parcel), ERR_CORRUPT);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        assert_int_equal(append(w, to, ENTRY_REQUESTS, refused[i], parcel),
                         ERR_CORRUPT);
    assert_int_equal(world_applied(w, to), before);

    /* Clocks that jump and fall: applied, with a time that never falls. */
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        parcel = buf_view(&h.parcel);
        assert_int_equal(append(w, to, ENTRY_REQUESTS, times[i], parcel), 0);
        assert_int_equal(world_applied(w, to), before + i + 1);
        make_parcel(w, other, &h);
    }

    /* Requests in the name of the follower, which it never wrote: its own
     * later ones get other numbers. */
    h.seq = 0;
    for (size_t i = 0; i < 3; i++) {
        make_parcel(w, to, &h);
        parcel = buf_view(&h.parcel);
        assert_int_equal(append(w, to, ENTRY_REQUESTS, 0, parcel), 0);
    }
    assert_int_equal(world_submit(world_client_new(w, to), "set own 1"), 0);
    h.seq = 3;
    make_parcel(w, to, &h);
    parcel = buf_view(&h.parcel);
    assert_int_equal(append(w, to, ENTRY_REQUESTS, 0, parcel), 0);
    assert_int_equal(w->clients[0].answered, 1);
    assert_int_equal(world_applied(w, to), before + ARRAY_LEN(times) + 4);
    assert_string_equal(w->nodes[to].failure, "");
    buf_release(&h.parcel);
    world_release(w);
}

static int refuse_to_lower(struct disk *disk, const struct watermark *mark)
{
    UNUSED(mark);
    CONTAINER_OF(disk, struct world_disk, disk)->failure = "no space";
    return ERR_IO;
}

static uint32_t count_entries(struct store *s)
{
    uint32_t count = 0;
    struct store_iter *it = store_iter_new(s, STORE_LOG);
    for (store_iter_seek(it, BYTES_NONE); store_iter_valid(it);
         store_iter_next(it))
        count++;
    store_iter_free(it);
    return count;
}

/* A node that cannot take back what it has promised keeps its log. */
static void test_no_truncation_without_a_lowered_mark(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 37);
    uint32_t old = (uint32_t)world_elect(w);
    world_run(w, 200);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        w->cut[old][i] = w->cut[i][old] = i != old;
    assert_int_equal(world_submit(world_client_new(w, old), "set a 1"), 0);
    world_run(w, 1000);
    struct world_node *t = &w->nodes[old];
    uint32_t entries = count_entries(t->store);
    t->disk.disk.lower = refuse_to_lower;
    memset(w->cut, 0, sizeof(w->cut));
    for (int i = 0; i < 2000 && t->failure[0] == '\0'; i++)
        world_turn(w);
    assert_non_null(strstr(t->failure, "lowering the watermark"));
    assert_non_null(strstr(t->failure, "no space"));
    assert_int_equal(count_entries(t->store), entries);
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_up_configurations),
        cmocka_unit_test(test_made_up_entries),
        cmocka_unit_test(test_no_truncation_without_a_lowered_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
