/*
 * The commands that the fold knows, written without looking at src/cmd: one
 * string per key, with its history by index. Words are in lower case.
 */
#include "check/fold_internal.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/level.h"
#include "base/num.h"

/* The newest version, if it is alive at the entry's time. */
const struct fold_version *fold_live(const struct fold_call *c,
                                     const struct fold_key *k)
{
    const struct fold_version *v =
        k && k->count > 0 ? &k->versions[k->count - 1] : NULL;

    if (!v || !v->present || (v->expire_ms > 0 && v->expire_ms <= c->time_ms))
        return NULL;
    return v;
}

void fold_push(struct fold_call *c, struct fold_key *k, bool present,
               int64_t expire_ms)
{
    if (k->count == k->cap) {
        k->cap = MAX(k->cap * 2, 16);
        k->versions = mem_realloc(k->versions, k->cap * sizeof(k->versions[0]));
    }
    struct fold_version *v = &k->versions[k->count++];
    *v = (struct fold_version){.index = c->f->head,
                               .present = present,
                               .expire_ms = expire_ms,
                               .hash = hash64(buf_view(&k->value)),
                               .len = k->value.len};
    k->maybe = false;
    if (k->coll) {
        v->type = k->coll->type;
        v->hash = fold_coll_hash(k->coll);
        v->len = k->coll->count;
        v->due_ms = fold_due_ms(k->coll);
        fold_note_due(c->f, v->due_ms);
    }
}

static void put(struct fold_call *c, struct bytes name, struct bytes value,
                int64_t expire_ms)
{
    struct fold_key *k = fold_key(c->f, name, true);

    fold_coll_free(k->coll);
    k->coll = NULL;
    buf_reset(&k->value);
    buf_bytes(&k->value, value);
    fold_push(c, k, true, expire_ms);
}

void fold_drop(struct fold_call *c, struct fold_key *k)
{
    buf_reset(&k->value);
    fold_coll_free(k->coll);
    k->coll = NULL;
    fold_push(c, k, false, 0);
}

void fold_integer(struct fold_call *c, int64_t v)
{
    buf_printf(c->reply, ":%lld\r\n", (long long)v);
}

static void value_or_null(struct fold_call *c, const struct fold_key *k)
{
    if (!fold_live(c, k)) {
        buf_str(c->reply, "$-1\r\n");
        return;
    }
    buf_printf(c->reply, "$%zu\r\n", k->value.len);
    buf_bytes(c->reply, buf_view(&k->value));
    buf_str(c->reply, "\r\n");
}

bool fold_is(struct bytes a, const char *text)
{
    return bytes_eq(a, bytes_str(text));
}

int64_t fold_number(struct bytes b)
{
    int64_t n = 0;
    bool ok = num_parse_i64(b, &n);
    ASSERT(ok);
    return n;
}

/* A time of the wall clock, as this entry's leader read it, as the log's. */
int64_t fold_log_time(const struct fold_call *c, struct bytes b)
{
    return MAX(fold_number(b) - c->f->offsets[c->f->head], 1);
}

/* set key value [px ms | pxat ms | vard.next] [nx|xx]: the last one keeps the
 * expiry, and is no word below its level. */
static void set(struct fold_call *c)
{
    struct fold_key *k = fold_key(c->f, c->argv[1], true);
    bool there = fold_live(c, k) != NULL;
    int64_t expire_ms = 0;
    bool allowed = true;

    if (c->argc > 3 && fold_is(c->argv[3], "vard.next") &&
        c->f->level < LEVEL_NEXT) {
        buf_str(c->reply, "-ERR syntax error\r\n");
        return;
    }
    for (uint32_t i = 3; i < c->argc; i++) {
        if (fold_is(c->argv[i], "px"))
            expire_ms = c->time_ms + fold_number(c->argv[++i]);
        else if (fold_is(c->argv[i], "pxat"))
            expire_ms = fold_log_time(c, c->argv[++i]);
        else if (fold_is(c->argv[i], "vard.next"))
            expire_ms = there ? fold_version_at(k, UINT64_MAX)->expire_ms : 0;
        else if (fold_is(c->argv[i], "nx"))
            allowed = !there;
        else if (fold_is(c->argv[i], "xx"))
            allowed = there;
    }
    if (allowed && expire_ms != 0 && expire_ms <= c->time_ms)
        fold_drop(c, k); /* over before it begins */
    else if (allowed)
        put(c, c->argv[1], c->argv[2], expire_ms);
    buf_str(c->reply, allowed ? "+OK\r\n" : "$-1\r\n");
}

static void setnx(struct fold_call *c, struct fold_key *k)
{
    bool there = fold_live(c, k) != NULL;

    if (!there)
        put(c, c->argv[1], c->argv[2], 0);
    fold_integer(c, !there);
}

static void compare_and(struct fold_call *c, struct fold_key *k, bool delete)
{
    bool same = fold_live(c, k) && bytes_eq(buf_view(&k->value), c->argv[2]);

    if (same && delete)
        fold_drop(c, k);
    else if (same)
        put(c, c->argv[1], c->argv[3], 0);
    fold_integer(c, same);
}

static void incr(struct fold_call *c, struct fold_key *k, int64_t by)
{
    const struct fold_version *v = fold_live(c, k);
    int64_t n = (v ? fold_number(buf_view(&k->value)) : 0) + by;
    char text[NUM_TEXT_MAX];
    size_t len = num_format_i64(n, text);

    put(c, c->argv[1], bytes_of(text, len), v ? v->expire_ms : 0);
    fold_integer(c, n);
}

