/*
 * The inside of struct keyspace, for the files of this room only.
 */
#ifndef DATA_KEYSPACE_INTERNAL_H
#define DATA_KEYSPACE_INTERNAL_H

#include "data/keyspace.h"
#include "data/records.h"
#include "data/session.h"

struct keyspace {
    struct records records;
    struct applied applied; /* the last committed entry */
    struct applied entry;   /* the one being applied */
    struct keyspace_count counts[KEYSPACE_DATABASES];
    uint32_t counts_changed; /* bit per database, in this entry */
    int64_t read_time_ms;
    int64_t rows_from_ms; /* no row of the expiry index is before it */
    bool in_doubt;
    struct buf key;      /* the state key being worked on */
    struct buf expected; /* state keys: see keyspace_expect() */

    /* The session that the entry's requests move on, as it is by now; written
     * to its record when another one's turn has come, and by the commit. */
    node_id session_node; /* NODE_NONE: none */
    struct session session;
};

/* Writes the entry's session to its record. */
void session_settle(struct keyspace *ks);

/* Inside an entry: removes a record by its state key, if it is there, and
 * counts it. */
void keyspace_remove(struct keyspace *ks, struct bytes state_key);

#endif
