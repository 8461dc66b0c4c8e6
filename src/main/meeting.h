/*
 * How a directory that is blank becomes one of a cluster: it meets the members
 * in the node lines, by greetings, and sees whether there is a cluster already.
 *
 * Nobody begins a cluster while a member may have data: of members that were
 * emptied, a majority could otherwise elect a leader without what was
 * committed. So all listed members must be there, and blank. Then the one with
 * the smallest id founds the cluster, and the record of that says which
 * directories are of it; a blank directory that is in it takes part, also after
 * a crash of any of them. Another one asks those that have data to let it in.
 * They grant it a life (codec/admit.h), as a member that lost promises: it
 * takes no part until the others have completed it.
 *
 * Pure: time, greetings, answers and the id that a new cluster would have are
 * given.
 */
#ifndef MAIN_MEETING_H
#define MAIN_MEETING_H

#include "base/base.h"
#include "base/buf.h"
#include "codec/admit.h"
#include "codec/greeting.h"
#include "config/config.h"

/* A greeting says nothing any more after this time; members greet each other
 * about once a second. */
#define MEETING_FRESH_MS   5000
#define MEETING_OTHERS_MAX 16
/* Two that are told to begin by themselves hear of it from each other in this
 * time; then the smaller id goes first. */
#define MEETING_FORCE_MS 2500

enum meeting_outcome {
    MEETING_WAIT,
    MEETING_FOUND, /* this node founds the cluster */
    MEETING_ADOPT, /* it is in the record of another member's founding */
    MEETING_ASK,   /* it waits, and asks to be let in */
    MEETING_JOIN,  /* it is let in, without a memory */
};

struct meeting_result {
    enum meeting_outcome outcome;
    uint64_t cluster_id;
    struct founding founding; /* unless it is let in */
    struct grant grant;       /* if it is let in */
};

struct meeting_guest {
    bool heard;
    int64_t heard_ms;
    struct greeting greeting;
};

struct meeting {
    const struct config *config;
    struct directory_id directory;                 /* this node's */
    bool lost;                                     /* see codec/greeting.h */
    struct meeting_guest guests[CONFIG_NODES_MAX]; /* as the node lines */
    bool forced;       /* it need not wait for those that are missing */
    int64_t forced_ms; /* since when; others have to hear of it first */
    bool joins; /* the option join: it founds nothing, and asks who is there */
    struct meeting_guest others[MEETING_OTHERS_MAX]; /* then: the others */
    node_id other_ids[MEETING_OTHERS_MAX];
    size_t other_count;
    bool asks;           /* to be let in */
    struct grant answer; /* the last one that says most */
    node_id answered_by; /* NODE_NONE: there is none */
    int64_t answered_ms;
};

void meeting_init(struct meeting *m, const struct config *c,
                  struct directory_id directory, bool lost);
/* A member has greeted. `ours`: our verdict on it, an enum greeting_verdict. */
void meeting_heard(struct meeting *m, node_id peer, const struct greeting *g,
                   int ours, int64_t now_ms);
/* What follows now. `fresh_id` is not 0: of the cluster, if it is founded. Once
 * it has asked, it may have been granted a life, and does nothing else. */
void meeting_decide(struct meeting *m, int64_t now_ms, uint64_t fresh_id,
                    struct meeting_result *out);
/* Somebody wants the cluster to begin without those that are missing: so it
 * does a moment later. False: it cannot, and `why` has a sentence that says who
 * is in the way, or missing. */
MUST_USE bool meeting_force(struct meeting *m, int64_t now_ms, struct buf *why);
/* A member has answered. */
void meeting_answered(struct meeting *m, node_id peer, const struct grant *g,
                      int64_t now_ms);
/* What is waited for, after "vard ". */
void meeting_text(const struct meeting *m, int64_t now_ms, struct buf *out);

#endif
