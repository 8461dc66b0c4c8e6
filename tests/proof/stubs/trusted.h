/*
 * What the proofs take on trust: the compiler's overflow builtins and the few
 * functions of the C library that the proved code calls, each with the
 * contract of its manual. The contracts are given by type, since the prover's
 * memory keeps bytes, numbers and structs apart. Included before each source
 * (-include), never compiled into anything.
 */
#ifndef PROOF_STUBS_TRUSTED_H
#define PROOF_STUBS_TRUSTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- GCC manual, "Built-in Functions to Perform Arithmetic with Overflow
 * Checking": computed in unlimited precision, stored wrapped. */

/*@ requires \valid(out);
  @ assigns *out;
  @ ensures *out == (uint64_t)(a + b);
  @ ensures \result <==> a + b > UINT64_MAX; */
bool add_overflow_u64(uint64_t a, uint64_t b, uint64_t *out);

/*@ requires \valid(out);
  @ assigns *out;
  @ ensures *out == (uint64_t)(a * b);
  @ ensures \result <==> a * b > UINT64_MAX; */
bool mul_overflow_u64(uint64_t a, uint64_t b, uint64_t *out);

/*@ requires \valid(out);
  @ assigns *out;
  @ ensures *out == (int64_t)(a + b);
  @ ensures \result <==> (a + b > INT64_MAX || a + b < INT64_MIN); */
bool add_overflow_i64(int64_t a, int64_t b, int64_t *out);

/* One of the two, by the sign of the type. */
#define __builtin_add_overflow(a, b, out)                                      \
    ((__typeof__(*(out)))-1 < 0                                                \
         ? add_overflow_i64((int64_t)(a), (int64_t)(b), (int64_t *)(out))      \
         : add_overflow_u64((uint64_t)(a), (uint64_t)(b), (uint64_t *)(out)))
#define __builtin_mul_overflow(a, b, out) mul_overflow_u64((a), (b), (out))

/* --- C11, 7.24 ----------------------------------------------------------- */

/*@ requires \valid_read(s + (0 .. n - 1));
  @ assigns \nothing;
  @ ensures \result == \null ==> (\forall integer i; 0 <= i < n ==> s[i] != c);
  @ ensures \result != \null ==> (\exists integer k; 0 <= k < n &&
  @         \result == s + k && s[k] == c &&
  @         (\forall integer i; 0 <= i < k ==> s[i] != c)); */
const uint8_t *memchr_u8(const uint8_t *s, uint8_t c, size_t n);

/*@ requires \valid(to + (0 .. n - 1));
  @ requires \valid_read(from + (0 .. n - 1));
  @ requires \separated(to + (0 .. n - 1), from + (0 .. n - 1));
  @ assigns to[0 .. n - 1];
  @ ensures \forall integer i; 0 <= i < n ==> to[i] == \old(from[i]); */
void memcpy_u8(uint8_t *to, const uint8_t *from, size_t n);

/*@ requires \valid(to + (0 .. n - 1));
  @ requires \valid_read(from + (0 .. n - 1));
  @ assigns to[0 .. n - 1];
  @ ensures \forall integer i; 0 <= i < n ==> to[i] == \old(from[i]); */
void memmove_u8(uint8_t *to, const uint8_t *from, size_t n);

#ifdef PROOF_ROOM_raft
#include "raft/raft.h"

/*@ requires \valid(to + (0 .. n - 1));
  @ requires \valid_read(from + (0 .. n - 1));
  @ assigns to[0 .. n - 1];
  @ ensures \forall integer i; 0 <= i < n ==> to[i] == \old(from[i]); */
void memmove_runs(struct raft_run *to, const struct raft_run *from, size_t n);

/*@ requires \valid(to + (0 .. n - 1));
  @ assigns to[0 .. n - 1];
  @ ensures \forall integer i;
  @     0 <= i < n ==> to[i].first == 0 && to[i].term == 0; */
void memset_runs(struct raft_run *to, size_t n);
#endif

/*@ requires \valid_read(a + (0 .. n - 1));
  @ requires \valid_read(b + (0 .. n - 1));
  @ assigns \nothing;
  @ ensures \result == 0 <==>
  @         (\forall integer i; 0 <= i < n ==> a[i] == b[i]); */
int memcmp_u8(const uint8_t *a, const uint8_t *b, size_t n);

/* A source that moves or clears something else than bytes says so. */
#define memchr memchr_u8
#define memcmp memcmp_u8
#define memcpy memcpy_u8
#ifdef PROOF_ROOM_raft
#define memmove(to, from, size) memmove_runs((to), (from), (size) / 16)
#define memset(to, zero, size)  memset_runs((to), (size) / 16)
#else
#define memmove memmove_u8
#endif

#endif
