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

#include "world/world.h"

static struct world world;
static struct node *leader;
static struct world_client *own; /* of the leader */
static struct world_client *other;

static raft_index last(void)
{
    return journal_last(leader->journal);
}

static void flush_leader(void)
{
    node_set_time(leader, world.now_ms, WORLD_WALL_MS + world.now_ms);
    node_flush(leader);
}

static void submit(struct world_client *tc, size_t size)
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
    world_deliver_type(&world, FRAME_FORWARD);
}

/* Idle nodes; then one entry, which nothing answers yet. */
static int begin(void **state)
{
    UNUSED(state);
    world_init(&world, WORLD_NODES, 91);
    uint32_t id = (uint32_t)world_elect(&world);
    world_wait_equal(&world);
    for (int i = 0; i < 200 || world.queue.count > 0; i++)
        world_turn(&world);
    leader = world.nodes[id].node;
    own = world_client_new(&world, id);
    other = world_client_new(&world, (id + 1) % WORLD_NODES);
    world.now_ms += 10;
    flush_leader();
    raft_index before = last();
    submit(own, 1);
    assert_true(node_deadline_ms(leader) == world.now_ms);
    flush_leader();
    assert_int_equal(last(), before + 1);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    world_wait_answered(&world, own);
    world_wait_answered(&world, other);
    world_release(&world);
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
        world.frozen = true;
        world_turn(&world);
    }
    world.frozen = false;
    flush_leader();
    /* One stretch of the inbox, one parcel of our own. */
    assert_int_equal(last(), before + 2);
    world_wait_answered(&world, own);
    world_wait_answered(&world, other);
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
                    world.now_ms - i + ENTRY_WAIT_MS);
        world.now_ms++;
    }
    flush_leader();
    assert_int_equal(last(), before + 1);
    assert_true(node_deadline_ms(leader) > world.now_ms);
    /* And from then again. */
    forward(1);
    flush_leader();
    assert_int_equal(last(), before + 1);
    assert_true(node_deadline_ms(leader) == world.now_ms + ENTRY_WAIT_MS);
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
    assert_true(node_deadline_ms(leader) == world.now_ms);
    flush_leader();
    assert_int_equal(last(), before + 2);
}

/* Nor does a parcel that is full. */
static void test_not_a_whole_parcel(void **state)
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
        cmocka_unit_test_setup_teardown(test_not_a_whole_parcel, begin, end),
        cmocka_unit_test_setup_teardown(test_not_sent_again, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
