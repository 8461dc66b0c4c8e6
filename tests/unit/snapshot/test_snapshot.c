// link: rocks
/*
 * The sequence of chunks: the same for the same state, whatever the stores have
 * been through; it can be gone on from; what comes from outside is judged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/rng.h"
#include "contract/temp_dir.h"
#include "data/session.h"
#include "rocks/rocks.h"
#include "snapshot/digest.h"
#include "snapshot/inspect.h"
#include "snapshot/source.h"
#include "store/store_fill.h"
#include "unit/data/data_fixture.h"

#include <string.h>
#include <time.h>

static const struct rocks_options small = {
    .state_memory_bytes = 1024 * 1024,
    .log_memory_bytes = 1024 * 1024,
    .block_cache_bytes = 1024 * 1024,
    .create = true,
};

/* A whole sequence: chunks, one after the other. */
struct sequence {
    struct buf bytes;
    size_t ends[400];
    uint64_t hashes[400];
    size_t count;
};

static void sequence_release(struct sequence *q)
{
    buf_release(&q->bytes);
    mem_free(q);
}

static struct chunk chunk_of(const struct sequence *q, size_t i)
{
    size_t from = i == 0 ? 0 : q->ends[i - 1];
    return (struct chunk){i + 1, q->hashes[i],
                          bytes_of(q->bytes.data + from, q->ends[i] - from)};
}

static void add_chunk(struct sequence *q, const struct chunk *c)
{
    ASSERT(q->count < ARRAY_LEN(q->ends) && c->number == q->count + 1);
    buf_bytes(&q->bytes, c->rows);
    q->ends[q->count] = q->bytes.len;
    q->hashes[q->count++] = c->hash;
}

static struct sequence *read_from(struct store *s,
                                  const struct source_place *from)
{
    struct sequence *q = mem_zalloc(sizeof(*q));
    struct buf error = BUF_INIT;
    struct source *source;
    struct chunk c;
    struct store_view *v = store_view_open(s);
    assert_int_equal(source_open(&source, v, &error), 0);
    if (from != NULL)
        source_seek(source, from);
    q->count = from == NULL ? 0 : from->number;
    int err;
    while ((err = source_next(source, &c, &error)) == 0)
        add_chunk(q, &c);
    assert_int_equal(err, ERR_NOT_FOUND);
    assert_int_equal(source_next(source, &c, &error), ERR_NOT_FOUND);
    source_close(source);
    store_view_close(v);
    return q;
}

static void expect_equal(const struct sequence *a, const struct sequence *b)
{
    assert_int_equal(a->count, b->count);
    assert_true(bytes_eq(buf_view(&a->bytes), buf_view(&b->bytes)));
    assert_memory_equal(a->ends, b->ends, sizeof(a->ends));
    assert_memory_equal(a->hashes, b->hashes, sizeof(a->hashes));
}

/* Another one, which knows what was saved of this one. */
static struct inspect *restarted(struct inspect *i)
{
    struct buf saved = BUF_INIT;
    inspect_save(i, &saved);
    inspect_free(i);
    i = inspect_load(buf_view(&saved));
    assert_non_null(i);
    buf_release(&saved);
    return i;
}

/* 0, or ERR_CORRUPT with a text. */
static int inspect_all(const struct sequence *q, struct inspect_totals *totals,
                       struct buf *text, bool restarts)
{
    struct inspect *i = inspect_new();
    int err = 0;
    for (size_t k = 0; err == 0 && k < q->count; k++) {
        struct chunk c = chunk_of(q, k);
        if (restarts)
            i = restarted(i);
        err = inspect_chunk(i, &c, text);
    }
    if (restarts)
        i = restarted(i);
    if (err == 0)
        err = inspect_end(i, totals, text);
    inspect_free(i);
    ASSERT((err == 0) == (text->len == 0));
    return err;
}

/* With a restart before each chunk it says the same. */
static int inspect(const struct sequence *q, struct inspect_totals *totals,
                   struct buf *text)
{
    struct inspect_totals again = {.chunks = 0};
    struct buf same = BUF_INIT;
    *totals = again;
    int err = inspect_all(q, totals, text, false);
    assert_int_equal(inspect_all(q, &again, &same, true), err);
    assert_true(bytes_eq(buf_view(text), buf_view(&same)));
    assert_memory_equal(totals, &again, sizeof(again));
    buf_release(&same);
    return err;
}

