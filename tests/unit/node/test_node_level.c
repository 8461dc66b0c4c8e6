/*
 * Members of two versions: what the later one knows is used when all can, by
 * an entry of the log, and until then nobody can tell them apart.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "data/level.h"
#include "node/node_internal.h"
#include "world/world.h"

#define UNKNOWN                                                                \
    "-ERR unknown command 'vard.next', with args beginning with: 'k' 'v' "     \
    "\r\n"

static struct world world;

static uint16_t level_at(struct world *w, uint32_t id)
{
    return node_level(w->nodes[id].node);
}

/* One for each node is enough: there is room for few. */
static struct world_client *client_of(struct world *w, uint32_t id)
{
    struct world_client *tc = NULL;

    for (uint32_t i = 0; i < w->client_count && !tc; i++)
        if (w->clients[i].home == &w->nodes[id])
            tc = &w->clients[i];
    if (!tc)
        tc = world_client_new(w, id);
    buf_reset(&tc->out);
    return tc;
}

/* A client of each node in turn asks for the same. */
static void expect_everywhere(struct world *w, const char *line,
                              const char *reply)
{
    for (uint32_t i = 0; i < w->count; i++) {
        struct world_client *tc = client_of(w, i);
        assert_int_equal(world_submit(tc, line), 0);
        world_wait_answered(w, tc);
        buf_u8(&tc->out, '\0');
        assert_string_equal((const char *)tc->out.data, reply);
    }
    world_wait_equal(w);
    assert_true(world_is_equal(w));
}

static void roll(struct world *w, uint32_t id, uint16_t level_max)
{
    world_crash_keep(w, id, UINT32_MAX);
    w->level_max[id] = level_max;
    world_start(w, id);
    world_wait_equal(w);
}

static void wait_level(struct world *w, uint16_t level)
{
    for (int i = 0; i < 20000; i++) {
        bool all = true;
        for (uint32_t id = 0; id < w->count; id++)
            all = all && level_at(w, id) == level;
        if (all)
            return;
        world_turn(w);
    }
    fail_msg("the level is not %u", level);
}

/* What is not to come does not come, however long it takes. */
static void expect_level(struct world *w, uint16_t level)
{
    int64_t until_ms = w->now_ms + 12000;

    while (w->now_ms < until_ms)
        world_turn(w); /* a leader stays */
    for (uint32_t id = 0; id < w->count; id++)
        assert_int_equal(level_at(w, id), level);
}

static void lead_by(struct world *w, uint32_t id)
{
    for (int i = 0; i < 20000 && world_leader(w) != (int)id; i++) {
        int leader = world_leader(w);
        if (leader >= 0 && i % 100 == 0)
            (void)!node_transfer(w->nodes[leader].node, id);
        world_turn(w);
    }
    assert_int_equal(world_leader(w), id);
    world_wait_equal(w);
}

static void test_mixed(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    for (uint32_t old = 0; old < WORLD_NODES; old++) {
        world_prepare(w, WORLD_NODES, 60 + old);
        for (uint32_t i = 0; i < WORLD_NODES; i++)
            w->level_max[i] = i == old ? 0 : LEVEL_NEXT;
        world_start_all(w);
        assert_true(world_elect(w) >= 0);
        for (uint32_t leader = 0; leader < WORLD_NODES; leader++) {
            lead_by(w, leader);
            expect_everywhere(w, "vard.next k v", UNKNOWN);
            expect_everywhere(w, "set k v", "+OK\r\n");
            expect_everywhere(w, "set k w vard.next", "-ERR syntax error\r\n");
            expect_everywhere(w, "vard.get k",
                              "*3\r\n$1\r\nk\r\n$1\r\nv\r\n$1\r\nv\r\n");
            expect_everywhere(w, "flushall", "+OK\r\n");
        }
        expect_level(w, LEVEL_MIN);
        world_release(w);
    }
}

