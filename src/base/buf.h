/*
 * A growing buffer of bytes that owns its memory. BUF_INIT is an empty one;
 * buf_release frees it and makes it empty again. Growth doubles; running out
 * of memory ends the process, so appending cannot fail. Code that appends
 * bytes from outside bounds them first.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/base.h"
#include "base/bytes.h"

struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
};

#define BUF_INIT ((struct buf){NULL, 0, 0})

void buf_release(struct buf *b);
/* Empties it and keeps the memory. */
/*@ requires \valid(b) && b->len <= b->cap;
  @ assigns b->len;
  @ ensures b->len == 0; */
void buf_reset(struct buf *b);
/* Makes room for `extra` more bytes and returns where they go (data + len).
 * When the buffer grows, the first len bytes are kept, and nothing else. */
uint8_t *buf_reserve(struct buf *b, size_t extra);
/* Removes the first n bytes (n <= len). */
/*@ requires \valid(b) && n <= b->len <= b->cap;
  @ requires \valid(b->data + (0 .. b->len - 1));
  @ assigns b->len, b->data[0 .. b->len - 1];
  @ ensures b->len == \old(b->len) - n;
  @ ensures \forall integer i; 0 <= i < b->len ==>
  @     b->data[i] == \at(b->data[i + n], Pre); */
void buf_consume(struct buf *b, size_t n);
/* Gives memory back when more than `keep` bytes are reserved. */
void buf_shrink(struct buf *b, size_t keep);

void buf_append(struct buf *b, const void *data, size_t len);
void buf_bytes(struct buf *b, struct bytes bytes);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) PRINTF(2, 3);

/* Fixed-width integers, little-endian (wire, records). */
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
/* Big-endian (keys, whose order is the order of their bytes). */
void buf_u16be(struct buf *b, uint16_t v);
void buf_u32be(struct buf *b, uint32_t v);
void buf_u64be(struct buf *b, uint64_t v);

static inline struct bytes buf_view(const struct buf *b)
{
    return bytes_of(b->data, b->len);
}

#endif
