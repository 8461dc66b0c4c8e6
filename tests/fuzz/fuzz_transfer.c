/*
 * What members say of a state that goes from one to the other. What is accepted
 * encodes to the same bytes, and a piece of a chunk lies within it.
 *
 * input: the payload.
 */
// link: codec raft
#include "codec/transfer.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    struct buf again = BUF_INIT;
    struct transfer t;

    if (transfer_decode(input, &t) == 0) {
        if (t.kind == TRANSFER_CHUNK)
            ASSERT((uint64_t)t.chunk.offset + t.chunk.data.len <=
                   t.chunk.total);
        if (t.kind == TRANSFER_WANT)
            ASSERT(t.want.until >= t.want.from);
        transfer_encode(&t, &again);
        ASSERT(bytes_eq(buf_view(&again), input));
    }
    buf_release(&again);
    return 0;
}
