/*
 * What clients ask for: registers, counters, lists of unique tags, keys that
 * expire, and ONCE requests, on few keys, so that they meet.
 */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>

void work_word(struct words *w, const char *format, ...)
{
    va_list args;

    ASSERT(w->argc < OP_ARGS_MAX);
    va_start(args, format);
    int len = vsnprintf(w->text[w->argc], sizeof(w->text[0]), format, args);
    va_end(args);
    ASSERT(len >= 0 && (size_t)len < sizeof(w->text[0]));
    w->argc++;
}

void work_long(struct words *w, uint32_t len)
{
    ASSERT(w->argc > 0 && w->long_at == 0);
    w->long_at = w->argc - 1;
    buf_str(&w->value, w->text[w->long_at]);
    for (uint32_t i = 0; i < len; i++)
        buf_char(&w->value, (char)('a' + i % 26));
}

static struct sim_op *op_new(struct sim *s, uint32_t client,
                             const struct bytes *argv, uint32_t argc)
{
    size_t size = 0;

    ASSERT(argc > 0 && argc <= OP_ARGS_MAX);
    for (uint32_t i = 0; i < argc; i++)
        size += argv[i].len;
    struct sim_op *op = mem_zalloc(sizeof(*op) + size);
    uint8_t *to = op->text;
    for (uint32_t i = 0; i < argc; i++) {
        memcpy(to, argv[i].data, argv[i].len);
        op->argv[i] = bytes_of(to, argv[i].len);
        to += argv[i].len;
    }
    op->argc = argc;
    op->client = client;
    op->all = s->ops;
    s->ops = op;
    return op;
}

struct sim_op *work_copy(struct sim *s, struct sim_op *op)
{
    struct sim_op *copy = op_new(s, op->client, op->argv, op->argc);

    copy->origin = op->origin ? op->origin : op;
    copy->once = op->once;
    copy->once_id = op->once_id;
    return copy;
}

static uint32_t below(struct sim_client *c, uint32_t n)
{
    return (uint32_t)rng_below(&c->rng, n);
}

/* A value nobody else writes; now and then a large one. */
static void new_value(struct sim *s, struct sim_client *c, struct words *w)
{
    const struct sim_config *g = &s->config;
    uint32_t len = 1 + below(c, g->value_max);

    work_word(w, "%u.%u.", c->id, c->tag++);
    if (below(c, 100) < g->big_percent)
        len = 1000 + below(c, 20000);
    if (g->on[FAULT_GIANT] &&
        (below(c, 200) == 0 || s->stats.faults[FAULT_GIANT] == 0)) {
        len = 100000 + below(c, 800000);
        s->stats.faults[FAULT_GIANT]++;
    }
    work_long(w, len);
}

/* What the key probably holds. */
static void guess(struct sim *s, struct sim_client *c, const char *key,
                  struct words *w)
{
    const struct fold_key *k = fold_key(&s->oracle, bytes_str(key), false);

    if (k && k->value.len < 40 && below(c, 10) < 8)
        work_word(w, "%.*s", (int)k->value.len, (const char *)k->value.data);
    else
        work_word(w, "%u.%u", c->id, c->tag);
}

static void registers(struct sim *s, struct sim_client *c, struct words *w)
{
    char key[8];
    uint32_t kind = below(c, 100);

    snprintf(key, sizeof(key), "r%u", below(c, 5));
    if (kind < 40) {
        work_word(w, "set");
        work_word(w, "%s", key);
        new_value(s, c, w);
        if (below(c, 10) == 0)
            work_word(w, "nx");
    } else if (kind < 70) {
        work_word(w, "%s", kind < 60 ? "cas" : "cad");
        work_word(w, "%s", key);
        guess(s, c, key, w);
        if (kind < 60)
            work_word(w, "%u.%u", c->id, c->tag++);
    } else if (kind < 80) {
        work_word(w, "setnx");
        work_word(w, "%s", key);
        new_value(s, c, w);
    } else if (kind < 88) {
        work_word(w, "mset");
        work_word(w, "%s", key);
        new_value(s, c, w);
        work_word(w, "r%u", below(c, 5));
        work_word(w, "%u.%u", c->id, c->tag++);
    } else {
        work_word(w, "%s", kind < 94 ? "del" : "getdel");
        work_word(w, "%s", key);
    }
}

/* A value that ends here has more pages than are deleted at once. */
#define FAR (100 * KEYSPACE_PAGE_SIZE)

