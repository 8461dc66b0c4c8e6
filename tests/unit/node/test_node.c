/*
 * Nodes together: requests through any of them, reads, exactly-once across
 * crashes and cut links, recovery.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "codec/beat.h"
#include "codec/frame.h"
#include "codec/message.h"
#include "codec/request.h"
#include "node/node_internal.h"
#include "world/world.h"

#define REPLY_IS(client, text)                                                 \
    assert_true(bytes_eq(buf_view(&(client)->out), bytes_str(text)))

static struct world world;

static void wait_read(struct world *w, struct world_client *tc)
{
    uint32_t before = tc->reads_ready;
    for (int i = 0; i < 5000 && tc->reads_ready == before; i++)
        world_turn(w);
    assert_int_equal(tc->reads_ready, before + 1);
}

static void test_single_node(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, 1, 1);
    assert_int_equal(world_elect(w), 0);
    struct world_client *tc = world_client_new(w, 0);
    assert_int_equal(world_submit(tc, "set a 1"), 0);
    assert_int_equal(world_submit(tc, "incr a"), 0);
    world_wait_answered(w, tc);
    REPLY_IS(tc, "+OK\r\n:2\r\n");
    world_release(w);
}

static void test_every_node_serves(void **state)
{
    struct world *w = &world;
    struct world_client *tc[WORLD_NODES];
    char line[32];
    UNUSED(state);
    world_init(w, WORLD_NODES, 2);
    assert_true(world_elect(w) >= 0);
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        tc[i] = world_client_new(w, i);
        snprintf(line, sizeof(line), "set key%u value%u", i, i);
        assert_int_equal(world_submit(tc[i], line), 0);
    }
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        world_wait_answered(w, tc[i]);
        REPLY_IS(tc[i], "+OK\r\n");
        buf_reset(&tc[i]->out);
    }
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        tc[i]->read_key = i == 0 ? "key2" : "key0";
        assert_int_equal(node_read(w->nodes[i].node, tc[i]), 0);
        wait_read(w, tc[i]);
        REPLY_IS(tc[i], i == 0 ? "$6\r\nvalue2\r\n" : "$6\r\nvalue0\r\n");
    }
    world_release(w);
}

/* A reader on any node sees what was acknowledged on any other before. */
static void test_reads_see_acknowledged_writes(void **state)
{
    struct world *w = &world;
    char line[32], expected[32];
    UNUSED(state);
    world_init(w, WORLD_NODES, 3);
    assert_true(world_elect(w) >= 0);
    struct world_client *tc[WORLD_NODES];
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        tc[i] = world_client_new(w, i);
    for (int round = 0; round < 60; round++) {
        struct world_client *writer = tc[rng_below(&w->rng, WORLD_NODES)];
        struct world_client *r = tc[rng_below(&w->rng, WORLD_NODES)];
        snprintf(line, sizeof(line), "set k %d", 100 + round);
        assert_int_equal(world_submit(writer, line), 0);
        world_wait_answered(w, writer);
        buf_reset(&r->out);
        r->read_key = "k";
        assert_int_equal(node_read(r->home->node, r), 0);
        wait_read(w, r);
        snprintf(expected, sizeof(expected), "$3\r\n%d\r\n", 100 + round);
        REPLY_IS(r, expected);
    }
    world_release(w);
}

/* The leader dies with requests of the others under way: each is answered
 * once, none with an error. */
static void test_leader_crash_is_not_seen(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (uint64_t seed = 10; seed < 40; seed++) {
        world_init(w, WORLD_NODES, seed);
        int leader = world_elect(w);
        assert_true(leader >= 0);
        struct world_client *tc =
            world_client_new(w, (uint32_t)(leader + 1) % WORLD_NODES);
        for (int i = 0; i < 50; i++)
            assert_int_equal(world_submit(tc, "incr n"), 0);
        world_run(w, (uint32_t)rng_below(&w->rng, 8));
        world_crash(w, (uint32_t)leader);
        for (int i = 0; i < 50; i++)
            assert_int_equal(world_submit(tc, "incr n"), 0);
        world_wait_answered(w, tc);
        struct buf expected = BUF_INIT;
        for (int i = 1; i <= 100; i++)
            buf_printf(&expected, ":%d\r\n", i);
        assert_true(bytes_eq(buf_view(&tc->out), buf_view(&expected)));
        buf_release(&expected);
        world_release(w);
    }
}

