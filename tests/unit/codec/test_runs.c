/*
 * The runs of an append, and requests with names, to the edge of every rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/message.h"
#include "codec/request.h"

#include <string.h>

static struct raft_message append(void)
{
    struct raft_message m;

    memset(&m, 0, sizeof(m));
    m.type = RAFT_MSG_APPEND;
    m.from = 0x01020304;
    m.to = 0x11121314;
    m.term = 9;
    m.index = 4;
    m.index_term = 2;
    m.count = 3;
    m.run_count = 2;
    m.runs[0] = (struct raft_run){5, 2};
    m.runs[1] = (struct raft_run){7, 9};
    m.runs[2] = (struct raft_run){99, 99}; /* beyond: must not be written */
    return m;
}

static int decoded(const struct raft_message *m)
{
    struct buf b = BUF_INIT;
    struct raft_message out;
    struct bytes entries;

    message_encode(m, &b);
    int rc = message_decode(buf_view(&b), &out, &entries);
    if (rc == 0) {
        assert_int_equal(out.from, m->from);
        assert_int_equal(out.to, m->to);
    }
    buf_release(&b);
    return rc;
}

static void test_runs(void **state)
{
    struct raft_message good = append();
    struct raft_message m;

    UNUSED(state);
    assert_int_equal(decoded(&good), 0);
#define TRY(want, change)                                                      \
    do {                                                                       \
        m = good;                                                              \
        change;                                                                \
        assert_int_equal(decoded(&m), want);                                   \
    } while (0)
    TRY(0, m.run_count = 1; memset(&m.runs[1], 0, sizeof(m.runs[1])));
    TRY(0, m.index = m.index_term = 0; m.runs[0] = ((struct raft_run){1, 1});
        m.runs[1] = ((struct raft_run){3, 2}));
    TRY(0, m.index = UINT64_MAX - 3; m.runs[0].first = UINT64_MAX - 2;
        m.runs[1].first = UINT64_MAX);
    TRY(ERR_CORRUPT, m.index = UINT64_MAX - 2; m.runs[0].first = UINT64_MAX - 1;
        m.runs[1].first = UINT64_MAX);
    TRY(ERR_CORRUPT, m.index = UINT64_MAX; m.run_count = 1;
        memset(m.runs, 0, sizeof(m.runs)); m.runs[0].term = 2);
    TRY(ERR_CORRUPT, m.index = UINT64_MAX; m.run_count = 0;
        memset(m.runs, 0, sizeof(m.runs)));
    TRY(ERR_CORRUPT, m.run_count = 0; memset(m.runs, 0, sizeof(m.runs)));
    TRY(ERR_CORRUPT, m.count = 0);
    TRY(ERR_CORRUPT, m.count = 2);
    TRY(ERR_CORRUPT, m.term = 8);
    TRY(ERR_CORRUPT, m.runs[0].first = 6);
    TRY(ERR_CORRUPT, m.runs[0].term = 1);
    TRY(ERR_CORRUPT, m.runs[0].term = 9);
    TRY(ERR_CORRUPT, m.runs[1].first = 5);
    TRY(ERR_CORRUPT, m.index_term = 0; m.runs[0].term = 0);
    TRY(ERR_CORRUPT, m.count = 0; m.run_count = 1;
        memset(m.runs, 0, sizeof(m.runs)));
#undef TRY
}

/* What follows the last run must be zero, from the next one on. */
static void test_spare_runs(void **state)
{
    struct raft_message m = append();
    struct raft_message out;
    struct bytes entries;
    struct buf b = BUF_INIT;

    UNUSED(state);
    message_encode(&m, &b);
    b.data[16] = 1; /* run_count: the second run is spare now */
    assert_int_equal(message_decode(buf_view(&b), &out, &entries), ERR_CORRUPT);
    buf_release(&b);
}

/* One run more than there is room for; what would be taken for it, the fields
 * behind the runs, would even be right. */
