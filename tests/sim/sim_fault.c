/*
 * Faults: which of them a seed has, how strong, how often (swarm testing,
 * Groce et al., ISSTA 2012: leaving some out finds more than always having
 * all), and what each does when its time comes.
 *
 * In the safety phase a fault may strike anything. In the liveness phase only
 * nodes that are not of the healed majority are struck, and links to them.
 */
#include "sim.h"

const char *const sim_fault_names[FAULT_COUNT] = {
#define X(id, name) name,
    SIM_FAULTS(X)
#undef X
};

static int64_t between(uint64_t *rng, int64_t lo, int64_t hi)
{
    return lo + (int64_t)rng_below(rng, (uint64_t)(hi - lo) + 1);
}

static void draw_times(struct sim *s, struct sim_config *c, uint64_t *rng)
{
    static const uint32_t elections[] = {150, 300, 500, 1000, 1000};

    UNUSED(s);
    c->election_ms = elections[rng_below(rng, ARRAY_LEN(elections))];
    c->heartbeat_ms = c->election_ms / (uint32_t)between(rng, 4, 10);
    c->peer_down_ms = (uint32_t)between(rng, 1, 50);
    c->disk_timeout_ms = (uint32_t)sim_magnitude(rng, 500, 10000);
    c->request_timeout_ms = (uint32_t)sim_magnitude(rng, 500, 10000);
    c->latency_us = sim_magnitude(rng, 30, c->election_ms * 10);
    c->jitter_us = sim_magnitude(rng, 10, c->latency_us + 10);
    c->sync_us = sim_magnitude(rng, 50, c->election_ms * 10);
    c->flush_us = sim_magnitude(rng, 1000, 2 * SIM_S);
    c->turn_us = sim_magnitude(rng, 5, 200);
}

/* What usually takes much load: batches of one, full buffers, log cuts. With
 * one entry per round trip these must be short, or nothing gets through. */
static void draw_tiny(struct sim_config *c, uint64_t *rng)
{
    c->append_entries_max = (uint32_t)between(rng, 1, 3);
    c->window_max = (uint32_t)between(rng, 1, 3);
    c->entry_bytes_max = (uint64_t)between(rng, 60, 200);
    c->pending_bytes_max = (uint64_t)between(rng, 500, 2000);
    c->log_soft = 1000;
    c->log_cache = 100;
    c->latency_us = MIN(c->latency_us, SIM_MS);
    c->jitter_us = MIN(c->jitter_us, SIM_MS);
    c->sync_us = MIN(c->sync_us, SIM_MS);
    c->on[FAULT_BURST] = false;
}

static void draw_sizes(struct sim_config *c, uint64_t *rng)
{
    c->entry_bytes_max = (uint64_t)sim_magnitude(rng, 60, 1 << 20);
    c->pending_bytes_max = (uint64_t)sim_magnitude(rng, 500, 1 << 20);
    c->log_soft = (uint64_t)sim_magnitude(rng, 1000, 1 << 20);
    c->log_hard = LOG_UNBOUNDED;
    if (sim_chance(rng, 15))
        c->log_hard = c->log_soft * 4;
    c->log_cache = (uint64_t)sim_magnitude(rng, 100, 1 << 20);
    c->once_ttl_s = sim_chance(rng, 30) ? 10 : 7 * 86400;
    c->queue_bytes = 8 << 20;
    if (c->on[FAULT_FULL])
        c->queue_bytes = (uint64_t)sim_magnitude(rng, 300, 5000);
    if (c->on[FAULT_SLOW_LINK]) /* a large value takes up to a heartbeat */
        c->bandwidth = (uint64_t)sim_magnitude(rng, 24000 / c->heartbeat_ms,
                                               2 * 24000 / 15);
    if (c->on[FAULT_TINY])
        draw_tiny(c, rng);
    if (c->on[FAULT_BURST]) { /* else the last ones wait for seconds */
        c->entry_bytes_max = MAX(c->entry_bytes_max, 4096);
        c->pending_bytes_max = MAX(c->pending_bytes_max, 1 << 16);
    }
    if (c->on[FAULT_GIANT]) { /* one has to fit, and to get through: what
                                 takes longer than a heartbeat is sent again */
        c->pending_bytes_max = MAX(c->pending_bytes_max, 1 << 20);
        c->on[FAULT_SLOW_LINK] = false;
        c->bandwidth = 0;
    }
    if (c->on[FAULT_TAIL])
        c->tail_ppm = (uint32_t)sim_magnitude(rng, 1000, 20000);
}