static void test_once(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 5);
    int leader = world_elect(w);
    assert_true(leader >= 0);
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        struct world_client *tc = world_client_new(w, i);
        struct bytes argv[2] = {BYTES_LIT("incr"), BYTES_LIT("n")};
        struct node_submit s = {.argv = argv,
                                .argc = 2,
                                .once_client = BYTES_LIT("me"),
                                .once_id = 7};
        tc->asked++;
        assert_int_equal(node_submit(tc->home->node, &s, tc), 0);
        world_wait_answered(w, tc);
        REPLY_IS(tc, ":1\r\n"); /* the first answer, on each node */
        buf_reset(&tc->out);
        s.once_id = 6;
        tc->asked++;
        assert_int_equal(node_submit(tc->home->node, &s, tc), 0);
        world_wait_answered(w, tc);
        assert_int_equal(tc->out.data[0], '-');
    }
    struct world_client *tc = world_client_new(w, 0);
    assert_int_equal(world_submit(tc, "incr n"), 0);
    world_wait_answered(w, tc);
    REPLY_IS(tc, ":2\r\n"); /* it was executed once */
    world_release(w);
}

static void once(struct world_client *tc, const char *client, uint64_t id,
                 const char *line)
{
    struct bytes argv[4];
    struct node_submit s = {
        .argv = argv, .once_client = bytes_str(client), .once_id = id};
    for (const char *p = line; *p;) {
        size_t len = strcspn(p, " ");
        argv[s.argc++] = bytes_of(p, len);
        p += len + (p[len] == ' ');
    }
    tc->asked++;
    assert_int_equal(node_submit(tc->home->node, &s, tc), 0);
}

/* An answer too large to be kept is given in full once; then an error says
 * that the request was executed. */
static void test_once_large_answer(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 31);
    assert_true(world_elect(w) >= 0);
    struct world_client *tc = world_client_new(w, 0);
    assert_int_equal(world_submit(tc, "setrange k 1048565 x"), 0);
    world_wait_answered(w, tc);
    buf_reset(&tc->out);
    once(tc, "me", 1, "getex k"); /* 10 + 1048566 + 2 bytes: one too many */
    world_wait_answered(w, tc);
    assert_int_equal(tc->out.len, 1024 * 1024 + 2);
    assert_int_equal(tc->out.data[0], '$');
    buf_reset(&tc->out);
    once(tc, "me", 1, "getex k");
    world_wait_answered(w, tc);
    REPLY_IS(tc, "-ERR this request was executed, but its reply was too large "
                 "to be kept for a repeated request (ONCE)\r\n");
    buf_reset(&tc->out);
    assert_int_equal(world_submit(tc, "set k 12345"), 0);
    assert_int_equal(world_submit(tc, "setrange k 1048563 x"), 0);
    world_wait_answered(w, tc);
    for (int i = 0; i < 2; i++) { /* just small enough */
        buf_reset(&tc->out);
        once(tc, "me", 2, "getex k");
        world_wait_answered(w, tc);
        assert_int_equal(tc->out.len, 1024 * 1024);
    }
    world_release(w);
}

/* What is too large to be kept is built only where a client waits for it. */
static void test_once_long_answer_is_not_built(void **state)
{
    static char line[700000];
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 33);
    assert_true(world_elect(w) >= 0);
    struct world_client *tc = world_client_new(w, 0);
    memset(line, 'x', sizeof(line) - 1);
    memcpy(line, "rpush l ", 8);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(world_submit(tc, line), 0);
        world_wait_answered(w, tc);
    }
    buf_reset(&tc->out);
    once(tc, "me", 1, "lpop l 12");
    world_wait_answered(w, tc);
    assert_true(tc->out.len > 12 * (sizeof(line) - 9));
    world_run(w, 1000);
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        const struct buf *built = &w->nodes[i].node->applying.once_reply;
        if (&w->nodes[i] != tc->home)
            assert_in_range(built->cap, 0, 4 << 20);
    }
    world_release(w);
}

/* Many small once-requests with large answers, in one entry: it stops. What
 * was refused is not kept, and is executed when it is asked for again. */
