/*
 * The state machine's data: databases of keys with typed values, expiry,
 * sessions and first answers of clients, over the state family of a store.
 * kinds.h lists the kinds of rows; key.h, value.h and meta.h have their forms.
 *
 * Strings. One of up to KEYSPACE_PAGE_SIZE bytes is plain: it is in the row of
 * its key. The bytes of a longer one are apart, in pages of that size, which
 * are rows of their own. So a lookup costs no more for a long value than for a
 * short one, and gives its length; its bytes are read page by page, by who
 * needs them (keyspace_range). What a page lacks up to the value's length, and
 * a page that is missing, is zeros.
 *
 * Flushing. A database has an epoch, 0 at first, which a flush raises: no key
 * of an ended epoch is looked up ever again, so its rows are garbage, which
 * the store collects when it likes (store_batch_discard). It is not asked to
 * delete them as a range: RocksDB 7.8 takes a file whose range deletions are
 * damaged for one that has none, so no answer may depend on them. What walks
 * over the rows must pass over the garbage (keyspace_is_current).
 *
 * Applying. keyspace_begin() opens an entry, commands change the keyspace,
 * keyspace_commit() writes everything, with the applied position, as one
 * unlogged batch. In between, reads see the entry's own changes (they are
 * in an overlay in memory, not in the store).
 *
 * Time. All times here are the log's, which is not the wall clock's: clients
 * say absolute times by that, so those are translated where they come in and go
 * out (keyspace_from_wall, _to_wall). During apply, `now` is the entry's time,
 * which never falls. Outside, reads are given the time that came with their
 * read index. A key whose expiry is <= the log's time is gone; one with log
 * time < expiry <= the read's time is in doubt, because another replica's clock
 * may be behind: the lookup says so (keyspace_in_doubt) and the caller sends
 * the read through the log, so that an expired key never comes back.
 *
 * Errors of the store are final: they are kept (keyspace_error) and
 * keyspace_commit returns them.
 */
#ifndef DATA_KEYSPACE_H
#define DATA_KEYSPACE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "store/store.h"

#define KEYSPACE_DATABASES 16

/* On disk. What is true of each type is in the table of value.c. */
enum value_type {
    VALUE_NONE = 0,
    VALUE_STRING = 1,
    VALUE_LIST = 2,
    VALUE_SET = 3,
    VALUE_ZSET = 4,
    VALUE_HASH = 5,
    VALUE_STREAM = 6,
    VALUE_TYPES, /* above all types */
};

/* Whose pages: no id is ever given to another value. */
struct page_owner {
    uint8_t db;
    uint32_t epoch;
    uint64_t id; /* 0: none */
};

struct value {
    uint8_t type;
    uint8_t encoding;  /* value.h: set by the keyspace */
    uint8_t flags;     /* enum value_flag (value.h), of a collection */
    int64_t expire_ms; /* 0: never */
    /* The Raft index of the last write of the key. It is written with each
     * value; a reader of pages can tell by it whether they are still those of
     * the value that was looked up. It is also kept for WATCH. */
    uint64_t version;
    uint64_t length;         /* in bytes, of a string */
    struct page_owner pages; /* id 0: plain */
    uint64_t pages_end;      /* their numbers are below this */
    /* Of a plain string: borrowed until the next call on the keyspace. Empty if
     * it is apart. Of a collection: its record (record.h). */
    struct bytes data;
};

/* The position of an entry: keyspace_commit writes it with the data. */
struct applied {
    uint64_t index;
    uint64_t term;
    int64_t time_ms;        /* the log's */
    int64_t wall_offset_ms; /* what its leader's wall clock showed more */
    uint64_t chain;         /* chain hash of the log there */
};

struct keyspace_count {
    uint64_t keys;
    uint64_t expires; /* keys with an expiry */
    /* The sum of their expiries, in ms, 128 bits. */
    uint64_t expire_sum_high;
    uint64_t expire_sum_low;
};

/* The mean time to live of keys with an expiry; 0: there are none, or most of
 * them wait to be removed. */
int64_t keyspace_mean_ttl_ms(const struct keyspace_count *c, int64_t now_ms);

/* What has happened here since it was opened, for people to see: no part of
 * the state, and not the same on every replica. */
struct keyspace_tally {
    uint64_t hits;    /* live keys that were looked up to be told */
    uint64_t misses;  /* the same of keys that were not there */
    uint64_t expired; /* keys removed because their time had come */
    uint64_t tickets; /* by now, see keyspace_tickets(); of node_tally() only */
};

struct keyspace;

/* Opens it over a store, which outlives it: reads position and counts.
 * ERR_CORRUPT or ERR_IO with a text. */
MUST_USE int keyspace_open(struct keyspace **out, struct store *s,
                           struct buf *error);
void keyspace_close(struct keyspace *ks);
/* Around a store_state_use(), outside an entry: before it, what is still to be
 * told of the present state is copied; after it, position and counts are read
 * anew, and nothing of the old state is left in memory. Errors as above; then
 * the keyspace can only be closed. */
