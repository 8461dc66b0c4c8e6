/*
 * client_check() and server_check() find what they are for: each fault here is
 * put into a server that is well, by hand, and must end the process there.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "unit/server/fake_node.h"

/* --- faults of a client --------------------------------------------------- */

static void never_woken_for_its_turn(struct fixture *f)
{
    (void)client_wait(f->client, WAIT_TURN);
}

static void waits_for_answers_and_is_owed_none(struct fixture *f)
{
    (void)client_wait(f->client, WAIT_IDLE);
}

static void waits_for_reads_and_has_none(struct fixture *f)
{
    (void)client_wait(f->client, WAIT_READS);
}

static void waits_for_output_and_has_none(struct fixture *f)
{
    (void)client_wait(f->client, WAIT_OUTPUT);
}

static void waits_for_no_shutdown(struct fixture *f)
{
    (void)client_wait(f->client, WAIT_SHUTDOWN);
}

static void waits_for_two_things(struct fixture *f)
{
    (void)client_wait(f->client, WAIT_NODE);
    (void)client_wait(f->client, WAIT_IDLE);
}

static void goes_on_after_shutdown(struct fixture *f)
{
    (void)client_wait(f->client, WAIT_SHUTDOWN);
    (void)client_wait(f->client, WAIT_NONE);
}

static void reads_left_behind(struct fixture *f)
{
    f->client->reads.phase = READS_TO_LOG;
}

static void reads_asked_behind_a_write(struct fixture *f)
{
    struct unanswered u = {.flags = REPLY_MUTE};
    unanswered_push(&f->client->unanswered, &u);
    f->client->reads.phase = READS_ASKED;
}

static void reads_done_that_were_not_there(struct fixture *f)
{
    f->client->reads.next = 1;
}

static void reads_of_a_later_turn(struct fixture *f)
{
    f->client->reads.turn = f->server->turn.number + 1;
}

static void more_unanswered_than_fit(struct fixture *f)
{
    f->client->unanswered.count = 1;
}

static void a_ring_that_is_no_power_of_two(struct fixture *f)
{
    f->client->unanswered.cap = 3;
}

static void a_ring_that_begins_outside(struct fixture *f)
{
    f->client->unanswered.head = 1;
}

static void open_without_a_socket(struct fixture *f)
{
    f->client->conn.fd = -1;
}

static void closing_and_read_from(struct fixture *f)
{
    f->client->state = CLIENT_CLOSING;
}

static void gone_with_a_socket(struct fixture *f)
{
    f->client->state = CLIENT_GONE;
}

static void back_to_life(struct fixture *f)
{
    client_doom(f->client);
    client_move(f->client, CLIENT_OPEN);
}

static void a_guest_without_a_protocol(struct fixture *f)
{
    f->client->guest_id[0] = 'a';
}

static void an_id_that_was_not_given(struct fixture *f)
{
    f->client->id = f->server->clients.last_id + 1;
}

/* --- faults of the server ------------------------------------------------- */

static void a_client_too_many(struct fixture *f)
{
    f->server->clients.count++;
}

static void memory_not_counted(struct fixture *f)
{
    f->client->accounted_bytes++;
}

static void memory_of_nobody(struct fixture *f)
{
    f->server->clients.bytes++;
}

static void output_left(struct fixture *f)
{
    client_mark_dirty(f->client);
}

static void a_doomed_one_left(struct fixture *f)
{
    client_doom(f->client);
}

static void a_turn_without_time(struct fixture *f)
{
    f->server->turn.is_set = false;
}

static void too_many_lines_in_the_log(struct fixture *f)
{
    f->server->limits.closed_logged = CLOSED_LOGGED_MAX + 1;
}

static void draining_with_open_doors(struct fixture *f)
{
    f->server->shutdown.phase = SHUTDOWN_DRAIN;
}

static void serving_without_a_door(struct fixture *f)
{
    f->server->doors.count = 0;
}

static void a_second_to_come(struct fixture *f)
{
    f->server->cron.second_ms = f->server->turn.mono_ms + 1;
}

