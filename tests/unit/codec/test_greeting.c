/* Greetings: round trip, every length, what no honest sender writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "codec/greeting.h"

static struct greeting sample(void)
{
    struct greeting g = {
        .cluster_id = 11,
        .label = 12,
        .members = 13,
        .directory = {14, 15},
        .nonce = 16,
        .verdict = GREETING_TWIN,
        .known_incarnation = 17,
        .known_nonce = 18,
        .replaced_at = 19,
        .members_at = 24,
        .address = "10.0.0.1:6379",
        .peer_address = "vard2.example:16379",
        .level = 2,
        .level_min = 1,
        .level_max = 3,
        .version = "1.2.3",
        .receipt = {.life = 25, .term = 26, .index = 27, .chain = 28},
        .founding = {.cluster_id = 11, .count = 2},
    };
    g.founding.members[0] = (struct founding_member){0, {20, 21}};
    g.founding.members[1] = (struct founding_member){7, {22, 23}};
    return g;
}

static void test_round_trip(void **state)
{
    struct greeting g = sample();
    struct greeting d;
    struct buf out = BUF_INIT;
    UNUSED(state);
    memset(&d, 0xff, sizeof(d));
    greeting_encode(&g, &out);
    assert_int_equal(out.len, GREETING_BODY_SIZE);
    assert_int_equal(greeting_decode(buf_view(&out), &d), 0);
    assert_int_equal(d.cluster_id, 11);
    assert_int_equal(d.label, 12);
    assert_int_equal(d.members, 13);
    assert_true(directory_id_eq(d.directory, g.directory));
    assert_int_equal(d.nonce, 16);
    assert_false(d.lost || d.forced);
    assert_int_equal(d.verdict, GREETING_TWIN);
    assert_int_equal(d.known_incarnation, 17);
    assert_int_equal(d.known_nonce, 18);
    assert_int_equal(d.replaced_at, 19);
    assert_int_equal(d.members_at, 24);
    assert_string_equal(d.address, "10.0.0.1:6379");
    assert_string_equal(d.peer_address, "vard2.example:16379");
    assert_int_equal(d.level, 2);
    assert_int_equal(d.level_min, 1);
    assert_int_equal(d.level_max, 3);
    assert_string_equal(d.version, "1.2.3");
    assert_true(d.receipt.member == 0 && d.receipt.life == 25);
    assert_true(d.receipt.term == 26 && d.receipt.index == 27);
    assert_int_equal(d.receipt.chain, 28);
    assert_true(founding_has(&d.founding, 7, g.founding.members[1].directory));
    assert_false(founding_has(&d.founding, 0, g.founding.members[1].directory));
    assert_false(founding_has(&d.founding, 6, g.founding.members[1].directory));
    g = (struct greeting){.directory = {0, 1},
                          .nonce = 1,
                          .forced = true,
                          .level_min = 1,
                          .level_max = 1,
                          .version = "2"};
    for (int i = 0; i < 2; i++) {
        buf_reset(&out);
        greeting_encode(&g, &out);
        assert_int_equal(greeting_decode(buf_view(&out), &d), 0);
        assert_true(d.lost == g.lost && d.forced == g.forced);
        g.lost = true;
        g.forced = false;
    }
    buf_release(&out);
}

static void test_length(void **state)
{
    struct greeting g = sample();
    struct buf out = BUF_INIT;
    UNUSED(state);
    greeting_encode(&g, &out);
    buf_u8(&out, 0);
    for (size_t len = 0; len <= out.len; len++) {
        uint8_t *copy = mem_alloc(len + 1);
        memcpy(copy, out.data, len);
        int expected = len == GREETING_BODY_SIZE ? 0 : ERR_CORRUPT;
        assert_int_equal(greeting_decode(bytes_of(copy, len), &g), expected);
        mem_free(copy);
    }
    buf_release(&out);
}

/* One byte changed to a value that is never sent. */
static void test_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {
        {48, 1}, /* lost, but not blank */
        {48, 2}, /* forced, but not blank */
        {48, 4}, /* a flag that is not known */
        {49, GREETING_VERDICTS},
        {50, 4}, /* a level in force that it does not know */
        {52, 0}, /* no level */
        {52, 4}, /* from one to a lower one */
        {54, 0},
        {88, '\n'},      /* not printable */
        {88 + 20, 'x'},  /* behind the end */
        {152, '\x7f'},   /* not printable */
        {152 + 20, 'x'}, /* behind the end */
        {280, 0},        /* of no version */
        {280 + 2, '\n'},
        {280 + 15, 'x'},
        {300, 1}, /* spare */
        {304, 0}, /* a receipt of no term, and yet one */
        {312, 0}, /* a receipt of no entry */
        {328, 9}, /* the founding's checksum does not fit */
        {GREETING_BODY_SIZE - 1, 0x55},
        {0, 12}, /* the founding is another cluster's */
        {0, 0},  /* blank, and founded */
    };
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct greeting g = sample();
        struct buf out = BUF_INIT;
        greeting_encode(&g, &out);
        assert_true(out.data[wrong[i].at] != wrong[i].value);
        out.data[wrong[i].at] = wrong[i].value;
        assert_int_equal(greeting_decode(buf_view(&out), &g), ERR_CORRUPT);
        buf_release(&out);
    }
    static const size_t never_zero[][2] = {{24, 40}, {40, 48}};
    for (size_t i = 0; i < ARRAY_LEN(never_zero); i++) {
        struct greeting g = sample();
        struct buf out = BUF_INIT;
        greeting_encode(&g, &out);
        for (size_t at = never_zero[i][0]; at < never_zero[i][1]; at++)
            out.data[at] = 0;
        assert_int_equal(greeting_decode(buf_view(&out), &g), ERR_CORRUPT);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
