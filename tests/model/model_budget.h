/*
 * How much of what is counted was used, as one of at most 16 vectors.
 *
 * With fewer faults and requests used, more can follow, so states that differ
 * in these counters only need not all be looked at. Counters that do not fit
 * into 16 vectors belong to the state instead, and so do those of reads, by
 * which reads are numbered.
 */
#ifndef MODEL_BUDGET_H
#define MODEL_BUDGET_H

#include "model.h"

#define MODEL_VECTORS 16

struct model_budget {
    uint8_t strides[sizeof(struct model_used)]; /* 0: not in the vector */
    uint16_t above[MODEL_VECTORS]; /* it and all that used more, as bits */
};

void model_budget_init(struct model_budget *b,
                       const struct model_config *config);

static inline uint32_t model_budget_vector(const struct model_budget *b,
                                           const struct model_used *used)
{
    const uint8_t *counts = (const uint8_t *)used;
    uint32_t vector = 0;

    for (uint32_t i = 0; i < sizeof(*used); i++) {
        vector += (uint32_t)b->strides[i] * counts[i];
    }
    ASSERT(vector < MODEL_VECTORS);
    return vector;
}

/* What is left of the counters belongs to the state. */
static inline uint64_t model_budget_rest(const struct model_budget *b,
                                         const struct model_used *used)
{
    const uint8_t *counts = (const uint8_t *)used;
    uint64_t rest = 0;

    _Static_assert(sizeof(*used) * 4 <= 64, "one word");
    for (uint32_t i = 0; i < sizeof(*used); i++) {
        ASSERT(counts[i] < 16);
        rest = rest << 4 | (b->strides[i] == 0 ? counts[i] : 0);
    }
    return rest;
}

#endif
