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
 * one other thread at the same time.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

enum store_family {
    STORE_LOG,
    STORE_META,
    STORE_STATE,
    STORE_FAMILY_COUNT,
};

enum store_write_kind { STORE_LOGGED, STORE_UNLOGGED };

/*
 * A batch: operations in order, in one buffer. Pure bytes; the store
 * translates them. op(1) family(1) borrowed(1) zero(1) key_len(4)
 * value_len(4) key value; for a range (deleted or discarded) the value is the
 * end key (exclusive), for a borrowed one its address.
 */
enum store_op {
    STORE_OP_PUT = 1,
    STORE_OP_DELETE,
    STORE_OP_DELETE_RANGE,
    STORE_OP_DISCARD,
};

struct store_batch {
    struct buf ops;
    uint32_t count;
};

#define STORE_BATCH_INIT ((struct store_batch){BUF_INIT, 0})

/* What a person can do about damaged files; ends texts about ERR_CORRUPT.
 * A node that comes back empty has forgotten its votes and entries, and gets
 * entries from the others only as long as they still have all of them. */
#define STORE_DAMAGE_ADVICE                                                    \
    "Before anything else, copy the node's whole directory. If files were "    \
    "moved away, bring them back. If not, restore the directory from a "       \
    "backup that was made after this node's last stop. Removing it, so that "  \
    "the other members refill the node, works only while all of them run, "    \
    "have a leader, and still hold the log from its first entry on "           \
    "(raft_first_index:1 in INFO raft of the leader); a node on its own has "  \
    "nobody to refill it."

void store_batch_release(struct store_batch *b);
void store_batch_reset(struct store_batch *b);
void store_batch_put(struct store_batch *b, enum store_family family,
                     struct bytes key, struct bytes value);
/* The value is not copied: it must stay until the batch was written. */
void store_batch_put_borrowed(struct store_batch *b, enum store_family family,
                              struct bytes key, struct bytes value);
/* A value in two pieces, written one after the other. */
void store_batch_put2(struct store_batch *b, enum store_family family,
                      struct bytes key, const struct bytes value[2]);
void store_batch_delete(struct store_batch *b, enum store_family family,
                        struct bytes key);
/* Deletes begin <= key < end; not in STORE_STATE. (RocksDB 7.8 forgets range
 * deletions that it cannot read, and overlooks other blocks that it cannot
 * read once there is a range deletion. The log has chain hashes to notice.) */
void store_batch_delete_range(struct store_batch *b, enum store_family family,
                              struct bytes begin, struct bytes end);
/* Nobody will ask for begin <= key < end any more, nor be misled by what is
 * still there: the store may drop it some time, in part or never, but not
 * before what was written so far is durable. Not in STORE_META. */
void store_batch_discard(struct store_batch *b, enum store_family family,
                         struct bytes begin, struct bytes end);

/* Appends the operations of `from`; what they borrow is copied. */
void store_batch_copy(struct store_batch *b, const struct store_batch *from);

/* For ranges whose end is a part of them: bytes below `end`, with no key of
 * ours between the two, since the keys of a family have such lengths. */
void store_key_below(struct bytes end, struct buf *out);

struct store_batch_op {
    enum store_op op;
    enum store_family family;
    struct bytes key;
    struct bytes value;
};
/* Iterates over the operations; start with *pos = 0; false at the end. */
bool store_batch_next(const struct store_batch *b, size_t *pos,
                      struct store_batch_op *out);

struct store;
struct store_iter;

struct store_ops {
    int (*get)(struct store *s, enum store_family family, struct bytes key,
               struct buf *value);
    int (*get_flushed)(struct store *s, enum store_family family,
                       struct bytes key, struct buf *value);
    int (*write)(struct store *s, const struct store_batch *b,
                 enum store_write_kind kind);
    int (*sync)(struct store *s);
    int (*flush)(struct store *s, enum store_family family, bool wait);
    struct store_iter *(*iter_new)(struct store *s, enum store_family family);
    bool (*full)(const struct store *s); /* NULL: never */
    /* NULL: makes no difference */
    bool (*peek)(const struct store *s, struct bytes key, struct bytes *value);
    void (*expect)(const struct store *s, const struct bytes *keys,
                   size_t count);
    const char *(*error)(struct store *s);
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

/* As store_get, but only what survives a crash of machine and process right
 * now without its write-ahead log: the state as of the last completed flush.
 * Only for STORE_STATE. */
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

/* Starts writing a family's memory to files; wait: until it is done. */
MUST_USE static inline int store_flush(struct store *s,
                                       enum store_family family, bool wait)
{
    return s->ops->flush(s, family, wait);
}

/* Has the state no room in memory until some of it is on disk? The next
 * unlogged write would wait for that. Look again after a while. */
MUST_USE static inline bool store_is_full(const struct store *s)
{
    return s->ops->full != NULL && s->ops->full(s);
}

/* A value of STORE_STATE that is in memory anyhow, borrowed until the store is
 * used again; false: ask store_get(). */
MUST_USE static inline bool store_peek(const struct store *s, struct bytes key,
                                       struct bytes *value)
{
    return s->ops->peek != NULL && s->ops->peek(s, key, value);
}

/* A hint: these keys of STORE_STATE are going to be asked for. */
static inline void store_expect(const struct store *s, const struct bytes *keys,
                                size_t count)
{
    if (s->ops->expect != NULL)
        s->ops->expect(s, keys, count);
}

/* Sees the store as of now, whatever is written later; stands nowhere until
 * a seek; free it before the store is closed. One of STORE_STATE only goes
 * forward (no prev, no seek_last), and must be freed before that family is
 * written again. */
static inline struct store_iter *store_iter_new(struct store *s,
                                                enum store_family family)
{
    return s->ops->iter_new(s, family);
}

/* To the first key >= `key`; to the last key. */
static inline void store_iter_seek(struct store_iter *it, struct bytes key)
{
    it->ops->seek(it, key);
}

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

/* Closes and frees it. Unsynced writes may be lost. */
static inline void store_close(struct store *s)
{
    s->ops->close(s);
}

#endif
