/*
 * Processes: start, the turns of their loops, pauses, crashes, clocks.
 *
 * What happens to a node goes to its inbox. A turn takes the inbox, flushes,
 * and costs time; what arrives meanwhile waits for the next turn, so batches
 * form as they do in a real loop. A paused process is one whose turn takes
 * very long. Between turns the core's deadline wakes it.
 */
#include "sim.h"

#include "base/hash.h"
#include "base/level.h"

#include "codec/frame.h"
#include "codec/message.h"
#include "node/node_boot.h"

#include <stdio.h>

#define TURN_ITEMS_MAX 512
/* So many turns within a simulated second: the loop spins. */
#define TURNS_PER_SECOND_MAX 60000

/* --- clocks --------------------------------------------------------------- */

static int64_t mono_us(const struct sim *s, const struct sim_node *n)
{
    int64_t passed = s->now_us - n->clock.since_us;
    return n->clock.mono_us + passed + passed * n->clock.ppm / 1000000;
}

int64_t sim_mono_ms(const struct sim *s, const struct sim_node *n)
{
    return mono_us(s, n) / SIM_MS;
}

void clock_drift(struct sim *s, uint32_t node, int32_t ppm)
{
    struct sim_node *n = &s->nodes[node];

    n->clock.mono_us = mono_us(s, n);
    n->clock.since_us = s->now_us;
    n->clock.ppm = ppm;
    if (n->clock.suspended && ppm != CLOCK_FROZEN) {
        n->clock.suspended = false;
        n->clock.wall_us = s->now_us + n->clock.right_us - n->clock.mono_us;
    }
}

void clock_freeze(struct sim *s, uint32_t node, int64_t for_us)
{
    struct sim_node *n = &s->nodes[node];

    clock_drift(s, node, CLOCK_FROZEN);
    sim_trace(s, "node %u: its clocks stand still for %lld ms", node,
              (long long)(for_us / SIM_MS));
    sim_push(s, s->now_us + for_us, EV_THAW, node, ++n->clock.thaw_gen);
}

void clock_suspend(struct sim *s, uint32_t node, int64_t for_us)
{
    struct sim_node *n = &s->nodes[node];

    if (!n->clock.suspended)
        n->clock.right_us = mono_us(s, n) + n->clock.wall_us - s->now_us;
    process_pause(s, node, for_us);
    clock_freeze(s, node, for_us);
    n->clock.suspended = true;
}

void clock_blink(struct sim *s, uint32_t node, int64_t by_us, int64_t for_us)
{
    struct sim_node *n = &s->nodes[node];

    ASSERT(n->clock.blink_us == 0);
    n->clock.blink_us = by_us;
    n->clock.wall_us += by_us;
    sim_push(s, s->now_us + for_us, EV_UNBLINK, node, 0);
}

/* When the node's monotonic clock will show this, rounded up. */
static int64_t when_mono_ms(const struct sim *s, const struct sim_node *n,
                            int64_t mono_ms)
{
    int64_t left = mono_ms * SIM_MS - mono_us(s, n);

    if (left <= 0)
        return s->now_us;
    if (n->clock.ppm == CLOCK_FROZEN)
        return s->now_us + 3600 * SIM_S; /* thawing wakes it */
    return s->now_us + left * 1000000 / (1000000 + n->clock.ppm) + 1;
}

/* --- inbox ---------------------------------------------------------------- */

static void schedule_turn(struct sim *s, struct sim_node *n, int64_t at_us)
{
    at_us = MAX(at_us, n->busy_until_us);
    if (!n->node || n->turn_us <= at_us)
        return;
    n->turn_us = at_us;
    sim_push(s, at_us, EV_TURN, n->id, ++n->turn_gen);
}

