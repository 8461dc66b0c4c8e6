/*
 * The frame of the core: start, events, time.
 *
 * raft_step() remembers what others can see, dispatches one event, and says
 * what has changed; raft_check() then asserts the invariants, in every build.
 * The struct is zeroed at the start, and what is no longer used is zeroed
 * again, so that equal states are equal bytes.
 *
 * How it fails: nothing that others cause is an error. An event about a
 * stranger, or for a role that this member no longer has, is ignored; a leader
 * that hears of no majority, or whose disk hangs, steps down. What only the
 * node can cause is an assertion: a start that contradicts itself, a proposal
 * without raft_can_propose(), the completion of a write that was never given
 * out.
 */
#include "raft/raft.h"

#include <string.h>

#include "raft/raft_internal.h"

const char *raft_role_name(enum raft_role role)
{
    switch (role) {
    case RAFT_FOLLOWER:
        return "follower";
    case RAFT_PRE_CANDIDATE:
        return "pre-candidate";
    case RAFT_CANDIDATE:
        return "candidate";
    case RAFT_LEADER:
        return "leader";
    }
    return "unknown";
}

bool raft_can_propose(const struct raft *r)
{
    return r->role == RAFT_LEADER && r->transfer_to == NODE_NONE;
}

/* What was committed in earlier terms is known only when an entry of the own
 * term is committed: without this, two leaders that each begin a change could
 * both complete it (raft-dev, 10 July 2015). */
bool raft_can_change(const struct raft *r)
{
    return raft_can_propose(r) && raft_commits_own_term(r) &&
           r->members_at[RAFT_NEWEST] <= r->commit;
}

bool raft_leave_due(const struct raft *r)
{
    return raft_can_change(r) && raft_newest(r)->outgoing != 0;
}

static void check_config(const struct raft_config *c)
{
    ASSERT(c->self != NODE_NONE);
    ASSERT(c->incarnation > 0);
    ASSERT(c->heartbeat_ms > 0);
    ASSERT(c->election_timeout_ms / 3 >= c->heartbeat_ms);
    ASSERT(c->peer_down_delay_ms > 0);
    ASSERT(c->append_entries_max > 0 && c->window_max > 0);
}

/* Copies field by field: the caller's padding must not get into the state. */
static void copy_config(struct raft *r, const struct raft_config *c)
{
    struct raft_config *own = &r->config;

    check_config(c);
    own->cluster_id = c->cluster_id;
    own->group = c->group;
    own->self = c->self;
    own->incarnation = c->incarnation;
    own->election_timeout_ms = c->election_timeout_ms;
    own->heartbeat_ms = c->heartbeat_ms;
    own->peer_down_delay_ms = c->peer_down_delay_ms;
    own->disk_timeout_ms = c->disk_timeout_ms;
    own->append_entries_max = c->append_entries_max;
    own->window_max = c->window_max;
    own->seed = c->seed;
}

static void copy_log(struct raft *r, const struct raft_start *s)
{
    ASSERT(s->log_first > 0 && s->log_last + 1 >= s->log_first);
    ASSERT((s->log_first == 1) == (s->log_prev_term == 0));
    ASSERT((s->log_last + 1 == s->log_first) == (s->run_count == 0));
    ASSERT(s->applied <= s->log_last);
    r->first = s->log_first;
    r->prev_term = s->log_prev_term;
    r->last = s->log_first - 1;
    r->durable = r->last;
    r->commit = MAX(s->applied, r->last);
    for (uint32_t i = 0; i < s->run_count; i++) {
        raft_index end =
            i + 1 < s->run_count ? s->runs[i + 1].first - 1 : s->log_last;
        ASSERT(s->runs[i].first == r->last + 1 && end >= s->runs[i].first);
        ASSERT(s->runs[i].term > 0 && s->runs[i].term <= s->term);
        r->durable = r->last;
        if (r->run_count == RAFT_RUNS_MAX) {
            /* The core that wrote this log had to forget its oldest run,
             * which it does only when that is committed. */
            r->commit = MAX(r->commit, r->runs[1].first - 1);
        }
        bool fits = raft_runs_append(r, end - r->last, s->runs[i].term);
        ASSERT(fits); /* the node gives what the core gave it */
    }
    r->durable = r->last;
}

