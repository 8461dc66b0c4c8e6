/*
 * What holds between two turns, whatever clients and peers did. Each struct of
 * the node is looked at, and what two of them say of the same thing; the core
 * looks at itself (raft_check.c).
 *
 * The cost is that of a few comparisons for each member and each read batch:
 * nothing here grows with requests, entries or keys.
 *
 * How it fails: a breach means that the node is wrong, and ends the process
 * before more is built on it. What a peer claims of itself is no fact: nothing
 * here depends on it.
 */
#include "data/level.h"
#include "node/node_internal.h"

/* So many parcels are looked at. */
#define PARCELS_CHECKED 4

static void check_points(const struct node *n)
{
    const struct raft *r = &n->raft;
    const struct applied *a = keyspace_applied(n->ks);

    /* Of many terms the core forgets the oldest (raft_runs.c), applied or not:
     * what is left to apply is in the journal. */
    ASSERT(r->first >= journal_first(n->journal));
    ASSERT(r->last == journal_last(n->journal));
    ASSERT(a->index + 1 >= journal_first(n->journal));
    ASSERT(a->index <= r->commit);
    ASSERT(a->term <= r->term);
    ASSERT(n->traced_applied <= a->index);
    ASSERT(n->compaction.flush_asked <= a->index);
    ASSERT(!n->compaction.flush_due);
    ASSERT(n->told.role == r->role);
    ASSERT(n->told.term == r->term && n->told.leader == r->leader);
}

static void check_durability(const struct node *n)
{
    const struct durability *d = &n->durability;

    ASSERT(!d->due);
    ASSERT(d->point.seq == n->raft.write_seq);
    ASSERT(d->point.seq >= n->raft.durable_seq);
    ASSERT(d->done.term <= n->raft.term);
    ASSERT(d->done.incarnation == n->options.incarnation);
}

static void check_times(const struct node *n)
{
    const struct timers *t = &n->timers;
    int64_t now_ms = n->mono_ms;

    ASSERT(t->flushed_ms == now_ms);
    ASSERT(t->housekeeping_at_ms > now_ms);
    ASSERT(t->housekeeping_at_ms <= now_ms + HOUSEKEEPING_MS);
    ASSERT(t->extended_until_ms <=
           now_ms + (int64_t)(EXTEND_BYTES_MAX / EXTEND_BYTES_PER_MS));
    ASSERT(n->clock.since_ms <= now_ms);
    ASSERT(n->clock.known || n->raft.role != RAFT_LEADER);
    ASSERT(n->told.leaderless_since_ms <= now_ms);
    ASSERT(n->applying.full_since_ms <= now_ms);
    ASSERT(n->requests.progress_ms <= now_ms);
    ASSERT(n->proposal.made_ms <= now_ms);
}

/* What a leader remembers of its peers does not outlive its term. */
static void check_peers(const struct node *n)
{
    bool leads = n->raft.role == RAFT_LEADER;

    uint32_t members = raft_position(&n->raft, n->options.self) >= 0 ? 1 : 0;
    for (uint32_t i = 0; i < n->peer_count; i++) {
        const struct node_peer *p = &n->peers[i];
        int pos = raft_position(&n->raft, p->id);
        ASSERT(p->id != n->options.self);
        ASSERT(pos < 0 || p->up == n->raft.progress[pos].link_up);
        members += pos >= 0;
        ASSERT(leads || (!p->refused && p->taken_seq == 0));
        ASSERT(leads || !p->disk_short);
    }
    ASSERT(members == n->raft.members[RAFT_NEWEST].count);
}

static void check_space(const struct node *n)
{
    const struct disk_space *s = &n->space;
    bool leads = n->raft.role == RAFT_LEADER;
    bool told = s->told_too_few || s->told_paused || s->told_short > 0;

    ASSERT(!told || (!leads && n->raft.leader != NODE_NONE));
    ASSERT(s->told_short <= RAFT_NODES_MAX);
    ASSERT(!s->too_few || leads);
    ASSERT(s->short_since_ms <= n->mono_ms);
    ASSERT(n->raft.reluctant == (s->own_short || node_priority_is_last(n)));
}

static void check_membership(const struct node *n)
{
    const struct membership *m = &n->membership;
    struct raft_members members;

    ASSERT(m->newest_at == n->raft.members_at[RAFT_NEWEST]);
    ASSERT(m->applied_at <= m->newest_at);
    ASSERT(m->newest_at <= n->raft.last && !m->is_copy);
    ASSERT(m->applied.level == level_get(n->ks));
    ASSERT(m->newest.level >= m->applied.level);
    if (m->newest_at == 0)
        return;
    configuration_members(&m->newest, &members);
    ASSERT(memcmp(&members, &n->raft.members[RAFT_NEWEST], sizeof(members)) ==
           0);
}

static void check_inbox(const struct node *n)
{
    const struct node_inbox *inbox = &n->inbox;
    uint64_t bound = n->options.pending_bytes_max * RAFT_NODES_MAX;

    ASSERT(n->proposal.count == 0 && n->proposal.count <= n->proposal.cap);
    if (inbox->bytes.len == 0)
        return;
    ASSERT(n->raft.role == RAFT_LEADER);
    ASSERT(inbox->last_bytes > 0 && inbox->last_bytes <= inbox->bytes.len);
    ASSERT(inbox->bytes.len - inbox->last_bytes <= bound);
}

static void check_ring(const struct node *n)
{
    const struct request_ring *r = &n->requests.ring;

    ASSERT(r->cap > 0 && (r->cap & (r->cap - 1)) == 0);
    ASSERT(r->first_seq > 0 && r->first_seq <= r->next_seq);
    ASSERT(r->next_seq - r->first_seq <= r->cap);
    ASSERT(r->timed_out >= r->first_seq && r->timed_out <= r->next_seq);
    ASSERT(n->sweeping.seq < r->next_seq);
    ASSERT(n->sweeping.requests <= n->applying.applied_requests);
    ASSERT(n->sweeping.seen <= n->applying.applied_requests);
    ASSERT(!n->requests.blocked || !node_can_submit(n));
}

