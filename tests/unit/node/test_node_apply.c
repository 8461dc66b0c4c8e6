/*
 * A store without room for more of the state: what is committed waits in the
 * log, the loop goes on, and nothing is answered before it is applied.
 */
// link: node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Not all of the cluster is needed here. */
#pragma GCC diagnostic ignored "-Wunused-function"
#include "unit/node/node_cluster.h"

static struct test_cluster cluster;

static struct node_status status_of(uint32_t id)
{
    struct node_status s;
    node_status(cluster.nodes[id].node, &s);
    return s;
}

/* The leader of a new cluster. */
static uint32_t start(struct test_cluster *c, uint64_t seed)
{
    cluster_init(c, NODES, seed);
    int leader = cluster_elect(c);
    assert_true(leader >= 0);
    return (uint32_t)leader;
}

static void test_full_leader(void **state)
{
    struct test_cluster *c = &cluster;
    UNUSED(state);
    uint32_t at = start(c, 3);
    uint32_t other = (at + 1) % NODES;
    struct node_status before = status_of(at);
    struct test_client *writer = client_new(c, at);
    struct test_client *reader = client_new(c, other);

    store_memory_set_full(c->nodes[at].store, true);
    assert_int_equal(client_submit(writer, "set k v"), 0);
    cluster_run(c, 1200); /* some eight election timeouts */
    struct node_status s = status_of(at);
    assert_int_equal(s.role, RAFT_LEADER);
    assert_int_equal(s.term, before.term);
    assert_true(s.commit > before.commit);
    assert_int_equal(s.applied, before.applied);
    assert_int_equal(writer->answered, 0);
    assert_int_equal(status_of(other).applied, s.commit);
    /* It looks again soon, but does not spin. */
    flush_all(c);
    int64_t wait_ms = node_deadline_ms(c->nodes[at].node) - c->now_ms;
    assert_in_range(wait_ms, 1, 10);

    /* A follower has it already, and may be asked. */
    reader->read_key = "k";
    assert_int_equal(node_read(reader->home->node, reader), 0);
    cluster_run(c, 500);
    assert_int_equal(reader->reads_ready, 1);
    assert_int_equal(reader->read_error, 0);
    assert_true(bytes_eq(buf_view(&reader->out), BYTES_LIT("$1\r\nv\r\n")));

    store_memory_set_full(c->nodes[at].store, false);
    flush_all(c);
    assert_int_equal(writer->answered, 1);
    assert_true(bytes_eq(buf_view(&writer->out), BYTES_LIT("+OK\r\n")));
    assert_int_equal(status_of(at).applied, status_of(at).commit);
    cluster_release(c);
}

/* Without room for longer than a write to the log may take, another leads. */
static void test_full_for_long(void **state)
{
    struct test_cluster *c = &cluster;
    UNUSED(state);
    uint32_t at = start(c, 4);
    struct test_client *writer = client_new(c, at);

    store_memory_set_full(c->nodes[at].store, true);
    assert_int_equal(client_submit(writer, "set k v"), 0);
    int64_t begin_ms = c->now_ms;
    while (cluster_leader(c) == (int)at && c->now_ms - begin_ms < 20000)
        cluster_turn(c);
    assert_in_range(c->now_ms - begin_ms, 5000, 7000);
    cluster_run(c, 500);
    int other = cluster_leader(c);
    assert_true(other >= 0 && other != (int)at);
    assert_int_equal(writer->answered, 0);
    struct test_client *another = client_new(c, (uint32_t)other);
    assert_int_equal(client_submit(another, "get k"), 0);
    cluster_run(c, 500);
    assert_int_equal(another->answered, 1);
    assert_true(bytes_eq(buf_view(&another->out), BYTES_LIT("$1\r\nv\r\n")));
    store_memory_set_full(c->nodes[at].store, false);
    cluster_run(c, 10);
    assert_int_equal(writer->answered, 1);
    cluster_release(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_leader),
        cmocka_unit_test(test_full_for_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
