/*
 * The members compare their states: after the same entry each has the same
 * hash, whatever is written meanwhile, whoever leads, is down or starts again.
 * One that has another row than the majority ends.
 */
// link: world node store data cmd snapshot
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "data/key.h"
#include "data/value.h"
#include "node/node_internal.h"
#include "world/world.h"

static struct world world;

/* --- short forms ---------------------------------------------------------- */

static uint32_t begin(struct world *w, uint32_t count, uint64_t seed)
{
    world_prepare(w, count, seed);
    w->nonces = true;
    world_start_all(w);
    uint32_t leader = (uint32_t)world_elect(w);
    world_write(w, leader, 5);
    world_wait_equal(w);
    return leader;
}

/* Gives the row of a key other bytes: what a wrong program, or a bit that has
 * flipped before the checksum was made, leaves. */
static void corrupt(struct world *w, uint32_t id, const char *bytes)
{
    struct store_batch b = STORE_BATCH_INIT;
    struct buf key = BUF_INIT;
    struct buf row = BUF_INIT;

    key_encode(&key, 0, 0, BYTES_LIT("k"));
    assert_int_equal(
        store_get(w->nodes[id].store, STORE_STATE, buf_view(&key), &row), 0);
    assert_true(row.len >= VALUE_HEADER_SIZE + strlen(bytes));
    memcpy(row.data + row.len - strlen(bytes), bytes, strlen(bytes));
    store_batch_put(&b, STORE_STATE, buf_view(&key), buf_view(&row));
    assert_int_equal(store_write(w->nodes[id].store, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
    buf_release(&key);
    buf_release(&row);
}

static struct compare_status status(struct world *w, uint32_t id)
{
    struct compare_status st;

    node_compare_status(w->nodes[id].node, &st);
    return st;
}

static bool lives(const struct world *w, uint32_t id)
{
    return w->nodes[id].node && w->nodes[id].failure[0] == '\0';
}

static bool is_done(struct world *w, raft_index after)
{
    for (uint32_t i = 0; i < w->count; i++) {
        struct compare_status st;
        if (!lives(w, i))
            continue;
        st = status(w, i);
        if (st.index <= after || st.running)
            return false;
    }
    return true;
}

/* Who has failed takes no part any more. */
static void bury(struct world *w)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->nodes[i].node && !lives(w, i))
            world_crash_keep(w, i, 0);
}

static void ask(struct world *w, uint32_t id)
{
    assert_int_equal(node_compare_ask(w->nodes[id].node), 0);
}

/* Until all that are up have said what they have, or failed. */
static void finish(struct world *w, raft_index after)
{
    for (int i = 0; i < 50000 && !is_done(w, after); i++) {
        world_turn(w);
        bury(w);
    }
    assert_true(is_done(w, after));
}

static void compare(struct world *w, uint32_t id)
{
    raft_index after = status(w, id).index;

    ask(w, id);
    finish(w, after);
}

static enum compare_result result(struct world *w, uint32_t at, uint32_t of)
{
    struct compare_status st = status(w, at);

    for (uint32_t i = 0; i < st.count; i++)
        if (st.members[i].id == of)
            return st.members[i].result;
    assert_true(false);
    return COMPARE_MISSING;
}

static void expect_all(struct world *w, enum compare_result r)
{
    for (uint32_t at = 0; at < w->count; at++)
        for (uint32_t of = 0; of < w->count; of++)
            if (lives(w, at))
                assert_int_equal(result(w, at, of), r);
}

static void expect_equal(struct world *w)
{
    struct compare_status first = status(w, 0);

    expect_all(w, COMPARE_EQUAL);
    for (uint32_t i = 0; i < w->count; i++) {
        struct compare_status st = status(w, i);
        assert_int_equal(st.index, first.index);
        assert_int_equal(st.different + st.undecided, 0);
        for (uint32_t k = 0; k < st.count; k++)
            assert_true(st.members[k].hash == first.members[0].hash &&
                        st.members[k].hash != 0);
    }
}

static void expect_stopped(struct world *w, uint32_t id)
{
    const struct world_node *t = &w->nodes[id];
    const char *begins = "the state of this node is not that of the others: "
                         "after entry ";

    for (int i = 0; i < 50000 && lives(w, id); i++)
        world_turn(w);
    bury(w);
    assert_int_equal(strncmp(t->failure, begins, strlen(begins)), 0);
    assert_int_equal(t->failed_by, ERR_CORRUPT);
    assert_null(t->node);
}