static void draw_work(struct sim *s, struct sim_config *c, uint64_t *rng)
{
    c->clients = (uint32_t)between(rng, 2, 10);
    if (s->options.clients > 0)
        c->clients = s->options.clients;
    c->depth_max = (uint32_t)sim_magnitude(rng, 1, 100);
    int64_t rate = sim_magnitude(rng, 2, 50); /* requests a second */
    c->safety_us = sim_magnitude(rng, 15 * SIM_S, 120 * SIM_S);
    if (sim_chance(rng, 5)) { /* under load */
        rate = 500;
        c->safety_us = MIN(c->safety_us, 20 * SIM_S);
    }
    if (sim_chance(rng, 10)) { /* many small entries: the log is cut */
        rate = 150;
        c->depth_max = 1;
        c->log_soft = 1000;
        c->safety_us = 40 * SIM_S;
    }
    if (c->on[FAULT_TINY])
        rate = MIN(rate, 50);
    c->think_us = c->clients * (4 + c->depth_max) / 4 * SIM_S / rate;
    c->value_max = (uint32_t)sim_magnitude(rng, 1, 300);
    c->big_percent = sim_chance(rng, 30) ? 3 : 0;
    c->read_percent = (uint32_t)between(rng, 0, 70);
    c->once_percent = (uint32_t)between(rng, 0, 50);
    if (s->options.safety_us > 0)
        c->safety_us = s->options.safety_us;
}

/* With this lot, or since the command line wants it. */
static bool drawn(const struct sim *s, uint64_t *rng, enum sim_fault kind,
                  uint32_t percent)
{
    bool is = sim_chance(rng, percent);

    return (is || s->options.must[kind]) && !s->options.off[kind];
}

/* Logs are cut by what members say they have, and only a snapshot brings back
 * what was cut: half of these seeds keep all. By lot of its own, so that the
 * other seeds stay as they are. */
static void draw_lost(const struct sim *s, struct sim_config *c)
{
    uint64_t rng = s->seed * UINT64_C(0xd1342543de82ef95) + 5;

    if (!sim_chance(&rng, 25) || c->nodes < 3 || s->options.off[FAULT_LOST])
        return;
    c->on[FAULT_LOST] = true;
    c->every_us[FAULT_LOST] = sim_magnitude(&rng, 2 * SIM_S, 20 * SIM_S);
    c->log_hard = LOG_UNBOUNDED;
    if (sim_chance(&rng, 50))
        c->log_soft = LOG_UNBOUNDED;
    c->on[FAULT_WIPE] = !s->options.off[FAULT_WIPE];
    c->every_us[FAULT_WIPE] = SIM_S; /* it strikes where LOST does */
}

/* Half of the seeds send what is not small in parts, so many that the run is
 * not over before the largest has come through. By lot of its own. */
static void draw_uploads(const struct sim *s, struct sim_config *c)
{
    uint64_t rng = s->seed * UINT64_C(0xd1342543de82ef95) + 11;

    c->upload_above = 1u << 20;
    if (sim_chance(&rng, 50))
        c->upload_above = (uint64_t)sim_magnitude(&rng, 100, 1000);
    if (c->big_percent > 0)
        c->upload_above = MAX(c->upload_above, 1000);
    if (c->on[FAULT_GIANT])
        c->upload_above = MAX(c->upload_above, 50000);
}

