/*
 * How it works: `live` follows every write of the core at once, `disk` when
 * the write is completed. A crash copies `disk` over `live`. Times are per
 * node; a step passes the node's own clock.
 */
#include "cluster.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "cluster_internal.h"

void cluster_fail(struct cluster *c, const char *format, ...)
{
    va_list args;

    if (c->failure[0] != '\0') {
        return;
    }
    va_start(args, format);
    vsnprintf(c->failure, sizeof(c->failure), format, args);
    va_end(args);
}

node_id cluster_id(const struct cluster *c, uint32_t pos)
{
    ASSERT(pos < c->count);
    return c->members.ids[pos];
}

static uint32_t pos_of(const struct cluster *c, node_id id)
{
    ASSERT(id - c->members.ids[0] < c->count);
    return id - c->members.ids[0];
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t state = a ^ (b * UINT64_C(0x9e3779b97f4a7c15));
    return rng_next(&state);
}

const struct raft_members *cluster_members(const struct cluster *c,
                                           const struct image *image,
                                           raft_index below, raft_index *at)
{
    for (raft_index i = MIN(below, image->last + 1); i-- > image->first;) {
        if (image->log[i].change > 0) {
            *at = i;
            return &c->changes[image->log[i].change - 1];
        }
    }
    *at = 0;
    return &c->members;
}

/* The newest in the log, and the one before. */
static void start_members(const struct cluster *c, const struct image *disk,
                          struct raft_start *s)
{
    raft_index at = 0;
    const struct raft_members *newest =
        cluster_members(c, disk, disk->last + 1, &at);

    s->members[0] = *newest;
    s->members_at[0] = at;
    s->members_count = 1;
    if (at == 0) {
        return;
    }
    s->members[1] = s->members[0];
    s->members_at[1] = at;
    s->members_count = 2;
    s->members[0] = *cluster_members(c, disk, at, &s->members_at[0]);
}

static void start(struct cluster *c, uint32_t pos, raft_index applied)
{
    struct node *n = &c->nodes[pos];
    struct raft_config config = c->config;
    static const struct raft_run no_runs[1];
    struct raft_run runs[CLUSTER_LOG_MAX];
    struct raft_start s = {.term = n->disk.term,
                           .vote = n->disk.vote,
                           .log_first = n->disk.first,
                           .log_last = n->disk.last,
                           .log_prev_term = n->disk.log[n->disk.first - 1].term,
                           .runs = no_runs};

    for (raft_index i = s.log_first; i <= s.log_last; i++) {
        raft_term term = n->disk.log[i].term;
        if (s.run_count == 0 || runs[s.run_count - 1].term != term) {
            runs[s.run_count].first = i;
            runs[s.run_count++].term = term;
        }
    }
    s.runs = runs;
    s.applied = MAX(applied, s.log_first - 1);
    s.recovering = n->disk.recovering;
    start_members(c, &n->disk, &s);
    n->incarnation++;
    config.self = cluster_id(c, pos);
    config.incarnation = n->incarnation;
    config.seed = mix(c->config.seed, pos * 1000 + n->incarnation);
    memcpy(&n->live, &n->disk, sizeof(n->live));
    n->write_count = 0;
    n->up = true;
    raft_init(&n->core, &config, &s, n->now_ms);
}

struct cluster *cluster_new(const struct raft_config *config, uint32_t count,
                            node_id first_id, int64_t now_ms)
{
    ASSERT(count > 0 && count <= RAFT_NODES_MAX);
    struct cluster *c = mem_zalloc(sizeof(*c));
    c->config = *config;
    c->count = count;
    node_id ids[RAFT_NODES_MAX];
    for (uint32_t i = 0; i < count; i++) {
        ids[i] = first_id + i;
    }
    raft_members_of(&c->members, ids, count);
    for (uint32_t i = 0; i < count; i++) {
        struct node *n = &c->nodes[i];
        n->now_ms = now_ms;
        n->disk.vote = NODE_NONE;
        n->disk.first = 1;
        start(c, i, 0);
    }
    return c;
}

