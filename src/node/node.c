/*
 * A node's life, and the turn of its loop. This file calls the others, which
 * do not call each other in circles; what the core has to be told of their
 * work goes through node_step() from here.
 *
 * How it fails: node_fail() ends the node; from then on every call does
 * nothing. What a peer sends that is no message of the protocol is returned as
 * an error, and its link is closed by the caller.
 */
#include "node/node.h"

#include <inttypes.h>
#include <stdio.h>

#include "codec/frame.h"
#include "codec/message.h"
#include "node/node_internal.h"

int node_new(struct node **out, const struct node_options *options,
             const struct node_env *env, struct buf *error)
{
    struct node *n = mem_zalloc(sizeof(*n));

    ASSERT(env->store && env->disk && env->transport.send);
    n->options = *options;
    n->mono_ms = options->now_ms;
    n->store = env->store;
    n->disk = env->disk;
    n->transport = env->transport;
    n->events = env->events;
    n->logger = env->logger;
    n->rng = options->seed;
    node_requests_init(n);
    int err = node_open(n, error);
    n->options.mark = NULL; /* these were the caller's */
    n->options.founding = NULL;
    if (err != 0) {
        node_free(n);
        return err;
    }
    node_requests_begin(n);
    n->told =
        (struct told){n->raft.role, n->raft.term, n->raft.leader, n->mono_ms};
    *out = n;
    return 0;
}

void node_free(struct node *n)
{
    if (!n)
        return;
    node_snapshot_release(n);
    node_source_release(n);
    node_refill_release(n);
    node_compare_release(n);
    node_reads_release(n);
    node_requests_release(n);
    node_upload_release(n);
    node_propose_release(n);
    node_send_release(n);
    node_apply_release(n);
    node_members_release(n);
    node_driver_release(n);
    if (n->ks)
        keyspace_close(n->ks);
    if (n->journal)
        journal_close(n->journal);
    store_batch_release(&n->batch);
    buf_release(&n->scratch);
    mem_free(n);
}

void node_set_time(struct node *n, int64_t mono_ms, int64_t wall_ms)
{
    n->mono_ms = MAX(n->mono_ms, mono_ms);
    n->wall_ms = MAX(MIN(wall_ms, WALL_MAX_MS), -WALL_MAX_MS);
    ASSERT(n->mono_ms >= n->timers.flushed_ms);
    if (!n->started) {
        n->started = true;
        n->told.leaderless_since_ms = n->mono_ms;
    }
}

/* Cuts the log, and tells the core what of it is left. */
static void compact(struct node *n)
{
    raft_index first = node_compact(n);

    if (first == 0)
        return;
    ASSERT(!n->dead && first == journal_first(n->journal));
    node_send_forget(n);
    struct raft_event e = node_event(n, RAFT_EV_LOG_CUT);
    e.index = first;
    node_step(n, &e, NOTHING_ATTACHED);
    ASSERT(n->dead || n->raft.first >= first);
}

/* Who leads has to write what is written; and operators may want another one.
 */
static void hand_over(struct node *n)
{
    node_id heir = node_space_heir(n);
    const char *why = "is short of disk space";

    if (n->dead)
        return;
    if (heir == NODE_NONE) {
        heir = node_priority_heir(n);
        why = "has a lower priority than one that is well";
    }
    if (heir == NODE_NONE)
        return;
    log_notice(n->logger, "this node leads and %s: node %u is to lead", why,
               heir);
    bool begun = node_transfer(n, heir);
    ASSERT(begun || n->dead); /* it was chosen because it can */
}

/* The core learns whose disks are short of space, and who had better lead. */
static void tell_fitness(struct node *n)
{
    struct raft_event e;

    while (!n->dead && node_space_next(n, &e))
        node_step(n, &e, NOTHING_ATTACHED);
    if (!n->dead && node_priority_next(n, &e))
        node_step(n, &e, NOTHING_ATTACHED);
}

/* A state that is fetched: the core learns of it, and when it is whole it
 * takes the place of the present one. */
static void refill(struct node *n)
{
    struct restored state;
    struct raft_event e;

    if (!n->dead)
        node_refill_turn(n);
    while (!n->dead && node_refill_next(n, &e, &state)) {
        bool restores = e.type == RAFT_EV_RESTORE;
        node_step(n, &e,
                  (struct attached){.restored = restores ? &state : NULL});
        if (!restores)
            continue;
        node_refill_done(n);
        node_restore_tell(n);
    }
}

