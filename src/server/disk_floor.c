/*
 * Free disk space: this node's is looked at each second, and the other
 * members say how theirs is (node/node_beat.c). When one has too little, all
 * refuse writes; reads go on.
 *
 * How it fails: space that cannot be measured is not short.
 */
#include "os/file.h"
#include "server/server_internal.h"

#include <inttypes.h>

/* Below the floor writes are refused; they are taken again when a quarter
 * more is free, so that the answer does not flicker. */
void disk_floor_look(struct server *s)
{
    uint64_t floor = s->options.config->min_free_disk_bytes;
    int64_t bytes = file_free_bytes(s->options.data_dir);
    s->disk.free_bytes = bytes;
    if (bytes < 0)
        return;
    bool was_full = s->disk.is_short;
    uint64_t wanted = was_full ? floor + floor / 4 : floor;
    ASSERT(wanted >= floor);
    s->disk.is_short = (uint64_t)bytes < wanted;
    node_set_disk_short(s->node, s->disk.is_short);
    if (s->disk.is_short && !was_full)
        log_warning(s->options.log,
                    "only %" PRId64
                    " MB of disk space are free in %s (min-free-disk is "
                    "%" PRIu64 " MB): writes are refused until there is more",
                    (bytes >> 20), s->options.data_dir, (floor >> 20));
    else if (!s->disk.is_short && was_full)
        log_notice(s->options.log,
                   "enough disk space is free again: writes are accepted");
}

bool disk_floor_short(const struct server *s)
{
    return s->disk.is_short || node_disk_short(s->node);
}

const char *disk_floor_text(const struct server *s)
{
    ASSERT(disk_floor_short(s));
    if (s->disk.is_short)
        return "MISCONF too little disk space is free on this node (see "
               "min-free-disk): writes are refused, reads are served";
    return "MISCONF too little disk space is free on another node (see "
           "min-free-disk): writes are refused, reads are served";
}
