/*
 * The fold of a log, on logs made up by hand: what each request answers, what
 * each key holds at each index, and what sessions and named requests make of
 * repeats and gaps (X9).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "check/fold.h"
#include "codec/request.h"

// link: check_state store codec base

#define WORDS_MAX 6

/* A log being written, and what its fold executes. */
struct story {
    struct fold fold;
    struct buf payload;
    struct buf reply; /* of the requests of the last entry, joined */
    uint32_t executed;
    int64_t time_ms;
    int64_t wall_offset_ms;
};

static struct buf *execute(void *ctx, const struct fold_request *r)
{
    struct story *s = ctx;

    s->executed++;
    return r->internal ? NULL : &s->reply;
}

static struct story *story_new(void)
{
    struct story *s = mem_zalloc(sizeof(*s));
    struct fold_events events = {s, execute};

    fold_init(&s->fold, &events);
    s->time_ms = 1000;
    return s;
}

static void story_free(struct story *s)
{
    fold_release(&s->fold);
    buf_release(&s->payload);
    buf_release(&s->reply);
    mem_free(s);
}

static uint32_t split(const char *text, struct bytes argv[WORDS_MAX])
{
    uint32_t argc = 0;

    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        assert_true(argc < WORDS_MAX);
        argv[argc++] = bytes_of(text, len);
        text += len + (text[len] == ' ');
    }
    return argc;
}

/* Puts one request into the entry being made, as a group of its own. */
static void put(struct story *s, struct request head, uint64_t incarnation,
                uint64_t seq, const char *text)
{
    struct bytes argv[WORDS_MAX];

    head.argc = split(text, argv);
    size_t begin = request_parcel_begin(&s->payload, 0, incarnation, seq);
    request_encode(&s->payload, &head, argv);
    request_parcel_end(&s->payload, begin, 1);
}

/* Closes the entry; the replies of what was executed. */
static void entry(struct story *s, const char *replies)
{
    struct entry e = {.index = s->fold.head + 1,
                      .term = 1,
                      .time_ms = s->time_ms,
                      .wall_offset_ms = s->wall_offset_ms,
                      .kind = ENTRY_REQUESTS,
                      .payload = buf_view(&s->payload)};

    buf_reset(&s->reply);
    s->executed = 0;
    fold_entry(&s->fold, &e);
    buf_reset(&s->payload);
    assert_true(bytes_eq(buf_view(&s->reply), bytes_str(replies)));
}

/* An entry with one request of node 0, incarnation 1. */
static void one(struct story *s, uint64_t seq, const char *text,
                const char *reply)
{
    put(s, (struct request){0}, 1, seq, text);
    entry(s, reply);
    assert_null(s->fold.violation);
}

static void once(struct story *s, uint64_t seq, uint64_t id, const char *text,
                 const char *reply)
{
    struct request head = {.flags = REQUEST_FLAG_ONCE,
                           .once_client = BYTES_LIT("me"),
                           .once_id = id,
                           .once_ttl_s = 10};
    put(s, head, 1, seq, text);
    entry(s, reply);
    assert_null(s->fold.violation);
}

static void test_commands(void **state)
{
    static const struct {
        const char *text;
        const char *reply;
    } steps[] = {
        {"get a", "$-1\r\n"},        {"set a x", "+OK\r\n"},
        {"get a", "$1\r\nx\r\n"},    {"set a y nx", "$-1\r\n"},
        {"setnx b 7", ":1\r\n"},     {"setnx b 8", ":0\r\n"},
        {"incr b", ":8\r\n"},        {"incrby b -10", ":-2\r\n"},
        {"append a yz", ":3\r\n"},   {"strlen a", ":3\r\n"},
        {"cas a x q", ":0\r\n"},     {"cas a xyz q", ":1\r\n"},
        {"cad a x", ":0\r\n"},       {"cad a q", ":1\r\n"},
        {"exists a", ":0\r\n"},      {"set a z xx", "$-1\r\n"},
        {"mset a 1 c 2", "+OK\r\n"}, {"getdel c", "$1\r\n2\r\n"},
        {"getdel c", "$-1\r\n"},     {"del a b c", ":2\r\n"},
    };
    struct story *s = story_new();

    UNUSED(state);
    for (uint64_t i = 0; i < ARRAY_LEN(steps); i++)
        one(s, i + 1, steps[i].text, steps[i].reply);
    assert_int_equal(s->fold.executed, ARRAY_LEN(steps));
    story_free(s);
}