/* --- a life of the state: what it does follows from the seed ----------------
 */

static void put_long(struct fixture *f, uint8_t db, const char *key,
                     uint64_t *rng)
{
    size_t len = rng_below(rng, 3) == 0 ? 1 + rng_below(rng, 2000000)
                                        : 1 + rng_below(rng, 60000);
    uint8_t *data = mem_alloc(len);
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)rng_next(rng);
    struct value v = {.type = VALUE_STRING,
                      .expire_ms =
                          rng_below(rng, 3) == 0 ? f->now_ms + 3000 : 0,
                      .data = bytes_of(data, len)};
    keyspace_put(f->ks, db, bytes_str(key), &v);
    commit(f); /* the data are borrowed until here */
    begin(f);
    mem_free(data);
}

static void change(struct fixture *f, uint64_t *rng)
{
    char key[32];
    uint8_t db = (uint8_t)(rng_below(rng, 3) * 7);
    snprintf(key, sizeof(key), "key-%d", (int)rng_below(rng, 3000));
    uint64_t choice = rng_below(rng, 1000);
    if (choice < 2)
        (void)keyspace_flush_db(f->ks, db);
    else if (choice < 12)
        put_long(f, db, key, rng);
    else if (choice < 200)
        (void)del(f, db, key);
    else if (choice < 230)
        (void)keyspace_sweep(f->ks, 1 + (uint32_t)rng_below(rng, 40));
    else if (choice < 240)
        (void)keyspace_sweep_pages(f->ks, 1 + (uint32_t)rng_below(rng, 100));
    else if (choice < 300)
        once_store(f->ks, bytes_str(key), rng_next(rng), bytes_str(key),
                   1 + (int64_t)rng_below(rng, 5000));
    else if (choice < 500)
        put(f, db, key, key, f->now_ms + 1 + (int64_t)rng_below(rng, 4000));
    else
        put(f, db, key, "a value of some length, to fill chunks with rows", 0);
}

static void live(struct fixture *f, uint64_t *rng, int entries)
{
    for (int i = 0; i < entries; i++) {
        f->now_ms += (int64_t)rng_below(rng, 20);
        begin(f);
        for (uint64_t n = 1 + rng_below(rng, 12); n > 0; n--)
            change(f, rng);
        commit(f);
    }
}

/* What the files go through besides; no part of the state. */
static void disturb(struct fixture *f, uint64_t *rng)
{
    if (rng_below(rng, 4) == 0)
        store_tidy(f->store);
    if (rng_below(rng, 3) == 0)
        assert_int_equal(store_flush(f->store, STORE_STATE, true), 0);
}

static void open_rocks(struct fixture *f, const char *path)
{
    struct buf error = BUF_INIT;
    int rc = rocks_open(&f->store, path, &small, &error);
    ASSERT(rc == 0);
    open_keyspace(f);
}

static void flush(struct fixture *f)
{
    assert_int_equal(store_flush(f->store, STORE_STATE, true), 0);
}

/* Another store gets the rows, and uses them. */
static void refill(struct store *s, const struct sequence *q)
{
    struct store_fill *fill;
    struct store_batch b = STORE_BATCH_INIT;
    uint64_t state = 0;
    uint32_t parts;
    assert_int_equal(store_fill_begin(s, 0, BYTES_NONE, &fill), 0);
    for (size_t i = 0; i < q->count; i++) {
        assert_int_equal(store_fill_add(fill, chunk_of(q, i).rows), 0);
        if (i % 5 == 2)
            assert_int_equal(store_fill_part(fill, &parts), 0);
    }
    assert_int_equal(store_fill_end(fill, &state), 0);
    store_fill_free(fill);
    store_batch_put(&b, STORE_META, BYTES_LIT("p"), BYTES_LIT("1"));
    assert_int_equal(store_state_use(s, &b, state), 0);
    store_batch_release(&b);
}

