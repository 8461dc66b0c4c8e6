// link: snapshot
/*
 * Backups: what was written is read again; a file with any byte changed, cut
 * anywhere, put together from two, or of another version is refused.
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
#include "data/key.h"
#include "data/meta.h"
#include "os/file.h"
#include "snapshot/ahead.h"
#include "snapshot/archive_internal.h"
#include "snapshot/renew.h"
#include "snapshot/source.h"
#include "unit/data/data_fixture.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_MAX ((size_t)64 << 20)

struct place {
    struct temp_dir dir;
    char file[TEMP_PATH_SIZE];
    char part[TEMP_PATH_SIZE];
};

static struct place place_new(void)
{
    struct place p = {.dir = temp_dir_new()};
    temp_dir_file(&p.dir, "backup", p.file);
    temp_dir_file(&p.dir, "backup.part", p.part);
    return p;
}

/* The next chunk, as a node's loop would ask for it. */
static int wait_for_chunk(struct ahead *a, uint64_t number, struct chunk *c)
{
    int err;
    while ((err = ahead_chunk(a, number, c)) == ERR_AGAIN)
        (void)nanosleep(&(struct timespec){0, 1000000}, NULL);
    return err;
}

/* Writes the state to the file; whether the end is written. */
static struct inspect_totals back_up(struct fixture *f, const char *file,
                                     bool finish)
{
    struct archive_writer *w;
    struct buf error = BUF_INIT;
    struct buf text = BUF_INIT;
    struct inspect_totals totals = {0};
    struct applied position;
    struct chunk c;
    int err = store_flush(f->store, STORE_STATE, true);
    assert_int_equal(err, 0);
    struct store_view *v = store_view_open(f->store);
    struct ahead *a = ahead_new(v, NULL, false);
    while ((err = ahead_position(a, &position)) == ERR_AGAIN) {
    }
    assert_int_equal(err, 0);
    buf_printf(&text, "x:7\r\nindex:%llu\r\n",
               (unsigned long long)position.index);
    assert_int_equal(archive_create(&w, file, buf_view(&text), &error), 0);
    struct inspect *i = inspect_new();
    uint64_t number = 1;
    for (; (err = wait_for_chunk(a, number, &c)) == 0; number++) {
        assert_int_equal(c.number, number);
        assert_int_equal(inspect_chunk(i, &c, &error), 0);
        assert_int_equal(archive_add(w, &c, &error), 0);
        assert_int_equal(ahead_chunk(a, number, &c), 0); /* again */
        assert_int_equal(ahead_chunk(a, number + 2, &c), ERR_INVALID);
        if (number > 1)
            assert_int_equal(ahead_chunk(a, number - 1, &c), ERR_INVALID);
    }
    assert_int_equal(err, ERR_NOT_FOUND);
    assert_int_equal(c.number, number - 1);
    assert_int_equal(inspect_end(i, &totals, &error), 0);
    assert_true(totals.hash == c.hash && totals.chunks == c.number);
    if (finish)
        assert_int_equal(archive_finish(w, &totals, &error), 0);
    archive_close(w);
    inspect_free(i);
    ahead_free(a);
    store_view_close(v);
    buf_release(&text);
    return totals;
}

/* All of a file; the rows appended to *rows, if not NULL. */
static int read_back(const char *file, struct inspect_totals *totals,
                     struct buf *rows, struct buf *error)
{
    struct archive_reader *r;
    struct chunk c;
    int err = archive_open(&r, file, error);
    if (err != 0)
        return err;
    while ((err = archive_next(r, &c, totals, error)) == 0) {
        if (rows != NULL)
            buf_bytes(rows, c.rows);
    }
    if (err == ERR_NOT_FOUND) {
        assert_int_equal(archive_number(r, "x"), 7);
        assert_int_equal(archive_number(r, "inde"), 0);
        assert_int_equal(archive_number(r, "index"), totals->applied.index);
    }
    archive_free(r);
    return err;
}

static void write_file(const char *file, const struct buf *content)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(file_write(fd, content->data, content->len), 0);
    close(fd);
}

static void expect_refused(const char *file, const char *text)
{
    struct inspect_totals totals;
    struct buf error = BUF_INIT;
    int err = read_back(file, &totals, NULL, &error);
    buf_char(&error, 0);
    if (err != ERR_CORRUPT || strstr((const char *)error.data, text) == NULL)
        fail_msg("%d, \"%s\", not \"%s\"", err, (const char *)error.data, text);
    buf_release(&error);
}

