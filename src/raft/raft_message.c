/*
 * Messages received: what is believed at all, what their term does, and who
 * handles them.
 *
 * Who asks, or speaks as a leader, need not be a member: this log may be the
 * one that lacks the change. Whose answers count, and who may ask for reads,
 * must be.
 *
 * How it fails: a message is dropped without a trace if it is not from another
 * node of this cluster and group to this very start of this node, if it comes
 * from an earlier start of its sender, if it uses a field that its type has no
 * use for, or if its fields contradict each other. Nothing in a message can
 * make the core assert.
 *
 * A higher term makes a follower of anyone, except for what pre-vote asks and
 * grants (it speaks of a term that nobody has begun) and for requests of a
 * candidate while a leader is heard. A lower term is answered with ours where
 * the sender waits for an answer.
 */
#include "raft/raft_internal.h"

/* Fields that only some types use. `recovering` and what is said of sender,
 * receiver and term are every message's. */
enum {
    USES_INDEX = 1 << 0, /* with index_term */
    USES_ENTRIES = 1 << 1,
    USES_COMMIT = 1 << 2,
    USES_ROUND = 1 << 3,
    USES_ACK = 1 << 4, /* match, verified and snapshot */
    USES_READ_ID = 1 << 5,
    USES_TIME = 1 << 6,
    USES_GRANTED = 1 << 7,
    USES_REJECTED = 1 << 8, /* with refused */
    USES_TRANSFER = 1 << 9,
    USES_BARRIER = 1 << 10,
};

static const struct {
    const char *name;
    uint32_t uses;
} message_types[RAFT_MSG_TYPE_END] = {
    [RAFT_MSG_PRE_VOTE] = {"PRE_VOTE", USES_INDEX},
    [RAFT_MSG_PRE_VOTE_REPLY] = {"PRE_VOTE_REPLY", USES_GRANTED},
    [RAFT_MSG_VOTE] = {"VOTE", USES_INDEX | USES_TRANSFER},
    [RAFT_MSG_VOTE_REPLY] = {"VOTE_REPLY", USES_GRANTED},
    [RAFT_MSG_APPEND] = {"APPEND", USES_INDEX | USES_ENTRIES | USES_COMMIT |
                                       USES_ROUND | USES_BARRIER},
    [RAFT_MSG_APPEND_REPLY] = {"APPEND_REPLY", USES_INDEX | USES_ROUND |
                                                   USES_ACK | USES_REJECTED},
    [RAFT_MSG_HEARTBEAT] = {"HEARTBEAT",
                            USES_COMMIT | USES_ROUND | USES_BARRIER},
    [RAFT_MSG_HEARTBEAT_REPLY] = {"HEARTBEAT_REPLY", USES_ROUND | USES_ACK},
    [RAFT_MSG_TIMEOUT_NOW] = {"TIMEOUT_NOW", 0},
    [RAFT_MSG_READ] = {"READ", USES_READ_ID},
    [RAFT_MSG_READ_REPLY] = {"READ_REPLY", USES_READ_ID | USES_COMMIT |
                                               USES_TIME | USES_GRANTED},
};

const char *raft_message_name(enum raft_message_type type)
{
    if (type < RAFT_MSG_PRE_VOTE || type >= RAFT_MSG_TYPE_END) {
        return "unknown";
    }
    return message_types[type].name;
}

/* Is it believed of one who is no member here? The answer to a read is taken
 * from the leader of this term only (raft_read.c). */
static bool anybody_says(enum raft_message_type type)
{
    switch (type) {
    case RAFT_MSG_PRE_VOTE:
    case RAFT_MSG_VOTE:
    case RAFT_MSG_APPEND:
    case RAFT_MSG_HEARTBEAT:
    case RAFT_MSG_TIMEOUT_NOW:
    case RAFT_MSG_READ_REPLY:
        return true;
    case RAFT_MSG_PRE_VOTE_REPLY:
    case RAFT_MSG_VOTE_REPLY:
    case RAFT_MSG_APPEND_REPLY:
    case RAFT_MSG_HEARTBEAT_REPLY:
    case RAFT_MSG_READ:
    case RAFT_MSG_TYPE_END:
        break;
    }
    return false;
}

static bool address_valid(const struct raft *r, const struct raft_message *m)
{
    return m->cluster_id == r->config.cluster_id &&
           m->group == r->config.group && m->to == r->config.self &&
           m->from != r->config.self && m->from != NODE_NONE &&
           (anybody_says(m->type) || raft_position(r, m->from) >= 0) &&
           m->from_incarnation != 0 &&
           (m->to_incarnation == 0 ||
            m->to_incarnation == r->config.incarnation);
}

