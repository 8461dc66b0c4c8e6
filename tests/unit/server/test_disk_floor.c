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

/* A state that is fetched may take what is above the floor; 0 would be no
 * bound. */
static void assert_room(const struct fixture *f)
{
    const struct disk_floor *d = &f->server->disk;
    const struct store_space *space = &f->node->space;
    uint64_t found = (uint64_t)d->free_bytes + space->returning;
    uint64_t floor = MAX(f->config.min_free_disk_bytes, space->spare);
    if (d->promised_bytes > UINT64_MAX - floor ||
        found <= d->promised_bytes + floor)
        assert_int_equal(f->node->disk_room, 1);
    else
        assert_int_equal(f->node->disk_room, found - d->promised_bytes - floor);
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
    assert_room(f);
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

/* Percents of what is free. */
static uint64_t part(uint64_t bytes, uint64_t percent)
{
    return bytes / 100 * percent;
}

/* What will be written, or may be written for a while, is not free; what is
 * taken for a while is. */
static void promised_space_is_not_free(void **state)
{
    struct fixture *f = *state;
    uint64_t bytes = (uint64_t)file_free_bytes(f->server->options.data_dir);
    struct store_space *space = &f->node->space;
    assert_false(short_at(f, 40));
    space->promised = part(bytes, 40);
    assert_false(short_at(f, 40));
    space->passing = part(bytes, 40);
    assert_true(short_at(f, 40));
    assert_int_equal(f->server->disk.promised_bytes,
                     space->promised + space->passing);
    space->returning = part(bytes, 70); /* a quarter more than is wanted */
    assert_false(short_at(f, 40));
    space->returning = part(bytes, 40);
    assert_false(short_at(f, 40));
    space->returning = 0;
    assert_true(short_at(f, 40));
    space->promised = 0;
    assert_true(short_at(f, 41)); /* back with a quarter more: 101 % */
    assert_false(short_at(f, 30));
}

/* Full: what must be written hardly fits. What merges have written so far does
 * not help. */
static void a_full_disk_is_known(void **state)
{
    struct fixture *f = *state;
    uint64_t bytes = (uint64_t)file_free_bytes(f->server->options.data_dir);
    struct store_space *space = &f->node->space;
    space->promised = part(bytes, 90);
    assert_true(short_at(f, 50));
    assert_false(f->node->disk_full);
    space->promised = part(bytes, 110);
    space->returning = 4 * bytes;
    assert_false(short_at(f, 50));
    assert_true(f->node->disk_full && f->server->disk.is_full);
    space->promised = part(bytes, 90);
    (void)short_at(f, 50);
    assert_false(f->node->disk_full || f->server->disk.is_full);
    space->passing = UINT64_MAX;
    assert_true(short_at(f, 50));
}

/* The store knows how fast it is. */
static void no_floor_is_lower_than_the_store_needs(void **state)
{
    struct fixture *f = *state;
    uint64_t bytes = (uint64_t)file_free_bytes(f->server->options.data_dir);
    f->node->space.spare = part(bytes, 90);
    assert_false(short_at(f, 0));
    f->node->space.spare = part(bytes, 110);
    assert_true(short_at(f, 0));
    f->node->space.spare = part(bytes, 50);
    assert_false(short_at(f, 0));
    assert_true(short_at(f, 110));
}

/* At full speed a second brings too much. */
static void it_is_looked_at_in_each_tick(void **state)
{
    struct fixture *f = *state;
    f->config.min_free_disk_bytes = UINT64_MAX / 4;
    f->server->cron.second_ms = f->server->turn.mono_ms;
    assert_false(f->server->disk.is_short);
    cron_run(f->server);
    assert_true(f->server->disk.is_short);
}

/* The next turn that is at another millisecond. */
static void later_turn(struct fixture *f)
{
    int64_t before_ms = f->server->turn.mono_ms;
    while (f->server->turn.mono_ms == before_ms)
        turn(f);
}

/* In a tenth of a second a small disk takes what it has left. */
static void near_the_floor_it_is_looked_at_in_each_turn(void **state)
{
    struct fixture *f = *state;
    struct store_space *space = &f->node->space;
    uint64_t bytes = (uint64_t)file_free_bytes(f->server->options.data_dir);
    assert_false(short_at(f, 20));
    space->promised = part(bytes, 200);
    later_turn(f);
    assert_false(f->server->disk.is_short); /* it was far from it */
    space->promised = 0;
    f->config.min_free_disk_bytes = bytes - ((uint64_t)128 << 20);
    disk_floor_look(f->server);
    assert_false(f->server->disk.is_short);
    space->promised = part(bytes, 200);
    f->server->turn.is_set = true;
    disk_floor_turn(f->server);
    f->server->turn.is_set = false;
    assert_false(f->server->disk.is_short); /* it has been looked at */
    later_turn(f);
    assert_true(f->server->disk.is_short && f->server->disk.is_full);
    space->promised = 0;
    f->config.min_free_disk_bytes = 0;
    later_turn(f);
    assert_false(f->server->disk.is_short);
}

static const char *const deletions[] = {
    "DEL a",       "UNLINK a b",   "GETDEL a",      "EXPIRE a 1",
    "PEXPIRE a 1", "EXPIREAT a 1", "PEXPIREAT a 1", "FLUSHDB",
    "FLUSHALL",    "DELIFEQ a 1",  "CAD a 1",       "ONCE me 1 DEL a"};
static const char *const no_deletions[] = {
    "SET a 1",  "APPEND a 1", "GETEX a EX 1",   "PERSIST a", "INCR a",
    "MSET a 1", "GETSET a 1", "SETRANGE a 0 b", "CAS a 1 2"};

static void send_line(struct fixture *f, const char *command)
{
    char line[64];
    snprintf(line, sizeof(line), "%s\r\n", command);
    send_text(f, line);
}

/* Nobody could make room otherwise. */
static void a_short_disk_lets_deletions_through(void **state)
{
    struct fixture *f = *state;
    for (int where = 0; where < 2; where++) {
        f->server->disk.is_short = where == 0;
        f->node->disk_short = where == 1;
        for (size_t i = 0; i < ARRAY_LEN(deletions); i++) {
            uint64_t before = f->node->submitted;
            send_line(f, deletions[i]);
            assert_int_equal(f->node->submitted, before + 1);
            answer(f, 1);
            assert_int_equal(received_on(f->fd)[0], '+');
        }
        for (size_t i = 0; i < ARRAY_LEN(no_deletions); i++) {
            uint64_t before = f->node->submitted;
            send_line(f, no_deletions[i]);
            assert_int_equal(f->node->submitted, before);
            assert_int_equal(strncmp(received_on(f->fd), "-MISCONF ", 9), 0);
        }
    }
}

/* It would not learn what becomes of them. */
static void a_node_without_entries_refuses_deletions(void **state)
{
    struct fixture *f = *state;
    static const char *const both[] = {"DEL a", "SET a 1", "ONCE me 1 DEL a"};
    f->node->disk_paused = true;
    for (int where = 0; where < 2; where++) {
        f->server->disk.is_short = where == 0; /* or not any more */
        for (size_t i = 0; i < ARRAY_LEN(both); i++) {
            send_line(f, both[i]);
            expect(f, "-MISCONF too little disk space is free on this node "
                      "(see min-free-disk): it gets no entries, so writes and "
                      "deletions are refused here; the other nodes take "
                      "them\r\n");
        }
        assert_true(disk_floor_short(f->server));
    }
    send_text(f, "GET a\r\n");
    reads_told(f, 0);
    expect(f, "$1\r\na\r\n");
    assert_int_equal(f->node->submitted, 0);
    send_text(f, "GET a\r\n");
    reads_told(f, ERR_SPACE);
    expect(f, "-CLUSTERDOWN This node lacks entries that are committed, for "
              "lack of disk space; the command was not executed\r\n");
    f->node->disk_paused = false;
    send_line(f, "DEL a");
    assert_int_equal(f->node->submitted, 1);
    answer(f, 1);
    expect(f, "+DEL a\r\n");
}

static void a_disk_without_any_space_refuses_deletions(void **state)
{
    struct fixture *f = *state;
    f->server->disk.is_full = true;
    send_text(f, "DEL a\r\n");
    expect(f, "-MISCONF no disk space is left on this node: writes and "
              "deletions are refused, reads are served\r\n");
    send_text(f, "GET a\r\n");
    reads_told(f, 0);
    expect(f, "$1\r\na\r\n");
    assert_int_equal(f->node->submitted, 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_answer_does_not_flicker),
        test(writes_come_back),
        test(reads_take_no_space),
        test(what_cannot_be_measured_is_not_short),
        test(promised_space_is_not_free),
        test(a_full_disk_is_known),
        test(a_short_disk_lets_deletions_through),
        test(a_node_without_entries_refuses_deletions),
        test(a_disk_without_any_space_refuses_deletions),
        test(no_floor_is_lower_than_the_store_needs),
        test(it_is_looked_at_in_each_tick),
        test(near_the_floor_it_is_looked_at_in_each_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