void process_push(struct sim *s, uint32_t node, struct inbox_item item)
{
    struct sim_node *n = &s->nodes[node];
    struct inbox *b = &n->inbox;

    ASSERT(n->node);
    if (b->count == b->cap) {
        size_t cap = MAX(b->cap * 2, 64);
        struct inbox_item *items = mem_alloc(cap * sizeof(items[0]));
        for (size_t i = 0; i < b->count; i++)
            items[i] = b->items[(b->head + i) & (b->cap - 1)];
        mem_free(b->items);
        *b = (struct inbox){items, 0, b->count, cap};
    }
    b->items[(b->head + b->count) & (b->cap - 1)] = item;
    b->count++;
    schedule_turn(s, n, s->now_us);
}

static void inbox_clear(struct inbox *b)
{
    for (; b->count > 0; b->count--) {
        mem_free(b->items[b->head].message);
        b->head = (b->head + 1) & (b->cap - 1);
    }
}

static void clock_thaw(struct sim *s, struct sim_node *n)
{
    clock_drift(s, n->id, 0);
    schedule_turn(s, n, s->now_us);
}

/* --- start and end -------------------------------------------------------- */

static void on_fatal(void *ctx, int err, const char *text)
{
    struct sim_node *n = ctx;

    UNUSED(err);
    snprintf(n->failure, sizeof(n->failure), "%s", text);
}

static void on_removed(void *ctx, const char *text)
{
    struct sim_node *n = ctx;

    UNUSED(text);
    n->removed = true;
}

/* Operators want somebody to lead, and somebody not to: in some seeds. */
static void priorities_fill(const struct sim *s, struct node_options *o)
{
    for (uint32_t i = 0; i < s->config.nodes && sim_has_priorities(s); i++) {
        uint64_t facts[] = {s->seed, i};
        uint64_t lot = hash64(bytes_of(facts, sizeof(facts))) % 3;
        o->priorities[o->priority_count++] =
            (struct node_priority){i, (uint8_t)(100 * lot)};
    }
}

void process_options(struct sim *s, const struct sim_node *n,
                     struct node_options *o)
{
    const struct sim_config *c = &s->config;

    *o = (struct node_options){
        .self = n->id,
        .member_count = s->config.nodes,
        .election_timeout_ms = c->election_ms,
        .heartbeat_ms = c->heartbeat_ms,
        .peer_down_delay_ms = c->peer_down_ms,
        .disk_timeout_ms = c->disk_timeout_ms,
        .request_timeout_ms = c->request_timeout_ms,
        .request_bytes_max = 1u << 20,
        .entry_bytes_max = c->entry_bytes_max,
        .pending_bytes_max = c->pending_bytes_max,
        .upload_above = c->upload_above,
        .log_bytes_soft = c->log_soft,
        .log_bytes_hard = c->log_hard,
        /* With a hard bound a member may be left behind, and a majority with
         * it cannot serve until it has fetched a state: rarely. */
        .log_cut_margin = c->log_hard == LOG_UNBOUNDED ? 8 : 1000,
        .log_cache_bytes = c->log_cache,
        .append_entries_max = c->append_entries_max,
        .window_max = c->window_max,
        .now_ms = sim_mono_ms(s, n),
        .once_ttl_s = c->once_ttl_s,
        .compare_every_ms = s->seed % 4 == 1 ? COMPARE_EVERY_MS : 0,
        .compare_in_turn = true,
        .read_mode = READ_INDEX,
        .level_max = n->level_max,
        .seed = rng_next(&s->rng_node),
        .threadless = true,
        .calm_ms = SIM_CALM_MS,
    };
    priorities_fill(s, o);
}

/* Of this start, drawn without a draw: what else happens stays as it is. */
static uint64_t sim_nonce(const struct sim *s, const struct sim_node *n)
{
    uint64_t facts[] = {s->seed, n->id, n->start_count};

    return hash64(bytes_of(facts, sizeof(facts))) | UINT64_C(1);
}

