// link: raft_check raft base
/*
 * X13: the monitor knows that a disk lost what was promised, and lets its
 * node promise nothing before it has been refilled.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/alloc.h"
#include "check/check.h"

struct story {
    struct check *c;
    struct raft core; /* of node 1 of 0, 1, 2 */
    struct raft_out *out;
};

static void start(struct story *s, uint64_t incarnation, bool recovering)
{
    struct raft_config config = {.cluster_id = 7,
                                 .self = 1,
                                 .incarnation = incarnation,
                                 .election_timeout_ms = 100,
                                 .heartbeat_ms = 20,
                                 .peer_down_delay_ms = 10,
                                 .append_entries_max = 6,
                                 .window_max = 3,
                                 .seed = 1};
    struct raft_start disk = {.vote = NODE_NONE,
                              .log_first = 1,
                              .recovering = recovering,
                              .members = {{3, {0, 1, 2}, 7, 0, {0}}},
                              .members_count = 1};

    raft_init(&s->core, &config, &disk, 0);
    check_start(s->c, 1, &s->core);
}

static const node_id ids[] = {0, 1, 2};

static int setup(void **state)
{
    struct story *s = mem_zalloc(sizeof(*s));

    s->c = mem_zalloc(sizeof(*s->c));
    s->out = mem_zalloc(sizeof(*s->out));
    check_init(s->c, ids, 3);
    start(s, 1, false);
    check_crash(s->c, 1, 0);
    check_lost(s->c, 1, 0, NODE_NONE, 0);
    assert_null(s->c->violation);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct story *s = *state;

    mem_free(s->c);
    mem_free(s->out);
    mem_free(s);
    return 0;
}

/* A made-up step of node 1 that sends this. */
static const char *sends(struct story *s, struct raft_message m)
{
    struct raft_event event = {.type = RAFT_EV_FLUSH};
    struct check_step step = {.pos = 1,
                              .before = &s->core,
                              .after = &s->core,
                              .event = &event,
                              .out = s->out};

    m.cluster_id = 7;
    m.from = 1;
    m.to = 2;
    m.from_incarnation = s->core.config.incarnation;
    s->out->messages[0] = m;
    s->out->message_count = 1;
    check_step(s->c, &step);
    return s->c->violation;
}

static void test_refusal_is_fine(void **state)
{
    struct story *s = *state;

    start(s, 2, true);
    assert_null(sends(s, (struct raft_message){.type = RAFT_MSG_PRE_VOTE_REPLY,
                                               .recovering = true}));
}

static void test_grant(void **state)
{
    struct story *s = *state;

    start(s, 2, true);
    const char *v =
        sends(s, (struct raft_message){.type = RAFT_MSG_PRE_VOTE_REPLY,
                                       .term = 1,
                                       .granted = true,
                                       .recovering = true});
    assert_non_null(v);
    assert_memory_equal(v, "X13 ", 4);
}

static void test_acknowledgement(void **state)
{
    struct story *s = *state;

    start(s, 2, true);
    const char *v =
        sends(s, (struct raft_message){.type = RAFT_MSG_APPEND_REPLY,
                                       .match = 1,
                                       .verified = 1,
                                       .recovering = true});
    assert_non_null(v);
    assert_memory_equal(v, "X13 ", 4);
}

static void test_says_nothing_of_it(void **state)
{
    struct story *s = *state;

    start(s, 2, true);
    const char *v =
        sends(s, (struct raft_message){.type = RAFT_MSG_HEARTBEAT_REPLY});
    assert_non_null(v);
    assert_memory_equal(v, "X13 ", 4);
}

static void test_campaigns(void **state)
{
    struct story *s = *state;

    start(s, 2, true);
    const char *v =
        sends(s, (struct raft_message){
                     .type = RAFT_MSG_PRE_VOTE, .term = 1, .recovering = true});
    assert_non_null(v);
    assert_memory_equal(v, "X13 ", 4);
}

static void test_start_forgets(void **state)
{
    struct story *s = *state;

    start(s, 2, false);
    assert_non_null(s->c->violation);
    assert_memory_equal(s->c->violation, "X13 ", 4);
}

static void test_lost_more_than_there_was(void **state)
{
    struct story *s = *state;

    check_lost(s->c, 1, 0, NODE_NONE, 1);
    assert_non_null(s->c->violation);
    assert_memory_equal(s->c->violation, "X2 ", 3);
}

/* A node that begins anew beside its old self: each has its own disk, votes and
 * promises. */
static void test_two_selves(void **state)
{
    struct story *s = *state;
    struct check *c = s->c;
    struct check_node *n = &c->nodes[2];

    check_init(c, ids, 3);
    n->incarnation = 1;
    n->disk.last = 2;
    n->disk.at[1] = (struct check_entry){1, 11};
    n->disk.at[2] = (struct check_entry){3, 12};
    n->disk_term = 4;
    n->disk_vote = 0;
    c->votes[2][4] = 0;
    check_wiped(c, 2, 1, true);
    assert_true(n->disk_recovering);
    assert_int_equal(n->incarnation, 0);
    assert_int_equal(n->lost_in, 1);
    assert_int_equal(n->disk.last, 1);
    assert_int_equal(n->disk.at[1].hash, 11);
    assert_int_equal(n->disk.at[2].hash, 0);
    assert_int_equal(n->disk_term, 1);
    assert_int_equal(n->disk_vote, NODE_NONE);
    assert_int_equal(c->votes[2][4], NODE_NONE);
    n->disk_term = 5;
    c->votes[2][5] = 1;
    check_swap(c);
    assert_false(n->disk_recovering);
    assert_int_equal(n->disk.last, 2);
    assert_int_equal(n->disk_term, 4);
    assert_int_equal(c->votes[2][4], 0);
    assert_int_equal(c->votes[2][5], NODE_NONE);
    assert_int_equal(c->twin_votes[5], 1);
    check_swap(c);
    assert_true(n->disk_recovering);
    assert_int_equal(n->disk_term, 5);
    assert_int_equal(c->votes[2][5], 1);
    assert_int_equal(c->twin_votes[4], 0);
    assert_null(c->violation);
}

/* One that does not know that it is an older copy promises at once. */
static void test_blind_copy(void **state)
{
    struct story *s = *state;

    check_init(s->c, ids, 3);
    start(s, 1, false);
    check_wiped(s->c, 1, 0, false);
    start(s, 2, false);
    assert_null(s->c->violation);
    assert_null(
        sends(s, (struct raft_message){.type = RAFT_MSG_PRE_VOTE, .term = 1}));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refusal_is_fine),
        TEST(test_grant),
        TEST(test_acknowledgement),
        TEST(test_says_nothing_of_it),
        TEST(test_campaigns),
        TEST(test_start_forgets),
        TEST(test_lost_more_than_there_was),
        TEST(test_two_selves),
        TEST(test_blind_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
