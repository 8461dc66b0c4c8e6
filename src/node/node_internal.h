/*
 * The inside of a node, shared by the files of this folder only.
 */
#ifndef NODE_NODE_INTERNAL_H
#define NODE_NODE_INTERNAL_H

#include "base/alloc.h"
#include "base/num.h"
#include "codec/beat.h"
#include "codec/configuration.h"
#include "codec/entry.h"
#include "codec/request.h"
#include "data/members.h"
#include "data/session.h"
#include "data/upload.h"
#include "journal/journal.h"
#include "node/node.h"
#include "node/node_compare_internal.h"
#include "node/node_driver_internal.h"
#include "node/node_level_internal.h"
#include "node/node_members_internal.h"
#include "node/node_priority_internal.h"
#include "node/node_refill_internal.h"
#include "node/node_snapshot_internal.h"
#include "node/node_source_internal.h"

/* Entries attached to one append message, unless a single one is larger. */
#define APPEND_BYTES_MAX (1024u * 1024u)
/* Read batches whose index is being asked for at the same time. */
#define READ_BATCHES_MAX 8
/* Requests applied in one flush, before the loop takes another turn. */
#define APPLY_REQUESTS_MAX 2048
#define APPLY_BYTES_MAX    (4u * 1024u * 1024u)
#define APPLY_LOOK         8 /* requests that take as long as a look in files */
#define APPLY_LOOK_MS      2 /* at a store that is full */
/* A leader's next entry waits for the commit of the last one: not for longer,
 * and not if it is larger. */
#define ENTRY_WAIT_MS    2
#define ENTRY_WAIT_BYTES (64u * 1024u)
/* Parcels are sent again if none was applied for so long. */
#define RESEND_MS 10000
/* A wall clock beyond this, some 9,000 years, is taken to show this. */
#define WALL_MAX_MS (INT64_C(1) << 48)
/* Housekeeping: time-outs, expiry, log cutting. */
#define HOUSEKEEPING_MS 100
/* Election and request timeouts are extended by the time that large entries
 * take to pass through the cluster: a millisecond for so many bytes. */
#define EXTEND_BYTES_MIN    (1024u * 1024u)
#define EXTEND_BYTES_PER_MS (8u * 1024u)
#define EXTEND_BYTES_MAX    ((uint64_t)256 * 1024 * 1024)
#define EXTEND_STEP_MS      10
/* A leader that refuses a read is asked again after so long. */
#define READ_AGAIN_MS 5
/* So long a member that is sent no entries lets reads wait for some. */
#define PAUSED_READ_MS 300
/* A sweep may delete so many expired keys at least, and at most, but for turns
 * with very many requests: see node_sweep.c. */
#define SWEEP_LIMIT_MIN 1000
#define SWEEP_LIMIT_MAX 5000
#define SWEEP_PAUSE_MS  10
/* Requests above this go ahead of themselves, in parts. */
#define UPLOAD_ABOVE      (1024u * 1024u)
#define UPLOAD_WINDOW     4u /* parts at a time */
#define UPLOAD_PART_ARGC  5
#define UPLOAD_WHOLE_ARGC 2
/* Other nodes that this one knows: members, and strangers with a link. */
#define NODE_PEERS_MAX (2 * RAFT_NODES_MAX)

/* A request of this node's clients that was not applied yet. */
struct pending {
    void *client; /* NULL: the node's own, or its client was answered */
    int64_t since_ms;
};

/* Pending requests by sequence number. */
struct request_ring {
    struct pending *items;
    size_t cap;         /* a power of two */
    uint64_t first_seq; /* of the oldest one pending */
    uint64_t next_seq;  /* given to the next submit */
    uint64_t timed_out; /* seqs below this were looked at for time-outs */
};

/* A parcel: requests of one node with consecutive numbers, encoded together.
 * It is kept until all of them are applied here. */
struct parcel {
    struct parcel *next;
    uint64_t first_seq;
    uint32_t count;
    struct buf bytes;
};

