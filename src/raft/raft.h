/*
 * The Raft consensus core: a pure function of (state, event).
 *
 * raft_step() is the only thing that changes a struct raft. It makes no
 * system call, allocates nothing, reads no clock and owns no pointer: time
 * comes with the event, randomness from the generator inside the struct. So a
 * core can be copied with an assignment, compared, hashed and explored.
 *
 * The core knows the term of each entry, never its payload; the
 * node attaches the bytes to what the core tells it to write and to send.
 *
 * Durability. What has to be written comes out as one raft_write with a
 * sequence number; writes are done in order. When a sync has covered write s,
 * the node says so with RAFT_EV_DURABLE{s, last index written then}. Every
 * message in the output may leave at once, even before the write next to it
 * is done: the core itself holds back what speaks of a fact (a vote, an
 * acknowledgement, a candidate's own request) until the write of that fact is
 * durable. A completion older than the last truncation is ignored, so a late
 * completion for an entry that was replaced counts for nothing.
 *
 * Batching. Proposals, reads, acknowledgements and commit notices only mark
 * what is to be sent; RAFT_EV_FLUSH, once per turn of the loop, sends it: at
 * most one message of a kind per peer.
 *
 * Recovery. A node that cannot prove that it still has what it promised starts
 * with `recovering`: see raft_recover.c.
 *
 * Restoring. What the logs of the others no longer have, a node gets as a whole
 * state, on a way of its own (RAFT_SNAPSHOT below tells who lacks it). When it
 * has one that is complete it says RAFT_EV_RESTORE: see raft_restore.c.
 *
 * Literature: Ongaro & Ousterhout, "In Search of an Understandable Consensus
 * Algorithm" (2014), figure 2 and section 8; Ongaro's thesis (2014), sections
 * 3.10 (leadership transfer), 6.4 (ReadIndex), 6.2 (check quorum), 9.6
 * (pre-vote), 10.2.1 (writing to the leader's disk in parallel).
 *
 * Thread: one. Units: milliseconds of a monotonic clock.
 */
#ifndef RAFT_RAFT_H
#define RAFT_RAFT_H

#include "base/base.h"

/* 0 is "before the first": terms and indexes of entries begin at 1. */
typedef uint64_t raft_term;
typedef uint64_t raft_index;

#ifndef RAFT_NODES_MAX
#define RAFT_NODES_MAX 9 /* members of the cluster */
#endif
#ifndef RAFT_RUNS_MAX
/* Different terms the core sees in its log. With that many that are not known
 * to be committed, nobody campaigns any more: leave room for clusters that are
 * killed again and again before their state is flushed. */
#define RAFT_RUNS_MAX 1024
#endif
#ifndef RAFT_READS_MAX
#define RAFT_READS_MAX 64 /* reads a leader confirms at the same time */
#endif
#ifndef RAFT_MESSAGE_RUNS_MAX
#define RAFT_MESSAGE_RUNS_MAX 8 /* different terms within one append */
#endif
#define RAFT_MESSAGES_MAX (4 * RAFT_NODES_MAX + 2 * RAFT_READS_MAX)
/* Terms and indexes above this in a message are refused as nonsense. */
#define RAFT_NUMBER_MAX    (UINT64_C(1) << 62)
#define RAFT_START_MEMBERS 3

enum raft_role {
    RAFT_FOLLOWER,
    RAFT_PRE_CANDIDATE, /* asks whether an election could be won */
    RAFT_CANDIDATE,
    RAFT_LEADER,
};

/* A stretch of entries of the same term, up to the next run or the end. */
struct raft_run {
    raft_index first;
    raft_term term;
};

/*
 * Who is in the cluster, and whose votes count. A member in neither set is a
 * learner: it gets the log, and its votes and acknowledgements count for
 * nothing. With an outgoing set the configuration is joint: whatever a
 * majority decides, majorities of both sets must.
 */
