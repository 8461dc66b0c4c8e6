/*
 * One block of memory, doubled when it is full. Nothing here fails: a size that
 * overflows is a programmer's mistake (outside input is bounded before it gets
 * here), and running out of memory ends the process.
 */
#include "base/buf.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CAP_MIN 64

void buf_release(struct buf *b)
{
    ASSERT(b != NULL);
    ASSERT(b->len <= b->cap);
    mem_free(b->data);
    *b = BUF_INIT;
}

void buf_reset(struct buf *b)
{
    ASSERT(b->len <= b->cap);
    b->len = 0;
}

/* realloc would copy all that is reserved, even if little of it is in use. */
static void grow(struct buf *b, size_t cap)
{
    ASSERT(cap >= b->len);
    if (b->len > 0 && b->len >= b->cap / 2) {
        b->data = mem_realloc(b->data, cap);
    } else {
        uint8_t *data = mem_alloc(cap);
        if (b->len > 0)
            memcpy(data, b->data, b->len);
        mem_free(b->data);
        b->data = data;
    }
    b->cap = cap;
}

uint8_t *buf_reserve(struct buf *b, size_t extra)
{
    ASSERT(b->len <= b->cap);
    ASSERT(extra <= (size_t)PTRDIFF_MAX - b->len);
    size_t need = b->len + extra;
    if (b->data == NULL || need > b->cap) {
        size_t cap = MAX(b->cap, (size_t)CAP_MIN);
        while (cap < need)
            cap = cap <= (size_t)PTRDIFF_MAX / 2 ? cap * 2 : need;
        grow(b, cap);
    }
    return b->data + b->len;
}

void buf_consume(struct buf *b, size_t n)
{
    ASSERT(n <= b->len);
    ASSERT(b->len <= b->cap);
    if (n > 0 && n < b->len)
        memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
}

void buf_shrink(struct buf *b, size_t keep)
{
    ASSERT(b->len <= b->cap);
    if (b->cap <= keep)
        return;
    size_t cap = MAX(b->len, keep);
    if (cap == 0) {
        buf_release(b);
    } else if (cap < b->cap) {
        b->data = mem_realloc(b->data, cap);
        b->cap = cap;
    }
}

void buf_append(struct buf *b, const void *data, size_t len)
{
    ASSERT(data != NULL || len == 0);
    if (len == 0)
        return;
    memcpy(buf_reserve(b, len), data, len);
    b->len += len;
}

void buf_bytes(struct buf *b, struct bytes bytes)
{
    buf_append(b, bytes.data, bytes.len);
}

void buf_str(struct buf *b, const char *s)
{
    ASSERT(s != NULL);
    buf_append(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
    *buf_reserve(b, 1) = (uint8_t)c;
    b->len++;
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ASSERT(len >= 0);

    size_t size = (size_t)len + 1;
    char *to = (char *)buf_reserve(b, size);
    int written = vsnprintf(to, size, format, again);
    va_end(again);
    ASSERT(written == len);
    b->len += (size_t)len;
}

/* n bytes of v, the least significant first. */
static void append_le(struct buf *b, uint64_t v, size_t n)
{
    ASSERT(n >= 1 && n <= 8);
    uint8_t *p = buf_reserve(b, n);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> (8 * i));
    b->len += n;
}

static void append_be(struct buf *b, uint64_t v, size_t n)
{
    ASSERT(n >= 1 && n <= 8);
    uint8_t *p = buf_reserve(b, n);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
    b->len += n;
}

void buf_u8(struct buf *b, uint8_t v)
{
    append_le(b, v, 1);
}

void buf_u16(struct buf *b, uint16_t v)
{
    append_le(b, v, 2);
}

void buf_u32(struct buf *b, uint32_t v)
{
    append_le(b, v, 4);
}

void buf_u64(struct buf *b, uint64_t v)
{
    append_le(b, v, 8);
}

void buf_u16be(struct buf *b, uint16_t v)
{
    append_be(b, v, 2);
}

void buf_u32be(struct buf *b, uint32_t v)
{
    append_be(b, v, 4);
}

void buf_u64be(struct buf *b, uint64_t v)
{
    append_be(b, v, 8);
}