static void test_once_answers_fill_the_entry(void **state)
{
    struct world *w = &world;
    char name[16];
    UNUSED(state);
    world_init(w, 1, 32);
    assert_int_equal(world_elect(w), 0);
    struct world_client *tc = world_client_new(w, 0);
    assert_int_equal(world_submit(tc, "setrange k 1048000 x"), 0);
    world_wait_answered(w, tc);
    buf_reset(&tc->out);
    for (int i = 0; i < 400; i++) {
        snprintf(name, sizeof(name), "c%d", i);
        once(tc, name, 1, "getex k");
    }
    world_wait_answered(w, tc);
    assert_in_range(tc->out.len, 250u << 20, 258u << 20);
    assert_memory_equal(tc->out.data + tc->out.len - 12, " try again\r\n", 12);
    buf_reset(&tc->out);
    once(tc, "c399", 1, "getex k");
    world_wait_answered(w, tc);
    assert_int_equal(tc->out.data[0], '$');
    /* To be told the kept answers again takes the same memory. */
    buf_reset(&tc->out);
    for (int i = 0; i < 400; i++) {
        snprintf(name, sizeof(name), "c%d", i % 250);
        once(tc, name, i < 250 ? 1 : 2, "getex k");
    }
    world_wait_answered(w, tc);
    assert_memory_equal(tc->out.data + tc->out.len - 12, " try again\r\n", 12);
    world_release(w);
}

/* A node that the entries do not reach does not answer from its old state. */
static void test_read_waits_for_its_index(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 9);
    int leader = world_elect(w);
    assert_true(leader >= 0);
    uint32_t slow = (uint32_t)(leader + 1) % WORLD_NODES;
    struct world_client *writer = world_client_new(w, (uint32_t)leader);
    struct world_client *reader = world_client_new(w, slow);
    world_run(w, 100);
    w->no_bulk[slow] = true;
    assert_int_equal(world_submit(writer, "set k new"), 0);
    world_wait_answered(w, writer);
    reader->read_key = "k";
    assert_int_equal(node_read(w->nodes[slow].node, reader), 0);
    world_run(w, 300);
    assert_int_equal(reader->reads_ready, 0);
    w->no_bulk[slow] = false;
    wait_read(w, reader);
    REPLY_IS(reader, "$3\r\nnew\r\n");
    world_release(w);
}

/* Who forwarded a request hears of its commit at once, not with the next
 * heartbeat. */
static void test_forwarded_commit_is_told_at_once(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 11);
    int leader = world_elect(w);
    assert_true(leader >= 0);
    struct world_client *tc =
        world_client_new(w, (uint32_t)(leader + 1) % WORLD_NODES);
    world_run(w, 100);
    w->frozen = true;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(world_submit(tc, "incr n"), 0);
        world_wait_answered(w, tc);
    }
    w->frozen = false;
    world_release(w);
}

/* With no majority a write is UNKNOWN after the time-out and keeps its place;
 * a read gets an error; later ones are refused at once. */
static void test_no_majority(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 6);
    int leader = world_elect(w);
    assert_true(leader >= 0);
    uint32_t other = (uint32_t)(leader + 1) % WORLD_NODES;
    world_crash(w, (uint32_t)leader);
    world_crash(w, (uint32_t)(leader + 2) % WORLD_NODES);
    struct world_client *tc = world_client_new(w, other);
    assert_int_equal(world_submit(tc, "set a 1"), 0);
    assert_int_equal(node_read(w->nodes[other].node, tc), 0);
    for (int i = 0; i < 400; i++) {
        w->now_ms += 200;
        world_turn(w);
    }
    assert_int_equal(tc->answered, 1);
    assert_memory_equal(tc->out.data, "-UNKNOWN", 8);
    assert_int_equal(tc->reads_ready, 1);
    assert_int_equal(tc->read_error, ERR_NO_LEADER);
    struct bytes argv[2] = {BYTES_LIT("get"), BYTES_LIT("a")};
    struct node_submit s = {.argv = argv, .argc = 2};
    assert_int_equal(node_submit(w->nodes[other].node, &s, tc), ERR_NO_LEADER);
    assert_int_equal(node_read(w->nodes[other].node, tc), ERR_NO_LEADER);
    /* The majority comes back: the write that was UNKNOWN is done. */
    world_start(w, (uint32_t)leader);
    assert_true(world_elect(w) >= 0);
    world_run(w, 200);
    buf_reset(&tc->out);
    tc->read_key = "a";
    assert_int_equal(node_read(w->nodes[other].node, tc), 0);
    wait_read(w, tc);
    REPLY_IS(tc, "$1\r\n1\r\n");
    world_release(w);
}

