/*
 * A node's life: recovery, the turn of its loop, and what it shows.
 *
 * Recovery: the log is opened and verified, compared with the watermark, and
 * joined with the state. The state may be behind the log: then the entries
 * between are applied again as they become known to be committed. A log that
 * was damaged may end before the state, or have another entry there: it
 * restarts where the state ends. A gap between the two cannot be bridged and
 * is refused.
 */
#include "node/node.h"

#include <stdio.h>

#include "codec/frame.h"
#include "codec/message.h"
#include "node/node_boot.h"
#include "node/node_internal.h"

static void config_fill(const struct node_options *o, struct raft_config *c)
{
    memset(c, 0, sizeof(*c));
    c->cluster_id = o->cluster_id;
    c->self = o->self;
    c->incarnation = o->incarnation;
    c->voter_count = o->member_count;
    memcpy(c->voters, o->members, o->member_count * sizeof(o->members[0]));
    c->election_timeout_ms = o->election_timeout_ms;
    c->heartbeat_ms = o->heartbeat_ms;
    c->peer_down_delay_ms = o->peer_down_delay_ms;
    c->disk_timeout_ms = o->disk_timeout_ms;
    c->append_entries_max =
        o->append_entries_max ? o->append_entries_max : 4096;
    c->window_max = o->window_max ? o->window_max : 64;
    c->seed = o->seed;
}

/* Does the log, where the state ends, hold the entry that the state has seen?
 * The chain hash is of all entries up to there. */
static int same_there(struct node *n, bool *same, struct buf *error)
{
    const struct applied *a = keyspace_applied(n->ks);
    uint64_t chain = 0;

    *same = false;
    if (a->index > journal_last(n->journal))
        return 0;
    int err = journal_chain(n->journal, a->index, &chain);
    if (err != 0) {
        buf_printf(error, "reading the log at entry %llu: %s",
                   (unsigned long long)a->index, error_text(err));
        return err;
    }
    *same = chain == a->chain;
    return 0;
}

/* The log begins anew where the state ends. What it loses by that was never
 * committed. The term is raised with it; a vote in a term that is not on disk
 * was never spoken of. */
static int restart_log(struct node *n, struct buf *error)
{
    const struct applied *a = keyspace_applied(n->ks);
    struct raft_start start;

    log_notice(n->logger,
               "the state is ahead of the log (%llu, %llu): the log restarts "
               "there",
               (unsigned long long)a->index,
               (unsigned long long)journal_last(n->journal));
    journal_start(n->journal, &start);
    store_batch_reset(&n->batch);
    journal_restart(n->journal, &n->batch, a->index, a->term, a->chain);
    if (a->term > start.term)
        journal_hard_state(n->journal, &n->batch, a->term, NODE_NONE);
    int err = store_write(n->store, &n->batch, STORE_LOGGED);
    if (err == 0)
        err = store_sync(n->store);
    if (err != 0)
        buf_printf(error, "restarting the log: %s", store_error(n->store));
    return err;
}

/* Joins log and state; writes and syncs what that changes. */
static int join(struct node *n, struct buf *error)
{
    const struct applied *a = keyspace_applied(n->ks);
    raft_index first = journal_first(n->journal);
    bool same;

    if (a->index + 1 < first) {
        buf_printf(error,
                   "the state ends at entry %llu, but the log begins at %llu: "
                   "entries between them are missing. Restore the data "
                   "directory from a backup of this node",
                   (unsigned long long)a->index, (unsigned long long)first);
        return ERR_CORRUPT;
    }
    int err = same_there(n, &same, error);
    if (err != 0 || same)
        return err;
    if (a->index + 1 == first) {
        buf_printf(error,
                   "state and log disagree at entry %llu, where the log was "
                   "cut: they are not of the same node or time. Restore the "
                   "data directory from a backup of this node",
                   (unsigned long long)a->index);
        return ERR_CORRUPT;
    }
    return restart_log(n, error);
}

/* The i-th smallest id of the members. */
static node_id member_of_rank(const struct node *n, uint32_t i)
{
    for (uint32_t k = 0; k < n->options.member_count; k++) {
        uint32_t rank = 0;
        for (uint32_t j = 0; j < n->options.member_count; j++)
            rank += n->options.members[j] < n->options.members[k];
        if (rank == i)
            return n->options.members[k];
    }
    return NODE_NONE;
}

/* The members are part of what a majority is: they are kept with the log,
 * and another set of ids in the configuration is refused. */