/* The same: in half of the seeds. */
static void draw_collections(const struct sim *s, struct sim_config *c)
{
    uint64_t rng = s->seed * UINT64_C(0xd1342543de82ef95) + 12;

    if (sim_chance(&rng, 60))
        c->collect_percent = (uint32_t)between(&rng, 20, 90);
    c->collect_type = (uint32_t)between(&rng, 0, 5);
    c->long_percent = sim_chance(&rng, 50) ? 5 : 0;
}

/* By a lot of its own. */
static void draw_clocks(const struct sim *s, struct sim_config *c)
{
    static const enum sim_fault kinds[] = {FAULT_SUSPEND, FAULT_BLINK,
                                           FAULT_APART};
    uint64_t rng = s->seed * UINT64_C(0xd1342543de82ef95) + 7;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        bool on = sim_chance(&rng, 30);
        c->every_us[kinds[i]] = sim_magnitude(&rng, SIM_S, 20 * SIM_S);
        c->on[kinds[i]] = on && !s->options.off[kinds[i]];
    }
}

/* The same. */
static void draw_short(const struct sim *s, struct sim_config *c)
{
    uint64_t rng = s->seed * UINT64_C(0xd1342543de82ef95) + 13;

    if (!sim_chance(&rng, 25) || c->nodes < 3 || s->options.off[FAULT_SHORT])
        return;
    c->on[FAULT_SHORT] = true;
    c->every_us[FAULT_SHORT] = sim_magnitude(&rng, SIM_S, 20 * SIM_S);
}

/* By lot of its own as well. */
static void draw_slow_state(const struct sim *s, struct sim_config *c)
{
    uint64_t rng = s->seed * UINT64_C(0xd1342543de82ef95) + 6;

    if (!sim_chance(&rng, 25) || s->options.off[FAULT_SLOW_STATE])
        return;
    c->on[FAULT_SLOW_STATE] = true;
    c->every_us[FAULT_SLOW_STATE] = sim_magnitude(&rng, SIM_S, 20 * SIM_S);
}

/* The same. Who has three founders or fewer has room for two more. */
static void draw_churn(const struct sim *s, struct sim_config *c)
{
    uint64_t rng = s->seed * UINT64_C(0xd1342543de82ef95) + 17;

    if (!drawn(s, &rng, FAULT_CHURN, 20) || c->on[FAULT_LOST])
        return;
    c->spares = MIN(2, SIM_NODES_MAX - c->nodes);
    c->on[FAULT_CHURN] = true;
    c->upload_above = MAX(c->upload_above, 1000); /* not what operators ask */
    c->every_us[FAULT_CHURN] = sim_magnitude(&rng, SIM_S, 10 * SIM_S);
    c->on[FAULT_REMOVE_LEADER] = drawn(s, &rng, FAULT_REMOVE_LEADER, 50);
    c->every_us[FAULT_REMOVE_LEADER] =
        sim_magnitude(&rng, 2 * SIM_S, 20 * SIM_S);
}

/* By a lot of its own. */
static void draw_copies(const struct sim *s, struct sim_config *c)
{
    uint64_t rng = s->seed * UINT64_C(0xd1342543de82ef95) + 19;

    if (!drawn(s, &rng, FAULT_COPY_BACK, 10) || c->nodes < 3 ||
        c->on[FAULT_LOST] || c->on[FAULT_CHURN])
        return;
    c->on[FAULT_COPY_BACK] = true;
    c->every_us[FAULT_COPY_BACK] = sim_magnitude(&rng, 500 * SIM_MS, 5 * SIM_S);
    c->log_hard = LOG_UNBOUNDED;
}

