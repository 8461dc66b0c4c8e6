/*
 * The configuration of the cluster: what is encoded is decoded, and nothing
 * else is. Also how a directory asks for a life, and is answered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/admit.h"
#include "codec/configuration.h"

#include <string.h>

#define HEAD_LEVEL 2
#define ROLES      4 /* in a member */

static struct configuration sample(void)
{
    struct configuration c;

    configuration_of(&c, (const node_id[]){9, 2, 5}, 3);
    c.level = 3;
    c.members[1].roles = 0;
    c.members[1].priority = 200;
    c.members[1].level_min = 2;
    c.members[1].level_max = 7;
    c.members[1].life = 6;
    c.members[1].directory = (struct directory_id){0x0102030405060708, 9};
    assert_true(member_set_text(c.members[1].peer_address,
                                CONFIGURATION_ADDRESS_SIZE, "10.0.0.5:16379"));
    assert_true(member_set_text(c.members[1].client_address,
                                CONFIGURATION_ADDRESS_SIZE, "[::1]:6379"));
    assert_true(
        member_set_text(c.members[1].zone, CONFIGURATION_ZONE_SIZE, "east"));
    c.members[2].roles = MEMBER_VOTER | MEMBER_OUTGOING;
    return c;
}

static void test_round_trip(void **state)
{
    struct configuration c = sample();
    struct configuration d;
    struct buf out = BUF_INIT;

    UNUSED(state);
    configuration_encode(&c, &out);
    assert_int_equal(out.len, configuration_size(&c));
    assert_int_equal(configuration_decode(buf_view(&out), &d), 0);
    assert_memory_equal(&c, &d, sizeof(c));
    buf_release(&out);
}

/* The layout of the header, by hand. */
static void test_layout(void **state)
{
    static const uint8_t golden[] = {
        1, 1,   1,   0,                      /* version, count, level */
        7, 0,   0,   0,   1, 100,            /* id, roles, priority */
        1, 0,   1,   0,                      /* levels */
        3, 0,   0,   0,                      /* life */
        2, 0,   0,   0,   0, 0,   0,   0,    /* directory */
        1, 0,   0,   0,   0, 0,   0,   0x80, /* its low half */
        3, 'a', ':', '1', 0, 1,   'z',       /* addresses, zone */
    };
    struct configuration c;
    struct buf out = BUF_INIT;

    UNUSED(state);
    configuration_of(&c, (const node_id[]){7}, 1);
    c.members[0].life = 3;
    c.members[0].directory = (struct directory_id){2, 0x8000000000000001};
    memcpy(c.members[0].peer_address, "a:1", sizeof("a:1"));
    memcpy(c.members[0].zone, "z", sizeof("z"));
    configuration_encode(&c, &out);
    assert_int_equal(out.len, sizeof(golden));
    assert_memory_equal(out.data, golden, sizeof(golden));
    buf_release(&out);
}

/* Every cut is refused; a changed byte is refused, or says something else that
 * is written in the same way. */
static void test_damage(void **state)
{
    struct configuration c = sample();
    struct configuration d;
    struct buf out = BUF_INIT;
    struct buf again = BUF_INIT;

    UNUSED(state);
    configuration_encode(&c, &out);
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(configuration_decode(bytes_of(out.data, len), &d),
                         ERR_CORRUPT);
    for (size_t i = 0; i < out.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            out.data[i] ^= (uint8_t)(1 << bit);
            if (configuration_decode(buf_view(&out), &d) == 0) {
                buf_reset(&again);
                configuration_encode(&d, &again);
                assert_true(bytes_eq(buf_view(&again), buf_view(&out)));
            }
            out.data[i] ^= (uint8_t)(1 << bit);
        }
    }
    buf_u8(&out, 0);
    assert_int_equal(configuration_decode(buf_view(&out), &d), ERR_CORRUPT);
    buf_release(&out);
    buf_release(&again);
}

static void expect_invalid(const struct configuration *c)
{
    assert_false(configuration_valid(c));
}

static void test_what_cannot_be(void **state)
{
    const struct configuration good = sample();
    struct configuration c = good;

    UNUSED(state);
    assert_true(configuration_valid(&c));
    c.level = 0;
    expect_invalid(&c);
    c = good;
    c.members[2].id = c.members[1].id;
    expect_invalid(&c);
    c = good;
    c.members[2].id = NODE_NONE;
    expect_invalid(&c);
    c = good;
    c.members[0].roles = 8;
    expect_invalid(&c);
    c = good; /* who leaves is nothing else */
    c.members[0].roles = MEMBER_LEAVING | MEMBER_VOTER;
    expect_invalid(&c);
    c.members[0].roles = MEMBER_LEAVING | MEMBER_OUTGOING;
    expect_invalid(&c);
    c.members[0].roles = MEMBER_LEAVING;
    assert_true(configuration_valid(&c));
    c = good;
    c = good;
    c.members[0].roles = c.members[2].roles = MEMBER_OUTGOING;
    expect_invalid(&c);
    c = good;
    c.members[1].level_min = 8;
    expect_invalid(&c);
    c = good;
    c.members[1].level_min = 0;
    expect_invalid(&c);
    c = good;
    c.members[1].life = (uint32_t)CONFIGURATION_LIFE_MAX + 1;
    expect_invalid(&c);
    c = good;
    c.members[1].zone[1] = ' ';
    expect_invalid(&c);
    c = good;
    c.members[1].zone[10] = 'x'; /* behind the NUL */
    expect_invalid(&c);
    c = good;
    memset(c.members[1].zone, 'x', sizeof(c.members[1].zone));
    expect_invalid(&c);
    c = good;
    c.count = 0;
    expect_invalid(&c);
    c.count = RAFT_NODES_MAX + 1;
    expect_invalid(&c);
}