static int check_members(struct node *n, struct buf *error)
{
    struct bytes key = BYTES_LIT("members");
    struct buf stored = BUF_INIT;
    struct buf ours = BUF_INIT;

    for (uint32_t i = 0; i < n->options.member_count; i++)
        buf_u32be(&ours, member_of_rank(n, i));
    int err = store_get(n->store, STORE_META, key, &stored);
    if (err == 0 && !bytes_eq(buf_view(&stored), buf_view(&ours))) {
        buf_printf(error,
                   "the data directory belongs to a cluster of %zu "
                   "members, the configuration names %u, or others: "
                   "correct the node lines. Members cannot be changed yet",
                   stored.len / 4, n->options.member_count);
        err = ERR_MISMATCH;
    } else if (err == ERR_NOT_FOUND) {
        store_batch_reset(&n->batch);
        store_batch_put(&n->batch, STORE_META, key, buf_view(&ours));
        err = store_write(n->store, &n->batch, STORE_LOGGED);
        if (err == 0)
            err = store_sync(n->store);
    }
    if (err != 0 && err != ERR_MISMATCH)
        buf_printf(error, "the record of the members: %s",
                   store_error(n->store));
    buf_release(&stored);
    buf_release(&ours);
    return err;
}

/* Was what this node promised lost? */
static int read_recovering(struct node *n, bool *recovering, struct buf *error)
{
    struct buf value = BUF_INIT;
    int err = store_get(n->store, STORE_META, NODE_RECOVERING_KEY, &value);

    *recovering = err == 0;
    buf_release(&value);
    if (err != 0 && err != ERR_NOT_FOUND) {
        buf_printf(error, "the record of a recovery: %s",
                   store_error(n->store));
        return err;
    }
    if (*recovering && n->options.member_count < 3) {
        buf_str(error, "this node is to be refilled by the other members, "
                       "which takes three members or more");
        return ERR_MISMATCH;
    }
    if (*recovering)
        log_warning(n->logger,
                    "this node may have lost what it promised: until "
                    "the others have refilled it, it counts for "
                    "nothing");
    return 0;
}

static int recover(struct node *n, struct buf *error)
{
    struct journal_options log_options = {
        .group = 0, .cache_bytes_max = n->options.log_cache_bytes};
    struct raft_config config;
    struct raft_start start;

    int err = check_members(n, error);
    if (err == 0)
        err = journal_open(&n->journal, n->store, &log_options, error);
    if (err == 0 && n->options.mark)
        err = journal_check(n->journal, n->options.mark, error);
    if (err == 0)
        err = keyspace_open(&n->ks, n->store, error);
    if (err == 0)
        err = join(n, error);
    if (err != 0)
        return err;
    err = node_time_load(n);
    if (err != 0) {
        buf_printf(error, "reading the end of the log: %s", error_text(err));
        return err;
    }
    memset(&start, 0, sizeof(start));
    journal_start(n->journal, &start);
    start.applied = keyspace_applied(n->ks)->index;
    err = read_recovering(n, &start.recovering, error);
    if (err != 0)
        return err;
    config_fill(&n->options, &config);
    raft_init(&n->raft, &config, &start, n->mono_ms);
    node_trace_start(n, &config, &start);
    n->traced_applied = start.applied;
    n->compaction.flush_asked = start.applied; /* that much is on disk */
    n->durability.done.cluster_id = n->options.cluster_id;
    n->durability.done.node = n->options.self;
    n->durability.done.incarnation = n->options.incarnation;
    n->durability.done.term = start.term;
    n->durability.done.vote = start.vote;
    log_notice(
        n->logger,
        "node %u, incarnation %llu: term %llu, log %llu to %llu, state "
        "applied to %llu",
        n->options.self, (unsigned long long)n->options.incarnation,
        (unsigned long long)start.term, (unsigned long long)start.log_first,
        (unsigned long long)start.log_last, (unsigned long long)start.applied);
    return 0;
}

static void members_fill(struct node *n)
{
    for (uint32_t i = 0; i < n->options.member_count; i++) {
        if (n->options.members[i] == n->options.self)
            continue;
        n->peers[n->peer_count++].id = n->options.members[i];
    }
    ASSERT(n->peer_count + 1 == n->options.member_count);
}

int node_new(struct node **out, const struct node_options *options,
             const struct node_env *env, struct buf *error)
{
    struct node *n = mem_zalloc(sizeof(*n));

    ASSERT(options->member_count > 0);
    ASSERT(options->member_count <= RAFT_NODES_MAX);
    ASSERT(env->store && env->disk && env->transport.send);
    n->options = *options;
    n->mono_ms = options->now_ms;
    n->store = env->store;
    n->disk = env->disk;
    n->transport = env->transport;
    n->events = env->events;
    n->logger = env->logger;
    n->rng = options->seed;
    members_fill(n);
    node_requests_init(n);
    int err = recover(n, error);
    n->options.mark = NULL; /* it was the caller's */
    if (err != 0) {
        node_free(n);
        return err;
    }
    n->told =
        (struct told){n->raft.role, n->raft.term, n->raft.leader, n->mono_ms};
    *out = n;
    return 0;
}

