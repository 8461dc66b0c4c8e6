/* The watermark's file: slots in turn, torn ones, damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contract/temp_dir.h"
#include "journal/watermark.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define SLOT 4096

static struct temp_dir dir;
static char path[TEMP_PATH_SIZE];

static int setup(void **state)
{
    UNUSED(state);
    dir = temp_dir_new();
    temp_dir_file(&dir, "watermark", path);
    return 0;
}

static int teardown(void **state)
{
    UNUSED(state);
    temp_dir_remove(&dir);
    return 0;
}

static struct watermark mark(raft_index index)
{
    return (struct watermark){.cluster_id = 1,
                              .node = 2,
                              .incarnation = 3,
                              .term = 4,
                              .vote = 2,
                              .index = index,
                              .index_term = 4,
                              .chain = index * 100};
}

static struct watermark_file *open_ok(struct watermark *last, bool *found)
{
    struct watermark_file *f = NULL;
    struct buf error = BUF_INIT;
    assert_int_equal(watermark_open(&f, path, last, found, &error), 0);
    assert_int_equal(error.len, 0);
    buf_release(&error);
    return f;
}

static void write_ok(struct watermark_file *f, raft_index index, bool sync)
{
    struct watermark w = mark(index);
    assert_int_equal(watermark_write(f, &w, sync), 0);
}

/* Writes the marks 1.. in a new file: sync[i] says how. */
static void write_file(const char *sync)
{
    struct watermark last;
    bool found;
    struct watermark_file *f = open_ok(&last, &found);
    for (raft_index i = 1; *sync != 0; i++, sync++)
        write_ok(f, i, *sync == 's');
    watermark_close(f);
}

static void spoil(off_t at)
{
    int fd = open(path, O_RDWR);
    uint8_t byte = 0;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* The index found; 0 if the file is refused. */
static raft_index found_index(void)
{
    struct watermark_file *f;
    struct watermark last;
    bool found = false;
    struct buf error = BUF_INIT;
    int rc = watermark_open(&f, path, &last, &found, &error);
    if (rc == 0)
        watermark_close(f);
    else
        assert_true(rc == ERR_CORRUPT && error.len > 40);
    buf_release(&error);
    return rc == 0 && found ? last.index : 0;
}

static void test_new_file(void **state)
{
    UNUSED(state);
    struct watermark last;
    bool found = true;
    struct watermark_file *f = open_ok(&last, &found);
    assert_false(found);
    assert_false(watermark_last(f, &last));
    /* It appears with the first mark, so it is never seen without one. */
    assert_int_equal(access(path, F_OK), -1);
    write_ok(f, 7, false);
    assert_int_equal(access(path, F_OK), 0);
    assert_true(watermark_last(f, &last));
    assert_int_equal(last.index, 7);
    watermark_close(f);

    f = open_ok(&last, &found);
    assert_true(found);
    assert_int_equal(last.index, 7);
    assert_int_equal(last.chain, 700);
    assert_int_equal(last.vote, 2);
    assert_int_equal(last.term, 4);
    watermark_close(f);
}

static void test_never_written(void **state)
{
    UNUSED(state);
    write_file("");
    char name[TEMP_PATH_SIZE];
    temp_dir_file(&dir, "watermark.new", name);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(name, F_OK), -1);
}

static void test_newest_wins(void **state)
{
    UNUSED(state);
    const char *ways[] = {"s", "sn", "ss", "sns", "ssn", "snnnn", "nnnssnn"};
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        write_file(ways[i]);
        assert_int_equal(found_index(), strlen(ways[i]));
        assert_int_equal(unlink(path), 0);
    }
}

/* Whatever was written after a sync may be torn: the synced one is found. */
static void test_torn_write(void **state)
{
    UNUSED(state);
    const struct {
        const char *ways;
        off_t torn;
        raft_index left;
    } cases[] = {
        {"sn", SLOT, 1}, {"snn", SLOT, 1}, {"ssn", 0, 2},    {"ssnn", 0, 2},
        {"snsn", 0, 3},  {"ss", SLOT, 1},  {"sss", SLOT, 3}, {"sss", 0, 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        write_file(cases[i].ways);
        spoil(cases[i].torn + 20);
        assert_int_equal(found_index(), cases[i].left);
        assert_int_equal(unlink(path), 0);
    }
}

static void test_any_byte(void **state)
{
    UNUSED(state);
    for (off_t at = 0; at < WATERMARK_RECORD_SIZE; at++) {
        write_file("ss");
        spoil(SLOT + at);
        assert_int_equal(found_index(), 1);
        spoil(at);
        assert_int_equal(found_index(), 0);
        assert_int_equal(unlink(path), 0);
    }
}

/* After damage to the newer slot, writing goes there, not over the good. */
static void test_goes_on_after_damage(void **state)
{
    UNUSED(state);
    write_file("ss");
    spoil(SLOT);
    struct watermark last;
    bool found;
    struct watermark_file *f = open_ok(&last, &found);
    assert_int_equal(last.index, 1);
    write_ok(f, 9, false);
    watermark_close(f);
    assert_int_equal(found_index(), 9);
    spoil(SLOT);
    assert_int_equal(found_index(), 1);
}

static void test_cut_file(void **state)
{
    UNUSED(state);
    const off_t sizes[] = {0, 1, WATERMARK_RECORD_SIZE - 1, SLOT, SLOT + 79};
    const raft_index left[] = {0, 0, 0, 1, 1};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        write_file("ss");
        assert_int_equal(truncate(path, sizes[i]), 0);
        assert_int_equal(found_index(), left[i]);
        assert_int_equal(unlink(path), 0);
    }
}

static void test_cannot_open(void **state)
{
    UNUSED(state);
    char name[TEMP_PATH_SIZE];
    struct watermark_file *f;
    struct watermark last;
    bool found;
    struct buf error = BUF_INIT;
    temp_dir_file(&dir, "missing/watermark", name);
    assert_int_equal(watermark_open(&f, name, &last, &found, &error), ERR_IO);
    buf_char(&error, 0);
    assert_non_null(strstr((const char *)error.data, name));
    buf_reset(&error);
    /* A directory in its place. */
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(watermark_open(&f, path, &last, &found, &error), ERR_IO);
    assert_true(error.len > 0);
    buf_release(&error);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_new_file),    TEST(test_never_written),
        TEST(test_newest_wins), TEST(test_torn_write),
        TEST(test_any_byte),    TEST(test_goes_on_after_damage),
        TEST(test_cut_file),    TEST(test_cannot_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
