/*
 * A source of states whose words a test can bend, and members that need one.
 */
#ifndef TESTS_UNIT_NODE_REFILL_GIVER_H
#define TESTS_UNIT_NODE_REFILL_GIVER_H

#include <stdio.h>

#include "base/alloc.h"
#include "codec/frame.h"
#include "node/node_internal.h"
#include "snapshot/intake.h"
#include "snapshot/source.h"
#include "store/store_fill.h"
#include "store/store_view.h"
#include "world/world.h"

#define ROWS 60 /* of 12 KB: some chunks */

/* The source. */
struct giver {
    struct world *w;
    uint32_t at, to; /* who gives, who gets */
    uint64_t id;
    struct transfer_offer offer;
    struct store_view *view;
    struct source *source;
    uint64_t chunks; /* the last one that was given */
    uint64_t hash;
    uint64_t sent, until;
    bool ended;
    /* What was asked. */
    uint32_t begins;     /* with begin */
    uint64_t begun_with; /* the last one's number */
    uint32_t leaves;
    /* Knobs. */
    uint64_t stop_after; /* chunks; 0: never */
    uint64_t flip;       /* the chunk with this number; 0: none */
    uint64_t other_hash; /* the same, all but its hash is right */
    bool twice;          /* each piece */
    bool other_ids;      /* as if of another state */
    bool lies;           /* about how much it was */
    bool deaf;           /* to what it is asked */
};

/* --- the source --------------------------------------------------------- */

static inline struct node *getter(const struct giver *g)
{
    return g->w->nodes[g->to].node;
}

static inline void tell(struct giver *g, const struct transfer *t)
{
    struct buf payload = BUF_INIT;

    transfer_encode(t, &payload);
    assert_int_equal(
        node_receive(getter(g), g->at, FRAME_SNAPSHOT, buf_view(&payload)), 0);
    buf_release(&payload);
}

static inline void offer(struct giver *g)
{
    struct transfer t = {
        .kind = TRANSFER_OFFER, .id = g->id, .offer = g->offer};

    tell(g, &t);
}

/* The state of node `at` as of now, for node `to`. */
static inline void giver_open(struct giver *g, struct world *w, uint32_t at,
                              uint32_t to)
{
    static uint64_t ids = 100;
    struct buf error = BUF_INIT;
    struct store *s = w->nodes[at].store;

    *g = (struct giver){.w = w, .at = at, .to = to, .id = ++ids};
    assert_int_equal(store_flush(s, STORE_STATE, true), 0);
    g->view = store_view_open(s);
    assert_int_equal(source_open(&g->source, g->view, &error), 0);
    const struct applied *a = source_applied(g->source);
    g->offer = (struct transfer_offer){.index = a->index,
                                       .term = a->term,
                                       .chain = a->chain,
                                       .bytes = ROWS * 12000,
                                       .source = at,
                                       .level = LEVEL_MIN};
}

static inline void giver_close(struct giver *g)
{
    source_close(g->source);
    store_view_close(g->view);
}

static inline void give_piece(struct giver *g, const struct chunk *c,
                              size_t offset)
{
    size_t size = MIN(c->rows.len - offset, (size_t)TRANSFER_PIECE_MAX);
    struct buf data = BUF_INIT;

    buf_append(&data, c->rows.data + offset, size);
    if (c->number == g->flip)
        data.data[size / 2] ^= 1;
    struct transfer t = {
        .kind = TRANSFER_CHUNK,
        .id = g->id + g->other_ids,
        .chunk = {.number = c->number,
                  .hash = c->hash ^ (c->number == g->other_hash),
                  .total = (uint32_t)c->rows.len,
                  .offset = (uint32_t)offset,
                  .data = buf_view(&data)},
    };
    tell(g, &t);
    if (g->twice)
        tell(g, &t);
    buf_release(&data);
}

static inline void give_done(struct giver *g)
{
    struct transfer t = {.kind = TRANSFER_DONE,
                         .id = g->id + g->other_ids,
                         .done = {g->chunks, g->hash, g->sent + g->lies}};

    g->ended = true;
    tell(g, &t);
}

static inline void give(struct giver *g)
{
    struct buf error = BUF_INIT;
    struct chunk c;

    while (g->sent < g->until && !g->ended &&
           (g->stop_after == 0 || g->chunks < g->stop_after)) {
        int err = source_next(g->source, &c, &error);
        if (err == ERR_NOT_FOUND) {
            give_done(g);
            break;
        }
        assert_int_equal(err, 0);
        g->chunks = c.number;
        g->hash = c.hash;
        for (size_t at = 0; at < c.rows.len; at += TRANSFER_PIECE_MAX)
            give_piece(g, &c, at);
        g->sent += c.rows.len;
    }
}

static inline void take_want(struct giver *g, const struct transfer_want *want)
{
    if (want->begin) {
        struct source_place place = {want->number - 1, want->hash, want->after};
        source_seek(g->source, &place);
        g->chunks = place.number;
        g->hash = place.hash;
        g->sent = want->from;
        g->ended = false;
        g->begins++;
        g->begun_with = want->number;
    }
    g->until = want->until;
}

