/*
 * One replica, without sockets: drives the Raft core, its log, the state
 * machine, sessions and reads. Everything it needs from outside is given to
 * it: a store, a disk (durability), a transport, the time. The server drives
 * it from its loop; the simulator drives the same code.
 *
 * A turn of the loop: node_set_time(), then whatever happened (submits, reads,
 * received payloads, durable writes), then node_flush(), which ends the turn:
 * it proposes or forwards the turn's requests, writes to the log, sends, and
 * applies what is committed. It must be called before the loop waits.
 *
 * Requests. node_submit() gives a write its place in this node's session and
 * promises exactly one reply: from this node's own apply, or an error.
 * Errors: "CLUSTERDOWN ..." was never executed and never will be; "UNKNOWN
 * ..." means that no outcome was seen here within request_timeout_ms, the
 * request may still be executed. Requests that were submitted survive changes
 * of leader: they are sent again, in order, until they are applied here.
 *
 * Reads. node_read() asks for a linearizable point; read_ready() says it is
 * reached, and node_run_read() then runs commands on the state.
 *
 * Failures of the store or the disk end the process (fatal()).
 *
 * Thread: one.
 */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/num.h"
#include "cmd/cmd.h"
#include "journal/disk.h"
#include "metrics/metrics.h"
#include "node/node_transport.h"
#include "raft/raft.h"
#include "resp/resp_writer.h"
#include "store/store.h"

#define NODE_TEXT_SIZE 256 /* of a sentence for people, with the NUL */

enum read_mode {
    READ_INDEX, /* linearizable: a quorum round, no clock assumption */
    READ_STALE, /* this node's state as it is */
};

struct node_priority {
    node_id id;
    uint8_t priority;
};

struct node_options {
    uint64_t cluster_id;
    node_id self;
    uint64_t incarnation;
    struct directory_id directory;
    uint64_t nonce; /* of this start; 0: it is not told to anybody */
    node_id members[RAFT_NODES_MAX]; /* with self */
    uint32_t member_count;
    struct node_priority priorities[RAFT_NODES_MAX]; /* others: as usual */
    uint32_t priority_count;
    /* Who they are as long as no entry has said so, if not all of the above as
     * voters with these priorities; for the length of node_new(). NULL: they
     * are. */
    const struct configuration *founding;
    uint32_t election_timeout_ms;
    uint32_t heartbeat_ms;
    uint32_t peer_down_delay_ms;
    uint32_t disk_timeout_ms;
    uint32_t request_timeout_ms;
    uint64_t request_bytes_max; /* of one request: ERR_TOO_BIG above */
    uint64_t entry_bytes_max;   /* a parcel is closed at this size */
    uint64_t upload_above;      /* larger requests go in parts; 0: as usual */
    uint64_t pending_bytes_max; /* own requests not yet applied */
    uint64_t log_bytes_soft;    /* cut what all members have */
    uint64_t log_bytes_hard;    /* cut what all live members have */
    uint32_t log_cut_margin;    /* entries kept below what may be cut */
    uint64_t log_cache_bytes;
    int64_t now_ms;      /* the monotonic clock, at the start */
    uint32_t once_ttl_s; /* results of ONCE requests are kept */
    uint32_t append_entries_max, window_max; /* see raft.h; 0: as usual */
    enum read_mode read_mode;
    uint64_t seed;
    const struct watermark *mark; /* to compare the log with; NULL: none */
    uint64_t refill_part_bytes;   /* of a state that is fetched; 0: as usual */
    int64_t calm_ms;          /* before leadership goes to a member of a greater
                                 priority; 0: as usual */
    int64_t compare_every_ms; /* states, as leader; 0: only when asked to */
    uint64_t compare_rate;    /* bytes a second that are read; 0: any */
    bool compare_in_turn;     /* without a thread */
    uint16_t level_max;       /* that this program executes; 0: LEVEL_MAX */
    uint64_t snapshot_rate;   /* see node_set_snapshot_rate(); 0: no bound */
    bool threadless;          /* a simulation: nothing is done aside */
    bool level_held;          /* see node_set_level_auto() */
    /* For debugging: takes a line of node_trace.h; NULL: no trace. */
    void (*trace)(void *ctx, struct bytes line);
    void *trace_ctx;
};