struct parcel_queue {
    struct parcel *head;
    struct parcel *tail;
    struct parcel *unsent; /* first one the present leader was not sent */
    struct parcel *spare;  /* one kept for reuse */
    uint64_t bytes;        /* of all in the queue */
};

/* The parcel being built; count 0: none. */
struct open_parcel {
    struct buf bytes;
    uint64_t first_seq;
    uint32_t count;
    size_t bytes_hint; /* of the parcel closed last */
};

/* node_request.c: this node's own requests that were not applied yet. */
struct requests {
    struct request_ring ring;
    struct parcel_queue queue;
    struct open_parcel open;
    int64_t progress_ms; /* when one was last applied, or all sent again */
    bool resend_waits;   /* some were sent to an earlier leader */
    bool blocked;        /* node_can_submit() said no */
};

/* node_upload.c: the large requests of this node's clients. */
struct upload_turns {
    void *client;   /* whose request is on its way; NULL: nobody's */
    void **waiting; /* who comes after it, in their order */
    size_t waiting_count;
    size_t waiting_cap;
    uint64_t number; /* of the upload begun last */
    uint64_t total;  /* bytes of the client's request; 0: not begun */
    uint64_t sent;
    uint64_t parts;               /* sent by this node so far */
    uint64_t seqs[UPLOAD_WINDOW]; /* of those sent last */
    uint64_t last_seq; /* of what was sent last for a large request */
    struct buf part;   /* being submitted */
    char texts[3][NUM_TEXT_MAX];
};

/* node_propose.c, as leader: parcels that were forwarded to this node. */
struct node_inbox {
    struct buf bytes;
    size_t last_bytes; /* of the last forward in it */
};

/* node_propose.c, as leader: the payloads of the entries being proposed. */
struct proposal {
    struct bytes *payloads; /* views of inbox, parcels, or `joined` */
    uint32_t count;
    uint32_t cap;
    struct buf joined; /* small parcels put together */
    int64_t made_ms;   /* the last one */
};

struct read_waiter {
    void *client;
    int64_t since_ms;
};

struct read_waiters {
    struct read_waiter *items;
    size_t count;
    size_t cap;
};

/* Readers that wait for the same read index. */
struct read_batch {
    uint64_t id; /* as the core knows it; 0: free */
    int64_t asked_ms;
    bool released; /* index and time are known */
    raft_index index;
    int64_t time_ms;
    struct read_waiters waiters;
};

/* node_read.c */
struct reads {
    struct read_batch batches[READ_BATCHES_MAX];
    struct read_waiters waiting; /* for the next batch */
    struct read_waiters recent;  /* served as it is, at the end of the turn */
    int64_t recent_ms; /* what was committed then is applied here; 0 */
    int64_t asked_ms;  /* when a leader has said: */
    raft_index asked;  /* what is committed; 0: none has */
    uint64_t last_id;
    int64_t after_ms, time_ms; /* not asked again before; of the batch served */
    bool watched;              /* the owner is told what is ready */
};

/* node_apply.c */
struct applying {
    const struct cmd *last_cmd; /* that was looked up; or NULL */
    struct bytes *argv;
    size_t argv_cap;
    struct buf scratch, once_reply;
    uint64_t applied_requests, skipped_requests;
    uint64_t upload_bytes;  /* of large requests, in this flush */
    uint32_t place, undone; /* in the entry: of the request; the undone one */
    bool again;             /* the entry is applied anew, without that */
    int64_t full_since_ms;  /* the store, nothing applied; 0: it is not */
};

/* node_time.c: the log's time was `base` when the monotonic clock showed
 * `since`. */
struct log_clock {
    int64_t base_ms;
    int64_t since_ms;
    bool known;      /* the above; not so after the start */
    bool last_known; /* the rest; not so after a truncation */
    int64_t last_ms; /* of the log's last entry */
    int64_t last_offset_ms;
};

/* node_time.c: what the wall clock showed more than the monotonic one. */
struct wall_watch {
    int64_t ahead_ms;
    bool begun;
};

