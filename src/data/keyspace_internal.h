/*
 * The inside of struct keyspace, for the files of this room only.
 */
#ifndef DATA_KEYSPACE_INTERNAL_H
#define DATA_KEYSPACE_INTERNAL_H

#include "data/keyspace.h"
#include "data/rows.h"
#include "data/session_row.h"
#include "data/upload.h"

struct keyspace {
    struct rows rows;
    struct applied applied; /* the last committed entry */
    struct applied entry;   /* the one being applied */
    struct keyspace_count counts[KEYSPACE_DATABASES];
    uint32_t counts_changed; /* bit per database, in this entry */
    int64_t read_time_ms;
    bool sweep_left; /* see keyspace_sweep_left() */
    bool in_doubt;
    struct keyspace_tally tally;
    struct keyspace_tally tally_before; /* the read outside apply */
    struct buf key;                     /* the state key being worked on */
    struct buf expected;                /* state keys: see keyspace_expect() */
    struct session_row session;         /* that the entry's requests move on */
    struct upload *uploads;             /* upload.c: those seen, one a node */
};

/* Inside an entry: removes a row by its state key, if it is there, and
 * counts it. */
void keyspace_remove(struct keyspace *ks, struct bytes state_key);
/* The same for one that the store has, with this expiry, which has come: it is
 * not read. False if the entry has touched it before: nothing is done then. */
MUST_USE bool keyspace_remove_unread(struct keyspace *ks,
                                     struct bytes state_key, int64_t expire_ms);

#endif
