/*
 * Histories made up for tests: linearizable by construction. Every client
 * has one operation open at a time; each operation takes effect at a moment
 * drawn between its invocation and its return, on a plain store of strings
 * that shares nothing with the checkers' model.
 *
 * Same options, same history.
 */
#ifndef CHECK_HISTORY_GEN_H
#define CHECK_HISTORY_GEN_H

#include "check/history.h"

#define GEN_KIND(name) (1u << HISTORY_##name)
/* Of keys with a string; of keys with a list. */
#define GEN_KINDS_ALL   ((1u << HISTORY_RPUSH) - 1)
#define GEN_KINDS_LISTS (((1u << HISTORY_KINDS) - 1) & ~GEN_KINDS_ALL)

enum gen_places {
    GEN_NO_PLACES,
    GEN_REPLIES_PLACED,
    GEN_ALL_PLACED, /* also unknown outcomes that took effect */
};

struct gen_options {
    uint64_t seed;
    size_t ops;
    uint32_t clients;
    uint32_t keys;
    uint32_t values;         /* different ones; 0: each is written once */
    uint32_t unknown_permil; /* of the operations */
    uint32_t failed_permil;
    uint32_t kinds; /* GEN_KIND of those to be used */
    enum gen_places places;
    bool ones;        /* increments are 1 */
    bool final_reads; /* at the end, each key is read alone */
};

/* Adds the operations to an empty history. */
void history_gen(struct history *h, const struct gen_options *o);

/* One key of the plain store. */
struct gen_value {
    bool exists;
    struct buf text;
};

/* Executes the operation: changes *v, sets the reply of *op. */
void gen_execute(struct history *h, struct gen_value *v, struct history_op *op);
void gen_value_release(struct gen_value *v);

#endif
