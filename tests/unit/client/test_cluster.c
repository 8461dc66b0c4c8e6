/* The nodes of a cluster: given as a list, named by INFO. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "client/cluster.h"

#include <stdio.h>

static void assert_node(const struct cluster *c, size_t i, const char *host,
                        uint16_t port)
{
    assert_true(i < c->node_count);
    assert_string_equal(c->nodes[i].host, host);
    assert_int_equal(c->nodes[i].port, port);
}

static void a_list_has_hosts_and_ports(void **state)
{
    UNUSED(state);
    struct cluster c = {0};
    assert_true(cluster_add_list(&c, "a:1,b, [::1]:2 a:1,[::1]"));
    assert_int_equal(c.node_count, 4);
    assert_node(&c, 0, "a", 1);
    assert_node(&c, 1, "b", 6379);
    assert_node(&c, 2, "::1", 2);
    assert_node(&c, 3, "::1", 6379);
    cluster_release(&c);
    assert_int_equal(c.node_count, 0);
}

static void what_is_no_list_is_refused(void **state)
{
    UNUSED(state);
    static const char *const wrong[] = {"",       ",",        "a:0", "a:65536",
                                        "a:x",    ":1",       "::1", "[::1",
                                        "::1]:1", "a:1,::1:2"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct cluster c = {0};
        assert_false(cluster_add_list(&c, wrong[i]));
        cluster_release(&c);
    }
}

static void no_more_nodes_than_there_is_room_for(void **state)
{
    UNUSED(state);
    struct cluster c = {0};
    char name[16];
    for (int i = 0; i < CLUSTER_NODES_MAX; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        assert_true(cluster_add(&c, bytes_str(name), false));
    }
    assert_false(cluster_add(&c, BYTES_LIT("one-more"), false));
    assert_true(cluster_add(&c, BYTES_LIT("n0"), false));
    assert_int_equal(c.node_count, CLUSTER_NODES_MAX);
    cluster_release(&c);
}

static void members_come_from_info(void **state)
{
    UNUSED(state);
    struct cluster c = {0};
    assert_true(cluster_add_list(&c, "127.0.0.1:1"));
    cluster_take_members(
        &c, BYTES_LIT("raft_node_id:7\r\n"
                      "raft_node_7:client_address=127.0.0.1:1,state=up\r\n"
                      "raft_node_8:client_address=[::1]:2,state=down\r\n"
                      "raft_node_9:state=down\r\n"));
    assert_int_equal(c.node_count, 2);
    assert_node(&c, 1, "::1", 2);
    assert_string_equal(c.nodes[0].id, "7");
    assert_string_equal(c.nodes[1].id, "8");
    assert_false(c.nodes[0].discovered);
    assert_true(c.nodes[1].discovered);
    cluster_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_has_hosts_and_ports),
        cmocka_unit_test(what_is_no_list_is_refused),
        cmocka_unit_test(no_more_nodes_than_there_is_room_for),
        cmocka_unit_test(members_come_from_info),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
