/*
 * X4: who decides, and that those who decide one after the other meet.
 *
 * Every entry that changes the members is kept by term and index, which name
 * it. What a log makes of the members is looked up there, without the core:
 * the newest such entry in it, or those of the beginning. Majorities are
 * counted here anew.
 */
#include <string.h>

#include "check_internal.h"

static bool in_log(const struct check_log *log, const struct check_change *e)
{
    return e->index <= log->last && log->at[e->index].term == e->term;
}

void check_members(const struct check *c, const struct check_log *log,
                   struct raft_start *start)
{
    start->members[0] = c->members;
    start->members_at[0] = 0;
    start->members_count = 1;
    for (uint32_t i = 0; i < c->change_count; i++) {
        if (!in_log(log, &c->changes[i])) {
            continue;
        }
        if (start->members_count == RAFT_START_MEMBERS) {
            start->members[1] = start->members[2];
            start->members_at[1] = start->members_at[2];
            start->members_count--;
        }
        start->members[start->members_count] = c->changes[i].members;
        start->members_at[start->members_count++] = c->changes[i].index;
    }
}

const struct raft_members *check_members_of(const struct check *c,
                                            raft_index index, raft_index *at)
{
    const struct raft_members *members = &c->members;

    *at = 0;
    for (uint32_t i = 0; i < c->change_count; i++) {
        const struct check_change *e = &c->changes[i];
        if (e->index <= index && c->committed[e->index].term == e->term) {
            members = &e->members;
            *at = e->index;
        }
    }
    return members;
}

const struct check_change *check_change_in(const struct check *c,
                                           const struct raft_message *m)
{
    for (uint32_t i = 0; i < c->change_count; i++) {
        const struct check_change *e = &c->changes[i];
        uint32_t run = 0;
        while (run + 1 < m->run_count && m->runs[run + 1].first <= e->index) {
            run++;
        }
        if (e->index > m->index && e->index <= m->index + m->count &&
            m->runs[run].term == e->term) {
            return e;
        }
    }
    return NULL;
}

const struct raft_members *check_newest(const struct check *c,
                                        const struct check_log *log)
{
    const struct raft_members *newest = &c->members;

    for (uint32_t i = 0; i < c->change_count; i++) {
        if (in_log(log, &c->changes[i])) {
            newest = &c->changes[i].members;
        }
    }
    return newest;
}

/* Of those in the set, more than half are among the nodes of the bits. */
static bool is_majority(const struct check *c, const struct raft_members *m,
                        uint32_t set, uint32_t bits)
{
    uint32_t all = 0;
    uint32_t among = 0;

    for (uint32_t i = 0; i < m->count; i++) {
        if ((set >> i & 1) != 0) {
            all++;
            among += bits >> check_pos(c, m->ids[i]) & 1;
        }
    }
    return among > all / 2;
}

bool check_quorum(const struct check *c, const struct raft_members *m,
                  uint32_t bits)
{
    return is_majority(c, m, m->voters, bits) &&
           (m->outgoing == 0 || is_majority(c, m, m->outgoing, bits));
}

/* No quorum of the one leaves out a quorum of the other: by all subsets. */
static bool always_meet(const struct check *c, const struct raft_members *one,
                        const struct raft_members *other)
{
    uint32_t all = (UINT32_C(1) << c->count) - 1;

    for (uint32_t bits = 0; bits <= all; bits++) {
        if (check_quorum(c, one, bits) && check_quorum(c, other, all & ~bits)) {
            return false;
        }
    }
    return true;
}

static void insert(struct check *c, const struct check_change *e)
{
    uint32_t at = c->change_count++;

    while (at > 0 && (c->changes[at - 1].term > e->term ||
                      (c->changes[at - 1].term == e->term &&
                       c->changes[at - 1].index > e->index))) {
        memcpy(&c->changes[at], &c->changes[at - 1], sizeof(*e));
        at--;
    }
    memcpy(&c->changes[at], e, sizeof(*e));
}

/* An entry that its leader knew to be committed is committed. That it may know
 * nothing of those of earlier terms before one of its own is committed is not
 * asked for here: what comes of it has to show. */
void check_changed(struct check *c, const struct check_step *s)
{
    const struct raft_write *w = &s->out->write;
    const struct check_log *live = &c->nodes[s->pos].live;
    struct raft_start before = {0};
    struct check_change e;

    if (w->seq == 0 || !w->append_members) {
        return;
    }
    memset(&e, 0, sizeof(e)); /* the padding too: states are compared */
    e.term = w->append_term;
    e.index = w->append_last;
    e.members = s->after->members[RAFT_NEWEST];
    check_that(
        c,
        s->event->type == RAFT_EV_CONFIG && w->append_first == w->append_last &&
            memcmp(&e.members, s->event->members, sizeof(e.members)) == 0,
        "X4 members: a change that nobody asked for");
    check_that(c, c->change_count < CHECK_CHANGES_MAX,
               "limit: CHECK_CHANGES_MAX");
    if (c->violation != NULL) {
        return;
    }
    check_members(c, live, &before); /* this one is not in there yet */
    check_that(c, before.members_at[before.members_count - 1] <= c->commit,
               "X4 members: a change before the last one is committed");
    check_that(
        c,
        always_meet(c, &before.members[before.members_count - 1], &e.members),
        "X4 members: a quorum that does not meet one of the last");
    insert(c, &e);
}

static bool has_vote(const struct raft_members *m, node_id id)
{
    int pos = raft_members_position(m, id);

    return pos >= 0 && raft_members_votes(m, (uint32_t)pos);
}

/* R1, R4, R5: what the log says, and no more than that is known of it. */
void check_core_members(struct check *c, const struct check_step *s)
{
    const struct raft *a = s->after;
    struct raft_start log = {0};

    if (c->violation != NULL) {
        return;
    }
    check_members(c, &c->nodes[s->pos].live, &log);
    uint32_t newest = log.members_count - 1;
    bool open = log.members_at[newest] > a->commit;
    uint32_t base = open ? newest - 1 : newest;
    check_that(c,
               a->members_at[RAFT_NEWEST] == log.members_at[newest] &&
                   memcmp(&a->members[RAFT_NEWEST], &log.members[newest],
                          sizeof(log.members[0])) == 0,
               "X4 members: others than the newest in the log");
    check_that(c, log.members_at[base] <= a->commit,
               "X4 members: two changes that may not be committed");
    check_that(c,
               a->members_at[RAFT_BASE] == log.members_at[base] &&
                   memcmp(&a->members[RAFT_BASE], &log.members[base],
                          sizeof(log.members[0])) == 0,
               "X4 members: a base that is not the last known one");
    bool needed = has_vote(&log.members[newest], a->config.self) ||
                  (open && has_vote(&log.members[base], a->config.self));
    check_that(c,
               needed || a->role == RAFT_FOLLOWER ||
                   (a->role == RAFT_LEADER && open),
               "X4 members: asks for votes, or leads, without having one");
}
