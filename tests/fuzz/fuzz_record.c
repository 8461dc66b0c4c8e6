/*
 * Records on disk: hard state, identity, start of the log, watermark, founding,
 * receipts, entry.
 * What is accepted encodes to the same bytes, and no record is read as one of
 * another kind. Sealed, the record gets the checksum of its kind.
 *
 * input: kind(1) seal(1) the record.
 */
// link: codec
#include "base/hash.h"
#include "base/reader.h"
#include "codec/entry.h"
#include "codec/record.h"
#include "fuzz/fuzz.h"

#define KINDS 6

/* Decodes as one kind and encodes again; false: not accepted. */
static bool decode(uint32_t kind, struct bytes b, struct buf *again)
{
    struct hard_state hard;
    struct identity identity;
    struct log_start start;
    struct watermark mark;
    struct founding founding;
    struct receipts receipts;
    bool good = false;
    switch (kind) {
    case 0:
        good = hard_state_decode(b, &hard) == 0;
        if (good)
            hard_state_encode(&hard, again);
        break;
    case 1:
        good = identity_decode(b, &identity) == 0;
        if (good)
            identity_encode(&identity, again);
        break;
    case 2:
        good = log_start_decode(b, &start) == 0;
        if (good)
            log_start_encode(&start, again);
        break;
    case 3:
        good = watermark_decode(b, &mark) == 0;
        if (good)
            watermark_encode(&mark, again);
        break;
    case 4:
        good = founding_decode(b, &founding) == 0;
        if (good)
            founding_encode(&founding, again);
        break;
    default:
        good = receipts_decode(b, &receipts) == 0;
        if (good)
            receipts_encode(&receipts, again);
        break;
    }
    return good;
}

static void check_record(uint32_t kind, struct buf *raw, bool seal)
{
    struct buf again = BUF_INIT;
    uint32_t accepted = 0;
    if (seal && raw->len > 8) {
        struct bytes body = bytes_of(raw->data, raw->len - 8);
        store_u64le(raw->data + body.len, hash64_seed(body, kind + 1));
    }
    for (uint32_t k = 0; k < KINDS; k++) {
        buf_reset(&again);
        if (!decode(k, buf_view(raw), &again))
            continue;
        accepted++;
        ASSERT(!seal || k == kind);
        ASSERT(bytes_eq(buf_view(&again), buf_view(raw)));
    }
    ASSERT(accepted <= 1);
    buf_release(&again);
}

static uint64_t checksum_of(raft_index index, const struct buf *raw)
{
    uint8_t head[48];
    store_u64le(head, index);
    memcpy(head + 8, raw->data, 40);
    struct bytes payload =
        bytes_of(raw->data + ENTRY_HEADER_SIZE, raw->len - ENTRY_HEADER_SIZE);
    return hash64_seed(payload, hash64(bytes_of(head, sizeof(head))));
}

static void check_entry(struct buf *raw, bool seal)
{
    struct entry e;
    raft_index index = 1 + raw->len % 7;
    if (seal && raw->len >= ENTRY_HEADER_SIZE) {
        store_u32le(raw->data + 36, (uint32_t)(raw->len - ENTRY_HEADER_SIZE));
        store_u64le(raw->data + 40, checksum_of(index, raw));
    }
    struct bytes b = buf_view(raw);
    if (entry_decode(index, &b, &e) != 0) {
        ASSERT(b.len == raw->len);
        return;
    }
    struct buf again = BUF_INIT;
    entry_encode(&e, &again);
    ASSERT(bytes_eq(buf_view(&again), bytes_of(raw->data, raw->len - b.len)));
    uint64_t checksum = e.checksum;
    entry_seal(&e);
    ASSERT(e.checksum == checksum);
    b = buf_view(raw); /* at another index it is another entry */
    ASSERT(entry_decode(index + 1, &b, &e) == ERR_CORRUPT);
    buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = fuzz_of(data, size);
    uint32_t kind = fuzz_below(&f, KINDS + 2);
    bool seal = fuzz_below(&f, 4) != 0;
    struct buf raw = BUF_INIT;
    buf_bytes(&raw, f.rest);
    if (kind < KINDS)
        check_record(kind, &raw, seal);
    else
        check_entry(&raw, seal);
    buf_release(&raw);
    return 0;
}
