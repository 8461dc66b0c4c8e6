/*
 * What may happen in a state.
 *
 * Not in the list, since it adds nothing that others can tell: loss (a message
 * that is never delivered; when the bound on messages in flight needs room,
 * model_wire() tries every choice of what is lost), a node that stays down (it
 * behaves as one that has restarted and to which nothing happens), a pause.
 */
#include "model.h"

struct list {
    struct model_event *events;
    uint32_t count;
};

static void add(struct list *l, enum model_event_type type, uint32_t node,
                uint32_t peer, uint32_t arg)
{
    ASSERT(l->count < MODEL_EVENTS_MAX);
    struct model_event *e = &l->events[l->count++];
    e->type = (uint8_t)type;
    e->node = (uint8_t)node;
    e->peer = (uint8_t)peer;
    e->arg = (uint8_t)arg;
}

static void leader_events(const struct model *m, const struct model_state *s,
                          uint32_t i, struct list *l)
{
    const struct model_config *c = m->config;
    const struct raft *core = &s->cores[i];

    if (s->used.heartbeats < c->heartbeats) {
        add(l, MODEL_HEARTBEAT, i, 0, 0);
    }
    add(l, MODEL_QUORUM_LOSS, i, 0, 0);
    if (s->used.requests < c->requests && raft_can_propose(core)) {
        add(l, MODEL_PROPOSE, i, 0, 0);
    }
    for (uint32_t k = 0; k < MODEL_NODES; k++) {
        if (k == i) {
            continue;
        }
        if (s->used.transfers < c->transfers) {
            add(l, MODEL_TRANSFER, i, k, 0);
        }
        if (s->used.breaks < c->breaks) {
            add(l, MODEL_UNSENT, i, k, 0);
        }
    }
    if (core->transfer_to != NODE_NONE) {
        add(l, MODEL_TRANSFER_LATE, i, 0, 0);
    }
}

static void follower_events(const struct model *m, const struct model_state *s,
                            uint32_t i, struct list *l)
{
    /* In the last term there is nothing to campaign for; but it is by its
     * pre-vote that a leader may learn of a restarted follower. */
    bool may = s->cores[i].term < m->config->terms || m->config->live;

    for (uint32_t k = 0; k < MODEL_NODES && m->config->brief && may; k++) {
        if (k != i) {
            add(l, MODEL_ELECT, i, k, 0);
        }
    }
    if (may && !m->config->brief) {
        add(l, MODEL_TIMEOUT, i, 0, 0);
    }
    if (s->cores[i].reads_asked_count > 0) {
        add(l, MODEL_READ_EXPIRE, i, 0, 0);
    }
}

static void crash_events(const struct model *m, const struct model_state *s,
                         uint32_t i, struct list *l)
{
    uint32_t writes = s->check.nodes[i].write_count;

    if (s->used.crashes >= m->config->crashes) {
        return;
    }
    for (uint32_t kept = 0; kept <= writes; kept++) {
        add(l, MODEL_CRASH, i, 0, kept);
        if (m->config->applied && s->cores[i].commit > 0) {
            add(l, MODEL_CRASH, i, 1, kept);
        }
    }
}

static void node_events(const struct model *m, const struct model_state *s,
                        uint32_t i, struct list *l)
{
    const struct raft *core = &s->cores[i];

    if (core->role == RAFT_LEADER) {
        leader_events(m, s, i, l);
    } else {
        follower_events(m, s, i, l);
    }
    for (uint32_t k = 1; k <= s->check.nodes[i].write_count; k++) {
        add(l, MODEL_SYNC, i, 0, k);
    }
    crash_events(m, s, i, l);
    if (s->used.reads < m->config->reads && core->leader != NODE_NONE) {
        add(l, MODEL_READ, i, 0, 0);
    }
    for (uint32_t k = 0; k < MODEL_NODES; k++) {
        if (k != i && s->used.breaks < m->config->breaks) {
            add(l, MODEL_BREAK, i, k, 0);
        }
    }
}

static void message_events(const struct model *m, const struct model_state *s,
                           uint32_t i, struct list *l)
{
    const struct raft_message *msg = &s->wire[i];
    const struct raft *to = &s->cores[msg->to];
    bool vote = msg->type == RAFT_MSG_VOTE || msg->type == RAFT_MSG_PRE_VOTE;

    add(l, MODEL_DELIVER, msg->to, 0, i);
    if (vote && to->role != RAFT_LEADER && to->leader != NODE_NONE) {
        add(l, MODEL_DELIVER_STALE, msg->to, 0, i);
    }
    if (s->used.duplicates < m->config->duplicates) {
        add(l, MODEL_DUPLICATE, msg->to, 0, i);
    }
}

uint32_t model_events(const struct model *m, const struct model_state *s,
                      struct model_event *events)
{
    struct list l = {.events = events};

    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        node_events(m, s, i, &l);
    }
    for (uint32_t i = 0; i < s->wire_count; i++) {
        message_events(m, s, i, &l);
    }
    return l.count;
}
