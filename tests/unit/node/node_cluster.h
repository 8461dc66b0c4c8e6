/*
 * A cluster of nodes in one process, for tests: memory stores, a network of
 * queues, disks that complete when told to, and a clock that is a number.
 * What happens next is drawn from a seed, so a run can be repeated.
 */
#ifndef TESTS_NODE_CLUSTER_H
#define TESTS_NODE_CLUSTER_H

#include <stdio.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "node/node.h"
#include "node/node_boot.h"
#include "store/store_memory.h"

#define NODES     3
#define QUEUE_MAX 4096
#define CLIENTS   64
#define WALL_MS   1000000 /* the wall clocks, when now_ms is 0 */

struct net_message {
    uint32_t from, to;
    uint64_t to_incarnation, from_incarnation;
    uint8_t type;
    struct buf payload;
};

struct test_client {
    struct resp_writer writer;
    struct buf out;       /* replies */
    uint32_t asked;       /* submits */
    uint32_t answered;    /* reply_done calls */
    uint32_t reads_ready; /* read_ready calls */
    int read_error;
    struct test_node *home;
    const char *read_key; /* what read_ready looks up */
};

struct test_disk {
    struct disk disk;
    struct store *store;
    struct disk_point asked;
    struct disk_point ready;
    bool has_asked, has_ready;
};

struct test_node {
    struct test_cluster *cluster;
    uint32_t id;
    struct store *store;
    struct node *node; /* NULL: crashed */
    struct test_disk disk;
    uint64_t incarnation;
    char failure[256];
};

struct test_cluster {
    uint64_t rng;
    int64_t now_ms;
    int64_t wall_off_ms[NODES]; /* what a node's wall clock is off */
    uint64_t pending_bytes_max; /* 0: as usual */
    struct test_node nodes[NODES];
    uint32_t count;
    bool cut[NODES][NODES]; /* the link from a to b is cut */
    bool no_bulk[NODES];    /* nothing large reaches this node */
    bool frozen;            /* time stands still */
    bool stalled[NODES];    /* the disk of this node does not finish */
    struct net_message queue[QUEUE_MAX];
    uint32_t queued;
    struct test_client clients[CLIENTS];
    uint32_t client_count;
};

static void disk_sync(struct disk *d, const struct disk_point *point)
{
    struct test_disk *t = CONTAINER_OF(d, struct test_disk, disk);
    bool hard = t->has_asked && t->asked.hard_state;
    t->asked = *point;
    t->asked.hard_state |= hard;
    t->has_asked = true;
}

static bool disk_done(struct disk *d, struct disk_point *point)
{
    struct test_disk *t = CONTAINER_OF(d, struct test_disk, disk);
    if (!t->has_ready)
        return false;
    *point = t->ready;
    t->has_ready = false;
    return true;
}

static void disk_lower(struct disk *d, const struct watermark *mark)
{
    UNUSED(d);
    UNUSED(mark);
}

static const char *disk_error(struct disk *d)
{
    UNUSED(d);
    return NULL;
}

/* The disk has finished what it was asked for. */
static void disk_complete(struct test_node *t)
{
    if (!t->node || !t->disk.has_asked)
        return;
    ASSERT(store_sync(t->store) == 0);
    t->disk.ready = t->disk.asked;
    t->disk.has_ready = true;
    t->disk.has_asked = false;
    node_disk_done(t->node);
}

static int net_send(void *ctx, node_id to, uint8_t type,
                    enum transport_priority priority,
                    const struct bytes pieces[2])
{
    struct test_node *t = ctx;
    struct test_cluster *c = t->cluster;
    ASSERT(to < c->count && to != t->id);
    if (priority == TRANSPORT_BULK && c->no_bulk[to])
        return ERR_LIMIT;
    if (!c->nodes[to].node || c->cut[t->id][to])
        return ERR_CLOSED;
    if (c->queued == QUEUE_MAX)
        return ERR_LIMIT;
    struct net_message *m = &c->queue[c->queued++];
    *m = (struct net_message){.from = t->id,
                              .to = to,
                              .to_incarnation = c->nodes[to].incarnation,
                              .from_incarnation = t->incarnation,
                              .type = type};
    buf_bytes(&m->payload, pieces[0]);
    buf_bytes(&m->payload, pieces[1]);
    return 0;
}

