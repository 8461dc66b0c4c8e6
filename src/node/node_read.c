/*
 * Linearizable reads: ReadIndex (Ongaro's thesis, section 6.4).
 *
 * The clients that want to read in one turn form a batch; the batch gets
 * one number, for which the core finds an index that a quorum has confirmed
 * after the batch was formed. Once that index is applied here, all of the
 * batch may read. While READ_BATCHES_MAX batches are on their way, new
 * readers gather for the next one.
 *
 * How it fails: when the core loses a batch (no leader, another leader) its
 * readers go back to the queue; after request_timeout_ms they are told why they
 * were not served, an error which is always safe to say of a read. Those for
 * which this node lacks entries that it is not sent (node_space.c) are told
 * soon: others can serve them.
 */
#include "data/database.h"
#include "data/level.h"
#include "data/object.h"
#include "node/node_internal.h"

static void waiters_push(struct read_waiters *all, struct read_waiter w)
{
    ASSERT(all->count <= all->cap);
    if (all->count == all->cap) {
        all->cap = MAX(all->cap * 2, 64);
        all->items = mem_realloc(all->items, all->cap * sizeof(all->items[0]));
    }
    all->items[all->count++] = w;
}

/* Both keep their memory for reuse. */
static void waiters_swap(struct read_waiters *a, struct read_waiters *b)
{
    struct read_waiters saved = *a;

    ASSERT(a != b);
    *a = *b;
    *b = saved;
}

void node_reads_release(struct node *n)
{
    for (size_t i = 0; i < READ_BATCHES_MAX; i++)
        mem_free(n->reads.batches[i].waiters.items);
    mem_free(n->reads.waiting.items);
    mem_free(n->reads.recent.items);
}

int node_read(struct node *n, void *client)
{
    ASSERT(client);
    if (n->dead ||
        (n->options.read_mode == READ_INDEX && node_leaderless_too_long(n)))
        return ERR_NO_LEADER;
    waiters_push(&n->reads.waiting, (struct read_waiter){client, n->mono_ms});
    return 0;
}

/* Looks how recent the state is. A leader says what is committed with each
 * message; but at first only what it knows of, which is less than what leaders
 * before it have acknowledged: so an entry of its term has to be applied. */
static void note_recent(struct node *n)
{
    struct reads *r = &n->reads;
    raft_index applied = keyspace_applied(n->ks)->index;

    ASSERT(r->recent_ms <= n->mono_ms && r->asked_ms <= n->mono_ms);
    if (n->raft.role == RAFT_LEADER || n->raft.leader == NODE_NONE ||
        n->raft.leader_heard_ms < 0 || !node_own_term_applied(n)) {
        r->asked = 0;
        return;
    }
    if (r->asked > 0 && applied >= r->asked)
        r->recent_ms = MAX(r->recent_ms, r->asked_ms);
    else if (r->asked > 0)
        return;
    r->asked = n->raft.leader_commit;
    r->asked_ms = n->raft.leader_heard_ms;
    if (r->asked > 0 && applied >= r->asked)
        r->recent_ms = MAX(r->recent_ms, r->asked_ms);
}

int node_read_recent(struct node *n, void *client, int64_t max_ms)
{
    ASSERT(client && max_ms >= 0);
    note_recent(n);
    bool recent = n->reads.recent_ms > 0 && max_ms > 0 &&
                  n->mono_ms - n->reads.recent_ms <= max_ms;
    if (n->dead || n->raft.role == RAFT_LEADER || !recent)
        return node_read(n, client);
    waiters_push(&n->reads.recent, (struct read_waiter){client, n->mono_ms});
    return 0;
}

bool node_run_read(struct node *n, const struct cmd *cmd, struct cmd_call *call)
{
    ASSERT(cmd_is_data(cmd) && (cmd->flags & CMD_READ) &&
           !(cmd->flags & CMD_WRITE));
    if (n->options.read_mode == READ_STALE)
        n->reads.time_ms = node_stamp(n);
    keyspace_read_at(n->ks, n->reads.time_ms);
    call->cmd = cmd;
    call->ks = n->ks;
    call->level = level_get(n->ks);
    cmd_run(call);
    if (keyspace_error(n->ks) != 0)
        node_fail_by(n, "reading the state", keyspace_error(n->ks));
    return !keyspace_in_doubt(n->ks);
}

bool node_is_leaderless(const struct node *n)
{
    return n->dead || node_leaderless_too_long(n);
}

