/*
 * A running node meets rows and entries whose checksums are right, but which it
 * cannot have written there: it ends, and says that this is damage, so that its
 * next start knows. A store or disk that fails is none.
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

/* A single node with a key k, which expires in a minute, and a key l. */
static struct world_client *start(struct world *w)
{
    world_init(w, 1, 91);
    assert_int_equal(world_elect(w), 0);
    struct world_client *tc = world_client_new(w, 0);
    assert_int_equal(world_submit(tc, "set k v px 60000"), 0);
    assert_int_equal(world_submit(tc, "set l v"), 0);
    world_wait_answered(w, tc);
    tc->read_key = "k";
    return tc;
}

static void put(struct world *w, struct bytes key, struct bytes value)
{
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_put(&b, STORE_STATE, key, value);
    assert_int_equal(store_write(w->nodes[0].store, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
}

/* Puts the value into the place of the last row of a kind. */
static void replace(struct world *w, enum row_letter letter, struct bytes value)
{
    struct buf key = BUF_INIT;
    struct store_iter *it = store_iter_new(w->nodes[0].store, STORE_STATE);
    for (store_iter_seek(it, BYTES_NONE); store_iter_valid(it);
         store_iter_next(it)) {
        if (!row_is(store_iter_key(it), letter))
            continue;
        buf_reset(&key);
        buf_bytes(&key, store_iter_key(it));
    }
    store_iter_free(it);
    assert_true(key.len > 0);
    put(w, buf_view(&key), value);
    buf_release(&key);
}

static void expect_end_of(struct world *w, uint32_t id, int err,
                          const char *text)
{
    const struct world_node *t = &w->nodes[id];
    for (int i = 0; i < 500 && t->failure[0] == '\0'; i++)
        world_turn(w);
    assert_string_equal(t->failure, text);
    assert_int_equal(t->failed_by, err);
    world_release(w);
}

static void expect_end(struct world *w, int err, const char *text)
{
    expect_end_of(w, 0, err, text);
}

#define VERSION "\0\0\0\0\0\0\0\1"
#define NEVER   "\0\0\0\0\0\0\0\0"

static const struct bad_value {
    const char *bytes;
    size_t size;
} bad_values[] = {
    {"", 0},
    {"\1\0\0\0" NEVER, 12},                         /* its header is cut */
    {"\x7f\0\0\0" NEVER VERSION "v", 21},           /* of no type */
    {"\1\7\0\0" NEVER VERSION "v", 21},             /* in no encoding */
    {"\1\0\0\0\x80\0\0\0\0\0\0\0" VERSION "v", 21}, /* expired long ago */
    {"\1\1\0\0" NEVER VERSION, 20}, /* apart, and nothing says where */
    {"\1\1\0\0" NEVER VERSION "\0\0\0\0\0\0\1\0\0\0\0\0\0\0\x40\1",
     36}, /* in pages that nobody has made */
};

static void put_bad_value(struct world *w, const struct bad_value *bad)
{
    struct buf key = BUF_INIT;
    key_encode(&key, 0, 0, BYTES_LIT("k"));
    put(w, buf_view(&key), bytes_of(bad->bytes, bad->size));
    buf_release(&key);
}

static void test_a_value_that_is_read(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(bad_values); i++) {
        struct world_client *tc = start(w);
        put_bad_value(w, &bad_values[i]);
        assert_int_equal(node_read(tc->home->node, tc), 0);
        expect_end(w, ERR_CORRUPT, "reading the state: corrupt data");
    }
}

static void test_a_value_that_is_changed(void **state)
{
    static const char *const lines[] = {"append k w", "set k w", "del k",
                                        "pexpire k 1", "get k"};
    struct world *w = &world;
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(bad_values); i++) {
        for (size_t j = 0; j < ARRAY_LEN(lines); j++) {
            struct world_client *tc = start(w);
            put_bad_value(w, &bad_values[i]);
            assert_int_equal(world_submit(tc, lines[j]), 0);
            expect_end(w, ERR_CORRUPT,
                       "applying an entry to the state: corrupt data");
        }
    }
}

static void test_a_session(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    struct world_client *tc = start(w);
    replace(w, ROW_SESSION, BYTES_LIT("session"));
    assert_int_equal(world_submit(tc, "set l w"), 0);
    expect_end(w, ERR_CORRUPT, "applying an entry to the state: corrupt data");
}

