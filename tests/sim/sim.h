/*
 * The simulator: whole nodes on a simulated network, disk and clock.
 *
 * One seed is one run. Everything that happens is an event with a time in
 * microseconds; nothing reads a clock, an address or the environment, so a run
 * repeats itself to the byte. What is real: everything from src/node down.
 * What is simulated: the links between members (sim_net.c), the disk under the
 * store (sim_disk.c), processes, their loop and their clocks (sim_node.c),
 * clients (sim_client.c), and the faults of all of them (sim_fault.c).
 *
 * Three oracles watch: the ghost log (sim_ghost.c: what Raft promises, seen in
 * what reaches disk and network), the fold (sim_oracle.c: an independent
 * state machine that predicts every reply), and the phases (sim_phase.c:
 * liveness and convergence once faults end).
 *
 * A breach ends the run with sim_fail(), which does not return.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/alloc.h"
#include "base/map.h"
#include "base/rng.h"
#include "check/check_bound.h"
#include "check/check_client.h"
#include "check/check_state.h"
#include "check/fold.h"
#include "node/node_internal.h"
#include "sim_kinds.h"
#include "store/store_memory.h"
#include "world/world_boot.h"
#include "world/world_disk.h"
#include "world/world_net.h"

#include <setjmp.h>

#define SIM_NODES_MAX   5
#define SIM_PAIRS_MAX   (SIM_NODES_MAX * (SIM_NODES_MAX - 1) / 2)
#define SIM_CLIENTS_MAX 24
#define SIM_MS          INT64_C(1000)
#define SIM_S           INT64_C(1000000)
#define SIM_WALL_MS     INT64_C(1700000000000) /* of a right wall clock at 0 */

enum sim_event_kind {
    EV_TURN,      /* a: node; gen */
    EV_DELIVER,   /* a: pair, b: direction and priority */
    EV_LINK_TRY,  /* a: pair; gen */
    EV_LINK_UP,   /* a: pair, b: side; gen: epoch */
    EV_LINK_DOWN, /* a: pair, b: side; gen: epoch */
    EV_CUT_END,   /* a: pair, b: direction; gen */
    EV_CUT_SEEN,  /* a: pair, b: side; gen: epoch */
    EV_SYNCED,    /* a: node; gen: incarnation of the disk */
    EV_FLUSHED,   /* a: node; gen: same */
    EV_START,     /* a: node; gen */
    EV_THAW,      /* a: node; gen */
    EV_UNBLINK,   /* a: node */
    EV_CLIENT,    /* a: client; gen */
    EV_FAULT,     /* a: kind */
    EV_TEND,      /* operators look after processes */
    EV_PHASE,
    EV_MISSED, /* a: node; gen: a copy has met nobody who knows it */
    EV_OLDER,  /* a: node: to get the older program */
    EV_KIND_COUNT,
};

struct sim_event {
    int64_t at_us;
    uint64_t order; /* of those at the same time */
    uint64_t gen;
    enum sim_event_kind kind;
    uint32_t a, b;
};

struct sim_heap {
    struct sim_event *items;
    size_t count;
    size_t cap;
    uint64_t order;
};

/* --- network -------------------------------------------------------------- */

/* Messages are those of tests/world; their `link` is the epoch. */
struct sim_queue {
    struct world_queue messages;
    int64_t last_us; /* arrival of the last one: order is kept */
};

enum sim_damage { DAMAGE_NONE, DAMAGE_TORN, DAMAGE_FLIP };

/* From side d to side 1 - d. */
struct sim_direction {
    struct sim_queue queues[TRANSPORT_PRIORITIES];
    uint64_t bytes;            /* sent and not yet taken by the receiver */
    uint64_t background_bytes; /* the same, in the background */
    int64_t free_us;           /* when the wire is free for more bulk */
    int64_t hold_us;           /* nothing arrives before: TCP keeps the order */
    bool cut;
    uint64_t cut_gen;
    enum sim_damage damage; /* to the next frame */
};

struct sim_side {
    bool up;             /* as told to the node */
    uint64_t epoch;      /* of the link it is up with */
    uint64_t dead_epoch; /* it has closed this one and all before */
    uint64_t peer_incarnation;
    uint16_t peer_level; /* that its program knows */
};

struct sim_pair {
    uint32_t nodes[2]; /* of side 0, 1 */
    uint64_t epoch;
    uint64_t try_gen;
    int64_t backoff_us;
    bool trying;
    struct sim_side sides[2];
    struct sim_direction dirs[2];
};

/* --- ghost ---------------------------------------------------------------- */

/* An entry as it was first written, by the leader of its term. */
struct ghost_entry {
    struct ghost_entry *next; /* another one at this index */
    raft_term term;
    uint64_t chain;
    uint64_t seed;
    uint64_t made;     /* how many had been made, with this one */
    uint32_t promised; /* mask: on disks that have lost it since */
    int64_t time_ms;
    int64_t wall_offset_ms;
    int64_t ahead_us; /* see sim_time.c */
    int64_t made_us;
    uint8_t kind;
    struct buf payload;
};