static uint32_t used(const struct raft_message *m)
{
    return (m->index > 0 || m->index_term > 0 ? USES_INDEX : 0U) |
           (m->count > 0 || m->run_count > 0 ? USES_ENTRIES : 0U) |
           (m->commit > 0 ? USES_COMMIT : 0U) |
           (m->round > 0 ? USES_ROUND : 0U) |
           (m->match > 0 || m->verified > 0 || m->snapshot > 0 ? USES_ACK
                                                               : 0U) |
           (m->read_id > 0 ? USES_READ_ID : 0U) |
           (m->time_ms != 0 ? USES_TIME : 0U) |
           (m->granted ? USES_GRANTED : 0U) |
           (m->rejected || m->refused > 0 ? USES_REJECTED : 0U) |
           (m->transfer ? USES_TRANSFER : 0U) |
           (m->barrier > 0 ? USES_BARRIER : 0U);
}

static bool type_known(const struct raft_message *m)
{
    return m->type >= RAFT_MSG_PRE_VOTE && m->type < RAFT_MSG_TYPE_END;
}

/* Says what its type says, and nothing else. */
bool raft_fields_valid(const struct raft_message *m)
{
    uint32_t uses = used(m);

    ASSERT(type_known(m));
    if ((uses & ~message_types[m->type].uses) != 0) {
        return false;
    }
    if (m->type == RAFT_MSG_APPEND_REPLY && !m->rejected) {
        return (uses & (USES_INDEX | USES_REJECTED)) == 0;
    }
    if (m->type == RAFT_MSG_READ_REPLY && !m->granted) {
        return (uses & (USES_COMMIT | USES_TIME)) == 0;
    }
    return true;
}

static bool numbers_valid(const struct raft_message *m)
{
    bool term_0 = m->type == RAFT_MSG_PRE_VOTE_REPLY && !m->granted;

    return (m->term > 0 || term_0) && m->term <= RAFT_NUMBER_MAX &&
           m->index <= RAFT_NUMBER_MAX && m->commit <= RAFT_NUMBER_MAX &&
           m->verified <= RAFT_NUMBER_MAX && m->match <= RAFT_NUMBER_MAX &&
           m->snapshot <= RAFT_NUMBER_MAX && m->barrier <= RAFT_NUMBER_MAX &&
           m->refused <= RAFT_NUMBER_MAX &&
           m->run_count <= RAFT_MESSAGE_RUNS_MAX;
}

/* Entries index+1 .. index+count: contiguous, terms never falling and never
 * above the sender's. */
static bool entries_valid(const struct raft_message *m)
{
    raft_index first = m->index + 1;
    raft_term term = MAX(m->index_term, 1);

    if (m->index_term > m->term || (m->index == 0) != (m->index_term == 0) ||
        (m->count == 0) != (m->run_count == 0)) {
        return false;
    }
    for (uint32_t i = 0; i < m->run_count; i++) {
        const struct raft_run *run = &m->runs[i];
        bool begins = i == 0 ? run->first == first : run->first > first;
        if (!begins || run->first > m->index + m->count || run->term < term ||
            run->term > m->term) {
            return false;
        }
        first = run->first;
        term = run->term;
    }
    return true;
}

/* An entry of an append that changes the members. */
static bool change_valid(const struct raft_event *event)
{
    const struct raft_message *m = event->message;

    if (event->members == NULL) {
        return event->members_at == 0;
    }
    return m->type == RAFT_MSG_APPEND && event->members_at > m->index &&
           event->members_at <= m->index + m->count &&
           raft_members_valid(event->members);
}

/* Can it be true at all? */
bool raft_message_valid(const struct raft *r, const struct raft_message *m)
{
    if (!address_valid(r, m) || !type_known(m) || !raft_fields_valid(m) ||
        !numbers_valid(m)) {
        return false;
    }
    if (m->type == RAFT_MSG_APPEND) {
        return entries_valid(m);
    }
    if (m->type == RAFT_MSG_PRE_VOTE || m->type == RAFT_MSG_VOTE) {
        /* No log reaches the term its owner asks for. */
        return m->index_term < m->term &&
               (m->index == 0) == (m->index_term == 0);
    }
    return true;
}

/* False: an earlier start of the peer than the known one, or one of a life that
 * is over. A later start has
 * lost what was not written, so what we know of the peer is cleared. */
bool raft_note_incarnation(struct raft *r, uint32_t pos, uint64_t incarnation,
                           struct raft_out *out)
{
    struct raft_progress *p = &r->progress[pos];
    node_id peer = raft_newest(r)->ids[pos];

