/*
 * How it works: an element is hashed with MurmurHash64A; the lowest 14 bits of
 * the hash choose the register, the place of the first bit set above them is
 * the value that it is raised to. The estimate is Otmar Ertl's ("New
 * cardinality estimation algorithms for HyperLogLog sketches", 2017), by a
 * histogram of the registers.
 *
 * How it fails: registers that are not 16,384 in number are ERR_CORRUPT.
 */
#include "type/hll.h"

#include <math.h>

#include "base/alloc.h"
#include "type/hll_internal.h"

#define INDEX_BITS 14
#define VALUE_MAX  (64 - INDEX_BITS + 1)
#define HASH_SEED  UINT64_C(0xadc83b19)

#define ENCODING_AT     4
#define COUNT_AT        8
#define ENCODING_DENSE  0
#define ENCODING_SPARSE 1

_Static_assert(HLL_REGISTERS == 1 << INDEX_BITS, "one for each index");

/* --- the hash ----------------------------------------------------------- */

static uint64_t load(const uint8_t *p, size_t len)
{
    uint64_t v = 0;
    ASSERT(len <= 8);
    for (size_t i = 0; i < len; i++)
        v |= (uint64_t)p[i] << 8 * i;
    return v;
}

/* MurmurHash64A, by Austin Appleby, who has put it in the public domain. */
static uint64_t murmur(struct bytes b)
{
    const uint64_t m = UINT64_C(0xc6a4a7935bd1e995);
    uint64_t h = HASH_SEED ^ (b.len * m);
    for (; b.len >= 8; b = bytes_from(b, 8)) {
        uint64_t k = load(b.data, 8) * m;
        k = (k ^ k >> 47) * m;
        h = (h ^ k) * m;
    }
    if (b.len > 0)
        h = (h ^ load(b.data, b.len)) * m;
    h = (h ^ h >> 47) * m;
    return h ^ h >> 47;
}

/* --- dense registers ---------------------------------------------------- */

/* Four registers are three bytes. */
static uint32_t load_four(const uint8_t *dense, uint32_t index)
{
    return (uint32_t)load(dense + index / 4 * 3, 3);
}

static uint8_t dense_get(const uint8_t *dense, uint32_t index)
{
    ASSERT(index < HLL_REGISTERS);
    return load_four(dense, index) >> index % 4 * 6 & 63;
}

static void dense_set(uint8_t *dense, uint32_t index, uint8_t value)
{
    uint8_t *p = dense + index / 4 * 3;
    uint32_t shift = index % 4 * 6;
    uint32_t four = load_four(dense, index);
    ASSERT(index < HLL_REGISTERS && value < 64);
    four = (four & ~(UINT32_C(63) << shift)) | (uint32_t)value << shift;
    p[0] = (uint8_t)four;
    p[1] = (uint8_t)(four >> 8);
    p[2] = (uint8_t)(four >> 16);
}

static int dense_raise(struct buf *hll, uint32_t index, uint8_t value)
{
    uint8_t *dense = hll->data + HLL_HEADER;
    ASSERT(hll->len == HLL_DENSE);
    if (dense_get(dense, index) >= value)
        return 0;
    dense_set(dense, index, value);
    return 1;
}

/* --- as a whole --------------------------------------------------------- */

bool hll_is(struct bytes head, uint64_t length)
{
    if (length < HLL_HEADER || head.len < HLL_HEADER ||
        memcmp(head.data, "HYLL", 4) != 0)
        return false; /* fewer bytes than its length: an error of the store */
    ASSERT(head.data != NULL);
    uint8_t encoding = head.data[ENCODING_AT];
    return encoding == ENCODING_SPARSE ||
           (encoding == ENCODING_DENSE && length == HLL_DENSE);
}

bool hll_is_dense(struct bytes hll)
{
    ASSERT(hll.len >= HLL_HEADER);
    return hll.data[ENCODING_AT] == ENCODING_DENSE;
}

void hll_init(struct buf *hll)
{
    static const uint8_t empty[HLL_HEADER + 2] = {
        'H', 'Y', 'L', 'L', ENCODING_SPARSE, [HLL_HEADER] = 0x7f, 0xff};
    buf_reset(hll);
    buf_append(hll, empty, sizeof(empty));
}

void hll_changed(struct buf *hll)
{
    ASSERT(hll->len >= HLL_HEADER);
    hll->data[COUNT_AT + 7] |= 0x80;
}

