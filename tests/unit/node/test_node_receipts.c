/*
 * What members have acknowledged to the node that led: what it keeps of that,
 * what it tells, and who finds out by it that its directory is an older copy.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/node_internal.h"
#include "world/world.h"

static struct world world;

/* What node `at` has of `of`. */
static struct receipt receipt_of(struct world *w, uint32_t at, uint32_t of)
{
    struct member_facts facts;

    node_known(w->nodes[at].node, of, &facts);
    return facts.receipt;
}

static bool remembers(struct world *w, uint32_t of, struct receipt r)
{
    return node_remembers(w->nodes[of].node, &r);
}

/* A leader of three, all of whom have all; and it has had the time to note it,
 * and to make that durable. Returns its number. */
static uint32_t settle(struct world *w)
{
    uint32_t leader = (uint32_t)world_elect(w);

    world_write(w, leader, 20);
    world_wait_equal(w);
    w->now_ms += 2 * HOUSEKEEPING_MS;
    world_run(w, 50);
    world_write(w, leader, 1);
    world_wait_equal(w);
    return leader;
}

static void test_taken_and_told(void **state)
{
    struct world *w = &world;
    struct receipt r;

    UNUSED(state);
    world_init(w, WORLD_NODES, 5);
    uint32_t leader = settle(w);
    const struct raft *raft = &w->nodes[leader].node->raft;
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        r = receipt_of(w, leader, i);
        if (i == leader) {
            assert_int_equal(r.term, 0);
            continue;
        }
        assert_int_equal(r.member, i);
        assert_int_equal(r.term, raft->term);
        assert_true(r.index >= 20 && r.index <= raft->commit);
        assert_true(remembers(w, i, r));
        /* Who did not lead has nobody's. */
        assert_int_equal(receipt_of(w, i, leader).term, 0);
    }
    world_release(w);
}

/* What a member has, but no majority yet, may be undone: of that there is no
 * receipt. */
static void test_committed_only(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    world_init(w, WORLD_NODES, 10);
    uint32_t leader = settle(w);
    struct node *n = w->nodes[leader].node;
    raft_index commit = n->raft.commit;
    n->receipts.all.count = 0;
    n->raft.commit = commit - 3;
    node_receipts_take(n);
    assert_int_equal(receipt_of(w, leader, (leader + 1) % WORLD_NODES).index,
                     commit - 3);
    n->raft.commit = commit;
    world_release(w);
}

/* They are there after a start, and rise with the next term. */
static void test_kept(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    world_init(w, WORLD_NODES, 6);
    uint32_t leader = settle(w);
    uint32_t peer = (leader + 1) % WORLD_NODES;
    struct receipt before = receipt_of(w, leader, peer);
    world_crash_keep(w, leader, 0);
    world_start(w, leader);
    struct receipt after = receipt_of(w, leader, peer);
    assert_memory_equal(&before, &after, sizeof(after));
    assert_true(remembers(w, peer, after));
    uint32_t next = settle(w);
    assert_true(receipt_of(w, next, (next + 1) % WORLD_NODES).term >
                before.term);
    world_release(w);
}

/* What a directory lacks of what it acknowledged in its life. */
static void test_what_is_missing(void **state)
{
    struct world *w = &world;
    struct receipt r, other;

    UNUSED(state);
    world_init(w, WORLD_NODES, 7);
    uint32_t leader = settle(w);
    uint32_t peer = (leader + 1) % WORLD_NODES;
    struct node *n = w->nodes[peer].node;
    r = receipt_of(w, leader, peer);
    assert_true(remembers(w, peer, r));
    other = r;
    other.term = n->raft.term + 1;
    assert_false(remembers(w, peer, other));
    other = r;
    other.index = n->raft.last + 1;
    assert_false(remembers(w, peer, other));
    other = r;
    other.chain++;
    assert_false(remembers(w, peer, other));
    /* That is of another life: it is nothing to this one. */
    other.life++;
    assert_true(remembers(w, peer, other));
    /* Who recovers has been found out already. */
    other.life--;
    n->raft.recovering = true;
    assert_true(remembers(w, peer, other));
    n->raft.recovering = false;
    assert_false(remembers(w, peer, other));
    world_release(w);
}

/* A log that is cut says nothing of what is before: no alarm. */
static void test_cut(void **state)
{
    struct world *w = &world;

    UNUSED(state);
    world_init(w, WORLD_NODES, 8);
    uint32_t leader = settle(w);
    uint32_t peer = (leader + 1) % WORLD_NODES;
    struct node *n = w->nodes[peer].node;
    struct receipt r = receipt_of(w, leader, peer);
    struct store_batch b = STORE_BATCH_INIT;
    r.chain++;
    assert_false(remembers(w, peer, r));
    journal_cut(n->journal, &b, r.index + 1);
    assert_false(remembers(w, peer, r)); /* its chain is where the log begins */
    journal_cut(n->journal, &b, r.index + 2);
    assert_true(remembers(w, peer, r));
    store_batch_release(&b);
    world_release(w);
}

