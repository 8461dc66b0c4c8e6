/*
 * Pieces of the log: what was written is read again; one that was changed, cut,
 * put together from two, or in another order is found out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "codec/segment.h"

#include <stdlib.h>
#include <string.h>

#define FIRST   UINT64_C(70)
#define COUNT   5
#define CHAIN   UINT64_C(0x1122334455667788)
#define CLUSTER UINT64_C(0xabcdef0102030405)

static void put_entry(struct buf *out, raft_index index, raft_term term)
{
    struct entry e = {.index = index,
                      .term = term,
                      .time_ms = (int64_t)index * 10,
                      .wall_offset_ms = 5,
                      .seed = index,
                      .kind = index % 2 ? ENTRY_REQUESTS : ENTRY_EMPTY,
                      .payload =
                          index % 2 ? BYTES_LIT("some bytes") : BYTES_NONE};
    entry_seal(&e);
    entry_encode(&e, out);
}

/* Where the entry with this number begins, or the trailer. */
static size_t place_of(uint32_t number)
{
    struct buf b = BUF_INIT;
    for (uint32_t i = 0; i < number; i++)
        put_entry(&b, FIRST + i, 3);
    size_t at = SEGMENT_HEAD_SIZE + b.len;
    buf_release(&b);
    return at;
}

/* Reads all of it; the result of the last step. */
static int read_all(struct bytes bytes, struct segment *s)
{
    struct entry e;
    int err = segment_open(bytes, s);
    while (err == 0)
        err = segment_next(s, &e);
    return err;
}

static void make(struct buf *out, bool close)
{
    struct segment s;
    segment_begin(out, FIRST, CHAIN, CLUSTER);
    for (uint32_t i = 0; i < COUNT; i++)
        put_entry(out, FIRST + i, 3);
    assert_int_equal(read_all(buf_view(out), &s), ERR_NOT_FOUND);
    if (close)
        segment_end(out, &s);
}

static void is_read_as_it_was_written(void **state)
{
    struct buf b = BUF_INIT;
    struct segment s;
    struct entry e;
    uint64_t chain = CHAIN;

    UNUSED(state);
    make(&b, true);
    assert_int_equal(segment_open(buf_view(&b), &s), 0);
    assert_true(s.first == FIRST && s.prev_chain == CHAIN);
    assert_true(s.cluster_id == CLUSTER && s.last == FIRST - 1);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(segment_next(&s, &e), 0);
        assert_true(e.index == FIRST + i && e.term == 3);
        assert_int_equal(e.time_ms, (int64_t)(FIRST + i) * 10);
        chain = entry_chain(chain, e.checksum);
        assert_true(s.chain == chain && s.last == e.index);
    }
    assert_int_equal(segment_next(&s, &e), ERR_NOT_FOUND);
    assert_true(s.closed && s.rest.len == 0);
    buf_release(&b);
}

static void is_open_without_a_trailer(void **state)
{
    struct buf b = BUF_INIT;
    struct segment s;

    UNUSED(state);
    make(&b, false);
    assert_int_equal(read_all(buf_view(&b), &s), ERR_NOT_FOUND);
    assert_true(!s.closed && s.last == FIRST + COUNT - 1 && s.rest.len == 0);
    buf_release(&b);
    /* Without an entry, too. */
    segment_begin(&b, 1, 0, CLUSTER);
    assert_int_equal(read_all(buf_view(&b), &s), ERR_NOT_FOUND);
    assert_true(!s.closed && s.last == 0);
    segment_end(&b, &s);
    assert_int_equal(read_all(buf_view(&b), &s), ERR_NOT_FOUND);
    assert_true(s.closed);
    buf_release(&b);
}

/* Cut anywhere, it has the entries before, and never says that it is whole. */
static void cut_anywhere_has_what_is_before(void **state)
{
    struct buf b = BUF_INIT;
    struct segment s;

    UNUSED(state);
    make(&b, true);
    for (size_t len = 0; len < b.len; len++) {
        uint8_t *copy = malloc(MAX(len, (size_t)1)); /* its end is seen */
        memcpy(copy, b.data, len);
        int err = read_all(bytes_of(copy, len), &s);
        if (len < SEGMENT_HEAD_SIZE) {
            assert_int_equal(err, ERR_CORRUPT);
        } else {
            uint32_t whole = 0;
            while (whole < COUNT && place_of(whole + 1) <= len)
                whole++;
            assert_int_equal(err, ERR_NOT_FOUND);
            assert_false(s.closed);
            assert_true(s.last == FIRST + whole - 1);
            assert_int_equal(s.rest.len, len - place_of(whole));
        }
        free(copy);
    }
    buf_release(&b);
}

