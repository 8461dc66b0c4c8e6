// link: ctl
/*
 * The log of an archive: pieces that are missing, damaged, of another history,
 * or not finished. And the times by which people name a moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contract/temp_dir.h"
#include "ctl/rewind.h"
#include "ctl/shelf.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CHAIN UINT64_C(0x1122334455667788)

struct place {
    struct temp_dir dir;
    struct buf error;
    uint64_t chain; /* up to the end of the last piece */
    /* Knobs for pieces: */
    size_t cut;  /* without so many bytes at its end */
    size_t flip; /* with a bit of this byte changed; 0: of none */
};

static int setup(void **state)
{
    static struct place p;
    p = (struct place){.dir = temp_dir_new(), .chain = CHAIN};
    *state = &p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    buf_release(&p->error);
    temp_dir_remove(&p->dir);
    return 0;
}

static void write_file(struct place *p, const char *name, struct bytes b)
{
    char path[TEMP_PATH_SIZE];
    temp_dir_file(&p->dir, name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, b.data, b.len), (ssize_t)b.len);
    close(fd);
}

static void remove_file(struct place *p, const char *kind, raft_index index)
{
    char name[SHELF_NAME_SIZE];
    char path[TEMP_PATH_SIZE];
    shelf_name(name, kind, index);
    assert_int_equal(unlink(temp_dir_file(&p->dir, name, path)), 0);
}

/* The entries from `first` to `last` behind p->chain. */
static void piece(struct place *p, raft_index first, raft_index last, bool part)
{
    char name[SHELF_NAME_SIZE];
    char full[SHELF_NAME_SIZE + 8];
    struct buf b = BUF_INIT;
    struct segment s;
    struct entry e;
    segment_begin(&b, first, p->chain, 5);
    for (raft_index i = first; i <= last; i++) {
        e = (struct entry){.index = i, .term = 1, .time_ms = (int64_t)i};
        entry_seal(&e);
        entry_encode(&e, &b);
    }
    assert_int_equal(segment_open(buf_view(&b), &s), 0);
    while (segment_next(&s, &e) == 0) {
    }
    p->chain = s.chain;
    if (!part)
        segment_end(&b, &s);
    shelf_name(name, "log-", first);
    snprintf(full, sizeof(full), "%s%s", name, part ? SHELF_PART : "");
    if (p->flip > 0)
        b.data[p->flip] ^= 4;
    write_file(p, full, bytes_of(b.data, b.len - p->cut));
    buf_release(&b);
}

/* Walks from behind this entry; the result, and the last entry in *last. */
static int walk(struct place *p, raft_index from, uint64_t chain,
                raft_index *last)
{
    struct shelf s;
    struct entry e;
    buf_reset(&p->error);
    assert_int_equal(shelf_read(&s, p->dir.path, &p->error), 0);
    struct walk w = {.shelf = &s, .last = from, .chain = chain};
    int err;
    while ((err = walk_next(&w, &e, &p->error)) == 0)
        assert_true(e.index == w.last);
    *last = w.last;
    if (err == ERR_BEHIND)
        assert_true(walk_gap(&w) > w.last + 1);
    walk_release(&w);
    shelf_release(&s);
    return err;
}

static bool says(struct place *p, const char *text)
{
    return memmem(p->error.data, p->error.len, text, strlen(text)) != NULL;
}

static void pieces_in_a_row_are_walked(void **state)
{
    struct place *p = *state;
    raft_index last;
    piece(p, 10, 14, false);
    uint64_t between = p->chain;
    piece(p, 15, 15, false);
    piece(p, 16, 20, true);
    write_file(p, "LOCK", BYTES_NONE);
    write_file(p, "log-16", BYTES_LIT("no name of ours"));
    write_file(p, "base.new", BYTES_LIT("not finished"));
    assert_int_equal(walk(p, 9, CHAIN, &last), ERR_NOT_FOUND);
    assert_true(last == 20);
    assert_int_equal(walk(p, 14, between, &last), ERR_NOT_FOUND);
    assert_true(last == 20);
    assert_int_equal(walk(p, 20, p->chain, &last), ERR_NOT_FOUND);
    assert_true(last == 20);
    assert_int_equal(walk(p, 8, CHAIN, &last), ERR_BEHIND);
    assert_true(last == 8);
}

/* In the middle of a piece, too, what came before has to be the same. */
static void another_history_is_refused(void **state)
{
    struct place *p = *state;
    raft_index last;
    piece(p, 10, 14, false);
    assert_int_equal(walk(p, 9, CHAIN + 1, &last), ERR_CORRUPT);
    assert_true(says(p, "another history"));
    assert_int_equal(walk(p, 12, CHAIN, &last), ERR_CORRUPT);
    assert_true(says(p, "another history"));
    /* A piece that does not follow the one before. */
    p->chain++;
    piece(p, 15, 17, false);
    assert_int_equal(walk(p, 9, CHAIN, &last), ERR_CORRUPT);
    assert_true(last == 14 && says(p, "another history"));
}

