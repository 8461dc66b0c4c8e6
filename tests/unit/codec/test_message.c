/* Raft messages on the wire: all fields, ranges, runs, attached entries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/reader.h"
#include "base/rng.h"
#include "codec/configuration.h"
#include "codec/entry.h"
#include "codec/message.h"
#include "codec/request.h"

#include <string.h>

#define SIZE 272

/* An append of entries 11..14, terms 3 3 5 5, all fields different. */
static int check_entries(const struct raft_message *m, struct bytes entries)
{
    struct entry change;
    return message_check_entries(m, entries, &change);
}

static struct raft_message sample(void)
{
    struct raft_message m = {
        .type = RAFT_MSG_APPEND,
        .group = 0x1234,
        .cluster_id = 21,
        .from = 1,
        .to = 2,
        .from_incarnation = 22,
        .to_incarnation = 23,
        .term = 6,
        .index = 10,
        .index_term = 3,
        .count = 4,
        .run_count = 2,
        .runs = {{11, 3}, {13, 5}},
        .commit = 24,
        .round = 25,
        .refused = 31,
        .match = 26,
        .verified = 27,
        .read_id = 28,
        .time_ms = -29,
        .rejected = true,
        .recovering = true,
        .barrier = 30,
        .snapshot = 32,
    };
    return m;
}

static void add_group(struct buf *out)
{
    struct bytes argv[2] = {BYTES_LIT("get"), BYTES_LIT("k")};
    struct request head = {.argc = 2};
    size_t begin = request_parcel_begin(out, 1, 2, 3);
    request_encode(out, &head, argv);
    request_parcel_end(out, begin, 1);
}

static void add_entry(struct buf *out, struct entry *e)
{
    entry_seal(e);
    entry_encode(e, out);
}

static void add_entries(struct buf *out, const raft_term terms[4])
{
    struct buf payload = BUF_INIT;
    add_group(&payload);
    for (uint32_t i = 0; i < 4; i++) {
        struct entry e = {.index = 11 + i,
                          .term = terms[i],
                          .kind = ENTRY_REQUESTS,
                          .payload = buf_view(&payload)};
        add_entry(out, &e);
    }
    buf_release(&payload);
}

static void test_round_trip(void **state)
{
    UNUSED(state);
    struct raft_message m = sample();
    struct buf out = BUF_INIT;
    message_encode(&m, &out);
    assert_int_equal(out.len, SIZE);
    add_entries(&out, (raft_term[]){3, 3, 5, 5});

    struct raft_message d;
    struct bytes rest;
    assert_int_equal(message_decode(buf_view(&out), &d, &rest), 0);
    assert_int_equal(rest.len, out.len - SIZE);
    /* Encoding it again gives the same bytes: every field came through. */
    struct buf again = BUF_INIT;
    message_encode(&d, &again);
    assert_memory_equal(again.data, out.data, SIZE);
    assert_int_equal(d.type, m.type);
    assert_int_equal(d.group, m.group);
    assert_int_equal(d.cluster_id, 21);
    assert_int_equal(d.from_incarnation, 22);
    assert_int_equal(d.to_incarnation, 23);
    assert_int_equal(d.commit, 24);
    assert_int_equal(d.round, 25);
    assert_int_equal(d.refused, 31);
    assert_int_equal(d.match, 26);
    assert_int_equal(d.verified, 27);
    assert_int_equal(d.read_id, 28);
    assert_int_equal(d.time_ms, -29);
    assert_int_equal(d.runs[1].first, 13);
    assert_int_equal(d.runs[1].term, 5);
    assert_true(d.rejected && !d.granted && !d.transfer);
    assert_int_equal(check_entries(&d, rest), 0);
    buf_release(&again);
    buf_release(&out);
}

