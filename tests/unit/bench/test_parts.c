/* Keys, errors and the command line of vard-bench. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "bench/bench.h"

#include <math.h>
#include <stdlib.h>

static void key_texts(void **state)
{
    UNUSED(state);
    char text[KEY_TEXT_MAX];
    struct bytes b = keys_text("bench:", KEY_VALUE, 42, text);
    assert_true(bytes_eq(b, BYTES_LIT("bench:v000000000042")));
    b = keys_text("", KEY_LOCK, UINT64_MAX, text);
    assert_true(bytes_eq(b, BYTES_LIT("n18446744073709551615")));
}

static void values_follow_from_the_key(void **state)
{
    UNUSED(state);
    struct keys a, b;
    keys_init(&a, 1000, false, 100);
    keys_init(&b, 5, true, 100);
    for (uint64_t i = 0; i < 1000; i++) {
        struct bytes v = keys_value_of(&a, i);
        assert_int_equal(100, v.len);
        assert_true(v.data >= a.pool);
        assert_true(v.data + v.len <= a.pool + KEYS_POOL_SLACK + 100);
        assert_true(bytes_eq(v, keys_value_of(&b, i)));
    }
    assert_false(bytes_eq(keys_value_of(&a, 1), keys_value_of(&a, 2)));
    keys_release(&a);
    keys_release(&b);
}

static void uniform_reaches_all(void **state)
{
    UNUSED(state);
    struct keys k;
    keys_init(&k, 10, false, 0);
    uint64_t seen[10] = {0}, rng = 1;
    for (int i = 0; i < 10000; i++) {
        uint64_t at = keys_pick(&k, &rng);
        assert_true(at < 10);
        seen[at]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(seen[i], 850, 1150);
    keys_release(&k);
}

/* Rank r has probability 1 / (r+1)^0.99 / zeta(n): exact for the first two,
 * an approximation (Gray et al.) for the rest. */
static void zipf_has_its_shape(void **state)
{
    UNUSED(state);
    enum { N = 1000, DRAWS = 200000 };
    struct keys k;
    keys_init(&k, N, true, 0);
    double zeta = 0;
    for (int i = 1; i <= N; i++)
        zeta += pow(i, -0.99);
    uint64_t *seen = mem_zalloc(N * sizeof(*seen));
    uint64_t rng = 1, first_ten = 0;
    for (int i = 0; i < DRAWS; i++) {
        uint64_t rank = keys_rank(&k, &rng);
        assert_true(rank < N);
        seen[rank]++;
        first_ten += rank < 10;
    }
    double p0 = DRAWS / zeta, p1 = DRAWS * pow(2, -0.99) / zeta, ten = 0;
    for (int i = 1; i <= 10; i++)
        ten += DRAWS * pow(i, -0.99) / zeta;
    assert_true(fabs((double)seen[0] - p0) < p0 * 0.05);
    assert_true(fabs((double)seen[1] - p1) < p1 * 0.05);
    assert_true(fabs((double)first_ten - ten) < ten * 0.1);
    mem_free(seen);
    keys_release(&k);
}

/* Summing and integral must meet: a wrong zeta shows in the first rank. */
static void zipf_of_many_keys(void **state)
{
    UNUSED(state);
    struct keys k;
    keys_init(&k, 3000000, true, 0);
    double zeta = 0;
    for (int i = 1; i <= 3000000; i++)
        zeta += pow(i, -0.99);
    assert_true(fabs(k.zeta_n - zeta) < 1e-6);
    keys_release(&k);
}

static void errors_by_kind(void **state)
{
    UNUSED(state);
    struct errors e = {0}, sum = {0};
    errors_note_reply(&e, BYTES_LIT("ERR one \"two\"\n"));
    errors_note_reply(&e, BYTES_LIT("ERR three"));
    errors_note(&e, "timeout", BYTES_LIT("late"), 5);
    errors_note(&e, "none", BYTES_LIT(""), 0);
    assert_int_equal(2, e.used);
    assert_string_equal("ERR", e.kinds[0].kind);
    assert_string_equal("ERR one .two..", e.kinds[0].text);
    assert_int_equal(2, e.kinds[0].count);
    errors_add(&sum, &e);
    errors_add(&sum, &e);
    assert_int_equal(14, errors_total(&sum));
    assert_int_equal(10, sum.kinds[1].count);
}

static void many_kinds_are_bounded(void **state)
{
    UNUSED(state);
    struct errors e = {0};
    for (int i = 0; i < 1000; i++) {
        char text[16];
        snprintf(text, sizeof(text), "K%d x", i);
        errors_note_reply(&e, bytes_str(text));
    }
    assert_int_equal(ERRORS_KINDS_MAX, e.used);
    assert_string_equal("other", e.kinds[e.used - 1].kind);
    assert_int_equal(1000 - (ERRORS_KINDS_MAX - 1), e.kinds[e.used - 1].count);
    assert_int_equal(1000, errors_total(&e));
}

static int parse(struct bench_options *o, char *const *words)
{
    char *argv[32] = {(char *)(uintptr_t) "vard-bench"};
    int argc = 1;
    while (words[argc - 1] != NULL) {
        argv[argc] = words[argc - 1];
        argc++;
    }
    int rc = bench_options_parse(o, &bench_resp, argc, argv);
    cluster_release(&o->cluster);
    return rc;
}

