/*
 * A leader's side of replication.
 *
 * PROBE: one append at a time, until the logs are known to agree at some
 * point. REPLICATE: appends are streamed, up to window_max ahead, `next` runs
 * ahead of the answers. SNAPSHOT: the peer refused even the entry before our
 * first one, so it needs what was cut from the log; only heartbeats are sent.
 * Always: match <= verified, match < next <= last + 1.
 *
 *                    (1)
 *   elected -> PROBE -----> REPLICATE
 *              ^ |  ^         |  |
 *              | |  '---(2)---'  | (3)
 *              | |     (3)       v
 *              | '----------> SNAPSHOT
 *              '-----(4)---------'
 *
 * (1) The logs agree just before the entry that was sent.
 * (2) An append was refused, lost or not sent, or `next` was cut off the log.
 * (3) Even the entry before our first one was refused.
 * (4) The logs agree just before our first entry.
 * A link that comes up or breaks, and a new incarnation of the peer, lead to
 * PROBE from any state.
 *
 * A peer whose disk is short of space may be paused, in any state: it is sent
 * heartbeats and no appends. What it has counts as before, and so do its votes,
 * its answers to read rounds, and the contact to it. What was under way when it
 * was paused it may take, or drop as if it had been lost; so it is probed when
 * it is resumed.
 *
 * How it fails: what gets lost shows itself. An append after a lost one is
 * refused; and if nothing came after it, the answer to a heartbeat shows that
 * what was sent before the heartbeat has not arrived. Both lead to PROBE, from
 * the last point where the logs are known to agree. A reply that contradicts
 * what is known is ignored.
 *
 * Within an incarnation of the follower `match` never falls, whatever late or
 * repeated reply arrives; with a new incarnation it starts from nothing, as
 * the facts were about a process that no longer exists.
 */
#include "raft/raft_internal.h"

#define LOST_DOUBLINGS_MAX 6

static void become(struct raft_progress *p, enum raft_progress_state state,
                   raft_index next)
{
    ASSERT(next > p->match);
    p->state = state;
    p->next = next;
    p->in_flight = 0;
    p->probe_sent = false;
    p->beat_waits = false;
}

/* Also from PROBE: nothing is under way any more, the next probe is due. */
static void become_probe(struct raft_progress *p, raft_index next)
{
    become(p, RAFT_PROBE, next);
}

static void become_replicate(struct raft_progress *p)
{
    ASSERT(p->state == RAFT_PROBE);
    become(p, RAFT_REPLICATE, p->verified + 1);
}

static void become_snapshot(struct raft_progress *p, raft_index next)
{
    ASSERT(p->state != RAFT_SNAPSHOT);
    become(p, RAFT_SNAPSHOT, next);
}

/* Nothing is known of the peer's log. The caller sets the incarnation. */
void raft_progress_reset(struct raft *r, uint32_t pos)
{
    struct raft_progress *p = &r->progress[pos];

    ASSERT(pos < raft_newest(r)->count);
    p->match = 0;
    p->verified = 0;
    p->round_acked = 0;
    p->commit_sent = 0;
    p->commit_wanted = 0;
    p->barrier = 0;
    p->recovering = false;
    p->snapshot = 0;
    p->round_sent = 0;
    p->beat_verified = 0;
    p->beat_next = 0;
    p->append_ms = 0;
    p->lost = 0;
    p->paused = false;
    become_probe(p, r->last + 1);
}

/* Leader: the peer is one from now on; for an election timeout it counts as
 * heard. */
void raft_progress_begin(struct raft *r, uint32_t pos)
{
    ASSERT(r->role == RAFT_LEADER);
    raft_progress_reset(r, pos);
    r->progress[pos].heard_ms = r->now_ms;
    r->progress[pos].beat_ms = r->now_ms;
}

/* Leader: begins with the members that are new. */
void raft_progress_join(struct raft *r)
{
    ASSERT(r->role == RAFT_LEADER);
    for (uint32_t i = 0; i < raft_newest(r)->count; i++) {
        if (r->progress[i].next == 0) {
            raft_progress_begin(r, i);
        }
    }
    r->quorum_check_ms = raft_quorum_until_ms(r);
}

/* The link broke or came up: what was under way may be lost, and so may be
 * what the peer had not yet on disk. */
void raft_progress_reconnect(struct raft *r, uint32_t pos)
{
    struct raft_progress *p = &r->progress[pos];

    ASSERT(r->role == RAFT_LEADER && (int)pos != raft_self(r));
    p->verified = p->match;
    p->commit_sent = 0;
    p->lost = 0;
    become_probe(p, p->match > 0 ? p->match + 1 : r->last + 1);
}

/* Entries from `index` on could not even be queued; what left before them is
 * under way. Any answer, to that or to a heartbeat, starts them again. */
