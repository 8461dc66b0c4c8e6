/*
 * A node's disk: its store, as it sees it, and when the disk of tests/world
 * completes.
 *
 * The store is the one in memory behind a wrapper that shows every batch to
 * the ghost before it is written. A sync promises what was written before it
 * began, and takes time; what was written since may or may not survive: at a
 * crash any number of the newest batches that were not promised are lost. The
 * inner store is synced only when all was promised, so that it keeps what a
 * crash may take away. A flush of the state promises what was logged.
 *
 * The watermark stands for the file outside the database: written with each
 * sync, synced with each term and vote and otherwise every 100 ms; a crash
 * leaves either.
 */
#include "sim.h"

#include "base/hash.h"
#include "store/store_fill.h"
#include "store/store_view.h"

static const char DISK_FAILED[] = "the simulated disk failed";

static struct sim_disk *base_of(struct store *s)
{
    return CONTAINER_OF(s, struct sim_disk, base);
}

/* --- the store ------------------------------------------------------------ */

static int wrap_get(struct store *s, enum store_family family, struct bytes key,
                    struct buf *value)
{
    return store_get(base_of(s)->inner, family, key, value);
}

static int wrap_get_flushed(struct store *s, enum store_family family,
                            struct bytes key, struct buf *value)
{
    return store_get_flushed(base_of(s)->inner, family, key, value);
}

static int write_state(struct sim_disk *d, const struct store_batch *b)
{
    struct sim *s = d->sim;

    ghost_applied(s, d->node, b);
    int err = store_write(d->inner, b, STORE_UNLOGGED);
    ASSERT(err == 0);
    /* A full memtable is flushed when nobody thinks of it. */
    if (s->config.on[FAULT_FLUSH] && s->phase == PHASE_SAFETY &&
        rng_below(&s->rng_disk, 500) == 0) {
        s->stats.faults[FAULT_FLUSH]++;
        disk_flush_now(d);
    }
    return 0;
}

static int write_logged(struct sim_disk *d, const struct store_batch *b)
{
    struct sim *s = d->sim;
    bool fails = d->fail_write == 1;

    if (disk_has_failed(d))
        return ERR_IO;
    if (d->fail_write > 0)
        d->fail_write--;
    if (fails) {
        /* It may have reached the disk all the same. */
        s->stats.faults[FAULT_WRITE_ERROR]++;
        world_disk_fail(&d->disk, DISK_FAILED);
        s->nodes[d->node].expected_death = true;
        if (rng_below(&s->rng_disk, 2) == 0)
            return ERR_IO;
    }
    d->written++;
    core_written(s, d->node, d->written);
    ghost_logged(s, d->node, b, d->written);
    int err = store_write(d->inner, b, STORE_LOGGED);
    ASSERT(err == 0);
    return fails ? ERR_IO : 0;
}

static struct store_view *wrap_view_open(struct store *base)
{
    return store_view_open(base_of(base)->inner);
}

/* A part that was ended is durable. */
static int wrap_fill_begin(struct store *base, uint32_t parts,
                           struct bytes after, struct store_fill **out)
{
    return store_fill_begin(base_of(base)->inner, parts, after, out);
}

static int wrap_state_use(struct store *base, const struct store_batch *b,
                          uint64_t state)
{
    struct sim_disk *d = base_of(base);
    struct sim *s = d->sim;

    if (disk_has_failed(d))
        return ERR_IO;
    d->written++;
    core_written(s, d->node, d->written);
    int err = store_state_use(d->inner, b, state);
    ASSERT(err == 0);
    ghost_fetched(s, d->node, b, d->written);
    return 0;
}

static int wrap_write(struct store *base, const struct store_batch *b,
                      enum store_write_kind kind)
{
    struct sim_disk *d = base_of(base);

    if (kind == STORE_UNLOGGED)
        return disk_has_failed(d) ? ERR_IO : write_state(d, b);
    return write_logged(d, b);
}

