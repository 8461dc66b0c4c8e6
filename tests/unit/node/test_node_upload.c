/*
 * Large requests go ahead of themselves in parts: no entry is large, others
 * pass in between, and the request is executed once, whoever dies meanwhile.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "node/node_internal.h"

#include "world/world.h"

#define ABOVE 4096u /* parts of 1 KiB, four at a time */
#define LARGE 50000u

static struct world world;
static struct bytes argv[3];
static const struct node_submit append = {.argv = argv, .argc = 3};

/* Any two nodes that do not lead, and their leader. */
static uint32_t leader, home, third;

static void begin_with(uint64_t seed, uint64_t above)
{
    static uint8_t value[LARGE];
    memset(value, 'x', LARGE);
    argv[0] = BYTES_LIT("append");
    argv[1] = BYTES_LIT("k");
    argv[2] = bytes_of(value, LARGE);
    world_prepare(&world, WORLD_NODES, seed);
    world.upload_above = above;
    world_start_all(&world);
    leader = (uint32_t)world_elect(&world);
    home = (leader + 1) % WORLD_NODES;
    third = (leader + 2) % WORLD_NODES;
}

static void begin(uint64_t seed)
{
    begin_with(seed, ABOVE);
}

static void end(void)
{
    world_release(&world);
}

static const struct upload_turns *turns_of(uint32_t id)
{
    return &world.nodes[id].node->upload;
}

static void expect_reply(struct world_client *tc, const char *text)
{
    buf_char(&tc->out, '\0');
    assert_string_equal((const char *)tc->out.data, text);
    buf_reset(&tc->out);
}

/* All nodes have the same, with a value of so many bytes; nothing is kept of
 * an upload. */
static void expect_length(size_t length)
{
    char text[32];
    world_wait_equal(&world);
    assert_true(world_is_equal(&world));
    snprintf(text, sizeof(text), ":%zu\r\n", length);
    struct world_client *tc =
        world_client_new(&world, (uint32_t)world_leader(&world));
    assert_int_equal(world_submit(tc, "strlen k"), 0);
    world_wait_answered(&world, tc);
    expect_reply(tc, text);
    for (uint32_t i = 0; i < world.count; i++)
        for (node_id id = 0; id < world.count; id++)
            assert_false(upload_exists(world.nodes[i].node->ks, id));
}

static void wait_submitted(struct world_client *tc)
{
    for (int i = 0; i < 20000 && tc->large != NULL; i++)
        world_turn(&world);
    assert_null(tc->large);
}

/* So many bytes are on their way, or more. */
static void wait_sent(struct world_client *tc, uint64_t bytes)
{
    const struct upload_turns *u = &tc->home->node->upload;
    for (int i = 0; i < 20000 && u->client == tc && u->sent < bytes; i++)
        world_turn(&world);
    assert_ptr_equal(u->client, tc);
    assert_true(u->sent >= bytes && tc->large != NULL);
}

static size_t largest_entry(uint32_t id)
{
    struct journal *log = world.nodes[id].node->journal;
    struct buf scratch = BUF_INIT;
    size_t most = 0;
    for (raft_index i = journal_first(log); i <= journal_last(log); i++) {
        struct entry e;
        assert_int_equal(journal_read(log, i, &e, &scratch), 0);
        most = MAX(most, e.payload.len);
    }
    buf_release(&scratch);
    return most;
}

/* Through a follower and through the leader. */
static void no_entry_is_large(void **state)
{
    UNUSED(state);
    for (uint64_t seed = 1; seed <= 4; seed++) {
        begin(seed);
        struct world_client *tc =
            world_client_new(&world, seed % 2 == 0 ? leader : home);
        world_submit_large(tc, &append);
        assert_int_equal(tc->large_error, ERR_AGAIN);
        assert_int_equal(tc->home->node->upload.sent, ABOVE);
        wait_submitted(tc);
        assert_int_equal(tc->large_error, 0);
        world_wait_answered(&world, tc);
        expect_reply(tc, ":50000\r\n");
        expect_length(LARGE);
        for (uint32_t i = 0; i < world.count; i++)
            assert_true(largest_entry(i) < 2 * ABOVE);
        end();
    }
}

