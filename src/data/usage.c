/*
 * How it works: pages and blobs have numbers, so rows that stand for the others
 * are found without a walk; numbers that have no row count as nothing.
 *
 * How it fails: the keyspace keeps an error of the store; rows that cannot be
 * read are nothing then.
 */
#include "data/usage.h"

#include "data/key.h"
#include "data/keyspace_internal.h"
#include "data/kinds.h"
#include "data/value.h"

static uint64_t rows_of_pages(struct keyspace *ks, const struct value *v,
                              uint64_t samples)
{
    bool plain = value_type_info(v->type)->plain;
    uint8_t letter = plain ? ROW_PAGE : ROW_TREE;
    uint64_t first = plain ? 0 : 1;
    uint64_t count = v->pages_end > first ? v->pages_end - first : 0;
    uint64_t most = MIN(count, (uint64_t)USAGE_SAMPLES_MAX);
    uint64_t bytes = 0;
    samples = samples == 0 ? most : MIN(samples, most);
    ASSERT(count < KEY_PAGES);
    for (uint64_t i = 0; i < samples; i++) {
        uint8_t key[KEY_PAGE_SIZE];
        struct bytes row;
        uint64_t n = first + i * count / samples;
        if (!rows_view(&ks->rows, key_row(key, letter, &v->pages, n), true,
                       &row))
            continue;
        rows_viewed(&ks->rows, row.len);
        bytes += sizeof(key) + row.len;
    }
    if (samples == 0 || samples == count)
        return bytes;
    return (uint64_t)((double)bytes / (double)samples * (double)count);
}

uint64_t usage_of(struct keyspace *ks, struct bytes key, const struct value *v,
                  uint64_t samples)
{
    uint64_t row_key = KEY_PREFIX_SIZE + key.len;
    uint64_t data = v->encoding == VALUE_APART && v->data.len == 0
                        ? VALUE_APART_SIZE
                        : v->data.len;
    uint64_t bytes = row_key + VALUE_HEADER_SIZE + data;
    ASSERT(v->type != VALUE_NONE);
    if (v->expire_ms != 0)
        bytes += KEY_EXPIRY_PREFIX_SIZE + row_key;
    if ((v->flags & VALUE_FIELD_TTL) != 0) /* a row beside it, and its place */
        bytes += 2 * row_key + DUE_SIZE + KEY_EXPIRY_PREFIX_SIZE;
    if (v->pages.id != 0)
        bytes += rows_of_pages(ks, v, samples);
    return bytes;
}
