/*
 * An exhaustive explorer of the real core.
 *
 * The files of src/raft are compiled again with small limits; three cores,
 * their disks (in struct check) and the messages in flight make one state.
 * Every enabled event is tried in every state, breadth first; all invariants
 * of tests/check hold after every transition, or a shortest way to the breach
 * is printed as an interaction script. README.md says what is abstracted.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdio.h>

#include "check/check.h"

#define MODEL_NODES        RAFT_NODES_MAX /* three, or four (limits4.txt) */
#define MODEL_WIRE_MAX     10 /* in flight, before the bound is applied */
#define MODEL_NEW_MAX      16 /* sent by one macro step */
#define MODEL_EVENTS_MAX   128
#define MODEL_BYTES_MAX    512
#define MODEL_INCARNATIONS 5 /* of a node, mentioned at the same time */
/* Without the life in it. */
#define MODEL_START(incarnation) ((incarnation) & ((1U << RAFT_LIFE_SHIFT) - 1))
#define MODEL_ORDERS             (MODEL_NODES == 3 ? 6 : 24) /* ways to name them */
#define MODEL_NOW_MS             INT64_C(1000000) /* it is always this time */
#define MODEL_ELECTION_MS        100000
#define MODEL_HEARTBEAT_MS       1

_Static_assert(MODEL_NODES == 3 || MODEL_NODES == 4, "small limits");

#define MODEL_ANY 255 /* no bound, and not counted */

/* What a search may do, and how often (or MODEL_ANY). */
struct model_config {
    const char *name;
    const char *about;
    uint32_t terms;       /* largest term */
    uint32_t requests;    /* proposals in a run */
    uint32_t crashes;     /* with restart */
    uint32_t disk_losses; /* crashes after which the disk has lost promises */
    uint32_t duplicates;  /* messages delivered and kept */
    uint32_t in_flight;   /* messages; if more, some must be lost */
    uint32_t losses;      /* messages lost */
    uint32_t heartbeats;  /* sent by a timer */
    uint32_t writes;      /* under way on a node; 0: disks are done at once */
    uint32_t reads;
    uint32_t transfers;
    uint32_t pauses;   /* of a follower, for lack of disk space */
    uint32_t breaks;   /* links that break and come up, appends dropped */
    uint32_t changes;  /* of the members, */
    uint32_t kinds;    /* of these kinds; leaving joint members always */
    uint32_t cuts;     /* of a log, to what is committed and on the disk */
    uint32_t wipes;    /* disks that are gone, after a life was granted; the old
                          self, with its disk, goes on as well */
    uint32_t restores; /* of states, of all that is committed anywhere */
    uint32_t learners; /* at the beginning: the last so many nodes */
    bool copies;       /* or an older copy is there instead of such a disk */
    bool blind;        /* and who has it knows nothing of that, nor do others */
    bool at_cuts;      /* such states only as a log that is cut begins behind */
    bool elected;   /* begins with a leader of term 1, of whom nobody heard */
    bool voted;     /* and goes on: its entry is committed, a vote of
                       term 2 for another is on its way; no writes */
    bool overtaken; /* begun: and lost its role to a leader of term 2, elected
                       by the others, of whom nobody heard */
    uint32_t begun; /* settled: and who has appended the change that is this one
                       of the list (1: the first), of which nobody heard */
    bool settled;   /* begins with a leader of term 1 whose entry all have,
                       and who knows that it is committed */
    bool all;       /* keeps also messages that are of no use any more */
    bool brief;     /* a pre-vote is asked and answered in one event */
    bool greet;     /* all hear at once of a restart, and are heard */
    bool applied;   /* a restart may know what was applied */
    bool live;      /* check also that progress stays possible */
    bool plain;     /* without the reductions of model_form.c, model_budget.c
                       and of the ghost; to compare with */
};

/* How often each bounded event happened. */
struct model_used {
    uint8_t requests;
    uint8_t crashes;
    uint8_t duplicates;
    uint8_t losses;
    uint8_t heartbeats;
    uint8_t reads;
    uint8_t transfers;
    uint8_t pauses;
    uint8_t breaks;
    uint8_t disk_losses;
    uint8_t changes;
    uint8_t cuts;
    uint8_t restores;
    uint8_t wipes;
};