/* By a lot of its own; with any other fault but disks that are put back. */
static void draw_level(const struct sim *s, struct sim_config *c)
{
    uint64_t rng = s->seed * UINT64_C(0xd1342543de82ef95) + 23;

    if (!drawn(s, &rng, FAULT_LEVEL, 10) || c->nodes < 3 ||
        c->on[FAULT_COPY_BACK])
        return;
    c->on[FAULT_LEVEL] = true;
    c->every_us[FAULT_LEVEL] = sim_magnitude(&rng, SIM_S, 10 * SIM_S);
}

/* By lots of their own: disks are emptied while members come and go; and a
 * majority of disks, which is the end. */
static void draw_empty(const struct sim *s, struct sim_config *c)
{
    uint64_t rng = s->seed * UINT64_C(0xd1342543de82ef95) + 29;
    bool wiped = drawn(s, &rng, FAULT_WIPE, 30) && c->on[FAULT_CHURN];
    int64_t every_us = sim_magnitude(&rng, 2 * SIM_S, 20 * SIM_S);

    if (wiped) {
        c->on[FAULT_WIPE] = true;
        c->every_us[FAULT_WIPE] = every_us;
    }
    if (drawn(s, &rng, FAULT_MAJORITY, 4) && c->nodes >= 3 &&
        !c->on[FAULT_COPY_BACK]) {
        c->on[FAULT_MAJORITY] = true;
        c->every_us[FAULT_MAJORITY] = c->safety_us; /* it does not strike */
    }
}

/* By a lot of its own. */
static void draw_clones(const struct sim *s, struct sim_config *c)
{
    uint64_t rng = s->seed * UINT64_C(0xd1342543de82ef95) + 31;

    if (!drawn(s, &rng, FAULT_CLONE, 8) || c->nodes < 3 || c->on[FAULT_LOST] ||
        c->on[FAULT_CHURN] || c->on[FAULT_LEVEL])
        return;
    c->on[FAULT_CLONE] = true;
    c->every_us[FAULT_CLONE] = sim_magnitude(&rng, 500 * SIM_MS, 5 * SIM_S);
}

void sim_config_draw(struct sim *s)
{
    struct sim_config *c = &s->config;
    uint64_t rng = s->seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    uint32_t percent = (uint32_t)between(&rng, 10, 70);

    c->nodes = rng_below(&rng, 10) < 6 ? 3 : 5;
    if (rng_below(&rng, 25) == 0)
        c->nodes = 1;
    if (s->options.nodes > 0)
        c->nodes = s->options.nodes;
    for (int i = 0; i < FAULT_LOST; i++) {
        c->on[i] = sim_chance(&rng, percent);
        c->every_us[i] = sim_magnitude(&rng, SIM_S, 20 * SIM_S);
        if (s->options.off[i])
            c->on[i] = false;
    }
    draw_times(s, c, &rng);
    draw_sizes(c, &rng);
    draw_work(s, c, &rng);
    if (c->nodes == 1) { /* what needs another one */
        static const enum sim_fault links[] = {
            FAULT_RESET,    FAULT_HALF_OPEN, FAULT_CUT,       FAULT_PARTITION,
            FAULT_ISOLATE,  FAULT_TAIL,      FAULT_SLOW_LINK, FAULT_FULL,
            FAULT_TRANSFER, FAULT_TORN,      FAULT_FLIP};
        for (size_t i = 0; i < ARRAY_LEN(links); i++)
            c->on[links[i]] = false;
    }
    draw_lost(s, c);
    draw_slow_state(s, c);
    draw_short(s, c);
    draw_uploads(s, c);
    draw_collections(s, c);
    draw_clocks(s, c);
    draw_churn(s, c);
    draw_copies(s, c);
    draw_level(s, c);
    draw_empty(s, c);
    draw_clones(s, c);
}

void sim_faults_begin(struct sim *s)
{
    for (uint32_t i = 0; i < FAULT_COUNT; i++)
        if (s->config.on[i]) {
            int64_t first = MIN(s->config.every_us[i], s->config.safety_us / 4);
            sim_push(s, between(&s->rng_fault, first / 2, first * 2), EV_FAULT,
                     i, 0);
        }
}