/* Entries larger than one append message, and many of them. */
static void test_large_values(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 8);
    int leader = world_elect(w);
    assert_true(leader >= 0);
    struct world_client *tc =
        world_client_new(w, (uint32_t)(leader + 1) % WORLD_NODES);
    size_t size = 3u << 20;
    uint8_t *data = mem_zalloc(size);
    for (int i = 0; i < 5; i++) {
        struct bytes argv[3] = {BYTES_LIT("append"), BYTES_LIT("big"),
                                bytes_of(data, size)};
        struct node_submit s = {.argv = argv, .argc = 3};
        tc->asked++;
        assert_int_equal(node_submit(tc->home->node, &s, tc), 0);
        world_turn(w);
    }
    world_wait_answered(w, tc);
    REPLY_IS(tc, ":3145728\r\n:6291456\r\n:9437184\r\n:12582912\r\n"
                 ":15728640\r\n");
    mem_free(data);
    world_release(w);
}

/* What a follower has missed, sent in several messages, of several entries
 * each. */
static void test_catches_up_in_parts(void **state)
{
    struct world *w = &world;
    struct node_status ahead, behind;
    UNUSED(state);
    world_init(w, WORLD_NODES, 40);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t slow = (leader + 1) % WORLD_NODES;
    struct world_client *tc = world_client_new(w, leader);
    uint8_t *data = mem_zalloc(300000);
    struct bytes argv[3] = {BYTES_LIT("append"), BYTES_LIT("big"),
                            bytes_of(data, 300000)};
    struct node_submit s = {.argv = argv, .argc = 3};
    w->no_bulk[slow] = true;
    for (int i = 0; i < 12; i++) { /* three to a message */
        tc->asked++;
        assert_int_equal(node_submit(tc->home->node, &s, tc), 0);
        world_wait_answered(w, tc);
    }
    w->no_bulk[slow] = false;
    node_status(w->nodes[leader].node, &ahead);
    node_status(w->nodes[slow].node, &behind);
    assert_true(behind.applied + 12 <= ahead.applied);
    for (int i = 0; i < 5000 && behind.applied < ahead.applied; i++) {
        world_turn(w);
        node_status(w->nodes[slow].node, &behind);
    }
    assert_int_equal(behind.applied, ahead.applied);
    mem_free(data);
    world_release(w);
}

/* No write waits for a member that cannot take over. */
static void test_transfer_to_nobody(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 42);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t down = (leader + 1) % WORLD_NODES, up = (leader + 2) % WORLD_NODES;
    struct node *n = w->nodes[leader].node;
    world_crash_keep(w, down, 0);
    assert_false(node_transfer(n, down));
    assert_false(node_transfer(n, leader));
    assert_false(node_transfer(n, WORLD_NODES));
    assert_true(node_transfer(n, up));
    world_wait_applied(w, up, world_applied(w, leader) + 1);
    assert_int_equal(world_leader(w), up);
    world_crash_keep(w, leader, 0);
    assert_false(node_transfer(w->nodes[up].node, NODE_NONE));
    world_release(w);
}

static size_t queued_for(const struct world *w, uint32_t to)
{
    size_t bytes = 0;
    const struct world_message *m = w->queue.head;
    for (; m != NULL; m = m->next)
        bytes += m->to == to ? m->size : 0;
    return bytes;
}

/* Far behind: the leader does not read all of that for it in one turn, as a
 * leader whose loop stands still loses the others. */
static void test_catches_up_in_turns(void **state)
{
    const size_t size = 1000000, turn = 8u << 20, room = 1u << 20;
    struct world *w = &world;
    UNUSED(state);
    world_init(w, WORLD_NODES, 41);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t slow = (leader + 1) % WORLD_NODES;
    struct world_client *tc = world_client_new(w, leader);
    uint8_t *data = mem_zalloc(size);
    struct bytes argv[3] = {BYTES_LIT("set"), BYTES_LIT("big"),
                            bytes_of(data, size)};
    struct node_submit s = {.argv = argv, .argc = 3};
    world_crash_keep(w, slow, 0);
    for (int i = 0; i < 40; i++) {
        tc->asked++;
        assert_int_equal(node_submit(tc->home->node, &s, tc), 0);
        world_wait_answered(w, tc);
    }
    world_start(w, slow);
    raft_index last = world_applied(w, leader);
    size_t before = 0, most = 0;
    for (int i = 0; i < 5000 && world_applied(w, slow) < last; i++) {
        before = queued_for(w, slow);
        world_turn(w);
        size_t after = queued_for(w, slow);
        most = MAX(most, after - MIN(before, after));
    }
    assert_int_equal(world_applied(w, slow), last);
    assert_true(most > room && most < turn + 2 * room);
    mem_free(data);
    world_release(w);
}

