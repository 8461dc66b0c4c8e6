/*
 * Transactions in the log: all of it or nothing, the same on all members; what
 * is watched; one that is too large is taken back, and nothing else of its
 * entry.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "cmd/program.h"
#include "node/node_internal.h"

#include "world/world.h"

#define ARGS_MAX 100000

static struct world world;

/* A transaction that is put together; "db:" is not part of its lines. */
struct tx {
    struct bytes argv[ARGS_MAX];
    uint32_t argc;
    struct program_step steps[ARGS_MAX / 2];
    uint32_t step_count;
    struct program_condition conditions[8];
    uint32_t condition_count;
    struct buf head;
};
static struct tx tx;

static void tx_begin(void)
{
    tx.argc = PROGRAM_ARGS;
    tx.step_count = 0;
    tx.condition_count = 0;
}

static uint32_t add_words(const char *line)
{
    uint32_t count = 0;
    for (const char *p = line; *p != '\0'; count++) {
        size_t len = strcspn(p, " ");
        tx.argv[tx.argc++] = bytes_of(p, len);
        p += len + (p[len] == ' ');
    }
    return count;
}

static void step(const char *line)
{
    tx.steps[tx.step_count++] = (struct program_step){.argc = add_words(line)};
}

static void condition(uint8_t kind, uint64_t version, const char *words)
{
    tx.conditions[tx.condition_count++] =
        (struct program_condition){kind, 0, version};
    (void)add_words(words);
}

static struct node_submit tx_request(const char *name)
{
    buf_reset(&tx.head);
    program_begin(&tx.head, tx.step_count, tx.condition_count);
    for (uint32_t i = 0; i < tx.step_count; i++)
        program_put_step(&tx.head, &tx.steps[i]);
    for (uint32_t i = 0; i < tx.condition_count; i++)
        program_put_condition(&tx.head, &tx.conditions[i]);
    tx.argv[0] = bytes_str(name);
    tx.argv[1] = buf_view(&tx.head);
    return (struct node_submit){.argv = tx.argv, .argc = tx.argc};
}

static void submit_as(struct world_client *tc, struct node_submit s)
{
    tc->asked++;
    assert_int_equal(node_submit(tc->home->node, &s, tc), 0);
}

static void submit(struct world_client *tc)
{
    submit_as(tc, tx_request("vard.exec"));
}

static void expect_reply(struct world_client *tc, const char *wanted)
{
    world_wait_answered(&world, tc);
    buf_char(&tc->out, '\0');
    assert_string_equal((const char *)tc->out.data, wanted);
    buf_reset(&tc->out);
}

static void expect_line(struct world_client *tc, const char *line,
                        const char *wanted)
{
    assert_int_equal(world_submit(tc, line), 0);
    expect_reply(tc, wanted);
}

static struct world_client *start(uint32_t count)
{
    world_init(&world, count, 7);
    int leader = world_elect(&world);
    assert_true(leader >= 0);
    return world_client_new(&world, ((uint32_t)leader + 1) % count);
}

static void end(void)
{
    world_wait_equal(&world);
    assert_true(world_is_equal(&world));
    world_release(&world);
    buf_release(&tx.head);
    tx.head = BUF_INIT;
}

static void test_steps_are_one(void **state)
{
    struct world_client *tc = start(3);
    UNUSED(state);
    tx_begin();
    step("set a 1");
    step("lpush a x");
    step("incr a");
    step("get a");
    step("set a 5 nx px");
    step("type a");
    submit(tc);
    expect_reply(tc, "*6\r\n+OK\r\n-WRONGTYPE Operation against a key holding "
                     "the wrong kind of value\r\n:2\r\n$1\r\n2\r\n-ERR syntax "
                     "error\r\n+string\r\n");
    expect_line(tc, "get a", "$1\r\n2\r\n");
    end();
}

