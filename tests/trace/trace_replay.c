/*
 * Each node's core lives here a second time. A step that ends elsewhere than
 * in the trace shows that the core depended on something that is not in its
 * event (X10), or that the trace is not of this program.
 *
 * A start says what the disk had kept of the writes that were under way; a
 * log that restarted behind the state (src/node/node_open.c) is taken for the
 * committed prefix which that state is.
 */
#include "trace/trace.h"

#include <string.h>

#include "node/node_trace.h"

static void fail(struct trace_replay *t, const char *what)
{
    if (!t->violation)
        t->violation = what;
}

static void judge(struct trace_replay *t)
{
    if (t->check.violation)
        fail(t, t->check.violation);
}

/* The first node seen says who there is. */
static bool begin(struct trace_replay *t, const struct trace_line *line)
{
    const struct raft_members *members = &line->start.members[0];

    if (!t->begun) {
        t->cluster_id = line->config.cluster_id;
        t->members = *members;
        t->begun = true;
        check_init(&t->check, members->ids, members->count);
    }
    if (t->cluster_id != line->config.cluster_id ||
        t->members.count != members->count ||
        memcmp(t->members.ids, members->ids, sizeof(members->ids)) != 0)
        fail(t, "trace: these nodes are not of one cluster");
    return !t->violation;
}

static int position(const struct trace_replay *t, node_id id)
{
    return raft_members_position(&t->members, id);
}

/* What the disk is after the first k writes, as far as a start shows it. */
struct image {
    raft_term term;
    node_id vote;
    raft_index last;
};

static bool is_start(const struct image *i, const struct raft_start *s)
{
    return i->term == s->term && i->vote == s->vote && i->last == s->log_last;
}

/* How many of the writes under way the start has; -1: no number fits. */
static int writes_kept(const struct check_node *n, const struct raft_start *s)
{
    struct image image = {n->disk_term, n->disk_vote, n->disk.last};
    int kept = is_start(&image, s) ? 0 : -1;

    for (uint32_t k = 0; k < n->write_count; k++) {
        const struct check_write *w = &n->writes[k];
        if (w->hard_state) {
            image.term = w->term;
            image.vote = w->vote;
        }
        if (w->restore_index > 0 && !w->restore_keeps_log)
            image.last = w->restore_index;
        if (w->truncate_from > 0)
            image.last = MIN(image.last, w->truncate_from - 1);
        if (w->append_first > 0)
            image.last = w->append_last;
        if (is_start(&image, s))
            kept = (int)k + 1;
    }
    return kept;
}

/* The log restarted where the state ends. */
static void restart_log(struct trace_replay *t, uint32_t pos,
                        const struct raft_start *s)
{
    struct check_node *n = &t->check.nodes[pos];

    if (s->applied > t->check.commit || s->log_last != s->applied ||
        s->log_first != s->applied + 1 || s->term < n->disk_term) {
        fail(t, "X2 recovery: the start is not what was written");
        return;
    }
    check_crash(&t->check, pos, 0);
    memcpy(n->disk.at, t->check.committed,
           (s->applied + 1) * sizeof(n->disk.at[0]));
    n->disk.last = s->applied;
    n->disk_term = s->term;
    n->disk_vote = s->vote;
}

/* What the disk had at this start. */
static void read_disk(struct trace_replay *t, uint32_t pos,
                      const struct raft_start *s)
{
    struct check_node *n = &t->check.nodes[pos];
    int kept = writes_kept(n, s);

    if (kept >= 0 && s->recovering == n->disk_recovering) {
        check_crash(&t->check, pos, (uint32_t)kept);
    } else if (s->recovering) {
        check_crash(&t->check, pos, n->write_count);
        check_lost(&t->check, pos, s->term, s->vote, s->log_last);
    } else {
        restart_log(t, pos, s);
    }
}

static void replay_start(struct trace_replay *t, uint32_t file,
                         const struct trace_line *line)
{
    struct trace_node *n = &t->nodes[file];

    if (!begin(t, line))
        return;
    int pos = position(t, line->config.self);
    if (pos < 0 || (n->known && n->core.config.self != line->config.self)) {
        fail(t, "trace: a file is the trace of one member");
        return;
    }
    read_disk(t, (uint32_t)pos, &line->start);
    raft_init(&n->core, &line->config, &line->start, line->event.now_ms);
    n->known = true;
    n->write_count = 0;
    memset(n->reads, 0, sizeof(n->reads));
    check_start(&t->check, (uint32_t)pos, &n->core);
    t->stats.starts++;
    judge(t);
}

/* X6: a read must see all that was committed when it was asked for. Numbers
 * of reads are each node's own, so the monitor is not shown them. */