static int merge_sparse(uint8_t *registers, struct bytes hll)
{
    size_t at = HLL_HEADER;
    uint32_t index = 0;
    struct hll_run run;
    while (hll_run_next(hll, &at, &run)) {
        if (run.count > HLL_REGISTERS - index)
            return ERR_CORRUPT;
        for (uint32_t end = index + run.count; index < end; index++)
            registers[index] = MAX(registers[index], run.value);
    }
    return index == HLL_REGISTERS && at == hll.len ? 0 : ERR_CORRUPT;
}

int hll_merge(uint8_t registers[HLL_REGISTERS], struct bytes hll)
{
    ASSERT(hll_is(hll, hll.len));
    if (!hll_is_dense(hll))
        return merge_sparse(registers, hll);
    for (uint32_t i = 0; i < HLL_REGISTERS; i += 4) {
        uint32_t four = load_four(hll.data + HLL_HEADER, i);
        for (uint32_t j = 0; j < 4; j++, four >>= 6)
            registers[i + j] = MAX(registers[i + j], (uint8_t)(four & 63));
    }
    return 0;
}

static int to_dense(struct buf *hll)
{
    uint8_t *registers = mem_zalloc(HLL_REGISTERS);
    int err = merge_sparse(registers, buf_view(hll));
    if (err == 0) {
        (void)buf_reserve(hll, HLL_DENSE);
        hll->data[ENCODING_AT] = ENCODING_DENSE;
        hll->len = HLL_DENSE;
        memset(hll->data + HLL_HEADER, 0, HLL_DENSE - HLL_HEADER);
        for (uint32_t i = 0; i < HLL_REGISTERS; i++)
            dense_set(hll->data + HLL_HEADER, i, registers[i]);
    }
    mem_free(registers);
    return err;
}

static int raise_one(struct buf *hll, uint32_t index, uint8_t value)
{
    if (hll_is_dense(buf_view(hll)))
        return dense_raise(hll, index, value);
    int res = hll_sparse_raise(hll, index, value);
    if (res != ERR_NOT_FOUND)
        return res;
    int err = to_dense(hll);
    return err != 0 ? err : dense_raise(hll, index, value);
}

int hll_add(struct buf *hll, struct bytes element)
{
    uint64_t hash = murmur(element);
    uint64_t rest = hash >> INDEX_BITS | UINT64_C(1) << (VALUE_MAX - 1);
    ASSERT(hll_is(buf_view(hll), hll->len));
    return raise_one(hll, (uint32_t)(hash % HLL_REGISTERS),
                     (uint8_t)(__builtin_ctzll(rest) + 1));
}

int hll_raise(struct buf *hll, const uint8_t registers[HLL_REGISTERS],
              bool dense)
{
    ASSERT(hll_is(buf_view(hll), hll->len));
    if (dense && !hll_is_dense(buf_view(hll))) {
        int err = to_dense(hll);
        if (err != 0)
            return err;
    }
    for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
        int res = registers[i] > 0 ? raise_one(hll, i, registers[i]) : 0;
        if (res < 0)
            return res;
    }
    return 0;
}

/* --- the estimate ------------------------------------------------------- */

static double sigma(double x)
{
    double y = 1;
    double z = x;
    double before;
    if (x == 1)
        return HUGE_VAL;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z != before);
    return z;
}

static double tau(double x)
{
    double y = 1;
    double z = 1 - x;
    double before;
    if (x == 0 || x == 1)
        return 0;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z != before);
    return z / 3;
}

/* By how many registers have each value. */
static uint64_t estimate(const uint32_t have[64])
{
    const double m = HLL_REGISTERS;
    const double alpha = 0.721347520444481703680;
    double z = m * tau((m - have[VALUE_MAX]) / m);
    for (int value = VALUE_MAX - 1; value >= 1; value--)
        z = (z + have[value]) * 0.5;
    z += m * sigma(have[0] / m);
    return (uint64_t)llroundl((long double)(alpha * m * m / z));
}

uint64_t hll_count_registers(const uint8_t registers[HLL_REGISTERS])
{
    uint32_t have[64] = {0};
    for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
        ASSERT(registers[i] < 64);
        have[registers[i]]++;
    }
    return estimate(have);
}

int hll_count(struct bytes hll, uint64_t *out)
{
    ASSERT(hll_is(hll, hll.len));
    if (hll.data[COUNT_AT + 7] < 0x80) {
        *out = load(hll.data + COUNT_AT, 8);
        return 0;
    }
    uint8_t *registers = mem_zalloc(HLL_REGISTERS);
    int err = hll_merge(registers, hll);
    if (err == 0)
        *out = hll_count_registers(registers);
    mem_free(registers);
    return err;
}
