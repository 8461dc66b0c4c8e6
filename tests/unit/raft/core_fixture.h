/*
 * One core for tests of single steps: node `self` of 0, 1, 2 (or more), with a
 * log of 1 1 2 2 in term 2, entry 1 known to be committed. Every event fills
 * in only what the test says; time is core_fixture.now_ms.
 */
#ifndef TEST_CORE_FIXTURE_H
#define TEST_CORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "raft/raft_internal.h"

#define CLUSTER     9
#define GROUP       2
#define INCARNATION 5
#define ELECTION_MS 100
#define BEAT_MS     20

struct core_fixture {
    struct raft r;
    struct raft_out out;
    int64_t now_ms;
};

static inline struct raft_config core_config(node_id self)
{
    struct raft_config config = {.cluster_id = CLUSTER,
                                 .group = GROUP,
                                 .self = self,
                                 .incarnation = INCARNATION,
                                 .election_timeout_ms = ELECTION_MS,
                                 .heartbeat_ms = BEAT_MS,
                                 .peer_down_delay_ms = 5,
                                 .append_entries_max = 8,
                                 .window_max = 2,
                                 .seed = 3};

    return config;
}

/* Members 0 to nodes - 1, all voters. */
static inline void core_members(struct raft_start *start, uint32_t nodes)
{
    node_id ids[RAFT_NODES_MAX];

    for (uint32_t i = 0; i < nodes; i++) {
        ids[i] = i;
    }
    raft_members_of(&start->members[0], ids, nodes);
    start->members_count = 1;
}

static inline struct raft_start core_start(uint32_t nodes)
{
    static const struct raft_run runs[] = {{1, 1}, {3, 2}};
    struct raft_start start = {.term = 2,
                               .vote = NODE_NONE,
                               .log_first = 1,
                               .log_last = 4,
                               .runs = runs,
                               .run_count = 2,
                               .applied = 1};

    core_members(&start, nodes);
    return start;
}

/* All memory of the fixture is written: nothing may depend on what was there
 * before. */
static inline void core_boot_with(struct core_fixture *f,
                                  const struct raft_config *config,
                                  uint32_t nodes, int64_t now_ms)
{
    struct raft_start start = core_start(nodes);

    memset(f, 0xa5, sizeof(*f));
    f->now_ms = now_ms;
    raft_init(&f->r, config, &start, now_ms);
}

static inline void core_boot(struct core_fixture *f, node_id self,
                             uint32_t nodes)
{
    struct raft_config config = core_config(self);

    core_boot_with(f, &config, nodes, 1000);
}

static inline void core_step(struct core_fixture *f, struct raft_event event)
{
    event.now_ms = f->now_ms;
    raft_step(&f->r, &event, &f->out);
}

static inline void core_event(struct core_fixture *f, enum raft_event_type type)
{
    core_step(f, (struct raft_event){.type = type});
}

static inline void core_peer_event(struct core_fixture *f,
                                   enum raft_event_type type, node_id peer)
{
    core_step(f, (struct raft_event){.type = type, .peer = peer});
}

static inline void core_durable(struct core_fixture *f)
{
    core_step(f, (struct raft_event){.type = RAFT_EV_DURABLE,
                                     .seq = f->r.write_seq,
                                     .index = f->r.last});
}

static inline void core_tick_at(struct core_fixture *f, int64_t now_ms)
{
    f->now_ms = now_ms;
    core_event(f, RAFT_EV_TICK);
}

/* From `from`'s first start to this node. */
static inline struct raft_message core_message(const struct core_fixture *f,
                                               enum raft_message_type type,
                                               node_id from, raft_term term)
{
    struct raft_message m;

    memset(&m, 0, sizeof(m));
    m.type = type;
    m.cluster_id = CLUSTER;
    m.group = GROUP;
    m.from = from;
    m.to = f->r.config.self;
    m.from_incarnation = 1;
    m.term = term;
    return m;
}

static inline void core_receive(struct core_fixture *f, struct raft_message m)
{
    core_step(f, (struct raft_event){.type = RAFT_EV_MESSAGE, .message = &m});
}

/* Makes it leader of the next term by the votes of enough others; its empty
 * entry is not durable yet. */
static inline void core_win(struct core_fixture *f)
{
    raft_term term = f->r.term + 1;

    core_tick_at(f, f->r.election_at_ms);
    for (int round = 0; round < 2; round++) {
        enum raft_message_type type =
            round == 0 ? RAFT_MSG_PRE_VOTE_REPLY : RAFT_MSG_VOTE_REPLY;
        const struct raft_members *members = raft_newest(&f->r);
        for (uint32_t i = 0; i < members->count / 2 + 1; i++) {
            struct raft_message m =
                core_message(f, type, members->ids[i], term);
            m.granted = true;
            if (m.from != m.to && f->r.leader != f->r.config.self) {
                core_receive(f, m);
            }
        }
        if (round == 0 && f->r.write_seq > 0) {
            core_durable(f);
        }
    }
    assert_int_equal(f->r.role, RAFT_LEADER);
}

/* The message of this type to `to` in the output, or NULL. */
static inline const struct raft_message *
core_sent(const struct core_fixture *f, enum raft_message_type type, node_id to)
{
    for (uint32_t i = 0; i < f->out.message_count; i++) {
        const struct raft_message *m = &f->out.messages[i];
        if (m->type == type && m->to == to) {
            return m;
        }
    }
    return NULL;
}

#endif
