/*
 * What a node shows of itself. Nothing here changes it, and nothing fails.
 */
#include "data/database.h"
#include "node/node_internal.h"

#include <inttypes.h>

static void peers_status(const struct node *n, struct node_status *out)
{
    for (uint32_t i = 0; i < n->peer_count; i++) {
        const struct node_peer *p = &n->peers[i];
        int position = raft_position(&n->raft, p->id);
        if (p->id == n->raft.leader)
            out->leader_address = p->client_address;
        if (position < 0)
            continue;
        const struct raft_progress *progress = &n->raft.progress[position];
        struct node_peer_status *s = &out->peers[out->peer_count++];
        s->id = p->id;
        s->up = p->up;
        s->recovering = progress->recovering;
        s->client_address = p->client_address;
        s->state = progress->state;
        s->paused = progress->paused;
        s->match = progress->match;
        s->next = progress->next;
        if (n->raft.role == RAFT_LEADER)
            s->silent_ms = n->raft.now_ms - progress->heard_ms;
        ASSERT(s->silent_ms >= 0);
    }
}

static int64_t leader_silent_ms(const struct raft *r)
{
    if (r->leader == NODE_NONE || r->role == RAFT_LEADER ||
        r->leader_heard_ms < 0)
        return -1;
    ASSERT(r->leader_heard_ms <= r->now_ms);
    return r->now_ms - r->leader_heard_ms;
}

void node_status(const struct node *n, struct node_status *out)
{
    memset(out, 0, sizeof(*out));
    out->self = n->options.self;
    out->role = n->raft.role;
    out->leader = n->raft.leader;
    out->leader_address = "";
    out->term = n->raft.term;
    out->commit = n->raft.commit;
    out->applied = keyspace_applied(n->ks)->index;
    out->last = journal_last(n->journal);
    out->durable = n->raft.durable;
    out->held_by_all = n->compaction.held_by_all;
    out->voters =
        (uint32_t)__builtin_popcount(n->raft.members[RAFT_NEWEST].voters);
    out->cluster_id = n->options.cluster_id;
    out->recovering = n->raft.recovering;
    out->log_bytes = journal_bytes(n->journal);
    out->leader_silent_ms = leader_silent_ms(&n->raft);
    peers_status(n, out);
    ASSERT(out->applied <= out->commit && out->commit <= out->last);
}

static void measure_log(const struct node *n, struct metrics *m)
{
    ASSERT(journal_first(n->journal) <= journal_last(n->journal) + 1);
    metrics_count(m, METRIC_raft_commit_index, n->raft.commit);
    metrics_count(m, METRIC_raft_applied_index, keyspace_applied(n->ks)->index);
    metrics_count(m, METRIC_raft_durable_index, n->raft.durable);
    metrics_count(m, METRIC_raft_first_index, journal_first(n->journal));
    metrics_count(m, METRIC_raft_last_index, journal_last(n->journal));
    metrics_count(m, METRIC_raft_log_bytes, journal_bytes(n->journal));
}

/* A request becomes a part of an entry, and both a row. */
void node_disk_space(const struct node *n, struct store_space *out)
{
    raft_index first = journal_first(n->journal);
    raft_index last = journal_last(n->journal);
    uint64_t average = journal_bytes(n->journal) / (last + 1 - first + 1);
    uint64_t unapplied = last - MIN(last, keyspace_applied(n->ks)->index);
    const struct requests *r = &n->requests;

    ASSERT(first <= last + 1);
    store_space(n->store, out);
    out->promised +=
        unapplied * average +
        2 * (r->queue.bytes + r->open.bytes.len + n->inbox.bytes.len);
}

static void measure_requests(const struct node *n, struct metrics *m)
{
    const struct requests *r = &n->requests;
    uint64_t reads = n->reads.waiting.count;
    for (size_t i = 0; i < READ_BATCHES_MAX; i++)
        reads += n->reads.batches[i].waiters.count;
    ASSERT(r->ring.first_seq <= r->ring.next_seq);
    metrics_count(m, METRIC_raft_pending_requests,
                  r->ring.next_seq - r->ring.first_seq);
    metrics_count(m, METRIC_raft_pending_bytes,
                  r->queue.bytes + r->open.bytes.len);
    metrics_count(m, METRIC_raft_pending_reads, reads);
    metrics_count(m, METRIC_raft_applied_requests,
                  n->applying.applied_requests);
    metrics_count(m, METRIC_raft_skipped_requests,
                  n->applying.skipped_requests);
}

static void measure_priority(const struct node *n, struct metrics *m)
{
    const struct member *self =
        configuration_find(&n->membership.newest, n->options.self);

    ASSERT(n->membership.newest.count > 0);
    metrics_count(m, METRIC_raft_priority, self ? self->priority : 0);
}

static void measure_level(const struct node *n, struct metrics *m)
{
    struct node_levels l;
    struct buf waits = BUF_INIT;

    node_levels(n, &l, &waits);
    ASSERT(l.level <= l.max);
    metrics_count(m, METRIC_raft_level, l.level);
    metrics_count(m, METRIC_raft_level_max, l.max);
    metrics_text(m, METRIC_raft_level_waits, "%.*s", (int)waits.len,
                 waits.len > 0 ? (const char *)waits.data : "");
    buf_release(&waits);
}

void node_measure(const struct node *n, struct metrics *m)
{
    metrics_count(m, METRIC_raft_node_id, n->options.self);
    metrics_count(m, METRIC_raft_term, n->raft.term);
    metrics_text(m, METRIC_raft_cluster_id, "%016" PRIx64,
                 n->options.cluster_id);
    metrics_count(m, METRIC_raft_incarnation, n->options.incarnation);
    metrics_set(m, METRIC_raft_recovering, n->raft.recovering ? 1 : 0);
    metrics_count(m, METRIC_raft_snapshot_index, n->source.at.index);
    metrics_count(m, METRIC_raft_snapshot_receivers, node_source_receivers(n));
    metrics_count(m, METRIC_raft_snapshot_sent, n->source.sent_bytes);
    metrics_count(m, METRIC_raft_elections, n->elections);
    metrics_count(m, METRIC_raft_nodes, n->raft.members[RAFT_NEWEST].count);
    measure_level(n, m);
    measure_priority(n, m);
    measure_log(n, m);
    measure_requests(n, m);
}

struct keyspace_tally node_tally(const struct node *n)
{
    struct keyspace_tally t = *keyspace_tally(n->ks);
    t.tickets = keyspace_tickets(n->ks);
    return t;
}

struct keyspace_count node_counts(const struct node *n, uint8_t db)
{
    return *keyspace_counts(n->ks, database_place(n->ks, db));
}

int64_t node_mean_ttl_ms(const struct node *n, uint8_t db)
{
    int64_t applied_ms = keyspace_applied(n->ks)->time_ms;
    int64_t now_ms = MAX(node_time_reckoned(n), applied_ms);

    db = database_place(n->ks, db);
    return keyspace_mean_ttl_ms(keyspace_counts(n->ks, db), now_ms);
}

bool node_loading(const struct node *n, uint32_t *percent)
{
    raft_index applied = keyspace_applied(n->ks)->index;
    raft_index from = n->membership.serve_from;

    ASSERT(from <= RAFT_NUMBER_MAX);
    if (node_refill_percent(n, percent))
        return true;
    *percent = 100;
    if (applied >= from)
        return false;
    *percent = (uint32_t)(100.0 * (double)applied / (double)from);
    ASSERT(*percent <= 100);
    return true;
}