/* As message.h says: a change here needs a new PROTOCOL_VERSION. */
static void test_layout(void **state)
{
    static const struct {
        size_t at;
        uint64_t value;
    } numbers[] = {
        {24, 21},
        {32, 22},
        {40, 23},
        {48, 6},
        {56, 10},
        {64, 3},
        {72, 24},
        {80, 31},
        {88, 25},
        {96, 26},
        {104, 27},
        {112, 28},
        {120, (uint64_t)-29},
        {128, 30},
        {136, 32},
        {144, 11},
        {152, 3},
        {160, 13},
        {168, 5},
        {176, 0},
        {SIZE - 8, 0},
    };
    static const uint8_t head[] = {RAFT_MSG_APPEND,
                                   2 | 8,
                                   0x34,
                                   0x12,
                                   1,
                                   0,
                                   0,
                                   0,
                                   2,
                                   0,
                                   0,
                                   0,
                                   4,
                                   0,
                                   0,
                                   0,
                                   2,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0};
    struct raft_message m = sample();
    struct buf out = BUF_INIT;

    UNUSED(state);
    message_encode(&m, &out);
    assert_int_equal(out.len, SIZE);
    assert_memory_equal(out.data, head, sizeof(head));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        assert_int_equal(load_u64le(out.data + numbers[i].at),
                         numbers[i].value);
    buf_release(&out);
}

static void test_flags_apart(void **state)
{
    UNUSED(state);
    for (int i = 0; i < 4; i++) {
        struct raft_message m = {.type = RAFT_MSG_VOTE, .from = 1, .to = 2};
        m.granted = i == 0;
        m.rejected = i == 1;
        m.transfer = i == 2;
        m.recovering = i == 3;
        struct buf out = BUF_INIT;
        message_encode(&m, &out);
        struct raft_message d;
        struct bytes rest;
        assert_int_equal(message_decode(buf_view(&out), &d, &rest), 0);
        assert_true(d.granted == m.granted && d.rejected == m.rejected &&
                    d.transfer == m.transfer && d.recovering == m.recovering);
        buf_release(&out);
    }
}

static void test_cut_anywhere(void **state)
{
    UNUSED(state);
    struct raft_message m = sample();
    struct buf out = BUF_INIT;
    message_encode(&m, &out);
    add_entries(&out, (raft_term[]){3, 3, 5, 5});
    for (size_t len = 0; len < out.len; len++) {
        uint8_t *copy = mem_alloc(len + 1);
        memcpy(copy, out.data, len);
        struct raft_message d;
        struct bytes rest;
        int rc = message_decode(bytes_of(copy, len), &d, &rest);
        assert_int_equal(rc, len < SIZE ? ERR_CORRUPT : 0);
        if (rc == 0)
            assert_int_equal(check_entries(&d, rest), ERR_CORRUPT);
        mem_free(copy);
    }
    buf_release(&out);
}

static int decode_changed(void (*change)(struct raft_message *))
{
    struct raft_message m = sample();
    struct buf out = BUF_INIT;
    change(&m);
    message_encode(&m, &out);
    struct raft_message d;
    struct bytes rest;
    int rc = message_decode(buf_view(&out), &d, &rest);
    buf_release(&out);
    return rc;
}

static void no_change(struct raft_message *m)
{
    UNUSED(m);
}
static void not_append(struct raft_message *m)
{
    m->type = RAFT_MSG_HEARTBEAT;
}
static void no_runs(struct raft_message *m)
{
    m->run_count = 0;
}
static void no_count(struct raft_message *m)
{
    m->count = 0;
}
static void run_begins_late(struct raft_message *m)
{
    m->runs[0].first = 12;
}
static void run_same_first(struct raft_message *m)
{
    m->runs[1].first = 11;
}
static void run_beyond(struct raft_message *m)
{
    m->runs[1].first = 15;
}
static void run_term_falls(struct raft_message *m)
{
    m->runs[1].term = 2;
}
static void run_term_high(struct raft_message *m)
{
    m->runs[1].term = 7;
}
static void run_term_low(struct raft_message *m)
{
    m->index_term = 4;
}
static void index_wraps(struct raft_message *m)
{
    m->index = UINT64_MAX - 2;
    m->runs[0].first = UINT64_MAX - 1;
    m->runs[1].first = UINT64_MAX;
}
static void from_nobody(struct raft_message *m)
{
    m->from = NODE_NONE;
}

static void test_ranges(void **state)
{
    UNUSED(state);
    void (*const wrong[])(struct raft_message *) = {
        not_append,     no_runs,     no_count,       run_begins_late,
        run_same_first, run_beyond,  run_term_falls, run_term_high,
        run_term_low,   index_wraps, from_nobody,
    };
    assert_int_equal(decode_changed(no_change), 0);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(decode_changed(wrong[i]), ERR_CORRUPT);
}