static inline void take(struct giver *g, const struct world_message *m)
{
    struct transfer t;

    if (m->from != g->to || m->to != g->at)
        return; /* the nodes' own */
    assert_int_equal(transfer_decode(world_message_payload(m), &t), 0);
    if (t.id != g->id || g->deaf)
        return;
    g->leaves += t.kind == TRANSFER_LEAVE;
    if (t.kind == TRANSFER_WANT)
        take_want(g, &t.want);
}

/* Nothing of this type ever arrives but by this source. */
static inline void take_all(struct giver *g)
{
    struct world_queue kept = {NULL, NULL, 0};
    struct world_message *m;

    while ((m = world_queue_take(&g->w->queue, NULL)) != NULL) {
        if (m->frame_type != FRAME_SNAPSHOT) {
            world_queue_push(&kept, m);
            continue;
        }
        take(g, m);
        mem_free(m);
    }
    g->w->queue = kept;
}

static inline void giver_turn(struct giver *g)
{
    take_all(g);
    if (getter(g) != NULL)
        give(g);
    take_all(g);
    world_turn(g->w);
}

static inline enum refill_phase phase(const struct giver *g)
{
    return getter(g)->refill.phase;
}

/* Turns until the transfer has ended. */
static inline void giver_run(struct giver *g)
{
    for (int i = 0; i < 5000 && phase(g) >= REFILL_FETCHING; i++)
        giver_turn(g);
    assert_true(phase(g) < REFILL_FETCHING);
    giver_turn(g);
}

/* Turns until so many chunks were given, no more come, and none is on its
 * way. */
static inline void giver_run_to(struct giver *g, uint64_t chunks)
{
    g->stop_after = chunks;
    for (int i = 0; i < 5000 && g->chunks < chunks; i++)
        giver_turn(g);
    assert_int_equal(g->chunks, chunks);
    for (int i = 0; i < 20; i++)
        giver_turn(g);
    assert_int_equal(phase(g), REFILL_FETCHING);
}

/* --- the world ---------------------------------------------------------- */

static inline void put_rows(struct world *w, uint32_t home, int from, int to)
{
    struct world_client *tc = world_client_new(w, home);

    for (int i = from; i < to; i++) {
        char line[64];
        snprintf(line, sizeof(line), "setrange k%03d 12000 x", i);
        assert_int_equal(world_submit(tc, line), 0);
        world_wait_answered(w, tc);
    }
}

/* The log of each node that runs is cut as far as that may be. */
static inline void cut_logs(struct world *w, uint32_t except)
{
    for (int i = 0; i < 3; i++) {
        for (uint32_t k = 0; k < w->count; k++) {
            if (k == except || w->nodes[k].node == NULL)
                continue;
            struct node *n = w->nodes[k].node;
            node_set_log_size(n, 1, 1);
            assert_int_equal(store_flush(w->nodes[k].store, STORE_STATE, true),
                             0);
        }
        world_write(w, (uint32_t)world_leader(w), 15);
        world_run(w, 200);
    }
}

struct outrun {
    uint32_t leader, other, victim;
};

/* A member that was down for so long that nobody has what it lacks. */
static inline struct outrun outrun(struct world *w, uint64_t seed)
{
    struct outrun o;

    world_prepare(w, WORLD_NODES, seed);
    w->nonces = true;
    w->no_transfers = true; /* but what this test gives itself */
    w->refill_part_bytes = 200 * 1000;
    world_start_all(w);
    o.leader = (uint32_t)world_elect(w);
    o.victim = (o.leader + 1) % WORLD_NODES;
    o.other = (o.leader + 2) % WORLD_NODES;
    world_write(w, o.leader, 3);
    world_wait_equal(w);
    world_crash_keep(w, o.victim, UINT32_MAX);
    put_rows(w, o.leader, 0, ROWS);
    cut_logs(w, o.victim);
    assert_true(world_measured(w, o.leader, METRIC_raft_first_index) > ROWS);
    world_start(w, o.victim);
    for (int i = 0;
         i < 5000 && w->nodes[o.victim].node->raft.leader == NODE_NONE; i++)
        world_turn(w);
    world_run(w, 100);
    return o;
}

/* Nothing is left of a transfer. */
static inline void expect_clean(struct world *w, uint32_t id)
{
    struct store *s = w->nodes[id].store;
    struct buf row = BUF_INIT;
    struct store_fill *fill;

    assert_int_equal(w->nodes[id].node->refill.phase, REFILL_NONE);
    assert_int_equal(store_get(s, STORE_META, BYTES_LIT("refill"), &row),
                     ERR_NOT_FOUND);
    assert_int_equal(store_fill_begin(s, 1, BYTES_LIT("k"), &fill),
                     ERR_NOT_FOUND);
    buf_release(&row);
}

static inline void expect_refilled(struct world *w, const struct giver *g)
{
    assert_true(world_applied(w, g->to) >= g->offer.index);
    assert_int_equal(world_measured(w, g->to, METRIC_raft_first_index),
                     g->offer.index + 1);
    expect_clean(w, g->to);
    world_wait_equal(w);
    assert_true(world_is_equal(w));
}

#endif
