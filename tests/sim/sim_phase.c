/*
 * The phases of a run.
 *
 * Safety: everything may break. Liveness: a random majority of whole nodes is
 * healed, the rest stays broken; a request made then must be answered within
 * three election timeouts and a few round trips (see live_bound_us()); and each
 * node of the majority must serve soon after. Drain: all is healed, clients
 * stop, every open request must be answered and all nodes become equal, in log,
 * state and sessions.
 */
#include "sim.h"

#include "base/hash.h"
#include "store/store_fill.h"

#define POLL_US (20 * SIM_MS)

static int64_t election_us(const struct sim *s)
{
    return s->config.election_ms * SIM_MS;
}

static int64_t slack_us(const struct sim *s)
{
    return 100 * SIM_MS + 30 * (s->config.latency_us + s->config.jitter_us) +
           20 * s->config.sync_us;
}

static void poll_again(struct sim *s)
{
    sim_push(s, s->now_us + POLL_US, EV_PHASE, 0, 0);
}

static void enter(struct sim *s, enum sim_phase phase)
{
    static const char *const names[] = {"safety", "liveness", "after", "drain",
                                        "stuck"};

    s->phase = phase;
    s->phase_us = s->now_us;
    sim_trace(s, "phase: %s", names[phase]);
}

/* As long as so many entries take, in parts as small as configured. */
static int64_t parts_us(const struct sim *s, uint64_t entries)
{
    const struct sim_config *c = &s->config;

    if (c->append_entries_max == 0)
        return 0;
    return (int64_t)(entries / c->append_entries_max) *
           (2 * (c->latency_us + c->jitter_us) + c->sync_us);
}

/* Entries that the healed nodes' logs differ by, and requests that wait: all
 * of it goes before what is asked now. */
static uint64_t backlog(const struct sim *s)
{
    raft_index longest = 0;
    raft_index shortest = UINT64_MAX;
    uint64_t waiting = 0;

    for (uint32_t i = 0; i < s->count; i++) {
        const struct node *n = s->nodes[i].node;
        if (n)
            waiting += n->requests.ring.next_seq - n->requests.ring.first_seq;
        if (s->core_mask >> i & 1) {
            longest = MAX(longest, s->ghost.nodes[i].live.last);
            shortest = MIN(shortest, s->ghost.nodes[i].live.last);
        }
    }
    return longest - shortest + waiting;
}

/* Which members are a majority changes meanwhile: all are healed at once. */
static void begin_drain(struct sim *s)
{
    enter(s, PHASE_DRAIN);
    s->core_mask = (1u << s->count) - 1;
    level_drain(s);
    sim_heal(s, s->core_mask);
}

/* All run and reach each other, and too few have their memory. */
static void begin_stuck(struct sim *s)
{
    enter(s, PHASE_STUCK);
    s->core_mask = (1u << s->count) - 1;
    sim_heal(s, s->core_mask);
    stuck_begin(s);
}

static void begin_live(struct sim *s)
{
    uint32_t majority = s->count / 2 + 1;

    if (s->config.on[FAULT_MAJORITY]) {
        begin_stuck(s);
        return;
    }
    if (s->config.on[FAULT_CHURN] || s->config.on[FAULT_LEVEL]) {
        begin_drain(s);
        return;
    }
    enter(s, PHASE_LIVE);
    s->core_mask = 0;
    while ((uint32_t)__builtin_popcount(s->core_mask) < majority) {
        uint32_t node = (uint32_t)rng_below(&s->rng_fault, s->count);
        if (!s->nodes[node].copied)
            s->core_mask |= (uint32_t)lost_whole(s, node) << node;
    }
    sim_heal(s, s->core_mask);
    s->backlog = backlog(s);
    for (uint32_t i = 0; i < s->client_count; i++) {
        struct sim_client *c = &s->clients[i];
        if (c->probe && (s->core_mask >> c->home & 1))
            sim_push(s, s->now_us + 1, EV_CLIENT, c->id, ++c->gen);
    }
}

void phase_probe_answered(struct sim *s, const struct sim_op *op)
{
    if (s->phase != PHASE_LIVE && s->phase != PHASE_AFTER)
        return;
    s->served_mask |= 1u << op->node;
    if (s->live_us > 0)
        return;
    s->live_us = s->now_us;
    int64_t permille = (s->now_us - s->phase_us) * 1000 / election_us(s);
    s->stats.live_stuck += s->stuck_us > 0;
    s->stats.live_runs++;
    s->stats.live_in_3 += permille <= 3000;
    s->stats.live_tenths[MIN(permille / 100, LIVE_TENTHS - 1)]++;
    s->stats.live_worst_permille = permille;
    s->stats.live_worst_seed = s->seed;
    sim_trace(s, "served after %lld/1000 of an election timeout",
              (long long)permille);
}