struct raft_members {
    uint32_t count;
    node_id ids[RAFT_NODES_MAX]; /* ascending; the rest 0 */
    uint32_t voters;             /* bits by position in ids; not 0 */
    uint32_t outgoing;           /* those that voted before, or 0 */
    /* A life is an unbroken memory of promises; who lost it begins the next.
     * Only messages of this life or a later one are believed. */
    uint32_t life[RAFT_NODES_MAX];
};
/* The upper half of an incarnation; a start raises only the lower one. */
#ifndef RAFT_LIFE_SHIFT
#define RAFT_LIFE_SHIFT 32
#endif
#define RAFT_LIFE(incarnation) ((incarnation) >> RAFT_LIFE_SHIFT)

struct raft_config {
    uint64_t cluster_id;
    uint16_t group; /* several Raft logs may share links one day; 0 today */
    node_id self;
    uint64_t incarnation;         /* of this start of this node */
    uint32_t election_timeout_ms; /* drawn from [this, 2 * this) */
    uint32_t heartbeat_ms;        /* below a third of the above */
    uint32_t peer_down_delay_ms;  /* drawn from [1, this] */
    uint32_t disk_timeout_ms;     /* a leader whose write takes longer
                                     steps down; 0: never */
    uint32_t append_entries_max;  /* entries per append message */
    uint32_t window_max;          /* appends in flight per follower */
    uint64_t seed;                /* of the generator */
};

/* What the disk said at start. */
struct raft_start {
    raft_term term;
    node_id vote;
    raft_index log_first;        /* index of the first entry kept; 1 if whole */
    raft_term log_prev_term;     /* term of the entry before it; 0 if none */
    raft_index log_last;         /* log_first - 1 if empty */
    const struct raft_run *runs; /* of log_first..log_last, ascending */
    uint32_t run_count;
    raft_index applied; /* largest index known to be committed, at least what
                           the state contains */
    bool recovering;    /* votes or entries may have been lost; needs three
                           voters or more */
    bool careful;       /* the directory may be an older copy, which others
                           would notice: see raft_role.c */
    /* The members that the state has, and those of the newest two entries
     * behind it that change them; the indexes of their entries (0: no entry
     * said so), ascending. */
    struct raft_members members[RAFT_START_MEMBERS];
    raft_index members_at[RAFT_START_MEMBERS];
    uint32_t members_count;
};

enum raft_message_type {
    RAFT_MSG_PRE_VOTE = 1,   /* term: the one it would campaign in */
    RAFT_MSG_PRE_VOTE_REPLY, /* term: echoed if granted, else own */
    RAFT_MSG_VOTE,
    RAFT_MSG_VOTE_REPLY,
    RAFT_MSG_APPEND,
    RAFT_MSG_APPEND_REPLY,
    RAFT_MSG_HEARTBEAT,
    RAFT_MSG_HEARTBEAT_REPLY,
    RAFT_MSG_TIMEOUT_NOW, /* leadership transfer: campaign at once */
    RAFT_MSG_READ,        /* follower asks the leader for a read index */
    RAFT_MSG_READ_REPLY,
    RAFT_MSG_TYPE_END,
};

/*
 * One message. Flat, all fields always present. A field means the same in
 * every type that uses it; where a type does not use it, it is 0, or the
 * message is not valid (raft_message.c). src/codec/message.c writes every byte
 * of it. What nodes tell each other beside the core is not here but in
 * src/codec/beat.h. To add a message: see README.md.
 */
struct raft_message {
    enum raft_message_type type;
    uint16_t group;
    uint64_t cluster_id;
    node_id from;
    node_id to;
    uint64_t from_incarnation;
    uint64_t to_incarnation; /* 0: not known yet to the sender */
    raft_term term;

    /* VOTE, PRE_VOTE: the candidate's last entry.
     * APPEND: the entry before the first one sent.
     * APPEND_REPLY, rejected: the follower's hint, see raft_append.c. */
    raft_index index;
    raft_term index_term;

    /* APPEND: entries index+1 .. index+count; their terms. Every run begins
     * within them, the first one at index+1; count 0: no runs. */
    uint32_t count;
    uint32_t run_count;
    struct raft_run runs[RAFT_MESSAGE_RUNS_MAX];

