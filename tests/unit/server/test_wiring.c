/*
 * What the loop, the peers and the disk have to say reaches the node, at the
 * time of the turn; what the node and the options say reaches the log.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/clock.h"
#include "unit/server/fake_node.h"

#include <pthread.h>

/* Ends the turn, and waits until both clocks show another one. */
static void time_passes(struct fixture *f)
{
    turn(f);
    assert_false(f->server->turn.is_set);
    int64_t mono_ms = clock_mono_ms(), wall_ms = clock_wall_ms();
    while (clock_mono_ms() == mono_ms || clock_wall_ms() == wall_ms)
        usleep(500);
}

/* A turn has begun, and the node has been told when. */
static void assert_in_turn(struct fixture *f, int64_t before_ms)
{
    assert_true(f->server->turn.is_set);
    assert_true(f->server->turn.mono_ms > before_ms);
    assert_int_equal(f->node->mono_ms, f->server->turn.mono_ms);
    assert_int_equal(f->node->wall_ms, f->server->turn.wall_ms);
}

static void what_peers_say_reaches_the_node(void **state)
{
    struct fixture *f = *state;
    const struct transport_events *e = server_transport_events(f->server);
    for (int i = 0; i < 4; i++) {
        int64_t before_ms = f->node->mono_ms;
        time_passes(f);
        f->node->receive_result = -i;
        if (i == 0)
            e->up(e->ctx, 2, 77, "10.0.0.2:6380");
        else if (i == 3)
            e->down(e->ctx, 2);
        else
            assert_int_equal(
                e->receive(e->ctx, 3, (uint8_t)i, BYTES_LIT("abc")), -i);
        assert_in_turn(f, before_ms);
    }
    assert_string_equal(
        f->node->heard,
        "up 2 77 10.0.0.2:6380;receive 3 1 abc;receive 3 2 abc;down 2;");
}

/* Who sends something is not silent from the time of this turn on. */
static void input_has_the_time_of_its_turn(void **state)
{
    struct fixture *f = *state;
    int64_t before_ms = f->node->mono_ms;
    time_passes(f);
    send_text(f, "PING\r\n");
    assert_true(f->client->active_ms > before_ms);
    expect(f, "+PONG\r\n");
}

/* When the last entry was synced is looked at each second, asked or not. */
static void synced_is_looked_at_each_second(void **state)
{
    struct fixture *f = *state;
    struct server *s = f->server;
    turn_begin(s);
    s->cron.synced_ms = 15;
    f->node->durable = 42;
    s->cron.second_ms = s->turn.mono_ms - 1000;
    cron_run(s);
    assert_int_equal(s->cron.synced_ms, s->turn.wall_ms);
}

static void *notify(void *server)
{
    server_disk_notify(server);
    return NULL;
}