void cluster_free(struct cluster *c)
{
    mem_free(c);
}

void cluster_write_log(struct cluster *c, uint32_t pos, const raft_term *terms,
                       uint32_t count)
{
    struct image *disk = &c->nodes[pos].disk;

    ASSERT(count <= CLUSTER_LOG_MAX);
    disk->first = 1;
    disk->last = count;
    for (uint32_t i = 1; i <= count; i++) {
        disk->log[i].term = terms[i - 1];
        disk->log[i].hash = mix(disk->log[i - 1].hash, terms[i - 1]);
    }
    memcpy(&c->nodes[pos].live, disk, sizeof(*disk));
    check_created(c, pos, 1);
}

/* Does to an image what a write says; entries are those it appends. */
static void apply_write(struct image *image, const struct raft_write *w,
                        const struct entry *entries)
{
    if (w->hard_state) {
        image->term = w->term;
        image->vote = w->vote;
    }
    image->recovering = image->recovering && !w->recovered;
    if (w->truncate_from > 0) {
        ASSERT(w->truncate_from <= image->last);
        ASSERT(w->truncate_from >= image->first);
        image->last = w->truncate_from - 1;
    }
    if (w->append_first > 0) {
        ASSERT(w->append_first == image->last + 1);
        ASSERT(w->append_last <= CLUSTER_LOG_MAX);
        for (raft_index i = w->append_first; i <= w->append_last; i++) {
            image->log[i] = entries[i - w->append_first];
        }
        image->last = w->append_last;
    }
}

/* The entries that a write appends: of the message, or new ones. */
static void make_entries(struct cluster *c, uint32_t pos,
                         const struct raft_write *w, const struct wire *wire,
                         struct entry *entries)
{
    struct image *live = &c->nodes[pos].live;
    raft_index count = w->append_last + 1 - w->append_first;
    raft_index before = w->append_first - 1;
    uint64_t hash = live->log[before].hash;

    ASSERT(count <= CLUSTER_CHUNK_MAX);
    for (raft_index i = 0; i < count; i++) {
        if (wire != NULL && w->append_term == 0) {
            entries[i] = wire->entries[before - wire->m.index + i];
            continue;
        }
        hash = mix(hash, mix(w->append_term, ++c->ghost.payload));
        entries[i].term = w->append_term;
        entries[i].hash = hash;
        entries[i].change = w->append_members ? c->change_count : 0;
    }
}

static void do_write(struct cluster *c, uint32_t pos, const struct wire *wire)
{
    struct node *n = &c->nodes[pos];
    const struct raft_write *w = &c->out.write;

    if (w->seq == 0) {
        return;
    }
    if (n->write_count == CLUSTER_WRITES_MAX) {
        cluster_fail(c, "test: too many writes under way");
        return;
    }
    struct pending_write *p = &n->writes[n->write_count++];
    memset(p, 0, sizeof(*p));
    p->write = *w;
    if (w->append_first > 0) {
        make_entries(c, pos, w, wire, p->entries);
    }
    if (w->truncate_from > 0) {
        check_truncated(c, pos, w->truncate_from);
    }
    apply_write(&n->live, w, p->entries);
    p->last = n->live.last;
    if (w->append_first > 0) {
        check_created(c, pos, w->append_first);
    }
}

static void put_on_wire(struct cluster *c, uint32_t pos,
                        const struct raft_message *m)
{
    struct wire w;

    check_sent(c, pos, m);
    memset(&w, 0, sizeof(w));
    w.m = *m;
    w.id = ++c->wire_ids;
    for (uint32_t i = 0; i < m->count && i < CLUSTER_CHUNK_MAX; i++) {
        w.entries[i] = c->nodes[pos].live.log[m->index + 1 + i];
    }
    trace_wire(c, pos, &w);
    if (c->cut[pos][pos_of(c, m->to)] || c->wire_count == CLUSTER_WIRE_MAX) {
        return;
    }
    c->wires[c->wire_count++] = w;
}

