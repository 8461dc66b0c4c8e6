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

#include "codec/greeting.h"
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
    e->levels(e->ctx, 3, 1, 2);
    assert_string_equal(
        f->node->heard,
        "up 2 77 10.0.0.2:6380;receive 3 1 abc;receive 3 2 abc;down 2;"
        "levels 3 1-2;");
}

static void greeted(void *ctx, node_id peer, const struct greeting *g, int ours,
                    bool dialed)
{
    struct fixture *f = ctx;
    assert_true(f->server->turn.is_set && dialed);
    hear(f->node, "greeted %u %d %d;", peer, (int)g->verdict, ours);
}

/* A greeting does, too, and nobody has to want it. */
static void a_greeting_has_its_turn(void **state)
{
    struct fixture *f = *state;
    const struct transport_events *e = server_transport_events(f->server);
    struct greeting g = {.verdict = GREETING_WELCOME};
    int64_t before_ms = f->node->mono_ms;
    time_passes(f);
    e->greeted(e->ctx, 2, &g, GREETING_NOT_YET, false);
    assert_in_turn(f, before_ms);
    before_ms = f->node->mono_ms;
    f->server->options.greeted = greeted;
    f->server->options.ctx = f;
    time_passes(f);
    e->greeted(e->ctx, 3, &g, GREETING_NOT_YET, true);
    assert_in_turn(f, before_ms);
    char heard[64];
    snprintf(heard, sizeof(heard), "greeted 3 %d %d;", GREETING_WELCOME,
             GREETING_NOT_YET);
    assert_string_equal(f->node->heard, heard);
}

/* The node has its turn after what clients have asked, and the same time. */
static void what_was_asked_is_flushed(void **state)
{
    struct fixture *f = *state;
    size_t before = f->node->flushes;
    turn(f);
    assert_true(f->node->flushes > before);
    before = f->node->flushes;
    send_text(f, "SET a 1\r\n");
    assert_int_equal(f->node->submitted, 1);
    assert_true(f->node->flushes > before);
}

/* Who has more to do than fits into a turn has the next one at once, however
 * late the node's own deadline is; no chores wake the loop either. */
static void who_is_ready_waits_for_nothing(void **state)
{
    struct fixture *f = *state;
    const size_t commands = 4 * CLIENT_COMMANDS_MAX;
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < commands; i++)
        buf_str(&text, "PING\r\n");
    loop_timer_stop(f->loop, &f->server->wiring.cron_timer);
    f->node->far_deadline = true;
    ssize_t n = write(f->fd, text.data, text.len);
    assert_int_equal(n, text.len);
    turns(f, 4);
    assert_int_equal(strlen(received_on(f->fd)),
                     commands * strlen("+PONG\r\n"));
    buf_release(&text);
}

/* What ends the process is told whoever has started it. */
struct end {
    jmp_buf to;
    int err;
    const char *text;
};

static void ends(void *ctx, int err, const char *text)
{
    struct end *end = ctx;
    end->err = err;
    end->text = text;
    longjmp(end->to, 1);
}

static void what_is_fatal_ends_the_process(void **state)
{
    struct fixture *f = *state;
    static struct end end;
    f->server->options.fatal = ends;
    f->server->options.ctx = &end;
    if (setjmp(end.to) == 0) {
        f->node->events->fatal(f->node->events->ctx, ERR_IO, "the disk");
        fail_msg("it goes on");
    }
    assert_int_equal(end.err, ERR_IO);
    assert_string_equal(end.text, "the disk");
    if (setjmp(end.to) == 0) { /* nobody else wants to know it */
        f->node->events->removed(f->node->events->ctx, "by entry 5");
        fail_msg("it goes on");
    }
    assert_int_equal(end.err, ERR_CLOSED);
    assert_string_equal(end.text, "by entry 5");
}

static void who_wants_to_come_in_asks_the_node(void **state)
{
    struct fixture *f = *state;
    const struct transport_events *e = server_transport_events(f->server);
    struct admit ask = {0};
    struct grant grant;
    struct buf why = BUF_INIT;
    int64_t before_ms = f->node->mono_ms;
    time_passes(f);
    assert_int_equal(e->admit(e->ctx, &ask, &grant, &why), ERR_AGAIN);
    assert_in_turn(f, before_ms);
    buf_release(&why);
}

static void granted(void *ctx, node_id peer, const struct grant *g)
{
    struct fixture *f = ctx;
    assert_true(f->server->turn.is_set);
    hear(f->node, "granted %u %u;", peer, g->life);
}

