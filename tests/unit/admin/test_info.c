/*
 * INFO and RAFT STATUS against the table of values: each is set, and the names
 * and their order are those that monitoring knows.
 */
// link: original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/measure.h"
#include "unit/metrics/names.h"
#include "unit/server/fake_node.h"

static void each_value_is_set(void **state)
{
    struct fixture *f = *state;
    struct metrics m = METRICS_INIT;
    const char *section = "";
    for (enum metric_id id = 0; id < METRIC_COUNT; id++) {
        if (strcmp(metric_at(id)->section, section) != 0)
            measure(f->server, metric_at(id)->section, &m);
        section = metric_at(id)->section;
        if (!metrics_has(&m, id))
            fail_msg("nothing sets %s", metric_at(id)->name);
    }
    metrics_release(&m);
}

/* The names of the rows in INFO's text, as names_of_info has them. */
static void names_in(char *text, struct buf *out)
{
    bool listed = false;
    for (char *line = strtok_r(text, "\r\n", &text); line != NULL;
         line = strtok_r(NULL, "\r\n", &text)) {
        if (line[0] == '#') {
            for (char *c = line; *c != '\0'; c++)
                *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
            listed = strstr(names_of_info, line) != NULL;
        }
        bool of_member = strncmp(line, "raft_node_", 10) == 0 &&
                         line[10] >= '0' && line[10] <= '9';
        if (listed && !of_member)
            buf_printf(out, "%.*s\n", (int)strcspn(line, ":"), line);
    }
    buf_char(out, '\0');
}

static void names_and_their_order_are_known(void **state)
{
    struct fixture *f = *state;
    struct buf names = BUF_INIT;
    send_text(f, "INFO everything\r\n");
    char *text = strdup(received_on(f->fd));
    char *first = strchr(text, '#');
    assert_non_null(first);
    names_in(first, &names);
    assert_string_equal((const char *)names.data, names_of_info);
    free(text);
    buf_release(&names);
}

static void raft_status_has_its_order(void **state)
{
    struct fixture *f = *state;
    send_text(f, "RAFT STATUS\r\n");
    assert_string_equal(
        received_on(f->fd),
        "*28\r\n$7\r\nnode-id\r\n:1\r\n$10\r\ncluster-id\r\n$16\r\n"
        "0000000000abcdef\r\n$4\r\nrole\r\n$6\r\nleader\r\n$4\r\n"
        "term\r\n:7\r\n$9\r\nleader-id\r\n:1\r\n$14\r\n"
        "leader-address\r\n$0\r\n\r\n$12\r\ncommit-index\r\n:41\r\n"
        "$13\r\napplied-index\r\n:40\r\n$13\r\ndurable-index\r\n"
        ":42\r\n$11\r\nfirst-index\r\n:3\r\n$10\r\nlast-index\r\n"
        ":42\r\n$9\r\nlog-bytes\r\n:0\r\n$11\r\nincarnation\r\n"
        ":5\r\n$5\r\nnodes\r\n*2\r\n*12\r\n$2\r\nid\r\n:2\r\n"
        "$14\r\nclient-address\r\n$13\r\n10.0.0.2:6380\r\n$4\r\n"
        "link\r\n$2\r\nup\r\n$5\r\nstate\r\n$5\r\nprobe\r\n$11\r\n"
        "match-index\r\n:39\r\n$10\r\nnext-index\r\n:0\r\n*12\r\n"
        "$2\r\nid\r\n:3\r\n$14\r\nclient-address\r\n$0\r\n\r\n"
        "$4\r\nlink\r\n$4\r\ndown\r\n$5\r\nstate\r\n$4\r\ndown\r\n"
        "$11\r\nmatch-index\r\n:0\r\n$10\r\nnext-index\r\n:0\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_value_is_set, setup, teardown),
        cmocka_unit_test_setup_teardown(names_and_their_order_are_known, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(raft_status_has_its_order, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