static struct resp_writer *on_reply_open(void *ctx, void *client)
{
    struct test_client *tc = client;
    UNUSED(ctx);
    tc->writer = (struct resp_writer){.out = &tc->out, .protocol = 2};
    return &tc->writer;
}

static void on_reply_done(void *ctx, void *client, enum node_outcome outcome)
{
    struct test_client *tc = client;
    UNUSED(ctx);
    UNUSED(outcome);
    tc->answered++;
    ASSERT(tc->answered <= tc->asked);
}

static void on_read_ready(void *ctx, void *client, int error)
{
    struct test_client *tc = client;
    UNUSED(ctx);
    tc->reads_ready++;
    tc->read_error = error;
    if (error != 0 || !tc->read_key)
        return;
    struct bytes argv[2] = {BYTES_LIT("get"), bytes_str(tc->read_key)};
    struct resp_writer w = {.out = &tc->out, .protocol = 2};
    struct cmd_call call = {.out = &w, .argv = argv, .argc = 2};
    ASSERT(node_run_read(tc->home->node, cmd_lookup(argv[0]), &call));
}

static void on_nothing(void *ctx)
{
    UNUSED(ctx);
}

static void on_fatal(void *ctx, const char *text)
{
    struct test_node *t = ctx;
    snprintf(t->failure, sizeof(t->failure), "%s", text);
}

static void links_set(struct test_cluster *c, uint32_t a, uint32_t b, bool up)
{
    struct test_node *x = &c->nodes[a], *y = &c->nodes[b];
    if (x->node) {
        if (up)
            node_peer_up(x->node, b, y->incarnation, "127.0.0.1:1");
        else
            node_peer_down(x->node, b);
    }
    if (y->node) {
        if (up)
            node_peer_up(y->node, a, x->incarnation, "127.0.0.1:1");
        else
            node_peer_down(y->node, a);
    }
}

static struct node_env env_of(struct test_node *t)
{
    return (struct node_env){
        .store = t->store,
        .disk = &t->disk.disk,
        .transport = {t, net_send},
        .events = {.ctx = t,
                   .reply_open = on_reply_open,
                   .reply_done = on_reply_done,
                   .read_ready = on_read_ready,
                   .changed = on_nothing,
                   .writable = on_nothing,
                   .transfer_ended = on_nothing,
                   .fatal = on_fatal},
    };
}

static void node_start(struct test_cluster *c, uint32_t id)
{
    struct test_node *t = &c->nodes[id];
    struct node_boot boot = {.self = id, .cluster_id = 77};
    struct identity identity;
    struct buf error = BUF_INIT;
    struct node_options o = {
        .self = id,
        .member_count = c->count,
        .election_timeout_ms = 300,
        .heartbeat_ms = 50,
        .peer_down_delay_ms = 10,
        .disk_timeout_ms = 5000,
        .request_timeout_ms = 60000,
        .request_bytes_max = 1u << 30,
        .entry_bytes_max = 1u << 20,
        .pending_bytes_max =
            c->pending_bytes_max ? c->pending_bytes_max : 64u << 20,
        .log_bytes_soft = 64u << 20,
        .log_bytes_hard = 1u << 30,
        .log_cut_margin = 10,
        .log_cache_bytes = 1u << 20,
        .now_ms = c->now_ms,
        .once_ttl_s = 3600,
        .seed = rng_next(&c->rng),
    };
    t->cluster = c;
    t->id = id;
    if (!t->store)
        t->store = store_memory_new();
    boot.store = t->store;
    ASSERT(node_boot(&boot, &identity, &error) == 0);
    t->incarnation = identity.incarnation;
    o.cluster_id = identity.cluster_id;
    o.incarnation = identity.incarnation;
    for (uint32_t i = 0; i < c->count; i++)
        o.members[i] = i;
    t->disk = (struct test_disk){
        .disk = {disk_sync, disk_done, disk_lower, disk_error},
        .store = t->store};
    const struct node_env env = env_of(t);
    int err = node_new(&t->node, &o, &env, &error);
    if (err != 0)
        fprintf(stderr, "%.*s\n", (int)error.len, (const char *)error.data);
    ASSERT(err == 0);
    node_set_time(t->node, c->now_ms, WALL_MS + c->now_ms + c->wall_off_ms[id]);
    for (uint32_t i = 0; i < c->count; i++)
        if (i != id && c->nodes[i].node && !c->cut[id][i])
            links_set(c, id, i, true);
    buf_release(&error);
}

