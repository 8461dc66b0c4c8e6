/*
 * Which key and which value: distributions over [0, n), key texts, values.
 *
 * Zipf with exponent 0.99 by the method of Gray et al. (SIGMOD 1994), as YCSB
 * has it; ranks are scattered over the keys by a hash, so that hot keys are
 * not neighbours. Values are slices of one pool of random bytes, so that they
 * neither compress nor cost time; the value that setup writes follows from the
 * key, others are random.
 *
 * Thread: any, once initialized; each has its own random state.
 */
#ifndef BENCH_KEYS_H
#define BENCH_KEYS_H

#include "base/base.h"
#include "base/bytes.h"

#define KEY_PREFIX_MAX 64
#define KEY_TEXT_MAX   (KEY_PREFIX_MAX + 1 + 20 + 1)

/* Families, so that the operations do not meet on one key. */
enum key_family {
    KEY_VALUE = 'v',
    KEY_COUNTER = 'c',
    KEY_COMPARED = 's',
    KEY_LOCK = 'n',
    KEY_HASH = 'h',
    KEY_LIST = 'l',
    KEY_SET = 'm',
    KEY_SORTED_SET = 'z',
    KEY_STREAM = 'x',
    KEY_ELEMENT = 'e', /* a field or member; no key */
};

struct keys {
    uint64_t count;
    bool zipf;
    double theta, alpha, zeta_n, eta;
    size_t value_bytes;
    uint8_t *pool; /* KEYS_POOL_SLACK + value_bytes */
};

#define KEYS_POOL_SLACK ((size_t)64 * 1024)

/* Zipf takes a second for 10^8 keys. */
void keys_init(struct keys *k, uint64_t count, bool zipf, size_t value_bytes);
void keys_release(struct keys *k);

/* The index of a key, in [0, count). */
uint64_t keys_pick(const struct keys *k, uint64_t *rng);
/* The rank before it is scattered: 0 is the most frequent. Zipf only. */
uint64_t keys_rank(const struct keys *k, uint64_t *rng);

/* "PREFIX", family, index in 12 digits or more; the view is into `out`. */
struct bytes keys_text(const char *prefix, enum key_family family,
                       uint64_t index, char out[KEY_TEXT_MAX]);
struct bytes keys_value_random(const struct keys *k, uint64_t *rng);
/* Always the same for one index and size. */
struct bytes keys_value_of(const struct keys *k, uint64_t index);

#endif
