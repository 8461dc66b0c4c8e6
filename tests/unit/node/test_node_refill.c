/*
 * A member that needs entries which are in no log any more fetches a whole
 * state: from a source of this test's own, whose words it can bend.
 */
// link: world node snapshot store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/node/refill_giver.h"

static struct world world;

/* --- tests -------------------------------------------------------------- */

static void test_a_state_takes_the_place_of_entries(void **state)
{
    struct world *w = &world;
    struct giver g;
    uint32_t percent = 0, most = 0;
    UNUSED(state);
    struct outrun o = outrun(w, 51);
    giver_open(&g, w, o.leader, o.victim);
    assert_false(node_loading(getter(&g), &percent));
    offer(&g);
    assert_int_equal(phase(&g), REFILL_FETCHING);
    giver_turn(&g);
    assert_int_equal(getter(&g)->raft.fetching, g.offer.index);
    giver_run_to(&g, 3);
    assert_true(node_loading(getter(&g), &percent));
    assert_true(percent > 0 && percent < 100);
    most = percent;
    giver_run_to(&g, 5);
    assert_true(node_loading(getter(&g), &percent) && percent > most);
    g.stop_after = 0;
    giver_run(&g);
    assert_false(node_loading(getter(&g), &percent));
    assert_int_equal(g.begins, 1);
    assert_int_equal(g.leaves, 1);
    assert_int_equal(getter(&g)->raft.fetching, 0);
    expect_refilled(w, &g);
    giver_close(&g);
    put_rows(w, o.victim, 0, 3); /* it serves */
    world_wait_equal(w);
    assert_true(world_is_equal(w));
    world_release(w);
}

/* The link goes down and comes back: the source is asked after the last key
 * that came. */
static void cut_link(struct giver *g)
{
    world_link(g->w, g->at, g->to, false);
    g->until = 0;
    giver_turn(g);
    world_link(g->w, g->at, g->to, true);
}

static void test_it_goes_on_after_a_cut(void **state)
{
    struct world *w = &world;
    struct giver g;
    UNUSED(state);
    struct outrun o = outrun(w, 52);
    giver_open(&g, w, o.other, o.victim); /* who does not lead */
    struct transfer t = {.kind = TRANSFER_OFFER, .id = g.id, .offer = g.offer};
    struct buf payload = BUF_INIT;
    transfer_encode(&t, &payload);
    tell(&g, &t); /* its own word is none */
    assert_int_equal(phase(&g), REFILL_NONE);
    assert_int_equal(
        node_receive(getter(&g), o.leader, FRAME_SNAPSHOT, buf_view(&payload)),
        0);
    giver_run_to(&g, 2);
    for (uint32_t i = 0; i < 3; i++) {
        cut_link(&g);
        giver_run_to(&g, 3 + i);
        assert_int_equal(g.begins, 2 + i);
        assert_int_equal(g.begun_with, 3 + i);
    }
    g.stop_after = 0;
    giver_run(&g);
    expect_refilled(w, &g);
    buf_release(&payload);
    giver_close(&g);
    world_release(w);
}

/* What the disk has is what was noted: less than what had come, and never more
 * than that. */
static void test_it_goes_on_after_a_restart(void **state)
{
    struct world *w = &world;
    struct giver g;
    uint32_t percent;
    UNUSED(state);
    struct outrun o = outrun(w, 53);
    giver_open(&g, w, o.leader, o.victim);
    offer(&g);
    giver_run_to(&g, 4);
    world_complete_sync(&w->nodes[o.victim]);
    uint64_t noted = getter(&g)->refill.noted_bytes;
    assert_true(noted > 0);
    world_crash_keep(w, o.victim, UINT32_MAX);
    world_start(w, o.victim);
    g.until = 0;
    assert_int_equal(phase(&g), REFILL_KEPT);
    assert_true(node_loading(getter(&g), &percent) && percent > 0);
    for (int i = 0; i < 100; i++)
        giver_turn(&g);
    assert_int_equal(phase(&g), REFILL_KEPT); /* nobody has offered it */
    assert_int_equal(g.begins, 1);
    g.id++; /* another view of the same entry */
    offer(&g);
    g.stop_after = 0;
    giver_run(&g);
    assert_int_equal(g.begins, 2);
    assert_true(g.begun_with > 1 && g.begun_with <= 5);
    expect_refilled(w, &g);
    giver_close(&g);
    world_release(w);
}