/* Never more than so much that is not applied here. */
static void few_parts_are_on_their_way(void **state)
{
    UNUSED(state);
    begin(5);
    struct world_client *tc = world_client_new(&world, home);
    const struct node *n = tc->home->node;
    uint64_t most = 0;
    world_submit_large(tc, &append);
    for (int i = 0; i < 20000 && tc->large != NULL; i++) {
        world_turn(&world);
        const struct request_ring *r = &n->requests.ring;
        most = MAX(most, r->next_seq - r->first_seq);
        assert_true(n->requests.queue.bytes + n->requests.open.bytes.len <
                    2 * ABOVE);
    }
    assert_true(most >= UPLOAD_WINDOW && most <= UPLOAD_WINDOW + 1);
    world_wait_answered(&world, tc);
    expect_length(LARGE);
    end();
}

/* A request just below the bound does not go in parts; one above does. */
static void the_bound(void **state)
{
    UNUSED(state);
    begin(6);
    struct world_client *tc = world_client_new(&world, home);
    size_t around = REQUEST_HEADER_SIZE + 3 * 4 + strlen("appendk");
    argv[2].len = ABOVE - around;
    world_submit_large(tc, &append);
    assert_int_equal(tc->large_error, 0);
    world_wait_answered(&world, tc);
    assert_int_equal(turns_of(home)->parts, 0);
    argv[2].len++;
    world_submit_large(tc, &append);
    assert_int_equal(tc->large_error, ERR_AGAIN);
    wait_submitted(tc);
    world_wait_answered(&world, tc);
    assert_int_equal(turns_of(home)->parts, UPLOAD_WINDOW + 1);
    expect_length(2 * (ABOVE - around) + 1);
    end();
}

/* Another client of the same node is answered while a large one waits. */
static void others_pass(void **state)
{
    UNUSED(state);
    begin(7);
    struct world_client *tc = world_client_new(&world, home);
    struct world_client *other = world_client_new(&world, home);
    world_submit_large(tc, &append);
    int answered = 0;
    while (tc->large != NULL) {
        assert_int_equal(world_submit(other, "incr n"), 0);
        world_wait_answered(&world, other);
        answered++;
    }
    assert_true(answered >= (int)(LARGE / ABOVE) - 2);
    world_wait_answered(&world, tc);
    expect_length(LARGE);
    end();
}

static void one_after_the_other(void **state)
{
    UNUSED(state);
    begin(8);
    struct world_client *tc[5];
    for (size_t i = 0; i < ARRAY_LEN(tc); i++) {
        tc[i] = world_client_new(&world, home);
        world_submit_large(tc[i], &append);
        assert_int_equal(tc[i]->large_error, ERR_AGAIN);
    }
    /* Asking again does not change whose turn it is. */
    world_submit_large(tc[3], &append);
    assert_int_equal(turns_of(home)->waiting_count, 4);
    node_abandon(world.nodes[home].node, tc[2]);
    tc[2]->large = NULL;
    for (size_t i = 0; i < ARRAY_LEN(tc); i++) {
        char text[32];
        if (i == 2)
            continue;
        assert_ptr_equal(turns_of(home)->client, tc[i]);
        wait_submitted(tc[i]);
        world_wait_answered(&world, tc[i]);
        snprintf(text, sizeof(text), ":%u\r\n",
                 (unsigned)(i < 2 ? i + 1 : i) * LARGE);
        expect_reply(tc[i], text);
    }
    assert_null(turns_of(home)->client);
    expect_length(4 * LARGE);
    end();
}

/* The client goes away: what was kept goes, and the next one has its turn. */
static void abandoned(void **state)
{
    UNUSED(state);
    for (int next = 0; next < 2; next++) {
        begin(9);
        struct world_client *tc = world_client_new(&world, home);
        struct world_client *other = world_client_new(&world, home);
        world_submit_large(tc, &append);
        if (next)
            world_submit_large(other, &append);
        wait_sent(tc, LARGE / 2);
        assert_true(upload_exists(tc->home->node->ks, home));
        node_abandon(tc->home->node, tc);
        tc->large = NULL;
        if (next) {
            wait_submitted(other);
            world_wait_answered(&world, other);
        }
        world_run(&world, 2000);
        expect_length(next ? LARGE : 0);
        assert_int_equal(tc->answered, 0);
        end();
    }
}

