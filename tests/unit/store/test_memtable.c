/*
 * The sorted table in memory, against a plain array; and the store that is
 * built of two of them, over the store in memory: what is asked first, what
 * goes down and when, iterators over all three, a thread that fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "store/memtable_internal.h"
#include "store/store_buffered.h"
#include "store/store_memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KEYS 700

/* What a table should know, by plain arrays: keys are numbers. */
struct model {
    enum memtable_kind kind[KEYS];
    char value[KEYS][24];
};

/* Keys of many lengths that share heads, zero bytes and prefixes. */
static struct bytes key_of(uint32_t i, char out[32])
{
    static const char *const prefix[] = {"", "k", "long prefix here ",
                                         "kk\0\0"};
    uint32_t kind = i % 4;
    size_t len = kind == 3 ? 4 : strlen(prefix[kind]);
    memcpy(out, prefix[kind], len);
    int n = snprintf(out + len, 32 - len, "%05u", i);
    ASSERT(n == 5);
    return bytes_of(out, len + 5);
}

static struct bytes value_of(uint64_t *rng, char out[24])
{
    size_t len = rng_below(rng, 20);
    for (size_t i = 0; i < len; i++)
        out[i] = (char)('a' + rng_below(rng, 26));
    out[len] = 0;
    return bytes_of(out, len);
}

static void change(struct memtable *m, struct model *model, uint64_t *rng)
{
    char key[32];
    uint32_t i = (uint32_t)rng_below(rng, KEYS);
    struct bytes k = key_of(i, key);
    switch (rng_below(rng, 16)) {
    case 1:
    case 2:
    case 3:
        memtable_delete(m, k);
        model->kind[i] = MEMTABLE_DELETED;
        model->value[i][0] = 0;
        break;
    case 4:
        if (model->kind[i] == MEMTABLE_UNKNOWN) {
            memtable_keep(m, k, value_of(rng, model->value[i]));
            model->kind[i] = MEMTABLE_COPY;
        }
        break;
    default:
        memtable_put(m, k, value_of(rng, model->value[i]));
        model->kind[i] = MEMTABLE_VALUE;
        break;
    }
}

static void compare(const struct memtable *m, const struct model *model)
{
    char key[32];
    for (uint32_t i = 0; i < KEYS; i++) {
        struct bytes value = BYTES_NONE;
        struct bytes k = key_of(i, key);
        assert_int_equal(memtable_get(m, k, &value), model->kind[i]);
        if (model->kind[i] != MEMTABLE_UNKNOWN)
            assert_true(bytes_eq(value, bytes_str(model->value[i])));
    }
}

/* The walk meets what the table knows, in order, from any key on. */
static void compare_walk(const struct memtable *m, const struct model *model,
                         uint32_t first)
{
    char key[32];
    char other[32];
    char before[32];
    struct bytes from = key_of(first, key);
    struct bytes last = BYTES_NONE;
    size_t expected = 0;
    size_t met = 0;
    for (uint32_t i = 0; i < KEYS; i++)
        expected += bytes_cmp(key_of(i, other), from) >= 0 &&
                    model->kind[i] != MEMTABLE_UNKNOWN;
    struct memtable_cursor c = memtable_seek(m, from);
    for (; memtable_valid(&c); memtable_next(&c), met++) {
        struct bytes k = memtable_key(&c);
        struct bytes value;
        struct bytes again;
        assert_true(bytes_cmp(k, from) >= 0);
        assert_true(last.len == 0 || bytes_cmp(last, k) < 0);
        assert_true(k.len < sizeof(before));
        memcpy(before, k.data, k.len);
        last = bytes_of(before, k.len);
        assert_int_equal(memtable_value(&c, &value),
                         memtable_get(m, k, &again));
        assert_true(bytes_eq(value, again));
    }
    assert_int_equal(met, expected);
}

static void test_against_arrays(void **state)
{
    UNUSED(state);
    for (uint64_t seed = 1; seed <= 30; seed++) {
        uint64_t rng = seed;
        struct model *model = mem_zalloc(sizeof(*model));
        struct memtable *m = memtable_new(1 + rng_below(&rng, 5000), 7);
        compare(m, model);
        for (int round = 0; round < 6000; round++) {
            change(m, model, &rng);
            if (round % 1000 == 0) {
                compare(m, model);
                compare_walk(m, model, (uint32_t)rng_below(&rng, KEYS));
            }
        }
        compare(m, model);
        compare_walk(m, model, 0);
        memtable_free(m);
        mem_free(model);
    }
}