static void step(struct cluster *c, uint32_t pos, struct raft_event event,
                 const struct wire *wire)
{
    struct node *n = &c->nodes[pos];
    enum raft_role role = n->core.role;
    raft_index commit = n->core.commit;

    ASSERT(n->up);
    event.now_ms = n->now_ms;
    raft_step(&n->core, &event, &c->out);
    do_write(c, pos, wire);
    trace_step(c, pos, commit);
    check_role(c, pos, role);
    check_commit(c, pos, commit);
    for (uint32_t i = 0; i < c->out.message_count; i++) {
        put_on_wire(c, pos, &c->out.messages[i]);
    }
    for (uint32_t i = 0; i < c->out.read_count; i++) {
        check_read(c, pos, &c->out.reads[i]);
    }
    check_matches(c, pos);
    n->commit_known = MAX(n->commit_known, n->core.commit);
}

void cluster_step(struct cluster *c, uint32_t pos, struct raft_event event)
{
    step(c, pos, event, NULL);
}

void cluster_flush(struct cluster *c, uint32_t pos)
{
    cluster_step(c, pos, (struct raft_event){.type = RAFT_EV_FLUSH});
}

void cluster_tick(struct cluster *c, uint32_t pos, int64_t ms)
{
    c->nodes[pos].now_ms += ms;
    if (c->nodes[pos].up) {
        cluster_step(c, pos, (struct raft_event){.type = RAFT_EV_TICK});
    }
}

void cluster_propose(struct cluster *c, uint32_t pos, uint32_t count)
{
    struct node *n = &c->nodes[pos];

    if (count <= CLUSTER_CHUNK_MAX && raft_can_propose(&n->core) &&
        n->live.last + count <= CLUSTER_LOG_MAX) {
        cluster_step(
            c, pos,
            (struct raft_event){.type = RAFT_EV_PROPOSE, .count = count});
    }
}

void cluster_change(struct cluster *c, uint32_t pos, uint32_t voters,
                    uint32_t outgoing)
{
    struct raft_members m = c->members;

    ASSERT(c->change_count < CLUSTER_CHANGES);
    m.voters = voters;
    m.outgoing = outgoing;
    c->changes[c->change_count++] = m;
    cluster_step(
        c, pos,
        (struct raft_event){.type = RAFT_EV_CONFIG,
                            .members = &c->changes[c->change_count - 1]});
}

void cluster_read(struct cluster *c, uint32_t pos, uint64_t read_id)
{
    ASSERT(read_id < CLUSTER_READS_MAX);
    c->ghost.reads[read_id] = c->ghost.commit;
    cluster_step(c, pos,
                 (struct raft_event){.type = RAFT_EV_READ, .read_id = read_id});
}

void cluster_durable(struct cluster *c, uint32_t pos, uint32_t count)
{
    struct node *n = &c->nodes[pos];

    count = MIN(count, n->write_count);
    if (count == 0) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        apply_write(&n->disk, &n->writes[i].write, n->writes[i].entries);
    }
    struct raft_event event = {.type = RAFT_EV_DURABLE,
                               .seq = n->writes[count - 1].write.seq,
                               .index = n->writes[count - 1].last};
    n->write_count -= count;
    memmove(n->writes, n->writes + count,
            n->write_count * sizeof(n->writes[0]));
    cluster_step(c, pos, event);
}

void cluster_drop(struct cluster *c, uint32_t i)
{
    ASSERT(i < c->wire_count);
    c->wire_count--;
    memmove(&c->wires[i], &c->wires[i + 1],
            (c->wire_count - i) * sizeof(c->wires[0]));
}

