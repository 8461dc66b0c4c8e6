/*
 * Free disk space: this node's is looked at some times a second, and each
 * millisecond when there is little more than is wanted, for a disk takes much
 * in a tenth of a second; and the other members say how theirs is
 * (node/node_space.c). Who has too little refuses writes, and when too few have
 * enough, all do; reads go on, and so do commands that only let go of data, or
 * nobody could make room. But a node that the leader sends no entries refuses
 * these as well: the others execute them.
 *
 * What is promised does not count as free: what will be written whatever
 * happens, and the merges that are or will be due (store_space()). What merges
 * have written so far comes back with what they have merged, so it counts as
 * free; else the answer would change with each merge. When even what must be
 * written hardly fits, the disk is full: the node takes no entries any more,
 * not even deletions (node_set_disk_full()).
 *
 * How it fails: space that cannot be measured is not short.
 */
#include "os/file.h"
#include "server/server_internal.h"

#include <inttypes.h>

/* More than can be written between two looks of cron.c. */
#define NEAR_BYTES ((uint64_t)256 * 1024 * 1024)

static uint64_t add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* What was so stays so until there is a quarter more than is wanted, so that
 * the answer does not flicker. */
static bool is_less(uint64_t bytes, uint64_t wanted, bool was)
{
    return bytes < add(wanted, was ? wanted / 4 : 0);
}

static void tell(const struct server *s, bool was_short)
{
    const struct disk_floor *d = &s->disk;
    ASSERT(d->free_bytes >= 0);
    uint64_t floor = s->options.config->min_free_disk_bytes;
    if (d->is_short && !was_short)
        log_warning(s->options.log,
                    "only %" PRId64
                    " MB of disk space are free in %s, of which %" PRIu64
                    " MB are needed for what was written (min-free-disk is "
                    "%" PRIu64
                    " MB): writes are refused until there is more; reads and "
                    "deletions are served",
                    d->free_bytes >> 20, s->options.data_dir,
                    d->promised_bytes >> 20, floor >> 20);
    else if (!d->is_short && was_short)
        log_notice(s->options.log,
                   "enough disk space is free again: writes are accepted");
}

void disk_floor_look(struct server *s)
{
    struct disk_floor *d = &s->disk;
    struct store_space space;
    bool was_short = d->is_short;
    d->looked_ms = s->turn.mono_ms;
    d->free_bytes = file_free_bytes(s->options.data_dir);
    if (d->free_bytes < 0)
        return;
    node_disk_space(s->node, &space);
    uint64_t bytes = (uint64_t)d->free_bytes;
    d->promised_bytes = add(space.promised, space.passing);
    uint64_t floor = MAX(s->options.config->min_free_disk_bytes, space.spare);
    uint64_t wanted = add(d->promised_bytes, floor);
    uint64_t found = add(bytes, space.returning);
    d->is_short = is_less(found, wanted, was_short);
    d->is_near = is_less(found, add(wanted, NEAR_BYTES), false);
    d->is_full = bytes < space.promised;
    ASSERT(d->promised_bytes >= space.promised && wanted >= floor);
    node_set_disk_short(s->node, d->is_short);
    node_set_disk_full(s->node, d->is_full);
    node_set_disk_room(s->node, found > wanted ? found - wanted : 1);
    tell(s, was_short);
}

void disk_floor_turn(struct server *s)
{
    ASSERT(s->turn.is_set);
    if (s->disk.is_near && s->turn.mono_ms != s->disk.looked_ms)
        disk_floor_look(s);
}

bool disk_floor_short(const struct server *s)
{
    ASSERT(s->node != NULL);
    return s->disk.is_short || s->disk.is_full || node_disk_short(s->node) ||
           node_disk_paused(s->node);
}

const char *disk_floor_refusal(const struct server *s, const struct cmd *cmd)
{
    ASSERT((cmd->flags & (CMD_WRITE | CMD_READ)) != 0);
    if (!disk_floor_short(s))
        return NULL;
    if (s->disk.is_full)
        return "MISCONF no disk space is left on this node: writes and "
               "deletions are refused, reads are served";
    if (node_disk_paused(s->node))
        return "MISCONF too little disk space is free on this node (see "
               "min-free-disk): it gets no entries, so writes and deletions "
               "are refused here; the other nodes take them";
    if ((cmd->flags & CMD_FREES) != 0)
        return NULL;
    if (s->disk.is_short)
        return "MISCONF too little disk space is free on this node (see "
               "min-free-disk): writes are refused, reads and deletions are "
               "served";
    return "MISCONF too few nodes have enough free disk space (see "
           "min-free-disk): writes are refused, reads and deletions are "
           "served";
}