/* Many keys, in order, in reverse and mixed: levels above the leaves. */
static void test_many(void **state)
{
    UNUSED(state);
    for (int order = 0; order < 3; order++) {
        struct memtable *m = memtable_new(1024 * 1024, 7);
        char text[16];
        uint32_t count = 200000;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t n = order == 0   ? i
                         : order == 1 ? count - 1 - i
                                      : (uint32_t)((uint64_t)i * 7919 % count);
            snprintf(text, sizeof(text), "key:%08u", n);
            memtable_put(m, bytes_str(text), bytes_str(text));
        }
        uint32_t n = 0;
        struct memtable_cursor c = memtable_seek(m, BYTES_NONE);
        for (; memtable_valid(&c); memtable_next(&c), n++) {
            struct bytes value;
            snprintf(text, sizeof(text), "key:%08u", n);
            assert_true(bytes_eq(memtable_key(&c), bytes_str(text)));
            assert_int_equal(memtable_value(&c, &value), MEMTABLE_VALUE);
            assert_true(bytes_eq(value, bytes_str(text)));
        }
        assert_int_equal(n, count);
        memtable_free(m);
    }
}

/* A hint changes nothing, whatever the keys are and however many. */
static void test_expect(void **state)
{
    UNUSED(state);
    struct memtable *newer = memtable_new(64 * 1024, 7);
    struct memtable *older = memtable_new(64 * 1024, 7);
    const struct memtable *tables[] = {newer, older};
    struct bytes keys[100];
    static char texts[100][8];
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        snprintf(texts[i], sizeof(texts[i]), "%zu", i);
        keys[i] = i == 0 ? BYTES_NONE : bytes_str(texts[i]);
        if (i % 3 != 0)
            memtable_put(i % 3 == 1 ? newer : older, keys[i], keys[i]);
    }
    for (size_t count = 0; count <= ARRAY_LEN(keys); count++) {
        memtable_expect(tables, 1 + count % 2, keys, count);
        memtable_expect(tables + 1, 1, keys, count);
    }
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct bytes value;
        assert_int_equal(memtable_get(newer, keys[i], &value),
                         i % 3 == 1 ? MEMTABLE_VALUE : MEMTABLE_UNKNOWN);
        assert_int_equal(memtable_get(older, keys[i], &value),
                         i % 3 == 2 ? MEMTABLE_VALUE : MEMTABLE_UNKNOWN);
    }
    memtable_free(newer);
    memtable_free(older);
}

/* What is written again and again takes no more room each time. */
static void test_room(void **state)
{
    UNUSED(state);
    struct memtable *m = memtable_new(64 * 1024, 7);
    static uint8_t large[300000];
    memtable_put(m, BYTES_LIT("small"), bytes_of(large, 100));
    memtable_put(m, BYTES_LIT("large"), bytes_of(large, sizeof(large)));
    size_t bytes = memtable_bytes(m);
    for (size_t i = 0; i < 10000; i++) {
        memtable_put(m, BYTES_LIT("small"), bytes_of(large, i % 101));
        memtable_put(m, BYTES_LIT("large"),
                     bytes_of(large, sizeof(large) - i % 100));
    }
    assert_int_equal(memtable_bytes(m), bytes);
    for (size_t i = 0; i < 1000; i++) {
        memtable_put(m, BYTES_LIT("large"), bytes_of(large, 200000 + i));
        memtable_put(m, BYTES_LIT("large"), bytes_of(large, 5));
        memtable_delete(m, BYTES_LIT("large"));
    }
    assert_true(memtable_bytes(m) <= bytes);
    memtable_free(m);
}

