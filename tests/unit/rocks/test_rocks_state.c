// link: rocks
/*
 * The families of the state in the database's files: which there are after a
 * state was made, used, read and left, and what a start does about them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "contract/temp_dir.h"
#include "os/file.h"
#include "rocks/rocks_internal.h"
#include "store/store_fill.h"
#include "store/store_view.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    struct temp_dir dir;
    char path[TEMP_PATH_SIZE];
    struct store *store;
};

static const struct rocks_options small = {
    .state_memory_bytes = 1024 * 1024,
    .log_memory_bytes = 1024 * 1024,
    .block_cache_bytes = 1024 * 1024,
    .create = true,
};

static int open_store(struct fixture *f, struct buf *error)
{
    return rocks_open(&f->store, f->path, &small, error);
}

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));
    struct buf error = BUF_INIT;
    f->dir = temp_dir_new();
    temp_dir_file(&f->dir, "db", f->path);
    *state = f;
    return open_store(f, &error);
}

static void close_store(struct fixture *f)
{
    if (f->store != NULL)
        store_close(f->store);
    f->store = NULL;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    close_store(f);
    temp_dir_remove(&f->dir);
    mem_free(f);
    return 0;
}

static void reopen(struct fixture *f)
{
    struct buf error = BUF_INIT;
    close_store(f);
    int err = open_store(f, &error);
    if (err != 0)
        print_error("%.*s\n", (int)error.len, (const char *)error.data);
    buf_release(&error); /* it may have been written to */
    assert_int_equal(err, 0);
}

/* Their names in a line. */
static void families(struct fixture *f, char out[256])
{
    char *why = NULL;
    size_t count = 0;
    rocksdb_options_t *o = rocksdb_options_create();
    char **names = rocksdb_list_column_families(o, f->path, &count, &why);
    assert_null(why);
    out[0] = 0;
    for (size_t i = 0; i < count; i++)
        snprintf(out + strlen(out), 256 - strlen(out), "%s ", names[i]);
    rocksdb_list_column_families_destroy(names, count);
    rocksdb_options_destroy(o);
}

static bool has(struct fixture *f, const char *name)
{
    char all[256];
    char word[64];
    families(f, all);
    snprintf(word, sizeof(word), " %s ", name);
    return strstr(all, word) != NULL;
}

static void put(struct store *s, enum store_family family, const char *key,
                struct bytes value)
{
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_put(&b, family, bytes_str(key), value);
    assert_int_equal(
        store_write(s, &b,
                    family == STORE_STATE ? STORE_UNLOGGED : STORE_LOGGED),
        0);
    store_batch_release(&b);
}

static uint64_t make(struct store *s, const char *value)
{
    struct store_fill *f;
    struct buf row = BUF_INIT;
    uint64_t made = 0;
    assert_int_equal(store_fill_begin(s, 0, BYTES_NONE, &f), 0);
    store_row_append(&row, BYTES_LIT("k"), bytes_str(value));
    assert_int_equal(store_fill_add(f, buf_view(&row)), 0);
    assert_int_equal(store_fill_end(f, &made), 0);
    store_fill_free(f);
    buf_release(&row);
    return made;
}

static void use(struct store *s, uint64_t made)
{
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_put(&b, STORE_META, BYTES_LIT("p"), BYTES_LIT("1"));
    assert_int_equal(store_state_use(s, &b, made), 0);
    store_batch_release(&b);
}

/* Within half a minute. */
static void expect_dropped(struct fixture *f, const char *name)
{
    for (int i = 0; i < 600 && has(f, name); i++) {
        store_tidy(f->store);
        usleep(50000);
    }
    assert_false(has(f, name));
}

static void expect_kept(struct fixture *f, const char *name)
{
    for (int i = 0; i < 5; i++) {
        store_tidy(f->store);
        usleep(50000); /* the longer, the more a fault has done */
    }
    assert_true(has(f, name));
}

static void expect_row(struct fixture *f, const char *value)
{
    struct buf got = BUF_INIT;
    assert_int_equal(store_get(f->store, STORE_STATE, BYTES_LIT("k"), &got), 0);
    assert_true(bytes_eq(buf_view(&got), bytes_str(value)));
    buf_release(&got);
}