/* On a slow link a part is not waited for until it is large. */
static void test_small_parts_of_a_slow_link(void **state)
{
    struct world *w = &world;
    struct giver g;
    UNUSED(state);
    struct outrun o = outrun(w, 55);
    giver_open(&g, w, o.leader, o.victim);
    getter(&g)->options.refill_part_bytes = 1600 * 1000;
    offer(&g);
    giver_run_to(&g, 2);
    assert_int_equal(getter(&g)->refill.noted_bytes, 0);
    for (int i = 0; i < 12; i++) {
        w->now_ms += 500;
        giver_turn(&g);
    }
    giver_run_to(&g, 4);
    uint64_t noted = getter(&g)->refill.noted_bytes;
    assert_true(noted >= 100 * 1000);
    giver_run_to(&g, 5);
    assert_int_equal(getter(&g)->refill.noted_bytes, noted);
    g.stop_after = 0;
    giver_run(&g);
    expect_refilled(w, &g);
    giver_close(&g);
    world_release(w);
}

/* The row was written before its parts were lost, or the parts without it. */
static void test_parts_and_row_belong_together(void **state)
{
    struct world *w = &world;
    struct giver g;
    struct store_fill *fill;
    UNUSED(state);
    struct outrun o = outrun(w, 54);
    giver_open(&g, w, o.leader, o.victim);
    offer(&g);
    giver_run_to(&g, 4);
    assert_int_equal(store_sync(w->nodes[o.victim].store), 0);
    world_crash_keep(w, o.victim, UINT32_MAX);
    assert_int_equal(
        store_fill_begin(w->nodes[o.victim].store, 0, BYTES_NONE, &fill),
        0); /* the parts are gone */
    store_fill_free(fill);
    world_start(w, o.victim);
    expect_clean(w, o.victim);
    for (int i = 0; i < 1000 && getter(&g)->raft.leader != o.leader; i++)
        giver_turn(&g);
    offer(&g);
    g.chunks = 0;
    g.until = 0;
    giver_run_to(&g, 4);
    assert_int_equal(g.begun_with, 1);
    assert_true(store_memory_unsynced(w->nodes[o.victim].store) > 0);
    world_crash_keep(w, o.victim, 0); /* the row was not synced */
    world_start(w, o.victim);
    expect_clean(w, o.victim);
    for (int i = 0; i < 1000 && getter(&g)->raft.leader != o.leader; i++)
        giver_turn(&g);
    offer(&g);
    g.stop_after = 0;
    giver_run(&g);
    assert_int_equal(g.begun_with, 1);
    expect_refilled(w, &g);
    giver_close(&g);
    world_release(w);
}

/* What is wrong ends it, is removed, and begins anew after a while. */
static void expect_refused(struct giver *g)
{
    struct world *w = g->w;
    raft_index applied = world_applied(w, g->to);

    offer(g);
    assert_int_equal(phase(g), REFILL_FETCHING);
    giver_run(g);
    expect_clean(w, g->to);
    assert_int_equal(world_applied(w, g->to), applied);
    assert_int_equal(g->leaves, 1);
    offer(g); /* not at once */
    assert_int_equal(phase(g), REFILL_NONE);
    w->now_ms += 20000;
    giver_turn(g);
}

static void test_what_is_wrong_is_not_believed(void **state)
{
    struct world *w = &world;
    struct giver g;
    UNUSED(state);
    for (int bad = 0; bad < 7; bad++) {
        struct outrun o = outrun(w, 60 + (uint64_t)bad);
        giver_open(&g, w, o.leader, o.victim);
        struct transfer_offer right = g.offer;
        g.flip = bad == 0 ? 3 : 0;
        g.other_hash = bad == 1 ? 2 : 0;
        g.lies = bad == 2;
        g.offer.index += bad == 3;
        g.offer.chain += bad == 4;
        g.flip = bad == 5 ? 1 : g.flip;
        if (bad == 6 && g.offer.term > 1)
            g.offer.term--;
        else if (bad == 6)
            g.offer.chain ^= 1;
        expect_refused(&g);
        uint32_t leader = (uint32_t)world_elect(w);
        if (leader != o.victim) {
            struct giver next;
            giver_open(&next, w, leader, o.victim);
            UNUSED(right);
            for (int i = 0; i < 2000 && getter(&next)->raft.leader != leader;
                 i++)
                giver_turn(&next);
            offer(&next);
            assert_int_equal(phase(&next), REFILL_FETCHING);
            giver_run(&next);
            assert_int_equal(next.begun_with, 1);
            expect_refilled(w, &next);
            giver_close(&next);
        }
        giver_close(&g);
        world_release(w);
    }
}

