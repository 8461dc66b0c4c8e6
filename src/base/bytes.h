/*
 * A borrowed view of bytes: it owns nothing, and lives no longer than what it
 * points into. Data may be NULL when len is 0.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/base.h"

#include <string.h>

struct bytes {
    const uint8_t *data;
    size_t len;
};

#define BYTES_NONE   ((struct bytes){NULL, 0})
#define BYTES_LIT(s) ((struct bytes){(const uint8_t *)("" s), sizeof("" s) - 1})

static inline struct bytes bytes_of(const void *data, size_t len)
{
    return (struct bytes){(const uint8_t *)data, len};
}

static inline struct bytes bytes_str(const char *s)
{
    return bytes_of(s, strlen(s));
}

static inline bool bytes_eq(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Order as memcmp, a prefix before what it begins. */
static inline int bytes_cmp(struct bytes a, struct bytes b)
{
    size_t n = MIN(a.len, b.len);
    int order = n > 0 ? memcmp(a.data, b.data, n) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

/* The view without its first n bytes; n must not exceed len. */
static inline struct bytes bytes_from(struct bytes b, size_t n)
{
    ASSERT(n <= b.len);
    return n == 0 ? b : bytes_of(b.data + n, b.len - n);
}

/* Equal without regard to ASCII case. */
bool bytes_eq_nocase(struct bytes a, struct bytes b);

#endif