/* Whoever dies while the parts are on their way. */
static void somebody_dies(void **state)
{
    UNUSED(state);
    for (uint64_t seed = 10; seed < 40; seed++) {
        begin(seed);
        struct world_client *tc = world_client_new(&world, home);
        uint32_t victim = seed % 2 == 0 ? leader : third;
        world_submit_large(tc, &append);
        wait_sent(tc, 1 + (seed - 10) * LARGE / 40);
        world_crash(&world, victim);
        if (seed % 3 == 0) /* it comes back at once, or after the end */
            world_start(&world, victim);
        wait_submitted(tc);
        assert_int_equal(tc->large_error, 0);
        world_wait_answered(&world, tc);
        expect_reply(tc, ":50000\r\n");
        if (seed % 3 != 0)
            world_start(&world, victim);
        expect_length(LARGE);
        end();
    }
}

/* The node itself dies: nobody was answered, and nothing is left of it. */
static void the_node_dies(void **state)
{
    UNUSED(state);
    for (uint64_t seed = 50; seed < 56; seed++) {
        begin(seed);
        struct world_client *tc = world_client_new(&world, home);
        world_submit_large(tc, &append);
        wait_sent(tc, LARGE / 2);
        world_crash(&world, home);
        world_start(&world, home);
        world_wait_equal(&world);
        world_run(&world, 2000);
        expect_length(0);
        struct world_client *again = world_client_new(&world, home);
        world_submit_large(again, &append);
        wait_submitted(again);
        world_wait_answered(&world, again);
        expect_length(LARGE);
        end();
    }
}

static void large_again(void)
{
    struct world_client *tc = world_client_new(&world, home);
    world_submit_large(tc, &append);
    wait_submitted(tc);
    world_wait_answered(&world, tc);
    expect_length(LARGE);
}

static bool kept(uint32_t id)
{
    return upload_exists(world.nodes[id].node->ks, home);
}

/* So late that what was kept goes, and no sooner. */
static void wait_dropped(void)
{
    world_run(&world, 500);
    world.now_ms += (int64_t)UPLOAD_KEPT_MS - 10000;
    world_run(&world, 500);
    assert_true(world_elect(&world) >= 0 && kept(leader) && kept(third));
    world.now_ms += 10000;
    for (int i = 0; i < 20000 && (kept(leader) || kept(third)); i++)
        world_turn(&world);
    assert_false(kept(leader) || kept(third));
}

/* It never comes back, or after the others have dropped what it had sent. */
static void the_node_stays_away(void **state)
{
    UNUSED(state);
    for (uint64_t seed = 70; seed < 74; seed++) {
        begin(seed);
        struct world_client *tc = world_client_new(&world, home);
        world_submit_large(tc, &append);
        wait_sent(tc, LARGE / 2);
        world_crash(&world, home);
        wait_dropped();
        world_start(&world, home);
        world_wait_equal(&world);
        expect_length(0);
        large_again();
        end();
    }
}

/* It lives, but nobody hears it: its client is told that nothing was executed.
 */
static void the_node_is_not_heard(void **state)
{
    UNUSED(state);
    for (uint64_t seed = 80; seed < 84; seed++) {
        begin(seed);
        struct world_client *tc = world_client_new(&world, home);
        world_submit_large(tc, &append);
        wait_sent(tc, LARGE / 2);
        world_link(&world, home, leader, false);
        world_link(&world, home, third, false);
        wait_dropped();
        world_link(&world, home, leader, true);
        world_link(&world, home, third, true);
        for (int i = 0; i < 20000 && tc->large != NULL; i++)
            world_turn(&world);
        assert_null(tc->large);
        world_run(&world, 4000);
        assert_int_not_equal(tc->large_error, 0);
        expect_length(0);
        large_again();
        end();
    }
}

