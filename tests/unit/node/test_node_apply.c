/*
 * Groups of more requests than are looked at ahead. A store without room for
 * more of the state: what is committed waits in the log, the loop goes on, and
 * nothing is answered before it is applied.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "data/key.h"
#include "data/kinds.h"

#include "world/world.h"

static struct world world;

static struct node_status status_of(uint32_t id)
{
    struct node_status s;
    node_status(world.nodes[id].node, &s);
    return s;
}

/* The leader of a new cluster. */
static uint32_t start(struct world *w, uint64_t seed)
{
    world_init(w, WORLD_NODES, seed);
    int leader = world_elect(w);
    assert_true(leader >= 0);
    return (uint32_t)leader;
}

static void test_full_leader(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    uint32_t at = start(w, 3);
    uint32_t other = (at + 1) % WORLD_NODES;
    struct node_status before = status_of(at);
    struct world_client *writer = world_client_new(w, at);
    struct world_client *reader = world_client_new(w, other);

    store_memory_set_full(w->nodes[at].store, true);
    assert_int_equal(world_submit(writer, "set k v"), 0);
    world_run(w, 1200); /* some eight election timeouts */
    struct node_status s = status_of(at);
    assert_int_equal(s.role, RAFT_LEADER);
    assert_int_equal(s.term, before.term);
    assert_true(s.commit > before.commit);
    assert_int_equal(s.applied, before.applied);
    assert_int_equal(writer->answered, 0);
    assert_int_equal(status_of(other).applied, s.commit);
    /* It looks again soon, but does not spin. */
    world_flush(w);
    int64_t wait_ms = node_deadline_ms(w->nodes[at].node) - w->now_ms;
    assert_in_range(wait_ms, 1, 10);

    /* A follower has it already, and may be asked. */
    reader->read_key = "k";
    assert_int_equal(node_read(reader->home->node, reader), 0);
    world_run(w, 500);
    assert_int_equal(reader->reads_ready, 1);
    assert_int_equal(reader->read_error, 0);
    assert_true(bytes_eq(buf_view(&reader->out), BYTES_LIT("$1\r\nv\r\n")));

    store_memory_set_full(w->nodes[at].store, false);
    world_flush(w);
    assert_int_equal(writer->answered, 1);
    assert_true(bytes_eq(buf_view(&writer->out), BYTES_LIT("+OK\r\n")));
    assert_int_equal(status_of(at).applied, status_of(at).commit);
    world_release(w);
}

/* Without room for longer than a write to the log may take, another leads. */
static void test_full_for_long(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    uint32_t at = start(w, 4);
    struct world_client *writer = world_client_new(w, at);

    store_memory_set_full(w->nodes[at].store, true);
    assert_int_equal(world_submit(writer, "set k v"), 0);
    int64_t begin_ms = w->now_ms;
    while (world_leader(w) == (int)at && w->now_ms - begin_ms < 20000)
        world_turn(w);
    assert_in_range(w->now_ms - begin_ms, 5000, 7000);
    world_run(w, 500);
    int other = world_leader(w);
    assert_true(other >= 0 && other != (int)at);
    assert_int_equal(writer->answered, 0);
    struct world_client *another = world_client_new(w, (uint32_t)other);
    assert_int_equal(world_submit(another, "get k"), 0);
    world_run(w, 500);
    assert_int_equal(another->answered, 1);
    assert_true(bytes_eq(buf_view(&another->out), BYTES_LIT("$1\r\nv\r\n")));
    store_memory_set_full(w->nodes[at].store, false);
    world_run(w, 10);
    assert_int_equal(writer->answered, 1);
    world_release(w);
}

/* Each request of a large parcel is executed once, in order, with the reply
 * that it has to get, on the leader and through a follower. */
static void large_parcels(uint32_t from_leader, uint32_t count)
{
    struct world *w = &world;
    uint32_t at = (start(w, 5) + from_leader) % WORLD_NODES;
    struct world_client *tc = world_client_new(w, at);
    struct buf expected = BUF_INIT;
    char line[32];

    for (uint32_t i = 0; i < count; i++) {
        bool other = i % 3 == 2;
        snprintf(line, sizeof(line), other ? "set k%u v" : "append k xy", i);
        assert_int_equal(world_submit(tc, line), 0);
        if (other)
            buf_printf(&expected, "+OK\r\n");
        else
            buf_printf(&expected, ":%u\r\n", 2 * (i + 1 - i / 3));
    }
    world_run(w, 500);
    assert_int_equal(tc->answered, count);
    assert_true(bytes_eq(buf_view(&tc->out), buf_view(&expected)));
    struct world_client *after = world_client_new(w, at);
    assert_int_equal(world_submit(after, "dbsize"), 0);
    assert_int_equal(world_submit(after, "strlen k"), 0);
    world_run(w, 500);
    buf_reset(&expected);
    buf_printf(&expected, ":%u\r\n", 2 * (count - count / 3));
    struct bytes reply = buf_view(&after->out);
    assert_true(reply.len > expected.len);
    assert_true(bytes_eq(bytes_from(reply, reply.len - expected.len),
                         buf_view(&expected)));
    assert_true(world_is_equal(w));
    buf_release(&expected);
    world_release(w);
}

