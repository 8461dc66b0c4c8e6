/*
 * What the reader of traces lets pass, and what not, where real runs get only
 * by chance: three cores, whose steps are shown to it as lines of a trace.
 */
// link: trace_replay_small
#include "trace/trace.h"

#include "base/alloc.h"
#include "node/node_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NODES   3
#define LOG_MAX 16

struct world {
    struct trace_replay *replay;
    struct trace_line *line;
    struct raft cores[NODES];
    struct raft_out out;
    uint64_t chains[NODES][LOG_MAX];
    struct raft_message queue[256];
    size_t first;
    size_t end;
    bool cut; /* nothing goes to or from node 0 */
    int64_t now_ms;
};

static void start(struct world *w, uint32_t i)
{
    struct raft_start empty = {.vote = NODE_NONE,
                               .log_first = 1,
                               .members = {{NODES, {1, 2, 3}, 7, 0, {0}}},
                               .members_count = 1};
    struct raft_config config = {.self = i + 1,
                                 .incarnation = 1,
                                 .cluster_id = 7,
                                 .election_timeout_ms = 100,
                                 .heartbeat_ms = 10,
                                 .peer_down_delay_ms = 5,
                                 .disk_timeout_ms = 1000,
                                 .append_entries_max = 8,
                                 .window_max = 4,
                                 .seed = i + 1};
    raft_init(&w->cores[i], &config, &empty, w->now_ms);
    *w->line = (struct trace_line){.kind = TRACE_START,
                                   .config = config,
                                   .start = empty,
                                   .event.now_ms = w->now_ms};
    trace_replay(w->replay, i, w->line);
}

/* The chain hashes of what was appended, which stand for the payloads. */
static void take_chains(struct world *w, uint32_t i)
{
    const struct raft_write *write = &w->out.write;
    w->line->chain_count = 0;
    if (write->append_first == 0)
        return;
    for (raft_index at = write->append_first; at <= write->append_last; at++) {
        assert_in_range(at, 1, LOG_MAX - 1);
        raft_term term = 0;
        assert_true(raft_runs_term(&w->cores[i], at, &term));
        uint64_t chain = w->chains[i][at - 1] * 31 + term * 1000 + at;
        w->chains[i][at] = chain;
        w->line->chains[w->line->chain_count++] = chain;
    }
}

/* A step of a core, and the line of a trace that it makes. */
static void step(struct world *w, uint32_t i, struct raft_event e)
{
    e.now_ms = w->now_ms;
    raft_step(&w->cores[i], &e, &w->out);
    w->line->kind = TRACE_STEP;
    w->line->event = e;
    w->line->digest = node_trace_digest(&w->cores[i], &w->out);
    if (e.message != NULL) {
        w->line->message = *e.message;
        w->line->event.message = &w->line->message;
    }
    take_chains(w, i);
    for (uint32_t m = 0; m < w->out.message_count; m++) {
        assert_in_range(w->end, 0, ARRAY_LEN(w->queue) - 1);
        w->queue[w->end++] = w->out.messages[m];
    }
    trace_replay(w->replay, i, w->line);
}

static void durable(struct world *w, uint32_t i, uint64_t seq, raft_index index)
{
    step(w, i,
         (struct raft_event){
             .type = RAFT_EV_DURABLE, .seq = seq, .index = index});
}

/* All disks but node 0's, when it is cut off, sync; all messages arrive. */
static void settle(struct world *w)
{
    for (int round = 0; round < 6; round++) {
        for (uint32_t i = 0; i < NODES; i++) {
            const struct raft *r = &w->cores[i];
            if (r->durable_seq < r->write_seq && !(w->cut && i == 0))
                durable(w, i, r->write_seq, r->last);
            step(w, i, (struct raft_event){.type = RAFT_EV_FLUSH});
        }
        while (w->first < w->end) {
            struct raft_message m = w->queue[w->first++];
            if (w->cut && (m.from == 1 || m.to == 1))
                continue;
            step(w, m.to - 1,
                 (struct raft_event){.type = RAFT_EV_MESSAGE, .message = &m});
        }
        w->first = w->end = 0;
    }
}

static void elect(struct world *w, uint32_t i)
{
    for (int turn = 0; turn < 40 && w->cores[i].role != RAFT_LEADER; turn++) {
        w->now_ms += 50;
        step(w, i, (struct raft_event){.type = RAFT_EV_TICK});
        settle(w);
    }
    assert_int_equal(w->cores[i].role, RAFT_LEADER);
}

/* Node 1 leads; two of its entries reach nobody and are not yet synced when
 * node 2's first entry replaces them. */
static struct world *replaced_tail(void)
{
    struct world *w = mem_zalloc(sizeof(*w));
    w->replay = mem_zalloc(sizeof(*w->replay));
    w->line = mem_zalloc(sizeof(*w->line));
    w->now_ms = 1000;
    for (uint32_t i = 0; i < NODES; i++)
        start(w, i);
    elect(w, 0);
    assert_int_equal(w->cores[1].last, 1);
    w->cut = true;
    step(w, 0, (struct raft_event){.type = RAFT_EV_PROPOSE, .count = 2});
    elect(w, 1);
    return w;
}

static void release(struct world *w)
{
    mem_free(w->replay);
    mem_free(w->line);
    mem_free(w);
}

