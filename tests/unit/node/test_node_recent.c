/*
 * Reads of what a node has, if that is recent (READONLY).
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/node_internal.h"

#include "world/world.h"

static struct world world;

static void wait_read(struct world *w, struct world_client *tc)
{
    uint32_t before = tc->reads_ready;
    for (int i = 0; i < 5000 && tc->reads_ready == before; i++)
        world_turn(w);
    assert_int_equal(tc->reads_ready, before + 1);
}

/* What a client gets at once if it may be so old; "": nothing. */
static const char *read_recent(struct world_client *tc, int64_t max_ms)
{
    buf_reset(&tc->out);
    tc->read_key = "a";
    size_t before = tc->reads_ready;
    assert_int_equal(node_read_recent(tc->home->node, tc, max_ms), 0);
    node_flush(tc->home->node);
    if (tc->reads_ready == before)
        return "";
    buf_u8(&tc->out, '\0');
    return (const char *)tc->out.data;
}

static void cut_off(struct world *w, uint32_t id, bool cut)
{
    for (uint32_t i = 0; i < w->count; i++)
        w->cut[i][id] = w->cut[id][i] = cut;
}

/* READONLY: a follower serves what it has as long as it hears of a leader, and
 * has all that was committed a moment ago; then it asks as for any read. */
static void test_recent_reads(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 38);
    int leader = world_elect(w);
    assert_true(leader >= 0);
    uint32_t id = (uint32_t)(leader + 1) % WORLD_NODES;
    struct world_client *tc = world_client_new(w, id);
    struct world_client *writer = world_client_new(w, (uint32_t)leader);
    assert_int_equal(world_submit(writer, "set a 1"), 0);
    world_wait_answered(w, writer);
    world_wait_equal(w);
    world_run(w, 300);
    assert_string_equal(read_recent(tc, 1000), "$1\r\n1\r\n");
    assert_string_equal(read_recent(tc, 0), ""); /* it asks the leader */
    wait_read(w, tc);
    /* Cut off, it does not know of what is written then, for so long. */
    cut_off(w, id, true);
    assert_int_equal(world_submit(writer, "set a 2"), 0);
    world_wait_answered(w, writer);
    assert_string_equal(read_recent(tc, 60000), "$1\r\n1\r\n");
    assert_string_equal(read_recent(tc, 1), "");
    int64_t heard_ms = tc->home->node->reads.recent_ms;
    world_run(w, 500);
    assert_int_equal(tc->home->node->reads.recent_ms, heard_ms);
    int64_t age_ms = tc->home->node->mono_ms - heard_ms;
    assert_true(age_ms >= 500);
    assert_string_equal(read_recent(tc, age_ms), "$1\r\n1\r\n");
    assert_string_equal(read_recent(tc, age_ms - 1), "");
    cut_off(w, id, false);
    world_elect(w);
    world_wait_equal(w);
    world_run(w, 300);
    if (world_leader(w) != (int)id)
        assert_string_equal(read_recent(tc, 1000), "$1\r\n2\r\n");
    world_release(w);
}

/* It hears of a leader, and lacks what that has committed. */
static void test_recent_only_if_applied(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 39);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t id = (leader + 1) % WORLD_NODES;
    struct world_client *tc = world_client_new(w, id);
    world_run(w, 300);
    assert_string_equal(read_recent(tc, 1000), "$-1\r\n");
    w->no_bulk[id] = true; /* entries do not come, heartbeats do */
    world_write(w, leader, 1);
    world_run(w, 1000);
    struct node *n = tc->home->node;
    assert_true(n->raft.leader_commit > keyspace_applied(n->ks)->index);
    assert_true(n->mono_ms - n->raft.leader_heard_ms < 500);
    assert_string_equal(read_recent(tc, 500), "");
    w->no_bulk[id] = false;
    wait_read(w, tc); /* it was asked as any other read */
    world_wait_equal(w);
    world_run(w, 300);
    assert_string_not_equal(read_recent(tc, 500), "");
    world_release(w);
}

/* A leader that is new knows less than was committed before it: what it says is
 * no measure until an entry of its term is applied. */
static void test_not_by_a_new_leader(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 40);
    uint32_t leader = (uint32_t)world_elect(w);
    struct world_client *tc = world_client_new(w, (leader + 1) % WORLD_NODES);
    world_run(w, 300);
    struct node *n = tc->home->node;
    n->reads.recent_ms = 0;
    n->raft.term++; /* of which it has no entry */
    assert_int_equal(node_read_recent(n, tc, 1000), 0);
    n->raft.term--;
    assert_int_equal(n->reads.recent.count, 0);
    wait_read(w, tc); /* it was asked as any other read */
    assert_int_equal(node_read_recent(n, tc, 1000), 0);
    assert_int_equal(n->reads.recent.count, 1);
    wait_read(w, tc);
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recent_reads),
        cmocka_unit_test(test_recent_only_if_applied),
        cmocka_unit_test(test_not_by_a_new_leader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
