/*
 * Some members of sorted sets: ZPOPMIN, ZPOPMAX and ZMPOP, which remove them,
 * those that wait until there are some, ZRANDMEMBER, and ZSCAN.
 *
 * What is removed is told first, and only removed if all of it may be told: how
 * much that is depends on the set alone, so all replicas decide the same.
 *
 * How it fails: with an error reply, and nothing changed.
 */
#include "cmd/cmd_block.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_zset.h"

#include "base/alloc.h"
#include "type/sample.h"

#include <inttypes.h>

/* ---- ZPOPMIN, ZPOPMAX, ZMPOP, and BZPOPMIN, BZPOPMAX, BZMPOP ---- */

#define POP_SCORE_BYTES 32 /* what a score takes at most */

struct pop {
    uint32_t keys; /* how many, from argument `first` on */
    uint32_t first;
    bool max;
    bool pairs;  /* each with its score in an array, in RESP2 too */
    bool single; /* no count was given: no pairs in RESP3 either */
    bool named;  /* the key comes before the member, in the same array */
    int64_t count;
};

static bool parse_count(const struct cmd_args *a, struct bytes text,
                        int64_t min, const char *error, int64_t *out)
{
    struct resp_writer none = {.out = NULL};
    ASSERT(min == 0 || min == 1);
    if (parse_integer(&none, text, out) && *out >= min)
        return true;
    resp_error(a->out, error);
    return false;
}

static bool parse_zpop(const struct cmd_args *a, struct pop *p)
{
    ASSERT(a->argc >= 2);
    *p = (struct pop){.keys = 1, .first = 1, .count = 1};
    p->max = a->cmd->id == CMD_ID_ZPOPMAX;
    p->single = a->argc == 2;
    if (a->argc > 3) {
        reply_syntax(a->out);
        return false;
    }
    return p->single ||
           parse_count(a, a->argv[2], 0,
                       "ERR value is out of range, must be positive",
                       &p->count);
}

/* BZMPOP has its time first, and looks at it last. */
static bool parse_zmpop(const struct cmd_args *a, struct pop *p)
{
    uint32_t at = a->cmd->id == CMD_ID_BZMPOP ? 2 : 1;
    int64_t keys = 0;
    ASSERT(a->argc >= at + 3);
    *p = (struct pop){.first = at + 1, .pairs = true, .count = 1};
    if (!parse_count(a, a->argv[at], 1, "ERR numkeys should be greater than 0",
                     &keys))
        return false;
    uint32_t where = 0;
    if (keys < (int64_t)a->argc - p->first) {
        p->keys = (uint32_t)keys;
        where = p->first + p->keys;
        p->max = word_is(a->argv[where], "max");
    }
    if (where == 0 || (!p->max && !word_is(a->argv[where], "min")))
        goto syntax;
    if (where + 1 == a->argc)
        return check_timeout(a);
    if (!word_is(a->argv[where + 1], "count") || where + 2 == a->argc)
        goto syntax;
    if (!parse_count(a, a->argv[where + 2], 1,
                     "ERR count should be greater than 0", &p->count))
        return false;
    if (where + 3 == a->argc)
        return check_timeout(a);
syntax:
    reply_syntax(a->out);
    return false;
}

static bool parse_bzpop(const struct cmd_args *a, struct pop *p)
{
    ASSERT(a->argc >= 3);
    *p = (struct pop){.keys = a->argc - 2, .first = 1, .count = 1};
    p->max = a->cmd->id == CMD_ID_BZPOPMAX;
    p->single = true;
    p->named = true;
    return check_timeout(a);
}

bool cmd_zpop_check(struct cmd_args *a)
{
    struct pop p;
    bool ok = parse_zpop(a, &p);
    ASSERT(!ok || (p.keys == 1 && p.count >= 0));
    return ok;
}

bool cmd_zmpop_check(struct cmd_args *a)
{
    struct pop p;
    bool ok = parse_zmpop(a, &p);
    ASSERT(!ok || (p.keys >= 1 && p.count >= 1));
    return ok;
}