static void test_old_ones_go_when_durable(void **state)
{
    struct fixture *f = *state;
    put(f->store, STORE_STATE, "k", BYTES_LIT("0"));
    assert_int_equal(store_flush(f->store, STORE_STATE, true), 0);
    use(f->store, make(f->store, "1"));
    assert_true(has(f, "state") && has(f, "state.1"));
    expect_kept(f, "state"); /* a crash would need it */
    assert_int_equal(store_sync(f->store), 0);
    expect_dropped(f, "state");
    expect_row(f, "1");
    reopen(f);
    expect_row(f, "1");
    use(f->store, make(f->store, "2"));
    assert_int_equal(store_sync(f->store), 0);
    expect_dropped(f, "state.1");
    expect_row(f, "2");
    reopen(f);
    expect_row(f, "2");
    char all[256];
    families(f, all);
    assert_string_equal(all, "default log meta state.2 ");
}

/* Of the tables, the newest `count`, in their order. */
static void newest_tables(struct fixture *f, uint64_t *out, uint32_t count)
{
    memset(out, 0, count * sizeof(*out));
    DIR *d = opendir(f->path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        uint64_t n = strtoull(e->d_name, NULL, 10);
        uint32_t at = count;
        if (strstr(e->d_name, ".sst") == NULL || n < out[0])
            continue;
        while (out[at - 1] > n)
            at--;
        memmove(out, out + 1, (at - 1) * sizeof(*out));
        out[at - 1] = n;
    }
    closedir(d);
}

/* As RocksDB leaves it if syncing the MANIFEST fails. */
static void take_back(struct fixture *f, uint32_t parts)
{
    uint64_t tables[8];
    assert_true(parts <= ARRAY_LEN(tables));
    newest_tables(f, tables, parts);
    for (uint32_t i = 0; i < parts; i++) {
        char from[TEMP_PATH_SIZE + 32];
        char to[TEMP_PATH_SIZE + 32];
        snprintf(from, sizeof(from), "%s/%06llu.sst", f->path,
                 (unsigned long long)tables[i]);
        snprintf(to, sizeof(to), "%s/refill.%u", f->path, i + 1);
        assert_int_equal(rename(from, to), 0);
    }
}

static void make_of_parts(struct store *s, uint32_t count)
{
    struct store_fill *f;
    struct buf row = BUF_INIT;
    uint64_t made;
    uint32_t parts = 0;
    assert_int_equal(store_fill_begin(s, 0, BYTES_NONE, &f), 0);
    for (uint32_t i = 0; i < count; i++) {
        char key[2] = {(char)('a' + i), 0};
        buf_reset(&row);
        store_row_append(&row, bytes_str(key), BYTES_LIT("value"));
        assert_int_equal(store_fill_add(f, buf_view(&row)), 0);
        assert_int_equal(store_fill_part(f, &parts), 0);
    }
    assert_int_equal(parts, count);
    assert_int_equal(store_fill_end(f, &made), 0);
    store_fill_free(f);
    buf_release(&row);
}

/* Nobody used the state, and the parts are still there: so all goes on. */
static void test_parts_not_taken_over(void **state)
{
    struct fixture *f = *state;
    struct store_fill *again;
    put(f->store, STORE_STATE, "k", BYTES_LIT("0"));
    assert_int_equal(store_flush(f->store, STORE_STATE, true), 0);
    for (uint32_t parts = 1; parts <= 5; parts += 2) {
        make_of_parts(f->store, parts);
        close_store(f);
        take_back(f, parts);
        reopen(f);
        expect_row(f, "0");
        char last[2] = {(char)('a' + parts - 1), 0};
        assert_int_equal(
            store_fill_begin(f->store, parts, bytes_str(last), &again), 0);
        store_fill_free(again);
        assert_false(has(f, "state.1"));
    }
}

/* One part is another one's content: no way is right, and no file stays that
 * the database does not know. */
static void test_parts_that_are_not_the_tables(void **state)
{
    struct fixture *f = *state;
    struct buf error = BUF_INIT;
    char path[TEMP_PATH_SIZE + 32];
    make_of_parts(f->store, 3);
    close_store(f);
    take_back(f, 3);
    snprintf(path, sizeof(path), "%s/refill.2", f->path);
    assert_int_equal(file_replace(path, BYTES_LIT("no table")), 0);
    uint64_t before[2], after[2];
    newest_tables(f, before, 2);
    assert_int_equal(open_store(f, &error), ERR_CORRUPT);
    newest_tables(f, after, 2);
    assert_memory_equal(before, after, sizeof(before));
    assert_non_null(memmem(error.data, error.len, "is missing", 10));
    buf_release(&error);
}

static void test_a_view_holds_its_state(void **state)
{
    struct fixture *f = *state;
    put(f->store, STORE_STATE, "k", BYTES_LIT("0"));
    assert_int_equal(store_flush(f->store, STORE_STATE, true), 0);
    struct store_view *v = store_view_open(f->store);
    use(f->store, make(f->store, "1"));
    assert_int_equal(store_sync(f->store), 0);
    expect_kept(f, "state");
    struct buf rows = BUF_INIT;
    bool end;
    assert_int_equal(store_view_read(v, BYTES_NONE, 100, &rows, &end), 0);
    assert_true(end && rows.len == STORE_ROW_HEADER + 2);
    assert_int_equal(rows.data[rows.len - 1], '0');
    buf_release(&rows);
    store_view_close(v);
    expect_dropped(f, "state");
}