    raft_index commit;   /* APPEND, HEARTBEAT: the leader's commit index;
                            READ_REPLY, granted: the one to read at */
    raft_index refused;  /* APPEND_REPLY, rejected: `index` of the append */
    uint64_t round;      /* APPEND, HEARTBEAT and replies: read round */
    raft_index match;    /* replies: durable and equal to the leader's log */
    raft_index verified; /* replies: equal to the leader's log, maybe not yet
                            durable: shows the leader what got lost */
    raft_index snapshot; /* replies: the index of the state that the sender is
                            fetching, behind which it needs the log; or 0 */
    uint64_t read_id;    /* READ, READ_REPLY: the asker's own number */
    int64_t time_ms;     /* READ_REPLY, granted: the log's time then, which
                            the sending node fills in */
    bool granted;        /* vote replies; READ_REPLY: false = ask again */
    bool rejected;       /* APPEND_REPLY: index/index_term did not match */
    bool transfer;       /* VOTE: the leader asked for it, ignore stickiness */
    bool recovering;     /* the sender's promises count for nothing */
    raft_index barrier;  /* APPEND, HEARTBEAT: to a recovering follower: the
                            entry that ends it; 0: not yet */
};

enum raft_event_type {
    RAFT_EV_TICK,        /* time has passed */
    RAFT_EV_MESSAGE,     /* message; members, if an entry in it says so */
    RAFT_EV_PROPOSE,     /* count: entries to append (leader only) */
    RAFT_EV_CONFIG,      /* members: one entry that makes them so (leader
                            only, see raft_can_change()) */
    RAFT_EV_DURABLE,     /* seq, index: see above */
    RAFT_EV_READ,        /* read_id: wants a read index */
    RAFT_EV_PEER_UP,     /* peer, incarnation: its link is up */
    RAFT_EV_PEER_DOWN,   /* peer: its link broke: its process may be dead */
    RAFT_EV_UNSENT,      /* peer, index: an append for it had to be dropped,
                            from this entry on; 0: not known */
    RAFT_EV_WANT_COMMIT, /* peer, index: tell it at once when committed */
    RAFT_EV_TRANSFER,    /* peer: hand leadership to it; NODE_NONE: to the
                            most advanced follower */
    RAFT_EV_LOG_CUT,     /* index: the log now begins there */
    RAFT_EV_FETCH,       /* index: of the state that is being fetched; or 0 */
    RAFT_EV_RESTORE,     /* index, index_term, term, members, members_at: a
                            state is here, see raft_restore.c */
    RAFT_EV_PAUSE,       /* peer: its disk is short of space: it is sent no
                            entries; self: it leads only if nobody else does */
    RAFT_EV_RESUME,      /* peer, or self: not any more */
    RAFT_EV_RANK,        /* count: so many others had better lead, and are
                            given a little time to campaign first */
    RAFT_EV_FLUSH,       /* end of a turn of the loop: send what is due */
};

struct raft_event {
    enum raft_event_type type;
    int64_t now_ms;
    const struct raft_message *message; /* for the length of the call */
    node_id peer;
    raft_index index;
    uint64_t seq;
    uint64_t read_id;
    uint64_t incarnation; /* as the handshake said; 0: not known */
    uint32_t count;
    /* CONFIG; or MESSAGE, an append, of whose entries at most one is of that
     * kind: its index; or RESTORE: what the state has. For the length of the
     * call. */
    const struct raft_members *members;
    raft_index members_at;
    raft_term index_term; /* RESTORE: of the entry at index */
    raft_term term;       /* RESTORE: of the leader who offered the state, and
                             so knew that this entry is committed */
};

/* What must be written, in this order, as one atomic batch. */
struct raft_write {
    uint64_t seq; /* 0: nothing to write */
    bool hard_state;
    raft_term term;
    node_id vote;
    raft_index truncate_from; /* 0, or: drop entries from here on */
    raft_index append_first;  /* 0, or: entries first..last, */
    raft_index append_last;   /* of the event's message or proposal; */
    raft_term append_term;    /* PROPOSE and term start: their term */
    bool append_empty;        /* one empty entry: a new term, or a barrier */
    bool append_members;      /* one entry: members[RAFT_NEWEST] */
    bool recovered;           /* the node is no longer recovering */
    /* 0, or: the state is now the one that was fetched, which has all up to
     * here, and the log begins behind it, empty; */
    raft_index restore_index;
    raft_term restore_term;
    bool restore_keeps_log; /* or goes on as it is, as it leads there */
};

