// link: rocks
/*
 * What store_view.h and store_fill.h promise, run against both stores: the
 * state as a whole, read beside writes, and replaced by another one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/rng.h"
#include "contract/killed_child.h"
#include "contract/temp_dir.h"
#include "rocks/rocks.h"
#include "store/store_fill.h"
#include "store/store_memory.h"
#include "store/store_view.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROWS 500
#define SIZE 1000

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
static void end_in_parts(struct store *s);
static void end_unused(struct store *s);
static void end_unsynced(struct store *s);
static void end_synced(struct store *s);
static void end_after_writes(struct store *s);
static void end_twice(struct store *s);
static uint64_t make_state(struct store *s, const char *value);
static void use(struct store *s, uint64_t made);

static void (*const works[])(struct store *) = {end_in_parts,     end_unused,
                                                end_unsynced,     end_synced,
                                                end_after_writes, end_twice};

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

/* --- short forms; the child uses them, too -------------------------------- */

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

static void flush(struct store *s)
{
    int rc = store_flush(s, STORE_STATE, true);
    ASSERT(rc == 0);
}

static void expect(struct store *s, enum store_family family, const char *key,
                   const char *value)
{
    struct buf got = BUF_INIT;
    int rc = store_get(s, family, bytes_str(key), &got);
    assert_int_equal(rc, value == NULL ? ERR_NOT_FOUND : 0);
    if (value != NULL)
        assert_true(bytes_eq(buf_view(&got), bytes_str(value)));
    buf_release(&got);
}

static void expect_state(struct store *s, const char *keys)
{
    struct buf got = BUF_INIT;
    struct store_iter *it = store_iter_new(s, STORE_STATE);
    for (store_iter_seek(it, BYTES_NONE); store_iter_valid(it);
         store_iter_next(it))
        buf_bytes(&got, store_iter_key(it));
    assert_int_equal(store_iter_status(it), 0);
    store_iter_free(it);
    assert_true(bytes_eq(buf_view(&got), bytes_str(keys)));
    buf_release(&got);
}

/* All of a view, in pieces of so many bytes. */
static int read_view(struct store_view *v, size_t piece, struct buf *out)
{
    struct buf after = BUF_INIT;
    bool end = false;
    int err = 0;
    while (err == 0 && !end) {
        size_t before = out->len;
        err = store_view_read(v, buf_view(&after), piece, out, &end);
        struct bytes rows = bytes_from(buf_view(out), before);
        struct store_row row = {.key = BYTES_NONE};
        while (store_row_next(&rows, &row)) {
        }
        ASSERT(rows.len == 0 && (end || row.key.len > 0));
        buf_reset(&after);
        buf_bytes(&after, row.key);
    }
    buf_release(&after);
    return err;
}

static void expect_view(struct store_view *v, const char *pairs)
{
    for (size_t piece = 1; piece < 100; piece += 13) {
        struct buf got = BUF_INIT;
        struct buf line = BUF_INIT;
        struct store_row row;
        assert_int_equal(read_view(v, piece, &got), 0);
        struct bytes rows = buf_view(&got);
        while (store_row_next(&rows, &row)) {
            buf_bytes(&line, row.key);
            buf_bytes(&line, row.value);
        }
        assert_true(bytes_eq(buf_view(&line), bytes_str(pairs)));
        buf_release(&got);
        buf_release(&line);
    }
}

/* Rows "a00000" and so on, which no compression makes smaller. */
static void write_rows(struct store *s, char first, uint64_t salt)
{
    struct store_batch b = STORE_BATCH_INIT;
    uint64_t value[SIZE / 8];
    uint64_t rng = salt;
    char key[24];
    for (uint32_t i = 0; i < ROWS; i++) {
        for (size_t k = 0; k < ARRAY_LEN(value); k++)
            value[k] = rng_next(&rng);
        snprintf(key, sizeof(key), "%c%05" PRIu32, first, i);
        store_batch_put(&b, STORE_STATE, bytes_str(key),
                        bytes_of(value, sizeof(value)));
    }
    int rc = store_write(s, &b, STORE_UNLOGGED);
    ASSERT(rc == 0);
    store_batch_release(&b);
}

