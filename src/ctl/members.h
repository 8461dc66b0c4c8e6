/*
 * Who the members of the cluster are, as its leader says (RAFT MEMBERS).
 */
#ifndef CTL_MEMBERS_H
#define CTL_MEMBERS_H

#include "client/cluster.h"
#include "raft/raft.h"

#define MEMBERS_TEXT_MAX 320

struct member_row {
    uint64_t id;
    char role[40]; /* "voter", "learner", ... */
    uint64_t life;
    uint64_t priority;           /* to lead */
    char peer[MEMBERS_TEXT_MAX]; /* where other members reach it; "" */
    char client[MEMBERS_TEXT_MAX];
    char desired[40];           /* what it is to become; "": that is not said */
    char why[MEMBERS_TEXT_MAX]; /* why it is not that yet; "" */
};

struct members_view {
    struct member_row rows[2 * RAFT_NODES_MAX];
    size_t count;
    uint64_t entry; /* that says so; 0: the node lines do */
    bool done;      /* they are what was asked for; only the leader knows */
    char next[MEMBERS_TEXT_MAX];  /* the step that comes next; "": none */
    char waits[MEMBERS_TEXT_MAX]; /* why it does not come yet; "" */
};

/* From the text of an answer of kind ANSWER_LIST. False: it is not that. */
MUST_USE bool members_read(struct bytes text, struct members_view *out);
const struct member_row *members_find(const struct members_view *m,
                                      uint64_t id);
/* Those that vote, or will. */
size_t members_voters(const struct members_view *m);
/* How many of so many voters may fail. */
size_t members_bear(size_t voters);

#endif
