/*
 * The inside of struct keyspace, for the files of this room only.
 */
#ifndef DATA_KEYSPACE_INTERNAL_H
#define DATA_KEYSPACE_INTERNAL_H

#include "data/keyspace.h"
#include "data/meta.h"
#include "data/rows.h"
#include "data/session_row.h"
#include "data/stream.h"
#include "data/upload.h"

struct keyspace {
    struct rows rows;
    struct applied applied; /* the last committed entry */
    struct applied entry;   /* the one being applied */
    struct keyspace_count counts[KEYSPACE_DATABASES];
    uint32_t counts_changed; /* bit per database, in this entry */
    struct meta_next next;
    struct meta_next next_before; /* when the entry began */
    int64_t read_time_ms;
    bool sweep_left; /* see keyspace_sweep_left() */
    uint64_t swept;  /* see keyspace_swept() */
    bool in_doubt;
    struct keyspace_tally tally;
    struct keyspace_tally tally_before; /* the read outside apply */
    struct buf key;                     /* the state key being worked on */
    struct buf expected;                /* state keys: see keyspace_expect() */
    struct buf members;                 /* the row; empty: there is none */
    bool members_changed;               /* in this entry */
    struct buf desired;                 /* the same of what they are to be */
    bool desired_changed;
    uint8_t places[KEYSPACE_DATABASES]; /* by number, see database.h */
    bool places_changed;                /* and are not written */
    bool level_changed;                 /* and is not written; rows.level */
    uint64_t entry_seed; /* the entry's; that of the overlay decides nothing */
    uint64_t hash_seed;  /* see keyspace_hash_seed(); 0: none yet */
    struct list objects; /* that are not open, see object.c */
    uint32_t object_count;
    uint32_t objects_open;       /* none between commands */
    struct session_row session;  /* that the entry's requests move on */
    keyspace_ready_fn *ready_fn; /* NULL: nobody wants to know */
    void *ready_ctx;
    struct list streams;                  /* stream.c */
    struct upload *uploads;               /* upload.c: those seen, one a node */
    struct upload_bytes *uploads_dropped; /* in this entry */
};

/* Inside an entry: removes a row by its state key, if it is there, and
 * counts it. */
void keyspace_remove(struct keyspace *ks, struct bytes state_key);
/* But the pages of this owner stay: they have another value by now. */
void keyspace_remove_but(struct keyspace *ks, struct bytes state_key,
                         uint64_t settled);
/* Replaces what a key has by a value as its row has it: form and data. The rows
 * of the value that was there go, but for those of v's owner, and of one that
 * is settled: it has no more, or they have another value. */
void keyspace_place(struct keyspace *ks, uint8_t db, struct bytes key,
                    const struct value *v, uint64_t settled);
/* A value was deleted, or replaced by a string: who waits for its elements is
 * to look (keyspace_ready()). */
void keyspace_gone(struct keyspace *ks, struct bytes state_key);
/* The seed of the hashes of members: the first entry that needs it makes it;
 * 0 outside entries as long as there is none. */
uint64_t keyspace_hash_seed(struct keyspace *ks);
void objects_release(struct keyspace *ks);
/* The same for one that the store has, with this expiry, which has come: it is
 * not read. False if the entry has touched it before: nothing is done then. */
MUST_USE bool keyspace_remove_unread(struct keyspace *ks,
                                     struct bytes state_key, int64_t expire_ms);

/* The state key of a user key, in the epoch that its database has by now;
 * borrowed from ks->key. */
struct bytes keyspace_key(struct keyspace *ks, uint8_t db, struct bytes key);
/* A row of a value, which rows.c has checked. False, and an error is kept, if
 * its pages are of an owner whom nobody has made. */
MUST_USE bool keyspace_decode(struct keyspace *ks, uint8_t db, struct bytes row,
                              struct value *v);
/* Inside an entry: an owner of pages, who never was before. */
struct page_owner keyspace_owner(struct keyspace *ks, uint8_t db);
/* Whether a value with this expiry is live. Outside an entry it may be in
 * doubt, which is noted. */
MUST_USE bool keyspace_is_live(struct keyspace *ks, int64_t expire_ms);
/* members.c: reads the rows, and the level. ERR_CORRUPT. */
MUST_USE int members_load(struct keyspace *ks);
void members_release(struct keyspace *ks);
/* Writes what this entry has changed of them. */
void members_put(struct keyspace *ks, struct store_batch *b);
/* level.c: the same two. */
MUST_USE int level_load(struct keyspace *ks);
void level_put(struct keyspace *ks, struct store_batch *b);
/* database.c: the same two. */
MUST_USE int databases_load(struct keyspace *ks);
void databases_put(struct keyspace *ks, struct store_batch *b);
/* After the header: where the bytes of v are. */
void keyspace_place_apart(struct buf *row, const struct value *v);
/* Whether the data are part of what the row holds. */
bool keyspace_is_part(struct bytes data, const struct buf *row);

#endif