/* One after the other; the leader waits for the last, and a little longer. */
static void test_raised(void **state)
{
    struct world *w = &world;
    raft_index at;

    UNUSED(state);
    world_init(w, WORLD_NODES, 70);
    assert_true(world_elect(w) >= 0);
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        expect_everywhere(w, "vard.next k v", UNKNOWN);
        expect_level(w, LEVEL_MIN);
        roll(w, i, LEVEL_NEXT);
    }
    expect_everywhere(w, "vard.next k v", UNKNOWN);
    wait_level(w, LEVEL_NEXT);
    expect_everywhere(w, "vard.next k v", "+OK\r\n");
    expect_everywhere(w, "set k w vard.next", "+OK\r\n");
    const struct configuration *c = node_configuration(w->nodes[0].node, &at);
    assert_int_equal(c->level, LEVEL_NEXT);
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        assert_int_equal(c->members[i].level_min, LEVEL_MIN);
        assert_int_equal(c->members[i].level_max, LEVEL_NEXT);
    }
    raft_index raised_at = at;
    expect_level(w, LEVEL_NEXT); /* once is enough */
    (void)node_configuration(w->nodes[0].node, &at);
    assert_int_equal(at, raised_at);
    world_release(w);
}

/* A request that was in the log before the level was raised is executed as it
 * was then, by who executes it later, and again after a restart. */
static void test_by_its_entry(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    world_prepare(w, WORLD_NODES, 80);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        w->level_max[i] = LEVEL_NEXT;
    world_start_all(w);
    assert_true(world_elect(w) >= 0);
    expect_everywhere(w, "vard.next k v", UNKNOWN);
    expect_everywhere(w, "set k old ex 100 vard.next", "-ERR syntax error\r\n");
    wait_level(w, LEVEL_NEXT);
    expect_everywhere(w, "vard.next n v", "+OK\r\n");
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        world_crash_keep(w, i, UINT32_MAX); /* the state was never flushed */
        world_start(w, i);
        world_wait_equal(w);
        assert_true(world_is_equal(w));
        assert_int_equal(level_at(w, i), LEVEL_NEXT);
    }
    expect_everywhere(w, "vard.get k", "*3\r\n$1\r\nk\r\n$-1\r\n$-1\r\n");
    world_release(w);
}

/* The entry that has raised it is gone from the log; the level is not. */
static void test_after_a_cut(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    world_prepare(w, WORLD_NODES, 81);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        w->level_max[i] = LEVEL_NEXT;
    world_start_all(w);
    assert_true(world_elect(w) >= 0);
    wait_level(w, LEVEL_NEXT);
    raft_index at;
    (void)node_configuration(w->nodes[0].node, &at);
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        node_set_log_size(w->nodes[i].node, 1, 1);
        w->nodes[i].node->options.log_cut_margin = 0;
    }
    for (int i = 0; i < 200 && w->nodes[0].node->raft.first <= at; i++) {
        world_write(w, 0, 1);
        w->client_count = 0;
        for (uint32_t id = 0; id < WORLD_NODES; id++)
            assert_int_equal(store_flush(w->nodes[id].store, STORE_STATE, true),
                             0);
        world_run(w, 100);
    }
    assert_true(w->nodes[0].node->raft.first > at);
    roll(w, 0, LEVEL_NEXT);
    assert_int_equal(level_at(w, 0), LEVEL_NEXT);
    expect_everywhere(w, "vard.next k v", "+OK\r\n");
    world_release(w);
}

/* --- by hand ------------------------------------------------------------- */

static void expect_refusal(struct world *w, uint32_t id, uint16_t level,
                           int err, const char *text)
{
    struct buf why = BUF_INIT;

    assert_int_equal(node_raise_level(w->nodes[id].node, level, &why), err);
    buf_u8(&why, '\0');
    if (!strstr((const char *)why.data, text))
        fail_msg("%s", (const char *)why.data);
    buf_release(&why);
}

static void expect_waits(struct world *w, uint32_t id, const char *text)
{
    struct buf why = BUF_INIT;
    struct node_levels l;

    node_levels(w->nodes[id].node, &l, &why);
    assert_int_equal(l.level, level_at(w, id));
    assert_int_equal(l.count, WORLD_NODES);
    buf_u8(&why, '\0');
    if (text[0] == '\0')
        assert_string_equal((const char *)why.data, "");
    else if (!strstr((const char *)why.data, text))
        fail_msg("%s", (const char *)why.data);
    buf_release(&why);
}

