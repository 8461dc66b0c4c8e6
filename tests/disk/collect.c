/*
 * How it works: commands are words, executed by cmd_run() with nobody to
 * answer. The state to compare with is made anew, in memory, by the same
 * entries; every row has to be the same, so a row that is left is as wrong as
 * one that is missing.
 */
#include "collect.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/level.h"
#include "base/rng.h"
#include "cmd/cmd.h"
#include "data/meta.h"
#include "resp/resp_writer.h"
#include "store/store_memory.h"
#include "store/store_rows.h"
#include "type/hash.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 40
#define LONG_MAX  40000
#define SWEEP     40 /* rows at a time */

struct script {
    struct keyspace *ks;
    raft_index index;
    uint64_t rng;
    struct bytes argv[WORDS_MAX];
    char text[WORDS_MAX][64];
    uint32_t argc;
    struct buf value; /* the last word, if it is long */
};

bool collect_used(void)
{
    const char *state = getenv("DISK_STATE");
    return state != NULL && strcmp(state, "collections") == 0;
}

struct bytes collect_applied_key(void)
{
    return meta_applied_key();
}

struct history_applied collect_applied(struct bytes row)
{
    struct applied a;
    int err = meta_applied_decode(row, &a);
    ASSERT(err == 0);
    return (struct history_applied){a.index, a.term, a.chain};
}

static uint32_t below(struct script *s, uint32_t n)
{
    return (uint32_t)rng_below(&s->rng, n);
}

PRINTF(2, 3) static void word(struct script *s, const char *format, ...)
{
    va_list args;
    ASSERT(s->argc < WORDS_MAX);
    va_start(args, format);
    int len = vsnprintf(s->text[s->argc], sizeof(s->text[0]), format, args);
    va_end(args);
    ASSERT(len >= 0 && (size_t)len < sizeof(s->text[0]));
    s->argv[s->argc] = bytes_of(s->text[s->argc], (size_t)len);
    s->argc++;
}

/* The last word of the command. */
static void last_value(struct script *s)
{
    bool is_long = below(s, 12) == 0;
    uint32_t len = is_long ? 600 + below(s, LONG_MAX - 600) : 20 + below(s, 60);
    buf_reset(&s->value);
    for (uint32_t i = 0; i < len; i++)
        buf_char(&s->value, (char)('a' + (i + s->index) % 26));
    s->argv[s->argc++] = buf_view(&s->value);
}

static void name(struct script *s)
{
    word(s, "name.%u.%0*u", below(s, 300), (int)(1 + below(s, 30)), 0);
}

static void run(struct script *s)
{
    struct resp_writer nowhere = {.out = NULL, .protocol = 2};
    const struct cmd *cmd = cmd_lookup(s->argv[0]);
    ASSERT(cmd != NULL && cmd_arity_ok(cmd, s->argc));
    struct cmd_call call = {.cmd = cmd,
                            .ks = s->ks,
                            .out = &nowhere,
                            .argv = s->argv,
                            .argc = s->argc,
                            .level = LEVEL_KNOWN,
                            .seed = s->rng};
    cmd_run(&call);
    s->argc = 0;
}

/* --- commands ------------------------------------------------------------- */

static void add(struct script *s)
{
    static const char *const words[] = {"hset", "rpush", "lpush", "sadd",
                                        "zadd"};
    uint32_t kind = below(s, ARRAY_LEN(words));
    word(s, "%s", words[kind]);
    word(s, "%c%u", "hllsz"[kind], below(s, 2));
    for (uint32_t n = 1 + below(s, 16); n > 0; n--) {
        if (kind == 4)
            word(s, "%u", below(s, 1000));
        if (kind != 1 && kind != 2)
            name(s);
        if (kind == 0 && n > 1)
            word(s, "v%llu.%u", (unsigned long long)s->index, n);
        if (kind == 1 || kind == 2)
            word(s, "e%llu.%u", (unsigned long long)s->index, n);
    }
    if (kind < 3) {
        if (kind > 0)
            s->argc--;
        last_value(s);
    }
    run(s);
}

static void take(struct script *s)
{
    uint32_t kind = below(s, 5);
    static const char *const words[] = {"hdel", "srem", "lpop", "rpop",
                                        "zremrangebyrank"};
    word(s, "%s", words[kind]);
    word(s, "%c%u", "hsllz"[kind], below(s, 2));
    if (kind < 2) {
        for (uint32_t n = 1 + below(s, 30); n > 0; n--)
            name(s);
    } else {
        word(s, "%u", kind == 4 ? below(s, 60) : 1 + below(s, 60));
        if (kind == 4)
            word(s, "%u", 30 + below(s, 60));
    }
    run(s);
}

