/*
 * What clients ask of collections: on few keys, of which each type has a small
 * one and a large one, which becomes a tree and is deleted again, and a place
 * that others are moved, copied and united to. Keys of one letter have one
 * type:
 *
 *   h hashes  f hashes whose fields expire  l lists  s sets  z sorted sets
 *   x streams  q lists that are nothing but queues: the checker that knows no
 *   log judges them as well (sim_history.c)
 */
#include "sim.h"

static uint32_t below(struct sim_client *c, uint32_t n)
{
    return (uint32_t)rng_below(&c->rng, n);
}

/* Most words are for the first two; the third is what others make. */
static void key(struct sim_client *c, struct words *w, char letter)
{
    uint32_t kind = below(c, 10);

    work_word(w, "%c%u", letter, kind < 3 ? 0 : kind < 9 ? 1 : 2);
}

/* A name in a collection: of a small one there are few. */
static void name(struct sim_client *c, struct words *w)
{
    bool small = w->text[1][1] == '0';

    work_word(w, "n%u", below(c, small ? 8 : 150));
}

/* A value that nobody else writes. The last word of a command may be long, in
 * rows of its own. */
static void value(struct sim *s, struct sim_client *c, struct words *w,
                  bool last)
{
    work_word(w, "%u.%u.%.*s", c->id, c->tag++, (int)below(c, 36),
              "abcdefghijklmnopqrstuvwxyz0123456789");
    bool giant = last && s->config.on[FAULT_GIANT] && below(c, 100) == 0;
    s->stats.faults[FAULT_GIANT] += giant;
    if (giant)
        work_long(w, 100000 + below(c, 800000));
    else if (last && below(c, 100) < s->config.long_percent)
        work_long(w, 600 + below(c, 20000));
}

/* So many names with values, or values, or names. */
static uint32_t many(struct sim_client *c, uint32_t max)
{
    return below(c, 4) ? 1 + below(c, max) : 1;
}

/* --- hashes --------------------------------------------------------------- */

static void hash_add(struct sim *s, struct sim_client *c, struct words *w)
{
    work_word(w, "hset");
    key(c, w, 'h');
    for (uint32_t n = many(c, 6); n > 0; n--) {
        name(c, w);
        value(s, c, w, n == 1);
    }
}

static void hash_other(struct sim *s, struct sim_client *c, struct words *w)
{
    uint32_t kind = below(c, 6);

    work_word(w, "%s",
              kind < 2    ? "hdel"
              : kind == 2 ? "hsetnx"
              : kind == 3 ? "hincrby"
              : kind == 4 ? "hget"
                          : "hgetdel");
    key(c, w, 'h');
    if (kind == 3) {
        work_word(w, "count%u", below(c, 3));
        work_word(w, "%u", below(c, 10));
        return;
    }
    if (kind == 5) {
        work_word(w, "fields");
        work_word(w, "1");
    }
    name(c, w);
    for (uint32_t n = kind < 2 ? below(c, 8) : 0; n > 0; n--)
        name(c, w);
    if (kind == 2)
        value(s, c, w, true);
}

/* Fields that are there for a moment, by the time of the log or a clock. */
static void fields(struct sim *s, struct sim_client *c, struct words *w)
{
    static const char *const how[] = {"hset",     "hsetex",       "hpexpire",
                                      "hpersist", "hpexpiretime", "hpexpireat"};
    uint32_t kind = below(c, ARRAY_LEN(how));
    int64_t ms = 1 + below(c, below(c, 2) ? 300 : 5000);

    work_word(w, "%s", how[kind]);
    work_word(w, "f%u", below(c, 2));
    if (kind == 0) {
        name(c, w);
        value(s, c, w, true);
        return;
    }
    if (kind == 5)
        ms = SIM_WALL_MS + s->now_us / SIM_MS + (below(c, 8) ? ms : -ms);
    if (kind == 1)
        work_word(w, "px");
    if (kind != 3 && kind != 4)
        work_word(w, "%lld", (long long)ms);
    work_word(w, "fields");
    work_word(w, "1");
    name(c, w);
    if (kind == 1)
        value(s, c, w, true);
}

/* --- lists ---------------------------------------------------------------- */

static void list_add(struct sim *s, struct sim_client *c, struct words *w)
{
    work_word(w, "%s", below(c, 3) ? "rpush" : "lpush");
    key(c, w, 'l');
    for (uint32_t n = many(c, 12); n > 0; n--)
        value(s, c, w, n == 1);
}

static void place(struct sim_client *c, struct words *w)
{
    work_word(w, "%d", (int)below(c, 40) - 20);
}

