/* The median against its definition, and the commit rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "raft/raft_internal.h"

static uint32_t reached(const uint64_t *values, uint32_t n, uint64_t v)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < n; i++) {
        count += values[i] >= v;
    }
    return count;
}

/* All vectors of n values out of 0..4 (n <= 7) or 0..2 (n = 8, 9): a majority
 * reaches the result, and no majority anything above. */
static void test_median(void **state)
{
    UNUSED(state);
    for (uint32_t n = 1; n <= 9 && n <= RAFT_NODES_MAX; n++) {
        uint32_t base = n <= 7 ? 5 : 3;
        uint64_t values[9];
        uint32_t all = 1;
        for (uint32_t i = 0; i < n; i++) {
            all *= base;
        }
        for (uint32_t code = 0; code < all; code++) {
            uint32_t rest = code;
            for (uint32_t i = 0; i < n; i++, rest /= base) {
                values[i] = rest % base;
            }
            uint64_t v = raft_quorum_value(values, n);
            assert_true(reached(values, n, v) > n / 2);
            assert_true(reached(values, n, v + 1) <= n / 2);
        }
    }
}

static void test_large_values(void **state)
{
    uint64_t values[3] = {UINT64_MAX, 0, UINT64_MAX - 1};

    UNUSED(state);
    assert_true(raft_quorum_value(values, 3) == UINT64_MAX - 1);
}

/* A leader of term 3 whose entries 1..2 are of term 1, 3..4 of term 3. */
static void make_leader(struct raft *r, uint32_t nodes)
{
    static const struct raft_run runs[] = {{1, 1}, {3, 3}};
    struct raft_config config = {.self = 1,
                                 .incarnation = 1,
                                 .election_timeout_ms = 100,
                                 .heartbeat_ms = 20,
                                 .peer_down_delay_ms = 5,
                                 .append_entries_max = 8,
                                 .window_max = 2};
    struct raft_start start = {.term = 3,
                               .vote = 1,
                               .log_first = 1,
                               .log_last = 4,
                               .runs = runs,
                               .run_count = 2,
                               .members = {{.count = nodes}},
                               .members_count = 1};

    for (uint32_t i = 0; i < nodes; i++) {
        start.members[0].ids[i] = i + 1;
        start.members[0].voters |= 1U << i;
    }
    raft_init(r, &config, &start, 0);
    r->role = RAFT_LEADER;
    r->leader = 1;
    r->term_start = 3;
    r->durable = 0;
}

/* All durable indexes of 1, 3, 4 and 5 nodes: committed is what a majority
 * has, if that is an entry of term 3, else nothing. */
static void test_commit_rule(void **state)
{
    UNUSED(state);
    for (uint32_t nodes = 1; nodes <= 5; nodes++) {
        uint32_t all = 1;
        for (uint32_t i = 0; i < nodes; i++) {
            all *= 5;
        }
        for (uint32_t code = 0; code < all; code++) {
            struct raft r;
            uint64_t values[5];
            uint32_t rest = code;
            make_leader(&r, nodes);
            for (uint32_t i = 0; i < nodes; i++, rest /= 5) {
                values[i] = rest % 5;
                r.progress[i].match = values[i];
            }
            r.durable = values[0];
            r.progress[0].match = 4; /* own progress counts nothing */
            raft_commit_by_quorum(&r);
            raft_index want = 0;
            for (raft_index k = 3; k <= 4; k++) {
                want = reached(values, nodes, k) > nodes / 2 ? k : want;
            }
            assert_int_equal(r.commit, want);
        }
    }
}

static void test_commit_never_falls(void **state)
{
    struct raft r;

    UNUSED(state);
    make_leader(&r, 3);
    r.durable = 4;
    r.commit = 4;
    r.progress[1].match = 3;
    raft_commit_by_quorum(&r);
    assert_int_equal(r.commit, 4);
}

/* A follower: the leader's word, as far as the logs were compared. */
static void test_commit_by_leader(void **state)
{
    UNUSED(state);
    for (raft_index told = 0; told <= 6; told++) {
        for (raft_index verified = 0; verified <= 4; verified++) {
            for (raft_index commit = 0; commit <= 4; commit++) {
                struct raft r;
                make_leader(&r, 3);
                r.role = RAFT_FOLLOWER;
                r.leader_commit = told;
                r.verified = verified;
                r.commit = commit;
                raft_commit_by_leader(&r);
                raft_index want = MIN(told, verified);
                assert_int_equal(r.commit, MAX(want, commit));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_median),
        cmocka_unit_test(test_large_values),
        cmocka_unit_test(test_commit_rule),
        cmocka_unit_test(test_commit_never_falls),
        cmocka_unit_test(test_commit_by_leader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
