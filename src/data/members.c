/*
 * How it works: the rows are kept in memory as they are in the store, and
 * written with the entry that changes them.
 *
 * How it fails: a row that does not decode is ERR_CORRUPT when the keyspace is
 * opened.
 */
#include "data/members.h"

#include "data/keyspace_internal.h"
#include "data/meta.h"

static int load(struct keyspace *ks, struct bytes key, struct buf *row)
{
    struct bytes value;
    struct bytes record;
    uint64_t index = 0;
    ASSERT(row->len == 0);
    if (!rows_get(&ks->rows, key, &value))
        return 0;
    int err = meta_members_decode(value, &index, &record);
    buf_bytes(row, value);
    return err;
}

int members_load(struct keyspace *ks)
{
    int err = level_load(ks);
    if (err == 0)
        err = load(ks, meta_members_key(), &ks->members);
    return err != 0 ? err : load(ks, meta_desired_key(), &ks->desired);
}

void members_release(struct keyspace *ks)
{
    buf_release(&ks->members);
    buf_release(&ks->desired);
}

static struct bytes get(const struct buf *row, uint64_t *index)
{
    struct bytes record = BYTES_NONE;
    *index = 0;
    if (row->len == 0)
        return record;
    int err = meta_members_decode(buf_view(row), index, &record);
    ASSERT(err == 0);
    return record;
}

struct bytes members_get(const struct keyspace *ks, uint64_t *index)
{
    return get(&ks->members, index);
}

struct bytes members_desired(const struct keyspace *ks, uint64_t *index)
{
    return get(&ks->desired, index);
}

bool members_desire(struct keyspace *ks, uint64_t expected, struct bytes record)
{
    uint64_t index = 0;
    ASSERT(ks->rows.in_entry);
    (void)members_desired(ks, &index);
    if (index != expected || record.len == 0 || record.len > META_MEMBERS_MAX)
        return false;
    meta_members_encode(&ks->desired, ks->entry.index, record);
    ks->desired_changed = true;
    return true;
}

void members_set(struct keyspace *ks, struct bytes record)
{
    ASSERT(ks->rows.in_entry);
    meta_members_encode(&ks->members, ks->entry.index, record);
    ks->members_changed = true;
}

void members_put(struct keyspace *ks, struct store_batch *b)
{
    ASSERT(!ks->members_changed || ks->members.len > 0);
    if (ks->members_changed)
        store_batch_put(b, STORE_STATE, meta_members_key(),
                        buf_view(&ks->members));
    ASSERT(!ks->desired_changed || ks->desired.len > 0);
    if (ks->desired_changed)
        store_batch_put(b, STORE_STATE, meta_desired_key(),
                        buf_view(&ks->desired));
    level_put(ks, b);
}
