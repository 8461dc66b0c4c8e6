// link: snapshot
/*
 * Chunks that are taken in aside, with a thread and without one: parts, the
 * end, going on after a part, a stop in the middle, what is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "snapshot/intake.h"
#include "snapshot/source.h"
#include "store/store_memory.h"
#include "unit/data/data_fixture.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CHUNKS_MAX 64

struct sequence {
    uint64_t count;
    uint64_t bytes;
    struct chunk chunks[CHUNKS_MAX];
    struct buf rows[CHUNKS_MAX];
};

static void make_state(struct fixture *f)
{
    uint64_t rng = 5;
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
    assert_int_equal(store_flush(f->store, STORE_STATE, true), 0);
}

static void read_all(struct store *s, struct sequence *q)
{
    struct buf error = BUF_INIT;
    struct source *source;
    struct chunk c;
    struct store_view *v = store_view_open(s);
    *q = (struct sequence){0};
    assert_int_equal(source_open(&source, v, &error), 0);
    while (source_next(source, &c, &error) == 0) {
        struct buf *rows = &q->rows[q->count];
        assert_true(q->count < CHUNKS_MAX);
        buf_bytes(rows, c.rows);
        q->chunks[q->count++] =
            (struct chunk){c.number, c.hash, buf_view(rows)};
        q->bytes += c.rows.len;
    }
    source_close(source);
    store_view_close(v);
    assert_true(q->count > 4);
}

static void release(struct sequence *q)
{
    for (uint64_t i = 0; i < q->count; i++)
        buf_release(&q->rows[i]);
}

static struct intake *begin_intake(struct store *s, bool threadless)
{
    struct store_fill *fill;
    assert_int_equal(store_fill_begin(s, 0, BYTES_NONE, &fill), 0);
    return intake_new(fill, inspect_new(), s, threadless);
}

/* Looks until there is something, or nothing is to be done any more. */
static enum intake_kind wait_for(struct intake *k, struct intake_news *news)
{
    for (;;) {
        bool idle = intake_is_idle(k);
        intake_look(k, news);
        if (news->kind != INTAKE_NOTHING || idle)
            return news->kind;
        (void)nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
}

/* The rest of a sequence, to its state. */
static void give_rest(struct intake *k, const struct sequence *q, uint64_t from)
{
    struct intake_news news;
    for (uint64_t i = from; i < q->count; i++)
        intake_chunk(k, &q->chunks[i]);
    assert_int_equal(intake_given(k).chunks, q->count);
    assert_int_equal(intake_given(k).bytes, q->bytes);
    intake_end(k);
    assert_int_equal(wait_for(k, &news), INTAKE_ENDS);
    assert_int_equal(news.totals.chunks, q->count);
    assert_int_equal(news.totals.bytes, q->bytes);
    assert_int_equal(intake_taken(k), q->bytes);
    assert_int_equal(inspect_so_far(intake_inspect(k))->chunks, q->count);
    intake_make(k);
    assert_int_equal(wait_for(k, &news), INTAKE_STATE);
    assert_true(news.state > 0);
    assert_int_equal(wait_for(k, &news), INTAKE_NOTHING);
    assert_true(intake_stop(k));
}

static void test_whole(void **state)
{
    struct fixture f;
    struct sequence q;
    UNUSED(state);
    make_state(&f);
    read_all(f.store, &q);
    for (int threadless = 0; threadless < 2; threadless++) {
        struct store *s = store_memory_new();
        struct intake *k = begin_intake(s, threadless == 1);
        assert_int_equal(intake_given(k).chunks, 0);
        give_rest(k, &q, 0);
        intake_free(k);
        store_close(s);
    }
    release(&q);
    teardown(&f);
}

/* After a part the rest may be left away; another intake goes on. */
static void go_on(const struct sequence *q, uint64_t at, bool threadless)
{
    struct store *s = store_memory_new();
    struct intake *k = begin_intake(s, threadless);
    struct intake_news news;
    struct store_fill *fill;
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < q->count; i++) {
        intake_chunk(k, &q->chunks[i]);
        bytes += i < at ? q->chunks[i].rows.len : 0;
        if (i + 1 == at)
            intake_part(k);
    }
    assert_int_equal(wait_for(k, &news), INTAKE_PART);
    assert_int_equal(news.parts, 1);
    assert_int_equal(news.bytes, bytes);
    struct inspect *saved = inspect_load(news.saved);
    assert_non_null(saved);
    intake_free(k);
    assert_int_equal(store_fill_begin(s, 1, inspect_last(saved), &fill), 0);
    k = intake_new(fill, saved, NULL, threadless);
    assert_int_equal(intake_given(k).chunks, at);
    assert_int_equal(intake_given(k).hash, q->chunks[at - 1].hash);
    assert_int_equal(intake_taken(k), bytes);
    give_rest(k, q, at);
    intake_free(k);
    store_close(s);
}

