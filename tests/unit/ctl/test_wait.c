/*
 * Waiting, for nodes that answer what a test says: how the goals differ, and
 * when it ends.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "ctl/ctl.h"
#include "os/clock.h"
#include "unit/client/fake_server.h"

/* The reply to INFO of a node; each test has a few. */
static char texts[8][1024];
static size_t text_count;

static PRINTF(1, 2) const char *info(const char *format, ...)
{
    char text[900];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    assert_true(text_count < 8);
    char *reply = texts[text_count++];
    snprintf(reply, sizeof(texts[0]), "$%zu\r\n%s\r\n", strlen(text), text);
    return reply;
}

#define LEADER                                                                 \
    "raft_role:leader\r\nraft_node_id:1\r\nraft_leader_id:1\r\n"               \
    "raft_term:4\r\nraft_nodes:2\r\nraft_commit_index:9\r\n"                   \
    "raft_applied_index:9\r\nraft_node_2:link=up,state=%s,lag=0\r\n"
#define FOLLOWER                                                               \
    "raft_role:follower\r\nraft_node_id:2\r\nraft_leader_id:%d\r\n"            \
    "raft_term:4\r\nraft_nodes:2\r\nraft_commit_index:9\r\n"                   \
    "raft_applied_index:%d\r\nraft_node_1:link=up,state=up\r\n"

static int reach(struct fixture *f, const char *goal, int64_t timeout_ms)
{
    int number = wait_goal(goal);
    assert_true(number >= 0);
    return wait_for(&f->cluster, number, timeout_ms);
}