/* What the list probably has at some place. */
static void element(struct sim *s, struct sim_client *c, struct words *w)
{
    const struct fold_key *k =
        fold_key(&s->oracle, bytes_str(w->text[1]), false);
    const struct fold_coll *l = k ? k->coll : NULL;

    if (!l || l->count == 0) {
        work_word(w, "nothing");
        return;
    }
    const struct buf *b = &l->items[below(c, (uint32_t)l->count)].value;
    work_word(w, "%.*s", (int)MIN(b->len, (size_t)40), (const char *)b->data);
}

static void list_other(struct sim *s, struct sim_client *c, struct words *w)
{
    static const char *const how[] = {"lset",  "linsert", "lrem",
                                      "lmove", "ltrim",   "lindex"};
    uint32_t kind = below(c, ARRAY_LEN(how));

    work_word(w, "%s", how[kind]);
    key(c, w, 'l');
    if (kind == 0 || kind == 2 || kind == 5)
        place(c, w);
    if (kind == 1)
        work_word(w, "%s", below(c, 2) ? "before" : "after");
    if (kind == 1 || kind == 2)
        element(s, c, w);
    if (kind < 2)
        value(s, c, w, true);
    if (kind == 3) {
        key(c, w, 'l');
        work_word(w, "%s", below(c, 2) ? "left" : "right");
        work_word(w, "%s", below(c, 2) ? "left" : "right");
    } else if (kind == 4) {
        work_word(w, "%u", below(c, 10));
        work_word(w, "%d", below(c, 2) ? -1 : (int)(10 + below(c, 200)));
    }
}

static void list_pop(struct sim_client *c, struct words *w)
{
    work_word(w, "%s", below(c, 3) ? "lpop" : "rpop");
    key(c, w, 'l');
    if (below(c, 2))
        work_word(w, "%u", 1 + below(c, 20));
}

/* --- sets ----------------------------------------------------------------- */

static void set_add(struct sim_client *c, struct words *w)
{
    work_word(w, "%s", below(c, 3) ? "sadd" : "srem");
    key(c, w, 's');
    for (uint32_t n = many(c, 12); n > 0; n--)
        name(c, w);
}

static void set_other(struct sim_client *c, struct words *w)
{
    static const char *const how[] = {"sunionstore", "sinterstore",
                                      "sdiffstore", "smove", "sismember"};
    uint32_t kind = below(c, ARRAY_LEN(how));

    work_word(w, "%s", how[kind]);
    key(c, w, 's');
    for (uint32_t n = kind < 3 ? 2 : kind == 3; n > 0; n--)
        key(c, w, 's');
    if (kind >= 3)
        name(c, w);
}

/* --- sorted sets ---------------------------------------------------------- */

static void zset_add(struct sim_client *c, struct words *w)
{
    work_word(w, "%s", below(c, 4) ? "zadd" : "zincrby");
    key(c, w, 'z');
    uint32_t n = w->text[0][1] == 'a' ? many(c, 6) : 1;
    for (; n > 0; n--) {
        work_word(w, "%d", (int)below(c, 60) - 20);
        name(c, w);
    }
}

static void zset_other(struct sim_client *c, struct words *w)
{
    static const char *const how[] = {"zrem",    "zremrangebyrank", "zpopmin",
                                      "zpopmax", "zunionstore",     "zrank",
                                      "zscore",  "zcount"};
    uint32_t kind = below(c, ARRAY_LEN(how));

    work_word(w, "%s", how[kind]);
    key(c, w, 'z');
    if (kind == 1 || kind == 7) {
        place(c, w);
        place(c, w);
    } else if (kind == 2 || kind == 3) {
        work_word(w, "%u", 1 + below(c, 10));
    } else if (kind == 4) {
        work_word(w, "2");
        key(c, w, 'z');
        key(c, w, 'z');
    } else {
        name(c, w);
    }
}

/* --- streams -------------------------------------------------------------- */

/* An entry that is probably there. */
static void entry(struct sim *s, struct sim_client *c, struct words *w)
{
    const struct fold_key *k =
        fold_key(&s->oracle, bytes_str(w->text[1]), false);
    struct fold_id id = {1, 1};

    if (k && k->coll && k->coll->count > 0)
        id = k->coll->items[below(c, (uint32_t)k->coll->count)].id;
    work_word(w, "%llu-%llu", (unsigned long long)id.ms,
              (unsigned long long)id.seq);
}