static void make_small(struct fixture *f)
{
    setup(f);
    begin(f);
    put(f, 0, "key", "value", 0);
    put(f, 3, "expires", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        5000);
    commit(f);
}

static void make_large(struct fixture *f)
{
    uint64_t rng = 3;
    setup(f);
    for (int i = 0; i < 200; i++) {
        uint8_t data[4000];
        char key[16];
        for (size_t k = 0; k < sizeof(data); k++)
            data[k] = (uint8_t)(i % 2 == 0 ? 'z' : rng_next(&rng));
        snprintf(key, sizeof(key), "%d", i);
        struct value v = {.type = VALUE_STRING,
                          .data = bytes_of(data, sizeof(data))};
        begin(f);
        keyspace_put(f->ks, 0, bytes_str(key), &v);
        commit(f);
    }
}

static void test_what_was_written_is_read(void **state)
{
    UNUSED(state);
    void (*const make[])(struct fixture *) = {make_small, make_large};
    for (size_t i = 0; i < ARRAY_LEN(make); i++) {
        struct place p = place_new();
        struct fixture f;
        make[i](&f);
        struct inspect_totals a = back_up(&f, p.file, true);
        struct inspect_totals b;
        struct buf rows = BUF_INIT;
        struct buf error = BUF_INIT;
        assert_int_equal(read_back(p.file, &b, &rows, &error), ERR_NOT_FOUND);
        assert_memory_equal(&a, &b, sizeof(a));
        assert_int_equal(rows.len, a.bytes);
        assert_true(access(p.part, F_OK) != 0);
        struct stat st;
        assert_int_equal(stat(p.file, &st), 0);
        if (i == 1) { /* half of it can be compressed, half cannot */
            assert_true(a.chunks > 3);
            assert_true((uint64_t)st.st_size < a.bytes * 6 / 10);
            assert_true((uint64_t)st.st_size > a.bytes * 4 / 10);
        }
        buf_release(&rows);
        teardown(&f);
        temp_dir_remove(&p.dir);
    }
}

static void test_every_byte_counts(void **state)
{
    struct place p = place_new();
    struct fixture f;
    struct buf whole = BUF_INIT;
    UNUSED(state);
    make_small(&f);
    (void)back_up(&f, p.file, true);
    assert_int_equal(file_read(p.file, FILE_MAX, &whole), 0);
    for (size_t i = 0; i < whole.len; i++) {
        for (unsigned bit = 0; bit < 8; bit += 3) {
            whole.data[i] ^= (uint8_t)(1u << bit);
            write_file(p.file, &whole);
            expect_refused(p.file, ": at byte ");
            whole.data[i] ^= (uint8_t)(1u << bit);
        }
    }
    size_t len = whole.len;
    for (whole.len = 0; whole.len < len; whole.len++) {
        write_file(p.file, &whole);
        expect_refused(p.file, "cut short");
    }
    buf_char(&whole, 0);
    write_file(p.file, &whole);
    expect_refused(p.file, "after the trailer");
    buf_release(&whole);
    teardown(&f);
    temp_dir_remove(&p.dir);
}

static void test_some_bytes_of_a_large_one(void **state)
{
    struct place p = place_new();
    struct fixture f;
    struct buf whole = BUF_INIT;
    uint64_t rng = 9;
    UNUSED(state);
    make_large(&f);
    (void)back_up(&f, p.file, true);
    assert_int_equal(file_read(p.file, FILE_MAX, &whole), 0);
    for (int i = 0; i < 100; i++) {
        size_t at = rng_below(&rng, whole.len);
        uint8_t was = whole.data[at];
        whole.data[at] = (uint8_t)(was + 1 + rng_below(&rng, 255));
        write_file(p.file, &whole);
        expect_refused(p.file, ": at byte ");
        whole.data[at] = was;
    }
    buf_release(&whole);
    teardown(&f);
    temp_dir_remove(&p.dir);
}

