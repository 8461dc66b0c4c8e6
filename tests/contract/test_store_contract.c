// link: rocks
/*
 * What store.h promises, run against both stores. A fixture makes the store,
 * crashes it after running a function, and opens what is left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "contract/killed_child.h"
#include "contract/temp_dir.h"
#include "rocks/rocks.h"
#include "store/store.h"
#include "store/store_memory.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    struct store *store;
    bool memory;
    struct temp_dir dir;
    char path[TEMP_PATH_SIZE];
};

static const struct rocks_options small = {
    .state_memory_bytes = 1024 * 1024,
    .log_memory_bytes = 1024 * 1024,
    .block_cache_bytes = 1024 * 1024,
    .create = true,
};

static void open_rocksdb(struct fixture *f)
{
    struct buf error = BUF_INIT;
    int rc = rocks_open(&f->store, f->path, &small, &error);
    if (rc != 0)
        print_error("%.*s\n", (int)error.len, (const char *)error.data);
    assert_int_equal(rc, 0);
    buf_release(&error);
}

static int setup_memory(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));
    f->memory = true;
    f->store = store_memory_new();
    *state = f;
    return 0;
}

static int setup_rocksdb(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));
    f->dir = temp_dir_new();
    temp_dir_file(&f->dir, "db", f->path);
    open_rocksdb(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->store != NULL)
        store_close(f->store);
    if (!f->memory)
        temp_dir_remove(&f->dir);
    mem_free(f);
    return 0;
}

/* Pieces of work that end in a crash; defined beside their tests. */
static void write_synced(struct store *s);
static void write_state(struct store *s);
static void write_log_and_state(struct store *s);
static void write_prefix(struct store *s);
static void write_pairs(struct store *s);

static void (*const works[])(struct store *) = {
    write_synced, write_state, write_log_and_state, write_prefix, write_pairs};

/* The child's part: never returns. */
NORETURN static void crash_in_child(int number, const char *path)
{
    struct buf error = BUF_INIT;
    struct store *s;
    if (rocks_open(&s, path, &small, &error) != 0)
        _exit(1);
    works[number](s);
    killed_child_end();
}

/* Runs a piece of work on the store and crashes right after it. */
static void crash_after(struct fixture *f, void (*work)(struct store *))
{
    if (f->memory) {
        work(f->store);
        store_memory_crash(f->store, 0);
        return;
    }
    store_close(f->store);
    f->store = NULL;
    char number[2] = "0";
    while (works[number[0] - '0'] != work)
        number[0]++;
    assert_true(killed_child_run(number, f->path));
    open_rocksdb(f);
}

/* Short forms. */

static void put(struct store *s, enum store_family family, const char *key,
                const char *value)
{
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_put(&b, family, bytes_str(key), bytes_str(value));
    int rc = store_write(s, &b,
                         family == STORE_STATE ? STORE_UNLOGGED : STORE_LOGGED);
    ASSERT(rc == 0);
    store_batch_release(&b);
}

static void expect(struct store *s, enum store_family family, const char *key,
                   const char *value)
{
    struct buf got = BUF_INIT;
    int rc = store_get(s, family, bytes_str(key), &got);
    if (value == NULL) {
        assert_int_equal(rc, ERR_NOT_FOUND);
    } else {
        assert_int_equal(rc, 0);
        assert_true(bytes_eq(buf_view(&got), bytes_str(value)));
    }
    buf_release(&got);
}

static void expect_flushed(struct store *s, const char *key, const char *value)
{
    struct buf got = BUF_INIT;
    int rc = store_get_flushed(s, STORE_STATE, bytes_str(key), &got);
    if (value == NULL) {
        assert_int_equal(rc, ERR_NOT_FOUND);
    } else {
        assert_int_equal(rc, 0);
        assert_true(bytes_eq(buf_view(&got), bytes_str(value)));
    }
    buf_release(&got);
}

