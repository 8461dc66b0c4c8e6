/*
 * How it works: the number is kept in memory, where rows.c compares the kinds
 * of rows with it, and written with the entry that raises it.
 *
 * How it fails: a row that does not decode is ERR_CORRUPT when the keyspace is
 * opened. A level that this program does not know is the concern of who opens
 * it.
 */
#include "data/level.h"

#include "base/level.h"
#include "data/keyspace_internal.h"
#include "data/meta.h"

int level_load(struct keyspace *ks)
{
    struct bytes value;
    ASSERT(ks->rows.level == LEVEL_MIN && !ks->level_changed);
    if (!rows_get(&ks->rows, meta_level_key(), &value))
        return 0;
    return meta_level_decode(value, &ks->rows.level);
}

uint16_t level_get(const struct keyspace *ks)
{
    ASSERT(ks->rows.level >= LEVEL_MIN);
    return ks->rows.level;
}

void level_raise(struct keyspace *ks, uint16_t level)
{
    ASSERT(ks->rows.in_entry && level >= ks->rows.level);
    ks->level_changed |= level > ks->rows.level;
    ks->rows.level = level;
}

void level_put(struct keyspace *ks, struct store_batch *b)
{
    ASSERT(!ks->level_changed || ks->rows.level > LEVEL_MIN);
    if (!ks->level_changed)
        return;
    meta_level_encode(&ks->key, ks->rows.level);
    store_batch_put(b, STORE_STATE, meta_level_key(), buf_view(&ks->key));
    ks->level_changed = false;
}