static void groups(struct sim *s, struct sim_client *c, struct words *w)
{
    uint32_t kind = below(c, 8);

    if (kind < 5) {
        work_word(w, "xreadgroup");
        work_word(w, "group");
        work_word(w, "g%u", below(c, 2));
        work_word(w, "me%u", c->id);
        work_word(w, "count");
        work_word(w, "%u", 1 + below(c, 6));
        work_word(w, "streams");
        work_word(w, "x%u", below(c, 2));
        work_word(w, ">");
    } else if (kind == 5) {
        work_word(w, "xgroup");
        work_word(w, "create");
        work_word(w, "x%u", below(c, 2));
        work_word(w, "g%u", below(c, 2));
        work_word(w, "0");
        work_word(w, "mkstream");
    } else {
        work_word(w, "xack");
        work_word(w, "x%u", below(c, 2));
        work_word(w, "g%u", below(c, 2));
        entry(s, c, w);
    }
}

static void streams(struct sim *s, struct sim_client *c, struct words *w)
{
    uint32_t kind = below(c, 10);

    if (kind >= 7) {
        groups(s, c, w);
        return;
    }
    work_word(w, "%s", kind < 5 ? "xadd" : kind == 5 ? "xdel" : "xtrim");
    work_word(w, "x%u", below(c, 2));
    if (kind < 5) {
        work_word(w, "*");
        work_word(w, "tag");
        value(s, c, w, true);
    } else if (kind == 5) {
        entry(s, c, w);
    } else {
        work_word(w, "maxlen");
        work_word(w, "%u", 20 + below(c, 200));
    }
}

/* --- keys ----------------------------------------------------------------- */

/* All of a type may be deleted; what has another name, or is copied, is none
 * whose fields expire, and no stream. */
static void keys(struct sim_client *c, struct words *w)
{
    uint32_t kind = below(c, 10);
    char letter = "hlszfx"[below(c, kind < 4 ? 6 : 4)];
    uint32_t from = below(c, 3);

    work_word(w, "%s",
              kind < 4   ? "del"
              : kind < 6 ? "rename"
              : kind < 8 ? "copy"
              : kind < 9 ? "pexpire"
                         : "persist");
    work_word(w, "%c%u", letter, from);
    if (kind >= 4 && kind < 8)
        work_word(w, "%c%u", letter, (from + 1 + below(c, 2)) % 3);
    if (kind == 7)
        work_word(w, "replace");
    if (kind == 8)
        work_word(w, "%u", 200 + below(c, 5000));
}

static void queue(struct sim_client *c, struct words *w)
{
    static const char *const how[] = {"rpush", "rpush", "lpush",
                                      "lpop",  "lpop",  "rpop"};
    uint32_t kind = below(c, ARRAY_LEN(how));

    work_word(w, "%s", how[kind]);
    work_word(w, "q%u", below(c, 2));
    if (kind < 3)
        work_word(w, "%u.%u", c->id, c->tag++);
}

void collect_write(struct sim *s, struct sim_client *c, struct words *w)
{
    static const uint32_t first[] = {0, 18, 30, 54, 68, 82};
    uint32_t kind = below(c, 100);

    s->stats.collect_ops++;
    if (below(c, 12) == 0) {
        queue(c, w);
        return;
    }
    if (below(c, 2)) /* of the type that this seed is about */
        kind = first[s->config.collect_type] + below(c, 12);
    if (kind < 12)
        hash_add(s, c, w);
    else if (kind < 18)
        hash_other(s, c, w);
    else if (kind < 30)
        fields(s, c, w);
    else if (kind < 42)
        list_add(s, c, w);
    else if (kind < 48)
        list_other(s, c, w);
    else if (kind < 54)
        list_pop(c, w);
    else if (kind < 62)
        set_add(c, w);
    else if (kind < 68)
        set_other(c, w);
    else if (kind < 76)
        zset_add(c, w);
    else if (kind < 82)
        zset_other(c, w);
    else if (kind < 94)
        streams(s, c, w);
    else
        keys(c, w);
}

void collect_read(struct sim_client *c, struct words *w)
{
    static const char *const all[] = {"hgetall",  "hgetall", "lrange",
                                      "smembers", "zrange",  "xrange"};
    static const char *const count[] = {"hlen",  "hlen",  "llen",
                                        "scard", "zcard", "xlen"};
    uint32_t kind = below(c, 6);
    bool counts = below(c, 3) == 0;

    char letter = kind == 2 && below(c, 2) ? 'q' : "hflszx"[kind];

    work_word(w, "%s", counts ? count[kind] : all[kind]);
    work_word(w, "%c%u", letter, below(c, kind == 1 ? 2 : 3));
    if (counts)
        return;
    if (kind == 2 || kind == 4) {
        work_word(w, "0");
        work_word(w, "-1");
    }
    if (kind == 4)
        work_word(w, "withscores");
    if (kind == 5) {
        work_word(w, "-");
        work_word(w, "+");
    }
}