/* A value that grows bit by bit leaves no copy of each of its sizes. */
static void test_growing(void **state)
{
    UNUSED(state);
    static uint8_t data[30000];
    struct memtable *m = memtable_new(64 * 1024, 7);
    size_t before = memtable_bytes(m);
    for (size_t len = 3; len <= 3000; len += 3)
        memtable_put(m, BYTES_LIT("small"), bytes_of(data, len));
    assert_true(memtable_bytes(m) - before <= 64 * 1024);
    for (size_t i = 1; i <= 1000; i++)
        memtable_put(m, bytes_of(&i, sizeof(i)), bytes_of(data, 10));
    before = memtable_bytes(m);
    for (size_t i = 1; i <= 1000; i++)
        for (size_t len = 20; len <= 1000; len += 20)
            memtable_put(m, bytes_of(&i, sizeof(i)), bytes_of(data, len));
    assert_true(memtable_bytes(m) - before < 4 * 1000 * 1000);
    before = memtable_bytes(m);
    for (size_t len = 5000; len <= sizeof(data); len += 25)
        memtable_put(m, BYTES_LIT("large"), bytes_of(data, len));
    assert_true(memtable_bytes(m) - before < 2 * sizeof(data));
    /* One that shrinks takes no more than it needs. */
    memtable_put(m, BYTES_LIT("large"), bytes_of(data, 10));
    assert_true(memtable_bytes(m) - before < 1000);
    memtable_free(m);
}

static void expect_number(const struct memtable *m, uint32_t i, uint32_t value)
{
    char text[32];
    struct bytes got;
    bool found = memtable_get(m, key_of(i, text), &got) == MEMTABLE_VALUE;
    assert_true(found && got.len == sizeof(value));
    assert_memory_equal(got.data, &value, sizeof(value));
}

static void put_number(struct memtable *m, uint32_t i, uint32_t value)
{
    char text[32];
    memtable_put(m, key_of(i, text), bytes_of(&value, sizeof(value)));
}

/* The hash table grows with what is added, never all at once; meanwhile every
 * item is found and changed, be it among the old slots or the new ones. */
static void test_growing_step_by_step(void **state)
{
    UNUSED(state);
    struct memtable *m = memtable_new(4096, 5);
    uint32_t grown = 0, steps = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        size_t copied = m->old != NULL ? m->copied : 0;
        bool grows = m->old != NULL;
        put_number(m, i, i);
        steps += m->old != NULL;
        grown += grows && m->old == NULL;
        if (grows && m->old != NULL)
            assert_in_range(m->copied - copied, 1, 16);
        expect_number(m, i, i);
        uint32_t earlier = (uint32_t)((uint64_t)i * 7919 % (i + 1));
        put_number(m, earlier, earlier);
        expect_number(m, earlier, earlier);
        assert_int_equal(m->item_count, i + 1);
    }
    assert_true(grown >= 8 && steps > 1000);
    for (uint32_t i = 0; i < 20000; i++)
        expect_number(m, i, i);
    memtable_free(m);
}

static void test_dirty(void **state)
{
    UNUSED(state);
    struct memtable *m = memtable_new(64, 7);
    assert_false(memtable_dirty(m));
    memtable_keep(m, BYTES_LIT("k"), BYTES_LIT("v"));
    assert_false(memtable_dirty(m));
    memtable_delete(m, BYTES_LIT("k"));
    assert_true(memtable_dirty(m));
    memtable_free(m);
}

static void test_discards(void **state)
{
    UNUSED(state);
    struct memtable *m = memtable_new(64, 7);
    struct bytes begin;
    struct bytes end;
    memtable_put(m, BYTES_LIT("b"), BYTES_LIT("v"));
    memtable_discard(m, BYTES_LIT("b"), BYTES_LIT("d"));
    memtable_discard(m, BYTES_LIT("b"), BYTES_LIT("ee"));
    memtable_discard(m, BYTES_LIT("b"), BYTES_LIT("c"));
    assert_int_equal(memtable_discards(m), 1);
    memtable_discard(m, BYTES_LIT("a"), BYTES_LIT("d"));
    assert_int_equal(memtable_discards(m), 2);
    memtable_discarded(m, 1, &begin, &end);
    assert_true(bytes_eq(begin, BYTES_LIT("b")));
    assert_true(bytes_eq(end, BYTES_LIT("ee")));
    memtable_discarded(m, 0, &begin, &end);
    assert_true(bytes_eq(begin, BYTES_LIT("a")));
    assert_true(bytes_eq(end, BYTES_LIT("d")));
    memtable_free(m);
}

/* The store of two tables. */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool shut; /* the next table waits at the gate */
    int calls;
    int fail;
} gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0, 0};

static void gate_set(bool shut)
{
    pthread_mutex_lock(&gate.lock);
    gate.shut = shut;
    pthread_cond_broadcast(&gate.opened);
    pthread_mutex_unlock(&gate.lock);
}

