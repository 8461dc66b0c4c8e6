/*
 * Members whose address is a name: it is looked up whenever they are dialed,
 * by a function of the test, and what it says may change at any time.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "os/mutex.h"
#include "unit/peer/fixture.h"

#define MEANINGS_MAX 2

/* What the name of member 2 means. The function has no context, and is called
 * on threads. */
static struct {
    struct mutex lock;
    char addresses[MEANINGS_MAX][ADDRESS_TEXT_MAX];
    uint32_t count;
    bool hangs;
    uint32_t asked;
    uint32_t running; /* threads that are in the function */
} names;

static int fake_look_up(struct bytes address, uint32_t nth, struct address *out)
{
    char text[ADDRESS_TEXT_MAX] = "";
    assert_true(bytes_eq(address, BYTES_LIT("two.test:16379")));
    mutex_lock(&names.lock);
    names.asked++;
    names.running++;
    for (int i = 0; i < 20000 && names.hangs; i++) {
        mutex_unlock(&names.lock);
        usleep(1000);
        mutex_lock(&names.lock);
    }
    if (names.count > 0)
        snprintf(text, sizeof(text), "%s", names.addresses[nth % names.count]);
    names.running--;
    mutex_unlock(&names.lock);
    return text[0] != '\0' ? address_number(bytes_str(text), out)
                           : ERR_NOT_FOUND;
}

/* NULL: nothing. */
static void it_means(const char *first, const char *second)
{
    mutex_lock(&names.lock);
    names.count = first == NULL ? 0 : second == NULL ? 1 : 2;
    snprintf(names.addresses[0], ADDRESS_TEXT_MAX, "%s",
             first != NULL ? first : "");
    snprintf(names.addresses[1], ADDRESS_TEXT_MAX, "%s",
             second != NULL ? second : "");
    mutex_unlock(&names.lock);
}

static void it_hangs(bool hangs)
{
    mutex_lock(&names.lock);
    names.hangs = hangs;
    mutex_unlock(&names.lock);
}

static uint32_t times_asked(void)
{
    mutex_lock(&names.lock);
    uint32_t asked = names.asked;
    mutex_unlock(&names.lock);
    return asked;
}

static int setup(void **state)
{
    it_means(NULL, NULL);
    it_hangs(false);
    names.asked = 0;
    return cluster_setup(state);
}

static bool none_is_running(struct cluster *c)
{
    UNUSED(c);
    mutex_lock(&names.lock);
    bool none = names.running == 0;
    mutex_unlock(&names.lock);
    return none;
}

static int teardown(void **state)
{
    struct cluster *c = *state;
    it_hangs(false);
    for (int i = 0; i < 1000 && !none_is_running(c); i++)
        run_for(c, 1);
    assert_true(none_is_running(c));
    return cluster_teardown(state);
}

/* Node 1, which knows member 2 by its name. */
static void start_one(struct cluster *c)
{
    const struct peer_member members[] = {{1, c->addresses[1]},
                                          {2, "two.test:16379"}};
    struct peers_options o = node_options(c, 1, 3);
    o.members = members;
    o.look_up = fake_look_up;
    node_start_with(c, &o);
}

static void a_name_is_looked_up(void **state)
{
    struct cluster *c = *state;
    it_means(c->addresses[2], NULL);
    start_one(c);
    node_start(c, 2, 5);
    run_until(c, all_up);
    assert_int_equal(lines_with(&c->nodes[1], "peer 2 (two.test:16379): link"),
                     1);
}

/* Numbers are not. */
static void only_names_are(void **state)
{
    struct cluster *c = *state;
    struct peers_options o = node_options(c, 1, 3);
    o.look_up = fake_look_up;
    node_start_with(c, &o);
    node_start(c, 2, 5);
    run_until(c, all_up);
    assert_int_equal(times_asked(), 0);
}

static void an_unknown_name_keeps_nobody_from_starting(void **state)
{
    struct cluster *c = *state;
    start_one(c);
    node_start(c, 2, 5);
    run_until_logged(c, 1,
                     "peer 2 (two.test:16379): no link yet: its name is "
                     "not known");
    assert_false(c->nodes[1].is_up[2]);
    it_means(c->addresses[2], NULL);
    run_until(c, all_up);
}

static void a_member_that_has_moved_is_found(void **state)
{
    struct cluster *c = *state;
    it_means(c->addresses[2], NULL);
    start_one(c);
    node_start(c, 2, 5);
    run_until(c, all_up);
    node_stop(c, 2);
    run_until(c, one_sees_two_down);
    memcpy(c->addresses[2], c->addresses[3], sizeof(c->addresses[2]));
    it_means(c->addresses[3], NULL);
    node_start(c, 2, 6);
    run_until(c, all_up);
    assert_int_equal(c->nodes[1].ups[2], 2);
}