/* Twice, of another state, out of order: not taken, and no harm. */
static void test_what_does_not_belong_is_left_alone(void **state)
{
    struct world *w = &world;
    struct giver g;
    UNUSED(state);
    struct outrun o = outrun(w, 70);
    giver_open(&g, w, o.leader, o.victim);
    offer(&g);
    g.other_ids = true;
    g.stop_after = 3;
    for (int i = 0; i < 50; i++)
        giver_turn(&g);
    assert_int_equal(g.chunks, 3);
    assert_int_equal(intake_given(getter(&g)->refill.intake).chunks, 0);
    g.other_ids = false;
    g.twice = true;
    g.stop_after = 0;
    cut_link(&g);
    giver_run(&g);
    expect_refilled(w, &g);
    offer(&g); /* it has that */
    assert_int_equal(phase(&g), REFILL_NONE);
    giver_close(&g);
    world_release(w);
}

/* A piece gets lost though the link stands: it asks anew. So it does in
 * silence; in the end it waits for another offer, and goes on with that. */
static void test_silence(void **state)
{
    struct world *w = &world;
    struct giver g;
    UNUSED(state);
    struct outrun o = outrun(w, 71);
    giver_open(&g, w, o.leader, o.victim);
    offer(&g);
    giver_run_to(&g, 2);
    struct buf error = BUF_INIT;
    struct chunk lost;
    assert_int_equal(source_next(g.source, &lost, &error), 0);
    g.chunks = lost.number;
    g.hash = lost.hash;
    g.sent += lost.rows.len;
    g.stop_after = 4;
    giver_run_to(&g, 4);
    assert_int_equal(g.begun_with, 3);
    uint32_t begins = g.begins;
    g.deaf = true;
    for (int i = 0; i < 400; i++) { /* 20 s */
        w->now_ms += 50;
        giver_turn(&g);
    }
    assert_int_equal(phase(&g), REFILL_FETCHING);
    g.deaf = false;
    for (int i = 0; i < 150; i++) {
        w->now_ms += 50;
        giver_turn(&g);
    }
    assert_true(g.begins > begins); /* it goes on asking */
    g.deaf = true;
    for (int i = 0; i < 700; i++) {
        w->now_ms += 50;
        giver_turn(&g);
    }
    assert_int_equal(phase(&g), REFILL_KEPT);
    assert_int_equal(getter(&g)->raft.fetching, 0);
    g.deaf = false;
    g.id++;
    uint32_t leader = (uint32_t)world_elect(w);
    assert_int_equal(leader, o.leader);
    offer(&g);
    g.stop_after = 0;
    giver_run(&g);
    assert_int_equal(g.begun_with, 5);
    expect_refilled(w, &g);
    giver_close(&g);
    world_release(w);
}

/* The source has it no more, or no time. */
static void test_gone_and_busy(void **state)
{
    struct world *w = &world;
    struct giver g;
    UNUSED(state);
    struct outrun o = outrun(w, 72);
    giver_open(&g, w, o.leader, o.victim);
    offer(&g);
    giver_run_to(&g, 2);
    tell(&g, &(struct transfer){.kind = TRANSFER_BUSY, .id = g.id});
    g.until = 0;
    assert_int_equal(phase(&g), REFILL_FETCHING);
    for (int i = 0; i < 2000 && g.begins < 2; i++)
        giver_turn(&g);
    assert_int_equal(g.begins, 2);
    giver_run_to(&g, 3);
    tell(&g, &(struct transfer){.kind = TRANSFER_GONE, .id = g.id + 1});
    assert_int_equal(phase(&g), REFILL_FETCHING);
    tell(&g, &(struct transfer){.kind = TRANSFER_GONE, .id = g.id});
    assert_int_equal(phase(&g), REFILL_KEPT);
    g.until = 0;
    offer(&g);
    g.stop_after = 0;
    giver_run(&g);
    assert_int_equal(g.begun_with, 4);
    expect_refilled(w, &g);
    giver_close(&g);
    world_release(w);
}

/* Another entry's state: not while the source is there; when it has gone,
 * what came is of no use. */
