/*
 * A member whose directory was emptied, or is an older copy: it is granted a
 * new life through the log, and what it was before counts for nothing.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "node/node_boot.h"
#include "node/node_internal.h"
#include "world/world.h"

static struct world world;

static const struct member *member_of(struct world *w, uint32_t at, node_id id)
{
    raft_index index;
    const struct member *m =
        configuration_find(node_configuration(w->nodes[at].node, &index), id);

    assert_non_null(m);
    return m;
}

static uint32_t life_at(struct world *w, uint32_t at, node_id id)
{
    return member_of(w, at, id)->life;
}

/* What one node says to a directory. */
static int ask_one(struct world *w, uint32_t asked, const struct admit *ask,
                   struct grant *out, struct buf *why)
{
    buf_reset(why);
    return node_admit(w->nodes[asked].node, ask, out, why);
}

/* A client asks its node for the next number. */
static void expect_next(struct world *w, struct world_client *tc, int number)
{
    char text[32];

    snprintf(text, sizeof(text), ":%d\r\n", number);
    buf_reset(&tc->out);
    assert_int_equal(world_submit(tc, "incr n"), 0);
    world_wait_answered(w, tc);
    assert_true(bytes_eq(buf_view(&tc->out), bytes_str(text)));
}

static void wait_whole(struct world *w, uint32_t id)
{
    for (int i = 0; i < 20000 && w->nodes[id].node->raft.recovering; i++)
        world_turn(w);
    assert_false(w->nodes[id].node->raft.recovering);
}

/* The directory is granted a life, and starts with it. */
static void come_back(struct world *w, uint32_t id, uint64_t directory)
{
    struct grant grant;

    world_ask(w, id, directory, &grant);
    w->nodes[id].life = grant.life;
    world_start(w, id);
    assert_int_equal(w->nodes[id].incarnation,
                     ((uint64_t)grant.life << 32) + 1);
}

/* With an older client in the way: the requests of the first start are in the
 * log, and those of the second must not be taken for them. */
static void emptied(uint32_t victims_place, bool leader_restarts)
{
    struct world *w = &world;

    world_prepare(w, WORLD_NODES, 31 + victims_place);
    w->nonces = true;
    world_start_all(w);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t victim = (leader + victims_place) % WORLD_NODES;
    struct world_client *before = world_client_new(w, victim);
    for (int i = 1; i <= 5; i++)
        expect_next(w, before, i);
    world_wait_equal(w);
    world_wipe(w, victim);
    if (leader_restarts && leader != victim) {
        world_crash_keep(w, leader, 0);
        world_start(w, leader);
    }
    come_back(w, victim, 7);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        if (i != victim)
            assert_int_equal(life_at(w, i, victim), 1);
    struct world_client *after = world_client_new(w, victim);
    for (int i = 6; i <= 10; i++)
        expect_next(w, after, i);
    wait_whole(w, victim);
    world_wait_equal(w);
    assert_true(world_is_equal(w));
    assert_int_equal(life_at(w, victim, victim), 1);
    /* Once more: the next life. */
    world_wipe(w, victim);
    w->now_ms += 10000;
    come_back(w, victim, 8);
    struct world_client *again = world_client_new(w, victim);
    for (int i = 11; i <= 15; i++)
        expect_next(w, again, i);
    world_wait_equal(w);
    assert_int_equal(life_at(w, victim, victim), 2);
    assert_int_equal(member_of(w, leader, victim)->directory.low, 8);
    world_release(w);
}

static void test_emptied(void **state)
{
    UNUSED(state);
    for (uint32_t place = 0; place < WORLD_NODES; place++) {
        emptied(place, false);
        emptied(place, true);
    }
}

/* Of the two left one is behind: the grant must wait until the entry is on a
 * majority, and is not told before. */
