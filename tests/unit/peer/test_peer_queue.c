/*
 * The queue alone: what is on the wire, in which order.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "peer/peer_queue.h"

#include "base/alloc.h"
#include "codec/frame.h"
#include "codec/hello.h"
#include "peer/peer.h"

#define LARGE           (3 * (size_t)PEER_FRAGMENT_BYTES + 17)
#define CHUNK_BYTES_MIN 1024 /* of a chunk that small frames may share */

static void add(struct peer_queue *q, enum transport_priority priority,
                struct bytes a, struct bytes b)
{
    const struct bytes pieces[2] = {a, b};
    peer_queue_add(q, FRAME_RAFT, priority, pieces);
}

/* Takes one chunk and decodes its only frame; the chunk is the caller's. */
static struct peer_chunk *take(struct peer_queue *q, struct frame *f)
{
    struct peer_chunk *chunk = peer_queue_take(q);
    assert_non_null(chunk);
    struct bytes rest = buf_view(&chunk->frames);
    assert_int_equal(frame_decode(&rest, f), 0);
    assert_int_equal(rest.len, 0);
    return chunk;
}

static void test_small_frames_share(void **state)
{
    UNUSED(state);
    struct peer_queue q;
    peer_queue_init(&q);
    assert_true(peer_queue_empty(&q));
    for (int i = 0; i < 100; i++)
        add(&q, TRANSPORT_BULK, BYTES_LIT("piece one, "), BYTES_LIT("two"));
    assert_int_equal(q.bytes, 100 * (FRAME_HEADER_SIZE + 14));
    struct peer_chunk *chunk = peer_queue_take(&q);
    assert_true(peer_queue_empty(&q));
    assert_null(peer_queue_take(&q));
    struct bytes rest = buf_view(&chunk->frames);
    for (int i = 0; i < 100; i++) {
        struct frame f;
        assert_int_equal(frame_decode(&rest, &f), 0);
        assert_int_equal(f.type, FRAME_RAFT);
        assert_true(bytes_eq(f.payload, BYTES_LIT("piece one, two")));
    }
    assert_int_equal(rest.len, 0);
    peer_chunk_free(chunk);
}

/* A chunk that is shared has 64 KiB at most. */
static void test_shared_chunks_are_bounded(void **state)
{
    enum { SHARED = 64 * 1024 };
    static uint8_t zeros[SHARED];
    UNUSED(state);
    for (size_t more = 0; more < 2; more++) {
        struct peer_queue q;
        peer_queue_init(&q);
        size_t first = 40000;
        size_t second = SHARED - first - 2 * FRAME_HEADER_SIZE + more;
        add(&q, TRANSPORT_BULK, bytes_of(zeros, first), BYTES_NONE);
        add(&q, TRANSPORT_BULK, bytes_of(zeros, second), BYTES_NONE);
        struct peer_chunk *chunk = peer_queue_take(&q);
        assert_int_equal(chunk->frames.len,
                         more ? FRAME_HEADER_SIZE + first : SHARED);
        peer_chunk_free(chunk);
        assert_int_equal(peer_queue_empty(&q), !more);
        peer_queue_clear(&q);
    }
}

/* Every split of a large payload into two pieces gives the same bytes. */
static void test_fragments(void **state)
{
    UNUSED(state);
    uint8_t *data = mem_alloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        data[i] = (uint8_t)(i * 31 + i / 251);
    const size_t splits[] = {0, 1, PEER_FRAGMENT_BYTES, LARGE - 1, LARGE};
    struct peer_queue q;
    peer_queue_init(&q);
    for (size_t i = 0; i < ARRAY_LEN(splits); i++) {
        size_t split = splits[i];
        add(&q, TRANSPORT_BULK, bytes_of(data, split),
            bytes_of(data + split, LARGE - split));
        size_t offset = 0;
        bool last = false;
        while (!last) {
            struct frame frame;
            struct fragment f;
            struct peer_chunk *chunk = take(&q, &frame);
            assert_int_equal(frame.type, FRAME_FRAGMENT);
            assert_int_equal(fragment_decode(frame.payload, &f), 0);
            assert_true(chunk->fragment);
            assert_int_equal(f.id, i + 1);
            assert_int_equal(f.total, LARGE);
            assert_int_equal(f.offset, offset);
            assert_true(f.data.len <= PEER_FRAGMENT_BYTES);
            assert_memory_equal(f.data.data, data + offset, f.data.len);
            /* It is allocated for these bytes, not for more. */
            assert_int_equal(chunk->frames.cap,
                             MAX(chunk->frames.len, CHUNK_BYTES_MIN));
            offset += f.data.len;
            last = chunk->last;
            peer_chunk_free(chunk);
        }
        assert_int_equal(offset, LARGE);
        assert_true(peer_queue_empty(&q));
    }
    mem_free(data);
}

static uint8_t next_type(struct peer_queue *q, size_t *len)
{
    struct frame f;
    struct peer_chunk *chunk = take(q, &f);
    *len = chunk->frames.len;
    peer_chunk_free(chunk);
    return f.type;
}