struct node_found node_look(struct node *n, uint8_t db, struct bytes key,
                            const struct bytes *group)
{
    struct node_found found = {.type = VALUE_NONE};
    struct object *o;
    struct value v;

    db = database_place(n->ks, db);
    keyspace_read_at(n->ks, MAX(node_stamp(n), n->reads.time_ms));
    if (keyspace_get(n->ks, db, key, &v))
        found = (struct node_found){.type = v.type, .count = 1};
    found.in_doubt = keyspace_in_doubt(n->ks);
    if (found.type == VALUE_STREAM && group != NULL) {
        found.no_group = !cmd_group_news(n->ks, db, key, *group, &found.count);
    } else if (found.type > VALUE_STRING &&
               object_open(n->ks, db, key, found.type, &o) == OBJECT_FOUND) {
        found.count = object_count(o);
        object_close(o);
    }
    if (keyspace_error(n->ks) != 0)
        node_fail_by(n, "reading the state", keyspace_error(n->ks));
    return found;
}

void node_read_rest(struct node *n, struct cmd_rest *rest, struct buf *out,
                    size_t bytes)
{
    ASSERT(bytes > 0 && !cmd_rest_is_empty(rest));
    cmd_rest_take(rest, n->ks, out, bytes);
    if (keyspace_error(n->ks) != 0)
        node_fail_by(n, "reading the state", keyspace_error(n->ks));
}

/* Gives a batch's readers back to the queue, before those that came later. */
static void batch_requeue(struct node *n, struct read_batch *b)
{
    ASSERT(b->id != 0 && !b->released && b->waiters.count > 0);
    for (size_t i = 0; i < n->reads.waiting.count; i++)
        waiters_push(&b->waiters, n->reads.waiting.items[i]);
    waiters_swap(&n->reads.waiting, &b->waiters);
    b->waiters.count = 0;
    b->id = 0;
    b->released = false;
}

static struct read_batch *batch_find(struct node *n, uint64_t id)
{
    ASSERT(id != 0);
    for (size_t i = 0; i < READ_BATCHES_MAX; i++)
        if (n->reads.batches[i].id == id && !n->reads.batches[i].released)
            return &n->reads.batches[i];
    return NULL;
}

void node_reads_collect(struct node *n, const struct raft_out *out)
{
    for (uint32_t i = 0; i < out->read_count; i++) {
        const struct raft_read *r = &out->reads[i];
        struct read_batch *b = batch_find(n, r->read_id);
        if (!b)
            continue; /* it was asked again under another number */
        ASSERT(b->waiters.count > 0);
        b->released = true;
        b->index = r->index;
        b->time_ms = n->raft.role == RAFT_LEADER ? node_stamp(n) : r->time_ms;
    }
    for (uint32_t i = 0; i < out->reads_lost_count; i++) {
        struct read_batch *b = batch_find(n, out->reads_lost[i]);
        if (!b)
            continue;
        batch_requeue(n, b);
        n->reads.after_ms = n->mono_ms + READ_AGAIN_MS;
    }
}

static int batch_free_slot(const struct node *n)
{
    for (int i = 0; i < READ_BATCHES_MAX; i++)
        if (n->reads.batches[i].id == 0)
            return i;
    return -1;
}

bool node_reads_can_start(const struct node *n)
{
    if (n->reads.waiting.count == 0 || n->dead || batch_free_slot(n) < 0 ||
        n->mono_ms < n->reads.after_ms)
        return false;
    return n->options.read_mode == READ_STALE || n->raft.leader != NODE_NONE;
}

/* The queue becomes the batch, which had nothing in it. */
static void batch_fill(struct node *n, struct read_batch *b)
{
    ASSERT(b->id == 0 && b->waiters.count == 0);
    waiters_swap(&n->reads.waiting, &b->waiters);
    ASSERT(b->waiters.count > 0);
    b->id = ++n->reads.last_id;
    b->asked_ms = n->mono_ms;
    b->released = false;
}

uint64_t node_reads_start(struct node *n)
{
    if (!node_reads_can_start(n))
        return 0;
    struct read_batch *b = &n->reads.batches[batch_free_slot(n)];
    batch_fill(n, b);
    if (n->options.read_mode == READ_STALE) {
        b->released = true;
        b->index = 0;
        b->time_ms = node_stamp(n);
        return 0;
    }
    return b->id;
}

/* Calls the owner for each reader. The batch is taken out first: the owner
 * may ask for the next read at once. */
