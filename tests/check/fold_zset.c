/* Sorted sets of the fold; scores are whole numbers. */
#include "check/fold_internal.h"

#include <stdio.h>

static void score(struct fold_call *c, int64_t v)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)v);
    fold_bulk(c, bytes_str(text));
}

/* True: the member is new. */
static bool put(struct fold_coll *z, struct bytes member, int64_t to)
{
    size_t at = fold_find(z, member);
    bool fresh = at == FOLD_NOT_THERE;

    if (!fresh)
        fold_remove(z, at);
    fold_place(z, member, to);
    return fresh;
}

static void zadd(struct fold_call *c)
{
    struct fold_coll *z = fold_make(c, c->argv[1], FOLD_ZSET);
    int64_t fresh = 0;

    for (uint32_t i = 2; i + 1 < c->argc; i += 2)
        fresh += put(z, c->argv[i + 1], fold_number(c->argv[i]));
    fold_save(c, c->argv[1]);
    fold_integer(c, fresh);
}

static void zincrby(struct fold_call *c)
{
    struct fold_coll *z = fold_make(c, c->argv[1], FOLD_ZSET);
    size_t at = fold_find(z, c->argv[3]);
    int64_t n = at == FOLD_NOT_THERE ? 0 : z->items[at].score;

    n += fold_number(c->argv[2]);
    put(z, c->argv[3], n);
    fold_save(c, c->argv[1]);
    score(c, n);
}

static void zrem(struct fold_call *c)
{
    struct fold_coll *z = fold_open(c, c->argv[1], FOLD_ZSET);
    int64_t count = 0;

    for (uint32_t i = 2; z && i < c->argc; i++) {
        size_t at = fold_find(z, c->argv[i]);
        if (at == FOLD_NOT_THERE)
            continue;
        fold_remove(z, at);
        count++;
    }
    if (count > 0)
        fold_save(c, c->argv[1]);
    fold_integer(c, count);
}

static void remove_ranks(struct fold_call *c)
{
    struct fold_coll *z = fold_open(c, c->argv[1], FOLD_ZSET);
    size_t from = 0;
    size_t to = 0;

    (void)fold_range(c->argv + 2, z ? z->count : 0, &from, &to);
    for (size_t i = from; i < to; i++)
        fold_remove(z, from);
    if (to > from)
        fold_save(c, c->argv[1]);
    fold_integer(c, (int64_t)(to - from));
}

/* zpopmin key count */
static void zpop(struct fold_call *c, bool min)
{
    struct fold_coll *z = fold_open(c, c->argv[1], FOLD_ZSET);
    size_t count = z ? MIN((size_t)fold_number(c->argv[2]), z->count) : 0;

    fold_array(c, 2 * count);
    for (size_t i = 0; i < count; i++) {
        size_t at = min ? 0 : z->count - 1;
        fold_bulk(c, buf_view(&z->items[at].name));
        score(c, z->items[at].score);
        fold_remove(z, at);
    }
    if (count > 0)
        fold_save(c, c->argv[1]);
}

/* zscore, zrank */
static void of_member(struct fold_call *c, bool rank)
{
    struct fold_coll *z = fold_open(c, c->argv[1], FOLD_ZSET);
    size_t at = fold_find(z, c->argv[2]);

    if (at == FOLD_NOT_THERE)
        fold_nil(c);
    else if (rank)
        fold_integer(c, (int64_t)at);
    else
        score(c, z->items[at].score);
}

/* zrange key from to withscores */
static void zrange(struct fold_call *c)
{
    struct fold_coll *z = fold_open(c, c->argv[1], FOLD_ZSET);
    size_t from = 0;
    size_t to = 0;

    (void)fold_range(c->argv + 2, z ? z->count : 0, &from, &to);
    fold_array(c, 2 * (to - from));
    for (; from < to; from++) {
        fold_bulk(c, buf_view(&z->items[from].name));
        score(c, z->items[from].score);
    }
}

/* zcount key min max */
static void zcount(struct fold_call *c)
{
    struct fold_coll *z = fold_open(c, c->argv[1], FOLD_ZSET);
    int64_t count = 0;

    for (size_t i = 0; z && i < z->count; i++)
        count += z->items[i].score >= fold_number(c->argv[2]) &&
                 z->items[i].score <= fold_number(c->argv[3]);
    fold_integer(c, count);
}

/* zunionstore to 2 a b */
static void zunion(struct fold_call *c)
{
    struct fold_coll *to = fold_coll_new(FOLD_ZSET);

    for (uint32_t k = 3; k < 5; k++) {
        const struct fold_coll *from = fold_open(c, c->argv[k], FOLD_ZSET);
        for (size_t i = 0; from && i < from->count; i++) {
            struct bytes member = buf_view(&from->items[i].name);
            size_t at = fold_find(to, member);
            int64_t had = at == FOLD_NOT_THERE ? 0 : to->items[at].score;
            put(to, member, had + from->items[i].score);
        }
    }
    fold_integer(c, (int64_t)to->count);
    fold_replace(c, c->argv[1], to, 0);
}

static bool reads(struct fold_call *c)
{
    struct bytes word = c->argv[0];

    if (fold_is(word, "zscore") || fold_is(word, "zrank"))
        of_member(c, fold_is(word, "zrank"));
    else if (fold_is(word, "zrange"))
        zrange(c);
    else if (fold_is(word, "zcount"))
        zcount(c);
    else
        return false;
    return true;
}

bool fold_zset(struct fold_call *c)
{
    struct bytes word = c->argv[0];

    if (fold_is(word, "zadd"))
        zadd(c);
    else if (fold_is(word, "zincrby"))
        zincrby(c);
    else if (fold_is(word, "zrem"))
        zrem(c);
    else if (fold_is(word, "zremrangebyrank"))
        remove_ranks(c);
    else if (fold_is(word, "zpopmin") || fold_is(word, "zpopmax"))
        zpop(c, fold_is(word, "zpopmin"));
    else if (fold_is(word, "zunionstore"))
        zunion(c);
    else
        return reads(c);
    return true;
}
