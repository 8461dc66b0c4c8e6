/*
 * What a member does with damaged data: which files stay, which are put aside,
 * and what the next start finds. (With whole nodes: tcl/tests/crash.tcl.)
 */
// link: config journal os base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "main/refill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "journal/watermark.h"
#include "os/file.h"

struct fixture {
    struct process process;
    struct buf error;
    char home[4096];
};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void write_watermark(void)
{
    struct watermark_file *file;
    struct watermark mark;
    struct buf error = BUF_INIT;
    bool found;
    assert_int_equal(watermark_open(&file, "watermark", &mark, &found, &error),
                     0);
    mark = (struct watermark){.cluster_id = 1, .term = 1};
    assert_int_equal(watermark_write(file, &mark, true), 0);
    watermark_close(file);
    buf_release(&error);
}

/* A directory with a database, which is the current one too. */
static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));
    char dir[] = "/tmp/vard-refill.XXXXXX";
    assert_non_null(mkdtemp(dir));
    assert_non_null(getcwd(f->home, sizeof(f->home)));
    assert_int_equal(chdir(dir), 0);
    snprintf(f->process.dir, sizeof(f->process.dir), "%s", dir);
    assert_int_equal(mkdir("db", 0700), 0);
    write_file("db/CURRENT", "x");
    write_file("db/000007.sst", "x");
    write_file("db/000008.log", "x");
    write_watermark();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[4200];
    assert_int_equal(chdir(f->home), 0);
    snprintf(command, sizeof(command), "rm -rf %s", f->process.dir);
    assert_int_equal(system(command), 0);
    buf_release(&f->error);
    mem_free(f);
    return 0;
}

static const char *error_of(struct fixture *f)
{
    buf_char(&f->error, '\0');
    return (const char *)f->error.data;
}

static void others_must_be_a_majority(void **state)
{
    struct config c;
    UNUSED(state);
    config_init(&c);
    c.damaged_data = CONFIG_DAMAGED_REFILL;
    for (size_t nodes = 0; nodes <= 5; nodes++) {
        c.node_count = nodes;
        assert_true(refill_allowed(&c) == (nodes >= 3));
    }
    c.damaged_data = CONFIG_DAMAGED_REFUSE;
    assert_false(refill_allowed(&c));
    c.damaged_data = CONFIG_DAMAGED_REFILL;
    c.node_count = 1; /* those that it joins are not in its lines */
    mem_free(c.join);
    c.join = mem_strdup("10.0.0.1:9001");
    assert_true(refill_allowed(&c));
    c.damaged_data = CONFIG_DAMAGED_REFUSE;
    assert_false(refill_allowed(&c));
    c.node_count = 0;
    config_release(&c);
}

static void what_is_sound_is_not_touched(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(refill_trust(&f->process), DATA_PROVEN);
    assert_int_equal(refill_prepare(&f->process, DATA_PROVEN, &f->error), 0);
    assert_false(exists("damaged"));
    assert_true(exists("db/CURRENT"));
    assert_true(exists("watermark"));
}

/* Damage that a running node met is known at its next start, until it is
 * being refilled. */
static void damage_is_remembered(void **state)
{
    struct fixture *f = *state;
    refill_remember(&f->process);
    assert_int_equal(refill_trust(&f->process), DATA_LOST);
    assert_int_equal(refill_refused(&f->process, &f->error), ERR_CORRUPT);
    char wanted[4400];
    snprintf(wanted, sizeof(wanted),
             "the database was found to be damaged while it was in use "
             "(%s/damaged says so): restore the data directory from a backup "
             "of this node",
             f->process.dir);
    assert_string_equal(error_of(f), wanted);
    refill_done(&f->process);
    assert_int_equal(refill_trust(&f->process), DATA_PROVEN);
    refill_done(&f->process); /* it is gone already */
    assert_int_equal(refill_trust(&f->process), DATA_PROVEN);
}

/* So is that its directory is a copy; but damage is worse. */
static void copy_is_remembered(void **state)
{
    struct fixture *f = *state;
    refill_remember_copy(&f->process);
    assert_int_equal(refill_trust(&f->process), DATA_UNPROVEN);
    assert_int_equal(refill_refused(&f->process, &f->error), ERR_CORRUPT);
    assert_non_null(strstr(error_of(f), "/damaged says so"));
    assert_non_null(strstr(error_of(f), "use the one that was used last"));
    refill_remember(&f->process);
    assert_int_equal(refill_trust(&f->process), DATA_LOST);
    refill_remember_copy(&f->process);
    assert_int_equal(refill_prepare(&f->process, DATA_UNPROVEN, &f->error), 0);
    assert_int_equal(refill_trust(&f->process), DATA_LOST); /* cut off */
    refill_done(&f->process);
    assert_int_equal(refill_trust(&f->process), DATA_PROVEN);
}

/* A prefix of what there was is of use: only the watermark's file may have to
 * go. A crash meanwhile ends in an empty database. */
