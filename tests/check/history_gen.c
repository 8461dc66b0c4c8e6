/*
 * First the times of all operations are drawn, client by client; then they
 * are sorted by the moment of effect, and their arguments are chosen and
 * executed in that order, so that a compare often finds what it expects.
 * Operations of unknown outcome take effect in half of the cases, perhaps
 * long after their client went on.
 */
#include "check/history_gen.h"

#include "base/alloc.h"
#include "base/num.h"
#include "base/rng.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_MAX    40u  /* between two operations of a client */
#define DURATION_MAX 100u /* of each half of an operation */
#define LATE_MAX     5000u

struct item {
    int64_t moment; /* of effect */
    size_t number;
    bool effective;
    struct history_op op;
};

struct gen {
    const struct gen_options *o;
    struct history *h;
    uint64_t rng;
    uint64_t serial; /* of values */
    struct item *items;
    size_t count;
    struct gen_value *store;
    uint64_t index; /* of the last entry */
    uint32_t pos;
    bool entry_closed; /* by a read behind it */
};

/* --- the plain store ---------------------------------------------------- */

void gen_value_release(struct gen_value *v)
{
    buf_release(&v->text);
    v->exists = false;
}

static void put(struct gen_value *v, struct bytes text)
{
    buf_reset(&v->text);
    buf_bytes(&v->text, text);
    v->exists = true;
}

static void erase(struct gen_value *v)
{
    buf_reset(&v->text);
    v->exists = false;
}

static void reply_int(struct history_op *op, int64_t number)
{
    op->reply = REPLY_INT;
    op->number = number;
}

static void reply_value(struct history *h, const struct gen_value *v,
                        struct history_op *op)
{
    op->reply = v->exists ? REPLY_TEXT : REPLY_NIL;
    if (v->exists)
        op->text = history_intern(h, buf_view(&v->text));
}

static void execute_incrby(struct gen_value *v, struct history_op *op)
{
    char text[NUM_TEXT_MAX];
    int64_t n = 0;
    if ((v->exists && !num_parse_i64(buf_view(&v->text), &n)) ||
        !num_add_i64(n, op->increment, &n)) {
        op->reply = REPLY_ERROR;
        return;
    }
    put(v, bytes_of(text, num_format_i64(n, text)));
    reply_int(op, n);
}

static void execute_compare(struct history *h, struct gen_value *v,
                            struct history_op *op)
{
    bool equal = v->exists &&
                 bytes_eq(buf_view(&v->text), history_text(h, op->expected));
    reply_int(op, equal ? 1 : 0);
    if (equal && op->kind == HISTORY_CAS)
        put(v, history_text(h, op->value));
    else if (equal)
        erase(v);
}

/* Operations that set the value, whatever it was. */
static void execute_set(struct history *h, struct gen_value *v,
                        struct history_op *op)
{
    bool existed = v->exists;
    if (op->kind == HISTORY_GETSET)
        reply_value(h, v, op);
    else if (op->kind == HISTORY_SET)
        op->reply = REPLY_OK;
    else
        reply_int(op, existed ? 0 : 1);
    if (op->kind != HISTORY_SETNX || !existed)
        put(v, history_text(h, op->value));
}

/* --- lists: an element is a line ----------------------------------------- */

static int64_t lines_of(const struct gen_value *v)
{
    int64_t lines = 0;
    for (size_t i = 0; i < v->text.len; i++)
        lines += v->text.data[i] == '\n';
    return lines;
}

static void execute_push(struct gen_value *v, struct bytes element,
                         struct history_op *op)
{
    struct buf all = BUF_INIT;
    if (op->kind != HISTORY_LPUSH)
        buf_bytes(&all, buf_view(&v->text));
    buf_bytes(&all, element);
    buf_char(&all, '\n');
    if (op->kind == HISTORY_LPUSH)
        buf_bytes(&all, buf_view(&v->text));
    put(v, buf_view(&all));
    buf_release(&all);
    if (op->kind == HISTORY_XADD)
        op->reply = REPLY_OK;
    else
        reply_int(op, lines_of(v));
}