static void test_raw_fields(void **state)
{
    UNUSED(state);
    const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {{0, 0},       {0, RAFT_MSG_TYPE_END},
                 {0, 255},     {1, 16},
                 {16, 9},      {16, 255},
                 {20, 1},      {23, 1},
                 {SIZE - 1, 1}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct raft_message m = sample();
        struct buf out = BUF_INIT;
        message_encode(&m, &out);
        out.data[wrong[i].at] = wrong[i].value;
        struct raft_message d;
        struct bytes rest;
        assert_int_equal(message_decode(buf_view(&out), &d, &rest),
                         ERR_CORRUPT);
        buf_release(&out);
    }
}

/* A field that is added to the struct, but not to the format, is one whose
 * bytes change nothing: all that may be so are the 6 of padding. */
static void test_every_field(void **state)
{
    const size_t type = offsetof(struct raft_message, type);
    const size_t runs = offsetof(struct raft_message, run_count);
    struct buf before = BUF_INIT;
    struct buf after = BUF_INIT;
    size_t same = 0;

    UNUSED(state);
    for (size_t at = 0; at < sizeof(struct raft_message); at++) {
        struct raft_message m;
        memset(&m, 0, sizeof(m));
        m.type = RAFT_MSG_APPEND;
        m.run_count = RAFT_MESSAGE_RUNS_MAX;
        buf_reset(&before);
        message_encode(&m, &before);
        if (at - type < sizeof(m.type) || at - runs < sizeof(m.run_count)) {
            continue; /* ranges that the encoder asserts */
        }
        ((uint8_t *)&m)[at] ^= 1;
        buf_reset(&after);
        message_encode(&m, &after);
        assert_int_equal(before.len, after.len);
        same += memcmp(before.data, after.data, before.len) == 0;
    }
    assert_int_equal(same, 6);
    buf_release(&before);
    buf_release(&after);
}

static void test_bytes_behind(void **state)
{
    UNUSED(state);
    struct raft_message m = {.type = RAFT_MSG_HEARTBEAT, .from = 1, .to = 2};
    struct buf out = BUF_INIT;
    message_encode(&m, &out);
    struct raft_message d;
    struct bytes rest;
    assert_int_equal(message_decode(buf_view(&out), &d, &rest), 0);
    assert_int_equal(rest.len, 0);
    assert_int_equal(check_entries(&d, rest), 0);
    buf_u8(&out, 0);
    assert_int_equal(message_decode(buf_view(&out), &d, &rest), 0);
    assert_int_equal(rest.len, 1);
    assert_int_equal(check_entries(&d, rest), ERR_CORRUPT);
    buf_release(&out);
}