/* The leader's append to node 1, as the network would bring it now. */
static void bring_append(struct world *w)
{
    struct raft_message m = {.type = RAFT_MSG_APPEND,
                             .cluster_id = 7,
                             .from = 2,
                             .to = 1,
                             .from_incarnation = 1,
                             .to_incarnation = 1,
                             .term = w->cores[1].term,
                             .index = 1,
                             .index_term = 1,
                             .count = 1,
                             .run_count = 1,
                             .runs = {{2, w->cores[1].term}}};
    step(w, 0, (struct raft_event){.type = RAFT_EV_MESSAGE, .message = &m});
}

static void test_late_sync_of_a_replaced_tail(void **state)
{
    UNUSED(state);
    struct world *w = replaced_tail();
    uint64_t seq = w->cores[0].write_seq;
    bring_append(w);
    assert_int_equal(w->cores[0].last, 2);
    assert_true(w->cores[0].truncate_seq > seq);
    durable(w, 0, seq, 3); /* begun before the tail went */
    assert_null(w->replay->violation);
    durable(w, 0, w->cores[0].write_seq, 2);
    assert_null(w->replay->violation);
    release(w);
}

static void test_sync_of_what_was_never_written(void **state)
{
    UNUSED(state);
    struct world *w = replaced_tail();
    bring_append(w);
    assert_null(w->replay->violation);
    w->line->kind = TRACE_STEP;
    w->line->event = (struct raft_event){.type = RAFT_EV_DURABLE,
                                         .now_ms = w->now_ms,
                                         .seq = w->cores[0].write_seq,
                                         .index = 3};
    trace_replay(w->replay, 0, w->line);
    assert_string_equal(w->replay->violation,
                        "X1 durability: a write that was never asked for");
    release(w);
}

/* Node 1 follows node 2, whose entries it has none of. */
static struct world *following(void)
{
    struct world *w = replaced_tail();
    struct raft_message m = {.type = RAFT_MSG_APPEND,
                             .cluster_id = 7,
                             .from = 2,
                             .to = 1,
                             .from_incarnation = 1,
                             .to_incarnation = 1,
                             .term = w->cores[1].term,
                             .index = w->cores[1].last,
                             .index_term = w->cores[1].term};
    step(w, 0, (struct raft_event){.type = RAFT_EV_MESSAGE, .message = &m});
    assert_int_equal(w->cores[0].leader, 2);
    return w;
}

/* The line of a state of entry `index`, of this term, that node 1 takes over;
 * its core takes it as it is. */
static void restore(struct world *w, raft_index index, raft_term index_term)
{
    struct raft_members members = {NODES, {1, 2, 3}, 7, 0, {0}};
    step(w, 0,
         (struct raft_event){.type = RAFT_EV_RESTORE,
                             .index = index,
                             .index_term = index_term,
                             .term = w->cores[1].term,
                             .members = &members});
}

/* In place of its two entries and what it lacks. */
static void test_a_state_in_place_of_entries(void **state)
{
    UNUSED(state);
    struct world *w = following();
    raft_index commit = w->cores[1].commit;
    restore(w, commit, w->cores[1].term);
    assert_null(w->replay->violation);
    assert_int_equal(w->cores[0].first, commit + 1);
    durable(w, 0, w->cores[0].write_seq, commit);
    assert_null(w->replay->violation);
    for (uint32_t i = 0; i < NODES; i++)
        if (i != 1)
            memcpy(w->chains[i], w->chains[1], sizeof(w->chains[1]));
    w->cut = false;
    step(w, 1, (struct raft_event){.type = RAFT_EV_PROPOSE, .count = 1});
    for (int i = 0; i < 5; i++)
        settle(w);
    assert_null(w->replay->violation);
    release(w);
}

static void test_a_state_that_nobody_committed(void **state)
{
    UNUSED(state);
    struct world *w = following();
    restore(w, w->cores[1].commit, w->cores[1].term - 1);
    assert_string_equal(w->replay->violation,
                        "X3 snapshot: a state that nobody committed");
    release(w);
    w = following();
    restore(w, w->cores[1].last + 1, w->cores[1].term);
    assert_string_equal(w->replay->violation,
                        "X3 snapshot: a state that nobody committed");
    release(w);
}

/* The words of such a line, as a node writes it, and with some missing. */
static void test_the_line_of_a_state(void **state)
{
    static const char line[] = "step 5 %u 1000 4294967295 7 0 0 0 0 - - "
                               "3:7:0:1=0,2=0,3=0 %s";
    struct trace_line *out = mem_zalloc(sizeof(*out));
    char text[128];
    UNUSED(state);
    snprintf(text, sizeof(text), line, RAFT_EV_RESTORE, "2:4");
    assert_int_equal(trace_parse(text, out), 0);
    assert_int_equal(out->event.index, 7);
    assert_int_equal(out->event.index_term, 2);
    assert_int_equal(out->event.term, 4);
    assert_int_equal(out->event.members_at, 3);
    static const char *const wrong[] = {"-", "4:2", "2", "0:4", "x:4", ""};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        snprintf(text, sizeof(text), line, RAFT_EV_RESTORE, wrong[i]);
        assert_int_equal(trace_parse(text, out), ERR_CORRUPT);
    }
    snprintf(text, sizeof(text), line, RAFT_EV_FLUSH, "2:4");
    assert_int_equal(trace_parse(text, out), ERR_CORRUPT);
    mem_free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_late_sync_of_a_replaced_tail),
        cmocka_unit_test(test_sync_of_what_was_never_written),
        cmocka_unit_test(test_a_state_in_place_of_entries),
        cmocka_unit_test(test_a_state_that_nobody_committed),
        cmocka_unit_test(test_the_line_of_a_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
