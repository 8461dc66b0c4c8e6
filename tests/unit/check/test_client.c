/*
 * The trace of requests (I18, I17 output, X9, X11): a legal story passes, and
 * each breach put into it is named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "check/check_client.h"

// link: check_state store codec base

static const struct client_id first = {0, 1, 1};
static const struct client_id second = {1, 4, 1};

static struct client_check *story_new(void)
{
    struct client_check *c = mem_zalloc(sizeof(*c));

    client_check_init(c);
    return c;
}

static void story_free(struct client_check *c)
{
    client_check_release(c);
    mem_free(c);
}

static void ask(struct client_check *c, struct client_id id, const char *word)
{
    struct bytes argv[2] = {bytes_str(word), BYTES_LIT("k")};
    client_check_asked(c, id, argv, 2);
}

static void refuse(struct client_check *c, const char *word)
{
    struct bytes argv[2] = {bytes_str(word), BYTES_LIT("k")};
    client_check_refused(c, argv, 2);
}

static void execute(struct client_check *c, struct client_id id,
                    const char *word, raft_index index, uint32_t pos)
{
    struct bytes argv[2] = {bytes_str(word), BYTES_LIT("k")};
    struct client_place place = {index, pos};
    client_check_executed(c, id, argv, 2, place);
}

static void answer(struct client_check *c, struct client_id id,
                   raft_index index)
{
    client_check_answered(c, id, index, BYTES_LIT("+OK\r\n"),
                          BYTES_LIT("+OK\r\n"));
}

static void fine(const struct client_check *c)
{
    if (c->violation)
        fail_msg("%s", c->violation);
}

static void caught(struct client_check *c, const char *name)
{
    assert_non_null(c->violation);
    assert_memory_equal(c->violation, name, strlen(name));
    story_free(c);
}

static void test_legal(void **state)
{
    struct client_check *c = story_new();
    struct client_id third = {0, 1, 2};

    UNUSED(state);
    ask(c, first, "a");
    ask(c, second, "b"); /* both under way: any order will do */
    execute(c, second, "b", 5, 0);
    execute(c, first, "a", 5, 1);
    answer(c, first, 5);
    answer(c, second, 6);
    refuse(c, "c");
    ask(c, third, "c"); /* asked again, and now it is taken */
    execute(c, third, "c", 5, 2);
    fine(c);
    assert_int_equal(c->asked, 3);
    assert_int_equal(c->executed, 3);
    assert_int_equal(c->replied, 2);
    story_free(c);
}

static void test_many_numbers(void **state)
{
    struct client_check *c = story_new();

    UNUSED(state);
    for (uint64_t seq = 1; seq <= 1000; seq++)
        for (uint64_t incarnation = 1; incarnation <= 3; incarnation++)
            ask(c, (struct client_id){2, incarnation, seq}, "a");
    for (uint64_t seq = 1; seq <= 1000; seq++)
        execute(c, (struct client_id){2, 2, seq}, "a", seq, 0);
    fine(c);
    story_free(c);
}

static void test_never_asked(void **state)
{
    struct client_check *c = story_new();

    UNUSED(state);
    execute(c, first, "a", 5, 0);
    caught(c, "I18");
    c = story_new();
    ask(c, first, "a");
    execute(c, second, "a", 5, 0);
    caught(c, "I18");
}

static void test_other_words(void **state)
{
    struct client_check *c = story_new();

    UNUSED(state);
    ask(c, first, "a");
    execute(c, first, "b", 5, 0);
    caught(c, "I18");
}

static void test_number_twice(void **state)
{
    struct client_check *c = story_new();

    UNUSED(state);
    ask(c, first, "a");
    ask(c, first, "b");
    caught(c, "I18");
}

static void test_executed_twice(void **state)
{
    struct client_check *c = story_new();

    UNUSED(state);
    ask(c, first, "a");
    execute(c, first, "a", 5, 0);
    execute(c, first, "a", 6, 0);
    caught(c, "X9");
}

static void test_refused_and_executed(void **state)
{
    struct client_check *c = story_new();

    UNUSED(state);
    refuse(c, "a");
    execute(c, first, "a", 5, 0);
    caught(c, "X11");
}

static void test_causal_order(void **state)
{
    struct client_check *c = story_new();

    UNUSED(state);
    ask(c, first, "a");
    execute(c, first, "a", 5, 1);
    answer(c, first, 5);
    ask(c, second, "b");
    execute(c, second, "b", 5, 0);
    caught(c, "I18 causal order");
}

/* The order of all replies counts, not only that of the last one. */
static void test_causal_order_kept(void **state)
{
    struct client_check *c = story_new();
    struct client_id third = {0, 1, 2};

    UNUSED(state);
    ask(c, first, "a");
    ask(c, second, "b");
    execute(c, second, "b", 5, 0);
    execute(c, first, "a", 9, 0);
    answer(c, first, 9);
    answer(c, second, 9);
    ask(c, third, "c");
    execute(c, third, "c", 7, 0);
    caught(c, "I18 causal order");
}

static void test_reply_unasked(void **state)
{
    struct client_check *c = story_new();

    UNUSED(state);
    answer(c, first, 5);
    caught(c, "I18");
}

static void test_reply_before_executed(void **state)
{
    struct client_check *c = story_new();

    UNUSED(state);
    ask(c, first, "a");
    answer(c, first, 5);
    caught(c, "I18");
}

static void test_reply_before_applied(void **state)
{
    struct client_check *c = story_new();

    UNUSED(state);
    ask(c, first, "a");
    execute(c, first, "a", 6, 0);
    answer(c, first, 5);
    caught(c, "I18");
}

static void test_two_replies(void **state)
{
    struct client_check *c = story_new();

    UNUSED(state);
    ask(c, first, "a");
    execute(c, first, "a", 5, 0);
    answer(c, first, 5);
    answer(c, first, 5);
    caught(c, "I18");
}

static void test_wrong_reply(void **state)
{
    struct client_check *c = story_new();

    UNUSED(state);
    ask(c, first, "a");
    execute(c, first, "a", 5, 0);
    client_check_answered(c, first, 5, BYTES_LIT(":1\r\n"),
                          BYTES_LIT(":2\r\n"));
    caught(c, "I17 output");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_legal),
        cmocka_unit_test(test_many_numbers),
        cmocka_unit_test(test_never_asked),
        cmocka_unit_test(test_other_words),
        cmocka_unit_test(test_number_twice),
        cmocka_unit_test(test_executed_twice),
        cmocka_unit_test(test_refused_and_executed),
        cmocka_unit_test(test_causal_order),
        cmocka_unit_test(test_causal_order_kept),
        cmocka_unit_test(test_reply_unasked),
        cmocka_unit_test(test_reply_before_executed),
        cmocka_unit_test(test_reply_before_applied),
        cmocka_unit_test(test_two_replies),
        cmocka_unit_test(test_wrong_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
