// link: check_lin base
/*
 * Thousands of histories that are linearizable by construction pass, each
 * kind of corruption fails. A corruption is only made where it breaks
 * linearizability for certain: values are written once each, and times leave
 * no way out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "check/history_gen.h"
#include "check/lin.h"

#include <string.h>

#define SEEDS 300

static enum lin_verdict verdict_of(const struct history *h, bool *failed)
{
    struct lin_report r;
    lin_check(h, &(struct lin_options){0}, &r);
    enum lin_verdict verdict = r.verdict;
    assert_int_equal(r.text.len > 0, verdict == LIN_VIOLATION);
    if (failed != NULL)
        *failed = r.failed_visible;
    lin_report_release(&r);
    return verdict;
}

static void test_valid(void **state)
{
    UNUSED(state);
    static const uint32_t kinds[] = {
        GEN_KINDS_ALL,
        GEN_KIND(GET) | GEN_KIND(SET) | GEN_KIND(CAS) | GEN_KIND(DEL),
        GEN_KIND(INCRBY) | GEN_KIND(GET),
        GEN_KIND(APPEND) | GEN_KIND(GET) | GEN_KIND(STRLEN),
        GEN_KIND(PUT) | GEN_KIND(GET) | GEN_KIND(DEL) | GEN_KIND(EXISTS),
        GEN_KINDS_LISTS,
        GEN_KIND(RPUSH) | GEN_KIND(LPOP) | GEN_KIND(LLEN),
    };
    for (uint64_t seed = 0; seed < 4000; seed++) {
        struct gen_options o = {.seed = seed,
                                .ops = 10 + seed % 190,
                                .clients = 1 + (uint32_t)(seed % 7),
                                .keys = 1 + (uint32_t)(seed % 3),
                                .values = seed % 5 == 0 ? 3 : 0,
                                .unknown_permil = (uint32_t)(seed % 4) * 10,
                                .failed_permil = (uint32_t)(seed % 3) * 20,
                                .kinds = kinds[seed % ARRAY_LEN(kinds)],
                                .final_reads = seed % 2 == 0};
        struct history h;
        history_init(&h);
        history_gen(&h, &o);
        assert_int_equal(verdict_of(&h, NULL), LIN_OK);
        history_release(&h);
    }
}

/* --- corruptions -------------------------------------------------------- */

/* Changes the history, or returns false if it offers no opportunity. */
typedef bool corrupt_fn(struct history *h);

static bool ok_kind(const struct history_op *op, enum history_kind kind)
{
    return op->outcome == HISTORY_OK && op->kind == kind;
}

static void set_reply(struct history_op *op, uint32_t text)
{
    op->reply = text == 0 ? REPLY_NIL : REPLY_TEXT;
    op->text = text;
}

/* Three acknowledged ones on a key, one entirely after the other. */
struct triple {
    enum history_kind first, second;
};

static bool precede(const struct history *h, size_t a, size_t b)
{
    return h->ops[a].key == h->ops[b].key && h->ops[a].ret < h->ops[b].invoke;
}

/* Lets a GET reply what `first` wrote although `second` came in between. */
static bool read_overwritten(struct history *h, struct triple t)
{
    for (size_t g = h->count; g-- > 0;) {
        for (size_t w = 0; ok_kind(&h->ops[g], HISTORY_GET) && w < h->count;
             w++) {
            if (!ok_kind(&h->ops[w], t.second) || !precede(h, w, g) ||
                (t.second == HISTORY_DEL && h->ops[w].number == 0))
                continue;
            for (size_t v = 0; v < h->count; v++) {
                if (ok_kind(&h->ops[v], t.first) && precede(h, v, w)) {
                    set_reply(&h->ops[g], h->ops[v].value);
                    return true;
                }
            }
        }
    }
    return false;
}

static bool stale_read(struct history *h)
{
    return read_overwritten(h, (struct triple){HISTORY_SET, HISTORY_SET});
}

static bool resurrected(struct history *h)
{
    return read_overwritten(h, (struct triple){HISTORY_SET, HISTORY_DEL});
}