static void execute_pop(struct history *h, struct gen_value *v,
                        struct history_op *op)
{
    struct buf all = BUF_INIT;
    size_t at = 0;
    op->reply = v->exists ? REPLY_TEXT : REPLY_NIL;
    if (!v->exists)
        return;
    buf_bytes(&all, buf_view(&v->text));
    size_t last = all.len - 1; /* the newline of the last element */
    if (op->kind == HISTORY_LPOP) {
        while (all.data[at] != '\n')
            at++;
        op->text = history_intern(h, bytes_of(all.data, at));
        put(v, bytes_from(buf_view(&all), at + 1));
    } else {
        for (at = last; at > 0 && all.data[at - 1] != '\n';)
            at--;
        op->text = history_intern(h, bytes_of(all.data + at, last - at));
        put(v, bytes_of(all.data, at));
    }
    if (v->text.len == 0)
        erase(v);
    buf_release(&all);
}

void gen_execute(struct history *h, struct gen_value *v, struct history_op *op)
{
    ASSERT(op->kind < HISTORY_KINDS);
    switch ((enum history_kind)op->kind) {
    case HISTORY_GET:
        reply_value(h, v, op);
        return;
    case HISTORY_SET:
    case HISTORY_SETNX:
    case HISTORY_GETSET:
    case HISTORY_PUT:
        execute_set(h, v, op);
        return;
    case HISTORY_CAS:
    case HISTORY_CAD:
        execute_compare(h, v, op);
        return;
    case HISTORY_DEL:
        reply_int(op, v->exists ? 1 : 0);
        erase(v);
        return;
    case HISTORY_INCRBY:
        execute_incrby(v, op);
        return;
    case HISTORY_APPEND:
        buf_bytes(&v->text, history_text(h, op->value));
        v->exists = true;
        reply_int(op, (int64_t)v->text.len);
        return;
    case HISTORY_GETDEL:
        reply_value(h, v, op);
        erase(v);
        return;
    case HISTORY_EXISTS:
        reply_int(op, v->exists ? 1 : 0);
        return;
    case HISTORY_STRLEN:
        reply_int(op, (int64_t)v->text.len);
        return;
    case HISTORY_RPUSH:
    case HISTORY_LPUSH:
    case HISTORY_XADD:
        execute_push(v, history_text(h, op->value), op);
        return;
    case HISTORY_LPOP:
    case HISTORY_RPOP:
        execute_pop(h, v, op);
        return;
    case HISTORY_LLEN:
        reply_int(op, lines_of(v));
        return;
    case HISTORY_LRANGE:
        reply_value(h, v, op);
        return;
    case HISTORY_KINDS:
        break;
    }
    ASSERT(false);
}

/* --- drawing ------------------------------------------------------------ */

static int64_t draw(struct gen *g, uint64_t n)
{
    return (int64_t)rng_below(&g->rng, n);
}

static enum history_outcome draw_outcome(struct gen *g)
{
    uint32_t x = (uint32_t)rng_below(&g->rng, 1000);
    if (x < g->o->unknown_permil)
        return HISTORY_UNKNOWN;
    return x < g->o->unknown_permil + g->o->failed_permil ? HISTORY_FAIL
                                                          : HISTORY_OK;
}

/* An operation that begins at `start`; returns when its client goes on. */
static int64_t draw_item(struct gen *g, uint32_t client, int64_t start)
{
    struct item *item = &g->items[g->count];
    enum history_outcome outcome = draw_outcome(g);
    *item = (struct item){.number = g->count};
    g->count++;
    item->op.client = client;
    item->op.outcome = (uint8_t)outcome;
    item->op.invoke = start;
    item->moment = start + draw(g, DURATION_MAX);
    item->op.ret = item->moment + draw(g, DURATION_MAX);
    int64_t goes_on = item->op.ret;
    item->effective = outcome == HISTORY_OK;
    if (outcome == HISTORY_UNKNOWN) {
        item->op.ret = HISTORY_NEVER;
        item->effective = draw(g, 2) == 0;
        item->moment = start + draw(g, LATE_MAX);
    }
    return goes_on;
}

static void draw_times(struct gen *g)
{
    const struct gen_options *o = g->o;
    int64_t *clock = mem_zalloc(o->clients * sizeof(*clock));
    int64_t end = 0;
    while (g->count < o->ops) {
        uint32_t c = (uint32_t)(g->count % o->clients);
        clock[c] = draw_item(g, c, clock[c] + draw(g, PAUSE_MAX) + 1);
        end = MAX(end, g->items[g->count - 1].moment + DURATION_MAX);
    }
    for (uint32_t k = 0; o->final_reads && k < o->keys; k++) {
        struct item *item = &g->items[g->count];
        end += 2;
        *item =
            (struct item){.moment = end, .number = g->count, .effective = true};
        item->op.invoke = end;
        item->op.ret = end + 1;
        g->count++;
    }
    mem_free(clock);
}