/* Expiry is decided by the times in the log. */
static void test_expiry(void **state)
{
    struct story *s = story_new();

    UNUSED(state);
    one(s, 1, "set a x px 100", "+OK\r\n");
    one(s, 2, "pexpiretime a", ":1100\r\n");
    s->time_ms = 1099;
    one(s, 3, "exists a", ":1\r\n");
    s->time_ms = 1100;
    one(s, 4, "exists a", ":0\r\n");
    one(s, 5, "persist a", ":0\r\n");
    one(s, 6, "set a y px 50", "+OK\r\n");
    one(s, 7, "persist a", ":1\r\n");
    s->time_ms = 9000;
    one(s, 8, "get a", "$1\r\ny\r\n");
    struct fold_key *k = fold_key(&s->fold, BYTES_LIT("a"), false);
    assert_null(fold_alive_at(&s->fold, k, 0));
    assert_int_equal(fold_alive_at(&s->fold, k, 3)->index, 1);
    assert_null(fold_alive_at(&s->fold, k, 5));
    assert_int_equal(fold_alive_at(&s->fold, k, 8)->index, 7);
    story_free(s);
}

/* Absolute times are those of the wall clock, as each entry has it. */
static void test_absolute_times(void **state)
{
    struct story *s = story_new();

    UNUSED(state);
    s->wall_offset_ms = 500;
    one(s, 1, "set a x pxat 1600", "+OK\r\n");
    one(s, 2, "pexpiretime a", ":1600\r\n");
    s->wall_offset_ms = -300;
    one(s, 3, "pexpiretime a", ":800\r\n");
    one(s, 4, "pexpireat a 801", ":1\r\n");
    one(s, 5, "pexpiretime a", ":801\r\n");
    s->time_ms = 1100;
    one(s, 6, "exists a", ":1\r\n");
    s->time_ms = 1101;
    one(s, 7, "exists a", ":0\r\n");
    one(s, 8, "set a x pxat 801", "+OK\r\n");
    one(s, 9, "exists a", ":0\r\n");
    one(s, 10, "set a x", "+OK\r\n");
    one(s, 11, "pexpireat a 801", ":1\r\n");
    one(s, 12, "exists a", ":0\r\n");
    one(s, 13, "pexpireat a 900", ":0\r\n");
    story_free(s);
}

static void test_sessions(void **state)
{
    struct story *s = story_new();

    UNUSED(state);
    one(s, 1, "incr n", ":1\r\n");
    one(s, 1, "incr n", "");       /* repeated */
    one(s, 3, "incr n", "");       /* behind a gap */
    one(s, 2, "incr n", ":2\r\n"); /* which is filled */
    one(s, 3, "incr n", ":3\r\n");
    put(s, (struct request){0}, 2, 2, "incr n"); /* a new one begins with 1 */
    entry(s, "");
    put(s, (struct request){0}, 2, 1, "incr n");
    entry(s, ":4\r\n");
    one(s, 4, "incr n", ""); /* the old one is over */
    struct fold_session session = fold_session(&s->fold, 0);
    assert_int_equal(session.incarnation, 2);
    assert_int_equal(session.last_seq, 1);
    assert_int_equal(s->fold.executed, 4);
    assert_int_equal(s->fold.skipped, 4);
    assert_int_equal(fold_session(&s->fold, 1).incarnation, 0);
    story_free(s);
}