void keyspace_leave(struct keyspace *ks);
MUST_USE int keyspace_reopen(struct keyspace *ks, struct buf *error);

/* The last committed entry (all zero on a new store). */
const struct applied *keyspace_applied(const struct keyspace *ks);
/* The position that would survive a crash now (see store_get_flushed). */
MUST_USE int keyspace_flushed(struct keyspace *ks, struct applied *out);
const struct keyspace_count *keyspace_counts(const struct keyspace *ks,
                                             uint8_t db);
const struct keyspace_tally *keyspace_tally(const struct keyspace *ks);
/* Lookups of reads are counted as they happen (keyspace_set_reading). This
 * counts one of a write whose answer tells what was found. */
void keyspace_count_lookup(struct keyspace *ks, bool found);
/* Whether a row with this key, which is in an epoch, is in the present epoch of
 * its database. */
bool keyspace_is_current(const struct keyspace *ks, struct bytes state_key);

void keyspace_begin(struct keyspace *ks, const struct applied *entry,
                    uint64_t seed);
MUST_USE int keyspace_commit(struct keyspace *ks);
/* In place of the commit: the state is as before keyspace_begin(), whatever was
 * changed. What is not the state (keyspace_tally) stays. Errors as above. */
MUST_USE int keyspace_abort(struct keyspace *ks);

/* Outside begin/commit: the time by which reads judge expiry; also clears
 * the doubt. */
void keyspace_read_at(struct keyspace *ks, int64_t time_ms);
/* A lookup since keyspace_read_at() met a key in doubt: what was found must
 * not be told; the command has to go through the log. Never true in apply. */
bool keyspace_in_doubt(const struct keyspace *ks);

/* A hint: these keys are going to be looked up. Memory is fetched for all at
 * once, where each lookup would wait for its own. At most
 * KEYSPACE_EXPECT_MAX. */
#define KEYSPACE_EXPECT_MAX 16
struct keyspace_key {
    uint8_t db;
    struct bytes key;
};
void keyspace_expect(struct keyspace *ks, const struct keyspace_key *keys,
                     size_t count);

/* The time from which commands compute expiries. */
int64_t keyspace_now(const struct keyspace *ks);
/* An absolute time by the wall clock as an expiry, and back, by the offset of
 * the entry, or outside apply of the last one: the same on every replica. What
 * is too early becomes 1, which is past, and what is too late INT64_MAX. */
int64_t keyspace_from_wall(const struct keyspace *ks, int64_t wall_ms);
/* Whether this expiry, of a part of a value, has come; 0 is never. One that is
 * in doubt has. */
bool keyspace_has_come(struct keyspace *ks, int64_t expire_ms);
/* Not below 0; INT64_MAX stays what it is. */
int64_t keyspace_to_wall(const struct keyspace *ks, int64_t expire_ms);

#define KEYSPACE_PAGE_SIZE (16 * 1024)

/* Looks a live value up; false if there is none (or it has expired). */
MUST_USE bool keyspace_get(struct keyspace *ks, uint8_t db, struct bytes key,
                           struct value *out);

/* A part of a string, read piece by piece: from keyspace_range() on, while
 * keyspace_next() says true, which gives the next bytes, borrowed until the
 * next call on the keyspace. `v` is what keyspace_get() gave; the part must be
 * within its length, and the value must not change meanwhile. A part of many
 * pages leaves no copies in memory that was full of others. After an error of
 * the store the bytes are zeros. */
struct value_range {
    struct value value;
    uint64_t at;
    uint64_t end;
    uint64_t seen; /* of keyspace_scan(): what looking has cost, in bytes */
    bool once;     /* what is read is kept nowhere */
    bool scan;
    bool hole; /* what was given last are zeros that no page has */
};
struct value_range keyspace_range(struct keyspace *ks, const struct value *v,
                                  uint64_t start, uint64_t length);
MUST_USE bool keyspace_next(struct keyspace *ks, struct value_range *r,
                            struct bytes *out);
/* The same for what looks at the bytes on every replica, whoever gets the
 * reply: not the part's length counts, but what was looked at, where a hole is
 * cheap (KEYSPACE_HOLE_SHARE). */
struct value_range keyspace_scan(struct keyspace *ks, const struct value *v,
                                 uint64_t start, uint64_t length);
/* Bytes of a hole count as one: the search for a page that is not there. */
#define KEYSPACE_HOLE_SHARE 64
/* Whether these are the bytes of a value that keyspace_get() gave. */
MUST_USE bool keyspace_equals(struct keyspace *ks, const struct value *v,
                              struct bytes data);

/* Sets it; type, expire_ms and data are taken from v, the version is that of
 * the entry. v->data may borrow from keyspace_get; data longer than a page must
 * stay where they are until the commit. An expiry that is not in the future
 * deletes the key instead. What was there is never read. */
void keyspace_put(struct keyspace *ks, uint8_t db, struct bytes key,
                  const struct value *v);
/* Gives a live value another expiry (0: none); the bytes are not looked at. One
 * that is not in the future deletes the key. */
