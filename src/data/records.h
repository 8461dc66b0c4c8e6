/*
 * Records of the state family, as an entry sees them: the store below, the
 * entry's own changes (the overlay) above. Everything that data keeps goes
 * through here: values, sessions, once-records, counts, position.
 *
 * A record may have an expiry of its own (values and once-records); its row
 * in the expiry index is kept exact at commit, by comparing what the store
 * has with what it is going to have.
 */
#ifndef DATA_RECORDS_H
#define DATA_RECORDS_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "data/keyspace.h"
#include "data/overlay.h"
#include "store/store.h"

struct records {
    struct store *store;
    struct overlay overlay;
    struct store_batch batch;
    struct buf read; /* outside an entry: the record read last */
    struct buf row;  /* the index row being written */
    uint32_t epochs[KEYSPACE_DATABASES];        /* by now */
    uint32_t stored_epochs[KEYSPACE_DATABASES]; /* when the entry began */
    bool in_entry;
    bool reading;         /* see keyspace_set_reading() */
    uint64_t entry_bytes; /* see keyspace_entry_bytes() */
    uint64_t read_bytes;  /* see keyspace_read_bytes() */
    int error; /* the first error of the store, or ERR_CORRUPT; final */
};

void records_init(struct records *rs, struct store *s);
void records_release(struct records *rs);

void records_begin(struct records *rs, uint64_t seed);
/* Ends the entry: the batch of everything that has changed, to which the
 * caller may add; then writes it. */
struct store_batch *records_prepare(struct records *rs);
MUST_USE int records_write(struct records *rs);

/* Keeps the first error. */
void records_fail(struct records *rs, int error);

/* The bytes of a record, in or outside an entry; false if there is none.
 * They are borrowed until the next call. */
MUST_USE bool records_get(struct records *rs, struct bytes key,
                          struct bytes *value);
/* Inside an entry: the record, read from the store on first touch. After an
 * error it is absent. */
struct record *records_touch(struct records *rs, struct bytes key);
/* The same for a value ('k') that is going to be replaced as a whole: of one
 * that was not touched before there may be no more than its header. */
struct record *records_touch_head(struct records *rs, struct bytes key);
/* Sets the whole record. */
void records_put(struct records *rs, struct bytes key, struct bytes value);
void records_delete(struct records *rs, struct bytes key);
/* All values of a database: begins its next epoch, which there must be. */
void records_flush_db(struct records *rs, uint8_t db);

/* The expiry that a record's bytes carry; 0: none. */
int64_t record_expire_ms(struct bytes key, struct bytes value);

#endif