/* --- targets -------------------------------------------------------------- */

static bool may_strike(const struct sim *s, uint32_t node)
{
    return s->phase == PHASE_SAFETY || !(s->core_mask >> node & 1);
}

static struct sim_node *some_node(struct sim *s)
{
    uint32_t at = (uint32_t)rng_below(&s->rng_fault, s->count);

    for (uint32_t i = 0; i < s->count; i++)
        if (may_strike(s, (at + i) % s->count))
            return &s->nodes[(at + i) % s->count];
    return NULL;
}

/* The leader more often than others: it is the one that matters. */
static struct sim_node *target(struct sim *s)
{
    struct sim_node *leader = sim_leader(s);

    if (leader && may_strike(s, leader->id) && sim_chance(&s->rng_fault, 40))
        return leader;
    return some_node(s);
}

static struct sim_pair *some_pair(struct sim *s)
{
    uint32_t at = (uint32_t)rng_below(&s->rng_fault, s->pair_count);

    for (uint32_t i = 0; i < s->pair_count; i++) {
        struct sim_pair *p = &s->pairs[(at + i) % s->pair_count];
        if (may_strike(s, p->nodes[0]) || may_strike(s, p->nodes[1]))
            return p;
    }
    return NULL;
}

/* --- network -------------------------------------------------------------- */

static bool reset(struct sim *s, bool half)
{
    struct sim_pair *p = some_pair(s);
    int64_t seen[2];
    int64_t retry = 5 * SIM_MS;

    if (!p)
        return false;
    for (int d = 0; d < 2; d++)
        seen[d] = between(&s->rng_fault, 0, 2 * SIM_MS);
    if (half) {
        retry = sim_magnitude(&s->rng_fault, 10 * SIM_MS, 10 * SIM_S);
        seen[rng_below(&s->rng_fault, 2)] = retry * 2;
    }
    bool was = p->sides[0].up && p->sides[1].up;
    net_reset(s, p, seen, retry);
    return was;
}

static bool damage(struct sim *s, enum sim_damage how)
{
    struct sim_pair *p = some_pair(s);
    uint32_t dir = (uint32_t)rng_below(&s->rng_fault, 2);

    if (p)
        net_damage(s, p, dir, how);
    return false; /* counted when it happens */
}

static void cut(struct sim *s, uint32_t from, uint32_t to, int64_t for_us,
                int64_t seen_us)
{
    uint32_t side;

    if (from == to || (!may_strike(s, from) && !may_strike(s, to)))
        return;
    struct sim_pair *p = net_pair(s, from, to, &side);
    net_cut(s, p, side, for_us, seen_us);
}

static bool linked(const struct sim *s, uint32_t shape, uint32_t a, uint32_t b,
                   uint32_t groups)
{
    uint32_t gap = a > b ? a - b : b - a;

    switch (shape) {
    case 0: /* two groups */
        return (groups >> a & 1) == (groups >> b & 1);
    case 1: /* one way between them */
        return (groups >> a & 1) <= (groups >> b & 1);
    case 2: /* a ring */
        return gap == 1 || gap == s->count - 1;
    case 3: /* a bridge: node 0 sees both groups */
        return a == 0 || b == 0 || (groups >> a & 1) == (groups >> b & 1);
    default: /* a chain */
        return gap == 1;
    }
}

static bool partition(struct sim *s)
{
    uint64_t *rng = &s->rng_fault;
    uint32_t shape = (uint32_t)rng_below(rng, 5);
    uint32_t groups = (uint32_t)rng_below(rng, UINT64_C(1) << s->count);
    int64_t for_us = sim_magnitude(rng, 50 * SIM_MS, 20 * SIM_S);
    int64_t seen_us = sim_magnitude(rng, 10 * SIM_MS, 30 * SIM_S);
    uint64_t before = s->stats.cuts;

    for (uint32_t a = 0; a < s->count; a++)
        for (uint32_t b = 0; b < s->count; b++)
            if (a != b && !linked(s, shape, a, b, groups))
                cut(s, a, b, for_us, seen_us);
    return s->stats.cuts > before;
}

