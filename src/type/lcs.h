/*
 * The longest common subsequence of two strings, by the table of the lengths of
 * all their beginnings: (a.len + 1) * (b.len + 1) numbers of 4 bytes.
 */
#ifndef TYPE_LCS_H
#define TYPE_LCS_H

#include "base/base.h"
#include "base/bytes.h"

struct lcs {
    struct bytes a, b; /* borrowed */
    uint32_t *table;
    uint32_t length;     /* of the subsequence */
    uint32_t a_at, b_at; /* the walk has come so far, from the end */
};

/* A part that both have, as numbers of its first and last bytes. */
struct lcs_match {
    uint32_t a_start, a_end;
    uint32_t b_start, b_end;
};

/* The bytes of a table; strings of 2^32 - 1 bytes and more have none. */
static inline uint64_t lcs_memory(uint64_t a_len, uint64_t b_len)
{
    ASSERT(a_len < UINT32_MAX && b_len < UINT32_MAX);
    unsigned __int128 bytes =
        (unsigned __int128)(a_len + 1) * (b_len + 1) * sizeof(uint32_t);
    return bytes > UINT64_MAX ? UINT64_MAX : (uint64_t)bytes;
}

/* Computes it. The caller has seen to lcs_memory(). */
void lcs_init(struct lcs *l, struct bytes a, struct bytes b);
void lcs_release(struct lcs *l);
/* Begins the walk over the parts again. */
void lcs_rewind(struct lcs *l);
/* The next part, from the last to the first. False: there is none. */
MUST_USE bool lcs_next(struct lcs *l, struct lcs_match *out);

#endif
