/*
 * Streams: what is told of a long string over many turns is what it was when
 * the stream was opened, whatever is applied in between.
 */
// link: store base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/meta.h"
#include "data/stream.h"
#include "store/store_fill.h"
#include "unit/data/data_fixture.h"

#define PAGE   KEYSPACE_PAGE_SIZE
#define LENGTH (100 * PAGE + 100)
#define KEY    BYTES_LIT("a")

static uint8_t first[LENGTH];
static uint8_t second[LENGTH];

static int make_values(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < LENGTH; i++) {
        first[i] = (uint8_t)(i / PAGE * 7 + i % 251 + 1);
        second[i] = (uint8_t)~first[i];
    }
    return 0;
}

static void put_long(struct fixture *f, struct bytes key, struct bytes data,
                     int64_t expire_ms)
{
    struct value v = {
        .type = VALUE_STRING, .expire_ms = expire_ms, .data = data};
    begin(f);
    keyspace_put(f->ks, 0, key, &v);
    commit(f);
}

static void open_at(struct fixture *f, struct value_stream *st, uint64_t start,
                    uint64_t length)
{
    struct value v;
    keyspace_read_at(f->ks, f->now_ms);
    assert_true(keyspace_get(f->ks, 0, KEY, &v));
    struct value_range r = keyspace_range(f->ks, &v, start, length);
    stream_open(f->ks, st, &r);
}

static size_t saved(const struct value_stream *st)
{
    return st->copy != NULL ? st->copy->bytes.len : 0;
}

/* The next bytes are those of the first value from `at` on. */
static size_t tell(struct fixture *f, struct value_stream *st, size_t at,
                   size_t pieces)
{
    struct bytes part;
    for (size_t i = 0; i < pieces && stream_next(f->ks, st, &part); i++) {
        assert_true(part.len > 0 && part.len <= PAGE);
        assert_true(at + part.len <= LENGTH);
        assert_memory_equal(part.data, first + at, part.len);
        at += part.len;
    }
    return at;
}

/* --- what may happen meanwhile ------------------------------------------ */

static void nothing(struct fixture *f)
{
    begin(f);
    commit(f);
}

static void another_key(struct fixture *f)
{
    put_long(f, BYTES_LIT("b"), bytes_of(second, LENGTH), 0);
}

static void looked_at(struct fixture *f)
{
    struct value v;
    begin(f);
    assert_true(keyspace_get(f->ks, 0, KEY, &v));
    keyspace_set_expiry(f->ks, 0, KEY, f->now_ms + 100000);
    commit(f);
}

static void another_database_flushed(struct fixture *f)
{
    begin(f);
    assert_true(keyspace_flush_db(f->ks, 1));
    commit(f);
}

static void replaced(struct fixture *f)
{
    put_long(f, KEY, bytes_of(second, LENGTH), 0);
}

static void replaced_by_less(struct fixture *f)
{
    put_long(f, KEY, bytes_of(second, 10), 0);
}

static void replaced_by_less_and_swept(struct fixture *f)
{
    replaced_by_less(f);
    begin(f);
    assert_int_equal(keyspace_sweep_pages(f->ks, 5), 5);
    commit(f);
}

static void a_byte_changed(struct fixture *f)
{
    begin(f);
    keyspace_overwrite(f->ks, 0, KEY, LENGTH - 50, bytes_of(second, 1));
    commit(f);
}

static void deleted_and_swept(struct fixture *f)
{
    begin(f);
    assert_true(keyspace_delete(f->ks, 0, KEY));
    commit(f);
    begin(f);
    (void)keyspace_sweep_pages(f->ks, 1000);
    commit(f);
}

static void expired_and_swept(struct fixture *f)
{
    looked_at(f);
    f->now_ms += 100000;
    begin(f);
    assert_int_equal(keyspace_sweep(f->ks, 10), 1);
    (void)keyspace_sweep_pages(f->ks, 1000);
    commit(f);
}

static void flushed(struct fixture *f)
{
    begin(f);
    assert_true(keyspace_flush_db(f->ks, 0));
    commit(f);
}

static void flushed_and_written(struct fixture *f)
{
    struct value v = {.type = VALUE_STRING, .data = bytes_of(second, LENGTH)};
    begin(f);
    assert_true(keyspace_flush_db(f->ks, 0));
    keyspace_put(f->ks, 0, KEY, &v);
    commit(f);
}

/* The store has another state, of which nobody here knows anything. */
static void another_state(struct fixture *f)
{
    struct applied a = {f->index + 10, 3, f->now_ms, 0, 7};
    struct store_batch b = STORE_BATCH_INIT;
    struct buf value = BUF_INIT, rows = BUF_INIT, error = BUF_INIT;
    struct store_fill *fill;
    uint64_t state = 0;
    meta_applied_encode(&value, &a);
    store_row_append(&rows, meta_applied_key(), buf_view(&value));
    assert_int_equal(store_fill_begin(f->store, 0, BYTES_NONE, &fill), 0);
    assert_int_equal(store_fill_add(fill, buf_view(&rows)), 0);
    assert_int_equal(store_fill_end(fill, &state), 0);
    store_fill_free(fill);
    keyspace_leave(f->ks);
    assert_int_equal(store_state_use(f->store, &b, state), 0);
    assert_int_equal(keyspace_reopen(f->ks, &error), 0);
    f->index = keyspace_applied(f->ks)->index;
    assert_int_equal(f->index, a.index);
    assert_true(holds(f, 0, "a", NULL));
    assert_int_equal(keyspace_counts(f->ks, 0)->keys, 0);
    store_batch_release(&b);
    buf_release(&value);
    buf_release(&rows);
    buf_release(&error);
}