static void random_fault(struct world *w)
{
    uint32_t a = (uint32_t)rng_below(&w->rng, w->count);
    uint32_t b = (a + 1) % w->count;
    switch (rng_below(&w->rng, 4)) {
    case 0:
        if (w->nodes[a].node)
            world_crash(w, a);
        else
            world_start(w, a);
        break;
    case 1:
        if (!w->nodes[a].node)
            world_start(w, a);
        break;
    case 2:
        if (w->cut[a][b] || !w->nodes[a].node || !w->nodes[b].node)
            break;
        w->cut[a][b] = w->cut[b][a] = true;
        world_link(w, a, b, false);
        break;
    default:
        if (!w->cut[a][b])
            break;
        w->cut[a][b] = w->cut[b][a] = false;
        if (w->nodes[a].node && w->nodes[b].node)
            world_link(w, a, b, true);
        break;
    }
}

static void heal(struct world *w)
{
    for (uint32_t a = 0; a < w->count; a++)
        for (uint32_t b = a + 1; b < w->count; b++)
            if (w->cut[a][b]) {
                w->cut[a][b] = w->cut[b][a] = false;
                if (w->nodes[a].node && w->nodes[b].node)
                    world_link(w, a, b, true);
            }
    for (uint32_t a = 0; a < w->count; a++)
        if (!w->nodes[a].node)
            world_start(w, a);
}

/* A directory of a cluster of three does not start as a node of its own. */
static void test_other_members_are_refused(void **state)
{
    struct world *w = &world;
    struct buf error = BUF_INIT;
    struct node *node = NULL;
    UNUSED(state);
    world_init(w, WORLD_NODES, 23);
    struct world_node *t = &w->nodes[0];
    node_free(t->node);
    t->node = NULL;
    struct node_options o = {.cluster_id = 77,
                             .member_count = 1,
                             .incarnation = 9,
                             .election_timeout_ms = 300,
                             .heartbeat_ms = 50,
                             .peer_down_delay_ms = 10};
    const struct node_env env = world_env(t);
    assert_int_equal(node_new(&node, &o, &env, &error), ERR_MISMATCH);
    buf_char(&error, '\0');
    assert_non_null(strstr((char *)error.data, "correct the node lines"));
    buf_release(&error);
    world_release(w);
}

/* What the watermark says this node has acknowledged must be in its log. */
static void test_promises_are_compared(void **state)
{
    struct world *w = &world;
    struct node *node = NULL;
    struct node_status s;
    UNUSED(state);
    world_init(w, 1, 36);
    assert_int_equal(world_elect(w), 0);
    world_write(w, 0, 3);
    struct world_node *t = &w->nodes[0];
    node_status(t->node, &s);
    node_free(t->node);
    t->node = NULL;
    struct watermark mark = {.cluster_id = 77, .term = s.term};
    struct node_options o = {.cluster_id = 77,
                             .member_count = 1,
                             .incarnation = 9,
                             .election_timeout_ms = 300,
                             .heartbeat_ms = 50,
                             .peer_down_delay_ms = 10,
                             .mark = &mark};
    const struct node_env env = world_env(t);
    for (int i = 0; i < 2; i++) { /* another entry there; one more entry */
        struct buf error = BUF_INIT;
        mark.index = s.last + (raft_index)i;
        assert_int_equal(node_new(&node, &o, &env, &error), ERR_CORRUPT);
        assert_true(error.len > 0);
        buf_release(&error);
    }
    world_release(w);
}

/* A key has expired by the time of the read, but by that of no entry: the
 * read has no answer but through the log. */
static void test_doubtful_read(void **state)
{
    struct world *w = &world;
    struct buf out = BUF_INIT;
    struct resp_writer writer = {.out = &out, .protocol = 2};
    struct bytes argv[2] = {BYTES_LIT("get"), BYTES_LIT("k")};
    struct cmd_call call = {.out = &writer, .argv = argv, .argc = 2};
    UNUSED(state);
    world_init(w, 1, 37);
    assert_int_equal(world_elect(w), 0);
    struct world_client *tc = world_client_new(w, 0);
    assert_int_equal(world_submit(tc, "set k v px 5000"), 0);
    world_wait_answered(w, tc);
    struct node *n = w->nodes[0].node;
    node_set_read_mode(n, READ_STALE);
    assert_true(node_run_read(n, cmd_lookup(argv[0]), &call));
    assert_true(bytes_eq(buf_view(&out), BYTES_LIT("$1\r\nv\r\n")));
    node_set_time(n, w->now_ms, WORLD_WALL_MS + w->now_ms + 5000);
    assert_true(node_run_read(n, cmd_lookup(argv[0]), &call));
    node_set_time(n, w->now_ms + 5000, WORLD_WALL_MS);
    assert_false(node_run_read(n, cmd_lookup(argv[0]), &call));
    buf_release(&out);
    world_release(w);
}

