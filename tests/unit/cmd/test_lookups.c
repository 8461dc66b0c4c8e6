/*
 * Which commands count as lookups (keyspace_hits, keyspace_misses): those that
 * tell what was there, whether they write or not. The numbers are those of
 * redis-server 7.0.15.
 */
// link: store data resp table base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/cmd/cmd_fixture.h"

struct row {
    const char *line;
    uint64_t hits;
    uint64_t misses;
};

/* `k` has a value before each, `c` is a number, what begins with `n` is not
 * there. */
static const struct row rows[] = {
    {"GET k", 1, 0},
    {"GET no", 0, 1},
    {"MGET k no k", 2, 1},
    {"EXISTS k no", 1, 1},
    {"TYPE k", 1, 0},
    {"TTL k", 1, 0},
    {"PEXPIRETIME no", 0, 1},
    {"TOUCH k no", 1, 1},
    {"STRLEN no", 0, 1},
    {"GETRANGE k 0 1", 1, 0},
    {"SUBSTR no 0 1", 0, 1},
    {"GETRANGE k a b", 0, 0},
    {"DBSIZE", 0, 0},
    {"GETSET k v", 1, 0},
    {"GETSET no1 v", 0, 1},
    {"GETDEL k", 1, 0},
    {"GETDEL no", 0, 1},
    {"GETEX k", 1, 0},
    {"GETEX k PX 100000", 1, 0},
    {"GETEX k PERSIST", 1, 0},
    {"GETEX k EX 0", 1, 0},
    {"GETEX no", 0, 1},
    {"GETEX no EX 0", 0, 1},
    {"GETEX k NOSUCH", 0, 0},
    {"SET k v GET", 1, 0},
    {"SET k v XX GET", 1, 0},
    {"SET k v NX GET", 1, 0},
    {"SET no2 v GET", 0, 1},
    {"SET no2 v EX 0 GET", 0, 0},
    {"SET k v", 0, 0},
    {"SET k v NX", 0, 0},
    {"SET k v XX", 0, 0},
    {"SET k v KEEPTTL", 0, 0},
    {"SET k v IFEQ v", 0, 0},
    {"SETEX k 100 v", 0, 0},
    {"SETNX k v", 0, 0},
    {"SETNX no3 v", 0, 0},
    {"MSETNX k v no4 v", 0, 0},
    {"APPEND k v", 0, 0},
    {"SETRANGE k 0 v", 0, 0},
    {"SETRANGE no 0 \"\"", 0, 0},
    {"INCR c", 0, 0},
    {"INCRBYFLOAT c 1.5", 0, 0},
    {"EXPIRE k 1000", 0, 0},
    {"PERSIST no", 0, 0},
    {"CAS k v w", 0, 0},
    {"DEL k no", 0, 0},
};

static void told_is_counted(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)fixture_run(&f, "SET k v");
        struct keyspace_tally before = *keyspace_tally(f.ks);
        (void)fixture_run(&f, rows[i].line);
        const struct keyspace_tally *now = keyspace_tally(f.ks);
        if (now->hits - before.hits != rows[i].hits ||
            now->misses - before.misses != rows[i].misses)
            fail_msg("%s: %d hits, %d misses", rows[i].line,
                     (int)(now->hits - before.hits),
                     (int)(now->misses - before.misses));
    }
    fixture_release(&f);
}

/* Executed for another node's client: reads are not, there. */
static void replicate(struct fixture *f, const char *line)
{
    fixture_split(f, line);
    const struct cmd *cmd = fixture_find(f);
    if ((cmd->flags & CMD_WRITE) == 0)
        return;
    fixture_begin(f);
    fixture_execute(f, cmd, NULL);
    fixture_commit(f);
}

/* On the other replicas nobody is told. */
static void others_do_not_count(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    (void)fixture_run(&f, "SET k v");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        replicate(&f, rows[i].line);
    assert_int_equal(keyspace_tally(f.ks)->hits, 0);
    assert_int_equal(keyspace_tally(f.ks)->misses, 0);
    fixture_release(&f);
}

/* When the reply has become too long, nothing more is looked up for it. */
static void what_is_not_told_is_not_looked_up(void **state)
{
    UNUSED(state);
    struct fixture f;
    fixture_init(&f);
    (void)fixture_run(&f, "SET k 0123456789012345678901234567890123456789");
    buf_reset(&f.out);
    struct resp_writer w = {.out = &f.out, .protocol = 2, .limit = 100};
    fixture_begin(&f);
    fixture_split(&f, "MGET k k no k no k k");
    struct cmd_call call = {
        .level = LEVEL_NEXT,
        .cmd = fixture_find(&f),
        .ks = f.ks,
        .out = &w,
        .argv = f.reader.argv,
        .argc = f.reader.argc,
        .asked = true,
    };
    cmd_run(&call);
    fixture_commit(&f);
    assert_true(w.over);
    assert_int_equal(keyspace_tally(f.ks)->hits, 1); /* the one that is cut */
    assert_int_equal(keyspace_tally(f.ks)->misses, 0);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(told_is_counted),
        cmocka_unit_test(others_do_not_count),
        cmocka_unit_test(what_is_not_told_is_not_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