/* Without it a majority must be left that refills it. In an earlier life it may
 * have voted with fewer. */
static bool may_recover(const struct raft *r)
{
    return !raft_self_votes(r) ||
           raft_newest(r)->life[raft_self(r)] <
               RAFT_LIFE(r->config.incarnation) ||
           raft_members_quorum(raft_newest(r), ~raft_self_bit(r));
}

void raft_init(struct raft *r, const struct raft_config *config,
               const struct raft_start *start, int64_t now_ms)
{
    ASSERT(now_ms >= 0);
    memset(r, 0, sizeof(*r));
    copy_config(r, config);
    r->rng = config->seed;
    r->now_ms = now_ms;
    r->role = RAFT_FOLLOWER;
    r->leader = NODE_NONE;
    r->term = start->term;
    r->vote = start->vote;
    ASSERT(start->vote == NODE_NONE || start->term > 0);
    copy_log(r, start);
    raft_members_begin(r, start);
    ASSERT(!start->recovering || may_recover(r));
    r->recovering = start->recovering;
    r->careful_until_ms =
        start->careful ? now_ms + (int64_t)config->election_timeout_ms : 0;
    r->down_leader = NODE_NONE;
    r->vote_reply_to = NODE_NONE;
    r->transfer_to = NODE_NONE;
    raft_forget_contact(r);
    raft_draw_timer(r);
    raft_check(r);
}

static void leader_tick(struct raft *r, struct raft_out *out)
{
    if (raft_disk_hangs(r) || r->now_ms >= r->quorum_check_ms) {
        raft_follow(r, out, r->term, NODE_NONE);
        raft_follower_clear(r);
        return;
    }
    if (r->transfer_to != NODE_NONE && r->now_ms >= r->transfer_until_ms) {
        raft_transfer_end(r, out);
    }
}

static void tick(struct raft *r, struct raft_out *out)
{
    if (r->role == RAFT_LEADER) {
        leader_tick(r, out);
        return;
    }
    raft_careful_end(r);
    raft_reads_expire(r, out);
    if (r->now_ms >= r->election_at_ms) {
        raft_election_timeout(r, out);
    }
}

static void propose(struct raft *r, uint32_t count, struct raft_out *out)
{
    ASSERT(raft_can_propose(r));
    ASSERT(count > 0);
    struct raft_write *write = raft_open_write(r, out);
    write->append_first = r->last + 1;
    write->append_term = r->term;
    bool fits = raft_runs_append(r, count, r->term);
    ASSERT(fits); /* this term has its run since the empty entry */
    write->append_last = r->last;
}

static void change(struct raft *r, const struct raft_members *members,
                   struct raft_out *out)
{
    ASSERT(raft_can_change(r) && members != NULL);
    ASSERT(raft_members_follow(raft_newest(r), members));
    propose(r, 1, out);
    out->write.append_members = true;
    raft_members_append(r, r->last, members, out);
    raft_progress_join(r);
}

/* It is committed that others decide without this leader. */
static void leave(struct raft *r, struct raft_out *out)
{
    if (r->role == RAFT_LEADER && r->members_at[RAFT_NEWEST] <= r->commit &&
        !raft_self_votes(r)) {
        raft_follow(r, out, r->term, NODE_NONE);
        raft_follower_clear(r);
    }
}

/* Write `seq` and all before it are done; the last entry then was `index`. */
static void write_done(struct raft *r, uint64_t seq, raft_index index,
                       struct raft_out *out)
{
    raft_index before = r->durable;

    ASSERT(seq <= r->write_seq);
    if (seq > r->durable_seq) {
        r->durable_seq = seq;
        r->write_since_ms = r->now_ms; /* the disk makes progress */
    }
    if (seq >= r->truncate_seq) {
        ASSERT(index <= r->last);
        r->durable = MAX(r->durable, index);
    }
    if (r->role == RAFT_LEADER) {
        raft_commit_by_quorum(r);
    } else {
        raft_follower_durable(r, before);
        raft_recover_try(r, out);
    }
    if (raft_hard_state_durable(r)) {
        raft_hard_state_done(r, out);
    }
}

