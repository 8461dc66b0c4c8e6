/*
 * What members say of a state that goes from one to the other: what is encoded
 * is decoded, and nothing else is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/transfer.h"

#include <string.h>

static const struct transfer samples[] = {
    {.kind = TRANSFER_OFFER,
     .id = 5,
     .offer = {.index = 7,
               .term = 3,
               .chain = 9,
               .bytes = 1000,
               .source = 2,
               .level = 1}},
    {.kind = TRANSFER_WANT,
     .id = 5,
     .want = {.number = 1, .until = 4096, .begin = true}},
    {.kind = TRANSFER_WANT,
     .id = 5,
     .want = {.number = 4,
              .hash = 77,
              .from = 300,
              .until = 4096,
              .begin = true,
              .after = {.data = (const uint8_t *)"key", .len = 3}}},
    {.kind = TRANSFER_WANT,
     .id = 5,
     .want = {.number = 4, .hash = 77, .from = 300, .until = 4096}},
    {.kind = TRANSFER_CHUNK,
     .id = 5,
     .chunk = {.number = 1,
               .hash = 8,
               .total = 9,
               .offset = 4,
               .data = {.data = (const uint8_t *)"piece", .len = 5}}},
    {.kind = TRANSFER_DONE,
     .id = 5,
     .done = {.chunks = 2, .hash = 8, .bytes = 90}},
    {.kind = TRANSFER_GONE, .id = 5},
    {.kind = TRANSFER_BUSY, .id = 5},
    {.kind = TRANSFER_LEAVE, .id = UINT64_MAX},
};

static void check_same(const struct transfer *a, const struct transfer *b)
{
    struct transfer x = *a;
    struct transfer y = *b;

    if (x.kind == TRANSFER_WANT) {
        assert_true(bytes_eq(x.want.after, y.want.after));
        x.want.after = y.want.after = BYTES_NONE;
        assert_memory_equal(&x.want, &y.want, sizeof(x.want));
    } else if (x.kind == TRANSFER_CHUNK) {
        assert_true(bytes_eq(x.chunk.data, y.chunk.data));
        x.chunk.data = y.chunk.data = BYTES_NONE;
        assert_memory_equal(&x.chunk, &y.chunk, sizeof(x.chunk));
    } else if (x.kind == TRANSFER_OFFER) {
        assert_memory_equal(&x.offer, &y.offer, sizeof(x.offer));
    } else if (x.kind == TRANSFER_DONE) {
        assert_memory_equal(&x.done, &y.done, sizeof(x.done));
    }
    assert_int_equal(x.kind, y.kind);
    assert_true(x.id == y.id);
}

static void test_round_trip(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        struct transfer t;
        struct buf out = BUF_INIT;
        transfer_encode(&samples[i], &out);
        assert_int_equal(transfer_decode(buf_view(&out), &t), 0);
        check_same(&samples[i], &t);
        buf_release(&out);
    }
}

/* All layouts, by hand. */
static void test_layout(void **state)
{
    static const uint8_t offer[] = {
        1, 0, 0, 0, 0, 0, 0, 0, 5,    0, 0, 0, 0, 0, 0, 0, /* kind, id */
        7, 0, 0, 0, 0, 0, 0, 0, 3,    0, 0, 0, 0, 0, 0, 0, /* index, term */
        9, 0, 0, 0, 0, 0, 0, 0, 0xe8, 3, 0, 0, 0, 0, 0, 0, /* chain, bytes */
        2, 0, 0, 0, 1, 0, 0, 0,                            /* source, level */
    };
    static const uint8_t want[] = {
        2, 0,  0, 0, 0,  0, 0, 0, 5, 0, 0, 0, 0,    0, 0, 0, 4,   0,   0,   0,
        0, 0,  0, 0, 77, 0, 0, 0, 0, 0, 0, 0, 0x2c, 1, 0, 0, 0,   0,   0,   0,
        0, 16, 0, 0, 0,  0, 0, 0, 1, 0, 0, 0, 3,    0, 0, 0, 'k', 'e', 'y',
    };
    static const uint8_t chunk[] = {
        3, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0,   0,   0,   0,   0,
        0, 1, 0, 0, 0, 0, 0, 0, 0, 8, 0,   0,   0,   0,   0,
        0, 0, 9, 0, 0, 0, 4, 0, 0, 0, 'p', 'i', 'e', 'c', 'e',
    };
    static const uint8_t done[] = {
        4, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0,  0, 0, 0, 2, 0, 0, 0,
        0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 90, 0, 0, 0, 0, 0, 0, 0,
    };
    static const struct {
        size_t sample;
        const uint8_t *bytes;
        size_t len;
    } cases[] = {
        {0, offer, sizeof(offer)},
        {2, want, sizeof(want)},
        {4, chunk, sizeof(chunk)},
        {5, done, sizeof(done)},
    };

    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = BUF_INIT;
        transfer_encode(&samples[cases[i].sample], &out);
        assert_int_equal(out.len, cases[i].len);
        assert_memory_equal(out.data, cases[i].bytes, out.len);
        buf_release(&out);
    }
}

/* A chunk says where it ends by its own numbers, so a cut one is another one
 * with fewer data. */
