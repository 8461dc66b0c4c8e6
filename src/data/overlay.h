/*
 * What one entry of the log has read and changed so far: rows by their
 * state key, in the order in which they were first touched. Memory is kept
 * from entry to entry, so that applying allocates nothing in the long run.
 */
#ifndef DATA_OVERLAY_H
#define DATA_OVERLAY_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

struct row {
    uint64_t hash;
    size_t key_at; /* in overlay.keys */
    size_t key_len;
    uint32_t place;    /* in overlay.index */
    bool stored;       /* the store has it */
    bool present;      /* it exists by now */
    bool dirty;        /* commit must write it */
    bool charged;      /* its bytes count as the entry's, not as a read's */
    bool stored_apart; /* the row in the store is apart (value.h) */
    int64_t stored_expire_ms; /* of the row in the store; 0: none */
    struct buf value;         /* the whole row, when present */
    /* If not empty, the row in place of `value`: a part of the entry. */
    struct bytes borrowed;
};

struct overlay {
    struct row *rows;
    uint32_t count;
    uint32_t cap;    /* rows[count..cap) keep their memory for reuse */
    uint32_t *index; /* open addressing; 0 is empty, n is rows[n - 1] */
    uint32_t index_cap;
    struct buf keys;
    uint64_t seed; /* of the hash; no order depends on it */
};

void overlay_init(struct overlay *o);
void overlay_release(struct overlay *o);
/* Forgets all rows; what an unusually large entry took is given back. */
void overlay_reset(struct overlay *o, uint64_t seed);

/* The row of a key, or NULL. A row's address holds until the next
 * overlay_add; the bytes of its value stay where they are. */
struct row *overlay_find(struct overlay *o, struct bytes key);
/* Adds one that is not there yet: absent, with an empty value. */
struct row *overlay_add(struct overlay *o, struct bytes key);

static inline struct bytes overlay_value(const struct row *r)
{
    return r->borrowed.len > 0 ? r->borrowed : buf_view(&r->value);
}

static inline struct bytes overlay_key(const struct overlay *o,
                                       const struct row *r)
{
    return bytes_of(o->keys.data + r->key_at, r->key_len);
}

#endif