/* The answer to it is told whoever wants it. */
static void a_grant_has_its_turn(void **state)
{
    struct fixture *f = *state;
    const struct transport_events *e = server_transport_events(f->server);
    struct grant g = {.verdict = GRANT_GIVEN, .life = 3};
    for (int wanted = 0; wanted < 2; wanted++) {
        int64_t before_ms = f->node->mono_ms;
        time_passes(f);
        f->server->options.granted = wanted ? granted : NULL;
        f->server->options.ctx = f;
        e->granted(e->ctx, 2, &g);
        assert_in_turn(f, before_ms);
    }
    assert_string_equal(f->node->heard, "granted 2 3;");
}

/* What members know of others, and of this one, is the node's affair; where
 * there is none yet nothing is known, and nothing is held against it. */
static void what_is_remembered_is_the_nodes(void **state)
{
    struct fixture *f = *state;
    const struct transport_events *e = server_transport_events(f->server);
    struct receipt receipt = {.term = 5};
    for (int there = 0; there < 2; there++) {
        struct member_facts facts = {0};
        f->server->node = there ? f->node : NULL;
        f->node->forgetful = true;
        assert_int_equal(e->remembers(e->ctx, &receipt), !there);
        f->node->forgetful = false;
        assert_true(e->remembers(e->ctx, &receipt));
        e->known(e->ctx, 2, &facts);
        assert_int_equal(facts.level, there);
        e->levels(e->ctx, 3, 1, 2);
    }
    assert_string_equal(f->node->heard, "levels 3 1-2;");
}

static void removed(void *ctx, const char *text)
{
    struct fixture *f = ctx;
    hear(f->node, "removed: %s;", text);
}

static void who_is_removed_is_told(void **state)
{
    struct fixture *f = *state;
    f->server->options.removed = removed;
    f->server->options.ctx = f;
    f->node->events->removed(f->node->events->ctx, "by entry 5");
    assert_string_equal(f->node->heard, "removed: by entry 5;");
}

static int begun(void *ctx, struct buf *why)
{
    UNUSED(why);
    hear(((struct fixture *)ctx)->node, "begun;");
    return 0;
}

/* A cluster is begun once. */
static void a_node_begins_no_cluster(void **state)
{
    struct fixture *f = *state;
    f->server->options.bootstrap = begun;
    f->server->options.ctx = f;
    send_text(f, "RAFT BOOTSTRAP\r\n");
    expect(f, "-ERR this node is of a cluster already: it begins no other "
              "one\r\n");
    assert_string_equal(f->node->heard, "");
}

/* Opening what is on the disk takes long: who starts has a time of its own. */
static void a_start_has_its_time(void **state)
{
    UNUSED(state);
    for (int waits = 0; waits < 2; waits++) {
        struct fixture f = {.loop = loop_new()};
        struct node node = {.leader = true};
        config_init(&f.config);
        struct server_options options = {.loop = f.loop,
                                         .config = &f.config,
                                         .data_dir = "/",
                                         .executable = "test",
                                         .seed = 1,
                                         .commands = admin_commands,
                                         .fatal = fixture_fatal};
        f.server = server_new(&options);
        open_door(&f);
        assert_true(f.server->turn.is_set);
        f.server->turn.mono_ms = 1;
        if (waits)
            server_wait(f.server, NULL, "waits");
        else
            server_start(f.server, &node, NULL);
        assert_true(f.server->turn.is_set && f.server->turn.mono_ms > 1);
        server_free(f.server);
        rmdir(f.dir);
        loop_free(f.loop);
        config_release(&f.config);
    }
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
    f->node->leaderless = true; /* it follows whoever comes */
    f->server->wiring.node_events.changed(f->server->wiring.node_events.ctx);
    assert_int_equal(atomic_load(&log.role), 'S');
    f->node->leaderless = false;
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
    assert_true(f->node->level_auto);
    set_option(f, "level-auto", "no");
    assert_false(f->node->level_auto);
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

/* Both clocks are read for each turn. */
static void a_turn_has_the_time(void **state)
{
    struct fixture *f = *state;
    struct turn *t = &f->server->turn;
    t->is_set = false;
    t->wall_ms = 5;
    t->mono_ms = 5;
    turn_begin(f->server);
    assert_in_range(clock_wall_ms() - t->wall_ms, 0, 60000);
    assert_in_range(clock_mono_ms() - t->mono_ms, 0, 60000);
    turn_end(f->server);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_peers_say_reaches_the_node),
        test(a_greeting_has_its_turn),
        test(a_turn_has_the_time),
        test(what_was_asked_is_flushed),
        test(who_is_ready_waits_for_nothing),
        test(what_is_fatal_ends_the_process),
        test(who_wants_to_come_in_asks_the_node),
        test(a_grant_has_its_turn),
        test(what_is_remembered_is_the_nodes),
        test(who_is_removed_is_told),
        test(a_node_begins_no_cluster),
        cmocka_unit_test(a_start_has_its_time),
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
