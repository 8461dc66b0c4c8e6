// link: rocks journal
/*
 * A database that must be refused: the message names the file, and no file
 * has changed, so that what was missing can be brought back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "contract/killed_child.h"
#include "contract/temp_dir.h"
#include "journal/journal.h"
#include "journal/start_check.h"
#include "os/file.h"
#include "rocks/rocks.h"

#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define ENTRIES   200 /* half of them in each write-ahead log */
#define PATH_SIZE (2 * TEMP_PATH_SIZE)
#define FILE_MAX  (64 * 1024 * 1024)

static const struct rocks_options small = {
    .state_memory_bytes = 1024 * 1024,
    .log_memory_bytes = 1024 * 1024,
    .block_cache_bytes = 1024 * 1024,
    .create = true,
};
static const struct journal_options options = {.group = 0,
                                               .cache_bytes_max = 1000};

struct fixture {
    struct temp_dir dir;
    char path[TEMP_PATH_SIZE];
    struct watermark promised;
    struct buf error;
};

/* In the child: half of the entries, a flush of the state, which begins a new
 * write-ahead log, the other half, and the end. */

static void write_half(struct store *s, struct journal *log)
{
    const struct identity id = {.cluster_id = 9, .node = 1, .incarnation = 3};
    for (int i = 0; i < ENTRIES / 2; i++) {
        struct store_batch b = STORE_BATCH_INIT;
        struct entry e = {.index = journal_last(log) + 1,
                          .term = 3,
                          .payload = BYTES_LIT("something to be kept")};
        entry_seal(&e);
        journal_put_identity(&b, &id);
        journal_hard_state(log, &b, 3, 1);
        journal_append(log, &b, &e);
        int rc = store_write(s, &b, STORE_LOGGED);
        ASSERT(rc == 0);
        store_batch_release(&b);
    }
    int rc = store_sync(s);
    ASSERT(rc == 0);
}

/* A flush of one family makes RocksDB begin another write-ahead log, while the
 * one before it is still needed by the others. */
static void write_state(struct store *s)
{
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_put(&b, STORE_STATE, BYTES_LIT("key"), BYTES_LIT("value"));
    int rc = store_write(s, &b, STORE_UNLOGGED);
    ASSERT(rc == 0);
    rc = store_flush(s, STORE_STATE, true);
    ASSERT(rc == 0);
    rc = store_flush(s, STORE_META, true);
    ASSERT(rc == 0);
    store_batch_release(&b);
}

NORETURN static void write_in_child(const char *path)
{
    struct store *s;
    struct journal *log;
    struct buf error = BUF_INIT;
    if (rocks_open(&s, path, &small, &error) != 0 ||
        journal_open(&log, s, &options, &error) != 0)
        _exit(1);
    write_half(s, log);
    write_state(s);
    write_half(s, log);
    killed_child_end();
}

static uint64_t chain_of(raft_index last)
{
    uint64_t chain = 0;
    for (raft_index i = 1; i <= last; i++) {
        struct entry e = {.index = i,
                          .term = 3,
                          .payload = BYTES_LIT("something to be kept")};
        entry_seal(&e);
        chain = entry_chain(chain, e.checksum);
    }
    return chain;
}

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));
    f->dir = temp_dir_new();
    f->error = BUF_INIT;
    temp_dir_file(&f->dir, "db", f->path);
    if (!killed_child_run("0", f->path))
        return -1;
    f->promised = (struct watermark){.cluster_id = 9,
                                     .node = 1,
                                     .incarnation = 3,
                                     .term = 3,
                                     .vote = 1,
                                     .index = ENTRIES,
                                     .index_term = 3,
                                     .chain = chain_of(ENTRIES)};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    temp_dir_remove(&f->dir);
    buf_release(&f->error);
    mem_free(f);
    return 0;
}

/* Names, contents and times of all files. */
static uint64_t fingerprint(const char *path)
{
    uint64_t sum = 0;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        struct buf b = BUF_INIT;
        struct stat st;
        char file[PATH_SIZE];
        snprintf(file, sizeof(file), "%s/%.200s", path, e->d_name);
        assert_int_equal(stat(file, &st), 0);
        if (S_ISREG(st.st_mode))
            assert_int_equal(file_read(file, FILE_MAX, &b), 0);
        buf_str(&b, e->d_name);
        if (strcmp(e->d_name, "..") != 0)
            buf_append(&b, &st.st_mtim, sizeof(st.st_mtim));
        sum += hash64(buf_view(&b));
        buf_release(&b);
    }
    closedir(dir);
    return sum;
}

