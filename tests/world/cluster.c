/*
 * How it works: all messages are in one queue, and a turn delivers some of
 * them in any order that keeps that of each link. A message names both
 * incarnations, and reaches only the one that it was sent to.
 *
 * How it fails: by an assertion, where a node does what it must not.
 */
#include "world/cluster.h"

#include "base/alloc.h"

#include <stdio.h>

static uint64_t link_of(const struct cluster *c, uint32_t from, uint32_t to)
{
    ASSERT(c->nodes[from].incarnation <= UINT32_MAX);
    ASSERT(c->nodes[to].incarnation <= UINT32_MAX);
    return c->nodes[from].incarnation << 32 | c->nodes[to].incarnation;
}

static int net_send(void *ctx, node_id to, uint8_t type,
                    enum transport_priority priority,
                    const struct bytes pieces[2])
{
    struct cluster_node *t = ctx;
    struct cluster *c = t->cluster;
    ASSERT(to < c->count && to != t->id);
    if (priority == TRANSPORT_BULK && c->no_bulk[to])
        return ERR_LIMIT;
    if (c->nodes[to].node == NULL || c->cut[t->id][to])
        return ERR_CLOSED;
    if (c->queue.count == CLUSTER_QUEUE_MAX)
        return ERR_LIMIT;
    struct world_message *m = world_message_new(t->id, to, type, pieces);
    m->link = link_of(c, t->id, to);
    world_queue_push(&c->queue, m);
    return 0;
}

static void on_fatal(void *ctx, const char *text)
{
    struct cluster_node *t = ctx;
    snprintf(t->failure, sizeof(t->failure), "%s", text);
}

struct node_env cluster_env(struct cluster_node *t)
{
    struct node_env env = {
        .store = t->store,
        .disk = &t->disk.disk,
        .transport = {t, net_send},
        .events = {.ctx = t, .fatal = on_fatal},
    };
    cluster_client_events(&env.events);
    world_fill_events(&env.events);
    return env;
}

static void tell_link(struct cluster_node *t, const struct cluster_node *peer,
                      bool up)
{
    if (t->node == NULL)
        return;
    if (up)
        node_peer_up(t->node, peer->id, peer->incarnation, "127.0.0.1:1");
    else
        node_peer_down(t->node, peer->id);
}

void cluster_link(struct cluster *c, uint32_t a, uint32_t b, bool up)
{
    ASSERT(a != b && a < c->count && b < c->count);
    tell_link(&c->nodes[a], &c->nodes[b], up);
    tell_link(&c->nodes[b], &c->nodes[a], up);
}

/* The other nodes that run and can be reached. */
static bool reaches(const struct cluster *c, uint32_t id, uint32_t other)
{
    return other != id && c->nodes[other].node != NULL && !c->cut[id][other];
}

static void set_time(struct cluster *c, uint32_t id)
{
    node_set_time(c->nodes[id].node, c->now_ms,
                  WORLD_WALL_MS + c->now_ms + c->wall_off_ms[id]);
}

void cluster_start(struct cluster *c, uint32_t id)
{
    struct cluster_node *t = &c->nodes[id];
    struct world_start how = {.options = world_options(id, c->count)};
    struct buf error = BUF_INIT;
    ASSERT(t->node == NULL);
    t->cluster = c;
    t->id = id;
    if (t->store == NULL)
        t->store = store_memory_new();
    world_disk_init(&t->disk);
    how.disk = &t->disk;
    how.env = cluster_env(t);
    how.options.now_ms = c->now_ms;
    how.options.seed = rng_next(&c->rng);
    if (c->pending_bytes_max != 0)
        how.options.pending_bytes_max = c->pending_bytes_max;
    int err = world_start(&t->node, &how, &error);
    if (err != 0)
        fprintf(stderr, "%.*s\n", (int)error.len, (const char *)error.data);
    ASSERT(err == 0);
    t->incarnation = how.options.incarnation;
    set_time(c, id);
    for (uint32_t i = 0; i < c->count; i++)
        if (reaches(c, id, i))
            cluster_link(c, id, i, true);
    buf_release(&error);
}

void cluster_crash_keep(struct cluster *c, uint32_t id, uint32_t keep)
{
    struct cluster_node *t = &c->nodes[id];
    if (t->node == NULL)
        return;
    node_free(t->node);
    t->node = NULL;
    store_memory_crash(t->store, keep);
    for (uint32_t i = 0; i < c->client_count; i++)
        if (c->clients[i].home == t)
            c->clients[i].home = NULL; /* its connection is gone */
    for (uint32_t i = 0; i < c->count; i++)
        if (reaches(c, id, i))
            node_peer_down(c->nodes[i].node, id);
}