static void what_is_missing_is_a_gap(void **state)
{
    struct place *p = *state;
    raft_index last;
    piece(p, 10, 14, false);
    piece(p, 15, 17, false);
    piece(p, 18, 20, true);
    remove_file(p, "log-", 15);
    assert_int_equal(walk(p, 9, CHAIN, &last), ERR_BEHIND);
    assert_true(last == 14);
    assert_int_equal(walk(p, 30, CHAIN, &last), ERR_NOT_FOUND);
    assert_true(last == 30);
}

static void a_piece_with_a_name_of_another_is_refused(void **state)
{
    struct place *p = *state;
    char from[TEMP_PATH_SIZE];
    char to[TEMP_PATH_SIZE];
    char name[SHELF_NAME_SIZE];
    raft_index last;
    piece(p, 10, 14, false);
    piece(p, 15, 17, false);
    shelf_name(name, "log-", 15);
    temp_dir_file(&p->dir, name, from);
    shelf_name(name, "log-", 10);
    temp_dir_file(&p->dir, name, to);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(walk(p, 9, CHAIN, &last), ERR_CORRUPT);
    assert_true(says(p, "its head is damaged"));
}

static void a_closed_piece_is_whole_or_damaged(void **state)
{
    struct place *p = *state;
    size_t size = SEGMENT_HEAD_SIZE + 5 * ENTRY_HEADER_SIZE;
    raft_index last;
    for (size_t cut = 1; cut <= size + SEGMENT_TRAILER_SIZE; cut++) {
        p->chain = CHAIN;
        p->cut = cut;
        piece(p, 10, 14, false);
        assert_int_equal(walk(p, 9, CHAIN, &last), ERR_CORRUPT);
    }
    for (size_t at = 1; at < size + SEGMENT_TRAILER_SIZE; at++) {
        p->chain = CHAIN;
        p->cut = 0;
        p->flip = at;
        piece(p, 10, 14, false);
        assert_int_equal(walk(p, 9, CHAIN, &last), ERR_CORRUPT);
    }
}

static void an_open_piece_ends_where_it_was_written_to(void **state)
{
    struct place *p = *state;
    size_t size = SEGMENT_HEAD_SIZE + 5 * ENTRY_HEADER_SIZE;
    raft_index last;
    for (size_t cut = 0; cut <= size; cut++) {
        p->chain = CHAIN;
        p->cut = cut;
        piece(p, 10, 14, true);
        assert_int_equal(walk(p, 9, CHAIN, &last), ERR_NOT_FOUND);
        size_t left = size - cut;
        raft_index whole = left < SEGMENT_HEAD_SIZE
                               ? 0
                               : (left - SEGMENT_HEAD_SIZE) / ENTRY_HEADER_SIZE;
        assert_true(last == 9 + whole);
    }
    p->chain = CHAIN;
    p->cut = 0;
    p->flip = SEGMENT_HEAD_SIZE + ENTRY_HEADER_SIZE + 20;
    piece(p, 10, 14, true);
    assert_int_equal(walk(p, 9, CHAIN, &last), ERR_CORRUPT);
    assert_true(last == 10 && says(p, "an entry is damaged"));
}

static void times(void **state)
{
    const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"0", 0},
        {"1.5", 1500},
        {"1700000000", INT64_C(1700000000000)},
        {"1700000000.007", INT64_C(1700000000007)},
        {"1970-01-01T00:00:01Z", 1000},
        {"2026-11-30T18:00:00Z", INT64_C(1796061600000)},
        {"2026-11-30T18:00:00.25Z", INT64_C(1796061600250)},
    };
    static const char *const bad[] = {
        "",
        "x",
        "-1",
        "1.",
        ".5",
        "1.1234",
        "1x",
        "1.5x",
        " 1",
        "99999999999999999999",
        "2026-11-30",
        "2026-11-30T18:00:00",
        "2026-11-30 18:00:00Z",
        "2026-13-30T18:00:00Z",
        "2026-11-30T18:00:00.Z",
        "2026-11-30T18:00:00ZZ",
    };
    char text[SHELF_TIME_SIZE];
    int64_t ms;
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(rewind_parse_time(good[i].text, &ms));
        assert_int_equal(ms, good[i].ms);
        shelf_time(text, ms);
        assert_true(rewind_parse_time(text, &ms));
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (rewind_parse_time(bad[i], &ms))
            fail_msg("'%s' is taken as a time", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pieces_in_a_row_are_walked, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_history_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_missing_is_a_gap, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_piece_with_a_name_of_another_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_closed_piece_is_whole_or_damaged,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_open_piece_ends_where_it_was_written_to, setup, teardown),
        cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
