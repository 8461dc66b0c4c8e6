/*
 * The state checker (I17): nodes that apply the same history pass, also over
 * restarts; each difference has a name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "check/check_state.h"
#include "store/store_memory.h"

// link: check_state store codec base

#define NODES 3

struct story {
    struct state_check check;
    struct store *stores[NODES];
    struct store_batch batch;
};

static struct story *story_new(void)
{
    struct story *s = mem_zalloc(sizeof(*s));

    state_check_init(&s->check, NODES);
    for (uint32_t i = 0; i < NODES; i++)
        s->stores[i] = store_memory_new();
    s->batch = STORE_BATCH_INIT;
    return s;
}

static void story_free(struct story *s)
{
    state_check_release(&s->check);
    for (uint32_t i = 0; i < NODES; i++)
        store_close(s->stores[i]);
    store_batch_release(&s->batch);
    mem_free(s);
}

static void put(struct story *s, const char *key, const char *value)
{
    store_batch_put(&s->batch, STORE_STATE, bytes_str(key), bytes_str(value));
}

/* The batch is applied by a node, and written. */
static void apply(struct story *s, uint32_t pos)
{
    state_check_apply(&s->check, pos, &s->batch);
    int err = store_write(s->stores[pos], &s->batch, STORE_UNLOGGED);
    assert_int_equal(err, 0);
}

/* The i-th entry of the history. */
static void fill(struct story *s, uint32_t i)
{
    char key[16];
    char value[16];

    store_batch_reset(&s->batch);
    snprintf(key, sizeof(key), "k%u", i % 4);
    snprintf(value, sizeof(value), "v%u", i);
    put(s, key, value);
    put(s, "s0", value);
    put(s, "mapplied", value);
    if (i % 5 == 0)
        store_batch_delete(&s->batch, STORE_STATE, BYTES_LIT("k1"));
    if (i % 7 == 0)
        store_batch_discard(&s->batch, STORE_STATE, BYTES_LIT("k2"),
                            BYTES_LIT("k4"));
}

static void whole(struct story *s, uint32_t pos)
{
    state_check_store(&s->check, pos, s->stores[pos]);
}

static void caught(struct story *s, const char *name)
{
    assert_non_null(s->check.violation);
    assert_memory_equal(s->check.violation, name, strlen(name));
    story_free(s);
}

static void fine(struct story *s)
{
    if (s->check.violation)
        fail_msg("%s", s->check.violation);
}

/* A story in which all nodes have applied 20 entries. */
static struct story *told(void)
{
    struct story *s = story_new();

    for (uint32_t i = 1; i <= 20; i++) {
        fill(s, i);
        for (uint32_t pos = 0; pos < NODES; pos++) {
            apply(s, pos);
            whole(s, pos);
        }
        fine(s);
    }
    return s;
}

static void test_equal(void **state)
{
    struct story *s = told();

    UNUSED(state);
    assert_int_equal(s->check.head, 20);
    assert_true(
        state_check_equal(&s->check, 20, state_hash_store(s->stores[1])));
    assert_false(
        state_check_equal(&s->check, 19, state_hash_store(s->stores[1])));
    assert_true(s->check.at[20].effects != s->check.at[19].effects);
    story_free(s);
}

/* A node loses its last entries and applies them again. */
static void test_restart(void **state)
{
    struct story *s = story_new();

    UNUSED(state);
    for (uint32_t i = 1; i <= 9; i++) {
        fill(s, i);
        apply(s, 0);
        apply(s, 1);
        if (i == 6)
            assert_int_equal(store_flush(s->stores[1], STORE_STATE, true), 0);
    }
    store_memory_crash(s->stores[1], 0);
    state_check_start(&s->check, 1, 6);
    whole(s, 1);
    for (uint32_t i = 7; i <= 9; i++) {
        fill(s, i);
        apply(s, 1);
    }
    whole(s, 1);
    fine(s);
    story_free(s);
}

/* The order within a batch does not count. */
static void test_order_in_batch(void **state)
{
    struct story *s = story_new();

    UNUSED(state);
    put(s, "ka", "1");
    put(s, "kb", "2");
    put(s, "mapplied", "1");
    apply(s, 0);
    store_batch_reset(&s->batch);
    put(s, "mapplied", "1");
    put(s, "kb", "2");
    put(s, "ka", "1");
    apply(s, 1);
    fine(s);
    story_free(s);
}

static void test_another_effect(void **state)
{
    struct story *s = told();

    UNUSED(state);
    fill(s, 21);
    apply(s, 0);
    put(s, "kx", "only here");
    apply(s, 2);
    caught(s, "I17 state");
}

/* One entry is left out: its successor does something else at its index. */
static void test_entry_left_out(void **state)
{
    struct story *s = told();

    UNUSED(state);
    fill(s, 21);
    apply(s, 0);
    fill(s, 22);
    apply(s, 0);
    apply(s, 1);
    caught(s, "I17 state");
}

static void test_without_position(void **state)
{
    struct story *s = story_new();

    UNUSED(state);
    put(s, "ka", "1");
    apply(s, 0);
    caught(s, "X1");
}

static void test_row_changed_on_disk(void **state)
{
    struct story *s = told();

    UNUSED(state);
    store_batch_reset(&s->batch);
    put(s, "kz", "grown by itself");
    int err = store_write(s->stores[2], &s->batch, STORE_UNLOGGED);
    assert_int_equal(err, 0);
    whole(s, 2);
    caught(s, "I17 state");
}

static void test_session_changed_on_disk(void **state)
{
    struct story *s = told();

    UNUSED(state);
    store_batch_reset(&s->batch);
    put(s, "s0", "v19");
    int err = store_write(s->stores[2], &s->batch, STORE_UNLOGGED);
    assert_int_equal(err, 0);
    whole(s, 2);
    caught(s, "I17 sessions");
}

/* After a crash the position says one thing and the rows another. */
static void test_position_without_rows(void **state)
{
    struct story *s = story_new();

    UNUSED(state);
    for (uint32_t i = 1; i <= 9; i++) {
        fill(s, i);
        apply(s, 1);
        if (i == 6)
            assert_int_equal(store_flush(s->stores[1], STORE_STATE, true), 0);
    }
    store_memory_crash(s->stores[1], 0);
    state_check_start(&s->check, 1, 7);
    whole(s, 1);
    caught(s, "I17");
}

static void test_state_from_nowhere(void **state)
{
    struct story *s = told();

    UNUSED(state);
    state_check_start(&s->check, 1, 21);
    caught(s, "X2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_order_in_batch),
        cmocka_unit_test(test_another_effect),
        cmocka_unit_test(test_entry_left_out),
        cmocka_unit_test(test_without_position),
        cmocka_unit_test(test_row_changed_on_disk),
        cmocka_unit_test(test_session_changed_on_disk),
        cmocka_unit_test(test_position_without_rows),
        cmocka_unit_test(test_state_from_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