#define PARSE(o, ...) parse(o, (char *[]){__VA_ARGS__, NULL})

static void options_good(void **state)
{
    UNUSED(state);
    struct bench_options o;
    assert_int_equal(0, PARSE(&o, "closed"));
    assert_int_equal(10000, o.duration_ms);
    assert_int_equal(1000, o.warmup_ms);
    assert_int_equal(100, o.puts_percent);
    assert_int_equal(0, PARSE(&o, "open", "--rate", "2.5", "--op", "mixed",
                              "--size", "64kb", "--dist", "zipf", "--seconds",
                              "0.25", "--pids", "7,8", "--nodes", "a:1,b:2",
                              "--followers"));
    assert_true(fabs(o.rate - 2.5) < 1e-12);
    assert_int_equal(OP_MIXED, o.op);
    assert_int_equal(50, o.puts_percent);
    assert_int_equal(65536, o.value_bytes);
    assert_int_equal(1, o.zipf);
    assert_int_equal(250, o.duration_ms);
    assert_int_equal(2, o.pid_count);
    assert_int_equal(8, o.pids[1]);
    assert_int_equal(0, PARSE(&o, "closed", "--count", "7", "--op", "get"));
    assert_int_equal(0, o.warmup_ms);
    assert_int_equal(0, o.duration_ms);
    assert_int_equal(0, o.puts_percent);
    assert_int_equal(0, PARSE(&o, "setup", "--keys", "1k"));
    assert_int_equal(1000, o.count);
    assert_int_equal(0, o.elements);
    assert_int_equal(0, PARSE(&o, "setup", "--keys", "3", "--op", "zrank",
                              "--elements", "201"));
    assert_int_equal(OP_ZRANK, o.op);
    assert_int_equal(9, o.count);
    assert_int_equal(16, o.connections);
    assert_int_equal(0, PARSE(&o, "setup", "--keys", "3", "--op", "xread"));
    assert_int_equal(60, o.count);
    assert_int_equal(1, o.connections);
}

static void options_bad(void **state)
{
    UNUSED(state);
    struct bench_options o;
    assert_int_equal(BENCH_USAGE, PARSE(&o, "run"));
    assert_int_equal(BENCH_USAGE, PARSE(&o, "open"));
    assert_int_equal(BENCH_USAGE, PARSE(&o, "open", "--rate", "0"));
    assert_int_equal(BENCH_USAGE, PARSE(&o, "open", "--rate", "nan"));
    assert_int_equal(BENCH_USAGE, PARSE(&o, "closed", "--rate", "5"));
    assert_int_equal(BENCH_USAGE, PARSE(&o, "closed", "--nodes"));
    assert_int_equal(BENCH_USAGE, PARSE(&o, "closed", "--nodes", "a:b"));
    assert_int_equal(BENCH_USAGE, PARSE(&o, "closed", "--op", "mix"));
    assert_int_equal(BENCH_USAGE, PARSE(&o, "closed", "--op", ""));
    assert_int_equal(BENCH_USAGE, PARSE(&o, "closed", "--keys", "0"));
    assert_int_equal(BENCH_USAGE, PARSE(&o, "closed", "--connections", "-1"));
    assert_int_equal(BENCH_USAGE, PARSE(&o, "closed", "--seconds", "-1"));
    assert_int_equal(BENCH_USAGE, PARSE(&o, "closed", "--pids", "1,x"));
    assert_int_equal(BENCH_USAGE, PARSE(&o, "closed", "--puts", "101"));
    assert_int_equal(BENCH_USAGE,
                     PARSE(&o, "closed", "--op", "cas", "--puts", "5"));
    assert_int_equal(BENCH_USAGE,
                     PARSE(&o, "closed", "--count", "5", "--seconds", "5"));
    assert_int_equal(BENCH_USAGE, PARSE(&o, "setup", "--count", "5"));
    assert_int_equal(BENCH_USAGE,
                     PARSE(&o, "closed", "--leader", "--followers"));
    assert_int_equal(BENCH_USAGE, PARSE(&o, "closed", "--elements", "5"));
    assert_int_equal(BENCH_USAGE,
                     PARSE(&o, "setup", "--op", "xadd", "--connections", "2"));
    assert_int_equal(BENCH_USAGE,
                     PARSE(&o, "closed", "--op", "hget", "--elements", "0"));
    assert_int_equal(BENCH_USAGE,
                     PARSE(&o, "setup", "--op", "hget", "--elements",
                           "4000000000", "--keys", "4000000000"));
    assert_int_equal(BENCH_USAGE, PARSE(&o, "closed", "stray"));
    assert_int_equal(BENCH_USAGE, PARSE(&o, "closed", "--nosuch", "1"));
}

int main(void)
{
    unsetenv("VARD_PASSWORD");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_texts),
        cmocka_unit_test(values_follow_from_the_key),
        cmocka_unit_test(uniform_reaches_all),
        cmocka_unit_test(zipf_has_its_shape),
        cmocka_unit_test(zipf_of_many_keys),
        cmocka_unit_test(errors_by_kind),
        cmocka_unit_test(many_kinds_are_bounded),
        cmocka_unit_test(options_good),
        cmocka_unit_test(options_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
