/*
 * Images of the disks, and what one step does to log, role and commit index.
 *
 * How it works: every raft_write is done to `live` at once and queued; a sync
 * moves it to `disk`. A leader's election copies its log into logs[term]; what
 * it appends extends that copy. Whatever anybody else appends is looked up
 * there. A leader's commit is recomputed from the disks of all.
 */
#include "check.h"

#include <string.h>

#include "base/rng.h"
#include "check_internal.h"

uint64_t check_hash(uint64_t before, raft_term term, uint64_t payload)
{
    uint64_t state = before + term * UINT64_C(0x9e3779b97f4a7c15) +
                     payload * UINT64_C(0xc2b2ae3d27d4eb4f);
    return rng_next(&state);
}

static void no_votes(node_id *votes)
{
    for (raft_term t = 0; t < CHECK_TERMS_MAX; t++) {
        votes[t] = NODE_NONE;
    }
}

void check_init(struct check *c, const node_id *ids, uint32_t count)
{
    ASSERT(count > 0 && count <= RAFT_NODES_MAX);
    memset(c, 0, sizeof(*c));
    c->count = count;
    memcpy(c->ids, ids, count * sizeof(ids[0]));
    raft_members_of(&c->members, ids, count);
    for (uint32_t i = 0; i < RAFT_NODES_MAX; i++) {
        c->nodes[i].disk_vote = NODE_NONE;
        no_votes(c->votes[i]);
    }
    no_votes(c->twin_votes);
    c->twin.disk_vote = NODE_NONE;
}

/* Compares the newest `count` entries. */
static bool same_log(const struct raft *core, const struct check_log *log,
                     raft_index count)
{
    raft_term term = 0;

    if (core->last != log->last) {
        return false;
    }
    raft_index from = core->last - MIN(core->last, count) + 1;
    for (raft_index i = MAX(core->first, from); i <= core->last; i++) {
        if (!raft_runs_term(core, i, &term) || term != log->at[i].term) {
            return false;
        }
    }
    return true;
}

void check_start(struct check *c, uint32_t pos, const struct raft *core)
{
    struct check_node *n = &c->nodes[pos];

    ASSERT(pos < c->count);
    check_that(c, core->config.incarnation > n->incarnation,
               "X5 incarnation: a start without a new one");
    n->incarnation = core->config.incarnation;
    check_that(c, core->term == n->disk_term && core->vote == n->disk_vote,
               "X2 recovery: term or vote are not those of the disk");
    check_that(c, same_log(core, &n->disk, CHECK_LOG_MAX),
               "X2 recovery: the log is not that of the disk");
    check_that(c, core->recovering == n->disk_recovering,
               "X13 corruption: a start that forgets what was lost");
    check_that(c, core->role == RAFT_FOLLOWER,
               "X2 recovery: started in another role than follower");
    check_that(
        c,
        core->commit <= c->commit &&
            check_has(&n->disk, core->commit, c->committed[core->commit].hash),
        "I13 commit: starts with a commit index nobody reached");
    n->live = n->disk;
    n->write_count = 0;
    n->applied = MIN(n->applied, core->commit);
}

void check_state_found(struct check *c, uint32_t pos, raft_index applied)
{
    ASSERT(pos < c->count);
    c->nodes[pos].applied = MIN(c->nodes[pos].applied, applied);
}

/* Does a write to an image. */
static void do_write(const struct check *c, struct check_log *log,
                     const struct check_write *w)
{
    check_restore(c, log, w);
    if (w->truncate_from > 0) {
        log->last = MIN(log->last, w->truncate_from - 1);
    }
    for (raft_index i = w->append_first; i > 0 && i <= w->append_last; i++) {
        log->at[i] = w->entries[i - w->append_first];
        log->last = i;
    }
}