static uint32_t draw_value(struct gen *g)
{
    char text[32];
    uint64_t n =
        g->o->values == 0 ? g->serial++ : rng_below(&g->rng, g->o->values);
    int len = snprintf(text, sizeof(text), "v%" PRIu64 ".", n);
    ASSERT(len > 0 && (size_t)len < sizeof(text));
    return history_intern(g->h, bytes_of(text, (size_t)len));
}

static enum history_kind draw_kind(struct gen *g)
{
    for (;;) {
        unsigned kind = (unsigned)rng_below(&g->rng, HISTORY_KINDS);
        if (g->o->kinds & (1u << kind))
            return (enum history_kind)kind;
    }
}

static void draw_arguments(struct gen *g, const struct gen_value *v,
                           struct history_op *op)
{
    bool compares = op->kind == HISTORY_CAS || op->kind == HISTORY_CAD;
    if (compares) {
        bool current = v->exists && draw(g, 4) > 0;
        op->expected =
            current ? history_intern(g->h, buf_view(&v->text)) : draw_value(g);
    }
    if (op->kind == HISTORY_INCRBY)
        op->increment = g->o->ones || draw(g, 3) > 0 ? 1 : draw(g, 100) - 50;
    else if (history_kind_args((enum history_kind)op->kind) >
             (compares ? 1u : 0u))
        op->value = draw_value(g);
}

static void give_place(struct gen *g, struct history_op *op)
{
    bool placed = op->outcome == HISTORY_OK ? g->o->places != GEN_NO_PLACES
                                            : g->o->places == GEN_ALL_PLACED;
    bool read = history_kind_reads((enum history_kind)op->kind);
    if (!read) {
        bool next_entry = g->entry_closed || draw(g, 2) == 0;
        g->pos = next_entry ? 0 : g->pos + 1;
        g->index += next_entry ? 1 : 0;
        g->entry_closed = false;
    } else if (placed) {
        g->entry_closed = true;
    }
    if (!placed)
        return;
    op->place = read ? PLACE_READ : PLACE_LOG;
    op->index = g->index;
    op->pos = read ? 0 : g->pos;
}

static void execute_item(struct gen *g, struct item *item)
{
    struct history_op *op = &item->op;
    bool final = item->number >= g->o->ops;
    uint32_t k = final ? (uint32_t)(item->number - g->o->ops)
                       : (uint32_t)rng_below(&g->rng, g->o->keys);
    char key[16];
    int len = snprintf(key, sizeof(key), "k%" PRIu32, k);
    op->key = history_intern(g->h, bytes_of(key, (size_t)len));
    bool lists = (g->o->kinds & GEN_KINDS_LISTS) != 0;
    op->kind = !final  ? (uint8_t)draw_kind(g)
               : lists ? HISTORY_LRANGE
                       : HISTORY_GET;
    draw_arguments(g, &g->store[k], op);
    if (!item->effective)
        return;
    gen_execute(g->h, &g->store[k], op);
    if (op->outcome != HISTORY_OK) {
        op->reply = REPLY_NONE;
        op->number = 0;
        op->text = 0;
    }
    give_place(g, op);
}

static int by_moment(const void *a, const void *b)
{
    const struct item *x = a;
    const struct item *y = b;
    if (x->moment != y->moment)
        return x->moment > y->moment ? 1 : -1;
    return (x->number > y->number) - (x->number < y->number);
}

static int by_number(const void *a, const void *b)
{
    const struct item *x = a;
    const struct item *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

void history_gen(struct history *h, const struct gen_options *o)
{
    ASSERT(h->count == 0 && o->clients > 0 && o->keys > 0);
    bool lists = (o->kinds & GEN_KINDS_LISTS) != 0;
    ASSERT(((o->kinds & GEN_KINDS_ALL) != 0) != lists);
    struct gen g = {.o = o, .h = h, .rng = o->seed, .entry_closed = true};
    g.items = mem_alloc((o->ops + o->keys) * sizeof(*g.items));
    g.store = mem_zalloc(o->keys * sizeof(*g.store));
    draw_times(&g);
    qsort(g.items, g.count, sizeof(*g.items), by_moment);
    for (size_t i = 0; i < g.count; i++)
        execute_item(&g, &g.items[i]);
    qsort(g.items, g.count, sizeof(*g.items), by_number);
    for (size_t i = 0; i < g.count; i++)
        history_add(h, &g.items[i].op);
    for (uint32_t k = 0; k < o->keys; k++)
        gen_value_release(&g.store[k]);
    mem_free(g.items);
    mem_free(g.store);
}