/* Everything written up to here is promised. */
static void promise(struct sim_disk *d, uint64_t upto)
{
    ASSERT(upto <= d->written);
    if (upto < d->durable)
        return; /* a flush of the state was faster */
    d->durable = upto;
    ghost_durable(d->sim, d->node, upto);
    core_synced(d->sim, d->node, upto);
    if (upto < d->written)
        return;
    int err = store_sync(d->inner);
    ASSERT(err == 0);
    copy_promised(d->sim, d->node);
}

/* Only recovery asks for one that it waits for. */
static int wrap_sync(struct store *base)
{
    struct sim_disk *d = base_of(base);

    if (disk_has_failed(d))
        return ERR_IO;
    promise(d, d->written);
    return 0;
}

static int wrap_flush(struct store *base, enum store_family family, bool wait)
{
    struct sim_disk *d = base_of(base);
    struct sim *s = d->sim;

    ASSERT(family != STORE_META);
    ASSERT(!wait); /* nobody does */
    if (family == STORE_LOG)
        return 0; /* nothing is kept that it could give back */
    int64_t after = sim_exponential(&s->rng_disk, s->config.flush_us);
    sim_push(s, s->now_us + after, EV_FLUSHED, d->node, d->gen);
    return 0;
}

static struct store_iter *wrap_iter_new(struct store *base,
                                        enum store_family family)
{
    return store_iter_new(base_of(base)->inner, family);
}

static void wrap_view_ask(struct store *base)
{
    store_view_ask(base_of(base)->inner);
}

static int wrap_view_take(struct store *base, struct store_view **out)
{
    return store_view_take(base_of(base)->inner, out);
}

static void wrap_view_drop(struct store *base)
{
    store_view_drop(base_of(base)->inner);
}

static void wrap_extent(struct store *st, struct store_extent *out)
{
    store_extent(CONTAINER_OF(st, struct sim_disk, base)->inner, out);
}

static void wrap_tidy(struct store *st)
{
    store_tidy(CONTAINER_OF(st, struct sim_disk, base)->inner);
}

static bool wrap_full(const struct store *base)
{
    const struct sim_disk *d = CONTAINER_OF(base, struct sim_disk, base);

    return d->sim->now_us < d->full_until_us;
}

/* Members differ in what they have in memory. */
static bool wrap_peek(const struct store *s, struct bytes key,
                      struct bytes *value, bool *own)
{
    const struct sim_disk *d = CONTAINER_OF(s, struct sim_disk, base);

    return hash64_seed(key, d->node) % 2 == 0 &&
           store_peek(d->inner, key, value, own);
}

static const char *wrap_error(struct store *base)
{
    UNUSED(base);
    return DISK_FAILED;
}

static void wrap_close(struct store *base)
{
    UNUSED(base);
}

/* --- the disk ------------------------------------------------------------- */

/* The node has asked, or asked while the last sync was under way. */
static void begin(struct world_disk *disk)
{
    struct sim_disk *d = CONTAINER_OF(disk, struct sim_disk, disk);
    struct sim *s = d->sim;
    int64_t after = 20 + sim_exponential(&s->rng_disk, s->config.sync_us);

    bool begun = world_disk_begin(disk);
    ASSERT(begun);
    d->covers = d->written;
    after = MAX(after, d->stall_until_us - s->now_us);
    sim_push(s, s->now_us + after, EV_SYNCED, d->node, d->gen);
}

static void mark_written(struct sim_disk *d)
{
    struct sim *s = d->sim;

    if (d->disk.running.hard_state ||
        s->now_us - d->mark_synced_us > 100 * SIM_MS) {
        d->disk.mark_synced = d->disk.mark;
        d->mark_synced_us = s->now_us;
    }
}