static void sync_one(const struct check *c, struct check_node *n)
{
    const struct check_write *w = &n->writes[0];

    ASSERT(n->write_count > 0);
    if (w->hard_state) {
        n->disk_term = w->term;
        n->disk_vote = w->vote;
    }
    n->disk_recovering = n->disk_recovering && !w->recovered;
    do_write(c, &n->disk, w);
    n->write_count--;
    memmove(n->writes, n->writes + 1, n->write_count * sizeof(n->writes[0]));
    memset(&n->writes[n->write_count], 0, sizeof(n->writes[0]));
}

void check_synced(struct check *c, uint32_t pos, uint32_t count)
{
    struct check_node *n = &c->nodes[pos];

    ASSERT(count <= n->write_count);
    for (uint32_t i = 0; i < count; i++) {
        sync_one(c, n);
    }
}

void check_crash(struct check *c, uint32_t pos, uint32_t kept)
{
    struct check_node *n = &c->nodes[pos];

    check_synced(c, pos, kept);
    memset(n->writes, 0, n->write_count * sizeof(n->writes[0]));
    n->write_count = 0;
}

void check_lost(struct check *c, uint32_t pos, raft_term term, node_id vote,
                raft_index last)
{
    struct check_node *n = &c->nodes[pos];

    bool own =
        vote == NODE_NONE || (vote == n->disk_vote && term == n->disk_term);
    check_that(c, own && term <= n->disk_term && last <= n->disk.last,
               "X2 recovery: a disk that has more than was written");
    if (c->violation != NULL) {
        return;
    }
    if (!n->disk_recovering) {
        n->lost = n->disk;
    }
    for (raft_term t = 0; t < CHECK_TERMS_MAX; t++) {
        if (c->votes[pos][t] != NODE_NONE) {
            c->votes_lost[pos][t] = (uint64_t)c->votes[pos][t] + 1;
            c->votes[pos][t] = NODE_NONE;
        }
    }
    n->lost_in = n->incarnation;
    n->disk.last = last;
    n->disk_term = term;
    n->disk_vote = vote;
    n->disk_recovering = true;
}

void check_wiped(struct check *c, uint32_t pos, raft_index last, bool knows)
{
    struct check_node *n = &c->nodes[pos];
    uint64_t lost_in = n->incarnation;

    ASSERT(c->twin_of == 0 && pos < c->count);
    ASSERT(last <= n->disk.last && n->disk.cut == 0);
    c->twin_of = pos + 1;
    c->twin = *n;
    memcpy(c->twin_votes, c->votes[pos], sizeof(c->twin_votes));
    memset(n, 0, sizeof(*n));
    memcpy(n->disk.at, c->twin.disk.at, (last + 1) * sizeof(n->disk.at[0]));
    no_votes(c->votes[pos]);
    n->disk.last = last;
    n->disk_term = n->disk.at[last].term;
    n->disk_vote = NODE_NONE;
    n->disk_recovering = knows;
    n->lost_in = lost_in;
}

void check_swap(struct check *c)
{
    ASSERT(c->twin_of > 0);
    uint64_t pos = c->twin_of - 1;
    struct check_node *n = &c->nodes[pos];

    /* In place, as they are large. */
    for (size_t i = 0; i < sizeof(*n); i++) {
        uint8_t byte = ((uint8_t *)n)[i];
        ((uint8_t *)n)[i] = ((uint8_t *)&c->twin)[i];
        ((uint8_t *)&c->twin)[i] = byte;
    }
    for (raft_term t = 0; t < CHECK_TERMS_MAX; t++) {
        node_id vote = c->votes[pos][t];
        c->votes[pos][t] = c->twin_votes[t];
        c->twin_votes[t] = vote;
    }
}

void check_applied(struct check *c, uint32_t pos, raft_index index)
{
    struct check_node *n = &c->nodes[pos];

    check_that(c, index == n->applied + 1,
               "I16 apply order: an index left out or repeated");
    check_that(c, index <= c->commit,
               "I16 apply order: applied before it is committed");
    if (c->violation == NULL) {
        check_that(c, check_has(&n->live, index, c->committed[index].hash),
                   "I15 state machine safety: applied another entry");
        n->applied = index;
    }
}

