/*
 * Is this history linearizable? The black-box checker: it looks at what the
 * clients saw and at nothing else. Keys are independent of one another
 * (Herlihy and Wing: linearizability is local), so each is searched by itself.
 *
 * Operations that failed for certain must be invisible: they are left out of
 * the search, so a value that only they could have written condemns the
 * history, and the report says so.
 *
 * The time needed grows with the number of operations that are open at the
 * same moment on the same key and with how alike their effects are; the limit
 * of steps turns an excess into "undecided", never into a wrong answer.
 */
#ifndef CHECK_LIN_H
#define CHECK_LIN_H

#include "check/history.h"
#include "check/lin_search.h"

#define LIN_STEPS_MAX UINT64_C(50000000) /* per key, unless given */

struct lin_options {
    uint64_t steps_max;  /* per key; 0 is LIN_STEPS_MAX */
    const uint8_t *only; /* by text number: the keys to check; NULL: all */
};

struct lin_report {
    enum lin_verdict verdict; /* a violation outweighs undecided keys */
    size_t keys;
    size_t ops; /* on these keys, of whatever outcome */
    size_t keys_bad;
    size_t keys_undecided;
    uint64_t steps;
    /* Of the first key that is bad: */
    uint32_t bad_key;    /* its text number */
    uint32_t bad_op;     /* the operation whose reply can't be explained */
    bool failed_visible; /* explained if failed operations took effect */
    struct buf text;     /* a description of many lines */
};

/* Fills a report, which the caller releases. */
void lin_check(const struct history *h, const struct lin_options *options,
               struct lin_report *report);
void lin_report_release(struct lin_report *report);

#endif