/* --- a peer that forwards what no node of ours would --------------------- */

struct hostile {
    struct buf parcel;
    uint64_t seq;
};

/* One request in a parcel of its own, as from node `from`. */
static void hostile_parcel(struct world *w, uint32_t from, struct hostile *h,
                           struct request head, const struct bytes *argv)
{
    buf_reset(&h->parcel);
    size_t begin = request_parcel_begin(&h->parcel, from,
                                        w->nodes[from].incarnation, ++h->seq);
    request_encode(&h->parcel, &head, argv);
    request_parcel_end(&h->parcel, begin, 1);
}

static int hostile_send(struct world *w, uint32_t from, const struct hostile *h)
{
    return node_receive(w->nodes[world_leader(w)].node, from, FRAME_FORWARD,
                        buf_view(&h->parcel));
}

static void test_hostile_forward_refused(void **state)
{
    struct world *w = &world;
    struct hostile h = {.seq = 0};
    struct bytes argv[2] = {BYTES_LIT("incr"), BYTES_LIT("n")};
    /* What is spoilt where, behind the parcel's header. */
    static const struct {
        uint8_t flags;
        size_t at;
        uint8_t value;
    } rows[] = {
        {0, 5, 16},                    /* database */
        {0, 5, 200},                   /* database */
        {REQUEST_FLAG_INTERNAL, 8, 0}, /* argc */
        {REQUEST_FLAG_ONCE, 6, 0},     /* once_len */
        {REQUEST_FLAG_ONCE, 6, 3},     /* once_len */
        {REQUEST_FLAG_ONCE, 7, 255},   /* once_len */
        {REQUEST_FLAG_ONCE, 20, 0},    /* once_ttl_s */
        {0, 4, 0x80},                  /* flags */
    };
    UNUSED(state);
    world_init(w, WORLD_NODES, 33);
    int leader = world_elect(w);
    assert_true(leader >= 0);
    uint32_t from = (uint32_t)(leader + 1) % WORLD_NODES;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request head = {.flags = rows[i].flags, .argc = 2};
        if (head.flags & REQUEST_FLAG_ONCE) {
            head.once_client = BYTES_LIT("me");
            head.once_id = head.once_ttl_s = 1;
        }
        h.seq = 0;
        hostile_parcel(w, from, &h, head, argv);
        h.parcel.data[PARCEL_HEADER_SIZE + rows[i].at] = rows[i].value;
        assert_int_equal(hostile_send(w, from, &h), ERR_CORRUPT);
    }
    hostile_parcel(w, from, &h, (struct request){.argc = 2}, argv);
    h.parcel.data[0] = (uint8_t)leader; /* in another's name */
    assert_int_equal(hostile_send(w, from, &h), ERR_PROTOCOL);
    buf_release(&h.parcel);
    world_release(w);
}

/* Requests behind a missing one are not taken: they would be refused when
 * they are applied, and could not be taken again in this term. */
static void test_gap_is_not_taken(void **state)
{
    struct world *w = &world;
    struct hostile first = {.seq = 0}, second = {.seq = 1};
    struct bytes argv[2] = {BYTES_LIT("incr"), BYTES_LIT("n")};
    struct request head = {.argc = 2};
    UNUSED(state);
    world_init(w, WORLD_NODES, 39);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t from = (leader + 1) % WORLD_NODES;
    world_wait_equal(w);
    w->frozen = true;
    w->no_bulk[from] = true; /* it would not know its own requests */
    hostile_parcel(w, from, &first, head, argv);
    hostile_parcel(w, from, &second, head, argv);
    raft_index before = world_applied(w, leader);
    assert_int_equal(hostile_send(w, from, &second), 0);
    world_run(w, 100);
    assert_int_equal(world_applied(w, leader), before);
    assert_int_equal(hostile_send(w, from, &first), 0);
    assert_int_equal(hostile_send(w, from, &second), 0);
    world_wait_applied(w, leader, before + 1);
    struct world_client *tc = world_client_new(w, leader);
    assert_int_equal(world_submit(tc, "incr n"), 0);
    world_wait_answered(w, tc);
    REPLY_IS(tc, ":3\r\n");
    buf_release(&first.parcel);
    buf_release(&second.parcel);
    world_release(w);
}

