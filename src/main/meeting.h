/*
 * How a directory that is blank becomes one of a cluster: it meets the members
 * in the node lines, by greetings, and sees whether there is a cluster already.
 *
 * Nobody begins a cluster while a member may have data: of members that were
 * emptied, a majority could otherwise elect a leader without what was
 * committed. So all listed members must be there, and blank. Then the one with
 * the smallest id founds the cluster, and the record of that says which
 * directories are of it; a blank directory that is in it takes part, also after
 * a crash of any of them. Another one is let in if a majority of the members
 * has data, as a member that lost promises: it takes no part until the others
 * have completed it.
 *
 * Pure: time, greetings and the id that a new cluster would have are given.
 */
#ifndef MAIN_MEETING_H
#define MAIN_MEETING_H

#include "base/base.h"
#include "base/buf.h"
#include "codec/greeting.h"
#include "config/config.h"

/* A greeting says nothing any more after this time; members greet each other
 * about once a second. */
#define MEETING_FRESH_MS 5000

enum meeting_outcome {
    MEETING_WAIT,
    MEETING_FOUND, /* this node founds the cluster */
    MEETING_ADOPT, /* it is in the record of another member's founding */
    MEETING_JOIN,  /* it is let in, without a memory */
};

struct meeting_result {
    enum meeting_outcome outcome;
    uint64_t cluster_id;
    struct founding founding;   /* unless it is let in */
    uint64_t incarnation_above; /* if it is let in */
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
};

void meeting_init(struct meeting *m, const struct config *c,
                  struct directory_id directory, bool lost);
/* A member has greeted. `ours`: our verdict on it, an enum greeting_verdict. */
void meeting_heard(struct meeting *m, node_id peer, const struct greeting *g,
                   int ours, int64_t now_ms);
/* What follows now. `fresh_id` is not 0: of the cluster, if it is founded. */
void meeting_decide(const struct meeting *m, int64_t now_ms, uint64_t fresh_id,
                    struct meeting_result *out);
/* What is waited for, after "vard ". */
void meeting_text(const struct meeting *m, int64_t now_ms, struct buf *out);

#endif