/* As a batch: the store in memory has no files. */
static int ingest(struct store *below, const struct memtable *m)
{
    pthread_mutex_lock(&gate.lock);
    gate.calls++;
    while (gate.shut)
        pthread_cond_wait(&gate.opened, &gate.lock);
    int fail = gate.fail;
    pthread_mutex_unlock(&gate.lock);
    if (fail != 0)
        return fail;
    struct store_batch b = STORE_BATCH_INIT;
    struct memtable_cursor c = memtable_seek(m, BYTES_NONE);
    for (; memtable_valid(&c); memtable_next(&c)) {
        struct bytes value;
        enum memtable_kind kind = memtable_value(&c, &value);
        if (kind == MEMTABLE_VALUE)
            store_batch_put(&b, STORE_STATE, memtable_key(&c), value);
        else if (kind == MEMTABLE_DELETED)
            store_batch_delete(&b, STORE_STATE, memtable_key(&c));
    }
    int rc = store_write(below, &b, STORE_UNLOGGED);
    store_batch_release(&b);
    return rc == 0 ? store_flush(below, STORE_STATE, true) : rc;
}

static int setup(void **state)
{
    gate.calls = 0;
    gate.fail = 0;
    gate.shut = false;
    *state =
        store_buffered_new(store_memory_new(), ingest, 16 * 1024, SIZE_MAX, 7);
    return 0;
}

static int teardown(void **state)
{
    gate_set(false);
    store_close(*state);
    return 0;
}