/* The first of its addresses does not answer. */
static void each_address_of_a_name_is_tried(void **state)
{
    struct cluster *c = *state;
    it_means(c->addresses[3], c->addresses[2]);
    start_one(c);
    node_start(c, 2, 5);
    run_until(c, all_up);
    assert_true(times_asked() >= 2);
}

static void the_last_address_is_used_while_nobody_knows(void **state)
{
    struct cluster *c = *state;
    it_means(c->addresses[2], NULL);
    start_one(c);
    node_start(c, 2, 5);
    run_until(c, all_up);
    it_means(NULL, NULL);
    node_stop(c, 2);
    run_until(c, one_sees_two_down);
    node_start(c, 2, 6);
    run_until(c, all_up);
}

static void and_while_nobody_answers(void **state)
{
    struct cluster *c = *state;
    it_means(c->addresses[2], NULL);
    start_one(c);
    node_start(c, 2, 5);
    run_until(c, all_up);
    it_hangs(true);
    node_stop(c, 2);
    run_until(c, one_sees_two_down);
    node_start(c, 2, 6);
    run_until(c, all_up);
    assert_int_equal(times_asked(), 2);
}

/* There is one thread for it, however long that takes. */
static void nothing_is_known_as_long_as_it_hangs(void **state)
{
    struct cluster *c = *state;
    it_means(c->addresses[2], NULL);
    it_hangs(true);
    start_one(c);
    node_start(c, 2, 5);
    run_until_logged(c, 1, "its name could not be looked up in time");
    run_for(c, 1500);
    assert_int_equal(times_asked(), 1);
    assert_false(c->nodes[1].is_up[2]);
    it_hangs(false);
    run_until(c, all_up);
}

static void an_end_while_it_hangs(void **state)
{
    struct cluster *c = *state;
    it_hangs(true);
    start_one(c);
    run_for(c, 50);
    assert_int_equal(times_asked(), 1);
    node_stop(c, 1);
    it_hangs(false);
    run_for(c, 50);
}

/* Whoever has got its address meanwhile is not taken for it. */
static void another_member_at_its_address(void **state)
{
    struct cluster *c = *state;
    c->members[1] = (struct peer_member){3, c->addresses[3]};
    node_start(c, 3, 5);
    it_means(c->addresses[3], NULL);
    start_one(c);
    run_until_logged(c, 3, "looks for member 2, but this is member 3");
    assert_int_equal(c->nodes[1].ups[2], 0);
}

/* Its number is another than the one that node 1 has: both logs say so. */
static void one_that_is_reached_and_does_not_reach(void **state)
{
    struct cluster *c = *state;
    char wanted[400];
    const struct peer_member members[] = {{1, c->addresses[1]},
                                          {2, c->addresses[3]}};
    struct peers_options o = node_options(c, 1, 3);
    o.members = members;
    node_start_with(c, &o);
    node_start(c, 2, 5);
    run_until_logged(c, 1,
                     "Connection refused; it has reached this node from "
                     "127.0.0.1:");
    snprintf(wanted, sizeof(wanted),
             "peer 1 (%s): it answers, but does not connect to this node: does "
             "it know this node's address, %s, and",
             c->addresses[1], c->addresses[2]);
    run_until_logged(c, 2, wanted);
    run_for(c, 200);
    assert_int_equal(lines_with(&c->nodes[2], "it answers, but"), 1);
    assert_false(c->nodes[2].is_up[1]);
    node_stop(c, 1);
    node_start(c, 1, 4);
    run_until(c, all_up);
    run_for(c, PEER_ONE_WAY_MS + 200);
    assert_int_equal(lines_with(&c->nodes[2], "it answers, but"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_is_looked_up),
        TEST(only_names_are),
        TEST(an_unknown_name_keeps_nobody_from_starting),
        TEST(a_member_that_has_moved_is_found),
        TEST(each_address_of_a_name_is_tried),
        TEST(the_last_address_is_used_while_nobody_knows),
        TEST(and_while_nobody_answers),
        TEST(nothing_is_known_as_long_as_it_hangs),
        TEST(an_end_while_it_hangs),
        TEST(another_member_at_its_address),
        TEST(one_that_is_reached_and_does_not_reach),
    };
    mutex_init(&names.lock);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