/* The healed node with the longest log: it is to lead if nobody does. */
static uint32_t heir(const struct sim *s)
{
    uint32_t best = s->count;

    for (uint32_t i = 0; i < s->count; i++)
        if ((s->core_mask >> i & 1) &&
            (best == s->count ||
             s->ghost.nodes[i].live.last > s->ghost.nodes[best].live.last))
            best = i;
    ASSERT(best < s->count);
    return best;
}

/* Nobody keeps what a member needs that was away for too long; snapshots
 * would help. The leader need not have noticed yet, nor be elected. */
static bool outrun(struct sim *s)
{
    const struct sim_node *leader = sim_leader(s);
    uint32_t id = leader ? leader->id : heir(s);
    raft_index first = s->ghost.nodes[id].live.first;

    for (uint32_t i = 0; i < s->count; i++) {
        int pos = leader ? raft_position(&leader->node->raft, i) : -1;
        if (i != id && ((pos >= 0 && leader->node->raft.progress[pos].state ==
                                         RAFT_SNAPSHOT) ||
                        s->ghost.nodes[i].live.last + 1 < first))
            return true;
    }
    return false;
}

/* A log that restarted behind its state lacks what others may need of it, also
 * if no log is ever cut. */
static bool may_be_outrun(const struct sim *s)
{
    return s->config.log_hard < LOG_UNBOUNDED || s->stats.log_restarts > 0 ||
           s->config.on[FAULT_WIPE] || s->config.on[FAULT_CHURN] ||
           s->config.on[FAULT_COPY_BACK];
}

/* It has lost its majority, and gives up an election timeout after that. */
static bool hears_too_few(const struct sim_node *leader, uint32_t count)
{
    const struct raft *r = &leader->node->raft;
    uint32_t heard = 1;

    for (uint32_t i = 0; i < count; i++)
        heard += i != leader->id && r->now_ms - r->progress[i].heard_ms <=
                                        2 * (int64_t)r->config.heartbeat_ms;
    return heard <= count / 2;
}

/* A broken node leads that speaks in time but cannot write the log, or the
 * state: what makes it give up is the disk timeout, not the election timeout.
 * Or it was elected by others that are broken, and is left alone.
 */
static bool leader_cannot_write(struct sim *s)
{
    const struct sim_node *leader = sim_leader(s);

    return leader && !(s->core_mask >> leader->id & 1) &&
           ((leader->disk->disk.is_running &&
             leader->disk->stall_until_us > s->now_us) ||
            leader->disk->full_until_us > s->now_us ||
            hears_too_few(leader, s->count));
}

/* The last leader's followers wait for E since they heard it, and up to E more
 * by lot; one of those whose log may win has its turn after that. The third E
 * is for an election that is lost. To that come the messages and writes of the
 * election, the request, and the poll; and, if an append takes few entries,
 * what is sent before the request. */
/* Who had better not lead lets three of its timeouts pass, and draws each of
 * them longer, by up to an election timeout: in vain, if nobody else can. */
static int64_t patience_us(const struct sim *s)
{
    return sim_has_priorities(s) ? 11 * election_us(s) : 0;
}

static int64_t live_bound_us(const struct sim *s)
{
    const struct sim_config *c = &s->config;
    int64_t stuck = MIN(s->stuck_us, c->disk_timeout_ms * SIM_MS);

    return 3 * election_us(s) + stuck + POLL_US + patience_us(s) +
           12 * (c->latency_us + c->jitter_us) + 6 * c->sync_us +
           (c->on[FAULT_TINY] ? parts_us(s, s->backlog) : 0);
}

static void during_live(struct sim *s)
{
    bool late = s->now_us - s->phase_us > live_bound_us(s);

    if (leader_cannot_write(s))
        s->stuck_us += POLL_US;
    if (s->live_us > 0)
        enter(s, PHASE_AFTER);
    else if (late && may_be_outrun(s) && outrun(s))
        s->done = true; /* that majority cannot serve without a state */
    else if (late)
        sim_fail(s,
                 "X15 liveness: a healed majority does not serve within "
                 "%lld ms, the election timeout is %u",
                 (long long)(live_bound_us(s) / SIM_MS), s->config.election_ms);
}