static void put(struct store *s, const char *key, const char *value)
{
    struct store_batch b = STORE_BATCH_INIT;
    if (value != NULL)
        store_batch_put(&b, STORE_STATE, bytes_str(key), bytes_str(value));
    else
        store_batch_delete(&b, STORE_STATE, bytes_str(key));
    assert_int_equal(store_write(s, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
}

static void expect(struct store *s, const char *key, const char *value)
{
    struct buf got = BUF_INIT;
    buf_str(&got, "before");
    int rc = store_get(s, STORE_STATE, bytes_str(key), &got);
    assert_int_equal(rc, value == NULL ? ERR_NOT_FOUND : 0);
    if (value != NULL)
        assert_true(bytes_eq(bytes_from(buf_view(&got), 6), bytes_str(value)));
    buf_release(&got);
}

static void expect_keys(struct store *s, const char *from, const char *keys)
{
    struct buf got = BUF_INIT;
    struct store_iter *it = store_iter_new(s, STORE_STATE);
    assert_false(store_iter_valid(it));
    for (store_iter_seek(it, bytes_str(from)); store_iter_valid(it);
         store_iter_next(it)) {
        buf_bytes(&got, store_iter_key(it));
        buf_bytes(&got, store_iter_value(it));
    }
    assert_int_equal(store_iter_status(it), 0);
    store_iter_free(it);
    assert_true(bytes_eq(buf_view(&got), bytes_str(keys)));
    buf_release(&got);
}

/* Three layers, each with something to say about the same keys. */
static void test_layers(void **state)
{
    struct store *s = *state;
    for (const char *k = "abcdefg"; *k != 0; k++)
        put(s, (char[]){*k, 0}, "1");
    assert_int_equal(store_flush(s, STORE_STATE, true), 0);
    put(s, "h", "1"); /* pushes the first table out of the cache */
    assert_int_equal(store_flush(s, STORE_STATE, true), 0);
    gate_set(true);
    put(s, "b", "2");
    put(s, "c", NULL);
    put(s, "e", "2");
    put(s, "f", NULL);
    assert_int_equal(store_flush(s, STORE_STATE, false), 0);
    put(s, "d", "3");
    put(s, "e", NULL);
    put(s, "f", "3");
    put(s, "i", "3");
    expect_keys(s, "", "a1b2d3f3g1h1i3");
    expect_keys(s, "bb", "d3f3g1h1i3");
    expect_keys(s, "z", "");
    expect(s, "a", "1");
    expect(s, "b", "2");
    expect(s, "c", NULL);
    expect(s, "d", "3");
    expect(s, "e", NULL);
    expect(s, "f", "3");
    gate_set(false);
    assert_int_equal(store_flush(s, STORE_STATE, true), 0);
    expect_keys(store_buffered_below(s), "", "a1b2d3f3g1h1i3");
    expect_keys(s, "", "a1b2d3f3g1h1i3");
    expect(s, "e", NULL);
    expect(s, "f", "3");
}

/* A value read from below is kept, answers, and is never written. */
static void test_copies(void **state)
{
    struct store *s = *state;
    struct store *below = store_buffered_below(s);
    put(below, "k", "1");
    expect(s, "k", "1");
    put(below, "k", "2"); /* behind its back */
    expect(s, "k", "1");
    assert_int_equal(store_flush(s, STORE_STATE, true), 0);
    assert_int_equal(gate.calls, 0);
    put(s, "other", "1");
    assert_int_equal(store_flush(s, STORE_STATE, true), 0);
    assert_int_equal(gate.calls, 1);
    expect(below, "k", "2");
    put(s, "k", "3");
    expect(s, "k", "3");
    expect_keys(s, "", "k3other1");
}

/* Nothing is kept of a value that is read once, and what is kept answers. */
static void test_read_once(void **state)
{
    struct store *s = *state;
    struct store *below = store_buffered_below(s);
    struct buf value = BUF_INIT;
    put(below, "k", "1");
    assert_int_equal(store_get_once(s, STORE_STATE, BYTES_LIT("k"), &value), 0);
    assert_true(bytes_eq(buf_view(&value), BYTES_LIT("1")));
    put(below, "k", "2"); /* behind its back */
    expect(s, "k", "2");
    put(below, "k", "3");
    put(s, "own", "4");
    buf_reset(&value);
    assert_int_equal(store_get_once(s, STORE_STATE, BYTES_LIT("k"), &value), 0);
    assert_int_equal(store_get_once(s, STORE_STATE, BYTES_LIT("own"), &value),
                     0);
    assert_true(bytes_eq(buf_view(&value), BYTES_LIT("24")));
    assert_int_equal(
        store_get_once(s, STORE_STATE, BYTES_LIT("nosuch"), &value),
        ERR_NOT_FOUND);
    buf_release(&value);
}

static int gate_calls(void)
{
    pthread_mutex_lock(&gate.lock);
    int calls = gate.calls;
    pthread_mutex_unlock(&gate.lock);
    return calls;
}

/* A full table goes down by itself; the writer waits only for the second. */
static void test_full(void **state)
{
    struct store *s = *state;
    char key[16];
    char value[200];
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = 0;
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "%04d", i);
        put(s, key, value);
    }
    /* At most as many as if none had ever been waited for. */
    struct memtable *one = memtable_new(512, 7);
    uint32_t fits = 0;
    for (; memtable_bytes(one) < 8 * 1024; fits++) {
        snprintf(key, sizeof(key), "%04u", fits);
        memtable_put(one, bytes_str(key), bytes_str(value));
    }
    memtable_free(one);
    assert_in_range(gate_calls(), 5, 1000 / (fits - 2) + 1);
    assert_int_equal(store_flush(s, STORE_STATE, true), 0);
    int n = 0;
    struct store_iter *it =
        store_iter_new(store_buffered_below(s), STORE_STATE);
    for (store_iter_seek(it, BYTES_NONE); store_iter_valid(it);
         store_iter_next(it))
        n++;
    store_iter_free(it);
    assert_int_equal(n, 1000);
}

/* Full: one table is written and the other has twice its size. Who asks is
 * told; reading and asking for a flush go on without waiting. */
static void test_is_full(void **state)
{
    struct store *s = *state;
    char key[16];
    int n = 0;
    gate_set(true);
    for (; !store_is_full(s) && n < 10000; n++) {
        snprintf(key, sizeof(key), "%06d", n);
        put(s, key, "value");
    }
    assert_in_range(n, 100, 5000);
    assert_int_equal(store_flush(s, STORE_STATE, false), 0);
    assert_true(store_is_full(s));
    expect(s, "000000", "value");
    expect(s, key, "value");
    gate_set(false);
    assert_int_equal(store_flush(s, STORE_STATE, true), 0);
    assert_false(store_is_full(s));
    put(s, key, "another");
    expect(s, key, "another");
}

