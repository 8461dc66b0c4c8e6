// link: raft_cluster base
/*
 * What a core does not use any more is zero again: states that mean the same
 * are the same bytes, and nothing of an earlier role can be believed later.
 * Looked at after every event of random schedules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/rng.h"
#include "raft/raft_internal.h"
#include "script/cluster.h"

static bool all_zero(const void *p, size_t size)
{
    const uint8_t *bytes = p;

    return size == 0 ||
           (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

#define ASSERT_REST_ZERO(array, count)                                         \
    assert_true(all_zero((array) + (count),                                    \
                         (ARRAY_LEN(array) - (count)) * sizeof((array)[0])))

static void lists_are_clean(const struct raft *r)
{
    ASSERT_REST_ZERO(r->runs, r->run_count);
    ASSERT_REST_ZERO(r->reads, r->read_count);
    ASSERT_REST_ZERO(r->reads_asked, r->reads_asked_count);
    ASSERT_REST_ZERO(r->reads_asked_ms, r->reads_asked_count);
    for (uint32_t i = 0; i < r->reads_asked_count; i++) {
        assert_true(r->reads_asked_ms[i] <= r->now_ms);
    }
}

/* Of the peers only who they are and whether they are there is kept. */
static void progress_is_clean(const struct raft *r)
{
    for (uint32_t i = 0; i < RAFT_NODES_MAX; i++) {
        struct raft_progress p = r->progress[i];
        p.incarnation = 0;
        p.link_up = false;
        p.restarted_maybe = false;
        assert_true(all_zero(&p, sizeof(p)));
    }
    assert_int_equal(r->term_start, 0);
    assert_int_equal(r->quorum_check_ms, 0);
    assert_int_equal(r->transfer_until_ms, 0);
    assert_true(r->election_at_ms != RAFT_NEVER_MS);
}

static void replies_are_clean(const struct raft *r)
{
    assert_false(r->reply_append || r->reply_heartbeat || r->reply_reject);
    assert_int_equal(r->reject_index, 0);
    assert_int_equal(r->reject_term, 0);
    assert_int_equal(r->reject_prev, 0);
}

static void leader_is_clean(const struct raft *r)
{
    replies_are_clean(r);
    assert_int_equal(r->verified, 0);
    assert_int_equal(r->leader_commit, 0);
    assert_int_equal(r->leader_incarnation, 0);
    assert_int_equal(r->round_seen, 0);
    assert_int_equal(r->vote_reply_to, NODE_NONE);
    assert_int_equal(r->down_leader, NODE_NONE);
    assert_int_equal(r->fast_until_ms, 0);
    assert_true(r->election_at_ms == RAFT_NEVER_MS);
    if (r->transfer_to == NODE_NONE) {
        assert_int_equal(r->transfer_until_ms, 0);
        assert_false(r->transfer_sent);
    }
}

static void state_is_clean(const struct raft *r)
{
    bool votes = r->role == RAFT_PRE_CANDIDATE || r->role == RAFT_CANDIDATE;

    lists_are_clean(r);
    if (r->role == RAFT_LEADER) {
        leader_is_clean(r);
    } else {
        progress_is_clean(r);
    }
    if (votes) {
        replies_are_clean(r);
    } else {
        assert_int_equal(r->votes_granted | r->votes_refused, 0);
    }
    if (r->role != RAFT_CANDIDATE) {
        assert_false(r->campaign_transfer || r->campaign_waits);
    }
    if (r->leader == NODE_NONE || r->role == RAFT_LEADER) {
        assert_true(r->leader_heard_ms == RAFT_NO_CONTACT);
    }
    if (r->leader == NODE_NONE) {
        assert_int_equal(r->reads_asked_count, 0);
    }
}