/* The first file, by name, with this beginning and end. */
static void find(const struct fixture *f, const char *begin, const char *end,
                 char *out)
{
    char first[64] = "";
    DIR *dir = opendir(f->path);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        size_t len = strlen(e->d_name);
        if (strncmp(e->d_name, begin, strlen(begin)) == 0 &&
            len > strlen(end) && len < sizeof(first) &&
            strcmp(e->d_name + len - strlen(end), end) == 0 &&
            (first[0] == 0 || strcmp(e->d_name, first) < 0))
            memcpy(first, e->d_name, len + 1);
    }
    closedir(dir);
    assert_true(first[0] != 0);
    snprintf(out, PATH_SIZE, "%s/%s", f->path, first);
}

static off_t size_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void flip(const char *path, off_t at)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    int c = fgetc(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    fputc(c ^ 0x10, file);
    assert_int_equal(fclose(file), 0);
}

static int open_with(struct fixture *f, bool promised, struct store **s)
{
    struct rocks_options o = small;
    struct store_check check = start_check(&f->promised);
    o.check = promised ? &check : NULL;
    buf_reset(&f->error);
    return rocks_open(s, f->path, &o, &f->error);
}

static void expect_text(struct fixture *f, const char *words)
{
    buf_char(&f->error, 0);
    f->error.len--;
    if (strstr((const char *)f->error.data, words) == NULL)
        fail_msg("no \"%s\" in: %s", words, (const char *)f->error.data);
}

/* Refused, with these words, and nothing has changed. */
static void expect_error(struct fixture *f, bool promised, int err,
                         const char *words)
{
    struct store *s = NULL;
    uint64_t before = fingerprint(f->path);
    assert_int_equal(open_with(f, promised, &s), err);
    expect_text(f, words);
    assert_int_equal(fingerprint(f->path), before);
}

/* Refused as damaged. */
static void expect_refused(struct fixture *f, bool promised, const char *words)
{
    expect_error(f, promised, ERR_CORRUPT, words);
    expect_text(f, "copy the node's whole directory");
    expect_text(f, "Nothing was written");
}

/* Opens with all that was promised. */
static void expect_whole(struct fixture *f)
{
    struct store *s = NULL;
    struct journal *log = NULL;
    int rc = open_with(f, true, &s);
    if (rc != 0)
        fail_msg("%.*s", (int)f->error.len, (const char *)f->error.data);
    assert_int_equal(journal_open(&log, s, &options, &f->error), 0);
    assert_int_equal(journal_check(log, &f->promised, &f->error), 0);
    assert_int_equal(journal_last(log), ENTRIES);
    journal_close(log);
    store_close(s);
    assert_int_equal(f->error.len, 0);
}

static void test_whole(void **state)
{
    expect_whole(*state);
    expect_whole(*state);
}

/* One bit of a file: the message names it; turned back, all is there. */
static void check_flip(struct fixture *f, const char *begin, const char *end,
                       off_t from_end)
{
    char file[PATH_SIZE];
    find(f, begin, end, file);
    off_t at = from_end > 0 ? size_of(file) - from_end : size_of(file) / 2;
    flip(file, at);
    expect_refused(f, true, file);
    expect_refused(f, false, file);
    flip(file, at);
    expect_whole(f);
}

static void test_flipped_bit_in_log(void **state)
{
    check_flip(*state, "", ".log", 0);
}

static void test_flipped_bit_in_manifest(void **state)
{
    check_flip(*state, "MANIFEST-", "", 0);
}

static void test_flipped_bit_in_current(void **state)
{
    check_flip(*state, "CURRENT", "", 0);
}

static void test_newline_of_current(void **state)
{
    check_flip(*state, "CURRENT", "", 1);
}

/* RocksDB's texts about these are of three kinds. */
static void test_flipped_bit_at_end_of_table(void **state)
{
    check_flip(*state, "", ".sst", 3); /* magic */
}

static void test_flipped_checksum_type_of_table(void **state)
{
    check_flip(*state, "", ".sst", 53);
}

static void test_flipped_handle_of_table(void **state)
{
    check_flip(*state, "", ".sst", 51);
}

