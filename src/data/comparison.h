/*
 * What the members have found when they compared their states: an entry says
 * which state is meant, the one after itself; each member that has the hash of
 * it says so with an entry of its own. All of it is one row of the state, so
 * every member comes to the same verdict, whatever it has missed.
 *
 * A report is of one database of a node, which is named by the incarnation of
 * its first start: what was there before a refill is no matter of what came
 * after it. (Lives are no names: a member may begin the same one twice.)
 */
#ifndef DATA_COMPARISON_H
#define DATA_COMPARISON_H

#include "base/base.h"
#include "data/keyspace.h"

#define COMPARISON_REPORTS_MAX 16

/* Its row is in meta.h. */
struct comparison_report {
    node_id node;
    uint64_t began; /* incarnation of the first start of its database */
    bool found;     /* it has the hash; false: it cannot say */
    uint64_t hash;
};

struct comparison {
    uint64_t index;  /* of the entry; 0: there was none */
    int64_t time_ms; /* the log's, there */
    uint32_t count;
    struct comparison_report reports[COMPARISON_REPORTS_MAX]; /* by node */
};

/* The newest one. */
void comparison_get(struct keyspace *ks, struct comparison *out);
/* While an entry is applied: it is a new comparison's. */
void comparison_begin(struct keyspace *ks);
/* The same: a node reports. False, and nothing is changed: it is late, for
 * another comparison, or of an earlier database; or there are too many. */
MUST_USE bool comparison_add(struct keyspace *ks, uint64_t index,
                             const struct comparison_report *report);

/* What this node has reported; NULL: nothing. */
const struct comparison_report *comparison_find(const struct comparison *c,
                                                node_id node);

#endif