/* All keys of a family in a line, forwards and (if it can) backwards. */
static void expect_keys(struct store *s, enum store_family family,
                        const char *forwards, const char *backwards)
{
    struct buf keys = BUF_INIT;
    struct store_iter *it = store_iter_new(s, family);
    for (store_iter_seek(it, BYTES_NONE); store_iter_valid(it);
         store_iter_next(it))
        buf_bytes(&keys, store_iter_key(it));
    assert_int_equal(store_iter_status(it), 0);
    assert_true(bytes_eq(buf_view(&keys), bytes_str(forwards)));
    buf_reset(&keys);
    if (family != STORE_STATE) {
        for (store_iter_seek_last(it); store_iter_valid(it);
             store_iter_prev(it))
            buf_bytes(&keys, store_iter_key(it));
        assert_int_equal(store_iter_status(it), 0);
        assert_true(bytes_eq(buf_view(&keys), bytes_str(backwards)));
    }
    store_iter_free(it);
    buf_release(&keys);
}

static void test_get_put_delete(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    expect(s, STORE_META, "a", NULL);
    put(s, STORE_META, "a", "1");
    put(s, STORE_META, "b", "");
    expect(s, STORE_META, "a", "1");
    expect(s, STORE_META, "b", "");
    put(s, STORE_META, "a", "2");
    expect(s, STORE_META, "a", "2");
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_delete(&b, STORE_META, BYTES_LIT("a"));
    store_batch_delete(&b, STORE_META, BYTES_LIT("never there"));
    assert_int_equal(store_write(s, &b, STORE_LOGGED), 0);
    store_batch_release(&b);
    expect(s, STORE_META, "a", NULL);
    expect(s, STORE_META, "b", "");
}

static void test_get_appends(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    put(s, STORE_STATE, "k", "value");
    struct buf out = BUF_INIT;
    buf_str(&out, "before ");
    assert_int_equal(store_get(s, STORE_STATE, BYTES_LIT("k"), &out), 0);
    assert_true(bytes_eq(buf_view(&out), BYTES_LIT("before value")));
    buf_release(&out);
}

