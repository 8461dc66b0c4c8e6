/*
 * Absolute times, as clients say them, and the log's.
 *
 * How it works: the offset of the entry is added or subtracted; what that
 * would take beyond the numbers stays at their end.
 *
 * How it fails: it cannot.
 */
#include "data/keyspace_internal.h"

static int64_t wall_offset(const struct keyspace *ks)
{
    return ks->rows.in_entry ? ks->entry.wall_offset_ms
                             : ks->applied.wall_offset_ms;
}

int64_t keyspace_from_wall(const struct keyspace *ks, int64_t wall_ms)
{
    int64_t time_ms = 0;
    if (__builtin_sub_overflow(wall_ms, wall_offset(ks), &time_ms))
        return wall_ms < 0 ? 1 : INT64_MAX;
    return MAX(time_ms, 1);
}

int64_t keyspace_to_wall(const struct keyspace *ks, int64_t expire_ms)
{
    int64_t wall_ms = 0;
    ASSERT(expire_ms > 0);
    if (expire_ms == INT64_MAX ||
        __builtin_add_overflow(expire_ms, wall_offset(ks), &wall_ms))
        return INT64_MAX;
    return MAX(wall_ms, 0);
}
