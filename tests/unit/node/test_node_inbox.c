/*
 * A leader that is sent more than its inbox takes: what it drops is sent again
 * as soon as there is room, not when somebody loses patience.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "codec/frame.h"
#include "node/node_internal.h"

#include "world/cluster.h"

#define PENDING_MAX (64u * 1024u)
#define VALUE_BYTES (700u * 1024u) /* more than nine times that */
#define SOON_MS     1000

static struct cluster cluster;

/* As much as a client may: the last request may be of any size. */
static void submit_large(struct cluster_client *tc, const char *key)
{
    char *value = mem_alloc(VALUE_BYTES);
    memset(value, 'x', VALUE_BYTES);
    struct bytes argv[3] = {BYTES_LIT("append"), bytes_str(key),
                            bytes_of(value, VALUE_BYTES)};
    struct node_submit s = {.argv = argv, .argc = 3};
    assert_true(node_can_submit(tc->home->node));
    tc->asked++;
    assert_int_equal(node_submit(tc->home->node, &s, tc), 0);
    mem_free(value);
}

static bool all_answered(const struct cluster *c)
{
    for (uint32_t i = 0; i < c->client_count; i++)
        if (c->clients[i].answered < c->clients[i].asked)
            return false;
    return true;
}

static void wait_all(struct cluster *c, int64_t ms)
{
    int64_t end_ms = c->now_ms + ms;
    while (c->now_ms < end_ms && !all_answered(c))
        cluster_turn(c);
    assert_true(all_answered(c));
}

static uint32_t begin(struct cluster *c, uint64_t seed)
{
    cluster_prepare(c, CLUSTER_NODES, seed);
    c->pending_bytes_max = PENDING_MAX;
    cluster_start_all(c);
    uint32_t leader = (uint32_t)cluster_elect(c);
    cluster_run(c, 200);
    return leader;
}

static void test_dropped_is_sent_again(void **state)
{
    struct cluster *c = &cluster;
    UNUSED(state);
    for (uint64_t seed = 70; seed < 74; seed++) {
        uint32_t leader = begin(c, seed);
        struct cluster_client *one =
            cluster_client_new(c, (leader + 1) % CLUSTER_NODES);
        struct cluster_client *two =
            cluster_client_new(c, (leader + 2) % CLUSTER_NODES);
        for (int i = 0; i < 3; i++) {
            submit_large(one, "a");
            submit_large(two, "b");
            node_flush(one->home->node);
            node_flush(two->home->node);
            cluster_deliver_type(c, FRAME_FORWARD);
            struct node *n = c->nodes[leader].node;
            assert_in_range(n->inbox.bytes.len, VALUE_BYTES,
                            VALUE_BYTES + 1000);
            wait_all(c, SOON_MS);
            assert_int_equal(cluster_leader(c), leader);
        }
        cluster_release(c);
    }
}

/* What came behind the dropped one is not taken, but sent again with it: all
 * in their order, each once. */
static void test_order_is_kept(void **state)
{
    struct cluster *c = &cluster;
    struct buf expected = BUF_INIT;
    UNUSED(state);
    uint32_t leader = begin(c, 81);
    struct cluster_client *one =
        cluster_client_new(c, (leader + 1) % CLUSTER_NODES);
    struct cluster_client *two =
        cluster_client_new(c, (leader + 2) % CLUSTER_NODES);
    submit_large(one, "a");
    node_flush(one->home->node);
    for (int i = 1; i <= 30; i++) {
        assert_int_equal(cluster_submit(two, "incr n"), 0);
        node_flush(two->home->node);
        if (i == 10)
            cluster_deliver_type(
                c, FRAME_FORWARD); /* dropped, the next are taken */
        if (i == 20)
            cluster_turn(c);
        buf_printf(&expected, ":%d\r\n", i);
    }
    wait_all(c, SOON_MS);
    assert_true(bytes_eq(buf_view(&two->out), buf_view(&expected)));
    buf_release(&expected);
    cluster_release(c);
}

static void say_room(struct cluster *c, uint32_t from, uint32_t to)
{
    struct node *n = c->nodes[to].node;
    assert_int_equal(node_receive(n, from, FRAME_FORWARD, BYTES_NONE), 0);
    node_flush(n);
}

static uint32_t forwards(const struct cluster *c)
{
    uint32_t count = 0;
    const struct world_message *m = c->queue.head;
    for (; m != NULL; m = m->next)
        count += m->frame_type == FRAME_FORWARD;
    return count;
}

/* That there is room concerns only those who forward, and only the leader can
 * say so. */
static void test_who_says_there_is_room(void **state)
{
    struct cluster *c = &cluster;
    struct node_status before, after;
    UNUSED(state);
    uint32_t leader = begin(c, 82);
    uint32_t other = (leader + 1) % CLUSTER_NODES;
    struct cluster_client *tc = cluster_client_new(c, other);
    assert_int_equal(cluster_submit(tc, "incr n"), 0);
    node_flush(tc->home->node);
    assert_int_equal(forwards(c), 1);
    say_room(c, (leader + 2) % CLUSTER_NODES, other);
    assert_int_equal(forwards(c), 1);
    say_room(c, leader, other);
    assert_int_equal(forwards(c), 2);
    wait_all(c, SOON_MS);
    tc = cluster_client_new(c, leader);
    assert_int_equal(cluster_submit(tc, "incr n"), 0);
    node_flush(tc->home->node);
    node_status(c->nodes[leader].node, &before);
    say_room(c, other, leader);
    node_status(c->nodes[leader].node, &after);
    assert_int_equal(after.last, before.last); /* no copy in the log */
    wait_all(c, SOON_MS);
    assert_true(bytes_eq(buf_view(&tc->out), BYTES_LIT(":2\r\n")));
    cluster_release(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dropped_is_sent_again),
        cmocka_unit_test(test_order_is_kept),
        cmocka_unit_test(test_who_says_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
