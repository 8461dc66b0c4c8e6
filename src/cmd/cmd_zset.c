/*
 * Sorted sets, member by member: ZADD, ZREM, ZSCORE and their family.
 *
 * All scores are read before anything changes. The sum of ZINCRBY is one of two
 * numbers of 64 bits, the same on every replica.
 *
 * How it fails: with an error reply, and nothing changed; but ZADD INCR and
 * ZINCRBY of one member, whose sum is no number, change nothing either.
 */
#include "cmd/cmd_zset.h"
#include "cmd/cmd_internal.h"

#include "base/alloc.h"
#include "base/num.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* ---- what all of the family share ---- */

bool open_zset(struct cmd_call *c, struct bytes key, struct zset *z)
{
    enum object_found found = zset_open(z, c->ks, c->db, key);
    ASSERT((found == OBJECT_OTHER) == (z->object == NULL));
    if (found != OBJECT_OTHER)
        return true;
    reply_wrong_type(c->out);
    return false;
}

/* Whole numbers that a double has exactly need no strtod(). */
static bool small_integer(struct bytes text, double *out)
{
    int64_t v = 0;
    if (text.len > 15 || !num_parse_i64(text, &v))
        return false;
    *out = (double)v;
    ASSERT((int64_t)*out == v);
    return true;
}

bool score_from(struct bytes text, double *out)
{
    char copy[SCORE_TEXT_MAX];
    if (small_integer(text, out))
        return true;
    if (text.len == 0 || text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    bool space = copy[0] == ' ' || (copy[0] >= '\t' && copy[0] <= '\r');
    char *end = NULL;
    errno = 0;
    *out = strtod(copy, &end);
    ASSERT(end != NULL);
    bool range = errno == ERANGE && (isinf(*out) || *out == 0);
    return !space && end == copy + text.len && !range && !isnan(*out);
}

bool parse_score(struct resp_writer *w, struct bytes text, const char *error,
                 double *out)
{
    if (score_from(text, out)) {
        ASSERT(!isnan(*out));
        return true;
    }
    ASSERT(*error != '\0');
    resp_error(w, error);
    return false;
}

bool reply_entry(struct long_reply *r, const struct zset_entry *e,
                 bool with_score)
{
    struct resp_writer *w = r->call->out;
    ASSERT(!isnan(e->score));
    if (!long_reply_add(r, e->member.len, "ZSCAN or a smaller range"))
        return false;
    if (with_score && w->protocol >= 3)
        resp_array(w, 2);
    resp_bulk(w, e->member);
    if (with_score)
        resp_double(w, e->score);
    return true;
}

void reply_entries(struct resp_writer *w, uint64_t count, bool with_scores)
{
    bool flat = with_scores && w->protocol < 3;
    ASSERT(w->protocol == 2 || w->protocol == 3);
    resp_array(w, flat ? 2 * count : count);
}

void reply_too_many(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    resp_error(c->out, "ERR too many members at once, take fewer of them");
}

/* ---- ZADD, ZINCRBY ---- */

#define SCORE_ERROR "ERR value is not a valid float"
#define SCORES_HERE 16 /* so many scores need no memory of their own */

/* A word of ZADD; false: it is none. */
static bool zadd_word(struct bytes arg, struct zadd *z)
{
    static const char *const words[] = {"nx", "xx", "gt", "lt", "ch", "incr"};
    bool *const flags[] = {&z->nx, &z->xx, &z->gt, &z->lt, &z->ch, &z->incr};
    ASSERT(ARRAY_LEN(words) == ARRAY_LEN(flags));
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (word_is(arg, words[i])) {
            *flags[i] = true;
            return true;
        }
    }
    return false;
}

static const char *zadd_conflict(const struct zadd *z)
{
    ASSERT(z->count > 0);
    if (z->nx && z->xx)
        return "ERR XX and NX options at the same time are not compatible";
    if ((z->gt && z->nx) || (z->lt && z->nx) || (z->gt && z->lt))
        return "ERR GT, LT, and/or NX options at the same time are not "
               "compatible";
    if (z->incr && z->count > 1)
        return "ERR INCR option supports a single increment-element pair";
    return NULL;
}

