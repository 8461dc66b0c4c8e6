/*
 * Runs against a plain array of terms: lookups, conflicts, slices and hints
 * give what a walk over the array gives, for all small logs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/rng.h"
#include "raft/raft_internal.h"

_Static_assert(RAFT_MESSAGE_RUNS_MAX >= 3, "the logs below have 3 terms");

/* A core with this log (terms of 1..count), all durable. */
static void make(struct raft *r, const raft_term *terms, uint32_t count)
{
    struct raft_config config = {.self = 1,
                                 .incarnation = 1,
                                 .election_timeout_ms = 100,
                                 .heartbeat_ms = 20,
                                 .peer_down_delay_ms = 5,
                                 .append_entries_max = 8,
                                 .window_max = 2};
    struct raft_run runs[RAFT_RUNS_MAX];
    struct raft_start start = {.vote = NODE_NONE,
                               .log_first = 1,
                               .log_last = count,
                               .runs = runs,
                               .members = {{3, {1, 2, 3}, 7, 0, {0}}},
                               .members_count = 1};

    for (uint32_t i = 1; i <= count; i++) {
        if (i == 1 || terms[i - 1] != terms[i - 2]) {
            runs[start.run_count].first = i;
            runs[start.run_count++].term = terms[i - 1];
        }
        start.term = terms[i - 1];
    }
    raft_init(r, &config, &start, 0);
}

/* The n-th non-decreasing sequence of terms 1..3; false if there is none. */
static bool make_terms(uint32_t n, uint32_t count, raft_term *terms)
{
    raft_term before = 1;

    for (uint32_t i = 0; i < count; i++, n /= 3) {
        terms[i] = 1 + n % 3;
        if (terms[i] < before) {
            return false;
        }
        before = terms[i];
    }
    return n == 0;
}

static void check_one_log(const struct raft *r, const raft_term *terms,
                          uint32_t count)
{
    raft_term term = 99;

    assert_true(raft_runs_term(r, 0, &term));
    assert_int_equal(term, 0);
    assert_false(raft_runs_term(r, count + 1, &term));
    assert_int_equal(raft_runs_last_term(r), count > 0 ? terms[count - 1] : 0);
    for (uint32_t i = 1; i <= count; i++) {
        assert_true(raft_runs_term(r, i, &term));
        assert_int_equal(term, terms[i - 1]);
    }
    for (raft_index limit = 0; limit <= count + 1; limit++) {
        for (raft_term t = 0; t <= 4; t++) {
            raft_index found = 99;
            raft_index want = MIN(limit, count);
            while (want > 0 && terms[want - 1] > t) {
                want--;
            }
            assert_true(raft_runs_last_below(r, limit, t, &found));
            assert_int_equal(found, want);
        }
    }
}

static void test_lookups(void **state)
{
    raft_term terms[5];
    struct raft r;

    UNUSED(state);
    for (uint32_t count = 0; count <= 5; count++) {
        for (uint32_t n = 0; n < 243; n++) {
            if (make_terms(n, count, terms)) {
                make(&r, terms, count);
                check_one_log(&r, terms, count);
            }
        }
    }
}

static void make_message(struct raft_message *m, const raft_term *terms,
                         raft_index index, uint32_t count)
{
    memset(m, 0, sizeof(*m));
    m->index = index;
    m->index_term = index > 0 ? terms[index - 1] : 0;
    m->count = count;
    for (uint32_t i = 0; i < count; i++) {
        raft_term term = terms[index + i];
        if (i == 0 || term != terms[index + i - 1]) {
            m->runs[m->run_count].first = index + 1 + i;
            m->runs[m->run_count++].term = term;
        }
    }
}

/* All pairs of logs of up to 5 entries and 3 terms, all slices of the second:
 * the first entry that is missing or different. */
static void test_conflicts(void **state)
{
    raft_term own[5];
    raft_term other[5];
    struct raft r;
    struct raft_message m;

    UNUSED(state);
    for (uint32_t n = 0; n < 243 * 243; n++) {
        if (!make_terms(n % 243, 5, own) || !make_terms(n / 243, 5, other)) {
            continue;
        }
        for (uint32_t last = 0; last <= 5; last++) {
            make(&r, own, last);
            for (raft_index index = 0; index <= last; index++) {
                uint32_t count = 5 - (uint32_t)index;
                make_message(&m, other, index, count);
                raft_index want = index + 1;
                while (want <= 5 && want <= last &&
                       own[want - 1] == other[want - 1]) {
                    want++;
                }
                assert_int_equal(raft_runs_conflict(&r, &m), want);
            }
        }
    }
}