struct ghost_log {
    raft_index first;
    raft_index last;
    uint64_t prev_chain; /* of the entry before the first */
    const struct ghost_entry **at;
    size_t cap;
};

enum ghost_effect_kind {
    EFFECT_APPEND,
    EFFECT_TRUNCATE,
    EFFECT_START,
    EFFECT_RESTART, /* the same of a log of which nothing is left */
    EFFECT_HARD,
    EFFECT_WHOLE, /* the end of a refill */
    EFFECT_STATE, /* another state is in use */
};

struct ghost_effect {
    enum ghost_effect_kind kind;
    uint64_t batch;
    raft_index index; /* or term */
    node_id vote;
    uint64_t chain;
    const struct ghost_entry *entry;
};

/* What one node has written, and what of it is on its disk. */
struct ghost_node {
    struct ghost_log live;
    struct ghost_log disk;
    raft_term live_term, disk_term;
    node_id live_vote, disk_vote;
    struct ghost_effect *effects;
    size_t effect_head, effect_count, effect_cap;
    raft_index commit;
    raft_index applied;
    raft_index flushed;  /* applied, as of the last flush of the state */
    raft_index compared; /* with the fold, whole */
    node_id *votes;      /* by term: what it told */
    size_t votes_cap;
    node_id *votes_lost; /* the same, before its disk lost it */
    size_t votes_lost_cap;
    bool live_lost, disk_lost; /* to be refilled */
    raft_index acked;          /* the largest index it ever acknowledged */
    raft_index had;            /* its disk's end, before it was lost */
    uint32_t lost_life;        /* the last one whose promises it has lost */
    uint64_t made_before;      /* its last start: ghost.made then */
};

/* An entry that says who the members are; the first one: the founders. */
struct ghost_members {
    raft_index index;
    const struct ghost_entry *entry;
    struct configuration configuration;
    struct raft_members members;
};

struct ghost {
    struct ghost_entry **entries; /* by index: all that were ever made */
    const struct ghost_entry **committed;
    raft_term *committed_in; /* by index: term of the leader who did it */
    size_t cap;
    raft_index commit;
    raft_index told;  /* the largest index that may be cut, by any leader */
    node_id *leaders; /* by term */
    size_t leaders_cap;
    uint64_t elections;
    uint64_t made; /* entries */
    struct ghost_members *members;
    size_t members_count, members_cap;
    struct ghost_node nodes[SIM_NODES_MAX];
};

/* --- clients -------------------------------------------------------------- */

#define OP_ARGS_MAX 15

enum op_state { OP_OPEN, OP_DONE, OP_UNKNOWN, OP_REFUSED, OP_DROPPED };

struct sim_op {
    struct sim_op *all;  /* the next one of the run */
    struct sim_op *next; /* in its connection */
    struct sim_conn *conn;
    struct sim_op *origin; /* ONCE: the first attempt, if not this */
    struct sim_op *answer; /* the attempt that was answered first */
    struct bytes argv[OP_ARGS_MAX];
    uint32_t argc;
    uint32_t client;
    bool once;
    bool read;  /* by read index, not through the log */
    bool doubt; /* began as a read */
    bool large; /* it went in parts */
    uint64_t once_id;
    uint32_t node;
    uint64_t incarnation;
    uint64_t seq;
    enum op_state state;
    int64_t invoke_us, return_us;
    raft_index invoke_commit;   /* largest index anybody had committed */
    raft_index executed;        /* 0: not (yet) */
    uint32_t executed_pos;      /* within that entry */
    const struct sim_op *first; /* of all attempts, the one executed first */
    raft_index seen;            /* a read's */
    struct buf expected;        /* by the oracle; a read's: its reply */
    uint8_t text[];
};

/* A connection of a client to one incarnation of a node. */
struct sim_conn {
    struct sim_conn *all;
    struct sim *sim;
    struct sim_client *client;
    uint32_t node;
    uint64_t incarnation;
    bool open;                  /* the client still listens */
    bool queued;                /* its turn stands in the inbox */
    bool change;                /* an operator: of the members */
    enum sim_fault kind;        /* then: this one happens with the reply */
    struct sim_op *head, *tail; /* submitted, unanswered */
    uint32_t outstanding;
    struct sim_op *reads, *reads_tail;
    struct sim_op *large; /* begun, not submitted yet */
    bool reading;         /* node_read() asked */
    bool to_log;          /* the reads left have to go through the log */
    struct buf out;
    struct resp_writer writer;
};

struct sim_client {
    uint32_t id;
    struct sim_conn *conn;
    uint64_t gen;
    int64_t think_us;
    uint32_t depth; /* requests in the pipeline */
    bool probe;     /* asks for liveness only */
    int64_t home;   /* -1: any node */
    uint64_t once_id;
    struct sim_op *retry; /* ONCE: unanswered */
    uint32_t tag;
    uint64_t rng;
};

/* --- nodes ---------------------------------------------------------------- */