/* Lengths that nobody would write: no memory is taken for them. */
static void test_lengths(void **state)
{
    struct place p = place_new();
    struct fixture f;
    struct buf whole = BUF_INIT;
    UNUSED(state);
    make_small(&f);
    (void)back_up(&f, p.file, true);
    assert_int_equal(file_read(p.file, FILE_MAX, &whole), 0);
    size_t chunk = ARCHIVE_HEAD_SIZE + load_u32le(whole.data + 8) + 8;
    store_u32le(whole.data + chunk + 4, UINT32_MAX);
    write_file(p.file, &whole);
    expect_refused(p.file, "a length that it cannot have");
    store_u32le(whole.data + chunk + 4, INT32_MAX);
    write_file(p.file, &whole);
    expect_refused(p.file, "a length that it cannot have");
    store_u32le(whole.data + chunk + 8, UINT32_MAX);
    write_file(p.file, &whole);
    expect_refused(p.file, "cut short");
    store_u32le(whole.data + 8, UINT32_MAX);
    write_file(p.file, &whole);
    expect_refused(p.file, "the head is damaged");
    buf_release(&whole);
    teardown(&f);
    temp_dir_remove(&p.dir);
}

/* Chunks of one backup between head and trailer of another. */
static void test_two_in_one(void **state)
{
    struct place p = place_new();
    struct place q = place_new();
    struct fixture f;
    struct buf a = BUF_INIT;
    struct buf b = BUF_INIT;
    UNUSED(state);
    make_small(&f);
    (void)back_up(&f, p.file, true);
    begin(&f);
    put(&f, 0, "key", "VALUE", 0);
    commit(&f);
    (void)back_up(&f, q.file, true);
    assert_int_equal(file_read(p.file, FILE_MAX, &a), 0);
    assert_int_equal(file_read(q.file, FILE_MAX, &b), 0);
    size_t trailer = a.len - ARCHIVE_TRAILER_SIZE;
    size_t other = b.len - ARCHIVE_TRAILER_SIZE;
    struct buf c = BUF_INIT;
    buf_append(&c, a.data, trailer);
    buf_append(&c, b.data + other, ARCHIVE_TRAILER_SIZE);
    write_file(p.file, &c);
    expect_refused(p.file, "the trailer is damaged");
    size_t chunk = ARCHIVE_HEAD_SIZE + load_u32le(a.data + 8) + 8;
    buf_reset(&c);
    buf_append(&c, a.data, chunk);
    buf_append(&c, b.data + chunk, other - chunk);
    buf_append(&c, a.data + trailer, ARCHIVE_TRAILER_SIZE);
    write_file(p.file, &c);
    expect_refused(p.file, "the trailer is damaged");
    buf_release(&a);
    buf_release(&b);
    buf_release(&c);
    teardown(&f);
    temp_dir_remove(&p.dir);
    temp_dir_remove(&q.dir);
}

static void test_no_backup(void **state)
{
    struct place p = place_new();
    struct buf content = BUF_INIT;
    struct buf error = BUF_INIT;
    struct inspect_totals totals;
    UNUSED(state);
    buf_str(&content, "REDIS0009 is the beginning of another program's file");
    write_file(p.file, &content);
    expect_refused(p.file, "this is no backup");
    memcpy(content.data, "vardbak2", 8);
    write_file(p.file, &content);
    expect_refused(p.file, "use the version that has made it");
    assert_int_equal(unlink(p.file), 0);
    assert_int_equal(read_back(p.file, &totals, NULL, &error), ERR_IO);
    assert_int_equal(mkdir(p.file, 0700), 0);
    assert_int_equal(read_back(p.file, &totals, NULL, &error), ERR_IO);
    assert_int_equal(rmdir(p.file), 0);
    buf_release(&content);
    buf_release(&error);
    temp_dir_remove(&p.dir);
}

/* A backup that does not come to its end leaves nothing, and one that is there
 * stays. */
static void test_not_finished(void **state)
{
    struct place p = place_new();
    struct fixture f;
    struct buf before = BUF_INIT;
    struct buf after = BUF_INIT;
    struct buf error = BUF_INIT;
    struct archive_writer *w;
    UNUSED(state);
    make_small(&f);
    (void)back_up(&f, p.file, false);
    assert_true(access(p.file, F_OK) != 0 && access(p.part, F_OK) != 0);
    (void)back_up(&f, p.file, true);
    assert_int_equal(file_read(p.file, FILE_MAX, &before), 0);
    assert_int_equal(archive_create(&w, p.file, BYTES_LIT("x:7\r\n"), &error),
                     ERR_IO);
    assert_null(w);
    assert_true(access(p.part, F_OK) != 0);
    assert_int_equal(file_read(p.file, FILE_MAX, &after), 0);
    assert_true(bytes_eq(buf_view(&before), buf_view(&after)));
    buf_reset(&error);
    assert_int_equal(
        archive_create(&w, "/nonexistent/backup", BYTES_LIT("x:7\r\n"), &error),
        ERR_IO);
    assert_true(error.len > 0);
    buf_release(&before);
    buf_release(&after);
    buf_release(&error);
    teardown(&f);
    temp_dir_remove(&p.dir);
}