static void test_large_parcels(void **state)
{
    UNUSED(state);
    static const uint32_t counts[] = {1, 15, 16, 17, 32, 100};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        large_parcels(0, counts[i]);
        large_parcels(1, counts[i]);
    }
}

/* What the store is told of before it is asked for, and what it is asked for,
 * as the users' keys, in order. */
static struct buf told;
static struct buf asked;
static const struct store_ops *inner;

static void note(struct buf *to, struct bytes key)
{
    if (key.len <= KEY_PREFIX_SIZE || !row_is(key, ROW_VALUE))
        return;
    buf_bytes(to, bytes_from(key, KEY_PREFIX_SIZE));
    buf_char(to, ' ');
}

static void spy_expect(const struct store *s, const struct bytes *keys,
                       size_t count)
{
    UNUSED(s);
    for (size_t i = 0; i < count; i++)
        note(&told, keys[i]);
}

static int spy_get(struct store *s, enum store_family family, struct bytes key,
                   struct buf *value)
{
    if (family == STORE_STATE)
        note(&asked, key);
    return inner->get(s, family, key, value);
}

/* Of each request its first key, wherever in the command that stands, and of
 * none without one; the same that is looked up then. */
static void test_announced(void **state)
{
    struct world *w = &world;
    struct store_ops spy;
    char longest[256 + 1];
    char line[300];
    struct buf expected = BUF_INIT;
    UNUSED(state);
    uint32_t at = start(w, 6);
    struct world_client *tc = world_client_new(w, at);
    struct store *store = w->nodes[at].store;

    inner = store->ops;
    spy = *inner;
    spy.get = spy_get;
    spy.peek = NULL;
    spy.expect = spy_expect;
    store->ops = &spy;
    memset(longest, 'l', 256);
    longest[256] = '\0';
    for (int i = 0; i < 3; i++) {
        assert_int_equal(world_submit(tc, "set a b"), 0);
        assert_int_equal(world_submit(tc, "getset c d"), 0);
        assert_int_equal(world_submit(tc, "dbsize"), 0);
        assert_int_equal(world_submit(tc, "incr e"), 0);
        assert_int_equal(world_submit(tc, "mset f g h i"), 0);
        snprintf(line, sizeof(line), "append %s v", longest);
        assert_int_equal(world_submit(tc, line), 0);
        snprintf(line, sizeof(line), "append x%s v", longest);
        assert_int_equal(world_submit(tc, line), 0);
        buf_printf(&expected, "a c e f %s ", longest);
    }
    world_wait_answered(w, tc);
    assert_true(bytes_eq(buf_view(&told), buf_view(&expected)));
    /* What an entry wrote is known without the store. */
    buf_reset(&expected);
    buf_printf(&expected, "a c e f h %s x%s ", longest, longest);
    assert_true(bytes_eq(buf_view(&asked), buf_view(&expected)));
    store->ops = inner;
    buf_release(&told);
    buf_release(&asked);
    buf_release(&expected);
    world_release(w);
}

static const struct store_ops *below;
static uint64_t looks;

static int cold_get(struct store *s, enum store_family family, struct bytes key,
                    struct buf *value)
{
    looks += family == STORE_STATE;
    return below->get(s, family, key, value);
}

static uint64_t cold_looked(const struct store *s)
{
    UNUSED(s);
    return looks * 100;
}

/* After a start, or with a state that was fetched, nothing is in memory: a turn
 * ends before it has taken long, and others follow. */
static void test_cold(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    uint32_t at = start(w, 9);
    struct store *store = w->nodes[at].store;
    struct world_client *tc = world_client_new(w, at);
    below = store->ops;
    struct store_ops cold = *below;
    cold.get = cold_get;
    cold.looked = cold_looked;
    for (int slow = 0; slow < 2; slow++) {
        store->ops = slow ? &cold : below;
        store_memory_set_full(store, true);
        for (int i = 0; i < 40; i++) {
            char line[32];
            snprintf(line, sizeof(line), "append k%d v", i);
            assert_int_equal(world_submit(tc, line), 0);
            world_run(w, 20);
        }
        struct node_status before = status_of(at);
        assert_true(before.commit >= before.applied + 20);
        store_memory_set_full(store, false);
        node_flush(w->nodes[at].node);
        struct node_status after = status_of(at);
        assert_true(after.applied > before.applied);
        assert_int_equal(after.applied < before.commit, slow);
        if (slow)
            assert_int_equal(node_deadline_ms(w->nodes[at].node), w->now_ms);
        world_wait_answered(w, tc);
        assert_true(status_of(at).applied >= before.commit);
    }
    store->ops = below;
    world_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large_parcels),
        cmocka_unit_test(test_announced),
        cmocka_unit_test(test_full_leader),
        cmocka_unit_test(test_full_for_long),
        cmocka_unit_test(test_cold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
