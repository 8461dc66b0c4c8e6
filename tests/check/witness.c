/*
 * Three passes: choose the operations that have a place (and refuse what
 * should not have one, or should), sort, sweep. The sweep keeps the state of
 * every key and the latest invocation so far: an operation that returned
 * before an operation in front of it was invoked is out of order.
 *
 * A key whose replay went wrong is no further replayed when it is undecided;
 * otherwise the first violation ends the sweep.
 */
#include "check/witness.h"

#include "base/alloc.h"
#include "check/lin_explain.h"
#include "check/lin_model.h"

#include <stdlib.h>

#define POS_READ ((uint64_t)UINT32_MAX + 1) /* behind the whole entry */

struct placed {
    uint64_t index;
    uint64_t pos;
    int64_t invoke;
    uint32_t op;
};

struct witness {
    const struct history *h;
    const struct witness_options *options;
    struct witness_report *report;
    struct placed *order;
    size_t count;
    struct model model;
    uint32_t *states;    /* by text number of the key */
    uint32_t *writers;   /* by key: the last operation that changed it, + 1 */
    uint8_t *open_write; /* by key: there are writes without a place */
};

static void violation(struct witness *w, uint32_t op, const char *what)
{
    ASSERT(w->report->ok);
    w->report->ok = false;
    w->report->bad_op = op;
    buf_printf(&w->report->text, "%s:\n", what);
    lin_show_op(w->h, op, &w->report->text);
}

static void show_other(struct witness *w, uint32_t op, const char *what)
{
    buf_printf(&w->report->text, "  %s:\n", what);
    lin_show_op(w->h, op, &w->report->text);
}

/* --- choosing ----------------------------------------------------------- */

/* NULL, or why its place (or its lack) is a violation. */
static const char *place_error(const struct history_op *op)
{
    bool placed = op->place != PLACE_NONE;
    if (op->outcome == HISTORY_FAIL && placed)
        return "answered with a definite error, and executed";
    if (op->outcome == HISTORY_OK && !placed)
        return "answered without a place in the log";
    return NULL;
}

static bool choose(struct witness *w)
{
    w->order = mem_alloc((w->h->count + 1) * sizeof(*w->order));
    for (uint32_t i = 0; i < w->h->count; i++) {
        const struct history_op *op = &w->h->ops[i];
        const char *why = place_error(op);
        if (why != NULL) {
            violation(w, i, why);
            return false;
        }
        if (op->place == PLACE_NONE) {
            if (op->outcome == HISTORY_UNKNOWN && !history_kind_reads(op->kind))
                w->open_write[op->key] = 1;
            continue;
        }
        bool read = op->place == PLACE_READ;
        w->order[w->count++] = (struct placed){
            op->index, read ? POS_READ : op->pos, op->invoke, i};
    }
    return true;
}

static int compare_places(const void *a, const void *b)
{
    const struct placed *x = a;
    const struct placed *y = b;
    if (x->index != y->index)
        return x->index > y->index ? 1 : -1;
    if (x->pos != y->pos)
        return x->pos > y->pos ? 1 : -1;
    if (x->invoke != y->invoke)
        return x->invoke > y->invoke ? 1 : -1;
    return (x->op > y->op) - (x->op < y->op);
}

/* --- the sweep ---------------------------------------------------------- */

static bool unique_place(struct witness *w, size_t i)
{
    const struct placed *p = &w->order[i];
    if (i == 0 || p->pos == POS_READ || p[-1].index != p->index ||
        p[-1].pos != p->pos)
        return true;
    violation(w, p->op, "two operations in one place");
    show_other(w, p[-1].op, "the other one");
    return false;
}

/* *latest is the place of the latest invocation so far. */
static bool real_time(struct witness *w, size_t i, size_t *latest)
{
    const struct placed *p = &w->order[i];
    if (p->invoke >= w->order[*latest].invoke)
        *latest = i;
    if (w->h->ops[p->op].ret >= w->order[*latest].invoke)
        return true;
    violation(w, p->op,
              "the order of the log contradicts real time: this "
              "returned");
    show_other(w, w->order[*latest].op,
               "before this was invoked, which "
               "stands in front of it");
    return false;
}

static bool replay(struct witness *w, uint32_t source)
{
    const struct history_op *op = &w->h->ops[source];
    if (w->report->undecided[op->key])
        return true;
    struct model_op m = model_op(&w->model, w->h, op);
    uint32_t state = w->states[op->key];
    uint32_t next = state;
    w->report->ops++;
    if (model_step(&w->model, &m, state, &next)) {
        if (next != state)
            w->writers[op->key] = source + 1;
        w->states[op->key] = next;
        return true;
    }
    if (w->open_write[op->key] && !w->options->unknown_complete) {
        w->report->undecided[op->key] = 1;
        w->report->keys_undecided++;
        return true;
    }
    violation(w, source, "not the reply that the log gives");
    if (w->writers[op->key] == 0)
        buf_str(&w->report->text, "  nobody had written the key yet\n");
    else
        show_other(w, w->writers[op->key] - 1, "the key was last changed by");
    return false;
}

static void sweep(struct witness *w)
{
    size_t latest = 0;
    for (size_t i = 0; i < w->count; i++) {
        if (!unique_place(w, i) || !real_time(w, i, &latest) ||
            !replay(w, w->order[i].op))
            return;
    }
    ASSERT(w->report->ok);
}

void witness_check(const struct history *h,
                   const struct witness_options *options,
                   struct witness_report *report)
{
    size_t ids = (size_t)h->text_count + 1;
    *report = (struct witness_report){.ok = true, .text = BUF_INIT};
    report->undecided = mem_zalloc(ids);
    struct witness w = {.h = h,
                        .options = options,
                        .report = report,
                        .states = mem_zalloc(ids * sizeof(*w.states)),
                        .writers = mem_zalloc(ids * sizeof(*w.writers)),
                        .open_write = mem_zalloc(ids)};
    model_init(&w.model);
    ASSERT(w.states[0] == MODEL_MISSING);
    if (choose(&w)) {
        qsort(w.order, w.count, sizeof(*w.order), compare_places);
        sweep(&w);
    }
    model_release(&w.model);
    mem_free(w.order);
    mem_free(w.states);
    mem_free(w.writers);
    mem_free(w.open_write);
}

void witness_report_release(struct witness_report *report)
{
    mem_free(report->undecided);
    buf_release(&report->text);
    *report = (struct witness_report){.text = BUF_INIT};
}