static void only_what_exists_can_be_waited_for(void **state)
{
    UNUSED(state);
    static const char *const wrong[] = {"", "health", "Healthy", "caught"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(wait_goal(wrong[i]), -1);
    assert_int_not_equal(wait_goal("ready"), wait_goal("leader"));
}

static void all_goals_are_reached_by_a_healthy_cluster(void **state)
{
    struct fixture *f = *state;
    static const char *const goals[] = {"healthy", "ready", "leader",
                                        "caught-up"};
    text_count = 0;
    add_node(f, info(LEADER, "replicate"));
    add_node(f, info(FOLLOWER, 1, 9));
    for (size_t i = 0; i < ARRAY_LEN(goals); i++)
        assert_int_equal(reach(f, goals[i], 0), CTL_GOOD);
}

static void it_ends_when_the_goal_is_reached(void **state)
{
    struct fixture *f = *state;
    text_count = 0;
    struct fake *two = add_node(f, info(FOLLOWER, -1, 0));
    two->steps[two->step_count++] = info(FOLLOWER, 1, 9);
    add_node(f, info(LEADER, "replicate"));
    int64_t start_ms = clock_mono_ms();
    assert_int_equal(reach(f, "healthy", 20000), CTL_GOOD);
    assert_true(clock_mono_ms() - start_ms < 10000);
    assert_true(asked(two) >= 2);
}

/* However little time there is, a node has the time to answer. */
static void a_slow_answer_counts(void **state)
{
    struct fixture *f = *state;
    text_count = 0;
    add_node(f, info(LEADER, "replicate"))->delay_ms = 100;
    add_node(f, info(FOLLOWER, 1, 9));
    assert_int_equal(reach(f, "healthy", 0), CTL_GOOD);
}

static void it_ends_when_the_time_is_up(void **state)
{
    struct fixture *f = *state;
    text_count = 0;
    struct fake *one = add_node(f, info(LEADER, "probe"));
    add_node(f, info(FOLLOWER, 1, 0));
    assert_int_equal(reach(f, "healthy", 0), CTL_NO);
    assert_int_equal(asked(one), 1);
    int64_t start_ms = clock_mono_ms();
    assert_int_equal(reach(f, "leader", 300), CTL_NO);
    assert_true(clock_mono_ms() - start_ms >= 300);
    assert_true(asked(one) >= 3); /* the one of before, now, and at the end */
}

/* The leader is well, and node 3 follows it; node 2 does not. */
static void ready_is_about_the_nodes_that_were_given(void **state)
{
    struct fixture *f = *state;
    char named[64];
    text_count = 0;
    struct fake *two = add_fake(f, info(FOLLOWER, 1, 9));
    snprintf(named, sizeof(named), "client_address=127.0.0.1:%u,link=up",
             two->port);
    add_node(f, info("raft_role:leader\r\nraft_node_id:1\r\n"
                     "raft_leader_id:1\r\nraft_term:4\r\nraft_nodes:3\r\n"
                     "raft_commit_index:9\r\nraft_applied_index:9\r\n"
                     "raft_node_3:link=up,state=replicate\r\n"
                     "raft_node_2:%s,state=replicate,lag=5000\r\n",
                     named));
    assert_int_equal(reach(f, "ready", 0), CTL_GOOD);
    assert_int_equal(reach(f, "healthy", 0), CTL_NO);
    two->steps[0] = info(FOLLOWER, -1, 9);
    assert_int_equal(reach(f, "ready", 0), CTL_GOOD);
    know_port(f, two->port);
    f->cluster.nodes[1].discovered = false;
    assert_int_equal(reach(f, "ready", 0), CTL_NO);
}

static void caught_up_is_what_was_committed_then(void **state)
{
    struct fixture *f = *state;
    text_count = 0;
    add_node(f, info(LEADER, "replicate"));
    struct fake *two = add_node(f, info(FOLLOWER, 1, 8));
    assert_int_equal(reach(f, "ready", 0), CTL_GOOD);
    assert_int_equal(reach(f, "caught-up", 0), CTL_NO);
    two->steps[two->step_count++] = info(FOLLOWER, 1, 9);
    assert_int_equal(reach(f, "caught-up", 20000), CTL_GOOD);
}

static void nobody_catches_up_with_nobody(void **state)
{
    struct fixture *f = *state;
    text_count = 0;
    add_node(f, info(FOLLOWER, -1, 9));
    assert_int_equal(reach(f, "caught-up", 0), CTL_NO);
    assert_int_equal(reach(f, "leader", 0), CTL_NO);
}

/* Each try would count as an attempt to guess it. */
static void a_refused_password_ends_it(void **state)
{
    struct fixture *f = *state;
    struct fake *one = add_node(f, "-NOAUTH Authentication required.\r\n");
    assert_int_equal(reach(f, "healthy", 20000), CTL_REFUSED);
    assert_int_equal(asked(one), 1);
}

static void another_error_may_pass(void **state)
{
    struct fixture *f = *state;
    text_count = 0;
    struct fake *two = add_node(f, "-LOADING it begins\r\n");
    two->steps[two->step_count++] = info(FOLLOWER, 1, 9);
    add_node(f, info(LEADER, "replicate"));
    assert_int_equal(reach(f, "healthy", 20000), CTL_GOOD);
}

static void nodes_that_come_up_are_waited_for(void **state)
{
    struct fixture *f = *state;
    text_count = 0;
    struct fake *two = add_node(f, DROPS);
    two->steps[two->step_count++] = DROPS;
    two->steps[two->step_count++] = info(FOLLOWER, 1, 9);
    add_node(f, info(LEADER, "replicate"));
    assert_int_equal(reach(f, "caught-up", 20000), CTL_GOOD);
    assert_true(asked(two) >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_what_exists_can_be_waited_for),
        TEST(all_goals_are_reached_by_a_healthy_cluster),
        TEST(it_ends_when_the_goal_is_reached),
        TEST(a_slow_answer_counts),
        TEST(it_ends_when_the_time_is_up),
        TEST(ready_is_about_the_nodes_that_were_given),
        TEST(caught_up_is_what_was_committed_then),
        TEST(nobody_catches_up_with_nobody),
        TEST(a_refused_password_ends_it),
        TEST(another_error_may_pass),
        TEST(nodes_that_come_up_are_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
