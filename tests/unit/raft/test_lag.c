/*
 * A follower that lacks a million entries catches up, with 64 KiB of stack:
 * no limit on what fits into one message, and nothing that calls itself once
 * per entry, can be in the way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "raft/raft_internal.h"

#define ENTRIES    1000000
#define STACK_SIZE ((size_t)64 * 1024)

struct pair {
    struct raft leader;
    struct raft follower;
    struct raft_out from_leader;
    struct raft_out from_follower;
    uint64_t rounds;
};

static void boot(struct raft *r, node_id self, raft_index last)
{
    static const struct raft_run run = {.first = 1, .term = 1};
    struct raft_config config = {.self = self,
                                 .incarnation = 1,
                                 .election_timeout_ms = 100,
                                 .heartbeat_ms = 20,
                                 .peer_down_delay_ms = 5,
                                 .append_entries_max = 16,
                                 .window_max = 4,
                                 .seed = self + 1};
    struct raft_start start = {.term = 1,
                               .vote = NODE_NONE,
                               .log_first = 1,
                               .log_last = last,
                               .runs = &run,
                               .run_count = last > 0 ? 1 : 0,
                               .members = {{2, {0, 1}, 3, 0, {0}}},
                               .members_count = 1};

    raft_init(r, &config, &start, 0);
}

/* One event; what it writes is on disk at once. */
static void step(struct raft *r, struct raft_event event, struct raft_out *out)
{
    struct raft_message kept[8];
    uint32_t count;

    raft_step(r, &event, out);
    count = out->message_count;
    assert_true(count <= ARRAY_LEN(kept));
    memcpy(kept, out->messages, count * sizeof(kept[0]));
    if (out->write.seq != 0) {
        struct raft_event done = {.type = RAFT_EV_DURABLE,
                                  .now_ms = event.now_ms,
                                  .seq = r->write_seq,
                                  .index = r->last};
        raft_step(r, &done, out);
    }
    assert_true(count + out->message_count <= ARRAY_LEN(kept));
    memmove(&out->messages[count], out->messages,
            out->message_count * sizeof(kept[0]));
    memcpy(out->messages, kept, count * sizeof(kept[0]));
    out->message_count += count;
}

/* Hands `r` what the other side said, and ends its loop iteration. */
static void hear(struct raft *r, const struct raft_out *from,
                 struct raft_out *out, int64_t now_ms)
{
    struct raft_message said[16];
    uint32_t count = 0;

    for (uint32_t i = 0; i < from->message_count; i++) {
        struct raft_event event = {.type = RAFT_EV_MESSAGE,
                                   .now_ms = now_ms,
                                   .message = &from->messages[i]};
        step(r, event, out);
        memcpy(&said[count], out->messages,
               out->message_count * sizeof(said[0]));
        count += out->message_count;
        assert_true(count + 8 <= ARRAY_LEN(said));
    }
    step(r, (struct raft_event){.type = RAFT_EV_FLUSH, .now_ms = now_ms}, out);
    memcpy(&said[count], out->messages, out->message_count * sizeof(said[0]));
    count += out->message_count;
    memcpy(out->messages, said, count * sizeof(said[0]));
    out->message_count = count;
}

static void *catch_up(void *argument)
{
    struct pair *p = argument;
    int64_t now = p->leader.election_at_ms;

    step(&p->leader, (struct raft_event){.type = RAFT_EV_TICK, .now_ms = now},
         &p->from_leader);
    while (p->follower.commit < ENTRIES + 1 && p->rounds < 2 * ENTRIES) {
        hear(&p->follower, &p->from_leader, &p->from_follower, now);
        hear(&p->leader, &p->from_follower, &p->from_leader, now);
        if (p->from_leader.message_count == 0) {
            now += 20; /* nothing under way: the next heartbeat */
            step(&p->leader,
                 (struct raft_event){.type = RAFT_EV_TICK, .now_ms = now},
                 &p->from_leader);
            step(&p->leader,
                 (struct raft_event){.type = RAFT_EV_FLUSH, .now_ms = now},
                 &p->from_leader);
        }
        p->rounds++;
    }
    return NULL;
}

static void test_million_entries(void **state)
{
    struct pair *p = mem_zalloc(sizeof(*p));
    pthread_attr_t attr;
    pthread_t thread;

    UNUSED(state);
    boot(&p->leader, 0, ENTRIES);
    boot(&p->follower, 1, 0);
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, STACK_SIZE), 0);
    assert_int_equal(pthread_create(&thread, &attr, catch_up, p), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attr);
    assert_true(raft_is_leader(&p->leader));
    assert_int_equal(p->leader.commit, ENTRIES + 1);
    assert_int_equal(p->follower.durable, ENTRIES + 1);
    assert_int_equal(p->follower.commit, ENTRIES + 1);
    /* One append of 16 per round trip, not one entry at a time. */
    assert_true(p->rounds < ENTRIES / 8);
    mem_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_million_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
