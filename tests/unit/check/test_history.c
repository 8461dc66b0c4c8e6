// link: check_lin base
/* The text format: what is written is read back, what is wrong is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/rng.h"
#include "check/history.h"
#include "check/history_gen.h"

static void write_all(const struct history *h, struct buf *out)
{
    for (size_t i = 0; i < h->count; i++)
        history_write_op(h, &h->ops[i], out);
}

static void assert_round_trip(const struct history *h)
{
    struct buf first = BUF_INIT;
    struct buf second = BUF_INIT;
    struct history back;
    const char *why = NULL;
    size_t line_no = 0;
    history_init(&back);
    write_all(h, &first);
    assert_int_equal(history_read(&back, buf_view(&first), &why, &line_no), 0);
    assert_int_equal(back.count, h->count);
    write_all(&back, &second);
    assert_true(bytes_eq(buf_view(&first), buf_view(&second)));
    for (size_t i = 0; i < h->count; i++) {
        const struct history_op *a = &h->ops[i];
        const struct history_op *b = &back.ops[i];
        assert_true(a->invoke == b->invoke && a->ret == b->ret);
        assert_true(a->number == b->number && a->increment == b->increment);
        assert_true(a->index == b->index && a->pos == b->pos);
        assert_true(a->kind == b->kind && a->outcome == b->outcome);
        assert_true(a->reply == b->reply && a->place == b->place);
        assert_true(
            bytes_eq(history_text(h, a->key), history_text(&back, b->key)));
    }
    history_release(&back);
    buf_release(&first);
    buf_release(&second);
}

static void test_round_trip(void **state)
{
    UNUSED(state);
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct gen_options o = {.seed = seed,
                                .ops = 200,
                                .clients = 5,
                                .keys = 3,
                                .unknown_permil = 100,
                                .failed_permil = 100,
                                .kinds = GEN_KINDS_ALL,
                                .places = (enum gen_places)(seed % 3)};
        struct history h;
        history_init(&h);
        history_gen(&h, &o);
        assert_round_trip(&h);
        history_release(&h);
    }
}

static void test_binary(void **state)
{
    UNUSED(state);
    uint8_t all[256];
    struct history h;
    history_init(&h);
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (uint8_t)i;
    struct history_op op = {.kind = HISTORY_CAS,
                            .invoke = INT64_MIN,
                            .ret = HISTORY_NEVER - 1,
                            .client = UINT32_MAX,
                            .reply = REPLY_INT,
                            .number = INT64_MIN,
                            .place = PLACE_LOG,
                            .index = UINT64_MAX,
                            .pos = UINT32_MAX};
    op.key = history_intern(&h, bytes_of(all, sizeof(all)));
    op.expected = history_intern(&h, BYTES_NONE);
    op.value = history_intern(&h, BYTES_LIT("%"));
    history_add(&h, &op);
    op.kind = HISTORY_GET;
    op.expected = op.value = 0;
    op.reply = REPLY_TEXT;
    op.number = 0;
    op.text = history_intern(&h, BYTES_NONE);
    history_add(&h, &op);
    assert_round_trip(&h);
    history_release(&h);
}

static void test_intern(void **state)
{
    UNUSED(state);
    struct history h;
    history_init(&h);
    uint64_t rng = 5;
    for (int i = 0; i < 20000; i++) {
        uint64_t n = rng_below(&rng, 5000);
        struct bytes text = bytes_of(&n, 1 + n % sizeof(n));
        uint32_t id = history_intern(&h, text);
        assert_true(bytes_eq(history_text(&h, id), text));
        assert_int_equal(history_intern(&h, text), id);
    }
    assert_true(h.text_count <= 5000);
    history_release(&h);
}

static void test_refuses(void **state)
{
    UNUSED(state);
    static const char *const wrong[] = {
        "1",
        "x 1 2 ok get k = _",
        "4294967296 1 2 ok get k = _",
        "1 a 2 ok get k = _",
        "1 1 b ok get k = _",
        "1 2 1 ok get k = _",
        "1 1 - ok get k = _",
        "1 1 2 unknown set k v",
        "1 1 - unknown get k = _",
        "1 1 2 fail set k v = +",
        "1 1 2 maybe get k = _",
        "1 1 2 ok frob k = _",
        "1 1 2 ok get = _",
        "1 1 2 ok get k",
        "1 1 2 ok get k =",
        "1 1 2 ok get k = ?",
        "1 1 2 ok get k = $",
        "1 1 2 ok get k = $%2",
        "1 1 2 ok get k = $%zz",
        "1 1 2 ok get k = $a\001",
        "1 1 2 ok get k = :",
        "1 1 2 ok get k = :01",
        "1 1 2 ok get k = +x",
        "1 1 2 ok set k = +",
        "1 1 2 ok set k v w = +",
        "1 1 2 ok cas k v = +",
        "1 1 2 ok incrby k x = :1",
        "1 1 2 ok get k = _ @",
        "1 1 2 ok get k = _ @x",
        "1 1 2 ok get k = _ @1.",
        "1 1 2 ok get k = _ @r1.2",
        "1 1 2 ok set k v = + @r1",
        "1 1 2 ok get k = _ @1 2",
        "1  1 2 ok get k = _",
        "1 1 2 ok get k = _ ",
        " 1 1 2 ok get k = _",
        "1 1 2 ok get k = _ @1 2 3 4 5 6 7 8 9",
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct history h;
        const char *why = NULL;
        history_init(&h);
        int err = history_read_line(&h, bytes_str(wrong[i]), &why);
        if (err != ERR_INVALID)
            print_error("accepted: %s\n", wrong[i]);
        assert_int_equal(err, ERR_INVALID);
        assert_non_null(why);
        assert_int_equal(h.count, 0);
        history_release(&h);
    }
}

static void test_other_words(void **state)
{
    UNUSED(state);
    static const char text[] = "# a comment\n"
                               "\n"
                               "1 -5 2 ok INCR k = :1\n"
                               "1 3 4 ok decr k = :0 @7\n"
                               "1 5 6 ok DelIfEq k 0 = :1\n"
                               "1 7 - fail set k %";
    struct history h;
    const char *why = NULL;
    size_t line_no = 0;
    history_init(&h);
    assert_int_equal(history_read(&h, bytes_str(text), &why, &line_no), 0);
    assert_int_equal(h.count, 4);
    assert_int_equal(h.ops[0].kind, HISTORY_INCRBY);
    assert_int_equal(h.ops[0].increment, 1);
    assert_int_equal(h.ops[1].increment, -1);
    assert_int_equal(h.ops[1].index, 7);
    assert_int_equal(h.ops[2].kind, HISTORY_CAD);
    assert_int_equal(h.ops[3].outcome, HISTORY_FAIL);
    assert_int_equal(history_text(&h, h.ops[3].value).len, 0);
    assert_int_equal(history_read(&h, BYTES_LIT("\n\nx\n"), &why, &line_no),
                     ERR_INVALID);
    assert_int_equal(line_no, 3);
    history_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_binary),
        cmocka_unit_test(test_intern),      cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_other_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