/* Its directory says that it is no member: it died before it could say so. */
static bool was_removed(struct sim *s, struct sim_node *n)
{
    struct buf row = BUF_INIT;
    int err = store_get(n->disk->inner, STORE_META, NODE_REMOVED_KEY, &row);

    buf_release(&row);
    if (err != 0)
        return false;
    if (!s->config.on[FAULT_CHURN])
        sim_fail(s, "X2 recovery: node %u was removed, unasked", n->id);
    n->removed = n->absent = true;
    s->stats.removed++;
    return true;
}

static bool start_node(struct sim *s, struct sim_node *n)
{
    struct sim_disk *d = n->disk;
    struct world_boot how = {
        .env = {.store = &d->base,
                .transport = {n, net_send, NULL},
                .events = {.ctx = n,
                           .reply_open = client_reply_open,
                           .reply_done = client_reply_done,
                           .read_ready = client_read_ready,
                           .upload_ready = client_upload_ready,
                           .removed = on_removed,
                           .fatal = on_fatal}},
        .disk = &d->disk,
        .life = n->blank ? n->granted : 0,
        /* The core's monitor has no other members than the founders. */
        .members =
            n->blank && s->config.on[FAULT_CHURN] ? &n->granted_members : NULL,
        .nonce = sim_nonce(s, n),
    };
    struct buf error = BUF_INIT;

    process_options(s, n, &how.options);
    int err = world_boot(&n->node, &how, &error);
    if (err != 0) {
        buf_u8(&error, '\0');
        n->incarnation = MAX(n->incarnation, how.options.incarnation);
        level_refused(s, n->id, (const char *)error.data);
        buf_release(&error);
        return false;
    }
    if (how.options.incarnation <= n->incarnation && !n->copied)
        sim_fail(s, "X5 incarnation: node %u starts with an old one", n->id);
    n->incarnation = how.options.incarnation;
    n->starts =
        mem_realloc(n->starts, (n->start_count + 1) * sizeof(n->starts[0]));
    /* Of a copy there may have been another start with this number. */
    n->starts[n->start_count++] = n->copied ? 0 : n->incarnation;
    n->nonce = how.nonce;
    n->unheard = n->unheard || (n->blank && n->joins);
    n->life = n->blank ? n->granted : n->life;
    n->blank = false;
    n->time_told = false;
    n->hearsay = false;
    n->time_term = 0;
    memset(n->seen, 0, sizeof(n->seen));
    memset(n->answered, 0, sizeof(n->answered));
    buf_release(&error);
    return true;
}

void process_start(struct sim *s, uint32_t node)
{
    struct sim_node *n = &s->nodes[node];

    ASSERT(!n->node);
    n->start_gen++;
    if (n->absent)
        return;
    if (was_removed(s, n))
        return;
    if (!copy_may_start(s, node))
        return;
    if (lost_has_to_ask(s, node)) {
        sim_push(s, s->now_us + LOST_ASK_US, EV_START, node, n->start_gen);
        return;
    }
    n->failure[0] = '\0';
    n->expected_death = false;
    s->current = n;
    s->stats.faults[FAULT_TINY] += s->config.on[FAULT_TINY];
    bool started = start_node(s, n);
    if (started)
        ghost_started(s, node);
    s->current = NULL;
    if (!started)
        return;
    n->busy_until_us = s->now_us;
    n->turn_us = INT64_MAX;
    sim_trace(s, "node %u: starts, incarnation %llu, term %llu, log to %llu",
              node, (unsigned long long)n->incarnation,
              (unsigned long long)n->node->raft.term,
              (unsigned long long)n->node->raft.last);
    net_node_up(s, node);
    schedule_turn(s, n, s->now_us);
    if (n->loop_until_us > s->now_us)
        process_crash_soon(s, node, 5 * SIM_MS, 500 * SIM_MS);
}

static void stop(struct sim *s, uint32_t node, bool power)
{
    struct sim_node *n = &s->nodes[node];

    inbox_clear(&n->inbox);
    s->stats.elections += n->node->elections;
    node_free(n->node);
    n->node = NULL;
    n->turn_gen++;
    n->turn_us = INT64_MAX;
    disk_crash(n->disk, power);
    net_node_down(s, node, power);
    clients_node_down(s, node);
}