/* A read that may be served once the node has applied `index`. */
struct raft_read {
    uint64_t read_id;
    raft_index index;
    int64_t time_ms; /* as in the READ_REPLY; 0 when this node leads */
};

/*
 * Everything one step wants done. Reused by the caller from step to step;
 * raft_step() resets it. An append message says which entries the node must
 * attach; the node may split it into several with fewer entries each.
 */
struct raft_out {
    struct raft_write write;
    struct raft_message messages[RAFT_MESSAGES_MAX];
    uint32_t message_count;
    struct raft_read reads[RAFT_READS_MAX];
    uint32_t read_count;
    uint64_t reads_lost[RAFT_READS_MAX]; /* ask again (no leader, or the */
    uint32_t reads_lost_count;           /* leader changed) */
    bool role_changed;    /* role, term or leader differ from before */
    bool members_changed; /* say PEER_UP of all links that are up again: of a
                             member that is new the core knows nothing */
    bool transfer_ended;  /* given up, or leadership is gone */
};

/* How a leader sends to one follower (thesis 10.2, etcd's Progress). */
enum raft_progress_state {
    RAFT_PROBE,     /* looks for where the logs agree: one at a time */
    RAFT_REPLICATE, /* streams, up to window_max appends ahead */
    RAFT_SNAPSHOT,  /* needs what the log no longer has */
};

struct raft_progress {
    /* What is known of the peer. */
    uint64_t incarnation; /* that all of this is about; 0: unknown */
    raft_index match;     /* durable there and equal to our log */
    raft_index verified;  /* largest `verified` of its replies */
    uint64_t round_acked;
    int64_t heard_ms; /* last reply in this term; for check-quorum */
    bool link_up;
    bool recovering;      /* as it said last */
    raft_index snapshot;  /* the same: needs what is behind it; or 0 */
    bool restarted_maybe; /* the link broke or came up since the peer said
                             who it is: do not insist on the incarnation we
                             know */

    /* What it was sent, and is to be sent. */
    enum raft_progress_state state;
    raft_index next;    /* first entry to send */
    bool probe_sent;    /* PROBE: waiting for the answer */
    uint32_t in_flight; /* REPLICATE: appends sent and not answered */
    raft_index commit_sent;
    raft_index commit_wanted;
    uint64_t round_sent;
    raft_index barrier; /* see raft_recover.c; 0: none */
    bool paused;        /* gets heartbeats only; all else stands */
    int64_t beat_ms;    /* last heartbeat or append sent */
    int64_t append_ms;  /* last append sent */

    /* What shows that an append got lost. */
    bool beat_waits;          /* a heartbeat is not answered yet; when it */
    raft_index beat_verified; /* left, `verified` was this, */
    raft_index beat_next;     /* and `next` this */
    uint32_t lost;            /* how often in a row one seemed to be lost */
};

struct raft_pending_read {
    uint64_t read_id;
    uint64_t round;
    raft_index index; /* 0: waits for the first commit of this term */
    node_id from;
    uint64_t from_incarnation;
};

/* Members count from the append of their entry on, committed or not (so the
 * log alone says who decides), and the former ones again if it is truncated.
 * Two are enough: a leader appends no further change before it knows that the
 * last one is committed. */
enum {
    RAFT_BASE,   /* the last that is known to be committed */
    RAFT_NEWEST, /* those that decide: of the last entry that says so */
    RAFT_MEMBERS,
};

/*
 * The state. Read it freely (the accessors below are for the common cases);
 * only raft_step() writes it.
 */
struct raft {
    struct raft_config config;
    raft_index members_at[RAFT_MEMBERS]; /* index of the entry; 0: none */
    struct raft_members members[RAFT_MEMBERS];
    uint64_t rng;
    int64_t now_ms;
    enum raft_role role;
    node_id leader; /* of this term, NODE_NONE if not known */

    raft_term term;
    node_id vote;

    /* writes */
    uint64_t write_seq;      /* last one given out */
    uint64_t durable_seq;    /* last one known to be durable */
    uint64_t hard_state_seq; /* last one that carried term and vote */
    uint64_t truncate_seq;   /* last one that truncated */
    int64_t write_since_ms;  /* when the oldest undurable one began */