/* node_send.c */
struct sending {
    struct buf message;
    struct buf entries;
    raft_index cached_first; /* what `entries` holds; 0: nothing */
    raft_index cached_last;
};

/* node_drive.c: what the disk is asked for, and what it has done. */
struct durability {
    struct disk_point point; /* asked for at the end of the flush */
    bool due;
    struct watermark done;    /* the last point that is durable */
    int64_t asked_ms;         /* what is not durable yet; 0: all is */
    int64_t sync_ms, done_ms; /* how long the last took, when it ended */
};

/* node_receipts.c: what others have acknowledged, to be told to them. */
struct receipts_kept {
    struct receipts all;
    bool unsaved;
};

/* node_compact.c: what all members hold, and all live ones, as the leader
 * last said or as this node knows as leader. */
struct compaction {
    raft_index held_by_all;
    raft_index held_by_live;
    raft_index held_by_linked; /* the same without states that are fetched */
    raft_index flush_asked;    /* of the state: applied up to there */
    bool flush_due;            /* between node_compact() and _flush() */
    int64_t cut_ms;            /* the last time */
    int64_t busy_ms;           /* the log grew fast until then */
    int64_t grown_ms;          /* when it was looked at */
    uint64_t grown_end;        /* where it ended then: journal_end() */
    int64_t tidy_at_ms;
    int64_t flushed_ms; /* for space */
};

/* node_sweep.c: the last sweep that this node submitted. */
struct sweeping {
    uint64_t seq;      /* 0: none */
    uint64_t requests; /* applied, for which sweeps were asked for */
    uint64_t seen;     /* that were applied in the last turn */
    int64_t after_ms;  /* the next one, if none is left at once */
};

/* node_space.c: whose disk is short of space, and what follows. */
struct disk_space {
    bool own_short;         /* this node's, says the owner; since when */
    int64_t short_since_ms; /* it was last */
    bool own_full;          /* it must not grow at all */
    uint64_t own_room;      /* for a state; 0: not known */
    bool told_too_few;   /* as follower, says the leader: writes are refused, */
    bool told_paused;    /* it sends this node no entries, */
    uint32_t told_short; /* so many members are short */
    bool too_few;        /* as leader, as logged last */
    int64_t hand_over_at_ms; /* not before */
};

/* node.c: when a turn of the loop has to do what. */
struct timers {
    int64_t flushed_ms; /* time of the last flush */
    bool tick_waits;    /* the core's timers were put off to this turn */
    int64_t housekeeping_at_ms;
    int64_t extended_until_ms; /* see EXTEND_BYTES_MIN */
};

/* node_drive.c: what `changed` said last. Everything else asks the core. */
struct told {
    enum raft_role role;
    raft_term term;
    node_id leader;
    int64_t leaderless_since_ms; /* the last leader was lost, or the start */
};

/* node_peers.c, but for what is marked: node_propose.c (p), node_beat.c (b),
 * node_members.c (m), node_driver.c (d), node_source.c (s). */
struct node_peer {
    node_id id;
    bool up;
    uint64_t incarnation;
    char client_address[128];
    bool forwarded;     /* p: the inbox holds requests of it */
    bool refused;       /* p: the inbox had no room: to be told when it has */
    bool disk_short;    /* b, as leader: it said so */
    int64_t granted_ms; /* m: a life, by this node; 0: not yet */
    uint64_t taken_seq; /* p, as leader: its requests up to here are in our log,
                           or in the inbox */
    struct node_receiver receiver; /* s */
    int64_t follows_ms; /* node_priority.c: closely since then; 0: does not */
    int64_t leaving_ms; /* d: seen to be leaving; 0: it is not */
    bool greeted;       /* d: it has said these addresses of itself since */
    struct directory_id greeted_directory;
    char greeted_peer[CONFIGURATION_ADDRESS_SIZE];
    char greeted_client[CONFIGURATION_ADDRESS_SIZE];
};

/* Each struct above is changed by the file that it names, and read by the
 * others; node_open.c gives them their first values. Role, term and leader are
 * those of the core. */