void raft_progress_unsent(struct raft *r, uint32_t pos, raft_index index)
{
    struct raft_progress *p = &r->progress[pos];

    ASSERT(r->role == RAFT_LEADER && (int)pos != raft_self(r));
    if (p->state == RAFT_REPLICATE) {
        become_probe(p, MAX(p->verified + 1, MIN(index, p->next)));
    }
    if (p->state == RAFT_PROBE) {
        p->probe_sent = true;
    }
    p->append_ms = 0;
    p->commit_sent = 0; /* the append carried these two as well */
    p->round_sent = 0;
}

/* See above; what is known of its log stands. */
void raft_progress_pause(struct raft *r, uint32_t pos, bool paused)
{
    struct raft_progress *p = &r->progress[pos];
    bool resumes = p->paused && !paused;

    ASSERT(r->role == RAFT_LEADER && (int)pos != raft_self(r));
    p->paused = paused;
    if (resumes && p->state != RAFT_SNAPSHOT) {
        become_probe(p, p->state == RAFT_REPLICATE ? p->verified + 1 : p->next);
    }
}

/* What only a leader remembers. */
void raft_leader_clear(struct raft *r)
{
    for (uint32_t i = 0; i < raft_newest(r)->count; i++) {
        struct raft_progress *p = &r->progress[i];
        raft_progress_reset(r, i);
        p->next = 0;
        p->heard_ms = 0;
        p->beat_ms = 0;
    }
    r->term_start = 0;
    r->quorum_check_ms = 0;
}

/* How many appends are still under way, when `left` of `total` entries are:
 * one reply may answer several appends. */
static uint32_t in_flight_left(uint32_t in_flight, uint64_t left,
                               uint64_t total)
{
    ASSERT(left <= total);
    if (left == 0 || in_flight == 0) {
        return 0;
    }
    return (uint32_t)(((uint64_t)in_flight * left + total - 1) / total);
}

static void progress_verified(struct raft *r, struct raft_progress *p,
                              raft_index verified)
{
    if (verified > p->verified) {
        if (p->state == RAFT_REPLICATE && verified < p->next) {
            p->in_flight = in_flight_left(p->in_flight, p->next - 1 - verified,
                                          p->next - 1 - p->verified);
        }
        p->verified = verified;
        p->lost = 0;
    }
    if (p->state == RAFT_SNAPSHOT) {
        if (p->verified + 1 >= r->first) {
            become_probe(p, p->verified + 1);
        }
    } else if (p->state == RAFT_PROBE) {
        if (verified > 0 && verified + 1 >= p->next) {
            become_replicate(p);
        }
    } else if (p->verified >= p->next) {
        p->next = p->verified + 1;
        p->in_flight = 0;
    }
    ASSERT(p->match <= p->verified && p->verified <= r->last);
}

/* What a reply promises: durable entries, a read round, contact. */
static void promised(struct raft *r, const struct raft_message *m,
                     struct raft_progress *p)
{
    ASSERT(!m->recovering);
    p->recovering = false;
    p->heard_ms = r->now_ms;
    p->round_acked = MAX(p->round_acked, m->round);
    r->quorum_check_ms = raft_quorum_until_ms(r);
    if (m->match > p->match) {
        ASSERT(m->match <= p->verified);
        p->match = m->match;
        p->next = MAX(p->next, p->match + 1);
        raft_commit_by_quorum(r);
    }
}

/* A reply of this term. False: it contradicts what is known. */
static bool heard(struct raft *r, const struct raft_message *m,
                  struct raft_progress *p, struct raft_out *out)
{
    ASSERT(r->role == RAFT_LEADER && m->term == r->term);
    if (m->verified > r->last || m->match > m->verified ||
        m->round > r->round) {
        return false;
    }
    progress_verified(r, p, m->verified);
    p->snapshot = m->snapshot;
    if (m->recovering) {
        raft_recovering_heard(r, (uint32_t)(p - r->progress), out);
    } else {
        promised(r, m, p);
    }
    return true;
}

/* The append after m->refused did not fit; the hint is (index, index_term). */
static void step_back(struct raft *r, const struct raft_message *m,
                      struct raft_progress *p)
{
    raft_index agree = 0;

    if (p->state == RAFT_SNAPSHOT || m->refused <= p->verified ||
        m->index >= m->refused || m->refused >= p->next) {
        return; /* late, or nonsense */
    }
    if (p->state == RAFT_PROBE && m->refused != p->next - 1) {
        return; /* answers an earlier probe */
    }
    if (!raft_runs_last_below(r, m->index, m->index_term, &agree)) {
        raft_index next = MAX(r->first, p->match + 1);
        if (m->refused < next) { /* not even what is before our log */
            become_snapshot(p, next);
        } else {
            become_probe(p, next);
        }
        return;
    }
    become_probe(p, MAX(agree, p->verified) + 1);
}

void raft_on_append_reply(struct raft *r, uint32_t pos,
                          const struct raft_message *m, struct raft_out *out)
{
    if (r->role != RAFT_LEADER) {
        return;
    }
    struct raft_progress *p = &r->progress[pos];
    if (heard(r, m, p, out) && m->rejected) {
        step_back(r, m, p);
    }
}

