/*
 * All states seen: open addressing, linear probing, 8 bytes for each, no
 * parents (model_queue.h). A state is named by its slot. Threads insert with
 * compare-and-swap; the size is fixed.
 *
 * A place holds 48 bits of a second fingerprint, and 16 bits of which vectors
 * of counters (model_budget.h) the state was seen with. What can follow from a
 * state with fewer faults and requests used includes what can follow from it
 * with more: a state that comes with more is dropped.
 */
#ifndef MODEL_TABLE_H
#define MODEL_TABLE_H

#include <stdatomic.h>

#include "model.h"

struct model_table {
    uint64_t slot_count;
    _Atomic uint64_t *entries; /* 0: free */
    _Atomic uint8_t *marks;    /* NULL, or for model_live.c */
};

struct model_print {
    uint64_t place;
    uint64_t check; /* 48 bits, not 0 */
};

void model_table_init(struct model_table *t, uint64_t bytes, bool marks);
void model_table_release(struct model_table *t);
/* How many states it takes. */
uint64_t model_table_room(const struct model_table *t);
void model_table_prefetch(const struct model_table *t, struct model_print p);
/* Adds the bits of `vectors` to what the state was seen with; it is new if
 * the bit of `vector` was not there. *slot says where it is. */
bool model_table_add(struct model_table *t, struct model_print p,
                     uint32_t vector, uint32_t vectors, uint32_t *slot);

#endif