struct model_state {
    struct raft cores[MODEL_NODES];
    struct raft twin; /* of check.twin */
    struct check check;
    struct model_used used;
    uint32_t wire_count;
    struct raft_message wire[MODEL_WIRE_MAX];
};

enum model_event_type {
    MODEL_TIMEOUT,     /* node: its election timer runs out */
    MODEL_ELECT,       /* node, peer: timeout; the nodes that peer has the
                          bits of answer the pre-vote */
    MODEL_HEARTBEAT,   /* node: a heartbeat interval passes */
    MODEL_QUORUM_LOSS, /* node: an election timeout without an answer */
    MODEL_PROPOSE,     /* node */
    MODEL_CHANGE,      /* node, peer: model_change; arg: the nodes it is
                          about, 16 * one + other */
    MODEL_CUT,         /* node; arg: what is up to here is only in the state */
    MODEL_RESTORE,     /* node; arg: a state up to here, by the ghost */
    MODEL_WIPE,        /* node: begins its next life, arg: entries left */
    MODEL_SWITCH,      /* node: its other self does the next steps */
    MODEL_SYNC,        /* node, arg: the oldest so many writes are done */
    MODEL_CRASH,       /* node, arg: writes that survive; peer: applied? */
    MODEL_LOSE,        /* node, arg: crash; entries kept; peer: model_kept */
    MODEL_BREAK,       /* node, peer: link down and up */
    MODEL_UNSENT,      /* node, peer */
    MODEL_PAUSE,       /* node, peer: the peer's disk is short of space */
    MODEL_RESUME,      /* node, peer: not any more; not counted */
    MODEL_READ,        /* node */
    MODEL_READ_EXPIRE, /* node */
    MODEL_TRANSFER,    /* node, peer */
    MODEL_TRANSFER_LATE, /* node */
    MODEL_DELIVER,       /* arg: which message */
    MODEL_DELIVER_STALE, /* the same; the receiver heard no leader lately */
    MODEL_DUPLICATE,     /* deliver, and keep */
};

/* How the members change. */
enum model_change {
    MODEL_LEAVE = 1,  /* of joint members only the incoming ones are left */
    MODEL_SWAP = 2,   /* by joint members: a voter goes, a learner votes */
    MODEL_REMOVE = 4, /* a voter goes, in one step */
    MODEL_DEMOTE = 8, /* by joint members: a voter becomes a learner */
    MODEL_GRANT = 16, /* a voter begins its next life */
};

/* What a disk that loses promises keeps beside the entries. */
enum model_kept {
    MODEL_KEPT_NOTHING, /* the term of the last entry kept, no vote */
    MODEL_KEPT_TERM,    /* no vote */
    MODEL_KEPT_VOTE,    /* term and vote */
};

struct model_event {
    uint8_t type;
    uint8_t node;
    uint8_t peer;
    uint8_t arg;
};

/* Everything one search needs; no globals. */
struct model {
    const struct model_config *config;
    struct raft_out out;      /* of the last step */
    struct raft_out dead_out; /* of a trial in model_dead.c */
    struct model_state state; /* being made */
    struct raft_message sent[MODEL_NEW_MAX];
    uint32_t sent_ids[MODEL_NEW_MAX]; /* for the script */
    uint32_t sent_count;
    uint32_t taken_id; /* of a pre-vote that was taken out of them */
    /* Old and new messages, filled in by model_apply(). */
    const struct raft_message *all[MODEL_WIRE_MAX + MODEL_NEW_MAX];
    uint32_t all_ids[MODEL_WIRE_MAX + MODEL_NEW_MAX];
    uint32_t all_count;
    bool cut;           /* the last event went over a bound */
    struct raft before; /* of the step under way */
    const char *violation;

    /* Only a replay writes a script of what it does. */
    FILE *script;
    uint32_t ids; /* messages sent so far, as the script's runner counts */
    uint32_t wire_ids[MODEL_WIRE_MAX]; /* of state.wire */
    uint32_t kept_ids[MODEL_WIRE_MAX]; /* of model_wire()'s choice */
};

