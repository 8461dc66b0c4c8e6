/*
 * A start may be one on an older copy of its directory, which only others can
 * tell: it votes for nobody before it has met them.
 */
#include "unit/raft/core_fixture.h"

#define BOOTED_MS 1000

static void boot_careful(struct core_fixture *f, uint32_t nodes)
{
    struct raft_config config = core_config(0);
    struct raft_start start = core_start(nodes);

    memset(f, 0xa5, sizeof(*f));
    f->now_ms = BOOTED_MS;
    start.careful = true;
    raft_init(&f->r, &config, &start, BOOTED_MS);
}

/* Would node 1, whose log is as good, get the vote of this term? */
static bool grants(struct core_fixture f, enum raft_message_type type,
                   raft_term term)
{
    bool pre = type == RAFT_MSG_PRE_VOTE;
    struct raft_message m = core_message(&f, type, 1, term);

    m.index = f.r.last;
    m.index_term = raft_runs_last_term(&f.r);
    core_receive(&f, m);
    if (f.out.message_count == 0) {
        core_durable(&f); /* the vote */
    }
    const struct raft_message *reply =
        core_sent(&f, pre ? RAFT_MSG_PRE_VOTE_REPLY : RAFT_MSG_VOTE_REPLY, 1);
    assert_non_null(reply);
    assert_true(reply->granted == (f.r.vote == 1) || pre);
    return reply->granted;
}

static void assert_votes(const struct core_fixture *f, bool votes)
{
    raft_term term = f->r.term;

    assert_int_equal(grants(*f, RAFT_MSG_PRE_VOTE, term + 1), votes);
    assert_int_equal(grants(*f, RAFT_MSG_VOTE, term + 1), votes);
    assert_int_equal(raft_may_campaign(&f->r), votes);
}

static void test_until_an_election_timeout(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    boot_careful(&f, 3);
    assert_votes(&f, false);
    core_peer_event(&f, RAFT_EV_PEER_UP, 1); /* member 2 might know better */
    assert_votes(&f, false);
    f.now_ms = BOOTED_MS + ELECTION_MS - 1;
    core_event(&f, RAFT_EV_TICK);
    assert_votes(&f, false);
    f.now_ms++;
    assert_true(grants(f, RAFT_MSG_PRE_VOTE, f.r.term + 1)); /* no tick yet */
    assert_true(grants(f, RAFT_MSG_VOTE, f.r.term + 1));
    core_event(&f, RAFT_EV_TICK);
    assert_votes(&f, true);
    assert_int_equal(f.r.careful_until_ms, 0);
}

static void test_until_all_are_linked(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    boot_careful(&f, 5);
    for (node_id peer = 1; peer < 5; peer++) {
        assert_votes(&f, false);
        core_peer_event(&f, RAFT_EV_PEER_UP, peer);
    }
    assert_votes(&f, true);
    /* They have said it: a link that breaks takes nothing back. */
    core_peer_event(&f, RAFT_EV_PEER_DOWN, 3);
    assert_votes(&f, true);
    /* One that came and went before the last one came. */
    boot_careful(&f, 3);
    core_peer_event(&f, RAFT_EV_PEER_UP, 2);
    core_peer_event(&f, RAFT_EV_PEER_DOWN, 2);
    core_peer_event(&f, RAFT_EV_PEER_UP, 1);
    assert_votes(&f, false);
    core_peer_event(&f, RAFT_EV_PEER_UP, 2);
    assert_votes(&f, true);
}

/* Who is careful does not lead either, though it is told to, or in a hurry. */
static void test_own_vote(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    boot_careful(&f, 3);
    core_peer_event(&f, RAFT_EV_PEER_UP, 1);
    core_receive(&f, core_message(&f, RAFT_MSG_HEARTBEAT, 1, 2));
    assert_int_equal(f.r.leader, 1);
    core_receive(&f, core_message(&f, RAFT_MSG_TIMEOUT_NOW, 1, 2));
    assert_int_equal(f.r.role, RAFT_FOLLOWER);
    core_peer_event(&f, RAFT_EV_PEER_DOWN, 1);
    assert_true(f.r.election_at_ms < BOOTED_MS + ELECTION_MS);
    core_tick_at(&f, f.r.election_at_ms);
    assert_int_equal(f.r.role, RAFT_FOLLOWER);
    assert_true(f.r.election_at_ms >= BOOTED_MS + ELECTION_MS);
    core_tick_at(&f, f.r.election_at_ms);
    assert_int_equal(f.r.role, RAFT_PRE_CANDIDATE);
}

/* Its first timer is no shorter, so that costs nothing where nobody is missing;
 * and alone there is nobody to ask. */
static void test_no_cost(void **state)
{
    struct core_fixture f;

    UNUSED(state);
    boot_careful(&f, 3);
    assert_true(f.r.election_at_ms >= f.r.careful_until_ms);
    core_tick_at(&f, f.r.election_at_ms);
    assert_int_equal(f.r.role, RAFT_PRE_CANDIDATE);
    boot_careful(&f, 1);
    core_tick_at(&f, f.r.election_at_ms);
    assert_int_equal(f.r.role, RAFT_CANDIDATE);
    /* A start that nobody has to be careful of. */
    core_boot(&f, 0, 3);
    assert_votes(&f, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_until_an_election_timeout),
        cmocka_unit_test(test_until_all_are_linked),
        cmocka_unit_test(test_own_vote),
        cmocka_unit_test(test_no_cost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