/* Since when one of the healed nodes leads; a broken one that leads the
 * majority without reaching all of it is allowed to. */
static int64_t core_led_us(struct sim *s)
{
    const struct sim_node *leader = sim_leader(s);

    if (!leader || !(s->core_mask >> leader->id & 1) ||
        leader->node->raft.term != s->core_term) {
        s->core_term = leader ? leader->node->raft.term : 0;
        s->core_led_us = s->now_us;
    }
    return s->now_us - s->core_led_us;
}

static void during_after(struct sim *s)
{
    int64_t passed = s->now_us - s->phase_us;
    int64_t bound = 4 * election_us(s) + slack_us(s);
    bool all = (s->served_mask & s->core_mask) == s->core_mask;

    if (core_led_us(s) > bound && !all && !outrun(s))
        sim_fail(s, "X15 liveness: of the healed nodes %x only %x serve",
                 s->core_mask, s->served_mask);
    if (passed < SIM_S || (!all && passed < 3 * bound))
        return;
    begin_drain(s);
}

/* --- convergence ---------------------------------------------------------- */

static const char *not_equal(struct sim *s)
{
    struct sim_node *leader = sim_leader(s);

    if (!clients_idle(s))
        return "a request is not answered";
    if (!leader)
        return "there is no leader";
    const struct raft *l = &leader->node->raft;
    const char *why = churn_wait(s, leader);
    if (!why)
        why = level_wait(s, leader);
    if (why)
        return why;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct node *n = s->nodes[i].node;
        if (!(s->members >> i & 1))
            continue;
        if (!n)
            return "a node is down";
        if (s->nodes[i].copied)
            return "an older copy is not found";
        if (!lost_whole(s, i))
            return "a node is not refilled";
        if (n->raft.term != l->term || n->raft.leader != leader->id)
            return "a node follows nobody";
        if (n->raft.last != l->last || n->raft.commit != l->last ||
            s->ghost.nodes[i].applied != l->last)
            return "logs differ";
        if (s->ghost.nodes[i].disk.last != l->last)
            return "disks differ";
        if (n->requests.ring.first_seq != n->requests.ring.next_seq ||
            n->requests.queue.head)
            return "a request, answered UNKNOWN, never came to the log";
        if (!bounds_log_is_cut(s, i))
            return "a log that all have is not cut";
        if (n->refill.phase != REFILL_NONE)
            return "a state is being fetched that nobody needs";
    }
    return NULL;
}

/* All are equal but for what has to be deleted: sweeps go on at once. */
static int64_t sweep_us(const struct sim *s)
{
    return SIM_S + 20 * slack_us(s);
}

/* What waits to be deleted, for too long: keys that expire one after the other
 * may wait for longer than each. */
static const char *not_at_rest(struct sim *s)
{
    const struct sim_node *leader = sim_leader(s);
    const char *why = NULL;

    for (uint32_t i = 0; i < s->count && !why; i++)
        if (s->members >> i & 1)
            why = rows_wait(s, i, leader->node);
    if (!why || s->rest_us == 0)
        s->rest_us = why ? s->now_us : 0;
    if (why && s->now_us - s->rest_us > sweep_us(s))
        sim_fail(s, "%s for %lld ms", why,
                 (long long)((s->now_us - s->rest_us) / SIM_MS));
    return why;
}

static uint64_t dump_hash(struct sim *s, uint32_t node)
{
    struct store_iter *it =
        store_iter_new(s->nodes[node].disk->inner, STORE_STATE);
    uint64_t hash = 0;

    for (store_iter_seek(it, BYTES_NONE); store_iter_valid(it);
         store_iter_next(it)) {
        hash = hash64_seed(store_iter_key(it), hash);
        hash = hash64_seed(store_iter_value(it), hash);
    }
    store_iter_free(it);
    return hash;
}

/* X20: of a transfer nothing is left on the disk. */
static void nothing_left(struct sim *s, uint32_t node)
{
    struct store *store = s->nodes[node].disk->inner;
    struct buf row = BUF_INIT;
    struct store_fill *fill;

    if (store_get(store, STORE_META, BYTES_LIT("refill"), &row) == 0)
        sim_fail(s, "X20 rest: node %u keeps what it noted of a transfer",
                 node);
    if (store_fill_begin(store, 1, BYTES_LIT("k"), &fill) == 0)
        sim_fail(s, "X20 rest: node %u keeps parts of a state", node);
    buf_release(&row);
}