/* A member that was refilled goes on as the others do. */
static void expect_same_future(struct fixture *f, struct fixture *refilled,
                               uint64_t seed)
{
    uint64_t a = seed;
    uint64_t b = seed;
    refilled->now_ms = f->now_ms;
    live(f, &a, 60);
    live(refilled, &b, 60);
    flush(f);
    flush(refilled);
    struct sequence *x = read_from(f->store, NULL);
    struct sequence *y = read_from(refilled->store, NULL);
    expect_equal(x, y);
    sequence_release(x);
    sequence_release(y);
}

static void one_state(uint64_t seed)
{
    struct temp_dir dir = temp_dir_new();
    char path[TEMP_PATH_SIZE];
    temp_dir_file(&dir, "db", path);
    struct fixture a;
    struct fixture b = {.now_ms = 1000};
    setup(&a);
    open_rocks(&b, path);
    uint64_t rng = seed;
    for (int round = 0; round < 8; round++) {
        uint64_t same = rng;
        live(&a, &rng, 60);
        live(&b, &same, 60);
        ASSERT(rng == same);
        uint64_t other = seed + (uint64_t)round;
        disturb(&a, &other);
        other += 77;
        disturb(&b, &other);
        if (round % 3 == 2) {
            keyspace_close(b.ks);
            store_close(b.store);
            open_rocks(&b, path);
        }
    }
    flush(&a);
    flush(&b);
    struct sequence *x = read_from(a.store, NULL);
    struct sequence *y = read_from(b.store, NULL);
    assert_true(x->count > 3);
    expect_equal(x, y);
    struct inspect_totals totals;
    struct buf text = BUF_INIT;
    if (inspect(x, &totals, &text) != 0)
        fail_msg("%.*s", (int)text.len, (const char *)text.data);
    assert_int_equal(totals.chunks, x->count);
    assert_true(totals.hash == x->hashes[x->count - 1]);
    assert_int_equal(totals.applied.index, a.index);
    assert_int_equal(totals.bytes, x->bytes.len);
    uint64_t keys = 0;
    for (uint8_t db = 0; db < KEYSPACE_DATABASES; db++)
        keys += keyspace_counts(a.ks, db)->keys;
    assert_int_equal(totals.keys, keys);
    assert_true(totals.due <= totals.expires && totals.expires <= totals.keys);

    struct fixture c = {.store = store_memory_new()};
    refill(c.store, x);
    open_keyspace(&c);
    expect_same_future(&b, &c, seed + 5);
    teardown(&a);
    teardown(&b);
    teardown(&c);
    sequence_release(x);
    sequence_release(y);
    temp_dir_remove(&dir);
}

static void test_the_same_state_is_the_same_sequence(void **state)
{
    UNUSED(state);
    for (uint64_t seed = 1; seed <= 3; seed++)
        one_state(seed);
}

/* --- one sequence, and what is done to it -----------------------------------
 */

static struct sequence *make_one(struct fixture *f)
{
    uint64_t rng = 11;
    setup(f);
    live(f, &rng, 300);
    flush(f);
    return read_from(f->store, NULL);
}

static void test_it_goes_on_from_any_chunk(void **state)
{
    struct fixture f;
    struct sequence *q = make_one(&f);
    UNUSED(state);
    assert_true(q->count > 3);
    for (size_t i = 0; i < q->count; i++) {
        struct bytes rows = chunk_of(q, i).rows;
        struct store_row row = {.key = BYTES_NONE};
        while (store_row_next(&rows, &row)) {
        }
        struct source_place place = {i + 1, q->hashes[i], row.key};
        struct sequence *rest = read_from(f.store, &place);
        assert_int_equal(rest->count, q->count);
        assert_true(bytes_eq(buf_view(&rest->bytes),
                             bytes_from(buf_view(&q->bytes), q->ends[i])));
        assert_true(i + 1 == q->count ||
                    rest->hashes[q->count - 1] == q->hashes[q->count - 1]);
        sequence_release(rest);
    }
    sequence_release(q);
    teardown(&f);
}

static void test_chunks_have_bounds(void **state)
{
    struct fixture f;
    struct sequence *q = make_one(&f);
    size_t early = 0;
    UNUSED(state);
    for (size_t i = 0; i + 1 < q->count; i++) {
        size_t len = chunk_of(q, i).rows.len;
        assert_true(len >= CHUNK_BYTES_EARLY &&
                    len < CHUNK_BYTES + (size_t)32 * 1024);
        early += len < CHUNK_BYTES;
    }
    assert_true(early > 0);
    sequence_release(q);
    teardown(&f);
}

