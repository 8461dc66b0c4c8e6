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

/* Counter and bound of a kind of event; NULL: as often as one likes. */
static uint8_t *counter(const struct model_config *c, struct model_used *used,
                        enum model_event_type type, uint32_t *bound)
{
    switch (type) {
    case MODEL_HEARTBEAT:
        *bound = c->heartbeats;
        return c->heartbeats == MODEL_ANY ? NULL : &used->heartbeats;
    case MODEL_PROPOSE:
        *bound = c->requests;
        return &used->requests;
    case MODEL_CHANGE:
        *bound = c->changes;
        return &used->changes;
    case MODEL_CUT:
        *bound = c->cuts;
        return &used->cuts;
    case MODEL_RESTORE:
        *bound = c->restores;
        return c->restores == MODEL_ANY ? NULL : &used->restores;
    case MODEL_WIPE:
        *bound = c->wipes;
        return &used->wipes;
    case MODEL_CRASH:
        *bound = c->crashes;
        return &used->crashes;
    case MODEL_LOSE:
        *bound = c->disk_losses;
        return &used->disk_losses;
    case MODEL_BREAK:
    case MODEL_UNSENT:
        *bound = c->breaks;
        return &used->breaks;
    case MODEL_READ:
        *bound = c->reads;
        return &used->reads;
    case MODEL_TRANSFER:
        *bound = c->transfers;
        return &used->transfers;
    case MODEL_PAUSE:
        *bound = c->pauses;
        return &used->pauses;
    case MODEL_DUPLICATE:
        *bound = c->duplicates;
        return &used->duplicates;
    case MODEL_TIMEOUT:
    case MODEL_ELECT:
    case MODEL_QUORUM_LOSS:
    case MODEL_SWITCH:
    case MODEL_SYNC:
    case MODEL_READ_EXPIRE:
    case MODEL_TRANSFER_LATE:
    case MODEL_RESUME:
    case MODEL_DELIVER:
    case MODEL_DELIVER_STALE:
        break;
    }
    return NULL;
}

bool model_may(const struct model_config *config, const struct model_used *used,
               enum model_event_type type)
{
    struct model_used copy = *used;
    uint32_t bound = 0;
    const uint8_t *count = counter(config, &copy, type, &bound);

    return count == NULL || *count < bound;
}

bool model_may_lose(const struct model_config *config,
                    const struct model_used *used)
{
    return used->disk_losses < config->disk_losses || config->wipes > 0;
}

void model_use(const struct model_config *config, struct model_used *used,
               enum model_event_type type)
{
    uint32_t bound = 0;
    uint8_t *count = counter(config, used, type, &bound);

    if (count != NULL) {
        ASSERT(*count < bound);
        ++*count;
    }
}

static void pause_events(const struct raft *core, uint32_t i, uint32_t k,
                         struct list *l)
{
    int pos = raft_position(core, k);

    if (pos >= 0) {
        bool is_paused = core->progress[pos].paused;
        add(l, is_paused ? MODEL_RESUME : MODEL_PAUSE, i, k, 0);
    }
}

static void leader_events(const struct model_config *c, const struct raft *core,
                          uint32_t i, struct list *l)
{
    add(l, MODEL_HEARTBEAT, i, 0, 0);
    add(l, MODEL_QUORUM_LOSS, i, 0, 0);
    if (raft_can_propose(core)) {
        add(l, MODEL_PROPOSE, i, 0, 0);
    }
    for (uint32_t k = 0; k < MODEL_NODES; k++) {
        if (k == i) {
            continue;
        }
        if (c->transfers > 0) {
            add(l, MODEL_TRANSFER, i, k, 0);
        }
        if (c->breaks > 0) {
            add(l, MODEL_UNSENT, i, k, 0);
        }
        if (c->pauses > 0) {
            pause_events(core, i, k, l);
        }
    }
    if (core->transfer_to != NODE_NONE) {
        add(l, MODEL_TRANSFER_LATE, i, 0, 0);
    }
}

static void follower_events(const struct model_config *c,
                            const struct raft *core, uint32_t i, struct list *l)
{
    /* In the last term there is nothing to campaign for; but if nobody greets,
     * it is by its pre-vote that a leader may learn of a restarted follower. */
    bool may = core->term < c->terms || (c->live && !c->greet);

    uint32_t sets[1U << MODEL_NODES];
    uint32_t count = c->brief && may ? model_electors(core, sets) : 0;

    for (uint32_t k = 0; k < count; k++) {
        add(l, MODEL_ELECT, i, sets[k], 0);
    }
    if (may && !c->brief) {
        add(l, MODEL_TIMEOUT, i, 0, 0);
    }
    if (core->reads_asked_count > 0) {
        add(l, MODEL_READ_EXPIRE, i, 0, 0);
    }
}

static void crash_events(const struct model_config *c,
                         const struct model_state *s, uint32_t i,
                         struct list *l)
{
    uint32_t writes = s->check.nodes[i].write_count;

    for (uint32_t kept = 0; c->crashes > 0 && kept <= writes; kept++) {
        add(l, MODEL_CRASH, i, 0, kept);
        if (c->applied && s->cores[i].commit > 0) {
            add(l, MODEL_CRASH, i, 1, kept);
        }
    }
}

