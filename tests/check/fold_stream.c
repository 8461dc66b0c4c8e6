/*
 * Streams of the fold, whose entries have one field, and their groups. Ids are
 * the stream's own: the wall clock as the entry's leader shows it, or the next
 * one after the last.
 */
#include "check/fold_internal.h"

#include <stdio.h>

#include "base/alloc.h"

static int compare(struct fold_id a, struct fold_id b)
{
    if (a.ms != b.ms)
        return a.ms < b.ms ? -1 : 1;
    return a.seq < b.seq ? -1 : a.seq > b.seq;
}

static void tell_id(struct fold_call *c, struct fold_id id)
{
    char text[48];

    snprintf(text, sizeof(text), "%llu-%llu", (unsigned long long)id.ms,
             (unsigned long long)id.seq);
    fold_bulk(c, bytes_str(text));
}

/* "ms-seq" */
static struct fold_id id_of(struct bytes text)
{
    struct fold_id id = {0, 0};
    size_t i = 0;

    for (; i < text.len && text.data[i] != '-'; i++)
        id.ms = id.ms * 10 + (uint64_t)(text.data[i] - '0');
    for (i++; i < text.len; i++)
        id.seq = id.seq * 10 + (uint64_t)(text.data[i] - '0');
    return id;
}

/* xadd key * field value */
static void xadd(struct fold_call *c)
{
    struct fold_coll *x = fold_make(c, c->argv[1], FOLD_STREAM);
    int64_t wall_ms = c->time_ms + c->f->offsets[c->f->head];
    struct fold_id id = {(uint64_t)MAX(wall_ms, 0), 0};

    if (compare(id, x->last) <= 0)
        id = (struct fold_id){x->last.ms, x->last.seq + 1};
    struct fold_item *i = fold_insert(x, x->count);
    i->id = x->last = id;
    buf_bytes(&i->name, c->argv[3]);
    buf_bytes(&i->value, c->argv[4]);
    fold_save(c, c->argv[1]);
    tell_id(c, id);
}

/* xdel key id */
static void xdel(struct fold_call *c)
{
    struct fold_coll *x = fold_open(c, c->argv[1], FOLD_STREAM);
    struct fold_id id = id_of(c->argv[2]);
    int64_t count = 0;

    for (size_t i = 0; x && i < x->count && count == 0; i++) {
        if (compare(x->items[i].id, id) != 0)
            continue;
        fold_remove(x, i);
        count = 1;
    }
    if (count > 0)
        fold_save(c, c->argv[1]);
    fold_integer(c, count);
}

/* xtrim key maxlen n */
static void xtrim(struct fold_call *c)
{
    struct fold_coll *x = fold_open(c, c->argv[1], FOLD_STREAM);
    size_t max = (size_t)fold_number(c->argv[3]);
    int64_t count = 0;

    for (; x && x->count > max; count++)
        fold_remove(x, 0);
    if (count > 0)
        fold_save(c, c->argv[1]);
    fold_integer(c, count);
}

static void tell_entry(struct fold_call *c, const struct fold_item *i)
{
    fold_array(c, 2);
    tell_id(c, i->id);
    fold_array(c, 2);
    fold_bulk(c, buf_view(&i->name));
    fold_bulk(c, buf_view(&i->value));
}

/* xrange key - + */
static void xrange(struct fold_call *c)
{
    struct fold_coll *x = fold_open(c, c->argv[1], FOLD_STREAM);

    fold_array(c, x ? x->count : 0);
    for (size_t i = 0; x && i < x->count; i++)
        tell_entry(c, &x->items[i]);
}

/* --- groups --------------------------------------------------------------- */

static struct fold_group *group_find(struct fold_coll *x, struct bytes name)
{
    for (size_t i = 0; x && i < x->group_count; i++)
        if (bytes_eq(buf_view(&x->groups[i].name), name))
            return &x->groups[i];
    return NULL;
}

/* xgroup create key group 0 mkstream */
static void xgroup(struct fold_call *c)
{
    struct fold_coll *x = fold_make(c, c->argv[2], FOLD_STREAM);

    if (group_find(x, c->argv[3])) {
        buf_str(c->reply, "-BUSYGROUP Consumer Group name already exists\r\n");
        return;
    }
    ASSERT(x->group_count < FOLD_GROUPS_MAX);
    struct fold_group *g = &x->groups[x->group_count++];
    *g = (struct fold_group){.name = BUF_INIT};
    buf_bytes(&g->name, c->argv[3]);
    fold_save(c, c->argv[2]);
    buf_str(c->reply, "+OK\r\n");
}

static void pend(struct fold_group *g, struct fold_id id, struct bytes consumer)
{
    if (g->count == g->cap) {
        g->cap = MAX(g->cap * 2, 16);
        g->pending = mem_realloc(g->pending, g->cap * sizeof(g->pending[0]));
    }
    struct fold_pending *p = &g->pending[g->count++];
    *p = (struct fold_pending){.id = id, .consumer = BUF_INIT};
    buf_bytes(&p->consumer, consumer);
}

/* xreadgroup group g consumer count n streams key > */
static void xreadgroup(struct fold_call *c)
{
    struct bytes key = c->argv[7];
    struct fold_coll *x = fold_open(c, key, FOLD_STREAM);
    struct fold_group *g = group_find(x, c->argv[2]);
    size_t max = (size_t)fold_number(c->argv[5]);
    size_t first = 0;

    if (!g) {
        buf_printf(c->reply,
                   "-NOGROUP No such key '%.*s' or consumer group '%.*s' in "
                   "XREADGROUP with GROUP option\r\n",
                   (int)key.len, (const char *)key.data, (int)c->argv[2].len,
                   (const char *)c->argv[2].data);
        return;
    }
    while (first < x->count && compare(x->items[first].id, g->last) <= 0)
        first++;
    size_t count = MIN(max, x->count - first);
    if (count == 0) {
        buf_str(c->reply, "*-1\r\n");
        return;
    }
    fold_array(c, 1);
    fold_array(c, 2);
    fold_bulk(c, key);
    fold_array(c, count);
    for (size_t i = first; i < first + count; i++) {
        tell_entry(c, &x->items[i]);
        g->last = x->items[i].id;
        pend(g, g->last, c->argv[3]);
    }
}

/* xack key group id */
static void xack(struct fold_call *c)
{
    struct fold_coll *x = fold_open(c, c->argv[1], FOLD_STREAM);
    struct fold_group *g = group_find(x, c->argv[2]);
    struct fold_id id = id_of(c->argv[3]);

    for (size_t i = 0; g && i < g->count; i++) {
        if (compare(g->pending[i].id, id) != 0)
            continue;
        buf_release(&g->pending[i].consumer);
        g->count--;
        memmove(&g->pending[i], &g->pending[i + 1],
                (g->count - i) * sizeof(g->pending[0]));
        fold_integer(c, 1);
        return;
    }
    fold_integer(c, 0);
}

bool fold_stream(struct fold_call *c)
{
    struct bytes word = c->argv[0];

    if (fold_is(word, "xadd"))
        xadd(c);
    else if (fold_is(word, "xdel"))
        xdel(c);
    else if (fold_is(word, "xtrim"))
        xtrim(c);
    else if (fold_is(word, "xrange"))
        xrange(c);
    else if (fold_is(word, "xgroup"))
        xgroup(c);
    else if (fold_is(word, "xreadgroup"))
        xreadgroup(c);
    else if (fold_is(word, "xack"))
        xack(c);
    else
        return false;
    return true;
}
