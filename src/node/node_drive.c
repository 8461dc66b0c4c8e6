/*
 * Drives the core: every event goes through node_step(), which then does what
 * the output asks for, in its order: the write first (into the store's
 * memory; its durability is asked for once, at the end of the flush), then
 * the messages, then reads and role changes.
 *
 * How it fails: a store that refuses a write, or a log that cannot be read,
 * ends the process (node_fail). Nothing that was not written is ever spoken
 * about, because the core waits for RAFT_EV_DURABLE.
 */
#include <inttypes.h>

#include "base/rng.h"
#include "node/node_boot.h"
#include "node/node_internal.h"

static uint8_t kind_of(const struct raft_write *w)
{
    ASSERT(!w->append_empty || !w->append_members);
    if (w->append_empty)
        return ENTRY_EMPTY;
    return w->append_members ? ENTRY_CONFIG : ENTRY_REQUESTS;
}

/* `payloads`: one for each entry, unless there is a single empty one. */
static void append_own(struct node *n, const struct raft_write *w,
                       const struct bytes *payloads)
{
    int64_t time_ms = node_stamp(n);
    int64_t wall_offset_ms = node_stamp_offset(n, time_ms);

    ASSERT(time_ms > 0 && time_ms <= ENTRY_TIME_MAX);
    ASSERT(w->append_empty == (payloads == NULL));
    ASSERT(!w->append_empty || w->append_first == w->append_last);
    ASSERT(w->append_first == journal_last(n->journal) + 1);
    ASSERT(w->append_term == n->raft.term);
    ASSERT(!w->append_members || w->append_first == w->append_last);
    for (raft_index i = w->append_first; i <= w->append_last; i++) {
        struct entry e = {
            .index = i,
            .term = w->append_term,
            .time_ms = time_ms,
            .wall_offset_ms = wall_offset_ms,
            .seed = rng_next(&n->rng),
            .kind = kind_of(w),
        };
        if (!w->append_empty)
            e.payload = payloads[i - w->append_first];
        entry_seal(&e);
        journal_append(n->journal, &n->batch, &e);
    }
    node_time_appended(n, time_ms, wall_offset_ms);
}

/* The entries were verified before the message went to the core. */
static void append_received(struct node *n, const struct raft_write *w,
                            raft_index prev, struct bytes entries)
{
    struct entry e;

    ASSERT(prev < w->append_first);
    ASSERT(w->append_first == journal_last(n->journal) + 1);
    for (raft_index i = prev + 1; i <= w->append_last; i++) {
        entry_view(i, &entries, &e);
        if (i < w->append_first)
            continue;
        journal_append(n->journal, &n->batch, &e);
        node_time_appended(n, e.time_ms, e.wall_offset_ms);
    }
}

/* The point that the log and the hard state have reached. */
static void point_set(struct node *n, uint64_t seq, bool hard_state)
{
    struct watermark *m = &n->durability.point.mark;
    raft_index last = journal_last(n->journal);
    raft_term term = 0;

    ASSERT(seq > n->durability.point.seq);
    ASSERT(last == n->raft.last);
    n->durability.point.seq = seq;
    n->durability.point.hard_state |= hard_state;
    m->cluster_id = n->options.cluster_id;
    m->node = n->options.self;
    m->incarnation = n->options.incarnation;
    m->directory = n->options.directory;
    m->nonce = n->options.nonce;
    m->term = n->raft.term;
    m->vote = n->raft.vote;
    m->index = last;
    bool known = raft_runs_term(&n->raft, last, &term);
    ASSERT(known || last == 0);
    m->index_term = term;
    int err = journal_chain(n->journal, last, &m->chain);
    if (err != 0)
        node_fail_by(n, "reading the log's chain hash", err);
    n->durability.due = true;
}

void node_disk_ask(struct node *n)
{
    struct durability *d = &n->durability;

    if (!d->due || n->dead)
        return;
    ASSERT(d->point.seq == n->raft.write_seq);
    n->disk->sync(n->disk, &d->point);
    if (d->asked_ms == 0)
        d->asked_ms = MAX(n->mono_ms, 1);
    d->due = false;
    d->point.hard_state = false;
}

