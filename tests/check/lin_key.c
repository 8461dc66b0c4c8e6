/*
 * Building goes through the operations a few times: choose and cut, sort,
 * turn texts into states, merge states, say what each operation observes and
 * produces, form classes, sort events. O(n log n).
 *
 * `observes` and `produces` are used to give up early: a state must not be
 * left for good while somebody still has to observe it. They may be NONE
 * where nothing certain is known, never wrong.
 */
#include "check/lin_key.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/num.h"

#include <stdlib.h>
#include <string.h>

void lin_key_init(struct lin_key *k)
{
    *k = (struct lin_key){.count = 0};
    model_init(&k->model);
}

static void free_arrays(struct lin_key *k)
{
    mem_free(k->ops);
    mem_free(k->events);
    mem_free(k->classes);
    mem_free(k->by_invoke);
    mem_free(k->tails);
}

void lin_key_release(struct lin_key *k)
{
    free_arrays(k);
    model_release(&k->model);
    *k = (struct lin_key){.count = 0};
}

/* --- choosing ----------------------------------------------------------- */

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The time of return number `cut.returns`, or HISTORY_NEVER. */
static int64_t cut_time(const struct history *h, const uint32_t *sources,
                        size_t count, struct lin_cut cut)
{
    int64_t limit = HISTORY_NEVER;
    if (cut.returns >= count)
        return limit;
    int64_t *times = mem_alloc(count * sizeof(*times));
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const struct history_op *op = &h->ops[sources[i]];
        if (op->outcome == HISTORY_OK)
            times[n++] = op->ret;
    }
    qsort(times, n, sizeof(*times), compare_times);
    if (cut.returns < n)
        limit = times[cut.returns];
    mem_free(times);
    return limit;
}

static void add_op(struct lin_key *k, const struct history *h, uint32_t source,
                   bool known)
{
    struct history_op op = h->ops[source];
    if (!known) {
        if (history_kind_reads(op.kind))
            return;
        op.outcome = HISTORY_UNKNOWN;
        op.ret = HISTORY_NEVER;
        op.reply = REPLY_NONE;
        op.text = 0;
        op.number = 0;
    }
    k->ops[k->count++] = (struct lin_op){.m = model_op(&k->model, h, &op),
                                         .invoke = op.invoke,
                                         .ret = op.ret,
                                         .source = source,
                                         .observes = MODEL_NONE,
                                         .produces = MODEL_NONE};
}

/* Returns at the time of the cut itself are open: several operations may have
 * returned then, and `returns` counts those that are in. */
static void choose(struct lin_key *k, const struct history *h,
                   const uint32_t *sources, size_t count, struct lin_cut cut)
{
    int64_t limit = cut_time(h, sources, count, cut);
    size_t earlier = 0;
    for (size_t i = 0; i < count; i++) {
        const struct history_op *op = &h->ops[sources[i]];
        if (op->outcome == HISTORY_OK && op->ret < limit)
            earlier++;
    }
    size_t ties = cut.returns > earlier ? cut.returns - earlier : 0;
    for (size_t i = 0; i < count; i++) {
        const struct history_op *op = &h->ops[sources[i]];
        if (op->invoke > limit)
            continue;
        if (op->outcome == HISTORY_FAIL && !cut.failed_as_unknown)
            continue;
        bool known = op->outcome == HISTORY_OK && op->ret <= limit;
        if (known && op->ret == limit) {
            known = ties > 0;
            ties -= known ? 1 : 0;
        }
        add_op(k, h, sources[i], known);
    }
}

/* --- states ------------------------------------------------------------- */

struct features {
    bool appends; /* APPEND, lists: all values matter */
    bool counts;  /* INCRBY: numbers matter */
    bool lengths; /* STRLEN */
};

static bool of_list(const struct lin_op *op)
{
    return history_kind_of_list((enum history_kind)op->m.kind);
}