static void unproven_data_stays(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(refill_prepare(&f->process, DATA_UNPROVEN, &f->error), 0);
    assert_int_equal(refill_trust(&f->process), DATA_LOST);
    assert_true(exists("db/CURRENT"));
    assert_true(exists("watermark"));
    assert_false(exists("watermark.damaged"));
    write_file("watermark", "this is no watermark");
    assert_int_equal(refill_prepare(&f->process, DATA_UNPROVEN, &f->error), 0);
    assert_false(exists("watermark"));
    assert_true(exists("watermark.damaged"));
    assert_true(exists("db/CURRENT"));
    assert_false(exists("db.damaged"));
}

static int next_file(void)
{
    int fd = dup(STDERR_FILENO);
    assert_true(fd >= 0);
    close(fd);
    return fd;
}

static void no_file_stays_open(void **state)
{
    struct fixture *f = *state;
    int before = next_file();
    refill_remember(&f->process);
    assert_int_equal(refill_trust(&f->process), DATA_LOST);
    assert_int_equal(refill_prepare(&f->process, DATA_UNPROVEN, &f->error), 0);
    assert_int_equal(next_file(), before);
    assert_int_equal(refill_prepare(&f->process, DATA_LOST, &f->error), 0);
    refill_done(&f->process);
    assert_int_equal(next_file(), before);
    assert_int_equal(f->error.len, 0);
}

static void lost_data_is_put_aside(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkdir("db.damaged", 0700), 0);
    write_file("db.damaged/older", "x");
    assert_int_equal(refill_prepare(&f->process, DATA_LOST, &f->error), 0);
    assert_int_equal(refill_trust(&f->process), DATA_LOST);
    assert_false(exists("db"));
    assert_true(exists("db.damaged/CURRENT"));
    assert_false(exists("db.damaged/older"));
    assert_true(exists("watermark")); /* what was promised, was */
    /* Again, after a crash: there is nothing more to put aside. */
    assert_int_equal(refill_prepare(&f->process, DATA_LOST, &f->error), 0);
    assert_true(exists("db.damaged/CURRENT"));
}

static void logs_are_put_aside_alone(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(refill_without_wal(&f->process, &f->error), 0);
    assert_int_equal(f->error.len, 0);
    assert_false(exists("db/000008.log"));
    assert_true(exists("db.wal.damaged/000008.log"));
    assert_true(exists("db/000007.sst"));
    assert_true(exists("db/CURRENT"));
    assert_int_equal(rename("db", "elsewhere"), 0);
    assert_int_not_equal(refill_without_wal(&f->process, &f->error), 0);
    assert_non_null(strstr(error_of(f), "cannot put the logs of /tmp/"));
    assert_non_null(strstr(error_of(f), "/db aside: No such file"));
}

/* A file is where the logs are to go. */
static void logs_stay_where_they_are(void **state)
{
    struct fixture *f = *state;
    write_file("db.wal.damaged", "x");
    assert_int_not_equal(refill_without_wal(&f->process, &f->error), 0);
    assert_non_null(strstr(error_of(f), "cannot put the logs of /tmp/"));
    assert_true(exists("db/000008.log"));
}

/* Nothing is begun that cannot be marked, or done. */
static void failures_are_told(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(unlink("watermark"), 0);
    assert_int_equal(mkdir("watermark", 0700), 0);
    int err = refill_prepare(&f->process, DATA_LOST, &f->error);
    assert_true(err != 0 && err != ERR_CORRUPT);
    assert_true(f->error.len > 0);
    assert_true(exists("db/CURRENT"));
    buf_reset(&f->error);
    struct process nowhere = {.dir = "/tmp/vard-refill.nowhere"};
    assert_int_not_equal(refill_prepare(&nowhere, DATA_LOST, &f->error), 0);
    assert_non_null(strstr(
        error_of(f), "cannot write in /tmp/vard-refill.nowhere: No such"));
}

/* A directory in which one may make files, but not rename those of others. */
static void what_cannot_be_put_aside_ends_the_start(void **state)
{
    struct fixture *f = *state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(f->process.dir, 01777), 0);
    assert_int_equal(chown("watermark", 65534, 65534), 0);
    assert_int_equal(seteuid(65534), 0);
    int err = refill_prepare(&f->process, DATA_LOST, &f->error);
    assert_int_equal(seteuid(0), 0);
    assert_int_not_equal(err, 0);
    assert_non_null(strstr(error_of(f), "cannot put /tmp/"));
    assert_non_null(strstr(error_of(f), "/db aside: "));
    assert_true(exists("damaged"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_must_be_a_majority),
        TEST(what_is_sound_is_not_touched),
        TEST(damage_is_remembered),
        TEST(copy_is_remembered),
        TEST(unproven_data_stays),
        TEST(lost_data_is_put_aside),
        TEST(logs_are_put_aside_alone),
        TEST(logs_stay_where_they_are),
        TEST(no_file_stays_open),
        TEST(failures_are_told),
        TEST(what_cannot_be_put_aside_ends_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