static void test_too_many_runs(void **state)
{
    struct raft_message m = append();
    struct raft_message out;
    struct bytes entries;
    struct buf b = BUF_INIT;

    UNUSED(state);
    m.index = m.index_term = 0;
    m.count = 9;
    m.run_count = RAFT_MESSAGE_RUNS_MAX;
    for (uint32_t i = 0; i < RAFT_MESSAGE_RUNS_MAX; i++)
        m.runs[i] = (struct raft_run){i + 1, i + 1};
    m.commit = m.round = m.term;
    message_encode(&m, &b);
    assert_int_equal(message_decode(buf_view(&b), &out, &entries), 0);
    b.data[16] = RAFT_MESSAGE_RUNS_MAX + 1; /* run_count */
    assert_int_equal(message_decode(buf_view(&b), &out, &entries), ERR_CORRUPT);
    buf_release(&b);
}

/* Every type, and none besides; nobody as receiver; entries of appends only. */
static void test_types(void **state)
{
    struct raft_message m;
    struct raft_message out;
    struct bytes entries;
    struct buf b = BUF_INIT;

    UNUSED(state);
    memset(&m, 0, sizeof(m));
    m.from = 1;
    m.to = 2;
    m.type = RAFT_MSG_PRE_VOTE;
    message_encode(&m, &b);
    for (int type = 0; type < 256; type++) {
        b.data[0] = (uint8_t)type;
        bool known = type >= RAFT_MSG_PRE_VOTE && type < RAFT_MSG_TYPE_END;
        assert_int_equal(message_decode(buf_view(&b), &out, &entries),
                         known ? 0 : ERR_CORRUPT);
    }
    buf_release(&b);
    m.to = NODE_NONE;
    assert_int_equal(decoded(&m), ERR_CORRUPT);
    m = append();
    m.type = RAFT_MSG_HEARTBEAT;
    m.count = m.run_count = 1;
    assert_int_equal(decoded(&m), ERR_CORRUPT);
}

/* Encodes past the checks of the encoder: `flag` of the request is set or
 * taken away in the bytes. */
static int once_decoded(size_t name_len, uint8_t flags)
{
    static const uint8_t name[300];
    static const struct bytes argv[] = {
        {.data = (const uint8_t *)"PING", .len = 4}};
    struct request r = {.flags = REQUEST_FLAG_ONCE,
                        .once_id = 8,
                        .once_ttl_s = 60,
                        .once_client = bytes_of(name, name_len),
                        .argc = 1};
    struct request out;
    struct buf b = BUF_INIT;

    request_encode(&b, &r, argv);
    b.data[4] = flags;
    if (flags == 0) {
        memset(b.data + 12, 0, 12); /* neither id nor time */
    }
    struct bytes rest = buf_view(&b);
    int rc = request_decode(&rest, &out);
    if (rc == 0) {
        assert_int_equal(out.once_client.len, name_len);
        assert_int_equal(rest.len, 0);
    }
    buf_release(&b);
    return rc;
}

static void test_once(void **state)
{
    UNUSED(state);
    assert_int_equal(once_decoded(1, REQUEST_FLAG_ONCE), 0);
    assert_int_equal(once_decoded(REQUEST_ONCE_LEN_MAX, REQUEST_FLAG_ONCE), 0);
    assert_int_equal(once_decoded(1, 0), ERR_CORRUPT);
    /* A name of no length. */
    static const struct bytes argv[] = {
        {.data = (const uint8_t *)"PING", .len = 4}};
    struct request r = {.argc = 1};
    struct request out;
    struct buf b = BUF_INIT;
    request_encode(&b, &r, argv);
    b.data[4] = REQUEST_FLAG_ONCE;
    b.data[12] = 8;
    b.data[20] = 60;
    struct bytes rest = buf_view(&b);
    assert_int_equal(request_decode(&rest, &out), ERR_CORRUPT);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),          cmocka_unit_test(test_spare_runs),
        cmocka_unit_test(test_too_many_runs), cmocka_unit_test(test_types),
        cmocka_unit_test(test_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