static const struct {
    void (*happens)(struct fixture *f);
    bool saved; /* the rest has to be copied */
} events[] = {
    {nothing, false},
    {another_key, false},
    {looked_at, false},
    {another_database_flushed, false},
    {replaced, true},
    {replaced_by_less, false}, /* by a ticket, later */
    {replaced_by_less_and_swept, true},
    {a_byte_changed, true},
    {deleted_and_swept, true},
    {expired_and_swept, true},
    {flushed, true},
    {flushed_and_written, true},
    {another_state, true},
};

/* --- tests -------------------------------------------------------------- */

/* At the beginning, in the middle, at the end; once, and once more. */
static void it_tells_what_was(void **state)
{
    UNUSED(state);
    static const size_t before[] = {0, 1, 50, 101};
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        for (size_t k = 0; k < ARRAY_LEN(before); k++) {
            struct fixture f;
            struct value_stream st;
            setup(&f);
            put_long(&f, KEY, bytes_of(first, LENGTH), 0);
            open_at(&f, &st, 0, LENGTH);
            size_t at = tell(&f, &st, 0, before[k]);
            events[i].happens(&f);
            assert_true(saved(&st) == 0 || events[i].saved);
            assert_true(saved(&st) == LENGTH - at || !events[i].saved);
            at = tell(&f, &st, at, 3);
            if (events[i].happens != expired_and_swept)
                another_key(&f);
            at = tell(&f, &st, at, LENGTH);
            assert_int_equal(at, LENGTH);
            stream_close(&st);
            teardown(&f);
        }
    }
}

/* Two readers at different places, and one that has gone. */
static void each_has_its_own_place(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct value_stream one, two, gone;
    setup(&f);
    put_long(&f, KEY, bytes_of(first, LENGTH), 0);
    open_at(&f, &one, 0, LENGTH);
    open_at(&f, &two, 3 * PAGE - 5, 7 * PAGE);
    open_at(&f, &gone, 0, LENGTH);
    size_t at = tell(&f, &one, 0, 10);
    stream_close(&gone);
    replaced(&f);
    assert_null(gone.copy);
    assert_int_equal(tell(&f, &two, 3 * PAGE - 5, LENGTH), 10 * PAGE - 5);
    replaced(&f);
    assert_int_equal(tell(&f, &one, at, LENGTH), LENGTH);
    stream_close(&one);
    stream_close(&two);
    teardown(&f);
}

/* What they have not told is copied once, and goes with the last of them. */
static void readers_share_what_is_saved(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct value_stream readers[8], other;
    struct value v;
    setup(&f);
    put_long(&f, KEY, bytes_of(first, LENGTH), 0);
    another_key(&f);
    for (size_t i = 0; i < 8; i++) {
        open_at(&f, &readers[i], 0, LENGTH - 7 + i);
        assert_int_equal(tell(&f, &readers[i], 0, 9 - i), (9 - i) * PAGE);
    }
    assert_true(keyspace_get(f.ks, 0, BYTES_LIT("b"), &v));
    struct value_range r = keyspace_range(f.ks, &v, 0, LENGTH);
    stream_open(f.ks, &other, &r);
    assert_int_equal(stream_memory(&readers[0]), 0);
    replaced(&f);
    assert_int_equal(saved(&readers[0]), LENGTH - 2 * PAGE);
    assert_null(other.copy);
    size_t sum = 0;
    for (size_t i = 0; i < 8; i++) {
        assert_ptr_equal(readers[i].copy, readers[0].copy);
        sum += stream_memory(&readers[i]);
    }
    assert_in_range(sum, LENGTH - 2 * PAGE - 8, 2 * LENGTH);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(tell(&f, &readers[i], (9 - i) * PAGE, LENGTH),
                         LENGTH - 7 + i);
        stream_close(&readers[i]);
    }
    stream_close(&other);
    teardown(&f);
}

static void one_that_outlives_the_keyspace_is_closed(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct value_stream one, two;
    setup(&f);
    put_long(&f, KEY, bytes_of(first, LENGTH), 0);
    open_at(&f, &one, 0, LENGTH);
    open_at(&f, &two, 0, LENGTH);
    teardown(&f);
    stream_close(&two);
    stream_close(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_tells_what_was),
        cmocka_unit_test(each_has_its_own_place),
        cmocka_unit_test(readers_share_what_is_saved),
        cmocka_unit_test(one_that_outlives_the_keyspace_is_closed),
    };
    return cmocka_run_group_tests(tests, make_values, NULL);
}
