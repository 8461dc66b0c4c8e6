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

static inline struct reader reader_of(struct bytes b)
{
    return (struct reader){b, false};
}

uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
uint16_t reader_u16be(struct reader *r);
uint32_t reader_u32be(struct reader *r);
uint64_t reader_u64be(struct reader *r);
struct bytes reader_bytes(struct reader *r, size_t len);

/* Everything was read, and nothing more than there was. */
static inline bool reader_done(const struct reader *r)
{
    return !r->failed && r->rest.len == 0;
}

/* Stores at p, for patching a buffer. */
void store_u32le(uint8_t *p, uint32_t v);
void store_u64le(uint8_t *p, uint64_t v);
uint32_t load_u32le(const uint8_t *p);
uint64_t load_u64le(const uint8_t *p);

#endif