/* In a new cluster nobody is whom the old one knew; the data is all there. */
static void test_renewed_rows(void **state)
{
    struct fixture f;
    struct buf rows = BUF_INIT;
    struct buf out = BUF_INIT;
    struct buf error = BUF_INIT;
    struct source *source;
    struct chunk c;
    uint8_t session[KEY_SESSION_SIZE];
    uint8_t value[SESSION_SIZE] = {1};
    UNUSED(state);
    make_small(&f);
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_put(&b, STORE_STATE, key_session(session, 2),
                    bytes_of(value, sizeof(value)));
    store_batch_put(&b, STORE_STATE, meta_level_key(), BYTES_LIT("\0\2"));
    /* Without these two nobody finds what is in large sets, or at all. */
    store_batch_put(&b, STORE_STATE, meta_seed_key(),
                    BYTES_LIT("\0\0\0\0\0\0\0\1"));
    store_batch_put(&b, STORE_STATE, meta_databases_key(),
                    BYTES_LIT("\1\0\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d"
                              "\x0e\x0f"));
    assert_int_equal(store_write(f.store, &b, STORE_UNLOGGED), 0);
    assert_int_equal(store_flush(f.store, STORE_STATE, true), 0);
    struct store_view *v = store_view_open(f.store);
    assert_int_equal(source_open(&source, v, &error), 0);
    assert_int_equal(source_next(source, &c, &error), 0);
    buf_bytes(&rows, c.rows);
    const struct applied new = {
        .index = 1ull << 33, .term = 9, .time_ms = f.now_ms, .chain = 77};
    renew_rows(buf_view(&rows), &new, &out);
    struct inspect *i = inspect_new();
    struct inspect_totals totals;
    c = (struct chunk){1, chunk_hash(buf_view(&out), 0), buf_view(&out)};
    assert_int_equal(inspect_chunk(i, &c, &error), 0);
    assert_int_equal(inspect_end(i, &totals, &error), 0);
    assert_memory_equal(&totals.applied, &new, sizeof(new));
    assert_int_equal(totals.keys, 2);
    assert_int_equal(totals.expires, 1);
    assert_int_equal(totals.level, 2); /* the data may need it */
    struct bytes rest = buf_view(&out);
    struct store_row row;
    while (store_row_next(&rest, &row))
        assert_false(row_is(row.key, ROW_SESSION));
    assert_int_equal(out.len, rows.len - STORE_ROW_HEADER - sizeof(session) -
                                  sizeof(value));
    inspect_free(i);
    source_close(source);
    store_view_close(v);
    store_batch_release(&b);
    buf_release(&rows);
    buf_release(&out);
    buf_release(&error);
    teardown(&f);
}

/* What a program cannot read it says at once. */
static void test_level(void **state)
{
    static const struct {
        const char *text;
        int err;
    } cases[] = {
        {"index:1\r\n", 0},
        {"level:1\r\nindex:1\r\n", 0},
        {"level:2\r\nindex:1\r\n", ERR_MISMATCH},
        {"index:1\r\nlevel:65535\r\n", ERR_MISMATCH},
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct archive_writer *w = NULL;
        struct buf error = BUF_INIT;
        struct place p = place_new();
        int err = archive_create(&w, p.file, bytes_str(cases[i].text), &error);
        assert_int_equal(err, cases[i].err);
        buf_char(&error, '\0');
        if (err != 0)
            assert_non_null(strstr((const char *)error.data,
                                   "this program, vardctl " VARD_VERSION
                                   ", knows the levels 1 to 1"));
        archive_close(w);
        buf_release(&error);
        temp_dir_remove(&p.dir);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_read),
        cmocka_unit_test(test_every_byte_counts),
        cmocka_unit_test(test_some_bytes_of_a_large_one),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_two_in_one),
        cmocka_unit_test(test_no_backup),
        cmocka_unit_test(test_not_finished),
        cmocka_unit_test(test_renewed_rows),
        cmocka_unit_test(test_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
