/*
 * How it works: three places for a point, and a flag for each.
 *
 * How it fails: after world_disk_fail() a sync neither begins nor ends.
 */
#include "world/world_disk.h"

static struct world_disk *disk_of(struct disk *d)
{
    return CONTAINER_OF(d, struct world_disk, disk);
}

/* The newer point; what any of them says of the hard state holds. */
static void merge(struct disk_point *into, bool *has,
                  const struct disk_point *point)
{
    bool hard = *has && into->hard_state;
    ASSERT(!*has || into->seq <= point->seq);
    *into = *point;
    into->hard_state |= hard;
    *has = true;
}

static void sync_asked(struct disk *disk, const struct disk_point *point)
{
    struct world_disk *d = disk_of(disk);
    merge(&d->asked, &d->has_asked, point);
    if (d->on_asked != NULL && !d->is_running && d->failure == NULL)
        d->on_asked(d);
}

static bool sync_taken(struct disk *disk, struct disk_point *point)
{
    struct world_disk *d = disk_of(disk);
    if (!d->has_ready)
        return false;
    *point = d->ready;
    d->has_ready = false;
    return true;
}

static void lower_one(struct watermark *m, const struct watermark *to)
{
    if (m->index <= to->index)
        return;
    m->index = to->index;
    m->index_term = to->index_term;
    m->chain = to->chain;
}

/* With a sync; a point on its way speaks of what is about to go. */
static int lower(struct disk *disk, const struct watermark *mark)
{
    struct world_disk *d = disk_of(disk);
    lower_one(&d->asked.mark, mark);
    lower_one(&d->running.mark, mark);
    lower_one(&d->mark, mark);
    d->mark_synced = d->mark;
    return d->failure == NULL ? 0 : ERR_IO;
}

static const char *failure_of(struct disk *disk)
{
    return disk_of(disk)->failure;
}

void world_disk_init(struct world_disk *d)
{
    *d = (struct world_disk){
        .disk = {sync_asked, sync_taken, lower, failure_of}};
}

void world_disk_crash(struct world_disk *d)
{
    d->has_asked = d->is_running = d->has_ready = false;
    d->failure = NULL;
    memset(&d->asked, 0, sizeof(d->asked));
    memset(&d->running, 0, sizeof(d->running));
}

bool world_disk_begin(struct world_disk *d)
{
    if (!d->has_asked || d->is_running || d->failure != NULL)
        return false;
    d->running = d->asked;
    d->is_running = true;
    d->has_asked = false;
    d->asked.hard_state = false;
    return true;
}

void world_disk_end(struct world_disk *d)
{
    ASSERT(d->is_running && d->failure == NULL);
    d->is_running = false;
    if (d->keeps_mark) {
        d->mark = d->running.mark;
        d->has_mark = true;
    }
    merge(&d->ready, &d->has_ready, &d->running);
}

bool world_disk_complete(struct world_disk *d, struct store *s)
{
    if (!world_disk_begin(d))
        return false;
    int err = store_sync(s);
    ASSERT(err == 0);
    world_disk_end(d);
    return true;
}

void world_disk_fail(struct world_disk *d, const char *text)
{
    ASSERT(text != NULL);
    d->is_running = false;
    d->failure = text;
}

void world_disk_start(struct world_disk *d, const struct identity *id,
                      bool fresh)
{
    if (!d->keeps_mark)
        return;
    if (!d->has_mark || fresh)
        d->mark = (struct watermark){
            .cluster_id = id->cluster_id, .node = id->node, .vote = NODE_NONE};
    d->has_mark = true;
    d->mark.incarnation = id->incarnation;
    d->mark.directory = id->directory;
    d->mark.nonce = id->nonce;
    d->mark_synced = d->mark;
}
