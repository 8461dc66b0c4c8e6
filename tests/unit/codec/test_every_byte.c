/*
 * Encoding writes every byte that it claims, and no other: what was in the
 * memory before (another client's data, perhaps) never leaves it. Each encoder
 * runs twice, on memory full of zeros and full of ones, and must say the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/admit.h"
#include "codec/beat.h"
#include "codec/entry.h"
#include "codec/frame.h"
#include "codec/greeting.h"
#include "codec/hello.h"
#include "codec/message.h"
#include "codec/record.h"
#include "codec/request.h"
#include "codec/transfer.h"

#include <string.h>

#define ROOM 4096

static void put_entry(struct buf *out)
{
    struct entry e = {.index = 3,
                      .term = 2,
                      .time_ms = 77,
                      .wall_offset_ms = -7,
                      .seed = 5,
                      .kind = ENTRY_REQUESTS,
                      .payload = BYTES_LIT("payload")};

    entry_seal(&e);
    entry_encode(&e, out);
}

static void put_message(struct buf *out)
{
    struct raft_message m;

    memset(&m, 0, sizeof(m));
    m.type = RAFT_MSG_APPEND;
    m.from = 1;
    m.to = 2;
    m.term = 9;
    m.index = 4;
    m.index_term = 2;
    m.count = 3;
    m.run_count = 2;
    m.runs[0] = (struct raft_run){5, 2};
    m.runs[1] = (struct raft_run){6, 3};
    message_encode(&m, out);
}

static void put_beat(struct buf *out)
{
    struct beat b = {.held_by_all = 3, .held_by_live = 4, .log_time_ms = 5};

    beat_encode(&b, out);
}

static void put_hello(struct buf *out)
{
    struct hello h = {.version_min = 1,
                      .version_max = 2,
                      .cluster_id = 7,
                      .from = 1,
                      .to = 2,
                      .from_incarnation = 3,
                      .client_port = 6379,
                      .client_host = "host"};

    hello_encode(&h, out);
}

static void put_proof(struct buf *out)
{
    struct proof p = {.mac = {1, 2, 3}};

    proof_encode(&p, out);
}

static void put_greeting(struct buf *out)
{
    struct greeting g = {.cluster_id = 7,
                         .directory = {1, 2},
                         .nonce = 3,
                         .address = "host:1",
                         .level_min = 1,
                         .level_max = 1,
                         .version = "1"};

    greeting_encode(&g, out);
}

static void put_fragment(struct buf *out)
{
    struct fragment f = {.id = 4,
                         .offset = 10,
                         .total = 100,
                         .type = FRAME_RAFT,
                         .data = BYTES_LIT("piece")};

    fragment_encode(&f, out);
}

static void put_frame(struct buf *out)
{
    size_t begin = frame_begin(out, FRAME_RAFT, 3);

    buf_str(out, "abc");
    frame_end(out, begin);
}

static void put_empty_frame(struct buf *out)
{
    frame_end(out, frame_begin(out, FRAME_RAFT, 3));
}

static void put_records(struct buf *out)
{
    struct hard_state s = {.term = 4, .vote = 2};
    struct identity i = {.cluster_id = 1,
                         .node = 2,
                         .incarnation = 3,
                         .directory = {4, 5},
                         .nonce = 6};
    struct log_start l = {.first = 5, .prev_term = 4, .prev_chain = 3};
    struct watermark w = {.cluster_id = 1, .node = 2, .generation = 9};
    struct founding f = {.cluster_id = 1, .count = 1, .members = {{2, {3, 4}}}};
    struct receipts r = {.cluster_id = 1, .count = 1, .of = {{2, 3, 4, 5, 6}}};

    hard_state_encode(&s, out);
    identity_encode(&i, out);
    log_start_encode(&l, out);
    watermark_encode(&w, out);
    founding_encode(&f, out);
    receipts_encode(&r, out);
}

static void put_configuration(struct buf *out)
{
    struct configuration c;

    configuration_of(&c, (const node_id[]){1, 2}, 2);
    memcpy(c.members[1].peer_address, "host:1", sizeof("host:1"));
    configuration_encode(&c, out);
}

static void put_admission(struct buf *out)
{
    struct admit a = {.id = 1,
                      .directory = {1, 2},
                      .level_min = 1,
                      .level_max = 1,
                      .client_address = "host:1"};
    struct grant g = {.verdict = GRANT_LATER, .why = "not yet"};

    admit_encode(&a, out);
    grant_encode(&g, out);
}

static void put_requests(struct buf *out)
{
    static const struct bytes argv[] = {
        {.data = (const uint8_t *)"GET", .len = 3},
        {.data = (const uint8_t *)"key", .len = 3},
    };
    struct request plain = {.db = 3, .argc = 2};
    struct request once = {.flags = REQUEST_FLAG_ONCE,
                           .once_id = 8,
                           .once_ttl_s = 60,
                           .once_client = BYTES_LIT("me"),
                           .argc = 2};
    size_t begin = request_parcel_begin(out, 1, 2, 3);

    request_encode(out, &plain, argv);
    request_encode(out, &once, argv);
    request_parcel_end(out, begin, 2);
}

static void put_transfers(struct buf *out)
{
    static const struct transfer all[] = {
        {.kind = TRANSFER_OFFER,
         .id = 5,
         .offer = {.index = 7, .term = 3, .source = 2, .level = 1}},
        {.kind = TRANSFER_WANT, .id = 5, .want = {.number = 1, .begin = true}},
        {.kind = TRANSFER_CHUNK,
         .id = 5,
         .chunk = {.number = 1, .total = 5, .data = BYTES_LIT("piece")}},
        {.kind = TRANSFER_DONE, .id = 5, .done = {.chunks = 2, .bytes = 90}},
        {.kind = TRANSFER_GONE, .id = 5},
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        transfer_encode(&all[i], out);
}

static void (*const encoders[])(struct buf *) = {
    put_entry,       put_message,   put_beat,     put_hello,
    put_proof,       put_greeting,  put_fragment, put_frame,
    put_empty_frame, put_records,   put_requests, put_configuration,
    put_admission,   put_transfers,
};

static void encode_on(struct buf *out, size_t which, int dirt)
{
    memset(buf_reserve(out, ROOM), dirt, ROOM);
    encoders[which](out);
    assert_true(out->len > 0 && out->len < ROOM);
    for (size_t i = out->len; i < ROOM; i++) {
        assert_int_equal(out->data[i], dirt);
    }
}

static void test_every_byte(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(encoders); i++) {
        struct buf zeros = BUF_INIT;
        struct buf ones = BUF_INIT;
        encode_on(&zeros, i, 0x00);
        encode_on(&ones, i, 0xff);
        assert_int_equal(zeros.len, ones.len);
        assert_memory_equal(zeros.data, ones.data, zeros.len);
        buf_release(&zeros);
        buf_release(&ones);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