/* The last operations of the history are the final reads. */
static bool final_counter(struct history *h, int64_t change)
{
    struct history_op *last = &h->ops[h->count - 1];
    for (size_t i = 0; i < h->count; i++) {
        const struct history_op *op = &h->ops[i];
        if (!ok_kind(op, HISTORY_INCRBY) || op->reply != REPLY_INT ||
            op->increment == 0 || op->key != last->key ||
            last->reply != REPLY_TEXT)
            continue;
        struct history_op sum = {.kind = HISTORY_INCRBY,
                                 .increment = change * op->increment};
        struct gen_value v = {.exists = true, .text = BUF_INIT};
        buf_bytes(&v.text, history_text(h, last->text));
        gen_execute(h, &v, &sum);
        last->text = history_intern(h, buf_view(&v.text));
        gen_value_release(&v);
        return true;
    }
    return false;
}

static bool lost_increment(struct history *h)
{
    return final_counter(h, -1);
}

static bool doubled_increment(struct history *h)
{
    return final_counter(h, 1);
}

/* The final read shows the last tag of a list twice, or not at all. */
static bool final_list(struct history *h, bool doubled)
{
    struct history_op *last = &h->ops[h->count - 1];
    if (last->reply != REPLY_TEXT)
        return false;
    struct buf text = BUF_INIT;
    buf_bytes(&text, history_text(h, last->text));
    size_t tag = text.len - 1; /* a tag is "v12." */
    while (tag > 0 && text.data[tag - 1] != '.')
        tag--;
    if (doubled) {
        size_t len = text.len - tag;
        memcpy(buf_reserve(&text, len), text.data + tag, len);
        text.len += len;
    } else {
        text.len = tag;
    }
    last->text = history_intern(h, buf_view(&text));
    buf_release(&text);
    return true;
}

static bool lost_append(struct history *h)
{
    return final_list(h, false);
}

static bool doubled_append(struct history *h)
{
    return final_list(h, true);
}

/* A SET that nothing on its key overlaps or follows but the final read. */
static bool lost_write(struct history *h)
{
    struct history_op *last = &h->ops[h->count - 1];
    for (size_t w = 0; w + 1 < h->count; w++) {
        bool alone =
            ok_kind(&h->ops[w], HISTORY_SET) && precede(h, w, h->count - 1);
        for (size_t i = 0; alone && i + 1 < h->count; i++)
            alone = i == w || h->ops[i].key != last->key ||
                    history_kind_reads((enum history_kind)h->ops[i].kind) ||
                    precede(h, i, w);
        if (alone) {
            set_reply(last, 0);
            return true;
        }
    }
    return false;
}

static bool never_written(struct history *h)
{
    for (size_t i = 0; i < h->count; i++) {
        if (ok_kind(&h->ops[i], HISTORY_GET)) {
            set_reply(&h->ops[i], history_intern(h, BYTES_LIT("nobody's")));
            return true;
        }
    }
    return false;
}

static bool failed_visible(struct history *h)
{
    for (size_t w = 0; w < h->count; w++) {
        if (h->ops[w].outcome != HISTORY_FAIL || h->ops[w].kind != HISTORY_SET)
            continue;
        struct history_op *last = &h->ops[h->count - 1];
        if (last->key != h->ops[w].key)
            continue;
        set_reply(last, h->ops[w].value);
        return true;
    }
    return false;
}

static bool cas_twice(struct history *h)
{
    for (size_t i = 0; i < h->count; i++) {
        if (!ok_kind(&h->ops[i], HISTORY_CAS) || h->ops[i].number != 1)
            continue;
        struct history_op again = h->ops[i];
        again.client += 1000;
        again.value = history_intern(h, BYTES_LIT("the second"));
        history_add(h, &again);
        return true;
    }
    return false;
}

static bool read_from_the_future(struct history *h)
{
    for (size_t g = 0; g < h->count; g++) {
        for (size_t w = 0; ok_kind(&h->ops[g], HISTORY_GET) && w < h->count;
             w++) {
            if (!ok_kind(&h->ops[w], HISTORY_SET) || !precede(h, g, w))
                continue;
            set_reply(&h->ops[g], h->ops[w].value);
            return true;
        }
    }
    return false;
}

