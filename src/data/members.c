/*
 * How it works: the row is kept in memory as it is in the store, and written
 * with the entry that changes it.
 *
 * How it fails: a row that does not decode is ERR_CORRUPT when the keyspace is
 * opened.
 */
#include "data/members.h"

#include "data/keyspace_internal.h"
#include "data/meta.h"

int members_load(struct keyspace *ks)
{
    struct bytes value;
    struct bytes record;
    uint64_t index = 0;
    ASSERT(ks->members.len == 0);
    if (!rows_get(&ks->rows, meta_members_key(), &value))
        return 0;
    int err = meta_members_decode(value, &index, &record);
    buf_bytes(&ks->members, value);
    return err;
}

struct bytes members_get(const struct keyspace *ks, uint64_t *index)
{
    struct bytes record = BYTES_NONE;
    *index = 0;
    if (ks->members.len == 0)
        return record;
    int err = meta_members_decode(buf_view(&ks->members), index, &record);
    ASSERT(err == 0);
    return record;
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
}
