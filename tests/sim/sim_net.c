/*
 * The links between members, as src/peer makes them from TCP connections.
 *
 * A pair of nodes has at most one link; each establishment of it is an epoch.
 * Each side learns for itself, and at its own time, that an epoch has begun or
 * ended, so half-open links exist. Within an epoch, a direction and a priority
 * messages arrive in order or not at all; what is lost, is lost with the
 * epoch, and a message reaches only the incarnation that the epoch is with.
 * That is what node_transport.h promises, and no more than that is kept.
 *
 * A direction that is cut holds its messages, as TCP does, until it heals or
 * one side gives the link up. Control overtakes bulk, which shares the
 * bandwidth with the background. What was sent and not yet taken fills the
 * queue: ERR_LIMIT.
 */
#include "sim.h"

#include "codec/frame.h"

#define HANDSHAKE_WAIT_US (500 * SIM_MS)
#define BACKOFF_MIN_US    (10 * SIM_MS)
#define CONTROL_EXTRA     (64u * 1024u)

struct sim_pair *net_pair(struct sim *s, uint32_t a, uint32_t b, uint32_t *side)
{
    uint32_t low = MIN(a, b);
    uint32_t high = MAX(a, b);

    ASSERT(low < high && high < s->count);
    *side = a == low ? 0 : 1;
    /* rows (0,1) (0,2) ... (1,2) ... */
    return &s->pairs[low * (2 * s->count - low - 1) / 2 + high - low - 1];
}

static uint32_t pair_id(const struct sim *s, const struct sim_pair *p)
{
    return (uint32_t)(p - s->pairs);
}

static void queue_clear(struct sim_queue *q)
{
    world_queue_clear(&q->messages);
    q->last_us = 0;
}

static void queues_clear(struct sim_direction *d)
{
    for (uint32_t prio = 0; prio < TRANSPORT_PRIORITIES; prio++)
        queue_clear(&d->queues[prio]);
}

static void direction_clear(struct sim_direction *d)
{
    queues_clear(d);
    d->bytes = 0;
    d->background_bytes = 0;
    d->free_us = 0;
    d->hold_us = 0;
}

static void schedule_try(struct sim *s, struct sim_pair *p, int64_t delay_us)
{
    p->try_gen++;
    p->trying = true;
    sim_push(s, s->now_us + delay_us, EV_LINK_TRY, pair_id(s, p), p->try_gen);
}

void net_init(struct sim *s)
{
    for (uint32_t a = 0; a < s->count; a++)
        for (uint32_t b = a + 1; b < s->count; b++) {
            uint32_t side;
            struct sim_pair *p = net_pair(s, a, b, &side);
            memset(p, 0, sizeof(*p));
            p->nodes[0] = a;
            p->nodes[1] = b;
            p->backoff_us = BACKOFF_MIN_US;
        }
    s->pair_count = s->count * (s->count - 1) / 2;
}

void net_release(struct sim *s)
{
    for (uint32_t i = 0; i < s->pair_count; i++) {
        direction_clear(&s->pairs[i].dirs[0]);
        direction_clear(&s->pairs[i].dirs[1]);
    }
}

static int64_t latency(struct sim *s, struct sim_direction *dir)
{
    const struct sim_config *c = &s->config;
    int64_t us = c->latency_us + sim_exponential(&s->rng_net, c->jitter_us);

    if (c->tail_ppm > 0 && s->phase == PHASE_SAFETY &&
        rng_below(&s->rng_net, 1000000) < c->tail_ppm) {
        us += sim_magnitude(&s->rng_net, SIM_MS, 20 * SIM_S);
        dir->hold_us = MAX(dir->hold_us, s->now_us + us);
        s->stats.faults[FAULT_TAIL]++;
    }
    return us;
}

/* This side has noticed that the epoch is over. */
static void side_down(struct sim *s, struct sim_pair *p, uint32_t d)
{
    struct sim_side *side = &p->sides[d];
    uint32_t id = p->nodes[d];

    side->dead_epoch = MAX(side->dead_epoch, p->epoch);
    if (!side->up)
        return;
    side->up = false;
    sim_trace(s, "link %u-%u: down at %u", p->nodes[0], p->nodes[1], id);
    if (s->nodes[id].node)
        process_push(s, id,
                     (struct inbox_item){.kind = IN_DOWN,
                                         .pair = pair_id(s, p),
                                         .side = d,
                                         .epoch = side->epoch});
    queues_clear(&p->dirs[1 - d]);
}