/* --- equal ---------------------------------------------------------------- */

static void test_all_have_the_same(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    for (uint32_t count = 1; count <= WORLD_NODES; count++) {
        begin(w, count, 200 + count);
        for (uint32_t from = 0; from < count; from++) {
            compare(w, from);
            expect_equal(w);
        }
        world_release(w);
    }
}

/* What is written after the mark is in no hash, although it is executed before
 * anything is read: a node that reads late says the same as one that reads at
 * once. The states after two marks differ. */
static void test_of_exactly_that_entry(void **state)
{
    struct world *w = &world;
    uint64_t hashes[2];

    UNUSED(state);
    for (int round = 0; round < 2; round++) {
        uint32_t leader = begin(w, 3, 210);
        struct world_client *tc = world_client_new(w, leader);
        ask(w, leader);
        world_turn(w); /* or they would be in the same entry */
        for (int i = 0; i < 20 * round; i++)
            assert_int_equal(world_submit(tc, "append k later"), 0);
        finish(w, 0);
        expect_equal(w);
        assert_int_equal(tc->answered, tc->asked);
        hashes[round] = status(w, leader).members[0].hash;
        compare(w, leader);
        assert_true(status(w, leader).members[0].hash != hashes[round]);
        world_release(w);
    }
    /* The same entries up to the mark in both rounds. */
    assert_true(hashes[0] == hashes[1]);
}

/* --- different ------------------------------------------------------------ */

/* Leader and followers alike: the one that differs ends, the others see it and
 * serve. */
static void test_the_minority_ends(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    for (uint32_t from = 0; from < WORLD_NODES; from++) {
        for (uint32_t wrong = 0; wrong < WORLD_NODES; wrong++) {
            begin(w, WORLD_NODES, 220 + from);
            corrupt(w, wrong, "?");
            compare(w, from);
            expect_stopped(w, wrong);
            for (uint32_t at = 0; at < WORLD_NODES; at++)
                for (uint32_t of = 0; at != wrong && of < WORLD_NODES; of++)
                    assert_int_equal(result(w, at, of), of == wrong
                                                            ? COMPARE_DIFFERENT
                                                            : COMPARE_EQUAL);
            world_write(w, (uint32_t)world_elect(w), 2);
            world_release(w);
        }
    }
}

/* Its next start has lost all, and is refilled; what was reported of the
 * database before is no reason to end again, in the same life or in the next
 * one. */
static void test_refilled_it_is_equal(void **state)
{
    struct world *w = &world;
    struct grant grant;

    UNUSED(state);
    uint32_t leader = begin(w, WORLD_NODES, 230);
    uint32_t wrong = (leader + 1) % WORLD_NODES;
    corrupt(w, wrong, "?");
    compare(w, leader);
    expect_stopped(w, wrong);
    world_wipe(w, wrong);
    world_ask(w, wrong, 7, &grant);
    w->nodes[wrong].life = grant.life;
    w->nodes[wrong].failure[0] = '\0';
    world_start(w, wrong);
    for (int i = 0; i < 50000 && w->nodes[wrong].node->raft.recovering; i++)
        world_turn(w);
    world_wait_equal(w);
    assert_true(lives(w, wrong));
    /* It has met the mark on its way, and has what the others have. */
    for (int i = 0; i < 50000 && result(w, leader, wrong) == COMPARE_DIFFERENT;
         i++)
        world_turn(w);
    world_wait_equal(w);
    expect_equal(w);
    compare(w, wrong);
    expect_equal(w);
    world_release(w);
}

/* Who has ended meets the verdict again if it is started with the same data. */
static void test_the_verdict_stays(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    uint32_t leader = begin(w, WORLD_NODES, 231);
    uint32_t wrong = (leader + 2) % WORLD_NODES;
    corrupt(w, wrong, "?");
    compare(w, leader);
    expect_stopped(w, wrong);
    w->nodes[wrong].failure[0] = '\0';
    world_start(w, wrong);
    expect_stopped(w, wrong);
    world_release(w);
}

static void expect_undecided(struct world *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        struct compare_status st;
        assert_true(lives(w, i));
        st = status(w, i);
        assert_int_equal(st.different, 0);
        assert_true(st.undecided >= 2);
    }
}

/* Two, and three of three that all differ: nobody knows who is right. */
static void test_without_a_majority_nobody_ends(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    for (uint32_t count = 2; count <= WORLD_NODES; count++) {
        uint32_t leader = begin(w, count, 240 + count);
        corrupt(w, leader, "?");
        if (count > 2)
            corrupt(w, (leader + 1) % count, "!");
        compare(w, leader);
        expect_undecided(w);
        world_write(w, leader, 2);
        world_release(w);
    }
}