/* The sweep meets it, which nobody asked for. */
static void test_an_expiry(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    (void)start(w);
    replace(w, ROW_EXPIRY, BYTES_LIT("\2"));
    world_run(w, 100);
    assert_string_equal(w->nodes[0].failure, "");
    w->now_ms += 60000;
    expect_end(w, ERR_CORRUPT, "applying an entry to the state: corrupt data");
}

/* In the place of an entry, the record of the one before: whole, but not here.
 */
static void swap_entry(struct store *s, raft_index index)
{
    struct buf key = BUF_INIT, record = BUF_INIT;
    struct store_batch b = STORE_BATCH_INIT;
    struct store_iter *it = store_iter_new(s, STORE_LOG);
    store_iter_seek(it, BYTES_NONE);
    for (raft_index i = 1; i <= index; i++) {
        assert_true(store_iter_valid(it));
        if (i + 1 == index)
            buf_bytes(&record, store_iter_value(it));
        if (i == index)
            buf_bytes(&key, store_iter_key(it));
        store_iter_next(it);
    }
    store_iter_free(it);
    store_batch_put(&b, STORE_LOG, buf_view(&key), buf_view(&record));
    assert_int_equal(store_write(s, &b, STORE_LOGGED), 0);
    store_batch_release(&b);
    buf_release(&key);
    buf_release(&record);
}

/* A member that was away needs it, when it is not in memory any more. */
static void test_an_entry(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    static char line[700000] = "set k ";
    memset(line + 6, 'v', sizeof(line) - 7);
    world_init(w, WORLD_NODES, 92);
    uint32_t leader = (uint32_t)world_elect(w);
    uint32_t away = (leader + 1) % WORLD_NODES;
    world_wait_equal(w);
    struct world_client *tc = world_client_new(w, leader);
    world_crash_keep(w, away, UINT32_MAX);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(world_submit(tc, line), 0);
        world_wait_answered(w, tc);
    }
    assert_true(world_applied(w, leader) >= 5);
    swap_entry(w->nodes[leader].store, 3);
    assert_string_equal(w->nodes[leader].failure, "");
    world_start(w, away);
    expect_end_of(w, leader, ERR_CORRUPT, "reading the log: corrupt data");
}

/* --- what is no damage -------------------------------------------------- */

static const struct store_ops *inner;

static int get_fails(struct store *s, enum store_family family,
                     struct bytes key, struct buf *value)
{
    bool fails = family == STORE_STATE && row_is(key, ROW_VALUE);
    return fails ? ERR_IO : inner->get(s, family, key, value);
}

static void test_a_store_that_cannot_read(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    for (int write = 0; write < 2; write++) {
        struct world_client *tc = start(w);
        struct store *store = w->nodes[0].store;
        inner = store->ops;
        struct store_ops broken = *inner;
        broken.get = get_fails;
        broken.peek = NULL;
        store->ops = &broken;
        if (write)
            assert_int_equal(world_submit(tc, "append k w"), 0);
        else
            assert_int_equal(node_read(tc->home->node, tc), 0);
        char text[256];
        snprintf(text, sizeof(text), "%s: %s",
                 write ? "applying an entry to the state" : "reading the state",
                 error_text(ERR_IO));
        for (int i = 0; i < 500 && w->nodes[0].failure[0] == '\0'; i++)
            world_turn(w);
        store->ops = inner;
        expect_end(w, ERR_IO, text);
    }
}

static const char *disk_failed(struct disk *d)
{
    UNUSED(d);
    return "no more of it";
}

static void test_a_disk_that_fails(void **state)
{
    struct world *w = &world;
    UNUSED(state);
    struct world_client *tc = start(w);
    w->nodes[0].disk.disk.error = disk_failed;
    assert_int_equal(world_submit(tc, "set l w"), 0);
    expect_end(w, ERR_IO, "making the log durable: no more of it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_that_is_read),
        cmocka_unit_test(test_a_value_that_is_changed),
        cmocka_unit_test(test_a_session),
        cmocka_unit_test(test_an_expiry),
        cmocka_unit_test(test_an_entry),
        cmocka_unit_test(test_a_store_that_cannot_read),
        cmocka_unit_test(test_a_disk_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
