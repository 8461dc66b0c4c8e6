/*
 * Versions of keys are indexes of the old log; the position given must be far
 * above them, so that none is ever given again.
 *
 * How it fails: it does not.
 */
#include "snapshot/renew.h"

#include "data/kinds.h"
#include "data/meta.h"
#include "store/store_rows.h"

/* Counts, epochs, numbers given out, the seed of the hashes of members, where
 * the databases are, and the level, without which the data could not be read,
 * are the data's; the members are not. */
static bool stays(struct bytes key)
{
    uint8_t count[META_COUNT_KEY_SIZE];
    if (row_is(key, ROW_SESSION) || row_is(key, ROW_UPLOAD) ||
        row_is(key, ROW_PART))
        return false;
    if (!row_is(key, ROW_META))
        return true;
    for (uint8_t db = 0; db < KEYSPACE_DATABASES; db++) {
        if (bytes_eq(key, meta_count_key(count, db)))
            return true;
    }
    return bytes_eq(key, meta_next_key()) || bytes_eq(key, meta_level_key()) ||
           bytes_eq(key, meta_seed_key()) ||
           bytes_eq(key, meta_databases_key());
}

void renew_rows(struct bytes rows, const struct applied *position,
                struct buf *out)
{
    struct store_row row;
    struct buf applied = BUF_INIT;
    buf_reset(out);
    while (store_row_next(&rows, &row)) {
        if (bytes_eq(row.key, meta_applied_key())) {
            meta_applied_encode(&applied, position);
            store_row_append(out, row.key, buf_view(&applied));
        } else if (stays(row.key)) {
            store_row_append(out, row.key, row.value);
        }
    }
    ASSERT(rows.len == 0);
    buf_release(&applied);
}