/* As leader: these are the members from now on. */
static void change_members(struct node *n, const struct raft_members *next)
{
    struct bytes record = buf_view(&n->membership.record);
    struct raft_event e = node_event(n, RAFT_EV_CONFIG);

    ASSERT(record.len > 0);
    e.members = next;
    node_step(n, &e, (struct attached){.payloads = &record});
}

/* Brings the members to what operators have asked for. */
static void drive(struct node *n)
{
    struct raft_members next;
    node_id heir = NODE_NONE;

    if (n->dead || !node_driver_is_due(n))
        return;
    enum driver_step step = node_driver_look(n, &next, &heir);
    ASSERT(step != DRIVER_TRANSFER || heir != NODE_NONE);
    if (step == DRIVER_CHANGE)
        change_members(n, &next);
    else if (step == DRIVER_TRANSFER && !node_transfer(n, heir))
        log_warning(n->logger, "node %u cannot take leadership over", heir);
}

/* All members can execute more than they may. */
static void raise_level(struct node *n)
{
    struct raft_members next;

    if (n->dead || !node_level_due(n, &next))
        return;
    change_members(n, &next);
    ASSERT(n->dead || !node_level_due(n, &next));
}

static void housekeeping(struct node *n)
{
    if (n->mono_ms < n->timers.housekeeping_at_ms)
        return;
    n->timers.housekeeping_at_ms = n->mono_ms + HOUSEKEEPING_MS;
    node_requests_timeout(n);
    node_reads_timeout(n);
    node_requests_tidy(n);
    if (node_apply_is_stuck(n) && !node_transfer(n, NODE_NONE))
        log_warning(n->logger, "no other node can take leadership over");
    hand_over(n);
    node_time_watch(n);
    node_snapshot_tidy(n);
    raise_level(n);
    compact(n);
    if (!n->dead)
        node_source_tidy(n);
    if (!n->dead)
        node_compact_flush(n);
    if (!n->dead)
        node_compare(n);
    node_receipts_take(n);
}

/* Nodes whose requests are in the entries just proposed want to know when
 * those commit. */
static void want_commit(struct node *n)
{
    struct raft_event e = node_event(n, RAFT_EV_WANT_COMMIT);

    while (!n->dead && node_propose_next_owner(n, &e.peer)) {
        e.index = journal_last(n->journal);
        node_step(n, &e, NOTHING_ATTACHED);
    }
}

static void propose(struct node *n)
{
    if (!node_propose_gather(n))
        return;
    if (n->proposal.count > 0) {
        struct raft_event e = node_event(n, RAFT_EV_PROPOSE);
        e.count = n->proposal.count;
        node_step(n, &e, (struct attached){.payloads = n->proposal.payloads});
        want_commit(n);
    }
    node_propose_done(n);
}

/* The core learns of links to members that are new to it. */
static void tell_links(struct node *n)
{
    struct raft_event e;

    ASSERT(n->peer_count <= NODE_PEERS_MAX);
    while (!n->dead && node_peers_next(n, &e))
        node_step(n, &e, NOTHING_ATTACHED);
}

/* Brings this node's requests on their way, and as leader those of others. */
static void route(struct node *n)
{
    bool can_propose = raft_can_propose(&n->raft);

    if (can_propose && (n->space.own_full || node_propose_waits(n)))
        return;
    node_requests_close(n);
    if (can_propose)
        propose(n);
    else if (n->raft.role != RAFT_LEADER)
        node_requests_forward(n);
}

static void start_reads(struct node *n)
{
    uint64_t read_id = node_reads_start(n);

    if (read_id == 0)
        return;
    struct raft_event e = node_event(n, RAFT_EV_READ);
    e.read_id = read_id;
    node_step(n, &e, NOTHING_ATTACHED);
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
    at = MIN(at, node_propose_due_ms(n));
    at = MIN(at, node_source_due_ms(n));
    at = MIN(at, node_refill_due_ms(n));
    bool unapplied = n->raft.commit > keyspace_applied(n->ks)->index;
    if (n->durability.due || n->reads.recent.count > 0 ||
        node_reads_can_start(n) || node_sweep_goes_on(n) ||
        (unapplied && n->applying.full_since_ms == 0))
        return n->mono_ms;
    return unapplied ? MIN(at, n->mono_ms + APPLY_LOOK_MS) : at;
}