/* One bit anywhere: what is before may be read, nothing else, and the whole is
 * never whole. */
static void a_changed_bit_anywhere_is_found(void **state)
{
    struct buf b = BUF_INIT;
    struct segment whole;
    struct segment s;

    UNUSED(state);
    make(&b, true);
    assert_int_equal(read_all(buf_view(&b), &whole), ERR_NOT_FOUND);
    for (size_t bit = 0; bit < b.len * 8; bit++) {
        b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        int err = read_all(buf_view(&b), &s);
        assert_true(err == ERR_CORRUPT || (err == ERR_NOT_FOUND && !s.closed));
        if (bit / 8 >= SEGMENT_HEAD_SIZE)
            assert_true(place_of((uint32_t)(s.last + 1 - FIRST)) <= bit / 8);
        b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(read_all(buf_view(&b), &s), ERR_NOT_FOUND);
    assert_true(s.closed && s.chain == whole.chain);
    buf_release(&b);
}

static void an_entry_that_is_missing_or_misplaced_is_found(void **state)
{
    struct buf b = BUF_INIT;
    struct segment s;

    UNUSED(state);
    segment_begin(&b, FIRST, CHAIN, CLUSTER);
    put_entry(&b, FIRST, 3);
    put_entry(&b, FIRST + 2, 3);
    assert_int_equal(read_all(buf_view(&b), &s), ERR_CORRUPT);
    assert_true(s.last == FIRST);
    buf_release(&b);
    segment_begin(&b, FIRST, CHAIN, CLUSTER);
    put_entry(&b, FIRST + 1, 3);
    put_entry(&b, FIRST, 3);
    assert_int_equal(read_all(buf_view(&b), &s), ERR_CORRUPT);
    assert_true(s.last == FIRST - 1);
    buf_release(&b);
    /* An earlier term behind a later one. */
    segment_begin(&b, FIRST, CHAIN, CLUSTER);
    put_entry(&b, FIRST, 3);
    put_entry(&b, FIRST + 1, 2);
    assert_int_equal(read_all(buf_view(&b), &s), ERR_CORRUPT);
    buf_release(&b);
}

/* The trailer is of these entries, behind this head. */
static void a_trailer_of_another_is_refused(void **state)
{
    struct buf a = BUF_INIT;
    struct buf b = BUF_INIT;
    struct segment s;

    UNUSED(state);
    make(&a, true);
    segment_begin(&b, FIRST, CHAIN, CLUSTER + 1);
    buf_bytes(&b, bytes_from(buf_view(&a), SEGMENT_HEAD_SIZE));
    assert_int_equal(read_all(buf_view(&b), &s), ERR_CORRUPT);
    buf_release(&b);
    /* One entry less, the same trailer. */
    buf_bytes(&b, bytes_of(a.data, place_of(COUNT - 1)));
    buf_bytes(&b, bytes_from(buf_view(&a), place_of(COUNT)));
    assert_int_equal(read_all(buf_view(&b), &s), ERR_CORRUPT);
    buf_release(&b);
    /* One that says another chain, or another end. */
    buf_bytes(&b, bytes_of(a.data, place_of(COUNT)));
    assert_int_equal(read_all(buf_view(&b), &s), ERR_NOT_FOUND);
    for (uint32_t i = 0; i < 2; i++) {
        struct segment other = s;
        other.chain ^= i == 0;
        other.last += i;
        b.len = place_of(COUNT);
        segment_end(&b, &other);
        struct segment again;
        assert_int_equal(read_all(buf_view(&b), &again), ERR_CORRUPT);
        assert_false(again.closed);
    }
    buf_release(&b);
    /* Something behind it. */
    buf_u8(&a, 0);
    assert_int_equal(read_all(buf_view(&a), &s), ERR_CORRUPT);
    buf_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_read_as_it_was_written),
        cmocka_unit_test(is_open_without_a_trailer),
        cmocka_unit_test(cut_anywhere_has_what_is_before),
        cmocka_unit_test(a_changed_bit_anywhere_is_found),
        cmocka_unit_test(an_entry_that_is_missing_or_misplaced_is_found),
        cmocka_unit_test(a_trailer_of_another_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
