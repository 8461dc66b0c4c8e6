/*
 * The witness checker: the system says in which order it executed the
 * operations, and is held to it. Every reply carries its place (a log index
 * and the position in the entry; for a read the applied index at which it was
 * served). The checker sorts by place, replays through the sequential model,
 * compares every reply, and checks that the order respects real time. What
 * passes is linearizable, with the order as the proof; O(n log n).
 *
 * Stricter than check/lin.h: a history may be linearizable while the order
 * that was claimed is not a linearization. Reads of one index stand behind
 * the entry of that index, in the order of their invocation.
 *
 * Operations of unknown outcome:
 * - with a place (known from the applied log, say): they took effect there;
 * - without one: if `unknown_complete`, they never took effect. Otherwise they
 *   may have, at a place nobody knows; keys whose replay fails and that have
 *   such writes are not condemned but marked in `undecided`, and the caller
 *   gives them to lin_check (its option `only`).
 *
 * A violation is also: a definite error with a place, two operations in one
 * place, an answered operation without a place, a write with a read index.
 */
#ifndef CHECK_WITNESS_H
#define CHECK_WITNESS_H

#include "check/history.h"

struct witness_options {
    bool unknown_complete; /* unknown outcomes without a place never happened */
};

struct witness_report {
    bool ok;         /* no violation; look at keys_undecided as well */
    size_t ops;      /* replayed */
    uint32_t bad_op; /* the first violation, if there is one */
    size_t keys_undecided;
    uint8_t *undecided; /* by text number: keys for lin_check */
    struct buf text;    /* describes the violation */
};

/* Fills a report, which the caller releases. */
void witness_check(const struct history *h,
                   const struct witness_options *options,
                   struct witness_report *report);
void witness_report_release(struct witness_report *report);

#endif