/* What became of a request, beside the reply that was written. */
enum node_outcome {
    NODE_EXECUTED, /* the reply is the command's, which may be an error */
    NODE_BLOCKED,  /* there was nothing to take (CMD_BLOCKS): no reply was
                      written, and nothing was changed */
    NODE_OUTDATED, /* not executed: older than its client's newest (ONCE) */
    NODE_UNKNOWN,  /* no majority in time; it may still be executed */
};

/* What a node asks of its owner. `client` is the owner's own pointer. */
struct node_events {
    void *ctx;
    /* The writer for the reply to the oldest unanswered request of this
     * client; NULL if nobody wants it. Then the node writes one reply, and
     * calls reply_done(): */
    struct resp_writer *(*reply_open)(void *ctx, void *client);
    /* exactly once for each submit, in the order of the submits. */
    void (*reply_done)(void *ctx, void *client, enum node_outcome outcome);
    /* Who is to be told of the steps of a transaction of this client, which is
     * executed next; NULL: there is nobody. Borrowed until reply_done(). */
    const struct cmd_steps *(*steps)(void *ctx, void *client);
    /* Exactly once for each node_read(): error 0, the state may be read now
     * with node_run_read(). Or after request_timeout_ms: ERR_NO_LEADER, none is
     * known; ERR_REFILL, this node lost promises and has not been refilled yet;
     * ERR_BEHIND, it lacks entries that are committed; ERR_SPACE, the same, and
     * is sent none for lack of disk space, said early; ERR_NO_ANSWER, the
     * leader, or a majority, has not answered. */
    void (*read_ready)(void *ctx, void *client, int err);
    /* Role, term or leader changed; the node has logged it. */
    void (*changed)(void *ctx);
    /* node_can_submit() was false and is true again. */
    void (*writable)(void *ctx);
    /* The client may go on with its large request: submit it again, now or
     * later (see node_submit). */
    void (*upload_ready)(void *ctx, void *client);
    /* There may be something to take at this key (node_watch_ready()); NULL: at
     * any. Called while an entry is applied: what it has changed can be looked
     * at when the turn is over. */
    void (*ready)(void *ctx, const struct keyspace_key *key);
    /* A leadership transfer asked for has ended, either way. */
    void (*transfer_ended)(void *ctx);
    /* This node is no member any more, as `text` says, which has been logged:
     * end the process, with success. NULL: as a failure. */
    void (*removed)(void *ctx, const char *text);
    /* The store or the disk failed; `text` has been logged. End the process.
     * ERR_CORRUPT: what is on the disk is damaged, and must not be used again
     * as it is. */
    void (*fatal)(void *ctx, int err, const char *text);
};

struct node;

/* What a node works with. All of it belongs to the owner and outlives the
 * node. */
struct node_env {
    struct store *store;
    struct disk *disk;
    struct transport transport;
    struct node_events events;
    const struct logger *logger; /* NULL: nothing is logged */
};

/* Recovers from the store (whose identity has been checked and whose
 * incarnation was raised and synced by the caller, see node_boot.h).
 * `options` and `env` are copied. On failure a text in `error`. */
MUST_USE int node_new(struct node **out, const struct node_options *options,
                      const struct node_env *env, struct buf *error);
void node_free(struct node *n);

/* The monotonic and the wall clock, at the start of each turn. */
void node_set_time(struct node *n, int64_t mono_ms, int64_t wall_ms);
/* When node_flush() must be called at the latest, monotonic. */
int64_t node_deadline_ms(const struct node *n);
/* The end of a turn. */
void node_flush(struct node *n);

struct node_submit {
    uint8_t db;
    const struct bytes *argv; /* copied; checked by the command already */
    uint32_t argc;
    struct bytes once_client; /* empty: none */
    uint64_t once_id;
};

/* False: too much is pending; stop reading from clients until writable(). */
bool node_can_submit(const struct node *n);
/* 0, or refused, and no reply will come through the events: ERR_NO_LEADER,
 * there has been no leader for longer than the request timeout; ERR_TOO_BIG.
 *
 * A large request is sent ahead in parts, and several calls are needed until
 * it is submitted. ERR_AGAIN: submit the same again after upload_ready(), and
 * nothing else of this client before; or call node_abandon(). It may end with
 * ERR_NO_LEADER, ERR_REFILL or ERR_NO_ANSWER: it was not executed. */
MUST_USE int node_submit(struct node *n, const struct node_submit *s,
                         void *client);
/* This client is not going on with its large request, if it has one. */
void node_abandon(struct node *n, const void *client);
/* Asks for a linearizable point for this client's reads. ERR_NO_LEADER as
 * above: read_ready() will not be called. */