/* Position of another member; -1: a stranger's, or our own. */
static int position_of_other(const struct raft *r, node_id peer)
{
    return peer == r->config.self ? -1 : raft_position(r, peer);
}

static void peer_up(struct raft *r, const struct raft_event *event,
                    struct raft_out *out)
{
    node_id peer = event->peer;
    int pos = position_of_other(r, peer);
    if (pos < 0) {
        return;
    }
    struct raft_progress *p = &r->progress[pos];
    uint64_t known = p->incarnation;
    p->link_up = true;
    p->restarted_maybe = true;
    if (event->incarnation != 0) {
        (void)raft_note_incarnation(r, (uint32_t)pos, event->incarnation, out);
    }
    raft_careful_end(r);
    if (r->role == RAFT_LEADER) {
        raft_progress_reconnect(r, (uint32_t)pos);
    } else if (r->down_leader == peer && p->incarnation == known) {
        raft_leader_back(r);
    }
}

static void peer_down(struct raft *r, node_id peer, struct raft_out *out)
{
    int pos = position_of_other(r, peer);
    if (pos >= 0) {
        r->progress[pos].link_up = false;
        r->progress[pos].restarted_maybe = true;
    }
    if (r->role == RAFT_LEADER && pos >= 0) {
        raft_progress_reconnect(r, (uint32_t)pos);
        if (r->transfer_to == peer) {
            raft_transfer_end(r, out);
        }
    } else if (r->role == RAFT_FOLLOWER && r->leader == peer &&
               peer != NODE_NONE) {
        raft_leader_gone(r, out);
    }
}

/* UNSENT, WANT_COMMIT */
static void follower_event(struct raft *r, const struct raft_event *event)
{
    int pos = position_of_other(r, event->peer);
    if (pos < 0 || r->role != RAFT_LEADER) {
        return;
    }
    if (event->type == RAFT_EV_UNSENT) {
        raft_progress_unsent(r, (uint32_t)pos, event->index);
    } else {
        struct raft_progress *p = &r->progress[pos];
        p->commit_wanted = MAX(p->commit_wanted, event->index);
    }
}

/* A disk is short of space, or not any more. */
static void set_paused(struct raft *r, const struct raft_event *event,
                       struct raft_out *out)
{
    node_id peer = event->peer;
    bool paused = event->type == RAFT_EV_PAUSE;
    int pos = position_of_other(r, peer);
    if (peer == r->config.self) {
        r->reluctant = paused;
        r->declined = 0;
    } else if (pos >= 0 && r->role == RAFT_LEADER) {
        raft_progress_pause(r, (uint32_t)pos, paused);
        if (paused && r->transfer_to == peer) {
            raft_transfer_end(r, out);
        }
    }
}

/* Who had better lead, and who had better not. */
static void set_fitness(struct raft *r, const struct raft_event *event,
                        struct raft_out *out)
{
    if (event->type == RAFT_EV_RANK) {
        r->rank = MIN(event->count, (uint32_t)RAFT_NODES_MAX);
    } else {
        set_paused(r, event, out);
    }
}

static void flush(struct raft *r, struct raft_out *out)
{
    if (r->role == RAFT_LEADER) {
        raft_reads_flush(r, out);
        raft_transfer_flush(r, out);
        raft_replicate(r, out);
    } else {
        raft_follower_flush(r, out);
        raft_reads_ask(r, out);
    }
}

/* Before the log's beginning there is the state. */
static void state_event(struct raft *r, const struct raft_event *event,
                        struct raft_out *out)
{
    if (event->type == RAFT_EV_FETCH) {
        raft_fetch(r, event->index);
    } else if (event->type == RAFT_EV_RESTORE) {
        raft_restore(r, event, out);
    } else if (event->index > r->first) {
        raft_runs_forget(r, event->index);
    }
}