static void lose_events(const struct check_node *n, uint32_t i, struct list *l)
{
    raft_index last = n->disk.last;

    for (raft_index kept = 0; kept <= last; kept++) {
        add(l, MODEL_LOSE, i, MODEL_KEPT_NOTHING, (uint32_t)kept);
    }
    if (n->disk_term > n->disk.at[last].term) {
        add(l, MODEL_LOSE, i, MODEL_KEPT_TERM, (uint32_t)last);
    }
    if (n->disk_vote != NODE_NONE && last > 0) {
        add(l, MODEL_LOSE, i, MODEL_KEPT_VOTE, 0);
    }
}

/* A log is cut as far as what is committed is in the state on the disk, which
 * may be all of it. A state may come late, and with nothing new. */
static void snapshot_events(const struct model_config *c,
                            const struct model_state *s, uint32_t i,
                            struct list *l)
{
    const struct raft *core = &s->cores[i];
    bool quiet = s->check.nodes[i].write_count == 0;

    for (raft_index cut = core->first;
         c->cuts > 0 && quiet && cut <= core->commit; cut++) {
        add(l, MODEL_CUT, i, 0, (uint32_t)cut);
    }
    for (raft_index at = 1; c->restores > 0 && at <= CHECK_LOG_MAX; at++) {
        add(l, MODEL_RESTORE, i, 0, (uint32_t)at);
    }
}

uint32_t model_granted(const struct check *c)
{
    uint32_t granted = 0;

    for (uint32_t i = 0; i < c->change_count; i++) {
        const struct check_change *e = &c->changes[i];
        const struct raft_members *m = &e->members;
        bool committed =
            e->index <= c->commit && c->committed[e->index].term == e->term;
        for (uint32_t k = 0; k < m->count; k++) {
            granted |= (uint32_t)(committed && m->life[k] > 0) << m->ids[k];
        }
    }
    return granted;
}

bool model_is_there(const struct model_config *config, struct model_event e,
                    struct model_there there)
{
    if (e.type == MODEL_WIPE) {
        return config->blind || (there.granted >> e.node & 1) != 0;
    }
    return e.type != MODEL_RESTORE ||
           (e.arg <= there.commit && (!config->at_cuts || e.arg <= there.cut));
}

/* Whose disk is gone begins anew, as soon as it has a life to begin. */
static void life_events(const struct model_config *c,
                        const struct model_state *s, uint32_t i, struct list *l)
{
    const struct check_node *n = &s->check.nodes[i];
    raft_index most = c->copies ? n->disk.last : 0;

    for (raft_index last = 0;
         c->wipes > 0 && s->check.twin_of == 0 && last <= most; last++) {
        add(l, MODEL_WIPE, i, 0, (uint32_t)last);
    }
    if (s->check.twin_of == i + 1) {
        add(l, MODEL_SWITCH, i, 0, 0);
    }
}

uint32_t model_node_events(const struct model_config *config,
                           const struct model_state *s, uint32_t i,
                           struct model_event *events)
{
    const struct raft *core = &s->cores[i];
    struct list l = {.events = events};

    if (core->role == RAFT_LEADER) {
        leader_events(config, core, i, &l);
        if (config->changes > 0 && raft_can_change(core)) {
            l.count += model_changes(config, core, events + l.count);
        }
    } else {
        follower_events(config, core, i, &l);
    }
    for (uint32_t k = 1; k <= s->check.nodes[i].write_count; k++) {
        add(&l, MODEL_SYNC, i, 0, k);
    }
    snapshot_events(config, s, i, &l);
    life_events(config, s, i, &l);
    crash_events(config, s, i, &l);
    if (config->disk_losses > 0) {
        lose_events(&s->check.nodes[i], i, &l);
    }
    if (config->reads > 0 && core->leader != NODE_NONE) {
        add(&l, MODEL_READ, i, 0, 0);
    }
    for (uint32_t k = 0; k < MODEL_NODES; k++) {
        if (k != i && config->breaks > 0) {
            add(&l, MODEL_BREAK, i, k, 0);
        }
    }
    return l.count;
}

bool model_may_be_stale(const struct raft *to)
{
    return to->role != RAFT_LEADER && to->leader != NODE_NONE;
}

static void message_events(const struct model_state *s, uint32_t i,
                           struct list *l)
{
    const struct raft_message *msg = &s->wire[i];
    bool vote = msg->type == RAFT_MSG_VOTE || msg->type == RAFT_MSG_PRE_VOTE;

    add(l, MODEL_DELIVER, msg->to, 0, i);
    if (vote && model_may_be_stale(&s->cores[msg->to])) {
        add(l, MODEL_DELIVER_STALE, msg->to, 0, i);
    }
    add(l, MODEL_DUPLICATE, msg->to, 0, i);
}

uint32_t model_events(const struct model *m, const struct model_state *s,
                      struct model_event *events)
{
    struct list l = {.events = events};
    uint32_t kept = 0;
    struct model_there there = {.commit = s->check.commit,
                                .granted = model_granted(&s->check)};

    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        there.cut = MAX(there.cut, s->cores[i].first - 1);
        struct model_event own[MODEL_EVENTS_MAX];
        uint32_t count = model_node_events(m->config, s, i, own);
        for (uint32_t k = 0; k < count; k++) {
            add(&l, own[k].type, own[k].node, own[k].peer, own[k].arg);
        }
    }
    for (uint32_t i = 0; i < s->wire_count; i++) {
        message_events(s, i, &l);
    }
    for (uint32_t i = 0; i < l.count; i++) {
        if (model_may(m->config, &s->used, events[i].type) &&
            model_is_there(m->config, events[i], there)) {
            events[kept++] = events[i];
        }
    }
    return kept;
}
