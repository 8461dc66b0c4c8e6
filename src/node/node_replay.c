/*
 * A node whose loop never turns: it has no links, asks for no sync, and never
 * sees the time pass. What is put into its log is committed, since somebody has
 * seen that it was, and applied. It has an id that no member has, so nothing of
 * what it executes is its own.
 *
 * Nothing is compared, as on a disk that is short of space: a state that is on
 * its way has no members to be compared with.
 *
 * How it fails: as a node does, with the text that a node would end with.
 */
#include "node/node_replay.h"

#include "node/node_internal.h"

#define NOBODY      (NODE_NONE - 1)
#define LOG_ENTRIES 4096 /* that are kept: none is read again */
#define CACHE_BYTES ((uint64_t)4 << 20)

struct replay {
    struct node *node;
    struct disk disk; /* never asked */
    int err;          /* of the node that has failed; 0 */
    struct buf why;
};

static int send_nothing(void *ctx, node_id to, uint8_t frame_type,
                        enum transport_priority priority,
                        const struct bytes pieces[2])
{
    UNUSED(ctx);
    ASSERT(to != NOBODY);
    UNUSED(frame_type);
    UNUSED(priority);
    UNUSED(pieces);
    return ERR_CLOSED;
}

static void on_fatal(void *ctx, int err, const char *text)
{
    struct replay *r = ctx;

    ASSERT(err != 0 && r->err == 0);
    r->err = err;
    buf_str(&r->why, text);
}

static struct node_options options_of(uint64_t cluster_id)
{
    return (struct node_options){
        .cluster_id = cluster_id,
        .self = NOBODY,
        .incarnation = 1,
        .members = {NOBODY},
        .member_count = 1,
        .election_timeout_ms = 3000,
        .heartbeat_ms = 100,
        .peer_down_delay_ms = 1000,
        .disk_timeout_ms = 10000,
        .request_timeout_ms = 10000,
        .request_bytes_max = CACHE_BYTES,
        .entry_bytes_max = CACHE_BYTES,
        .pending_bytes_max = CACHE_BYTES,
        .log_cache_bytes = CACHE_BYTES,
        .once_ttl_s = 1,
        .threadless = true,
    };
}

int replay_new(struct replay **out, struct store *s, uint64_t cluster_id,
               struct buf *error)
{
    const struct node_options options = options_of(cluster_id);
    struct replay *r = mem_zalloc(sizeof(*r));
    const struct node_env env = {
        .store = s,
        .disk = &r->disk,
        .transport = {.send = send_nothing},
        .events = {.ctx = r, .fatal = on_fatal},
    };
    int err = node_new(&r->node, &options, &env, error);

    ASSERT(err != 0 || r->node);
    if (err != 0) {
        mem_free(r);
        return err;
    }
    node_set_time(r->node, 1, 1);
    node_set_disk_short(r->node, true);
    *out = r;
    return 0;
}

void replay_free(struct replay *r)
{
    if (!r)
        return;
    node_free(r->node);
    buf_release(&r->why);
    mem_free(r);
}

/* What was executed is not read again. */
static int cut_log(struct node *n)
{
    ASSERT(journal_last(n->journal) == keyspace_applied(n->ks)->index);
    store_batch_reset(&n->batch);
    journal_cut(n->journal, &n->batch, journal_last(n->journal) + 1);
    return store_write(n->store, &n->batch, STORE_LOGGED);
}

static int log_entry(struct node *n, const struct entry *e)
{
    int err = 0;

    ASSERT(e->index == journal_last(n->journal) + 1);
    if (e->index - journal_first(n->journal) >= LOG_ENTRIES)
        err = cut_log(n);
    if (err != 0)
        return err;
    store_batch_reset(&n->batch);
    journal_append(n->journal, &n->batch, e);
    return store_write(n->store, &n->batch, STORE_LOGGED);
}

int replay_go(struct replay *r, struct buf *error)
{
    bool more = node_apply(r->node);

    ASSERT(r->node->dead == (r->err != 0));
    if (r->err != 0)
        buf_bytes(error, buf_view(&r->why));
    else if (more)
        return ERR_AGAIN;
    return r->err;
}

int replay_entry(struct replay *r, const struct entry *e, struct buf *error)
{
    struct node *n = r->node;
    const struct applied *a = keyspace_applied(n->ks);

    ASSERT(r->err == 0 && n->raft.commit == a->index);
    if (e->index != a->index + 1 || e->term < a->term) {
        buf_str(error, "an entry that does not follow the one before it");
        return ERR_CORRUPT;
    }
    int err = log_entry(n, e);
    if (err != 0) {
        buf_str(error, store_error(n->store));
        return err;
    }
    n->raft.commit = e->index;
    return replay_go(r, error);
}

uint16_t replay_level(const struct replay *r)
{
    ASSERT(r->node->started);
    return node_level(r->node);
}
