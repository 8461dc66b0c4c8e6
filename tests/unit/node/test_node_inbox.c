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

#include "world/world.h"

#define PENDING_MAX (64u * 1024u)
#define VALUE_BYTES (700u * 1024u) /* more than nine times that */
#define SOON_MS     1000

static struct world world;

/* As much as a client may: the last request may be of any size. */
static void submit_large(struct world_client *tc, const char *key)
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

static bool all_answered(const struct world *w)
{
    for (uint32_t i = 0; i < w->client_count; i++)
        if (w->clients[i].answered < w->clients[i].asked)
            return false;
    return true;
}

static void wait_all(struct world *w, int64_t ms)
{
    int64_t end_ms = w->now_ms + ms;
    while (w->now_ms < end_ms && !all_answered(w))
        world_turn(w);
    assert_true(all_answered(w));
}

static uint32_t begin(struct world *w, uint64_t seed)
{
    world_prepare(w, WORLD_NODES, seed);
    w->pending_bytes_max = PENDING_MAX;
    world_start_all(w);
    uint32_t leader = (uint32_t)world_elect(w);
    world_run(w, 200);
    return leader;
}

static void test_dropped_is_sent_again(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (uint64_t seed = 70; seed < 74; seed++) {
        uint32_t leader = begin(w, seed);
        struct world_client *one =
            world_client_new(w, (leader + 1) % WORLD_NODES);
        struct world_client *two =
            world_client_new(w, (leader + 2) % WORLD_NODES);
        for (int i = 0; i < 3; i++) {
            submit_large(one, "a");
            submit_large(two, "b");
            node_flush(one->home->node);
            node_flush(two->home->node);
            world_deliver_type(w, FRAME_FORWARD);
            struct node *n = w->nodes[leader].node;
            assert_in_range(n->inbox.bytes.len, VALUE_BYTES,
                            VALUE_BYTES + 1000);
            wait_all(w, SOON_MS);
            assert_int_equal(world_leader(w), leader);
        }
        world_release(w);
    }
}

/* What came behind the dropped one is not taken, but sent again with it: all
 * in their order, each once. */
static void test_order_is_kept(void **state)
{
    struct world *w = &world;
    struct buf expected = BUF_INIT;
    UNUSED(state);
    uint32_t leader = begin(w, 81);
    struct world_client *one = world_client_new(w, (leader + 1) % WORLD_NODES);
    struct world_client *two = world_client_new(w, (leader + 2) % WORLD_NODES);
    submit_large(one, "a");
    node_flush(one->home->node);
    for (int i = 1; i <= 30; i++) {
        assert_int_equal(world_submit(two, "incr n"), 0);
        node_flush(two->home->node);
        if (i == 10)
            world_deliver_type(w,
                               FRAME_FORWARD); /* dropped, the next are taken */
        if (i == 20)
            world_turn(w);
        buf_printf(&expected, ":%d\r\n", i);
    }
    wait_all(w, SOON_MS);
    assert_true(bytes_eq(buf_view(&two->out), buf_view(&expected)));
    buf_release(&expected);
    world_release(w);
}

static void say_room(struct world *w, uint32_t from, uint32_t to)
{
    struct node *n = w->nodes[to].node;
    assert_int_equal(node_receive(n, from, FRAME_FORWARD, BYTES_NONE), 0);
    node_flush(n);
}

static uint32_t forwards(const struct world *w)
{
    uint32_t count = 0;
    const struct world_message *m = w->queue.head;
    for (; m != NULL; m = m->next)
        count += m->frame_type == FRAME_FORWARD;
    return count;
}

/* That there is room concerns only those who forward, and only the leader can
 * say so. */
static void test_who_says_there_is_room(void **state)
{
    struct world *w = &world;
    struct node_status before, after;
    UNUSED(state);
    uint32_t leader = begin(w, 82);
    uint32_t other = (leader + 1) % WORLD_NODES;
    struct world_client *tc = world_client_new(w, other);
    assert_int_equal(world_submit(tc, "incr n"), 0);
    node_flush(tc->home->node);
    assert_int_equal(forwards(w), 1);
    say_room(w, (leader + 2) % WORLD_NODES, other);
    assert_int_equal(forwards(w), 1);
    say_room(w, leader, other);
    assert_int_equal(forwards(w), 2);
    wait_all(w, SOON_MS);
    tc = world_client_new(w, leader);
    assert_int_equal(world_submit(tc, "incr n"), 0);
    node_flush(tc->home->node);
    node_status(w->nodes[leader].node, &before);
    say_room(w, other, leader);
    node_status(w->nodes[leader].node, &after);
    assert_int_equal(after.last, before.last); /* no copy in the log */
    wait_all(w, SOON_MS);
    assert_true(bytes_eq(buf_view(&tc->out), BYTES_LIT(":2\r\n")));
    world_release(w);
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