static bool isolate(struct sim *s)
{
    struct sim_node *n = s->phase == PHASE_SAFETY ? sim_leader(s) : target(s);
    uint32_t how = (uint32_t)rng_below(&s->rng_fault, 3);
    int64_t for_us = sim_magnitude(&s->rng_fault, 100 * SIM_MS, 20 * SIM_S);
    int64_t seen_us = sim_magnitude(&s->rng_fault, 10 * SIM_MS, 30 * SIM_S);

    if (!n)
        return false;
    for (uint32_t i = 0; i < s->count; i++) {
        if (how != 1)
            cut(s, n->id, i, for_us, seen_us);
        if (how != 2)
            cut(s, i, n->id, for_us, seen_us);
    }
    return true;
}

static bool cut_one(struct sim *s)
{
    struct sim_pair *p = some_pair(s);
    uint32_t dir = (uint32_t)rng_below(&s->rng_fault, 2);
    int64_t for_us = sim_magnitude(&s->rng_fault, 20 * SIM_MS, 30 * SIM_S);
    int64_t seen_us = sim_magnitude(&s->rng_fault, 10 * SIM_MS, 30 * SIM_S);

    if (!p)
        return false;
    net_cut(s, p, dir, for_us, seen_us);
    return true;
}

/* --- processes, disks, clocks --------------------------------------------- */

static bool crash(struct sim *s, bool loop)
{
    struct sim_node *n = target(s);
    uint64_t *rng = &s->rng_fault;

    if (!n || !n->node)
        return false;
    if (loop)
        n->loop_until_us =
            s->now_us + sim_magnitude(rng, 200 * SIM_MS, 3 * SIM_S);
    process_crash_soon(s, n->id, loop ? 5 * SIM_MS : 10 * SIM_MS,
                       loop ? 500 * SIM_MS : 20 * SIM_S);
    return true;
}

static bool crash_all(struct sim *s)
{
    if (s->phase != PHASE_SAFETY)
        return false;
    for (uint32_t i = 0; i < s->count; i++)
        process_crash_soon(s, i, 10 * SIM_MS, 2 * SIM_S);
    return true;
}

static bool pause_one(struct sim *s)
{
    struct sim_node *n = target(s);

    if (!n || !n->node)
        return false;
    process_pause(s, n->id,
                  sim_magnitude(&s->rng_fault, 100 * SIM_MS, 60 * SIM_S));
    return true;
}

static bool slow_cpu(struct sim *s)
{
    struct sim_node *n = target(s);

    if (!n || !n->node)
        return false;
    n->slow_until_us =
        s->now_us + sim_magnitude(&s->rng_fault, 100 * SIM_MS, 20 * SIM_S);
    return true;
}

static bool stall(struct sim *s)
{
    struct sim_node *n = target(s);

    if (!n || !n->node)
        return false;
    n->disk->stall_until_us =
        s->now_us + sim_magnitude(&s->rng_fault, 100 * SIM_MS, 120 * SIM_S);
    return true;
}

static bool slow_state(struct sim *s)
{
    struct sim_node *n = target(s);

    if (!n || !n->node)
        return false;
    n->disk->full_until_us =
        s->now_us + sim_magnitude(&s->rng_fault, SIM_MS, 20 * SIM_S);
    return true;
}

/* What its owner measures; it may still write. */
static bool disk_short(struct sim *s)
{
    struct sim_node *n = target(s);

    if (!n || !n->node)
        return false;
    n->short_until_us =
        s->now_us + sim_magnitude(&s->rng_fault, 100 * SIM_MS, 30 * SIM_S);
    return true;
}

