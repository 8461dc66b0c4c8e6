/*
 * Reads fixed-width integers and counted bytes off a view without ever
 * passing its end. A read past the end returns zeros or an empty view and
 * sets `failed`, which stays set: decode everything first, check once.
 */
#ifndef BASE_READER_H
#define BASE_READER_H

#include "base/base.h"
#include "base/bytes.h"

struct reader {
    struct bytes rest;
    bool failed;
};

/*@ predicate has(struct reader *r, integer n) =
  @     !r->failed && n <= r->rest.len;
  @ predicate moved{A, B}(struct reader *r, integer n) =
  @     !\at(r->failed, B) &&
  @     \at(r->rest.data, B) == \at(r->rest.data, A) + n &&
  @     \at(r->rest.len, B) == \at(r->rest.len, A) - n;
  @ predicate ended(struct reader *r) = r->failed && r->rest.len == 0;
 */

/*@ assigns \nothing;
  @ ensures \result.rest == b && !\result.failed; */
static inline struct reader reader_of(struct bytes b)
{
    return (struct reader){b, false};
}

/*@ requires \valid(r) && readable(r->rest);
  @ assigns *r;
  @ ensures readable(r->rest);
  @ ensures \old(has(r, 1)) ==> moved{Pre, Post}(r, 1) &&
  @         \result == (uint8_t)le{Pre}(\old(r->rest.data), 1);
  @ ensures !\old(has(r, 1)) ==> ended(r) && \result == 0; */
uint8_t reader_u8(struct reader *r);
/*@ requires \valid(r) && readable(r->rest);
  @ assigns *r;
  @ ensures readable(r->rest);
  @ ensures \old(has(r, 2)) ==> moved{Pre, Post}(r, 2) &&
  @         \result == (uint16_t)le{Pre}(\old(r->rest.data), 2);
  @ ensures !\old(has(r, 2)) ==> ended(r) && \result == 0; */
uint16_t reader_u16(struct reader *r);
/*@ requires \valid(r) && readable(r->rest);
  @ assigns *r;
  @ ensures readable(r->rest);
  @ ensures \old(has(r, 4)) ==> moved{Pre, Post}(r, 4) &&
  @         \result == (uint32_t)le{Pre}(\old(r->rest.data), 4);
  @ ensures !\old(has(r, 4)) ==> ended(r) && \result == 0; */
uint32_t reader_u32(struct reader *r);
/*@ requires \valid(r) && readable(r->rest);
  @ assigns *r;
  @ ensures readable(r->rest);
  @ ensures \old(has(r, 8)) ==> moved{Pre, Post}(r, 8) &&
  @         \result == le{Pre}(\old(r->rest.data), 8);
  @ ensures !\old(has(r, 8)) ==> ended(r) && \result == 0; */
uint64_t reader_u64(struct reader *r);
/*@ requires \valid(r) && readable(r->rest);
  @ assigns *r;
  @ ensures readable(r->rest);
  @ ensures \old(has(r, 2)) ==> moved{Pre, Post}(r, 2) &&
  @         \result == (uint16_t)be{Pre}(\old(r->rest.data), 2);
  @ ensures !\old(has(r, 2)) ==> ended(r) && \result == 0; */
uint16_t reader_u16be(struct reader *r);
/*@ requires \valid(r) && readable(r->rest);
  @ assigns *r;
  @ ensures readable(r->rest);
  @ ensures \old(has(r, 4)) ==> moved{Pre, Post}(r, 4) &&
  @         \result == (uint32_t)be{Pre}(\old(r->rest.data), 4);
  @ ensures !\old(has(r, 4)) ==> ended(r) && \result == 0; */
uint32_t reader_u32be(struct reader *r);
/*@ requires \valid(r) && readable(r->rest);
  @ assigns *r;
  @ ensures readable(r->rest);
  @ ensures \old(has(r, 8)) ==> moved{Pre, Post}(r, 8) &&
  @         \result == be{Pre}(\old(r->rest.data), 8);
  @ ensures !\old(has(r, 8)) ==> ended(r) && \result == 0; */
uint64_t reader_u64be(struct reader *r);
/*@ requires \valid(r) && readable(r->rest);
  @ assigns *r;
  @ ensures readable(r->rest) && readable(\result);
  @ ensures \old(has(r, len)) ==> moved{Pre, Post}(r, len) &&
  @         \result.data == \old(r->rest.data) && \result.len == len;
  @ ensures !\old(has(r, len)) ==> ended(r) && \result.len == 0; */
struct bytes reader_bytes(struct reader *r, size_t len);

/* Everything was read, and nothing more than there was. */
/*@ requires \valid_read(r);
  @ assigns \nothing;
  @ ensures \result <==> !r->failed && r->rest.len == 0; */
static inline bool reader_done(const struct reader *r)
{
    return !r->failed && r->rest.len == 0;
}

/* Stores at p, for patching a buffer. */
/*@ requires \valid(p + (0 .. 3));
  @ assigns p[0 .. 3];
  @ ensures \forall integer i; 0 <= i < 4 ==> p[i] == (uint8_t)(v >> 8 * i); */
void store_u32le(uint8_t *p, uint32_t v);
/*@ requires \valid(p + (0 .. 7));
  @ assigns p[0 .. 7];
  @ ensures \forall integer i; 0 <= i < 8 ==> p[i] == (uint8_t)(v >> 8 * i); */
void store_u64le(uint8_t *p, uint64_t v);
/*@ requires \valid_read(p + (0 .. 3));
  @ assigns \nothing;
  @ ensures \result == le32(p, 4); */
uint32_t load_u32le(const uint8_t *p);
/*@ requires \valid_read(p + (0 .. 7));
  @ assigns \nothing;
  @ ensures \result == le(p, 8); */
uint64_t load_u64le(const uint8_t *p);

#endif
