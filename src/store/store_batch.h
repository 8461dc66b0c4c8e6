/*
 * A batch: what is written to a store in one atomic step. Operations in order,
 * in one buffer: pure bytes, which the store translates.
 */
#ifndef STORE_STORE_BATCH_H
#define STORE_STORE_BATCH_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

enum store_family {
    STORE_LOG,
    STORE_META,
    STORE_STATE,
    STORE_FAMILY_COUNT,
};

/*
 * An operation in the buffer: op(1) family(1) borrowed(1) zero(1) key_len(4)
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

void store_batch_release(struct store_batch *b);
void store_batch_reset(struct store_batch *b);
void store_batch_put(struct store_batch *b, enum store_family family,
                     struct bytes key, struct bytes value);
/* The value is not copied: it must stay until the batch was written. */
void store_batch_put_borrowed(struct store_batch *b, enum store_family family,
                              struct bytes key, struct bytes value);
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

#endif
