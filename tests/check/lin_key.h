/*
 * The operations on one key, made ready for the search (check/lin_search.h):
 *
 * - operations that can't matter are left out: those that failed for certain,
 *   reads of unknown outcome;
 * - texts are turned into states of the model; if nothing on this key
 *   appends, values that no operation ever tests for are merged into one (per
 *   length, if lengths are asked for; numbers apart, if something counts),
 *   because no reply tells them apart;
 * - invocations and returns of the operations with a known outcome are put in
 *   the order of time, an invocation before a return of the same time;
 * - operations of unknown outcome with the same effect form a class, ordered
 *   by invocation: since none of them ever returns, only the first unused one
 *   of a class needs to be tried.
 *
 * A cut takes a prefix of the history: everything before the return number
 * `returns`. What had not returned by then has an unknown outcome.
 */
#ifndef CHECK_LIN_KEY_H
#define CHECK_LIN_KEY_H

#include "check/history.h"
#include "check/lin_model.h"

struct lin_cut {
    size_t returns;         /* SIZE_MAX: the whole history */
    bool failed_as_unknown; /* definite errors may have taken effect */
};

#define LIN_CUT_NONE ((struct lin_cut){SIZE_MAX, false})

struct lin_op {
    struct model_op m;
    int64_t invoke;
    int64_t ret;
    uint32_t source;   /* in the history */
    uint32_t observes; /* the one state that it can be applied to, or NONE */
    uint32_t produces; /* the one state that it can change to, or NONE */
    uint64_t needs;    /* measure of the state before it, or NO_MEASURE */
    uint32_t tail;     /* APPEND: its slot in lin_key.tails */
    bool wild;         /* INCRBY that may lead to any number */
    bool inert;        /* the reply says that it changes nothing, wherever */
    bool vague;        /* the reply fits several states, and not all */
    bool untested;     /* SET of a value that no operation tests for */
};

struct lin_class {
    int64_t invoke; /* of the first member */
    uint32_t first; /* in ops; the members follow one another */
    uint32_t size;
};

/* Some keys only ever grow: those with nothing but APPEND and reads, and those
 * with nothing but INCRBY (not negative) and reads. The measure of a state is
 * its length or its number; no operation makes it smaller. */
enum lin_growth { LIN_GROWS_NOT, LIN_GROWS_IN_LENGTH, LIN_GROWS_IN_NUMBER };

#define LIN_NO_MEASURE UINT64_MAX

/* Event 2 * op is the invocation of a known operation, 2 * op + 1 its
 * return. */
struct lin_key {
    struct model model;
    struct lin_op *ops; /* the known ones by invocation, then the classes */
    size_t count;
    size_t known;
    uint32_t *events;          /* 2 * known, in the order of time */
    struct lin_class *classes; /* by invocation */
    size_t class_count;
    uint32_t states;     /* of the model when the search begins */
    uint32_t *by_invoke; /* all operations */
    int64_t longest;     /* from invocation to return */
    size_t wild;         /* operations that are wild */
    size_t appends;      /* APPEND operations */
    uint32_t *tails;     /* hash table of counts: what they append */
    size_t tail_cap;     /* a power of two, or 0 */
    size_t vague;        /* operations that are vague */
    enum lin_growth growth;
};

void lin_key_init(struct lin_key *k);
void lin_key_release(struct lin_key *k);
/* Takes the operations `sources` (numbers in h), all on one key; what was
 * there before is forgotten. */
void lin_key_build(struct lin_key *k, const struct history *h,
                   const uint32_t *sources, size_t count, struct lin_cut cut);

/* An operation other than `but`, wild or an APPEND, might lead to `state`. */
bool lin_key_may_reach(const struct lin_key *k, uint32_t state,
                       const struct lin_op *but);

/* The measure of a state of a growing key; LIN_NO_MEASURE if it has none. */
uint64_t lin_key_measure(const struct lin_key *k, uint32_t state);

#endif