/* After a long turn, what arrived meanwhile has not been read yet: timers
 * wait for one more turn, or a busy follower would depose a good leader. */
static void tick(struct node *n)
{
    int64_t away_ms = n->mono_ms - n->timers.flushed_ms;

    ASSERT(away_ms >= 0);
    if (n->timers.flushed_ms > 0 &&
        away_ms > (int64_t)n->options.election_timeout_ms / 2)
        log_notice(n->logger, "the loop was busy or stopped for %" PRId64 " ms",
                   away_ms);
    n->timers.flushed_ms = n->mono_ms;
    if (n->mono_ms < raft_deadline_ms(&n->raft) || timers_extended(n))
        return;
    n->timers.tick_waits =
        !n->timers.tick_waits && away_ms > (int64_t)n->options.heartbeat_ms * 2;
    if (n->timers.tick_waits)
        return;
    struct raft_event e = node_event(n, RAFT_EV_TICK);
    node_step(n, &e, NOTHING_ATTACHED);
}

void node_flush(struct node *n)
{
    ASSERT(n->started);
    if (n->dead)
        return;
    tick(n);
    housekeeping(n);
    refill(n);
    drive(n);
    tell_fitness(n);
    if (!n->dead)
        node_sweep(n);
    tell_links(n);
    route(n);
    start_reads(n);
    struct raft_event e = node_event(n, RAFT_EV_FLUSH);
    node_step(n, &e, NOTHING_ATTACHED);
    node_disk_ask(n);
    if (!n->dead)
        (void)node_apply(n);
    if (!n->dead)
        node_reads_serve(n);
    if (!n->dead)
        node_upload_wake(n);
    if (!n->dead)
        node_source_send(n);
    if (!n->dead)
        node_check(n);
}

void node_peer_up(struct node *n, node_id peer, uint64_t incarnation,
                  const char *client_address)
{
    ASSERT(incarnation > 0);
    if (!node_peers_up(n, peer, incarnation, client_address))
        return;
    struct raft_event e = node_event(n, RAFT_EV_PEER_UP);
    e.peer = peer;
    e.incarnation = incarnation;
    node_step(n, &e, NOTHING_ATTACHED);
    if (peer == n->raft.leader) /* what was under way may be lost */
        node_requests_resend(n);
}

void node_peer_down(struct node *n, node_id peer)
{
    struct node_peer *p = node_peer_find(n, peer);

    ASSERT(peer != n->options.self);
    if (!p)
        return;
    p->up = false;
    node_source_down(n, p);
    node_refill_link_lost(n, peer);
    struct raft_event e = node_event(n, RAFT_EV_PEER_DOWN);
    e.peer = peer;
    node_step(n, &e, NOTHING_ATTACHED);
}

/* Of an append: who the members are from one of its entries on. */
static void attach_change(struct raft_event *e, const struct entry *change,
                          struct raft_members *members)
{
    struct configuration c;

    ASSERT(change->index == 0 || e->message->type == RAFT_MSG_APPEND);
    if (change->index == 0)
        return;
    int err = configuration_decode(change->payload, &c);
    ASSERT(err == 0); /* it was checked with the entries */
    configuration_members(&c, members);
    e->members = members;
    e->members_at = change->index;
}

/* False: it cannot be told to the core yet, and is as good as lost. */
static bool begin_life(struct node *n, const struct raft_message *m)
{
    struct raft_members next;

    if (!node_members_begins(n, m))
        return true;
    if (!node_members_can_change(n))
        return false;
    node_members_begin(n, m, &next);
    change_members(n, &next);
    ASSERT(n->dead || !node_members_begins(n, m));
    return true;
}

