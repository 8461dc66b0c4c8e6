/*
 * Every read goes through `take`, the only place that moves the view. A read
 * past the end marks the reader as failed and empties it, so that nothing after
 * it is read at the wrong place.
 */
#include "base/reader.h"

/*@ requires \valid(r) && readable(r->rest);
  @ assigns *r;
  @ ensures readable(r->rest);
  @ ensures \old(has(r, n)) ==> moved{Pre, Post}(r, n) &&
  @         \result == \old(r->rest.data);
  @ ensures !\old(has(r, n)) ==> ended(r) && \result == \null; */
static const uint8_t *take(struct reader *r, size_t n)
{
    ASSERT(r != NULL);
    if (r->failed || n > r->rest.len) {
        r->failed = true;
        r->rest = BYTES_NONE;
        return NULL;
    }
    const uint8_t *p = r->rest.data;
    r->rest = bytes_from(r->rest, n);
    return p;
}

/*@ requires \valid(r) && readable(r->rest) && 1 <= n <= 8;
  @ assigns *r;
  @ ensures readable(r->rest);
  @ ensures \old(has(r, n)) ==> moved{Pre, Post}(r, n) &&
  @         \result == le{Pre}(\old(r->rest.data), n);
  @ ensures !\old(has(r, n)) ==> ended(r) && \result == 0; */
static uint64_t take_le(struct reader *r, size_t n)
{
    ASSERT(n >= 1 && n <= 8);
    const uint8_t *p = take(r, n);
    uint64_t v = 0;
    /*@ loop invariant 0 <= i <= n && (p == \null ==> i == 0);
      @ loop invariant v == le(p, i);
      @ loop assigns i, v;
      @ loop variant n - i; */
    for (size_t i = 0; p != NULL && i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

/*@ requires \valid(r) && readable(r->rest) && 1 <= n <= 8;
  @ assigns *r;
  @ ensures readable(r->rest);
  @ ensures \old(has(r, n)) ==> moved{Pre, Post}(r, n) &&
  @         \result == be{Pre}(\old(r->rest.data), n);
  @ ensures !\old(has(r, n)) ==> ended(r) && \result == 0; */
static uint64_t take_be(struct reader *r, size_t n)
{
    ASSERT(n >= 1 && n <= 8);
    const uint8_t *p = take(r, n);
    uint64_t v = 0;
    /*@ loop invariant 0 <= i <= n && (p == \null ==> i == 0);
      @ loop invariant v == be(p, i);
      @ loop assigns i, v;
      @ loop variant n - i; */
    for (size_t i = 0; p != NULL && i < n; i++)
        v = v << 8 | p[i];
    return v;
}

uint8_t reader_u8(struct reader *r)
{
    return (uint8_t)take_le(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
    return (uint16_t)take_le(r, 2);
}

uint32_t reader_u32(struct reader *r)
{
    return (uint32_t)take_le(r, 4);
}

uint64_t reader_u64(struct reader *r)
{
    return take_le(r, 8);
}

uint16_t reader_u16be(struct reader *r)
{
    return (uint16_t)take_be(r, 2);
}

uint32_t reader_u32be(struct reader *r)
{
    return (uint32_t)take_be(r, 4);
}

uint64_t reader_u64be(struct reader *r)
{
    return take_be(r, 8);
}

struct bytes reader_bytes(struct reader *r, size_t len)
{
    const uint8_t *p = take(r, len);
    return r->failed ? BYTES_NONE : bytes_of(p, len);
}

void store_u32le(uint8_t *p, uint32_t v)
{
    /*@ loop invariant 0 <= i <= 4;
      @ loop invariant \forall integer k;
      @     0 <= k < i ==> p[k] == (uint8_t)(v >> 8 * k);
      @ loop assigns i, p[0 .. 3];
      @ loop variant 4 - i; */
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

void store_u64le(uint8_t *p, uint64_t v)
{
    /*@ loop invariant 0 <= i <= 8;
      @ loop invariant \forall integer k;
      @     0 <= k < i ==> p[k] == (uint8_t)(v >> 8 * k);
      @ loop assigns i, p[0 .. 7];
      @ loop variant 8 - i; */
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

uint32_t load_u32le(const uint8_t *p)
{
    uint32_t v = 0;
    /*@ loop invariant 0 <= i <= 4;
      @ loop invariant v == le32(p, i);
      @ loop assigns i, v;
      @ loop variant 4 - i; */
    for (int i = 0; i < 4; i++)
        v |= (uint32_t)p[i] << (8 * i);
    return v;
}

uint64_t load_u64le(const uint8_t *p)
{
    uint64_t v = 0;
    /*@ loop invariant 0 <= i <= 8;
      @ loop invariant v == le(p, i);
      @ loop assigns i, v;
      @ loop variant 8 - i; */
    for (int i = 0; i < 8; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}
