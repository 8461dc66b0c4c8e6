/*
 * The state as a whole, handed out for a backup: when it is closed, and that it
 * is that of the entry that it says, also while clients write.
 */
// link: world node store data cmd snapshot
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "node/node_internal.h"
#include "world/world.h"

static struct world world;

static void begin(struct world *w, uint32_t count, uint64_t seed)
{
    world_init(w, count, seed);
    world_write(w, (uint32_t)world_elect(w), 5);
    world_wait_equal(w);
}

/* A thread reads; nothing else waits for it. */
static int position(struct world *w, uint32_t id, uint64_t snapshot,
                    struct node_snapshot_position *out)
{
    const struct timespec pause = {0, 1000000};
    int err = ERR_AGAIN;

    for (int i = 0; i < 60000 && err == ERR_AGAIN; i++) {
        if (i > 0)
            nanosleep(&pause, NULL);
        err = node_snapshot_position(w->nodes[id].node, snapshot, out);
    }
    return err;
}

static int chunk(struct world *w, uint32_t id, uint64_t snapshot,
                 uint64_t number, struct node_snapshot_chunk *out)
{
    const struct timespec pause = {0, 1000000};
    int err = ERR_AGAIN;

    for (int i = 0; i < 60000 && err == ERR_AGAIN; i++) {
        if (i > 0)
            nanosleep(&pause, NULL);
        err = node_snapshot_chunk(w->nodes[id].node, snapshot, number, out);
    }
    return err;
}

/* The hash of all of it, and of which entry it is. */
static uint64_t read_all(struct world *w, uint32_t id, raft_index *index)
{
    struct node *n = w->nodes[id].node;
    struct node_snapshot_position p;
    struct node_snapshot_chunk c = {0};
    uint64_t snapshot = node_snapshot_open(n);
    int err = 0;

    assert_true(snapshot != 0);
    assert_int_equal(position(w, id, snapshot, &p), 0);
    for (uint64_t i = 1; err == 0; i++)
        err = chunk(w, id, snapshot, i, &c);
    assert_int_equal(err, ERR_NOT_FOUND);
    assert_true(node_snapshot_close(n, snapshot));
    *index = p.index;
    return c.hash;
}

/* Time passes for the node alone. */
static void pass(struct world *w, int64_t ms)
{
    int64_t until = w->now_ms + ms;

    while (w->now_ms < until) {
        w->now_ms = MIN(w->now_ms + 50, until);
        world_flush(w);
    }
}

/* A minute after the last question, by the node's clock: not earlier. */
static void test_closed_a_minute_after_the_last_question(void **state)
{
    struct world *w = &world;
    struct node_snapshot_position p;
    struct node_snapshot_chunk c;

    UNUSED(state);
    begin(w, 1, 301);
    struct node *n = w->nodes[0].node;
    uint64_t first = node_snapshot_open(n);
    assert_int_equal(position(w, 0, first, &p), 0);
    pass(w, 59000);
    assert_int_equal(node_snapshot_open(n), 0); /* there is one */
    assert_int_equal(chunk(w, 0, first, 1, &c), 0);
    pass(w, 59000); /* since then */
    assert_int_equal(chunk(w, 0, first, 1, &c), 0);
    assert_true(c.rows.len > 0);
    pass(w, 60200);
    assert_int_equal(chunk(w, 0, first, 1, &c), ERR_CLOSED);
    uint64_t second = node_snapshot_open(n);
    assert_true(second != 0 && second != first);
    /* One that nobody has asked anything of, too. */
    pass(w, 60200);
    assert_int_equal(position(w, 0, second, &p), ERR_CLOSED);
    assert_false(node_snapshot_close(n, second));
    world_release(w);
}

/* What was deleted is to make room, and a view keeps it: half a minute on a
 * disk that is short, and whoever reads is told why. */
static void test_closed_when_space_is_short(void **state)
{
    struct world *w = &world;
    struct node_snapshot_position p;
    struct node_snapshot_chunk c;

    UNUSED(state);
    begin(w, 1, 302);
    struct node *n = w->nodes[0].node;
    uint64_t id = node_snapshot_open(n);
    assert_int_equal(position(w, 0, id, &p), 0);
    node_set_disk_short(n, true);
    pass(w, 29000);
    assert_int_equal(chunk(w, 0, id, 1, &c), 0); /* small ones are finished */
    node_set_disk_short(n, false);
    pass(w, 1000); /* there was room in between */
    node_set_disk_short(n, true);
    pass(w, 29000);
    assert_int_equal(chunk(w, 0, id, 1, &c), 0);
    pass(w, 1500);
    assert_int_equal(chunk(w, 0, id, 1, &c), ERR_SPACE);
    assert_int_equal(position(w, 0, id, &p), ERR_SPACE);
    assert_int_equal(chunk(w, 0, id + 7, 1, &c), ERR_CLOSED);
    assert_null(n->snapshot.view);
    /* Another one may be tried, and gets its time as well. */
    uint64_t next = node_snapshot_open(n);
    assert_int_equal(position(w, 0, next, &p), 0);
    pass(w, 29000);
    assert_int_equal(chunk(w, 0, next, 1, &c), 0);
    pass(w, 1500);
    assert_int_equal(chunk(w, 0, next, 1, &c), ERR_SPACE);
    world_release(w);
}

/* Under load, from whichever member: when two are of the same entry, they are
 * the same to the byte, though each was taken while others wrote. */
static void test_under_load_it_is_that_entry(void **state)
{
    struct world *w = &world;
    uint64_t hashes[2000] = {0};
    uint32_t same = 0;

    UNUSED(state);
    begin(w, WORLD_NODES, 303);
    struct world_client *tc = world_client_new(w, (uint32_t)world_leader(w));
    for (int i = 0; i < 600 && same < 30; i++) {
        char line[48];
        raft_index index;
        snprintf(line, sizeof(line), "append k%d x", i % 7);
        assert_int_equal(world_submit(tc, line), 0);
        world_turn(w);
        uint64_t hash = read_all(w, (uint32_t)i % WORLD_NODES, &index);
        assert_true(index < ARRAY_LEN(hashes) && hash != 0);
        if (hashes[index] != 0) {
            assert_true(hashes[index] == hash);
            same++;
        }
        hashes[index] = hash;
    }
    assert_true(same >= 10);
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_a_minute_after_the_last_question),
        cmocka_unit_test(test_closed_when_space_is_short),
        cmocka_unit_test(test_under_load_it_is_that_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
