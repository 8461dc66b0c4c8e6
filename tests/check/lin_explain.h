/*
 * Says why the operations on one key are not linearizable.
 */
#ifndef CHECK_LIN_EXPLAIN_H
#define CHECK_LIN_EXPLAIN_H

#include "check/lin.h"

struct lin_case {
    const struct history *h;
    const uint32_t *sources; /* the operations on the key, not linearizable */
    size_t count;
    uint64_t steps_max; /* for each search */
};

/* Finds the longest linearizable prefix and the first reply that goes beyond
 * it; sets bad_key, bad_op, failed_visible and text of the report. */
void lin_explain(struct lin_search *s, struct lin_key *k,
                 const struct lin_case *c, struct lin_report *report);

/* Appends the line of an operation, shortened if it is long. */
void lin_show_op(const struct history *h, uint32_t op, struct buf *out);

#endif