static void test_another_state_is_offered(void **state)
{
    struct world *w = &world;
    struct giver g, next;
    UNUSED(state);
    struct outrun o = outrun(w, 73);
    giver_open(&g, w, o.leader, o.victim);
    offer(&g);
    giver_run_to(&g, 4);
    world_write(w, o.leader, 5);
    giver_open(&next, w, o.other, o.victim);
    assert_true(next.offer.index > g.offer.index);
    next.at = o.leader; /* it tells of the other's */
    next.offer.source = o.leader;
    offer(&next);
    assert_int_equal(getter(&g)->refill.offer.index, g.offer.index);
    tell(&g, &(struct transfer){.kind = TRANSFER_GONE, .id = g.id});
    offer(&next);
    assert_int_equal(getter(&g)->refill.offer.index, next.offer.index);
    giver_run(&next);
    assert_int_equal(next.begun_with, 1);
    expect_refilled(w, &next);
    giver_close(&g);
    giver_close(&next);
    world_release(w);
}

/* The power fails when another transfer has made parts: they are not taken for
 * those of the first, of which the disk had a note. */
static void test_parts_of_another_transfer(void **state)
{
    struct world *w = &world;
    struct giver g, next;
    UNUSED(state);
    struct outrun o = outrun(w, 76);
    giver_open(&g, w, o.leader, o.victim);
    offer(&g);
    giver_run_to(&g, 4);
    assert_int_equal(store_sync(w->nodes[o.victim].store), 0);
    tell(&g, &(struct transfer){.kind = TRANSFER_GONE, .id = g.id});
    world_write(w, o.leader, 5);
    giver_open(&next, w, o.leader, o.victim);
    w->stalled[o.victim] = true; /* from here on nothing is synced for it */
    offer(&next);
    giver_run_to(&next, 4);
    assert_true(getter(&next)->refill.noted);
    world_crash_keep(w, o.victim, 0);
    w->stalled[o.victim] = false;
    world_start(w, o.victim);
    expect_clean(w, o.victim);
    next.until = 0;
    for (int i = 0; i < 2000 && getter(&next)->raft.leader != o.leader; i++)
        giver_turn(&next);
    offer(&next);
    next.stop_after = 0;
    giver_run(&next);
    expect_refilled(w, &next);
    giver_close(&g);
    giver_close(&next);
    world_release(w);
}

/* In the state another directory lives on as this node, or a program that is
 * newer than this one: it ends, and says so. */
static void test_a_state_that_ends_this_node(void **state)
{
    struct world *w = &world;
    struct giver g;
    struct grant grant;
    UNUSED(state);
    struct outrun o = outrun(w, 77);
    /* Its old directory is copied, in which it is kept. */
    struct store *old = w->nodes[o.victim].store;
    world_crash_keep(w, o.victim, UINT32_MAX);
    w->nodes[o.victim].store = NULL;
    w->now_ms += 10000;
    world_run(w, 50);
    world_ask(w, o.victim, 7, &grant);
    world_write(w, o.leader, 5);
    cut_logs(w, o.victim);
    w->nodes[o.victim].store = old;
    world_start(w, o.victim);
    struct node *n = w->nodes[o.victim].node;
    giver_open(&g, w, o.leader, o.victim);
    n->raft.leader = o.leader; /* the leader itself would not link to it */
    n->told.leader = o.leader;
    n->raft.term = n->told.term = g.offer.term;
    offer(&g);
    for (int i = 0; i < 500 && !n->dead && phase(&g) >= REFILL_FETCHING; i++) {
        node_set_time(n, w->now_ms, WORLD_WALL_MS + w->now_ms);
        take_all(&g);
        give(&g);
        node_flush(n);
    }
    assert_true(n->dead && !node_is_copy(n)); /* it would come back */
    assert_non_null(strstr(w->nodes[o.victim].failure, "was replaced"));
    giver_close(&g);
    world_release(w);
}

/* Too large for the disk, of a level to come, of a leader that leads no more;
 * of an entry that is here. */
