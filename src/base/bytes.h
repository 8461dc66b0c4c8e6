/*
 * A borrowed view of bytes: it owns nothing, and is valid no longer than the
 * memory that it points to. Data may be NULL when len is 0.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/base.h"

#include <string.h>

struct bytes {
    const uint8_t *data;
    size_t len;
};

/* Of the first n bytes, as a number. */
/*@ logic integer le(uint8_t *p, integer n) =
  @     n <= 0 ? 0 : (uint64_t)(le(p, n - 1) |
  @                             (uint64_t)(p[n - 1] << 8 * (n - 1)));
  @ logic integer le32(uint8_t *p, integer n) =
  @     n <= 0 ? 0 : (uint32_t)(le32(p, n - 1) |
  @                             (uint32_t)(p[n - 1] << 8 * (n - 1)));
  @ logic integer be(uint8_t *p, integer n) =
  @     n <= 0 ? 0 : ((uint64_t)(be(p, n - 1) << 8) | p[n - 1]);
 */

/*@ predicate readable(struct bytes b) = \valid_read(b.data + (0 .. b.len - 1));
 */

#define BYTES_NONE   ((struct bytes){NULL, 0})
#define BYTES_LIT(s) ((struct bytes){(const uint8_t *)("" s), sizeof("" s) - 1})

/*@ assigns \nothing;
  @ ensures \result.data == data && \result.len == len; */
static inline struct bytes bytes_of(const void *data, size_t len)
{
    return (struct bytes){(const uint8_t *)data, len};
}

static inline struct bytes bytes_str(const char *s)
{
    return bytes_of(s, strlen(s));
}

/*@ requires readable(a) && readable(b);
  @ assigns \nothing;
  @ ensures \result <==> a.len == b.len &&
  @     (\forall integer i; 0 <= i < a.len ==> a.data[i] == b.data[i]); */
static inline bool bytes_eq(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* The order of memcmp; a prefix comes before a longer text. */
/*@ requires readable(a) && readable(b);
  @ assigns \nothing; */
static inline int bytes_cmp(struct bytes a, struct bytes b)
{
    size_t n = MIN(a.len, b.len);
    int order = n > 0 ? memcmp(a.data, b.data, n) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

/* The view without its first n bytes; n must not exceed len. */
/*@ requires n <= b.len;
  @ assigns \nothing;
  @ ensures \result.data == b.data + n && \result.len == b.len - n; */
static inline struct bytes bytes_from(struct bytes b, size_t n)
{
    ASSERT(n <= b.len);
    return n == 0 ? b : bytes_of(b.data + n, b.len - n);
}

/* Equal if ASCII case is ignored. */
/*@ logic integer fold(integer c) = 'A' <= c <= 'Z' ? c + ('a' - 'A') : c;
 */
/*@ requires readable(a) && readable(b);
  @ assigns \nothing;
  @ ensures \result <==> a.len == b.len &&
  @     (\forall integer i;
  @         0 <= i < a.len ==> fold(a.data[i]) == fold(b.data[i])); */
bool bytes_eq_nocase(struct bytes a, struct bytes b);

#endif