/* The last hash is that of all chunks. */
static void test_hashes_are_chained(void **state)
{
    struct bytes rows = BYTES_LIT("some rows");
    UNUSED(state);
    assert_true(chunk_hash(rows, 1) != chunk_hash(rows, 2));
    assert_true(chunk_hash(rows, 1) != chunk_hash(BYTES_LIT("others"), 1));
    assert_true(chunk_hash(rows, 1) == chunk_hash(rows, 1));
}

static void test_an_empty_state_is_told(void **state)
{
    struct fixture f;
    struct source *source;
    struct buf error = BUF_INIT;
    UNUSED(state);
    setup(&f);
    for (int i = 0; i < 2; i++) { /* then one that is in memory only */
        struct store_view *v = store_view_open(f.store);
        assert_int_equal(source_open(&source, v, &error), ERR_NOT_FOUND);
        assert_null(source);
        assert_true(error.len > 0);
        store_view_close(v);
        begin(&f);
        put(&f, 0, "k", "v", 0);
        commit(&f);
    }
    flush(&f);
    struct sequence *q = read_from(f.store, NULL);
    struct inspect_totals totals;
    buf_reset(&error);
    assert_int_equal(inspect(q, &totals, &error), 0);
    assert_int_equal(totals.rows, 3);
    assert_int_equal(totals.keys, 1);
    assert_int_equal(totals.applied.index, 2);
    sequence_release(q);
    buf_release(&error);
    teardown(&f);
}

/* Copies a sequence, so that it can be spoilt. */
static struct sequence *copy_of(const struct sequence *q)
{
    struct sequence *c = mem_alloc(sizeof(*c));
    *c = *q;
    c->bytes = BUF_INIT;
    buf_bytes(&c->bytes, buf_view(&q->bytes));
    return c;
}

/* Hashes that are right for what is there: who spoils it knows them, too. */
static void seal(struct sequence *q)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < q->count; i++) {
        hash = chunk_hash(chunk_of(q, i).rows, hash);
        q->hashes[i] = hash;
    }
}

static void expect_bad(const struct sequence *q, const char *text)
{
    struct inspect_totals totals;
    struct buf error = BUF_INIT;
    assert_int_equal(inspect(q, &totals, &error), ERR_CORRUPT);
    buf_char(&error, 0);
    if (text != NULL && strstr((const char *)error.data, text) == NULL)
        fail_msg("\"%s\", not \"%s\"", (const char *)error.data, text);
    buf_release(&error);
}

/* What was saved, cut or longer, is not taken for it. */
static void test_what_was_saved_is_whole(void **state)
{
    struct fixture f;
    struct sequence *q = make_one(&f);
    struct inspect *i = inspect_new();
    struct buf saved = BUF_INIT, text = BUF_INIT;
    struct chunk c = chunk_of(q, 0);
    UNUSED(state);
    assert_int_equal(inspect_chunk(i, &c, &text), 0);
    inspect_save(i, &saved);
    inspect_free(i);
    for (size_t len = 0; len < saved.len; len++)
        assert_null(inspect_load(bytes_of(saved.data, len)));
    i = inspect_load(buf_view(&saved));
    assert_int_equal(inspect_so_far(i)->chunks, 1);
    assert_int_equal(inspect_so_far(i)->bytes, c.rows.len);
    assert_true(inspect_last(i).len > 0);
    inspect_free(i);
    buf_u8(&saved, 0);
    assert_null(inspect_load(buf_view(&saved)));
    saved.data[0]++; /* of another version */
    assert_null(inspect_load(bytes_of(saved.data, saved.len - 1)));
    buf_release(&saved);
    buf_release(&text);
    sequence_release(q);
    teardown(&f);
}