/* Power off: of what was not synced `keep` batches survive. */
static void node_crash_keep(struct test_cluster *c, uint32_t id, uint32_t keep)
{
    struct test_node *t = &c->nodes[id];
    if (!t->node)
        return;
    node_free(t->node);
    t->node = NULL;
    store_memory_crash(t->store, keep);
    for (uint32_t i = 0; i < c->client_count; i++)
        if (c->clients[i].home == t)
            c->clients[i].home = NULL; /* its connection is gone */
    for (uint32_t i = 0; i < c->count; i++)
        if (i != id && c->nodes[i].node && !c->cut[id][i])
            node_peer_down(c->nodes[i].node, id);
}

/* The same with a random part lost; the state may have reached the disk
 * before the log has. */
static void node_crash(struct test_cluster *c, uint32_t id)
{
    struct store *s = c->nodes[id].store;
    if (!c->nodes[id].node)
        return;
    if (rng_below(&c->rng, 2) == 0)
        ASSERT(store_flush(s, STORE_STATE, true) == 0);
    uint64_t unsynced = store_memory_unsynced(s);
    node_crash_keep(c, id, (uint32_t)rng_below(&c->rng, unsynced + 1));
}

static void cluster_init(struct test_cluster *c, uint32_t count, uint64_t seed)
{
    memset(c, 0, sizeof(*c));
    c->count = count;
    c->rng = seed;
    c->now_ms = 1000;
    for (uint32_t i = 0; i < count; i++)
        node_start(c, i);
}

static void message_remove(struct test_cluster *c, uint32_t i)
{
    buf_release(&c->queue[i].payload);
    memmove(&c->queue[i], &c->queue[i + 1],
            (c->queued - i - 1) * sizeof(c->queue[0]));
    c->queued--;
}

static void cluster_release(struct test_cluster *c)
{
    while (c->queued > 0)
        message_remove(c, c->queued - 1);
    for (uint32_t i = 0; i < c->count; i++) {
        node_free(c->nodes[i].node);
        store_close(c->nodes[i].store);
    }
    for (uint32_t i = 0; i < CLIENTS; i++)
        buf_release(&c->clients[i].out);
}

/* Delivers message i, unless its link or target is gone. */
static void deliver(struct test_cluster *c, uint32_t i)
{
    struct net_message m = c->queue[i];
    struct test_node *t = &c->nodes[m.to];

    c->queue[i].payload = BUF_INIT;
    message_remove(c, i);
    if (t->node && t->incarnation == m.to_incarnation &&
        c->nodes[m.from].node &&
        c->nodes[m.from].incarnation == m.from_incarnation &&
        !c->cut[m.from][m.to])
        ASSERT(node_receive(t->node, m.from, m.type, buf_view(&m.payload)) ==
               0);
    buf_release(&m.payload);
}

static void flush_all(struct test_cluster *c)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (c->nodes[i].node) {
            node_set_time(c->nodes[i].node, c->now_ms,
                          WALL_MS + c->now_ms + c->wall_off_ms[i]);
            node_flush(c->nodes[i].node);
        }
}

/* One turn: some messages in the order of their links, disks, time. */
static void cluster_turn(struct test_cluster *c)
{
    uint32_t deliveries =
        c->queued > 0 ? 1 + (uint32_t)rng_below(&c->rng, c->queued) : 0;
    for (uint32_t i = 0; i < deliveries && c->queued > 0; i++) {
        uint32_t pick = (uint32_t)rng_below(&c->rng, c->queued);
        for (uint32_t j = 0; j < pick; j++)
            if (c->queue[j].from == c->queue[pick].from &&
                c->queue[j].to == c->queue[pick].to) {
                pick = j; /* a link keeps its order */
                break;
            }
        deliver(c, pick);
    }
    for (uint32_t i = 0; i < c->count; i++)
        if (!c->stalled[i] && rng_below(&c->rng, i + 2) == 0)
            disk_complete(&c->nodes[i]);
    c->now_ms += c->frozen ? 0 : (int64_t)rng_below(&c->rng, 5);
    flush_all(c);
}

