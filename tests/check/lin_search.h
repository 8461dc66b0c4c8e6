/*
 * The search for a linearization of the operations on one key: an order in
 * which each takes effect at one moment between its invocation and its
 * return, and every reply is the one that the model gives. Linearizability:
 * Herlihy and Wing 1990; the search: Wing and Gong 1993, with the memory of
 * configurations of Lowe 2017 ("Testing for linearizability").
 *
 * A configuration is the set of operations that have been placed and the
 * state they lead to. Lowe keeps sets as bit strings; here a set is the
 * exclusive or of 128-bit codes of its members, so that a step costs the same
 * for ten operations as for a million, and a configuration takes 16 bytes.
 * Two configurations are taken for one with a probability of about
 * n^2 / 2^129, and only a wrong "not linearizable" could come of it.
 */
#ifndef CHECK_LIN_SEARCH_H
#define CHECK_LIN_SEARCH_H

#include "check/lin_key.h"

enum lin_verdict {
    LIN_OK,
    LIN_VIOLATION,
    LIN_UNDECIDED, /* the limit was reached first */
};

struct lin_search;

struct lin_search *lin_search_new(void);
void lin_search_free(struct lin_search *s);

/* Searches with at most `steps_max` operations placed; adds those that were
 * placed to *steps. The key is borrowed until the next run. */
enum lin_verdict lin_search_run(struct lin_search *s, struct lin_key *k,
                                uint64_t steps_max, uint64_t *steps);

/* After LIN_OK: the operations in the order found, unknown ones that took
 * effect among them, as positions in k->ops; and the state after them. */
size_t lin_search_order(const struct lin_search *s, const uint32_t **order);
uint32_t lin_search_state(const struct lin_search *s);

#endif