static void test_every_change_is_found(void **state)
{
    struct fixture f;
    struct sequence *q = make_one(&f);
    uint64_t rng = 5;
    UNUSED(state);
    for (int i = 0; i < 60; i++) {
        struct sequence *c = copy_of(q);
        c->bytes.data[rng_below(&rng, c->bytes.len)] ^=
            (uint8_t)(1u << rng_below(&rng, 8));
        expect_bad(c, "its hash is wrong");
        sequence_release(c);
    }
    for (size_t i = 0; i < q->count; i++) { /* cut short at a chunk */
        struct sequence *c = copy_of(q);
        c->count = i;
        expect_bad(c, NULL);
        sequence_release(c);
    }
    struct sequence *c = copy_of(q);
    c->ends[1] = c->ends[0]; /* an empty one */
    expect_bad(c, "its hash is wrong");
    sequence_release(c);
    sequence_release(q);
    teardown(&f);
}

/* Of a row in a sequence: removed, or with other bytes; sealed again. */
static struct sequence *without_row(const struct sequence *q, size_t number,
                                    enum row_letter letter)
{
    struct sequence *c = mem_zalloc(sizeof(*c));
    struct bytes rows = buf_view(&q->bytes);
    struct buf chunk = BUF_INIT;
    struct store_row row;
    uint64_t hash = 0;
    bool found = false;
    while (store_row_next(&rows, &row)) {
        if (row_is(row.key, letter) && number-- == 0) {
            found = true;
            continue;
        }
        store_row_append(&chunk, row.key, row.value);
        if (rows.len > 0 && !chunk_ends(chunk.len, row.key))
            continue;
        hash = chunk_hash(buf_view(&chunk), hash);
        add_chunk(c, &(struct chunk){c->count + 1, hash, buf_view(&chunk)});
        buf_reset(&chunk);
    }
    ASSERT(found);
    buf_release(&chunk);
    return c;
}

static void expect_missed(const struct sequence *q, size_t number,
                          enum row_letter letter, const char *text)
{
    struct sequence *c = without_row(q, number, letter);
    expect_bad(c, text);
    sequence_release(c);
}

/* With hashes that are right: a row that is missing is missed by others. */
static void test_a_missing_row_is_found(void **state)
{
    struct fixture f;
    struct sequence *q = make_one(&f);
    UNUSED(state);
    begin(&f);
    put(&f, 5, "expires", "v", f.now_ms + 5000);
    commit(&f);
    flush(&f);
    sequence_release(q);
    q = read_from(f.store, NULL);
    for (size_t i = 0; i < 3; i++) {
        expect_missed(q, i, ROW_VALUE, "more or fewer keys");
        expect_missed(q, i, ROW_ONCE, "index of expiries");
    }
    expect_missed(q, rows(&f, ROW_EXPIRY) - 1, ROW_EXPIRY, "index of expiries");
    expect_missed(q, 0, ROW_META, "position is missing");
    expect_missed(q, 1, ROW_META, NULL);
    if (keyspace_tickets(f.ks) > 0)
        expect_missed(q, 0, ROW_TICKET, "ticket");
    sequence_release(q);
    teardown(&f);
}

static size_t count_rows(const struct sequence *q, enum row_letter letter)
{
    struct bytes rows = buf_view(&q->bytes);
    struct store_row row;
    size_t n = 0;
    while (store_row_next(&rows, &row))
        n += row_is(row.key, letter);
    return n;
}

/* What a flush has left in the index is part of the state: sweeps count it. */
static void test_left_index_rows_are_sent(void **state)
{
    struct fixture f;
    UNUSED(state);
    setup(&f);
    begin(&f);
    put(&f, 0, "a", "v", 5000);
    put(&f, 1, "a", "v", 6000);
    commit(&f);
    begin(&f);
    assert_true(keyspace_flush_db(f.ks, 0));
    commit(&f);
    begin(&f);
    put(&f, 0, "b", "v", 7000);
    commit(&f);
    flush(&f);
    struct sequence *q = read_from(f.store, NULL);
    assert_int_equal(count_rows(q, ROW_VALUE), 2);
    assert_int_equal(count_rows(q, ROW_EXPIRY), 3);
    struct inspect_totals totals;
    struct buf text = BUF_INIT;
    assert_int_equal(inspect(q, &totals, &text), 0);
    assert_int_equal(totals.expires, 2);
    /* The last row of all is of the index: another time, the same number. */
    struct bytes rows = buf_view(&q->bytes);
    struct store_row row;
    while (store_row_next(&rows, &row)) {
    }
    q->bytes.data[row.key.data - q->bytes.data + 8]++;
    seal(q);
    expect_bad(q, "index of expiries");
    sequence_release(q);
    teardown(&f);
}

