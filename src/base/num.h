/*
 * Decimal numbers as Redis reads and writes them: no spaces, no plus sign, no
 * leading zeros, "-0" refused (string2ll in Redis's util.c is the model of
 * the behaviour).
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include "base/base.h"
#include "base/bytes.h"

#define NUM_TEXT_MAX 21 /* "-9223372036854775808" and a NUL */

/*@ predicate digit(integer c) = '0' <= c <= '9';
  @ predicate digits(uint8_t *p, integer n) =
  @     \forall integer i; 0 <= i < n ==> digit(p[i]);
  @ logic integer decimal(uint8_t *p, integer n) =
  @     n <= 0 ? 0 : 10 * decimal(p, n - 1) + (p[n - 1] - '0');
  @ predicate plain(uint8_t *p, integer n) =
  @     n > 0 && digits(p, n) && (n > 1 ==> p[0] != '0');
  @ predicate exceeds(uint8_t *p, integer n, integer max) =
  @     \exists integer k; 0 < k <= n && digits(p, k) && decimal(p, k) > max;
 */

/*@ requires readable(text) && \valid(out);
  @ assigns *out;
  @ ensures \result ==> plain(text.data, text.len) &&
  @                     *out == decimal(text.data, text.len);
  @ ensures !\result ==> !plain(text.data, text.len) ||
  @                      exceeds(text.data, text.len, UINT64_MAX);
  @ ensures !\result ==> *out == \old(*out); */
MUST_USE bool num_parse_u64(struct bytes text, uint64_t *out);

/*@ requires readable(text) && \valid(out);
  @ assigns *out;
  @ behavior negative:
  @     assumes text.len > 0 && text.data[0] == '-';
  @     ensures \result ==> plain(text.data + 1, text.len - 1) && *out < 0;
  @     ensures \result ==> *out == -decimal(text.data + 1, text.len - 1);
  @     ensures !\result ==> !plain(text.data + 1, text.len - 1) ||
  @         decimal(text.data + 1, text.len - 1) == 0 ||
  @         exceeds(text.data + 1, text.len - 1, -INT64_MIN);
  @ behavior positive:
  @     assumes text.len == 0 || text.data[0] != '-';
  @     ensures \result ==> plain(text.data, text.len) &&
  @                         *out == decimal(text.data, text.len);
  @     ensures !\result ==> !plain(text.data, text.len) ||
  @                          exceeds(text.data, text.len, INT64_MAX);
  @ complete behaviors; disjoint behaviors; */
MUST_USE bool num_parse_i64(struct bytes text, int64_t *out);
/* Writes the digits and a NUL; returns the length without it. */
size_t num_format_i64(int64_t v, char out[NUM_TEXT_MAX]);
/* "100", "1k" (1000), "1kb" (1024), "1m", "1mb", "1g", "1gb", any case. */
MUST_USE bool num_parse_size(struct bytes text, uint64_t *out);

/* a + b, or false when it does not fit. */
/*@ requires \valid(out);
  @ assigns *out;
  @ ensures \result <==> INT64_MIN <= a + b <= INT64_MAX;
  @ ensures \result ==> *out == a + b; */
MUST_USE static inline bool num_add_i64(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

#endif
