/*
 * A merge gets a copy of the list when it begins, so it needs no lock for each
 * key. Ranges rarely overlap and are few: a list is enough. Of ranges that
 * begin at the same place the longest counts.
 *
 * How it fails: above RANGES_MAX a range is not remembered, and what is in it
 * stays until the next start.
 */
#include "rocks/garbage.h"

#include "base/alloc.h"
#include "os/mutex.h"

#include <string.h>

#define RANGES_MAX 256

struct range {
    struct buf begin;
    struct buf end;
    bool taken;
};

struct list_of_ranges {
    struct range ranges[RANGES_MAX];
    size_t count;
};

struct garbage {
    struct mutex lock;
    struct list_of_ranges now;
    struct list_of_ranges waiting; /* until nobody holds it */
    uint32_t held;
};

/* Of one merge. */
struct filter {
    size_t count;
    struct range ranges[];
};

static void release_ranges(struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_release(&ranges[i].begin);
        buf_release(&ranges[i].end);
    }
}

struct garbage *garbage_new(void)
{
    struct garbage *g = mem_zalloc(sizeof(*g));
    mutex_init(&g->lock);
    return g;
}

void garbage_free(struct garbage *g)
{
    if (g == NULL)
        return;
    ASSERT(g->held == 0);
    release_ranges(g->now.ranges, g->now.count);
    release_ranges(g->waiting.ranges, g->waiting.count);
    mutex_destroy(&g->lock);
    mem_free(g);
}

static void set_bytes(struct buf *to, struct bytes from)
{
    buf_reset(to);
    buf_bytes(to, from);
}

/* NULL: no room for another one. */
static struct range *range_at(struct list_of_ranges *l, struct bytes begin)
{
    for (size_t i = 0; i < l->count; i++) {
        if (bytes_eq(buf_view(&l->ranges[i].begin), begin))
            return &l->ranges[i];
    }
    if (l->count == RANGES_MAX)
        return NULL;
    struct range *r = &l->ranges[l->count++];
    set_bytes(&r->begin, begin);
    return r;
}

static void add(struct list_of_ranges *l, struct bytes begin, struct bytes end)
{
    struct range *r = range_at(l, begin);
    if (r != NULL && bytes_cmp(buf_view(&r->end), end) < 0) {
        set_bytes(&r->end, end);
        r->taken = false;
    }
}

static void clear(struct list_of_ranges *l)
{
    release_ranges(l->ranges, l->count);
    memset(l, 0, sizeof(*l));
}

void garbage_add(struct garbage *g, struct bytes begin, struct bytes end)
{
    ASSERT(bytes_cmp(begin, end) < 0);
    mutex_lock(&g->lock);
    add(g->held > 0 ? &g->waiting : &g->now, begin, end);
    mutex_unlock(&g->lock);
}

void garbage_hold(struct garbage *g)
{
    mutex_lock(&g->lock);
    g->held++;
    mutex_unlock(&g->lock);
}

void garbage_release(struct garbage *g)
{
    mutex_lock(&g->lock);
    ASSERT(g->held > 0);
    g->held--;
    for (size_t i = 0; g->held == 0 && i < g->waiting.count; i++)
        add(&g->now, buf_view(&g->waiting.ranges[i].begin),
            buf_view(&g->waiting.ranges[i].end));
    if (g->held == 0)
        clear(&g->waiting);
    mutex_unlock(&g->lock);
}

void garbage_reset(struct garbage *g)
{
    mutex_lock(&g->lock);
    clear(&g->now);
    clear(&g->waiting);
    mutex_unlock(&g->lock);
}

bool garbage_take(struct garbage *g, struct buf *begin, struct buf *end)
{
    bool found = false;
    mutex_lock(&g->lock);
    for (size_t i = 0; i < g->now.count && !found; i++) {
        struct range *r = &g->now.ranges[i];
        found = !r->taken;
        if (!found)
            continue;
        r->taken = true;
        set_bytes(begin, buf_view(&r->begin));
        set_bytes(end, buf_view(&r->end));
    }
    mutex_unlock(&g->lock);
    return found;
}

/* 1: the row is left out. */
static unsigned char filter_row(void *ctx, int level, const char *key,
                                size_t key_len, const char *value,
                                size_t value_len, char **new_value,
                                size_t *new_value_len,
                                unsigned char *value_changed)
{
    const struct filter *f = ctx;
    struct bytes k = bytes_of(key, key_len);
    UNUSED(level);
    UNUSED(value);
    UNUSED(value_len);
    UNUSED(new_value);
    UNUSED(new_value_len);
    *value_changed = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (bytes_cmp(buf_view(&f->ranges[i].begin), k) <= 0 &&
            bytes_cmp(k, buf_view(&f->ranges[i].end)) < 0)
            return 1;
    }
    return 0;
}

static void filter_free(void *ctx)
{
    struct filter *f = ctx;
    release_ranges(f->ranges, f->count);
    mem_free(f);
}

static const char *filter_name(void *ctx)
{
    UNUSED(ctx);
    return "vard.garbage";
}

static rocksdb_compactionfilter_t *
filter_new(void *ctx, rocksdb_compactionfiltercontext_t *context)
{
    struct garbage *g = ctx;
    UNUSED(context);
    mutex_lock(&g->lock);
    const struct list_of_ranges *now = &g->now;
    struct filter *f =
        mem_zalloc(sizeof(*f) + now->count * sizeof(f->ranges[0]));
    f->count = now->count;
    for (size_t i = 0; i < f->count; i++) {
        set_bytes(&f->ranges[i].begin, buf_view(&now->ranges[i].begin));
        set_bytes(&f->ranges[i].end, buf_view(&now->ranges[i].end));
    }
    mutex_unlock(&g->lock);
    return rocksdb_compactionfilter_create(f, filter_free, filter_row,
                                           filter_name);
}

static void keep(void *ctx)
{
    UNUSED(ctx); /* the list belongs to the store */
}

rocksdb_compactionfilterfactory_t *garbage_filter(struct garbage *g)
{
    ASSERT(g != NULL);
    return rocksdb_compactionfilterfactory_create(g, keep, filter_new,
                                                  filter_name);
}