static void judge_reads(struct trace_replay *t, struct trace_node *n,
                        const struct raft_event *e)
{
    if (e->type == RAFT_EV_READ) {
        struct trace_read *r = &n->reads[e->read_id % TRACE_READS_MAX];
        *r = (struct trace_read){e->read_id, t->check.commit, true};
    }
    for (uint32_t i = 0; i < t->out.read_count; i++) {
        const struct raft_read *done = &t->out.reads[i];
        struct trace_read *r = &n->reads[done->read_id % TRACE_READS_MAX];
        if (!r->open || r->id != done->read_id)
            fail(t, "X6 reads: released one that was not asked for");
        else if (done->index < r->commit)
            fail(t, "X6 reads: older than what was committed when it began");
        r->open = false;
        t->stats.reads++;
    }
}

static void show_check(struct trace_replay *t, struct trace_node *n,
                       const struct trace_line *line)
{
    struct raft_event shown = line->event;
    struct check_step step = {
        .pos = (uint32_t)position(t, n->core.config.self),
        .before = &n->before,
        .after = &n->core,
        .event = &shown,
        .out = &t->out,
        .payloads = line->chain_count > 0 ? line->chains : NULL,
    };

    if (shown.type == RAFT_EV_READ)
        shown.type = RAFT_EV_FLUSH;
    t->out.read_count = t->out.reads_lost_count = 0;
    check_step(&t->check, &step);
    judge(t);
}

/* Before the core is told: the writes up to here are on the disk. */
static void synced(struct trace_replay *t, struct trace_node *n, uint64_t seq)
{
    int pos = position(t, n->core.config.self);
    uint32_t count = 0;

    while (count < n->write_count && n->write_seqs[count] <= seq)
        count++;
    n->write_count -= count;
    memmove(n->write_seqs, n->write_seqs + count,
            n->write_count * sizeof(n->write_seqs[0]));
    check_synced(&t->check, (uint32_t)pos, count);
}

static void count_step(struct trace_replay *t, const struct trace_node *n,
                       const struct trace_line *line)
{
    t->stats.steps++;
    t->stats.events[line->event.type]++;
    if (line->event.type == RAFT_EV_MESSAGE)
        t->stats.messages[line->message.type]++;
    if (n->core.role == RAFT_LEADER && n->before.role != RAFT_LEADER)
        t->stats.elections++;
}

static void replay_step(struct trace_replay *t, struct trace_node *n,
                        const struct trace_line *line)
{
    const struct raft *cores[RAFT_NODES_MAX] = {NULL};

    n->before = n->core;
    if (line->event.type == RAFT_EV_DURABLE) {
        /* Of a write before a truncation the log may be shorter by now. */
        if (line->event.seq > n->core.write_seq ||
            (line->event.index > n->core.last &&
             line->event.seq >= n->core.truncate_seq)) {
            fail(t, "X1 durability: a write that was never asked for");
            return;
        }
        synced(t, n, line->event.seq);
    }
    raft_step(&n->core, &line->event, &t->out);
    count_step(t, n, line);
    if (node_trace_digest(&n->core, &t->out) != line->digest) {
        fail(t, "X10 determinism: the core went another way than traced");
        return;
    }
    const struct raft_write *w = &t->out.write;
    uint64_t appended =
        w->append_first > 0 ? w->append_last - w->append_first + 1 : 0;
    if (appended != line->chain_count) {
        fail(t, "trace: chain hashes and appended entries do not match");
        return;
    }
    if (w->seq > 0 && n->write_count < CHECK_WRITES_MAX)
        n->write_seqs[n->write_count++] = w->seq;
    judge_reads(t, n, &line->event);
    show_check(t, n, line);
    if (t->violation || line->event.type != RAFT_EV_FLUSH)
        return;
    for (uint32_t i = 0; i < RAFT_NODES_MAX; i++)
        if (t->nodes[i].known)
            cores[position(t, t->nodes[i].core.config.self)] =
                &t->nodes[i].core;
    check_cluster(&t->check, cores);
    judge(t);
}

static void replay_applied(struct trace_replay *t, const struct trace_node *n,
                           raft_index applied)
{
    uint32_t pos = (uint32_t)position(t, n->core.config.self);

    while (!t->violation && t->check.nodes[pos].applied < applied) {
        check_applied(&t->check, pos, t->check.nodes[pos].applied + 1);
        t->stats.applied++;
        judge(t);
    }
}

void trace_replay(struct trace_replay *t, uint32_t file,
                  const struct trace_line *line)
{
    struct trace_node *n = &t->nodes[file];

    ASSERT(file < RAFT_NODES_MAX && !t->violation);
    if (line->kind == TRACE_START)
        replay_start(t, file, line);
    else if (!n->known)
        fail(t, "trace: a file begins with the start of its node");
    else if (line->kind == TRACE_STEP)
        replay_step(t, n, line);
    else
        replay_applied(t, n, line->applied);
}
