/*
 * A cluster of nodes in one process, for the unit tests: stores in memory, a
 * network of one queue, disks that complete when they are told to, clients,
 * and a clock that is a number. What happens next is drawn from a seed, so
 * that a run can be repeated; the fields that are called knobs may be set at
 * any time.
 */
#ifndef TESTS_WORLD_CLUSTER_H
#define TESTS_WORLD_CLUSTER_H

#include "base/rng.h"
#include "node/node.h"
#include "store/store_memory.h"
#include "world/world_disk.h"
#include "world/world_net.h"
#include "world/world_start.h"

#define CLUSTER_NODES     3
#define CLUSTER_CLIENTS   64
#define CLUSTER_QUEUE_MAX 4096

struct cluster;

struct cluster_node {
    struct cluster *cluster;
    uint32_t id;
    struct store *store; /* made at the first start, unless a test has */
    struct node *node;   /* NULL: crashed */
    struct world_disk disk;
    uint64_t incarnation;
    char failure[256]; /* what fatal() said */
};

struct cluster_client {
    struct resp_writer writer;
    struct buf out;            /* replies */
    uint32_t asked;            /* submits */
    uint32_t answered;         /* reply_done calls */
    uint32_t reads_ready;      /* read_ready calls */
    int read_error;            /* of the last of them */
    struct cluster_node *home; /* NULL: that has crashed */
    const char *read_key;      /* what read_ready looks up; NULL: nothing */
};

struct cluster {
    uint64_t rng;
    int64_t now_ms;
    struct cluster_node nodes[CLUSTER_NODES];
    uint32_t count;
    struct world_queue queue; /* all messages, as they were sent */
    struct cluster_client clients[CLUSTER_CLIENTS];
    uint32_t client_count;
    /* Knobs. */
    int64_t wall_off_ms[CLUSTER_NODES]; /* what a node's wall clock is off */
    uint64_t pending_bytes_max;         /* 0: as usual; for the next start */
    bool cut[CLUSTER_NODES][CLUSTER_NODES]; /* nothing goes from a to b */
    bool no_bulk[CLUSTER_NODES];            /* nothing large reaches it */
    bool frozen;                            /* time stands still */
    bool stalled[CLUSTER_NODES];            /* its disk does not finish */
};

/* --- cluster.c: nodes, links, turns --------------------------------------- */

/* Without nodes: for knobs that must be set before they start. */
void cluster_prepare(struct cluster *c, uint32_t count, uint64_t seed);
void cluster_start_all(struct cluster *c);
/* Both. */
void cluster_init(struct cluster *c, uint32_t count, uint64_t seed);
void cluster_release(struct cluster *c);

/* What a node of this cluster works with. */
struct node_env cluster_env(struct cluster_node *t);
void cluster_start(struct cluster *c, uint32_t id);
/* Power off: of what was not synced `keep` batches survive. */
void cluster_crash_keep(struct cluster *c, uint32_t id, uint32_t keep);
/* The same with a random part lost; the state may have reached the disk
 * before the log has. */
void cluster_crash(struct cluster *c, uint32_t id);
/* Tells both nodes that their link is up, or down. */
void cluster_link(struct cluster *c, uint32_t a, uint32_t b, bool up);

/* Delivers message i of the queue, unless its link or target is gone. */
void cluster_deliver(struct cluster *c, uint32_t i);
/* Delivers all messages of a type of frame, in their order. */
void cluster_deliver_type(struct cluster *c, uint8_t frame_type);
/* The disk of a node has finished what it was asked for, if anything. */
void cluster_disk_complete(struct cluster_node *t);
/* Time and end of turn for every node. */
void cluster_flush(struct cluster *c);
/* One turn: some messages in the order of their links, disks, time, flush. */
void cluster_turn(struct cluster *c);
void cluster_run(struct cluster *c, uint32_t turns);

/* --- cluster_wait.c: what the nodes have come to -------------------------- */

/* The leader of the highest term; -1: none. */
int cluster_leader(struct cluster *c);
/* Turns until a leader serves; its position, or -1. */
int cluster_elect(struct cluster *c);
raft_index cluster_applied(struct cluster *c, uint32_t id);
/* These take turns, and fail by an assertion after very many. */
void cluster_wait_applied(struct cluster *c, uint32_t id, raft_index index);
/* All nodes have applied the same, and have a leader. */
void cluster_wait_equal(struct cluster *c);
/* Whether the state of all nodes is the same, to the byte. */
bool cluster_is_equal(struct cluster *c);

/* --- cluster_client.c ----------------------------------------------------- */

struct cluster_client *cluster_client_new(struct cluster *c, uint32_t home);
/* Submits a command, words with one space between them. */
int cluster_submit(struct cluster_client *tc, const char *line);
/* Turns until it has all its answers; an assertion after very many. */
void cluster_wait_answered(struct cluster *c, struct cluster_client *tc);
/* As many appends of one byte to the key k, one after the other, by a client
 * of its own. */
void cluster_write(struct cluster *c, uint32_t home, int count);
/* For the nodes of the cluster: what they tell their clients. */
void cluster_client_events(struct node_events *e);

#endif