/* A slice holds as many entries as its runs can describe, and says so. */
static void test_slices(void **state)
{
    raft_term terms[40];
    struct raft r;
    struct raft_message m;

    UNUSED(state);
    for (uint32_t i = 0; i < 40; i++) {
        terms[i] = 1 + i / 2;
    }
    make(&r, terms, 40);
    for (raft_index index = 0; index < 40; index++) {
        for (raft_index limit = index; limit <= 40; limit++) {
            memset(&m, 0, sizeof(m));
            m.index = index;
            m.index_term = index > 0 ? terms[index - 1] : 0;
            raft_index end = raft_runs_slice(&r, limit, &m);
            assert_int_equal(m.count, end - index);
            assert_true(end == limit || m.run_count == RAFT_MESSAGE_RUNS_MAX);
            assert_int_equal(m.count == 0, m.run_count == 0);
            for (raft_index i = index + 1; i <= end; i++) {
                assert_int_equal(raft_message_term(&m, i), terms[i - 1]);
            }
        }
    }
}

static void test_append_and_truncate(void **state)
{
    raft_term terms[200] = {0};
    uint64_t rng = 5;
    struct raft r;

    UNUSED(state);
    make(&r, terms, 0);
    raft_term top = 1;
    uint32_t count = 0;
    for (uint32_t step = 0; step < 3000; step++) {
        if (count > 0 && rng_below(&rng, 3) == 0) {
            uint32_t from = 1 + (uint32_t)rng_below(&rng, count);
            raft_runs_truncate(&r, from);
            count = from - 1;
            top = count > 0 ? terms[count - 1] : 1;
        }
        uint32_t n = 1 + (uint32_t)rng_below(&rng, 4);
        top += rng_below(&rng, 2);
        if (count + n <= 200 && top < 60) {
            assert_true(raft_runs_append(&r, n, top));
            for (uint32_t i = 0; i < n; i++) {
                terms[count++] = top;
            }
        }
        assert_int_equal(r.last, count);
        check_one_log(&r, terms, count);
    }
}

/* When all runs are used, the oldest goes if it is committed and durable. */
static void test_full(void **state)
{
    raft_term terms[RAFT_RUNS_MAX];
    struct raft r;
    raft_term term = 0;

    UNUSED(state);
    for (uint32_t i = 0; i < RAFT_RUNS_MAX; i++) {
        terms[i] = i + 1;
    }
    make(&r, terms, RAFT_RUNS_MAX);
    r.term = RAFT_RUNS_MAX + 1;
    assert_false(raft_runs_has_room(&r));
    assert_false(raft_may_campaign(&r));
    assert_false(raft_runs_append(&r, 1, RAFT_RUNS_MAX + 1));
    assert_true(raft_runs_append(&r, 1, RAFT_RUNS_MAX));
    r.commit = 1;
    assert_true(raft_runs_append(&r, 1, RAFT_RUNS_MAX + 1));
    assert_int_equal(r.first, 2);
    assert_int_equal(r.prev_term, 1);
    assert_int_equal(r.run_count, RAFT_RUNS_MAX);
    assert_true(raft_runs_term(&r, 1, &term));
    assert_int_equal(term, 1);
    assert_false(raft_runs_term(&r, 0, &term));
    raft_check(&r);
}

/* A log written by a core that had to forget runs is taken up again. */
static void test_start_with_too_many_runs(void **state)
{
    struct raft_run runs[RAFT_RUNS_MAX + 5];
    struct raft r;
    raft_term none[1] = {0};

    UNUSED(state);
    make(&r, none, 0);
    struct raft_config config = r.config;
    struct raft_start start = {.term = RAFT_RUNS_MAX + 5,
                               .vote = NODE_NONE,
                               .log_first = 1,
                               .log_last = RAFT_RUNS_MAX + 5,
                               .runs = runs,
                               .run_count = RAFT_RUNS_MAX + 5,
                               .members = {{3, {1, 2, 3}, 7, 0, {0}}},
                               .members_count = 1};
    for (uint32_t i = 0; i < start.run_count; i++) {
        runs[i].first = i + 1;
        runs[i].term = i + 1;
    }
    raft_init(&r, &config, &start, 0);
    assert_int_equal(r.first, 6);
    assert_int_equal(r.commit, 5);
    assert_int_equal(r.last, RAFT_RUNS_MAX + 5);
}

static void test_forget(void **state)
{
    raft_term terms[6] = {1, 1, 2, 2, 3, 3};
    raft_term term = 0;
    struct raft r;

    UNUSED(state);
    for (raft_index first = 2; first <= 7; first++) {
        make(&r, terms, 6);
        r.commit = 6;
        raft_runs_forget(&r, first);
        raft_check(&r);
        assert_int_equal(r.first, first);
        assert_int_equal(r.prev_term, terms[first - 2]);
        for (raft_index i = first; i <= 6; i++) {
            assert_true(raft_runs_term(&r, i, &term));
            assert_int_equal(term, terms[i - 1]);
        }
        assert_false(raft_runs_term(&r, first - 2, &term));
        raft_index index = 0;
        assert_false(raft_runs_last_below(&r, 6, 0, &index));
        assert_false(raft_runs_last_below(&r, first - 2, 9, &index));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lookups),
        cmocka_unit_test(test_conflicts),
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_append_and_truncate),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_start_with_too_many_runs),
        cmocka_unit_test(test_forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