static void test_offers_that_are_not_taken(void **state)
{
    struct world *w = &world;
    struct giver g;
    UNUSED(state);
    struct outrun o = outrun(w, 74);
    giver_open(&g, w, o.leader, o.victim);
    node_set_disk_room(getter(&g), g.offer.bytes - 1);
    offer(&g);
    assert_int_equal(phase(&g), REFILL_NONE);
    g.offer.level = LEVEL_MAX + 1;
    node_set_disk_room(getter(&g), g.offer.bytes);
    offer(&g);
    assert_int_equal(phase(&g), REFILL_NONE);
    g.offer.level = LEVEL_MAX;
    g.offer.term += 1000;
    offer(&g);
    assert_int_equal(phase(&g), REFILL_NONE);
    g.offer.term -= 1000;
    g.offer.source = o.victim;
    offer(&g);
    assert_int_equal(phase(&g), REFILL_NONE);
    g.offer.source = o.leader;
    g.to = o.leader; /* who leads needs none */
    g.at = o.victim;
    offer(&g);
    assert_int_equal(phase(&g), REFILL_NONE);
    g.at = o.leader;
    g.to = o.victim;
    offer(&g);
    giver_run(&g);
    expect_refilled(w, &g);
    giver_close(&g);
    world_release(w);
}

/* The links of a node to all others. */
static void links(struct world *w, uint32_t id, bool up)
{
    for (uint32_t i = 0; i < w->count; i++) {
        w->cut[id][i] = w->cut[i][id] = !up;
        if (i != id)
            world_link(w, id, i, up);
    }
}

/* Requests that the state has executed: UNKNOWN, in their order; those after
 * them are executed. */
static void test_requests_that_were_skipped(void **state)
{
    struct world *w = &world;
    struct giver g;
    UNUSED(state);
    struct outrun o = outrun(w, 75);
    giver_open(&g, w, o.leader, o.victim);
    offer(&g);
    giver_run(&g);
    expect_refilled(w, &g);
    giver_close(&g);
    w->no_bulk[o.victim] = true; /* its own requests leave, no entries come */
    struct world_client *a = world_client_new(w, o.victim);
    struct world_client *b = world_client_new(w, o.victim);
    uint64_t first = getter(&g)->requests.ring.next_seq;
    assert_int_equal(world_submit(a, "incr n"), 0);
    assert_int_equal(world_submit(b, "incr n"), 0);
    assert_int_equal(world_submit(a, "incr n"), 0);
    struct world_client *reader = world_client_new(w, o.leader);
    world_write(w, o.leader, 5);
    world_run(w, 100);
    assert_int_equal(world_submit(reader, "get n"), 0);
    world_wait_answered(w, reader);
    assert_true(bytes_eq(buf_view(&reader->out), BYTES_LIT("$1\r\n3\r\n")));
    assert_int_equal(a->answered + b->answered, 0);
    links(w, o.victim, false);
    cut_logs(w, o.victim);
    giver_open(&g, w, o.leader, o.victim);
    assert_int_equal(world_submit(b, "incr n"), 0);
    links(w, o.victim, true);
    for (int i = 0; i < 2000 && getter(&g)->raft.leader != o.leader; i++)
        giver_turn(&g);
    offer(&g);
    giver_run(&g);
    assert_int_equal(a->answered, 2);
    assert_int_equal(b->answered, 1);
    assert_true(bytes_eq(bytes_of(a->out.data, 8), BYTES_LIT("-UNKNOWN")));
    assert_true(bytes_eq(bytes_of(b->out.data, 8), BYTES_LIT("-UNKNOWN")));
    assert_true(getter(&g)->requests.ring.first_seq >= first + 3);
    w->no_bulk[o.victim] = false;
    buf_reset(&b->out);
    world_wait_answered(w, b);
    assert_true(bytes_eq(buf_view(&b->out), BYTES_LIT(":4\r\n")));
    world_wait_equal(w);
    assert_true(world_is_equal(w));
    giver_close(&g);
    world_release(w);
}

/* A power failure before the switch is on the disk: the old state with the old
 * log. After it: the new ones. */
static void test_power_fails_around_the_switch(void **state)
{
    struct world *w = &world;
    struct giver g;
    UNUSED(state);
    for (uint32_t synced = 0; synced < 2; synced++) {
        struct outrun o = outrun(w, 80);
        giver_open(&g, w, o.leader, o.victim);
        raft_index before = world_applied(w, o.victim);
        offer(&g);
        w->stalled[o.victim] = true;
        giver_run(&g);
        assert_true(world_applied(w, o.victim) >= g.offer.index);
        /* Until it is durable nothing is said of it. */
        struct node_status s;
        node_status(getter(&g), &s);
        assert_true(getter(&g)->raft.durable_seq < getter(&g)->raft.write_seq);
        if (synced)
            world_complete_sync(&w->nodes[o.victim]);
        world_crash_keep(w, o.victim, 0);
        w->stalled[o.victim] = false;
        world_start(w, o.victim);
        if (synced)
            assert_true(world_applied(w, o.victim) >= g.offer.index);
        else
            assert_true(world_applied(w, o.victim) <= before);
        expect_clean(w, o.victim);
        if (!synced) {
            for (int i = 0; i < 2000 && getter(&g)->raft.leader != o.leader;
                 i++)
                giver_turn(&g);
            offer(&g);
            giver_run(&g);
        }
        expect_refilled(w, &g);
        giver_close(&g);
        world_release(w);
    }
}