enum inbox_kind {
    IN_MESSAGE,
    IN_UP,
    IN_DOWN,
    IN_DISK,
    IN_CLIENT,
    IN_TRANSFER,
    IN_ADMIT,  /* pair: the node that asks, epoch: its directory */
    IN_CHANGE, /* epoch: the fault */
    IN_CLONE,  /* pair: a second process of this node asks */
};

struct inbox_item {
    enum inbox_kind kind;
    uint32_t pair;
    uint32_t side;
    uint64_t epoch;
    uint64_t incarnation;
    uint16_t level;
    struct world_message *message;
    struct sim_conn *conn;
};

struct inbox {
    struct inbox_item *items;
    size_t head, count, cap; /* a ring; cap a power of two */
};

struct sim_disk {
    struct world_disk disk;
    struct store base; /* what the node sees */
    struct store *inner;
    struct sim *sim;
    uint32_t node;
    uint64_t gen;
    uint64_t written; /* logged batches since the inner store's last sync */
    uint64_t durable; /* of them, promised */
    uint64_t covers;  /* by the sync under way */
    int64_t stall_until_us;
    int64_t full_until_us; /* the state */
    bool fail_sync;
    uint64_t fail_write; /* 1: the next logged batch */
    int64_t mark_synced_us;
    raft_index flush_index; /* applied when a flush was asked for */
};

#define CLOCK_FROZEN (-1000000)
#define IMAGES_MAX   4

struct sim_clock {
    int64_t since_us;
    int64_t mono_us; /* then */
    int64_t wall_us; /* added to mono */
    int32_t ppm;     /* CLOCK_FROZEN: it stands still */
    uint64_t thaw_gen;
    int64_t blink_us; /* of wall_us: soon gone again */
    bool suspended;
    int64_t right_us; /* then: the wall clock off the simulated time */
};

/* What was on a disk, and what the ghost knew of that. */
struct sim_image {
    struct store *store; /* NULL: nothing */
    struct ghost_log log;
    raft_term term;
    node_id vote;
    raft_index flushed;
    uint64_t incarnation;
    bool has_mark;
    struct watermark mark;
};

/* A start of another node that this process has met. */
struct sim_seen {
    uint64_t incarnation;
    uint64_t nonce;
};

/* What another node has acknowledged to this process, a while ago, and now. */
struct sim_answered {
    struct receipt known, next;
    int64_t next_ms;
};

enum copy_finding {
    COPY_START,
    COPY_RECEIPT,
    COPY_REPLACED,
    COPY_LOG,
    COPY_FINDINGS,
};

struct sim_node {
    uint32_t id;
    struct node *node; /* NULL: down */
    struct sim_disk *disk;
    uint64_t incarnation;
    bool absent;        /* nobody starts a process here */
    bool removed;       /* its process has ended for that */
    bool blank;         /* its directory has lost its life */
    bool wiped;         /* it is empty */
    uint64_t directory; /* which one of this node's, from 0 on */
    bool joins;         /* it does not ask */
    bool unheard;       /* a life that it begun, perhaps by all */
    uint32_t granted;   /* to it, while it is blank; 0: nothing yet */
    struct configuration granted_members;
    uint32_t life;      /* that was begun last */
    uint64_t nonce;     /* of this start */
    uint16_t level_max; /* that its program knows */
    struct sim_seen seen[SIM_NODES_MAX];
    struct sim_answered answered[SIM_NODES_MAX];
    struct sim_image images[IMAGES_MAX];
    uint32_t image_next;
    bool image_wanted;
    const struct sim_image *copied; /* its disk is that one; NULL: it is not */
    uint32_t copy_tries;
    raft_term copy_term;    /* that it was in before */
    raft_index copy_commit; /* what was committed then */
    struct sim_clock clock;
    struct inbox inbox;
    int64_t busy_until_us;
    int64_t turn_us; /* the turn that is scheduled; INT64_MAX: none */
    uint64_t turn_gen;
    uint64_t start_gen;
    bool expected_death; /* an error was injected */
    int64_t loop_until_us;
    int64_t slow_until_us;
    int64_t short_until_us; /* says its owner of its disk */
    bool broken;            /* in the liveness phase: not healed */
    char failure[160];
    bool time_told; /* this incarnation: it knows the log's time */
    bool hearsay;   /* of another member than its leader */
    raft_term time_term;
    int64_t time_lead_ms; /* in it: the log's time off the monotonic clock */
    uint64_t turns;
    int64_t guard_us;
    uint32_t guard_turns;
    struct sim_op ***ops; /* by start, by seq */
    uint64_t *ops_cap;
    uint64_t starts_cap;
    uint64_t *starts; /* their incarnations, rising */
    uint64_t start_count;
};

/* --- the run -------------------------------------------------------------- */

#define COMPARE_EVERY_MS 1500 /* of the log, in some seeds */
#define SIM_CALM_MS      1000 /* before leadership goes to whom it is wanted */
#define LOG_UNBOUNDED    (UINT64_C(1) << 40)