static void append(struct fold_call *c, struct fold_key *k)
{
    const struct fold_version *v = fold_live(c, k);
    int64_t expire_ms = v ? v->expire_ms : 0;

    if (!v)
        buf_reset(&k->value);
    buf_bytes(&k->value, c->argv[2]);
    fold_push(c, k, true, expire_ms);
    fold_integer(c, (int64_t)k->value.len);
}

static void setrange(struct fold_call *c, struct fold_key *k)
{
    const struct fold_version *v = fold_live(c, k);
    int64_t expire_ms = v ? v->expire_ms : 0;
    size_t offset = (size_t)fold_number(c->argv[2]);
    struct bytes data = c->argv[3];

    if (!v)
        buf_reset(&k->value);
    while (k->value.len < offset + data.len)
        buf_u8(&k->value, 0);
    memcpy(k->value.data + offset, data.data, data.len);
    fold_push(c, k, true, expire_ms);
    fold_integer(c, (int64_t)k->value.len);
}

static void del(struct fold_call *c)
{
    int64_t count = 0;

    for (uint32_t i = 1; i < c->argc; i++) {
        struct fold_key *k = fold_key(c->f, c->argv[i], true);
        if (k->maybe) {
            k->maybe = k->unswept = false;
            buf_bytes(c->reply, FOLD_EITHER);
            return;
        }
        if (!fold_live(c, k))
            continue;
        fold_drop(c, k);
        k->unswept = false;
        count++;
    }
    fold_integer(c, count);
}

static void expire(struct fold_call *c, struct fold_key *k)
{
    const struct fold_version *v = fold_live(c, k);
    int64_t to_ms = fold_is(c->argv[0], "pexpireat")
                        ? fold_log_time(c, c->argv[2])
                        : c->time_ms + fold_number(c->argv[2]);

    fold_integer(c, v != NULL);
    if (v && to_ms <= c->time_ms)
        fold_drop(c, k);
    else if (v && v->expire_ms != to_ms) /* the same again is no write */
        fold_push(c, k, true, to_ms);
}

static void persist(struct fold_call *c, struct fold_key *k)
{
    const struct fold_version *v = fold_live(c, k);
    bool does = v && v->expire_ms > 0;

    if (does)
        fold_push(c, k, true, 0);
    fold_integer(c, does);
}

/* Of a node itself: nothing that shows. */
static bool is_upkeep(struct bytes name)
{
    return fold_is(name, "vard.sweep") || fold_is(name, "vard.open") ||
           fold_is(name, "vard.mark") || fold_is(name, "vard.hash") ||
           fold_is(name, "vard.members");
}

static bool reads(struct fold_call *c, const struct fold_key *k)
{
    const struct fold_version *v = fold_live(c, k);

    if (fold_is(c->argv[0], "get"))
        value_or_null(c, k);
    else if (fold_is(c->argv[0], "hlen") || fold_is(c->argv[0], "llen") ||
             fold_is(c->argv[0], "scard") || fold_is(c->argv[0], "zcard") ||
             fold_is(c->argv[0], "xlen"))
        fold_integer(c, v ? (int64_t)v->len : 0);
    else if (fold_is(c->argv[0], "strlen"))
        fold_integer(c, v ? (int64_t)v->len : 0);
    else if (fold_is(c->argv[0], "exists"))
        fold_integer(c, v != NULL);
    else if (fold_is(c->argv[0], "pexpiretime"))
        fold_integer(
            c,
            v ? (v->expire_ms ? v->expire_ms + c->f->offsets[c->f->head] : -1)
              : -2);
    else
        return is_upkeep(c->argv[0]);
    return true;
}

static void getdel(struct fold_call *c, struct fold_key *k)
{
    value_or_null(c, k);
    if (fold_live(c, k))
        fold_drop(c, k);
}

static bool writes(struct fold_call *c, struct fold_key *k)
{
    struct bytes word = c->argv[0];

    if (fold_is(word, "set")) {
        set(c);
    } else if (fold_is(word, "mset")) {
        put(c, c->argv[1], c->argv[2], 0);
        put(c, c->argv[3], c->argv[4], 0);
        buf_str(c->reply, "+OK\r\n");
    } else if (fold_is(word, "setnx")) {
        setnx(c, k);
    } else if (fold_is(word, "cas") || fold_is(word, "cad")) {
        compare_and(c, k, fold_is(word, "cad"));
    } else if (fold_is(word, "incr")) {
        incr(c, k, 1);
    } else if (fold_is(word, "incrby")) {
        incr(c, k, fold_number(c->argv[2]));
    } else if (fold_is(word, "append")) {
        append(c, k);
    } else if (fold_is(word, "setrange")) {
        setrange(c, k);
    } else if (fold_is(word, "del")) {
        del(c);
    } else if (fold_is(word, "getdel")) {
        getdel(c, k);
    } else if (fold_is(word, "pexpire") || fold_is(word, "pexpireat")) {
        expire(c, k);
    } else if (fold_is(word, "persist")) {
        persist(c, k);
    } else {
        return false;
    }
    return true;
}

bool fold_command(struct fold *f, const struct bytes *argv, uint32_t argc,
                  int64_t time_ms, struct buf *reply)
{
    struct fold_call c = {f, argv, argc, time_ms, reply};
    bool upkeep = is_upkeep(argv[0]);
    struct fold_key *k = argc > 1 ? fold_key(f, argv[1], !upkeep) : NULL;

    return writes(&c, k) || fold_keys(&c) || fold_hash(&c) || fold_list(&c) ||
           fold_set(&c) || fold_zset(&c) || fold_stream(&c) || reads(&c, k);
}