/* Boundaries that are not those that the rows have. */
static void test_other_boundaries_are_found(void **state)
{
    struct fixture f;
    struct sequence *q = make_one(&f);
    UNUSED(state);
    struct sequence *c = copy_of(q); /* two in one */
    memmove(c->ends + 1, c->ends + 2, (c->count - 2) * sizeof(c->ends[0]));
    c->count--;
    seal(c);
    expect_bad(c, "should have ended");
    sequence_release(c);
    c = copy_of(q); /* one in two */
    struct bytes rest = chunk_of(q, 1).rows;
    struct store_row row;
    assert_true(store_row_next(&rest, &row));
    memmove(c->ends + 2, c->ends + 1, (c->count - 1) * sizeof(c->ends[0]));
    c->ends[1] = c->ends[2] - rest.len;
    c->count++;
    seal(c);
    expect_bad(c, "not the last");
    c->ends[1]++; /* within a row */
    seal(c);
    expect_bad(c, "within a row");
    sequence_release(c);
    sequence_release(q);
    teardown(&f);
}

/* The hash of a whole state is that of its last chunk, whether a thread has
 * read it or the caller has. */
static void test_digest(void **state)
{
    const struct timespec pause = {0, 1000000};
    struct fixture f;
    struct sequence *q = make_one(&f);
    UNUSED(state);
    for (int in_turn = 0; in_turn < 2; in_turn++) {
        struct digest_options o = {.rate = 1 << 30, .in_turn = in_turn == 1};
        struct digest_totals t;
        struct store_view *v = store_view_open(f.store);
        struct digest *d = digest_new(v, &o);
        int err = digest_result(d, &t);
        for (int i = 0; i < 60000 && err == ERR_AGAIN; i++) {
            nanosleep(&pause, NULL);
            err = digest_result(d, &t);
        }
        assert_int_equal(err, 0);
        assert_int_equal(digest_result(d, &t), 0);
        assert_int_equal(t.chunks, q->count);
        assert_true(t.hash == q->hashes[q->count - 1]);
        assert_int_equal(t.bytes, q->bytes.len);
        assert_int_equal(t.applied.index, f.index);
        assert_string_equal(digest_error(d), "");
        digest_free(d);
        store_view_close(v);
    }
    sequence_release(q);
    teardown(&f);
}

/* What cannot be read says why; one that is not wanted any more ends at once,
 * however slow it is. */
static void test_digest_that_ends(void **state)
{
    struct fixture f;
    struct digest_totals t;
    struct digest_options o = {.in_turn = true};
    UNUSED(state);
    setup(&f); /* nothing was applied */
    struct store_view *v = store_view_open(f.store);
    struct digest *d = digest_new(v, &o);
    assert_int_equal(digest_result(d, &t), ERR_NOT_FOUND);
    assert_non_null(strstr(digest_error(d), "the state is empty"));
    digest_free(d);
    store_view_close(v);
    teardown(&f);
    sequence_release(make_one(&f));
    o = (struct digest_options){.rate = 1}; /* for years */
    v = store_view_open(f.store);
    d = digest_new(v, &o);
    assert_int_equal(digest_result(d, &t), ERR_AGAIN);
    digest_free(d);
    digest_free(NULL);
    store_view_close(v);
    store_memory_fail(f.store, "get", 3);
    o = (struct digest_options){.in_turn = true};
    v = store_view_open(f.store);
    d = digest_new(v, &o);
    assert_int_equal(digest_result(d, &t), ERR_IO);
    digest_free(d);
    store_view_close(v);
    store_memory_fail(f.store, "get", 0);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_state_is_the_same_sequence),
        cmocka_unit_test(test_it_goes_on_from_any_chunk),
        cmocka_unit_test(test_chunks_have_bounds),
        cmocka_unit_test(test_hashes_are_chained),
        cmocka_unit_test(test_an_empty_state_is_told),
        cmocka_unit_test(test_what_was_saved_is_whole),
        cmocka_unit_test(test_every_change_is_found),
        cmocka_unit_test(test_a_missing_row_is_found),
        cmocka_unit_test(test_left_index_rows_are_sent),
        cmocka_unit_test(test_other_boundaries_are_found),
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_digest_that_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