void process_crash(struct sim *s, uint32_t node, bool power, int64_t down_us)
{
    struct sim_node *n = &s->nodes[node];

    n->start_gen++;
    sim_push(s, s->now_us + down_us, EV_START, node, n->start_gen);
    if (!n->node)
        return;
    sim_trace(s, "node %u: %s", node, power ? "loses power" : "is killed");
    s->stats.crashes++;
    stop(s, node, power);
}

void process_end(struct sim *s, uint32_t node)
{
    s->nodes[node].start_gen++;
    s->nodes[node].absent = true;
    if (s->nodes[node].node)
        stop(s, node, false);
}

/* Draws one at a time: C leaves open which argument of a call comes first. */
void process_crash_soon(struct sim *s, uint32_t node, int64_t from_us,
                        int64_t to_us)
{
    bool power = sim_chance(&s->rng_fault, 50);
    int64_t down_us = sim_magnitude(&s->rng_fault, from_us, to_us);

    process_crash(s, node, power, down_us);
}

void process_pause(struct sim *s, uint32_t node, int64_t for_us)
{
    struct sim_node *n = &s->nodes[node];

    if (!n->node)
        return;
    sim_trace(s, "node %u: stands still for %lld ms", node,
              (long long)(for_us / SIM_MS));
    n->busy_until_us = MAX(n->busy_until_us, s->now_us + for_us);
    n->turn_us = INT64_MAX;
    schedule_turn(s, n, n->busy_until_us);
}

void process_resume(struct sim *s, uint32_t node)
{
    struct sim_node *n = &s->nodes[node];

    ASSERT(n->node);
    n->busy_until_us = s->now_us;
    n->turn_us = INT64_MAX;
    schedule_turn(s, n, s->now_us);
}

/* --- turns ---------------------------------------------------------------- */

static void trace_message(struct sim *s, const struct sim_node *n,
                          const struct raft_message *m)
{
    sim_trace(s,
              "node %u: %s from %u, term %llu, index %llu+%u, match %llu, "
              "commit %llu",
              n->id, raft_message_name(m->type), m->from,
              (unsigned long long)m->term, (unsigned long long)m->index,
              m->count, (unsigned long long)m->match,
              (unsigned long long)m->commit);
}

static int hand_over(struct sim *s, struct sim_node *n,
                     const struct world_message *m)
{
    struct bytes payload = world_message_payload(m);
    struct raft_message head;
    struct beat beat;
    struct bytes rest;
    struct sim_cover cover;

    if (m->frame_type != FRAME_RAFT) {
        sim_trace(s, "node %u: %s from %u, %u bytes", n->id,
                  m->frame_type == FRAME_FORWARD ? "requests" : "of a state",
                  m->from, m->size);
        return node_receive(n->node, m->from, m->frame_type, payload);
    }
    int err = message_decode(payload, &head, &rest);
    ASSERT(err == 0); /* as when it was sent */
    err = beat_decode(rest, &beat, &rest);
    ASSERT(err == 0);
    time_heard(n, &beat);
    trace_message(s, n, &head);
    cover_before(s, n, m->from, &cover);
    err = node_receive(n->node, m->from, m->frame_type, payload);
    cover_after(s, n, m->from, &head, &cover);
    time_taken(n, &head);
    return err;
}

/* What was sent in a life that has ended since: the link is closed. */
static bool is_over(const struct sim_node *n, node_id from)
{
    const struct node_peer *p = node_peer_find(n->node, from);

    return p && node_members_is_over(n->node, p);
}

static void receive(struct sim *s, struct sim_node *n,
                    const struct inbox_item *item)
{
    struct world_message *m = item->message;

    net_taken(s, item->pair, item->side, m);
    int err = hand_over(s, n, m);
    bool stranger = err == ERR_MISMATCH && s->config.on[FAULT_CHURN] &&
                    raft_position(&n->node->raft, m->from) < 0;
    s->stats.strangers += stranger;
    if (stranger || (err == ERR_MISMATCH && is_over(n, m->from))) {
        int64_t now[2] = {0, 0};
        net_reset(s, &s->pairs[item->pair], now, 10 * SIM_MS);
    } else if (err != 0)
        sim_fail(s, "node %u refuses a true message of %u: %s", n->id, m->from,
                 error_text(err));
    mem_free(m);
}