void node_free(struct node *n)
{
    if (!n)
        return;
    node_reads_release(n);
    node_requests_release(n);
    if (n->ks)
        keyspace_close(n->ks);
    if (n->journal)
        journal_close(n->journal);
    store_batch_release(&n->batch);
    buf_release(&n->sending.message);
    buf_release(&n->sending.entries);
    buf_release(&n->scratch);
    buf_release(&n->applying.scratch);
    buf_release(&n->applying.once_reply);
    mem_free(n->applying.argv);
    mem_free(n);
}

void node_set_time(struct node *n, int64_t mono_ms, int64_t wall_ms)
{
    n->mono_ms = MAX(n->mono_ms, mono_ms);
    n->wall_ms = wall_ms;
    if (!n->started) {
        n->started = true;
        n->told.leaderless_since_ms = n->mono_ms;
    }
}

static void housekeeping(struct node *n)
{
    if (n->mono_ms < n->timers.housekeeping_at_ms)
        return;
    n->timers.housekeeping_at_ms = n->mono_ms + HOUSEKEEPING_MS;
    node_requests_timeout(n);
    node_reads_timeout(n);
    node_apply_watch(n);
    node_time_watch(n);
    node_compact(n);
}

static void ask_disk(struct node *n)
{
    if (!n->durability.due || n->dead)
        return;
    n->disk->sync(n->disk, &n->durability.point);
    n->durability.due = false;
    n->durability.point.hard_state = false;
}

void node_extend_timeouts(struct node *n, uint64_t bytes)
{
    int64_t ms = (int64_t)(MIN(bytes, EXTEND_BYTES_MAX) / EXTEND_BYTES_PER_MS);

    if (bytes >= EXTEND_BYTES_MIN)
        n->timers.extended_until_ms =
            MAX(n->timers.extended_until_ms, n->mono_ms + ms);
}

/* While a large entry passes through the cluster, silence is no sign of
 * death; a leader whose process dies is known by its link. */
static bool timers_extended(const struct node *n)
{
    if (n->mono_ms >= n->timers.extended_until_ms)
        return false;
    for (uint32_t i = 0; i < n->peer_count; i++)
        if (n->peers[i].id == n->raft.leader)
            return n->peers[i].up;
    return n->raft.role == RAFT_LEADER;
}

int64_t node_deadline_ms(const struct node *n)
{
    int64_t at = raft_deadline_ms(&n->raft);

    if (n->dead)
        return INT64_MAX;
    if (at <= n->mono_ms && timers_extended(n))
        at = n->mono_ms + EXTEND_STEP_MS;
    at = MIN(at, n->timers.housekeeping_at_ms);
    if (n->reads.waiting.count > 0 && n->reads.after_ms > n->mono_ms)
        at = MIN(at, n->reads.after_ms);
    at = MIN(at, node_requests_due_ms(n));
    bool unapplied = n->raft.commit > keyspace_applied(n->ks)->index;
    if (n->durability.due || node_reads_can_start(n) ||
        (unapplied && n->applying.full_since_ms == 0))
        return n->mono_ms;
    return unapplied ? MIN(at, n->mono_ms + APPLY_LOOK_MS) : at;
}

/* After a long turn, what arrived meanwhile has not been read yet: timers
 * wait for one more turn, or a busy follower would depose a good leader. */
static void tick(struct node *n)
{
    int64_t away_ms = n->mono_ms - n->timers.flushed_ms;

    if (n->timers.flushed_ms > 0 &&
        away_ms > (int64_t)n->options.election_timeout_ms / 2)
        log_notice(n->logger, "the loop was busy or stopped for %lld ms",
                   (long long)away_ms);
    n->timers.flushed_ms = n->mono_ms;
    if (n->mono_ms < raft_deadline_ms(&n->raft) || timers_extended(n))
        return;
    n->timers.tick_waits =
        !n->timers.tick_waits && away_ms > (int64_t)n->options.heartbeat_ms * 2;
    if (n->timers.tick_waits)
        return;
    struct raft_event e = node_event(n, RAFT_EV_TICK);
    node_step(n, &e, BYTES_NONE);
}

void node_flush(struct node *n)
{
    struct raft_event e;

    if (n->dead)
        return;
    tick(n);
    housekeeping(n);
    node_requests_route(n);
    node_reads_start(n);
    e = node_event(n, RAFT_EV_FLUSH);
    node_step(n, &e, BYTES_NONE);
    ask_disk(n);
    if (n->dead)
        return;
    (void)node_apply(n);
    node_reads_serve(n);
}

