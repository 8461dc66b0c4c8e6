/*
 * A state that is fetched from another member, and how it takes the place of
 * the present one: what struct node keeps of it, and what node.c and
 * node_drive.c call.
 */
#ifndef NODE_NODE_REFILL_INTERNAL_H
#define NODE_NODE_REFILL_INTERNAL_H

#include "base/base.h"
#include "base/buf.h"
#include "codec/transfer.h"
#include "raft/raft.h"

struct attached;
struct intake;
struct intake_news;
struct node;
struct node_peer;

enum refill_phase {
    REFILL_NONE,
    REFILL_KEPT,     /* what came so far waits for somebody to offer it again */
    REFILL_FETCHING, /* the source is asked for the rest */
    REFILL_MAKING,   /* all came: it is judged, and put together */
    REFILL_COMPLETE, /* it was found right, and has a number in the store */
};

/* node_refill.c */
struct refill {
    enum refill_phase phase;
    uint64_t id; /* of the state, at its source */
    struct transfer_offer offer;
    raft_term leader_term;      /* of who offered it */
    struct intake *intake;      /* knows how far it came */
    struct intake *leaving;     /* of one that is over; NULL: none */
    struct buf rows;            /* of the chunk that comes */
    struct transfer_chunk head; /* of its first piece; total 0: none comes */
    uint64_t until;             /* the source may send up to there */
    bool asked;                 /* to begin anew, and that has not come yet */
    int64_t ask_at_ms;          /* unless a piece comes */
    int64_t heard_ms;           /* when the last piece came */
    uint64_t part_bytes;        /* where the last part ends */
    int64_t part_ms;            /* when that was asked for */
    uint64_t noted_bytes;       /* are in parts that are noted */
    bool noted;                 /* there is a row that says so */
    int64_t refuse_until_ms;    /* no offer is taken before */
    int64_t told_ms;            /* why one was refused; 0: never */
    uint64_t state;             /* COMPLETE: its number */
    struct raft_members members;
    raft_index members_at;
};

/* A state that takes the place of the present one, with RAFT_EV_RESTORE. */
struct restored {
    uint64_t state; /* the store's number */
    uint64_t chain; /* of the log, at its last entry */
    raft_index index;
};

/* node_refill_note.c: finds what came before the start. */
void node_refill_open(struct node *n);
void node_refill_release(struct node *n);
/* More of it is in parts: INTAKE_PART. */
void node_refill_note(struct node *n, const struct intake_news *part);
/* Part of a write: what was noted has no use any more. */
void node_refill_unnote(struct node *n);
/* Nothing is left of the transfer, or will be as soon as node_refill_left()
 * says so: until then there cannot be another one. */
void node_refill_drop(struct node *n);
MUST_USE bool node_refill_left(struct node *n);
/* The source is told that nobody wants more of it. */
void node_refill_leave(struct node *n);
/* What has come is of no use, or there is no place for it: it is dropped, and
 * the next one waits. */
void node_refill_fail(struct node *n, const char *what, const char *why);
/* What came so far waits for another offer. */
void node_refill_keep(struct node *n, const char *why);

/* node_refill.c: what a member says of a transfer, but for what a source is
 * asked. */
void node_refill_take(struct node *n, const struct node_peer *from,
                      const struct transfer *t);
/* What was on its way to or from this member is lost. */
void node_refill_link_lost(struct node *n, node_id peer);
/* Asks for more, gives up. */
void node_refill_turn(struct node *n);
/* When node_refill_turn() has to be called, or has something for the core;
 * INT64_MAX: it does not matter. */
int64_t node_refill_due_ms(const struct node *n);
/* What the core has to be told of it; false: nothing. After RAFT_EV_RESTORE
 * node_refill_done(). */
MUST_USE bool node_refill_next(struct node *n, struct raft_event *e,
                               struct restored *state);
void node_refill_done(struct node *n);
/* A state is being fetched, of which so much is here. */
bool node_refill_percent(const struct node *n, uint32_t *percent);

/* node_restore.c: what a write says of a state: it takes the place of the
 * present one. */
void node_restore(struct node *n, const struct raft_write *w,
                  const struct restored *s);
/* Then, when the core's step is done: what clients of this node have to be told
 * of what was skipped. */
void node_restore_tell(struct node *n);

#endif