/* Not seen before the block is read; then the file is named. */
static void test_flipped_bit_in_block(void **state)
{
    struct fixture *f = *state;
    struct store *s = NULL;
    struct buf value = BUF_INIT;
    char file[PATH_SIZE];
    find(f, "", ".sst", file);
    flip(file, 10);
    assert_int_equal(open_with(f, true, &s), 0);
    assert_int_equal(store_get(s, STORE_STATE, BYTES_LIT("key"), &value),
                     ERR_CORRUPT);
    assert_non_null(strstr(store_error(s), file));
    assert_non_null(strstr(store_error(s), "backup"));
    store_close(s);
    buf_release(&value);
}

/* A file that is moved away, and comes back. */
static void check_missing(struct fixture *f, const char *begin, const char *end,
                          const char *words)
{
    char file[PATH_SIZE];
    char away[TEMP_PATH_SIZE];
    find(f, begin, end, file);
    temp_dir_file(&f->dir, "away", away);
    assert_int_equal(rename(file, away), 0);
    expect_refused(f, true, words != NULL ? words : file);
    assert_int_equal(rename(away, file), 0);
    expect_whole(f);
}

static void test_missing_table(void **state)
{
    check_missing(*state, "", ".sst", ".sst is missing");
}

static void test_missing_manifest(void **state)
{
    check_missing(*state, "MANIFEST-", "", NULL);
}

static void test_missing_current(void **state)
{
    check_missing(*state, "CURRENT", "", "CURRENT is missing");
}

/* The older of the two logs: a hole in front of the entries. */
static void test_missing_older_log(void **state)
{
    check_missing(*state, "", ".log", "entry 100: it is missing");
}

/* The newer one, and then both. */
static void test_missing_newer_logs(void **state)
{
    struct fixture *f = *state;
    char file[2][PATH_SIZE];
    char away[2][TEMP_PATH_SIZE];
    temp_dir_file(&f->dir, "older", away[0]);
    temp_dir_file(&f->dir, "newer", away[1]);
    find(f, "", ".log", file[0]);
    assert_int_equal(rename(file[0], away[0]), 0);
    find(f, "", ".log", file[1]);
    assert_int_equal(rename(file[1], away[1]), 0);
    expect_refused(f, true, "files of the database were deleted or cut");
    assert_int_equal(rename(away[0], file[0]), 0);
    expect_refused(f, true, "ends at entry 100");
    assert_int_equal(rename(away[1], file[1]), 0);
    expect_whole(f);
}

/* Wherever the newest log is cut. Only its last record may be missing. */
static void test_cut_log(void **state)
{
    struct fixture *f = *state;
    char older[PATH_SIZE];
    char newer[PATH_SIZE];
    char away[TEMP_PATH_SIZE];
    struct buf whole = BUF_INIT;
    find(f, "", ".log", older);
    temp_dir_file(&f->dir, "older", away);
    assert_int_equal(rename(older, away), 0);
    find(f, "", ".log", newer);
    assert_int_equal(rename(away, older), 0);
    assert_int_equal(file_read(newer, FILE_MAX, &whole), 0);
    for (size_t len = 0; len < whole.len; len += 1 + whole.len / 20) {
        assert_int_equal(truncate(newer, (off_t)len), 0);
        expect_refused(f, true, "ends at entry");
    }
    assert_int_equal(file_replace(newer, buf_view(&whole)), 0);
    assert_int_equal(truncate(newer, (off_t)whole.len - 1), 0);
    expect_refused(f, true, "ends at entry 199");
    assert_int_equal(file_replace(newer, buf_view(&whole)), 0);
    expect_whole(f);
    buf_release(&whole);
}

static void write_sector(const char *path, const struct buf *content, off_t at,
                         bool zeroes)
{
    static const uint8_t nothing[512];
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    const uint8_t *from = zeroes ? nothing : content->data + at;
    assert_int_equal(fwrite(from, 1, 512, file), 512);
    assert_int_equal(fclose(file), 0);
}

/* A sector of the newest log did not reach the disk before a power cut, what
 * follows it did. If all that was promised stands before it, the rest was
 * never synced: it goes. */
