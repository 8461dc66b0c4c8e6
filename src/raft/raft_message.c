/*
 * Messages: what is believed at all, what their term does, how they are made.
 *
 * A message is dropped without a trace if it is not from another voter of
 * this cluster and group to this very start of this node, if it comes from an
 * earlier start of its sender, or if its fields contradict each other. Nothing
 * in a message can make the core assert.
 *
 * A higher term makes a follower of anyone, except for what pre-vote asks and
 * grants (it speaks of a term that nobody has begun) and for requests of a
 * candidate whom nobody needs while there is a leader. A lower term is
 * answered with ours where the sender waits for an answer.
 */
#include <string.h>

#include "raft/raft_internal.h"

static const char *const message_names[RAFT_MSG_TYPE_END] = {
    [RAFT_MSG_PRE_VOTE] = "PRE_VOTE",
    [RAFT_MSG_PRE_VOTE_REPLY] = "PRE_VOTE_REPLY",
    [RAFT_MSG_VOTE] = "VOTE",
    [RAFT_MSG_VOTE_REPLY] = "VOTE_REPLY",
    [RAFT_MSG_APPEND] = "APPEND",
    [RAFT_MSG_APPEND_REPLY] = "APPEND_REPLY",
    [RAFT_MSG_HEARTBEAT] = "HEARTBEAT",
    [RAFT_MSG_HEARTBEAT_REPLY] = "HEARTBEAT_REPLY",
    [RAFT_MSG_TIMEOUT_NOW] = "TIMEOUT_NOW",
    [RAFT_MSG_READ] = "READ",
    [RAFT_MSG_READ_REPLY] = "READ_REPLY",
};

const char *raft_message_name(enum raft_message_type type)
{
    if (type < RAFT_MSG_PRE_VOTE || type >= RAFT_MSG_TYPE_END) {
        return "unknown";
    }
    return message_names[type];
}

int raft_position(const struct raft *r, node_id id)
{
    /*@ loop invariant 0 <= i <= r->config.voter_count;
      @ loop invariant \forall integer k;
      @     0 <= k < i ==> r->config.voters[k] != id;
      @ loop assigns i;
      @ loop variant r->config.voter_count - i; */
    for (uint32_t i = 0; i < r->config.voter_count; i++) {
        if (r->config.voters[i] == id) {
            return (int)i;
        }
    }
    return -1;
}

uint32_t raft_self(const struct raft *r)
{
    int pos = raft_position(r, r->config.self);
    ASSERT(pos >= 0);
    return (uint32_t)pos;
}

/* A message to voters[pos], in our term; the caller fills in the rest. */
struct raft_message *raft_send(struct raft *r, struct raft_out *out,
                               uint32_t pos, enum raft_message_type type)
{
    ASSERT(pos < r->config.voter_count);
    ASSERT(pos != raft_self(r));
    ASSERT(out->message_count < RAFT_MESSAGES_MAX);
    struct raft_message *m = &out->messages[out->message_count++];
    memset(m, 0, sizeof(*m));
    m->type = type;
    m->group = r->config.group;
    m->cluster_id = r->config.cluster_id;
    m->from = r->config.self;
    m->to = r->config.voters[pos];
    m->from_incarnation = r->config.incarnation;
    m->to_incarnation =
        r->progress[pos].restarted_maybe ? 0 : r->progress[pos].incarnation;
    m->term = r->term;
    m->recovering = r->recovering;
    return m;
}

static bool address_valid(const struct raft *r, const struct raft_message *m)
{
    return m->cluster_id == r->config.cluster_id &&
           m->group == r->config.group && m->to == r->config.self &&
           m->from != r->config.self && raft_position(r, m->from) >= 0 &&
           m->from_incarnation != 0 &&
           (m->to_incarnation == 0 ||
            m->to_incarnation == r->config.incarnation);
}

