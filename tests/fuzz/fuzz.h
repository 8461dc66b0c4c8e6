/*
 * What the targets share: the entry point that libFuzzer calls, and a source
 * that turns its bytes into decisions. An oracle that does not hold is an
 * ASSERT, which ends the run like a finding of the sanitizers.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include "base/base.h"
#include "base/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes as decisions: at the end there are only zeros left. */
struct fuzz {
    struct bytes rest;
};

static inline struct fuzz fuzz_of(const uint8_t *data, size_t size)
{
    return (struct fuzz){bytes_of(data, size)};
}

static inline bool fuzz_more(const struct fuzz *f)
{
    return f->rest.len > 0;
}

static inline struct bytes fuzz_take(struct fuzz *f, size_t len)
{
    struct bytes taken = bytes_of(f->rest.data, MIN(len, f->rest.len));
    f->rest = bytes_from(f->rest, taken.len);
    return taken;
}

static inline uint8_t fuzz_u8(struct fuzz *f)
{
    struct bytes b = fuzz_take(f, 1);
    return b.len == 1 ? b.data[0] : 0;
}

/* In [0, n), 0 < n <= 256. */
static inline uint32_t fuzz_below(struct fuzz *f, uint32_t n)
{
    return fuzz_u8(f) % n;
}

static inline uint64_t fuzz_u64(struct fuzz *f)
{
    struct bytes b = fuzz_take(f, 8);
    uint64_t v = 0;
    for (size_t i = b.len; i > 0; i--)
        v = v << 8 | b.data[i - 1];
    return v;
}

/* Mostly small, sometimes near the ends of the range. */
static inline uint64_t fuzz_number(struct fuzz *f)
{
    uint8_t kind = fuzz_u8(f);
    if (kind < 200)
        return kind % 40;
    if (kind < 220)
        return UINT64_MAX - kind % 8;
    if (kind < 236)
        return (uint64_t)INT64_MAX - 4 + kind % 8;
    return fuzz_u64(f);
}

/* Up to 255 bytes behind a byte that says how many. */
static inline struct bytes fuzz_text(struct fuzz *f)
{
    return fuzz_take(f, fuzz_u8(f));
}

#endif