/* Entries come all the same, and bring more than the state has. */
static void test_a_state_that_is_outdone(void **state)
{
    struct world *w = &world;
    struct giver g;
    UNUSED(state);
    world_prepare(w, WORLD_NODES, 81);
    w->no_transfers = true;
    w->refill_part_bytes = 200 * 1000;
    world_start_all(w);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t victim = (leader + 1) % WORLD_NODES;
    put_rows(w, leader, 0, ROWS);
    world_wait_equal(w);
    w->no_bulk[victim] = true;
    world_write(w, leader, 5);
    world_wait_applied(w, leader, ROWS);
    giver_open(&g, w, leader, victim);
    assert_true(g.offer.index > getter(&g)->raft.commit);
    offer(&g);
    giver_run_to(&g, 4);
    assert_true(getter(&g)->refill.noted);
    w->no_bulk[victim] = false;
    for (int i = 0; i < 5000 && phase(&g) != REFILL_NONE; i++)
        giver_turn(&g);
    expect_clean(w, victim);
    assert_int_equal(world_measured(w, victim, METRIC_raft_first_index), 1);
    for (int i = 0; i < 20; i++)
        giver_turn(&g);
    assert_int_equal(g.leaves, 1);
    world_wait_equal(w);
    assert_true(world_is_equal(w));
    giver_close(&g);
    world_release(w);
}

/* It comes when the log has all of it, but does not know that it is committed:
 * the log stays. */
static void test_a_log_that_leads_there_is_kept(void **state)
{
    struct world *w = &world;
    struct giver g;
    UNUSED(state);
    world_init(w, WORLD_NODES, 82);
    w->no_transfers = true;
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t victim = (leader + 1) % WORLD_NODES;
    uint32_t other = (leader + 2) % WORLD_NODES;
    put_rows(w, leader, 0, 20);
    world_wait_equal(w);
    w->stalled[victim] = true; /* its acknowledgements are not needed */
    struct world_client *tc = world_client_new(w, leader);
    assert_int_equal(world_submit(tc, "incr n"), 0);
    struct node *v = w->nodes[victim].node;
    raft_index last = v->raft.last;
    for (int i = 0; i < 2000 && v->raft.last == last; i++)
        world_turn(w);
    assert_true(v->raft.commit < v->raft.last);
    /* From here on it hears nothing more. */
    w->cut[leader][victim] = w->cut[other][victim] = true;
    w->cut[victim][leader] = w->cut[victim][other] = true;
    w->frozen = true;
    for (int i = 0; i < 2000 && tc->answered < 1; i++)
        world_turn(w);
    assert_int_equal(tc->answered, 1);
    last = v->raft.last;
    giver_open(&g, w, leader, victim);
    assert_int_equal(g.offer.index, last);
    w->cut[victim][leader] = false;
    offer(&g);
    giver_run(&g);
    assert_int_equal(v->raft.commit, last);
    assert_int_equal(world_applied(w, victim), last);
    assert_int_equal(world_measured(w, victim, METRIC_raft_first_index), 1);
    expect_clean(w, victim);
    w->stalled[victim] = w->frozen = false;
    w->cut[leader][victim] = w->cut[other][victim] = false;
    w->cut[victim][other] = false;
    world_wait_equal(w);
    assert_true(world_is_equal(w));
    giver_close(&g);
    world_release(w);
}

