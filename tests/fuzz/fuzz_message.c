/*
 * Payloads of FRAME_RAFT: a message, a beat, and the entries of an append. A
 * message and a beat that are accepted encode to the same bytes. Entries that
 * are accepted have the terms that the message says, and payloads that a node
 * can apply: each parcel and request decodes, and nothing is left.
 *
 * input: seal(1) the payload; sealed, the entries get right checksums.
 */
// link: codec
#include "base/reader.h"
#include "codec/beat.h"
#include "codec/configuration.h"
#include "codec/entry.h"
#include "codec/message.h"
#include "codec/request.h"
#include "fuzz/fuzz.h"

#define MESSAGE_SIZE 272

/* Rewrites the records behind the message with checksums that fit, up to the
 * first that is cut short. */
static void seal(const struct raft_message *m, struct bytes entries,
                 struct buf *out)
{
    for (uint32_t i = 0; i < m->count && entries.len > 0; i++) {
        size_t size = entry_record_size(entries);
        if (size == 0 || size > entries.len ||
            entries.data[32] >= ENTRY_KIND_END)
            break;
        struct entry e = {
            .index = m->index + 1 + i,
            .term = load_u64le(entries.data),
            .time_ms = (int64_t)load_u64le(entries.data + 8),
            .wall_offset_ms = (int64_t)load_u64le(entries.data + 16),
            .seed = load_u64le(entries.data + 24),
            .kind = entries.data[32],
            .payload = bytes_of(entries.data + ENTRY_HEADER_SIZE,
                                size - ENTRY_HEADER_SIZE),
        };
        entry_seal(&e);
        entry_encode(&e, out);
        entries = bytes_from(entries, size);
    }
    buf_bytes(out, entries);
}

/* As src/node applies it. */
static void check_payload(const struct entry *e)
{
    struct bytes payload = e->payload;
    struct request_parcel g;
    struct request r;
    struct configuration c;
    if (e->kind == ENTRY_CONFIG) {
        int rc = configuration_decode(payload, &c);
        ASSERT(rc == 0);
        return;
    }
    ASSERT(e->kind == ENTRY_REQUESTS || payload.len == 0);
    while (payload.len > 0) {
        int rc = request_parcel_head(&payload, &g);
        ASSERT(rc == 0);
        for (uint32_t i = 0; i < g.count; i++) {
            rc = request_decode(&g.requests, &r);
            ASSERT(rc == 0);
            for (uint32_t j = 0; j < r.argc; j++)
                (void)request_arg(&r.args);
            ASSERT(r.args.len == 0);
        }
        ASSERT(g.requests.len == 0);
    }
}

static void check_entries(const struct raft_message *m, struct bytes entries)
{
    for (uint32_t i = 0; i < m->count; i++) {
        struct entry e;
        struct entry seen;
        struct bytes same = entries;
        int rc = entry_decode(m->index + 1 + i, &entries, &e);
        ASSERT(rc == 0);
        entry_view(m->index + 1 + i, &same, &seen);
        ASSERT(same.len == entries.len && seen.checksum == e.checksum);
        ASSERT(e.term >= m->index_term && e.term <= m->term && e.term > 0);
        check_payload(&e);
    }
    ASSERT(entries.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct raft_message m;
    struct beat beat;
    struct bytes rest;
    struct bytes entries;
    if (size < 1)
        return 0;
    struct entry change;
    struct bytes payload = bytes_of(data + 1, size - 1);
    if (message_decode(payload, &m, &rest) != 0 ||
        beat_decode(rest, &beat, &entries) != 0)
        return 0;
    struct buf again = BUF_INIT;
    message_encode(&m, &again);
    ASSERT(again.len == MESSAGE_SIZE);
    beat_encode(&beat, &again);
    ASSERT(again.len == MESSAGE_SIZE + BEAT_SIZE);
    ASSERT(memcmp(again.data, payload.data, again.len) == 0);
    buf_reset(&again);
    if ((data[0] & 1) != 0) {
        seal(&m, entries, &again);
        entries = buf_view(&again);
    }
    if (message_check_entries(&m, entries, &change) == 0)
        check_entries(&m, entries);
    buf_release(&again);
    return 0;
}