MUST_USE int node_read(struct node *n, void *client);
/* The same for reads that may be out of date: whatever was committed at its
 * leader max_ms ago is in this node's state. (A leader without a majority is
 * one for up to two election timeouts.) If this node cannot know that, or
 * leads, it is node_read(). */
MUST_USE int node_read_recent(struct node *n, void *client, int64_t max_ms);
/* Runs a read command, within read_ready() (or at any time in READ_STALE).
 * False: a key's expiry is in doubt; the reply (which the caller removes)
 * must not be sent, the command has to be submitted through the log. */
MUST_USE bool node_run_read(struct node *n, const struct cmd *cmd,
                            struct cmd_call *call);

/* What this node's state has of a key, whatever others have by now: how many
 * elements, 1 of a string. */
struct node_found {
    uint8_t type;  /* enum value_type; VALUE_NONE: there is no such key, */
    bool in_doubt; /* but others may still have it: the log knows */
    bool no_group; /* there is no such group of consumers */
    uint64_t count;
};
/* `group`: entries that this group has not got are counted; NULL: all. */
struct node_found node_look(struct node *n, uint8_t db, struct bytes key,
                            const struct bytes *group);
/* No leader has been known for longer than the request timeout: whatever needs
 * one is refused. */
bool node_is_leaderless(const struct node *n);
/* Whether events.ready() is called; not so at first. */
void node_watch_ready(struct node *n, bool on);

/* Appends about so many bytes of the rest of such a reply to *out. */
void node_read_rest(struct node *n, struct cmd_rest *rest, struct buf *out,
                    size_t bytes);

/* The transport's events. */
void node_peer_up(struct node *n, node_id peer, uint64_t incarnation,
                  const char *client_address);
void node_peer_down(struct node *n, node_id peer);
MUST_USE int node_receive(struct node *n, node_id peer, uint8_t frame_type,
                          struct bytes payload);
/* See node_transport.h. */
bool node_remembers(const struct node *n, const struct receipt *r);
void node_known(const struct node *n, node_id member, struct member_facts *out);
MUST_USE int node_admit(struct node *n, const struct admit *ask,
                        struct grant *out, struct buf *why);
/* What levels the program of a member can execute: before it is up. */
void node_peer_levels(struct node *n, node_id peer, uint16_t level_min,
                      uint16_t level_max);
/* The disk has news (disk->done or disk->error). */
void node_disk_done(struct node *n);

/* The state as a whole, in chunks (snapshot/chunk.h), for a backup: as of some
 * entry that was applied when it was opened, or later. One at a time; it is
 * closed when nobody has asked for a minute. */
struct node_snapshot_position {
    uint16_t level; /* that a program must know to read it */
    raft_index index;
    raft_term term;
    uint64_t chain;
    int64_t time_ms; /* the log's */
    int64_t wall_offset_ms;
};
struct node_snapshot_chunk {
    uint64_t number;
    uint64_t hash;
    struct bytes rows; /* borrowed until the next call */
};
/* Its id; 0: another one is open. */
uint64_t node_snapshot_open(struct node *n);
/* ERR_CLOSED: there is none with this id; ERR_SPACE: it was closed, for the
 * disk was short of space for too long, and it kept some; ERR_AGAIN: ask again
 * in some milliseconds; ERR_NOT_FOUND, ERR_IO, ERR_CORRUPT: it cannot be read,
 * node_snapshot_error() says why. */
MUST_USE int node_snapshot_position(struct node *n, uint64_t id,
                                    struct node_snapshot_position *out);
/* The same of the chunk with this number: the last one that was given, or the
 * one after it (ERR_INVALID: another). ERR_NOT_FOUND: there are no more;
 * *out has the number and the hash of the last. */
MUST_USE int node_snapshot_chunk(struct node *n, uint64_t id, uint64_t number,
                                 struct node_snapshot_chunk *out);
const char *node_snapshot_error(const struct node *n);
/* False: there is none with this id. */
bool node_snapshot_close(struct node *n, uint64_t id);

/* Committed entries from this one on, which is above 0, as a piece of the log
 * (codec/segment.h) without a trailer, in an empty `out`: one of them, or as
 * many as bytes_max has room for; none, if this is the next to be committed.
 * ERR_NOT_FOUND: the log begins behind it, see node_first_entry(). ERR_BEHIND:
 * this node does not know of so many. ERR_CLOSED: the node has failed. */