/* The leader of its term adds an entry. */
static void create(struct check *c, uint32_t pos, raft_index index,
                   const struct check_entry *e)
{
    struct check_leader *l = &c->logs[e->term];

    check_that(c, l->known && l->pos == pos,
               "I8 provenance: an entry made by one who does not lead");
    check_that(c, index == l->last + 1,
               "I9 leader append-only: an entry in place of another");
    if (c->violation == NULL) {
        l->last = index;
        l->hash[index] = e->hash;
    }
}

/* Somebody else's entry. */
static void copied(struct check *c, raft_index index,
                   const struct check_entry *e)
{
    const struct check_leader *l = &c->logs[e->term];

    check_that(c, l->known && index >= l->start && index <= l->last,
               "I8 provenance: an entry that no leader made");
    check_that(c, c->violation != NULL || l->hash[index] == e->hash,
               "I7 log matching: same index and term, another prefix");
}

/* The entries that the step's write appends, into w. */
static void append(struct check *c, const struct check_step *s,
                   struct check_write *w)
{
    const struct raft_write *write = &s->out->write;
    struct check_log *live = &c->nodes[s->pos].live;

    check_that(c,
               w->append_first == live->last + 1 &&
                   w->append_last >= w->append_first,
               "I6 shape of logs: appended with a gap or an overlap");
    check_that(c,
               w->append_last <= CHECK_LOG_MAX &&
                   w->append_last - w->append_first < CHECK_CHUNK_MAX,
               "limit: CHECK_LOG_MAX or CHECK_CHUNK_MAX");
    for (raft_index i = w->append_first;
         c->violation == NULL && i <= w->append_last; i++) {
        raft_index at = i - w->append_first;
        struct check_entry *e = &w->entries[at];
        uint64_t payload = s->payloads != NULL ? s->payloads[at] : 0;
        bool known = raft_runs_term(s->after, i, &e->term);

        check_that(c, known && e->term >= live->at[i - 1].term && e->term > 0,
                   "I6 shape of logs: terms fall");
        if (c->violation != NULL || !check_fits(c, e->term)) {
            return;
        }
        e->hash = check_hash(live->at[i - 1].hash, e->term, payload);
        if (write->append_term != 0) {
            check_that(c, write->append_term == e->term,
                       "I9 leader append-only: written with another term");
            create(c, s->pos, i, e);
        } else {
            copied(c, i, e);
        }
        live->at[i] = *e;
        live->last = i;
    }
}

static void truncate(struct check *c, const struct check_step *s,
                     raft_index from)
{
    struct check_log *live = &c->nodes[s->pos].live;

    check_that(c, from > 0 && from <= live->last,
               "I6 shape of logs: truncates what is not there");
    check_that(c,
               s->before->role != RAFT_LEADER || s->after->role != RAFT_LEADER,
               "I9 leader append-only: a leader truncates its log");
    check_that(c, from > s->before->commit,
               "I15 state machine safety: truncates what it committed");
    if (c->violation == NULL) {
        check_that(c,
                   from > c->commit ||
                       live->at[from].hash != c->committed[from].hash,
                   "I15 state machine safety: truncates a committed entry");
        live->last = from - 1;
    }
}

/* The step's write: hard state, truncation, entries. */
static void written(struct check *c, const struct check_step *s)
{
    const struct raft_write *write = &s->out->write;
    struct check_node *n = &c->nodes[s->pos];

    if (write->seq == 0) {
        return;
    }
    check_that(c, n->write_count < CHECK_WRITES_MAX, "limit: CHECK_WRITES_MAX");
    if (c->violation != NULL) {
        return;
    }
    struct check_write *w = &n->writes[n->write_count++];
    w->hard_state = write->hard_state;
    w->term = write->term;
    w->vote = write->vote;
    w->truncate_from = write->truncate_from;
    w->recovered = write->recovered;
    w->restore_index = write->restore_index;
    w->restore_keeps_log = write->restore_keeps_log;
    if (w->restore_index > 0) {
        check_restored(c, s);
        check_restore(c, &n->live, w);
    }
    w->append_first = write->append_first;
    w->append_last = write->append_last;
    if (w->truncate_from > 0) {
        truncate(c, s, w->truncate_from);
    }
    if (w->append_first > 0) {
        append(c, s, w);
    }
}

