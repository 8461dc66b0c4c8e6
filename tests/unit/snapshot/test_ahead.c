// link: snapshot
/*
 * Chunks that are read ahead: from any place, by several readers of one view,
 * with a thread and without one; what a read that fails says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "snapshot/ahead.h"
#include "snapshot/share.h"
#include "unit/data/data_fixture.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CHUNKS_MAX 64
#define READERS    3

struct sequence {
    uint64_t count;
    uint64_t hashes[CHUNKS_MAX + 1]; /* by number */
    struct buf after[CHUNKS_MAX + 1];
};

static void make_state(struct fixture *f)
{
    uint64_t rng = 3;
    setup(f);
    for (int i = 0; i < 400; i++) {
        uint8_t data[4000];
        char key[16];
        for (size_t k = 0; k < sizeof(data); k++)
            data[k] = (uint8_t)rng_next(&rng);
        snprintf(key, sizeof(key), "%d", i);
        struct value v = {.type = VALUE_STRING,
                          .data = bytes_of(data, sizeof(data))};
        begin(f);
        keyspace_put(f->ks, 0, bytes_str(key), &v);
        commit(f);
    }
    int err = store_flush(f->store, STORE_STATE, true);
    assert_int_equal(err, 0);
}

static int next(struct ahead *a, uint64_t number, struct chunk *c)
{
    int err;
    while ((err = ahead_chunk(a, number, c)) == ERR_AGAIN)
        (void)nanosleep(&(struct timespec){0, 1000000}, NULL);
    return err;
}

static void read_all(struct store_view *v, bool threadless, struct sequence *q)
{
    struct store_row row = {.key = BYTES_NONE};
    struct chunk c;
    struct ahead *a = ahead_new(v, NULL, threadless);
    memset(q, 0, sizeof(*q));
    while (next(a, q->count + 1, &c) == 0) {
        q->count++;
        ASSERT(q->count <= CHUNKS_MAX);
        q->hashes[q->count] = c.hash;
        for (struct bytes rows = c.rows; store_row_next(&rows, &row);) {
        }
        buf_bytes(&q->after[q->count], row.key);
    }
    assert_true(c.number == q->count && c.hash == q->hashes[q->count]);
    ahead_free(a);
}

static void release(struct sequence *q)
{
    for (uint64_t i = 0; i <= CHUNKS_MAX; i++)
        buf_release(&q->after[i]);
}

static struct ahead *from_place(struct store_view *v, const struct sequence *q,
                                uint64_t number, bool threadless)
{
    struct source_place at = {number, q->hashes[number],
                              buf_view(&q->after[number])};
    return ahead_new(v, &at, threadless);
}

/* From each place to the end: the same chunks, and no others. */
static void test_from_any_place(void **state)
{
    struct fixture f;
    UNUSED(state);
    make_state(&f);
    struct store_view *v = store_view_open(f.store);
    for (int threadless = 0; threadless < 2; threadless++) {
        struct sequence q;
        read_all(v, threadless == 1, &q);
        assert_true(q.count > 8);
        for (uint64_t from = 1; from <= q.count; from++) {
            struct chunk c;
            struct applied at;
            struct ahead *a = from_place(v, &q, from, threadless == 1);
            assert_int_equal(ahead_chunk(a, from, &c), ERR_INVALID);
            assert_int_equal(ahead_chunk(a, from + 2, &c), ERR_INVALID);
            for (uint64_t k = from + 1; k <= q.count; k++) {
                assert_int_equal(next(a, k, &c), 0);
                assert_true(c.number == k && c.hash == q.hashes[k]);
                assert_int_equal(ahead_chunk(a, k, &c), 0); /* again */
                assert_true(c.hash == q.hashes[k]);
            }
            assert_int_equal(next(a, q.count + 1, &c), ERR_NOT_FOUND);
            assert_true(c.number == q.count && c.hash == q.hashes[q.count]);
            assert_int_equal(ahead_position(a, &at), 0);
            assert_true(at.index == f.index);
            ahead_free(a);
        }
        release(&q);
    }
    store_view_close(v);
    teardown(&f);
}

/* Several readers of one view, each somewhere else, in turns. */
static void test_shared(void **state)
{
    struct fixture f;
    struct sequence q;
    struct ahead *readers[READERS];
    uint64_t at[READERS];
    struct chunk c;
    UNUSED(state);
    make_state(&f);
    struct store_view *v = share_view(store_view_open(f.store));
    read_all(v, false, &q);
    for (uint64_t i = 0; i < READERS; i++) {
        at[i] = i * 2;
        readers[i] = from_place(v, &q, at[i], false);
    }
    for (bool more = true; more;) {
        more = false;
        for (uint64_t i = 0; i < READERS; i++) {
            if (at[i] == q.count)
                continue;
            more = true;
            assert_int_equal(next(readers[i], ++at[i], &c), 0);
            assert_true(c.number == at[i] && c.hash == q.hashes[at[i]]);
        }
    }
    for (uint64_t i = 0; i < READERS; i++)
        ahead_free(readers[i]);
    store_view_close(v);
    release(&q);
    teardown(&f);
}

/* A read that fails ends all readers that need more, each with the text. */
static void test_error(void **state)
{
    struct fixture f;
    struct chunk c;
    UNUSED(state);
    for (int threadless = 0; threadless < 2; threadless++) {
        make_state(&f);
        struct store_view *v = share_view(store_view_open(f.store));
        struct ahead *one = ahead_new(v, NULL, threadless == 1);
        struct ahead *two = ahead_new(v, NULL, threadless == 1);
        assert_int_equal(next(one, 1, &c), 0);
        store_memory_fail(f.store, "get", 1);
        int err = 0;
        for (uint64_t k = 2; err == 0; k++)
            err = next(one, k, &c);
        assert_int_equal(err, ERR_IO);
        assert_string_not_equal(ahead_error(one), "");
        err = 0;
        for (uint64_t k = 1; err == 0; k++)
            err = next(two, k, &c);
        assert_int_equal(err, ERR_IO);
        assert_string_equal(ahead_error(two), ahead_error(one));
        ahead_free(one);
        ahead_free(two);
        store_view_close(v);
        store_memory_fail(f.store, "get", 0);
        teardown(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_any_place),
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