static bool paused(const struct sim *s, uint32_t id)
{
    return s->nodes[id].busy_until_us > s->now_us + HANDSHAKE_WAIT_US;
}

static bool connected(const struct sim_pair *p)
{
    return p->epoch > p->sides[0].dead_epoch &&
           p->epoch > p->sides[1].dead_epoch;
}

static void establish(struct sim *s, struct sim_pair *p)
{
    side_down(s, p, 0);
    side_down(s, p, 1);
    direction_clear(&p->dirs[0]);
    direction_clear(&p->dirs[1]);
    p->epoch++;
    p->backoff_us = BACKOFF_MIN_US;
    greet_linked(s, p->nodes[0], p->nodes[1]);
    for (uint32_t d = 0; d < 2; d++) {
        p->sides[d].peer_incarnation = s->nodes[p->nodes[1 - d]].incarnation;
        p->sides[d].peer_level = s->nodes[p->nodes[1 - d]].level_max;
        int64_t at = s->now_us + 3 * s->config.latency_us +
                     sim_exponential(&s->rng_net, s->config.jitter_us);
        sim_push(s, at, EV_LINK_UP, sim_who(pair_id(s, p), d), p->epoch);
    }
}

static void try_link(struct sim *s, struct sim_pair *p)
{
    bool alive = s->nodes[p->nodes[0]].node && s->nodes[p->nodes[1]].node;

    p->trying = false;
    if (!alive || connected(p))
        return; /* the start of a process tries again */
    if (!p->dirs[0].cut && !p->dirs[1].cut && !paused(s, p->nodes[0]) &&
        !paused(s, p->nodes[1]) && greet_meet(s, p->nodes[0], p->nodes[1])) {
        establish(s, p);
        return;
    }
    p->backoff_us = MIN(p->backoff_us * 2, SIM_S);
    schedule_try(s, p,
                 p->backoff_us / 2 +
                     (int64_t)rng_below(&s->rng_net, (uint64_t)p->backoff_us));
}

/* Brings what has arrived to side `to`. */
static void drain(struct sim *s, struct sim_pair *p, uint32_t to, uint32_t prio)
{
    struct sim_direction *dir = &p->dirs[1 - to];
    struct world_queue *q = &dir->queues[prio].messages;
    const struct sim_side *side = &p->sides[to];

    while (q->head && q->head->at_us <= s->now_us && !dir->cut) {
        bool up = side->up && side->epoch == q->head->link;
        if (!up && q->head->link > side->dead_epoch)
            return; /* it is about to come up */
        struct world_message *m = world_queue_take(q, NULL);
        if (!up) {
            mem_free(m);
            continue;
        }
        process_push(s, p->nodes[to],
                     (struct inbox_item){.kind = IN_MESSAGE,
                                         .pair = pair_id(s, p),
                                         .side = to,
                                         .epoch = m->link,
                                         .message = m});
    }
}

/* What a member has a receipt of is there, or a member would be cleared for
 * nothing. */
static void check_receipt(struct sim *s, uint32_t id, uint32_t peer)
{
    const struct node *n = s->nodes[id].node;
    const struct node *other = s->nodes[peer].node;
    struct member_facts facts;

    if (!n || !other || n->dead || other->dead || s->nodes[id].copied)
        return;
    node_known(other, id, &facts);
    if (facts.receipt.term == 0)
        return;
    s->stats.receipts++;
    if (!node_remembers(n, &facts.receipt))
        sim_fail(s,
                 "X23 receipts: node %u lacks entry %llu, term %llu, of which "
                 "node %u has a receipt",
                 id, (unsigned long long)facts.receipt.index,
                 (unsigned long long)facts.receipt.term, peer);
}