struct sim_config {
    uint32_t nodes;  /* founders */
    uint32_t spares; /* that may become members */
    uint32_t election_ms, heartbeat_ms, peer_down_ms, disk_timeout_ms;
    uint32_t request_timeout_ms;
    uint64_t entry_bytes_max, pending_bytes_max;
    uint64_t upload_above;                   /* larger requests go in parts */
    uint32_t append_entries_max, window_max; /* 0: as usual */
    uint64_t log_soft, log_hard, log_cache;
    uint32_t once_ttl_s;
    uint64_t queue_bytes; /* per direction */
    int64_t latency_us, jitter_us;
    uint64_t bandwidth; /* bytes per ms; 0: without limit */
    uint32_t tail_ppm;
    int64_t sync_us, flush_us, turn_us;
    uint32_t clients;
    int64_t think_us;
    uint32_t depth_max;
    uint32_t value_max;
    uint32_t big_percent, read_percent, once_percent;
    uint32_t collect_percent; /* of requests, on collections */
    uint32_t collect_type;    /* half of them are on this one */
    uint32_t long_percent;    /* of values of these */
    int64_t safety_us;
    bool on[FAULT_COUNT];
    int64_t every_us[FAULT_COUNT];
};

enum sim_phase {
    PHASE_SAFETY,
    PHASE_LIVE,
    PHASE_AFTER,
    PHASE_DRAIN,
    PHASE_STUCK, /* a majority has lost its disks */
};

struct sim_options {
    uint32_t nodes; /* 0: drawn */
    bool trace;
    bool off[FAULT_COUNT];
    bool must[FAULT_COUNT]; /* of those with a lot of their own */
    int64_t safety_us;      /* 0: drawn */
    uint32_t clients;       /* 0: drawn */
    bool core;              /* the core's monitor, whatever the seed */
};

#define ROLE_COUNT      4
#define LIVE_TENTHS     60
#define COVER_RELATIONS 3 /* a message's term: lower, equal, higher */

enum cover_outcome {
    COVER_ROLE,
    COVER_WRITTEN,
    COVER_SENT,
    COVER_NOTED,
    COVER_NOTHING,
    COVER_OUTCOMES,
};

struct sim_stats {
    uint64_t events, turns, messages, bytes;
    uint64_t faults[FAULT_COUNT];
    uint64_t times, times_by_wall, times_settled, times_told, offsets;
    uint64_t receipts;
    uint64_t copies[COPY_FINDINGS], copies_completed;
    uint64_t clones[COPY_FINDINGS], clones_refused;
    struct {
        uint64_t raised, not_started, not_linked, not_let_in, ended, words;
    } levels;
    uint64_t lost_batches, crashes, disks_lost;
    uint64_t ops, reads, unknown, refused, once_same, doubt, uploads;
    uint64_t commits, elections;
    uint64_t lin_ops, lin_proved, lin_histories, lin_searched;
    uint64_t lin_keys, lin_undecided, core_steps;
    uint64_t collect_ops, collections, trees, tickets;
    uint64_t compared, rows_checked, replayed, mangled, mangled_skipped,
        sent_again;
    uint64_t cuts, limits, truncations, outrun, log_cuts, log_restarts;
    uint64_t fetched; /* states that took the place of another */
    uint64_t changes, changes_done, steps, removed, strangers;
    uint64_t live_runs, live_in_3, live_stuck;
    uint64_t live_tenths[LIVE_TENTHS]; /* by tenths of an election timeout */
    int64_t live_worst_permille;
    uint64_t live_worst_seed;
    uint64_t roles[ROLE_COUNT]; /* turns that ended in it */
    uint64_t covered[RAFT_MSG_TYPE_END][COVER_RELATIONS][ROLE_COUNT]
                    [COVER_OUTCOMES];
    int64_t simulated_us;
};

/* A leader took the log's time from its wall clock. */
struct sim_wall {
    int64_t at_us;
    int64_t ahead_us; /* as in a ghost_entry */
    bool settled;     /* all members have gone by one time since */
};

/* What must not change any more. */
struct stuck {
    uint64_t elections;
    raft_index commit;
    uint64_t grants;
};

struct sim {
    uint64_t seed;
    struct sim_options options;
    struct sim_config config;
    struct sim_stats stats;
    int64_t now_us;
    uint64_t hash;
    struct sim_heap heap;
    uint64_t rng_net, rng_disk, rng_fault, rng_node, rng_client;
    struct sim_node nodes[SIM_NODES_MAX];
    uint32_t count;
    uint32_t members; /* mask: of the end of a run */
    struct sim_pair pairs[SIM_PAIRS_MAX];
    uint32_t pair_count;
    struct ghost ghost;
    struct sim_core *core;     /* NULL: not in this run */
    struct fold oracle;        /* predicts every reply */
    struct client_check trace; /* of requests through the log */
    struct state_check state;
    struct bound_check bound;
    struct sim_wall *walls; /* in the order of their times */
    size_t wall_count, wall_cap;
    struct sim_client clients[SIM_CLIENTS_MAX];
    uint32_t client_count;
    struct sim_conn *conns;
    struct sim_op *ops;
    struct sim_node *current; /* whose code is running */
    enum sim_phase phase;
    int64_t phase_us;     /* when it began */
    int64_t live_us;      /* when a probe was first answered; 0: not yet */
    uint64_t backlog;     /* entries and requests that waited then */
    int64_t stuck_us;     /* till then: a leader that could not write led */
    uint32_t core_mask;   /* healed in the liveness phase */
    uint32_t served_mask; /* of them, those that have served */
    raft_term core_term;  /* of the leader that was seen last */
    int64_t core_led_us;  /* when that term's leader was seen first */
    /* The end: all compare their states, after an entry from here on. */
    raft_index compare_from;
    int64_t
        rest_us; /* since when only deletions are missing; 0: they are not */
    uint64_t grants; /* of lives */
    struct stuck stuck;
    bool done;
    bool stopped;          /* clients ask for nothing any more */
    bool replaying;        /* sim_replay.c runs a replica of its own */
    char why[600];         /* of churn_wait() */
    const char *waits_for; /* the run, to end */
    char failure[700];
    jmp_buf end;
};

