/* Lists of the fold. */
#include "check/fold_internal.h"

static void list_put(struct fold_coll *l, size_t at, struct bytes value)
{
    buf_bytes(&fold_insert(l, at)->value, value);
}

static void push(struct fold_call *c, bool left)
{
    struct fold_coll *l = fold_make(c, c->argv[1], FOLD_LIST);

    for (uint32_t i = 2; i < c->argc; i++)
        list_put(l, left ? 0 : l->count, c->argv[i]);
    fold_save(c, c->argv[1]);
    fold_integer(c, (int64_t)l->count);
}

/* lpop key [count] */
static void pop(struct fold_call *c, bool left)
{
    struct fold_coll *l = fold_open(c, c->argv[1], FOLD_LIST);
    size_t count = c->argc > 2 ? (size_t)fold_number(c->argv[2]) : 1;

    if (!l) {
        fold_nil(c);
        return;
    }
    count = MIN(count, l->count);
    if (c->argc > 2)
        fold_array(c, count);
    for (size_t i = 0; i < count; i++) {
        size_t at = left ? 0 : l->count - 1;
        fold_bulk(c, buf_view(&l->items[at].value));
        fold_remove(l, at);
    }
    if (count > 0)
        fold_save(c, c->argv[1]);
}

static size_t find_value(const struct fold_coll *l, struct bytes value)
{
    for (size_t i = 0; l && i < l->count; i++)
        if (bytes_eq(buf_view(&l->items[i].value), value))
            return i;
    return FOLD_NOT_THERE;
}

/* linsert key before|after pivot value */
static void insert(struct fold_call *c)
{
    struct fold_coll *l = fold_open(c, c->argv[1], FOLD_LIST);
    size_t at = find_value(l, c->argv[3]);

    if (!l || at == FOLD_NOT_THERE) {
        fold_integer(c, l ? -1 : 0);
        return;
    }
    list_put(l, at + fold_is(c->argv[2], "after"), c->argv[4]);
    fold_save(c, c->argv[1]);
    fold_integer(c, (int64_t)l->count);
}

static void set_at(struct fold_call *c)
{
    struct fold_coll *l = fold_open(c, c->argv[1], FOLD_LIST);
    int64_t at = fold_number(c->argv[2]);

    if (!l) {
        buf_str(c->reply, "-ERR no such key\r\n");
        return;
    }
    at += at < 0 ? (int64_t)l->count : 0;
    if (at < 0 || at >= (int64_t)l->count) {
        buf_str(c->reply, "-ERR index out of range\r\n");
        return;
    }
    buf_reset(&l->items[at].value);
    buf_bytes(&l->items[at].value, c->argv[3]);
    fold_save(c, c->argv[1]);
    buf_str(c->reply, "+OK\r\n");
}

/* lrem key count value: 0 for all, negative from the end on. */
static void remove_equal(struct fold_call *c)
{
    struct fold_coll *l = fold_open(c, c->argv[1], FOLD_LIST);
    int64_t count = fold_number(c->argv[2]);
    int64_t max = count == 0 ? INT64_MAX : count < 0 ? -count : count;
    int64_t done = 0;

    for (size_t n = l ? l->count : 0, i = 0; i < n && done < max; i++) {
        size_t at = count < 0 ? n - 1 - i : i - (size_t)done;
        if (!bytes_eq(buf_view(&l->items[at].value), c->argv[3]))
            continue;
        fold_remove(l, at);
        done++;
    }
    if (done > 0)
        fold_save(c, c->argv[1]);
    fold_integer(c, done);
}

static void trim(struct fold_call *c)
{
    struct fold_coll *l = fold_open(c, c->argv[1], FOLD_LIST);
    size_t from;
    size_t to;

    buf_str(c->reply, "+OK\r\n");
    if (!l)
        return;
    (void)fold_range(c->argv + 2, l->count, &from, &to);
    while (l->count > to)
        fold_remove(l, l->count - 1);
    for (; from > 0 && l->count > 0; from--)
        fold_remove(l, 0);
    fold_save(c, c->argv[1]);
}

static void range(struct fold_call *c)
{
    struct fold_coll *l = fold_open(c, c->argv[1], FOLD_LIST);
    size_t from = 0;
    size_t to = 0;

    (void)fold_range(c->argv + 2, l ? l->count : 0, &from, &to);
    fold_array(c, to - from);
    for (; from < to; from++)
        fold_bulk(c, buf_view(&l->items[from].value));
}

static void at_index(struct fold_call *c)
{
    struct fold_coll *l = fold_open(c, c->argv[1], FOLD_LIST);
    int64_t count = l ? (int64_t)l->count : 0;
    int64_t at = fold_number(c->argv[2]);

    at += at < 0 ? count : 0;
    if (at < 0 || at >= count)
        fold_nil(c);
    else
        fold_bulk(c, buf_view(&l->items[at].value));
}

/* lmove from to left|right left|right */
static void move(struct fold_call *c)
{
    struct fold_coll *l = fold_open(c, c->argv[1], FOLD_LIST);
    struct buf value = BUF_INIT;

    if (!l) {
        fold_nil(c);
        return;
    }
    size_t at = fold_is(c->argv[3], "left") ? 0 : l->count - 1;
    bool left = fold_is(c->argv[4], "left");
    buf_bytes(&value, buf_view(&l->items[at].value));
    fold_bulk(c, buf_view(&value));
    fold_remove(l, at);
    if (!bytes_eq(c->argv[1], c->argv[2])) {
        fold_save(c, c->argv[1]);
        l = fold_make(c, c->argv[2], FOLD_LIST);
    }
    list_put(l, left ? 0 : l->count, buf_view(&value));
    fold_save(c, c->argv[2]);
    buf_release(&value);
}

bool fold_list(struct fold_call *c)
{
    struct bytes word = c->argv[0];

    if (fold_is(word, "lpush") || fold_is(word, "rpush"))
        push(c, fold_is(word, "lpush"));
    else if (fold_is(word, "lpop") || fold_is(word, "rpop"))
        pop(c, fold_is(word, "lpop"));
    else if (fold_is(word, "linsert"))
        insert(c);
    else if (fold_is(word, "lset"))
        set_at(c);
    else if (fold_is(word, "lrem"))
        remove_equal(c);
    else if (fold_is(word, "ltrim"))
        trim(c);
    else if (fold_is(word, "lrange"))
        range(c);
    else if (fold_is(word, "lindex"))
        at_index(c);
    else if (fold_is(word, "lmove"))
        move(c);
    else
        return false;
    return true;
}