/* The first table may be due earlier than those after it. */
static void test_first(void **state)
{
    struct store *s =
        store_buffered_new(store_memory_new(), ingest, 4 << 20, 256 << 10, 7);
    char key[16];
    UNUSED(state);
    gate.calls = 0;
    for (int n = 0; n < 10000; n++) {
        snprintf(key, sizeof(key), "%06d", n);
        put(s, key, "a value of some bytes");
        for (int i = 0; i < 1000 && n == 5000 && gate_calls() == 0; i++)
            usleep(10000);
    }
    assert_int_equal(gate_calls(), 1);
    store_close(s); /* what is left of it goes down */
    assert_int_equal(gate_calls(), 2);
}

/* A value is the caller's own until it has been below: a copy of what is there
 * may be of what a disk has damaged. */
static void test_own(void **state)
{
    UNUSED(state);
    struct store *below = store_memory_new();
    put(below, "k", "below");
    struct store *s = store_buffered_new(below, ingest, 16 * 1024, SIZE_MAX, 7);
    struct bytes seen;
    bool own = true;
    assert_false(store_peek(s, BYTES_LIT("k"), &seen, &own));
    assert_false(own);
    expect(s, "k", "below");
    own = true;
    assert_true(store_peek(s, BYTES_LIT("k"), &seen, &own));
    assert_false(own);
    put(s, "k", "mine");
    assert_true(store_peek(s, BYTES_LIT("k"), &seen, &own));
    assert_true(own && bytes_eq(seen, BYTES_LIT("mine")));
    put(s, "k", NULL);
    assert_false(store_peek(s, BYTES_LIT("k"), &seen, &own));
    store_close(s);
}

/* However large, a batch goes down as a whole. */
static void test_batch_is_whole(void **state)
{
    struct store *s = *state;
    struct store_batch b = STORE_BATCH_INIT;
    char key[16];
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof(key), "%06d", i);
        store_batch_put(&b, STORE_STATE, bytes_str(key), bytes_str(key));
    }
    assert_int_equal(store_write(s, &b, STORE_UNLOGGED), 0);
    assert_int_equal(gate.calls, 0);
    assert_int_equal(store_write(s, &b, STORE_UNLOGGED), 0);
    assert_int_equal(store_flush(s, STORE_STATE, true), 0);
    assert_int_equal(gate.calls, 2);
    store_batch_release(&b);
}

/* A flush that is asked for while one is under way comes after it. */
static void test_flush_again(void **state)
{
    struct store *s = *state;
    struct buf out = BUF_INIT;
    gate_set(true);
    put(s, "a", "1");
    assert_int_equal(store_flush(s, STORE_STATE, false), 0);
    put(s, "b", "1");
    assert_int_equal(store_flush(s, STORE_STATE, false), 0);
    assert_int_equal(store_get_flushed(s, STORE_STATE, BYTES_LIT("a"), &out),
                     ERR_NOT_FOUND);
    gate_set(false);
    assert_int_equal(store_flush(s, STORE_STATE, true), 0);
    assert_int_equal(gate.calls, 2);
    assert_int_equal(store_get_flushed(s, STORE_STATE, BYTES_LIT("b"), &out),
                     0);
    buf_release(&out);
}

static void test_failure_is_final(void **state)
{
    struct store *s = *state;
    struct store_batch b = STORE_BATCH_INIT;
    gate.fail = ERR_IO;
    put(s, "a", "1");
    assert_int_equal(store_flush(s, STORE_STATE, true), ERR_IO);
    gate.fail = 0;
    store_batch_put(&b, STORE_STATE, BYTES_LIT("b"), BYTES_LIT("1"));
    assert_int_equal(store_write(s, &b, STORE_UNLOGGED), ERR_IO);
    assert_int_equal(store_sync(s), ERR_IO);
    assert_int_equal(store_flush(s, STORE_STATE, true), ERR_IO);
    store_batch_release(&b);
}

/* A table that did not go down goes nowhere: it answers until the end, however
 * much is read meanwhile, and the one after it does not go down either. */
static void test_failed_table_answers(void **state)
{
    struct store *s = *state;
    struct store *below = store_buffered_below(s);
    char key[16];
    char value[200];
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = 0;
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "%04d", i);
        put(below, key, value);
    }
    put(below, "old", "1");
    gate_set(true);
    gate.fail = ERR_IO;
    put(s, "old", "2");
    assert_int_equal(store_flush(s, STORE_STATE, false), 0);
    put(s, "younger", "2");
    gate_set(false);
    assert_int_equal(store_flush(s, STORE_STATE, true), ERR_IO);
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "%04d", i);
        expect(s, key, value);
    }
    expect(s, "old", "2");
    expect(s, "younger", "2");
    assert_int_equal(gate.calls, 1);
}