/* A member that lost its directory is known by what it acknowledges in its next
 * life, and never again by the last. */
static void test_next_life(void **state)
{
    struct world *w = &world;
    struct grant grant;

    UNUSED(state);
    world_prepare(w, WORLD_NODES, 9);
    w->nonces = true;
    world_start_all(w);
    uint32_t leader = settle(w);
    uint32_t peer = (leader + 1) % WORLD_NODES;
    struct receipt before = receipt_of(w, leader, peer);
    assert_int_equal(before.life, 0);
    world_wipe(w, peer);
    world_ask(w, peer, 7, &grant);
    w->nodes[peer].life = grant.life;
    world_start(w, peer);
    for (int i = 0; i < 20000 && w->nodes[peer].node->raft.recovering; i++) {
        assert_true(remembers(w, peer, receipt_of(w, leader, peer)));
        world_turn(w);
    }
    assert_true(remembers(w, peer, before));
    (void)settle(w);
    struct receipt after = receipt_of(w, leader, peer);
    assert_int_equal(after.life, grant.life);
    assert_true(after.index > before.index);
    assert_true(remembers(w, peer, after));
    world_release(w);
}

/* --- a disk that refuses just this --------------------------------------- */

static const struct store_ops *inner;
static int receipts_written;
static bool refuses;

static int write_receipts(struct store *s, const struct store_batch *b,
                          enum store_write_kind kind)
{
    struct store_batch_op op;
    size_t pos = 0;

    while (store_batch_next(b, &pos, &op)) {
        if (op.family != STORE_META || !bytes_eq(op.key, BYTES_LIT("receipts")))
            continue;
        receipts_written++;
        if (refuses)
            return ERR_IO;
    }
    return inner->write(s, b, kind);
}

static void watch_writes(struct world *w, uint32_t id, struct store_ops *ops)
{
    inner = w->nodes[id].store->ops;
    *ops = *inner;
    ops->write = write_receipts;
    w->nodes[id].store->ops = ops;
    receipts_written = 0;
}

/* It ends the node, before anything else is done; the others go on, and what it
 * has of receipts when it starts again is true. */
static void test_write_fails(void **state)
{
    struct world *w = &world;
    struct store_ops ops;

    UNUSED(state);
    for (uint64_t seed = 12; seed < 16; seed++) {
        world_init(w, WORLD_NODES, seed);
        uint32_t leader = settle(w);
        uint32_t peer = (leader + 1) % WORLD_NODES;
        struct receipt before = receipt_of(w, leader, peer);
        watch_writes(w, leader, &ops);
        refuses = true;
        struct world_node *t = &w->nodes[leader];
        (void)world_submit(world_client_new(w, leader), "set late 1");
        for (int i = 0; i < 2000 && t->failure[0] == '\0'; i++)
            world_turn(w);
        assert_non_null(
            strstr(t->failure, "writing what others have acknowledged"));
        assert_int_equal(receipts_written, 1);
        assert_true(t->node->dead);
        world_run(w, 50); /* it is left alone, and does nothing more */
        assert_int_equal(receipts_written, 1);
        t->store->ops = inner;
        refuses = false;
        world_crash_keep(w, leader, 100);
        world_write(w, peer, 3);
        world_start(w, leader);
        t->failure[0] = '\0';
        struct receipt after = receipt_of(w, leader, peer);
        assert_memory_equal(&before, &after, sizeof(after));
        assert_true(remembers(w, peer, after));
        world_wait_equal(w);
        world_release(w);
    }
}

/* A disk that must not grow is not written to for them; they come later. */
static void test_full_disk(void **state)
{
    struct world *w = &world;
    struct store_ops ops;

    UNUSED(state);
    world_init(w, WORLD_NODES, 17);
    uint32_t leader = settle(w);
    uint32_t peer = (leader + 1) % WORLD_NODES;
    struct receipt before = receipt_of(w, leader, peer);
    watch_writes(w, leader, &ops);
    world_write(w, leader, 1);
    node_set_disk_full(w->nodes[leader].node, true);
    receipts_written = 0;
    for (int i = 0; i < 10; i++) {
        w->now_ms += HOUSEKEEPING_MS / 2;
        world_run(w, 5);
    }
    assert_int_equal(receipts_written, 0);
    node_set_disk_full(w->nodes[leader].node, false);
    for (int i = 0; i < 2000 && receipts_written == 0; i++)
        world_turn(w);
    assert_true(receipts_written > 0);
    assert_true(receipt_of(w, leader, peer).index > before.index);
    w->nodes[leader].store->ops = inner;
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken_and_told),
        cmocka_unit_test(test_committed_only),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_what_is_missing),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_next_life),
        cmocka_unit_test(test_write_fails),
        cmocka_unit_test(test_full_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
