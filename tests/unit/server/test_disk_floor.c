/*
 * Free disk space: when writes are refused, and when they are taken again.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/file.h"
#include "unit/server/fake_node.h"

/* The lines of the log. */
struct lines {
    struct logger log;
    int refused;
    int accepted;
};

static void line_seen(void *ctx, enum log_level level, const char *line,
                      size_t len)
{
    struct lines *l = ctx;
    UNUSED(level);
    UNUSED(len);
    l->refused += strstr(line, "writes are refused until") != NULL;
    l->accepted += strstr(line, "writes are accepted") != NULL;
}

/* Looks at a floor of so many percent of what is free now. Others write to the
 * same disk, so the tests keep away from the exact limits. */
static bool short_at(struct fixture *f, uint64_t percent)
{
    int64_t bytes = file_free_bytes(f->server->options.data_dir);
    assert_true(bytes > 0);
    f->config.min_free_disk_bytes = (uint64_t)bytes / 100 * percent;
    disk_floor_look(f->server);
    assert_int_equal(f->node->disk_short, f->server->disk.is_short);
    return f->server->disk.is_short;
}

/* A quarter more than the floor must be free before writes come back. */
static void the_answer_does_not_flicker(void **state)
{
    struct fixture *f = *state;
    struct lines lines = {.log = {LOG_DEBUG, line_seen, &lines}};
    f->server->options.log = &lines.log;
    assert_false(short_at(f, 50));
    assert_false(short_at(f, 90));
    assert_true(short_at(f, 200));
    assert_true(short_at(f, 110));
    assert_true(short_at(f, 90)); /* 111 % of the floor are free */
    assert_true(short_at(f, 84)); /* 119 % */
    assert_int_equal(lines.refused, 1);
    assert_int_equal(lines.accepted, 0);
    assert_false(short_at(f, 76)); /* 131 % */
    assert_int_equal(lines.accepted, 1);
    assert_false(short_at(f, 90));
    assert_true(short_at(f, 200));
    assert_int_equal(lines.refused, 2);
    assert_int_equal(lines.accepted, 1);
    f->server->options.log = NULL;
}

static void writes_come_back(void **state)
{
    struct fixture *f = *state;
    assert_true(short_at(f, 200));
    send_text(f, "SET a 1\r\n");
    const char *got = received_on(f->fd);
    assert_int_equal(strncmp(got, "-MISCONF ", 9), 0);
    assert_false(short_at(f, 50));
    send_text(f, "SET a 1\r\n");
    answer(f, 1);
    expect(f, "+SET a 1\r\n");
}

/* A read behind a write could go through the log: then it needs space. It
 * waits for the write instead. */
static void reads_take_no_space(void **state)
{
    struct fixture *f = *state;
    send_text(f, "SET a 1\r\n");
    assert_int_equal(f->node->submitted, 1);
    f->node->disk_short = true;
    send_text(f, "GET a\r\n");
    assert_int_equal(f->node->submitted, 1);
    assert_int_equal(f->node->reads_asked, 0);
    answer(f, 1);
    expect(f, "+SET a 1\r\n");
    assert_int_equal(f->node->submitted, 1);
    assert_int_equal(f->node->reads_asked, 1);
    reads_told(f, 0);
    assert_int_equal(received_on(f->fd)[0], '$');
    assert_int_equal(f->server->stats.reads_through_log, 0);
    f->node->disk_short = false;
    send_text(f, "SET a 1\r\nGET a\r\n");
    assert_int_equal(f->node->submitted, 3);
    answer(f, 2);
    assert_int_equal(f->server->stats.reads_through_log, 1);
}

static void what_cannot_be_measured_is_not_short(void **state)
{
    struct fixture *f = *state;
    f->server->options.data_dir = "/nonexistent";
    f->config.min_free_disk_bytes = UINT64_MAX / 2;
    disk_floor_look(f->server);
    assert_false(f->server->disk.is_short);
    f->server->options.data_dir = "/";
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_answer_does_not_flicker),
        test(writes_come_back),
        test(reads_take_no_space),
        test(what_cannot_be_measured_is_not_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
