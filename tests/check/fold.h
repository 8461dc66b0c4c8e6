/*
 * The fold: the state machine written a second time, plainly and without a
 * look at src/data and src/cmd. It is given the committed log, entry by entry,
 * and says what each request has to answer, what each key holds at each index,
 * and which request of each node was executed last. The state of a replica has
 * to be what the fold of its log is (I17); a request is executed at most once,
 * in its place, and a repeated one gets the first answer (X9).
 *
 * It keeps every version of every key, so that a read at any index can be
 * judged, and so its memory grows with the log: it is for runs of a bounded
 * length. It knows the commands named in fold_command.c; another one is a
 * violation ("limit: ...").
 *
 * The first breach is kept: `violation` points to a constant text; the rest is
 * then undefined.
 */
#ifndef CHECK_FOLD_H
#define CHECK_FOLD_H

#include "base/buf.h"
#include "base/map.h"
#include "check/fold_coll.h"
#include "codec/entry.h"

#define FOLD_ARGS_MAX     24
#define FOLD_SESSIONS_MAX RAFT_NODES_MAX

/* A value of a key from an index on. */
struct fold_version {
    raft_index index;
    bool present;
    int64_t expire_ms; /* 0: never */
    uint64_t hash;
    uint64_t len;        /* bytes, or elements */
    enum fold_type type; /* of a collection: hash is fold_coll_hash() */
    int64_t due_ms;      /* of a hash: when a field expires; 0: none does */
};

struct fold_key {
    struct buf value;       /* of the newest version: a string */
    struct fold_coll *coll; /* or this */
    bool unswept; /* fields have expired; a sweep may have been there or not */
    bool maybe;   /* the last field is gone; till then it may be there */
    struct fold_version *versions;
    size_t count;
    size_t cap;
};

struct fold_session {
    node_id node;
    uint64_t incarnation;
    uint64_t last_seq;
    uint32_t life; /* as the members have it: earlier ones are over */
    bool member;
};

/* What has come of a large request of a node. */
struct fold_upload {
    struct buf bytes;
    uint64_t number;
    uint64_t total;
    uint64_t part; /* bytes of the first */
};

/* A request that takes effect. */
struct fold_request {
    node_id node;
    uint64_t incarnation;
    uint64_t seq;
    raft_index index;
    uint32_t pos;  /* among those of its entry */
    bool internal; /* the node's own: nobody is answered */
    const struct bytes *argv;
    uint32_t argc;
};

/* A reply that is 0 or 1: which one, a sweep decides that nobody foresees. */
#define FOLD_EITHER BYTES_LIT(":?\r\n")

struct fold_events {
    void *ctx;
    /* Where its reply goes (RESP2, appended); NULL: nowhere. May be NULL. */
    struct buf *(*execute)(void *ctx, const struct fold_request *r);
};

struct fold {
    struct fold_events events;
    struct map keys;  /* struct fold_key */
    struct map once;  /* first answers, by client name */
    raft_index head;  /* the last entry */
    int64_t *times;   /* of entries, by index */
    int64_t *offsets; /* of the wall clock to them */
    size_t times_cap;
    struct fold_session sessions[FOLD_SESSIONS_MAX];
    struct fold_upload uploads[FOLD_SESSIONS_MAX]; /* of the sessions */
    uint32_t session_count;
    int64_t due_ms;     /* no field expires before; 0: none does */
    bool members_known; /* an entry has said who they are */
    uint16_t level;     /* in force; 0: no entry has said anything */
    uint64_t executed;
    uint64_t skipped; /* repeated, or behind a gap */
    uint64_t outside; /* of nodes that are no members, of lives that are over */
    uint64_t once_same; /* answered by a kept answer */
    uint64_t large;     /* requests that came in parts */
    const char *violation;
};

void fold_init(struct fold *f, const struct fold_events *events);
void fold_release(struct fold *f);

/* The entry at head + 1. */
void fold_entry(struct fold *f, const struct entry *e);

/* The session of a node; all zero if there is none. */
struct fold_session fold_session(const struct fold *f, node_id node);
struct fold_key *fold_key(struct fold *f, struct bytes name, bool make);
/* The version in force at an index; NULL: none yet. */
const struct fold_version *fold_version_at(const struct fold_key *k,
                                           raft_index at);
/* The same if it is alive by the log's time there; else NULL. */
const struct fold_version *
fold_alive_at(const struct fold *f, const struct fold_key *k, raft_index at);
/* Is this what a read command (get, strlen, exists, pexpiretime, and of
 * collections those that tell all or count) answers about that version (NULL:
 * no value) at that index, in RESP2? */
bool fold_read_matches(const struct fold *f, raft_index at,
                       struct bytes command, struct bytes reply,
                       const struct fold_version *v);

/* fold_keys.c: what fields have come to their time by that of an entry is
 * gone, and the key has another version from here on. */
void fold_expire_fields(struct fold *f, int64_t time_ms);

/* fold_command.c: one command at an entry's time; false: it is not known. */
bool fold_command(struct fold *f, const struct bytes *argv, uint32_t argc,
                  int64_t time_ms, struct buf *reply);

#endif
