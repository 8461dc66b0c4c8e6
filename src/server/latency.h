/*
 * How long something took, counted by size: whole microseconds below 16, then
 * 16 steps from each power of two to the next, so that what is told of a
 * quantile is at most a sixteenth above the truth.
 */
#ifndef SERVER_LATENCY_H
#define SERVER_LATENCY_H

#include "base/base.h"

#define LATENCY_STEPS 16
#define LATENCY_BITS  32 /* longer times count as the longest */
#define LATENCY_SLOTS ((LATENCY_BITS - 3) * LATENCY_STEPS)

struct latency {
    uint64_t slots[LATENCY_SLOTS];
};

void latency_add(struct latency *l, uint64_t us);
/* The time in which this part of all (0 to 1) was done; 0: there was none. */
uint64_t latency_quantile(const struct latency *l, double part);

#endif