static uint64_t version_of(struct world_client *tc, const char *key)
{
    struct bytes argv[] = {BYTES_LIT("vard.watch"), bytes_str(key)};
    uint64_t version = 0;
    submit_as(tc, (struct node_submit){.argv = argv, .argc = 2});
    world_wait_answered(&world, tc);
    buf_char(&tc->out, '\0');
    assert_int_equal(
        sscanf((const char *)tc->out.data, "*1\r\n:%" SCNu64, &version), 1);
    buf_reset(&tc->out);
    return version;
}

/* {what happens between WATCH and EXEC, is it executed} */
static const struct {
    const char *line;
    bool executed;
} between[] = {
    {"get w", true},          {"set w 1", false},
    {"set w 1 nx", true},     {"setnx w 2", true},
    {"del w", false},

    {"persist w", true},      {"expire w 100", false},
    {"pexpire w 0", false},   {"getex w", true},
    {"getex w ex 9", false},  {"touch w", true},
    {"incr w", false},        {"decrby w 0", false},
    {"getset w 1", false},    {"getdel w", false},
    {"rename w v", false},    {"rename v w", false},
    {"copy w c", true},       {"copy v w replace", false},
    {"copy v w", true},       {"renamenx v w", true},
    {"msetnx w 1 q 1", true}, {"mset w 1", false},
    {"flushdb", false},       {"flushall", false},
    {"cas w 0 1", true},      {"cas w 1 1", false},
    {"cad w 0", true},        {"set w 1 ifeq 0", true},
    {"set w 1 xx", false},    {"move w 1", false},
    {"hset w f 1", true},     {"lpop w", true},
    {"pfadd w x", true},      {"setbit w 0 0", true},
    {"unlink w", false},      {"expire w 100 xx", true},
    {"lpush list x", true},   {"sadd other 1", true},
};

static void test_watched(void **state)
{
    struct world_client *tc = start(3);
    struct world_client *other = world_client_new(&world, 2);
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(between); i++) {
        expect_line(tc, "mset w 1 v 9", "+OK\r\n");
        uint64_t version = version_of(tc, "w");
        assert_int_equal(world_submit(other, between[i].line), 0);
        world_wait_answered(&world, other);
        tx_begin();
        step("set done 1");
        condition(CONDITION_WATCHED, version, "w");
        submit(tc);
        world_wait_answered(&world, tc);
        buf_char(&tc->out, '\0');
        bool executed =
            strcmp((const char *)tc->out.data, "*1\r\n+OK\r\n") == 0;
        if (executed != between[i].executed)
            fail_msg("%s: %s", between[i].line, (const char *)tc->out.data);
        assert_true(executed ||
                    strcmp((const char *)tc->out.data, "*-1\r\n") == 0);
        buf_reset(&tc->out);
        world_submit(other, "del w v c q");
        world_wait_answered(&world, other);
    }
    end();
}

/* Both records are of one entry; a second exchange brings the same one back. */
static void test_watched_and_exchanged(void **state)
{
    static const struct {
        const char *lines[2];
        bool executed;
    } rows[] = {
        {{"swapdb 0 1", "get w"}, false},
        {{"swapdb 0 1", "swapdb 1 0"}, true},
        {{"swapdb 0 0", "swapdb 2 3"}, true},
    };
    struct world_client *tc = start(3);
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        tx_begin();
        step("set w 1");
        step("copy w w db 1 replace");
        submit(tc);
        world_wait_answered(&world, tc);
        buf_reset(&tc->out);
        uint64_t version = version_of(tc, "w");
        for (int j = 0; j < 2; j++)
            world_submit(tc, rows[i].lines[j]);
        world_wait_answered(&world, tc);
        buf_reset(&tc->out);
        tx_begin();
        step("set done 1");
        condition(CONDITION_WATCHED, version, "w");
        submit(tc);
        expect_reply(tc, rows[i].executed ? "*1\r\n+OK\r\n" : "*-1\r\n");
    }
    end();
}

