/*
 * WAIT and WAITAOF: who has what was executed here, as a leader knows it and as
 * any other member does.
 */
// link: original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/server/fake_node.h"

/* Has executed entry 40; one of two others has 39 entries, by the leader. */
static void a_majority_is_sure_at_once(void **state)
{
    struct fixture *f = *state;
    f->node->durable = 40;
    for (int leads = 0; leads <= 1; leads++) {
        f->node->leader = leads;
        send_text(f, "WAIT 0 0\r\nWAIT 1 0\r\nWAIT -1 1\r\n");
        expect(f, ":1\r\n:1\r\n:1\r\n");
        send_text(f, "WAITAOF 1 1 0\r\nWAITAOF 0 0 0\r\n");
        expect(f, "*2\r\n:1\r\n:1\r\n*2\r\n:1\r\n:1\r\n");
    }
}

static void what_does_not_come_in_time_is_not_counted(void **state)
{
    struct fixture *f = *state;
    int64_t end = f->node->mono_ms + 20000;
    f->node->durable = 39;
    send_text(f, "WAITAOF 1 2 1\r\nPING\r\n");
    expect(f, "");
    while (f->client->wait == WAIT_LATER && f->node->mono_ms < end)
        turn(f);
    expect(f, "*2\r\n:0\r\n:1\r\n+PONG\r\n");
}

/* Other members, and this disk, come up to what was executed when it came. */
static void what_comes_ends_it(void **state)
{
    struct fixture *f = *state;
    int64_t end = f->node->mono_ms + 20000;
    f->node->durable = 40;
    f->node->held_by_all = 39;
    send_text(f, "WAIT 2 0\r\n");
    expect(f, "");
    f->node->held_by_all = 40;
    while (f->client->wait == WAIT_LATER && f->node->mono_ms < end)
        turn(f);
    expect(f, ":2\r\n");
    f->node->durable = 39;
    send_text(f, "WAITAOF 1 2 0\r\n");
    expect(f, "");
    f->node->durable = 40;
    end = f->node->mono_ms + 20000;
    while (f->client->wait == WAIT_LATER && f->node->mono_ms < end)
        turn(f);
    expect(f, "*2\r\n:1\r\n:2\r\n");
}

static void wrong_numbers_are_refused(void **state)
{
    static const struct {
        const char *command;
        const char *reply;
    } rows[] = {
        {"WAIT x 0\r\n", "-ERR value is not an integer or out of range\r\n"},
        {"WAIT 0 x\r\n", "-ERR timeout is not an integer or out of range\r\n"},
        {"WAIT 0 -1\r\n", "-ERR timeout is negative\r\n"},
        {"WAIT 0 0.5\r\n",
         "-ERR timeout is not an integer or out of range\r\n"},
        {"WAIT 0\r\n", "-ERR wrong number of arguments for 'wait' command\r\n"},
        {"WAITAOF 2 0 0\r\n",
         "-ERR value is out of range, value must between 0 and 1\r\n"},
        {"WAITAOF -1 0 0\r\n",
         "-ERR value is out of range, value must between 0 and 1\r\n"},
        {"WAITAOF 0 -1 0\r\n",
         "-ERR value is out of range, must be positive\r\n"},
        {"WAITAOF 1 1 -1\r\n", "-ERR timeout is negative\r\n"},
        {"WAITAOF 1 1\r\n",
         "-ERR wrong number of arguments for 'waitaof' command\r\n"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        send_text(f, rows[i].command);
        expect(f, rows[i].reply);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_majority_is_sure_at_once),
        CASE(what_does_not_come_in_time_is_not_counted),
        CASE(what_comes_ends_it),
        CASE(wrong_numbers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
