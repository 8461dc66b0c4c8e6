/*
 * A set of 128-bit fingerprints: the configurations that a search has been
 * in. Open addressing, grows by doubling up to a limit.
 */
#ifndef CHECK_LIN_MEMO_H
#define CHECK_LIN_MEMO_H

#include "base/base.h"

struct lin_code {
    uint64_t a, b;
};

struct lin_memo {
    struct lin_code *slots; /* zero: empty */
    size_t cap;             /* a power of two */
    size_t count;
};

void lin_memo_init(struct lin_memo *m);
void lin_memo_release(struct lin_memo *m);
/* Forgets everything, in time proportional to what was there. */
void lin_memo_reset(struct lin_memo *m);
/* False if it was there already. */
bool lin_memo_add(struct lin_memo *m, struct lin_code code);

/* A random-looking code for a number; different numbers, different codes. */
struct lin_code lin_code_of(uint64_t number);

static inline struct lin_code lin_code_xor(struct lin_code x, struct lin_code y)
{
    return (struct lin_code){x.a ^ y.a, x.b ^ y.b};
}

#endif
