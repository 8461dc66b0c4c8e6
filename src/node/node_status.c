/*
 * What a node shows of itself. Nothing here changes it, and nothing fails.
 */
#include "node/node_internal.h"

static void peers_status(const struct node *n, struct node_status *out)
{
    for (uint32_t i = 0; i < n->peer_count; i++) {
        const struct node_peer *p = &n->peers[i];
        int position = raft_position(&n->raft, p->id);
        ASSERT(position >= 0);
        const struct raft_progress *progress = &n->raft.progress[position];
        out->peers[i].id = p->id;
        out->peers[i].up = p->up;
        out->peers[i].recovering = progress->recovering;
        out->peers[i].client_address = p->client_address;
        out->peers[i].state = progress->state;
        out->peers[i].match = progress->match;
        out->peers[i].next = progress->next;
        if (p->id == n->raft.leader)
            out->leader_address = p->client_address;
    }
    out->peer_count = n->peer_count;
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
    out->first = journal_first(n->journal);
    out->last = journal_last(n->journal);
    out->durable = n->raft.durable;
    out->log_bytes = journal_bytes(n->journal);
    out->pending_requests =
        n->requests.ring.next_seq - n->requests.ring.first_seq;
    out->pending_bytes = n->requests.queue.bytes + n->requests.open.bytes.len;
    out->pending_reads = n->reads.waiting.count;
    for (size_t i = 0; i < READ_BATCHES_MAX; i++)
        out->pending_reads += n->reads.batches[i].waiters.count;
    out->applied_requests = n->applying.applied_requests;
    out->skipped_requests = n->applying.skipped_requests;
    out->elections = n->elections;
    out->cluster_id = n->options.cluster_id;
    out->incarnation = n->options.incarnation;
    out->recovering = n->raft.recovering;
    peers_status(n, out);
    ASSERT(out->applied <= out->commit && out->commit <= out->last);
}

struct keyspace_count node_counts(const struct node *n, uint8_t db)
{
    return *keyspace_counts(n->ks, db);
}