void cluster_deliver(struct cluster *c, uint32_t i, bool keep)
{
    ASSERT(i < c->wire_count);
    struct wire w = c->wires[i];
    uint32_t to = pos_of(c, w.m.to);

    if (!keep) {
        cluster_drop(c, i);
    }
    if (c->nodes[to].up && !c->cut[pos_of(c, w.m.from)][to]) {
        struct raft_event event = {.type = RAFT_EV_MESSAGE, .message = &w.m};
        for (uint32_t k = 0; k < w.m.count; k++) {
            if (w.entries[k].change > 0) {
                event.members = &c->changes[w.entries[k].change - 1];
                event.members_at = w.m.index + 1 + k;
            }
        }
        step(c, to, event, &w);
    }
}

void cluster_crash(struct cluster *c, uint32_t pos, uint32_t kept)
{
    struct node *n = &c->nodes[pos];

    ASSERT(n->up);
    for (uint32_t i = 0; i < kept && i < n->write_count; i++) {
        apply_write(&n->disk, &n->writes[i].write, n->writes[i].entries);
    }
    n->write_count = 0;
    n->up = false;
    c->crashes++;
}

void cluster_restart(struct cluster *c, uint32_t pos, raft_index applied)
{
    struct node *n = &c->nodes[pos];

    ASSERT(!n->up);
    applied = MIN(applied, MIN(n->commit_known, n->disk.last));
    while (applied > 0 &&
           n->disk.log[applied].hash != c->ghost.committed[applied]) {
        applied--; /* was committed here, but not synced, and is lost */
    }
    start(c, pos, applied);
}

void cluster_lose(struct cluster *c, uint32_t pos, raft_index last)
{
    struct node *n = &c->nodes[pos];
    struct ghost *g = &c->ghost;

    ASSERT(!n->up && last <= n->disk.last && last + 1 >= n->disk.first);
    if (!n->disk.recovering) {
        g->lost[pos] = n->disk;
    }
    for (raft_term t = 0; t < CLUSTER_TERMS_MAX; t++) {
        if (g->votes[pos][t] != 0) {
            g->lost_votes[pos][t] = g->votes[pos][t];
            g->votes[pos][t] = 0;
        }
    }
    g->lost_in[pos] = n->incarnation;
    n->disk.last = last;
    n->disk.term = n->disk.log[last].term;
    n->disk.vote = NODE_NONE;
    n->disk.recovering = true;
    n->commit_known = MIN(n->commit_known, last);
}

void cluster_link(struct cluster *c, uint32_t pos, uint32_t peer, bool up)
{
    struct raft_event event = {.type = up ? RAFT_EV_PEER_UP : RAFT_EV_PEER_DOWN,
                               .peer = cluster_id(c, peer)};

    if (up && c->handshake) {
        event.incarnation = c->nodes[peer].incarnation;
    }
    cluster_step(c, pos, event);
}

void cluster_settle(struct cluster *c, uint32_t limit)
{
    for (uint32_t steps = 0; steps < limit && c->failure[0] == '\0';) {
        uint32_t before = steps;
        for (uint32_t i = c->wire_count; i > 0; i--, steps++) {
            cluster_deliver(c, 0, false);
        }
        for (uint32_t i = 0; i < c->count; i++) {
            if (c->nodes[i].up && c->nodes[i].write_count > 0) {
                cluster_durable(c, i, c->nodes[i].write_count);
                steps++;
            }
        }
        if (steps == before) {
            return;
        }
        for (uint32_t i = 0; i < c->count; i++) {
            if (c->nodes[i].up) {
                cluster_flush(c, i);
            }
        }
    }
}

void cluster_run(struct cluster *c, int64_t ms)
{
    for (int64_t passed = 0; passed < ms; passed++) {
        for (uint32_t i = 0; i < c->count; i++) {
            cluster_tick(c, i, 1);
            if (c->nodes[i].up) {
                cluster_flush(c, i);
            }
        }
        cluster_settle(c, 10000);
    }
}

int cluster_leader(const struct cluster *c)
{
    int best = -1;

    for (uint32_t i = 0; i < c->count; i++) {
        const struct node *n = &c->nodes[i];
        if (n->up && raft_is_leader(&n->core) &&
            (best < 0 || n->core.term > c->nodes[best].core.term)) {
            best = (int)i;
        }
    }
    return best;
}
