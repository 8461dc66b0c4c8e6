/*
 * Messages that are of no use any more.
 *
 * Most states differ only in what still lies in flight from elections long
 * decided. Such a message is left out if two things hold: by the rules below
 * it can never have an effect on a correct core, and this core, handed it now,
 * really does nothing. The second makes it safe to try faulty cores, too: the
 * message stays as long as it could do harm.
 *
 * An answer that only tells an old sender of a term it has reached does not
 * count as an effect.
 */
#include <string.h>

#include "model.h"

/* Nobody waits for the outcome of this request any more. */
static bool sender_moved(const struct model_state *s,
                         const struct raft_message *m)
{
    const struct raft *from = &s->cores[m->from];

    return from->config.incarnation != m->from_incarnation ||
           from->term > m->term || from->role != RAFT_CANDIDATE;
}

static bool vote_is_dead(const struct model_state *s,
                         const struct raft_message *m)
{
    const struct check_node *to = &s->check.nodes[m->to];

    if (to->disk_term == m->term && to->disk_vote != NODE_NONE) {
        return to->disk_vote != m->from || sender_moved(s, m);
    }
    return to->disk_term > m->term && sender_moved(s, m);
}

static bool dead_by_rule(const struct model_state *s,
                         const struct raft_message *m)
{
    const struct raft *to = &s->cores[m->to];
    raft_term durable = s->check.nodes[m->to].disk_term;
    bool told = s->check.nodes[m->from].disk_term >= to->term;

    if (m->to_incarnation != 0 && m->to_incarnation != to->config.incarnation) {
        return true;
    }
    int from = raft_position(to, m->from);
    if (m->to_incarnation != 0 && from >= 0 &&
        m->from_incarnation < to->progress[from].incarnation) {
        return true; /* of an earlier start, as this start of `to` knows */
    }
    switch (m->type) {
    case RAFT_MSG_VOTE:
        return vote_is_dead(s, m) && told;
    case RAFT_MSG_VOTE_REPLY:
        return m->term <= durable && (!m->granted || m->term < to->term ||
                                      to->role != RAFT_CANDIDATE);
    case RAFT_MSG_APPEND:
    case RAFT_MSG_HEARTBEAT:
        return m->term < durable && told;
    case RAFT_MSG_APPEND_REPLY:
    case RAFT_MSG_HEARTBEAT_REPLY:
        return m->term <= durable &&
               (m->term < to->term || to->role != RAFT_LEADER);
    case RAFT_MSG_PRE_VOTE:
        return m->term <= durable && told;
    case RAFT_MSG_PRE_VOTE_REPLY:
        return m->term <= durable;
    case RAFT_MSG_TIMEOUT_NOW:
    case RAFT_MSG_READ:
    case RAFT_MSG_READ_REPLY:
        return m->term < durable;
    case RAFT_MSG_TYPE_END:
        break;
    }
    return false;
}

/* Only that the asker's term is over, or that it does not get the vote. */
static bool says_nothing(const struct model_state *s,
                         const struct raft_message *m)
{
    return !m->granted && m->match == 0 && m->verified == 0 && m->round == 0 &&
           m->count == 0 && !m->rejected &&
           m->term <= s->check.nodes[m->to].disk_term;
}

uint32_t model_dead_sender(const struct model_state *s, uint32_t pos)
{
    const struct raft *from = &s->cores[pos];

    return 1U << 31 | (uint32_t)(from->config.incarnation & 255) << 16 |
           (uint32_t)(from->term & 15) << 8 |
           (uint32_t)(s->check.nodes[pos].disk_term & 15) << 4 |
           (from->role == RAFT_CANDIDATE);
}

bool model_dead(struct model *m, const struct raft_message *msg)
{
    const struct raft *core = &m->state.cores[msg->to];
    struct raft_event event = {
        .type = RAFT_EV_MESSAGE, .now_ms = core->now_ms, .message = msg};
    struct raft trial;
    const struct check_change *change = NULL;

    if (m->config->all || model_may_lose(m->config, &m->state.used) ||
        !dead_by_rule(&m->state, msg)) {
        return false;
    }
    memcpy(&trial, core, sizeof(trial));
    if (msg->type == RAFT_MSG_APPEND) {
        change = check_change_in(&m->state.check, msg);
    }
    if (change != NULL) {
        event.members = &change->members;
        event.members_at = change->index;
    }
    if (!model_step_core(m, &trial, &event, &m->dead_out)) {
        m->violation = NULL; /* it will show when it is delivered */
        return false;
    }
    for (uint32_t i = 0; i < m->dead_out.message_count; i++) {
        const struct raft_message *answer = &m->dead_out.messages[i];
        if (answer->to != msg->from || !says_nothing(&m->state, answer)) {
            return false;
        }
    }
    return m->dead_out.write.seq == 0 &&
           memcmp(&trial, core, sizeof(trial)) == 0;
}