static void batch_serve(struct node *n, struct read_batch *b, int err)
{
    struct read_waiters served = b->waiters;

    ASSERT(b->id != 0 && b->released && served.count > 0);
    b->waiters = (struct read_waiters){NULL, 0, 0};
    b->id = 0;
    b->released = false;
    for (size_t i = 0; i < served.count && !n->dead; i++)
        n->events.read_ready(n->events.ctx, served.items[i].client, err);
    if (b->waiters.items == NULL) {
        served.count = 0;
        b->waiters = served;
    } else {
        mem_free(served.items);
    }
}

static void serve_recent(struct node *n)
{
    struct read_waiters served = n->reads.recent;

    note_recent(n);
    if (served.count == 0)
        return;
    n->reads.recent = (struct read_waiters){NULL, 0, 0};
    n->reads.time_ms = node_stamp(n);
    for (size_t i = 0; i < served.count && !n->dead; i++)
        n->events.read_ready(n->events.ctx, served.items[i].client, 0);
    if (n->reads.recent.items == NULL) {
        served.count = 0;
        n->reads.recent = served;
    } else {
        mem_free(served.items);
    }
}

void node_reads_serve(struct node *n)
{
    raft_index applied = keyspace_applied(n->ks)->index;

    serve_recent(n);
    for (size_t i = 0; i < READ_BATCHES_MAX && !n->dead; i++) {
        struct read_batch *b = &n->reads.batches[i];
        if (b->id == 0 || !b->released || b->index > applied)
            continue;
        n->reads.time_ms = b->time_ms;
        batch_serve(n, b, 0);
    }
}

/* How many at the front have waited for longer than the request timeout. */
static size_t expired(const struct node *n)
{
    int64_t limit = n->mono_ms - (int64_t)n->options.request_timeout_ms;
    size_t count = 0;

    while (count < n->reads.waiting.count &&
           n->reads.waiting.items[count].since_ms <= limit)
        count++;
    return count;
}

/* Waits for its index for longer than anybody wants to: this node may have
 * lost touch with the log that it asked about. */
static bool batch_is_stuck(const struct node *n, const struct read_batch *b)
{
    int64_t limit = n->mono_ms - (int64_t)n->options.request_timeout_ms;

    ASSERT(b->id == 0 || b->waiters.count > 0);
    if (n->space.told_paused && b->index > n->raft.last)
        limit = MAX(limit, n->mono_ms - PAUSED_READ_MS);
    return b->id != 0 && b->released && b->waiters.items[0].since_ms <= limit &&
           b->index > keyspace_applied(n->ks)->index;
}

static int behind_because(const struct node *n)
{
    return n->space.told_paused ? ERR_SPACE : node_excuse(n, ERR_BEHIND);
}

void node_reads_timeout(struct node *n)
{
    int64_t again = n->mono_ms - (int64_t)n->options.election_timeout_ms;

    for (size_t i = 0; i < READ_BATCHES_MAX && !n->dead; i++) {
        struct read_batch *b = &n->reads.batches[i];
        if (b->id != 0 && !b->released && b->asked_ms <= again)
            batch_requeue(n, b); /* the question or its answer got lost */
        else if (batch_is_stuck(n, b))
            batch_serve(n, b, behind_because(n));
    }
    size_t count = expired(n);
    for (size_t i = 0; i < count && !n->dead; i++)
        n->events.read_ready(n->events.ctx, n->reads.waiting.items[i].client,
                             node_excuse(n, ERR_NO_ANSWER));
    ASSERT(count <= n->reads.waiting.count);
    if (count > 0) {
        memmove(n->reads.waiting.items, n->reads.waiting.items + count,
                (n->reads.waiting.count - count) *
                    sizeof(n->reads.waiting.items[0]));
        n->reads.waiting.count -= count;
    }
}

/* --- for those who wait for elements ------------------------------------- */

static void on_ready(void *ctx, const struct keyspace_key *key)
{
    struct node *n = ctx;
    struct keyspace_key named;

    ASSERT(n->reads.watched);
    if (key) { /* as those call it who wait */
        named =
            (struct keyspace_key){database_number(n->ks, key->db), key->key};
        key = &named;
    }
    n->events.ready(n->events.ctx, key);
}

void node_watch_ready(struct node *n, bool on)
{
    ASSERT(!on || n->events.ready);
    ASSERT(n->reads.watched != on);
    n->reads.watched = on;
    keyspace_tell_ready(n->ks, on ? on_ready : NULL, n);
}
