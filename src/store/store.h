/*
 * The key-value store under everything: a small table of functions, which
 * RocksDB (rocks.c) and memory (store_memory.c) implement; both pass
 * tests/contract. Three families, keys in the order of their bytes.
 *
 * Writes. A batch is atomic. STORE_LOGGED batches (log, meta) go through the
 * write-ahead log and are durable once a store_sync() that began after the
 * write has returned. STORE_UNLOGGED batches (state) are not: after a crash
 * the state is an exact prefix of what was written, as of some earlier batch;
 * the Raft log, cut no further than store_get_flushed() allows, redoes them.
 * What was logged before a flush of the state began is durable before that
 * state is, so the state on disk is never ahead of the log on disk. The two
 * kinds never mix in one batch.
 *
 * Errors. ERR_NOT_FOUND is normal. ERR_IO and ERR_CORRUPT are final: the
 * caller says what failed (store_error()) and ends the process; a failed
 * write or sync is never retried.
 *
 * Threads: one thread reads and writes; store_sync() alone may be called from
 * one other thread at the same time. How a thread of its own reads the whole
 * state, or makes another one, is in store_view.h and store_fill.h.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "store/store_batch.h"

enum store_write_kind { STORE_LOGGED, STORE_UNLOGGED };

struct store;
struct store_iter;
struct store_view; /* store_view.h */
struct store_fill; /* store_fill.h */

/* What the files of the state have, deleted and discarded rows included: about
 * so much. */
struct store_extent {
    uint64_t rows; /* a deletion is one, too */
    uint64_t bytes;
};

/* What a store takes of its disk beyond what it takes now, in bytes. */
struct store_space {
    uint64_t promised;  /* will be written whatever happens */
    uint64_t passing;   /* at most, and for a while: merges, room in advance */
    uint64_t returning; /* is taken now, and will be given back: what merges
                           have written so far, files that are being deleted */
    uint64_t spare;     /* should be free beyond that, for what is written
                           before anybody looks again */
};

struct store_ops {
    int (*get)(struct store *s, enum store_family family, struct bytes key,
               struct buf *value);
    int (*get_once)(struct store *s, enum store_family family, struct bytes key,
                    struct buf *value); /* NULL: as get */
    int (*get_flushed)(struct store *s, enum store_family family,
                       struct bytes key, struct buf *value);
    int (*write)(struct store *s, const struct store_batch *b,
                 enum store_write_kind kind);
    int (*sync)(struct store *s);
    int (*flush)(struct store *s, enum store_family family, bool wait);
    struct store_iter *(*iter_new)(struct store *s, enum store_family family);
    void (*extent)(struct store *s, struct store_extent *out);
    void (*tidy)(struct store *s);       /* NULL: does nothing */
    bool (*full)(const struct store *s); /* NULL: never */
    /* NULL: takes nothing more */
    void (*space)(const struct store *s, struct store_space *out);
    /* NULL: makes no difference */
    bool (*peek)(const struct store *s, struct bytes key, struct bytes *value,
                 bool *own);
    void (*expect)(const struct store *s, const struct bytes *keys,
                   size_t count);
    uint64_t (*looked)(const struct store *s); /* NULL: never */
    struct store_view *(*view_open)(struct store *s);
    void (*view_ask)(struct store *s);
    int (*view_take)(struct store *s, struct store_view **out);
    void (*view_drop)(struct store *s);
    int (*fill_begin)(struct store *s, uint32_t parts, struct bytes after,
                      struct store_fill **out);
    int (*state_use)(struct store *s, const struct store_batch *b,
                     uint64_t state);
    const char *(*error)(struct store *s);
    void (*ending)(struct store *s); /* NULL: it never waits */
    void (*close)(struct store *s);
};

struct store {
    const struct store_ops *ops;
};

/* One that only goes forward has no seek_last and prev. The wrappers below
 * see to it that next, prev, key and value are called at a key only. */
struct store_iter_ops {
    void (*seek)(struct store_iter *it, struct bytes key);
    void (*seek_last)(struct store_iter *it);
    bool (*valid)(struct store_iter *it);
    void (*next)(struct store_iter *it);
    void (*prev)(struct store_iter *it);
    struct bytes (*key)(struct store_iter *it);
    struct bytes (*value)(struct store_iter *it);
    int (*status)(struct store_iter *it);
    void (*free)(struct store_iter *it);
};

struct store_iter {
    const struct store_iter_ops *ops;
};

/* Appends the value to *value (which is not emptied first). */
MUST_USE static inline int store_get(struct store *s, enum store_family family,
                                     struct bytes key, struct buf *value)
{
    return s->ops->get(s, family, key, value);
}

/* Like store_get, but what is read pushes nothing out of memory that is read
 * more often: for a part of a large walk. */
MUST_USE static inline int store_get_once(struct store *s,
                                          enum store_family family,
                                          struct bytes key, struct buf *value)
{
    return s->ops->get_once != NULL ? s->ops->get_once(s, family, key, value)
                                    : s->ops->get(s, family, key, value);
}