static void test_not_before_commit(void **state)
{
    struct world *w = &world;
    struct buf why = BUF_INIT;
    struct grant grant;

    UNUSED(state);
    world_init(w, WORLD_NODES, 41);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t victim = (leader + 1) % WORLD_NODES;
    uint32_t other = (leader + 2) % WORLD_NODES;
    world_write(w, leader, 3);
    world_wait_equal(w);
    struct admit ask = world_admit(victim, 7);
    world_wipe(w, victim);
    w->stalled[other] = true;
    w->frozen = true;
    assert_int_equal(ask_one(w, leader, &ask, &grant, &why), ERR_AGAIN);
    assert_int_equal(life_at(w, leader, victim), 1);
    raft_index last = w->nodes[leader].node->raft.last;
    for (int i = 0; i < 200; i++) {
        world_turn(w);
        assert_int_equal(ask_one(w, leader, &ask, &grant, &why), ERR_AGAIN);
    }
    assert_int_equal(w->nodes[leader].node->raft.last, last);
    assert_int_equal(life_at(w, other, victim), 1); /* by the append alone */
    w->stalled[other] = false;
    w->frozen = false;
    world_ask(w, victim, 7, &grant);
    assert_int_equal(grant.life, 1);
    assert_true(grant.index >= last);
    assert_int_equal(grant.cluster_id, WORLD_CLUSTER_ID);
    /* Whoever has not heard the answer asks again: nothing is appended. */
    world_ask(w, victim, 7, &grant);
    assert_int_equal(grant.life, 1);
    assert_int_equal(w->nodes[leader].node->raft.last, last);
    buf_release(&why);
    world_release(w);
}

static void expect_refusal_of(struct world *w, uint32_t asked,
                              const struct admit *ask, int expected,
                              const char *part)
{
    struct buf why = BUF_INIT;
    struct grant grant;

    assert_int_equal(ask_one(w, asked, ask, &grant, &why), expected);
    buf_u8(&why, '\0');
    if (!strstr((const char *)why.data, part))
        fail_msg("'%s' is not in '%s'", part, (const char *)why.data);
    buf_release(&why);
}

static void expect_refusal(struct world *w, uint32_t asked, uint32_t id,
                           int expected, const char *part)
{
    struct admit ask = world_admit(id, 7);

    expect_refusal_of(w, asked, &ask, expected, part);
}

static void test_refusals(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    world_init(w, WORLD_NODES, 42);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t a = (leader + 1) % WORLD_NODES;
    uint32_t b = (leader + 2) % WORLD_NODES;
    expect_refusal(w, leader, a, ERR_AGAIN, "another process");
    expect_refusal(w, leader, leader, ERR_MISMATCH, "member asked");
    expect_refusal(w, leader, 99, ERR_MISMATCH, "no member");
    world_wipe(w, a);
    char leads[32];
    snprintf(leads, sizeof(leads), "node %u leads", leader);
    expect_refusal(w, b, a, ERR_AGAIN, leads);
    struct admit ask = {.id = a,
                        .directory = {0, 7},
                        .level_min = LEVEL_MAX + 1,
                        .level_max = LEVEL_MAX + 1};
    struct grant grant;
    struct buf why = BUF_INIT;
    assert_int_equal(node_admit(w->nodes[leader].node, &ask, &grant, &why),
                     ERR_MISMATCH);
    buf_release(&why);
    /* Two directories that fight for one id. */
    world_ask(w, a, 7, &grant);
    ask = world_admit(a, 8);
    assert_int_equal(ask_one(w, leader, &ask, &grant, &why), ERR_AGAIN);
    assert_int_equal(life_at(w, leader, a), 1);
    expect_refusal_of(w, leader, &ask, ERR_AGAIN, "less than a minute ago");
    struct node_peer *peer = node_peer_find(w->nodes[leader].node, a);
    peer->granted_ms -= 55000;
    expect_refusal_of(w, leader, &ask, ERR_AGAIN, "less than a minute ago");
    peer->granted_ms -= 5000;
    world_ask(w, a, 8, &grant);
    assert_int_equal(grant.life, 2);
    buf_release(&why);
    world_release(w);
    world_init(w, 2, 43); /* nobody can vouch for anybody */
    leader = (uint32_t)world_elect(w);
    world_wipe(w, 1 - leader);
    expect_refusal(w, leader, 1 - leader, ERR_MISMATCH, "vardctl recover");
    /* Who does not lead says it as well: nobody leads any more. */
    world_run(w, 200);
    expect_refusal(w, leader, 1 - leader, ERR_MISMATCH, "one or two voters");
    world_release(w);
}

/* A directory whose id is known and whose life has begun has lost it. */
static void test_same_directory_twice(void **state)
{
    struct world *w = &world;
    struct grant grant;

    UNUSED(state);
    world_prepare(w, WORLD_NODES, 44);
    w->nonces = true;
    world_start_all(w);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t victim = (leader + 1) % WORLD_NODES;
    world_wipe(w, victim);
    come_back(w, victim, 7);
    world_wait_equal(w);
    world_wipe(w, victim);
    w->now_ms += 10000;
    world_ask(w, victim, 7, &grant);
    assert_int_equal(grant.life, 2);
    world_release(w);
}

