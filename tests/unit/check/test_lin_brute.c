// link: check_lin base
/*
 * The search against brute force: all orders of small random histories,
 * valid ones and ones with replies, times and outcomes changed at random,
 * executed on the plain store of the generator.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/rng.h"
#include "check/history_gen.h"
#include "check/lin.h"

#define OPS_MAX 8u
#define ROUNDS  100000

struct brute {
    struct history *h;
    unsigned placed; /* bits */
};

/* Nobody who has not been placed returned before op was invoked. */
static bool may_be_next(const struct brute *b, size_t op)
{
    for (size_t i = 0; i < b->h->count; i++) {
        const struct history_op *o = &b->h->ops[i];
        if (!(b->placed & (1u << i)) && o->outcome == HISTORY_OK &&
            o->ret < b->h->ops[op].invoke)
            return false;
    }
    return true;
}

static bool all_known_placed(const struct brute *b)
{
    for (size_t i = 0; i < b->h->count; i++) {
        if (b->h->ops[i].outcome == HISTORY_OK && !(b->placed & (1u << i)))
            return false;
    }
    return true;
}

static bool same_reply(const struct history_op *a, const struct history_op *b)
{
    return b->outcome == HISTORY_UNKNOWN ||
           (a->reply == b->reply && a->text == b->text &&
            a->number == b->number);
}

/* Tries every order (recursion of at most OPS_MAX levels). */
static bool brute_force(struct brute *b, const struct gen_value *v)
{
    if (all_known_placed(b))
        return true;
    for (size_t i = 0; i < b->h->count; i++) {
        const struct history_op *o = &b->h->ops[i];
        if ((b->placed & (1u << i)) || o->outcome == HISTORY_FAIL ||
            !may_be_next(b, i))
            continue;
        struct gen_value copy = {.exists = v->exists, .text = BUF_INIT};
        struct history_op op = *o;
        op.reply = REPLY_NONE;
        op.text = 0;
        op.number = 0;
        buf_bytes(&copy.text, buf_view(&v->text));
        gen_execute(b->h, &copy, &op);
        bool found = false;
        if (same_reply(&op, o)) {
            b->placed |= 1u << i;
            found = brute_force(b, &copy);
            b->placed &= ~(1u << i);
        }
        gen_value_release(&copy);
        if (found)
            return true;
    }
    return false;
}

static void change_reply(struct history *h, struct history_op *op,
                         uint64_t *rng)
{
    const struct history_op *other = &h->ops[rng_below(rng, h->count)];
    if (op->outcome != HISTORY_OK)
        return;
    if (op->reply == REPLY_INT) {
        op->number += (int64_t)rng_below(rng, 3) - 1;
    } else if (op->reply == REPLY_TEXT && rng_below(rng, 3) == 0) {
        op->reply = REPLY_NIL;
        op->text = 0;
    } else if ((op->reply == REPLY_TEXT || op->reply == REPLY_NIL) &&
               other->value != 0) {
        op->reply = REPLY_TEXT;
        op->text = other->value;
    }
}

static void change(struct history *h, uint64_t *rng)
{
    struct history_op *op = &h->ops[rng_below(rng, h->count)];
    switch (rng_below(rng, 5)) {
    case 0:
        op->invoke -= (int64_t)rng_below(rng, 100);
        break;
    case 1:
        if (op->outcome == HISTORY_OK)
            op->ret = op->invoke + (int64_t)rng_below(rng, 100);
        break;
    case 2:
        if (op->outcome == HISTORY_UNKNOWN)
            op->outcome = HISTORY_FAIL;
        break;
    default:
        change_reply(h, op, rng);
    }
}

static struct gen_options draw_options(uint64_t round, uint64_t *rng)
{
    static const uint32_t kinds[] = {
        GEN_KINDS_ALL,
        GEN_KIND(GET) | GEN_KIND(SET) | GEN_KIND(CAS) | GEN_KIND(CAD),
        GEN_KIND(GET) | GEN_KIND(SET) | GEN_KIND(GETSET),
        GEN_KIND(GET) | GEN_KIND(INCRBY) | GEN_KIND(DEL),
        GEN_KIND(GET) | GEN_KIND(APPEND) | GEN_KIND(STRLEN) | GEN_KIND(DEL),
        GEN_KIND(GET) | GEN_KIND(SETNX) | GEN_KIND(GETDEL) | GEN_KIND(EXISTS),
        GEN_KINDS_ALL & ~GEN_KIND(APPEND) & ~GEN_KIND(INCRBY),
        GEN_KIND(GET) | GEN_KIND(PUT) | GEN_KIND(DEL) | GEN_KIND(EXISTS),
        GEN_KINDS_LISTS,
        GEN_KIND(RPUSH) | GEN_KIND(LPOP),
        GEN_KIND(XADD) | GEN_KIND(LPOP) | GEN_KIND(LRANGE),
    };
    return (struct gen_options){
        .seed = round,
        .ops = 2 + rng_below(rng, OPS_MAX - 2),
        .clients = 1 + (uint32_t)rng_below(rng, 6),
        .keys = 1,
        .values = (uint32_t)rng_below(rng, 4),
        .unknown_permil = (uint32_t)rng_below(rng, 3) * 250,
        .failed_permil = (uint32_t)rng_below(rng, 3) * 100,
        .kinds = kinds[round % ARRAY_LEN(kinds)],
        .final_reads = rng_below(rng, 2) == 0,
    };
}

static void complain(const struct history *h, bool expected)
{
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < h->count; i++)
        history_write_op(h, &h->ops[i], &out);
    buf_char(&out, '\0');
    print_error("brute force says %d:\n%s", expected, (char *)out.data);
    buf_release(&out);
}

static void test_agrees(void **state)
{
    UNUSED(state);
    size_t verdicts[2] = {0, 0};
    uint64_t rng = 7;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct gen_options o = draw_options(round, &rng);
        struct history h;
        struct lin_report r;
        history_init(&h);
        history_gen(&h, &o);
        for (uint64_t n = rng_below(&rng, 6); n > 0; n--)
            change(&h, &rng);
        struct brute b = {.h = &h};
        struct gen_value missing = {.text = BUF_INIT};
        bool expected = brute_force(&b, &missing);
        lin_check(&h, &(struct lin_options){0}, &r);
        if ((r.verdict == LIN_OK) != expected)
            complain(&h, expected);
        assert_int_equal(r.verdict, expected ? LIN_OK : LIN_VIOLATION);
        verdicts[expected]++;
        lin_report_release(&r);
        history_release(&h);
    }
    print_message("%zu linearizable, %zu not\n", verdicts[1], verdicts[0]);
    assert_true(verdicts[0] > ROUNDS / 10 && verdicts[1] > ROUNDS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