static struct features features_of(const struct lin_key *k)
{
    struct features f = {false, false, false};
    for (size_t i = 0; i < k->count; i++) {
        unsigned kind = k->ops[i].m.kind;
        f.appends |= kind == HISTORY_APPEND || of_list(&k->ops[i]);
        f.counts |= kind == HISTORY_INCRBY;
        f.lengths |= kind == HISTORY_STRLEN;
    }
    return f;
}

static bool is_number(const struct model_value *v)
{
    int64_t number = 0;
    return v->len <= MODEL_SMALL_MAX &&
           num_parse_i64(bytes_of(v->small, v->len), &number);
}

/* Gives all values that no operation tests for one state (per length). */
static void merge_untested(struct lin_key *k)
{
    struct features f = features_of(k);
    if (f.appends)
        return;
    uint32_t states = k->model.count;
    bool *tested = mem_zalloc(states);
    for (size_t i = 0; i < k->count; i++) {
        tested[k->ops[i].m.expected] = true;
        tested[k->ops[i].m.text] = true;
    }
    for (size_t i = 0; i < k->count; i++) {
        struct model_op *m = &k->ops[i].m;
        if (m->value == MODEL_MISSING || tested[m->value])
            continue;
        const struct model_value *v = model_value(&k->model, m->value);
        if (f.counts && is_number(v))
            continue;
        uint64_t len = f.lengths ? v->len : 0;
        m->value = model_state_other(&k->model, len);
        k->ops[i].untested = m->kind == HISTORY_SET;
    }
    mem_free(tested);
}

static void flow_incrby(struct lin_key *k, struct lin_op *op)
{
    int64_t before = 0;
    op->wild = op->m.reply == REPLY_NONE;
    if (op->m.reply != REPLY_INT)
        return;
    op->produces = model_state_number(&k->model, op->m.number);
    bool fits = !__builtin_sub_overflow(op->m.number, op->m.increment, &before);
    if (fits && before != 0) /* 0 may have been a missing key */
        op->observes = model_state_number(&k->model, before);
}

static uint32_t value_replied(const struct model_op *m)
{
    if (m->reply == REPLY_NIL)
        return MODEL_MISSING;
    return m->reply == REPLY_TEXT ? m->text : MODEL_NONE;
}

/* What it observes if it was answered 1; what it produces unless 0. */
static void flow_if(struct lin_op *op, uint32_t observes, uint32_t produces)
{
    bool replied = op->m.reply == REPLY_INT;
    if (replied && op->m.number == 1)
        op->observes = observes;
    if (!replied || op->m.number != 0)
        op->produces = produces;
}

/* Sets observes, produces and wild. */
static void flow(struct lin_key *k, struct lin_op *op)
{
    const struct model_op *m = &op->m;
    bool zero = m->reply == REPLY_INT && m->number == 0;
    switch ((enum history_kind)m->kind) {
    case HISTORY_GET:
        op->observes = value_replied(m);
        break;
    case HISTORY_SET:
        op->produces = m->value;
        break;
    case HISTORY_SETNX:
        flow_if(op, MODEL_MISSING, m->value);
        break;
    case HISTORY_CAS:
        flow_if(op, m->expected, m->value);
        break;
    case HISTORY_CAD:
        flow_if(op, m->expected, MODEL_MISSING);
        break;
    case HISTORY_DEL:
        flow_if(op, MODEL_NONE, MODEL_MISSING);
        op->observes = zero ? MODEL_MISSING : MODEL_NONE;
        break;
    case HISTORY_GETSET:
        op->observes = value_replied(m);
        op->produces = m->value;
        break;
    case HISTORY_GETDEL:
        op->observes = value_replied(m);
        op->produces = MODEL_MISSING;
        break;
    case HISTORY_EXISTS:
        op->observes = zero ? MODEL_MISSING : MODEL_NONE;
        break;
    case HISTORY_INCRBY:
        flow_incrby(k, op);
        break;
    case HISTORY_PUT:
        if (m->reply == REPLY_INT && m->number == 1)
            op->observes = MODEL_MISSING;
        op->produces = m->value;
        break;
    case HISTORY_APPEND:
    case HISTORY_STRLEN:
    case HISTORY_RPUSH:
    case HISTORY_LPUSH:
    case HISTORY_XADD:
    case HISTORY_LPOP:
    case HISTORY_RPOP:
    case HISTORY_LLEN:
    case HISTORY_LRANGE:
        break;
    case HISTORY_KINDS:
        ASSERT(false);
    }
}

