/*
 * What a node finds on its disk when it starts again: log and state are
 * joined, whichever of them got further.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/record.h"
#include "node/node_internal.h"
#include "world/world.h"

static struct world world;

/* The state reaches the disk, and so do the entries that made it and their
 * term: the next leader may need them for somebody else. */
static void test_log_goes_with_the_state(void **state)
{
    struct world *w = &world;
    struct node_status s;
    UNUSED(state);
    world_init(w, WORLD_NODES, 21);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t slow = (leader + 1) % WORLD_NODES,
             next = (leader + 2) % WORLD_NODES;
    world_write(w, leader, 3);
    world_wait_applied(w, slow, world_applied(w, leader));
    w->stalled[slow] = true;
    assert_true(node_transfer(w->nodes[leader].node, next));
    raft_index applied = world_applied(w, leader) + 1; /* the term's first */
    world_wait_applied(w, next, applied);
    assert_int_equal(world_leader(w), next);
    world_wait_applied(w, slow, applied);
    assert_int_equal(store_flush(w->nodes[slow].store, STORE_STATE, true), 0);
    world_crash_keep(w, slow, 0);
    w->stalled[slow] = false;
    world_start(w, slow);
    node_status(w->nodes[slow].node, &s);
    assert_int_equal(world_measured(w, slow, METRIC_raft_first_index), 1);
    assert_int_equal(s.last, applied);
    world_write(w, next, 3);
    world_wait_equal(w);
    assert_true(world_is_equal(w));
    world_release(w);
}

/* The same, and on the disk stood what an old leader never got committed. */
static void test_log_without_its_old_suffix(void **state)
{
    struct world *w = &world;
    struct node_status s;
    UNUSED(state);
    world_init(w, WORLD_NODES, 22);
    uint32_t old = (uint32_t)world_elect(w);
    uint32_t a = (old + 1) % WORLD_NODES, b = (old + 2) % WORLD_NODES;
    world_write(w, old, 3);
    struct world_client *lost = world_client_new(w, old);
    w->cut[old][a] = w->cut[a][old] = w->cut[old][b] = w->cut[b][old] = true;
    world_link(w, old, a, false);
    world_link(w, old, b, false);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(world_submit(lost, "append k lost"), 0);
        world_turn(w);
    }
    for (int i = 0;
         i < 5000 && (world_leader(w) == (int)old || world_leader(w) < 0); i++)
        world_turn(w);
    world_write(w, (uint32_t)world_leader(w), 3);
    node_status(w->nodes[old].node, &s);
    raft_term term = s.term;
    w->cut[old][a] = w->cut[a][old] = w->cut[old][b] = w->cut[b][old] = false;
    world_link(w, old, a, true);
    world_link(w, old, b, true);
    for (int i = 0; i < 5000 && s.term == term; i++) {
        world_turn(w);
        node_status(w->nodes[old].node, &s);
    }
    world_complete_sync(&w->nodes[old]); /* the new term is durable, */
    w->stalled[old] = true;              /* the new entries never will be */
    raft_index applied = world_applied(w, (uint32_t)world_leader(w));
    world_wait_applied(w, old, applied);
    assert_int_equal(store_flush(w->nodes[old].store, STORE_STATE, true), 0);
    world_crash_keep(w, old, 0);
    w->stalled[old] = false;
    world_start(w, old);
    node_status(w->nodes[old].node, &s);
    assert_int_equal(world_measured(w, old, METRIC_raft_first_index), 1);
    assert_true(s.last >= applied);
    world_wait_equal(w);
    assert_true(world_is_equal(w));
    world_release(w);
}

/* Damages the log: its last entry, the first of its term, is gone with that
 * term, or one of an older leader stands there. */
static void lose_last_term(struct world_node *t, bool replace)
{
    struct store_batch b = STORE_BATCH_INIT;
    struct buf raw = BUF_INIT;
    struct journal *log = t->node->journal;
    struct entry e = {.index = journal_last(log),
                      .term = t->node->raft.term - 1,
                      .seed = 1,
                      .kind = ENTRY_EMPTY};

    journal_truncate(log, &b, e.index);
    hard_state_encode(&(struct hard_state){.term = e.term, .vote = NODE_NONE},
                      &raw);
    store_batch_put(&b, STORE_META, BYTES_LIT("g0/hard"), buf_view(&raw));
    entry_seal(&e);
    if (replace)
        journal_append(log, &b, &e);
    assert_int_equal(store_write(t->store, &b, STORE_LOGGED), 0);
    assert_int_equal(store_sync(t->store), 0);
    store_batch_release(&b);
    buf_release(&raw);
}

/* A log of more terms than the core keeps, and a state that is further behind
 * than one turn applies: the journal has what the core has forgotten. */
static void test_state_behind_the_core(void **state)
{
    const raft_index terms = 2048 + RAFT_RUNS_MAX + 10;
    struct world *w = &world;
    struct store_batch b = STORE_BATCH_INIT;
    struct buf raw = BUF_INIT;
    UNUSED(state);
    world_init(w, 1, 26);
    struct world_node *t = &w->nodes[0];
    struct journal *log = t->node->journal;
    for (raft_index i = journal_last(log) + 1; i <= terms; i++) {
        struct entry e = {.index = i, .term = i, .kind = ENTRY_EMPTY};
        entry_seal(&e);
        journal_append(log, &b, &e);
    }
    hard_state_encode(&(struct hard_state){.term = terms, .vote = NODE_NONE},
                      &raw);
    store_batch_put(&b, STORE_META, BYTES_LIT("g0/hard"), buf_view(&raw));
    assert_int_equal(store_write(t->store, &b, STORE_LOGGED), 0);
    assert_int_equal(store_sync(t->store), 0);
    store_batch_release(&b);
    buf_release(&raw);
    world_crash_keep(w, 0, 0);
    world_start(w, 0);
    world_flush(w);
    assert_true(world_applied(w, 0) + 1 < t->node->raft.first);
    world_wait_applied(w, 0, t->node->raft.first - 1);
    world_release(w);
}

/* The log begins anew where the state ends, in the state's term. */
static void test_state_ahead_of_the_log(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (int replace = 0; replace < 2; replace++) {
        world_init(w, WORLD_NODES, 25);
        uint32_t leader = (uint32_t)world_elect(w);
        uint32_t other = (leader + 1) % WORLD_NODES,
                 next = (leader + 2) % WORLD_NODES;
        world_write(w, leader, 3);
        assert_true(node_transfer(w->nodes[leader].node, next));
        raft_index applied =
            world_applied(w, leader) + 1; /* the term's first */
        world_wait_applied(w, other, applied);
        struct world_node *t = &w->nodes[other];
        assert_int_equal(store_flush(t->store, STORE_STATE, true), 0);
        lose_last_term(t, replace);
        world_crash(w, other);
        world_start(w, other);
        assert_int_equal(world_measured(w, other, METRIC_raft_first_index),
                         applied + 1);
        world_wait_equal(w);
        assert_true(world_is_equal(w));
        world_release(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_goes_with_the_state),
        cmocka_unit_test(test_log_without_its_old_suffix),
        cmocka_unit_test(test_state_behind_the_core),
        cmocka_unit_test(test_state_ahead_of_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