static void test_by_hand(void **state)
{
    struct world *w = &world;
    struct buf why = BUF_INIT;

    UNUSED(state);
    world_init(w, WORLD_NODES, 90);
    assert_true(world_elect(w) >= 0);
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        expect_waits(w, i, "");
        node_set_level_auto(w->nodes[i].node, false);
    }
    roll(w, 0, LEVEL_NEXT);
    node_set_level_auto(w->nodes[0].node, false);
    lead_by(w, 0);
    expect_waits(w, 0, "node 1 knows the levels 1 to 1");
    expect_waits(w, 1, "node 1 knows the levels 1 to 1");
    expect_refusal(w, 0, LEVEL_NEXT, ERR_MISMATCH, "node 1 knows");
    roll(w, 1, LEVEL_NEXT);
    node_set_level_auto(w->nodes[1].node, false);
    lead_by(w, 0);
    expect_refusal(w, 0, LEVEL_NEXT, ERR_MISMATCH, "node 2 knows");
    world_crash_keep(w, 2, UINT32_MAX);
    world_run(w, 20);
    expect_refusal(w, 0, LEVEL_NEXT, ERR_MISMATCH, "node 2 is not linked");
    w->level_max[2] = LEVEL_NEXT;
    world_start(w, 2);
    node_set_level_auto(w->nodes[2].node, false);
    lead_by(w, 0);
    expect_level(w, LEVEL_MIN);
    lead_by(w, 0);
    expect_waits(w, 0, "level-auto");
    expect_refusal(w, 1, LEVEL_NEXT, ERR_AGAIN, "does not lead");
    expect_refusal(w, 0, LEVEL_MIN, ERR_INVALID, "already");
    expect_refusal(w, 0, LEVEL_NEXT + 1, ERR_INVALID, "1 to 2");
    assert_int_equal(node_raise_level(w->nodes[0].node, LEVEL_NEXT, &why), 0);
    expect_waits(w, 0, "in the log");
    wait_level(w, LEVEL_NEXT);
    expect_waits(w, 0, "");
    expect_refusal(w, 0, LEVEL_MIN, ERR_INVALID, "never lowered");
    expect_refusal(w, 0, LEVEL_NEXT, ERR_INVALID, "already");
    buf_release(&why);
    world_release(w);
}

/* --- the way back -------------------------------------------------------- */

static void expect_no_start(struct world *w, uint32_t id)
{
    struct buf error = BUF_INIT;
    struct node *n = NULL;
    struct world_boot how = {.options = world_options(id, WORLD_NODES),
                             .env = world_env(&w->nodes[id]),
                             .disk = &w->nodes[id].disk};

    assert_int_equal(world_boot(&n, &how, &error), ERR_MISMATCH);
    assert_null(n);
    buf_u8(&error, '\0');
    if (!strstr((const char *)error.data, "reached level 2, and this program"))
        fail_msg("%s", (const char *)error.data);
    buf_release(&error);
}

static void test_way_back(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    world_init(w, WORLD_NODES, 100);
    assert_true(world_elect(w) >= 0);
    roll(w, 0, LEVEL_NEXT);
    roll(w, 1, LEVEL_NEXT);
    roll(w, 0, 0);
    roll(w, 1, 0); /* as if nothing had been */
    expect_everywhere(w, "vard.next k v", UNKNOWN);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        roll(w, i, LEVEL_NEXT);
    wait_level(w, LEVEL_NEXT);
    world_wait_equal(w);
    world_crash_keep(w, 0, UINT32_MAX); /* of the log, and of the state */
    expect_no_start(w, 0);
    world_release(w);
}

/* No leader lowers it, and what says so is not taken. */
static void test_never_lowered(void **state)
{
    struct world *w = &world;
    struct buf record = BUF_INIT;

    UNUSED(state);
    world_prepare(w, WORLD_NODES, 110);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        w->level_max[i] = LEVEL_NEXT;
    world_start_all(w);
    assert_true(world_elect(w) >= 0);
    wait_level(w, LEVEL_NEXT);
    struct node *n = w->nodes[0].node;
    struct configuration c = n->membership.newest;
    c.level = LEVEL_MIN;
    configuration_encode(&c, &record);
    struct entry e = {.index = n->membership.applied_at + 1,
                      .kind = ENTRY_CONFIG,
                      .payload = buf_view(&record)};
    assert_int_equal(node_members_check(n, &e), ERR_MISMATCH);
    e.index = n->membership.applied_at; /* an old one, sent again */
    assert_int_equal(node_members_check(n, &e), 0);
    buf_release(&record);
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_raised),
        cmocka_unit_test(test_by_its_entry),
        cmocka_unit_test(test_after_a_cut),
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_way_back),
        cmocka_unit_test(test_never_lowered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
