/*
 * Whom others had better lead (RAFT_EV_RANK): its timers are longer, within
 * bounds, and nothing else of it is other than of any member.
 */
#include "core_fixture.h"

#define DRAWS 400

static void set_rank(struct core_fixture *f, uint32_t rank)
{
    core_step(f, (struct raft_event){
                     .type = RAFT_EV_RANK, .peer = NODE_NONE, .count = rank});
}

/* The bounds that so many draws keep, and come close to. */
static void expect_draws(struct core_fixture *f, uint32_t rank, int64_t least,
                         int64_t most)
{
    int64_t smallest = INT64_MAX;
    int64_t greatest = 0;

    core_boot(f, 0, 3);
    set_rank(f, rank);
    for (int i = 0; i < DRAWS; i++) {
        raft_draw_timer(&f->r);
        smallest = MIN(smallest, f->r.election_at_ms - f->now_ms);
        greatest = MAX(greatest, f->r.election_at_ms - f->now_ms);
    }
    assert_true(smallest >= least && smallest < least + 5);
    assert_true(greatest < most && greatest >= most - 5);
}

static void test_timers(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    expect_draws(&f, 0, ELECTION_MS, 2 * ELECTION_MS);
    expect_draws(&f, 1, ELECTION_MS + 25, 2 * ELECTION_MS + 25);
    expect_draws(&f, 2, ELECTION_MS + 50, 2 * ELECTION_MS + 50);
    expect_draws(&f, 4, 2 * ELECTION_MS, 3 * ELECTION_MS);
    expect_draws(&f, 5, 2 * ELECTION_MS, 3 * ELECTION_MS);
    expect_draws(&f, RAFT_NODES_MAX, 2 * ELECTION_MS, 3 * ELECTION_MS);
    expect_draws(&f, UINT32_MAX, 2 * ELECTION_MS, 3 * ELECTION_MS);
    assert_int_equal(f.r.rank, RAFT_NODES_MAX);
}

/* Nothing is written, sent, or drawn anew for it. */
static void test_a_note(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    for (int leads = 0; leads < 2; leads++) {
        core_boot(&f, 0, 3);
        if (leads) {
            core_win(&f);
        }
        struct raft before = f.r;
        set_rank(&f, 2);
        assert_int_equal(f.out.message_count, 0);
        assert_int_equal(f.out.write.seq, 0);
        assert_false(f.out.role_changed);
        assert_int_equal(f.r.rank, 2);
        before.rank = 2;
        assert_memory_equal(&before, &f.r, sizeof(before));
        set_rank(&f, 0);
        before.rank = 0;
        assert_memory_equal(&before, &f.r, sizeof(before));
    }
}

/* The leader's link breaks: the first ones ask before the next ones do. */
static void test_leader_gone(void **state)
{
    struct core_fixture f;
    int64_t latest = 0;

    UNUSED(state);
    for (uint32_t rank = 0; rank <= RAFT_PATIENCE_MAX; rank++) {
        int64_t earliest_of = INT64_MAX;
        int64_t latest_of = 0;
        core_boot(&f, 0, 3);
        set_rank(&f, rank);
        for (int i = 0; i < DRAWS; i++) {
            core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 2));
            core_peer_event(&f, RAFT_EV_PEER_DOWN, 1);
            int64_t after = f.r.election_at_ms - f.now_ms;
            earliest_of = MIN(earliest_of, after);
            latest_of = MAX(latest_of, after);
            core_peer_event(&f, RAFT_EV_PEER_UP, 1);
        }
        assert_true(earliest_of > latest);
        assert_true(latest_of <= 5 * (int64_t)(rank + 1));
        latest = latest_of;
    }
}

/* Who is behind in the terms, or knows that a candidate lacks entries, may be
 * the only one that can be elected: it is as quick as ever. */
static void test_no_delay_where_it_is_needed(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    for (int i = 0; i < 50; i++) {
        core_boot(&f, 0, 3);
        set_rank(&f, RAFT_NODES_MAX);
        f.r.rng += (uint64_t)i;
        raft_ask_again_soon(&f.r);
        assert_true(f.r.election_at_ms <= f.now_ms + BEAT_MS);
    }
}

/* Votes are granted, and asked for, as by any member; TIMEOUT_NOW counts. */
static void test_takes_part(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    core_boot(&f, 0, 3);
    set_rank(&f, 2);
    struct raft_message vote = core_message(&f, RAFT_MSG_VOTE, 1, 3);
    vote.index = 4;
    vote.index_term = 2;
    core_receive(&f, vote);
    assert_int_equal(f.r.vote, 1);
    core_durable(&f);
    assert_true(core_sent(&f, RAFT_MSG_VOTE_REPLY, 1)->granted);
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 3));
    core_receive(&f, core_message(&f, RAFT_MSG_TIMEOUT_NOW, 1, 3));
    assert_int_equal(f.r.role, RAFT_CANDIDATE);

    core_boot(&f, 0, 3);
    set_rank(&f, 2);
    core_tick_at(&f, f.r.election_at_ms);
    assert_int_equal(f.r.role, RAFT_PRE_CANDIDATE);
    core_boot(&f, 0, 3);
    set_rank(&f, 2);
    core_win(&f);
    assert_true(raft_is_leader(&f.r));
    assert_int_equal(f.r.rank, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers),
        cmocka_unit_test(test_a_note),
        cmocka_unit_test(test_leader_gone),
        cmocka_unit_test(test_no_delay_where_it_is_needed),
        cmocka_unit_test(test_takes_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
