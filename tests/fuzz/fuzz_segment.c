/*
 * A piece of the log, as a node answers it and an archive has it. What is
 * accepted is written again to the same bytes, and its chain is that of its
 * entries.
 *
 * input: the piece; where its hashes are wrong, it is tried with the right
 * ones, too, so that what is behind them is reached.
 */
// link: codec raft
#include "base/alloc.h"
#include "base/hash.h"
#include "base/reader.h"
#include "codec/segment.h"
#include "fuzz/fuzz.h"

#include <string.h>

static void read_all(struct bytes input)
{
    struct buf again = BUF_INIT;
    struct segment s;
    struct segment copy;
    struct entry e;

    if (segment_open(input, &s) != 0)
        return;
    uint64_t chain = s.prev_chain;
    segment_begin(&again, s.first, s.prev_chain, s.cluster_id);
    int err;
    while ((err = segment_next(&s, &e)) == 0) {
        ASSERT(e.index == s.last && e.term == s.term);
        chain = entry_chain(chain, e.checksum);
        ASSERT(s.chain == chain);
        entry_encode(&e, &again);
    }
    ASSERT(err == ERR_NOT_FOUND || err == ERR_CORRUPT);
    copy = s;
    copy.closed = false;
    if (s.closed)
        segment_end(&again, &copy);
    ASSERT(!s.closed || s.rest.len == 0);
    buf_bytes(&again, s.rest);
    ASSERT(bytes_eq(buf_view(&again), input));
    buf_release(&again);
}

/* Entries get the checksums that they should have. */
static void mend(uint8_t *data, size_t size)
{
    if (size < SEGMENT_HEAD_SIZE)
        return;
    uint64_t head = hash64(bytes_of(data, SEGMENT_HEAD_SIZE - 8));
    raft_index index = load_u64le(data + 8);
    store_u64le(data + SEGMENT_HEAD_SIZE - 8, head);
    size_t at = SEGMENT_HEAD_SIZE;
    for (; index > 0 && index < RAFT_NUMBER_MAX; index++) {
        struct bytes rest = bytes_of(data + at, size - at);
        size_t record = entry_record_size(rest);
        if (record == 0 || record > rest.len || data[at + 32] >= ENTRY_KIND_END)
            return;
        struct entry e = {
            .index = index,
            .term = load_u64le(data + at),
            .time_ms = (int64_t)load_u64le(data + at + 8),
            .wall_offset_ms = (int64_t)load_u64le(data + at + 16),
            .seed = load_u64le(data + at + 24),
            .kind = data[at + 32],
            .payload =
                bytes_from(bytes_of(rest.data, record), ENTRY_HEADER_SIZE),
        };
        entry_seal(&e);
        store_u64le(data + at + 40, e.checksum);
        at += record;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = mem_alloc(MAX(size, (size_t)1));

    memcpy(copy, data, size);
    read_all(bytes_of(copy, size));
    mend(copy, size);
    read_all(bytes_of(copy, size));
    mem_free(copy);
    return 0;
}
