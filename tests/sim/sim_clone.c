/*
 * A copy of a member's directory that is started while the member runs, under
 * the same id and address.
 *
 * The copy is one of those that sim_copy.c keeps; a node starts on it as it
 * would, and is looked at by each member that it can reach, before it has a
 * link to any of them. Who has to know that it is older says so: it ends, or,
 * if it learned it by a receipt, asks for a life. That is not granted while the
 * member that it is a copy of is linked to the leader and heard by it.
 *
 * A copy that nobody has to know is taken for the member after a restart, and
 * the other process is shut out then; which of the two has promised what is
 * not known to anybody, so it is no part of this.
 *
 * X27: a second process on an older copy is found by each who has to know it,
 * and gets no life beside the first.
 */
#include "sim.h"

#include "base/hash.h"
#include "base/level.h"

static int send_nothing(void *ctx, node_id to, uint8_t type,
                        enum transport_priority priority,
                        const struct bytes pieces[2])
{
    UNUSED(ctx);
    UNUSED(to);
    UNUSED(type);
    UNUSED(priority);
    UNUSED(pieces);
    return ERR_CLOSED;
}

static void on_fatal(void *ctx, int err, const char *text)
{
    UNUSED(ctx);
    UNUSED(err);
    sim_fail(sim_running(), "X27 clones: a second process fails: %s", text);
}

/* Its node, on a disk of its own. */
static void start(struct sim *s, const struct sim_image *m,
                  struct world_disk *disk, struct store *store,
                  struct sim_node *twin)
{
    uint64_t facts[] = {s->seed, twin->id, (uint64_t)s->now_us};
    struct buf error = BUF_INIT;
    struct world_boot how = {
        .env = {.store = store,
                .transport = {twin, send_nothing, NULL},
                .events = {.ctx = twin,
                           .reply_open = client_reply_open,
                           .reply_done = client_reply_done,
                           .read_ready = client_read_ready,
                           .fatal = on_fatal}},
        .disk = disk,
        .nonce = hash64(bytes_of(facts, sizeof(facts))) | UINT64_C(1),
    };

    world_disk_init(disk);
    disk->keeps_mark = true;
    disk->has_mark = m->has_mark;
    disk->mark = disk->mark_synced = m->mark;
    process_options(s, twin, &how.options);
    int err = world_boot(&twin->node, &how, &error);
    if (err != 0)
        sim_fail(s, "X27 clones: a second process of node %u does not start",
                 twin->id);
    twin->incarnation = how.options.incarnation;
    twin->nonce = how.nonce;
    buf_release(&error);
}

/* Has it been found, and may it ask for a life? */
struct looks {
    uint32_t found;
    uint32_t asks;
};

static struct looks look(struct sim *s, const struct sim_image *m,
                         const struct sim_node *twin)
{
    struct looks l = {0};

    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t side;
        const struct sim_node *p = &s->nodes[i];
        if (i == twin->id || !p->node || p->node->dead ||
            !copy_can_meet(s, twin->id, i))
            continue;
        enum copy_finding how = greet_judge(p, twin);
        bool linked = net_pair(s, i, twin->id, &side)->sides[side].up;
        if (how == COPY_FINDINGS && copy_has_to_know(s, i, twin, m))
            sim_fail(s,
                     "X27 clones: a second process of node %u is older, as "
                     "node %u has to know, and is welcome",
                     twin->id, i);
        if (how == COPY_FINDINGS)
            continue;
        l.found++;
        l.asks += how == COPY_RECEIPT || (how == COPY_START && !linked);
        s->stats.clones[how]++;
    }
    return l;
}

void clone_strike(struct sim *s, uint32_t node)
{
    const struct sim_node *n = &s->nodes[node];
    const struct sim_image *m =
        &n->images[rng_below(&s->rng_fault, IMAGES_MAX)];
    const struct sim_node *leader = sim_leader(s);
    struct sim_node twin = {.id = node, .clock = n->clock};
    struct world_disk disk;

    copy_want_images(s);
    if (s->phase != PHASE_SAFETY || !n->node || n->node->dead || n->copied ||
        !lost_whole(s, node) || !m->store)
        return;
    struct store *store = store_memory_copy(m->store);
    start(s, m, &disk, store, &twin);
    struct looks l = look(s, m, &twin);
    s->stats.faults[FAULT_CLONE] += l.found > 0;
    sim_trace(s, "node %u: a second process, start %llu, is found by %u", node,
              (unsigned long long)twin.incarnation, l.found);
    if (l.asks > 0 && leader && leader->id != node)
        process_push(s, leader->id,
                     (struct inbox_item){.kind = IN_CLONE, .pair = node});
    node_free(twin.node);
    store_close(store);
}

void clone_asked(struct sim *s, uint32_t by, uint32_t node)
{
    struct node *leader = s->nodes[by].node;
    const struct sim_node *n = &s->nodes[node];
    struct admit ask = {.id = node,
                        .directory = {2, (uint64_t)s->now_us},
                        .level_min = LEVEL_MIN,
                        .level_max = LEVEL_NEXT};
    uint32_t side;
    struct grant grant;
    struct buf why = BUF_INIT;
    int pos = raft_position(&leader->raft, node);
    bool linked = net_pair(s, by, node, &side)->sides[side].up;

    if (!n->node || n->blank || leader->raft.role != RAFT_LEADER || pos < 0 ||
        !linked ||
        leader->mono_ms - leader->raft.progress[pos].heard_ms >=
            (int64_t)s->config.election_ms)
        return;
    int err = node_admit(leader, &ask, &grant, &why);
    if (err != ERR_AGAIN)
        sim_fail(s,
                 "X27 clones: node %u is asked for a life for a second process "
                 "of node %u, which it hears, and says: %s",
                 by, node, err == 0 ? "yes" : error_text(err));
    s->stats.clones_refused++;
    buf_release(&why);
}