static void act_on_disk(struct cluster *c, uint64_t *rng, uint32_t pos)
{
    struct node *n = &c->nodes[pos];

    switch (rng_below(rng, 40)) {
    case 0:
        cluster_crash(c, pos, (uint32_t)rng_below(rng, n->write_count + 1));
        cluster_restart(c, pos, rng_below(rng, n->disk.last + 1));
        break;
    case 1: /* cut what is committed and on this disk */
        if (n->disk.last >= n->core.commit &&
            n->core.durable >= n->core.commit &&
            n->core.commit >= n->disk.first) {
            n->disk.first = n->core.commit + 1;
            n->live.first = n->core.commit + 1;
            cluster_step(c, pos,
                         (struct raft_event){.type = RAFT_EV_LOG_CUT,
                                             .index = n->core.commit + 1});
        }
        break;
    default:
        cluster_durable(c, pos, 1 + (uint32_t)rng_below(rng, 3));
    }
}

static void act_as_peer(struct cluster *c, uint64_t *rng, uint32_t pos)
{
    node_id peer = c->members.ids[rng_below(rng, c->count)];
    static const enum raft_event_type types[] = {
        RAFT_EV_PEER_UP,     RAFT_EV_PEER_DOWN, RAFT_EV_UNSENT,
        RAFT_EV_WANT_COMMIT, RAFT_EV_TRANSFER,
    };

    cluster_step(
        c, pos,
        (struct raft_event){.type = types[rng_below(rng, ARRAY_LEN(types))],
                            .peer = peer,
                            .index = c->nodes[pos].core.last});
}

static void act(struct cluster *c, uint64_t *rng, uint64_t *read_id)
{
    uint32_t pos = (uint32_t)rng_below(rng, c->count);
    struct node *n = &c->nodes[pos];
    uint64_t what = rng_below(rng, 100);

    if (what < 45 && c->wire_count > 0) {
        uint32_t i = (uint32_t)rng_below(rng, MIN(c->wire_count, 4));
        cluster_deliver(c, i, rng_below(rng, 20) == 0);
    } else if (what < 60) {
        cluster_flush(c, pos);
    } else if (what < 75) {
        act_on_disk(c, rng, pos);
    } else if (what < 83) {
        cluster_tick(c, pos, 1 + (int64_t)rng_below(rng, 15));
    } else if (what < 84) {
        act_as_peer(c, rng, pos);
    } else if (what < 88 && *read_id + 1 < CLUSTER_READS_MAX) {
        cluster_read(c, pos, ++*read_id);
    } else if (what < 92 && n->live.last + 64 < CLUSTER_LOG_MAX &&
               n->write_count + 64 < CLUSTER_WRITES_MAX) {
        cluster_propose(c, pos, 1 + (uint32_t)rng_below(rng, 3));
    } else if (c->wire_count > 20) {
        cluster_drop(c, (uint32_t)rng_below(rng, c->wire_count));
    }
}

static void run_seed(uint64_t seed)
{
    uint64_t rng = seed;
    uint64_t read_id = 0;
    struct raft_config config = {.cluster_id = 7,
                                 .election_timeout_ms = 60,
                                 .heartbeat_ms = 20,
                                 .peer_down_delay_ms = 10,
                                 .append_entries_max = 3,
                                 .disk_timeout_ms = seed % 2 ? 100 : 0,
                                 .window_max = 2,
                                 .seed = seed};
    struct cluster *c =
        cluster_new(&config, seed % 3 ? 3 : 5, 0, (int64_t)seed);

    for (uint32_t i = 0; i < 3000; i++) {
        act(c, &rng, &read_id);
        assert_string_equal(c->failure, "");
        for (uint32_t k = 0; k < c->count; k++) {
            state_is_clean(&c->nodes[k].core);
        }
    }
    assert_true(c->elections > 0 && c->reads_done > 0);
    cluster_free(c);
}

static void test_nothing_stays(void **state)
{
    UNUSED(state);
    for (uint64_t seed = 1; seed <= 15; seed++) {
        run_seed(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