/* Two of three with the same wrong row are the majority: a comparison counts
 * heads. */
static void test_the_majority_counts(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    uint32_t leader = begin(w, WORLD_NODES, 245);
    corrupt(w, leader, "?");
    corrupt(w, (leader + 1) % WORLD_NODES, "?");
    compare(w, leader);
    expect_stopped(w, (leader + 2) % WORLD_NODES);
    world_release(w);
}

/* Two of three have said what they have, and differ; the third comes back, and
 * decides. */
static void test_the_third_decides(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    uint32_t leader = begin(w, WORLD_NODES, 246);
    uint32_t wrong = (leader + 1) % WORLD_NODES;
    uint32_t third = (leader + 2) % WORLD_NODES;
    world_crash_keep(w, third, 0);
    corrupt(w, wrong, "?");
    compare(w, leader);
    assert_true(lives(w, leader) && lives(w, wrong));
    assert_int_equal(result(w, leader, wrong), COMPARE_UNDECIDED);
    assert_int_equal(result(w, leader, third), COMPARE_MISSING);
    world_start(w, third);
    expect_stopped(w, wrong);
    assert_true(lives(w, leader) && lives(w, third));
    world_release(w);
}

/* --- not all of them ------------------------------------------------------ */

/* One is down: nobody waits for it. It meets the mark when it comes back. */
static void test_one_is_down(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    uint32_t leader = begin(w, WORLD_NODES, 250);
    uint32_t down = (leader + 1) % WORLD_NODES;
    world_crash_keep(w, down, 0);
    compare(w, leader);
    assert_int_equal(result(w, leader, down), COMPARE_MISSING);
    assert_int_equal(result(w, leader, leader), COMPARE_EQUAL);
    assert_false(status(w, leader).running);
    assert_int_equal(status(w, leader).different, 0);
    world_start(w, down);
    world_wait_equal(w);
    finish(w, 0);
    expect_equal(w);
    world_release(w);
}

/* It starts again between mark and report: with a state from before the mark it
 * has the hash all the same, with one from after it says that it has none. */
static void test_started_in_between(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    for (int flushed = 0; flushed < 2; flushed++) {
        uint32_t leader = begin(w, WORLD_NODES, 251);
        uint32_t other = (leader + 1) % WORLD_NODES;
        struct world_node *t = &w->nodes[other];
        ask(w, leader);
        while (t->node->comparing.index == 0)
            world_turn(w);
        assert_int_equal(t->node->comparing.reported, 0);
        if (flushed)
            assert_int_equal(store_flush(t->store, STORE_STATE, true), 0);
        world_crash_keep(w, other, flushed ? UINT32_MAX : 0);
        world_start(w, other);
        world_wait_equal(w);
        finish(w, 0);
        if (flushed)
            assert_int_equal(result(w, leader, other), COMPARE_UNKNOWN);
        else
            expect_equal(w);
        compare(w, other);
        expect_equal(w);
        world_release(w);
    }
}

static void test_the_leader_changes(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    for (uint32_t turns = 0; turns < 12; turns++) {
        uint32_t leader = begin(w, WORLD_NODES, 260 + turns);
        uint32_t next = (leader + 1) % WORLD_NODES;
        ask(w, (leader + turns) % WORLD_NODES);
        world_run(w, turns);
        bool given =
            turns % 2 == 0 && node_transfer(w->nodes[leader].node, next);
        if (!given)
            world_crash(w, leader);
        world_run(w, 50);
        if (!given)
            world_start(w, leader);
        world_elect(w);
        /* One that was begun is joined. */
        for (int i = 0; i < 50000 && status(w, next).running; i++)
            world_turn(w);
        compare(w, next);
        expect_equal(w);
        world_release(w);
    }
}

/* All ask at once, and again before it has ended: it ends all the same. */
static void test_all_ask(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    begin(w, WORLD_NODES, 270);
    for (int round = 0; round < 3; round++) {
        raft_index after = status(w, 0).index;
        for (int i = 0; i < 30; i++) {
            ask(w, (uint32_t)i % WORLD_NODES);
            world_turn(w);
        }
        finish(w, after);
        expect_equal(w);
    }
    world_release(w);
}

/* A view keeps space: a node whose disk is short has none, before the mark or
 * after it. */