static void dispatch(struct raft *r, const struct raft_event *event,
                     struct raft_out *out)
{
    switch (event->type) {
    case RAFT_EV_TICK:
        tick(r, out);
        break;
    case RAFT_EV_MESSAGE:
        raft_receive(r, event, out);
        break;
    case RAFT_EV_PROPOSE:
        propose(r, event->count, out);
        break;
    case RAFT_EV_CONFIG:
        change(r, event->members, out);
        break;
    case RAFT_EV_DURABLE:
        write_done(r, event->seq, event->index, out);
        break;
    case RAFT_EV_READ:
        raft_read_event(r, event->read_id, out);
        break;
    case RAFT_EV_PEER_UP:
        peer_up(r, event, out);
        break;
    case RAFT_EV_PEER_DOWN:
        peer_down(r, event->peer, out);
        break;
    case RAFT_EV_UNSENT:
    case RAFT_EV_WANT_COMMIT:
        follower_event(r, event);
        break;
    case RAFT_EV_TRANSFER:
        raft_transfer_event(r, event->peer, out);
        break;
    case RAFT_EV_LOG_CUT:
    case RAFT_EV_FETCH:
    case RAFT_EV_RESTORE:
        state_event(r, event, out);
        break;
    case RAFT_EV_PAUSE:
    case RAFT_EV_RESUME:
    case RAFT_EV_RANK:
        set_fitness(r, event, out);
        break;
    case RAFT_EV_FLUSH:
        flush(r, out);
        break;
    }
}

static void out_reset(struct raft_out *out)
{
    memset(&out->write, 0, sizeof(out->write));
    out->message_count = 0;
    out->read_count = 0;
    out->reads_lost_count = 0;
    out->role_changed = false;
    out->members_changed = false;
    out->transfer_ended = false;
}

/* No core would believe another message. */
static void check_messages(const struct raft_out *out)
{
    for (uint32_t i = 0; i < out->message_count; i++) {
        ASSERT(raft_fields_valid(&out->messages[i]));
    }
}

void raft_step(struct raft *r, const struct raft_event *event,
               struct raft_out *out)
{
    enum raft_role role = r->role;
    raft_term term = r->term;
    node_id leader = r->leader;
    raft_index commit = r->commit;
    raft_index last = r->last;

    out_reset(out);
    r->now_ms = MAX(r->now_ms, event->now_ms);
    dispatch(r, event, out);
    if (r->commit > commit) {
        leave(r, out);
    }
    out->role_changed =
        r->role != role || r->term != term || r->leader != leader;

    ASSERT(r->term >= term && r->commit >= commit);
    ASSERT(role != RAFT_LEADER || r->role != RAFT_LEADER || r->last >= last);
    ASSERT(r->role != RAFT_LEADER || role == RAFT_LEADER || r->term > 0);
    check_messages(out);
    raft_check(r);
}

static int64_t leader_deadline_ms(const struct raft *r)
{
    int64_t at = r->quorum_check_ms;
    int self = raft_self(r);

    if (raft_more_to_send(r)) {
        return r->now_ms;
    }
    for (uint32_t i = 0; i < raft_newest(r)->count; i++) {
        if ((int)i != self) {
            at = MIN(at, r->progress[i].beat_ms + r->config.heartbeat_ms);
        }
    }
    if (r->transfer_to != NODE_NONE) {
        at = MIN(at, r->transfer_until_ms);
    }
    if (r->config.disk_timeout_ms > 0 && r->durable_seq < r->write_seq) {
        at = MIN(at, r->write_since_ms + r->config.disk_timeout_ms);
    }
    return at;
}

int64_t raft_deadline_ms(const struct raft *r)
{
    if (r->role == RAFT_LEADER) {
        return leader_deadline_ms(r);
    }
    int64_t at = r->election_at_ms;
    if (r->reads_asked_count > 0) {
        at = MIN(at, r->reads_asked_ms[0] + r->config.election_timeout_ms);
    }
    return at;
}
