/*
 * Ranges of sorted sets: ZRANGE in all its forms and names, ZRANGESTORE,
 * ZCOUNT, ZREMRANGEBY*.
 *
 * Whatever a range is given by, it becomes a span of ranks, from which LIMIT
 * takes a part: no member is looked at that is not told, stored or removed.
 *
 * How it fails: with an error reply, and nothing changed.
 */
#include "cmd/cmd_internal.h"
#include "cmd/cmd_zset.h"

#include <math.h>
#include <stdlib.h>

/* ---- ends of ranges ---- */

/* As Redis does: a space before the number is accepted, a NUL ends it, and
 * nothing is 0. */
static bool range_end(struct bytes text, double *out, bool *open)
{
    char copy[SCORE_TEXT_MAX];
    char *end = NULL;
    *open = text.len > 0 && text.data[0] == '(';
    text = bytes_from(text, *open);
    if (text.len >= sizeof(copy))
        return false;
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *out = strtod(copy, &end);
    ASSERT(end != NULL && end <= copy + text.len);
    return *end == '\0' && !isnan(*out);
}

bool parse_score_range(struct resp_writer *w, struct bytes min,
                       struct bytes max, struct zset_scores *out)
{
    ASSERT(w != NULL && out != NULL);
    if (range_end(min, &out->min, &out->min_open) &&
        range_end(max, &out->max, &out->max_open))
        return true;
    resp_error(w, "ERR min or max is not a float");
    return false;
}

/* "[member", "(member", "-" or "+". */
static bool word_end(struct bytes text, struct zset_word *out)
{
    uint8_t mark = text.len > 0 ? text.data[0] : 0;
    *out = (struct zset_word){.kind = ZSET_WORD_MEMBER, .open = mark == '('};
    ASSERT(mark == 0 || text.data != NULL);
    if (mark == '[' || mark == '(') {
        out->member = bytes_from(text, 1);
        return true;
    }
    out->kind = mark == '-' ? ZSET_WORD_FIRST : ZSET_WORD_LAST;
    return (mark == '-' || mark == '+') &&
           (text.len == 1 || text.data[1] == '\0');
}

bool parse_word_range(struct resp_writer *w, struct bytes min, struct bytes max,
                      struct zset_words *out)
{
    ASSERT(w != NULL && out != NULL);
    if (word_end(min, &out->min) && word_end(max, &out->max))
        return true;
    resp_error(w, "ERR min or max not valid string range item");
    return false;
}

struct zset_span rank_span(uint64_t count, int64_t start, int64_t end)
{
    int64_t n = (int64_t)count;
    ASSERT(n >= 0);
    if (start < 0)
        start = start < -n ? 0 : n + start;
    if (end < 0)
        end = end < -n ? -1 : n + end;
    end = MIN(end, n - 1);
    if (start > end)
        return (struct zset_span){0, 0};
    ASSERT(start >= 0 && end < n);
    return (struct zset_span){(uint64_t)start, (uint64_t)end + 1};
}

/* ---- ZRANGE and its other names ---- */

enum range_by { BY_RANK, BY_SCORE, BY_WORD };

struct range {
    enum range_by by;
    bool by_given; /* by the command's name */
    bool reverse;
    bool reverse_given; /* the same */
    bool with_scores;
    bool store;
    int64_t offset; /* of LIMIT */
    int64_t limit;
    int64_t start; /* BY_RANK */
    int64_t end;
    struct zset_scores scores;
    struct zset_words words;
};

/* What the command's name says. */
static void range_of_name(enum cmd_id id, struct range *r)
{
    *r = (struct range){.by = BY_RANK, .limit = -1};
    ASSERT(id >= CMD_ID_ZRANGE && id <= CMD_ID_ZREVRANGEBYSCORE);
    r->store = id == CMD_ID_ZRANGESTORE;
    if (id == CMD_ID_ZRANGE || id == CMD_ID_ZRANGESTORE)
        return;
    r->by_given = true;
    r->reverse_given = true;
    if (id == CMD_ID_ZRANGEBYSCORE || id == CMD_ID_ZREVRANGEBYSCORE)
        r->by = BY_SCORE;
    else if (id == CMD_ID_ZRANGEBYLEX || id == CMD_ID_ZREVRANGEBYLEX)
        r->by = BY_WORD;
    r->reverse = id == CMD_ID_ZREVRANGE || id == CMD_ID_ZREVRANGEBYSCORE ||
                 id == CMD_ID_ZREVRANGEBYLEX;
}