static void test_short_of_space(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    for (int late = 0; late < 2; late++) {
        uint32_t leader = begin(w, WORLD_NODES, 280);
        uint32_t other = (leader + 1) % WORLD_NODES;
        struct node *n = w->nodes[other].node;
        if (!late)
            node_set_disk_short(n, true);
        ask(w, leader);
        while (n->comparing.known.index == 0)
            world_turn(w);
        node_set_disk_short(n, true);
        for (int i = 0; i < 1000 && n->comparing.reported == 0; i++)
            world_turn(w);
        assert_int_equal(n->comparing.index, 0);
        node_set_disk_short(n, false);
        world_wait_equal(w);
        finish(w, 0);
        assert_int_equal(result(w, leader, other), COMPARE_UNKNOWN);
        assert_int_equal(result(w, leader, leader), COMPARE_EQUAL);
        world_release(w);
    }
}

/* --- when ----------------------------------------------------------------- */

static void set_every(struct world *w, int64_t ms)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->nodes[i].node)
            node_set_compare(w->nodes[i].node, ms, 0);
}

/* The leader compares by itself, once in so long, whoever it is. */
static void test_by_itself(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    uint32_t leader = begin(w, WORLD_NODES, 290);
    int64_t until = w->now_ms + 500000;
    while (w->now_ms < until) {
        w->now_ms += 40;
        world_turn(w);
    }
    assert_int_equal(status(w, leader).index, 0); /* 0: never */
    set_every(w, 100000);
    raft_index last = 0;
    uint32_t count = 0;
    int64_t begun = w->now_ms;
    while (w->now_ms < begun + 1000000) {
        w->now_ms += 40;
        world_turn(w);
        if (count == 5 && w->nodes[leader].node) {
            world_crash_keep(w, leader, 0);
            world_start(w, leader);
            set_every(w, 100000);
            count++;
        }
        struct compare_status st = status(w, 0);
        count += st.index > last;
        last = st.index;
    }
    assert_in_range(count, 9, 12);
    set_every(w, 0);
    finish(w, 0);
    world_release(w);
}

/* --- as in a process ------------------------------------------------------ */

/* A thread reads, at a rate; nobody waits for it, and a node that ends
 * meanwhile ends at once. */
static void test_with_a_thread(void **state)
{
    struct world *w = &world;
    const struct timespec pause = {0, 1000000};

    UNUSED(state);
    uint32_t leader = begin(w, WORLD_NODES, 295);
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        w->nodes[i].node->options.compare_in_turn = false;
        node_set_compare(w->nodes[i].node, 0, i == 0 ? 1 : 1 << 20);
    }
    ask(w, leader);
    for (int i = 0; i < 60000; i++) {
        struct compare_status st = status(w, leader);
        if (st.members[1].hash != 0 && st.members[2].hash != 0)
            break;
        world_turn(w);
        nanosleep(&pause, NULL);
    }
    assert_int_equal(result(w, leader, 1), COMPARE_EQUAL);
    assert_int_equal(result(w, leader, 2), COMPARE_EQUAL);
    /* A byte a second: it has not read all of it yet. */
    assert_int_equal(result(w, leader, 0), COMPARE_MISSING);
    assert_true(status(w, leader).running);
    world_release(w);
}

static void test_refused(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    uint32_t leader = begin(w, WORLD_NODES, 297);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        if (i != leader)
            world_crash_keep(w, i, 0);
    for (int i = 0; i < 100000 && node_compare_ask(w->nodes[leader].node) == 0;
         i++) {
        w->now_ms += 100;
        world_turn(w);
    }
    assert_int_equal(node_compare_ask(w->nodes[leader].node), ERR_NO_LEADER);
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_have_the_same),
        cmocka_unit_test(test_of_exactly_that_entry),
        cmocka_unit_test(test_the_minority_ends),
        cmocka_unit_test(test_refilled_it_is_equal),
        cmocka_unit_test(test_the_verdict_stays),
        cmocka_unit_test(test_without_a_majority_nobody_ends),
        cmocka_unit_test(test_the_majority_counts),
        cmocka_unit_test(test_the_third_decides),
        cmocka_unit_test(test_one_is_down),
        cmocka_unit_test(test_started_in_between),
        cmocka_unit_test(test_the_leader_changes),
        cmocka_unit_test(test_all_ask),
        cmocka_unit_test(test_short_of_space),
        cmocka_unit_test(test_by_itself),
        cmocka_unit_test(test_with_a_thread),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