static bool disk_error(struct sim *s, bool sync)
{
    struct sim_node *n = target(s);

    if (!n || !n->node)
        return false;
    if (sync)
        n->disk->fail_sync = true;
    else
        n->disk->fail_write = 1 + rng_below(&s->rng_fault, 5);
    return false; /* counted when it happens */
}

static bool lose_disk(struct sim *s)
{
    struct sim_node *n = target(s);

    if (n && n->incarnation > 0 && lost_allowed(s, n->id))
        lost_strike(s, n->id);
    return false; /* counted when the refill has ended */
}

/* Without churn disks are emptied where others are lost. */
static bool wipe(struct sim *s)
{
    struct sim_node *n = target(s);

    if (n && s->config.on[FAULT_CHURN] && s->phase == PHASE_SAFETY)
        lost_wipe(s, n->id);
    return false; /* counted when it is let in */
}

static bool clone_one(struct sim *s)
{
    struct sim_node *n = target(s);

    if (n)
        clone_strike(s, n->id);
    return false; /* counted when it is found */
}

static bool put_back(struct sim *s)
{
    struct sim_node *n = target(s);

    if (n)
        copy_strike(s, n->id);
    return false; /* counted when it is found */
}

static bool other_program(struct sim *s)
{
    struct sim_node *n = target(s);

    return n && level_strike(s, n->id);
}

static bool drift(struct sim *s)
{
    struct sim_node *n = some_node(s);

    if (!n)
        return false;
    clock_drift(s, n->id, (int32_t)between(&s->rng_fault, -200000, 200000));
    return true;
}

static bool freeze(struct sim *s)
{
    struct sim_node *n = target(s);

    if (!n)
        return false;
    clock_freeze(s, n->id,
                 sim_magnitude(&s->rng_fault, 50 * SIM_MS, 10 * SIM_S));
    return true;
}

static bool jump(struct sim *s)
{
    struct sim_node *n = target(s);
    int64_t by = sim_magnitude(&s->rng_fault, SIM_MS, 3600 * SIM_S);

    if (!n)
        return false;
    n->clock.wall_us += sim_chance(&s->rng_fault, 50) ? by : -by;
    return true;
}

static bool suspend(struct sim *s)
{
    struct sim_node *n = target(s);

    if (!n || !n->node)
        return false;
    clock_suspend(s, n->id,
                  sim_magnitude(&s->rng_fault, 50 * SIM_MS, 60 * SIM_S));
    return true;
}

static bool blink(struct sim *s)
{
    struct sim_node *n = target(s);
    int64_t by = sim_magnitude(&s->rng_fault, SIM_S, 36000 * SIM_S);
    bool back = sim_chance(&s->rng_fault, 50);
    int64_t for_us = sim_magnitude(&s->rng_fault, SIM_MS, 500 * SIM_MS);

    if (!n || n->clock.blink_us != 0)
        return false;
    clock_blink(s, n->id, back ? -by : by, for_us);
    return true;
}

static bool flush_one(struct sim *s)
{
    struct sim_node *n = some_node(s);

    if (!n || !n->node)
        return false;
    disk_flush_now(n->disk);
    return true;
}

static bool transfer(struct sim *s)
{
    struct sim_node *n = sim_leader(s);

    if (n && s->phase == PHASE_SAFETY)
        process_push(s, n->id, (struct inbox_item){.kind = IN_TRANSFER});
    return false; /* counted when it is accepted */
}

static bool leave(struct sim *s)
{
    uint32_t at = (uint32_t)rng_below(&s->rng_fault, s->client_count);

    for (uint32_t i = 0; i < s->client_count; i++) {
        struct sim_client *c = &s->clients[(at + i) % s->client_count];
        if (!c->conn || c->conn->outstanding == 0)
            continue;
        client_leave(s, c);
        return true;
    }
    return false;
}

