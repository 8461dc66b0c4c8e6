/*
 * The sequential specification that both checkers measure a history against:
 * one key that is missing or holds a string, and what each operation answers
 * and leaves behind.
 *
 * A state is a small number that stands for a value; equal numbers are equal
 * values, 0 is the missing key. A value is known by its length and two
 * polynomial hashes modulo 2^61-1 (Karp and Rabin 1987), so that APPEND costs
 * as much as its argument and a list that grows to megabytes costs a few
 * bytes per state. Two different values are taken for one with a probability
 * below 2^-90 for any history that fits into memory.
 *
 * Lists are kept whole: their states are few, as queues are short.
 *
 * This is deliberately not the server's own code.
 */
#ifndef CHECK_LIN_MODEL_H
#define CHECK_LIN_MODEL_H

#include "check/history.h"

#define MODEL_MISSING 0u         /* the state of a missing key */
#define MODEL_NONE    UINT32_MAX /* no state */

#define MODEL_SMALL_MAX 20 /* longest text that can be a number */

struct model_value {
    uint64_t hash[2];
    uint64_t len;
    uint8_t small[MODEL_SMALL_MAX]; /* its bytes, if they are that few */
    size_t at;                      /* of a list: its bytes in model.lists */
    bool exists;
    bool list;
};

struct model {
    struct model_value *values; /* by state */
    uint32_t count;
    uint32_t cap;
    uint32_t *slots; /* hash table of states */
    size_t slot_cap; /* a power of two */
    struct buf lists;
};

/* An operation with its texts turned into states. */
struct model_op {
    int64_t increment;
    int64_t number;
    uint32_t value;
    uint32_t expected;
    uint32_t text;        /* of a reply */
    struct bytes element; /* that is pushed; borrows from the history */
    uint8_t kind;
    uint8_t reply; /* REPLY_NONE: the outcome is unknown, any reply fits */
};

void model_init(struct model *m);
void model_release(struct model *m);
/* Forgets all values but the missing one. */
void model_reset(struct model *m);

/* The state of a key that holds this text. */
uint32_t model_state(struct model *m, struct bytes text);
/* The same of a list (check/history.h), whose bytes are kept: it is taken
 * apart. */
uint32_t model_state_list(struct model *m, struct bytes lines);
/* The state of a key that holds this number in decimal. */
uint32_t model_state_number(struct model *m, int64_t number);
/* The state of a key that holds an unspecified text of this length, which
 * differs from every other value of the model. */
uint32_t model_state_other(struct model *m, uint64_t len);
const struct model_value *model_value(const struct model *m, uint32_t state);

struct model_op model_op(struct model *m, const struct history *h,
                         const struct history_op *op);

/* What the operation does to `state`: *next is the state afterwards. True if
 * the reply that was recorded is the one it must give. */
bool model_step(struct model *m, const struct model_op *op, uint32_t state,
                uint32_t *next);

#endif