MUST_USE int node_entries(struct node *n, raft_index from, size_t bytes_max,
                          struct buf *out);
raft_index node_first_entry(const struct node *n);

/* The members compare their states: has each the same after the same entry? One
 * that has another than the majority ends (fatal, ERR_CORRUPT). Begins, or
 * joins what this node is doing already. ERR_NO_LEADER, ERR_REFILL: not now. */
MUST_USE int node_compare_ask(struct node *n);

enum compare_result {
    COMPARE_MISSING, /* it has not reported (yet) */
    COMPARE_UNKNOWN, /* it cannot say what it had */
    COMPARE_EQUAL,
    COMPARE_DIFFERENT, /* than a majority */
    COMPARE_UNDECIDED, /* they differ, and no majority has the same */
};

struct compare_member {
    node_id id;
    bool up; /* this node is linked with it */
    enum compare_result result;
    uint64_t hash; /* 0: none was reported */
};

struct compare_status {
    raft_index index;              /* after this entry; 0: never yet */
    int64_t time_ms;               /* the log's, there */
    bool running;                  /* one that is up has not reported */
    uint32_t different, undecided; /* members */
    uint32_t count;
    struct compare_member members[RAFT_NODES_MAX];
};
/* The newest comparison, as far as it was applied here. */
void node_compare_status(const struct node *n, struct compare_status *out);
/* Takes effect at once, and for the next state that is read. */
void node_set_compare(struct node *n, int64_t every_ms, uint64_t rate);

/* Hands leadership over (NODE_NONE: to a follower that has what is committed,
 * of these to the one with the greatest priority). False if this node does not
 * lead, or no member can take over: one without a link, or one that needs
 * entries which the log no longer has, cannot. */
MUST_USE bool node_transfer(struct node *n, node_id to);

/* --- members that come and go --------------------------------------------
 * What an operator asks for becomes what the members are to be, by a request
 * as any other; then the leader brings them there, step by step, whoever it is.
 */
enum node_change_kind {
    NODE_ADD,
    NODE_REMOVE,
    NODE_PROMOTE,
    NODE_DEMOTE,
    NODE_REPLACE, /* a member by a new one with these addresses */
    NODE_MOVE,
    NODE_PRIORITY,
};
struct node_change {
    enum node_change_kind kind;
    node_id id;   /* ADD: NODE_NONE: any; then, and of REPLACE, the new one */
    bool learner; /* ADD: and stays one */
    uint8_t priority; /* PRIORITY: node_priority.c */
    bool force;       /* REMOVE, DEMOTE: although too few of the rest are up */
    const char *peer_address; /* never NULL; "": none was said */
    const char *client_address;
};
/* The request to be submitted, as it is, for who asks; its reply is his. */
struct node_change_request {
    struct bytes argv[4]; /* borrowed: of this struct, and of the node until
                             the next call */
    char expected[NUM_TEXT_MAX];
    char id[NUM_TEXT_MAX];
};
/* ERR_NO_LEADER: this node does not lead, or not yet. ERR_INVALID: it cannot
 * be, and nothing is changed; `why` has a sentence that says what to do. */
MUST_USE int node_change_members(struct node *n, struct node_change *ask,
                                 struct node_change_request *out,
                                 struct buf *why);
struct node_change_status {
    const struct configuration *desired; /* borrowed; NULL: nobody has asked */
    /* As leader, otherwise "" and 0: */
    const char *next;   /* the step that comes next, or is being made; "": none
                           is needed */
    const char *waits;  /* why it is not made yet; "": it does not wait */
    uint32_t tolerates; /* voters that may fail now */
    bool done; /* the members are what was asked for, as far as it was applied
                  here, and the entry that says so is */
};
void node_change_status(struct node *n, struct node_change_status *out);
/* A member has said where it is to be reached ("": did not), and with which
 * directory. */
void node_greeted(struct node *n, node_id peer, struct directory_id directory,
                  const char *peer_address, const char *client_address);

/* This node does not serve yet: it was refilled so far. */
bool node_loading(const struct node *n, uint32_t *percent);
/* Why the node has failed, if it has: another process goes on with a copy of
 * its directory. What it promised is not whole: it must begin a new life. (One
 * that was replaced must not: its place is taken.) */
bool node_is_copy(const struct node *n);
/* The level in force here (base/level.h), for the next request that is executed
 * here: that of the state. */