static bool strike(struct sim *s, enum sim_fault kind)
{
    switch (kind) {
    case FAULT_RESET:
        return reset(s, false);
    case FAULT_HALF_OPEN:
        return reset(s, true);
    case FAULT_TORN:
        return damage(s, DAMAGE_TORN);
    case FAULT_FLIP:
        return damage(s, DAMAGE_FLIP);
    case FAULT_CUT:
        return cut_one(s);
    case FAULT_PARTITION:
        return partition(s);
    case FAULT_ISOLATE:
        return isolate(s);
    case FAULT_CRASH:
        return crash(s, false);
    case FAULT_LOOP:
        return crash(s, true);
    case FAULT_CRASH_ALL:
        return crash_all(s);
    case FAULT_PAUSE:
        return pause_one(s);
    case FAULT_SLOW_CPU:
        return slow_cpu(s);
    case FAULT_STALL:
        return stall(s);
    case FAULT_SLOW_STATE:
        return slow_state(s);
    case FAULT_SHORT:
        return disk_short(s);
    case FAULT_SYNC_ERROR:
        return disk_error(s, true);
    case FAULT_WRITE_ERROR:
        return disk_error(s, false);
    case FAULT_FLUSH:
        return flush_one(s);
    case FAULT_DRIFT:
        return drift(s);
    case FAULT_FREEZE:
        return freeze(s);
    case FAULT_JUMP:
        return jump(s);
    case FAULT_SUSPEND:
        return suspend(s);
    case FAULT_BLINK:
        return blink(s);
    case FAULT_TRANSFER:
        return transfer(s);
    case FAULT_LEAVE:
        return leave(s);
    case FAULT_LOST:
        return lose_disk(s);
    case FAULT_LEVEL:
        return other_program(s);
    case FAULT_WIPE:
        return wipe(s);
    case FAULT_CLONE:
        return clone_one(s);
    case FAULT_COPY_BACK:
        return put_back(s);
    case FAULT_CHURN:
    case FAULT_REMOVE_LEADER:
        return churn_strike(s, kind);
    default:
        return false; /* always there: TAIL, SLOW_LINK, FULL, TINY, ... */
    }
}

void sim_fault_event(struct sim *s, const struct sim_event *e)
{
    enum sim_fault kind = (enum sim_fault)e->a;

    ASSERT(kind < FAULT_COUNT);
    if (s->phase >= PHASE_DRAIN)
        return;
    bool happened = strike(s, kind);
    s->stats.faults[kind] += happened;
    if (happened)
        sim_trace(s, "fault: %s", sim_fault_names[kind]);
    int64_t again =
        1 + sim_exponential(&s->rng_fault, s->config.every_us[kind]);
    if (!happened && s->stats.faults[kind] == 0) /* each drawn one has to */
        again = MIN(again, 300 * SIM_MS);
    sim_push(s, s->now_us + again, EV_FAULT, e->a, 0);
}

static void heal_node(struct sim *s, uint32_t node)
{
    struct sim_node *n = &s->nodes[node];

    n->loop_until_us = 0;
    n->slow_until_us = 0;
    n->short_until_us = 0;
    clock_drift(s, node, 0);
    n->disk->stall_until_us = 0;
    n->disk->full_until_us = 0;
    n->disk->fail_sync = false;
    if (!disk_has_failed(n->disk))
        n->disk->fail_write = 0;
    if (n->disk->disk.is_running)
        sim_push(s, s->now_us, EV_SYNCED, node, n->disk->gen);
    if (n->node && disk_has_failed(n->disk)) /* it is about to end for that */
        process_crash(s, node, false, 10 * SIM_MS);
    if (n->node)
        process_resume(s, node);
    else
        process_start(s, node);
}

void sim_heal(struct sim *s, uint32_t mask)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (mask >> i & 1)
            heal_node(s, i);
    for (uint32_t i = 0; i < s->pair_count; i++) {
        struct sim_pair *p = &s->pairs[i];
        net_rush(s, p); /* slow wires end for all with the safety phase */
        if ((mask >> p->nodes[0] & 1) && (mask >> p->nodes[1] & 1))
            net_heal(s, p);
    }
}