/* A member speaks for itself only. */
static void test_message_in_anothers_name(void **state)
{
    struct world *w = &world;
    struct buf out = BUF_INIT;
    struct node_status s;
    UNUSED(state);
    world_init(w, WORLD_NODES, 38);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t to = (leader + 1) % WORLD_NODES, liar = (leader + 2) % WORLD_NODES;
    world_wait_equal(w);
    node_status(w->nodes[to].node, &s);
    struct raft_message m = {
        .type = RAFT_MSG_HEARTBEAT,
        .cluster_id = s.cluster_id,
        .from = leader,
        .to = to,
        .from_incarnation = w->nodes[leader].incarnation,
        .to_incarnation = w->nodes[to].incarnation,
        .term = s.term,
        .commit = s.last,
    };
    message_encode(&m, &out);
    beat_encode(&(struct beat){0}, &out);
    assert_int_equal(
        node_receive(w->nodes[to].node, liar, FRAME_RAFT, buf_view(&out)),
        ERR_PROTOCOL);
    assert_int_equal(
        node_receive(w->nodes[to].node, leader, FRAME_RAFT, buf_view(&out)), 0);
    buf_release(&out);
    world_release(w);
}

/* What decodes is applied: it must do no harm, and the same everywhere. */
static void test_hostile_forward_applied(void **state)
{
    struct world *w = &world;
    struct hostile h = {.seq = 0};
    static const struct {
        uint8_t flags;
        const char *word[2];
    } rows[] = {
        {REQUEST_FLAG_INTERNAL, {"flushall"}},
        {REQUEST_FLAG_INTERNAL, {"nosuch"}},
        {REQUEST_FLAG_INTERNAL, {"ping"}},
        {REQUEST_FLAG_INTERNAL, {"vard.del", "k"}},
        {REQUEST_FLAG_INTERNAL, {"vard.sweep"}},
        {REQUEST_FLAG_INTERNAL, {"vard.sweep", "4000000000"}},
        {REQUEST_FLAG_INTERNAL, {"vard.sweep", "-1"}},
        {REQUEST_FLAG_INTERNAL | REQUEST_FLAG_ONCE, {"vard.sweep", "1"}},
        {0, {"vard.sweep", "10"}},
        {0, {"vard.noop"}},
        {0, {"nosuch", "k"}},
        {0, {"", ""}},
        {0, {"set", "k"}},
        {0, {"get", "k"}},
        {REQUEST_FLAG_ONCE, {"get", "k"}},
        {REQUEST_FLAG_ONCE, {"nosuch", "k"}},
        {REQUEST_FLAG_ONCE, {"vard.noop"}},
    };
    UNUSED(state);
    world_init(w, WORLD_NODES, 34);
    int leader = world_elect(w);
    assert_true(leader >= 0);
    uint32_t from = (uint32_t)(leader + 1) % WORLD_NODES;
    struct world_client *tc = world_client_new(w, (uint32_t)leader);
    assert_int_equal(world_submit(tc, "set k v"), 0);
    world_wait_answered(w, tc);
    w->frozen = true;        /* the leader stays, and its own sweeps away */
    w->no_bulk[from] = true; /* it would not know its own requests */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes argv[2] = {bytes_str(rows[i].word[0]), BYTES_NONE};
        struct request head = {.flags = rows[i].flags, .argc = 1};
        if (rows[i].word[1])
            argv[head.argc++] = bytes_str(rows[i].word[1]);
        if (head.flags & REQUEST_FLAG_ONCE) {
            head.once_client = BYTES_LIT("me");
            head.once_id = i;
            head.once_ttl_s = UINT32_MAX;
        }
        hostile_parcel(w, from, &h, head, argv);
        assert_int_equal(hostile_send(w, from, &h), 0);
        raft_index before = world_applied(w, (uint32_t)leader);
        world_wait_applied(w, (uint32_t)leader, before + 1);
    }
    w->frozen = false;
    buf_reset(&tc->out);
    assert_int_equal(world_submit(tc, "vard.get k"), 0);
    world_wait_answered(w, tc);
    REPLY_IS(tc, "*3\r\n$1\r\nk\r\n$1\r\nv\r\n$1\r\nv\r\n");
    w->no_bulk[from] = false;
    world_crash(w, from);
    world_start(w, from);
    world_wait_equal(w);
    assert_true(world_is_equal(w));
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        assert_string_equal(w->nodes[i].failure, "");
    buf_release(&h.parcel);
    world_release(w);
}