/* The largest one there can be is within the bound that the state relies on. */
static void test_largest(void **state)
{
    node_id ids[RAFT_NODES_MAX];
    struct configuration c;
    struct buf out = BUF_INIT;

    UNUSED(state);
    for (uint32_t i = 0; i < RAFT_NODES_MAX; i++)
        ids[i] = i;
    configuration_of(&c, ids, RAFT_NODES_MAX);
    for (uint32_t i = 0; i < RAFT_NODES_MAX; i++) {
        struct member *m = &c.members[i];
        memset(m->peer_address, 'a', sizeof(m->peer_address) - 1);
        memset(m->client_address, 'b', sizeof(m->client_address) - 1);
        memset(m->zone, 'c', sizeof(m->zone) - 1);
    }
    assert_true(configuration_valid(&c));
    configuration_encode(&c, &out);
    assert_true(out.len <= CONFIGURATION_SIZE_MAX);
    buf_release(&out);
}

static void test_texts(void **state)
{
    char field[4] = "xyz";

    UNUSED(state);
    assert_true(member_set_text(field, sizeof(field), "a"));
    assert_memory_equal(field, "a\0\0\0", 4);
    assert_false(member_set_text(field, sizeof(field), "abcd"));
    assert_false(member_set_text(field, sizeof(field), "a b"));
    assert_false(member_set_text(field, sizeof(field), "\x7f"));
    assert_memory_equal(field, "a\0\0\0", 4);
}

static void test_core_members(void **state)
{
    struct configuration c = sample();
    struct raft_members m;

    UNUSED(state);
    configuration_members(&c, &m);
    assert_int_equal(m.count, 3);
    assert_int_equal(m.ids[0], 2);
    assert_int_equal(m.ids[2], 9);
    assert_int_equal(m.voters, 5);
    assert_int_equal(m.outgoing, 4);
    assert_int_equal(m.life[1], 6);
    assert_int_equal(configuration_find(&c, 5)->life, 6);
    assert_null(configuration_find(&c, 6));
    assert_null(configuration_member(&c, 0));
}

static struct admit ask_sample(void)
{
    struct admit a = {.id = 3,
                      .directory = {1, 2},
                      .level_min = 1,
                      .level_max = 4,
                      .peer_address = "host:1",
                      .client_address = "host:2"};
    return a;
}

static void test_admit(void **state)
{
    struct admit a = ask_sample();
    struct admit b;
    struct buf out = BUF_INIT;

    UNUSED(state);
    admit_encode(&a, &out);
    assert_int_equal(admit_decode(buf_view(&out), &b), 0);
    assert_memory_equal(&a, &b, sizeof(a));
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(admit_decode(bytes_of(out.data, len), &b),
                         ERR_CORRUPT);
    memset(out.data + 8, 0, 16); /* no directory */
    assert_int_equal(admit_decode(buf_view(&out), &b), ERR_CORRUPT);
    buf_release(&out);
}

static void test_grant(void **state)
{
    struct grant g = {.life = 3,
                      .cluster_id = 5,
                      .index = 7,
                      .configuration = sample(),
                      .why = "as it asked"};
    struct grant d;
    struct buf out = BUF_INIT;

    UNUSED(state);
    grant_encode(&g, &out);
    assert_int_equal(grant_decode(buf_view(&out), &d), 0);
    assert_memory_equal(&g, &d, sizeof(g));
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(grant_decode(bytes_of(out.data, len), &d),
                         ERR_CORRUPT);
    out.data[0] = GRANT_VERDICTS;
    assert_int_equal(grant_decode(buf_view(&out), &d), ERR_CORRUPT);
    out.data[0] = GRANT_LATER; /* with all that it says */
    assert_int_equal(grant_decode(buf_view(&out), &d), ERR_CORRUPT);
    buf_reset(&out);
    g = (struct grant){.verdict = GRANT_REFUSED, .why = "no"};
    grant_encode(&g, &out);
    assert_int_equal(grant_decode(buf_view(&out), &d), 0);
    assert_string_equal(d.why, "no");
    out.data[out.len - 1] = '\n';
    assert_int_equal(grant_decode(buf_view(&out), &d), ERR_CORRUPT);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_what_cannot_be),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_core_members),
        cmocka_unit_test(test_admit),
        cmocka_unit_test(test_grant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