/* I2, I5: term and vote. */
static void terms(struct check *c, const struct check_step *s)
{
    const struct raft *b = s->before;
    const struct raft *a = s->after;
    const struct raft_write *w = &s->out->write;

    check_that(c, a->term >= b->term, "I5 terms: a term fell");
    check_that(c,
               a->term > b->term || b->vote == NODE_NONE || a->vote == b->vote,
               "I2 one vote: changed within a term");
    bool changed = a->term != b->term || a->vote != b->vote;
    check_that(c,
               !changed ||
                   (w->hard_state && w->term == a->term && w->vote == a->vote),
               "X1 durability: term or vote changed without a write");
    check_that(c, !w->hard_state || (w->term == a->term && w->vote == a->vote),
               "X2 recovery: what is written is not term and vote");
}

/* Has node i said, ever, that it votes for this one in its term? */
static bool gave_vote(const struct check *c, uint32_t i,
                      const struct raft *core)
{
    return c->votes[i][core->term] == core->config.self ||
           c->votes_lost[i][core->term] == (uint64_t)core->config.self + 1 ||
           (c->twin_of == i + 1 &&
            c->twin_votes[core->term] == core->config.self);
}

/* Bits by position. */
static uint32_t votes_for(const struct check *c, const struct raft *core,
                          uint32_t pos)
{
    const struct check_node *own = &c->nodes[pos];
    uint32_t votes = 0;

    for (uint32_t i = 0; i < c->count; i++) {
        bool self = i == pos && own->disk_term == core->term &&
                    own->disk_vote == core->config.self;
        votes |= (uint32_t)(self || gave_vote(c, i, core)) << i;
    }
    return votes;
}

/* The largest index that was committed in a term before this one. */
static raft_index committed_before(const struct check *c, raft_term term)
{
    raft_index index = c->commit;

    while (index > 0 && c->committed_in[index] >= term) {
        index--;
    }
    return index;
}

/* I1, I3, I5, I14: a new leader. */
static void elected(struct check *c, const struct check_step *s)
{
    const struct raft *a = s->after;
    const struct check_log *live = &c->nodes[s->pos].live;
    struct check_leader *l = &c->logs[a->term];
    raft_index commit = committed_before(c, a->term);

    check_that(c, !l->known, "I1 election safety: two leaders in one term");
    check_that(c,
               check_quorum(c, check_newest(c, live), votes_for(c, a, s->pos)),
               "I3 votes are real: leads without a majority's votes");
    check_that(c, check_has(live, commit, c->committed[commit].hash),
               "I14 leader completeness: a leader lacks what is committed");
    check_that(c, live->at[live->last].term < a->term,
               "I5 terms: elected in a term its log has already");
    l->known = true;
    l->pos = s->pos;
    l->start = live->last + 1;
    l->last = live->last;
    for (raft_index i = 0; i <= live->last; i++) {
        l->hash[i] = live->at[i].hash;
    }
}

