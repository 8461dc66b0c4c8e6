// link: raft_cluster base
/*
 * A member whose disk has lost promises (raft_recover.c): what it must not
 * do, and how it ends. The schedule that needs the barrier is in
 * script/recover.txt; test_random.c loses disks at random.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "script/cluster.h"

enum { A, B, C };

static struct cluster *three(void)
{
    struct raft_config config = {.cluster_id = 7,
                                 .election_timeout_ms = 100,
                                 .heartbeat_ms = 20,
                                 .peer_down_delay_ms = 10,
                                 .append_entries_max = 6,
                                 .window_max = 3,
                                 .seed = 1};
    struct cluster *c = cluster_new(&config, 3, 1, 0);

    cluster_tick(c, A, 250); /* A asks first, and leads term 1 */
    cluster_settle(c, 1000);
    assert_int_equal(cluster_leader(c), A);
    cluster_propose(c, A, 4);
    cluster_settle(c, 1000);
    cluster_run(c, 40);
    assert_int_equal(c->nodes[C].core.commit, 5);
    return c;
}

static void end(struct cluster *c)
{
    cluster_check(c);
    assert_string_equal(c->failure, "");
    cluster_free(c);
}

/* Its links come up, as seen from both ends. */
static void restart(struct cluster *c, uint32_t pos)
{
    cluster_restart(c, pos, 0);
    for (uint32_t i = 0; i < c->count; i++) {
        if (i != pos && c->nodes[i].up) {
            cluster_link(c, i, pos, true);
            cluster_link(c, pos, i, true);
        }
    }
}

static void lose(struct cluster *c, uint32_t pos, raft_index last)
{
    cluster_crash(c, pos, 0);
    cluster_lose(c, pos, last);
    restart(c, pos);
    assert_true(c->nodes[pos].core.recovering);
}

static void test_refilled(void **state)
{
    struct cluster *c = three();

    UNUSED(state);
    lose(c, C, 0);
    cluster_run(c, 200);
    const struct raft *r = &c->nodes[C].core;
    assert_false(r->recovering);
    assert_false(c->nodes[C].disk.recovering);
    assert_int_equal(r->commit, 6); /* the barrier is one entry more */
    assert_int_equal(r->vote, 1);   /* the leader, for the rest of the term */
    assert_int_equal(c->nodes[A].core.progress[C].match, 6);
    assert_false(c->nodes[A].core.progress[C].recovering);
    cluster_run(c, 200);
    assert_int_equal(c->nodes[A].core.last, 6); /* and no second one */
    lose(c, C, 6);
    cluster_run(c, 200);
    assert_false(c->nodes[C].core.recovering);
    assert_int_equal(c->nodes[A].core.last, 7); /* a new loss, a new barrier */
    end(c);
}

/* Alone with one whole member it is of no use to it. */
static void test_counts_for_nothing(void **state)
{
    struct cluster *c = three();

    UNUSED(state);
    cluster_crash(c, B, 0);
    lose(c, C, 3);
    cluster_propose(c, A, 1);
    cluster_run(c, 80);
    assert_true(raft_is_leader(&c->nodes[A].core));
    assert_true(c->nodes[C].core.verified >= 6); /* it does take entries */
    assert_int_equal(c->nodes[A].core.progress[C].match, 0);
    assert_true(c->nodes[A].core.progress[C].recovering);
    assert_int_equal(c->nodes[A].core.commit, 5);
    cluster_run(c, 100);
    assert_false(raft_is_leader(&c->nodes[A].core)); /* no contact either */
    cluster_run(c, 2000);
    assert_int_equal(cluster_leader(c), -1); /* no vote, no pre-vote */
    assert_true(c->nodes[C].core.recovering);
    assert_int_equal(c->nodes[C].core.role, RAFT_FOLLOWER);
    restart(c, B);
    cluster_run(c, 600);
    assert_true(cluster_leader(c) >= 0);
    assert_false(c->nodes[C].core.recovering);
    end(c);
}

/* Nor is leadership handed to it, unless it is named. */
static void test_no_target(void **state)
{
    struct cluster *c = three();

    UNUSED(state);
    cluster_crash(c, B, 0);
    cluster_link(c, A, B, false);
    lose(c, C, 3);
    cluster_run(c, 40);
    cluster_step(
        c, A, (struct raft_event){.type = RAFT_EV_TRANSFER, .peer = NODE_NONE});
    assert_int_equal(c->nodes[A].core.transfer_to, NODE_NONE);
    end(c);
}

/* A vote is asked of it directly, as after a transfer, without pre-vote. */
static void test_votes_for_nobody(void **state)
{
    struct cluster *c = three();
    struct raft_message m = {.type = RAFT_MSG_VOTE,
                             .cluster_id = 7,
                             .from = 2,
                             .to = 3,
                             .from_incarnation = 1,
                             .term = 9,
                             .index = 50,
                             .index_term = 8,
                             .transfer = true};
    struct raft_event event = {
        .type = RAFT_EV_MESSAGE, .now_ms = 1000, .message = &m};

    UNUSED(state);
    lose(c, C, 0);
    struct raft r = c->nodes[C].core;
    raft_step(&r, &event, &c->out);
    assert_int_equal(r.term, 9);
    assert_int_equal(r.vote, NODE_NONE);
    assert_int_equal(c->out.message_count, 1);
    assert_int_equal(c->out.messages[0].type, RAFT_MSG_VOTE_REPLY);
    assert_false(c->out.messages[0].granted);
    end(c);
}

