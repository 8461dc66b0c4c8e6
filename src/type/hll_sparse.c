/*
 * How it works: the run that has the register is replaced by up to three: what
 * is left of it before the register, the register, and what is left after it.
 * Then runs of one value, next to each other and near that place, are put
 * together. All this as Redis does it, so that the bytes are the same.
 *
 * How it fails: a run that is cut off, or registers that end too early, is
 * ERR_CORRUPT; nothing has changed then.
 */
#include "type/hll_internal.h"

#define LONG_RUN_MAX  16384 /* of zeros, in two bytes */
#define SHORT_RUN_MAX 64    /* of zeros, in one */
#define VALUE_RUN_MAX 4
#define RUNS_JOINED   5 /* how many runs are looked at to join them */

static bool is_value(uint8_t byte)
{
    return byte >= 0x80;
}

bool hll_run_next(struct bytes sparse, size_t *at, struct hll_run *out)
{
    if (*at >= sparse.len)
        return false;
    uint8_t byte = sparse.data[*at];
    bool two = byte >= 0x40 && !is_value(byte);
    if (two && *at + 1 >= sparse.len)
        return false;
    *at += two ? 2 : 1;
    if (is_value(byte)) {
        *out = (struct hll_run){(uint8_t)((byte >> 2 & 31) + 1),
                                (uint32_t)(byte & 3) + 1};
        return true;
    }
    uint32_t count = byte & 63u;
    if (two)
        count = count << 8 | sparse.data[*at - 1];
    *out = (struct hll_run){0, count + 1};
    ASSERT(out->count <= LONG_RUN_MAX);
    return true;
}

/* A run as bytes, behind those in `out`. */
static void put_run(uint8_t out[8], size_t *len, uint8_t value, uint32_t count)
{
    if (count == 0)
        return;
    ASSERT(value <= HLL_SPARSE_VALUE_MAX && *len + 2 <= 8);
    ASSERT(count <= (value == 0 ? LONG_RUN_MAX : VALUE_RUN_MAX));
    if (value > 0) {
        out[(*len)++] = (uint8_t)(0x80u | (value - 1u) << 2 | (count - 1));
    } else if (count > SHORT_RUN_MAX) {
        out[(*len)++] = (uint8_t)(0x40u | (count - 1) >> 8);
        out[(*len)++] = (uint8_t)(count - 1);
    } else {
        out[(*len)++] = (uint8_t)(count - 1);
    }
}

/* Puts runs of one value together, from one on. */
static void join(struct buf *hll, size_t at)
{
    for (int left = RUNS_JOINED; left > 0 && at < hll->len; left--) {
        uint8_t byte = hll->data[at];
        uint8_t next = at + 1 < hll->len ? hll->data[at + 1] : 0;
        unsigned count = (byte & 3u) + (next & 3u) + 2;
        if (!is_value(byte)) {
            at += byte >= 0x40 ? 2 : 1;
        } else if (is_value(next) && byte >> 2 == next >> 2 &&
                   count <= VALUE_RUN_MAX) {
            hll->data[at] = (uint8_t)((byte & ~3u) | (count - 1));
            memmove(hll->data + at + 1, hll->data + at + 2, hll->len - at - 2);
            hll->len--;
        } else {
            at++;
        }
    }
}

/* The run that has a register, where it is, and where the one before is. */
struct place {
    struct hll_run run;
    uint32_t first; /* its first register */
    size_t before, begin, end;
};

static int find(const struct buf *hll, uint32_t index, struct place *p)
{
    uint32_t next = 0; /* register behind the run */
    *p = (struct place){.end = HLL_HEADER, .begin = HLL_HEADER};
    do {
        p->before = p->begin;
        p->begin = p->end;
        p->first = next;
        if (!hll_run_next(buf_view(hll), &p->end, &p->run))
            return ERR_CORRUPT;
        next += p->run.count;
    } while (next <= index);
    ASSERT(p->first <= index && p->before <= p->begin);
    return 0;
}

/* Puts bytes in place of others. */
static void replace(struct buf *hll, const struct place *p,
                    const uint8_t *bytes, size_t len)
{
    size_t rest = hll->len - p->end;
    (void)buf_reserve(hll, len);
    memmove(hll->data + p->begin + len, hll->data + p->end, rest);
    memcpy(hll->data + p->begin, bytes, len);
    hll->len = p->begin + len + rest;
}

int hll_sparse_raise(struct buf *hll, uint32_t index, uint8_t value)
{
    struct place p;
    uint8_t bytes[8];
    size_t len = 0;
    ASSERT(index < HLL_REGISTERS && value > 0);
    if (value > HLL_SPARSE_VALUE_MAX)
        return ERR_NOT_FOUND;
    int err = find(hll, index, &p);
    if (err != 0)
        return err;
    if (p.run.value >= value)
        return 0;
    put_run(bytes, &len, p.run.value, index - p.first);
    put_run(bytes, &len, value, 1);
    put_run(bytes, &len, p.run.value, p.first + p.run.count - 1 - index);
    size_t was = p.end - p.begin;
    if (len > was && hll->len + len - was > HLL_SPARSE_MAX)
        return ERR_NOT_FOUND;
    replace(hll, &p, bytes, len);
    join(hll, p.before);
    return 1;
}