void node_peer_up(struct node *n, node_id peer, uint64_t incarnation,
                  const char *client_address)
{
    struct node_peer *p = node_peer_find(n, peer);

    ASSERT(p && client_address);
    if (p->incarnation != incarnation)
        p->taken_seq = 0;
    p->up = true;
    p->incarnation = incarnation;
    snprintf(p->client_address, sizeof(p->client_address), "%s",
             client_address);
    struct raft_event e = node_event(n, RAFT_EV_PEER_UP);
    e.peer = peer;
    e.incarnation = incarnation;
    node_step(n, &e, BYTES_NONE);
    if (peer == n->raft.leader)
        node_requests_rewind(n); /* what was under way may be lost */
}

void node_peer_down(struct node *n, node_id peer)
{
    struct node_peer *p = node_peer_find(n, peer);

    ASSERT(p);
    p->up = false;
    struct raft_event e = node_event(n, RAFT_EV_PEER_DOWN);
    e.peer = peer;
    node_step(n, &e, BYTES_NONE);
}

static int receive_raft(struct node *n, node_id peer, struct bytes payload)
{
    struct raft_message m;
    struct beat beat;
    struct bytes rest;
    struct bytes entries;

    int err = message_decode(payload, &m, &rest);
    if (err == 0)
        err = beat_decode(rest, &beat, &entries);
    if (err != 0)
        return err;
    if (m.from != peer)
        return ERR_PROTOCOL;
    err = message_check_entries(&m, entries);
    if (err != 0)
        return err;
    struct raft_event e = node_event(n, RAFT_EV_MESSAGE);
    e.message = &m;
    node_extend_timeouts(n, entries.len);
    node_step(n, &e, entries);
    node_beat_take(n, &m, &beat);
    return 0;
}

int node_receive(struct node *n, node_id peer, uint8_t frame_type,
                 struct bytes payload)
{
    struct node_peer *p = node_peer_find(n, peer);

    ASSERT(p);
    if (n->dead)
        return 0;
    if (frame_type == FRAME_RAFT)
        return receive_raft(n, peer, payload);
    if (frame_type == FRAME_FORWARD)
        return node_requests_forwarded(n, p, payload);
    return ERR_PROTOCOL;
}

void node_disk_done(struct node *n)
{
    const char *error = n->disk->error(n->disk);
    struct disk_point point;

    if (error) {
        node_fail(n, "making the log durable", error);
        return;
    }
    if (!n->disk->done(n->disk, &point))
        return;
    n->durability.done = point.mark;
    struct raft_event e = node_event(n, RAFT_EV_DURABLE);
    e.seq = point.seq;
    e.index = point.mark.index;
    node_step(n, &e, BYTES_NONE);
}

/* As far as the leader knows. Writes wait while it tries to hand over. */
static bool can_take_over(const struct node *n, const struct node_peer *p)
{
    int position = raft_position(&n->raft, p->id);

    ASSERT(position >= 0);
    const struct raft_progress *progress = &n->raft.progress[position];
    return p->up && !progress->recovering && progress->state != RAFT_SNAPSHOT;
}

bool node_transfer(struct node *n, node_id to)
{
    bool found = false;

    if (n->dead || n->raft.role != RAFT_LEADER)
        return false;
    for (uint32_t i = 0; i < n->peer_count; i++)
        if (to == NODE_NONE || n->peers[i].id == to)
            found = found || can_take_over(n, &n->peers[i]);
    if (!found)
        return false;
    log_notice(n->logger, "handing leadership of term %llu over",
               (unsigned long long)n->raft.term);
    struct raft_event e = node_event(n, RAFT_EV_TRANSFER);
    e.peer = to;
    node_step(n, &e, BYTES_NONE);
    return true;
}

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
}

struct keyspace_count node_counts(const struct node *n, uint8_t db)
{
    return *keyspace_counts(n->ks, db);
}

void node_set_request_timeout(struct node *n, uint32_t ms)
{
    ASSERT(ms > 0);
    n->options.request_timeout_ms = ms;
}

void node_set_read_mode(struct node *n, enum read_mode mode)
{
    ASSERT(mode == READ_INDEX || mode == READ_STALE);
    n->options.read_mode = mode;
}

void node_set_log_size(struct node *n, uint64_t soft, uint64_t hard)
{
    ASSERT(soft > 0 && soft <= hard);
    n->options.log_bytes_soft = soft;
    n->options.log_bytes_hard = hard;
}