struct node {
    struct node_options options;
    struct store *store;
    struct disk *disk;
    struct transport transport;
    struct node_events events;
    const struct logger *logger;

    bool dead;       /* the store or the disk failed */
    bool started;    /* node_set_time() was called */
    int64_t mono_ms; /* as node_set_time() said */
    int64_t wall_ms;
    struct timers timers;

    struct raft raft;
    struct raft_out out;
    struct told told;
    uint64_t elections;
    uint64_t rng;              /* of the entries' seeds */
    raft_index traced_applied; /* told to the trace so far */

    struct journal *journal;
    struct keyspace *ks;
    struct store_batch batch;
    struct buf scratch; /* an entry read back from the log */
    struct durability durability;
    struct receipts_kept receipts;
    struct log_clock clock;
    struct wall_watch watch;
    struct compaction compaction;
    struct membership membership;
    struct driver driver;
    struct levels levels;

    struct node_peer peers[NODE_PEERS_MAX];
    uint32_t peer_count;
    struct sending sending;
    struct disk_space space;
    struct heirs heirs;
    struct snapshot snapshot;
    struct node_source source;
    struct refill refill;
    struct comparing comparing;

    struct requests requests;
    struct upload_turns upload;
    struct node_inbox inbox;
    struct proposal proposal;
    struct sweeping sweeping;
    struct reads reads;
    struct applying applying;
};

/* What comes with an event, for the node alone: the core sees only counts. */
struct attached {
    struct bytes entries;            /* the records of an append message */
    const struct bytes *payloads;    /* PROPOSE: as many as the event says */
    const struct restored *restored; /* RESTORE */
};
#define NOTHING_ATTACHED ((struct attached){BYTES_NONE, NULL, NULL})

/*
 * The files, lowest first. Each calls those above its line only:
 *
 *   node_base      what all need
 *   node_trace  node_time  node_upload  node_compact  node_check  node_snapshot
 *   node_receipts
 *   node_peers     node_request (upload)
 *   node_members (compact, peers)  node_level (members)
 *   node_desired (members) node_priority (desired) node_driver (priority,
 * peers) node_read (time)       node_beat (compact, time) node_propose,
 * node_compare (request, time) node_send (beat, time) node_apply (request,
 * members, compare, trace) node_sweep (request, time)   node_refill_note
 *   node_refill    (members, refill_note)
 *   node_open      (members, compare, receipts, refill_note, trace, time)
 *   node_status    (time, compare, refill)      node_source (send)
 *   node_restore   (send, request, members, compare, refill_note, switch, time)
 *   node_drive     (send, read, propose, beat, members, restore, time, trace)
 *   node           the parent: calls the others, and steps the core
 */

/* node_base.c: ends the node: tells the owner once. */
void node_fail(struct node *n, const char *what, const char *detail);
/* The same: it is no member any more. */
void node_remove(struct node *n, const char *text);
/* The same of what a read or write of state or journal has returned. */
void node_fail_by(struct node *n, const char *what, int err);
/* An event of this type, nothing else set, at the present time. */
struct raft_event node_event(const struct node *n, enum raft_event_type type);
/* NULL: no such peer. */
struct node_peer *node_peer_find(struct node *n, node_id id);
/* Large entries are being processed: extends election and request timeouts
 * accordingly. */
void node_extend_timeouts(struct node *n, uint64_t bytes);
/* No leader has been known for the request timeout. */
bool node_leaderless_too_long(const struct node *n);
/* Why this node has not served a request in time: ERR_NO_LEADER, ERR_REFILL, or
 * else what the caller knows. */
int node_excuse(const struct node *n, int otherwise);
/* An entry of the present term is applied here, and so all that the log held
 * before this term. */
bool node_own_term_applied(const struct node *n);

/* node_open.c: opens log, state and core. On failure a text in `error`. */
MUST_USE int node_open(struct node *n, struct buf *error);

/* node_check.c: asserts what holds between two turns. */
void node_check(const struct node *n);

/* node_drive.c: one event through the core, and everything it wants done. */
void node_step(struct node *n, const struct raft_event *event,
               struct attached with);