    /* log */
    raft_index first; /* of the entries kept */
    raft_term prev_term;
    raft_index last;
    raft_index durable; /* own entries up to here are durable */
    struct raft_run runs[RAFT_RUNS_MAX];
    uint32_t run_count;
    raft_index commit;

    /* follower */
    bool recovering;
    raft_index barrier;       /* what this term's leader said; 0: nothing */
    raft_index fetching;      /* as RAFT_EV_FETCH said, or 0 */
    raft_index verified;      /* equal to the log of this term's leader */
    raft_index leader_commit; /* largest commit this term's leader told */
    uint64_t leader_incarnation;
    int64_t leader_heard_ms;
    int64_t election_at_ms;   /* campaign then; INT64_MAX: never */
    int64_t careful_until_ms; /* no vote before that; 0: votes as ever */
    node_id down_leader;      /* the leader whose link broke, or NODE_NONE */
    int64_t fast_until_ms;    /* until then retry elections quickly; or 0 */
    uint64_t round_seen;      /* read round to acknowledge */
    bool reply_append;        /* an acknowledgement is due at flush */
    bool reply_heartbeat;
    bool reply_reject;
    raft_index reject_index; /* hint of the rejection to send */
    raft_term reject_term;
    raft_index reject_prev;
    node_id vote_reply_to; /* waits for hard_state_seq; NODE_NONE: none */
    bool reluctant;        /* others had better lead */
    uint32_t declined;     /* election timeouts in a row that it left to them */
    uint32_t rank;         /* as RAFT_EV_RANK said */

    /* candidate: one bit per position in members[RAFT_NEWEST] */
    uint32_t votes_granted;
    uint32_t votes_refused;
    bool campaign_transfer;
    bool campaign_waits; /* requests wait for hard_state_seq */

    /* leader */
    raft_index term_start; /* index of this term's empty entry */
    struct raft_progress progress[RAFT_NODES_MAX]; /* as the newest members */
    uint64_t round; /* number of the last read round begun */
    struct raft_pending_read reads[RAFT_READS_MAX];
    uint32_t read_count;
    node_id transfer_to;
    int64_t transfer_until_ms;
    bool transfer_sent;
    int64_t quorum_check_ms;

    /* a follower's reads that the leader was asked for */
    uint64_t reads_asked[RAFT_READS_MAX];
    int64_t reads_asked_ms[RAFT_READS_MAX]; /* when */
    uint32_t reads_asked_count;
    uint32_t reads_asked_sent; /* the first so many have left */
};

/*@ predicate members_valid(struct raft *r) =
  @     0 < r->members[RAFT_NEWEST].count <= RAFT_NODES_MAX;
 */

/*@ predicate log_valid(struct raft *r) =
  @     0 < r->first <= r->last + 1 && r->last <= RAFT_NUMBER_MAX &&
  @     r->run_count <= RAFT_RUNS_MAX &&
  @     (r->run_count == 0 <==> r->first == r->last + 1) &&
  @     (r->run_count > 0 ==> r->runs[0].first == r->first) &&
  @     (\forall integer i; 0 <= i < r->run_count ==>
  @         r->first <= r->runs[i].first <= r->last) &&
  @     (\forall integer i, j; 0 <= i < j < r->run_count ==>
  @         r->runs[i].first < r->runs[j].first) &&
  @     (\forall integer i, j; 0 <= i < j < r->run_count ==>
  @         r->runs[i].term < r->runs[j].term) &&
  @     (\forall integer i; 0 <= i < r->run_count ==>
  @         r->prev_term <= r->runs[i].term);
  @ predicate holds(struct raft *r, integer i, integer index) =
  @     0 <= i < r->run_count && r->runs[i].first <= index <= r->last &&
  @     (i + 1 < r->run_count ==> index < r->runs[i + 1].first);
  @ predicate term_at(struct raft *r, integer index, integer term) =
  @     (index + 1 == r->first && term == r->prev_term) ||
  @     (\exists integer i; holds(r, i, index) && r->runs[i].term == term);
  @ predicate term_at_most(struct raft *r, integer index, integer term) =
  @     (index + 1 == r->first && r->prev_term <= term) ||
  @     (\exists integer i; holds(r, i, index) && r->runs[i].term <= term);
  @ lemma holds_one{L}: \forall struct raft *r, integer i, j, index;
  @     log_valid(r) && holds(r, i, index) && holds(r, j, index) ==> i == j;
 */