static bool numbers_valid(const struct raft_message *m)
{
    bool term_0 = m->type == RAFT_MSG_PRE_VOTE_REPLY && !m->granted;

    return (m->term > 0 || term_0) && m->term <= RAFT_NUMBER_MAX &&
           m->index <= RAFT_NUMBER_MAX && m->commit <= RAFT_NUMBER_MAX &&
           m->verified <= RAFT_NUMBER_MAX && m->match <= RAFT_NUMBER_MAX &&
           m->barrier <= RAFT_NUMBER_MAX &&
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

/* Can it be true at all? */
bool raft_message_valid(const struct raft *r, const struct raft_message *m)
{
    if (!address_valid(r, m) || !numbers_valid(m)) {
        return false;
    }
    switch (m->type) {
    case RAFT_MSG_APPEND:
        return entries_valid(m);
    case RAFT_MSG_PRE_VOTE:
    case RAFT_MSG_VOTE: /* no log reaches the term its owner asks for */
        return m->index_term < m->term &&
               (m->index == 0) == (m->index_term == 0);
    case RAFT_MSG_PRE_VOTE_REPLY:
    case RAFT_MSG_VOTE_REPLY:
    case RAFT_MSG_APPEND_REPLY:
    case RAFT_MSG_HEARTBEAT:
    case RAFT_MSG_HEARTBEAT_REPLY:
    case RAFT_MSG_TIMEOUT_NOW:
    case RAFT_MSG_READ:
    case RAFT_MSG_READ_REPLY:
        return true;
    case RAFT_MSG_TYPE_END:
        break;
    }
    return false;
}

/* False: an earlier start of the peer than the known one. A later one has
 * forgotten what it had not written: so do we. */
bool raft_note_incarnation(struct raft *r, uint32_t pos, uint64_t incarnation,
                           struct raft_out *out)
{
    struct raft_progress *p = &r->progress[pos];
    node_id peer = r->config.voters[pos];

    ASSERT(pos < r->config.voter_count && incarnation > 0);
    if (incarnation < p->incarnation) {
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

static bool note_sender(struct raft *r, const struct raft_message *m,
                        struct raft_out *out)
{
    int pos = raft_position(r, m->from);

    ASSERT(pos >= 0);
    return raft_note_incarnation(r, (uint32_t)pos, m->from_incarnation, out);
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
    int pos = raft_position(r, m->from);
    ASSERT(pos >= 0);
    (void)raft_send(r, out, (uint32_t)pos, type);
}

/* False: of no concern in our term. */
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

static void dispatch(struct raft *r, const struct raft_message *m,
                     struct raft_out *out)
{
    switch (m->type) {
    case RAFT_MSG_PRE_VOTE:
        raft_on_pre_vote(r, m, out);
        break;
    case RAFT_MSG_VOTE:
        raft_on_vote(r, m, out);
        break;
    case RAFT_MSG_PRE_VOTE_REPLY:
    case RAFT_MSG_VOTE_REPLY:
        raft_on_vote_reply(r, m, out);
        break;
    case RAFT_MSG_APPEND:
        raft_on_append(r, m, out);
        break;
    case RAFT_MSG_APPEND_REPLY:
        raft_on_append_reply(r, m, out);
        break;
    case RAFT_MSG_HEARTBEAT:
        raft_on_heartbeat(r, m, out);
        break;
    case RAFT_MSG_HEARTBEAT_REPLY:
        raft_on_heartbeat_reply(r, m, out);
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

/* Speaks of a term that its sender has not begun. */
static bool is_hypothetical(const struct raft_message *m)
{
    return m->type == RAFT_MSG_PRE_VOTE ||
           (m->type == RAFT_MSG_PRE_VOTE_REPLY && m->granted);
}

void raft_receive(struct raft *r, const struct raft_message *m,
                  struct raft_out *out)
{
    ASSERT(m != NULL);
    if (!raft_message_valid(r, m) || !note_sender(r, m, out)) {
        return;
    }
    if (is_hypothetical(m)) {
        dispatch(r, m, out);
        return;
    }
    if (m->term > r->term && !adopt_higher_term(r, m, out)) {
        return;
    }
    if (m->term < r->term) {
        answer_lower_term(r, m, out);
        return;
    }
    dispatch(r, m, out);
}