/* What was made and not used goes: when another one is begun, and at a start.
 */
static void test_unused_ones_go(void **state)
{
    struct fixture *f = *state;
    uint64_t first = make(f->store, "1");
    assert_true(first == 1 && has(f, "state.1"));
    uint64_t second = make(f->store, "2");
    assert_int_equal(second, 2);
    expect_dropped(f, "state.1");
    assert_true(has(f, "state.2"));
    reopen(f);
    char all[256];
    families(f, all);
    assert_string_equal(all, "default log meta state ");
    use(f->store, make(f->store, "3"));
    expect_row(f, "3");
}

static void test_no_file_is_left(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++)
        use(f->store, make(f->store, "1"));
    put(f->store, STORE_STATE, "l", BYTES_LIT("1"));
    reopen(f);
    reopen(f);
    uint64_t one = rocks_files_bytes(f->path, ".sst");
    assert_true(one > 0);
    use(f->store, make(f->store, "1"));
    put(f->store, STORE_STATE, "l", BYTES_LIT("1"));
    reopen(f);
    reopen(f); /* a start deletes what the one before has dropped */
    assert_true(rocks_files_bytes(f->path, ".sst") <= 2 * one);
    assert_int_equal(rocks_files_bytes(f->path, ".part"), 0);
}

static void expect_refused(struct fixture *f, const char *text)
{
    struct buf error = BUF_INIT;
    assert_int_equal(open_store(f, &error), ERR_CORRUPT);
    f->store = NULL;
    buf_char(&error, 0);
    if (strstr((const char *)error.data, text) == NULL)
        fail_msg("%s", (const char *)error.data);
    buf_release(&error);
}

/* The row that names the state in use. */
static void test_the_row_is_checked(void **state)
{
    struct fixture *f = *state;
    static const struct bytes bad[] = {
        BYTES_LIT(""), BYTES_LIT("1"), BYTES_LIT("0123456789abcdef"),
        BYTES_LIT("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")};
    use(f->store, make(f->store, "1"));
    assert_int_equal(store_sync(f->store), 0);
    struct buf row = BUF_INIT;
    assert_int_equal(store_get(f->store, STORE_META, BYTES_LIT("state"), &row),
                     0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct rocks_options o = small;
        put(f->store, STORE_META, "state", bad[i]);
        close_store(f);
        expect_refused(f, "the row that names the state");
        /* As if the damage were healed. */
        struct rocks *r = rocks_new(f->path, &o, ROCKS_TOLERATE);
        rocksdb_free(rocks_open_database(r, false));
        struct store_batch b = STORE_BATCH_INIT;
        store_batch_put(&b, STORE_META, BYTES_LIT("state"), buf_view(&row));
        assert_int_equal(rocks_write(&r->base, &b, STORE_LOGGED), 0);
        assert_int_equal(rocks_sync_logs(r), 0);
        store_batch_release(&b);
        rocks_close(&r->base);
        struct buf error = BUF_INIT;
        assert_int_equal(open_store(f, &error), 0);
        expect_row(f, "1");
    }
    buf_release(&row);
}

static void test_a_state_that_is_not_there(void **state)
{
    struct fixture *f = *state;
    use(f->store, make(f->store, "1"));
    assert_int_equal(store_sync(f->store), 0);
    expect_dropped(f, "state");
    close_store(f);
    struct rocks *r = rocks_new(f->path, &small, ROCKS_TOLERATE);
    assert_null(rocks_open_database(r, false));
    char *why = NULL;
    rocksdb_drop_column_family(r->db, atomic_load(&r->state)->handle, &why);
    assert_null(why);
    rocks_close(&r->base);
    expect_refused(f, "Column family not found: state");
    assert_true(!has(f, "state"));
    r = rocks_new(f->path, &small, ROCKS_TOLERATE); /* it makes the first */
    rocksdb_free(rocks_open_database(r, false));
    rocks_close(&r->base);
    expect_refused(f, "the state that the database names is not there");
    expect_refused(f, "the state that the database names is not there");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_old_ones_go_when_durable, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_parts_not_taken_over, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_parts_that_are_not_the_tables,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_view_holds_its_state, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_unused_ones_go, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_file_is_left, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_row_is_checked, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_state_that_is_not_there, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
