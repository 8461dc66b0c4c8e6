/*
 * Entries that a node hands out, and that are executed elsewhere: the state
 * there is that of the members, to the byte.
 */
// link: world node store data cmd snapshot
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/segment.h"
#include "node/node_internal.h"
#include "node/node_replay.h"
#include "snapshot/source.h"
#include "store/store_memory.h"
#include "store/store_view.h"
#include "world/world.h"

#define BYTES_MAX ((size_t)2000)

static struct world world;

/* What of a node's log is committed, from there on, as one piece. */
static int entries(struct world *w, uint32_t id, raft_index from, size_t max,
                   struct buf *out)
{
    buf_reset(out);
    return node_entries(w->nodes[id].node, from, max, out);
}

static uint32_t count(const struct buf *piece, struct segment *s)
{
    struct entry e;
    uint32_t n = 0;
    int err = segment_open(buf_view(piece), s);

    for (; err == 0; n++)
        err = segment_next(s, &e);
    assert_int_equal(err, ERR_NOT_FOUND);
    assert_true(!s->closed && s->rest.len == 0);
    return n - 1;
}

/* The hash of the state that the store has on its disk. */
static uint64_t hash_of(struct store *store, struct applied *a)
{
    struct buf error = BUF_INIT;
    struct source *s = NULL;
    struct chunk c = {0};
    int err = store_flush(store, STORE_STATE, true);

    assert_int_equal(err, 0);
    struct store_view *view = store_view_open(store);
    assert_int_equal(source_open(&s, view, &error), 0);
    *a = *source_applied(s);
    while (source_next(s, &c, &error) == 0) {
    }
    uint64_t hash = c.hash;
    source_close(s);
    store_view_close(view);
    buf_release(&error);
    return hash;
}

/* Executes all entries that node `id` has, in pieces; the last. */
static raft_index replay_all(struct world *w, uint32_t id, struct replay *r,
                             raft_index last)
{
    struct buf piece = BUF_INIT;
    struct buf error = BUF_INIT;
    struct segment s;
    struct entry e;

    for (raft_index before = UINT64_MAX; before != last;) {
        before = last;
        assert_int_equal(entries(w, id, last + 1, BYTES_MAX, &piece), 0);
        assert_int_equal(segment_open(buf_view(&piece), &s), 0);
        while (segment_next(&s, &e) == 0)
            assert_int_equal(replay_entry(r, &e, &error), 0);
        last = s.last;
    }
    buf_release(&piece);
    buf_release(&error);
    return last;
}

static void write_more(struct world *w, uint32_t id)
{
    struct world_client *c = world_client_new(w, id);

    (void)world_submit(c, "SET lease me PX 3600000");
    (void)world_submit(c, "INCR n");
    (void)world_submit(c, "SETRANGE long 20000 end");
    (void)world_submit(c, "DEL n");
    (void)world_submit(c, "FLUSHDB");
    (void)world_submit(c, "SET after flush");
    world_run(w, 50);
}

static void the_state_is_that_of_the_members(void **state)
{
    struct world *w = &world;
    struct buf error = BUF_INIT;
    struct applied here;
    struct applied there;
    raft_index last = 0;
    struct replay *r;

    UNUSED(state);
    world_init(w, WORLD_NODES, 811);
    world_write(w, (uint32_t)world_elect(w), 30);
    struct store *store = store_memory_new();
    assert_int_equal(replay_new(&r, store, 7, &error), 0);
    for (uint32_t round = 0; round < 3; round++) {
        uint32_t id = round % w->count;
        write_more(w, id);
        world_write(w, (uint32_t)world_elect(w), 10);
        /* Another leader, who begins a term. */
        if (round == 1) {
            world_crash(w, (uint32_t)world_leader(w));
            for (uint32_t i = 0; i < w->count; i++)
                if (!w->nodes[i].node)
                    world_start(w, i);
            world_write(w, (uint32_t)world_elect(w), 5);
        }
        world_wait_equal(w);
        last = replay_all(w, id, r, last);
        assert_true(last == world_applied(w, id));
        uint64_t hash = hash_of(store, &here);
        assert_true(hash == hash_of(w->nodes[id].store, &there));
        assert_true(here.index == last && here.chain == there.chain);
        assert_true(here.time_ms == there.time_ms);
    }
    replay_free(r);
    store_close(store);
    buf_release(&error);
    world_release(w);
}

/* An entry of this kind, with any payload. */
static int execute(struct replay *r, raft_index index, raft_term term,
                   struct entry e, struct buf *error)
{
    e.index = index;
    e.term = term;
    e.time_ms = (int64_t)index;
    buf_reset(error);
    entry_seal(&e);
    return replay_entry(r, &e, error);
}

static const struct entry empty = {.kind = ENTRY_EMPTY};

static bool says(struct buf *error, const char *text)
{
    return memmem(error->data, error->len, text, strlen(text)) != NULL;
}