void cluster_crash(struct cluster *c, uint32_t id)
{
    struct store *s = c->nodes[id].store;
    if (c->nodes[id].node == NULL)
        return;
    if (rng_below(&c->rng, 2) == 0)
        ASSERT(store_flush(s, STORE_STATE, true) == 0);
    uint64_t unsynced = store_memory_unsynced(s);
    cluster_crash_keep(c, id, (uint32_t)rng_below(&c->rng, unsynced + 1));
}

void cluster_prepare(struct cluster *c, uint32_t count, uint64_t seed)
{
    ASSERT(count > 0 && count <= CLUSTER_NODES);
    memset(c, 0, sizeof(*c));
    c->count = count;
    c->rng = seed;
    c->now_ms = 1000;
}

void cluster_start_all(struct cluster *c)
{
    for (uint32_t i = 0; i < c->count; i++)
        cluster_start(c, i);
}

void cluster_init(struct cluster *c, uint32_t count, uint64_t seed)
{
    cluster_prepare(c, count, seed);
    cluster_start_all(c);
}

void cluster_release(struct cluster *c)
{
    world_queue_clear(&c->queue);
    for (uint32_t i = 0; i < c->count; i++) {
        node_free(c->nodes[i].node);
        store_close(c->nodes[i].store);
    }
    for (uint32_t i = 0; i < CLUSTER_CLIENTS; i++)
        buf_release(&c->clients[i].out);
}

/* The message before number i; NULL if that is the first. */
static struct world_message *before(struct cluster *c, uint32_t i)
{
    struct world_message *m = NULL;
    ASSERT(i < c->queue.count);
    for (uint32_t j = 0; j < i; j++)
        m = m == NULL ? c->queue.head : m->next;
    return m;
}

void cluster_deliver(struct cluster *c, uint32_t i)
{
    struct world_message *m = world_queue_take(&c->queue, before(c, i));
    struct node *n = c->nodes[m->to].node;
    if (n != NULL && c->nodes[m->from].node != NULL &&
        m->link == link_of(c, m->from, m->to) && !c->cut[m->from][m->to]) {
        int err =
            node_receive(n, m->from, m->frame_type, world_message_payload(m));
        ASSERT(err == 0);
    }
    mem_free(m);
}

void cluster_deliver_type(struct cluster *c, uint8_t frame_type)
{
    uint32_t i = 0;
    while (i < c->queue.count) {
        const struct world_message *m =
            i == 0 ? c->queue.head : before(c, i)->next;
        if (m->frame_type == frame_type)
            cluster_deliver(c, i);
        else
            i++;
    }
}

/* Any message, or the first one of its link: a link keeps its order. */
static uint32_t draw_message(struct cluster *c)
{
    uint32_t pick = (uint32_t)rng_below(&c->rng, c->queue.count);
    const struct world_message *picked = c->queue.head;
    for (uint32_t i = 0; i < pick; i++)
        picked = picked->next;
    uint32_t first = 0;
    for (const struct world_message *m = c->queue.head;
         m->from != picked->from || m->to != picked->to; m = m->next)
        first++;
    ASSERT(first <= pick);
    return first;
}

void cluster_disk_complete(struct cluster_node *t)
{
    if (t->node != NULL && world_disk_complete(&t->disk, t->store))
        node_disk_done(t->node);
}

void cluster_flush(struct cluster *c)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (c->nodes[i].node != NULL) {
            set_time(c, i);
            node_flush(c->nodes[i].node);
        }
}

void cluster_turn(struct cluster *c)
{
    uint32_t queued = c->queue.count;
    uint32_t deliveries =
        queued > 0 ? 1 + (uint32_t)rng_below(&c->rng, queued) : 0;
    for (uint32_t i = 0; i < deliveries && c->queue.count > 0; i++)
        cluster_deliver(c, draw_message(c));
    for (uint32_t i = 0; i < c->count; i++)
        if (!c->stalled[i] && rng_below(&c->rng, i + 2) == 0)
            cluster_disk_complete(&c->nodes[i]);
    c->now_ms += c->frozen ? 0 : (int64_t)rng_below(&c->rng, 5);
    cluster_flush(c);
}

void cluster_run(struct cluster *c, uint32_t turns)
{
    for (uint32_t i = 0; i < turns; i++)
        cluster_turn(c);
}
