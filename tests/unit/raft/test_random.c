// link: raft_cluster base
/*
 * Random schedules of 3 and 5 cores: reordered, lost and repeated messages,
 * crashes that lose unsynced writes, slow disks, partitions, skewed clocks,
 * log cuts, transfers, disks of a minority that lose what was promised. The
 * checker of tests/script watches every step. Then all faults end, and the
 * cluster must elect a leader, commit, serve a read on every node, and agree.
 *
 * Each seed draws how often each fault happens. A failure prints the seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "script/cluster.h"

struct sim {
    struct cluster *c;
    uint64_t rng;
    uint64_t read_id;
    uint32_t reorder; /* per cent */
    uint32_t loss;
    uint32_t repeat;
    uint32_t down_known; /* how often a crash is noticed at once */
    uint32_t weights[16];
    uint32_t weight_sum;
};

static uint32_t below(struct sim *s, uint64_t n)
{
    return (uint32_t)rng_below(&s->rng, n);
}

static bool chance(struct sim *s, uint32_t per_cent)
{
    return below(s, 100) < per_cent;
}

static void act_deliver(struct sim *s, uint32_t pos)
{
    struct cluster *c = s->c;

    (void)pos;
    if (c->wire_count == 0) {
        return;
    }
    uint32_t i = below(s, c->wire_count);
    if (!chance(s, s->reorder)) { /* the oldest of that link */
        const struct raft_message *m = &c->wires[i].m;
        uint32_t first = 0;
        while (c->wires[first].m.from != m->from ||
               c->wires[first].m.to != m->to) {
            first++;
        }
        i = first;
    }
    if (chance(s, s->loss)) {
        cluster_drop(c, i);
    } else {
        cluster_deliver(c, i, chance(s, s->repeat));
    }
}

static void act_tick(struct sim *s, uint32_t pos)
{
    cluster_tick(s->c, pos, 1 + below(s, 10));
}

static void act_durable(struct sim *s, uint32_t pos)
{
    if (s->c->nodes[pos].up) {
        cluster_durable(s->c, pos, 1 + below(s, 6));
    }
}

static void act_propose(struct sim *s, uint32_t pos)
{
    int leader = cluster_leader(s->c);
    uint32_t at = leader >= 0 && chance(s, 70) ? (uint32_t)leader : pos;
    const struct node *n = &s->c->nodes[at];

    if (n->up && n->live.last + 64 < CLUSTER_LOG_MAX &&
        n->write_count + 64 < CLUSTER_WRITES_MAX) {
        cluster_propose(s->c, at, 1 + below(s, 5));
    }
}

static void act_flush(struct sim *s, uint32_t pos)
{
    if (s->c->nodes[pos].up) {
        cluster_flush(s->c, pos);
    }
}

static void act_crash(struct sim *s, uint32_t pos)
{
    struct cluster *c = s->c;
    struct node *n = &c->nodes[pos];

    if (!n->up) {
        return;
    }
    cluster_crash(c, pos, chance(s, 50) ? 0 : below(s, n->write_count + 1));
    for (uint32_t i = 0; i < c->count; i++) {
        if (i != pos && c->nodes[i].up && chance(s, s->down_known)) {
            cluster_link(c, i, pos, false);
        }
    }
}

static void act_restart(struct sim *s, uint32_t pos)
{
    struct cluster *c = s->c;

    if (c->nodes[pos].up) {
        return;
    }
    cluster_restart(c, pos, below(s, c->nodes[pos].disk.last + 1));
    for (uint32_t i = 0; i < c->count; i++) {
        if (i != pos && c->nodes[i].up) {
            cluster_link(c, i, pos, true);
            cluster_link(c, pos, i, true);
        }
    }
}

/* A minority of the disks may have lost something at any time. */
static void act_lose(struct sim *s, uint32_t pos)
{
    struct cluster *c = s->c;
    const struct image *disk = &c->nodes[pos].disk;
    uint32_t losers = 0;
    raft_index needed = 0;

    for (uint32_t i = 0; i < c->count; i++) {
        losers += i != pos && c->nodes[i].disk.recovering;
        needed = MAX(needed, c->nodes[i].live.first - 1);
    }
    if (c->nodes[pos].up || losers >= (c->count - 1) / 2 ||
        needed > disk->last) {
        return;
    }
    cluster_lose(c, pos, needed + below(s, disk->last - needed + 1));
}

static void act_link(struct sim *s, uint32_t pos)
{
    uint32_t peer = below(s, s->c->count);

    if (peer != pos && s->c->nodes[pos].up) {
        cluster_link(s->c, pos, peer, chance(s, 50));
    }
}