static void test_entries(void **state)
{
    UNUSED(state);
    struct raft_message m = sample();
    struct buf out = BUF_INIT;
    add_entries(&out, (raft_term[]){3, 3, 5, 5});
    assert_int_equal(check_entries(&m, buf_view(&out)), 0);
    for (size_t bit = 0; bit < out.len * 8; bit++) {
        out.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(check_entries(&m, buf_view(&out)), ERR_CORRUPT);
        out.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    m.count = 3; /* one record too many */
    assert_int_equal(check_entries(&m, buf_view(&out)), ERR_CORRUPT);
    m.count = 4;
    const raft_term wrong[][4] = {{3, 5, 5, 5}, {3, 3, 3, 5}, {4, 3, 5, 5}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        buf_reset(&out);
        add_entries(&out, wrong[i]);
        assert_int_equal(check_entries(&m, buf_view(&out)), ERR_CORRUPT);
    }
    m.run_count = 0; /* an entry without a run is of no term */
    buf_reset(&out);
    add_entries(&out, (raft_term[]){3, 3, 3, 3});
    assert_int_equal(check_entries(&m, buf_view(&out)), ERR_CORRUPT);
    buf_release(&out);
}

/* One entry behind index 10 whose payload is this. */
static int check_payload(uint8_t kind, struct bytes payload)
{
    struct raft_message m = sample();
    struct buf out = BUF_INIT;
    m.count = m.run_count = 1;
    struct entry e = {.index = 11, .term = 3, .kind = kind, .payload = payload};
    add_entry(&out, &e);
    int rc = check_entries(&m, buf_view(&out));
    buf_release(&out);
    return rc;
}

/* Who gets two changes of the members would have to know that the first one is
 * committed. */
static void test_one_configuration(void **state)
{
    struct raft_message m = sample();
    struct configuration c;
    struct buf payload = BUF_INIT;
    struct buf out = BUF_INIT;
    struct entry change;
    UNUSED(state);
    configuration_of(&c, (const node_id[]){1, 2, 3}, 3);
    configuration_encode(&c, &payload);
    m.run_count = 1;
    for (m.count = 1; m.count < 4; m.count++) {
        struct entry e = {.index = 10 + m.count,
                          .term = 3,
                          .kind = m.count == 2 ? ENTRY_EMPTY : ENTRY_CONFIG};
        if (e.kind == ENTRY_CONFIG)
            e.payload = buf_view(&payload);
        add_entry(&out, &e);
        int err = message_check_entries(&m, buf_view(&out), &change);
        assert_int_equal(err, m.count < 3 ? 0 : ERR_CORRUPT);
        if (err == 0)
            assert_int_equal(change.index, 11);
    }
    m.count = 0;
    m.run_count = 0;
    assert_int_equal(message_check_entries(&m, BYTES_NONE, &change), 0);
    assert_int_equal(change.index, 0);
    buf_release(&payload);
    buf_release(&out);
}

/* What is accepted may be committed: then it must be possible to apply. */
static void test_payloads(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    add_group(&b);
    size_t group = b.len;
    add_group(&b);
    assert_int_equal(check_payload(ENTRY_EMPTY, BYTES_NONE), 0);
    assert_int_equal(check_payload(ENTRY_EMPTY, buf_view(&b)), ERR_CORRUPT);
    assert_int_equal(check_payload(ENTRY_REQUESTS, BYTES_LIT("not a group")),
                     ERR_CORRUPT);
    for (size_t len = 0; len <= b.len; len++) {
        bool whole = len == group || len == b.len;
        assert_int_equal(check_payload(ENTRY_REQUESTS, bytes_of(b.data, len)),
                         whole ? 0 : ERR_CORRUPT);
    }
    b.data[group + PARCEL_HEADER_SIZE + 5] = REQUEST_DATABASES;
    assert_int_equal(check_payload(ENTRY_REQUESTS, buf_view(&b)), ERR_CORRUPT);
    buf_release(&b);
}

static void test_huge_count(void **state)
{
    UNUSED(state);
    struct raft_message m = sample();
    m.count = UINT32_MAX; /* a claim; the bytes are not there */
    struct buf out = BUF_INIT;
    message_encode(&m, &out);
    add_entries(&out, (raft_term[]){3, 3, 5, 5});
    struct raft_message d;
    struct bytes rest;
    assert_int_equal(message_decode(buf_view(&out), &d, &rest), 0);
    assert_int_equal(check_entries(&d, rest), ERR_CORRUPT);
    buf_release(&out);
}

static void test_random_bytes(void **state)
{
    UNUSED(state);
    uint64_t rng = 5;
    struct raft_message m = sample();
    struct buf good = BUF_INIT;
    message_encode(&m, &good);
    for (int round = 0; round < 20000; round++) {
        size_t len = SIZE + rng_below(&rng, 60);
        uint8_t *raw = mem_alloc(len);
        for (size_t i = 0; i < len; i++)
            raw[i] = (uint8_t)rng_next(&rng);
        if (rng_below(&rng, 4) > 0) {
            memcpy(raw, good.data, SIZE);
            raw[rng_below(&rng, SIZE)] = (uint8_t)rng_next(&rng);
        }
        struct raft_message d;
        struct bytes rest;
        if (message_decode(bytes_of(raw, len), &d, &rest) == 0)
            assert_int_equal(check_entries(&d, rest), ERR_CORRUPT);
        mem_free(raw);
    }
    buf_release(&good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_flags_apart),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_raw_fields),
        cmocka_unit_test(test_every_field),
        cmocka_unit_test(test_bytes_behind),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_one_configuration),
        cmocka_unit_test(test_payloads),
        cmocka_unit_test(test_huge_count),
        cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