/* What a store lets see of its memory is the newest value, or nothing. */
static void test_peek(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    struct bytes found;
    bool own = false;
    uint32_t seen = 0;
    for (uint32_t round = 0; round < 3; round++) {
        char text[32];
        for (uint32_t i = 0; i < 20; i++) {
            snprintf(text, sizeof(text), "%u%.*s", round, (int)i,
                     "....................");
            put(s, STORE_STATE, "k", text);
            if (store_peek(s, BYTES_LIT("k"), &found, &own)) {
                assert_true(bytes_eq(found, bytes_str(text)));
                seen++;
            }
        }
        assert_int_equal(store_flush(s, STORE_STATE, true), 0);
        if (store_peek(s, BYTES_LIT("k"), &found, &own))
            assert_true(bytes_eq(found, bytes_str(text)));
    }
    assert_true(seen > 0);
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_delete(&b, STORE_STATE, BYTES_LIT("k"));
    assert_int_equal(store_write(s, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
    assert_false(store_peek(s, BYTES_LIT("k"), &found, &own));
    assert_false(store_peek(s, BYTES_LIT("never there"), &found, &own));
}

/* Later operations of a batch win over earlier ones. */
static void test_order_in_batch(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    put(s, STORE_LOG, "b", "old");
    put(s, STORE_LOG, "d", "old");
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_put(&b, STORE_LOG, BYTES_LIT("a"), BYTES_LIT("1"));
    store_batch_delete_range(&b, STORE_LOG, BYTES_LIT("a"), BYTES_LIT("d"));
    store_batch_put(&b, STORE_LOG, BYTES_LIT("c"), BYTES_LIT("2"));
    store_batch_put(&b, STORE_LOG, BYTES_LIT("e"), BYTES_LIT("3"));
    store_batch_delete(&b, STORE_LOG, BYTES_LIT("e"));
    store_batch_put(&b, STORE_LOG, BYTES_LIT("f"), BYTES_LIT("x"));
    store_batch_put(&b, STORE_LOG, BYTES_LIT("f"), BYTES_LIT("45"));
    store_batch_put(&b, STORE_META, BYTES_LIT("a"), BYTES_LIT("meta"));
    /* An empty range. */
    store_batch_delete_range(&b, STORE_LOG, BYTES_LIT("f"), BYTES_LIT("f"));
    char large[1000];
    memset(large, 'L', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    store_batch_put_borrowed(&b, STORE_META, BYTES_LIT("l"), bytes_str(large));
    store_batch_put_borrowed(&b, STORE_META, BYTES_LIT("s"), BYTES_LIT("6"));
    assert_int_equal(b.count, 11);
    assert_int_equal(store_write(s, &b, STORE_LOGGED), 0);
    store_batch_release(&b);
    expect(s, STORE_META, "l", large);
    expect(s, STORE_META, "s", "6");
    expect(s, STORE_LOG, "a", NULL);
    expect(s, STORE_LOG, "b", NULL);
    expect(s, STORE_LOG, "c", "2");
    expect(s, STORE_LOG, "d", "old");
    expect(s, STORE_LOG, "e", NULL);
    expect(s, STORE_LOG, "f", "45");
    expect(s, STORE_META, "a", "meta");
    expect_keys(s, STORE_LOG, "cdf", "fdc");
}

static void test_families_apart(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    put(s, STORE_LOG, "k", "log");
    put(s, STORE_META, "k", "meta");
    put(s, STORE_STATE, "k", "state");
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_delete_range(&b, STORE_META, BYTES_LIT("a"), BYTES_LIT("z"));
    assert_int_equal(store_write(s, &b, STORE_LOGGED), 0);
    store_batch_release(&b);
    expect(s, STORE_LOG, "k", "log");
    expect(s, STORE_META, "k", NULL);
    expect(s, STORE_STATE, "k", "state");
}

static void iteration(struct store *s, enum store_family family)
{
    const char *keys[] = {"d", "b", "a", "c", "e"};
    expect_keys(s, family, "", "");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        put(s, family, keys[i], keys[i]);
    expect_keys(s, family, "abcde", "edcba");
    assert_int_equal(store_flush(s, family, true), 0);
    expect_keys(s, family, "abcde", "edcba");

    struct store_iter *it = store_iter_new(s, family);
    assert_false(store_iter_valid(it));
    store_iter_seek(it, BYTES_LIT("bb"));
    assert_true(bytes_eq(store_iter_key(it), BYTES_LIT("c")));
    assert_true(bytes_eq(store_iter_value(it), BYTES_LIT("c")));
    store_iter_next(it);
    assert_true(bytes_eq(store_iter_key(it), BYTES_LIT("d")));
    store_iter_seek(it, BYTES_LIT("f"));
    assert_false(store_iter_valid(it));
    if (family != STORE_STATE) {
        store_iter_seek(it, BYTES_LIT("bb"));
        store_iter_prev(it);
        assert_true(bytes_eq(store_iter_key(it), BYTES_LIT("b")));
        store_iter_next(it);
        assert_true(bytes_eq(store_iter_key(it), BYTES_LIT("c")));
        store_iter_seek(it, BYTES_LIT("a"));
        store_iter_prev(it);
        assert_false(store_iter_valid(it));
    }
    store_iter_free(it);
}

static void test_iteration(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    iteration(s, STORE_STATE);
    iteration(s, STORE_META);
}

/* An iterator sees the store as it was when it was made. */
static void test_iterator_is_stable(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    put(s, STORE_LOG, "a", "1");
    put(s, STORE_LOG, "c", "1");
    struct store_iter *it = store_iter_new(s, STORE_LOG);
    put(s, STORE_LOG, "b", "2");
    put(s, STORE_LOG, "c", "2");
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_delete(&b, STORE_LOG, BYTES_LIT("a"));
    assert_int_equal(store_write(s, &b, STORE_LOGGED), 0);
    store_batch_release(&b);
    store_iter_seek(it, BYTES_NONE);
    assert_true(bytes_eq(store_iter_key(it), BYTES_LIT("a")));
    store_iter_next(it);
    assert_true(bytes_eq(store_iter_key(it), BYTES_LIT("c")));
    assert_true(bytes_eq(store_iter_value(it), BYTES_LIT("1")));
    store_iter_next(it);
    assert_false(store_iter_valid(it));
    store_iter_free(it);
    expect_keys(s, STORE_LOG, "bc", "cb");
}

static void test_binary_keys(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    const struct bytes keys[] = {BYTES_LIT("\0"),      BYTES_LIT("\0\0"),
                                 BYTES_LIT("\0\xff"),  BYTES_LIT("a\0b"),
                                 BYTES_LIT("\x80"),    BYTES_LIT("\xff"),
                                 BYTES_LIT("\xff\xff")};
    struct store_batch b = STORE_BATCH_INIT;
    for (size_t i = ARRAY_LEN(keys); i > 0; i--)
        store_batch_put(&b, STORE_LOG, keys[i - 1], keys[i - 1]);
    assert_int_equal(store_write(s, &b, STORE_LOGGED), 0);
    store_batch_release(&b);
    struct store_iter *it = store_iter_new(s, STORE_LOG);
    store_iter_seek(it, BYTES_NONE);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        assert_true(store_iter_valid(it));
        assert_true(bytes_eq(store_iter_key(it), keys[i]));
        assert_true(bytes_eq(store_iter_value(it), keys[i]));
        store_iter_next(it);
    }
    assert_false(store_iter_valid(it));
    store_iter_free(it);
}

static void test_big_value(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    size_t len = 64u * 1024 * 1024;
    uint8_t *big = mem_alloc(len);
    for (size_t i = 0; i < len; i++)
        big[i] = (uint8_t)(i * 31 + (i >> 16));
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_put(&b, STORE_LOG, BYTES_LIT("big"), bytes_of(big, len));
    assert_int_equal(store_write(s, &b, STORE_LOGGED), 0);
    store_batch_reset(&b);
    store_batch_put(&b, STORE_STATE, BYTES_LIT("big"), bytes_of(big, len));
    assert_int_equal(store_write(s, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
    put(s, STORE_META, "small", "after it");
    assert_int_equal(store_sync(s), 0);
    assert_int_equal(store_flush(s, STORE_STATE, true), 0);
    struct buf out = BUF_INIT;
    assert_int_equal(store_get(s, STORE_LOG, BYTES_LIT("big"), &out), 0);
    assert_true(bytes_eq(buf_view(&out), bytes_of(big, len)));
    buf_reset(&out);
    assert_int_equal(store_get_flushed(s, STORE_STATE, BYTES_LIT("big"), &out),
                     0);
    assert_true(bytes_eq(buf_view(&out), bytes_of(big, len)));
    expect(s, STORE_META, "small", "after it");
    buf_release(&out);
    mem_free(big);
}

static void test_empty_batch(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    struct store_batch b = STORE_BATCH_INIT;
    assert_int_equal(store_write(s, &b, STORE_LOGGED), 0);
    assert_int_equal(store_write(s, &b, STORE_UNLOGGED), 0);
    assert_int_equal(store_sync(s), 0);
    assert_int_equal(store_flush(s, STORE_STATE, true), 0);
    expect_keys(s, STORE_LOG, "", "");
}

static void test_flushed(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    expect_flushed(s, "k", NULL);
    put(s, STORE_STATE, "k", "1");
    expect(s, STORE_STATE, "k", "1");
    expect_flushed(s, "k", NULL);
    /* What happens to other families changes nothing. */
    put(s, STORE_LOG, "k", "log");
    assert_int_equal(store_sync(s), 0);
    assert_int_equal(store_flush(s, STORE_LOG, true), 0);
    expect_flushed(s, "k", NULL);
    assert_int_equal(store_flush(s, STORE_STATE, true), 0);
    expect_flushed(s, "k", "1");
    put(s, STORE_STATE, "k", "2");
    put(s, STORE_STATE, "l", "2");
    expect(s, STORE_STATE, "k", "2");
    expect_flushed(s, "k", "1");
    expect_flushed(s, "l", NULL);
    assert_int_equal(store_flush(s, STORE_STATE, true), 0);
    expect_flushed(s, "k", "2");
    expect_flushed(s, "l", "2");
}

/* Synced: a, b. Written after the sync: c. */
static void write_synced(struct store *s)
{
    put(s, STORE_LOG, "a", "1");
    put(s, STORE_META, "b", "1");
    int rc = store_sync(s);
    ASSERT(rc == 0);
    put(s, STORE_LOG, "c", "1");
}

static void test_sync_survives(void **state)
{
    struct fixture *f = *state;
    put(f->store, STORE_META, "before", "1");
    assert_int_equal(store_sync(f->store), 0);
    crash_after(f, write_synced);
    expect(f->store, STORE_META, "before", "1");
    expect(f->store, STORE_LOG, "a", "1");
    expect(f->store, STORE_META, "b", "1");
    expect(f->store, STORE_LOG, "c", NULL); /* was still in a buffer */
}

/* Twice in one run: the second crash must not bring back the first. */
static void test_crash_twice(void **state)
{
    struct fixture *f = *state;
    crash_after(f, write_synced);
    put(f->store, STORE_LOG, "a", "2");
    assert_int_equal(store_sync(f->store), 0);
    crash_after(f, write_synced);
    expect(f->store, STORE_LOG, "a", "1");
    expect(f->store, STORE_LOG, "c", NULL);
}

static void write_state(struct store *s)
{
    put(s, STORE_STATE, "x", "flushed");
    put(s, STORE_STATE, "y", "flushed");
    int rc = store_flush(s, STORE_STATE, true);
    ASSERT(rc == 0);
    put(s, STORE_STATE, "y", "lost");
    put(s, STORE_STATE, "z", "lost");
    put(s, STORE_LOG, "entry", "synced");
    rc = store_sync(s);
    ASSERT(rc == 0);
}

/* A sync makes the log durable and leaves the state where its flush was. */
static void test_state_survives_by_flush(void **state)
{
    struct fixture *f = *state;
    crash_after(f, write_state);
    expect(f->store, STORE_LOG, "entry", "synced");
    expect(f->store, STORE_STATE, "x", "flushed");
    expect(f->store, STORE_STATE, "y", "flushed");
    expect(f->store, STORE_STATE, "z", NULL);
    expect_flushed(f->store, "y", "flushed");
    expect_flushed(f->store, "z", NULL);
    put(f->store, STORE_STATE, "z", "again");
    expect_flushed(f->store, "z", NULL);
}

static void write_log_and_state(struct store *s)
{
    put(s, STORE_LOG, "entry", "1");
    put(s, STORE_STATE, "x", "1");
    int rc = store_flush(s, STORE_STATE, true);
    ASSERT(rc == 0);
    put(s, STORE_LOG, "after", "1");
}

/* A state on disk without the entries that made it could not serve a member
 * that needs them. */
static void test_log_goes_before_state(void **state)
{
    struct fixture *f = *state;
    crash_after(f, write_log_and_state);
    expect(f->store, STORE_STATE, "x", "1");
    expect(f->store, STORE_LOG, "entry", "1");
    expect(f->store, STORE_LOG, "after", NULL);
}

#define PREFIX_WRITES 5000

/* Batches of two keys and a counter, with flushes that nobody waits for. */
static void write_prefix(struct store *s)
{
    char value[2000];
    memset(value, 'v', sizeof(value));
    struct store_batch b = STORE_BATCH_INIT;
    for (int i = 1; i <= PREFIX_WRITES; i++) {
        char key[2][16];
        snprintf(key[0], sizeof(key[0]), "a%06d", i);
        snprintf(key[1], sizeof(key[1]), "b%06d", PREFIX_WRITES - i);
        store_batch_reset(&b);
        store_batch_put(&b, STORE_STATE, bytes_str(key[0]),
                        bytes_of(value, sizeof(value)));
        store_batch_put(&b, STORE_STATE, bytes_str(key[1]), BYTES_LIT("2"));
        store_batch_put(&b, STORE_STATE, BYTES_LIT("count"),
                        bytes_str(key[0] + 1));
        int rc = store_write(s, &b, STORE_UNLOGGED);
        ASSERT(rc == 0);
        if (i == PREFIX_WRITES / 4 || i == PREFIX_WRITES / 2) {
            rc = store_flush(s, STORE_STATE, false);
            ASSERT(rc == 0);
        }
    }
    store_batch_release(&b);
}

/* The state after a crash is exactly the first n batches, for some n. */
static void test_state_is_a_prefix(void **state)
{
    struct fixture *f = *state;
    crash_after(f, write_prefix);
    struct buf count = BUF_INIT;
    int n = 0;
    int rc = store_get(f->store, STORE_STATE, BYTES_LIT("count"), &count);
    if (rc == 0) {
        buf_char(&count, 0);
        n = (int)strtol((const char *)count.data, NULL, 10);
    }
    for (int i = 1; i <= PREFIX_WRITES; i++) {
        char key[2][16];
        snprintf(key[0], sizeof(key[0]), "a%06d", i);
        snprintf(key[1], sizeof(key[1]), "b%06d", PREFIX_WRITES - i);
        for (int k = 0; k < 2; k++) {
            buf_reset(&count);
            rc = store_get(f->store, STORE_STATE, bytes_str(key[k]), &count);
            assert_int_equal(rc, i <= n ? 0 : ERR_NOT_FOUND);
        }
    }
    buf_release(&count);
}

/* A torn batch would show as one key without the other. */
static void write_pairs(struct store *s)
{
    struct store_batch b = STORE_BATCH_INIT;
    for (int i = 0; i < 1000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%06d", i);
        store_batch_reset(&b);
        store_batch_put(&b, STORE_LOG, bytes_str(key), BYTES_LIT("log"));
        store_batch_put(&b, STORE_META, bytes_str(key), BYTES_LIT("meta"));
        int rc = store_write(s, &b, STORE_LOGGED);
        ASSERT(rc == 0);
        if (i % 100 == 50) {
            rc = store_sync(s);
            ASSERT(rc == 0);
        }
    }
    store_batch_release(&b);
}

static void test_batches_are_atomic(void **state)
{
    struct fixture *f = *state;
    crash_after(f, write_pairs);
    struct buf out = BUF_INIT;
    int last = -1;
    for (int i = 0; i < 1000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%06d", i);
        int log = store_get(f->store, STORE_LOG, bytes_str(key), &out);
        int meta = store_get(f->store, STORE_META, bytes_str(key), &out);
        assert_int_equal(log, meta);
        if (log == 0) {
            assert_int_equal(last, i - 1); /* no gap */
            last = i;
        }
    }
    assert_true(last >= 950); /* the last sync */
    buf_release(&out);
}

static void test_many_keys(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    struct store_batch b = STORE_BATCH_INIT;
    char key[16];
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof(key), "%08d", (i * 7919) % 100000);
        store_batch_put(&b, STORE_STATE, bytes_str(key), bytes_str(key));
        if (b.count == 100) {
            assert_int_equal(store_write(s, &b, STORE_UNLOGGED), 0);
            store_batch_reset(&b);
        }
    }
    for (int i = 10000; i < 90000; i++) {
        snprintf(key, sizeof(key), "%08d", i);
        store_batch_delete(&b, STORE_STATE, bytes_str(key));
    }
    assert_int_equal(store_write(s, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
    struct store_iter *it = store_iter_new(s, STORE_STATE);
    int n = 0;
    for (store_iter_seek(it, BYTES_NONE); store_iter_valid(it);
         store_iter_next(it)) {
        snprintf(key, sizeof(key), "%08d", n < 10000 ? n : n + 80000);
        assert_true(bytes_eq(store_iter_key(it), bytes_str(key)));
        n++;
    }
    assert_int_equal(n, 20000);
    store_iter_free(it);
}

/* What is discarded may go; nothing else may. */
static void discard(struct store *s, enum store_family family)
{
    struct store_batch b = STORE_BATCH_INIT;
    char key[16];
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 4000; i++) {
            snprintf(key, sizeof(key), "%08d", i);
            store_batch_put(&b, family, bytes_str(key), bytes_str(key));
        }
        store_batch_discard(&b, family, BYTES_LIT("00000000"),
                            BYTES_LIT("00003000"));
        assert_int_equal(
            store_write(s, &b,
                        family == STORE_STATE ? STORE_UNLOGGED : STORE_LOGGED),
            0);
        store_batch_reset(&b);
        assert_int_equal(store_flush(s, family, true), 0);
    }
    store_batch_release(&b);
    for (int i = 3000; i < 4000; i++) {
        snprintf(key, sizeof(key), "%08d", i);
        expect(s, family, key, key);
    }
}

static void test_discard(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    discard(s, STORE_STATE);
    discard(s, STORE_LOG);
}

/* The end of what is discarded stays, also where it is the last key of a
 * file. */
static void test_end_of_discard(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    const enum store_family families[] = {STORE_LOG, STORE_STATE};
    struct buf big = BUF_INIT;
    memset(buf_reserve(&big, 700 * 1024), 'v', 700 * 1024);
    big.len = 700 * 1024;
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        struct store_batch b = STORE_BATCH_INIT;
        enum store_family family = families[i];
        enum store_write_kind kind =
            family == STORE_STATE ? STORE_UNLOGGED : STORE_LOGGED;
        put(s, family, "1", "gone");
        put(s, family, "2", "kept");
        assert_int_equal(store_flush(s, family, true), 0);
        store_batch_discard(&b, family, BYTES_LIT("0"), BYTES_LIT("2"));
        store_batch_put(&b, family, BYTES_LIT("3"), buf_view(&big));
        assert_int_equal(store_write(s, &b, kind), 0);
        /* Enough for another write-ahead log: then files are dropped. */
        store_batch_reset(&b);
        store_batch_put(&b, family, BYTES_LIT("4"), buf_view(&big));
        assert_int_equal(store_write(s, &b, kind), 0);
        store_batch_release(&b);
        for (int flushes = 0; flushes < 2; flushes++) {
            put(s, family, "5", "more"); /* ... and out of the memory */
            assert_int_equal(store_flush(s, family, true), 0);
        }
        expect(s, family, "2", "kept");
    }
    buf_release(&big);
}

/* --- space ---------------------------------------------------------------- */

#define SPACE_ROWS 4000
#define SPACE_SIZE 1000

/* Rows "a00000000" and so on, which do not get smaller by compression. */
static void fill(struct store *s, char first, uint64_t rows)
{
    struct store_batch b = STORE_BATCH_INIT;
    uint64_t value[SPACE_SIZE / 8];
    uint64_t rng = rows + (uint8_t)first;
    char key[24];
    for (uint64_t i = 0; i < rows; i++) {
        for (size_t k = 0; k < ARRAY_LEN(value); k++)
            value[k] = rng_next(&rng);
        snprintf(key, sizeof(key), "%c%08" PRIu64, first, i);
        store_batch_put(&b, STORE_STATE, bytes_str(key),
                        bytes_of(value, sizeof(value)));
        if (i % 100 == 99 || i + 1 == rows) {
            assert_int_equal(store_write(s, &b, STORE_UNLOGGED), 0);
            store_batch_reset(&b);
        }
    }
    store_batch_release(&b);
}

static uint64_t rows_of(struct store *s, char first)
{
    char from[2] = {first, 0};
    uint64_t n = 0;
    struct store_iter *it = store_iter_new(s, STORE_STATE);
    for (store_iter_seek(it, bytes_str(from));
         store_iter_valid(it) && store_iter_key(it).data[0] == first;
         store_iter_next(it))
        n++;
    assert_int_equal(store_iter_status(it), 0);
    store_iter_free(it);
    return n;
}

/* Nothing is written any more; the store in memory never writes by itself. */
static void expect_space(struct fixture *f, uint64_t least, uint64_t most)
{
    struct store_extent e = {0};
    if (f->memory)
        assert_int_equal(store_flush(f->store, STORE_STATE, true), 0);
    for (int i = 0; i < 600; i++) {
        store_tidy(f->store);
        store_extent(f->store, &e);
        if (e.bytes >= least && e.bytes <= most)
            return;
        usleep(50000);
    }
    fail_msg("%" PRIu64 " bytes, not %" PRIu64 " to %" PRIu64, e.bytes, least,
             most);
}

static void expect_filled(struct fixture *f, uint64_t rows)
{
    assert_int_equal(store_flush(f->store, STORE_STATE, true), 0);
    expect_space(f, rows * SPACE_SIZE, 3 * rows * SPACE_SIZE);
}

/* What was deleted gives its space back, without being asked for; also if the
 * store is closed before that. */
static void test_space_of_deleted(void **state)
{
    struct fixture *f = *state;
    struct store_batch b = STORE_BATCH_INIT;
    char key[24];
    fill(f->store, 'a', SPACE_ROWS);
    fill(f->store, 'b', 10);
    expect_filled(f, SPACE_ROWS);
    for (uint64_t i = 0; i < SPACE_ROWS; i++) {
        snprintf(key, sizeof(key), "a%08" PRIu64, i);
        store_batch_delete(&b, STORE_STATE, bytes_str(key));
    }
    assert_int_equal(store_write(f->store, &b, STORE_UNLOGGED), 0);
    if (!f->memory) {
        store_close(f->store);
        open_rocksdb(f);
    }
    expect_space(f, 0, 100 * SPACE_SIZE);
    fill(f->store, 'a', SPACE_ROWS);
    expect_filled(f, SPACE_ROWS);
    assert_int_equal(store_write(f->store, &b, STORE_UNLOGGED), 0);
    expect_space(f, 0, 100 * SPACE_SIZE);
    assert_int_equal(rows_of(f->store, 'a'), 0);
    assert_int_equal(rows_of(f->store, 'b'), 10);
    store_batch_release(&b);
}

/* So does what was discarded, though each file has something else, too, which
 * stays. */
static void test_space_of_discarded(void **state)
{
    struct fixture *f = *state;
    struct store_batch b = STORE_BATCH_INIT;
    put(f->store, STORE_STATE, "k", "the end of the range");
    for (char first = 'b'; first < 'k'; first++) {
        fill(f->store, 'a', 10);
        fill(f->store, first, 500);
        fill(f->store, 'z', 10);
        assert_int_equal(store_flush(f->store, STORE_STATE, true), 0);
    }
    expect_space(f, 4500 * SPACE_SIZE, 5000 * SPACE_SIZE);
    store_batch_discard(&b, STORE_STATE, BYTES_LIT("b"), BYTES_LIT("k"));
    assert_int_equal(store_write(f->store, &b, STORE_UNLOGGED), 0);
    expect_space(f, 0, 1024 * 1024);
    assert_int_equal(rows_of(f->store, 'a'), 10);
    assert_int_equal(rows_of(f->store, 'k'), 1);
    assert_int_equal(rows_of(f->store, 'z'), 10);
    store_batch_release(&b);
}

/* And what was replaced. */
static void test_space_of_replaced(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < 3; round++) {
        fill(f->store, 'a', SPACE_ROWS / 4);
        assert_int_equal(store_flush(f->store, STORE_STATE, true), 0);
    }
    expect_space(f, SPACE_ROWS / 4 * SPACE_SIZE,
                 SPACE_ROWS / 4 * (SPACE_SIZE + 200));
    assert_int_equal(rows_of(f->store, 'a'), SPACE_ROWS / 4);
}

