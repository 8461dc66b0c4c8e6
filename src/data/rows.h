/*
 * Rows of the state family, as an entry sees them: the store below, the
 * entry's own changes (the overlay) above. Everything that data keeps is read
 * and written here: values, sessions, first answers, counts, position.
 *
 * A row may have an expiry of its own (values and first answers). Its index
 * row is kept exact at commit, by comparing what the store has with what it is
 * going to have.
 *
 * A row that comes from the store has been checked (row_check), unless it is
 * there because it was written here and has not left memory since: it takes as
 * long as to find something in a page.
 */
#ifndef DATA_ROWS_H
#define DATA_ROWS_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "data/keyspace.h"
#include "data/overlay.h"
#include "store/store.h"

struct rows {
    struct store *store;
    struct overlay overlay;
    struct store_batch batch;
    struct buf read;      /* the row that was read last and is not kept */
    struct buf index_key; /* of the index row being written */
    uint32_t epochs[KEYSPACE_DATABASES];        /* by now */
    uint32_t stored_epochs[KEYSPACE_DATABASES]; /* when the entry began */
    /* No index row in the store is before this key, and this time. */
    struct buf index_from;
    int64_t index_from_ms;
    uint16_t level; /* in force; see level.h */
    bool in_entry;
    bool reading;          /* see keyspace_set_reading() */
    uint64_t entry_bytes;  /* see keyspace_entry_bytes() */
    uint64_t read_bytes;   /* see keyspace_read_bytes() */
    uint64_t viewed_bytes; /* see keyspace_viewed_bytes() */
    uint64_t read_views;   /* see keyspace_read_views() */
    int error; /* the first error of the store, or ERR_CORRUPT; final */
};

void rows_init(struct rows *rs, struct store *s);
void rows_release(struct rows *rs);

void rows_begin(struct rows *rs, uint64_t seed);
/* Ends the entry: nothing of it has been. */
void rows_abort(struct rows *rs);
/* At the start: says again what earlier flushes have ended. */
void rows_open(struct rows *rs);
/* End the entry. The first returns the batch of everything that has changed, to
 * which the caller may add; the second writes it. */
struct store_batch *rows_prepare(struct rows *rs);
MUST_USE int rows_write(struct rows *rs);

/* Keeps the first error. */
void rows_fail(struct rows *rs, int err);

/* The bytes of a row, in or outside an entry; false if there is none.
 * They are borrowed until the next call. */
MUST_USE bool rows_get(struct rows *rs, struct bytes key, struct bytes *value);
/* Inside an entry: the row, read from the store on first touch. After an
 * error it is absent. */
struct row *rows_touch(struct rows *rs, struct bytes key);
/* The same for the row of a value that is going to be replaced as a whole: of
 * one that was not touched before there may be no more than its header. */
struct row *rows_touch_head(struct rows *rs, struct bytes key);
/* A look at a row, in or outside an entry, that leaves nothing in memory; once:
 * nor in what the store keeps of the rows that it has read. False if there is
 * none. Borrowed until the next call. */
MUST_USE bool rows_view(struct rows *rs, struct bytes key, bool once,
                        struct bytes *value);
/* Counts bytes that were looked at, in an entry: see keyspace_viewed_bytes()
 * and keyspace_read_views(). */
void rows_viewed(struct rows *rs, uint64_t bytes);
/* Sets the whole row. */
void rows_put(struct rows *rs, struct bytes key, struct bytes value);
void rows_delete(struct rows *rs, struct bytes key);
/* Deletes a row that the store has, with this expiry, without reading it. False
 * if the entry has touched it before: nothing is done then. */
MUST_USE bool rows_delete_unread(struct rows *rs, struct bytes key,
                                 int64_t expire_ms);
/* The next three are for rows without an expiry: it is not asked whether the
 * store has them. The first gives a present and empty one, to be filled. */
struct row *rows_renew(struct rows *rs, struct bytes key);
void rows_put_unread(struct rows *rs, struct bytes key, struct bytes value);
void rows_erase(struct rows *rs, struct bytes key);
/* Appends a row as the store has it, whatever the entry has changed; nothing
 * counts as read. False: there is none, or an error. */
MUST_USE bool rows_stored(struct rows *rs, struct bytes key, struct buf *value);
/* The first index row in the store, and its time; or what is behind them all.
 */
void rows_index_begins(struct rows *rs, struct bytes index_row,
                       int64_t time_ms);
/* Deletes all values of a database: begins its next epoch, which must exist. */
void rows_flush_db(struct rows *rs, uint8_t db);

#endif