static uint32_t tail_slot(const struct lin_key *k, struct bytes tail)
{
    return (uint32_t)(hash64(tail) & (k->tail_cap - 1));
}

/* Counts what is appended; texts that are not small share the first slot,
 * since they end no small text. */
static void count_tails(struct lin_key *k)
{
    for (size_t i = 0; i < k->count; i++)
        k->appends += k->ops[i].m.kind == HISTORY_APPEND ? 1 : 0;
    if (k->appends == 0)
        return;
    for (k->tail_cap = 64; k->tail_cap < 8 * k->appends;)
        k->tail_cap *= 2;
    k->tails = mem_zalloc(k->tail_cap * sizeof(*k->tails));
    for (size_t i = 0; i < k->count; i++) {
        struct lin_op *op = &k->ops[i];
        if (op->m.kind != HISTORY_APPEND)
            continue;
        const struct model_value *v = model_value(&k->model, op->m.value);
        if (v->len <= MODEL_SMALL_MAX)
            op->tail = tail_slot(k, bytes_of(v->small, v->len));
        k->tails[op->tail]++;
    }
}

bool lin_key_may_reach(const struct lin_key *k, uint32_t state,
                       const struct lin_op *but)
{
    const struct model_value *v = model_value(&k->model, state);
    bool append = but->m.kind == HISTORY_APPEND;
    if (!v->exists)
        return false;
    if (v->len > MODEL_SMALL_MAX)
        return k->appends > (append ? 1u : 0u);
    if (k->wild > (but->wild ? 1u : 0u) && is_number(v))
        return true;
    for (size_t at = 0; k->tail_cap > 0 && at <= v->len; at++) {
        uint32_t slot = tail_slot(k, bytes_of(v->small + at, v->len - at));
        if (k->tails[slot] > (append && but->tail == slot ? 1u : 0u))
            return true;
    }
    return false;
}

/* Sets inert and vague. What replied nothing is neither. */
static void judge_reply(struct lin_op *op)
{
    const struct model_op *m = &op->m;
    bool zero = m->reply == REPLY_INT && m->number == 0;
    bool one = m->reply == REPLY_INT && m->number == 1;
    switch ((enum history_kind)m->kind) {
    case HISTORY_GET:
        op->inert = m->reply != REPLY_NONE;
        break;
    case HISTORY_EXISTS:
    case HISTORY_STRLEN:
        op->inert = m->reply != REPLY_NONE;
        op->vague = op->inert;
        break;
    case HISTORY_SETNX:
    case HISTORY_CAD:
        op->inert = zero;
        op->vague = zero;
        break;
    case HISTORY_CAS:
        op->inert = zero || (one && m->value == m->expected);
        op->vague = zero;
        break;
    case HISTORY_DEL:
        op->inert = zero;
        op->vague = one;
        break;
    case HISTORY_INCRBY:
        op->inert = m->reply == REPLY_ERROR;
        op->vague = op->inert;
        break;
    case HISTORY_GETDEL:
        op->inert = m->reply == REPLY_NIL;
        break;
    case HISTORY_APPEND:
        op->vague = m->reply != REPLY_NONE;
        break;
    case HISTORY_PUT:
        op->vague = zero;
        break;
    case HISTORY_LLEN:
        op->inert = m->reply != REPLY_NONE;
        op->vague = op->inert;
        break;
    case HISTORY_LRANGE:
        op->inert = m->reply != REPLY_NONE;
        break;
    case HISTORY_RPUSH:
    case HISTORY_LPUSH:
        op->vague = m->reply != REPLY_NONE;
        break;
    case HISTORY_LPOP:
    case HISTORY_RPOP:
        op->inert = m->reply == REPLY_NIL;
        op->vague = m->reply == REPLY_TEXT;
        break;
    case HISTORY_SET:
    case HISTORY_GETSET:
    case HISTORY_XADD:
        break;
    case HISTORY_KINDS:
        ASSERT(false);
    }
}

