/*
 * Streams of peer frames. What is accepted encodes to the same bytes; a
 * prefix of a frame waits or fails, but never gives another frame; what was
 * judged by the header stays so judged. The target seals frames itself when
 * the first byte says so, or the checksum would end each walk at once.
 *
 * input: seal(1) the bytes of a link.
 */
// link: codec
#include <stdlib.h>

#include "base/hash.h"
#include "base/reader.h"
#include "codec/frame.h"
#include "fuzz/fuzz.h"

/* Gives each frame of the stream its magic, version, length and checksums;
 * lengths are cut to what is there. */
static void seal(struct buf *b)
{
    for (size_t at = 0; b->len - at >= FRAME_HEADER_SIZE;) {
        uint8_t *p = b->data + at;
        size_t room = b->len - at - FRAME_HEADER_SIZE;
        size_t len = MIN((size_t)load_u32le(p + 8) % 4096, room);
        store_u32le(p, FRAME_MAGIC);
        p[4] = FRAME_VERSION;
        p[5] = (uint8_t)(FRAME_HELLO + p[5] % (FRAME_TYPE_END - FRAME_HELLO));
        store_u32le(p + 8, (uint32_t)len);
        store_u32le(p + 12, (uint32_t)hash64(bytes_of(p, 12)));
        uint64_t head = hash64(bytes_of(p, 16));
        store_u64le(p + 16,
                    hash64_seed(bytes_of(p + FRAME_HEADER_SIZE, len), head));
        at += FRAME_HEADER_SIZE + len;
    }
}

static void check_same(const struct frame *f, struct bytes raw)
{
    struct buf again = BUF_INIT;
    size_t begin = frame_begin(&again, f->type, f->group);
    buf_bytes(&again, f->payload);
    frame_end(&again, begin);
    ASSERT(bytes_eq(buf_view(&again), raw));
    buf_release(&again);
}

/* A cut frame, in a block of its own: the header decides, or it waits. */
static void check_cut(struct bytes raw, size_t len)
{
    struct frame f;
    uint8_t *block = malloc(len);
    ASSERT(len < raw.len && (block != NULL || len == 0));
    if (len > 0)
        memcpy(block, raw.data, len);
    struct bytes b = bytes_of(block, len);
    int rc = frame_decode(&b, &f);
    ASSERT(rc == ERR_AGAIN && b.len == len);
    free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct buf stream = BUF_INIT;
    buf_append(&stream, data + 1, size - 1);
    if ((data[0] & 1) != 0)
        seal(&stream);
    if ((data[0] & 2) != 0 && stream.len > 0) /* damaged on its way */
        stream.data[(data[0] >> 2) % stream.len] ^= 1;
    struct bytes rest = buf_view(&stream);
    for (;;) {
        struct bytes before = rest;
        struct frame f;
        int rc = frame_decode(&rest, &f);
        if (rc != 0) {
            ASSERT(rc == ERR_AGAIN || rc == ERR_PROTOCOL || rc == ERR_CORRUPT);
            ASSERT(rest.data == before.data && rest.len == before.len);
            break;
        }
        size_t taken = before.len - rest.len;
        ASSERT(f.payload.len + FRAME_HEADER_SIZE == taken);
        check_same(&f, bytes_of(before.data, taken));
        check_cut(bytes_of(before.data, taken), data[0] % taken);
    }
    buf_release(&stream);
    return 0;
}