static void what_no_member_executes_is_refused(void **state)
{
    struct store *store = store_memory_new();
    const struct entry nonsense = {.kind = ENTRY_REQUESTS,
                                   .payload = BYTES_LIT("nonsense")};
    struct buf error = BUF_INIT;
    struct replay *r;

    UNUSED(state);
    assert_int_equal(replay_new(&r, store, 7, &error), 0);
    assert_int_equal(execute(r, 1, 3, empty, &error), 0);
    assert_int_equal(execute(r, 3, 3, empty, &error), ERR_CORRUPT);
    assert_int_equal(execute(r, 1, 3, empty, &error), ERR_CORRUPT);
    assert_int_equal(execute(r, 2, 2, empty, &error), ERR_CORRUPT);
    assert_true(says(&error, "does not follow"));
    assert_int_equal(execute(r, 2, 4, empty, &error), 0);
    assert_true(execute(r, 3, 4, nonsense, &error) < 0);
    assert_true(says(&error, "decoding a committed entry"));
    replay_free(r);
    store_close(store);
    buf_release(&error);
}

static void a_level_that_is_not_known_ends_it(void **state)
{
    const node_id ids[] = {1, 2, 3};
    struct store *store = store_memory_new();
    struct buf error = BUF_INIT;
    struct buf record = BUF_INIT;
    struct configuration c;
    struct entry config = {.kind = ENTRY_CONFIG};
    struct replay *r;

    UNUSED(state);
    configuration_of(&c, ids, 3);
    configuration_encode(&c, &record);
    config.payload = buf_view(&record);
    assert_int_equal(replay_new(&r, store, 7, &error), 0);
    assert_int_equal(execute(r, 1, 1, config, &error), 0);
    assert_int_equal(replay_level(r), LEVEL_MIN);
    c.level = LEVEL_MAX + 1;
    buf_reset(&record);
    configuration_encode(&c, &record);
    config.payload = buf_view(&record);
    assert_true(execute(r, 2, 1, config, &error) < 0);
    assert_true(says(&error, "level is too high"));
    replay_free(r);
    store_close(store);
    buf_release(&record);
    buf_release(&error);
}

/* The entry is taken once, whatever it has to wait for. */
static void a_disk_that_is_slow_is_waited_for(void **state)
{
    struct store *store = store_memory_new();
    struct buf error = BUF_INIT;
    struct applied a;
    struct replay *r;

    UNUSED(state);
    assert_int_equal(replay_new(&r, store, 7, &error), 0);
    store_memory_set_full(store, true);
    assert_int_equal(execute(r, 1, 3, empty, &error), ERR_AGAIN);
    assert_int_equal(replay_go(r, &error), ERR_AGAIN);
    store_memory_set_full(store, false);
    assert_int_equal(replay_go(r, &error), 0);
    assert_int_equal(execute(r, 2, 3, empty, &error), 0);
    replay_free(r);
    (void)hash_of(store, &a);
    assert_true(a.index == 2);
    store_close(store);
    buf_release(&error);
}

static void entries_are_handed_out_as_far_as_there_are_some(void **state)
{
    struct world *w = &world;
    struct buf piece = BUF_INIT;
    struct segment s;

    UNUSED(state);
    world_init(w, 1, 812);
    uint32_t id = (uint32_t)world_elect(w);
    struct node *n = w->nodes[id].node;
    world_write(w, id, 20);
    world_wait_equal(w);
    raft_index last = world_applied(w, id);
    /* One at least, then as many as there is room for, then all. */
    assert_int_equal(entries(w, id, 1, 0, &piece), 0);
    assert_int_equal(count(&piece, &s), 1);
    assert_int_equal(entries(w, id, 2, 500, &piece), 0);
    uint32_t some = count(&piece, &s);
    assert_true(some > 1 && some < last - 1 && piece.len <= 600);
    assert_int_equal(entries(w, id, 1, 1 << 20, &piece), 0);
    assert_int_equal(count(&piece, &s), last);
    uint64_t chain = s.chain;
    /* The next one is not there yet. */
    assert_int_equal(entries(w, id, last + 1, 1 << 20, &piece), 0);
    assert_int_equal(count(&piece, &s), 0);
    assert_true(s.prev_chain == chain);
    assert_int_equal(entries(w, id, last + 2, 1 << 20, &piece), ERR_BEHIND);
    assert_int_equal(entries(w, id, UINT64_MAX, 1 << 20, &piece), ERR_BEHIND);
    /* What is in the log, and not committed, is nobody's yet. */
    raft_index committed = n->raft.commit;
    n->raft.commit = committed - 3;
    assert_int_equal(entries(w, id, 1, 1 << 20, &piece), 0);
    assert_int_equal(count(&piece, &s), committed - 3);
    assert_int_equal(entries(w, id, committed - 1, 1 << 20, &piece),
                     ERR_BEHIND);
    n->raft.commit = committed;
    /* Nor is what was cut. */
    struct store_batch b = STORE_BATCH_INIT;
    journal_cut(n->journal, &b, 4);
    assert_int_equal(store_write(n->store, &b, STORE_LOGGED), 0);
    store_batch_release(&b);
    assert_int_equal(entries(w, id, 3, 1 << 20, &piece), ERR_NOT_FOUND);
    assert_true(node_first_entry(n) == 4);
    assert_int_equal(entries(w, id, 4, 1 << 20, &piece), 0);
    assert_int_equal(count(&piece, &s), last - 3);
    assert_true(s.chain == chain);
    buf_release(&piece);
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_state_is_that_of_the_members),
        cmocka_unit_test(what_no_member_executes_is_refused),
        cmocka_unit_test(a_level_that_is_not_known_ends_it),
        cmocka_unit_test(a_disk_that_is_slow_is_waited_for),
        cmocka_unit_test(entries_are_handed_out_as_far_as_there_are_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