static enum lin_growth growth_of(const struct lin_key *k)
{
    bool appends = false;
    bool counts = false;
    for (size_t i = 0; i < k->count; i++) {
        const struct model_op *m = &k->ops[i].m;
        bool up = m->kind == HISTORY_INCRBY && m->increment >= 0 &&
                  m->reply != REPLY_ERROR;
        appends |= m->kind == HISTORY_APPEND;
        counts |= up;
        if (!up && m->kind != HISTORY_APPEND &&
            !history_kind_reads((enum history_kind)m->kind))
            return LIN_GROWS_NOT;
    }
    if (appends == counts)
        return LIN_GROWS_NOT;
    return appends ? LIN_GROWS_IN_LENGTH : LIN_GROWS_IN_NUMBER;
}

uint64_t lin_key_measure(const struct lin_key *k, uint32_t state)
{
    const struct model_value *v = model_value(&k->model, state);
    int64_t number = 0;
    ASSERT(k->growth != LIN_GROWS_NOT);
    if (k->growth == LIN_GROWS_IN_LENGTH || !v->exists)
        return v->len;
    bool ok = v->len <= MODEL_SMALL_MAX &&
              num_parse_i64(bytes_of(v->small, v->len), &number) && number >= 0;
    return ok ? (uint64_t)number : LIN_NO_MEASURE;
}

/* The measure of the only states that an operation can be applied to. */
static uint64_t needs_of(const struct lin_key *k, const struct lin_op *op)
{
    const struct model_op *m = &op->m;
    uint64_t number = (uint64_t)m->number;
    if (k->growth == LIN_GROWS_NOT || m->reply == REPLY_NONE)
        return LIN_NO_MEASURE;
    if (m->kind == HISTORY_GET && value_replied(m) != MODEL_NONE)
        return lin_key_measure(k, value_replied(m));
    if (m->reply != REPLY_INT || m->number < 0)
        return LIN_NO_MEASURE;
    if (m->kind == HISTORY_STRLEN && k->growth == LIN_GROWS_IN_LENGTH)
        return number;
    uint64_t added = 0;
    if (m->kind == HISTORY_APPEND)
        added = model_value(&k->model, m->value)->len;
    else if (m->kind == HISTORY_INCRBY)
        added = (uint64_t)m->increment;
    else
        return LIN_NO_MEASURE;
    return number >= added ? number - added : LIN_NO_MEASURE;
}

static void count_flows(struct lin_key *k)
{
    k->growth = growth_of(k);
    count_tails(k);
    for (size_t i = 0; i < k->count; i++) {
        flow(k, &k->ops[i]);
        judge_reply(&k->ops[i]);
        k->ops[i].needs = needs_of(k, &k->ops[i]);
    }
    k->states = k->model.count;
    for (size_t i = 0; i < k->count; i++) {
        const struct lin_op *op = &k->ops[i];
        ASSERT(op->ret != HISTORY_NEVER || op->observes == MODEL_NONE);
        k->wild += op->wild ? 1 : 0;
        k->vague += op->vague ? 1 : 0;
    }
}

/* --- order -------------------------------------------------------------- */

static int order_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* By effect alone: equal for two operations of one class. */
static int order_effects(const struct model_op *a, const struct model_op *b)
{
    if (a->kind != b->kind)
        return order_numbers(a->kind, b->kind);
    if (a->value != b->value)
        return order_numbers(a->value, b->value);
    if (a->expected != b->expected)
        return order_numbers(a->expected, b->expected);
    return order_numbers(a->increment, b->increment);
}