static uint64_t hash_of(struct store_view *v, size_t piece)
{
    struct buf got = BUF_INIT;
    int rc = read_view(v, piece, &got);
    ASSERT(rc == 0);
    uint64_t hash = hash64(buf_view(&got));
    buf_release(&got);
    return hash;
}

/* A view that was asked for; within a minute. */
static struct store_view *take(struct store *s)
{
    const struct timespec pause = {0, 1000000};
    struct store_view *v = NULL;
    int rc = ERR_AGAIN;
    for (int i = 0; i < 60000 && rc == ERR_AGAIN; i++) {
        if (i > 0)
            nanosleep(&pause, NULL);
        rc = store_view_take(s, &v);
    }
    assert_int_equal(rc, 0);
    return v;
}

/* --- views ---------------------------------------------------------------- */

static void test_view_is_what_was_flushed(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    struct store_view *v = store_view_open(s);
    expect_view(v, "");
    store_view_close(v);
    put(s, STORE_STATE, "b", "1");
    put(s, STORE_STATE, "a", "");
    flush(s);
    put(s, STORE_STATE, "c", "3");
    put(s, STORE_STATE, "b", "2");
    put(s, STORE_LOG, "x", "log");
    v = store_view_open(s);
    expect_view(v, "ab1");
    flush(s);
    expect_view(v, "ab1");
    struct store_view *later = store_view_open(s);
    put(s, STORE_STATE, "a", "9");
    flush(s);
    expect_view(later, "ab2c3");
    expect_view(v, "ab1");
    store_view_close(v);
    expect_view(later, "ab2c3");
    store_view_close(later);
}

/* What is in memory only is in it, what is written after it was asked for is
 * not, whatever is flushed until it is taken. */
static void test_asked_view_is_of_that_moment(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    struct store_view *v;
    assert_int_equal(store_view_take(s, &v), ERR_NOT_FOUND);
    store_view_ask(s);
    put(s, STORE_STATE, "a", "1");
    v = take(s);
    expect_view(v, "");
    store_view_close(v);
    assert_int_equal(store_view_take(s, &v), ERR_NOT_FOUND);
    put(s, STORE_STATE, "b", "2");
    store_view_ask(s);
    put(s, STORE_STATE, "c", "3");
    flush(s);
    put(s, STORE_STATE, "b", "4");
    flush(s);
    v = take(s);
    expect_view(v, "a1b2");
    flush(s);
    expect_view(v, "a1b2");
    store_view_ask(s); /* beside the other one */
    put(s, STORE_STATE, "d", "5");
    struct store_view *other = take(s);
    expect_view(other, "a1b4c3");
    expect_view(v, "a1b2");
    store_view_close(v);
    store_view_close(other);
}

static void test_asked_view_is_the_last_one(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    struct store_view *v;
    store_view_drop(s);
    for (int i = 0; i < 5; i++) {
        char value[2] = {(char)('0' + i), 0};
        put(s, STORE_STATE, "k", value);
        store_view_ask(s);
        if (i % 2 == 1) /* it is open already */
            flush(s);
    }
    put(s, STORE_STATE, "k", "9");
    flush(s);
    v = take(s);
    expect_view(v, "k4");
    store_view_close(v);
    store_view_ask(s);
    store_view_drop(s);
    assert_int_equal(store_view_take(s, &v), ERR_NOT_FOUND);
    store_view_ask(s);
    flush(s);
    put(s, STORE_STATE, "k", "8");
    flush(s);
    store_view_drop(s);
    assert_int_equal(store_view_take(s, &v), ERR_NOT_FOUND);
    store_view_ask(s); /* the store is closed with it */
}

static void write_both(struct store *s, struct store *model, char first,
                       uint64_t salt)
{
    write_rows(s, first, salt);
    write_rows(model, first, salt);
}

/* Tables are full all the time, and one is on its way when the next view is
 * asked for; the store in memory says what is right. */
static void test_asked_views_while_tables_fill(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    struct store *model = store_memory_new();
    for (uint64_t round = 0; round < 12; round++) {
        for (uint64_t i = 0; i < round % 4; i++)
            write_both(s, model, (char)('a' + (round + i) % 5),
                       100 * round + i);
        store_view_ask(s);
        store_view_ask(model);
        for (uint64_t i = 0; i < round % 3; i++)
            write_both(s, model, (char)('c' + i), 100 * round + 50 + i);
        struct store_view *v = take(s);
        struct store_view *right = take(model);
        assert_true(hash_of(v, 5000) == hash_of(right, 7000));
        store_view_close(v);
        store_view_close(right);
    }
    store_close(model);
}