/* sim_run.c */
/* True: the run ended well; else sim->failure says what broke. */
bool sim_run(struct sim *s);
void sim_release(struct sim *s);
NORETURN void sim_fail(struct sim *s, const char *format, ...) PRINTF(2, 3);
void sim_trace(struct sim *s, const char *format, ...) PRINTF(2, 3);
static inline void sim_mix(struct sim *s, uint64_t v)
{
    s->hash = (s->hash ^ v) * UINT64_C(0x9fb21c651e98df25);
    s->hash ^= s->hash >> 29;
}
/* Whether the run counts; if not, a text in `why`. */
bool sim_counts(const struct sim *s, char *why, size_t size);

/* The run under way; NULL between runs. */
struct sim *sim_running(void);

/* sim_random.c */
/* Exponentially distributed, by integers only. */
int64_t sim_exponential(uint64_t *rng, int64_t mean);
/* From lo to hi, all magnitudes alike. */
int64_t sim_magnitude(uint64_t *rng, int64_t lo, int64_t hi);
static inline bool sim_chance(uint64_t *rng, uint32_t percent)
{
    return rng_below(rng, 100) < percent;
}

/* sim_event.c */
#define WHO_BITS 16
#define WHO_MASK 0xffffu
/* a and b of an event in one; a alone stands for itself. */
static inline uint32_t sim_who(uint32_t a, uint32_t b)
{
    return b << WHO_BITS | a;
}
void sim_push(struct sim *s, int64_t at_us, enum sim_event_kind kind,
              uint32_t who, uint64_t gen);
bool sim_pop(struct sim *s, struct sim_event *out);

/* sim_fault.c */
void sim_config_draw(struct sim *s);
void sim_faults_begin(struct sim *s);
void sim_fault_event(struct sim *s, const struct sim_event *e);
/* Ends every fault that touches only nodes of the mask. */
void sim_heal(struct sim *s, uint32_t mask);

/* sim_net.c */
void net_init(struct sim *s);
void net_release(struct sim *s);
void net_event(struct sim *s, const struct sim_event *e);
struct sim_pair *net_pair(struct sim *s, uint32_t a, uint32_t b,
                          uint32_t *side);
int net_send(void *ctx, node_id to, uint8_t type,
             enum transport_priority priority, const struct bytes pieces[2]);
void net_taken(struct sim *s, uint32_t pair, uint32_t side,
               const struct world_message *m);
void net_node_down(struct sim *s, uint32_t node, bool power);
void net_node_up(struct sim *s, uint32_t node);
void net_reset(struct sim *s, struct sim_pair *p, int64_t seen_us[2],
               int64_t retry_us);
void net_cut(struct sim *s, struct sim_pair *p, uint32_t dir, int64_t for_us,
             int64_t seen_us);
/* The next frame of this direction breaks, and the link with it. */
void net_damage(struct sim *s, struct sim_pair *p, uint32_t dir,
                enum sim_damage how);
void net_rush(struct sim *s, struct sim_pair *p);
void net_heal(struct sim *s, struct sim_pair *p);

/* sim_disk.c */
struct sim_disk *disk_new(struct sim *s, uint32_t node);
void disk_free(struct sim_disk *d);
void disk_event(struct sim *s, const struct sim_event *e);
void disk_crash(struct sim_disk *d, bool power);
void disk_flush_now(struct sim_disk *d);
static inline bool disk_has_failed(const struct sim_disk *d)
{
    return d->disk.failure != NULL;
}

/* sim_node.c */
void process_init(struct sim *s);
void process_release(struct sim *s);
void process_event(struct sim *s, const struct sim_event *e);
void process_start(struct sim *s, uint32_t node);
/* What a node of this id starts with. */
void process_options(struct sim *s, const struct sim_node *n,
                     struct node_options *o);
/* down_us: until it starts again. */
void process_crash(struct sim *s, uint32_t node, bool power, int64_t down_us);
/* By kill or power cut; down for a time of any magnitude between these. */
void process_crash_soon(struct sim *s, uint32_t node, int64_t from_us,
                        int64_t to_us);