/* The old disk of a member that goes on with another one: nobody listens, and
 * it ends itself as soon as it learns of it. */
static void test_old_disk(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    world_init(w, WORLD_NODES, 45);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t victim = (leader + 1) % WORLD_NODES;
    world_write(w, victim, 5);
    world_wait_equal(w);
    struct store *old = store_memory_copy(w->nodes[victim].store);
    world_wipe(w, victim);
    come_back(w, victim, 7);
    wait_whole(w, victim);
    world_write(w, victim, 5);
    world_wipe(w, victim);
    w->nodes[victim].store = old;
    uint64_t term = w->nodes[leader].node->raft.term;
    world_start(w, victim); /* as the old disk that it is */
    for (int i = 0; i < 3000; i++)
        world_turn(w);
    const struct node *n = w->nodes[leader].node;
    int pos = raft_position(&n->raft, victim);
    assert_int_equal(RAFT_LIFE(n->raft.progress[pos].incarnation), 1);
    assert_int_equal(n->raft.term, term);
    assert_false(n->peers[0].up && n->peers[1].up);
    world_release(w);
}

/* A node applies an entry by which it has this life, and the cluster this
 * level. */
static void expect_end(uint32_t life, uint16_t level, const char *text)
{
    struct world *w = &world;

    world_init(w, WORLD_NODES, 46);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t victim = (leader + 1) % WORLD_NODES;
    world_wait_equal(w);
    struct node *n = w->nodes[victim].node;
    struct configuration c = n->membership.newest;
    struct buf record = BUF_INIT;
    c.level = level;
    configuration_member(&c, victim)->life = life;
    configuration_encode(&c, &record);
    struct entry e = {.index = n->raft.commit + 1,
                      .term = n->raft.term,
                      .kind = ENTRY_CONFIG,
                      .payload = buf_view(&record)};
    struct applied at = {.index = e.index,
                         .term = e.term,
                         .time_ms = keyspace_applied(n->ks)->time_ms};
    keyspace_begin(n->ks, &at, 1);
    assert_int_equal(node_members_apply(n, &e), 0);
    assert_true(n->dead);
    assert_false(node_is_copy(n)); /* its place is taken */
    assert_non_null(strstr(w->nodes[victim].failure, text));
    buf_release(&record);
    world_release(w);
}

/* What is applied may end the node. */
static void test_entries_that_end_a_node(void **state)
{
    UNUSED(state);
    expect_end(1, LEVEL_MIN, "replaced");
    expect_end(0, LEVEL_MAX + 1, "level");
}

/* A state of a higher level than the program knows is not opened. */
static void test_level_at_the_start(void **state)
{
    struct world *w = &world;
    struct store_batch b = STORE_BATCH_INIT;
    struct buf row = BUF_INIT;
    struct buf error = BUF_INIT;
    struct configuration c;
    struct node *n;

    UNUSED(state);
    world_init(w, WORLD_NODES, 52);
    world_wait_equal(w);
    c = w->nodes[0].node->membership.newest;
    c.level = LEVEL_MAX + 1;
    buf_u64be(&row, 1);
    buf_u32be(&row, (uint32_t)configuration_size(&c));
    configuration_encode(&c, &row);
    assert_int_equal(store_flush(w->nodes[0].store, STORE_STATE, true), 0);
    world_crash_keep(w, 0, UINT32_MAX);
    store_batch_put(&b, STORE_STATE, BYTES_LIT("mmembers"), buf_view(&row));
    store_batch_put(&b, STORE_STATE, BYTES_LIT("mlevel"), BYTES_LIT("\0\2"));
    assert_int_equal(store_write(w->nodes[0].store, &b, STORE_UNLOGGED), 0);
    struct world_boot how = {.options = world_options(0, WORLD_NODES),
                             .env = world_env(&w->nodes[0]),
                             .disk = &w->nodes[0].disk};
    assert_int_equal(world_boot(&n, &how, &error), ERR_MISMATCH);
    buf_u8(&error, '\0');
    assert_non_null(strstr((const char *)error.data, "level 2"));
    store_batch_release(&b);
    buf_release(&row);
    buf_release(&error);
    world_release(w);
}