static void act_read(struct sim *s, uint32_t pos)
{
    if (s->c->nodes[pos].up && s->read_id + 1 < CLUSTER_READS_MAX) {
        cluster_read(s->c, pos, ++s->read_id);
    }
}

static void act_transfer(struct sim *s, uint32_t pos)
{
    node_id peer = s->c->members.ids[below(s, s->c->count)];

    if (s->c->nodes[pos].up) {
        cluster_step(
            s->c, pos,
            (struct raft_event){.type = RAFT_EV_TRANSFER,
                                .peer = chance(s, 50) ? NODE_NONE : peer});
    }
}

static void act_peer_event(struct sim *s, uint32_t pos)
{
    struct cluster *c = s->c;
    uint32_t peer = below(s, c->count);

    if (c->nodes[pos].up && peer != pos) {
        cluster_step(c, pos,
                     (struct raft_event){.type = chance(s, 50)
                                                     ? RAFT_EV_UNSENT
                                                     : RAFT_EV_WANT_COMMIT,
                                         .peer = c->members.ids[peer],
                                         .index = c->ghost.commit});
    }
}

/* Of others, and of itself. */
static void act_pause(struct sim *s, uint32_t pos)
{
    struct cluster *c = s->c;
    node_id peer = c->members.ids[below(s, c->count)];

    if (c->nodes[pos].up) {
        cluster_step(c, pos,
                     (struct raft_event){.type = chance(s, 40) ? RAFT_EV_PAUSE
                                                               : RAFT_EV_RESUME,
                                         .peer = peer});
    }
}

/* Below what is committed and on every disk: snapshots are another matter. */
static void act_log_cut(struct sim *s, uint32_t pos)
{
    struct cluster *c = s->c;
    raft_index cut = UINT64_MAX;
    struct node *n = &c->nodes[pos];

    for (uint32_t i = 0; i < c->count; i++) {
        const struct image *disk = &c->nodes[i].disk;
        raft_index has = MIN(disk->last, c->ghost.commit);
        while (has > 0 && disk->log[has].hash != c->ghost.committed[has]) {
            has--;
        }
        cut = MIN(cut, has);
    }
    if (!n->up || n->core.durable < cut || n->core.commit < cut ||
        cut + 1 <= n->disk.first) {
        return;
    }
    n->disk.first = cut + 1;
    n->live.first = cut + 1;
    cluster_step(
        c, pos, (struct raft_event){.type = RAFT_EV_LOG_CUT, .index = cut + 1});
}

static void act_partition(struct sim *s, uint32_t pos)
{
    struct cluster *c = s->c;
    bool heal = chance(s, 60);
    bool one_way = chance(s, 30);

    for (uint32_t i = 0; i < c->count; i++) {
        if (i != pos) {
            c->cut[pos][i] = !heal;
            c->cut[i][pos] = !heal && !one_way;
        }
    }
}

struct action {
    void (*act)(struct sim *s, uint32_t pos);
    uint32_t weight; /* usual, and drawn between 0 and twice this */
};

static const struct action actions[] = {
    {act_deliver, 1000}, {act_tick, 150},     {act_durable, 250},
    {act_propose, 80},   {act_flush, 400},    {act_crash, 2},
    {act_restart, 20},   {act_link, 2},       {act_read, 30},
    {act_transfer, 1},   {act_peer_event, 6}, {act_log_cut, 2},
    {act_partition, 2},  {act_lose, 8},       {act_pause, 4},
};

static void sim_begin(struct sim *s, uint64_t seed, uint32_t count,
                      int64_t now_ms)
{
    struct raft_config config = {.cluster_id = 7,
                                 .election_timeout_ms = 100,
                                 .heartbeat_ms = 20,
                                 .peer_down_delay_ms = 10,
                                 .append_entries_max = 6,
                                 .window_max = 3};

    memset(s, 0, sizeof(*s));
    s->rng = seed;
    config.seed = seed;
    config.disk_timeout_ms = chance(s, 50) ? 0 : 150;
    config.window_max = 1 + below(s, 4);
    s->c = cluster_new(&config, count, below(s, 2), now_ms);
    s->reorder = chance(s, 50) ? 0 : below(s, 100);
    s->loss = chance(s, 50) ? 0 : below(s, 25);
    s->repeat = chance(s, 50) ? 0 : below(s, 25);
    s->down_known = below(s, 101);
    s->c->handshake = chance(s, 50);
    for (uint32_t i = 0; i < ARRAY_LEN(actions); i++) {
        bool vital = i < 5 || actions[i].act == act_restart;
        uint32_t w = actions[i].weight;
        s->weights[i] = vital ? w / 2 + below(s, w + 1) : below(s, 2 * w + 1);
        s->weight_sum += s->weights[i];
    }
}