static void synced(struct sim_disk *d)
{
    struct sim *s = d->sim;

    if (!d->disk.is_running)
        return; /* it was healed, and finished early; or it failed */
    if (d->fail_sync) {
        s->stats.faults[FAULT_SYNC_ERROR]++;
        sim_trace(s, "node %u: a sync fails", d->node);
        d->fail_sync = false;
        world_disk_fail(&d->disk, DISK_FAILED);
        s->nodes[d->node].expected_death = true;
    } else {
        promise(d, d->covers);
        world_disk_end(&d->disk);
        mark_written(d);
        if (d->disk.has_asked)
            begin(&d->disk);
    }
    process_push(s, d->node, (struct inbox_item){.kind = IN_DISK});
}

/* A flush syncs the log first, with whatever that meets. */
void disk_flush_now(struct sim_disk *d)
{
    struct sim *s = d->sim;
    int64_t stall_us = d->stall_until_us - s->now_us;

    if (d->fail_sync || stall_us > 0 || !lost_may_flush(s, d->node)) {
        sim_push(s, s->now_us + MAX(stall_us, 5 * SIM_MS), EV_FLUSHED, d->node,
                 d->gen);
        return;
    }
    promise(d, d->written);
    int err = store_flush(d->inner, STORE_STATE, true);

    ASSERT(err == 0);
    s->ghost.nodes[d->node].flushed = s->ghost.nodes[d->node].applied;
}

void disk_event(struct sim *s, const struct sim_event *e)
{
    struct sim_disk *d = s->nodes[e->a].disk;

    if (e->gen != d->gen)
        return;
    if (e->kind == EV_SYNCED)
        synced(d);
    else if (!disk_has_failed(d))
        disk_flush_now(d);
}

/* Of what was not promised some survives; after a mere kill the page cache
 * keeps all of it more often. */
void disk_crash(struct sim_disk *d, bool power)
{
    struct sim *s = d->sim;
    uint64_t open = d->written - d->durable;
    uint64_t kept = d->durable + rng_below(&s->rng_disk, open + 1);

    if (!power && rng_below(&s->rng_disk, 2) == 0)
        kept = d->written;
    s->stats.lost_batches += d->written - kept;
    core_crashed(s, d->node, kept);
    ghost_crashed(s, d->node, kept);
    /* The inner store counts from its last sync, and so do we only if all
     * was promised then. */
    uint64_t inner = store_memory_unsynced(d->inner);
    ASSERT(inner >= open && inner <= d->written);
    store_memory_crash(d->inner, (uint32_t)(inner - (d->written - kept)));
    if (rng_below(&s->rng_disk, 2) == 0)
        d->disk.mark = d->disk.mark_synced;
    d->disk.mark_synced = d->disk.mark;
    d->written = d->durable = 0;
    d->gen++;
    world_disk_crash(&d->disk);
    d->fail_sync = false;
    d->fail_write = 0;
}

struct sim_disk *disk_new(struct sim *s, uint32_t node)
{
    static const struct store_ops ops = {
        .get = wrap_get,
        .get_flushed = wrap_get_flushed,
        .write = wrap_write,
        .sync = wrap_sync,
        .flush = wrap_flush,
        .iter_new = wrap_iter_new,
        .extent = wrap_extent,
        .tidy = wrap_tidy,
        .full = wrap_full,
        .peek = wrap_peek,
        .view_open = wrap_view_open,
        .fill_begin = wrap_fill_begin,
        .state_use = wrap_state_use,
        .view_ask = wrap_view_ask,
        .view_take = wrap_view_take,
        .view_drop = wrap_view_drop,
        .error = wrap_error,
        .close = wrap_close,
    };
    struct sim_disk *d = mem_zalloc(sizeof(*d));

    world_disk_init(&d->disk);
    d->disk.keeps_mark = true;
    d->disk.on_asked = begin;
    d->base.ops = &ops;
    d->inner = store_memory_new();
    d->sim = s;
    d->node = node;
    return d;
}

void disk_free(struct sim_disk *d)
{
    store_close(d->inner);
    mem_free(d);
}