static void test_hole_in_log(void **state)
{
    struct fixture *f = *state;
    char path[PATH_SIZE];
    struct buf whole = BUF_INIT;
    struct store *s = NULL;
    struct journal *log = NULL;
    find(f, "", ".log", path);
    char away[TEMP_PATH_SIZE];
    temp_dir_file(&f->dir, "older", away);
    assert_int_equal(rename(path, away), 0);
    char older[PATH_SIZE];
    memcpy(older, path, sizeof(older));
    find(f, "", ".log", path);
    assert_int_equal(rename(away, older), 0);
    assert_int_equal(file_read(path, FILE_MAX, &whole), 0);
    assert_true(whole.len > 8192);

    write_sector(path, &whole, 4096, true);
    expect_refused(f, true, "checksum of a record is wrong");
    f->promised.index = ENTRIES / 2;
    f->promised.chain = chain_of(ENTRIES / 2);
    expect_refused(f, false, "checksum of a record is wrong");
    write_sector(path, &whole, 4096, false);
    flip(path, 4096 + 100);
    expect_refused(f, true, "checksum of a record is wrong");
    flip(path, 4096 + 100);
    write_sector(path, &whole, 4096, true);
    if (open_with(f, true, &s) != 0)
        fail_msg("%.*s", (int)f->error.len, (const char *)f->error.data);
    assert_int_equal(f->error.len, 0);
    assert_int_equal(journal_open(&log, s, &options, &f->error), 0);
    assert_true(journal_last(log) > ENTRIES / 2);
    assert_true(journal_last(log) < ENTRIES);
    journal_close(log);
    store_close(s);
    buf_release(&whole);
}

static void test_older_promises(void **state)
{
    struct fixture *f = *state;
    f->promised.incarnation = 5;
    expect_refused(f, true, "old copy");
    f->promised.incarnation = 4; /* the node stopped between two writes */
    expect_whole(f);
    f->promised.term = 4;
    expect_refused(f, true, "hard state");
    f->promised.term = 3;
    f->promised.chain++;
    expect_refused(f, true, "not the entry");
}

/* The watermark of another directory, or of another copy: it is not damage,
 * which others could repair, and it is found before anything is written. */
static void test_put_together(void **state)
{
    struct fixture *f = *state;
    f->promised.directory.low = 1;
    expect_error(f, true, ERR_MISMATCH, "put together from two:");
    expect_text(f, "00000000000000000000000000000001");
    f->promised.directory.low = 0;
    f->promised.nonce = 1;
    expect_error(f, true, ERR_MISMATCH, "put together from two copies of it");
    f->promised.incarnation = 4; /* of the next start, which went no further */
    expect_whole(f);
}

/* No database, where there should be one: none is made. */
static void test_missing_database(void **state)
{
    struct fixture *f = *state;
    struct store *s = NULL;
    struct stat st;
    temp_dir_file(&f->dir, "nothing", f->path);
    expect_refused(f, true, "there is no database here");
    assert_int_not_equal(stat(f->path, &st), 0);
    f->promised = (struct watermark){.incarnation = 1, .vote = NODE_NONE};
    assert_int_equal(open_with(f, true, &s), 0); /* a first start */
    store_close(s);
}

/* A MANIFEST that lost most of it does not know the tables any more, and
 * RocksDB would delete them. */
static void test_cut_manifest(void **state)
{
    struct fixture *f = *state;
    char file[PATH_SIZE];
    struct buf whole = BUF_INIT;
    find(f, "MANIFEST-", "", file);
    assert_int_equal(file_read(file, FILE_MAX, &whole), 0);
    assert_int_equal(truncate(file, (off_t)whole.len / 4), 0);
    expect_refused(f, true, "MANIFEST");
    expect_refused(f, false, "MANIFEST");
    assert_int_equal(file_replace(file, buf_view(&whole)), 0);
    expect_whole(f);
    buf_release(&whole);
}

/* What RocksDB leaves when the MANIFEST has taken a table over, and the sync
 * of the MANIFEST failed: the table under its first name only. */
static void test_table_not_taken_over(void **state)
{
    struct fixture *f = *state;
    char table[PATH_SIZE];
    char incoming[PATH_SIZE];
    struct store *s;
    struct buf value = BUF_INIT;
    find(f, "", ".sst", table); /* the first one is of the state */
    assert_in_range(
        snprintf(incoming, sizeof(incoming), "%s/incoming", f->path), 1,
        sizeof(incoming) - 1);
    assert_int_equal(rename(table, incoming), 0);
    assert_int_equal(open_with(f, true, &s), 0);
    assert_int_equal(store_get(s, STORE_STATE, BYTES_LIT("key"), &value), 0);
    assert_true(bytes_eq(buf_view(&value), BYTES_LIT("value")));
    /* The next table must not be written into this one. */
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_put(&b, STORE_STATE, BYTES_LIT("other"), BYTES_LIT("value"));
    assert_int_equal(store_write(s, &b, STORE_UNLOGGED), 0);
    assert_int_equal(store_flush(s, STORE_STATE, true), 0);
    store_batch_release(&b);
    store_close(s);
    assert_int_equal(open_with(f, true, &s), 0);
    buf_reset(&value);
    assert_int_equal(store_get(s, STORE_STATE, BYTES_LIT("key"), &value), 0);
    store_close(s);
    buf_release(&value);
}