/* What the former life had in the log is not executed any more. */
static void test_over(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    world_init(w, WORLD_NODES, 53);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t victim = (leader + 1) % WORLD_NODES;
    world_wipe(w, victim);
    come_back(w, victim, 7);
    world_wait_equal(w);
    const struct node *n = w->nodes[leader].node;
    assert_false(node_members_may_execute(n, victim, UINT32_MAX));
    assert_true(node_members_may_execute(n, victim, UINT64_C(1) << 32));
    assert_true(node_members_may_execute(n, leader, 1));
    assert_false(node_members_may_execute(n, 99, 1)); /* it is no member */
    world_release(w);
}

/* Who the members are survives crashes of all, with the state on disk or
 * without, and the cut of the log. */
static void test_remembered(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    for (int flushed = 0; flushed < 2; flushed++) {
        world_init(w, WORLD_NODES, 47);
        uint32_t leader = (uint32_t)world_elect(w);
        uint32_t victim = (leader + 1) % WORLD_NODES;
        world_write(w, leader, 3);
        world_wipe(w, victim);
        come_back(w, victim, 7);
        wait_whole(w, victim);
        world_wait_equal(w);
        for (uint32_t i = 0; i < WORLD_NODES; i++) {
            if (flushed)
                assert_int_equal(
                    store_flush(w->nodes[i].store, STORE_STATE, true), 0);
            world_crash_keep(w, i, UINT32_MAX);
        }
        world_start_all(w);
        for (uint32_t i = 0; i < WORLD_NODES; i++) {
            raft_index at;
            assert_int_equal(life_at(w, i, victim), 1);
            (void)node_configuration(w->nodes[i].node, &at);
            assert_int_equal(at,
                             w->nodes[i].node->raft.members_at[RAFT_NEWEST]);
        }
        world_wait_equal(w);
        assert_true(world_is_equal(w));
        world_release(w);
    }
}

/* The entry is truncated before it is committed: it never was. */
static void test_truncated(void **state)
{
    struct world *w = &world;
    struct grant grant;
    struct buf why = BUF_INIT;

    UNUSED(state);
    world_init(w, WORLD_NODES, 48);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t a = (leader + 1) % WORLD_NODES;
    uint32_t b = (leader + 2) % WORLD_NODES;
    world_wait_equal(w);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        w->cut[leader][i] = w->cut[i][leader] = true;
    world_link(w, leader, a, false);
    world_link(w, leader, b, false);
    struct admit ask = world_admit(a, 7);
    assert_int_equal(ask_one(w, leader, &ask, &grant, &why), ERR_AGAIN);
    assert_int_equal(life_at(w, leader, a), 1);
    for (int i = 0; i < 20000 && w->nodes[a].node->raft.role != RAFT_LEADER &&
                    w->nodes[b].node->raft.role != RAFT_LEADER;
         i++)
        world_turn(w);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        w->cut[leader][i] = w->cut[i][leader] = false;
    world_link(w, leader, a, true);
    world_link(w, leader, b, true);
    world_write(w, b, 3);
    world_wait_equal(w);
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        assert_int_equal(life_at(w, i, a), 0);
    assert_true(world_is_equal(w));
    buf_release(&why);
    world_release(w);
}

/* Each start is said, and a copy of a directory that goes on from an earlier
 * start, or is used twice, ends. */
static void test_starts_are_told(void **state)
{
    struct world *w = &world;
    struct member_facts facts;

    UNUSED(state);
    world_prepare(w, WORLD_NODES, 49);
    w->nonces = true;
    world_start_all(w);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t victim = (leader + 1) % WORLD_NODES;
    world_write(w, victim, 1);
    world_wait_equal(w);
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        node_known(w->nodes[i].node, victim, &facts);
        assert_true(facts.is_member);
        assert_int_equal(facts.incarnation, 1);
        assert_int_equal(facts.nonce, w->nodes[victim].node->options.nonce);
        assert_int_equal(facts.level, LEVEL_MIN);
    }
    node_known(w->nodes[leader].node, 99, &facts);
    assert_false(facts.is_member);
    world_release(w);
}