/* Known ones first, by invocation; the others by effect, then invocation. */
static int compare_ops(const void *a, const void *b)
{
    const struct lin_op *x = a;
    const struct lin_op *y = b;
    bool x_open = x->ret == HISTORY_NEVER;
    bool y_open = y->ret == HISTORY_NEVER;
    if (x_open != y_open)
        return x_open ? 1 : -1;
    int order = x_open ? order_effects(&x->m, &y->m) : 0;
    if (order == 0)
        order = order_numbers(x->invoke, y->invoke);
    if (order == 0)
        order = order_numbers(x->source, y->source);
    return order;
}

static int compare_classes(const void *a, const void *b)
{
    const struct lin_class *x = a;
    const struct lin_class *y = b;
    int order = order_numbers(x->invoke, y->invoke);
    return order != 0 ? order : order_numbers(x->first, y->first);
}

static void form_classes(struct lin_key *k)
{
    size_t unknown = k->count - k->known;
    k->classes = mem_alloc((unknown + 1) * sizeof(*k->classes));
    for (size_t i = k->known; i < k->count; i++) {
        const struct lin_op *op = &k->ops[i];
        if (i > k->known && order_effects(&op->m, &op[-1].m) == 0) {
            k->classes[k->class_count - 1].size++;
            continue;
        }
        k->classes[k->class_count++] =
            (struct lin_class){op->invoke, (uint32_t)i, 1};
    }
    qsort(k->classes, k->class_count, sizeof(*k->classes), compare_classes);
}

struct moment {
    int64_t time;
    uint32_t event;
};

static int compare_moments(const void *a, const void *b)
{
    const struct moment *x = a;
    const struct moment *y = b;
    int order = order_numbers(x->time, y->time);
    if (order == 0)
        order = order_numbers(x->event & 1, y->event & 1);
    return order != 0 ? order : order_numbers(x->event, y->event);
}

/* The events in the order of time. */
static uint32_t *sorted_events(struct moment *moments, size_t n)
{
    uint32_t *events = mem_alloc((n + 1) * sizeof(*events));
    qsort(moments, n, sizeof(*moments), compare_moments);
    for (size_t i = 0; i < n; i++)
        events[i] = moments[i].event;
    return events;
}

static void sort_events(struct lin_key *k)
{
    struct moment *moments = mem_alloc((2 * k->count + 1) * sizeof(*moments));
    for (uint32_t i = 0; i < k->known; i++) {
        moments[2 * i] = (struct moment){k->ops[i].invoke, 2 * i};
        moments[2 * i + 1] = (struct moment){k->ops[i].ret, 2 * i + 1};
    }
    k->events = sorted_events(moments, 2 * k->known);
    for (uint32_t i = 0; i < k->count; i++)
        moments[i] = (struct moment){k->ops[i].invoke, 2 * i};
    k->by_invoke = sorted_events(moments, k->count);
    for (size_t i = 0; i < k->count; i++)
        k->by_invoke[i] /= 2;
    mem_free(moments);
}

static void measure_times(struct lin_key *k)
{
    for (size_t i = 0; i < k->count; i++) {
        const struct lin_op *op = &k->ops[i];
        int64_t lasted = 0;
        if (op->ret == HISTORY_NEVER)
            continue;
        if (__builtin_sub_overflow(op->ret, op->invoke, &lasted))
            lasted = INT64_MAX;
        k->known++;
        k->longest = MAX(k->longest, lasted);
    }
}

void lin_key_build(struct lin_key *k, const struct history *h,
                   const uint32_t *sources, size_t count, struct lin_cut cut)
{
    ASSERT(count > 0 && count <= HISTORY_OPS_MAX);
    struct model model = k->model;
    free_arrays(k);
    *k = (struct lin_key){.model = model};
    model_reset(&k->model);

    k->ops = mem_alloc(count * sizeof(*k->ops));
    choose(k, h, sources, count, cut);
    merge_untested(k);
    count_flows(k);
    measure_times(k);
    qsort(k->ops, k->count, sizeof(*k->ops), compare_ops);
    form_classes(k);
    sort_events(k);
    ASSERT(k->known <= k->count && k->class_count <= k->count - k->known);
}
