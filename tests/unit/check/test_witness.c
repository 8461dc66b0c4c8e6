// link: check_lin base
/*
 * The witness checker: claimed orders that are right pass, also with unknown
 * outcomes; wrong replies, wrong orders and impossible places fail.
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

#include <string.h>

static struct gen_options options_of(uint64_t seed)
{
    return (struct gen_options){.seed = seed,
                                .ops = 20 + seed % 200,
                                .clients = 1 + (uint32_t)(seed % 7),
                                .keys = 1 + (uint32_t)(seed % 3),
                                .unknown_permil = (uint32_t)(seed % 3) * 30,
                                .failed_permil = (uint32_t)(seed % 2) * 30,
                                .kinds = GEN_KINDS_ALL,
                                .places = GEN_ALL_PLACED,
                                .final_reads = true};
}

static bool passes(const struct history *h, bool unknown_complete)
{
    struct witness_report r;
    struct witness_options o = {.unknown_complete = unknown_complete};
    witness_check(h, &o, &r);
    bool ok = r.ok;
    assert_true(ok == (r.text.len == 0));
    witness_report_release(&r);
    return ok;
}

static void test_valid(void **state)
{
    UNUSED(state);
    for (uint64_t seed = 0; seed < 3000; seed++) {
        struct gen_options o = options_of(seed);
        struct history h;
        history_init(&h);
        history_gen(&h, &o);
        assert_true(passes(&h, true));
        history_release(&h);
    }
}

/* Without the places of unknown outcomes some keys are left to the search,
 * which finds them good; none is condemned. */
static void test_undecided(void **state)
{
    UNUSED(state);
    size_t undecided = 0;
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct gen_options o = options_of(seed);
        struct history h;
        struct witness_report r;
        struct lin_report l;
        o.places = GEN_REPLIES_PLACED;
        history_init(&h);
        history_gen(&h, &o);
        witness_check(&h, &(struct witness_options){false}, &r);
        assert_true(r.ok);
        undecided += r.keys_undecided;
        lin_check(&h, &(struct lin_options){.only = r.undecided}, &l);
        assert_int_equal(l.verdict, LIN_OK);
        assert_int_equal(l.keys, r.keys_undecided);
        lin_report_release(&l);
        witness_report_release(&r);
        history_release(&h);
    }
    assert_true(undecided > 100);
}

static void test_wrong_reply(void **state)
{
    UNUSED(state);
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct gen_options o = options_of(seed);
        struct history h;
        history_init(&h);
        history_gen(&h, &o);
        for (size_t i = 0; i < h.count; i++) {
            if (h.ops[i].reply != REPLY_INT)
                continue;
            h.ops[i].number ^= 1;
            assert_false(passes(&h, true));
            break;
        }
        history_release(&h);
    }
}

/* Two replies to the same client change places: time contradicts. */
static void test_wrong_order(void **state)
{
    UNUSED(state);
    struct history h;
    struct witness_report r;
    const char *why = NULL;
    size_t line_no = 0;
    const char *text = "1 1 2 ok set a x = + @2\n"
                       "1 3 4 ok set b y = + @1\n";
    history_init(&h);
    assert_int_equal(history_read(&h, bytes_str(text), &why, &line_no), 0);
    witness_check(&h, &(struct witness_options){false}, &r);
    assert_false(r.ok);
    assert_int_equal(r.bad_op, 0);
    buf_char(&r.text, '\0');
    assert_non_null(strstr((char *)r.text.data, "real time"));
    witness_report_release(&r);
    history_release(&h);
}

static void test_places(void **state)
{
    UNUSED(state);
    static const struct {
        const char *text;
        bool ok;
    } cases[] = {
        {"1 1 2 ok set a x = + @1\n", true},
        {"1 1 2 ok set a x = +\n", false}, /* no place */
        {"1 1 2 ok set a x = + @1\n"
         "2 1 2 ok set b x = + @1\n",
         false}, /* one place for two */
        {"1 1 2 ok set a x = + @1\n"
         "2 1 2 ok set b x = + @1.1\n",
         true},
        {"1 1 2 fail set a x @1\n", false}, /* refused, executed */
        {"1 1 2 fail set a x\n", true},
        {"1 1 - unknown set a x @1\n"
         "1 2 3 ok get a = $x @r1\n",
         true},
        {"1 1 - unknown set a x @2\n"
         "1 2 3 ok get a = $x @r1\n",
         false}, /* a read before it */
        {"1 1 2 ok get a = _ @r0\n"
         "1 1 9 ok get a = $x @r1\n"
         "1 1 9 ok get a = $x @r1\n"
         "1 3 9 ok set a x = + @1\n",
         true},
        {"1 5 6 ok get a = _ @r0\n"
         "1 1 3 ok set a x = + @1\n",
         false}, /* a stale read */
        {"1 1 9 ok get a = _ @1.0\n"
         "1 1 9 ok set a x = + @1.1\n"
         "1 1 9 ok get a = $x @1.2\n",
         true}, /* reads in the log */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct history h;
        const char *why = NULL;
        size_t line_no = 0;
        history_init(&h);
        assert_int_equal(
            history_read(&h, bytes_str(cases[i].text), &why, &line_no), 0);
        if (passes(&h, true) != cases[i].ok)
            print_error("%s", cases[i].text);
        assert_int_equal(passes(&h, true), cases[i].ok);
        history_release(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),       cmocka_unit_test(test_undecided),
        cmocka_unit_test(test_wrong_reply), cmocka_unit_test(test_wrong_order),
        cmocka_unit_test(test_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
