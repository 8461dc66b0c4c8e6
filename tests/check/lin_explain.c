/*
 * A prefix of a linearizable history is linearizable, what had not returned
 * yet being of unknown outcome. So the longest such prefix is found by
 * halving the number of returns, about seventeen searches for 100,000
 * operations. The search of that prefix gives an order that explains it; the
 * return that follows is the one that can't be explained.
 */
#include "check/lin_explain.h"

#include "base/alloc.h"

#include <inttypes.h>

#define LINE_MAX_BYTES ((size_t)240)
#define ORDER_SHOWN    ((size_t)12)
#define OPEN_SHOWN     ((size_t)60)

void lin_show_op(const struct history *h, uint32_t op, struct buf *out)
{
    struct buf line = BUF_INIT;
    ASSERT(op < h->count);
    history_write_op(h, &h->ops[op], &line);
    ASSERT(line.len > 0);
    buf_str(out, "    ");
    if (line.len <= LINE_MAX_BYTES) {
        buf_bytes(out, buf_view(&line));
    } else {
        size_t half = LINE_MAX_BYTES / 2;
        buf_append(out, line.data, half);
        buf_printf(out, "...%zu bytes...", line.len - 2 * half);
        buf_append(out, line.data + line.len - half, half);
    }
    buf_release(&line);
}

static enum lin_verdict search(struct lin_search *s, struct lin_key *k,
                               const struct lin_case *c, struct lin_cut cut,
                               uint64_t *steps)
{
    lin_key_build(k, c->h, c->sources, c->count, cut);
    return lin_search_run(s, k, c->steps_max, steps);
}

static size_t count_outcome(const struct lin_case *c,
                            enum history_outcome outcome)
{
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++)
        n += c->h->ops[c->sources[i]].outcome == outcome ? 1 : 0;
    return n;
}

/* The largest number of returns that can be explained; one more can't. */
static size_t longest_prefix(struct lin_search *s, struct lin_key *k,
                             const struct lin_case *c, uint64_t *steps)
{
    size_t good = 0;
    size_t bad = count_outcome(c, HISTORY_OK);
    ASSERT(bad > 0);
    while (bad - good > 1) {
        size_t middle = good + (bad - good) / 2;
        struct lin_cut cut = {.returns = middle};
        if (search(s, k, c, cut, steps) == LIN_VIOLATION)
            bad = middle;
        else
            good = middle;
    }
    return good;
}

/* The operation that is known with one return more and was not before. */
static uint32_t next_return(struct lin_key *k, const struct lin_case *c,
                            size_t good)
{
    size_t n = c->h->count;
    uint8_t *known = mem_zalloc(n + 1);
    uint32_t found = UINT32_MAX;
    lin_key_build(k, c->h, c->sources, c->count,
                  (struct lin_cut){.returns = good});
    for (size_t i = 0; i < k->known; i++)
        known[k->ops[i].source] = 1;
    lin_key_build(k, c->h, c->sources, c->count,
                  (struct lin_cut){.returns = good + 1});
    for (size_t i = 0; i < k->known; i++) {
        if (!known[k->ops[i].source])
            found = k->ops[i].source;
    }
    mem_free(known);
    ASSERT(found != UINT32_MAX);
    return found;
}

static void show_state(const struct lin_key *k, uint32_t state, struct buf *out)
{
    const struct model_value *v = model_value(&k->model, state);
    buf_str(out, "  after them the key ");
    if (!v->exists) {
        buf_str(out, "is missing\n");
    } else if (v->len <= MODEL_SMALL_MAX && (v->hash[0] >> 63) == 0) {
        buf_str(out, "holds ");
        history_write_text(bytes_of(v->small, v->len), out);
        buf_char(out, '\n');
    } else {
        buf_str(out, "holds what was written last\n");
    }
}

static void show_order(struct lin_search *s, const struct lin_key *k,
                       const struct history *h, struct buf *out)
{
    const uint32_t *order = NULL;
    size_t n = lin_search_order(s, &order);
    size_t from = n > ORDER_SHOWN ? n - ORDER_SHOWN : 0;
    buf_printf(out, "  an order of %zu operations explains them; it ends:\n",
               n);
    for (size_t i = from; i < n; i++)
        lin_show_op(h, k->ops[order[i]].source, out);
    show_state(k, lin_search_state(s), out);
}

/* What was open at some moment while `bad` was. */
static void show_open(const struct lin_case *c, uint32_t bad, struct buf *out)
{
    const struct history_op *b = &c->h->ops[bad];
    size_t shown = 0;
    size_t more = 0;
    buf_str(out, "  at that time these were open, or of unknown outcome:\n");
    for (size_t i = 0; i < c->count; i++) {
        const struct history_op *op = &c->h->ops[c->sources[i]];
        if (c->sources[i] == bad || op->invoke > b->ret || op->ret < b->invoke)
            continue;
        if (shown == OPEN_SHOWN) {
            more++;
            continue;
        }
        shown++;
        lin_show_op(c->h, c->sources[i], out);
    }
    if (more > 0)
        buf_printf(out, "    ... and %zu more\n", more);
}

/* Would it be explained if definite errors had been none? */
static bool show_failed(struct lin_search *s, struct lin_key *k,
                        const struct lin_case *c, struct lin_report *report)
{
    struct lin_cut cut = {SIZE_MAX, true};
    struct buf *out = &report->text;
    if (count_outcome(c, HISTORY_FAIL) == 0 ||
        search(s, k, c, cut, &report->steps) != LIN_OK)
        return false;
    buf_str(out, "  all is explained if operations took effect that were "
                 "answered with a definite error:\n");
    const uint32_t *order = NULL;
    size_t n = lin_search_order(s, &order);
    size_t shown = 0;
    for (size_t i = 0; i < n && shown < OPEN_SHOWN; i++) {
        uint32_t source = k->ops[order[i]].source;
        if (c->h->ops[source].outcome != HISTORY_FAIL)
            continue;
        lin_show_op(c->h, source, out);
        shown++;
    }
    ASSERT(shown > 0);
    return true;
}

void lin_explain(struct lin_search *s, struct lin_key *k,
                 const struct lin_case *c, struct lin_report *report)
{
    struct buf *out = &report->text;
    ASSERT(c->count > 0);
    report->bad_key = c->h->ops[c->sources[0]].key;
    buf_str(out, "key ");
    history_write_text(history_text(c->h, report->bad_key), out);
    buf_printf(out,
               " is not linearizable\n  %zu operations, %zu of unknown "
               "outcome, %zu refused\n",
               c->count, count_outcome(c, HISTORY_UNKNOWN),
               count_outcome(c, HISTORY_FAIL));

    size_t good = longest_prefix(s, k, c, &report->steps);
    report->bad_op = next_return(k, c, good);
    buf_printf(out, "  the longest linearizable prefix has %zu returns\n",
               good);
    struct lin_cut cut = {.returns = good};
    if (search(s, k, c, cut, &report->steps) == LIN_OK)
        show_order(s, k, c->h, out);
    else
        buf_str(out, "  (the limit of steps was reached: it may be shorter)\n");
    buf_str(out, "  this reply can't be explained:\n");
    lin_show_op(c->h, report->bad_op, out);
    show_open(c, report->bad_op, out);
    report->failed_visible = show_failed(s, k, c, report);
}