/* Control passes between fragments; large control waits for a bulk payload
 * that has begun, and small control behind it keeps its place. */
static void test_order(void **state)
{
    UNUSED(state);
    uint8_t *data = mem_zalloc(LARGE);
    struct bytes large = bytes_of(data, LARGE);
    struct peer_queue q;
    size_t len;
    peer_queue_init(&q);
    add(&q, TRANSPORT_BULK, large, BYTES_NONE);
    assert_int_equal(next_type(&q, &len), FRAME_FRAGMENT); /* bulk 1 of 4 */
    add(&q, TRANSPORT_CONTROL, BYTES_LIT("a"), BYTES_NONE);
    add(&q, TRANSPORT_CONTROL, large, BYTES_NONE);
    add(&q, TRANSPORT_CONTROL, BYTES_LIT("b"), BYTES_NONE);
    add(&q, TRANSPORT_BULK, BYTES_LIT("bulk"), BYTES_NONE);
    assert_int_equal(next_type(&q, &len), FRAME_RAFT); /* "a" */
    for (int i = 0; i < 3; i++)
        assert_int_equal(next_type(&q, &len), FRAME_FRAGMENT); /* bulk */
    assert_true(len < 200);                                    /* its end */
    for (int i = 0; i < 4; i++)
        assert_int_equal(next_type(&q, &len), FRAME_FRAGMENT); /* control */
    assert_int_equal(next_type(&q, &len), FRAME_RAFT);
    assert_int_equal(len, FRAME_HEADER_SIZE + 1); /* "b" */
    assert_int_equal(next_type(&q, &len), FRAME_RAFT);
    assert_int_equal(len, FRAME_HEADER_SIZE + 4); /* "bulk" */
    assert_true(peer_queue_empty(&q));
    mem_free(data);
}

static void test_clear(void **state)
{
    UNUSED(state);
    uint8_t *data = mem_zalloc(LARGE);
    struct peer_queue q;
    size_t len;
    peer_queue_init(&q);
    add(&q, TRANSPORT_BULK, bytes_of(data, LARGE), BYTES_NONE);
    add(&q, TRANSPORT_CONTROL, BYTES_LIT("a"), BYTES_NONE);
    (void)next_type(&q, &len);
    (void)next_type(&q, &len); /* in the middle of the bulk payload */
    peer_queue_clear(&q);
    assert_true(peer_queue_empty(&q));
    assert_null(peer_queue_take(&q));
    /* The next link begins afresh, with a higher fragment id. */
    add(&q, TRANSPORT_CONTROL, bytes_of(data, LARGE), BYTES_NONE);
    struct frame frame;
    struct fragment f;
    struct peer_chunk *chunk = take(&q, &frame);
    assert_int_equal(fragment_decode(frame.payload, &f), 0);
    assert_int_equal(f.id, 2);
    assert_int_equal(f.offset, 0);
    peer_chunk_free(chunk);
    peer_queue_clear(&q);
    mem_free(data);
}

/* All others overtake it, wherever it stands; the pieces of a large payload
 * stay together all the same. */
static void test_background(void **state)
{
    UNUSED(state);
    struct peer_queue q;
    struct frame f;
    static const uint8_t large[LARGE];
    peer_queue_init(&q);
    add(&q, TRANSPORT_BACKGROUND, BYTES_LIT("first"), BYTES_NONE);
    uint64_t first = q.bytes;
    assert_true(q.background_bytes == first && !peer_queue_empty(&q));
    add(&q, TRANSPORT_BULK, bytes_of(large, LARGE), BYTES_NONE);
    add(&q, TRANSPORT_CONTROL, BYTES_LIT("control"), BYTES_NONE);
    add(&q, TRANSPORT_BACKGROUND, BYTES_LIT("second"), BYTES_NONE);
    assert_true(q.background_bytes > first);
    static const uint8_t types[] = {FRAME_RAFT, FRAME_FRAGMENT, FRAME_FRAGMENT,
                                    FRAME_FRAGMENT, FRAME_FRAGMENT};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct peer_chunk *chunk = take(&q, &f);
        assert_int_equal(f.type, types[i]);
        peer_chunk_free(chunk);
    }
    struct peer_chunk *chunk = peer_queue_take(&q);
    struct bytes rest = buf_view(&chunk->frames);
    assert_int_equal(frame_decode(&rest, &f), 0);
    assert_true(bytes_eq(f.payload, BYTES_LIT("first")));
    assert_int_equal(frame_decode(&rest, &f), 0);
    assert_true(bytes_eq(f.payload, BYTES_LIT("second")));
    peer_chunk_free(chunk);
    assert_true(peer_queue_empty(&q) && q.background_bytes == 0);
    add(&q, TRANSPORT_BACKGROUND, BYTES_LIT("dropped"), BYTES_NONE);
    peer_queue_clear(&q);
    assert_true(peer_queue_empty(&q));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_frames_share),
        cmocka_unit_test(test_shared_chunks_are_bounded),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_clear),
        cmocka_unit_test(test_background),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
