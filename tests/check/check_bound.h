/*
 * X14 and X16: what a replica keeps, and what it sends, is bounded.
 *
 * X14: a queue, a window, a cache holds at most what is configured, at any
 * moment. The largest part of each limit that was ever used is kept, since a
 * limit that nothing comes near shows little.
 *
 * X16: a link carries what is sent in order, or breaks. So within one
 * connection and one term a leader need not go back to entries it has sent,
 * but for what a rejection, a full queue or a long silence makes doubtful. How
 * often it does, per link and minute, is bounded; a loop of rejections and
 * repeats is without end and goes over any bound.
 *
 * The first breach is kept: `violation` points to a constant text that begins
 * with the name; the rest is then undefined. Nothing allocates.
 */
#ifndef CHECK_CHECK_BOUND_H
#define CHECK_CHECK_BOUND_H

#include "raft/raft.h"

/* constant, the text of a breach */
#define BOUND_TABLE(X)                                                         \
    X(PENDING, "X14 bounded: own requests not yet applied")                    \
    X(INBOX, "X14 bounded: requests forwarded and not yet proposed")           \
    X(WINDOW, "X14 bounded: appends in flight to one member")                  \
    X(READS, "X14 bounded: reads under way")                                   \
    X(LOG, "X14 bounded: the log of a cluster in which all is well")           \
    X(REPEATS, "X16 amplification: requests that came to the log twice")

enum bound_kind {
#define X(id, text) BOUND_##id,
    BOUND_TABLE(X)
#undef X
        BOUND_COUNT,
};

/* What has been sent one way over one connection in one term. */
struct flow_link {
    uint64_t connection;
    raft_term term;
    raft_index last; /* entry of the last message */
    int64_t minute;
    uint64_t again; /* how often it went back within that minute */
};

struct flow_message {
    uint32_t from, to;
    uint64_t connection; /* a number that no other one of the two has */
    raft_term term;
    raft_index last; /* entry in it */
    int64_t now_ms;
};

struct bound_check {
    uint64_t worst_permille[BOUND_COUNT]; /* of the limit */
    uint64_t again;                       /* how often, in all */
    uint64_t worst_again;                 /* on one link in a minute */
    uint64_t again_max;
    struct flow_link links[RAFT_NODES_MAX][RAFT_NODES_MAX];
    const char *violation;
};

/* again_max: how often a leader may go back on a link in a minute. */
void bound_check_init(struct bound_check *c, uint64_t again_max);

void bound_check_at_most(struct bound_check *c, enum bound_kind what,
                         uint64_t value, uint64_t limit);

/* A message with entries has left. */
void flow_check_sent(struct bound_check *c, const struct flow_message *m);

#endif
