// link: check_lin base
/*
 * How long big histories take, printed and not judged; the verdicts are. The
 * aims: 100,000 operations on one key and 2,000,000 in all under a minute on
 * one core, 10,000,000 replayed in seconds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "check/history_gen.h"
#include "check/lin.h"
#include "check/witness.h"

#include <stdio.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHRINK 50
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SHRINK 50
#endif
#endif
#ifndef SHRINK
#define SHRINK 1
#endif

#define REGISTER (GEN_KIND(GET) | GEN_KIND(SET) | GEN_KIND(GETSET))

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void measure_search(const char *name, struct gen_options o)
{
    struct history h;
    struct lin_report r;
    o.ops /= SHRINK;
    history_init(&h);
    history_gen(&h, &o);
    double start = now();
    lin_check(&h, &(struct lin_options){0}, &r);
    print_message("%-38s %8zu ops %3u clients %6.2f s %9.0f steps\n", name,
                  h.count, o.clients, now() - start, (double)r.steps);
    assert_int_equal(r.verdict, LIN_OK);
    lin_report_release(&r);
    history_release(&h);
}

static void test_hot_key(void **state)
{
    UNUSED(state);
    static const uint32_t clients[] = {10, 30, 60};
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        struct gen_options o = {.seed = 1 + i,
                                .ops = 100000,
                                .clients = clients[i],
                                .keys = 1,
                                .unknown_permil = 10,
                                .failed_permil = 10,
                                .kinds = REGISTER,
                                .ones = true};
        measure_search("hot register, 1 % unknown", o);
        o.kinds |= GEN_KIND(CAS);
        o.unknown_permil = i == 0 ? 10 : 0;
        measure_search(i == 0 ? "hot register with CAS, 1 % unknown"
                              : "hot register with CAS, all known",
                       o);
        o.unknown_permil = 0;
        o.values = 1000;
        if (clients[i] <= 30)
            measure_search("hot register, 1,000 values, all known", o);
        o.values = 0;
        o.unknown_permil = 10;
        o.kinds = GEN_KIND(INCRBY) | GEN_KIND(GET);
        measure_search("hot counter, 1 % unknown", o);
        o.kinds = GEN_KIND(APPEND) | GEN_KIND(STRLEN);
        measure_search("hot list, 1 % unknown", o);
    }
}

static void test_many_keys(void **state)
{
    UNUSED(state);
    struct gen_options o = {.seed = 3,
                            .ops = 2000000,
                            .clients = 60,
                            .keys = 1000,
                            .unknown_permil = 10,
                            .failed_permil = 10,
                            .kinds = GEN_KINDS_ALL};
    measure_search("1,000 keys, all operations", o);
}

static void test_witness(void **state)
{
    UNUSED(state);
    struct history h;
    struct witness_report r;
    struct gen_options o = {.seed = 4,
                            .ops = 2000000 / SHRINK,
                            .clients = 60,
                            .keys = 10000,
                            .values = 100000,
                            .kinds = REGISTER | GEN_KIND(CAS) | GEN_KIND(DEL),
                            .places = GEN_ALL_PLACED};
    history_init(&h);
    history_gen(&h, &o);
    double start = now();
    witness_check(&h, &(struct witness_options){true}, &r);
    print_message("witness: %zu operations replayed in %.2f s\n", r.ops,
                  now() - start);
    assert_true(r.ok);
    assert_int_equal(r.ops, h.count);
    witness_report_release(&r);
    history_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hot_key),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_witness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
