/*
 * Linearizable reads without log entries (thesis, 6.4).
 *
 * A read may be served at index i if everything committed before the read
 * began is at or below i. The leader knows such an index, its commit index,
 * if an entry of its own term is committed and if it still leads: a majority
 * must answer a message that was sent after the read arrived. So every FLUSH
 * with new reads begins a round with a number never used before; heartbeats
 * and appends carry the newest number, replies echo it. A late answer to an
 * earlier round confirms nothing.
 *
 * A follower asks the leader and gets the index.
 *
 * How it fails: what gets lost, on the way or with the leader's role, or finds
 * no room, ends in out.reads_lost on the node that asked: it asks again. A
 * question that stays unanswered for an election timeout counts as lost.
 */
#include <string.h>

#include "raft/raft_internal.h"

static void lose(struct raft_out *out, uint64_t read_id)
{
    ASSERT(out->reads_lost_count < RAFT_READS_MAX);
    out->reads_lost[out->reads_lost_count++] = read_id;
}

static void release(struct raft_out *out, uint64_t read_id, raft_index index,
                    int64_t time_ms)
{
    ASSERT(out->read_count < RAFT_READS_MAX);
    struct raft_read *read = &out->reads[out->read_count++];
    memset(read, 0, sizeof(*read));
    read->read_id = read_id;
    read->index = index;
    read->time_ms = time_ms;
}

/* Leader: a read of its own, or of a follower. False: no room. */
static bool add_pending(struct raft *r, uint64_t read_id, node_id from,
                        uint64_t from_incarnation)
{
    ASSERT(r->role == RAFT_LEADER);
    if (r->read_count == RAFT_READS_MAX) {
        return false;
    }
    struct raft_pending_read *read = &r->reads[r->read_count++];
    read->read_id = read_id;
    read->round = 0;
    read->index = raft_commits_own_term(r) ? r->commit : 0;
    read->from = from;
    read->from_incarnation = from_incarnation;
    return true;
}

static bool add_asked(struct raft *r, uint64_t read_id)
{
    ASSERT(r->role != RAFT_LEADER);
    if (r->leader == NODE_NONE || r->reads_asked_count == RAFT_READS_MAX) {
        return false;
    }
    r->reads_asked[r->reads_asked_count] = read_id;
    r->reads_asked_ms[r->reads_asked_count] = r->now_ms;
    r->reads_asked_count++;
    return true;
}

void raft_read_event(struct raft *r, uint64_t read_id, struct raft_out *out)
{
    bool kept = r->role == RAFT_LEADER ? add_pending(r, read_id, r->config.self,
                                                     r->config.incarnation)
                                       : add_asked(r, read_id);
    if (!kept) {
        lose(out, read_id);
    }
}

static void answer(struct raft *r, struct raft_out *out,
                   const struct raft_pending_read *read, bool granted)
{
    struct raft_message *m = raft_send(r, out, read->from, RAFT_MSG_READ_REPLY);

    m->to_incarnation = read->from_incarnation;
    m->read_id = read->read_id;
    m->granted = granted;
    m->commit = granted ? read->index : 0;
}

void raft_on_read(struct raft *r, const struct raft_message *m,
                  struct raft_out *out)
{
    ASSERT(m->term == r->term);
    if (r->role == RAFT_LEADER &&
        add_pending(r, m->read_id, m->from, m->from_incarnation)) {
        return;
    }
    struct raft_pending_read read = {.read_id = m->read_id,
                                     .from = m->from,
                                     .from_incarnation = m->from_incarnation};
    answer(r, out, &read, false);
}

static void remove_asked(struct raft *r, uint32_t i)
{
    ASSERT(i < r->reads_asked_count);
    uint32_t after = r->reads_asked_count - i - 1;
    memmove(&r->reads_asked[i], &r->reads_asked[i + 1],
            after * sizeof(r->reads_asked[0]));
    memmove(&r->reads_asked_ms[i], &r->reads_asked_ms[i + 1],
            after * sizeof(r->reads_asked_ms[0]));
    r->reads_asked_count--;
    r->reads_asked[r->reads_asked_count] = 0;
    r->reads_asked_ms[r->reads_asked_count] = 0;
    if (i < r->reads_asked_sent) {
        r->reads_asked_sent--;
    }
}