static void link_up(struct sim *s, struct sim_pair *p, uint32_t d,
                    uint64_t epoch)
{
    struct sim_side *side = &p->sides[d];
    uint32_t id = p->nodes[d];

    if (epoch != p->epoch || side->dead_epoch >= epoch || !s->nodes[id].node)
        return;
    ASSERT(!side->up);
    side->up = true;
    side->epoch = epoch;
    sim_trace(s, "link %u-%u: up at %u", p->nodes[0], p->nodes[1], id);
    check_receipt(s, id, p->nodes[1 - d]);
    process_push(s, id,
                 (struct inbox_item){.kind = IN_UP,
                                     .pair = pair_id(s, p),
                                     .side = d,
                                     .epoch = epoch,
                                     .incarnation = side->peer_incarnation,
                                     .level = side->peer_level});
    for (uint32_t prio = 0; prio < TRANSPORT_PRIORITIES; prio++)
        drain(s, p, d, prio);
}

static void link_down(struct sim *s, struct sim_pair *p, uint32_t d,
                      uint64_t epoch)
{
    if (epoch != p->epoch)
        return;
    side_down(s, p, d);
    if (!p->trying)
        schedule_try(s, p, p->backoff_us);
}

static void cut_end(struct sim *s, struct sim_pair *p, uint32_t d)
{
    p->dirs[d].cut = false;
    sim_trace(s, "link %u-%u: direction %u carries again", p->nodes[0],
              p->nodes[1], d);
    int64_t at = s->now_us + sim_exponential(&s->rng_net, 100 * SIM_MS);
    for (uint32_t prio = 0; prio < TRANSPORT_PRIORITIES; prio++)
        sim_push(s, at, EV_DELIVER,
                 sim_who(pair_id(s, p), d * TRANSPORT_PRIORITIES + prio), 0);
}

void net_event(struct sim *s, const struct sim_event *e)
{
    struct sim_pair *p = &s->pairs[e->a];

    ASSERT(e->a < s->pair_count);
    switch (e->kind) {
    case EV_DELIVER:
        drain(s, p, 1 - e->b / TRANSPORT_PRIORITIES,
              e->b % TRANSPORT_PRIORITIES);
        break;
    case EV_LINK_TRY:
        if (e->gen == p->try_gen)
            try_link(s, p);
        break;
    case EV_LINK_UP:
        link_up(s, p, e->b, e->gen);
        break;
    case EV_LINK_DOWN:
        link_down(s, p, e->b, e->gen);
        break;
    case EV_CUT_END:
        if (e->gen == p->dirs[e->b].cut_gen && p->dirs[e->b].cut)
            cut_end(s, p, e->b);
        break;
    case EV_CUT_SEEN:
        if (p->dirs[0].cut || p->dirs[1].cut)
            link_down(s, p, e->b, e->gen);
        break;
    default:
        ASSERT(e->kind == EV_DELIVER);
    }
}

static uint64_t *bytes_of_queue(struct sim_direction *dir,
                                enum transport_priority priority)
{
    return priority == TRANSPORT_BACKGROUND ? &dir->background_bytes
                                            : &dir->bytes;
}

static bool full(const struct sim *s, const struct sim_direction *dir,
                 size_t size, enum transport_priority priority)
{
    uint64_t bound = s->config.queue_bytes;

    if (priority == TRANSPORT_BACKGROUND)
        return dir->background_bytes + size > TRANSPORT_BACKGROUND_BYTES;
    if (priority == TRANSPORT_CONTROL)
        bound += CONTROL_EXTRA;
    return dir->bytes > 0 && dir->bytes + size > bound;
}

static int64_t arrival(struct sim *s, struct sim_direction *dir, size_t size,
                       enum transport_priority priority)
{
    int64_t at = s->now_us + latency(s, dir);

    if (priority != TRANSPORT_CONTROL && s->config.bandwidth > 0 &&
        s->phase == PHASE_SAFETY) {
        int64_t takes =
            (int64_t)(size * SIM_MS / s->config.bandwidth); /* bytes per ms */
        dir->free_us = MAX(dir->free_us, s->now_us) + takes;
        s->stats.faults[FAULT_SLOW_LINK] += dir->free_us > at;
        at = MAX(at, dir->free_us);
    }
    struct sim_queue *q = &dir->queues[priority];
    q->last_us = MAX(MAX(q->last_us, dir->hold_us), at);
    return q->last_us;
}