static void (*const faults[])(struct fixture *) = {
    never_woken_for_its_turn,
    waits_for_answers_and_is_owed_none,
    waits_for_reads_and_has_none,
    waits_for_output_and_has_none,
    waits_for_no_shutdown,
    waits_for_two_things,
    goes_on_after_shutdown,
    reads_left_behind,
    reads_asked_behind_a_write,
    reads_done_that_were_not_there,
    reads_of_a_later_turn,
    more_unanswered_than_fit,
    a_ring_that_is_no_power_of_two,
    a_ring_that_begins_outside,
    open_without_a_socket,
    closing_and_read_from,
    gone_with_a_socket,
    back_to_life,
    a_guest_without_a_protocol,
    an_id_that_was_not_given,
    a_client_too_many,
    memory_not_counted,
    memory_of_nobody,
    output_left,
    a_doomed_one_left,
    a_turn_without_time,
    too_many_lines_in_the_log,
    draining_with_open_doors,
    serving_without_a_door,
    a_second_to_come,
};

/* --- tests ---------------------------------------------------------------- */

static void nothing(struct fixture *f)
{
    UNUSED(f);
}

static void look(struct fixture *f)
{
    client_check(f->client);
    clients_check_each(&f->server->clients);
    server_check(f->server);
}

/* In a process of its own: does a fault end it, with an assertion? */
static bool ends(void (*put)(struct fixture *), struct fixture *f)
{
    const struct rlimit none = {0, 0};
    char text[300] = "";
    int pipes[2];
    int status = 0;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        dup2(pipes[1], 2);
        turn_begin(f->server);
        put(f);
        look(f);
        _exit(0);
    }
    close(pipes[1]);
    bool said = read(pipes[0], text, sizeof(text) - 1) > 0;
    close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(said, WIFSIGNALED(status));
    return said && strstr(text, "src/server/") != NULL;
}

/* What a client may wait for, as it does just after it was woken. */
static void may_wait(struct fixture *f, enum client_wait reason)
{
    struct client *c = f->client;
    c->wait = reason;
    client_mark_ready(c);
    client_check(c);
    list_remove(&c->ready);
    c->wait = WAIT_NONE;
}

/* What is well is not taken for a fault: each of these happens. */
static void what_is_well_passes(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    static const enum client_wait reasons[] = {
        WAIT_NONE, WAIT_TURN,   WAIT_IDLE,   WAIT_READS,
        WAIT_NODE, WAIT_UPLOAD, WAIT_OUTPUT,
    };
    turn(f);
    turn_begin(f->server);
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        may_wait(f, reasons[i]);
    c->wait = WAIT_UPLOAD; /* the node will tell */
    c->uploading = true;
    client_check(c);
    c->uploading = false;
    c->wait = WAIT_LATER; /* its command is asked again */
    c->later_ms = 1;
    client_check(c);
    c->later_ms = 0;
    c->wait = WAIT_NODE;
    c->reads.phase = READS_TO_LOG;
    client_check(c);
    c->wait = WAIT_UPLOAD;
    c->uploading = true;
    client_check(c);
    c->uploading = false;
    c->reads.phase = READS_ASKED;
    c->wait = WAIT_READS;
    client_check(c);
    c->wait = WAIT_IDLE;
    client_check(c);
    c->wait = WAIT_NONE;
    client_check(c);
    c->reads.turn = f->server->turn.number;
    client_check(c);
    c->reads.phase = READS_NONE;
    c->conn.out.len = 0;
    buf_str(&c->conn.out, "x");
    c->wait = WAIT_OUTPUT;
    client_check(c);
    c->wait = WAIT_NONE;
    f->server->shutdown.phase = SHUTDOWN_TRANSFER;
    c->wait = WAIT_SHUTDOWN;
    client_check(c);
    f->server->shutdown.phase = SHUTDOWN_NONE;
    c->wait = WAIT_NONE;
    f->server->limits.closed_logged = CLOSED_LOGGED_MAX;
    server_check(f->server);
    f->server->limits.closed_logged = 0;
    client_doom(c);
    client_check(c);
}

static void each_fault_ends_the_process(void **state)
{
    struct fixture *f = *state;
    turn(f);
    assert_false(ends(nothing, f));
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        if (!ends(faults[i], f))
            fail_msg("fault %zu is not found", i);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(each_fault_ends_the_process),
        test(what_is_well_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