static void streams(struct script *s)
{
    uint32_t kind = below(s, 6);
    word(s, "%s",
         kind < 3    ? "xadd"
         : kind == 3 ? "xtrim"
         : kind == 4 ? "xgroup"
                     : "xreadgroup");
    if (kind < 4)
        word(s, "x%u", below(s, 2));
    if (kind < 3) {
        word(s, "*");
        word(s, "field");
        last_value(s);
    } else if (kind == 3) {
        word(s, "maxlen");
        word(s, "%u", below(s, 40));
    } else if (kind == 4) {
        word(s, "create");
        word(s, "x%u", below(s, 2));
        word(s, "g%u", below(s, 2));
        word(s, "0");
        word(s, "mkstream");
    } else {
        word(s, "group");
        word(s, "g%u", below(s, 2));
        word(s, "me");
        word(s, "streams");
        word(s, "x%u", below(s, 2));
        word(s, ">");
    }
    run(s);
}

static void keys(struct script *s)
{
    static const char *const words[] = {"del", "rename", "copy", "pexpire",
                                        "hpexpire"};
    uint32_t kind = below(s, ARRAY_LEN(words));
    char letter = "hlszx"[kind == 4 ? 0 : below(s, 5)];
    uint32_t which = below(s, 2);
    word(s, "%s", words[kind]);
    word(s, "%c%u", letter, which);
    if (kind == 1 || kind == 2)
        word(s, "%c%u", letter, 1 - which);
    if (kind == 2)
        word(s, "replace");
    if (kind > 2)
        word(s, "%u", 1 + below(s, 40));
    if (kind == 4) {
        word(s, "fields");
        word(s, "4");
        for (int i = 0; i < 4; i++)
            name(s);
    }
    run(s);
}

int collect_apply(struct keyspace *ks, const struct entry *e, uint64_t chain)
{
    struct script s = {.ks = ks, .index = e->index, .value = BUF_INIT};
    struct applied position = {e->index, e->term, e->time_ms, 0, chain};
    uint64_t pair[2] = {e->index, e->term};
    s.rng = hash64(bytes_of(pair, sizeof(pair)));
    keyspace_begin(ks, &position, e->seed);
    for (uint32_t n = below(&s, 4); n > 0; n--) {
        uint32_t kind = below(&s, 20);
        if (kind < 10)
            add(&s);
        else if (kind < 14)
            take(&s);
        else if (kind < 18)
            streams(&s);
        else
            keys(&s);
    }
    if (below(&s, 3) == 0) {
        (void)keyspace_sweep_due(ks, SWEEP, hash_sweep_key);
        (void)keyspace_sweep_pages(ks, SWEEP);
    }
    buf_release(&s.value);
    return keyspace_commit(ks);
}

/* --- a state that never lost anything ------------------------------------- */

static void execute_all(struct store *store, const struct history *h,
                        raft_index applied)
{
    struct buf scratch = BUF_INIT;
    struct keyspace *ks;
    int err = keyspace_open(&ks, store, &scratch);
    ASSERT(err == 0);
    for (raft_index i = 1; i <= applied; i++) {
        struct entry e;
        const struct committed *c = history_at(h, i);
        ASSERT(c != NULL);
        history_entry(i, c->term, &scratch, &e);
        err = collect_apply(ks, &e, c->chain);
        ASSERT(err == 0);
    }
    keyspace_close(ks);
    buf_release(&scratch);
}

static void append_rows(struct store *store, struct buf *rows)
{
    struct store_iter *it = store_iter_new(store, STORE_STATE);
    for (store_iter_seek(it, BYTES_NONE); store_iter_valid(it);
         store_iter_next(it))
        store_row_append(rows, store_iter_key(it), store_iter_value(it));
    store_iter_free(it);
}

void collect_rows(const struct history *h, raft_index applied, struct buf *rows)
{
    struct store *store = store_memory_new();
    execute_all(store, h, applied);
    append_rows(store, rows);
    store_close(store);
}

/* The first row that differs. */
static void explain(struct bytes there, struct bytes made, struct buf *why)
{
    struct store_row a = {.key = BYTES_NONE};
    struct store_row b = {.key = BYTES_NONE};
    bool more = true;
    while (more && bytes_eq(a.key, b.key) && bytes_eq(a.value, b.value)) {
        bool first = store_row_next(&there, &a);
        bool second = store_row_next(&made, &b);
        more = first && second;
        if (!first)
            a.key = BYTES_NONE;
        if (!second)
            b.key = BYTES_NONE;
    }
    buf_printf(why,
               "; there is a row '%c' of %zu and %zu bytes, made is '%c' "
               "of %zu and %zu",
               a.key.len > 0 ? a.key.data[0] : '-', a.key.len, a.value.len,
               b.key.len > 0 ? b.key.data[0] : '-', b.key.len, b.value.len);
}

bool collect_same(struct store *s, const struct history *h, raft_index applied,
                  struct buf *why)
{
    struct buf there = BUF_INIT;
    struct buf made = BUF_INIT;
    append_rows(s, &there);
    if (applied > 0)
        collect_rows(h, applied, &made);
    bool same = bytes_eq(buf_view(&there), buf_view(&made));
    if (!same) {
        buf_printf(why,
                   "state at %llu: %zu bytes of rows, and not those that "
                   "its %zu bytes of rows are made of",
                   (unsigned long long)applied, there.len, made.len);
        explain(buf_view(&there), buf_view(&made), why);
    }
    buf_release(&there);
    buf_release(&made);
    return same;
}