/* For good, or until somebody starts it. */
void process_end(struct sim *s, uint32_t node);
void process_pause(struct sim *s, uint32_t node, int64_t for_us);
void process_resume(struct sim *s, uint32_t node);
void process_push(struct sim *s, uint32_t node, struct inbox_item item);
void clock_drift(struct sim *s, uint32_t node, int32_t ppm);
void clock_freeze(struct sim *s, uint32_t node, int64_t for_us);
/* With the process; afterwards the wall clock is right at once. */
void clock_suspend(struct sim *s, uint32_t node, int64_t for_us);
void clock_blink(struct sim *s, uint32_t node, int64_t by_us, int64_t for_us);
int64_t sim_mono_ms(const struct sim *s, const struct sim_node *n);
/* The node of this index, or NULL. */
struct sim_node *sim_leader(struct sim *s);

/* sim_ghost.c */
/* Term and vote in STORE_META: the format on disk. */
#define GHOST_HARD_KEY BYTES_LIT("g0/hard")
void ghost_init(struct sim *s);
void ghost_log_copy(struct ghost_log *to, const struct ghost_log *from);
void ghost_release(struct sim *s);
/* Another state is in use, by this batch. */
void ghost_fetched(struct sim *s, uint32_t node, const struct store_batch *b,
                   uint64_t batch);
void ghost_logged(struct sim *s, uint32_t node, const struct store_batch *b,
                  uint64_t batch);
void ghost_applied(struct sim *s, uint32_t node, const struct store_batch *b);
void ghost_durable(struct sim *s, uint32_t node, uint64_t batch);
void ghost_crashed(struct sim *s, uint32_t node, uint64_t kept);
void ghost_started(struct sim *s, uint32_t node);
/* After each turn, and before what it says is looked at. */
void ghost_commit(struct sim *s, uint32_t node);
void ghost_turn(struct sim *s, uint32_t node);
/* It leads the term it is in. */
void ghost_leads(struct sim *s, uint32_t node);
/* A leader tells what all members hold, and all live ones. */
void ghost_told(struct sim *s, uint32_t node, raft_index all, raft_index live);
/* sim_sent.c: a message that leaves, decoded to *m. */
void ghost_sent(struct sim *s, uint32_t node, uint32_t to, struct bytes payload,
                struct raft_message *m);
bool ghost_vote_known(struct sim *s, uint32_t node, raft_term term,
                      node_id candidate);

/* sim_members.c: who the members are, by the entries of the log. */
void ghost_members_init(struct sim *s);
void ghost_members_release(struct sim *s);
/* Those that count for a node, of entry *at; 0: the founders. */
const struct raft_members *ghost_members_of(const struct sim *s, uint32_t node,
                                            raft_index *at);
/* The level that its newest entry says, of entry *at. */
uint16_t ghost_level_of(const struct sim *s, uint32_t node, raft_index *at);
/* Mask: those that also were members before the newest change. */
uint32_t ghost_members_settled(const struct sim *s, uint32_t node);
uint32_t ghost_members_mask(const struct raft_members *m);
uint32_t ghost_members_life(const struct raft_members *m, uint32_t node);
/* Do these nodes decide? */
bool ghost_members_decide(const struct raft_members *m, uint32_t mask);
/* X4: a leader makes an entry that says who they are; after a turn. */
void ghost_members_made(struct sim *s, uint32_t node, raft_index i,
                        const struct ghost_entry *e);
void ghost_members_turn(struct sim *s, uint32_t node);

/* sim_churn.c: members that come and go. */
void churn_init(struct sim *s);
bool churn_strike(struct sim *s, enum sim_fault kind);
/* Within a turn of this node: an operator asks it. */
void churn_ask(struct sim *s, struct sim_node *n, enum sim_fault kind);
void churn_answered(struct sim *s, struct sim_conn *c,
                    enum node_outcome outcome);
void churn_tend(struct sim *s);
/* Two processes meet: may they be linked? One may learn that it is no member,
 * and ends. */
bool churn_meet(struct sim *s, uint32_t a, uint32_t b);
/* X19: what is left of what was asked for; NULL: nothing. */
/* Do operators want somebody to lead from the beginning on? */
static inline bool sim_has_priorities(const struct sim *s)
{
    return s->seed % 5 == 2;
}
const char *churn_wait(struct sim *s, const struct sim_node *leader);

/* sim_time.c: a message with a beat arrives, and has been taken; a leader makes
 * an entry behind another one (NULL: not known), in the order of its log. */
void time_heard(struct sim_node *n, const struct beat *b);
void time_taken(struct sim_node *n, const struct raft_message *m);
void time_made(struct sim *s, struct sim_node *n,
               const struct ghost_entry *before, struct ghost_entry *e);
void time_release(struct sim *s);
void time_print(const struct sim_stats *t);

