/*
 * Collections of the fold: plain arrays, searched from one end to the other.
 * A hash and a set are in the order of insertion, a list in its own, a sorted
 * set by score and member, a stream by id. Nothing here knows src/type.
 *
 * What one holds is known to others by a hash over the words of the reply that
 * tells all of it (HGETALL, SMEMBERS, LRANGE, ZRANGE WITHSCORES, XRANGE), so a
 * reply, a state and the fold are compared by the same number.
 */
#ifndef CHECK_FOLD_COLL_H
#define CHECK_FOLD_COLL_H

#include "base/buf.h"
#include "base/bytes.h"

enum fold_type {
    FOLD_STRING,
    FOLD_HASH,
    FOLD_LIST,
    FOLD_SET,
    FOLD_ZSET,
    FOLD_STREAM,
};

struct fold_id {
    uint64_t ms;
    uint64_t seq;
};

struct fold_item {
    struct buf name;   /* field, member; of a stream: the first field */
    struct buf value;  /* of a hash, a list, a stream */
    int64_t score;     /* of a sorted set: the fold knows whole numbers */
    int64_t expire_ms; /* of a field; 0: never */
    struct fold_id id;
};

/* What a group has given out and nobody has confirmed. */
struct fold_pending {
    struct fold_id id;
    struct buf consumer;
};

struct fold_group {
    struct buf name;
    struct fold_id last;
    struct fold_pending *pending; /* by id */
    size_t count, cap;
};

#define FOLD_GROUPS_MAX 4

struct fold_coll {
    enum fold_type type;
    struct fold_item *items;
    size_t count, cap;
    struct fold_id last; /* of a stream */
    struct fold_group groups[FOLD_GROUPS_MAX];
    size_t group_count;
};

#define FOLD_NOT_THERE SIZE_MAX

struct fold_coll *fold_coll_new(enum fold_type type);
void fold_coll_free(struct fold_coll *c); /* NULL: nothing */
/* Groups are not copied: no client of ours copies a stream. */
struct fold_coll *fold_coll_copy(const struct fold_coll *c);

/* By its name; FOLD_NOT_THERE. */
size_t fold_find(const struct fold_coll *c, struct bytes name);
/* An empty one that has so many before it. */
struct fold_item *fold_insert(struct fold_coll *c, size_t at);
void fold_remove(struct fold_coll *c, size_t at);
/* Puts a member of a sorted set in its place; it is not there. */
void fold_place(struct fold_coll *c, struct bytes name, int64_t score);

/* Where the first field that expires does; 0: none does. */
int64_t fold_due_ms(const struct fold_coll *c);

/* --- words of replies ----------------------------------------------------- */

/* What a reply says, without the lengths of its arrays: the same in RESP2 and
 * RESP3. A null is the word "(nil)". Words borrow from the reply. */
struct fold_words {
    struct bytes *list;
    size_t count, cap;
};

/* Appends; false: these bytes are no reply. */
bool fold_words_of(struct bytes reply, struct fold_words *out);
void fold_word_add(struct fold_words *w, struct bytes word);
void fold_words_release(struct fold_words *w);
/* How many words are one element, if those of the command come in any order;
 * 0: they have one order. */
size_t fold_unordered(struct bytes command);
/* The same words, in any order if the command's have none. */
bool fold_same_words(struct bytes command, struct bytes a, struct bytes b);

/* Of all that a collection has, from its words. */
uint64_t fold_words_hash(enum fold_type type, const struct fold_words *w);
uint64_t fold_coll_hash(const struct fold_coll *c);

#endif
