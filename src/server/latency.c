/*
 * How it works: the slot of a time is the number of its highest bit and the
 * four bits after that.
 *
 * How it fails: it cannot.
 */
#include "server/latency.h"

#define STEP_BITS 4

_Static_assert(1 << STEP_BITS == LATENCY_STEPS, "a step for each value");

static size_t slot_of(uint64_t us)
{
    uint64_t v = MIN(us, (UINT64_C(1) << LATENCY_BITS) - 1);
    if (v < LATENCY_STEPS)
        return (size_t)v;
    size_t shift = 63 - (size_t)__builtin_clzll(v) - STEP_BITS;
    size_t slot = shift * LATENCY_STEPS + (size_t)(v >> shift);
    ASSERT(slot < LATENCY_SLOTS);
    return slot;
}

/* The longest time that the slot counts. */
static uint64_t slot_max(size_t slot)
{
    ASSERT(slot < LATENCY_SLOTS);
    if (slot < 2 * LATENCY_STEPS)
        return slot;
    size_t shift = slot / LATENCY_STEPS - 1;
    uint64_t first = (uint64_t)(slot % LATENCY_STEPS + LATENCY_STEPS) << shift;
    return first + (UINT64_C(1) << shift) - 1;
}

void latency_add(struct latency *l, uint64_t us)
{
    l->slots[slot_of(us)]++;
}

uint64_t latency_quantile(const struct latency *l, double part)
{
    uint64_t count = 0;
    ASSERT(part > 0 && part <= 1);
    for (size_t i = 0; i < LATENCY_SLOTS; i++)
        count += l->slots[i];
    ASSERT(count < UINT64_C(1) << 53); /* a double has it exactly */
    uint64_t wanted = MAX((uint64_t)(part * (double)count + 0.5), UINT64_C(1));
    uint64_t seen = 0;
    for (size_t i = 0; i < LATENCY_SLOTS; i++) {
        seen += l->slots[i];
        if (seen >= wanted)
            return slot_max(i);
    }
    ASSERT(count == 0);
    return 0;
}
