/*
 * How it works: eight bytes at a time where it matters. A field is moved bit
 * by bit: it has 64 at most.
 *
 * How it fails: it does not.
 */
#include "type/bits.h"

static uint64_t load_word(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return word;
}

/* The sums of pairs, of fours, of bytes, and the sum of the bytes on top. */
static uint64_t count_word(uint64_t w)
{
    w -= w >> 1 & UINT64_C(0x5555555555555555);
    w = (w & UINT64_C(0x3333333333333333)) +
        (w >> 2 & UINT64_C(0x3333333333333333));
    w = (w + (w >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return w * UINT64_C(0x0101010101010101) >> 56;
}

uint64_t bits_count(struct bytes b)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; i + 8 <= b.len; i += 8)
        n += count_word(load_word(b.data + i));
    for (; i < b.len; i++)
        n += count_word(b.data[i]);
    ASSERT(n <= (uint64_t)b.len * 8);
    return n;
}

int64_t bits_find(struct bytes b, bool bit)
{
    uint8_t other = bit ? 0 : 0xff;
    uint64_t others = bit ? 0 : UINT64_MAX;
    size_t i = 0;
    while (i + 8 <= b.len && load_word(b.data + i) == others)
        i += 8;
    while (i < b.len && b.data[i] == other)
        i++;
    if (i == b.len)
        return -1;
    uint32_t differs = (uint32_t)(b.data[i] ^ other);
    ASSERT(differs > 0 && differs <= 0xff);
    return (int64_t)i * 8 + __builtin_clz(differs) - 24;
}

void bits_combine(enum bits_operation op, uint8_t *into, const uint8_t *with,
                  size_t len)
{
    ASSERT(op == BITS_NOT || with != NULL || len == 0);
    switch (op) {
    case BITS_AND:
        for (size_t i = 0; i < len; i++)
            into[i] &= with[i];
        break;
    case BITS_OR:
        for (size_t i = 0; i < len; i++)
            into[i] |= with[i];
        break;
    case BITS_XOR:
        for (size_t i = 0; i < len; i++)
            into[i] ^= with[i];
        break;
    case BITS_NOT:
        for (size_t i = 0; i < len; i++)
            into[i] = (uint8_t)~into[i];
        break;
    }
}

/* --- fields ------------------------------------------------------------- */

static bool is_field(const struct bits_field *f)
{
    return f->bits >= 1 && f->bits <= (f->is_signed ? 64 : 63);
}

/* The lowest bits of a number, as a field has them. */
static int64_t narrow(const struct bits_field *f, uint64_t value)
{
    unsigned unused = 64u - f->bits;
    ASSERT(is_field(f));
    value <<= unused;
    return f->is_signed ? (int64_t)value >> unused : (int64_t)(value >> unused);
}

int64_t bits_load(const uint8_t window[BITS_WINDOW], const struct bits_field *f)
{
    unsigned first = f->offset % 8;
    uint64_t value = 0;
    for (unsigned at = first; at < first + f->bits; at++)
        value = value << 1 | (window[at / 8] >> (7 - at % 8) & 1u);
    ASSERT((first + f->bits - 1) / 8 < BITS_WINDOW);
    return narrow(f, value);
}

void bits_store(uint8_t window[BITS_WINDOW], const struct bits_field *f,
                int64_t value)
{
    unsigned first = f->offset % 8;
    unsigned end = first + f->bits;
    ASSERT(is_field(f));
    for (unsigned at = first; at < end; at++) {
        unsigned mask = 1u << (7 - at % 8);
        bool bit = ((uint64_t)value >> (end - 1 - at) & 1) != 0;
        uint8_t byte = window[at / 8];
        window[at / 8] = (uint8_t)(bit ? byte | mask : byte & ~mask);
    }
}

/* 1: value + more is above what the field can have, -1: below, 0: it fits. */
static int exceeds(const struct bits_field *f, int64_t value, int64_t more,
                   int64_t min, int64_t max)
{
    int64_t sum;
    if (!f->is_signed && value < 0)
        return 1; /* of an unsigned number: 2^63 and more */
    if (__builtin_add_overflow(value, more, &sum))
        return more > 0 ? 1 : -1;
    ASSERT(min <= max);
    return sum > max ? 1 : sum < min ? -1 : 0;
}

bool bits_add(const struct bits_field *f, enum bits_overflow rule,
              int64_t value, int64_t more, int64_t *sum)
{
    unsigned magnitude = f->is_signed ? f->bits - 1u : f->bits;
    int64_t max = (int64_t)((UINT64_C(1) << magnitude) - 1);
    int64_t min = f->is_signed ? -max - 1 : 0;
    int over = exceeds(f, value, more, min, max);
    ASSERT(is_field(f));
    if (over != 0 && rule == BITS_FAIL)
        return false;
    if (over != 0 && rule == BITS_SATURATE)
        *sum = over > 0 ? max : min;
    else
        *sum = narrow(f, (uint64_t)value + (uint64_t)more);
    return true;
}