/* A file of that name that is not the missing table is no help, and stays. */
static void test_another_table_not_taken_over(void **state)
{
    struct fixture *f = *state;
    char table[PATH_SIZE];
    char incoming[PATH_SIZE];
    char aside[PATH_SIZE];
    find(f, "", ".sst", table); /* the first one is of the state */
    assert_in_range(
        snprintf(incoming, sizeof(incoming), "%s/incoming", f->path), 1,
        sizeof(incoming) - 1);
    assert_in_range(snprintf(aside, sizeof(aside), "%s.aside", table), 1,
                    sizeof(aside) - 1);
    assert_int_equal(rename(table, aside), 0);
    assert_int_equal(file_replace(incoming, BYTES_LIT("no table")), 0);
    struct store *s = NULL;
    assert_int_equal(open_with(f, true, &s), ERR_CORRUPT);
    expect_text(f, "is missing");
    assert_int_equal(access(table, F_OK), -1);
    assert_int_equal(access(incoming, F_OK), 0);
    assert_int_equal(rename(aside, table), 0);
    expect_whole(f);
}

/* One more table of the state, over the same keys; what it comes to. */
static int write_table(struct store *s, uint8_t round)
{
    struct store_batch b = STORE_BATCH_INIT;
    for (uint32_t i = 0; i < 1000; i++) {
        uint64_t value[25];
        for (size_t k = 0; k < ARRAY_LEN(value); k++)
            value[k] = hash64_seed(bytes_of(&i, sizeof(i)), round * 100 + k);
        store_batch_put(&b, STORE_STATE, bytes_of(&i, sizeof(i)),
                        bytes_of(value, sizeof(value)));
    }
    int rc = store_write(s, &b, STORE_UNLOGGED);
    store_batch_release(&b);
    if (rc == 0)
        rc = store_flush(s, STORE_STATE, true);
    return rc == 0 ? store_sync(s) : rc;
}

static void flip_in_all_tables(const struct fixture *f)
{
    DIR *dir = opendir(f->path);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char file[PATH_SIZE];
        snprintf(file, sizeof(file), "%s/%.200s", f->path, e->d_name);
        if (strstr(e->d_name, ".sst") != NULL && size_of(file) > 100000)
            flip(file, 50000);
    }
    closedir(dir);
}

/* Damage that nobody reads but a compaction: known as damage, not taken for a
 * disk that is full, or every start would end by it again. */
static void test_damage_found_by_compaction(void **state)
{
    struct fixture *f = *state;
    struct store *s = NULL;
    assert_int_equal(open_with(f, false, &s), 0);
    for (uint8_t i = 0; i < 12; i++)
        assert_int_equal(write_table(s, i), 0);
    assert_false(rocks_is_damaged(s));
    store_close(s);
    flip_in_all_tables(f);
    assert_int_equal(open_with(f, false, &s), 0);
    int rc = 0;
    for (uint8_t i = 12; rc == 0 && i < 100; i++)
        rc = write_table(s, i);
    assert_int_not_equal(rc, 0);
    assert_true(rocks_is_damaged(s));
    assert_non_null(strstr(store_error(s), ".sst"));
    assert_non_null(strstr(store_error(s), "backup"));
    store_close(s);
}

static bool has_incoming(const struct fixture *f)
{
    char incoming[PATH_SIZE];
    assert_in_range(
        snprintf(incoming, sizeof(incoming), "%s/incoming", f->path), 1,
        sizeof(incoming) - 1);
    return access(incoming, F_OK) == 0;
}

/* A part of a table takes no space: neither when the disk was full, nor after
 * a crash. */