void keyspace_set_expiry(struct keyspace *ks, uint8_t db, struct bytes key,
                         int64_t expire_ms);
/* Writes data at offset into the string of a key, in place; what is between
 * its end and the offset becomes zeros. Expiry and type stay; a missing key
 * begins as an empty string. No page is touched but those that the data go to.
 * `data` must not borrow from the same key, and stay until the commit, unless
 * they have no more than KEYSPACE_COPIED bytes. */
void keyspace_overwrite(struct keyspace *ks, uint8_t db, struct bytes key,
                        uint64_t offset, struct bytes data);
#define KEYSPACE_COPIED 64

/* A string longer than a page that is made page by page, from what may go when
 * the call returns, and then put under a key, which may have had a value that
 * it was made from. Pages that are not written are zeros. What is never put
 * is never deleted: nothing may fail in between. */
struct page_owner keyspace_draft(struct keyspace *ks, uint8_t db);
void keyspace_draft_page(struct keyspace *ks, const struct page_owner *o,
                         uint64_t page, struct bytes data);
/* In place of what is there, without an expiry. */
void keyspace_put_draft(struct keyspace *ks, struct bytes key,
                        const struct page_owner *o, uint64_t length);
/* True if there was a live value. */
bool keyspace_delete(struct keyspace *ks, uint8_t db, struct bytes key);
/* Deletes all keys: ends the epoch of the database. False, and nothing is
 * changed, if there is no next epoch: after 2^32 - 1 flushes, hours of nothing
 * else. */
bool keyspace_flush_db(struct keyspace *ks, uint8_t db);

/* Processes up to `limit` rows of the expiry index whose time has come by
 * keyspace_now(): deletes what they name, without reading it, or only the index
 * row if that is of an ended epoch (a flush leaves such rows). Returns how many
 * index rows. Only during apply. */
uint32_t keyspace_sweep(struct keyspace *ks, uint32_t limit);
/* The same where elements of collections may be due: removes up to `limit` of
 * those of a key that are, and returns how many it has removed. There may be no
 * such collection any more. */
typedef uint32_t keyspace_due_fn(struct keyspace *ks, uint8_t db,
                                 struct bytes key, uint32_t limit);
uint32_t keyspace_sweep_due(struct keyspace *ks, uint32_t limit,
                            keyspace_due_fn *remove);
/* How many rows the sweeps of the last entry have deleted, pages with them. */
uint64_t keyspace_swept(const struct keyspace *ks);
/* Outside apply: is anything due at this time, or do pages wait? Costs next to
 * nothing before the time that the last look has found. */
bool keyspace_due(struct keyspace *ks, int64_t time_ms);
/* The last sweep ended at its limit, and no look since has found nothing, or
 * pages wait: there is more to do at once. The first is no part of the state;
 * false after a start. */
bool keyspace_sweep_left(const struct keyspace *ks);
/* What was deleted or replaced and had many pages: how many values wait for
 * sweeps to delete their pages. */
uint64_t keyspace_tickets(const struct keyspace *ks);
/* Deletes up to `limit` of these pages, without reading them; returns how many.
 * Only during apply. */
uint32_t keyspace_sweep_pages(struct keyspace *ks, uint32_t limit);

/* During apply: the bytes that this entry has read from the store, made out
 * of nothing (SETRANGE), or keeps as answers (once_store), all of which is
 * in memory until the commit: the same on every replica. Otherwise 0. */
uint64_t keyspace_entry_bytes(const struct keyspace *ks);
/* During apply: the bytes of all ranges of pages that writes have asked for,
 * read or not: the same on every replica. They are not kept in memory, but
 * reading takes time. Otherwise 0. */
uint64_t keyspace_viewed_bytes(const struct keyspace *ks);

/* Begins and ends a read that came through the log and that only the replica
 * whose client wants it executes: what it reads from the store is counted
 * apart, so that keyspace_entry_bytes() stays the same on every replica. */
void keyspace_set_reading(struct keyspace *ks, bool reading);
/* During apply: the bytes that such reads have read into memory, here.
 * Otherwise 0. */
uint64_t keyspace_read_bytes(const struct keyspace *ks);
/* The same of ranges of pages, which are not kept in memory. */
uint64_t keyspace_read_views(const struct keyspace *ks);

/* Who is told, inside an entry, that a collection has become longer, is a new
 * one, or is gone: for those who wait for its elements. NULL: nobody. No part
 * of the state. `fn` does nothing with the keyspace; the key is borrowed, and
 * NULL if it may be any. */
typedef void keyspace_ready_fn(void *ctx, const struct keyspace_key *key);
void keyspace_tell_ready(struct keyspace *ks, keyspace_ready_fn *fn, void *ctx);
/* Tells it. */
void keyspace_ready(struct keyspace *ks, uint8_t db, struct bytes key);
/* The same of all keys of all databases, as after SWAPDB. */
void keyspace_all_ready(struct keyspace *ks);

/* 0, or the store error that makes the state unusable. */
int keyspace_error(const struct keyspace *ks);

#endif
