/*
 * Sorted sets: members with a score each, in the order of the scores, and of
 * the bytes of the members where scores are equal.
 *
 * All of them are in the first tree (data/object.h), by score:
 *
 *   score(8, score.h) member -> nothing, or one byte if the score is -0
 *
 * While that is a leaf of up to OBJECT_PACKED_MAX bytes, a member is looked for
 * in it. Otherwise (VALUE_HASHED) a second tree has them by member:
 *
 *   hash(6) member (member.h) -> score(8), the bits of the number
 *
 * VALUE_LARGE stays once a set was one that Redis calls a skip list. Only
 * these keep the sign of a zero, as in Redis.
 *
 * Ranks count from 0, from the lowest score. Members and what is returned are
 * borrowed until the next call on the set or the keyspace. Scores are no NaN.
 *
 * Errors of the store are kept by the keyspace, as always: then nothing is
 * found. What of a stored set cannot be ours is ERR_CORRUPT.
 */
#ifndef TYPE_ZSET_H
#define TYPE_ZSET_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "data/object.h"

/* Above either of these Redis would use a skip list. */
#define ZSET_SMALL_COUNT  128
#define ZSET_SMALL_MEMBER 64

struct zset {
    struct object *object;
    struct buf key;    /* of the tree by score, being made */
    struct buf member; /* the same by member */
};

struct zset_entry {
    struct bytes member;
    double score;
};

/* ---- from the key to the set and back ---- */

/* Opens the set of a key; what is not OBJECT_OTHER is to be closed. */
MUST_USE enum object_found zset_open(struct zset *z, struct keyspace *ks,
                                     uint8_t db, struct bytes key);
/* An empty one in place of what the key has, once it is saved. */
void zset_new(struct zset *z, struct keyspace *ks, uint8_t db,
              struct bytes key);
/* After changes; a set that has become empty is no more. */
void zset_save(struct zset *z);
void zset_close(struct zset *z);

static inline uint64_t zset_count(const struct zset *z)
{
    return object_count(z->object);
}

/* ---- members ---- */

MUST_USE bool zset_score(struct zset *z, struct bytes member, double *score);
/* The score as well. */
MUST_USE bool zset_rank(struct zset *z, struct bytes member, uint64_t *rank,
                        double *score);
/* Adds a member that is not there. */
void zset_add(struct zset *z, struct bytes member, double score);
/* Gives one that is there with a score another score, not equal to it. */
void zset_change(struct zset *z, struct bytes member, double from, double to);
/* True if it was there. */
MUST_USE bool zset_remove(struct zset *z, struct bytes member);
/* As Redis keeps it, as a skip list. */
bool zset_is_large(const struct zset *z);
/* What is going to be added makes it large, whatever it is now. */
void zset_make_large(struct zset *z);

/* ---- ranges ---- */

/* Ranks from one up to before another; none if from >= to. */
struct zset_span {
    uint64_t from;
    uint64_t to;
};

static inline uint64_t zset_span_count(const struct zset_span *s)
{
    return s->from < s->to ? s->to - s->from : 0;
}

/* Either end may be left out itself. */
struct zset_scores {
    double min;
    double max;
    bool min_open;
    bool max_open;
};

enum zset_word_kind {
    ZSET_WORD_FIRST, /* before all */
    ZSET_WORD_LAST,  /* behind all */
    ZSET_WORD_MEMBER,
};

struct zset_word {
    enum zset_word_kind kind;
    bool open; /* of a member: itself left out */
    struct bytes member;
};

struct zset_words {
    struct zset_word min;
    struct zset_word max;
};

struct zset_span zset_by_score(struct zset *z, const struct zset_scores *r);
/* By the members' bytes, as if all had the score of the first: what is found if
 * they have not is what is between in their order. */
struct zset_span zset_by_word(struct zset *z, const struct zset_words *r);
/* Removes these, of which there are as many as the span says. */
void zset_cut(struct zset *z, uint64_t from, uint64_t to);

/* ---- walks ---- */

/* In their order. Any change of the set ends it; what it gives is borrowed
 * until it moves. */
struct zset_walk {
    struct zset *zset;
    struct btree_cursor cursor;
};

void zset_walk_init(struct zset_walk *w, struct zset *z);
void zset_walk_release(struct zset_walk *w);
/* Go to a rank, on, or back, and give what is there; false: nothing. */
MUST_USE bool zset_walk_to(struct zset_walk *w, uint64_t rank,
                           struct zset_entry *out);
MUST_USE bool zset_walk_next(struct zset_walk *w, struct zset_entry *out);
MUST_USE bool zset_walk_previous(struct zset_walk *w, struct zset_entry *out);

/* ---- ZSCAN ---- */

#define ZSET_CURSOR_MAX (((uint64_t)1 << 48) - 1)

/* Calls `visit` for members whose hash is not less than the cursor: about
 * `count` of them, or all while they are in one leaf; those with the same hash
 * come together. It ends earlier if `visit` says false. Returns where to go on,
 * or 0. Whoever follows the cursors to 0 sees once what was there all the time.
 */
typedef bool zset_visit_fn(void *arg, const struct zset_entry *e);
uint64_t zset_scan(struct zset *z, uint64_t cursor, uint64_t count,
                   zset_visit_fn *visit, void *arg);

/* Reads all of it: 0, or ERR_CORRUPT if anything that always holds does not.
 * For tests and operators. */
MUST_USE int zset_check(struct zset *z);

#endif
