/*
 * Bits of a string: bit 0 is the highest of the first byte. Fields are numbers
 * of 1 to 64 bits at any place, as BITFIELD has them. Pure functions, which
 * cannot fail.
 */
#ifndef TYPE_BITS_H
#define TYPE_BITS_H

#include "base/base.h"
#include "base/bytes.h"

/* How many are set. */
uint64_t bits_count(struct bytes b);
/* The first one of this value; -1: there is none. */
int64_t bits_find(struct bytes b, bool bit);

enum bits_operation { BITS_AND, BITS_OR, BITS_XOR, BITS_NOT };

/* Combines bytes in place with others of the same number, or turns them over
 * (BITS_NOT: `with` is not looked at). */
void bits_combine(enum bits_operation op, uint8_t *into, const uint8_t *with,
                  size_t len);

/* --- fields ------------------------------------------------------------- */

/* As many bytes as a field can touch. */
#define BITS_WINDOW 9

struct bits_field {
    bool is_signed;
    uint8_t bits; /* 1 to 64, unsigned up to 63 */
    uint64_t offset;
};

/* The bytes that it is in. */
static inline uint64_t bits_first_byte(const struct bits_field *f)
{
    return f->offset / 8;
}
static inline uint64_t bits_last_byte(const struct bits_field *f)
{
    return (f->offset + f->bits - 1) / 8;
}

/* A field in a window that begins with its first byte. What is unsigned fits,
 * too. */
int64_t bits_load(const uint8_t window[BITS_WINDOW],
                  const struct bits_field *f);
/* Its lowest bits are stored. */
void bits_store(uint8_t window[BITS_WINDOW], const struct bits_field *f,
                int64_t value);

enum bits_overflow { BITS_WRAP, BITS_SATURATE, BITS_FAIL };

/* value + more as the field can have it, by the rule for what it cannot. False:
 * it cannot, and the rule is BITS_FAIL. A value of an unsigned field that is
 * negative counts as too large. */
MUST_USE bool bits_add(const struct bits_field *f, enum bits_overflow rule,
                       int64_t value, int64_t more, int64_t *sum);

#endif