/* Fills in a fresh core: follower, election timer drawn. The start record is
 * what the disk proved; asserts that it is consistent. */
void raft_init(struct raft *r, const struct raft_config *config,
               const struct raft_start *start, int64_t now_ms);

/* Asserts everything that holds between two steps. raft_step() ends with it;
 * the explorer and the simulator may call it on any state. */
void raft_check(const struct raft *r);

/* One event. `out` is overwritten. What a peer sends cannot make it assert:
 * messages that cannot be true are dropped. A proposal is an assertion
 * failure unless raft_can_propose(), a change of members unless
 * raft_can_change() and raft_members_follow(). */
void raft_step(struct raft *r, const struct raft_event *event,
               struct raft_out *out);

/* When a TICK is due at the latest. */
int64_t raft_deadline_ms(const struct raft *r);

static inline bool raft_is_leader(const struct raft *r)
{
    return r->role == RAFT_LEADER;
}

/* Leads, and is not handing leadership over. */
bool raft_can_propose(const struct raft *r);

/* Leads, and knows that the last change of members is committed, and what was
 * before its term: may append the next change. */
bool raft_can_change(const struct raft *r);
/* The members are joint, and their entry is committed: who leads has to append
 * those without the outgoing set now. */
bool raft_leave_due(const struct raft *r);

/* All ids once, ascending; every set within them; somebody votes. */
bool raft_members_valid(const struct raft_members *m);
/* May `after` be the next change? Majorities of the two always meet: joint
 * members are followed by their incoming voters alone, others by joint ones
 * that they are the outgoing set of, or by voters of whom at most one came or
 * went. Learners may change at any time, lives only rise. */
bool raft_members_follow(const struct raft_members *before,
                         const struct raft_members *after);
/* All of them vote; ids in any order, each once. */
void raft_members_of(struct raft_members *m, const node_id *ids,
                     uint32_t count);
/* Position of a member, or -1. */
/*@ requires \valid_read(m) && m->count <= RAFT_NODES_MAX;
  @ assigns \nothing;
  @ ensures -1 <= \result < m->count;
  @ ensures \result >= 0 ==> m->ids[\result] == id;
  @ ensures \result < 0 ==> (\forall integer i;
  @     0 <= i < m->count ==> m->ids[i] != id); */
int raft_members_position(const struct raft_members *m, node_id id);
/* Does the member at this position vote, in either set? */
bool raft_members_votes(const struct raft_members *m, uint32_t pos);
/* Are these, bits by position, a majority of each set? */
bool raft_members_quorum(const struct raft_members *m, uint32_t bits);

/* Term of the entry at index; false if index is outside first-1..last. */
/*@ requires \valid_read(r) && \valid(term) && log_valid(r);
  @ requires \separated(r, term);
  @ requires index <= RAFT_NUMBER_MAX;
  @ assigns *term;
  @ ensures \result <==> r->first - 1 <= index <= r->last;
  @ ensures \result ==> term_at(r, index, *term); */
MUST_USE bool raft_runs_term(const struct raft *r, raft_index index,
                             raft_term *term);

/* Position among the newest members, or -1. */
/*@ requires \valid_read(r) && r->members[RAFT_NEWEST].count <= RAFT_NODES_MAX;
  @ assigns \nothing;
  @ ensures -1 <= \result < r->members[RAFT_NEWEST].count;
  @ ensures \result >= 0 ==> r->members[RAFT_NEWEST].ids[\result] == id;
  @ ensures \result < 0 ==> (\forall integer i;
  @     0 <= i < r->members[RAFT_NEWEST].count ==>
  @         r->members[RAFT_NEWEST].ids[i] != id); */
int raft_position(const struct raft *r, node_id id);

const char *raft_role_name(enum raft_role role);
const char *raft_message_name(enum raft_message_type type);

#endif