void net_damage(struct sim *s, struct sim_pair *p, uint32_t dir,
                enum sim_damage how)
{
    UNUSED(s);
    p->dirs[dir].damage = how;
}

/* What reaches the other side is no frame; is that seen? */
static void check_damage(struct sim *s, uint8_t type, struct bytes payload,
                         enum sim_damage how)
{
    struct buf wire = BUF_INIT;
    struct frame frame;
    size_t begin = frame_begin(&wire, type, 0);

    buf_bytes(&wire, payload);
    frame_end(&wire, begin);
    uint64_t at = rng_below(&s->rng_net, wire.len * 8);
    struct bytes seen = buf_view(&wire);
    if (how == DAMAGE_TORN)
        seen.len = at / 8;
    else
        wire.data[at / 8] ^= (uint8_t)(1u << at % 8);
    int err = frame_decode(&seen, &frame);
    /* A changed length may have it wait for more than is there. */
    if (err == 0 || (how == DAMAGE_TORN && err != ERR_AGAIN))
        sim_fail(s, "frames: damage %d at bit %llu of %llu is not seen",
                 (int)how, (unsigned long long)at,
                 (unsigned long long)wire.len * 8);
    buf_release(&wire);
}

/* The receiver closes the link when this arrives; nothing comes after it. */
static void damaged(struct sim *s, struct sim_pair *p, uint32_t d,
                    int64_t at_us)
{
    struct sim_direction *dir = &p->dirs[d];
    int64_t back = s->config.latency_us;

    s->stats.faults[dir->damage == DAMAGE_TORN ? FAULT_TORN : FAULT_FLIP]++;
    dir->damage = DAMAGE_NONE;
    sim_trace(s, "link %u-%u: a frame is damaged", p->nodes[0], p->nodes[1]);
    sim_push(s, at_us, EV_LINK_DOWN, sim_who(pair_id(s, p), 1 - d), p->epoch);
    sim_push(s, at_us + back, EV_LINK_DOWN, sim_who(pair_id(s, p), d),
             p->epoch);
}

int net_send(void *ctx, node_id to, uint8_t type,
             enum transport_priority priority, const struct bytes pieces[2])
{
    struct sim_node *n = ctx;
    struct sim *s = n->disk->sim;
    uint32_t d;
    struct sim_pair *p = net_pair(s, n->id, to, &d);
    struct sim_direction *dir = &p->dirs[d];
    size_t size = pieces[0].len + pieces[1].len;

    struct raft_message head;
    bool raft = type == FRAME_RAFT;
    if (raft)
        ghost_sent(s, n->id, to, pieces[0], &head);
    if (!p->sides[d].up)
        return ERR_CLOSED;
    if (full(s, dir, size, priority)) {
        s->stats.limits++;
        s->stats.faults[FAULT_FULL]++;
        return ERR_LIMIT;
    }
    struct world_message *m = world_message_new(n->id, to, type, pieces);
    m->link = p->sides[d].epoch;
    m->at_us = arrival(s, dir, size, priority);
    if (dir->damage != DAMAGE_NONE && size <= FRAME_LENGTH_MAX) {
        check_damage(s, type, world_message_payload(m), dir->damage);
        damaged(s, p, d, m->at_us);
        mem_free(m);
        return 0;
    }
    m->priority = (uint8_t)priority;
    *bytes_of_queue(dir, priority) += size;
    world_queue_push(&dir->queues[priority].messages, m);
    s->stats.messages++;
    s->stats.bytes += size;
    if (raft && head.type == RAFT_MSG_APPEND)
        bounds_sent(s, p, d, &head);
    sim_mix(s, ((uint64_t)n->id << 40) + ((uint64_t)to << 32) + size);
    sim_push(s, m->at_us, EV_DELIVER,
             sim_who(pair_id(s, p), d * TRANSPORT_PRIORITIES + priority), 0);
    return 0;
}