static void test_swapdb_is_for_what_follows(void **state)
{
    struct world_client *tc = start(3);
    UNUSED(state);
    tx_begin();
    step("set a 0");
    step("swapdb 0 1");
    step("get a");
    step("set a 1");
    step("swapdb 0 1");
    step("get a");
    submit(tc);
    expect_reply(tc, "*6\r\n+OK\r\n+OK\r\n$-1\r\n+OK\r\n+OK\r\n$1\r\n0\r\n");
    end();
}

/* Of types that commands may leave as they are: {make, change, executed} */
static const struct {
    const char *make, *line;
    bool executed;
} left[] = {
    {"sadd w 1", "sadd w 1", true},
    {"sadd w 1", "srem w 2", true},
    {"sadd w 1", "sadd w 2", false},
    {"zadd w 1 a", "zadd w 1 a", true},
    {"zadd w 1 a", "zadd w 2 a", false},
    {"zadd w 1 a", "zadd w nx 2 a", true},
    {"zadd w 1 a", "zrem w b", true},
    {"hset w f 1", "hset w f 1", false},
    {"hset w f 1", "hsetnx w f 2", true},
    {"hset w f 1", "hdel w g", true},
    {"rpush w a", "lrem w 0 b", true},
    {"rpush w a", "rpush w a", false},
    {"rpush w a", "linsert w before b c", true},
    {"rpush w a", "lset w 7 a", true},
    {"rpush w a", "rpushx none b", true},
    {"pfadd w a", "pfadd w a", true},
    {"xadd w 1-1 a b", "xdel w 9-9", true},
    {"xadd w 1-1 a b", "xadd w 1-1 a b", true},
    {"xadd w 1-1 a b", "xtrim w maxlen 5", true},
    {"xadd w 1-1 a b", "xadd w 2-1 a b", false},
};

static void test_what_changes_nothing(void **state)
{
    struct world_client *tc = start(3);
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(left); i++) {
        world_submit(tc, "del w");
        world_submit(tc, left[i].make);
        world_wait_answered(&world, tc);
        buf_reset(&tc->out);
        uint64_t version = version_of(tc, "w");
        world_submit(tc, left[i].line);
        world_wait_answered(&world, tc);
        buf_reset(&tc->out);
        bool executed = version_of(tc, "w") == version;
        buf_reset(&tc->out);
        if (executed != left[i].executed)
            fail_msg("%s, %s", left[i].make, left[i].line);
    }
    end();
}

static void test_conditions(void **state)
{
    static const struct {
        uint8_t kind;
        const char *words, *reply;
    } rows[] = {
        {CONDITION_ABSENT, "none", "*1\r\n+OK\r\n"},
        {CONDITION_ABSENT, "a", "*-1\r\n"},
        {CONDITION_NX, "none", "*1\r\n+OK\r\n"},
        {CONDITION_NX, "a", "*-1\r\n"},
        {CONDITION_XX, "a", "*1\r\n+OK\r\n"},
        {CONDITION_XX, "none", "*-1\r\n"},
        {CONDITION_IFEQ, "a 1", "*1\r\n+OK\r\n"},
        {CONDITION_IFEQ, "a 2", "*-1\r\n"},
        {CONDITION_IFEQ, "none 2", "*-1\r\n"},
        {CONDITION_IFNE, "a 1", "*-1\r\n"},
        {CONDITION_IFNE, "a 2", "*1\r\n+OK\r\n"},
        {CONDITION_IFNE, "none 2", "*1\r\n+OK\r\n"},
        {CONDITION_IFEQ, "l 1",
         "-WRONGTYPE Operation against a key holding the wrong kind of "
         "value\r\n"},
    };
    struct world_client *tc = start(3);
    UNUSED(state);
    expect_line(tc, "set a 1", "+OK\r\n");
    expect_line(tc, "lpush l 1", ":1\r\n");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        tx_begin();
        step("set done 1");
        condition(CONDITION_XX, 0, "a");
        condition(rows[i].kind, 0, rows[i].words);
        submit(tc);
        expect_reply(tc, rows[i].reply);
    }
    end();
}

/* A watch that was executed in an entry that may still write the key: one with
 * the same version would not be told from it. */
