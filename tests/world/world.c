/*
 * How it works: all messages are in one queue, and a turn delivers some of
 * them in any order that keeps that of each link. A message names both
 * incarnations, and reaches only the one that it was sent to.
 *
 * How it fails: by an assertion, where a node does what it must not.
 */
#include "world/world.h"

#include "base/alloc.h"
#include "codec/frame.h"

#include <stdio.h>

static uint64_t link_of(const struct world *w, uint32_t from, uint32_t to)
{
    return w->nodes[from].incarnation * UINT64_C(0x9e3779b97f4a7c15) +
           w->nodes[to].incarnation;
}

static int net_send(void *ctx, node_id to, uint8_t type,
                    enum transport_priority priority,
                    const struct bytes pieces[2])
{
    struct world_node *t = ctx;
    struct world *w = t->world;
    ASSERT(to < w->count && to != t->id);
    if (priority != TRANSPORT_CONTROL && w->no_bulk[to])
        return ERR_LIMIT;
    if (w->nodes[to].node == NULL || w->cut[t->id][to])
        return ERR_CLOSED;
    if (w->queue.count == WORLD_QUEUE_MAX)
        return ERR_LIMIT;
    struct world_message *m = world_message_new(t->id, to, type, pieces);
    m->link = link_of(w, t->id, to);
    world_queue_push(&w->queue, m);
    return 0;
}

static void on_fatal(void *ctx, int err, const char *text)
{
    struct world_node *t = ctx;
    t->failed_by = err;
    snprintf(t->failure, sizeof(t->failure), "%s", text);
}

static void on_removed(void *ctx, const char *text)
{
    struct world_node *t = ctx;
    t->removed = true;
    snprintf(t->failure, sizeof(t->failure), "%s", text);
}

struct node_env world_env(struct world_node *t)
{
    struct node_env env = {
        .store = t->store,
        .disk = &t->disk.disk,
        .transport = {t, net_send, NULL},
        .events = {.ctx = t, .fatal = on_fatal, .removed = on_removed},
    };
    world_client_events(&env.events);
    world_fill_events(&env.events);
    return env;
}

static void tell_link(struct world_node *t, const struct world_node *peer,
                      bool up)
{
    if (t->node == NULL)
        return;
    if (!up) {
        node_peer_down(t->node, peer->id);
        return;
    }
    uint16_t level_max = peer->level_max > 0 ? peer->level_max : LEVEL_MAX;
    node_peer_levels(t->node, peer->id, LEVEL_MIN, level_max);
    node_peer_up(t->node, peer->id, peer->incarnation, "127.0.0.1:1");
}

void world_link(struct world *w, uint32_t a, uint32_t b, bool up)
{
    ASSERT(a != b && a < w->count && b < w->count);
    tell_link(&w->nodes[a], &w->nodes[b], up);
    tell_link(&w->nodes[b], &w->nodes[a], up);
}

/* The other nodes that run and can be reached. */
static bool reaches(const struct world *w, uint32_t id, uint32_t other)
{
    return other != id && w->nodes[other].node != NULL && !w->cut[id][other];
}

static void set_time(struct world *w, uint32_t id)
{
    node_set_time(w->nodes[id].node, w->now_ms + w->mono_off_ms[id],
                  WORLD_WALL_MS + w->now_ms + w->wall_off_ms[id]);
}

void world_start(struct world *w, uint32_t id)
{
    struct world_node *t = &w->nodes[id];
    struct world_boot how = {.options = world_options(id, w->count)};
    struct buf error = BUF_INIT;
    ASSERT(t->node == NULL);
    t->world = w;
    t->id = id;
    if (t->store == NULL)
        t->store = store_memory_new();
    world_disk_init(&t->disk);
    how.disk = &t->disk;
    how.env = world_env(t);
    how.options.now_ms = w->now_ms + w->mono_off_ms[id];
    how.options.seed = rng_next(&w->rng);
    if (w->founders != 0)
        how.options.member_count = w->founders;
    if (t->founding.count > 0)
        how.options.founding = &t->founding;
    if (w->pending_bytes_max != 0)
        how.options.pending_bytes_max = w->pending_bytes_max;
    t->level_max = w->level_max[id];
    how.options.level_max = t->level_max;
    if (w->upload_above != 0)
        how.options.upload_above = w->upload_above;
    how.options.refill_part_bytes = w->refill_part_bytes;
    how.nonce = w->nonces ? rng_next(&w->rng) | 1 : 0;
    how.life = t->life;
    t->life = 0;
    int err = world_boot(&t->node, &how, &error);
    if (err != 0)
        fprintf(stderr, "%.*s\n", (int)error.len, (const char *)error.data);
    ASSERT(err == 0);
    t->incarnation = how.options.incarnation;
    set_time(w, id);
    for (uint32_t i = 0; i < w->count; i++)
        if (reaches(w, id, i))
            world_link(w, id, i, true);
    buf_release(&error);
}

void world_crash_keep(struct world *w, uint32_t id, uint32_t keep)
{
    struct world_node *t = &w->nodes[id];
    if (t->node == NULL)
        return;
    node_free(t->node);
    t->node = NULL;
    store_memory_crash(t->store, keep);
    for (uint32_t i = 0; i < w->client_count; i++)
        if (w->clients[i].home == t)
            w->clients[i].home = NULL; /* its connection is gone */
    for (uint32_t i = 0; i < w->count; i++)
        if (reaches(w, id, i))
            node_peer_down(w->nodes[i].node, id);
}