/* Asks the disk for a sync of what was written since the last one. */
void node_disk_ask(struct node *n);
/* Takes what is durable now; false: nothing. A disk that failed ends it. */
MUST_USE bool node_disk_take(struct node *n, struct disk_point *point);

/* node_trace.c; without a trace they do nothing. */
void node_trace_start(struct node *n, const struct raft_config *config,
                      const struct raft_start *start);
void node_trace_step(struct node *n, const struct raft_event *e);
void node_trace_applied(struct node *n);

/* node_time.c: the log's time by now, never below the last entry's: what the
 * next entry gets. */
int64_t node_stamp(struct node *n);
/* As leader: what the wall clock shows more, or what the last entry says, if
 * that is about the same. `time_ms` is that of node_stamp(). */
int64_t node_stamp_offset(struct node *n, int64_t time_ms);
/* As leader: the next entry would have another offset than the last one. */
bool node_time_moved(const struct node *n);
/* From the end of the log. ERR_IO, ERR_CORRUPT. */
MUST_USE int node_time_load(struct node *n);
/* The log's time by the monotonic clock alone; 0: not known. */
int64_t node_time_reckoned(const struct node *n);
/* This is what the last entry of the log says now. */
void node_time_appended(struct node *n, int64_t time_ms,
                        int64_t wall_offset_ms);
/* Somebody says that the log's time is this now; 0: does not know it. */
void node_time_told(struct node *n, int64_t time_ms);
/* The end of the log is gone, and its time with it. */
void node_time_truncated(struct node *n);
/* Tells of a wall clock that has jumped. */
void node_time_watch(struct node *n);

/* node_send.c */
void node_send_release(struct node *n);
/* What it keeps of the log may not be in the log any more. */
void node_send_forget(struct node *n);
/* Sends n->out.messages. Returns the number of events in `unsent`, which the
 * core is to be told. */
uint32_t node_send_messages(struct node *n,
                            struct raft_event unsent[RAFT_NODES_MAX]);

/* node_upload.c */
void node_upload_release(struct node *n);
/* Requests of more bytes are large. */
uint64_t node_upload_above(const struct node *n);
/* A client submits a large request, or goes on with it. 0: it is its turn.
 * ERR_AGAIN: not yet. Or why it is not going to be executed. */
MUST_USE int node_upload_begin(struct node *n, void *client, uint64_t size);
/* Then: the next part as a request of the node's own, borrowed until the next
 * call; false: none can be sent now. */
MUST_USE bool node_upload_next(struct node *n, const struct request *head,
                               const struct bytes *argv,
                               struct bytes part[UPLOAD_PART_ARGC]);
/* Then: the request that stands for the whole, if all parts were sent; it is
 * another client's turn. */
MUST_USE bool node_upload_end(struct node *n,
                              struct bytes whole[UPLOAD_WHOLE_ARGC]);
/* Calls the client that can go on. */
void node_upload_wake(struct node *n);
/* Something is kept of a request that does not come any more. */
bool node_upload_is_left(struct node *n);

/* node_request.c */
void node_requests_init(struct node *n);
void node_requests_release(struct node *n);
/* Submits a request of the node's own, which nobody waits for. */
void node_requests_internal(struct node *n, const struct bytes *argv,
                            uint32_t argc);
/* The first one of each start: by it a copy of the node is found out. */
void node_requests_begin(struct node *n);
/* Closes the parcel being built. */
void node_requests_close(struct node *n);
/* Sends to the leader what it was not sent yet. */
void node_requests_forward(struct node *n);
/* All of the queue is in this node's own log. */
void node_requests_sent(struct node *n);
/* All that is not applied is to be sent again. */
void node_requests_resend(struct node *n);
/* The client of an own request being applied; pops it. NULL: nobody waits for
 * it, or a leader has made it up. */