static void take(struct sim *s, struct sim_node *n,
                 const struct inbox_item *item)
{
    const struct sim_pair *p = &s->pairs[item->pair];

    switch (item->kind) {
    case IN_MESSAGE:
        receive(s, n, item);
        break;
    case IN_UP:
        if (item->level > 0)
            node_peer_levels(n->node, p->nodes[1 - item->side], LEVEL_MIN,
                             item->level);
        node_peer_up(n->node, p->nodes[1 - item->side], item->incarnation,
                     "sim");
        break;
    case IN_DOWN:
        node_peer_down(n->node, p->nodes[1 - item->side]);
        break;
    case IN_DISK:
        node_disk_done(n->node);
        break;
    case IN_CLIENT:
        client_turn(s, item->conn);
        break;
    case IN_ADMIT:
        lost_asked(s, n->id, item);
        break;
    case IN_CLONE:
        clone_asked(s, n->id, item->pair);
        break;
    case IN_CHANGE:
        churn_ask(s, n, (enum sim_fault)item->epoch);
        break;
    case IN_TRANSFER:
        if (node_transfer(n->node, NODE_NONE))
            s->stats.faults[FAULT_TRANSFER]++;
        break;
    }
}

static void guard(struct sim *s, struct sim_node *n)
{
    if (s->now_us - n->guard_us > SIM_S) {
        n->guard_us = s->now_us;
        n->guard_turns = 0;
    }
    if (++n->guard_turns > TURNS_PER_SECOND_MAX)
        sim_fail(s, "node %u: its loop spins: deadline %lld, clock %lld", n->id,
                 (long long)node_deadline_ms(n->node),
                 (long long)sim_mono_ms(s, n));
}

static int64_t turn_cost(struct sim *s, struct sim_node *n)
{
    int64_t mean = s->config.turn_us;

    if (n->slow_until_us > s->now_us)
        mean = 3 * SIM_MS;
    return 5 + sim_exponential(&s->rng_node, mean);
}

/* Its id was given to another directory meanwhile. */
static bool was_replaced(const struct sim_node *n)
{
    const struct member *m =
        configuration_find(&n->node->membership.applied, n->id);

    return m && m->life > RAFT_LIFE(n->incarnation);
}

static void after_turn(struct sim *s, struct sim_node *n)
{
    if (n->removed) {
        sim_trace(s, "node %u: is no member any more, and ends", n->id);
        s->stats.removed++;
        process_end(s, n->id);
        return;
    }
    if (n->failure[0] != '\0' && s->config.on[FAULT_CHURN] && was_replaced(n)) {
        process_end(s, n->id);
        return;
    }
    if (n->failure[0] != '\0' && level_ended(s, n))
        return;
    if (n->failure[0] != '\0' && node_is_copy(n->node)) {
        copy_found(s, n->id, COPY_LOG);
        return;
    }
    if (n->failure[0] != '\0') {
        if (!n->expected_death)
            sim_fail(s, "node %u ends itself: %s", n->id, n->failure);
        process_crash_soon(s, n->id, 10 * SIM_MS, 5 * SIM_S);
        return;
    }
    ghost_turn(s, n->id);
    sim_mix(s, n->node->raft.term * 31 + n->node->raft.commit);
    n->busy_until_us = s->now_us + turn_cost(s, n);
    if (n->inbox.count > 0) {
        schedule_turn(s, n, s->now_us);
        return;
    }
    int64_t deadline = node_deadline_ms(n->node);
    if (deadline < INT64_MAX)
        schedule_turn(s, n, when_mono_ms(s, n, deadline));
}