static void test_goes_on(void **state)
{
    struct fixture f;
    struct sequence q;
    UNUSED(state);
    make_state(&f);
    read_all(f.store, &q);
    for (int threadless = 0; threadless < 2; threadless++)
        for (uint64_t at = 1; at < q.count; at++)
            go_on(&q, at, threadless == 1);
    release(&q);
    teardown(&f);
}

/* Whenever it is stopped, another fill can begin. */
static void test_stop(void **state)
{
    struct fixture f;
    struct sequence q;
    UNUSED(state);
    make_state(&f);
    read_all(f.store, &q);
    struct store *s = store_memory_new();
    for (int threadless = 0; threadless < 2; threadless++) {
        for (uint64_t count = 0; count <= q.count; count++) {
            struct intake *k = begin_intake(s, threadless == 1);
            for (uint64_t i = 0; i < count; i++)
                intake_chunk(k, &q.chunks[i]);
            for (int i = 0; i < 60000 && !intake_stop(k); i++)
                (void)nanosleep(&(struct timespec){0, 1000000}, NULL);
            assert_true(intake_stop(k) && intake_is_idle(k));
            intake_free(k);
        }
    }
    store_close(s);
    release(&q);
    teardown(&f);
}

/* The first thing that is wrong is told once, and ends it. */
static void expect_failure(struct intake *k, const char *what, const char *why)
{
    struct intake_news news;
    assert_int_equal(wait_for(k, &news), INTAKE_FAILED);
    assert_string_equal(news.what, what);
    assert_non_null(strstr(news.why, why));
    intake_end(k);
    assert_int_equal(wait_for(k, &news), INTAKE_NOTHING);
    assert_true(intake_stop(k));
    intake_free(k);
}

static void test_wrong(void **state)
{
    struct fixture f;
    struct sequence q;
    UNUSED(state);
    make_state(&f);
    read_all(f.store, &q);
    for (int threadless = 0; threadless < 2; threadless++) {
        struct store *s = store_memory_new();
        struct intake *k = begin_intake(s, threadless == 1);
        struct chunk changed = q.chunks[1];
        changed.hash ^= 1;
        intake_chunk(k, &q.chunks[0]);
        intake_chunk(k, &changed);
        intake_chunk(k, &q.chunks[2]);
        expect_failure(k, "it is not right", "chunk 2: its hash is wrong");
        k = begin_intake(s, threadless == 1);
        intake_chunk(k, &q.chunks[0]);
        intake_end(k); /* it is not all */
        expect_failure(k, "it is not right", "the last");
        store_memory_fail(s, "sync", 1);
        k = begin_intake(s, threadless == 1);
        intake_chunk(k, &q.chunks[0]);
        expect_failure(k, "it cannot be stored", "");
        store_close(s);
    }
    release(&q);
    teardown(&f);
}

/* What was written before is durable before there is a part. */
static void test_syncs_first(void **state)
{
    struct fixture f;
    struct sequence q;
    UNUSED(state);
    make_state(&f);
    read_all(f.store, &q);
    for (int threadless = 0; threadless < 2; threadless++) {
        struct store_batch b = STORE_BATCH_INIT;
        struct store *s = store_memory_new();
        struct intake_news news;
        store_batch_put(&b, STORE_META, BYTES_LIT("k"), BYTES_LIT("v"));
        assert_int_equal(store_write(s, &b, STORE_LOGGED), 0);
        assert_true(store_memory_unsynced(s) > 0);
        struct intake *k = begin_intake(s, threadless == 1);
        intake_chunk(k, &q.chunks[0]);
        intake_part(k);
        assert_int_equal(wait_for(k, &news), INTAKE_PART);
        assert_int_equal(store_memory_unsynced(s), 0);
        intake_free(k);
        store_batch_release(&b);
        store_close(s);
    }
    release(&q);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),       cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_stop),        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_syncs_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
