/*
 * Requests that are not served in time are answered with the reason, which is
 * not always that no leader is known.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/node_internal.h"

#include "world/world.h"

static struct world world;

static void unanswered_in_time(struct world *w, bool refill, bool mute,
                               int read_error, const char *text)
{
    world_init(w, WORLD_NODES, 24);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t slow = (leader + 1) % WORLD_NODES;
    world_run(w, 100);
    w->no_bulk[slow] = true;
    w->nodes[slow].node->raft.recovering = refill;
    w->cut[slow][leader] = mute;
    world_write(w, leader, 1);
    struct world_client *reader = world_client_new(w, slow);
    struct world_client *writer = world_client_new(w, slow);
    assert_int_equal(node_read(w->nodes[slow].node, reader), 0);
    assert_int_equal(world_submit(writer, "set a 1"), 0);
    world_run(w, 50);
    assert_int_equal(reader->reads_ready, 0);
    w->now_ms += 61000;
    world_run(w, 50);
    assert_int_equal(reader->reads_ready, 1);
    assert_int_equal(reader->read_error, read_error);
    assert_memory_equal(writer->out.data, text, strlen(text));
    world_release(w);
}

/* Who is not served in time is told why: the leader is known to this node, and
 * it is this node that lacks something. */
static void test_reasons_for_no_answer(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    unanswered_in_time(w, false, false, ERR_BEHIND,
                       "-UNKNOWN the outcome did not reach this node");
    unanswered_in_time(w, true, false, ERR_REFILL,
                       "-UNKNOWN this node has not been refilled yet");
    unanswered_in_time(w, false, true, ERR_NO_ANSWER,
                       "-UNKNOWN the outcome did not reach this node");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasons_for_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