static void test_watched_in_the_entry_that_writes(void **state)
{
    struct world_client *tc = start(1);
    struct bytes watch[] = {BYTES_LIT("vard.watch"), BYTES_LIT("a"),
                            BYTES_LIT("b")};
    UNUSED(state);
    world_submit(tc, "set b 1");
    world_wait_answered(&world, tc);
    buf_reset(&tc->out);
    world_submit(tc, "set a 1");
    submit_as(tc, (struct node_submit){.argv = watch, .argc = 3});
    world_submit(tc, "set a 2");
    world_wait_answered(&world, tc);
    buf_char(&tc->out, '\0');
    assert_non_null(strstr((const char *)tc->out.data, "*2\r\n:-1\r\n:"));
    assert_null(strstr((const char *)tc->out.data, ":0\r\n"));
    buf_reset(&tc->out);
    end();
}

static void test_once(void **state)
{
    struct world_client *tc = start(3);
    UNUSED(state);
    for (uint32_t home = 0; home < 3; home++) {
        struct world_client *other = world_client_new(&world, home);
        tx_begin();
        step("incr a");
        step("get a");
        step("hgetall none");
        struct node_submit s = tx_request("vard.exec");
        s.once_client = BYTES_LIT("me");
        s.once_id = 1;
        submit_as(other, s);
        expect_reply(other, "*3\r\n:1\r\n$1\r\n1\r\n*0\r\n");
    }
    expect_line(tc, "get a", "$1\r\n1\r\n");
    end();
}

/* --- one that is too large ----------------------------------------------- */

/* Each step makes a page of a value that has none: together more than an entry
 * may bring into memory. */
static void fill(char lines[][32], uint32_t count)
{
    step("setrange big 536870911 1");
    for (uint32_t i = 0; i < count; i++) {
        snprintf(lines[i], sizeof(lines[i]), "setrange big %u 1",
                 i * KEYSPACE_PAGE_SIZE + KEYSPACE_PAGE_SIZE - 1);
        step(lines[i]);
    }
}

#define PAGES (CMD_ENTRY_BYTES_MAX / KEYSPACE_PAGE_SIZE + 1000)
#define UNDONE                                                                 \
    "-OOM too much data in one transaction; nothing of it was executed\r\n"

static void test_taken_back(void **state)
{
    static char lines[PAGES][32];
    struct world_client *tc = start(1);
    UNUSED(state);
    expect_line(tc, "mset n 1 t 1", "+OK\r\n");
    expect_line(tc, "pexpire t 500", ":1\r\n");
    world_run(&world, 1);
    raft_index applied = world_applied(&world, 0);
    world_submit(tc, "incr n");
    world_submit(tc, "sadd s 1 2 3");
    tx_begin();
    step("incr n");
    submit(tc);
    tx_begin();
    step("incr n");
    step("swapdb 0 1");
    step("flushall");
    step("incr n");
    tx.steps[tx.step_count - 1].db = 5;
    fill(lines, PAGES);
    submit(tc);
    world_submit(tc, "incr n");
    tx_begin();
    step("incr n");
    submit(tc);
    world_submit(tc, "swapdb 3 4");
    world_submit(tc, "flushdb");
    world_submit(tc, "incr n");
    expect_reply(tc, ":2\r\n:3\r\n*1\r\n:3\r\n" UNDONE
                     ":4\r\n-BUSY too much work in one log entry, try again; "
                     "nothing of the transaction was executed\r\n"
                     "+OK\r\n+OK\r\n:1\r\n");
    assert_int_equal(world_applied(&world, 0), applied + 1);
    expect_line(tc, "strlen big", ":0\r\n");
    expect_line(tc, "dbsize", ":1\r\n");
    struct bytes dbsize = BYTES_LIT("dbsize");
    submit_as(tc, (struct node_submit){.db = 5, .argv = &dbsize, .argc = 1});
    expect_reply(tc, ":0\r\n");
    tx_begin();
    step("incr n");
    submit(tc);
    expect_reply(tc, "*1\r\n:2\r\n");
    end();
}