bool cmd_bzpop_check(struct cmd_args *a)
{
    struct pop p;
    bool ok = parse_bzpop(a, &p);
    ASSERT(p.keys >= 1 && p.named);
    return ok;
}

/* Whether these may be told at once. */
static bool span_fits(struct zset *z, struct zset_span s)
{
    struct zset_walk w;
    struct zset_entry e;
    uint64_t bytes = 0;
    ASSERT(s.from < s.to && s.to <= zset_count(z));
    if (zset_span_count(&s) * CMD_MEMBER_MAX <= CMD_REPLY_BYTES_MAX)
        return true;
    zset_walk_init(&w, z);
    bool on = zset_walk_to(&w, s.from, &e);
    for (uint64_t i = s.from; on && i < s.to; i++) {
        bytes += e.member.len + POP_SCORE_BYTES;
        on = bytes <= CMD_REPLY_BYTES_MAX && zset_walk_next(&w, &e);
    }
    zset_walk_release(&w);
    return bytes <= CMD_REPLY_BYTES_MAX;
}

static void reply_popped(struct cmd_call *c, struct zset *z,
                         const struct pop *p, struct zset_span s)
{
    uint64_t count = zset_span_count(&s);
    struct resp_writer *w = c->out;
    struct zset_walk walk;
    struct zset_entry e;
    ASSERT(count > 0);
    bool pairs = p->pairs || (w->protocol >= 3 && !p->single);
    ASSERT(!p->named || (!pairs && count == 1));
    if (!p->named) /* else it has begun */
        resp_array(w, pairs ? count : 2 * count);
    zset_walk_init(&walk, z);
    bool on = zset_walk_to(&walk, p->max ? s.to - 1 : s.from, &e);
    for (uint64_t i = 0; on && i < count; i++) {
        if (pairs)
            resp_array(w, 2);
        resp_bulk(w, e.member);
        resp_double(w, e.score);
        if (i + 1 < count)
            on = p->max ? zset_walk_previous(&walk, &e)
                        : zset_walk_next(&walk, &e);
    }
    zset_walk_release(&walk);
}

/* From a set that has members. */
static void pop_from(struct cmd_call *c, struct bytes key, struct zset *z,
                     const struct pop *p)
{
    uint64_t size = zset_count(z);
    uint64_t count = MIN(size, (uint64_t)p->count);
    struct zset_span s = {0, count};
    ASSERT(size > 0 && p->count >= 0);
    if (p->max)
        s = (struct zset_span){size - count, size};
    if (count == 0) {
        resp_array(c->out, 0);
        return;
    }
    if (!span_fits(z, s)) {
        reply_too_many(c);
        return;
    }
    if (p->pairs || p->named) {
        resp_array(c->out, p->named ? 3 : 2);
        resp_bulk(c->out, key);
    }
    reply_popped(c, z, p, s);
    zset_cut(z, s.from, s.to);
    zset_save(z);
}

/* From the first key that has a set. */
static void pop(struct cmd_call *c, const struct pop *p)
{
    ASSERT(p->keys > 0 && p->first + p->keys <= c->argc);
    for (uint32_t i = 0; i < p->keys; i++) {
        struct bytes key = c->argv[p->first + i];
        struct zset z;
        if (!open_zset(c, key, &z))
            return;
        bool found = zset_count(&z) > 0;
        if (found)
            pop_from(c, key, &z, p);
        zset_close(&z);
        if (found)
            return;
    }
    if ((c->cmd->flags & CMD_BLOCKS) != 0)
        c->blocked = true;
    else if (p->pairs)
        resp_null_array(c->out);
    else
        resp_array(c->out, 0);
}

void cmd_zpop_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct pop p;
    ASSERT((c->cmd->flags & CMD_FREES) != 0);
    if (parse_zpop(&a, &p))
        pop(c, &p);
}