bool node_disk_take(struct node *n, struct disk_point *point)
{
    const char *error = n->disk->error(n->disk);

    if (error)
        node_fail(n, "making the log durable", error);
    if (error || !n->disk->done(n->disk, point))
        return false;
    ASSERT(point->seq <= n->durability.point.seq);
    ASSERT(point->mark.term <= n->raft.term);
    struct durability *d = &n->durability;
    d->done = point->mark;
    ASSERT(d->asked_ms > 0 && d->asked_ms <= MAX(n->mono_ms, 1));
    d->sync_ms = n->mono_ms - d->asked_ms;
    d->done_ms = n->mono_ms;
    d->asked_ms = point->seq < d->point.seq ? MAX(n->mono_ms, 1) : 0;
    return true;
}

/* The watermark of a log that ends with entry `last`, which it has. Its term
 * and vote are those that are on disk. */
static int mark_at(struct node *n, raft_index last, struct watermark *mark)
{
    struct entry e;

    *mark = n->durability.done;
    mark->index = last;
    mark->index_term = n->raft.prev_term;
    int err = journal_chain(n->journal, last, &mark->chain);
    if (err != 0 || last < journal_first(n->journal))
        return err;
    err = journal_read(n->journal, last, &e, &n->scratch);
    if (err == 0)
        mark->index_term = e.term;
    return err;
}

/* Before entries that were perhaps promised are replaced by the leader's. */
static void truncate_log(struct node *n, raft_index from)
{
    struct watermark mark;

    ASSERT(from >= journal_first(n->journal));
    ASSERT(from <= journal_last(n->journal));
    ASSERT(from > keyspace_applied(n->ks)->index);
    int err = mark_at(n, from - 1, &mark);
    if (err != 0) {
        node_fail_by(n, "reading the log", err);
        return;
    }
    if (n->disk->lower(n->disk, &mark) != 0) {
        node_fail(n, "lowering the watermark", n->disk->error(n->disk));
        return;
    }
    log_notice(n->logger,
               "term %" PRIu64 ": entries from %" PRIu64 " on are replaced",
               n->raft.term, from);
    journal_truncate(n->journal, &n->batch, from);
    node_time_truncated(n);
    node_send_forget(n);
}

static void write_batch(struct node *n)
{
    ASSERT(!n->dead);
    int err = store_write(n->store, &n->batch, STORE_LOGGED);
    if (err != 0)
        node_fail_by(n, "writing the log", err);
}

static void write_log(struct node *n, const struct raft_event *event,
                      struct attached with)
{
    const struct raft_write *w = &n->out.write;

    ASSERT(w->seq > 0 && w->restore_index == 0);
    if (w->truncate_from > 0)
        truncate_log(n, w->truncate_from);
    if (w->hard_state)
        journal_hard_state(n->journal, &n->batch, w->term, w->vote);
    if (w->recovered) {
        store_batch_delete(&n->batch, STORE_META, NODE_RECOVERING_KEY);
        log_notice(n->logger,
                   "refilled up to entry %" PRIu64
                   ": this node takes part again",
                   journal_last(n->journal));
    }
    if (w->append_first > 0 && !n->dead) {
        if (event->type == RAFT_EV_MESSAGE && !w->append_empty)
            append_received(n, w, event->message->index, with.entries);
        else
            append_own(n, w, with.payloads);
    }
    if (!n->dead)
        write_batch(n);
}

static void do_write(struct node *n, const struct raft_event *event,
                     struct attached with)
{
    const struct raft_write *w = &n->out.write;

    if (w->seq == 0)
        return;
    ASSERT((w->restore_index > 0) == (with.restored != NULL));
    store_batch_reset(&n->batch);
    if (w->restore_index > 0)
        node_restore(n, w, with.restored);
    else
        write_log(n, event, with);
    if (!n->dead)
        point_set(n, w->seq, w->hard_state);
}

