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
#include "world/cluster.h"

static struct cluster cluster;

/* The state reaches the disk, and so do the entries that made it and their
 * term: the next leader may need them for somebody else. */
static void test_log_goes_with_the_state(void **state)
{
    struct cluster *c = &cluster;
    struct node_status s;
    UNUSED(state);
    cluster_init(c, CLUSTER_NODES, 21);
    uint32_t leader = (uint32_t)cluster_elect(c);
    uint32_t slow = (leader + 1) % CLUSTER_NODES,
             next = (leader + 2) % CLUSTER_NODES;
    cluster_write(c, leader, 3);
    cluster_wait_applied(c, slow, cluster_applied(c, leader));
    c->stalled[slow] = true;
    assert_true(node_transfer(c->nodes[leader].node, next));
    raft_index applied = cluster_applied(c, leader) + 1; /* the term's first */
    cluster_wait_applied(c, next, applied);
    assert_int_equal(cluster_leader(c), next);
    cluster_wait_applied(c, slow, applied);
    assert_int_equal(store_flush(c->nodes[slow].store, STORE_STATE, true), 0);
    cluster_crash_keep(c, slow, 0);
    c->stalled[slow] = false;
    cluster_start(c, slow);
    node_status(c->nodes[slow].node, &s);
    assert_int_equal(s.first, 1);
    assert_int_equal(s.last, applied);
    cluster_write(c, next, 3);
    cluster_wait_equal(c);
    assert_true(cluster_is_equal(c));
    cluster_release(c);
}

/* The same, and on the disk stood what an old leader never got committed. */
static void test_log_without_its_old_suffix(void **state)
{
    struct cluster *c = &cluster;
    struct node_status s;
    UNUSED(state);
    cluster_init(c, CLUSTER_NODES, 22);
    uint32_t old = (uint32_t)cluster_elect(c);
    uint32_t a = (old + 1) % CLUSTER_NODES, b = (old + 2) % CLUSTER_NODES;
    cluster_write(c, old, 3);
    struct cluster_client *lost = cluster_client_new(c, old);
    c->cut[old][a] = c->cut[a][old] = c->cut[old][b] = c->cut[b][old] = true;
    cluster_link(c, old, a, false);
    cluster_link(c, old, b, false);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(cluster_submit(lost, "append k lost"), 0);
        cluster_turn(c);
    }
    for (int i = 0;
         i < 5000 && (cluster_leader(c) == (int)old || cluster_leader(c) < 0);
         i++)
        cluster_turn(c);
    cluster_write(c, (uint32_t)cluster_leader(c), 3);
    node_status(c->nodes[old].node, &s);
    raft_term term = s.term;
    c->cut[old][a] = c->cut[a][old] = c->cut[old][b] = c->cut[b][old] = false;
    cluster_link(c, old, a, true);
    cluster_link(c, old, b, true);
    for (int i = 0; i < 5000 && s.term == term; i++) {
        cluster_turn(c);
        node_status(c->nodes[old].node, &s);
    }
    cluster_disk_complete(&c->nodes[old]); /* the new term is durable, */
    c->stalled[old] = true;                /* the new entries never will be */
    raft_index applied = cluster_applied(c, (uint32_t)cluster_leader(c));
    cluster_wait_applied(c, old, applied);
    assert_int_equal(store_flush(c->nodes[old].store, STORE_STATE, true), 0);
    cluster_crash_keep(c, old, 0);
    c->stalled[old] = false;
    cluster_start(c, old);
    node_status(c->nodes[old].node, &s);
    assert_int_equal(s.first, 1);
    assert_true(s.last >= applied);
    cluster_wait_equal(c);
    assert_true(cluster_is_equal(c));
    cluster_release(c);
}

/* Damages the log: its last entry, the first of its term, is gone with that
 * term, or one of an older leader stands there. */
static void lose_last_term(struct cluster_node *t, bool replace)
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

/* The log begins anew where the state ends, in the state's term. */
static void test_state_ahead_of_the_log(void **state)
{
    struct cluster *c = &cluster;
    struct node_status s;
    UNUSED(state);
    for (int replace = 0; replace < 2; replace++) {
        cluster_init(c, CLUSTER_NODES, 25);
        uint32_t leader = (uint32_t)cluster_elect(c);
        uint32_t other = (leader + 1) % CLUSTER_NODES,
                 next = (leader + 2) % CLUSTER_NODES;
        cluster_write(c, leader, 3);
        assert_true(node_transfer(c->nodes[leader].node, next));
        raft_index applied =
            cluster_applied(c, leader) + 1; /* the term's first */
        cluster_wait_applied(c, other, applied);
        struct cluster_node *t = &c->nodes[other];
        assert_int_equal(store_flush(t->store, STORE_STATE, true), 0);
        lose_last_term(t, replace);
        cluster_crash(c, other);
        cluster_start(c, other);
        node_status(t->node, &s);
        assert_int_equal(s.first, applied + 1);
        cluster_wait_equal(c);
        assert_true(cluster_is_equal(c));
        cluster_release(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_goes_with_the_state),
        cmocka_unit_test(test_log_without_its_old_suffix),
        cmocka_unit_test(test_state_ahead_of_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