/* X9: a repeated request gets the first answer, until the log's time says that
 * it is forgotten. */
static void test_once(void **state)
{
    struct story *s = story_new();

    UNUSED(state);
    once(s, 1, 5, "incr n", ":1\r\n");
    once(s, 2, 5, "incr n", ":1\r\n");
    one(s, 3, "incr n", ":2\r\n");
    once(s, 4, 5, "incr n", ":1\r\n");
    once(s, 5, 6, "incr n", ":3\r\n");
    once(s, 6, 5, "incr n",
         "-ERR this request id is older than the newest one of the client, "
         "its answer is not kept any more\r\n");
    s->time_ms += 9999;
    once(s, 7, 6, "incr n", ":3\r\n");
    s->time_ms += 1;
    once(s, 8, 6, "incr n", ":4\r\n");
    assert_int_equal(s->fold.once_same, 3);
    story_free(s);
}

static void test_internal_and_two_groups(void **state)
{
    struct story *s = story_new();
    struct request internal = {.flags = REQUEST_FLAG_INTERNAL};

    UNUSED(state);
    put(s, internal, 1, 1, "vard.sweep 100");
    put(s, (struct request){0}, 1, 2, "incr n");
    put(s, (struct request){0}, 1, 3, "get n");
    entry(s, ":1\r\n$1\r\n1\r\n");
    assert_int_equal(s->executed, 3);
    story_free(s);
}

static void begins(const char *violation, const char *name)
{
    assert_non_null(violation);
    assert_memory_equal(violation, name, strlen(name));
}

static void test_breaches(void **state)
{
    struct story *s = story_new();

    UNUSED(state);
    one(s, 1, "incr n", ":1\r\n");
    s->time_ms--;
    put(s, (struct request){0}, 1, 2, "incr n");
    entry(s, "");
    begins(s->fold.violation, "X10");
    story_free(s);

    s = story_new();
    put(s, (struct request){0}, 1, 1, "frobnicate n");
    entry(s, "");
    begins(s->fold.violation, "limit");
    story_free(s);

    s = story_new();
    buf_str(&s->payload, "no group");
    entry(s, "");
    begins(s->fold.violation, "I6");
    story_free(s);
}

static void test_reads(void **state)
{
    struct fold_version v = {.present = true,
                             .expire_ms = 77,
                             .hash = hash64(BYTES_LIT("abc")),
                             .len = 3};
    static const struct {
        const char *word, *with, *without, *wrong;
    } rows[] = {
        {"get", "$3\r\nabc\r\n", "$-1\r\n", "$3\r\nabd\r\n"},
        {"strlen", ":3\r\n", ":0\r\n", ":2\r\n"},
        {"exists", ":1\r\n", ":0\r\n", ":2\r\n"},
        {"pexpiretime", ":70\r\n", ":-2\r\n", ":-1\r\n"},
    };

    struct story *s = story_new();

    UNUSED(state);
    s->wall_offset_ms = -7;
    one(s, 1, "get a", "$-1\r\n");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct fold *f = &s->fold;
        struct bytes word = bytes_str(rows[i].word);
        struct bytes with = bytes_str(rows[i].with);
        struct bytes without = bytes_str(rows[i].without);
        assert_true(fold_read_matches(f, 1, word, with, &v));
        assert_false(fold_read_matches(f, 1, word, with, NULL));
        assert_true(fold_read_matches(f, 1, word, without, NULL));
        assert_false(fold_read_matches(f, 1, word, without, &v));
        assert_false(
            fold_read_matches(f, 1, word, bytes_str(rows[i].wrong), &v));
    }
    story_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_absolute_times),
        cmocka_unit_test(test_sessions),
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_internal_and_two_groups),
        cmocka_unit_test(test_breaches),
        cmocka_unit_test(test_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
