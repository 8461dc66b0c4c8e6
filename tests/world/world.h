/*
 * A cluster of nodes in one process, for the unit tests: stores in memory, a
 * network of one queue, disks that complete when they are told to, clients,
 * and a clock that is a number. What happens next is drawn from a seed, so
 * that a run can be repeated; the fields that are called knobs may be set at
 * any time.
 */
#ifndef TESTS_WORLD_WORLD_H
#define TESTS_WORLD_WORLD_H

#include "base/rng.h"
#include "node/node.h"
#include "store/store_memory.h"
#include "world/world_boot.h"
#include "world/world_disk.h"
#include "world/world_net.h"

#define WORLD_NODES     3 /* as usual */
#define WORLD_NODES_MAX 8
#define WORLD_CLIENTS   64
#define WORLD_QUEUE_MAX 4096

struct world;

struct world_node {
    struct world *world;
    uint32_t id;
    struct store *store; /* made at the first start, unless a test has */
    struct node *node;   /* NULL: crashed */
    struct world_disk disk;
    uint64_t incarnation;
    uint32_t life; /* knob: that its next start begins; 0: none */
    /* Knob: who the members are as long as its log does not say; count 0: the
     * founders. */
    struct configuration founding;
    uint16_t level_max; /* of its program; 0: as usual */
    bool removed;       /* it has ended as it is no member any more */
    char failure[256];  /* what fatal() said */
    int failed_by;      /* and for what error */
};

struct world_client {
    struct resp_writer writer;
    struct buf out;          /* replies */
    uint32_t asked;          /* submits */
    uint32_t answered;       /* reply_done calls */
    uint32_t reads_ready;    /* read_ready calls */
    int read_error;          /* of the last of them */
    struct world_node *home; /* NULL: that has crashed */
    const char *read_key;    /* what read_ready looks up; NULL: nothing */
    const struct node_submit *large; /* submitted again until it is taken */
    uint32_t again;                  /* so many times */
    int large_error;                 /* of the last time */
};

struct world {
    uint64_t rng;
    int64_t now_ms;
    struct world_node nodes[WORLD_NODES_MAX];
    uint32_t count;
    struct world_queue queue; /* all messages, as they were sent */
    struct world_client clients[WORLD_CLIENTS];
    uint32_t client_count;
    /* Knobs. */
    uint32_t founders;                    /* the first so many; 0: all */
    int64_t wall_off_ms[WORLD_NODES_MAX]; /* what a node's wall clock is off */
    int64_t mono_off_ms[WORLD_NODES_MAX]; /* its monotonic one; only grows */
    uint64_t pending_bytes_max;           /* 0: as usual; for the next start */
    uint64_t upload_above;                /* the same; as usual: very much */
    uint64_t refill_part_bytes;           /* the same */
    bool cut[WORLD_NODES_MAX][WORLD_NODES_MAX]; /* nothing goes from a to b */
    bool no_bulk[WORLD_NODES_MAX];              /* nothing large reaches it */
    bool no_transfers;                          /* nothing of a state arrives */
    uint16_t level_max[WORLD_NODES_MAX]; /* of its next program; 0: as usual */
    bool nonces;                         /* nodes say each start of theirs */
    bool frozen;                         /* time stands still */
    bool stalled[WORLD_NODES_MAX];       /* its disk does not finish */
};

/* --- world.c: nodes, links, turns --------------------------------------- */

/* Without nodes: for knobs that must be set before they start. */
void world_prepare(struct world *w, uint32_t count, uint64_t seed);
void world_start_all(struct world *w);
/* Both. */
void world_init(struct world *w, uint32_t count, uint64_t seed);
void world_release(struct world *w);

/* What a node of this cluster works with. */
struct node_env world_env(struct world_node *t);
void world_start(struct world *w, uint32_t id);
/* Power off: of what was not synced `keep` batches survive. */
void world_crash_keep(struct world *w, uint32_t id, uint32_t keep);
/* The same with a random part lost; the state may have reached the disk
 * before the log has. */
void world_crash(struct world *w, uint32_t id);
/* Power off, and the directory is emptied. */
void world_wipe(struct world *w, uint32_t id);
/* Takes turns in which a directory asks all others to let it be this node; an
 * assertion if it is not granted a life after very many. */
void world_ask(struct world *w, uint32_t id, uint64_t directory,
               struct grant *out);
/* What such a directory asks. */
struct admit world_admit(uint32_t id, uint64_t directory);
/* Tells both nodes that their link is up, or down. */
void world_link(struct world *w, uint32_t a, uint32_t b, bool up);

/* Delivers message i of the queue, unless its link or target is gone. */
void world_deliver(struct world *w, uint32_t i);
/* Delivers all messages of a type of frame, in their order. */
void world_deliver_type(struct world *w, uint8_t frame_type);
/* The disk of a node has finished what it was asked for, if anything. */
void world_complete_sync(struct world_node *t);
/* Time and end of turn for every node. */
void world_flush(struct world *w);
/* One turn: some messages in the order of their links, disks, time, flush. */
void world_turn(struct world *w);
void world_run(struct world *w, uint32_t turns);

/* --- world_wait.c: what the nodes have come to -------------------------- */

/* The leader of the highest term; -1: none. */
int world_leader(struct world *w);
/* A value that node i, which runs, measures of itself. */
int64_t world_measured(const struct world *w, uint32_t i, enum metric_id id);
/* Turns until a leader serves; its position, or -1. */
int world_elect(struct world *w);
raft_index world_applied(struct world *w, uint32_t id);
/* These take turns, and fail by an assertion after very many. */
void world_wait_applied(struct world *w, uint32_t id, raft_index index);
/* All nodes have applied the same, and have a leader. */
void world_wait_equal(struct world *w);
/* Whether the state of all nodes is the same, to the byte. */
bool world_is_equal(struct world *w);

/* --- world_client.c ----------------------------------------------------- */

struct world_client *world_client_new(struct world *w, uint32_t home);
/* Submits a command, words with one space between them. */
int world_submit(struct world_client *tc, const char *line);
/* Submits a large request, which stays the caller's, until it is taken or
 * refused. */
void world_submit_large(struct world_client *tc, const struct node_submit *s);
/* Turns until it has all its answers; an assertion after very many. */
void world_wait_answered(struct world *w, struct world_client *tc);
/* As many appends of one byte to the key k, one after the other, by a client
 * of its own. */
void world_write(struct world *w, uint32_t home, int count);
/* For the nodes of the cluster: what they tell their clients. */
void world_client_events(struct node_events *e);

#endif