void cmd_zmpop_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct pop p;
    ASSERT(c->cmd->id == CMD_ID_ZMPOP || c->cmd->id == CMD_ID_BZMPOP);
    if (parse_zmpop(&a, &p))
        pop(c, &p);
}

void cmd_bzpop_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct pop p;
    ASSERT((c->cmd->flags & CMD_BLOCKS) != 0);
    if (parse_bzpop(&a, &p))
        pop(c, &p);
}

/* ---- ZRANDMEMBER ---- */

struct pick {
    bool counted; /* a count was given */
    bool repeat;  /* it was negative */
    uint64_t count;
    bool with_scores;
};

static bool parse_pick(const struct cmd_args *a, struct pick *p)
{
    int64_t count = 0;
    ASSERT(a->argc >= 2);
    *p = (struct pick){.counted = a->argc > 2, .count = 1};
    if (!p->counted)
        return true;
    if (!parse_integer(a->out, a->argv[2], &count))
        return false;
    if (count == INT64_MIN) {
        resp_errorf(a->out,
                    "ERR value is out of range, value must between %" PRId64
                    " and %" PRId64,
                    -INT64_MAX, INT64_MAX);
        return false;
    }
    p->with_scores = a->argc == 4 && word_is(a->argv[3], "withscores");
    if (a->argc > 4 || (a->argc == 4 && !p->with_scores)) {
        reply_syntax(a->out);
        return false;
    }
    if (p->with_scores && (count < -INT64_MAX / 2 || count > INT64_MAX / 2)) {
        resp_error(a->out, "ERR value is out of range");
        return false;
    }
    p->repeat = count < 0;
    p->count = (uint64_t)(count < 0 ? -count : count);
    return true;
}

bool cmd_zrandmember_check(struct cmd_args *a)
{
    struct pick p;
    bool ok = parse_pick(a, &p);
    ASSERT(!ok || p.counted == (a->argc > 2));
    return ok;
}

/* Each one anew. */
static void reply_repeated(struct cmd_call *c, struct zset *z,
                           const struct pick *p, uint64_t *rng)
{
    struct long_reply r;
    struct zset_walk w;
    struct zset_entry e;
    ASSERT(p->repeat && zset_count(z) > 0);
    long_reply_begin(&r, c);
    reply_entries(c->out, p->count, p->with_scores);
    zset_walk_init(&w, z);
    for (uint64_t i = 0; i < p->count; i++) {
        if (!zset_walk_to(&w, sample_below(rng, zset_count(z)), &e))
            break;
        if (!reply_entry(&r, &e, p->with_scores))
            break;
    }
    zset_walk_release(&w);
}

/* So many different ones. */
static void reply_distinct(struct cmd_call *c, struct zset *z, uint64_t count,
                           bool with_scores, uint64_t *rng)
{
    ASSERT(count > 0 && count < zset_count(z));
    uint64_t *ranks = mem_alloc(count * sizeof(*ranks));
    struct long_reply r;
    struct zset_walk w;
    struct zset_entry e;
    sample_distinct(rng, zset_count(z), count, ranks);
    long_reply_begin(&r, c);
    reply_entries(c->out, count, with_scores);
    zset_walk_init(&w, z);
    for (uint64_t i = 0; i < count; i++) {
        bool next = i > 0 && ranks[i] == ranks[i - 1] + 1;
        if (!(next ? zset_walk_next(&w, &e) : zset_walk_to(&w, ranks[i], &e)))
            break;
        if (!reply_entry(&r, &e, with_scores))
            break;
    }
    zset_walk_release(&w);
    mem_free(ranks);
}

static void reply_picked(struct cmd_call *c, struct zset *z,
                         const struct pick *p)
{
    uint64_t rng = c->seed;
    uint64_t size = zset_count(z);
    uint64_t count = p->repeat ? p->count : MIN(p->count, size);
    struct zset_span all = {0, size};
    ASSERT(p->counted);
    if (size == 0 || count == 0)
        resp_array(c->out, 0);
    else if (!p->repeat && count == size)
        reply_span(c, z, all, false, p->with_scores);
    else if (!long_reply_count(c, count, "ZSCAN"))
        return;
    else if (p->repeat)
        reply_repeated(c, z, p, &rng);
    else
        reply_distinct(c, z, count, p->with_scores, &rng);
}