static int receive_raft(struct node *n, node_id peer, struct bytes payload)
{
    struct raft_message m;
    struct raft_members members;
    struct entry change;
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
    err = message_check_entries(&m, entries, &change);
    if (err == 0 && change.index > 0)
        err = node_members_check(n, &change);
    if (err != 0)
        return err;
    if (n->space.own_full && entries.len > 0)
        return 0; /* the leader takes them for lost, and sends them again */
    if (!begin_life(n, &m))
        return 0;
    struct raft_event e = node_event(n, RAFT_EV_MESSAGE);
    e.message = &m;
    attach_change(&e, &change, &members);
    node_extend_timeouts(n, entries.len);
    node_beat_hear(n, &beat);
    node_step(n, &e, (struct attached){.entries = entries});
    node_beat_take(n, &m, &beat);
    return 0;
}

/* An empty one: the leader had no room for what it was sent, and has now. */
static int receive_forward(struct node *n, struct node_peer *peer,
                           struct bytes payload)
{
    if (!node_peer_is_member(n, peer))
        return ERR_MISMATCH;
    if (payload.len > 0)
        return node_propose_receive(n, peer, payload);
    if (n->raft.role != RAFT_LEADER && peer->id == n->raft.leader)
        node_requests_resend(n);
    return 0;
}

/* Of a state that goes from member to member. */
static int receive_transfer(struct node *n, struct node_peer *peer,
                            struct bytes payload)
{
    struct transfer t;
    int err = transfer_decode(payload, &t);

    ASSERT(peer->id != n->options.self);
    if (err != 0)
        return err;
    if (t.kind == TRANSFER_WANT || t.kind == TRANSFER_LEAVE)
        node_source_take(n, peer, &t);
    else
        node_refill_take(n, peer, &t);
    return 0;
}

int node_receive(struct node *n, node_id peer, uint8_t frame_type,
                 struct bytes payload)
{
    struct node_peer *p = node_peer_find(n, peer);

    ASSERT(peer != n->options.self);
    if (n->dead)
        return 0;
    if (!p || node_members_is_over(n, p))
        return ERR_MISMATCH;
    if (frame_type == FRAME_RAFT)
        return receive_raft(n, peer, payload);
    if (frame_type == FRAME_FORWARD)
        return receive_forward(n, p, payload);
    if (frame_type == FRAME_SNAPSHOT)
        return receive_transfer(n, p, payload);
    return ERR_PROTOCOL;
}

int node_admit(struct node *n, const struct admit *ask, struct grant *out,
               struct buf *why)
{
    struct raft_members next;

    if (n->dead)
        return ERR_AGAIN;
    int verdict = node_members_judge(n, ask, out, why);
    if (verdict <= 0)
        return verdict;
    node_members_grant(n, ask, &next);
    change_members(n, &next);
    ASSERT(why->len == 0);
    buf_str(why, "a new life is being granted to it");
    return ERR_AGAIN;
}

int node_raise_level(struct node *n, uint16_t level, struct buf *why)
{
    struct raft_members next;

    if (n->dead) {
        buf_str(why, "this node is ending");
        return ERR_AGAIN;
    }
    int err = node_level_ask(n, level, &next, why);
    if (err == 0)
        change_members(n, &next);
    ASSERT(err == 0 || why->len > 0);
    return err;
}

void node_disk_done(struct node *n)
{
    struct disk_point point;

    if (!node_disk_take(n, &point))
        return;
    struct raft_event e = node_event(n, RAFT_EV_DURABLE);
    e.seq = point.seq;
    e.index = point.mark.index;
    node_step(n, &e, NOTHING_ATTACHED);
}

bool node_transfer(struct node *n, node_id to)
{
    if (n->dead || n->raft.role != RAFT_LEADER)
        return false;
    to = node_heir(n, to);
    if (to == NODE_NONE)
        return false;
    log_notice(n->logger, "handing leadership of term %" PRIu64 " over",
               n->raft.term);
    struct raft_event e = node_event(n, RAFT_EV_TRANSFER);
    e.peer = to;
    node_step(n, &e, NOTHING_ATTACHED);
    return true;
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

void node_set_snapshot_rate(struct node *n, uint64_t bytes_per_s)
{
    ASSERT(n->source.filled_ms <= n->mono_ms);
    n->options.snapshot_rate = bytes_per_s;
}

void node_set_log_size(struct node *n, uint64_t soft, uint64_t hard)
{
    ASSERT(soft > 0 && soft <= hard);
    n->options.log_bytes_soft = soft;
    n->options.log_bytes_hard = hard;
}