/* I3, I5: counting. */
static void roles(struct check *c, const struct check_step *s)
{
    const struct raft *a = s->after;
    const struct raft *b = s->before;
    const struct check_log *live = &c->nodes[s->pos].live;

    if (a->role == RAFT_LEADER &&
        (b->role != RAFT_LEADER || b->term != a->term)) {
        elected(c, s);
    }
    if (a->role == RAFT_CANDIDATE) {
        check_that(c, a->vote == a->config.self,
                   "I2 one vote: a candidate that voted for another");
        check_that(c, live->at[live->last].term < a->term,
                   "I5 terms: a candidate whose log has its term");
    }
    for (uint32_t i = 0; i < c->count && a->role == RAFT_CANDIDATE; i++) {
        int at = raft_position(a, c->ids[i]);
        bool counted = at >= 0 && (a->votes_granted >> at & 1) != 0;
        check_that(c, !counted || i == s->pos || gave_vote(c, i, a),
                   "I3 votes are real: counted a vote nobody gave");
    }
}

static bool disk_with(const struct check_node *n, raft_index index,
                      uint64_t hash)
{
    return check_has(n->disk_recovering ? &n->lost : &n->disk, index, hash);
}

/* Bits by position. Which self of a node counts, is for the core to know. */
static uint32_t disks_with(const struct check *c, raft_index index,
                           uint64_t hash)
{
    uint32_t disks = 0;

    for (uint32_t i = 0; i < c->count; i++) {
        bool has = disk_with(&c->nodes[i], index, hash) ||
                   (c->twin_of == i + 1 && disk_with(&c->twin, index, hash));
        disks |= (uint32_t)has << i;
    }
    return disks;
}

/* A leader's commit: by the disks of all. */
static void commit_by_leader(struct check *c, const struct check_step *s)
{
    const struct check_log *live = &c->nodes[s->pos].live;
    raft_index commit = s->after->commit;

    check_that(c, live->at[commit].term == s->after->term,
               "I13 commit: an entry of an earlier term, by counting");
    check_that(c,
               check_quorum(c, check_newest(c, live),
                            disks_with(c, commit, live->at[commit].hash)),
               "I13 commit: not on a majority of disks");
    for (raft_index i = c->commit + 1; i <= commit; i++) {
        c->committed[i] = live->at[i];
        c->committed_in[i] = s->after->term;
    }
    c->commit = commit;
}

static void commits(struct check *c, const struct check_step *s)
{
    const struct check_log *live = &c->nodes[s->pos].live;
    raft_index before = s->before->commit;
    raft_index commit = s->after->commit;

    check_that(c, commit >= before, "I13 commit: a commit index fell");
    check_that(c, commit <= live->last, "I13 commit: beyond the log");
    if (commit == before || c->violation != NULL) {
        return;
    }
    /* One that is no member any more steps down when that is committed. */
    bool leads =
        s->after->role == RAFT_LEADER ||
        (s->before->role == RAFT_LEADER && s->before->term == s->after->term);
    if (leads && commit > c->commit) {
        commit_by_leader(c, s);
    }
    check_that(c, commit <= c->commit,
               "I13 commit: follows nobody who committed it");
    for (raft_index i = before + 1; c->violation == NULL && i <= commit; i++) {
        check_that(c, live->at[i].hash == c->committed[i].hash,
                   "I15 state machine safety: commits another entry");
    }
}

/* I6, I11, I13: the core's view of its own log, and of its own disk. */
static void own_log(struct check *c, const struct check_step *s)
{
    const struct raft *a = s->after;
    const struct check_node *n = &c->nodes[s->pos];

    check_that(c, same_log(a, &n->live, CHECK_TAIL_MAX),
               "I6 shape of logs: core and writes differ");
    check_that(c, n->live.at[n->live.last].term <= a->term,
               "I5 terms: an entry above its holder's term");
    check_that(c, a->durable <= a->last && a->commit <= a->last,
               "I13 commit: beyond the log");
    check_that(c,
               c->violation != NULL || check_restoring(n) ||
                   check_has(&n->disk, a->durable, n->live.at[a->durable].hash),
               "X1 durability: believes durable what is not");
    check_that(c, a->first <= a->commit + 1,
               "X3 snapshot: the log was cut beyond the commit index");
}

