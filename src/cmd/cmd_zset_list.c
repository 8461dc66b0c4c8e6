/*
 * How it works: members are copied one behind the other, and sorted by what is
 * known of each. The orders are total, so the result does not depend on how
 * they are sorted.
 *
 * How it fails: a list that would be too long takes no more.
 */
#include "cmd/cmd_zset.h"

#include <math.h>
#include <stdlib.h>

void zset_list_init(struct zset_list *l)
{
    *l = (struct zset_list){BUF_INIT, BUF_INIT};
}

void zset_list_release(struct zset_list *l)
{
    ASSERT(l->items.len % sizeof(struct zset_item) == 0);
    buf_release(&l->bytes);
    buf_release(&l->items);
}

bool zset_list_add(struct zset_list *l, const struct zset_entry *e,
                   uint32_t source)
{
    struct zset_item item = {l->bytes.len, (uint32_t)e->member.len, source,
                             e->score};
    size_t len = l->bytes.len + l->items.len;
    ASSERT(e->member.len <= UINT32_MAX);
    if (len + e->member.len + sizeof(item) > CMD_REPLY_BYTES_MAX)
        return false;
    buf_bytes(&l->bytes, e->member);
    buf_append(&l->items, &item, sizeof(item));
    return true;
}

static struct bytes member_at(const struct zset_list *l,
                              const struct zset_item *item)
{
    ASSERT(item->at + item->len <= l->bytes.len);
    return item->len == 0 ? BYTES_NONE
                          : bytes_of(l->bytes.data + item->at, item->len);
}

struct zset_entry zset_list_at(const struct zset_list *l, uint64_t i)
{
    const struct zset_item *item = &zset_list_items(l)[i];
    ASSERT(i < zset_list_count(l));
    return (struct zset_entry){member_at(l, item), item->score};
}

static int by_member(const void *a, const void *b, void *arg)
{
    const struct zset_list *l = arg;
    const struct zset_item *x = a;
    const struct zset_item *y = b;
    ASSERT(l->bytes.len <= CMD_REPLY_BYTES_MAX);
    int order = bytes_cmp(member_at(l, x), member_at(l, y));
    if (order != 0)
        return order;
    return (x->source > y->source) - (x->source < y->source);
}

static int by_score(const void *a, const void *b, void *arg)
{
    const struct zset_item *x = a;
    const struct zset_item *y = b;
    ASSERT(!isnan(x->score) && !isnan(y->score));
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return by_member(a, b, arg);
}

void zset_list_sort_members(struct zset_list *l)
{
    if (l->items.len > 0)
        qsort_r(l->items.data, zset_list_count(l), sizeof(struct zset_item),
                by_member, l);
}

void zset_list_sort_scores(struct zset_list *l)
{
    if (l->items.len > 0)
        qsort_r(l->items.data, zset_list_count(l), sizeof(struct zset_item),
                by_score, l);
}

bool zset_list_is_large(const struct zset_list *l)
{
    uint64_t count = zset_list_count(l);
    ASSERT(count <= CMD_REPLY_BYTES_MAX / sizeof(struct zset_item));
    for (uint64_t i = 0; i < count; i++) {
        if (zset_list_items(l)[i].len > ZSET_SMALL_MEMBER)
            return true;
    }
    return count > ZSET_SMALL_COUNT;
}

void zset_list_store(struct cmd_call *c, struct bytes key,
                     const struct zset_list *l, bool large)
{
    uint64_t count = zset_list_count(l);
    struct zset z;
    ASSERT((c->cmd->flags & CMD_WRITE) != 0);
    if (count == 0) {
        (void)!keyspace_delete(c->ks, c->db, key);
        return;
    }
    zset_new(&z, c->ks, c->db, key);
    if (large)
        zset_make_large(&z);
    for (uint64_t i = 0; i < count; i++) {
        struct zset_entry e = zset_list_at(l, i);
        zset_add(&z, e.member, e.score);
    }
    ASSERT(zset_count(&z) == count || keyspace_error(c->ks) != 0);
    zset_save(&z);
    zset_close(&z);
}
