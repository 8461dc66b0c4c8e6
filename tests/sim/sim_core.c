/*
 * Each step of each core, shown to the monitor of tests/check, which knows
 * what the ghost of sim_ghost.c does not look at: pre-vote, stickiness,
 * check-quorum, the leader's picture of its followers.
 *
 * It needs the core before and after each step, some 20 KB each, so only some
 * seeds have it. raft_step() is wrapped by the linker; the node's next logged
 * batch is then the write that the step asked for. Where the monitor's limits
 * end, or a log restarts behind the state (which it does not know), it is
 * given up for the rest of the run. Reads are left to the oracle: the numbers
 * of one node's reads mean nothing on another.
 */
#include "sim.h"

#include "check/check.h"

#define QUEUE_MAX CHECK_WRITES_MAX

struct core_node {
    bool awaited; /* the step wants a write, its batch comes next */
    uint64_t batches[QUEUE_MAX];
    uint32_t count;
};

struct sim_core {
    struct core_node nodes[SIM_NODES_MAX];
    struct raft before;
    struct check check;
};

void __real_raft_step(struct raft *r, const struct raft_event *event,
                      struct raft_out *out);
void __wrap_raft_step(struct raft *r, const struct raft_event *event,
                      struct raft_out *out);

void core_init(struct sim *s)
{
    if ((s->seed % 8 != 0 && !s->options.core) || s->config.on[FAULT_CHURN] ||
        s->config.on[FAULT_COPY_BACK] || s->config.on[FAULT_LEVEL] ||
        s->config.on[FAULT_MAJORITY] || s->config.on[FAULT_CLONE])
        return;
    node_id ids[SIM_NODES_MAX];
    for (uint32_t i = 0; i < s->count; i++)
        ids[i] = i;
    s->core = mem_zalloc(sizeof(*s->core));
    check_init(&s->core->check, ids, s->count);
}

void core_release(struct sim *s)
{
    mem_free(s->core);
    s->core = NULL;
}

static void judge(struct sim *s)
{
    const char *what = s->core->check.violation;

    if (!what)
        return;
    if (strncmp(what, "limit:", 6) != 0)
        sim_fail(s, "core: %s", what);
    core_release(s);
}

static void observe(struct sim *s, const struct raft *r,
                    const struct raft_event *event, struct raft_out *out)
{
    struct sim_core *k = s->core;
    struct raft_event shown = *event;
    uint32_t reads = out->read_count;
    uint32_t lost = out->reads_lost_count;
    struct check_step step = {.pos = r->config.self,
                              .before = &k->before,
                              .after = r,
                              .event = &shown,
                              .out = out};

    if (shown.type == RAFT_EV_READ)
        shown.type = RAFT_EV_FLUSH;
    out->read_count = out->reads_lost_count = 0;
    check_step(&k->check, &step);
    out->read_count = reads;
    out->reads_lost_count = lost;
    k->nodes[r->config.self].awaited = out->write.seq > 0;
    s->stats.core_steps++;
    judge(s);
}

void __wrap_raft_step(struct raft *r, const struct raft_event *event,
                      struct raft_out *out)
{
    struct sim *s = sim_running();

    if (!s || !s->core) {
        __real_raft_step(r, event, out);
        return;
    }
    s->core->before = *r;
    __real_raft_step(r, event, out);
    observe(s, r, event, out);
}

void core_written(struct sim *s, uint32_t node, uint64_t batch)
{
    if (!s->core || !s->core->nodes[node].awaited)
        return;
    struct core_node *n = &s->core->nodes[node];
    n->awaited = false;
    ASSERT(n->count < QUEUE_MAX); /* the monitor has the same limit */
    n->batches[n->count++] = batch;
}

/* How many of the writes are among the batches up to this one. */
static uint32_t covered(struct core_node *n, uint64_t batch)
{
    uint32_t count = 0;

    while (count < n->count && n->batches[count] <= batch)
        count++;
    n->count -= count;
    memmove(n->batches, n->batches + count, n->count * sizeof(n->batches[0]));
    return count;
}

void core_synced(struct sim *s, uint32_t node, uint64_t batch)
{
    if (s->core)
        check_synced(&s->core->check, node,
                     covered(&s->core->nodes[node], batch));
}

void core_crashed(struct sim *s, uint32_t node, uint64_t kept)
{
    if (!s->core)
        return;
    struct core_node *n = &s->core->nodes[node];
    check_crash(&s->core->check, node, covered(n, kept));
    n->count = 0;
    n->awaited = false;
}

/* The ghost has what is left. */
void core_lost(struct sim *s, uint32_t node)
{
    const struct ghost_node *n = &s->ghost.nodes[node];

    if (!s->core)
        return;
    check_lost(&s->core->check, node, n->disk_term, n->disk_vote, n->disk.last);
    judge(s);
}

void core_started(struct sim *s, uint32_t node)
{
    if (!s->core)
        return;
    const struct node *n = s->nodes[node].node;
    check_start(&s->core->check, node, &n->raft);
    check_state_found(&s->core->check, node, keyspace_applied(n->ks)->index);
    judge(s);
}

void core_applied(struct sim *s, uint32_t node, raft_index index)
{
    if (!s->core)
        return;
    check_applied(&s->core->check, node, index);
    judge(s);
}

void core_turn(struct sim *s)
{
    const struct raft *cores[RAFT_NODES_MAX] = {NULL};

    if (!s->core)
        return;
    for (uint32_t i = 0; i < s->count; i++)
        if (s->nodes[i].node)
            cores[i] = &s->nodes[i].node->raft;
    check_cluster(&s->core->check, cores);
    judge(s);
}