/* It is said of a request that was not submitted, so it is true. */
static void without_a_majority(void **state)
{
    UNUSED(state);
    begin(60);
    struct world_client *tc = world_client_new(&world, home);
    struct world_client *other = world_client_new(&world, home);
    world_submit_large(tc, &append);
    world_submit_large(other, &append);
    wait_sent(tc, LARGE / 2);
    world_crash(&world, leader);
    world_crash(&world, third);
    int64_t end_ms = world.now_ms + 130000; /* two request timeouts */
    while (world.now_ms < end_ms && (tc->large || other->large))
        world_turn(&world);
    assert_null(tc->large);
    assert_null(other->large);
    assert_int_equal(tc->large_error, ERR_NO_LEADER);
    assert_int_equal(other->large_error, ERR_NO_LEADER);
    world_start(&world, leader);
    world_start(&world, third);
    world_wait_equal(&world);
    world_run(&world, 2000);
    expect_length(0);
    end();
}

/* There is a leader, but what is sent to it does not come back: its parts are
 * not applied here for the request timeout. */
static void nothing_is_applied(void **state)
{
    UNUSED(state);
    begin(61);
    struct world_client *tc = world_client_new(&world, home);
    struct world_client *other = world_client_new(&world, home);
    node_set_request_timeout(tc->home->node, 2000);
    world_submit_large(tc, &append);
    wait_sent(tc, LARGE / 2);
    world.no_bulk[home] = true;
    world_submit_large(other, &append);
    int64_t begin_ms = world.now_ms;
    while (world.now_ms < begin_ms + 20000 && (tc->large || other->large))
        world_turn(&world);
    assert_true(world.now_ms - begin_ms >= 1500);
    assert_null(tc->large);
    assert_null(other->large);
    assert_int_equal(tc->large_error, ERR_NO_ANSWER);
    assert_int_equal(other->large_error, ERR_NO_ANSWER);
    world.no_bulk[home] = false;
    world_run(&world, 4000);
    expect_length(0);
    end();
}

/* Named: executed once, and the kept answer is that of the command. */
static void once(void **state)
{
    UNUSED(state);
    begin(62);
    struct node_submit s = append;
    s.once_client = BYTES_LIT("me");
    s.once_id = 5;
    for (int i = 0; i < 3; i++) {
        struct world_client *tc =
            world_client_new(&world, ((uint32_t)i + home) % WORLD_NODES);
        world_submit_large(tc, &s);
        wait_submitted(tc);
        world_wait_answered(&world, tc);
        expect_reply(tc, ":50000\r\n");
    }
    expect_length(LARGE);
    end();
}

/* What comes first is executed first, of one client as of others. */
static void order(void **state)
{
    UNUSED(state);
    begin(63);
    struct world_client *tc = world_client_new(&world, home);
    assert_int_equal(world_submit(tc, "append k 1"), 0);
    world_submit_large(tc, &append);
    wait_submitted(tc);
    assert_int_equal(world_submit(tc, "append k 2"), 0);
    world_wait_answered(&world, tc);
    expect_reply(tc, ":1\r\n:50001\r\n:50002\r\n");
    expect_length(LARGE + 2);
    end();
}

/* Parts of any size. */
static void any_bound(void **state)
{
    UNUSED(state);
    for (uint64_t above = 64; above <= 1u << 20; above *= 4) {
        begin_with(64, above);
        struct world_client *tc = world_client_new(&world, home);
        argv[2].len = 2000;
        world_submit_large(tc, &append);
        wait_submitted(tc);
        world_wait_answered(&world, tc);
        expect_length(2000);
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_entry_is_large),
        cmocka_unit_test(few_parts_are_on_their_way),
        cmocka_unit_test(the_bound),
        cmocka_unit_test(others_pass),
        cmocka_unit_test(one_after_the_other),
        cmocka_unit_test(abandoned),
        cmocka_unit_test(somebody_dies),
        cmocka_unit_test(the_node_dies),
        cmocka_unit_test(the_node_stays_away),
        cmocka_unit_test(the_node_is_not_heard),
        cmocka_unit_test(without_a_majority),
        cmocka_unit_test(nothing_is_applied),
        cmocka_unit_test(once),
        cmocka_unit_test(order),
        cmocka_unit_test(any_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
