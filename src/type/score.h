/*
 * Scores as trees have them: 64 bits in the order of the numbers, so that they
 * compare as bytes. Zero has one form here, whatever its sign.
 */
#ifndef TYPE_SCORE_H
#define TYPE_SCORE_H

#include "base/base.h"

#include <string.h>

#define SCORE_SIZE 8

static inline uint64_t score_bits(double score)
{
    uint64_t bits;
    memcpy(&bits, &score, sizeof(bits));
    return bits;
}

static inline double score_from_bits(uint64_t bits)
{
    double score;
    memcpy(&score, &bits, sizeof(score));
    return score;
}

/* Of two scores the one that is less has the smaller order; that of no score is
 * the largest number, so there is always one after it. Not for NaN. */
static inline uint64_t score_order(double score)
{
    uint64_t sign = (uint64_t)1 << 63;
    uint64_t bits = score_bits(score == 0 ? 0.0 : score);
    ASSERT(score == score);
    return (bits & sign) != 0 ? ~bits : bits ^ sign;
}

static inline double score_of(uint64_t order)
{
    uint64_t sign = (uint64_t)1 << 63;
    return score_from_bits((order & sign) != 0 ? order ^ sign : ~order);
}

static inline uint64_t score_load(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 0; i < SCORE_SIZE; i++)
        v = v << 8 | p[i];
    return v;
}

static inline void score_store(uint8_t out[SCORE_SIZE], uint64_t v)
{
    for (int i = 0; i < SCORE_SIZE; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
}

#endif
