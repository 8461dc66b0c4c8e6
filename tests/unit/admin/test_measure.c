/*
 * The counters of INFO: what happens moves them, by as much as happened.
 */
// link: original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/info.h"
#include "admin/measure.h"
#include "metrics/metrics.h"
#include "unit/server/fake_node.h"

#include <sys/un.h>

static int64_t measured(struct fixture *f, enum metric_id id)
{
    struct metrics m = METRICS_INIT;
    measure(f->server, metric_at(id)->section, &m);
    int64_t value = metrics_number(&m, id);
    metrics_release(&m);
    return value;
}

#define assert_measured(f, name, value)                                        \
    assert_int_equal(measured((f), METRIC_##name), (value))

static void a_second_passes(struct fixture *f)
{
    turn_begin(f->server);
    f->server->cron.second_ms = f->server->turn.mono_ms - 1000;
    cron_run(f->server);
    turn(f);
}

/* A connection by the server's own door; the test's end of it. */
static int knock(struct fixture *f)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", f->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    turn(f);
    return fd;
}

static void commands_and_bytes(void **state)
{
    struct fixture *f = *state;
    send_text(f, "PING\r\nPING\r\nNOSUCH\r\n");
    const char *got = received_on(f->fd);
    size_t output = strlen(got);
    a_second_passes(f);
    assert_measured(f, total_commands_processed, 3);
    assert_measured(f, total_net_input_bytes, 20);
    assert_measured(f, total_net_output_bytes, (int64_t)output);
    assert_measured(f, total_reads_processed, 1);
    assert_measured(f, total_writes_processed, 1);
    /* They stay when the connection goes. */
    close(f->fd);
    turn(f);
    (void)connect_client(f, &f->fd);
    send_text(f, "PING\r\n");
    a_second_passes(f);
    assert_measured(f, total_commands_processed, 4);
    assert_measured(f, total_net_input_bytes, 26);
    assert_measured(f, total_net_output_bytes, (int64_t)output + 7);
    assert_measured(f, total_reads_processed, 2);
    assert_measured(f, total_writes_processed, 2);
}

static void connections(void **state)
{
    struct fixture *f = *state;
    f->config.maxclients = 2;
    int one = knock(f);
    assert_measured(f, total_connections_received, 1);
    assert_measured(f, rejected_connections, 0);
    assert_measured(f, connected_clients, 2);
    int two = knock(f);
    assert_measured(f, total_connections_received, 1);
    assert_measured(f, rejected_connections, 1);
    assert_measured(f, connected_clients, 2);
    close(one);
    close(two);
    turn(f);
    assert_measured(f, connected_clients, 1);
}

static void error_replies(void **state)
{
    struct fixture *f = *state;
    struct node *n = f->node;
    send_text(f, "NOSUCH\r\nSET\r\nSET a 1 FOO\r\nPING\r\n");
    assert_measured(f, total_error_replies, 3);
    send_text(f, "CLIENT REPLY SKIP\r\nNOSUCH\r\n"); /* seen or not */
    assert_measured(f, total_error_replies, 4);
    send_text(f, "INCR a\r\n");
    struct fake_request *r = &n->requests[n->answered++];
    resp_error(n->events->reply_open(n->events->ctx, r->client), "ERR no");
    n->events->reply_done(n->events->ctx, r->client, NODE_EXECUTED);
    turn(f);
    assert_measured(f, total_error_replies, 5);
    assert_measured(f, client_protocol_errors, 0);
    send_text(f, "*1\r\n!x\r\n");
    assert_measured(f, total_error_replies, 6);
    assert_measured(f, client_protocol_errors, 1);
}

static void once_and_reads_through_the_log(void **state)
{
    struct fixture *f = *state;
    send_text(f, "ONCE c 1 INCR a\r\nONCE a,b 1 INCR a\r\n");
    answer(f, 1);
    assert_measured(f, once_requests, 1);
    assert_measured(f, reads_through_log, 0);
    send_text(f, "SET a 1\r\nGET a\r\n");
    assert_measured(f, reads_through_log, 1);
    answer(f, 2);
    send_text(f, "GET a\r\n");
    reads_told(f, 0);
    assert_measured(f, reads_through_log, 1);
    send_text(f, "GET doubt\r\n");
    reads_told(f, 0);
    assert_measured(f, reads_through_log, 2);
    answer(f, 1);
}

/* A command that has to wait is tried again, and counts once. */
static void who_waits_counts_once(void **state)
{
    struct fixture *f = *state;
    f->node->full = true;
    send_text(f, "ONCE c 1 INCR a\r\n");
    turn(f);
    assert_measured(f, total_commands_processed, 0);
    assert_measured(f, once_requests, 0);
    f->node->full = false;
    f->node->events->writable(f->node->events->ctx);
    turn(f);
    assert_measured(f, total_commands_processed, 1);
    assert_measured(f, once_requests, 1);
    answer(f, 1);
    assert_measured(f, total_commands_processed, 1);
    assert_measured(f, once_requests, 1);
}

static void wrong_passwords(void **state)
{
    struct fixture *f = *state;
    const struct bytes set[2] = {BYTES_LIT("requirepass"), BYTES_LIT("secret")};
    struct buf error = BUF_INIT;
    assert_int_equal(config_set(&f->config, set, 2, &error), 0);
    send_text(f, "AUTH x\r\nAUTH secret\r\nHELLO 3 AUTH default x\r\n");
    assert_measured(f, acl_access_denied_auth, 2);
    buf_release(&error);
}

/* Each kind of end is counted for itself alone. */
static void ends(void **state)
{
    struct fixture *f = *state;
    struct client *c = f->client;
    assert_measured(f, client_query_buffer_limit_disconnections, 0);
    set_option(f, "requirepass", "secret");
    c->settings.authenticated = false;
    (void)buf_reserve(&c->conn.in, UNAUTH_INPUT_MAX + 1);
    c->conn.in.len = UNAUTH_INPUT_MAX + 1;
    assert_false(limits_input(c));
    assert_measured(f, client_query_buffer_limit_disconnections, 1);
    assert_measured(f, client_output_buffer_limit_disconnections, 0);
    assert_measured(f, client_idle_disconnections, 0);
    assert_measured(f, evicted_clients, 0);
}

/* What waits now, and the largest of the last second. */
static void what_waits(void **state)
{
    struct fixture *f = *state;
    assert_measured(f, waiting_clients, 0);
    f->node->full = true;
    send_text(f, "SET a 1\r\n");
    a_second_passes(f);
    assert_measured(f, waiting_clients, 1);
    assert_measured(f, client_recent_max_input_buffer, 9);
    f->node->full = false;
    f->node->events->writable(f->node->events->ctx);
    turn(f);
    a_second_passes(f);
    assert_measured(f, waiting_clients, 0);
    assert_measured(f, client_recent_max_input_buffer, 0);
    answer(f, 1);
    assert_measured(f, client_recent_max_output_buffer, 0);
    struct conn *conn = &f->client->conn;
    memset(buf_reserve(&conn->out, 5000), '+', 5000);
    conn->out.len = 700;
    a_second_passes(f);
    assert_measured(f, client_recent_max_output_buffer, 700);
    client_mark_dirty(f->client);
    turn(f);
    a_second_passes(f); /* all is sent */
    assert_measured(f, client_recent_max_output_buffer, 0);
}

/* The peak of memory stays when it has passed. */
static void the_peak_stays(void **state)
{
    struct fixture *f = *state;
    const uint64_t peak = UINT64_C(1) << 50;
    int64_t used = measured(f, METRIC_used_memory);
    assert_true(used > 0);
    assert_true(measured(f, METRIC_used_memory_peak) >= used);
    f->server->cron.resident_peak_bytes = peak;
    a_second_passes(f);
    assert_int_equal(measured(f, METRIC_used_memory_peak), (int64_t)peak);
    assert_true(measured(f, METRIC_used_memory) < (int64_t)peak);
}

static int64_t in_text(struct fixture *f, const char *name)
{
    struct buf text = BUF_INIT;
    struct bytes memory = BYTES_LIT("memory");
    info_text(f->server, &memory, 1, &text);
    buf_char(&text, '\0');
    const char *at = strstr((const char *)text.data, name);
    assert_non_null(at);
    int64_t value = strtoll(at + strlen(name) + 1, NULL, 10);
    buf_release(&text);
    return value;
}

/* What the process had at the start, what its clients have, and the rest. */
static void shares_of_memory(void **state)
{
    struct fixture *f = *state;
    int64_t start = measured(f, METRIC_used_memory_startup);
    assert_true(start > 0);
    f->server->cron.resident_start_bytes = 1000;
    int64_t clients = measured(f, METRIC_mem_clients_normal);
    assert_true(clients > 0);
    assert_measured(f, mem_clients_slaves, 0); /* there are no links */
    assert_int_equal(in_text(f, "used_memory_overhead"), 1000 + clients);
    struct server_status st;
    server_status(f->server, &st);
    int64_t rest = in_text(f, "used_memory_dataset");
    assert_in_range(rest, st.resident_bytes / 2, st.resident_bytes * 2);
    /* Pages of the start may have gone since. */
    f->server->cron.resident_start_bytes = st.resident_peak_bytes;
    assert_true(in_text(f, "used_memory_dataset") < rest);
    f->server->cron.resident_start_bytes = st.resident_bytes * 2;
    f->server->cron.resident_peak_bytes = st.resident_bytes * 2;
    assert_int_equal(in_text(f, "used_memory_dataset"), 0);
}

static void resetting(void **state)
{
    struct fixture *f = *state;
    send_text(f, "ONCE c 1 INCR a\r\nGET a\r\n");
    answer(f, 2);
    close(knock(f));
    send_text(f, "NOSUCH\r\nCONFIG RESETSTAT\r\n");
    assert_measured(f, once_requests, 0);
    assert_measured(f, reads_through_log, 0);
    assert_measured(f, total_error_replies, 0);
    assert_measured(f, total_connections_received, 0);
    assert_measured(f, total_commands_processed, 1); /* the last one */
    assert_int_equal(
        stats_of(&f->server->stats, cmd_lookup(BYTES_LIT("incr")))->calls, 0);
    send_text(f, "NOSUCH\r\n");
    assert_measured(f, total_error_replies, 1);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(commands_and_bytes),
        test(connections),
        test(error_replies),
        test(once_and_reads_through_the_log),
        test(who_waits_counts_once),
        test(wrong_passwords),
        test(ends),
        test(what_waits),
        test(the_peak_stays),
        test(shares_of_memory),
        test(resetting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
