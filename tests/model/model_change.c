/*
 * Members that change: which changes there are, by roles only, never by names,
 * so that names stay interchangeable; whom a candidate needs.
 */
#include "model.h"

#include <string.h>

bool model_votes(const struct raft_members *m, node_id id)
{
    int pos = raft_members_position(m, id);

    return pos >= 0 && raft_members_votes(m, (uint32_t)pos);
}

static bool is_learner(const struct raft_members *m, node_id id)
{
    return raft_members_position(m, id) >= 0 && !model_votes(m, id);
}

static void add(struct model_event *events, uint32_t *count,
                struct model_event e, uint32_t one, uint32_t other)
{
    e.arg = (uint8_t)(16 * one + other);
    events[(*count)++] = e;
}

uint32_t model_changes(const struct model_config *config,
                       const struct raft *core, struct model_event *events)
{
    const struct raft_members *m = &core->members[RAFT_NEWEST];
    struct model_event e = {.type = MODEL_CHANGE,
                            .node = (uint8_t)core->config.self};
    uint32_t count = 0;

    if (m->outgoing != 0) {
        e.peer = MODEL_LEAVE;
        add(events, &count, e, 0, 0);
        return count;
    }
    for (uint32_t one = 0; one < MODEL_NODES; one++) {
        if (!model_votes(m, one)) {
            continue;
        }
        e.peer = MODEL_REMOVE;
        if ((config->kinds & MODEL_REMOVE) != 0 && m->voters != 1) {
            add(events, &count, e, one, 0);
        }
        e.peer = MODEL_DEMOTE;
        if ((config->kinds & MODEL_DEMOTE) != 0 && m->voters != 1) {
            add(events, &count, e, one, 0);
        }
        e.peer = MODEL_GRANT;
        if ((config->kinds & MODEL_GRANT) != 0 && one != core->config.self) {
            add(events, &count, e, one, 0);
        }
        e.peer = MODEL_SWAP;
        for (uint32_t other = 0; other < MODEL_NODES; other++) {
            if ((config->kinds & MODEL_SWAP) != 0 && is_learner(m, other)) {
                add(events, &count, e, one, other);
            }
        }
    }
    return count;
}

static uint32_t bit_of(const struct raft_members *m, node_id id)
{
    int pos = raft_members_position(m, id);

    return pos < 0 ? 0 : 1U << pos;
}

/* Those among the former members that stay, with the voters in `voters`. */
static void keep(const struct raft_members *from, uint32_t stay,
                 uint32_t voters, struct raft_members *to)
{
    memset(to, 0, sizeof(*to));
    for (uint32_t i = 0; i < from->count; i++) {
        if ((stay >> i & 1) != 0) {
            to->voters |= (voters >> i & 1) << to->count;
            to->life[to->count] = from->life[i];
            to->ids[to->count++] = from->ids[i];
        }
    }
}

void model_change_members(const struct raft *core, struct model_event e,
                          struct raft_members *members)
{
    const struct raft_members *m = &core->members[RAFT_NEWEST];
    uint32_t one = bit_of(m, e.arg / 16);
    uint32_t other = bit_of(m, e.arg % 16);
    uint32_t all = (1U << m->count) - 1;

    switch ((enum model_change)e.peer) {
    case MODEL_LEAVE:
        keep(m, all & ~(m->outgoing & ~m->voters), m->voters, members);
        break;
    case MODEL_REMOVE:
        keep(m, all & ~one, m->voters, members);
        break;
    case MODEL_SWAP:
        keep(m, all, (m->voters & ~one) | other, members);
        members->outgoing = m->voters;
        break;
    case MODEL_GRANT:
        keep(m, all, m->voters, members);
        members->life[raft_members_position(m, e.arg / 16)]++;
        break;
    case MODEL_DEMOTE:
        keep(m, all, m->voters & ~one, members);
        members->outgoing = m->voters;
        break;
    }
}

uint32_t model_electors(const struct raft *core, uint32_t *sets)
{
    const struct raft_members *m = &core->members[RAFT_NEWEST];
    bool open = core->members_at[RAFT_NEWEST] > core->commit;
    uint32_t count = 0;

    if (!model_votes(m, core->config.self) &&
        !(open && model_votes(&core->members[RAFT_BASE], core->config.self))) {
        return 0;
    }
    for (uint32_t ids = 0; ids < 1U << MODEL_NODES; ids++) {
        uint32_t bits = bit_of(m, core->config.self);
        bool needed = (ids >> core->config.self & 1) == 0;
        for (uint32_t id = 0; id < MODEL_NODES; id++) {
            bits |= (ids >> id & 1) != 0 ? bit_of(m, id) : 0;
            needed = needed && ((ids >> id & 1) == 0 || model_votes(m, id));
        }
        for (uint32_t id = 0; id < MODEL_NODES; id++) {
            if ((ids >> id & 1) != 0 &&
                raft_members_quorum(m, bits & ~bit_of(m, id))) {
                needed = false;
            }
        }
        if (needed && raft_members_quorum(m, bits)) {
            sets[count++] = ids;
        }
    }
    return count;
}

/* Runs of entries from `first` on, or up to there. */
static void cut_runs(struct raft_message *m, raft_index first, bool up_to)
{
    uint32_t kept = 0;
    struct raft_run runs[RAFT_MESSAGE_RUNS_MAX] = {{0}};

    for (uint32_t i = 0; i < m->run_count; i++) {
        raft_index end = i + 1 < m->run_count ? m->runs[i + 1].first - 1
                                              : m->index + m->count;
        if (up_to ? m->runs[i].first < first : end >= first) {
            runs[kept].term = m->runs[i].term;
            runs[kept++].first =
                up_to ? m->runs[i].first : MAX(m->runs[i].first, first);
        }
    }
    memcpy(m->runs, runs, sizeof(runs));
    m->run_count = kept;
}

bool model_split(const struct check *c, struct raft_message *rest,
                 struct raft_message *part)
{
    raft_index last = rest->index + rest->count;

    if (rest->type != RAFT_MSG_APPEND) {
        return false;
    }
    const struct check_change *change = check_change_in(c, rest);
    *part = *rest;
    if (change != NULL) {
        part->index = change->index;
        part->count = (uint32_t)(last - change->index);
        cut_runs(part, change->index + 1, false);
    }
    if (change == NULL || check_change_in(c, part) == NULL) {
        return false;
    }
    part->index_term = change->term;
    struct raft_message behind = *part;
    *part = *rest;
    part->count = (uint32_t)(change->index - rest->index);
    cut_runs(part, change->index + 1, true);
    *rest = behind;
    return true;
}