/* Between parcels a number may be missing only if all before it is applied: a
 * leader has made it up (node_requests_take). */
static void check_follows(const struct node *n, const struct parcel *p,
                          uint64_t next_seq)
{
    uint64_t end = p->first_seq + p->count;

    ASSERT(p->count > 0 && p->bytes.len > 0);
    ASSERT(end == next_seq ||
           (end < next_seq && end <= n->requests.ring.first_seq));
}

static void check_queue(const struct node *n)
{
    const struct parcel_queue *q = &n->requests.queue;
    const struct parcel *p = q->head;
    uint64_t bytes = 0;

    ASSERT((q->head == NULL) == (q->tail == NULL));
    ASSERT(!q->unsent || q->head);
    ASSERT(!q->head || q->head->first_seq <= n->requests.ring.first_seq);
    for (int i = 0; p && i < PARCELS_CHECKED; i++, p = p->next) {
        bytes += p->bytes.len;
        ASSERT(p->next || p == q->tail);
        if (p->next)
            check_follows(n, p, p->next->first_seq);
    }
    ASSERT(p ? bytes < q->bytes : bytes == q->bytes);
}

/* All that is pending is in the queue, or in the parcel being built. */
static void check_open(const struct node *n)
{
    const struct open_parcel *open = &n->requests.open;
    const struct parcel *tail = n->requests.queue.tail;
    uint64_t next_seq = n->requests.ring.next_seq;

    if (open->count > 0) {
        ASSERT(open->bytes.len > 0);
        ASSERT(open->bytes.len < n->options.entry_bytes_max);
        ASSERT(open->first_seq + open->count == next_seq);
        next_seq = open->first_seq;
    } else {
        ASSERT(open->bytes.len == 0);
        ASSERT(tail || n->requests.ring.first_seq == next_seq);
    }
    if (tail)
        check_follows(n, tail, next_seq);
}

static void check_upload(const struct node *n)
{
    const struct upload_turns *u = &n->upload;

    ASSERT(u->waiting_count <= u->waiting_cap);
    ASSERT(u->client || (u->waiting_count == 0 && u->total == 0));
    ASSERT(u->sent <= u->total && (u->total == 0 || u->number > 0));
    ASSERT(u->last_seq < n->requests.ring.next_seq);
}

static void check_reads(const struct node *n)
{
    const struct reads *r = &n->reads;
    raft_index applied = keyspace_applied(n->ks)->index;

    ASSERT(r->waiting.count <= r->waiting.cap);
    ASSERT(r->recent.count <= r->recent.cap && r->recent_ms <= n->mono_ms);
    for (size_t i = 0; i < READ_BATCHES_MAX; i++) {
        const struct read_batch *b = &r->batches[i];
        ASSERT(b->waiters.count <= b->waiters.cap);
        ASSERT(b->id <= r->last_id);
        ASSERT((b->id == 0) == (b->waiters.count == 0));
        ASSERT(!b->released || (b->id != 0 && b->index > applied));
    }
}

static void check_sending(const struct node *n)
{
    const struct sending *s = &n->sending;

    if (s->cached_first == 0)
        return;
    ASSERT(s->cached_first >= journal_first(n->journal));
    ASSERT(s->cached_first <= s->cached_last);
    ASSERT(s->cached_last <= n->raft.last);
}

static void check_snapshot(const struct node *n)
{
    const struct snapshot *s = &n->snapshot;

    ASSERT((s->view != NULL) == (s->ahead != NULL));
    ASSERT(s->id != 0 || !s->view);
    ASSERT(s->used_ms <= n->mono_ms && s->flushed_ms <= n->mono_ms);
}

static void check_source(const struct node *n)
{
    const struct node_source *s = &n->source;

    ASSERT((s->id != 0) == (s->view != NULL));
    ASSERT(s->view || (!s->first && s->at.index == 0));
    ASSERT(s->used_ms <= n->mono_ms && s->filled_ms <= n->mono_ms);
    for (uint32_t i = 0; i < n->peer_count; i++) {
        const struct node_receiver *r = &n->peers[i].receiver;
        ASSERT(!r->ahead || (s->at.index > 0 && n->peers[i].up));
        ASSERT(!r->ahead || (r->number > 0 && r->begun_at <= r->position));
    }
}

static void check_refill(const struct node *n)
{
    const struct refill *r = &n->refill;
    bool comes = r->phase == REFILL_FETCHING;
    bool fetches = comes || r->phase == REFILL_MAKING;

    ASSERT(r->phase != REFILL_COMPLETE); /* the turn has used it */
    ASSERT((r->phase == REFILL_NONE) == (r->intake == NULL));
    ASSERT(r->intake == NULL || r->leaving == NULL);
    ASSERT(r->phase != REFILL_NONE || !r->noted);
    ASSERT(n->raft.fetching == (fetches ? r->offer.index : 0));
    ASSERT(comes == (r->id != 0) && r->heard_ms <= n->mono_ms);
    ASSERT(comes || r->head.total == 0);
}

void node_check(const struct node *n)
{
    ASSERT(!n->dead && n->started);
    check_points(n);
    check_durability(n);
    check_times(n);
    check_peers(n);
    check_membership(n);
    check_space(n);
    check_inbox(n);
    check_ring(n);
    check_queue(n);
    check_open(n);
    check_upload(n);
    check_reads(n);
    check_sending(n);
    check_snapshot(n);
    check_source(n);
    check_refill(n);
}