static void compare_all(struct sim *s)
{
    uint32_t one = (uint32_t)__builtin_ctz(s->members);
    uint64_t first = dump_hash(s, one);

    for (uint32_t i = 0; i < s->count; i++) {
        if (!(s->members >> i & 1))
            continue;
        s->current = &s->nodes[i];
        oracle_compare(s, i);
        nothing_left(s, i);
        if (dump_hash(s, i) != first)
            sim_fail(s,
                     "I17 state: the dump of node %u differs from that of "
                     "node %u",
                     i, one);
        if (s->ghost.nodes[i].live.at[s->oracle.head] !=
            s->ghost.nodes[one].live.at[s->oracle.head])
            sim_fail(s, "I7 log matching: node %u ends in another log", i);
    }
    s->current = NULL;
    sim_mix(s, first);
}

/* All say that all are equal, after an entry that this phase has brought. */
static const char *not_compared(struct sim *s)
{
    struct compare_status st;
    node_id first = (node_id)(s->seed % s->count);

    if (!(s->members >> first & 1))
        first = (node_id)__builtin_ctz(s->members);

    if (s->compare_from == 0) {
        s->compare_from = s->oracle.head + 1;
        if (node_compare_ask(s->nodes[first].node) != 0)
            sim_fail(s, "X22 comparison: it cannot begin on node %u", first);
    }
    for (uint32_t i = 0; i < s->count; i++) {
        if (!(s->members >> i & 1))
            continue;
        node_compare_status(s->nodes[i].node, &st);
        if (st.different + st.undecided > 0)
            sim_fail(s, "X22 comparison: different states after entry %llu",
                     (unsigned long long)st.index);
        if (st.running || st.index == 0)
            return "a comparison of states does not end";
        for (uint32_t k = 0; k < st.count; k++)
            if (st.index >= s->compare_from &&
                st.members[k].result != COMPARE_EQUAL)
                sim_fail(s, "X22 comparison: node %u has no hash",
                         st.members[k].id);
    }
    return NULL;
}

/* A whole log may have to be sent again; and a directory that is emptied once
 * more before it was refilled is not let in for a minute. */
static int64_t refill_us(const struct sim *s)
{
    bool copied = s->config.on[FAULT_COPY_BACK];
    int64_t pause_us = s->config.on[FAULT_WIPE] || copied ? 61 * SIM_S : 0;

    return s->config.on[FAULT_LOST] || s->config.on[FAULT_WIPE] || copied
               ? parts_us(s, s->oracle.head) + pause_us
               : 0;
}

/* Who was asked for at the end is let in, refilled, and becomes a voter; who
 * is to go is told for up to ten seconds. */
static int64_t churn_us(const struct sim *s)
{
    return s->config.on[FAULT_CHURN] ? 60 * SIM_S + parts_us(s, s->oracle.head)
                                     : 0;
}

static void during_drain(struct sim *s)
{
    int64_t passed = s->now_us - s->phase_us;
    int64_t bound = 20 * election_us(s) + 10 * SIM_S + slack_us(s) +
                    s->config.request_timeout_ms * SIM_MS + refill_us(s) +
                    churn_us(s) + (s->config.on[FAULT_LEVEL] ? 20 * SIM_S : 0) +
                    2 * patience_us(s);

    if (passed > SIM_S)
        s->stopped = true;
    if (!s->stopped)
        return;
    const char *why = not_equal(s);
    if (why)
        s->rest_us = 0;
    else
        why = not_at_rest(s);
    if (!why)
        why = not_compared(s);
    if (why && outrun(s) && !may_be_outrun(s) && passed > bound / 2)
        sim_fail(s, "X15 convergence: the log was cut above what a member "
                    "has, though it may keep all");
    if (why != s->waits_for)
        sim_trace(s, "not at the end: %s", why ? why : "it is");
    s->waits_for = why;
    if (why && passed > bound)
        sim_fail(s, "X15 convergence: after %lld ms %s",
                 (long long)(passed / SIM_MS), why);
    if (why)
        return;
    compare_all(s);
    history_check(s);
    replay_check(s);
    s->done = true;
}

void phase_event(struct sim *s)
{
    switch (s->phase) {
    case PHASE_SAFETY:
        begin_live(s);
        break;
    case PHASE_LIVE:
        during_live(s);
        break;
    case PHASE_AFTER:
        during_after(s);
        break;
    case PHASE_DRAIN:
        during_drain(s);
        break;
    case PHASE_STUCK:
        stuck_poll(s);
        break;
    }
    poll_again(s);
}