uint16_t node_level(const struct node *n);
struct node_level_range {
    node_id id;
    uint16_t min, max; /* that its program can execute; 0: not known */
};
struct node_levels {
    uint16_t level; /* as above */
    uint16_t max;   /* that this program can execute, from LEVEL_MIN on */
    bool held;      /* node_set_level_auto() was called with false */
    uint32_t count;
    struct node_level_range members[RAFT_NODES_MAX]; /* with self */
};
/* Appends to *waits why a level is not in force that the program of some member
 * can execute; nothing: there is no such level. */
void node_levels(const struct node *n, struct node_levels *out,
                 struct buf *waits);
/* As leader: raises the level to this one. It has begun with 0, and is done
 * with an entry that all members execute. Else a text for people: ERR_INVALID,
 * not a level to be raised to; ERR_MISMATCH, not all members can; ERR_AGAIN,
 * not now, or not by this node. */
MUST_USE int node_raise_level(struct node *n, uint16_t level, struct buf *why);
/* The members as the newest entry in the log says, and its index (0: none says
 * so); borrowed until the next call of anything else. */
const struct configuration *node_configuration(const struct node *n,
                                               raft_index *at);

/* One of "voter", "learner", "outgoing", "leaving" and so on. */
const char *member_role_text(uint8_t roles);

struct node_peer_status {
    node_id id;
    bool up;
    bool recovering;                /* leader only, as it said last */
    const char *client_address;     /* "" if unknown */
    enum raft_progress_state state; /* leader only, as the next three */
    bool paused;                    /* sent no entries: no disk space */
    raft_index match;
    raft_index next;
    int64_t silent_ms; /* leader only: since it answered, or the election */
};

struct node_status {
    node_id self;
    enum raft_role role;
    node_id leader;
    const char *leader_address; /* of its clients; "" if unknown or self */
    raft_term term;
    raft_index commit, applied, last;
    raft_index durable;     /* synced to this node's disk */
    raft_index held_by_all; /* every member has it on its disk, at least */
    uint64_t cluster_id;
    bool recovering;          /* takes no part until it has been refilled */
    uint64_t log_bytes;       /* of the entries in the log */
    int64_t leader_silent_ms; /* since it was heard last; -1: none, or self */
    uint32_t voters;          /* members that vote */
    uint32_t peer_count;
    struct node_peer_status peers[RAFT_NODES_MAX]; /* members without self */
};
void node_status(const struct node *n, struct node_status *out);
/* Sets the values of section raft but for the role and the leader. */
void node_measure(const struct node *n, struct metrics *m);
/* Keys and expires of a database. */
struct keyspace_count node_counts(const struct node *n, uint8_t db);
/* The mean time to live of its keys with an expiry; 0: there are none. */
int64_t node_mean_ttl_ms(const struct node *n, uint8_t db);
/* Lookups of this node's clients and keys that it saw expire, since it was
 * made. */
struct keyspace_tally node_tally(const struct node *n);
/* The owner says whether this node's disk is short of space; while it is, the
 * owner submits no writes but deletions. The same while too few members have
 * space, as far as this node knows: node_disk_short(). And while the leader
 * sends this node no entries for that reason, or is going to send none, no
 * deletions either, as it would not learn what became of them:
 * node_disk_paused(). The node itself refuses nothing. */
void node_set_disk_short(struct node *n, bool is_short);
bool node_disk_short(const struct node *n);
bool node_disk_paused(const struct node *n);
/* So much is free for a state that is fetched; 0: not known. */
void node_set_disk_room(struct node *n, uint64_t bytes);
/* How many members are short, as far as this node knows. */
uint32_t node_short_members(const struct node *n);
/* This node's disk has no space for entries any more: from now on it takes
 * none, as if they had been lost on their way, and proposes none. */
void node_set_disk_full(struct node *n, bool is_full);
/* That of the store. What was taken over and will be written to it is promised
 * as well: requests that are not in the log, entries that are not in the state.
 */
void node_disk_space(const struct node *n, struct store_space *out);
/* These take effect at once. The first: does a leader raise the level by
 * itself, when all members can? */
void node_set_level_auto(struct node *n, bool on);
void node_set_request_timeout(struct node *n, uint32_t ms);
void node_set_read_mode(struct node *n, enum read_mode mode);
/* What this node sends per second at most of its state to all members that need
 * one; 0: no bound. */
void node_set_snapshot_rate(struct node *n, uint64_t bytes_per_s);
void node_set_log_size(struct node *n, uint64_t soft, uint64_t hard);

#endif