static bool parse_zadd(const struct cmd_args *a, struct zadd *z)
{
    bool words = a->cmd->id == CMD_ID_ZADD;
    *z = (struct zadd){.first = 2, .step = 2, .incr = !words};
    ASSERT(a->argc >= 4);
    while (words && z->first < a->argc && zadd_word(a->argv[z->first], z))
        z->first++;
    uint32_t left = a->argc - z->first;
    z->count = left / 2;
    if (left == 0 || left % 2 != 0) {
        reply_syntax(a->out);
        return false;
    }
    const char *error = zadd_conflict(z);
    if (error != NULL)
        resp_error(a->out, error);
    return error == NULL;
}

/* Of all pairs, into `out`. */
static bool parse_scores(const struct cmd_args *a, const struct zadd *z,
                         double *out)
{
    ASSERT(z->first + 2 * z->count == a->argc);
    for (uint32_t i = 0; i < z->count; i++) {
        if (!parse_score(a->out, a->argv[z->first + 2 * i], SCORE_ERROR,
                         &out[i]))
            return false;
    }
    return members_fit(a, z->first + 1, 2);
}

bool cmd_zadd_check(struct cmd_args *a)
{
    struct zadd z;
    double here[SCORES_HERE];
    if (!parse_zadd(a, &z))
        return false;
    ASSERT(z.count > 0 && (z.count == 1 || !z.incr));
    double *scores = here;
    if (z.count > SCORES_HERE)
        scores = mem_alloc(z.count * sizeof(*scores));
    bool ok = parse_scores(a, &z, scores);
    if (scores != here)
        mem_free(scores);
    return ok;
}

enum zadd_result {
    ZADD_NOTHING,
    ZADD_SAME,
    ZADD_ADDED,
    ZADD_CHANGED,
    ZADD_NAN
};

/* One pair; *score becomes the one that the member has then. */
static enum zadd_result add_one(struct zset *set, const struct zadd *z,
                                struct bytes member, double *score)
{
    double old = 0;
    ASSERT(!isnan(*score) && !(z->nx && z->xx));
    if (!zset_score(set, member, &old)) {
        if (z->xx)
            return ZADD_NOTHING;
        zset_add(set, member, *score);
        return ZADD_ADDED;
    }
    if (z->nx)
        return ZADD_NOTHING;
    if (z->incr)
        *score += old;
    if (isnan(*score))
        return ZADD_NAN;
    if ((z->lt && *score >= old) || (z->gt && *score <= old))
        return ZADD_NOTHING;
    if (*score == old)
        return ZADD_SAME;
    zset_change(set, member, old, *score);
    return ZADD_CHANGED;
}

static void reply_zadd(struct cmd_call *c, const struct zadd *z,
                       enum zadd_result last, double score, int64_t count)
{
    ASSERT(count >= 0 && (last != ZADD_NAN || z->incr));
    if (last == ZADD_NAN)
        resp_error(c->out, "ERR resulting score is not a number (NaN)");
    else if (!z->incr)
        resp_integer(c->out, count);
    else if (last == ZADD_NOTHING)
        resp_null(c->out);
    else
        resp_double(c->out, score);
}

void zadd_all(struct cmd_call *c, const struct zadd *z, double *scores)
{
    struct zset set;
    enum zadd_result last = ZADD_NOTHING;
    int64_t count = 0;
    bool changed = false;
    ASSERT(z->first + z->step * z->count == c->argc);
    if (!open_zset(c, c->argv[1], &set))
        return;
    for (uint32_t i = 0; i < z->count && last != ZADD_NAN; i++) {
        struct bytes member = c->argv[z->first + z->step * (i + 1) - 1];
        last = add_one(&set, z, member, &scores[i]);
        count += last == ZADD_ADDED || (z->ch && last == ZADD_CHANGED);
        changed |= last == ZADD_ADDED || last == ZADD_CHANGED;
    }
    if (changed)
        zset_save(&set);
    zset_close(&set);
    reply_zadd(c, z, last, scores[z->count - 1], count);
}