/* Like store_get, but finds only what would survive a crash of machine and
 * process right now without its write-ahead log: the state as of the last
 * completed flush. Only for STORE_STATE. */
MUST_USE static inline int store_get_flushed(struct store *s,
                                             enum store_family family,
                                             struct bytes key,
                                             struct buf *value)
{
    return s->ops->get_flushed(s, family, key, value);
}

MUST_USE static inline int store_write(struct store *s,
                                       const struct store_batch *b,
                                       enum store_write_kind kind)
{
    return s->ops->write(s, b, kind);
}

MUST_USE static inline int store_sync(struct store *s)
{
    return s->ops->sync(s);
}

/* Starts writing a family's memory to files; wait: until it is done. One of the
 * log gives the space of what was discarded back, as far as whole files go. */
MUST_USE static inline int store_flush(struct store *s,
                                       enum store_family family, bool wait)
{
    return s->ops->flush(s, family, wait);
}

/* It may be some seconds old. */
static inline void store_extent(struct store *s, struct store_extent *out)
{
    s->ops->extent(s, out);
}

/* To be called about once a second: gives the space of what was deleted,
 * replaced or discarded back, in the background, where that is worth what it
 * costs. May write the state's memory to files for that. */
static inline void store_tidy(struct store *s)
{
    if (s->ops->tidy != NULL)
        s->ops->tidy(s);
}

/* Is there no room in memory for the state until some of it is on disk? The
 * next unlogged write would wait for that. Look again after a while. */
MUST_USE static inline bool store_is_full(const struct store *s)
{
    return s->ops->full != NULL && s->ops->full(s);
}

/* How much space the store will take, some tenths of a second ago. */
static inline void store_space(const struct store *s, struct store_space *out)
{
    *out = (struct store_space){0, 0, 0, 0};
    if (s->ops->space != NULL)
        s->ops->space(s, out);
}

/* How often a row of the state was looked for in files so far, because memory
 * did not know: that takes many times as long. */
static inline uint64_t store_looked(const struct store *s)
{
    return s->ops->looked != NULL ? s->ops->looked(s) : 0;
}

/* A value of STORE_STATE that is in memory already, borrowed until the store is
 * used again; false: ask store_get(). It is *own if it has never been anywhere
 * else since the caller wrote it: no disk can have damaged it. */
MUST_USE static inline bool store_peek(const struct store *s, struct bytes key,
                                       struct bytes *value, bool *own)
{
    *own = false;
    return s->ops->peek != NULL && s->ops->peek(s, key, value, own);
}

/* A hint: these keys of STORE_STATE will be read or written soon. */
static inline void store_expect(const struct store *s, const struct bytes *keys,
                                size_t count)
{
    if (s->ops->expect != NULL)
        s->ops->expect(s, keys, count);
}

/* Sees the store as of now, whatever is written later; it is at no key until
 * a seek; free it before the store is closed. One of STORE_STATE only goes
 * forward (no prev, no seek_last), and must be freed before that family is
 * written again. */
static inline struct store_iter *store_iter_new(struct store *s,
                                                enum store_family family)
{
    return s->ops->iter_new(s, family);
}

/* Moves to the first key >= `key`. */
static inline void store_iter_seek(struct store_iter *it, struct bytes key)
{
    it->ops->seek(it, key);
}

/* Moves to the last key. */
static inline void store_iter_seek_last(struct store_iter *it)
{
    ASSERT(it->ops->seek_last != NULL);
    it->ops->seek_last(it);
}

/* Is it at a key? False after the last one and before the first one, and when
 * it cannot go on: the status tells. */
MUST_USE static inline bool store_iter_valid(struct store_iter *it)
{
    return it->ops->valid(it);
}

static inline void store_iter_next(struct store_iter *it)
{
    ASSERT(store_iter_valid(it));
    it->ops->next(it);
}

static inline void store_iter_prev(struct store_iter *it)
{
    ASSERT(store_iter_valid(it) && it->ops->prev != NULL);
    it->ops->prev(it);
}

/* Borrowed until the iterator moves. */
MUST_USE static inline struct bytes store_iter_key(struct store_iter *it)
{
    ASSERT(store_iter_valid(it));
    return it->ops->key(it);
}

MUST_USE static inline struct bytes store_iter_value(struct store_iter *it)
{
    ASSERT(store_iter_valid(it));
    return it->ops->value(it);
}

/* 0, or why it could not go on: ERR_IO or ERR_CORRUPT, both final. */
MUST_USE static inline int store_iter_status(struct store_iter *it)
{
    return it->ops->status(it);
}

static inline void store_iter_free(struct store_iter *it)
{
    it->ops->free(it);
}

/* What the last failure was, for a person. */
static inline const char *store_error(struct store *s)
{
    return s->ops->error(s);
}

/* It will be closed: from now on nothing in it waits for space. */
static inline void store_ending(struct store *s)
{
    if (s->ops->ending != NULL)
        s->ops->ending(s);
}

/* Closes and frees it. Unsynced writes may be lost. */
static inline void store_close(struct store *s)
{
    s->ops->close(s);
}

#endif