/* `starts` starts behind, the copy goes on. */
static void copied(uint64_t starts)
{
    struct world *w = &world;

    world_prepare(w, WORLD_NODES, 50);
    w->nonces = true;
    world_start_all(w);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t victim = (leader + 1) % WORLD_NODES;
    world_wait_equal(w);
    struct store *copy = store_memory_copy(w->nodes[victim].store);
    for (uint64_t i = 0; i < starts; i++) {
        world_crash_keep(w, victim, UINT32_MAX);
        world_start(w, victim);
        world_write(w, victim, 1);
    }
    world_wait_equal(w);
    world_crash_keep(w, victim, UINT32_MAX);
    store_close(w->nodes[victim].store);
    w->nodes[victim].store = copy;
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        if (i != victim) { /* what they remember of its log is forgotten */
            world_crash_keep(w, i, UINT32_MAX);
            world_start(w, i);
        }
    world_start(w, victim);
    for (int i = 0; i < 20000 && w->nodes[victim].failure[0] == '\0'; i++)
        world_turn(w);
    assert_non_null(strstr(w->nodes[victim].failure, "is a copy"));
    assert_true(node_is_copy(w->nodes[victim].node));
    world_release(w);
}

static void test_copies_end(void **state)
{
    UNUSED(state);
    for (uint64_t starts = 1; starts < 4; starts++)
        copied(starts);
}

/* A member that begins a life without being granted one: the leader that hears
 * of it puts that in the log, before the barrier that ends its refill. */
static void test_begun_unasked(void **state)
{
    struct world *w = &world;
    struct member_facts facts;

    UNUSED(state);
    for (uint32_t place = 0; place < WORLD_NODES; place++) {
        world_prepare(w, WORLD_NODES, 54 + place);
        w->nonces = true;
        world_start_all(w);
        uint32_t leader = (uint32_t)world_elect(w);
        uint32_t victim = (leader + place) % WORLD_NODES;
        world_write(w, victim, 3);
        world_wait_equal(w);
        world_wipe(w, victim);
        w->nodes[victim].life = 3;
        world_start(w, victim);
        wait_whole(w, victim);
        for (uint32_t i = 0; i < WORLD_NODES; i++)
            assert_int_equal(life_at(w, i, victim), 3);
        world_write(w, victim, 3);
        world_wait_equal(w);
        assert_true(world_is_equal(w));
        node_known(w->nodes[victim].node, victim, &facts);
        assert_true(facts.incarnation == (UINT64_C(3) << 32) + 1);
        /* A usual start begins none. */
        raft_index at = w->nodes[victim].node->membership.newest_at;
        world_crash(w, victim);
        world_start(w, victim);
        world_write(w, victim, 3);
        world_wait_equal(w);
        assert_int_equal(w->nodes[victim].node->membership.newest_at, at);
        world_release(w);
    }
}

/* Until it has applied what the grant says. */
static void test_loading(void **state)
{
    struct world *w = &world;
    struct store_batch b = STORE_BATCH_INIT;
    uint32_t percent = 0;
    struct buf index = BUF_INIT;

    UNUSED(state);
    world_init(w, WORLD_NODES, 51);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t victim = (leader + 1) % WORLD_NODES;
    world_write(w, leader, 20);
    world_wait_equal(w);
    raft_index goal = world_applied(w, leader) + 5;
    assert_false(node_loading(w->nodes[leader].node, &percent));
    world_wipe(w, victim);
    w->nodes[victim].life = 1;
    world_start(w, victim);
    world_crash_keep(w, victim, UINT32_MAX);
    buf_u64be(&index, goal);
    store_batch_put(&b, STORE_META, NODE_RECOVERING_KEY, buf_view(&index));
    assert_int_equal(store_write(w->nodes[victim].store, &b, STORE_LOGGED), 0);
    assert_int_equal(store_sync(w->nodes[victim].store), 0);
    world_start(w, victim);
    const struct node *n = w->nodes[victim].node;
    assert_true(node_loading(n, &percent));
    assert_int_equal(percent, 0);
    world_wait_equal(w);
    assert_true(node_loading(n, &percent)); /* it has all there is */
    assert_true(percent > 50 && percent < 100);
    world_write(w, leader, 10);
    world_wait_applied(w, victim, goal);
    assert_false(node_loading(n, &percent));
    store_batch_release(&b);
    buf_release(&index);
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_emptied),
        cmocka_unit_test(test_not_before_commit),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_same_directory_twice),
        cmocka_unit_test(test_old_disk),
        cmocka_unit_test(test_entries_that_end_a_node),
        cmocka_unit_test(test_level_at_the_start),
        cmocka_unit_test(test_over),
        cmocka_unit_test(test_remembered),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_starts_are_told),
        cmocka_unit_test(test_copies_end),
        cmocka_unit_test(test_begun_unasked),
        cmocka_unit_test(test_loading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
