/* Numbers with mixed radix: one digit for each counter that takes part. */
#include "model_budget.h"

#include <string.h>

#include "base/alloc.h"

struct digit {
    size_t at; /* in struct model_used */
    uint32_t bound;
};

/* a has used at least as much as b of everything. */
static bool is_above(const struct digit *digits, uint32_t count, uint32_t a,
                     uint32_t b)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t radix = digits[i].bound + 1;
        if (a % radix < b % radix) {
            return false;
        }
        a /= radix;
        b /= radix;
    }
    return true;
}

void model_budget_init(struct model_budget *b,
                       const struct model_config *config)
{
    const struct digit wanted[] = {
        {offsetof(struct model_used, duplicates), config->duplicates},
        {offsetof(struct model_used, crashes), config->crashes},
        {offsetof(struct model_used, disk_losses), config->disk_losses},
        {offsetof(struct model_used, requests), config->requests},
        {offsetof(struct model_used, changes), config->changes},
        {offsetof(struct model_used, cuts), config->cuts},
        {offsetof(struct model_used, restores), config->restores},
        {offsetof(struct model_used, wipes), config->wipes},
        {offsetof(struct model_used, losses), config->losses},
        {offsetof(struct model_used, heartbeats), config->heartbeats},
        {offsetof(struct model_used, pauses), config->pauses},
        {offsetof(struct model_used, breaks), config->breaks},
        {offsetof(struct model_used, transfers), config->transfers}};
    struct digit digits[ARRAY_LEN(wanted)];
    uint32_t count = 0;
    uint32_t vectors = 1;

    memset(b, 0, sizeof(*b));
    for (uint32_t i = 0; i < ARRAY_LEN(wanted); i++) {
        uint32_t radix = wanted[i].bound + 1;
        if (!config->plain && wanted[i].bound > 0 &&
            wanted[i].bound != MODEL_ANY && vectors * radix <= MODEL_VECTORS) {
            b->strides[wanted[i].at] = (uint8_t)vectors;
            digits[count++] = wanted[i];
            vectors *= radix;
        }
    }
    for (uint32_t i = 0; i < vectors; i++) {
        for (uint32_t k = 0; k < vectors; k++) {
            if (is_above(digits, count, k, i)) {
                b->above[i] = (uint16_t)(b->above[i] | 1U << k);
            }
        }
    }
}