/* Another state in its place: nothing of the old one is wanted. */
static void test_asked_view_of_another_state(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    struct store_view *v;
    for (int flushed = 0; flushed < 2; flushed++) {
        put(s, STORE_STATE, "old", "1");
        store_view_ask(s);
        if (flushed) {
            flush(s);
            put(s, STORE_STATE, "old", "2");
            flush(s);
        }
        use(s, make_state(s, "1"));
        assert_int_equal(store_view_take(s, &v), ERR_NOT_FOUND);
        store_view_ask(s);
        v = take(s);
        expect_view(v, "m1n1");
        store_view_close(v);
    }
}

static void test_view_reads_from_any_key(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    const struct bytes keys[] = {BYTES_LIT("\0"), BYTES_LIT("\0\0"),
                                 BYTES_LIT("a\0b"), BYTES_LIT("\xff"),
                                 BYTES_LIT("\xff\xff")};
    struct store_batch b = STORE_BATCH_INIT;
    for (size_t i = ARRAY_LEN(keys); i > 0; i--)
        store_batch_put(&b, STORE_STATE, keys[i - 1], keys[i - 1]);
    assert_int_equal(store_write(s, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
    flush(s);
    struct store_view *v = store_view_open(s);
    struct buf out = BUF_INIT;
    for (size_t i = ARRAY_LEN(keys) + 1; i > 0; i--) { /* also backwards */
        struct bytes after = i == 1 ? BYTES_NONE : keys[i - 2];
        bool end = false;
        struct store_row row = {.key = BYTES_NONE};
        buf_reset(&out);
        assert_int_equal(store_view_read(v, after, 1, &out, &end), 0);
        struct bytes rows = buf_view(&out);
        bool found = store_row_next(&rows, &row);
        assert_int_equal(found, i <= ARRAY_LEN(keys));
        assert_int_equal(end, i >= ARRAY_LEN(keys));
        if (found) {
            assert_true(bytes_eq(row.key, keys[i - 1]));
            assert_true(bytes_eq(row.value, keys[i - 1]));
        }
    }
    bool end = false;
    buf_reset(&out); /* after a key that is not there */
    assert_int_equal(store_view_read(v, BYTES_LIT("a"), 1, &out, &end), 0);
    struct bytes rows = buf_view(&out);
    struct store_row row;
    assert_true(store_row_next(&rows, &row));
    assert_true(bytes_eq(row.key, BYTES_LIT("a\0b")) && !end);
    buf_release(&out);
    store_view_close(v);
}

/* What is replaced, deleted and discarded later stays in it, whatever merges
 * do, and whatever the view's files are merged with. */
static void test_view_keeps_rows(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    struct store_batch b = STORE_BATCH_INIT;
    write_rows(s, 'b', 1);
    write_rows(s, 'c', 2);
    write_rows(s, 'd', 3);
    flush(s);
    write_rows(s, 'e', 4);
    flush(s);
    struct store_view *v = store_view_open(s);
    uint64_t before = hash_of(v, 10000);
    store_batch_discard(&b, STORE_STATE, BYTES_LIT("c"), BYTES_LIT("e"));
    for (uint32_t i = 0; i < ROWS; i++) {
        char key[24];
        snprintf(key, sizeof(key), "e%05" PRIu32, i);
        store_batch_delete(&b, STORE_STATE, bytes_str(key));
    }
    assert_int_equal(store_write(s, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
    flush(s);
    for (int i = 0; i < 10; i++) {
        write_rows(s, 'b', 5 + (uint64_t)i);
        flush(s);
        store_tidy(s);
        usleep(50000); /* the longer, the more a fault has done */
    }
    assert_true(hash_of(v, 5000) == before);
    store_view_close(v);
    struct store_extent e = {0};
    for (int i = 0; i < 600 && (i == 0 || e.bytes > 2 * ROWS * SIZE); i++) {
        store_tidy(s);
        store_extent(s, &e);
        usleep(50000);
    }
    assert_true(e.bytes <= 2 * ROWS * SIZE); /* space comes back after it */
}

struct reader {
    struct store_view *view;
    atomic_bool stop;
    uint64_t hash;
    uint32_t rounds;
    uint32_t others;
};

static void *read_all_the_time(void *arg)
{
    struct reader *r = arg;
    while (!atomic_load(&r->stop) || r->rounds < 2) {
        r->others += hash_of(r->view, 20000) != r->hash;
        r->rounds++;
    }
    return NULL;
}

static void test_view_on_a_thread(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    write_rows(s, 'a', 1);
    write_rows(s, 'b', 2);
    flush(s);
    struct reader r = {.view = store_view_open(s)};
    r.hash = hash_of(r.view, 1000000);
    atomic_init(&r.stop, false);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_all_the_time, &r), 0);
    for (uint64_t i = 0; i < 20; i++) {
        write_rows(s, i % 2 == 0 ? 'a' : 'c', i);
        put(s, STORE_LOG, "k", "v");
        expect(s, STORE_LOG, "k", "v");
        assert_int_equal(store_sync(s), 0);
        if (i % 3 == 0)
            flush(s);
        store_tidy(s);
        struct store_view *other = store_view_open(s);
        store_view_close(other);
    }
    atomic_store(&r.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(r.others, 0);
    assert_true(r.rounds >= 2);
    store_view_close(r.view);
}

/* --- fills ---------------------------------------------------------------- */

static int add(struct store_fill *f, const char *key, const char *value)
{
    struct buf row = BUF_INIT;
    store_row_append(&row, bytes_str(key), bytes_str(value));
    int rc = store_fill_add(f, buf_view(&row));
    buf_release(&row);
    return rc;
}

static struct store_fill *begin(struct store *s)
{
    struct store_fill *f;
    int rc = store_fill_begin(s, 0, BYTES_NONE, &f);
    ASSERT(rc == 0);
    return f;
}

/* A state of two rows with this value, in two parts. */
static uint64_t make_state(struct store *s, const char *value)
{
    uint64_t made = 0;
    uint32_t parts;
    struct store_fill *f = begin(s);
    int rc = add(f, "m", value);
    ASSERT(rc == 0);
    rc = store_fill_part(f, &parts);
    ASSERT(rc == 0 && parts == 1);
    rc = add(f, "n", value);
    ASSERT(rc == 0);
    rc = store_fill_end(f, &made);
    ASSERT(rc == 0 && made > 0);
    store_fill_free(f);
    return made;
}

static void use(struct store *s, uint64_t made)
{
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_put(&b, STORE_META, BYTES_LIT("position"), BYTES_LIT("new"));
    store_batch_delete_range(&b, STORE_LOG, BYTES_LIT("a"), BYTES_LIT("z"));
    int rc = store_state_use(s, &b, made);
    ASSERT(rc == 0);
    store_batch_release(&b);
}

/* The old state, on disk and in memory, and its log. */
static void write_old(struct store *s)
{
    put(s, STORE_LOG, "entry", "old");
    put(s, STORE_META, "position", "old");
    put(s, STORE_STATE, "a", "flushed");
    put(s, STORE_STATE, "m", "old");
    flush(s);
    put(s, STORE_STATE, "b", "in memory");
    put(s, STORE_STATE, "z", "in memory");
}

static void expect_old(struct store *s)
{
    expect(s, STORE_META, "position", "old");
    expect(s, STORE_LOG, "entry", "old");
    expect(s, STORE_STATE, "m", "old");
    expect_state(s, "am");
}

static void expect_new(struct store *s, const char *value)
{
    expect(s, STORE_META, "position", "new");
    expect(s, STORE_LOG, "entry", NULL);
    expect(s, STORE_STATE, "m", value);
    expect(s, STORE_STATE, "n", value);
    expect_state(s, "mn");
}

static void test_use(void **state)
{
    struct fixture *f = *state;
    struct store *s = f->store;
    write_old(s);
    uint64_t made = make_state(s, "1");
    expect(s, STORE_STATE, "b", "in memory");
    expect_state(s, "abmz");
    struct store_view *v = store_view_open(s);
    use(s, made);
    expect_new(s, "1");
    expect_view(v, "aflushedmold");
    assert_int_equal(store_sync(s), 0);
    for (int i = 0; i < 3; i++) {
        store_tidy(s);
        expect_view(v, "aflushedmold");
    }
    store_view_close(v);
    put(s, STORE_STATE, "m", "2");
    put(s, STORE_STATE, "n", "2");
    put(s, STORE_STATE, "o", "2");
    v = store_view_open(s);
    expect_view(v, "m1n1");
    store_view_close(v);
    flush(s);
    v = store_view_open(s);
    expect_view(v, "m2n2o2");
    store_view_close(v);
    use(s, make_state(s, "3"));
    expect_new(s, "3");
    if (!f->memory) {
        store_close(s);
        open_rocksdb(f);
        expect_new(f->store, "3");
    }
}

/* A table may be on its way to the files when the state is replaced. */
static void test_use_between_tables(void **state)
{
    struct fixture *f = *state;
    for (uint64_t i = 0; i < 8; i++) {
        uint64_t made = make_state(f->store, "1");
        for (uint64_t k = 0; k <= i; k++)
            write_rows(f->store, 'a', k);
        int rc = store_flush(f->store, STORE_STATE, false);
        assert_int_equal(rc, 0);
        use(f->store, made);
        expect_new(f->store, "1");
        if (i % 2 == 0)
            put(f->store, STORE_STATE, "n", "1");
        if (i % 3 == 0)
            assert_int_equal(store_sync(f->store), 0);
        store_tidy(f->store);
    }
    flush(f->store);
    expect_new(f->store, "1");
}

static void test_empty_state(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    uint64_t made = 0;
    write_old(s);
    struct store_fill *f = begin(s);
    assert_int_equal(store_fill_end(f, &made), 0);
    store_fill_free(f);
    use(s, made);
    expect_state(s, "");
    put(s, STORE_STATE, "k", "v");
    flush(s);
    expect_state(s, "k");
}

/* Rows from outside: what is wrong with them is found, and nothing of them is
 * seen. */
static void test_bad_rows(void **state)
{
    struct store *s = ((struct fixture *)*state)->store;
    static const struct bytes bad[] = {
        BYTES_LIT("\1"),                                /* cut */
        BYTES_LIT("\0\0\0\0\0\0\0\0"),                  /* no key */
        BYTES_LIT("\1\0\0\0\0\0\0\0"),                  /* none of its key */
        BYTES_LIT("\1\0\0\0\2\0\0\0pv"),                /* value cut */
        BYTES_LIT("\xff\xff\xff\xff\xff\xff\xff\xffp"), /* lengths */
        BYTES_LIT("\1\0\0\0\0\0\0\0m"),                 /* the same key again */
        BYTES_LIT("\1\0\0\0\0\0\0\0b"),                 /* back */
        BYTES_LIT("\1\0\0\0\0\0\0\0n\1\0\0\0\0\0\0\0m"),
        BYTES_LIT("\1\0\0\0\0\0\0\0n\1"),
    };
    write_old(s);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct store_fill *f = begin(s);
        assert_int_equal(add(f, "m", "1"), 0);
        assert_int_equal(store_fill_add(f, bad[i]), ERR_CORRUPT);
        assert_true(strlen(store_fill_error(f)) > 0);
        store_fill_free(f);
    }
    expect_state(s, "abmz");
    use(s, make_state(s, "1"));
    expect_new(s, "1");
}

/* Two parts that are told, and something that is not. */
static void end_in_parts(struct store *s)
{
    uint32_t parts = 0;
    write_old(s);
    int rc = store_sync(s);
    ASSERT(rc == 0);
    struct store_fill *f = begin(s);
    for (int i = 0; i < 2; i++) {
        rc = add(f, i == 0 ? "m" : "mm", "1");
        ASSERT(rc == 0);
        rc = store_fill_part(f, &parts);
        ASSERT(rc == 0 && parts == (uint32_t)i + 1);
        rc = store_fill_part(f, &parts); /* an empty one is none */
        ASSERT(rc == 0 && parts == (uint32_t)i + 1);
    }
    rc = add(f, "mz", "never told");
    ASSERT(rc == 0);
    store_fill_free(f);
}

static void test_goes_on_after_a_crash(void **state)
{
    struct fixture *f = *state;
    uint64_t made = 0;
    struct store_fill *fill = NULL;
    crash_after(f, end_in_parts);
    expect_old(f->store);
    assert_int_equal(store_fill_begin(f->store, 3, BYTES_LIT("mz"), &fill),
                     ERR_NOT_FOUND);
    assert_null(fill);
    assert_int_equal(store_fill_begin(f->store, 2, BYTES_LIT("mm"), &fill), 0);
    assert_int_equal(add(fill, "mn", "2"), 0);
    store_fill_free(fill);
    assert_int_equal(store_fill_begin(f->store, 2, BYTES_LIT("mm"), &fill), 0);
    assert_int_equal(add(fill, "mm", "2"), ERR_CORRUPT);
    store_fill_free(fill);
    assert_int_equal(store_fill_begin(f->store, 2, BYTES_LIT("mm"), &fill), 0);
    assert_int_equal(add(fill, "n", "2"), 0);
    assert_int_equal(store_fill_end(fill, &made), 0);
    store_fill_free(fill);
    use(f->store, made);
    expect_state(f->store, "mmmn");
    assert_int_equal(store_fill_begin(f->store, 2, BYTES_LIT("mm"), &fill),
                     ERR_NOT_FOUND);
    assert_null(fill);
}

static void end_unused(struct store *s)
{
    write_old(s);
    int rc = store_sync(s);
    ASSERT(rc == 0);
    (void)make_state(s, "1");
    (void)make_state(s, "2");
}

static void end_unsynced(struct store *s)
{
    write_old(s);
    int rc = store_sync(s);
    ASSERT(rc == 0);
    use(s, make_state(s, "1"));
    put(s, STORE_STATE, "n", "2");
}

static void test_a_crash_before_the_sync(void **state)
{
    struct fixture *f = *state;
    crash_after(f, end_unused);
    expect_old(f->store);
    crash_after(f, end_unsynced);
    expect_old(f->store);
    use(f->store, make_state(f->store, "3"));
    expect_new(f->store, "3");
}

static void end_synced(struct store *s)
{
    end_unsynced(s);
    int rc = store_sync(s);
    ASSERT(rc == 0);
}

/* A table of the new state becomes a file, and that makes the use durable. */
static void end_after_writes(struct store *s)
{
    end_unsynced(s);
    flush(s);
}

static void end_twice(struct store *s)
{
    end_synced(s);
    store_tidy(s);
    use(s, make_state(s, "5"));
    store_tidy(s);
    use(s, make_state(s, "6"));
    int rc = store_sync(s);
    ASSERT(rc == 0);
    use(s, make_state(s, "7"));
}

static void test_a_crash_after_the_sync(void **state)
{
    struct fixture *f = *state;
    crash_after(f, end_synced);
    expect_new(f->store, "1");
}

static void test_a_crash_after_a_flush(void **state)
{
    struct fixture *f = *state;
    crash_after(f, end_after_writes);
    expect(f->store, STORE_META, "position", "new");
    expect(f->store, STORE_STATE, "m", "1");
    expect(f->store, STORE_STATE, "n", "2");
    expect_state(f->store, "mn");
}

static void test_a_crash_after_many(void **state)
{
    struct fixture *f = *state;
    crash_after(f, end_twice);
    expect_new(f->store, "6");
    crash_after(f, end_twice);
    expect_new(f->store, "6");
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
        BOTH(test_view_is_what_was_flushed),
        BOTH(test_asked_view_is_of_that_moment),
        BOTH(test_asked_view_is_the_last_one),
        BOTH(test_asked_views_while_tables_fill),
        BOTH(test_asked_view_of_another_state),
        BOTH(test_view_reads_from_any_key),
        BOTH(test_view_keeps_rows),
        BOTH(test_view_on_a_thread),
        BOTH(test_use),
        BOTH(test_use_between_tables),
        BOTH(test_empty_state),
        BOTH(test_bad_rows),
        BOTH(test_goes_on_after_a_crash),
        BOTH(test_a_crash_before_the_sync),
        BOTH(test_a_crash_after_the_sync),
        BOTH(test_a_crash_after_a_flush),
        BOTH(test_a_crash_after_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