/* The log goes its own way while a table hangs on its way down. */
static void test_log_passes_a_table_that_hangs(void **state)
{
    struct store *s = *state;
    struct store_batch b = STORE_BATCH_INIT;
    struct buf value = BUF_INIT;
    gate_set(true);
    put(s, "a", "1");
    assert_int_equal(store_flush(s, STORE_STATE, false), 0);
    store_batch_put(&b, STORE_LOG, BYTES_LIT("1"), BYTES_LIT("entry"));
    assert_int_equal(store_write(s, &b, STORE_LOGGED), 0);
    assert_int_equal(store_sync(s), 0);
    assert_int_equal(store_get(s, STORE_LOG, BYTES_LIT("1"), &value), 0);
    assert_true(bytes_eq(buf_view(&value), BYTES_LIT("entry")));
    assert_int_equal(store_flush(s, STORE_LOG, true), 0);
    expect(s, "a", "1");
    expect_keys(s, "", "a1");
    buf_release(&value);
    store_batch_release(&b);
}

struct writer {
    pthread_t thread;
    struct store *store;
    int err;
    atomic_bool done;
};

static void *write_one(void *ctx)
{
    struct writer *w = ctx;
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_put(&b, STORE_STATE, BYTES_LIT("waited"), BYTES_LIT("1"));
    w->err = store_write(w->store, &b, STORE_UNLOGGED);
    store_batch_release(&b);
    atomic_store(&w->done, true);
    return NULL;
}

static void wait_for_calls(int calls)
{
    for (int i = 0; i < 1000 && gate_calls() < calls; i++)
        usleep(10000);
    assert_int_equal(gate_calls(), calls);
}

/* A store that is full, its table at the gate, and a writer that does not ask:
 * it waits. */
static void write_when_full(struct store *s, struct writer *w)
{
    char key[16];
    gate_set(true);
    for (int n = 0; !store_is_full(s); n++) {
        snprintf(key, sizeof(key), "%06d", n);
        put(s, key, "value");
    }
    wait_for_calls(1);
    *w = (struct writer){.store = s};
    atomic_init(&w->done, false);
    assert_int_equal(pthread_create(&w->thread, NULL, write_one, w), 0);
    usleep(20000); /* a writer that did not wait would be done */
    assert_false(atomic_load(&w->done));
}

static void test_writer_waits_for_a_table_that_hangs(void **state)
{
    struct store *s = *state;
    struct writer w;
    write_when_full(s, &w);
    gate_set(false);
    pthread_join(w.thread, NULL);
    assert_int_equal(w.err, 0);
    expect(s, "waited", "1");
    expect(s, "000000", "value");
    assert_int_equal(store_flush(s, STORE_STATE, true), 0);
    expect(store_buffered_below(s), "waited", "1");
}

/* The failure is the result of the write that has waited, too. */
static void test_writer_waits_for_a_table_that_fails(void **state)
{
    struct store *s = *state;
    struct writer w;
    gate.fail = ERR_CORRUPT;
    write_when_full(s, &w);
    gate_set(false);
    pthread_join(w.thread, NULL);
    assert_int_equal(w.err, ERR_CORRUPT);
    expect(s, "waited", NULL);
    expect(s, "000000", "value");
    assert_false(store_is_full(s)); /* who asks is not made to wait */
    gate.fail = 0;
    assert_int_equal(store_flush(s, STORE_STATE, true), ERR_CORRUPT);
    assert_int_equal(gate_calls(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_arrays),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_expect),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_growing),
        cmocka_unit_test(test_growing_step_by_step),
        cmocka_unit_test(test_dirty),
        cmocka_unit_test(test_discards),
        TEST(test_layers),
        TEST(test_copies),
        TEST(test_read_once),
        cmocka_unit_test(test_first),
        cmocka_unit_test(test_own),
        TEST(test_full),
        TEST(test_is_full),
        TEST(test_batch_is_whole),
        TEST(test_flush_again),
        TEST(test_failure_is_final),
        TEST(test_failed_table_answers),
        TEST(test_log_passes_a_table_that_hangs),
        TEST(test_writer_waits_for_a_table_that_hangs),
        TEST(test_writer_waits_for_a_table_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
