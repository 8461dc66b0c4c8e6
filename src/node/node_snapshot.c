/*
 * The state as a whole, handed out in chunks to who asks for one after the
 * other. There is one at a time.
 *
 * What is handed out are the files, so what this node has applied by the time
 * of the request is flushed first; then a view is opened, and a thread reads
 * it. Nothing here waits: who asks too early asks again.
 *
 * How it fails: with a text to who asks; a state that cannot be read does not
 * end the node here, but where the node itself reads it. What nobody asks for
 * is closed, since a view keeps space from being given back; so is what a
 * reader still reads when the disk has been short of space for a while, and its
 * reader is told why.
 */
#include "data/level.h"
#include "node/node_internal.h"
#include "snapshot/ahead.h"

#define FLUSH_AGAIN_MS 500
#define UNUSED_MS      60000
#define SHORT_MS       30000 /* of a view, on a disk that is short of space */

void node_snapshot_release(struct node *n)
{
    ahead_free(n->snapshot.ahead);
    store_view_close(n->snapshot.view);
    n->snapshot.ahead = NULL;
    n->snapshot.view = NULL;
    n->snapshot.id = 0;
    n->snapshot.short_ms = 0;
}

/* FLUSHALL and deletions may be what is to make room, and a view keeps all of
 * it. */
static bool is_too_dear(struct node *n)
{
    struct snapshot *s = &n->snapshot;

    ASSERT(s->id != 0);
    if (!n->space.own_short)
        s->short_ms = 0;
    else if (s->short_ms == 0)
        s->short_ms = MAX(n->mono_ms, 1);
    return s->short_ms != 0 && n->mono_ms - s->short_ms >= SHORT_MS;
}

void node_snapshot_tidy(struct node *n)
{
    struct snapshot *s = &n->snapshot;

    ASSERT(s->used_ms <= n->mono_ms);
    if (s->id == 0)
        return;
    if (is_too_dear(n)) {
        log_warning(n->logger,
                    "a snapshot was closed: it kept what was deleted "
                    "meanwhile, and the disk is short of space");
        s->taken_id = s->id;
        node_snapshot_release(n);
        return;
    }
    if (n->mono_ms < s->used_ms + UNUSED_MS)
        return;
    log_notice(n->logger, "a snapshot was closed: nobody has asked for more "
                          "of it for a minute");
    node_snapshot_release(n);
}

static void flush(struct node *n)
{
    ASSERT(!n->dead && n->snapshot.id != 0);
    n->snapshot.flushed_ms = n->mono_ms;
    int err = store_flush(n->store, STORE_STATE, false);
    if (err != 0)
        node_fail(n, "flushing the state", store_error(n->store));
}

uint64_t node_snapshot_open(struct node *n)
{
    struct snapshot *s = &n->snapshot;

    if (s->id != 0 || n->dead)
        return 0;
    /* Not that of one of an earlier start. */
    s->id = (n->options.incarnation << 20 | (s->count++ & 0xfffff)) & INT64_MAX;
    ASSERT(s->id != 0 && !s->view && !s->ahead);
    s->used_ms = n->mono_ms;
    s->wanted = keyspace_applied(n->ks)->index;
    flush(n);
    return s->id;
}

/* Opens the view when the files have what is wanted. ERR_AGAIN: not yet. */
static int open_view(struct node *n)
{
    struct snapshot *s = &n->snapshot;
    struct applied flushed;

    ASSERT(s->id != 0 && (s->view != NULL) == (s->ahead != NULL));
    ASSERT(s->wanted <= keyspace_applied(n->ks)->index);
    if (s->view)
        return 0;
    int err = keyspace_flushed(n->ks, &flushed);
    if (err != 0) {
        node_fail_by(n, "reading the flushed state", err);
        return err;
    }
    if (flushed.index < s->wanted) {
        if (n->mono_ms >= s->flushed_ms + FLUSH_AGAIN_MS)
            flush(n);
        return ERR_AGAIN;
    }
    ASSERT(flushed.term <= n->raft.term);
    s->view = store_view_open(n->store);
    s->ahead = ahead_new(s->view, NULL, n->options.threadless);
    return 0;
}

/* 0: there is one with this id. */
static int use(struct node *n, uint64_t id)
{
    if (id != 0 && id == n->snapshot.taken_id)
        return ERR_SPACE;
    if (id == 0 || id != n->snapshot.id || n->dead)
        return ERR_CLOSED;
    n->snapshot.used_ms = n->mono_ms;
    return open_view(n);
}

int node_snapshot_position(struct node *n, uint64_t id,
                           struct node_snapshot_position *out)
{
    struct applied a;
    int err = use(n, id);

    if (err == 0)
        err = ahead_position(n->snapshot.ahead, &a);
    if (err != 0)
        return err;
    ASSERT(a.index >= n->snapshot.wanted && a.term <= n->raft.term);
    *out = (struct node_snapshot_position){
        .level = level_get(n->ks), /* never lower than in the view */
        .index = a.index,
        .term = a.term,
        .chain = a.chain,
        .time_ms = a.time_ms,
        .wall_offset_ms = a.wall_offset_ms,
    };
    return 0;
}

int node_snapshot_chunk(struct node *n, uint64_t id, uint64_t number,
                        struct node_snapshot_chunk *out)
{
    struct chunk c = {0};
    int err = use(n, id);

    if (err == 0)
        err = ahead_chunk(n->snapshot.ahead, number, &c);
    ASSERT(err != 0 || (c.number == number && c.rows.len > 0));
    *out = (struct node_snapshot_chunk){c.number, c.hash, c.rows};
    return err;
}

const char *node_snapshot_error(const struct node *n)
{
    return n->snapshot.ahead ? ahead_error(n->snapshot.ahead) : "";
}

bool node_snapshot_close(struct node *n, uint64_t id)
{
    if (id == 0 || id != n->snapshot.id)
        return false;
    node_snapshot_release(n);
    return true;
}