static void assert_fails(const char *name, corrupt_fn *corrupt, uint32_t kinds,
                         uint32_t unknown_permil)
{
    size_t tried = 0;
    bool failed = false;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct gen_options o = {.seed = 1000 + seed,
                                .ops = 20 + seed % 60,
                                .clients = 1 + (uint32_t)(seed % 5),
                                .keys = 1,
                                .unknown_permil = unknown_permil,
                                .failed_permil = 50,
                                .kinds = kinds,
                                .final_reads = true};
        struct history h;
        history_init(&h);
        history_gen(&h, &o);
        assert_int_equal(verdict_of(&h, NULL), LIN_OK);
        if (corrupt(&h)) {
            tried++;
            enum lin_verdict v = verdict_of(&h, &failed);
            if (v != LIN_VIOLATION)
                print_error("%s, seed %d: not found\n", name, (int)seed);
            assert_int_equal(v, LIN_VIOLATION);
            assert_true(failed || corrupt != failed_visible);
        }
        history_release(&h);
    }
    print_message("%-22s %zu found of %zu\n", name, tried, tried);
    assert_true(tried >= 20);
}

static void test_corrupted(void **state)
{
    UNUSED(state);
    uint32_t writes = GEN_KIND(GET) | GEN_KIND(SET) | GEN_KIND(DEL);
    uint32_t all = writes | GEN_KIND(CAS) | GEN_KIND(CAD) | GEN_KIND(SETNX) |
                   GEN_KIND(GETSET) | GEN_KIND(EXISTS) | GEN_KIND(STRLEN);
    uint32_t counter = GEN_KIND(INCRBY) | GEN_KIND(GET);
    uint32_t list = GEN_KIND(APPEND) | GEN_KIND(GET) | GEN_KIND(STRLEN);
    assert_fails("stale read", stale_read, all, 20);
    assert_fails("resurrected", resurrected, all, 20);
    assert_fails("lost write", lost_write, GEN_KIND(GET) | GEN_KIND(SET), 0);
    assert_fails("lost increment", lost_increment, counter, 0);
    assert_fails("doubled increment", doubled_increment, counter, 0);
    assert_fails("lost append", lost_append, list, 0);
    assert_fails("doubled append", doubled_append, list, 30);
    assert_fails("never written", never_written, all, 20);
    assert_fails("definite error visible", failed_visible, all, 20);
    assert_fails("CAS twice", cas_twice, writes | GEN_KIND(CAS), 20);
    assert_fails("read from the future", read_from_the_future, all, 20);
}

/* --- the report --------------------------------------------------------- */

static void read_text(struct history *h, const char *text)
{
    const char *why = NULL;
    size_t line_no = 0;
    history_init(h);
    assert_int_equal(history_read(h, bytes_str(text), &why, &line_no), 0);
}

static void test_report(void **state)
{
    UNUSED(state);
    struct history h;
    struct lin_report r;
    read_text(&h, "1 1 2 ok set a 1 = +\n"
                  "1 3 4 ok set k x = +\n"
                  "1 5 6 ok set k y = +\n"
                  "2 3 20 ok get k = $x\n"
                  "2 21 22 ok get k = $x\n"
                  "2 23 24 ok get k = $y\n");
    lin_check(&h, &(struct lin_options){0}, &r);
    assert_int_equal(r.verdict, LIN_VIOLATION);
    assert_int_equal(r.bad_op, 4);
    assert_int_equal(r.keys, 2);
    assert_int_equal(r.keys_bad, 1);
    assert_false(r.failed_visible);
    buf_char(&r.text, '\0');
    assert_non_null(strstr((char *)r.text.data, "key k is not linearizable"));
    assert_non_null(strstr((char *)r.text.data, "prefix has 3 returns"));
    lin_report_release(&r);
    history_release(&h);
}

static void test_limit(void **state)
{
    UNUSED(state);
    struct history h;
    struct lin_report r;
    read_text(&h, "1 1 2 ok set k x = +\n"
                  "1 3 4 ok get k = $x\n");
    lin_check(&h, &(struct lin_options){.steps_max = 1}, &r);
    assert_int_equal(r.verdict, LIN_UNDECIDED);
    assert_int_equal(r.keys_undecided, 1);
    lin_report_release(&r);
    history_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_corrupted),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