/* X6: reads. */
static void reads(struct check *c, const struct check_step *s)
{
    if (s->event->type == RAFT_EV_READ) {
        check_that(c, s->event->read_id < CHECK_READS_MAX,
                   "limit: CHECK_READS_MAX");
        if (c->violation == NULL) {
            c->reads[s->event->read_id] = c->commit + 1;
        }
    }
    for (uint32_t i = 0; c->violation == NULL && i < s->out->reads_lost_count;
         i++) {
        c->reads[s->out->reads_lost[i]] = 0;
    }
    for (uint32_t i = 0; c->violation == NULL && i < s->out->read_count; i++) {
        const struct raft_read *read = &s->out->reads[i];
        raft_index *asked = &c->reads[read->read_id];
        check_that(c, *asked > 0, "X6 reads: answered one that nobody asked");
        check_that(c, read->index + 1 >= *asked,
                   "X6 reads: older than what was committed when it began");
        *asked = 0;
    }
}

/* X8: check-quorum. */
static void quorum_contact(struct check *c, const struct check_step *s)
{
    const struct raft *b = s->before;
    uint32_t heard = 1U << s->pos;

    if (s->event->type != RAFT_EV_TICK || b->role != RAFT_LEADER) {
        return;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        const struct raft_progress *p = check_progress(c, b, i);
        bool now = p != NULL && s->after->now_ms - p->heard_ms <
                                    b->config.election_timeout_ms;
        heard |= (uint32_t)(i != s->pos && now) << i;
    }
    const struct raft_members *members =
        check_newest(c, &c->nodes[s->pos].live);
    check_that(c,
               check_quorum(c, members, heard) || s->after->role != RAFT_LEADER,
               "X8 check-quorum: leads without contact to a majority");
}

void check_step(struct check *c, const struct check_step *s)
{
    ASSERT(s->pos < c->count);
    ASSERT(s->before != NULL && s->after != NULL && s->out != NULL);
    if (!check_fits(c, s->after->term)) {
        return;
    }
    terms(c, s);
    roles(c, s);
    if (c->violation == NULL) {
        written(c, s);
    }
    if (c->violation == NULL) {
        check_changed(c, s);
        check_beginning(c, s);
        own_log(c, s);
        check_core_members(c, s);
        commits(c, s);
        quorum_contact(c, s);
    }
    if (c->violation == NULL && s->event->type == RAFT_EV_MESSAGE) {
        check_received(c, s);
    }
    for (uint32_t i = 0; c->violation == NULL && i < s->out->message_count;
         i++) {
        check_sent(c, s, &s->out->messages[i]);
    }
    reads(c, s);
}

/* I11: what a leader believes of another is on that one's disk, unless that
 * one has gone on to a later term. */
static void believes(struct check *c, const struct raft *leader, uint32_t pos,
                     uint32_t other)
{
    const struct raft_progress *p = check_progress(c, leader, other);
    const struct check_log *own = &c->nodes[pos].live;
    const struct check_node *n = &c->nodes[other];

    if (p == NULL) {
        return;
    }
    if (c->twin_of == other + 1 && p->incarnation == c->twin.incarnation) {
        n = &c->twin;
    }
    check_that(c,
               p->match <= leader->last && p->match < p->next &&
                   p->next <= leader->last + 1,
               "I11 acks are true: match < next <= last + 1 is broken");
    if (c->violation != NULL || n->disk_term > leader->term ||
        n->incarnation < p->incarnation ||
        (n->lost_in > 0 && p->incarnation <= n->lost_in)) {
        return;
    }
    check_that(c, check_has(&n->disk, p->match, own->at[p->match].hash),
               "I11 acks are true: a leader's match is not on that disk");
}

void check_cluster(struct check *c, const struct raft *const cores[])
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (cores[i] == NULL || cores[i]->role != RAFT_LEADER) {
            continue;
        }
        for (uint32_t k = 0; k < c->count && c->violation == NULL; k++) {
            if (k != i) {
                believes(c, cores[i], i, k);
            }
        }
    }
}
