/*
 * Addresses and password out of a node's configuration.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ctl/ctl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    char path[32];
    struct cluster cluster;
    char *password;
    char *shared;
};

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));
    snprintf(f->path, sizeof(f->path), "/tmp/vard-conf-XXXXXX");
    int fd = mkstemp(f->path);
    assert_true(fd >= 0);
    close(fd);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    cluster_release(&f->cluster);
    mem_free(f->password);
    mem_free(f->shared);
    unlink(f->path);
    mem_free(f);
    return 0;
}

static bool take(struct fixture *f, const char *text)
{
    FILE *file = fopen(f->path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    cluster_release(&f->cluster);
    mem_free(f->password);
    mem_free(f->shared);
    f->password = f->shared = NULL;
    return conf_take(&f->cluster, f->path, true, &f->password, &f->shared);
}

static void assert_node(struct fixture *f, size_t i, const char *host,
                        uint16_t port, const char *id)
{
    assert_true(i < f->cluster.node_count);
    assert_string_equal(f->cluster.nodes[i].host, host);
    assert_int_equal(f->cluster.nodes[i].port, port);
    assert_string_equal(f->cluster.nodes[i].id, id);
    assert_false(f->cluster.nodes[i].discovered);
}

static void the_members_are_its_node_lines(void **state)
{
    struct fixture *f = *state;
    assert_true(take(f, "node-id 7\nport 7000\nrequirepass \"a b\"\n"
                        "node 7 10.0.0.1:16379 10.0.0.1:6379\n"
                        "node 8 10.0.0.2:16379\n"
                        "node 9 [::1]:16379 [::1]:6380\n"));
    assert_int_equal(f->cluster.node_count, 3);
    assert_node(f, 0, "10.0.0.1", 6379, "7");
    assert_node(f, 1, "10.0.0.2", 7000, "8");
    assert_node(f, 2, "::1", 6380, "9");
    assert_string_equal(f->password, "a b");
}

static void a_node_alone_is_where_it_binds(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *host;
        uint16_t port;
    } rows[] = {
        {"", "127.0.0.1", 6379},
        {"port 7000\n", "127.0.0.1", 7000},
        {"bind 10.0.0.1 127.0.0.1\n", "10.0.0.1", 6379},
        {"bind -::1 10.0.0.1\n", "10.0.0.1", 6379},
        {"bind -::1\n", "127.0.0.1", 6379},
        {"bind *\n", "127.0.0.1", 6379},
        {"bind 0.0.0.0\n", "127.0.0.1", 6379},
        {"bind ::*\n", "::1", 6379},
        {"bind ::\n", "::1", 6379},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(take(f, rows[i].text));
        assert_int_equal(f->cluster.node_count, 1);
        assert_node(f, 0, rows[i].host, rows[i].port, "1");
        assert_null(f->password);
    }
}

static void only_the_password_is_taken(void **state)
{
    struct fixture *f = *state;
    assert_true(take(f, "requirepass secret\n"));
    cluster_release(&f->cluster);
    mem_free(f->password);
    mem_free(f->shared);
    assert_true(
        conf_take(&f->cluster, f->path, false, &f->password, &f->shared));
    assert_int_equal(f->cluster.node_count, 0);
    assert_string_equal(f->password, "secret");
}

static void what_no_node_would_start_with_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_false(take(f, "nosuch 1\n"));
    assert_false(take(f, "node-id 2\nnode 1 10.0.0.1:16379\n"));
    assert_false(take(f, "port 0\nunixsocket /tmp/x\n"));
    assert_null(f->password);
    char folder[] = "/tmp", nothing[] = "/nosuch";
    assert_false(
        conf_take(&f->cluster, folder, true, &f->password, &f->shared));
    assert_false(
        conf_take(&f->cluster, nothing, true, &f->password, &f->shared));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_members_are_its_node_lines),
        TEST(a_node_alone_is_where_it_binds),
        TEST(only_the_password_is_taken),
        TEST(what_no_node_would_start_with_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