static void check_cuts(const struct transfer *sample, struct bytes whole)
{
    struct transfer t;
    bool chunk = sample->kind == TRANSFER_CHUNK;
    size_t most = chunk ? whole.len - sample->chunk.data.len + 1 : whole.len;

    for (size_t len = 0; len < most; len++)
        assert_int_equal(transfer_decode(bytes_of(whole.data, len), &t),
                         ERR_CORRUPT);
}

/* Every cut is refused; a changed bit is refused, or says something else that
 * is written in the same way. */
static void test_damage(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        struct transfer t;
        struct buf out = BUF_INIT;
        struct buf again = BUF_INIT;
        transfer_encode(&samples[i], &out);
        check_cuts(&samples[i], buf_view(&out));
        for (size_t bit = 0; bit < out.len * 8; bit++) {
            out.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (transfer_decode(buf_view(&out), &t) == 0) {
                buf_reset(&again);
                transfer_encode(&t, &again);
                assert_true(bytes_eq(buf_view(&again), buf_view(&out)));
            }
            out.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        buf_u8(&out, 0);
        assert_int_equal(transfer_decode(buf_view(&out), &t), ERR_CORRUPT);
        buf_release(&out);
        buf_release(&again);
    }
}

/* Encodes a sample, puts a number at an offset, and expects it to be refused
 * (or taken, where that is what the bound is). */
static void expect(size_t sample, size_t offset, uint32_t number, int err)
{
    struct transfer t;
    struct buf out = BUF_INIT;
    transfer_encode(&samples[sample], &out);
    memcpy(out.data + offset, &number, sizeof(number));
    assert_int_equal(transfer_decode(buf_view(&out), &t), err);
    buf_release(&out);
}

static void test_what_cannot_be(void **state)
{
    UNUSED(state);
    expect(6, 8, 0, ERR_CORRUPT); /* no id */
    expect(6, 0, 0, ERR_CORRUPT); /* no kind */
    expect(6, 0, TRANSFER_KINDS, ERR_CORRUPT);
    expect(0, 16, 0, ERR_CORRUPT); /* an index, */
    expect(0, 20, 0xffffffff, ERR_CORRUPT);
    expect(0, 24, 0, ERR_CORRUPT); /* a term, */
    expect(0, 28, 0xffffffff, ERR_CORRUPT);
    expect(0, 48, NODE_NONE, ERR_CORRUPT); /* a source, */
    expect(0, 52, 0, ERR_CORRUPT);         /* a level */
    expect(0, 52, 0x10001, ERR_CORRUPT);   /* a spare byte */
    expect(0, 52, 2, 0);
    expect(1, 16, 0, ERR_CORRUPT);   /* chunk 0 */
    expect(1, 16, 2, ERR_CORRUPT);   /* chunk 2 after nothing */
    expect(1, 24, 1, ERR_CORRUPT);   /* a hash of nothing */
    expect(1, 32, 1, ERR_CORRUPT);   /* bytes before the first */
    expect(2, 32, 0, ERR_CORRUPT);   /* none before the fourth */
    expect(2, 40, 299, ERR_CORRUPT); /* until before from */
    expect(2, 40, 300, 0);
    expect(2, 48, 0, ERR_CORRUPT); /* a key that nobody needs */
    expect(2, 48, 2, ERR_CORRUPT); /* neither yes nor no */
    expect(3, 48, 1, ERR_CORRUPT); /* no key to begin after */
    expect(4, 16, 0, ERR_CORRUPT); /* chunk 0 */
    expect(4, 32, 0, ERR_CORRUPT); /* of no bytes */
    expect(4, 32, TRANSFER_CHUNK_MAX, 0);
    expect(4, 32, TRANSFER_CHUNK_MAX + 1, ERR_CORRUPT);
    expect(4, 36, 5, ERR_CORRUPT); /* beyond its end */
    expect(4, 36, 9, ERR_CORRUPT);
    expect(4, 36, 0xffffffff, ERR_CORRUPT);
    expect(5, 16, 0, ERR_CORRUPT); /* no chunks */
    expect(5, 32, 1, ERR_CORRUPT); /* fewer bytes than chunks */
}

/* A piece is no larger than it may be, whatever the frame has room for. */
static void test_large_piece(void **state)
{
    struct transfer t = samples[4];
    struct buf data = BUF_INIT;
    struct buf out = BUF_INIT;

    UNUSED(state);
    t.chunk.total = 2 * TRANSFER_PIECE_MAX;
    t.chunk.offset = 1;
    memset(buf_reserve(&data, TRANSFER_PIECE_MAX), 'x', TRANSFER_PIECE_MAX);
    t.chunk.data = bytes_of(data.data, TRANSFER_PIECE_MAX);
    transfer_encode(&t, &out);
    assert_int_equal(transfer_decode(buf_view(&out), &t), 0);
    assert_int_equal(t.chunk.data.len, TRANSFER_PIECE_MAX);
    buf_u8(&out, 'x');
    assert_int_equal(transfer_decode(buf_view(&out), &t), ERR_CORRUPT);
    buf_release(&data);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_what_cannot_be),
        cmocka_unit_test(test_large_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
