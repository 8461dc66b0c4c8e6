/*
 * The commands that clients of the simulator use, written a second time and
 * without looking at src/cmd: one value per key, with its history by index.
 */
#include "sim.h"

#include "base/hash.h"
#include "base/num.h"

struct call {
    struct sim *s;
    const struct bytes *argv;
    uint32_t argc;
    const struct ghost_entry *e;
    struct buf *reply;
};

struct oracle_key *oracle_key_get(struct sim *s, struct bytes name, bool make)
{
    struct oracle_key *k = map_get(&s->oracle.keys, name);

    if (k || !make)
        return k;
    k = mem_zalloc(sizeof(*k));
    ASSERT(name.len < sizeof(k->name));
    memcpy(k->name, name.data, name.len);
    (void)map_put(&s->oracle.keys, name, k);
    return k;
}

/* The newest version, if it is alive at the entry's time. */
static const struct oracle_version *live(const struct call *c,
                                         const struct oracle_key *k)
{
    const struct oracle_version *v =
        k && k->count > 0 ? &k->versions[k->count - 1] : NULL;

    if (!v || !v->present ||
        (v->expire_ms > 0 && v->expire_ms <= c->e->time_ms))
        return NULL;
    return v;
}

static void version_push(struct call *c, struct oracle_key *k, bool present,
                         int64_t expire_ms)
{
    if (k->count == k->cap) {
        k->cap = MAX(k->cap * 2, 16);
        k->versions = mem_realloc(k->versions, k->cap * sizeof(k->versions[0]));
    }
    k->versions[k->count++] =
        (struct oracle_version){.index = c->s->oracle.head,
                                .present = present,
                                .expire_ms = expire_ms,
                                .hash = hash64(buf_view(&k->value)),
                                .len = k->value.len};
}

static void put(struct call *c, struct bytes name, struct bytes value,
                int64_t expire_ms)
{
    struct oracle_key *k = oracle_key_get(c->s, name, true);

    buf_reset(&k->value);
    buf_bytes(&k->value, value);
    version_push(c, k, true, expire_ms);
}

static void drop(struct call *c, struct oracle_key *k)
{
    buf_reset(&k->value);
    version_push(c, k, false, 0);
}

static void integer(struct call *c, int64_t v)
{
    buf_printf(c->reply, ":%lld\r\n", (long long)v);
}

static void value_or_null(struct call *c, const struct oracle_key *k)
{
    if (!live(c, k)) {
        buf_str(c->reply, "$-1\r\n");
        return;
    }
    buf_printf(c->reply, "$%zu\r\n", k->value.len);
    buf_bytes(c->reply, buf_view(&k->value));
    buf_str(c->reply, "\r\n");
}

static bool is(struct bytes a, const char *text)
{
    return bytes_eq(a, bytes_str(text));
}

static int64_t number(struct bytes b)
{
    int64_t n = 0;
    bool ok = num_parse_i64(b, &n);
    ASSERT(ok);
    return n;
}

/* set key value [px ms] [nx|xx] */
static void set(struct call *c)
{
    struct oracle_key *k = oracle_key_get(c->s, c->argv[1], true);
    bool there = live(c, k) != NULL;
    int64_t expire_ms = 0;
    bool allowed = true;

    for (uint32_t i = 3; i < c->argc; i++) {
        if (is(c->argv[i], "px"))
            expire_ms = c->e->time_ms + number(c->argv[++i]);
        else if (is(c->argv[i], "nx"))
            allowed = !there;
        else if (is(c->argv[i], "xx"))
            allowed = there;
    }
    if (allowed)
        put(c, c->argv[1], c->argv[2], expire_ms);
    buf_str(c->reply, allowed ? "+OK\r\n" : "$-1\r\n");
}

static void setnx(struct call *c, struct oracle_key *k)
{
    bool there = live(c, k) != NULL;

    if (!there)
        put(c, c->argv[1], c->argv[2], 0);
    integer(c, !there);
}