void *node_requests_take(struct node *n, uint64_t seq);
/* Has what is left of a large request dropped. */
void node_requests_tidy(struct node *n);
/* The state has come to have all up to this one, without their replies. */
void node_requests_skip(struct node *n, uint64_t last_seq);
/* Frees the parcels that are applied wholly; wakes a blocked owner. */
void node_requests_applied(struct node *n);
/* Answers those that have waited too long. */
void node_requests_timeout(struct node *n);
/* When a flush would send some of them; INT64_MAX: never. */
int64_t node_requests_due_ms(const struct node *n);

/* node_propose.c */
void node_propose_release(struct node *n);
/* A forward that is not empty. ERR_CORRUPT, ERR_PROTOCOL. */
MUST_USE int node_propose_receive(struct node *n, struct node_peer *peer,
                                  struct bytes payload);
/* Another node leads, or none. */
void node_propose_forget(struct node *n);
/* The next entry waits for the commit of the last one. */
bool node_propose_waits(const struct node *n);
/* Fills n->proposal, perhaps with nothing. False: not yet. */
MUST_USE bool node_propose_gather(struct node *n);
/* A peer whose requests were gathered, each once; false: no more. */
MUST_USE bool node_propose_next_owner(struct node *n, node_id *peer);
/* What was gathered is in the log. */
void node_propose_done(struct node *n);
/* When to flush because requests can be proposed or sent, or have waited long
 * enough for the last entry's commit. */
int64_t node_propose_due_ms(const struct node *n);

/* node_apply.c: applies what is committed; true if some is left. */
void node_apply_release(struct node *n);
bool node_apply(struct node *n);
/* As leader: nothing could be applied for too long, so it should hand
 * leadership over. True once in that time. */
bool node_apply_is_stuck(struct node *n);

/* node_read.c */
void node_reads_release(struct node *n);
/* Clients wait, and node_reads_start() would make a batch of them. */
bool node_reads_can_start(const struct node *n);
/* Makes a batch of those that wait. Returns its number, for which the core is
 * to be asked; 0: there is nothing to ask. */
uint64_t node_reads_start(struct node *n);
/* Takes what the core released or lost. */
void node_reads_collect(struct node *n, const struct raft_out *out);
/* Serves the batches whose index is applied. */
void node_reads_serve(struct node *n);
void node_reads_timeout(struct node *n);

/* node_receipts.c: at the start; then as leader, now and then. On failure a
 * text in `error`. */
MUST_USE int node_receipts_open(struct node *n, struct buf *error);
void node_receipts_take(struct node *n);

/* node_compact.c: cuts the log if that may be. Returns its first entry then,
 * which the core is to be told; 0: nothing was cut. */
raft_index node_compact(struct node *n);
/* Then: flushes the state, if that is what keeps the log from being cut, or
 * too many terms are not in what was flushed. */
void node_compact_flush(struct node *n);
/* What all members hold: on all that a leader sends to followers. */
void node_compact_tell(struct node *n, struct beat *b);
void node_compact_told(struct node *n, const struct beat *b);
/* A member has lost what it held. */
void node_compact_forget(struct node *n);

/* node_sweep.c: as leader, has expired keys deleted. */
void node_sweep(struct node *n);
/* The last sweep has left something, and another one may be submitted. */
bool node_sweep_goes_on(const struct node *n);

/* node_beat.c: the beat that goes with a message, and the one that came. */
struct beat node_beat_of(struct node *n, const struct raft_message *m);
/* Of any message: before the core is told of it, which may lead by it. */
void node_beat_hear(struct node *n, const struct beat *b);
void node_beat_take(struct node *n, const struct raft_message *m,
                    const struct beat *b);

/* node_space.c: this node's disk is short, and it is time to say so. */
bool node_space_tells(const struct node *n);
/* What the leader says of it. */
void node_space_told(struct node *n, const struct beat *b);
/* The role, term or leader has changed. */
void node_space_forget(struct node *n);
/* What the core has to be told of it, one event at a time; false: nothing. */
MUST_USE bool node_space_next(struct node *n, struct raft_event *e);
/* Who is to lead because this leader's disk is short; NODE_NONE: nobody. Not
 * again soon. */
node_id node_space_heir(struct node *n);

#endif