static void reply_one(struct cmd_call *c, struct zset *z)
{
    uint64_t rng = c->seed;
    struct zset_walk w;
    struct zset_entry e;
    ASSERT(c->argc == 2);
    if (zset_count(z) == 0) {
        resp_null(c->out);
        return;
    }
    zset_walk_init(&w, z);
    if (zset_walk_to(&w, sample_below(&rng, zset_count(z)), &e))
        resp_bulk(c->out, e.member);
    else
        resp_null(c->out); /* the store has failed */
    zset_walk_release(&w);
}

void cmd_zrandmember_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct pick p;
    struct zset z;
    ASSERT(c->cmd->id == CMD_ID_ZRANDMEMBER);
    if (!parse_pick(&a, &p) || !open_zset(c, c->argv[1], &z))
        return;
    if (p.counted)
        reply_picked(c, &z, &p);
    else
        reply_one(c, &z);
    zset_close(&z);
}

/* ---- ZSCAN ---- */

/* Wanted members, as pieces of a reply whose number is not known yet. */
struct scanned {
    const struct scan_options *options;
    bool small;                /* see scan_score() */
    struct resp_writer writer; /* into `pieces` */
    struct buf pieces;
    size_t count;
};

/* Redis keeps whole numbers of small sets as integers, and tells them so. */
static void scan_score(struct scanned *s, double score)
{
    double limit = (double)(INT64_MAX / 2);
    ASSERT(score == score);
    if (s->small && score >= -limit && score <= limit &&
        score == (double)(int64_t)score)
        resp_bulkf(&s->writer, "%" PRId64, (int64_t)score);
    else
        resp_bulkf(&s->writer, "%.17g", score);
}

static bool scan_one(void *arg, const struct zset_entry *e)
{
    struct scanned *s = arg;
    ASSERT(s->count % 2 == 0);
    if (!scan_wants(s->options, e->member))
        return true;
    resp_bulk(&s->writer, e->member);
    scan_score(s, e->score);
    s->count += 2;
    return s->pieces.len <= CMD_REPLY_BYTES_MAX;
}

static void scan(struct cmd_call *c, struct zset *z, uint64_t cursor,
                 const struct scan_options *o)
{
    struct scanned s = {
        .options = o, .small = !zset_is_large(z), .pieces = BUF_INIT};
    s.writer = (struct resp_writer){.out = &s.pieces, .protocol = 2};
    uint64_t next = zset_scan(z, cursor, o->count, scan_one, &s);
    ASSERT(next <= ZSET_CURSOR_MAX);
    resp_array(c->out, 2);
    resp_bulkf(c->out, "%" PRIu64, next);
    resp_array(c->out, s.count);
    if (s.count > 0)
        resp_raw(c->out, buf_view(&s.pieces));
    buf_release(&s.pieces);
}

/* Options that are wrong are no error if there is no set, as in Redis: so they
 * are looked at when it has been looked up. */
bool cmd_zscan_check(struct cmd_args *a)
{
    uint64_t cursor = 0;
    ASSERT((a->cmd->flags & CMD_READ) != 0);
    return parse_scan_cursor(a, 2, &cursor);
}

void cmd_zscan_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct scan_options o;
    struct zset z;
    uint64_t cursor = 0;
    ASSERT(c->argc >= 3);
    if (!parse_scan_cursor(&a, 2, &cursor) || !open_zset(c, c->argv[1], &z))
        return;
    if (zset_count(&z) == 0)
        reply_scan_none(c);
    else if (parse_scan_options(&a, 3, &o))
        scan(c, &z, cursor, &o);
    zset_close(&z);
}