static int cluster_leader(struct test_cluster *c)
{
    struct node_status s;
    int leader = -1;
    raft_term term = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        if (!c->nodes[i].node)
            continue;
        node_status(c->nodes[i].node, &s);
        if (s.role == RAFT_LEADER && s.term > term) {
            leader = (int)i;
            term = s.term;
        }
    }
    return leader;
}

static void cluster_run(struct test_cluster *c, uint32_t turns)
{
    for (uint32_t i = 0; i < turns; i++)
        cluster_turn(c);
}

/* Turns until a leader serves; its position. */
static int cluster_elect(struct test_cluster *c)
{
    for (int i = 0; i < 5000; i++) {
        int leader = cluster_leader(c);
        struct node_status s;
        if (leader >= 0) {
            node_status(c->nodes[leader].node, &s);
            if (s.applied == s.last && s.applied > 0)
                return leader;
        }
        cluster_turn(c);
    }
    return -1;
}

static struct test_client *client_new(struct test_cluster *c, uint32_t home)
{
    ASSERT(c->client_count < CLIENTS);
    struct test_client *tc = &c->clients[c->client_count++];
    tc->home = &c->nodes[home];
    return tc;
}

static int client_submit(struct test_client *tc, const char *line)
{
    struct bytes argv[8];
    struct node_submit s = {.argv = argv};
    const char *p = line;
    while (*p && s.argc < 8) {
        size_t len = strcspn(p, " ");
        argv[s.argc++] = bytes_of(p, len);
        p += len + (p[len] == ' ');
    }
    tc->asked++;
    return node_submit(tc->home->node, &s, tc);
}

static void states_equal(struct test_cluster *c)
{
    struct store_iter *it[NODES];
    for (uint32_t i = 0; i < c->count; i++) {
        it[i] = store_iter_new(c->nodes[i].store, STORE_STATE);
        store_iter_seek(it[i], BYTES_NONE);
    }
    while (store_iter_valid(it[0])) {
        for (uint32_t i = 1; i < c->count; i++) {
            assert_true(store_iter_valid(it[i]));
            assert_true(bytes_eq(store_iter_key(it[0]), store_iter_key(it[i])));
            assert_true(
                bytes_eq(store_iter_value(it[0]), store_iter_value(it[i])));
        }
        for (uint32_t i = 0; i < c->count; i++)
            store_iter_next(it[i]);
    }
    for (uint32_t i = 0; i < c->count; i++) {
        assert_false(store_iter_valid(it[i]));
        store_iter_free(it[i]);
    }
}

/* Turns until all nodes have applied the same, with a leader. */
static void wait_converged(struct test_cluster *c)
{
    for (int i = 0; i < 20000; i++) {
        bool same = true;
        for (uint32_t n = 0; n < c->count; n++) {
            struct node_status s, first;
            node_status(c->nodes[0].node, &first);
            node_status(c->nodes[n].node, &s);
            same = same && s.applied == first.applied && s.last == s.applied;
        }
        if (same && cluster_leader(c) >= 0)
            return;
        cluster_turn(c);
    }
    fail_msg("the nodes do not become equal");
}

static void wait_answered(struct test_cluster *c, struct test_client *tc)
{
    for (int i = 0; i < 5000 && tc->answered < tc->asked; i++)
        cluster_turn(c);
    assert_int_equal(tc->answered, tc->asked);
}

static void write_some(struct test_cluster *c, uint32_t home, int count)
{
    struct test_client *tc = client_new(c, home);
    for (int i = 0; i < count; i++) {
        assert_int_equal(client_submit(tc, "append k x"), 0);
        wait_answered(c, tc);
    }
}

static raft_index applied_by(struct test_cluster *c, uint32_t id)
{
    struct node_status s;
    node_status(c->nodes[id].node, &s);
    return s.applied;
}

static void wait_applied(struct test_cluster *c, uint32_t id, raft_index index)
{
    for (int i = 0; i < 5000 && applied_by(c, id) < index; i++)
        cluster_turn(c);
    assert_true(applied_by(c, id) >= index);
}

#endif