static void expiring(struct sim *s, struct sim_client *c, struct words *w)
{
    uint32_t kind = below(c, 100);
    int64_t ms = 1 + below(c, below(c, 2) ? 300 : 5000);
    bool absolute = below(c, 3) == 0;
    const char *at = absolute ? "at" : "";

    if (kind >= 90) { /* far behind the end, or in the middle */
        uint32_t to = below(c, 2) ? 100 : 3 * KEYSPACE_PAGE_SIZE;
        work_word(w, "setrange");
        work_word(w, "e%u", below(c, 5));
        work_word(w, "%u", below(c, below(c, 5) ? to : FAR));
        work_word(w, "%u.%u.", c->id, c->tag++);
        return;
    }
    if (absolute) /* by a clock that is right, or just over */
        ms = SIM_WALL_MS + s->now_us / SIM_MS + (below(c, 8) ? ms : -ms);
    if (kind < 50)
        work_word(w, "set");
    else
        work_word(w, kind < 80 ? "pexpire%s" : "persist", at);
    work_word(w, "e%u", below(c, 5));
    if (kind < 50 && s->config.on[FAULT_LEVEL] && below(c, 4) == 0) {
        new_value(s, c, w);
        work_word(w, "vard.next"); /* that is of the next level */
        s->stats.levels.words++;
    } else if (kind < 50) {
        new_value(s, c, w);
        work_word(w, "px%s", at);
        work_word(w, "%lld", (long long)ms);
        if (below(c, 5) == 0) {
            w->argc = 3; /* without expiry, and only over another one */
            work_word(w, "xx");
        }
    } else if (kind < 80) {
        work_word(w, "%lld", (long long)ms);
    }
}

/* A key is left behind when its list is long enough. */
static void tags(struct sim *s, struct sim_client *c, struct words *w)
{
    uint32_t which = below(c, 3);

    work_word(w, "append");
    work_word(w, "a%u.%llu", which,
              (unsigned long long)(s->oracle.executed / 3000));
    work_word(w, "<%u.%u>", c->id, c->tag++);
}

static void reading(struct sim *s, struct sim_client *c, struct words *w)
{
    static const char *const how[] = {"get", "get",    "get",
                                      "get", "strlen", "exists"};
    uint32_t kind = below(c, 10);

    work_word(w, "%s", how[below(c, 6)]);
    if (kind < 4)
        work_word(w, "r%u", below(c, 5));
    else if (kind < 6)
        work_word(w, "c%u", below(c, 3));
    else if (kind < 7)
        work_word(w, "a%u.%llu", below(c, 3),
                  (unsigned long long)(s->oracle.executed / 3000));
    else
        work_word(w, "e%u", below(c, 5));
    if (kind == 9)
        snprintf(w->text[0], sizeof(w->text[0]), "pexpiretime");
}

static void writing(struct sim *s, struct sim_client *c, struct words *w)
{
    uint32_t kind = below(c, 100);

    if (c->probe) {
        work_word(w, "incr");
        work_word(w, "probe%u", c->id);
    } else if (kind < 35) {
        registers(s, c, w);
    } else if (kind < 60) {
        work_word(w, "%s", kind < 50 ? "incr" : "incrby");
        work_word(w, "c%u", below(c, 3));
        if (kind >= 50)
            work_word(w, "%d", (int)below(c, 20) - 10);
    } else if (kind < 80) {
        tags(s, c, w);
    } else {
        expiring(s, c, w);
    }
}

/* Some clients ask under older ids again, whose answers are kept, or gone.
 * They work on keys of their own: what such a request does depends on which
 * one of that id was first. */
static bool reuses(const struct sim_client *c)
{
    return c->id % 3 == 0;
}

static void reusing(struct sim *s, struct sim_client *c, struct words *w)
{
    bool append = below(c, 2) == 0;

    work_word(w, "%s", append ? "append" : "incr");
    if (append) {
        work_word(w, "oa.%llu",
                  (unsigned long long)(s->oracle.executed / 3000));
        work_word(w, "<%u.%u>", c->id, c->tag++);
    } else {
        work_word(w, "o%u", below(c, 2));
    }
}

static void name_once(struct sim_client *c, struct sim_op *op)
{
    bool old = reuses(c) && c->once_id > 1 && below(c, 20) == 0;

    op->once = true;
    op->once_id = old ? c->once_id - below(c, 2) : ++c->once_id;
}

struct sim_op *work_next(struct sim *s, struct sim_client *c, bool read)
{
    struct words w = {.argc = 0, .value = BUF_INIT};
    struct bytes argv[OP_ARGS_MAX];

    bool once = !read && !c->probe && below(c, 100) < s->config.once_percent;

    bool collect = !c->probe && s->config.collect_percent > 0 &&
                   below(c, 100) < s->config.collect_percent;

    if (read && collect)
        collect_read(c, &w);
    else if (read)
        reading(s, c, &w);
    else if (once && reuses(c))
        reusing(s, c, &w);
    else if (collect)
        collect_write(s, c, &w);
    else
        writing(s, c, &w);
    for (uint32_t i = 0; i < w.argc; i++)
        argv[i] = bytes_str(w.text[i]);
    if (w.long_at > 0)
        argv[w.long_at] = buf_view(&w.value);
    struct sim_op *op = op_new(s, c->id, argv, w.argc);
    buf_release(&w.value);
    op->read = read;
    if (once && cmd_lookup(op->argv[0])->flags & CMD_WRITE)
        name_once(c, op);
    return op;
}
