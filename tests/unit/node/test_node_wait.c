/*
 * While an entry is on its way, a leader's next one waits for its commit: what
 * comes meanwhile goes together. Not for long, and not if it is much.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "codec/frame.h"
#include "node/node_internal.h"

#include "world/cluster.h"

static struct cluster cluster;
static struct node *leader;
static struct cluster_client *own; /* of the leader */
static struct cluster_client *other;

static raft_index last(void)
{
    return journal_last(leader->journal);
}

static void flush_leader(void)
{
    node_set_time(leader, cluster.now_ms, WORLD_WALL_MS + cluster.now_ms);
    node_flush(leader);
}

static void submit(struct cluster_client *tc, size_t size)
{
    char *value = mem_alloc(size);
    memset(value, 'x', size);
    struct bytes argv[3] = {BYTES_LIT("append"), BYTES_LIT("k"),
                            bytes_of(value, size)};
    struct node_submit s = {.argv = argv, .argc = 3};
    tc->asked++;
    assert_int_equal(node_submit(tc->home->node, &s, tc), 0);
    mem_free(value);
}

/* Through the other node: its requests arrive, and nothing else. */
static void forward(size_t size)
{
    submit(other, size);
    node_flush(other->home->node);
    cluster_deliver_type(&cluster, FRAME_FORWARD);
}

/* Idle nodes; then one entry, which nothing answers yet. */
static int begin(void **state)
{
    UNUSED(state);
    cluster_init(&cluster, CLUSTER_NODES, 91);
    uint32_t id = (uint32_t)cluster_elect(&cluster);
    cluster_wait_equal(&cluster);
    for (int i = 0; i < 200 || cluster.queue.count > 0; i++)
        cluster_turn(&cluster);
    leader = cluster.nodes[id].node;
    own = cluster_client_new(&cluster, id);
    other = cluster_client_new(&cluster, (id + 1) % CLUSTER_NODES);
    cluster.now_ms += 10;
    flush_leader();
    raft_index before = last();
    submit(own, 1);
    assert_true(node_deadline_ms(leader) == cluster.now_ms);
    flush_leader();
    assert_int_equal(last(), before + 1);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    cluster_wait_answered(&cluster, own);
    cluster_wait_answered(&cluster, other);
    cluster_release(&cluster);
    return 0;
}

static void test_waits_for_the_commit(void **state)
{
    raft_index before = last();
    UNUSED(state);
    for (int i = 0; i < 3; i++) {
        submit(own, 1);
        forward(1);
        flush_leader();
        assert_int_equal(last(), before);
    }
    for (int i = 0; i < 1000 && leader->raft.commit < before; i++) {
        cluster.frozen = true;
        cluster_turn(&cluster);
    }
    cluster.frozen = false;
    flush_leader();
    /* One stretch of the inbox, one group of our own. */
    assert_int_equal(last(), before + 2);
    cluster_wait_answered(&cluster, own);
    cluster_wait_answered(&cluster, other);
    assert_true(last() <= before + 2);
}

/* Until then no turn is asked for, and after it none. */
static void test_not_for_long(void **state)
{
    raft_index before = last();
    UNUSED(state);
    submit(own, 1);
    for (int i = 0; i < ENTRY_WAIT_MS; i++) {
        flush_leader();
        assert_int_equal(last(), before);
        assert_true(node_deadline_ms(leader) ==
                    cluster.now_ms - i + ENTRY_WAIT_MS);
        cluster.now_ms++;
    }
    flush_leader();
    assert_int_equal(last(), before + 1);
    assert_true(node_deadline_ms(leader) > cluster.now_ms);
    /* And from then again. */
    forward(1);
    flush_leader();
    assert_int_equal(last(), before + 1);
    assert_true(node_deadline_ms(leader) == cluster.now_ms + ENTRY_WAIT_MS);
}

static void test_not_if_it_is_much(void **state)
{
    raft_index before = last();
    UNUSED(state);
    forward(60000);
    flush_leader();
    assert_int_equal(last(), before);
    submit(own, 5000);
    flush_leader();
    assert_int_equal(last(), before); /* 65000 and some: below 64 KiB */
    submit(own, 600);
    assert_true(node_deadline_ms(leader) == cluster.now_ms);
    flush_leader();
    assert_int_equal(last(), before + 2);
}

/* Nor does a group that is full. */
static void test_not_a_whole_group(void **state)
{
    raft_index before = last();
    UNUSED(state);
    submit(own, 1u << 20); /* entry_bytes_max */
    submit(own, 1);
    flush_leader();
    assert_int_equal(last(), before + 2);
}

/* Nor what is to be sent again. */
static void test_not_sent_again(void **state)
{
    raft_index before = last();
    UNUSED(state);
    node_requests_resend(leader);
    submit(own, 1);
    flush_leader();
    assert_int_equal(last(), before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_waits_for_the_commit, begin, end),
        cmocka_unit_test_setup_teardown(test_not_for_long, begin, end),
        cmocka_unit_test_setup_teardown(test_not_if_it_is_much, begin, end),
        cmocka_unit_test_setup_teardown(test_not_a_whole_group, begin, end),
        cmocka_unit_test_setup_teardown(test_not_sent_again, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
