/*
 * What the files of sorted sets share: opening, scores in arguments and
 * replies, and lists of members in memory. A function that returns false has
 * written the reply.
 */
#ifndef CMD_CMD_ZSET_H
#define CMD_CMD_ZSET_H

#include "cmd/cmd_collection.h"
#include "cmd/cmd_parse.h"
#include "type/zset.h"

/* ---- opening ---- */

/* Opens the set of a key, an empty one if there is none; it is to be closed.
 * False: the key has another type. */
MUST_USE bool open_zset(struct cmd_call *c, struct bytes key, struct zset *z);

/* ---- scores ---- */

/* Longer texts are no scores; the smallest double has 1,076 digits. */
#define SCORE_TEXT_MAX (5 * 1024)

/* A number as strtod() reads it, all of it: no NaN, no space before. */
MUST_USE bool score_from(struct bytes text, double *out);
/* The same; `error` is the reply to what is none. */
MUST_USE bool parse_score(struct resp_writer *w, struct bytes text,
                          const char *error, double *out);

/* A member, and its score if it is wanted: in RESP3 as a pair. False: the reply
 * has ended, see long_reply_add(). */
MUST_USE bool reply_entry(struct long_reply *r, const struct zset_entry *e,
                          bool with_score);
/* The head of an array of so many of these. */
void reply_entries(struct resp_writer *w, uint64_t count, bool with_scores);

/* ---- adding ---- */

struct zadd {
    bool nx, xx, gt, lt, ch, incr;
    uint32_t first; /* argument; each `step` of them end with a member */
    uint32_t step;
    uint32_t count; /* of members */
};

/* Adds all members with these scores, which it may change, and replies. */
void zadd_all(struct cmd_call *c, const struct zadd *z, double *scores);

/* ---- ranges of scores and of words, as arguments ---- */

MUST_USE bool parse_score_range(struct resp_writer *w, struct bytes min,
                                struct bytes max, struct zset_scores *out);
MUST_USE bool parse_word_range(struct resp_writer *w, struct bytes min,
                               struct bytes max, struct zset_words *out);
/* From two ranks, negative ones counted from the end, to a span of a set of
 * `count` members. */
struct zset_span rank_span(uint64_t count, int64_t start, int64_t end);

/* ---- replies ---- */

/* The members of a span, from the last one back if `reverse`. */
void reply_span(struct cmd_call *c, struct zset *z, struct zset_span s,
                bool reverse, bool with_scores);
/* What a command would take, store or put together is too much at once. */
void reply_too_many(struct cmd_call *c);

/* ---- members in memory ---- */

/* They are copies, so whatever they came from may change. */
struct zset_list {
    struct buf bytes; /* of the members */
    struct buf items; /* struct zset_item */
};

struct zset_item {
    size_t at; /* in the bytes */
    uint32_t len;
    uint32_t source;
    double score;
};

void zset_list_init(struct zset_list *l);
void zset_list_release(struct zset_list *l);
/* False: the list would be longer than CMD_REPLY_BYTES_MAX. */
MUST_USE bool zset_list_add(struct zset_list *l, const struct zset_entry *e,
                            uint32_t source);

static inline uint64_t zset_list_count(const struct zset_list *l)
{
    return l->items.len / sizeof(struct zset_item);
}

static inline struct zset_item *zset_list_items(const struct zset_list *l)
{
    return (struct zset_item *)(void *)l->items.data;
}

struct zset_entry zset_list_at(const struct zset_list *l, uint64_t i);
/* By members, and by sources where these are the same; by scores, and by
 * members where these are the same. */
void zset_list_sort_members(struct zset_list *l);
void zset_list_sort_scores(struct zset_list *l);
/* Makes them the set of a key, whatever it had; none: deletes the key. */
void zset_list_store(struct cmd_call *c, struct bytes key,
                     const struct zset_list *l, bool large);
/* As Redis would keep such a set. */
bool zset_list_is_large(const struct zset_list *l);

#endif