/* Another leader, which has another view of the same entry, or none. */
static void test_another_leader_goes_on(void **state)
{
    struct world *w = &world;
    struct giver g, next;
    UNUSED(state);
    struct outrun o = outrun(w, 83);
    assert_int_equal(store_flush(w->nodes[o.leader].store, STORE_STATE, true),
                     0);
    world_wait_applied(w, o.other, world_applied(w, o.leader));
    giver_open(&g, w, o.leader, o.victim);
    giver_open(&next, w, o.other, o.victim);
    assert_int_equal(g.offer.index, next.offer.index);
    assert_int_equal(g.offer.chain, next.offer.chain);
    offer(&g);
    giver_run_to(&g, 3);
    assert_true(node_transfer(w->nodes[o.leader].node, o.other));
    for (int i = 0; i < 5000 && getter(&g)->raft.leader != o.other; i++)
        giver_turn(&g);
    world_link(w, o.leader, o.victim, false); /* the source is gone */
    giver_turn(&g);
    offer(&next);
    giver_run(&next);
    assert_int_equal(next.begun_with, 4);
    world_link(w, o.leader, o.victim, true);
    expect_refilled(w, &next);
    giver_close(&g);
    giver_close(&next);
    world_release(w);
}

/* --- a source as it is --------------------------------------------------- */

/* What all of this is for: nobody helps, and everything happens meanwhile. */
static void test_members_do_it_themselves(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (uint64_t seed = 90; seed < 96; seed++) {
        struct outrun o = outrun(w, seed);
        uint64_t rng = seed;
        w->no_transfers = false;
        for (int i = 0; i < 4000 && w->nodes[o.victim].node->journal != NULL &&
                        world_applied(w, o.victim) < ROWS;
             i++) {
            world_turn(w);
            switch (rng_below(&rng, 400)) {
            case 0:
                links(w, o.victim, false);
                world_run(w, 20);
                links(w, o.victim, true);
                break;
            case 1:
                world_crash(w, o.victim);
                world_start(w, o.victim);
                break;
            case 2:
                world_crash(w, o.leader);
                world_start(w, o.leader);
                break;
            default:
                break;
            }
        }
        world_write(w, o.victim, 3);
        world_wait_equal(w);
        assert_true(world_measured(w, o.victim, METRIC_raft_first_index) >
                    ROWS);
        assert_true(world_is_equal(w));
        expect_clean(w, o.victim);
        world_release(w);
    }
}

/* A directory that was emptied is let in although no log reaches back to the
 * beginning; it serves when it has what its grant says. */
static void test_an_emptied_member_is_refilled(void **state)
{
    struct world *w = &world;
    struct grant grant;
    uint32_t percent;
    UNUSED(state);
    struct outrun o = outrun(w, 97);
    world_wipe(w, o.victim);
    world_ask(w, o.victim, 7, &grant);
    w->nodes[o.victim].life = grant.life;
    world_start(w, o.victim);
    struct node *n = w->nodes[o.victim].node;
    assert_true(n->raft.recovering);
    n->membership.serve_from = grant.index; /* as main/vard.c notes it */
    w->no_transfers = false;
    assert_true(node_loading(n, &percent));
    for (int i = 0;
         i < 20000 && (n->raft.recovering || node_loading(n, &percent)); i++)
        world_turn(w);
    assert_false(n->raft.recovering);
    assert_false(node_loading(n, &percent));
    world_write(w, o.victim, 3);
    world_wait_equal(w);
    assert_true(world_is_equal(w));
    expect_clean(w, o.victim);
    /* It votes: another one is the leader's, and this one stays. */
    world_crash_keep(w, o.other, UINT32_MAX);
    world_write(w, o.leader, 3);
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_state_takes_the_place_of_entries),
        cmocka_unit_test(test_it_goes_on_after_a_cut),
        cmocka_unit_test(test_it_goes_on_after_a_restart),
        cmocka_unit_test(test_small_parts_of_a_slow_link),
        cmocka_unit_test(test_parts_and_row_belong_together),
        cmocka_unit_test(test_what_is_wrong_is_not_believed),
        cmocka_unit_test(test_what_does_not_belong_is_left_alone),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_gone_and_busy),
        cmocka_unit_test(test_another_state_is_offered),
        cmocka_unit_test(test_parts_of_another_transfer),
        cmocka_unit_test(test_a_state_that_ends_this_node),
        cmocka_unit_test(test_offers_that_are_not_taken),
        cmocka_unit_test(test_requests_that_were_skipped),
        cmocka_unit_test(test_power_fails_around_the_switch),
        cmocka_unit_test(test_a_state_that_is_outdone),
        cmocka_unit_test(test_a_log_that_leads_there_is_kept),
        cmocka_unit_test(test_another_leader_goes_on),
        cmocka_unit_test(test_members_do_it_themselves),
        cmocka_unit_test(test_an_emptied_member_is_refilled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