static void test_part_of_table_goes(void **state)
{
    struct fixture *f = *state;
    struct store *s = NULL;
    struct rlimit before;
    assert_int_equal(open_with(f, true, &s), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit little = {100000, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    int rc = write_table(s, 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(rc, ERR_IO);
    assert_non_null(strstr(store_error(s), "incoming"));
    assert_false(has_incoming(f));
    store_close(s);

    char incoming[PATH_SIZE];
    assert_true(snprintf(incoming, sizeof(incoming), "%s/incoming", f->path) >
                0);
    assert_int_equal(file_replace(incoming, BYTES_LIT("a part")), 0);
    expect_whole(f);
    assert_false(has_incoming(f));
}

/* Files that wait to be merged hold up writes of no family: RocksDB would hold
 * up the log's as well. */
static void test_merges_hold_up_nothing(void **state)
{
    static const char *const never[] = {
        "level0_stop_writes_trigger=2147483647",
        "level0_slowdown_writes_trigger=2147483647",
        "hard_pending_compaction_bytes_limit=0",
        "soft_pending_compaction_bytes_limit=0",
    };
    struct fixture *f = *state;
    char path[PATH_SIZE];
    struct buf b = BUF_INIT;
    find(f, "OPTIONS-", "", path);
    assert_int_equal(file_read(path, FILE_MAX, &b), 0);
    buf_char(&b, 0);
    for (size_t i = 0; i < ARRAY_LEN(never); i++) {
        int families = 0;
        const char *at = (const char *)b.data;
        for (; (at = strstr(at, never[i])) != NULL; at++)
            families++;
        assert_int_equal(families, STORE_FAMILY_COUNT);
    }
    assert_non_null(strstr((const char *)b.data, "bytes_per_sync=1048576"));
    assert_non_null(strstr((const char *)b.data, "strict_bytes_per_sync=true"));
    buf_release(&b);
}

static unsigned long newest_log(const struct fixture *f)
{
    unsigned long newest = 0;
    DIR *dir = opendir(f->path);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        if (strstr(e->d_name, ".log") != NULL)
            newest = MAX(newest, strtoul(e->d_name, NULL, 10));
    closedir(dir);
    return newest;
}

/* Of two stores that take the same writes the second begins its next
 * write-ahead log after half as much as the first. */
static void test_shares_in_turns(void **state)
{
    struct fixture *f = *state;
    size_t size = small.log_memory_bytes * 3 / 4;
    char *value = mem_zalloc(size);
    for (uint32_t share = 0; share < 2; share++) {
        struct rocks_options o = small;
        struct store_batch b = STORE_BATCH_INIT;
        struct store *s = NULL;
        temp_dir_file(&f->dir, share == 0 ? "first" : "second", f->path);
        o.share = share;
        o.shares = 2;
        assert_int_equal(rocks_open(&s, f->path, &o, &f->error), 0);
        unsigned long before = newest_log(f);
        store_batch_put(&b, STORE_LOG, BYTES_LIT("k"), bytes_of(value, size));
        assert_int_equal(store_write(s, &b, STORE_LOGGED), 0);
        assert_int_equal(newest_log(f) > before, share == 1);
        store_batch_release(&b);
        store_close(s);
    }
    mem_free(value);
}

/* A directory that cannot be read is no directory without a database. */
static void test_unreadable_directory(void **state)
{
    struct fixture *f = *state;
    struct store *s = NULL;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int rc = open_with(f, true, &s);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(rc, ERR_IO);
    expect_text(f, "cannot be read");
    expect_whole(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    if (killed_child_is(argc, argv))
        write_in_child(argv[3]);
    const struct CMUnitTest tests[] = {
        TEST(test_whole),
        TEST(test_flipped_bit_in_log),
        TEST(test_flipped_bit_in_manifest),
        TEST(test_flipped_bit_in_current),
        TEST(test_newline_of_current),
        TEST(test_flipped_bit_at_end_of_table),
        TEST(test_flipped_checksum_type_of_table),
        TEST(test_flipped_handle_of_table),
        TEST(test_flipped_bit_in_block),
        TEST(test_missing_table),
        TEST(test_missing_manifest),
        TEST(test_missing_current),
        TEST(test_missing_older_log),
        TEST(test_missing_newer_logs),
        TEST(test_cut_log),
        TEST(test_hole_in_log),
        TEST(test_older_promises),
        TEST(test_put_together),
        TEST(test_missing_database),
        TEST(test_cut_manifest),
        TEST(test_table_not_taken_over),
        TEST(test_another_table_not_taken_over),
        TEST(test_damage_found_by_compaction),
        TEST(test_part_of_table_goes),
        TEST(test_merges_hold_up_nothing),
        TEST(test_shares_in_turns),
        TEST(test_unreadable_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
