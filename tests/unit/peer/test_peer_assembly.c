/*
 * Fragments put together: the whole, the refusals, the memory.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "peer/peer_assembly.h"

#include "codec/frame.h"

#define MAX_BYTES 1000000

static struct fragment piece(uint32_t offset, uint32_t total, const char *text)
{
    return (struct fragment){.id = 1,
                             .offset = offset,
                             .total = total,
                             .type = FRAME_RAFT,
                             .data = bytes_str(text)};
}

static void test_whole(void **state)
{
    UNUSED(state);
    struct peer_assembly a = {0};
    for (uint64_t id = 1; id <= 3; id++) {
        struct fragment f = piece(0, 10, "01234");
        f.id = id;
        assert_int_equal(peer_assembly_add(&a, &f, MAX_BYTES), 0);
        f.offset = 5;
        f.data = BYTES_LIT("56789");
        assert_int_equal(peer_assembly_add(&a, &f, MAX_BYTES), 1);
        assert_true(bytes_eq(buf_view(&a.data), BYTES_LIT("0123456789")));
        assert_int_equal(a.type, FRAME_RAFT);
        peer_assembly_reset(&a);
        assert_int_equal(a.data.len, 0);
    }
    peer_assembly_release(&a);
    assert_int_equal(a.data.cap, 0);
}

static void test_refused(void **state)
{
    UNUSED(state);
    struct peer_assembly a = {0};
    struct fragment f = piece(5, 10, "56789"); /* no beginning */
    assert_int_equal(peer_assembly_add(&a, &f, MAX_BYTES), ERR_PROTOCOL);
    f = piece(0, MAX_BYTES + 1, "01234");
    assert_int_equal(peer_assembly_add(&a, &f, MAX_BYTES), ERR_TOO_BIG);
    f = piece(0, 10, "01234");
    f.id = 0; /* ids count from 1 */
    assert_int_equal(peer_assembly_add(&a, &f, MAX_BYTES), ERR_PROTOCOL);
    assert_int_equal(a.data.cap, 0);

    f = piece(0, 10, "01234");
    assert_int_equal(peer_assembly_add(&a, &f, MAX_BYTES), 0);
    assert_int_equal(peer_assembly_add(&a, &f, MAX_BYTES), ERR_PROTOCOL);
    struct fragment g = piece(6, 10, "6789");
    assert_int_equal(peer_assembly_add(&a, &g, MAX_BYTES), ERR_PROTOCOL);
    g = piece(5, 10, "56789x");
    assert_int_equal(peer_assembly_add(&a, &g, MAX_BYTES), ERR_PROTOCOL);
    g = piece(5, 11, "56789");
    assert_int_equal(peer_assembly_add(&a, &g, MAX_BYTES), ERR_PROTOCOL);
    g = piece(5, 10, "56789");
    g.type = FRAME_FORWARD;
    assert_int_equal(peer_assembly_add(&a, &g, MAX_BYTES), ERR_PROTOCOL);
    g = piece(5, 10, "56789");
    g.id = 2;
    assert_int_equal(peer_assembly_add(&a, &g, MAX_BYTES), ERR_PROTOCOL);
    peer_assembly_release(&a);
}

/* Memory follows what has come, to twice that, and ends at the total. */
static void test_memory(void **state)
{
    UNUSED(state);
    struct peer_assembly a = {0};
    static char text[1001];
    memset(text, 'x', 1000);
    struct fragment f = piece(0, MAX_BYTES, text);
    int rc = 0, moves = 0;
    while (rc == 0) {
        size_t before = a.data.cap;
        rc = peer_assembly_add(&a, &f, MAX_BYTES);
        f.offset += 1000;
        moves += a.data.cap != before;
        assert_true(a.data.cap <= 2 * a.data.len);
    }
    assert_true(moves <= 32); /* it doubles */
    assert_int_equal(rc, 1);
    assert_int_equal(a.data.len, MAX_BYTES);
    assert_int_equal(a.data.cap, MAX_BYTES);
    peer_assembly_release(&a);
}

/* The memory of a payload of usual size serves the next one, that of a huge
 * one is given back. */
static void test_memory_kept(void **state)
{
    UNUSED(state);
    struct peer_assembly a = {0};
    static uint8_t data[2 * PEER_ASSEMBLY_KEPT];
    struct fragment f = {.id = 1,
                         .total = PEER_ASSEMBLY_KEPT,
                         .type = FRAME_RAFT,
                         .data = bytes_of(data, PEER_ASSEMBLY_KEPT)};
    assert_int_equal(peer_assembly_add(&a, &f, sizeof(data)), 1);
    const uint8_t *memory = a.data.data;
    peer_assembly_reset(&a);
    f.id = 2;
    f.data.len = PEER_ASSEMBLY_KEPT / 4;
    for (int rc = 0; rc == 0; f.offset += (uint32_t)f.data.len) {
        rc = peer_assembly_add(&a, &f, sizeof(data));
        assert_true(rc >= 0);
        assert_ptr_equal(a.data.data, memory);
    }
    assert_int_equal(a.data.len, PEER_ASSEMBLY_KEPT);
    peer_assembly_reset(&a);
    f = (struct fragment){.id = 3,
                          .total = sizeof(data),
                          .type = FRAME_RAFT,
                          .data = bytes_of(data, sizeof(data))};
    assert_int_equal(peer_assembly_add(&a, &f, sizeof(data)), 1);
    peer_assembly_reset(&a);
    assert_int_equal(a.data.cap, PEER_ASSEMBLY_KEPT);
    peer_assembly_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_memory_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