/* --- random faults ------------------------------------------------------ */

/* Appends of unique tags under crashes and cuts: afterwards each
 * acknowledged tag is there once, in the order of its client, none twice. */
static void check_tags(const char *tags, uint32_t client, uint32_t acked)
{
    uint32_t last = 0, seen = 0;
    while (*tags != '\0') {
        unsigned w = 0, n = 0;
        int used = 0;
        assert_int_equal(sscanf(tags, "%u.%u;%n", &w, &n, &used), 2);
        tags += used;
        if (w != client)
            continue;
        assert_true(n > last); /* in order, and not twice */
        last = n;
        seen++;
    }
    assert_true(seen >= acked);
}

/* The value in a reply of GET, in place; a key that is not there has none. */
static const char *tags_in(struct buf *reply)
{
    assert_true(reply->len >= 5);
    if (bytes_eq(buf_view(reply), BYTES_LIT("$-1\r\n"))) {
        return "";
    }
    const uint8_t *head = memchr(reply->data, '\n', reply->len);
    assert_non_null(head);
    reply->data[reply->len - 2] = '\0';
    return (const char *)head + 1;
}

static uint32_t random_run(uint64_t seed)
{
    struct world *w = &world;
    uint32_t acked[16];
    char line[64];
    world_init(w, WORLD_NODES, seed);
    for (int i = 0; i < 12; i++)
        world_client_new(w, (uint32_t)i % WORLD_NODES);
    for (int turn = 0; turn < 600; turn++) {
        struct world_client *tc = &w->clients[rng_below(&w->rng, 12)];
        if (tc->home && rng_below(&w->rng, 2)) {
            snprintf(line, sizeof(line), "append log %u.%u;",
                     (unsigned)(tc - w->clients), tc->asked + 1);
            if (world_submit(tc, line) != 0)
                tc->asked--;
        }
        if (rng_below(&w->rng, 25) == 0)
            random_fault(w);
        world_turn(w);
    }
    for (int i = 0; i < 12; i++)
        acked[i] = w->clients[i].answered;
    heal(w);
    assert_true(world_elect(w) >= 0);
    for (int i = 0; i < 12; i++)
        if (w->clients[i].home)
            world_wait_answered(w, &w->clients[i]);
    world_wait_equal(w);
    assert_true(world_is_equal(w));
    struct world_client *reader = world_client_new(w, 1);
    reader->read_key = "log";
    assert_int_equal(node_read(w->nodes[1].node, reader), 0);
    wait_read(w, reader);
    const char *tags = tags_in(&reader->out);
    uint32_t all = 0;
    for (uint32_t i = 0; i < 12; i++) {
        check_tags(tags, i, acked[i]);
        all += acked[i];
    }
    world_release(w);
    return all;
}

static void test_random_faults(void **state)
{
    uint32_t acked = 0;
    UNUSED(state);
    for (uint64_t seed = 100; seed < 160; seed++)
        acked += random_run(seed);
    assert_true(acked > 60 * 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_node),
        cmocka_unit_test(test_every_node_serves),
        cmocka_unit_test(test_reads_see_acknowledged_writes),
        cmocka_unit_test(test_leader_crash_is_not_seen),
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_once_large_answer),
        cmocka_unit_test(test_once_long_answer_is_not_built),
        cmocka_unit_test(test_once_answers_fill_the_entry),
        cmocka_unit_test(test_hostile_forward_refused),
        cmocka_unit_test(test_gap_is_not_taken),
        cmocka_unit_test(test_message_in_anothers_name),
        cmocka_unit_test(test_hostile_forward_applied),
        cmocka_unit_test(test_read_waits_for_its_index),
        cmocka_unit_test(test_forwarded_commit_is_told_at_once),
        cmocka_unit_test(test_no_majority),
        cmocka_unit_test(test_large_values),
        cmocka_unit_test(test_catches_up_in_parts),
        cmocka_unit_test(test_catches_up_in_turns),
        cmocka_unit_test(test_transfer_to_nobody),
        cmocka_unit_test(test_other_members_are_refused),
        cmocka_unit_test(test_promises_are_compared),
        cmocka_unit_test(test_doubtful_read),
        cmocka_unit_test(test_random_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