void raft_on_heartbeat_reply(struct raft *r, uint32_t pos,
                             const struct raft_message *m, struct raft_out *out)
{
    if (r->role != RAFT_LEADER) {
        return;
    }
    struct raft_progress *p = &r->progress[pos];
    if (!heard(r, m, p, out) || !p->beat_waits) {
        return;
    }
    p->beat_waits = false;
    bool lost =
        p->verified == p->beat_verified && p->verified + 1 < p->beat_next;
    bool replicates = p->state == RAFT_REPLICATE && lost;
    bool probes = p->state == RAFT_PROBE && p->probe_sent;
    if (replicates || probes) {
        p->lost = MIN(p->lost + 1, LOST_DOUBLINGS_MAX);
        become_probe(p, replicates ? p->verified + 1 : p->next);
    }
}

static bool append_due(const struct raft *r, const struct raft_progress *p)
{
    if (p->paused) {
        return false;
    }
    switch (p->state) {
    case RAFT_PROBE:
        return !p->probe_sent;
    case RAFT_REPLICATE:
        return p->next <= r->last && p->in_flight < r->config.window_max;
    case RAFT_SNAPSHOT:
        break;
    }
    return false;
}

/* Both kinds tell the commit index and the read round. */
static struct raft_message *send_to(struct raft *r, struct raft_out *out,
                                    uint32_t pos, enum raft_message_type type)
{
    struct raft_progress *p = &r->progress[pos];
    struct raft_message *m = raft_send(r, out, raft_newest(r)->ids[pos], type);

    m->commit = r->commit;
    m->round = r->round;
    m->barrier = p->barrier;
    p->commit_sent = r->commit;
    p->round_sent = r->round;
    p->beat_ms = r->now_ms;
    return m;
}

static void send_append(struct raft *r, struct raft_out *out, uint32_t pos)
{
    struct raft_progress *p = &r->progress[pos];
    struct raft_message *m = send_to(r, out, pos, RAFT_MSG_APPEND);
    raft_term term = 0;

    ASSERT(p->next >= r->first && p->next <= r->last + 1 && !p->paused);
    m->index = p->next - 1;
    bool known = raft_runs_term(r, m->index, &term);
    ASSERT(known);
    m->index_term = term;
    uint64_t count =
        MIN(r->last - m->index, (uint64_t)r->config.append_entries_max);
    raft_index end = raft_runs_slice(r, m->index + count, m);
    p->append_ms = r->now_ms;
    if (p->state == RAFT_PROBE) {
        p->probe_sent = true;
        p->beat_waits = false; /* an earlier heartbeat tells nothing of it */
    } else {
        p->next = end + 1;
        p->in_flight++;
    }
}

static bool heartbeat_due(const struct raft *r, const struct raft_progress *p)
{
    return r->now_ms - p->beat_ms >= r->config.heartbeat_ms ||
           p->round_sent < r->round ||
           (p->commit_wanted > p->commit_sent && r->commit >= p->commit_wanted);
}

/* A heartbeat may overtake an append, which may be large and the link slow;
 * and its answer may be that of an earlier one, which left before the append.
 * So a loss is suspected only a while after the last append, and the later the
 * more often it was suspected: a link delivers what it carries, or breaks. */
static bool may_be_lost(const struct raft *r, const struct raft_progress *p)
{
    int64_t after_ms = (int64_t)r->config.election_timeout_ms << p->lost >> 1;

    return r->now_ms - p->append_ms >= after_ms;
}

static void send_heartbeat(struct raft *r, struct raft_out *out, uint32_t pos)
{
    struct raft_progress *p = &r->progress[pos];

    (void)send_to(r, out, pos, RAFT_MSG_HEARTBEAT);
    if (!p->beat_waits && may_be_lost(r, p)) {
        p->beat_waits = true;
        p->beat_verified = p->verified;
        p->beat_next = p->next;
    }
}

/* FLUSH: at most one append or heartbeat for each follower. */
void raft_replicate(struct raft *r, struct raft_out *out)
{
    int self = raft_self(r);

    ASSERT(r->role == RAFT_LEADER);
    for (uint32_t i = 0; i < raft_newest(r)->count; i++) {
        struct raft_progress *p = &r->progress[i];
        if ((int)i == self) {
            continue;
        }
        if (p->next < r->first && p->state != RAFT_SNAPSHOT) {
            become_probe(p, r->first); /* perhaps it has what was cut */
        }
        if (append_due(r, p)) {
            send_append(r, out, i);
        } else if (heartbeat_due(r, p)) {
            send_heartbeat(r, out, i);
        }
    }
}

/* One append per FLUSH may not have been all that the window allows. */
bool raft_more_to_send(const struct raft *r)
{
    int self = raft_self(r);

    ASSERT(r->role == RAFT_LEADER);
    for (uint32_t i = 0; i < raft_newest(r)->count; i++) {
        const struct raft_progress *p = &r->progress[i];
        if ((int)i != self && p->state == RAFT_REPLICATE && append_due(r, p)) {
            return true;
        }
    }
    return false;
}
