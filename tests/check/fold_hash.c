/* Hashes of the fold, and sets: fields without values. */
#include "check/fold_internal.h"

#include "base/num.h"

/* True: the field is new. */
static bool hash_put(struct fold_coll *h, struct bytes field,
                     struct bytes value, int64_t expire_ms)
{
    size_t at = fold_find(h, field);
    bool fresh = at == FOLD_NOT_THERE;
    struct fold_item *i = fresh ? fold_insert(h, h->count) : &h->items[at];

    if (fresh)
        buf_bytes(&i->name, field);
    buf_reset(&i->value);
    buf_bytes(&i->value, value);
    i->expire_ms = expire_ms;
    return fresh;
}

static void hset(struct fold_call *c)
{
    struct fold_coll *h = fold_make(c, c->argv[1], FOLD_HASH);
    int64_t fresh = 0;

    for (uint32_t i = 2; h && i + 1 < c->argc; i += 2)
        fresh += hash_put(h, c->argv[i], c->argv[i + 1], 0);
    fold_save(c, c->argv[1]);
    fold_integer(c, fresh);
}

static void hsetnx(struct fold_call *c)
{
    struct fold_coll *h = fold_open(c, c->argv[1], FOLD_HASH);
    bool fresh = fold_find(h, c->argv[2]) == FOLD_NOT_THERE;

    if (fresh) {
        h = fold_make(c, c->argv[1], FOLD_HASH);
        hash_put(h, c->argv[2], c->argv[3], 0);
        fold_save(c, c->argv[1]);
    }
    fold_integer(c, fresh);
}

static void hincrby(struct fold_call *c)
{
    struct fold_coll *h = fold_make(c, c->argv[1], FOLD_HASH);
    size_t at = fold_find(h, c->argv[2]);
    bool there = at != FOLD_NOT_THERE;
    int64_t n = there ? fold_number(buf_view(&h->items[at].value)) : 0;
    int64_t expire_ms = there ? h->items[at].expire_ms : 0;
    char text[NUM_TEXT_MAX];

    n += fold_number(c->argv[3]);
    hash_put(h, c->argv[2], bytes_of(text, num_format_i64(n, text)), expire_ms);
    fold_save(c, c->argv[1]);
    fold_integer(c, n);
}

/* hdel, srem */
static void remove_names(struct fold_call *c, enum fold_type type)
{
    struct fold_coll *h = fold_open(c, c->argv[1], type);
    int64_t count = 0;

    for (uint32_t i = 2; h && i < c->argc; i++) {
        size_t at = fold_find(h, c->argv[i]);
        if (at == FOLD_NOT_THERE)
            continue;
        fold_remove(h, at);
        count++;
    }
    if (count > 0)
        fold_save(c, c->argv[1]);
    fold_integer(c, count);
}

/* hexists, sismember, hlen, scard, llen, zcard: a number of what is there. */
static void has(struct fold_call *c, enum fold_type type)
{
    struct fold_coll *h = fold_open(c, c->argv[1], type);

    fold_integer(c, fold_find(h, c->argv[2]) != FOLD_NOT_THERE);
}

static void tell_value(struct fold_call *c, const struct fold_coll *h,
                       struct bytes field)
{
    size_t at = fold_find(h, field);

    if (at == FOLD_NOT_THERE)
        fold_nil(c);
    else
        fold_bulk(c, buf_view(&h->items[at].value));
}

static void tell_all(struct fold_call *c, enum fold_type type)
{
    struct fold_coll *h = fold_open(c, c->argv[1], type);
    size_t count = h ? h->count : 0;

    fold_array(c, type == FOLD_HASH ? 2 * count : count);
    for (size_t i = 0; i < count; i++) {
        fold_bulk(c, buf_view(&h->items[i].name));
        if (type == FOLD_HASH)
            fold_bulk(c, buf_view(&h->items[i].value));
    }
}

/* --- fields that expire --------------------------------------------------- */

/* hpexpire[at] key ms fields 1 field; hpersist key fields 1 field */
static int expire_field(struct fold_call *c, struct fold_coll *h, size_t at)
{
    bool persist = fold_is(c->argv[0], "hpersist");
    int64_t *expire_ms = &h->items[at].expire_ms;
    int64_t to_ms = 0;

    if (persist && *expire_ms == 0)
        return -1;
    if (fold_is(c->argv[0], "hpexpireat"))
        to_ms = fold_log_time(c, c->argv[2]);
    else if (!persist)
        to_ms = c->time_ms + fold_number(c->argv[2]);
    if (persist || to_ms > c->time_ms) {
        *expire_ms = to_ms;
        return 1;
    }
    fold_remove(h, at);
    return 2;
}

static void hexpire(struct fold_call *c)
{
    struct fold_coll *h = fold_open(c, c->argv[1], FOLD_HASH);
    size_t at = fold_find(h, c->argv[c->argc - 1]);
    int answer = at == FOLD_NOT_THERE ? -2 : expire_field(c, h, at);

    if (answer > 0)
        fold_save(c, c->argv[1]);
    fold_array(c, 1);
    fold_integer(c, answer);
}