void world_crash(struct world *w, uint32_t id)
{
    struct store *s = w->nodes[id].store;
    if (w->nodes[id].node == NULL)
        return;
    if (rng_below(&w->rng, 2) == 0)
        ASSERT(store_flush(s, STORE_STATE, true) == 0);
    uint64_t unsynced = store_memory_unsynced(s);
    world_crash_keep(w, id, (uint32_t)rng_below(&w->rng, unsynced + 1));
}

void world_wipe(struct world *w, uint32_t id)
{
    world_crash_keep(w, id, 0);
    store_close(w->nodes[id].store);
    w->nodes[id].store = NULL;
}

struct admit world_admit(uint32_t id, uint64_t directory)
{
    return (struct admit){.id = id,
                          .directory = {0, directory},
                          .level_min = LEVEL_MIN,
                          .level_max = LEVEL_MAX};
}

void world_ask(struct world *w, uint32_t id, uint64_t directory,
               struct grant *out)
{
    struct admit ask = world_admit(id, directory);
    struct buf why = BUF_INIT;
    int err = ERR_AGAIN;
    for (int turn = 0; turn < 20000 && err == ERR_AGAIN; turn++) {
        for (uint32_t i = 0; i < w->count && err == ERR_AGAIN; i++) {
            buf_reset(&why);
            if (reaches(w, id, i))
                err = node_admit(w->nodes[i].node, &ask, out, &why);
        }
        world_turn(w);
    }
    if (err != 0)
        fprintf(stderr, "%.*s\n", (int)why.len, (const char *)why.data);
    ASSERT(err == 0);
    buf_release(&why);
}

void world_prepare(struct world *w, uint32_t count, uint64_t seed)
{
    ASSERT(count > 0 && count <= WORLD_NODES_MAX);
    memset(w, 0, sizeof(*w));
    w->count = count;
    w->rng = seed;
    w->now_ms = 1000;
}

void world_start_all(struct world *w)
{
    for (uint32_t i = 0; i < (w->founders > 0 ? w->founders : w->count); i++)
        world_start(w, i);
}

void world_init(struct world *w, uint32_t count, uint64_t seed)
{
    world_prepare(w, count, seed);
    world_start_all(w);
}

void world_release(struct world *w)
{
    world_queue_clear(&w->queue);
    for (uint32_t i = 0; i < w->count; i++) {
        node_free(w->nodes[i].node);
        if (w->nodes[i].store != NULL) /* it was emptied */
            store_close(w->nodes[i].store);
    }
    for (uint32_t i = 0; i < WORLD_CLIENTS; i++)
        buf_release(&w->clients[i].out);
}

/* The message before number i; NULL if that is the first. */
static struct world_message *before(struct world *w, uint32_t i)
{
    struct world_message *m = NULL;
    ASSERT(i < w->queue.count);
    for (uint32_t j = 0; j < i; j++)
        m = m == NULL ? w->queue.head : m->next;
    return m;
}

void world_deliver(struct world *w, uint32_t i)
{
    struct world_message *m = world_queue_take(&w->queue, before(w, i));
    struct node *n = w->nodes[m->to].node;
    if (n != NULL && w->nodes[m->from].node != NULL &&
        m->link == link_of(w, m->from, m->to) && !w->cut[m->from][m->to] &&
        !(w->no_transfers && m->frame_type == FRAME_SNAPSHOT)) {
        int err =
            node_receive(n, m->from, m->frame_type, world_message_payload(m));
        ASSERT(err == 0 || err == ERR_MISMATCH);
        if (err != 0)
            world_link(w, m->from, m->to, false);
    }
    mem_free(m);
}

void world_deliver_type(struct world *w, uint8_t frame_type)
{
    uint32_t i = 0;
    while (i < w->queue.count) {
        const struct world_message *m =
            i == 0 ? w->queue.head : before(w, i)->next;
        if (m->frame_type == frame_type)
            world_deliver(w, i);
        else
            i++;
    }
}

/* Any message, or the first one of its link: a link keeps its order. */
static uint32_t draw_message(struct world *w)
{
    uint32_t pick = (uint32_t)rng_below(&w->rng, w->queue.count);
    const struct world_message *picked = w->queue.head;
    for (uint32_t i = 0; i < pick; i++)
        picked = picked->next;
    uint32_t first = 0;
    for (const struct world_message *m = w->queue.head;
         m->from != picked->from || m->to != picked->to; m = m->next)
        first++;
    ASSERT(first <= pick);
    return first;
}

void world_complete_sync(struct world_node *t)
{
    if (t->node != NULL && world_disk_complete(&t->disk, t->store))
        node_disk_done(t->node);
}

void world_flush(struct world *w)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->nodes[i].node != NULL) {
            set_time(w, i);
            node_flush(w->nodes[i].node);
        }
}

void world_turn(struct world *w)
{
    uint32_t queued = w->queue.count;
    uint32_t deliveries =
        queued > 0 ? 1 + (uint32_t)rng_below(&w->rng, queued) : 0;
    for (uint32_t i = 0; i < deliveries && w->queue.count > 0; i++)
        world_deliver(w, draw_message(w));
    for (uint32_t i = 0; i < w->count; i++)
        if (!w->stalled[i] && rng_below(&w->rng, i + 2) == 0)
            world_complete_sync(&w->nodes[i]);
    w->now_ms += w->frozen ? 0 : (int64_t)rng_below(&w->rng, 5);
    world_flush(w);
}

void world_run(struct world *w, uint32_t turns)
{
    for (uint32_t i = 0; i < turns; i++)
        world_turn(w);
}