static void turn(struct sim *s, struct sim_node *n)
{
    int64_t mono = mono_us(s, n);
    struct inbox *b = &n->inbox;

    n->turn_us = INT64_MAX;
    n->turns++;
    s->stats.turns++;
    guard(s, n);
    s->current = n;
    node_set_time(n->node, mono / SIM_MS, (mono + n->clock.wall_us) / SIM_MS);
    node_set_disk_short(n->node, n->short_until_us > s->now_us);
    for (int i = 0; i < TURN_ITEMS_MAX && b->count > 0 && !n->node->dead; i++) {
        struct inbox_item item = b->items[b->head];
        b->items[b->head].message = NULL;
        b->head = (b->head + 1) & (b->cap - 1);
        b->count--;
        take(s, n, &item);
        if (!n->node->dead) /* it may cease to lead in this turn */
            ghost_commit(s, n->id);
    }
    node_flush(n->node);
    after_turn(s, n);
    s->current = NULL;
}

void process_event(struct sim *s, const struct sim_event *e)
{
    struct sim_node *n = &s->nodes[e->a];

    if (e->kind == EV_START) {
        if (e->gen == n->start_gen && !n->node)
            process_start(s, n->id);
        return;
    }
    if (e->kind == EV_MISSED) {
        copy_missed(s, e);
        return;
    }
    if (e->kind == EV_THAW) {
        if (e->gen == n->clock.thaw_gen)
            clock_thaw(s, n);
        return;
    }
    if (e->kind == EV_UNBLINK) {
        n->clock.wall_us -= n->clock.blink_us;
        n->clock.right_us -= n->clock.blink_us;
        n->clock.blink_us = 0;
        return;
    }
    ASSERT(e->kind == EV_TURN);
    if (e->gen == n->turn_gen && n->node)
        turn(s, n);
}

struct sim_node *sim_leader(struct sim *s)
{
    struct sim_node *found = NULL;

    for (uint32_t i = 0; i < s->count; i++) {
        struct sim_node *n = &s->nodes[i];
        if (n->node && n->node->raft.role == RAFT_LEADER &&
            (!found || n->node->raft.term > found->node->raft.term))
            found = n;
    }
    return found;
}

void process_init(struct sim *s)
{
    static const int64_t edges_ms[] = {INT64_C(1) << 31, INT64_C(1) << 32};

    for (uint32_t i = 0; i < s->count; i++) {
        struct sim_node *n = &s->nodes[i];
        int64_t mono_ms = 1000 + (int64_t)rng_below(&s->rng_node, 1000000);
        n->id = i;
        n->turn_us = INT64_MAX;
        if (s->config.on[FAULT_EDGE]) {
            mono_ms = edges_ms[rng_below(&s->rng_node, 2)] - 3000;
            mono_ms -= (int64_t)rng_below(&s->rng_node, 5000);
            s->stats.faults[FAULT_EDGE]++;
        }
        n->clock.mono_us = mono_ms * SIM_MS;
        n->clock.wall_us = SIM_WALL_MS * SIM_MS - n->clock.mono_us +
                           (int64_t)rng_below(&s->rng_node, 200 * SIM_MS);
        if (s->config.on[FAULT_APART]) {
            int64_t by =
                sim_magnitude(&s->rng_node, 100 * SIM_MS, 3600 * SIM_S);
            n->clock.wall_us += sim_chance(&s->rng_node, 50) ? by : -by;
            s->stats.faults[FAULT_APART]++;
        }
        n->disk = disk_new(s, i);
    }
}

void process_release(struct sim *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        struct sim_node *n = &s->nodes[i];
        inbox_clear(&n->inbox);
        mem_free(n->inbox.items);
        node_free(n->node);
        disk_free(n->disk);
        for (uint64_t k = 0; k < n->starts_cap; k++)
            mem_free(n->ops[k]);
        mem_free(n->starts);
        mem_free(n->ops);
        mem_free(n->ops_cap);
    }
}