static void hexpiretime(struct fold_call *c)
{
    struct fold_coll *h = fold_open(c, c->argv[1], FOLD_HASH);
    size_t at = fold_find(h, c->argv[c->argc - 1]);
    int64_t ms = at == FOLD_NOT_THERE ? -2 : h->items[at].expire_ms;

    fold_array(c, 1);
    fold_integer(c, ms > 0    ? ms + c->f->offsets[c->f->head]
                    : ms == 0 ? -1
                              : ms);
}

/* hsetex key px ms fields 1 field value */
static void hsetex(struct fold_call *c)
{
    struct fold_coll *h = fold_make(c, c->argv[1], FOLD_HASH);

    hash_put(h, c->argv[6], c->argv[7], c->time_ms + fold_number(c->argv[3]));
    fold_save(c, c->argv[1]);
    fold_integer(c, 1);
}

/* hgetdel key fields 1 field */
static void hgetdel(struct fold_call *c)
{
    struct fold_coll *h = fold_open(c, c->argv[1], FOLD_HASH);
    size_t at = fold_find(h, c->argv[4]);

    fold_array(c, 1);
    tell_value(c, h, c->argv[4]);
    if (at == FOLD_NOT_THERE)
        return;
    fold_remove(h, at);
    fold_save(c, c->argv[1]);
}

bool fold_hash(struct fold_call *c)
{
    struct bytes word = c->argv[0];

    if (fold_is(word, "hset"))
        hset(c);
    else if (fold_is(word, "hsetnx"))
        hsetnx(c);
    else if (fold_is(word, "hincrby"))
        hincrby(c);
    else if (fold_is(word, "hdel"))
        remove_names(c, FOLD_HASH);
    else if (fold_is(word, "hexists"))
        has(c, FOLD_HASH);
    else if (fold_is(word, "hget"))
        tell_value(c, fold_open(c, c->argv[1], FOLD_HASH), c->argv[2]);
    else if (fold_is(word, "hgetall"))
        tell_all(c, FOLD_HASH);
    else if (fold_is(word, "hpexpire") || fold_is(word, "hpexpireat") ||
             fold_is(word, "hpersist"))
        hexpire(c);
    else if (fold_is(word, "hpexpiretime"))
        hexpiretime(c);
    else if (fold_is(word, "hsetex"))
        hsetex(c);
    else if (fold_is(word, "hgetdel"))
        hgetdel(c);
    else
        return false;
    return true;
}

/* --- sets ----------------------------------------------------------------- */

static bool set_put(struct fold_coll *s, struct bytes member)
{
    if (fold_find(s, member) != FOLD_NOT_THERE)
        return false;
    buf_bytes(&fold_insert(s, s->count)->name, member);
    return true;
}

static void sadd(struct fold_call *c)
{
    struct fold_coll *s = fold_make(c, c->argv[1], FOLD_SET);
    int64_t fresh = 0;

    for (uint32_t i = 2; i < c->argc; i++)
        fresh += set_put(s, c->argv[i]);
    if (fresh > 0)
        fold_save(c, c->argv[1]);
    fold_integer(c, fresh);
}

/* smove from to member */
static void smove(struct fold_call *c)
{
    struct fold_coll *from = fold_open(c, c->argv[1], FOLD_SET);
    size_t at = fold_find(from, c->argv[3]);
    bool does = at != FOLD_NOT_THERE;

    if (does && !bytes_eq(c->argv[1], c->argv[2])) {
        fold_remove(from, at);
        fold_save(c, c->argv[1]);
        if (set_put(fold_make(c, c->argv[2], FOLD_SET), c->argv[3]))
            fold_save(c, c->argv[2]);
    }
    fold_integer(c, does);
}

/* s...store to a b */
static void store(struct fold_call *c)
{
    struct fold_coll *a = fold_open(c, c->argv[2], FOLD_SET);
    struct fold_coll *b = fold_open(c, c->argv[3], FOLD_SET);
    struct fold_coll *to = fold_coll_new(FOLD_SET);
    bool all = fold_is(c->argv[0], "sunionstore");
    bool common = fold_is(c->argv[0], "sinterstore");

    for (size_t i = 0; a && i < a->count; i++) {
        struct bytes member = buf_view(&a->items[i].name);
        if (all || (fold_find(b, member) != FOLD_NOT_THERE) == common)
            set_put(to, member);
    }
    for (size_t i = 0; all && b && i < b->count; i++)
        set_put(to, buf_view(&b->items[i].name));
    fold_integer(c, (int64_t)to->count);
    fold_replace(c, c->argv[1], to, 0);
}

bool fold_set(struct fold_call *c)
{
    struct bytes word = c->argv[0];

    if (fold_is(word, "sadd"))
        sadd(c);
    else if (fold_is(word, "srem"))
        remove_names(c, FOLD_SET);
    else if (fold_is(word, "sismember"))
        has(c, FOLD_SET);
    else if (fold_is(word, "smembers"))
        tell_all(c, FOLD_SET);
    else if (fold_is(word, "smove"))
        smove(c);
    else if (fold_is(word, "sunionstore") || fold_is(word, "sinterstore") ||
             fold_is(word, "sdiffstore"))
        store(c);
    else
        return false;
    return true;
}