/* It comes from another thread, and once however often it is said. */
static void what_the_disk_says_reaches_the_node(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    turn(f);
    assert_string_equal(f->node->heard, "");
    assert_int_equal(pthread_create(&thread, NULL, notify, f->server), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    turn(f);
    assert_string_equal(f->node->heard, "disk;");
}

/* The role is a letter in each line of the log. */
static void the_log_knows_the_role(void **state)
{
    struct fixture *f = *state;
    struct logfile log = {.fd = -1};
    f->server->options.logfile = &log;
    f->node->leader = true;
    f->node->events->changed(f->node->events->ctx);
    assert_int_equal(atomic_load(&log.role), 'M');
    f->node->leader = false;
    f->node->events->changed(f->node->events->ctx);
    assert_int_equal(atomic_load(&log.role), 'S');
    f->node->candidate = true;
    f->node->events->changed(f->node->events->ctx);
    assert_int_equal(atomic_load(&log.role), 'C');
    f->server->options.logfile = NULL;
    f->node->events->changed(f->node->events->ctx); /* there is no log */
}

/* Every option of which somebody has a copy. */
static void changed_options_are_handed_on(void **state)
{
    struct fixture *f = *state;
    struct logger log = {LOG_WARNING, NULL, NULL};
    assert_int_equal(f->node->log_soft, f->config.log_size_bytes);
    assert_int_equal(f->node->log_hard, f->config.log_size_max_bytes);
    assert_int_equal(f->node->read_mode, READ_INDEX);
    set_option(f, "log-size", "123mb");
    assert_int_equal(f->node->log_soft, 123 << 20);
    assert_int_equal(f->node->log_hard, f->config.log_size_max_bytes);
    set_option(f, "log-size-max", "777mb");
    assert_int_equal(f->node->log_soft, 123 << 20);
    assert_int_equal(f->node->log_hard, 777 << 20);
    assert_int_equal(f->node->snapshot_rate, 64 << 20);
    set_option(f, "snapshot-rate", "7mb");
    assert_int_equal(f->node->snapshot_rate, 7 << 20);
    set_option(f, "read-mode", "stale");
    assert_int_equal(f->node->read_mode, READ_STALE);
    set_option(f, "read-mode", "index");
    assert_int_equal(f->node->read_mode, READ_INDEX);
    set_option(f, "request-timeout", "3210");
    assert_int_equal(f->node->request_timeout_ms, 3210);
    f->server->options.log = &log;
    static const char *const levels[] = {"debug", "verbose", "notice",
                                         "warning"};
    for (int i = 0; i < 4; i++) {
        set_option(f, "loglevel", levels[i]);
        assert_int_equal(log.level, LOG_DEBUG + i);
    }
    f->server->options.log = NULL;
}

/* A disk is short here, or at another member. */
static void whose_disk_is_short(void **state)
{
    struct fixture *f = *state;
    struct server_status st;
    for (int i = 0; i < 4; i++) {
        f->server->disk.is_short = (i & 1) != 0;
        f->node->disk_short = (i & 2) != 0;
        turn_begin(f->server);
        server_status(f->server, &st);
        assert_int_equal(st.disk_short, i != 0);
        assert_int_equal(st.disk_short_here, i & 1);
    }
    f->server->disk.is_short = false;
    f->node->disk_short = false;
}

/* What INFO says of this process, each value at its place. */
static void the_status_is_of_the_server(void **state)
{
    struct fixture *f = *state;
    struct server *s = f->server;
    struct server_status st;
    turn_begin(s);
    assert_in_range(s->birth.start_ms, 1, s->turn.mono_ms);
    s->birth.start_ms = s->turn.mono_ms - 1234;
    s->limits.max_input_bytes = 11;
    s->limits.max_output_bytes = 12;
    s->limits.waiting = 1;
    s->disk.free_bytes = 13;
    s->disk.promised_bytes = 14;
    s->cron.resident_peak_bytes = UINT64_MAX;
    f->node->durable = 40;
    s->cron.synced_ms = 15;
    s->cron.durable_seen = 40;
    server_status(s, &st);
    assert_int_equal(st.uptime_ms, 1234);
    assert_int_equal(st.clients, 1);
    assert_int_equal(st.clients_bytes, client_memory(f->client));
    assert_int_equal(st.max_input_bytes, 11);
    assert_int_equal(st.max_output_bytes, 12);
    assert_int_equal(st.waiting_clients, 1);
    assert_int_equal(st.disk_free_bytes, 13);
    assert_int_equal(st.disk_promised_bytes, 14);
    assert_true(st.resident_peak_bytes == UINT64_MAX);
    assert_true(st.resident_bytes > 100000);
    assert_true(st.resident_start_bytes > 100000);
    assert_int_equal(st.links_bytes, 0);
    assert_int_equal(st.unsynced_entries, 2);
    assert_int_equal(st.synced_ms, 15);
    assert_string_equal(st.executable, "test");
    assert_int_equal(strlen(st.run_id), 40);
    assert_int_equal(strspn(st.run_id, "0123456789abcdef"), 40);
    f->node->durable = 41; /* one more was synced: now */
    server_status(s, &st);
    assert_int_equal(st.synced_ms, s->turn.wall_ms);
    s->cron.synced_ms = 15;
    f->node->durable = 42; /* and all: nothing waits */
    s->cron.durable_seen = 42;
    server_status(s, &st);
    assert_int_equal(st.synced_ms, s->turn.wall_ms);
    s->cron.resident_peak_bytes = 1;
    server_status(s, &st);
    assert_int_equal(st.resident_peak_bytes, st.resident_bytes);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_peers_say_reaches_the_node),
        test(input_has_the_time_of_its_turn),
        test(synced_is_looked_at_each_second),
        test(what_the_disk_says_reaches_the_node),
        test(the_log_knows_the_role),
        test(changed_options_are_handed_on),
        test(whose_disk_is_short),
        test(the_status_is_of_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