    ASSERT(pos < raft_newest(r)->count && incarnation > 0);
    if (incarnation < p->incarnation ||
        RAFT_LIFE(incarnation) < raft_newest(r)->life[pos]) {
        return false;
    }
    p->restarted_maybe = false;
    if (incarnation == p->incarnation) {
        return true;
    }
    bool restarted = p->incarnation != 0;
    p->incarnation = incarnation;
    if (r->role == RAFT_LEADER) {
        raft_progress_reset(r, pos);
        if (restarted && r->transfer_to == peer) {
            raft_transfer_end(r, out);
        }
    } else if (restarted && r->role == RAFT_FOLLOWER && r->leader == peer) {
        raft_leader_gone(r, out);
        raft_follow(r, out, r->term, NODE_NONE);
    }
    return true;
}

static void answer_lower_term(struct raft *r, const struct raft_message *m,
                              struct raft_out *out)
{
    enum raft_message_type type;

    ASSERT(m->term < r->term);
    if (m->type == RAFT_MSG_VOTE) {
        type = RAFT_MSG_VOTE_REPLY;
    } else if (m->type == RAFT_MSG_APPEND) {
        type = RAFT_MSG_APPEND_REPLY;
    } else if (m->type == RAFT_MSG_HEARTBEAT) {
        type = RAFT_MSG_HEARTBEAT_REPLY;
    } else {
        return;
    }
    (void)raft_send(r, out, m->from, type);
}

/* False: the message does not concern us. */
static bool adopt_higher_term(struct raft *r, const struct raft_message *m,
                              struct raft_out *out)
{
    ASSERT(m->term > r->term);
    if (m->type == RAFT_MSG_VOTE && !m->transfer && raft_sticks_to_leader(r)) {
        return false;
    }
    bool from_leader = m->type == RAFT_MSG_APPEND ||
                       m->type == RAFT_MSG_HEARTBEAT ||
                       m->type == RAFT_MSG_TIMEOUT_NOW;
    bool refused =
        r->role == RAFT_PRE_CANDIDATE && m->type == RAFT_MSG_PRE_VOTE_REPLY;
    raft_follow(r, out, m->term, from_leader ? m->from : NODE_NONE);
    if (refused) {
        raft_ask_again_soon(r);
    }
    return true;
}

/* Nothing is looked up at `pos` for one whose type anybody_says(). */
static void dispatch(struct raft *r, uint32_t pos,
                     const struct raft_event *event, struct raft_out *out)
{
    const struct raft_message *m = event->message;

    switch (m->type) {
    case RAFT_MSG_PRE_VOTE:
        raft_on_pre_vote(r, m, out);
        break;
    case RAFT_MSG_VOTE:
        raft_on_vote(r, m, out);
        break;
    case RAFT_MSG_PRE_VOTE_REPLY:
    case RAFT_MSG_VOTE_REPLY:
        raft_on_vote_reply(r, pos, m, out);
        break;
    case RAFT_MSG_APPEND:
        raft_on_append(r, event, out);
        break;
    case RAFT_MSG_APPEND_REPLY:
        raft_on_append_reply(r, pos, m, out);
        break;
    case RAFT_MSG_HEARTBEAT:
        raft_on_heartbeat(r, m, out);
        break;
    case RAFT_MSG_HEARTBEAT_REPLY:
        raft_on_heartbeat_reply(r, pos, m, out);
        break;
    case RAFT_MSG_TIMEOUT_NOW:
        raft_on_timeout_now(r, m, out);
        break;
    case RAFT_MSG_READ:
        raft_on_read(r, m, out);
        break;
    case RAFT_MSG_READ_REPLY:
        raft_on_read_reply(r, m, out);
        break;
    case RAFT_MSG_TYPE_END:
        ASSERT(false); /* see raft_message_valid() */
    }
}

/* Is it about a term that its sender has not begun? */
static bool is_hypothetical(const struct raft_message *m)
{
    return m->type == RAFT_MSG_PRE_VOTE ||
           (m->type == RAFT_MSG_PRE_VOTE_REPLY && m->granted);
}

void raft_receive(struct raft *r, const struct raft_event *event,
                  struct raft_out *out)
{
    const struct raft_message *m = event->message;

    ASSERT(m != NULL);
    if (!raft_message_valid(r, m) || !change_valid(event)) {
        return;
    }
    int pos = raft_position(r, m->from);
    if (pos >= 0 &&
        !raft_note_incarnation(r, (uint32_t)pos, m->from_incarnation, out)) {
        return;
    }
    if (is_hypothetical(m)) {
        dispatch(r, (uint32_t)pos, event, out);
        return;
    }
    if (m->term > r->term && !adopt_higher_term(r, m, out)) {
        return;
    }
    if (m->term < r->term) {
        answer_lower_term(r, m, out);
        return;
    }
    dispatch(r, (uint32_t)pos, event, out);
}