struct syncer {
    struct store *store;
    atomic_bool stop;
    int failures;
};

static void *sync_all_the_time(void *arg)
{
    struct syncer *y = arg;
    while (!atomic_load(&y->stop))
        y->failures += store_sync(y->store) != 0;
    return NULL;
}

/* store_sync() from one other thread, next to writes and reads. */
static void test_sync_thread(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    struct syncer y = {.store = s};
    atomic_init(&y.stop, false);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, sync_all_the_time, &y), 0);
    for (int i = 0; i < 3000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%06d", i);
        put(s, STORE_LOG, key, key);
        put(s, STORE_STATE, key, key);
        expect(s, STORE_LOG, key, key);
        if (i % 1000 == 0) {
            struct store_iter *it = store_iter_new(s, STORE_LOG);
            store_iter_seek_last(it);
            assert_true(bytes_eq(store_iter_key(it), bytes_str(key)));
            store_iter_free(it);
        }
    }
    atomic_store(&y.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(y.failures, 0);
}

#define BOTH(test)                                                             \
    {"memory: " #test, test, setup_memory, teardown, NULL},                    \
    {                                                                          \
        "rocksdb: " #test, test, setup_rocksdb, teardown, NULL                 \
    }

int main(int argc, char **argv)
{
    if (killed_child_is(argc, argv))
        crash_in_child(argv[2][0] - '0', argv[3]);
    const struct CMUnitTest tests[] = {
        BOTH(test_get_put_delete),
        BOTH(test_get_appends),
        BOTH(test_peek),
        BOTH(test_order_in_batch),
        BOTH(test_families_apart),
        BOTH(test_iteration),
        BOTH(test_iterator_is_stable),
        BOTH(test_binary_keys),
        BOTH(test_big_value),
        BOTH(test_empty_batch),
        BOTH(test_flushed),
        BOTH(test_sync_survives),
        BOTH(test_crash_twice),
        BOTH(test_state_survives_by_flush),
        BOTH(test_log_goes_before_state),
        BOTH(test_state_is_a_prefix),
        BOTH(test_batches_are_atomic),
        BOTH(test_many_keys),
        BOTH(test_discard),
        BOTH(test_end_of_discard),
        BOTH(test_space_of_deleted),
        BOTH(test_space_of_discarded),
        BOTH(test_space_of_replaced),
        BOTH(test_sync_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