static void role_log(struct node *n)
{
    const struct raft *r = &n->raft;
    raft_term term = r->term;

    if (r->role == RAFT_LEADER && n->told.role != RAFT_LEADER)
        log_notice(n->logger, "node %u became leader in term %" PRIu64,
                   n->options.self, term);
    else if (n->told.role == RAFT_LEADER && r->role != RAFT_LEADER)
        log_notice(n->logger, "node %u is no longer leader, term %" PRIu64,
                   n->options.self, term);
    else if (r->role == RAFT_CANDIDATE)
        log_notice(n->logger, "node %u asks for votes in term %" PRIu64,
                   n->options.self, term);
    else if (r->role == RAFT_FOLLOWER && r->leader != NODE_NONE &&
             (r->leader != n->told.leader || r->term != n->told.term))
        log_notice(n->logger, "node %u follows node %u in term %" PRIu64,
                   n->options.self, r->leader, term);
    else if (r->role == RAFT_FOLLOWER && r->leader == NODE_NONE &&
             n->told.leader != NODE_NONE)
        log_notice(n->logger, "node %u knows no leader, term %" PRIu64,
                   n->options.self, term);
}

static void role_changed(struct node *n)
{
    const struct raft *r = &n->raft;
    bool moved = r->leader != n->told.leader || r->term != n->told.term ||
                 (r->role == RAFT_LEADER) != (n->told.role == RAFT_LEADER);

    ASSERT(r->term >= n->told.term);
    ASSERT(r->role != RAFT_LEADER || r->leader == n->options.self);
    role_log(n);
    if (r->role == RAFT_CANDIDATE && n->told.role != RAFT_CANDIDATE)
        n->elections++;
    if (r->leader == NODE_NONE && n->told.leader != NODE_NONE)
        n->told.leaderless_since_ms = n->mono_ms;
    n->told.role = r->role;
    n->told.leader = r->leader;
    n->told.term = r->term;
    if (moved) {
        node_requests_resend(n);
        node_space_forget(n);
        if (r->role != RAFT_LEADER)
            node_propose_forget(n);
    }
    n->reads.after_ms = 0;
    n->events.changed(n->events.ctx);
}

/* The core's part of a step, and what has to be written before anything is
 * said. */
static void step_core(struct node *n, const struct raft_event *event,
                      struct attached with)
{
    raft_step(&n->raft, event, &n->out);
    do_write(n, event, with);
    if (n->out.members_changed && !n->dead)
        node_members_changed(n);
    if (!n->dead)
        node_trace_step(n, event);
}

/* What did not leave. The core only notes it: it asks for nothing, so the
 * output is empty afterwards, and there is no end to come back to. */
static void step_unsent(struct node *n, const struct raft_event *event)
{
    ASSERT(event->type == RAFT_EV_UNSENT);
    if (n->dead)
        return;
    step_core(n, event, NOTHING_ATTACHED);
    ASSERT(n->out.message_count == 0 && n->out.read_count == 0);
    ASSERT(n->out.write.seq == 0 && !n->out.role_changed);
    ASSERT(!n->out.transfer_ended && n->out.reads_lost_count == 0);
}

void node_step(struct node *n, const struct raft_event *event,
               struct attached with)
{
    struct raft_event unsent[RAFT_NODES_MAX];

    if (n->dead)
        return;
    step_core(n, event, with);
    if (n->dead)
        return;
    /* The steps of what is unsent overwrite the output. */
    bool changed = n->out.role_changed;
    bool ended = n->out.transfer_ended;
    node_reads_collect(n, &n->out);
    uint32_t unsent_count = node_send_messages(n, unsent);
    for (uint32_t i = 0; i < unsent_count; i++)
        step_unsent(n, &unsent[i]);
    if (changed)
        role_changed(n);
    if (ended)
        n->events.transfer_ended(n->events.ctx);
}
