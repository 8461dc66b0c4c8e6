/*
 * Linear probing, at most half full. The fingerprint 0,0 stands for an empty
 * slot, so a fingerprint of this value is stored as 1,1.
 */
#include "check/lin_memo.h"

#include "base/alloc.h"
#include "base/rng.h"

#include <string.h>

#define SLOTS_MIN ((size_t)256)

void lin_memo_init(struct lin_memo *m)
{
    *m = (struct lin_memo){.cap = SLOTS_MIN};
    m->slots = mem_zalloc(m->cap * sizeof(*m->slots));
}

void lin_memo_release(struct lin_memo *m)
{
    mem_free(m->slots);
    *m = (struct lin_memo){.cap = 0};
}

void lin_memo_reset(struct lin_memo *m)
{
    ASSERT(m->cap >= SLOTS_MIN);
    if (m->cap > SLOTS_MIN && m->cap > 16 * m->count) {
        lin_memo_release(m);
        lin_memo_init(m);
        return;
    }
    memset(m->slots, 0, m->cap * sizeof(*m->slots));
    m->count = 0;
}

static bool is_empty(struct lin_code code)
{
    return code.a == 0 && code.b == 0;
}

/* The slot of the code, or the empty one where it belongs. */
static size_t find(const struct lin_memo *m, struct lin_code code)
{
    ASSERT(m->count < m->cap);
    size_t at = (size_t)code.a & (m->cap - 1);
    while (!is_empty(m->slots[at]) &&
           (m->slots[at].a != code.a || m->slots[at].b != code.b))
        at = (at + 1) & (m->cap - 1);
    return at;
}

static void grow(struct lin_memo *m)
{
    struct lin_memo old = *m;
    m->cap = 2 * old.cap;
    m->slots = mem_zalloc(m->cap * sizeof(*m->slots));
    for (size_t i = 0; i < old.cap; i++) {
        if (!is_empty(old.slots[i]))
            m->slots[find(m, old.slots[i])] = old.slots[i];
    }
    mem_free(old.slots);
}

bool lin_memo_add(struct lin_memo *m, struct lin_code code)
{
    if (is_empty(code))
        code = (struct lin_code){1, 1};
    if (2 * (m->count + 1) > m->cap)
        grow(m);
    size_t at = find(m, code);
    if (!is_empty(m->slots[at]))
        return false;
    m->slots[at] = code;
    m->count++;
    return true;
}

struct lin_code lin_code_of(uint64_t number)
{
    uint64_t state = number * UINT64_C(0xd1342543de82ef95) + 1;
    uint64_t a = rng_next(&state);
    return (struct lin_code){a, rng_next(&state)};
}