void net_taken(struct sim *s, uint32_t pair, uint32_t side,
               const struct world_message *m)
{
    struct sim_pair *p = &s->pairs[pair];
    struct sim_direction *dir = &p->dirs[1 - side];

    if (m->link != p->epoch)
        return;
    uint64_t *bytes = bytes_of_queue(dir, m->priority);
    ASSERT(*bytes >= m->size);
    *bytes -= m->size;
}

/* A killed process's kernel closes its connections; after a power cut the
 * others notice only by silence. */
void net_node_down(struct sim *s, uint32_t node, bool power)
{
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t d;
        if (i == node)
            continue;
        struct sim_pair *p = net_pair(s, node, i, &d);
        p->sides[d].up = false;
        p->sides[d].dead_epoch = p->epoch;
        queues_clear(&p->dirs[1 - d]);
        int64_t after =
            power ? sim_magnitude(&s->rng_net, 100 * SIM_MS, 30 * SIM_S)
                  : s->config.latency_us +
                        sim_exponential(&s->rng_net, s->config.jitter_us);
        sim_push(s, s->now_us + after, EV_LINK_DOWN,
                 sim_who(pair_id(s, p), 1 - d), p->epoch);
    }
}

void net_node_up(struct sim *s, uint32_t node)
{
    /* An older copy meets those who know it late. */
    int64_t mean_us =
        s->nodes[node].copied ? s->config.election_ms * SIM_MS / 8 : 5 * SIM_MS;

    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t d;
        if (i == node)
            continue;
        struct sim_pair *p = net_pair(s, node, i, &d);
        p->backoff_us = BACKOFF_MIN_US;
        schedule_try(s, p, sim_exponential(&s->rng_net, mean_us));
    }
}

void net_reset(struct sim *s, struct sim_pair *p, int64_t seen_us[2],
               int64_t retry_us)
{
    if (!connected(p))
        return;
    for (uint32_t d = 0; d < 2; d++)
        sim_push(s, s->now_us + seen_us[d], EV_LINK_DOWN,
                 sim_who(pair_id(s, p), d), p->epoch);
    schedule_try(s, p, retry_us);
}

void net_cut(struct sim *s, struct sim_pair *p, uint32_t dir, int64_t for_us,
             int64_t seen_us)
{
    struct sim_direction *d = &p->dirs[dir];

    d->cut = true;
    d->cut_gen++;
    s->stats.cuts++;
    sim_trace(s, "link %u-%u: direction %u is cut", p->nodes[0], p->nodes[1],
              dir);
    sim_push(s, s->now_us + for_us, EV_CUT_END, sim_who(pair_id(s, p), dir),
             d->cut_gen);
    for (uint32_t side = 0; side < 2; side++) {
        int64_t at = s->now_us + seen_us / 2 +
                     (int64_t)rng_below(&s->rng_net, (uint64_t)seen_us / 2 + 1);
        sim_push(s, at, EV_CUT_SEEN, sim_who(pair_id(s, p), side), p->epoch);
    }
}

/* What waits for a slow wire, or was delayed for long, arrives now. */
static void rush(struct sim *s, struct sim_pair *p, uint32_t d)
{
    struct sim_direction *dir = &p->dirs[d];
    int64_t soon = s->now_us + s->config.latency_us;

    dir->free_us = s->now_us;
    dir->hold_us = 0;
    dir->damage = DAMAGE_NONE;
    for (uint32_t prio = 0; prio < TRANSPORT_PRIORITIES; prio++) {
        struct sim_queue *q = &dir->queues[prio];
        for (struct world_message *m = q->messages.head; m; m = m->next)
            m->at_us = MIN(m->at_us, soon);
        q->last_us = MIN(q->last_us, soon);
        sim_push(s, soon, EV_DELIVER,
                 sim_who(pair_id(s, p), d * TRANSPORT_PRIORITIES + prio), 0);
    }
}

void net_rush(struct sim *s, struct sim_pair *p)
{
    rush(s, p, 0);
    rush(s, p, 1);
}

void net_heal(struct sim *s, struct sim_pair *p)
{
    for (uint32_t d = 0; d < 2; d++)
        if (p->dirs[d].cut)
            cut_end(s, p, d);
    if (!connected(p))
        schedule_try(s, p, 0);
}