static void sim_act(struct sim *s)
{
    uint32_t x = below(s, s->weight_sum);
    uint32_t i = 0;

    while (x >= s->weights[i]) {
        x -= s->weights[i++];
    }
    uint32_t pos = below(s, s->c->count);
    actions[i].act(s, pos);
}

static void sim_heal(struct sim *s)
{
    struct cluster *c = s->c;

    memset(c->cut, 0, sizeof(c->cut));
    for (uint32_t i = 0; i < c->count; i++) {
        if (!c->nodes[i].up) {
            cluster_restart(c, i, 0);
        }
    }
    for (uint32_t i = 0; i < c->count; i++) {
        for (uint32_t k = 0; k < c->count; k++) {
            if (i != k) {
                cluster_link(c, i, k, true);
            }
            cluster_step(c, i,
                         (struct raft_event){.type = RAFT_EV_RESUME,
                                             .peer = c->members.ids[k]});
        }
    }
}

static void sim_serves(struct sim *s, uint64_t seed)
{
    struct cluster *c = s->c;

    cluster_run(c, 300); /* three election timeouts */
    int leader = cluster_leader(c);
    if (leader < 0 || !raft_can_propose(&c->nodes[leader].core)) {
        fail_msg("seed %ju: no leader after the faults", (uintmax_t)seed);
    }
    cluster_propose(c, (uint32_t)leader, 3);
    uint64_t reads = c->reads_done;
    for (uint32_t i = 0; i < c->count; i++) {
        cluster_read(c, i, ++s->read_id);
    }
    cluster_run(c, 60);
    if (c->reads_done < reads + c->count) {
        fail_msg("seed %ju: a read is not served", (uintmax_t)seed);
    }
    for (uint32_t i = 0; i < c->count; i++) {
        const struct raft *r = &c->nodes[i].core;
        const struct raft *l = &c->nodes[leader].core;
        if (r->last != l->last || r->commit != l->last ||
            r->durable != l->last || r->term != l->term || r->recovering) {
            fail_msg("seed %ju: the nodes do not agree", (uintmax_t)seed);
        }
    }
}

static void sim_run(uint64_t seed, uint32_t count, int64_t now_ms,
                    uint32_t steps)
{
    struct sim s;

    sim_begin(&s, seed, count, now_ms);
    for (uint32_t i = 0; i < steps && s.c->failure[0] == '\0'; i++) {
        sim_act(&s);
        if (i % 64 == 0) {
            cluster_check(s.c);
        }
    }
    if (s.c->failure[0] == '\0') {
        sim_heal(&s);
        sim_serves(&s, seed);
    }
    if (s.c->failure[0] != '\0') {
        fail_msg("seed %ju: %s", (uintmax_t)seed, s.c->failure);
    }
    assert_true(s.c->elections > 0);
    assert_true(s.c->commits > 0);
    cluster_free(s.c);
}

/* VARD_SEEDS=10 runs ten times as many: a campaign. */
static uint64_t seeds(uint64_t usual)
{
    const char *factor = getenv("VARD_SEEDS");
    return factor == NULL ? usual : usual * strtoull(factor, NULL, 10);
}

static void test_three_nodes(void **state)
{
    UNUSED(state);
    for (uint64_t seed = 1; seed <= seeds(300); seed++) {
        sim_run(seed, 3, 0, 10000);
    }
}

static void test_five_nodes(void **state)
{
    UNUSED(state);
    for (uint64_t seed = 100001; seed <= 100000 + seeds(100); seed++) {
        sim_run(seed, 5, 0, 15000);
    }
}

static void test_other_sizes(void **state)
{
    UNUSED(state);
    for (uint64_t seed = 2001; seed <= 2010; seed++) {
        sim_run(seed, 1, 0, 1000);
        sim_run(seed, 2, 0, 5000);
        sim_run(seed, 4, 0, 8000);
    }
}

static void test_clocks(void **state)
{
    static const int64_t starts[] = {
        (INT64_C(1) << 31) - 500,
        (INT64_C(1) << 32) - 500,
        INT64_C(1) << 62,
    };

    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        for (uint64_t seed = 3001; seed <= 3010; seed++) {
            sim_run(seed, 3, starts[i], 5000);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_nodes),
        cmocka_unit_test(test_five_nodes),
        cmocka_unit_test(test_other_sizes),
        cmocka_unit_test(test_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