void raft_on_read_reply(struct raft *r, const struct raft_message *m,
                        struct raft_out *out)
{
    ASSERT(m->term == r->term);
    if (r->role == RAFT_LEADER || m->from != r->leader) {
        return;
    }
    uint32_t i = 0;
    while (i < r->reads_asked_sent && r->reads_asked[i] != m->read_id) {
        i++;
    }
    if (i == r->reads_asked_sent) {
        return; /* repeated, or given up */
    }
    remove_asked(r, i);
    if (!m->granted) {
        lose(out, m->read_id);
        return;
    }
    release(out, m->read_id, m->commit, m->time_ms);
    r->leader_commit = MAX(r->leader_commit, m->commit);
    raft_commit_by_leader(r);
}

/* The largest round that a majority has answered. */
static uint64_t confirmed_round(const struct raft *r)
{
    uint64_t rounds[RAFT_NODES_MAX];
    const struct raft_members *members = raft_newest(r);
    int self = raft_self(r);

    for (uint32_t i = 0; i < members->count; i++) {
        rounds[i] = (int)i == self ? r->round : r->progress[i].round_acked;
    }
    return raft_members_value(members, rounds);
}

/* Leader, FLUSH: begins a round for the new reads, releases what is
 * confirmed. */
void raft_reads_flush(struct raft *r, struct raft_out *out)
{
    uint32_t kept = 0;

    ASSERT(r->role == RAFT_LEADER);
    if (r->read_count > 0 && r->reads[r->read_count - 1].round == 0) {
        r->round++;
        for (uint32_t i = 0; i < r->read_count; i++) {
            if (r->reads[i].round == 0) {
                r->reads[i].round = r->round;
            }
        }
    }
    uint64_t confirmed = confirmed_round(r);
    for (uint32_t i = 0; i < r->read_count; i++) {
        const struct raft_pending_read *read = &r->reads[i];
        if (read->round > confirmed || read->index == 0) {
            memmove(&r->reads[kept++], read, sizeof(*read));
        } else if (read->from == r->config.self) {
            release(out, read->read_id, read->index, 0);
        } else {
            answer(r, out, read, true);
        }
    }
    memset(&r->reads[kept], 0, (r->read_count - kept) * sizeof(r->reads[0]));
    r->read_count = kept;
}

/* Follower, FLUSH: asks the leader. */
void raft_reads_ask(struct raft *r, struct raft_out *out)
{
    ASSERT(r->role != RAFT_LEADER);
    if (r->reads_asked_sent == r->reads_asked_count) {
        return;
    }
    while (r->reads_asked_sent < r->reads_asked_count) {
        struct raft_message *m = raft_send(r, out, r->leader, RAFT_MSG_READ);
        m->read_id = r->reads_asked[r->reads_asked_sent++];
    }
}

/* Follower, TICK: an answer that did not come within an election timeout. */
void raft_reads_expire(struct raft *r, struct raft_out *out)
{
    ASSERT(r->role != RAFT_LEADER);
    while (r->reads_asked_count > 0 &&
           r->now_ms - r->reads_asked_ms[0] >= r->config.election_timeout_ms) {
        lose(out, r->reads_asked[0]);
        remove_asked(r, 0);
    }
}

/* Leadership is lost, and with it the reads. */
void raft_reads_fail(struct raft *r, struct raft_out *out)
{
    for (uint32_t i = 0; i < r->read_count; i++) {
        if (r->reads[i].from == r->config.self) {
            lose(out, r->reads[i].read_id);
        } else {
            answer(r, out, &r->reads[i], false);
        }
    }
    memset(r->reads, 0, r->read_count * sizeof(r->reads[0]));
    r->read_count = 0;
}

/* The leader that was asked is not (known to be) the leader any more. */
void raft_reads_asked_fail(struct raft *r, struct raft_out *out)
{
    for (uint32_t i = 0; i < r->reads_asked_count; i++) {
        lose(out, r->reads_asked[i]);
    }
    memset(r->reads_asked, 0, sizeof(r->reads_asked));
    memset(r->reads_asked_ms, 0, sizeof(r->reads_asked_ms));
    r->reads_asked_count = 0;
    r->reads_asked_sent = 0;
}