/* sim_lost.c: disks that lose what was promised, and refills. */
#define LOST_ASK_US (250 * SIM_MS) /* between two questions */
/* Is it blank, and has no life? Then it asks for one. */
bool lost_has_to_ask(struct sim *s, uint32_t node);
/* A blank one asks this node. */
void lost_asked(struct sim *s, uint32_t node, const struct inbox_item *item);
/* At most a minority at a time. */
bool lost_allowed(const struct sim *s, uint32_t node);
void lost_strike(struct sim *s, uint32_t node);
/* The same with members that come and go: an empty directory. */
void lost_wipe(struct sim *s, uint32_t node);
/* The directory of a node that is down is emptied, to be let in. */
void lost_empty(struct sim *s, uint32_t node);
/* No state that is ahead of the log, which would restart behind it. */
bool lost_may_flush(const struct sim *s, uint32_t node);
bool lost_whole(const struct sim *s, uint32_t node);
/* X13: what a node does that is to be refilled. */
void lost_started(struct sim *s, uint32_t node);
bool lost_written(struct sim *s, uint32_t node, const struct store_batch *b);
void lost_sent(struct sim *s, uint32_t node, const struct raft_message *m);

/* What it has promised as a whole node may still count. */
void lost_keep_promises(struct sim *s, uint32_t node);
/* A node that is down has lost what it promised, and keeps its disk. */
void lost_becomes_blank(struct sim *s, uint32_t node);

/* sim_stuck.c: a majority of the disks is lost, and X26. */
void stuck_begin(struct sim *s);
void stuck_poll(struct sim *s);
/* With churn: could this node lose its disk, and the others go on? */
bool stuck_spares(struct sim *s, uint32_t node);
bool stuck_all_whole(const struct sim *s);

/* sim_copy.c: disks that are put back to what they were. */
void copy_release(struct sim *s);
/* All of its disk is durable: a moment to keep what is there. */
void copy_promised(struct sim *s, uint32_t node);
void copy_want_images(struct sim *s);
bool copy_can_meet(struct sim *s, uint32_t a, uint32_t b);
/* Has one to know that a start on an image is older? */
bool copy_has_to_know(struct sim *s, uint32_t by, const struct sim_node *n,
                      const struct sim_image *m);
void copy_turn(struct sim *s, struct sim_node *n);
void copy_strike(struct sim *s, uint32_t node);
/* Before a start. False: later. */
bool copy_may_start(struct sim *s, uint32_t node);
void copy_missed(struct sim *s, const struct sim_event *e);
void copy_found(struct sim *s, uint32_t node, enum copy_finding how);
/* X24: it was welcome; a message that leaves it. */
void copy_met(struct sim *s, uint32_t node, uint32_t by);
void copy_sent(struct sim *s, uint32_t node, const struct raft_message *m);

/* sim_clone.c: a second process on a copy of a directory. */
void clone_strike(struct sim *s, uint32_t node);
/* Within a turn of `by`, which leads: it asks for a life. */
void clone_asked(struct sim *s, uint32_t by, uint32_t node);

/* sim_level.c: members of two versions. */
void level_init(struct sim *s);
bool level_strike(struct sim *s, uint32_t node);
/* The level was just raised, and this node gets the older program. */
void level_older(struct sim *s, uint32_t node);
/* From now on all have the newer program. */
void level_drain(struct sim *s);
/* A node cannot start, and says why: it must be for its level. */
void level_refused(struct sim *s, uint32_t node, const char *text);
/* It has failed. True: because it does not know the level. */
bool level_ended(struct sim *s, struct sim_node *n);
bool level_meet(struct sim *s, uint32_t a, uint32_t b);
/* A blank one was not let in, with a text, or was. */
void level_asked(struct sim *s, uint32_t node, const char *why);
void level_granted(struct sim *s, const struct configuration *c, uint32_t node);
/* X25: a leader makes an entry with members; an entry is executed. */
void level_made(struct sim *s, uint32_t node,
                const struct configuration *before,
                const struct configuration *c, raft_index i);
void level_applied(struct sim *s, uint32_t node, raft_index i);
/* For what the end of a run waits; NULL: for nothing. */
const char *level_wait(const struct sim *s, const struct sim_node *leader);
void level_print(const struct sim_stats *t);

/* sim_greet.c: two processes meet: may they be linked? */
enum copy_finding greet_judge(const struct sim_node *by,
                              const struct sim_node *n);
bool greet_meet(struct sim *s, uint32_t a, uint32_t b);
void greet_linked(struct sim *s, uint32_t a, uint32_t b);

/* sim_core.c: the monitor of tests/check. */
void core_init(struct sim *s);
void core_release(struct sim *s);
void core_written(struct sim *s, uint32_t node, uint64_t batch);
void core_synced(struct sim *s, uint32_t node, uint64_t batch);
void core_crashed(struct sim *s, uint32_t node, uint64_t kept);
void core_lost(struct sim *s, uint32_t node);
void core_started(struct sim *s, uint32_t node);
void core_applied(struct sim *s, uint32_t node, raft_index index);
void core_turn(struct sim *s);