/* model_config.c */
extern const struct model_config model_configs[];
extern const uint32_t model_config_count;
const struct model_config *model_config_find(const char *name);

/* model_state.c */
/* m->state becomes the first state. */
void model_start(struct model *m);
/* Who there is, and that all vote before anything says otherwise. */
void model_name_nodes(struct check *c, const struct model_config *config);
/* What happens before the search: nothing, or an election. Writes the
 * beginning of the script. */
void model_prelude(struct model *m);
/* Brings times, numbers of writes and what nobody looks at into one form:
 * all of a state, a node, or the ghost, of which only what concerns `open`
 * terms or entries that are `present` somewhere still matters. A term is open
 * (its bit is set) if a message is in it or a node holds on to it, which leads,
 * is a candidate or owes an answer (to a state it answers by itself), or if
 * somebody has yet to reach it and a majority has not gone beyond: in others
 * nobody can be elected or speak any more. */
void model_canonical(const struct model_config *config, struct model_state *s);
void model_canonical_node(struct model_state *s, uint32_t pos);
void model_canonical_self(struct raft *core, struct check_node *n);
void model_canonical_ghost(const struct model_config *config, struct check *c,
                           uint32_t open, uint32_t present);
/* By the nodes; the terms of messages have to be added. */
uint32_t model_open_terms(const struct model_config *config,
                          const raft_term *terms, uint32_t holding);
bool model_holds_term(const struct model_config *config,
                      const struct model_state *s, uint32_t pos);
/* Entries that a node, or a message, has: for each term from 1 on a byte, in
 * which bits 0..i-1 are set if the last such entry is at index i. */
uint32_t model_present_in_node(const struct check_node *n);
uint32_t model_present_in_message(const struct raft_message *m);
/* Without the free places of `wire`, which are most of a state. */
void model_copy(struct model_state *to, const struct model_state *from);
/* A refused pre-vote of term 0: tells of an incarnation and nothing else. */
struct raft_message model_hello(const struct model_state *s, uint32_t from,
                                uint32_t to);
void model_raft_config(struct raft_config *c, uint32_t pos,
                       uint64_t incarnation);

/* model_form.c: what needs a look at all nodes and messages. model_form() is
 * the rest of model_canonical(); the others are its pieces, for those who have
 * summaries only: which incarnations a part mentions (MODEL_INCARNATIONS bits
 * for each node), whether these need no other names, and votes. */
void model_form(struct model_state *s);
uint32_t model_mentions_in_node(const struct model_state *s, uint32_t pos);
uint32_t model_mentions_in_message(const struct raft_message *m);
bool model_mentions_dense(uint32_t mentions);
void model_rename_node(struct model_state *s, uint32_t pos, uint32_t mentions);
void model_rename_message(struct raft_message *m, uint32_t mentions);
bool model_has_spare_vote(const struct model_state *s, uint32_t pos);
void model_forget_vote(struct model_state *s, uint32_t pos);
bool model_contests(const struct model_state *s, uint32_t pos);

/* model_change.c: members that change. */
bool model_votes(const struct raft_members *m, node_id id);
uint32_t model_changes(const struct model_config *config,
                       const struct raft *core, struct model_event *events);
void model_change_members(const struct raft *core, struct model_event e,
                          struct raft_members *members);
/* Bits of nodes that are, with this one, just enough to elect it. */
uint32_t model_electors(const struct raft *core, uint32_t *sets);
/* Shortens an append until at most one of its entries changes the members, and
 * moves `rest` on behind it; false: nothing is left. */
bool model_split(const struct check *c, struct raft_message *rest,
                 struct raft_message *part);

/* model_event.c: what may happen. */
uint32_t model_events(const struct model *m, const struct model_state *s,
                      struct model_event *events);
/* To node i, if all that is counted may still happen. */
uint32_t model_node_events(const struct model_config *config,
                           const struct model_state *s, uint32_t i,
                           struct model_event *events);
/* What some events need that the node does not know: how far a state goes; to
 * whom a life was granted that is committed, bits by position. */