void cmd_zadd_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct zadd z;
    double here[SCORES_HERE];
    ASSERT((c->cmd->flags & CMD_WRITE) != 0);
    if (!parse_zadd(&a, &z))
        return;
    double *scores = here;
    if (z.count > SCORES_HERE)
        scores = mem_alloc(z.count * sizeof(*scores));
    if (parse_scores(&a, &z, scores))
        zadd_all(c, &z, scores);
    if (scores != here)
        mem_free(scores);
}

/* ---- ZREM ---- */

void cmd_zrem_run(struct cmd_call *c)
{
    struct zset z;
    int64_t removed = 0;
    ASSERT(c->argc >= 3);
    if (!open_zset(c, c->argv[1], &z))
        return;
    for (uint32_t i = 2; i < c->argc && zset_count(&z) > 0; i++)
        removed += zset_remove(&z, c->argv[i]);
    ASSERT(removed < c->argc - 1);
    if (removed > 0)
        zset_save(&z);
    zset_close(&z);
    resp_integer(c->out, removed);
}

/* ---- reads ---- */

void cmd_zcard_run(struct cmd_call *c)
{
    struct zset z;
    ASSERT(c->argc == 2);
    if (!open_zset(c, c->argv[1], &z))
        return;
    resp_integer(c->out, (int64_t)zset_count(&z));
    zset_close(&z);
}

static void reply_score(struct cmd_call *c, struct zset *z, struct bytes member)
{
    double score = 0;
    ASSERT((c->cmd->flags & CMD_READ) != 0);
    if (zset_score(z, member, &score))
        resp_double(c->out, score);
    else
        resp_null(c->out);
}

void cmd_zscore_run(struct cmd_call *c)
{
    struct zset z;
    ASSERT(c->argc == 3);
    if (!open_zset(c, c->argv[1], &z))
        return;
    reply_score(c, &z, c->argv[2]);
    zset_close(&z);
}

void cmd_zmscore_run(struct cmd_call *c)
{
    struct zset z;
    ASSERT(c->argc >= 3);
    if (!open_zset(c, c->argv[1], &z))
        return;
    resp_array(c->out, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++)
        reply_score(c, &z, c->argv[i]);
    zset_close(&z);
}

static bool parse_zrank(const struct cmd_args *a, bool *with_score)
{
    ASSERT(a->argc >= 3);
    *with_score = a->argc == 4;
    if (a->argc > 4)
        cmd_reply_arity(a->out, a->cmd);
    else if (*with_score && !word_is(a->argv[3], "withscore"))
        reply_syntax(a->out);
    else
        return true;
    return false;
}

bool cmd_zrank_check(struct cmd_args *a)
{
    bool with_score = false;
    bool ok = parse_zrank(a, &with_score);
    ASSERT(!ok || with_score == (a->argc == 4));
    return ok;
}

void cmd_zrank_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct zset z;
    uint64_t rank = 0;
    double score = 0;
    bool with_score = false;
    if (!parse_zrank(&a, &with_score) || !open_zset(c, c->argv[1], &z))
        return;
    bool found = zset_rank(&z, c->argv[2], &rank, &score);
    ASSERT(!found || !isnan(score));
    if (found && c->cmd->id == CMD_ID_ZREVRANK)
        rank = zset_count(&z) - 1 - rank;
    zset_close(&z);
    if (!found && with_score) {
        resp_null_array(c->out);
    } else if (!found) {
        resp_null(c->out);
    } else {
        if (with_score)
            resp_array(c->out, 2);
        resp_integer(c->out, (int64_t)rank);
        if (with_score)
            resp_double(c->out, score);
    }
}
