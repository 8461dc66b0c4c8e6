/*
 * A cluster of cores in memory: logs, disks that forget what was not synced,
 * messages in flight, and a checker that knows more than any node. Used by the
 * interaction scripts and by the randomized test of tests/unit/raft.
 *
 * Nothing happens by itself: the caller delivers messages, completes writes,
 * moves clocks. After every step the checker compares all nodes with ghost
 * state, as tests/check does; the first violation is kept as a text in
 * `failure`. Entries carry no payload but a hash of themselves and everything
 * before them, so two entries are equal if and only if their prefixes are.
 */
#ifndef SCRIPT_CLUSTER_H
#define SCRIPT_CLUSTER_H

#include "base/buf.h"
#include "raft/raft.h"

#define CLUSTER_LOG_MAX    4096 /* entries of one log */
#define CLUSTER_WIRE_MAX   512  /* messages in flight */
#define CLUSTER_WRITES_MAX 256  /* writes of one node under way */
#define CLUSTER_CHUNK_MAX  16   /* entries of one append or proposal */
#define CLUSTER_TERMS_MAX  8192
#define CLUSTER_READS_MAX  4096
#define CLUSTER_FORKS_MAX  24 /* different terms seen at one index */
#define CLUSTER_CHANGES    32 /* of the members */

struct entry {
    raft_term term;
    uint64_t hash;   /* of this entry and all before it */
    uint32_t change; /* of the members, from 1 on; 0: none */
};

/* A log with the hard state; the entries before `first` were cut. */
struct image {
    raft_term term;
    node_id vote;
    bool recovering; /* see raft_recover.c */
    raft_index first;
    raft_index last;
    struct entry log[CLUSTER_LOG_MAX + 1]; /* [0] stands before the first */
};

struct pending_write {
    struct raft_write write;
    raft_index last; /* of the log when this was written */
    struct entry entries[CLUSTER_CHUNK_MAX];
};

struct node {
    bool up;
    uint64_t incarnation;
    int64_t now_ms;
    struct raft core;
    struct image live; /* as the node believes it to be */
    struct image disk; /* what survives a crash */
    struct pending_write writes[CLUSTER_WRITES_MAX];
    uint32_t write_count;
    raft_index commit_known; /* largest commit index of all its lives */
};

struct wire {
    uint32_t id;
    struct raft_message m;
    struct entry entries[CLUSTER_CHUNK_MAX];
};

struct ghost {
    uint32_t leaders[CLUSTER_TERMS_MAX]; /* position + 1, by term */
    uint32_t votes[RAFT_NODES_MAX][CLUSTER_TERMS_MAX];
    struct entry created[CLUSTER_LOG_MAX + 1][CLUSTER_FORKS_MAX];
    uint64_t committed[CLUSTER_LOG_MAX + 1]; /* hashes */
    raft_index commit;
    raft_index reads[CLUSTER_READS_MAX]; /* commit when it began, by id */
    uint64_t payload;
    /* What the disks had before they lost it: promises that may still count
     * for those who got them. */
    uint32_t lost_votes[RAFT_NODES_MAX][CLUSTER_TERMS_MAX];
    struct image lost[RAFT_NODES_MAX];
    uint64_t lost_in[RAFT_NODES_MAX]; /* the last incarnation that had it */
};

struct cluster {
    uint32_t count;
    struct raft_config config;   /* the part that all nodes share */
    struct raft_members members; /* at the beginning: all nodes */
    /* What their roles became: all nodes stay members. */
    struct raft_members changes[CLUSTER_CHANGES];
    uint32_t change_count;
    struct node nodes[RAFT_NODES_MAX];
    bool cut[RAFT_NODES_MAX][RAFT_NODES_MAX]; /* from, to */
    struct wire wires[CLUSTER_WIRE_MAX];
    uint32_t wire_count;
    uint32_t wire_ids;
    struct ghost ghost;
    struct raft_out out;
    char failure[256]; /* "" while everything holds */
    struct buf *trace; /* may be NULL; lines of what happens */
    bool trace_all;    /* messages and writes as well */
    bool handshake;    /* a link that comes up tells the incarnation */
    uint64_t commits, elections, reads_done, crashes; /* what a run saw */
};

/* Zeroed memory; `config` without self and incarnation: the members are
 * first_id .. first_id + count - 1. All are up, with empty disks. */
struct cluster *cluster_new(const struct raft_config *config, uint32_t count,
                            node_id first_id, int64_t now_ms);
void cluster_free(struct cluster *c);

/* One event for the core of nodes[pos], with everything that follows. */
void cluster_step(struct cluster *c, uint32_t pos, struct raft_event event);
/* A step of this type without fields, and FLUSH. */
void cluster_flush(struct cluster *c, uint32_t pos);
void cluster_tick(struct cluster *c, uint32_t pos, int64_t ms);
void cluster_propose(struct cluster *c, uint32_t pos, uint32_t count);
/* These vote from now on, and those did before; bits by position. */
void cluster_change(struct cluster *c, uint32_t pos, uint32_t voters,
                    uint32_t outgoing);
/* The newest in the log as the node believes it to be; *at: its entry, or 0. */
const struct raft_members *cluster_members(const struct cluster *c,
                                           const struct image *image,
                                           raft_index below, raft_index *at);
void cluster_read(struct cluster *c, uint32_t pos, uint64_t read_id);
/* Completes the oldest `count` writes, as one sync. */
void cluster_durable(struct cluster *c, uint32_t pos, uint32_t count);
/* Hands over wires[i]; it is gone from the list, unless `keep`. */
void cluster_deliver(struct cluster *c, uint32_t i, bool keep);
void cluster_drop(struct cluster *c, uint32_t i);
/* The unsynced writes but the first `kept` are lost. */
void cluster_crash(struct cluster *c, uint32_t pos, uint32_t kept);
void cluster_restart(struct cluster *c, uint32_t pos, raft_index applied);
/* The disk of a node that is down loses vote, term and the entries behind
 * `last`; the node will start recovering. */
void cluster_lose(struct cluster *c, uint32_t pos, raft_index last);
/* PEER_UP or PEER_DOWN of `peer` at nodes[pos]. */
void cluster_link(struct cluster *c, uint32_t pos, uint32_t peer, bool up);
/* Delivers and syncs until nothing is under way (or `limit` steps). */
void cluster_settle(struct cluster *c, uint32_t limit);
/* All clocks by `ms`, in small steps, everything delivered meanwhile. */
void cluster_run(struct cluster *c, int64_t ms);
/* Makes nodes[pos]'s disk hold these terms from index 1 on. */
void cluster_write_log(struct cluster *c, uint32_t pos, const raft_term *terms,
                       uint32_t count);
/* Compares all logs with each other and with what was committed. */
void cluster_check(struct cluster *c);
/* Position of the leader with the highest term, or -1. */
int cluster_leader(const struct cluster *c);

#endif
