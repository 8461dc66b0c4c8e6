/*
 * The invariants of Raft as a monitor beside real cores.
 *
 * `struct check` is ghost state: what was promised, by whom, and what is on
 * whose disk. It is fed with every transition of every core and compares what
 * the core did with what it may do. The names are those of the invariant
 * table, see README.md. One code serves the explorer (a few terms and
 * entries, copied with an assignment), a simulator and a reader of traces;
 * they choose the limits below.
 *
 * Verdi's ghost logs are one table here: logs[t] is the log of the leader of
 * term t, as hashes of prefixes. An entry (t, i) is legitimate exactly where
 * the hash of the whole log up to it equals logs[t].hash[i]; one comparison
 * shows log matching, provenance and contents.
 *
 * Nothing here allocates or does I/O. The first breach is kept: `violation`
 * points to a constant text "NAME what happened"; the rest is then undefined.
 */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "raft/raft.h"

#ifndef CHECK_TERMS_MAX
#define CHECK_TERMS_MAX 256 /* terms are below */
#endif
#ifndef CHECK_LOG_MAX
#define CHECK_LOG_MAX 4096 /* indexes are at most this */
#endif
#ifndef CHECK_WRITES_MAX
#define CHECK_WRITES_MAX 64 /* writes under way on one node */
#endif
#ifndef CHECK_CHUNK_MAX
#define CHECK_CHUNK_MAX 64 /* entries in one write */
#endif
#ifndef CHECK_TAIL_MAX
#define CHECK_TAIL_MAX CHECK_LOG_MAX /* entries compared after each step */
#endif
#ifndef CHECK_READS_MAX
#define CHECK_READS_MAX 1024 /* read ids are below */
#endif

#ifndef CHECK_CHANGES_MAX
#define CHECK_CHANGES_MAX 64 /* entries that change the members */
#endif

struct check_entry {
    raft_term term;
    uint64_t hash; /* of this entry and all before it */
};

struct check_log {
    raft_index last;
    raft_index cut; /* of what is up to here there is only the state */
    struct check_entry at[CHECK_LOG_MAX + 1]; /* [0] is the empty prefix */
};

/* A write that is not yet known to be durable. */
struct check_write {
    bool hard_state;
    raft_term term;
    node_id vote;
    raft_index truncate_from;
    bool recovered;
    raft_index restore_index;
    bool restore_keeps_log;
    raft_index append_first;
    raft_index append_last;
    struct check_entry entries[CHECK_CHUNK_MAX];
};

struct check_node {
    uint64_t incarnation;
    struct check_log live; /* as the core believes */
    struct check_log disk; /* what survives a crash now */
    raft_term disk_term;
    node_id disk_vote;
    bool disk_recovering;  /* promises were lost: see raft_recover.c */
    uint64_t lost_in;      /* the last incarnation before that; 0: never */
    struct check_log lost; /* the disk before that */
    struct check_write writes[CHECK_WRITES_MAX]; /* oldest first */
    uint32_t write_count;
    raft_index applied;
};

/* The log of the leader of a term. */
struct check_leader {
    bool known;
    uint32_t pos;     /* who */
    raft_index start; /* index of the first entry it made */
    raft_index last;
    uint64_t hash[CHECK_LOG_MAX + 1];
};

/* An entry that changes the members; term and index say which one it is. */
struct check_change {
    raft_term term;
    raft_index index;
    struct raft_members members;
};

struct check {
    uint32_t count;
    node_id ids[RAFT_NODES_MAX]; /* of the nodes, by position */
    struct raft_members members; /* before any entry that changes them */
    struct check_node nodes[RAFT_NODES_MAX];
    /* Of the two selves of a node the one that does nothing now: its old
     * process with its disk, or the one that began without it. */
    struct check_node twin;
    struct check_leader logs[CHECK_TERMS_MAX];
    /* votes[n][t]: NODE_NONE, or whom n told that it has its vote. */
    node_id votes[RAFT_NODES_MAX][CHECK_TERMS_MAX];
    /* The same of those that its disk has lost since, plus 1; 0: none. */
    uint64_t votes_lost[RAFT_NODES_MAX][CHECK_TERMS_MAX];
    uint64_t twin_of; /* position of the node that has two, plus 1; or 0 */
    node_id twin_votes[CHECK_TERMS_MAX];
    raft_index commit; /* largest index that anybody committed */
    struct check_entry committed[CHECK_LOG_MAX + 1];
    raft_term committed_in[CHECK_LOG_MAX + 1]; /* term of who did it first */
    raft_index reads[CHECK_READS_MAX]; /* commit + 1 when asked; 0: free */
    struct check_change changes[CHECK_CHANGES_MAX]; /* by term, then index */
    uint32_t change_count;
    const char *violation;
};

/* One call of raft_step() on the core of node `pos`. */
struct check_step {
    uint32_t pos;
    const struct raft *before;
    const struct raft *after;
    const struct raft_event *event;
    const struct raft_out *out;
    /* One number for each entry that out->write appends, which stands for its
     * contents; NULL: the contents are not compared. */
    const uint64_t *payloads;
};

/* All disks are empty; nobody runs. A position here is one in ids, which are
 * those of all nodes there are, members or not. All are voters. */
void check_init(struct check *c, const node_id *ids, uint32_t count);

/* What a node has to be started with whose state, and log, are this one. */
void check_members(const struct check *c, const struct check_log *log,
                   struct raft_start *start);

/* The members that a state with all that is committed up to index has, and
 * the index of their entry. */
const struct raft_members *check_members_of(const struct check *c,
                                            raft_index index, raft_index *at);

/* The entry of an append that changes the members, or NULL. */
const struct check_change *check_change_in(const struct check *c,
                                           const struct raft_message *m);

/* A core was started from its disk (also the first time). */
void check_start(struct check *c, uint32_t pos, const struct raft *core);
/* Then: its state has the entries up to this one. Members that an entry made
 * may have shown more of its log to be committed. */
void check_state_found(struct check *c, uint32_t pos, raft_index applied);

/* After raft_step(). */
void check_step(struct check *c, const struct check_step *s);

/* The oldest `count` writes are durable; before the core is told. */
void check_synced(struct check *c, uint32_t pos, uint32_t count);

/* The process died; of its writes the first `kept` had reached the disk. */
void check_crash(struct check *c, uint32_t pos, uint32_t kept);

/* The disk of node `pos`, which is down, lost what it promised: it has this
 * term and vote (its own, or none), and no entries behind `last`. The node
 * knows that it must recover (X13). What was promised may still count for
 * those who got it. */
void check_lost(struct check *c, uint32_t pos, raft_term term, node_id vote,
                raft_index last);

/* Node `pos` begins anew, with nothing, or an older copy of its disk, up to
 * entry `last`, and knows that it must recover, or does not; its old self lives
 * on as its twin. One node may do so. */
void check_wiped(struct check *c, uint32_t pos, raft_index last, bool knows);
/* The other self of that node does the next steps. */
void check_swap(struct check *c);

/* Node `pos` applied the entry at index. */
void check_applied(struct check *c, uint32_t pos, raft_index index);

/* Invariants between nodes; cores[i] NULL: node i is down. */
void check_cluster(struct check *c, const struct raft *const cores[]);

/* Hash of a prefix, from that of the one before. */
uint64_t check_hash(uint64_t before, raft_term term, uint64_t payload);

#endif