static void compare_and(struct call *c, struct oracle_key *k, bool delete)
{
    bool same = live(c, k) && bytes_eq(buf_view(&k->value), c->argv[2]);

    if (same && delete)
        drop(c, k);
    else if (same)
        put(c, c->argv[1], c->argv[3], 0);
    integer(c, same);
}

static void incr(struct call *c, struct oracle_key *k, int64_t by)
{
    const struct oracle_version *v = live(c, k);
    int64_t n = (v ? number(buf_view(&k->value)) : 0) + by;
    char text[NUM_TEXT_MAX];
    size_t len = num_format_i64(n, text);

    put(c, c->argv[1], bytes_of(text, len), v ? v->expire_ms : 0);
    integer(c, n);
}

static void append(struct call *c, struct oracle_key *k)
{
    const struct oracle_version *v = live(c, k);
    int64_t expire_ms = v ? v->expire_ms : 0;

    if (!v)
        buf_reset(&k->value);
    buf_bytes(&k->value, c->argv[2]);
    version_push(c, k, true, expire_ms);
    integer(c, (int64_t)k->value.len);
}

static void del(struct call *c)
{
    int64_t count = 0;

    for (uint32_t i = 1; i < c->argc; i++) {
        struct oracle_key *k = oracle_key_get(c->s, c->argv[i], true);
        if (!live(c, k))
            continue;
        drop(c, k);
        count++;
    }
    integer(c, count);
}

static void expire(struct call *c, struct oracle_key *k, bool persist)
{
    const struct oracle_version *v = live(c, k);
    bool does = v && (!persist || v->expire_ms > 0);
    int64_t to_ms = persist ? 0 : c->e->time_ms + number(c->argv[2]);

    if (does && v->expire_ms != to_ms) /* the same again is no write */
        version_push(c, k, true, to_ms);
    integer(c, does);
}

static void reads(struct call *c, const struct oracle_key *k)
{
    const struct oracle_version *v = live(c, k);

    if (is(c->argv[0], "get"))
        value_or_null(c, k);
    else if (is(c->argv[0], "strlen"))
        integer(c, v ? (int64_t)v->len : 0);
    else if (is(c->argv[0], "exists"))
        integer(c, v != NULL);
    else if (is(c->argv[0], "pexpiretime"))
        integer(c, v ? (v->expire_ms ? v->expire_ms : -1) : -2);
    else
        ASSERT(is(c->argv[0], "vard.sweep"));
}

void oracle_command(struct sim *s, const struct bytes *argv, uint32_t argc,
                    const struct ghost_entry *e, struct buf *reply)
{
    struct call c = {s, argv, argc, e, reply};
    struct oracle_key *k =
        argc > 1 ? oracle_key_get(s, argv[1], !is(argv[0], "vard.sweep"))
                 : NULL;

    if (is(argv[0], "set")) {
        set(&c);
    } else if (is(argv[0], "mset")) {
        put(&c, argv[1], argv[2], 0);
        put(&c, argv[3], argv[4], 0);
        buf_str(reply, "+OK\r\n");
    } else if (is(argv[0], "setnx")) {
        setnx(&c, k);
    } else if (is(argv[0], "cas") || is(argv[0], "cad")) {
        compare_and(&c, k, is(argv[0], "cad"));
    } else if (is(argv[0], "incr")) {
        incr(&c, k, 1);
    } else if (is(argv[0], "incrby")) {
        incr(&c, k, number(argv[2]));
    } else if (is(argv[0], "append")) {
        append(&c, k);
    } else if (is(argv[0], "del")) {
        del(&c);
    } else if (is(argv[0], "getdel")) {
        value_or_null(&c, k);
        if (live(&c, k))
            drop(&c, k);
    } else if (is(argv[0], "pexpire") || is(argv[0], "persist")) {
        expire(&c, k, is(argv[0], "persist"));
    } else {
        reads(&c, k);
    }
}