/* The option at argv[*i]; moves *i to the last word that it took. */
static bool range_option(const struct cmd_args *a, uint32_t *i, struct range *r)
{
    struct bytes word = a->argv[*i];
    ASSERT(*i >= 4 && *i < a->argc);
    if (!r->store && word_is(word, "withscores")) {
        r->with_scores = true;
    } else if (word_is(word, "limit") && a->argc - *i > 2) {
        if (!parse_integer(a->out, a->argv[*i + 1], &r->offset) ||
            !parse_integer(a->out, a->argv[*i + 2], &r->limit))
            return false;
        *i += 2;
    } else if (!r->reverse_given && word_is(word, "rev")) {
        r->reverse = r->reverse_given = true;
    } else if (!r->by_given && word_is(word, "bylex")) {
        r->by = BY_WORD;
        r->by_given = true;
    } else if (!r->by_given && word_is(word, "byscore")) {
        r->by = BY_SCORE;
        r->by_given = true;
    } else {
        reply_syntax(a->out);
        return false;
    }
    return true;
}

/* The two ends, the lower one first. */
static bool range_ends(const struct cmd_args *a, uint32_t at, struct range *r)
{
    struct bytes min = a->argv[at];
    struct bytes max = a->argv[at + 1];
    ASSERT(at + 1 < a->argc);
    if (r->by == BY_RANK)
        return parse_integer(a->out, min, &r->start) &&
               parse_integer(a->out, max, &r->end);
    if (r->reverse) {
        min = a->argv[at + 1];
        max = a->argv[at];
    }
    if (r->by == BY_SCORE)
        return parse_score_range(a->out, min, max, &r->scores);
    return parse_word_range(a->out, min, max, &r->words);
}

static bool parse_range(const struct cmd_args *a, struct range *r)
{
    range_of_name(a->cmd->id, r);
    uint32_t at = r->store ? 3 : 2;
    ASSERT(a->argc >= at + 2);
    for (uint32_t i = at + 2; i < a->argc; i++) {
        if (!range_option(a, &i, r))
            return false;
    }
    if (r->limit != -1 && r->by == BY_RANK) {
        resp_error(a->out, "ERR syntax error, LIMIT is only supported in "
                           "combination with either BYSCORE or BYLEX");
        return false;
    }
    if (r->with_scores && r->by == BY_WORD) {
        resp_error(a->out, "ERR syntax error, WITHSCORES not supported in "
                           "combination with BYLEX");
        return false;
    }
    return range_ends(a, at, r);
}

bool cmd_zrange_check(struct cmd_args *a)
{
    struct range r;
    bool ok = parse_range(a, &r);
    ASSERT(!ok || !r.with_scores || r.by != BY_WORD);
    return ok;
}

/* What LIMIT leaves of a span, which is looked at from its begin or end. */
static struct zset_span limited(struct zset_span s, const struct range *r)
{
    uint64_t count = zset_span_count(&s);
    if (r->offset < 0 || (uint64_t)r->offset >= count)
        return (struct zset_span){0, 0};
    count -= (uint64_t)r->offset;
    if (r->limit >= 0)
        count = MIN(count, (uint64_t)r->limit);
    if (r->reverse)
        s.from = s.to - (uint64_t)r->offset - count;
    else
        s.from += (uint64_t)r->offset;
    ASSERT(s.from + count <= s.to || r->reverse);
    return (struct zset_span){s.from, s.from + count};
}

static struct zset_span span_of(struct zset *z, const struct range *r)
{
    uint64_t count = zset_count(z);
    if (r->by == BY_SCORE)
        return limited(zset_by_score(z, &r->scores), r);
    if (r->by == BY_WORD)
        return limited(zset_by_word(z, &r->words), r);
    struct zset_span s = rank_span(count, r->start, r->end);
    ASSERT(s.from <= s.to && s.to <= count);
    if (r->reverse)
        s = (struct zset_span){count - s.to, count - s.from};
    return s;
}