/* A message, or else a sync and the end of an iteration of one node. */
static void one_thing(struct cluster *c, uint32_t pos)
{
    if (c->wire_count > 0) {
        cluster_deliver(c, 0, false);
        return;
    }
    if (c->nodes[pos].write_count > 0) {
        cluster_durable(c, pos, 1);
    }
    cluster_tick(c, pos, 1);
    cluster_flush(c, pos);
}

/* No step of it is believed before it is on the disk. */
static void test_end_is_durable(void **state)
{
    struct cluster *c = three();

    UNUSED(state);
    lose(c, C, 0);
    for (int i = 0; i < 4000 && c->nodes[C].core.recovering; i++) {
        one_thing(c, (uint32_t)i % 3);
    }
    assert_false(c->nodes[C].core.recovering);
    assert_true(c->nodes[C].disk.recovering);
    cluster_flush(c, C);
    for (uint32_t i = 0; i < c->wire_count; i++) {
        assert_true(c->wires[i].m.from != 3 || c->wires[i].m.recovering);
    }
    cluster_crash(c, C, 0);
    restart(c, C);
    assert_true(c->nodes[C].core.recovering);
    cluster_run(c, 200);
    assert_false(c->nodes[C].core.recovering);
    end(c);
}

/* One step of a core of its own. */
static void alone(struct raft *r, struct raft_event event, struct raft_out *out)
{
    event.now_ms = 1;
    raft_step(r, &event, out);
}

/* Node 3 of 1, 2, 3 kept its vote of term 5 for 2; 1 leads, entry 1 is the
 * barrier, received and not durable yet. */
static void receive_barrier(struct raft *r, struct raft_out *out)
{
    struct raft_config config = {.cluster_id = 7,
                                 .self = 3,
                                 .incarnation = 9,
                                 .election_timeout_ms = 100,
                                 .heartbeat_ms = 20,
                                 .peer_down_delay_ms = 10,
                                 .append_entries_max = 6,
                                 .window_max = 3,
                                 .seed = 1};
    struct raft_start start = {.term = 5,
                               .vote = 2,
                               .log_first = 1,
                               .recovering = true,
                               .members = {{3, {1, 2, 3}, 7, 0, {0}}},
                               .members_count = 1};
    struct raft_message m = {.type = RAFT_MSG_APPEND,
                             .cluster_id = 7,
                             .from = 1,
                             .to = 3,
                             .from_incarnation = 4,
                             .to_incarnation = 9,
                             .term = 5,
                             .count = 1,
                             .run_count = 1,
                             .runs = {{1, 5}},
                             .commit = 1,
                             .barrier = 1};

    raft_init(r, &config, &start, 0);
    alone(r, (struct raft_event){.type = RAFT_EV_MESSAGE, .message = &m}, out);
    assert_int_equal(r->commit, 1);
    assert_int_equal(r->barrier, 1);
    assert_true(r->recovering);
}

static void test_keeps_its_vote(void **state)
{
    struct cluster *c = three();
    struct raft r;

    UNUSED(state);
    receive_barrier(&r, &c->out);
    alone(&r,
          (struct raft_event){.type = RAFT_EV_DURABLE, .seq = 1, .index = 1},
          &c->out);
    assert_false(r.recovering);
    assert_true(c->out.write.recovered);
    assert_int_equal(c->out.write.vote, 2);
    end(c);
}

/* The leader is gone before the end: then there is nobody to vote for. */
static void test_no_end_without_leader(void **state)
{
    struct cluster *c = three();
    struct raft r;

    UNUSED(state);
    receive_barrier(&r, &c->out);
    alone(&r,
          (struct raft_event){
              .type = RAFT_EV_PEER_UP, .peer = 1, .incarnation = 5},
          &c->out);
    assert_int_equal(r.leader, NODE_NONE);
    alone(&r,
          (struct raft_event){.type = RAFT_EV_DURABLE, .seq = 1, .index = 1},
          &c->out);
    assert_true(r.recovering);
    end(c);
}

/* A barrier is of one term's leader, and forgotten with it. */
static void test_barrier_of_another_term(void **state)
{
    struct cluster *c = three();
    struct raft r;
    struct raft_message m = {.type = RAFT_MSG_HEARTBEAT,
                             .cluster_id = 7,
                             .from = 2,
                             .to = 3,
                             .from_incarnation = 4,
                             .to_incarnation = 9,
                             .term = 6};

    UNUSED(state);
    receive_barrier(&r, &c->out);
    alone(&r, (struct raft_event){.type = RAFT_EV_MESSAGE, .message = &m},
          &c->out);
    assert_int_equal(r.leader, 2);
    assert_int_equal(r.barrier, 0);
    end(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refilled),
        cmocka_unit_test(test_counts_for_nothing),
        cmocka_unit_test(test_no_target),
        cmocka_unit_test(test_keeps_its_vote),
        cmocka_unit_test(test_no_end_without_leader),
        cmocka_unit_test(test_barrier_of_another_term),
        cmocka_unit_test(test_votes_for_nobody),
        cmocka_unit_test(test_end_is_durable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
