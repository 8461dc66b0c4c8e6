/*
 * How it works: what must not be there twice is kept as hashes of 128 bits,
 * which are sorted in the end: 16 bytes for each name, however long it is. Two
 * names with the same hash would be refused as one; that is not to be expected
 * of chance, and whoever looks for such names harms only what is his.
 *
 * How it fails: see rdb.h.
 */
#include "rdb/rdb_payload.h"

#include "base/hash.h"
#include "base/reader.h"
#include "rdb/crc64.h"

#include <stdlib.h>

#define FOOTER      10
#define CHECKSUM    8
#define ITEM_BYTES  16 /* what an item counts for beside its strings */
#define SECOND_HASH UINT64_C(0x9e3779b97f4a7c15)

static uint32_t version_of(struct bytes payload)
{
    struct reader r = reader_of(bytes_from(payload, payload.len - FOOTER));
    return reader_u16(&r);
}

bool rdb_payload_whole(struct bytes payload)
{
    if (payload.len < FOOTER || !rdb_version_known(version_of(payload)))
        return false;
    size_t summed = payload.len - CHECKSUM;
    return crc64(0, bytes_of(payload.data, summed)) ==
           load_u64le(payload.data + summed);
}

uint8_t rdb_payload_type(struct bytes payload)
{
    ASSERT(payload.len >= FOOTER);
    return payload.len > FOOTER ? payload.data[0] : UINT8_MAX;
}

int rdb_payload_read(struct bytes payload, uint64_t string_max,
                     rdb_visit_fn *visit, void *arg)
{
    struct rdb_in in;
    ASSERT(payload.len >= FOOTER);
    if (payload.len == FOOTER)
        return ERR_CORRUPT;
    struct bytes value = bytes_of(payload.data, payload.len - FOOTER);
    rdb_in_init(&in, bytes_from(value, 1), string_max);
    int err = rdb_value_read(&in, payload.data[0], visit, arg);
    if (err == 0 && in.rest.len > 0)
        err = ERR_CORRUPT;
    rdb_in_release(&in);
    return err;
}

/* --- the check ---------------------------------------------------------- */

struct digest {
    uint64_t parts[2];
};

struct check {
    const struct rdb_limits *limits;
    uint64_t total;
    uint64_t items;
    uint64_t groups;
    struct buf names; /* struct digest */
};

static int add_bytes(struct check *c, const struct rdb_item *i)
{
    uint64_t bytes = ITEM_BYTES + i->name.len + i->value.len;
    for (uint32_t n = 0; n < i->count; n++)
        bytes += i->fields[n].len;
    c->total += bytes;
    return c->total > c->limits->total_max ? ERR_LIMIT : 0;
}

/* Names of consumers are those of their group. */
static int add_name(struct check *c, const struct rdb_item *i)
{
    uint64_t space = i->what == RDB_CONSUMER ? c->groups : 0;
    struct digest d = {{hash64_seed(i->name, space),
                        hash64_seed(i->name, space ^ SECOND_HASH)}};
    if (i->name.len > c->limits->name_max)
        return ERR_TOO_BIG;
    buf_append(&c->names, &d, sizeof(d));
    return 0;
}

static int check_item(void *arg, const struct rdb_item *i)
{
    struct check *c = arg;
    int err = add_bytes(c, i);
    c->items++;
    c->groups += i->what == RDB_GROUP;
    switch (i->what) {
    case RDB_MEMBER:
    case RDB_SCORED:
    case RDB_FIELD:
    case RDB_GROUP:
    case RDB_CONSUMER:
        return err != 0 ? err : add_name(c, i);
    default:
        return err;
    }
}

static int by_digest(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct digest));
}

static bool has_twice(struct check *c)
{
    size_t count = c->names.len / sizeof(struct digest);
    const struct digest *d = (const struct digest *)(void *)c->names.data;
    if (count < 2)
        return false;
    qsort(c->names.data, count, sizeof(struct digest), by_digest);
    for (size_t i = 1; i < count; i++) {
        if (by_digest(d + i - 1, d + i) == 0)
            return true;
    }
    return false;
}

int rdb_payload_check(struct bytes payload, const struct rdb_limits *limits)
{
    struct check c = {.limits = limits};
    int err = rdb_payload_read(payload, limits->string_max, check_item, &c);
    if (err == 0 && (c.items == 0 || has_twice(&c)))
        err = ERR_CORRUPT;
    buf_release(&c.names);
    return err;
}

void rdb_payload_end(struct buf *out, uint16_t version)
{
    ASSERT(out->len > 1 && rdb_version_known(version));
    buf_u16(out, version);
    buf_u64(out, crc64(0, buf_view(out)));
}