void reply_span(struct cmd_call *c, struct zset *z, struct zset_span s,
                bool reverse, bool with_scores)
{
    uint64_t count = zset_span_count(&s);
    struct long_reply r;
    struct zset_walk w;
    struct zset_entry e;
    ASSERT(count == 0 || s.to <= zset_count(z));
    long_reply_begin(&r, c);
    reply_entries(c->out, count, with_scores);
    if (count == 0)
        return;
    zset_walk_init(&w, z);
    bool on = zset_walk_to(&w, reverse ? s.to - 1 : s.from, &e);
    for (uint64_t i = 0; on && i < count; i++) {
        if (!reply_entry(&r, &e, with_scores))
            break;
        if (i + 1 < count)
            on = reverse ? zset_walk_previous(&w, &e) : zset_walk_next(&w, &e);
    }
    zset_walk_release(&w);
}

void cmd_zrange_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct range r;
    struct zset z;
    if (!parse_range(&a, &r) || !open_zset(c, c->argv[1], &z))
        return;
    ASSERT(!r.store);
    reply_span(c, &z, span_of(&z, &r), r.reverse, r.with_scores);
    zset_close(&z);
}

/* False: there is too much of them. */
static bool copy_span(struct zset *z, struct zset_span s, struct zset_list *l)
{
    struct zset_walk w;
    struct zset_entry e;
    bool ok = true;
    ASSERT(s.from >= s.to || s.to <= zset_count(z));
    zset_walk_init(&w, z);
    bool on = s.from < s.to && zset_walk_to(&w, s.from, &e);
    for (uint64_t i = s.from; ok && on && i < s.to; i++) {
        ok = zset_list_add(l, &e, 0);
        on = zset_walk_next(&w, &e);
    }
    zset_walk_release(&w);
    return ok;
}

/* Redis knows only of ranks how many there will be, and makes a set that is
 * large from the beginning if so. */
void cmd_zrangestore_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct zset_list list;
    struct range r;
    struct zset z;
    if (!parse_range(&a, &r) || !open_zset(c, c->argv[2], &z))
        return;
    zset_list_init(&list);
    bool ok = copy_span(&z, span_of(&z, &r), &list);
    zset_close(&z);
    uint64_t count = zset_list_count(&list);
    ASSERT(r.store);
    if (ok) {
        zset_list_store(c, c->argv[1], &list,
                        r.by == BY_RANK && count > ZSET_SMALL_COUNT);
        resp_integer(c->out, (int64_t)count);
    } else {
        reply_too_many(c);
    }
    zset_list_release(&list);
}

/* ---- ZCOUNT, ZLEXCOUNT, ZREMRANGEBY* ---- */

static bool parse_plain(const struct cmd_args *a, struct range *r)
{
    enum cmd_id id = a->cmd->id;
    ASSERT(a->argc == 4);
    *r = (struct range){.by = BY_RANK, .limit = -1};
    if (id == CMD_ID_ZCOUNT || id == CMD_ID_ZREMRANGEBYSCORE)
        r->by = BY_SCORE;
    else if (id == CMD_ID_ZLEXCOUNT || id == CMD_ID_ZREMRANGEBYLEX)
        r->by = BY_WORD;
    return range_ends(a, 2, r);
}

bool cmd_zspan_check(struct cmd_args *a)
{
    struct range r;
    bool ok = parse_plain(a, &r);
    ASSERT(r.limit == -1 && !r.store);
    return ok;
}

void cmd_zcount_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct range r;
    struct zset z;
    if (!parse_plain(&a, &r) || !open_zset(c, c->argv[1], &z))
        return;
    struct zset_span s = span_of(&z, &r);
    ASSERT(zset_span_count(&s) <= zset_count(&z));
    resp_integer(c->out, (int64_t)zset_span_count(&s));
    zset_close(&z);
}

void cmd_zremrange_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct range r;
    struct zset z;
    if (!parse_plain(&a, &r) || !open_zset(c, c->argv[1], &z))
        return;
    struct zset_span s = span_of(&z, &r);
    uint64_t count = zset_span_count(&s);
    ASSERT(count <= zset_count(&z));
    if (count > 0) {
        zset_cut(&z, s.from, s.to);
        zset_save(&z);
    }
    resp_integer(c->out, (int64_t)count);
    zset_close(&z);
}