/* sim_oracle.c */
void oracle_init(struct sim *s);
void oracle_release(struct sim *s);
void oracle_advance(struct sim *s, raft_index to);
/* A read's reply, served by its node when it had applied `at`. */
void oracle_check_read(struct sim *s, const struct sim_op *op, raft_index at,
                       struct bytes reply);
/* Appends the bytes of a value that was looked up. */
/* sim_state.c: whether a collection is what the fold has; and a hash that has
 * no field any more. */
bool state_same(struct sim *s, struct keyspace *ks, struct bytes name,
                const struct fold_version *v);
bool state_is_over(struct keyspace *ks, struct bytes name);
/* sim_collect.c */
struct words;
void collect_write(struct sim *s, struct sim_client *c, struct words *w);
void collect_read(struct sim_client *c, struct words *w);
void oracle_read_value(struct keyspace *ks, const struct value *v,
                       struct buf *out);
/* Compares all of a node's state with the model. */
void oracle_compare(struct sim *s, uint32_t node);
/* The trace of requests: asked, refused with a definite error, answered by the
 * node while it applied `at`. */
void oracle_asked(struct sim *s, const struct sim_op *op);
void oracle_refused(struct sim *s, const struct sim_op *op);
void oracle_answered(struct sim *s, const struct sim_op *op, raft_index at,
                     struct bytes reply, uint8_t protocol);
/* Ends the run if one of the checkers of tests/check has found a breach. */
void oracle_judge(struct sim *s, uint32_t node, raft_index index);
/* A state and the fold that it has to equal. */
void oracle_compare_with(struct sim *s, const char *who, struct keyspace *ks,
                         const struct fold *f);
struct entry ghost_to_entry(const struct ghost_entry *e, raft_index i);

/* sim_bound.c: after each turn; when all are equal; an append that left. */
void bounds_turn(struct sim *s, const struct sim_node *n);
void bounds_converged(struct sim *s);
/* The flush that a long log waits for has ended, and the log was cut. */
bool bounds_log_is_cut(const struct sim *s, uint32_t node);
void bounds_print(const struct sim_stats *t);
void bounds_sent(struct sim *s, const struct sim_pair *p, uint32_t side,
                 const struct raft_message *m);

/* sim_rows.c: X17, what the rows of a state say of each other. */
struct rows_left {
    uint64_t tickets;
    uint64_t uploads;
    int64_t due_ms; /* the first expiry; INT64_MAX: there is none */
};
/* Of a node that runs; *left is what has still to be deleted. */
void rows_check(struct sim *s, uint32_t node, struct rows_left *left);
/* What is left by the leader's time that has to be deleted; NULL: nothing. */
const char *rows_wait(struct sim *s, uint32_t node, const struct node *leader);

/* sim_replay.c: the log once more, into a fresh replica. */
void replay_check(struct sim *s);

/* sim_client.c */
void clients_init(struct sim *s);
void clients_release(struct sim *s);
void client_event(struct sim *s, const struct sim_event *e);
void client_turn(struct sim *s, struct sim_conn *c);
void clients_node_down(struct sim *s, uint32_t node);
void client_leave(struct sim *s, struct sim_client *c);
bool clients_idle(struct sim *s);
struct resp_writer *client_reply_open(void *ctx, void *client);
void client_reply_done(void *ctx, void *client, enum node_outcome outcome);
void client_read_ready(void *ctx, void *client, int error);
void client_upload_ready(void *ctx, void *client);
struct sim_op *op_find(struct sim *s, uint32_t node, uint64_t incarnation,
                       uint64_t seq);
/* sim_work.c: what clients ask for. */
/* A request being made; one of its words may be longer than that. */
struct words {
    char text[OP_ARGS_MAX][64];
    uint32_t argc;
    uint32_t long_at; /* 0: none is */
    struct buf value;
};
void work_word(struct words *w, const char *format, ...) PRINTF(2, 3);
/* The last word goes on for so many bytes. */
void work_long(struct words *w, uint32_t len);
struct sim_op *work_next(struct sim *s, struct sim_client *c, bool read);
struct sim_op *work_copy(struct sim *s, struct sim_op *op);

/* sim_history.c: the linearizability checker's opinion. */
void history_check(struct sim *s);

/* sim_phase.c */
void phase_event(struct sim *s);
void phase_probe_answered(struct sim *s, const struct sim_op *op);

/* sim_cover.c: what messages meet, and what they do there. */
struct sim_cover {
    enum raft_role role;
    raft_term term;
    uint64_t write_seq, messages;
    raft_index commit;
    uint32_t reads, asked;
    struct raft_progress progress; /* of the sender */
    uint8_t part[offsetof(struct raft, campaign_transfer) -
                 offsetof(struct raft, verified)];
};
void cover_before(struct sim *s, const struct sim_node *n, uint32_t from,
                  struct sim_cover *c);
void cover_after(struct sim *s, const struct sim_node *n, uint32_t from,
                 const struct raft_message *m, const struct sim_cover *c);
void cover_print(const struct sim_stats *t);

/* sim_report.c */
void stats_add(struct sim_stats *to, const struct sim_stats *from);
void stats_print(const struct sim_stats *t);

#endif