/* As an answer that is kept it would be one of something that has not been. */
static void test_taken_back_once(void **state)
{
    static char lines[PAGES][32];
    struct world_client *tc = start(1);
    UNUSED(state);
    for (int i = 0; i < 2; i++) {
        tx_begin();
        step("incr n");
        fill(lines, i == 0 ? PAGES : 1);
        struct node_submit s = tx_request("vard.exec");
        s.once_client = BYTES_LIT("me");
        s.once_id = 1;
        submit_as(tc, s);
        expect_reply(tc, i == 0 ? UNDONE
                                : "*3\r\n:1\r\n:536870912\r\n:536870912\r\n");
    }
    end();
}

/* One that was executed before gets its answer, also behind one that is taken
 * back; another one is not executed, and its id stays free. */
static void test_once_behind_taken_back(void **state)
{
    static char lines[PAGES][32];
    struct world_client *tc = start(1);
    UNUSED(state);
    for (int round = 0; round < 3; round++) {
        if (round == 1) {
            tx_begin();
            fill(lines, PAGES);
            submit(tc);
        }
        for (unsigned id = 1; id <= (round == 0 ? 1 : 2); id++) {
            tx_begin();
            step("incr n");
            struct node_submit s = tx_request("vard.exec");
            s.once_client = id == 1 ? BYTES_LIT("me") : BYTES_LIT("you");
            s.once_id = 7;
            submit_as(tc, s);
        }
        expect_reply(tc,
                     round == 0   ? "*1\r\n:1\r\n"
                     : round == 1 ? UNDONE
                         "*1\r\n:1\r\n-BUSY too much work in one log entry, "
                         "try again; nothing of the transaction was "
                         "executed\r\n"
                                  : "*1\r\n:1\r\n*1\r\n:2\r\n");
    }
    end();
}

static void test_made_up(void **state)
{
    static const uint8_t heads[][20] = {
        {0},
        {1, 0, 0, 0, 0, 0, 0, 0},
        {1, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0},
        {1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0},
        {1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0},
        {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0},
        {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0},
        {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
        {0, 0, 0, 0, 1, 0, 0, 0, 7},
        {0, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 1},
        {255, 255, 255, 255, 255, 255, 255, 255},
    };
    struct world_client *tc = start(3);
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        for (size_t len = 0; len <= sizeof(heads[i]); len += 4) {
            struct bytes argv[] = {BYTES_LIT("vard.exec"),
                                   bytes_of(heads[i], len), BYTES_LIT("x")};
            struct program p;
            assert_false(program_decode(argv[1], 3, &p));
            submit_as(tc, (struct node_submit){.argv = argv, .argc = 3});
            expect_reply(tc, "-ERR unknown command 'vard.exec', with args "
                             "beginning with: \r\n");
        }
    tx_begin();
    step("vard.noop");
    step("vard.exec x");
    step("ping");
    step("get");
    submit(tc);
    world_wait_answered(&world, tc);
    assert_int_equal(memcmp(tc->out.data, "*4\r\n-ERR unknown command ", 25),
                     0);
    buf_reset(&tc->out);
    tx_begin();
    step("set a 1");
    submit_as(tc, tx_request("vard.exec_ro")); /* it does not only read */
    expect_reply(tc, "*1\r\n-ERR unknown command 'set', with args beginning "
                     "with: 'a' '1' \r\n");
    expect_line(tc, "get a", "$-1\r\n");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_are_one),
        cmocka_unit_test(test_watched),
        cmocka_unit_test(test_watched_and_exchanged),
        cmocka_unit_test(test_swapdb_is_for_what_follows),
        cmocka_unit_test(test_what_changes_nothing),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_watched_in_the_entry_that_writes),
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_taken_back),
        cmocka_unit_test(test_taken_back_once),
        cmocka_unit_test(test_once_behind_taken_back),
        cmocka_unit_test(test_made_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