struct model_there {
    raft_index commit;
    raft_index cut; /* of the log that is cut most */
    uint32_t granted;
};
uint32_t model_granted(const struct check *c);
bool model_is_there(const struct model_config *config, struct model_event e,
                    struct model_there there);
/* May a message be asked for by DELIVER_STALE as well? */
bool model_may_be_stale(const struct raft *to);
/* Is the bound on such events not reached? */
bool model_may(const struct model_config *config, const struct model_used *used,
               enum model_event_type type);
/* A disk may still lose promises: then terms can fall, and lost votes can be
 * given again, so nothing that is promised may be forgotten. */
bool model_may_lose(const struct model_config *config,
                    const struct model_used *used);
/* One such event happens. */
void model_use(const struct model_config *config, struct model_used *used,
               enum model_event_type type);

/* model_step.c: makes it happen to m->state; the messages go to m->sent.
 * A breach is in m->violation. */
void model_apply(struct model *m, struct model_event event);
/* The same, but nodes that the event does not touch need not be there: no
 * comparison of nodes with each other, no merging of messages. */
void model_apply_alone(struct model *m, struct model_event event);
/* What the state on its disk has, if much of it is there. */
raft_index model_known(const struct model_state *s, uint32_t pos);
/* What an UNSENT drops: the entry sent last; 0: none. */
raft_index model_unsent_from(const struct model_state *s, uint32_t node,
                             uint32_t peer);
/* Next way to keep no more than the bound of old and new messages; *choice
 * begins at 0. False: there is no further one. */
bool model_wire(struct model *m, uint64_t *choice, struct model_state *to);
bool model_next_choice(uint32_t count, uint32_t kept, uint64_t *choice);
/* The same with a choice made: one bit for each of m->all. */
void model_keep(struct model *m, uint64_t choice, struct model_state *to);

/* The core step alone, with the net under it. False: a violation. */
bool model_step_core(struct model *m, struct raft *core,
                     const struct raft_event *event, struct raft_out *out);

/* model_dead.c: can this message not do anything any more? Looks at its sender
 * and its receiver only. */
bool model_dead(struct model *m, const struct raft_message *msg);
/* All that it sees of the sender, in one number; not 0. */
uint32_t model_dead_sender(const struct model_state *s, uint32_t pos);

/* model_code.c: nodes, messages and ghost as bytes, under one of the
 * MODEL_ORDERS ways to name nodes; 0 leaves the names as they are. */
struct model_code {
    uint32_t size;
    uint8_t bytes[MODEL_BYTES_MAX];
};
void model_encode_node(const struct model_state *s, uint32_t pos,
                       uint32_t order, struct model_code *code);
void model_decode_node(const uint8_t *bytes, struct model_state *s);
void model_encode_message(const struct raft_message *msg, uint32_t order,
                          struct model_code *code);
void model_decode_message(const uint8_t *bytes, struct raft_message *msg);
void model_encode_ghost(const struct model_state *s, uint32_t order,
                        struct model_code *code);
void model_decode_ghost(const struct model_config *config, const uint8_t *bytes,
                        struct model_state *s);
uint64_t model_code_hash(const struct model_code *code);

/* model_script.c: commands for tests/script; nothing if m->script is NULL. */
void model_script_begin(struct model *m);
void model_script_event(struct model *m, struct model_event event);
void model_script_stale(struct model *m, uint32_t pos);
void model_script_deliver(struct model *m, const struct raft_message *msg,
                          uint32_t id);
void model_script_hello(struct model *m, uint32_t from, uint32_t to);
void model_script_synced(struct model *m, uint32_t pos);

/* model_search.c */
struct model_limits {
    uint64_t states_max;
    double seconds;
    uint64_t memory_mb;
    uint32_t threads;
    bool compare;            /* every transition also the slow way */
    bool outlines;           /* see model_outline.h */
    const char *script_path; /* NULL: standard output */
};
/* 0: nothing found; 1: a violation. */
int model_search(const struct model_config *config,
                 const struct model_limits *limits);

/* model_walk.c */
int model_walk(const struct model_config *config, uint64_t seed, uint64_t steps,
               const struct model_limits *limits);

#endif
