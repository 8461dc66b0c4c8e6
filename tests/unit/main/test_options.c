/* What the operator's configuration makes of the rooms' options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "main/options.h"
#include "os/clock.h"
#include "unit/config/fixture.h"

static struct rocks_options store_options_on(const char *text,
                                             uint64_t disk_bytes)
{
    struct fixture f;
    fixture_init(&f);
    fixture_file(&f, "main.conf", text);
    assert_int_equal(fixture_load(&f, "main.conf", NULL), CONFIG_RUN);
    struct rocks_options o = options_of_store(&f.config, disk_bytes);
    fixture_release(&f);
    return o;
}

static struct rocks_options store_options(const char *text)
{
    return store_options_on(text, 0);
}

/* Members take turns by the order of their ids, not by that of the lines. */
static void test_each_member_has_its_share(void **state)
{
    UNUSED(state);
    static const char nodes[] = "node 70 127.0.0.1:3\n"
                                "node 0 127.0.0.1:1\n"
                                "node 5 127.0.0.1:2\n";
    static const uint32_t ids[] = {0, 5, 70};
    for (uint32_t i = 0; i < ARRAY_LEN(ids); i++) {
        char text[256];
        snprintf(text, sizeof(text), "node-id %u\n%s", ids[i], nodes);
        struct rocks_options o = store_options(text);
        assert_int_equal(o.shares, 3);
        assert_int_equal(o.share, i);
    }
}

static void test_memory(void **state)
{
    UNUSED(state);
    struct rocks_options o =
        store_options("state-memory 8mb\nblock-cache 3mb\n");
    assert_int_equal(o.state_memory_bytes, 8 * 1024 * 1024);
    assert_int_equal(o.block_cache_bytes, 3 * 1024 * 1024);
    assert_true(o.share == 0 && o.create);
}

/* What is in memory and on its way must fit onto a disk that is nearly full. */
static void test_a_small_disk_has_small_tables(void **state)
{
    UNUSED(state);
    static const uint64_t mb = 1024 * 1024;
    struct rocks_options o = store_options_on("", 0);
    assert_int_equal(o.state_memory_bytes, 192 * mb);
    assert_int_equal(o.log_memory_bytes, 32 * mb);
    o = store_options_on("", 6144 * mb);
    assert_int_equal(o.state_memory_bytes, 192 * mb);
    assert_int_equal(o.log_memory_bytes, 32 * mb);
    assert_int_equal(o.disk_bytes, 6144 * mb);
    o = store_options_on("", 640 * mb);
    assert_int_equal(o.state_memory_bytes, 20 * mb);
    assert_int_equal(o.log_memory_bytes, 10 * mb);
    o = store_options_on("state-memory 8mb\n", 640 * mb);
    assert_int_equal(o.state_memory_bytes, 8 * mb);
    o = store_options_on("", mb);
    assert_int_equal(o.state_memory_bytes, mb);
    assert_int_equal(o.log_memory_bytes, mb);
}

static const char all_options[] =
    "node-id 5\ncluster-id orders\npeer-secret hush\n"
    "node 0 10.0.0.1:9001 10.0.0.1:6001\n"
    "node 5 10.0.0.2:9002 [2001:db8::2]:6002\n"
    "node 70 10.0.0.3:9003\n"
    "election-timeout 900\nheartbeat-interval 77\npeer-down-delay 33\n"
    "disk-timeout 4444\nrequest-timeout 5555\nonce-ttl 666\n"
    "entry-size-max 2mb\nlog-size 300mb\nlog-size-max 700mb\n"
    "peer-queue-max 99mb\nread-mode stale\n";

static const struct identity who = {
    .cluster_id = 1234, .node = 5, .incarnation = 9, .nonce = 77};

static void load(struct fixture *f, const char *text)
{
    fixture_init(f);
    fixture_file(f, "main.conf", text);
    assert_int_equal(fixture_load(f, "main.conf", NULL), CONFIG_RUN);
}

/* Each option reaches the field that is meant, and no other. */
static void test_the_node(void **state)
{
    UNUSED(state);
    struct fixture f;
    load(&f, all_options);
    struct node_options o = options_of_node(&f.config, &who);
    assert_int_equal(o.cluster_id, 1234);
    assert_int_equal(o.self, 5);
    assert_int_equal(o.incarnation, 9);
    assert_int_equal(o.member_count, 3);
    assert_int_equal(o.members[0], 0);
    assert_int_equal(o.members[1], 5);
    assert_int_equal(o.members[2], 70);
    assert_int_equal(o.election_timeout_ms, 900);
    assert_int_equal(o.heartbeat_ms, 77);
    assert_int_equal(o.peer_down_delay_ms, 33);
    assert_int_equal(o.disk_timeout_ms, 4444);
    assert_int_equal(o.request_timeout_ms, 5555);
    assert_int_equal(o.once_ttl_s, 666);
    assert_int_equal(o.entry_bytes_max, 2 << 20);
    assert_int_equal(o.log_bytes_soft, 300 << 20);
    assert_int_equal(o.log_bytes_hard, 700 << 20);
    assert_int_equal(o.read_mode, READ_STALE);
    /* What is no option. */
    assert_int_equal(o.request_bytes_max, 576 << 20);
    assert_int_equal(o.pending_bytes_max, 64 << 20);
    assert_int_equal(o.log_cache_bytes, 32 << 20);
    assert_int_equal(o.log_cut_margin, 1000);
    assert_in_range(clock_mono_ms() - o.now_ms, 0, 60000);
    struct node_options other = options_of_node(&f.config, &who);
    assert_true(o.seed != other.seed);
    fixture_release(&f);
    load(&f, "");
    o = options_of_node(&f.config, &who);
    assert_int_equal(o.member_count, 1); /* on its own */
    assert_int_equal(o.members[0], 5);
    assert_int_equal(o.read_mode, READ_INDEX);
    fixture_release(&f);
}

static void test_the_peers(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct peer_settings p;
    load(&f, all_options);
    options_of_peers(&f.config, &who, &p);
    assert_int_equal(p.options.cluster_id, 1234);
    assert_int_equal(p.options.self, 5);
    assert_int_equal(p.options.incarnation, 9);
    assert_string_equal(p.options.listen_address, "10.0.0.2:9002");
    assert_string_equal(p.options.secret, "hush");
    assert_int_equal(p.options.nonce, 77);
    assert_int_equal(p.options.queue_bytes_max, 99 << 20);
    assert_int_equal(p.options.member_count, 3);
    assert_int_equal(p.options.members[2].id, 70);
    assert_string_equal(p.options.members[2].address, "10.0.0.3:9003");
    assert_string_equal(p.options.client_host, "2001:db8::2");
    assert_int_equal(p.options.client_port, 6002);
    /* The largest entry of any member fits into a payload. */
    struct node_options o = options_of_node(&f.config, &who);
    assert_true(p.options.payload_bytes_max >
                o.request_bytes_max + o.entry_bytes_max);
    fixture_release(&f);
}

/* Without an address for clients: the peers' host, and the option port. */
static void test_where_clients_find_it(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct peer_settings p;
    load(&f, "node-id 5\nport 7777\nnode 0 10.0.0.1:9001 10.0.0.1:6001\n"
             "node 5 [::1]:9002\n");
    options_of_peers(&f.config, &who, &p);
    assert_string_equal(p.options.client_host, "::1");
    assert_int_equal(p.options.client_port, 7777);
    fixture_release(&f);
}

/* A node on its own has a cluster at once; a member waits for the others. What
 * is drawn is never the same, and never none. */
static void test_the_cluster(void **state)
{
    static const char lines[] = "node-id 1\ncluster-id orders\n"
                                "node 1 10.0.0.1:9001\nnode 2 10.0.0.2:9001\n";
    UNUSED(state);
    struct fixture f;
    load(&f, lines);
    struct node_boot a = options_of_boot(&f.config);
    struct node_boot b = options_of_boot(&f.config);
    assert_int_equal(a.self, 1);
    assert_int_equal(a.cluster_id, 0);
    assert_string_equal(a.label, "orders");
    assert_false(directory_id_eq(a.directory, b.directory));
    assert_false(directory_id_is_none(a.directory));
    assert_true(a.nonce != b.nonce && a.nonce != 0);
    fixture_release(&f);
    load(&f, "");
    a = options_of_boot(&f.config);
    b = options_of_boot(&f.config);
    assert_true(a.cluster_id != 0 && a.cluster_id != b.cluster_id);
    assert_string_equal(a.label, "");
    fixture_release(&f);
    load(&f, "node-id 1\nnode 1 10.0.0.1:9001\n");
    assert_true(options_of_boot(&f.config).cluster_id != 0);
    fixture_release(&f);
}

static struct peers_options peers_of(const char *text, uint64_t cluster_id)
{
    struct fixture f;
    struct peer_settings p;
    const struct identity id = {.cluster_id = cluster_id,
                                .node = 1,
                                .incarnation = 2,
                                .directory = {3, 4},
                                .nonce = 5};
    load(&f, text);
    options_of_peers(&f.config, &id, &p);
    fixture_release(&f);
    return p.options;
}

/* What is told in greetings. */
static void test_what_peers_are_told(void **state)
{
    static const char lines[] =
        "node-id 1\nnode 1 10.0.0.1:9001\nnode 2 10.0.0.2:9001\n";
    char text[3][200];
    UNUSED(state);
    snprintf(text[0], 200, "%scluster-id a\n", lines);
    snprintf(text[1], 200, "%scluster-id b\n", lines);
    snprintf(text[2], 200, "%sbootstrap yes\n", lines);
    struct peers_options a = peers_of(text[0], 7);
    struct peers_options b = peers_of(text[1], 7);
    assert_true(a.label != 0 && a.label != b.label);
    assert_int_equal(peers_of(text[2], 7).label, 0);
    assert_int_equal(a.directory.high, 3);
    assert_int_equal(a.directory.low, 4);
    assert_int_equal(a.nonce, 5);
    assert_false(peers_of(text[2], 7).forced); /* it has a cluster */
    assert_true(peers_of(text[2], 0).forced);
    assert_false(peers_of(text[0], 0).forced);
}

/* Whom a blank node is to ask; it knows of no cluster and names no member. */
static void test_who_is_asked(void **state)
{
    static const char lines[] = "node-id 5\nnode 5 10.0.0.2:9002\n";
    char text[200];
    struct fixture f;
    struct peer_settings p;
    UNUSED(state);
    load(&f, lines);
    memset(&p, 0xff, sizeof(p));
    options_of_peers(&f.config, &who, &p);
    assert_int_equal(p.options.seed_count, 0);
    assert_int_equal(p.options.client_port, 6379);
    assert_string_equal(p.members[0].address, "10.0.0.2:9002");
    assert_null(p.members[1].address);
    assert_true(options_of_boot(&f.config).cluster_id != 0);
    fixture_release(&f);
    snprintf(text, sizeof(text), "%sjoin 10.0.0.1:9001,a.example:1\n", lines);
    load(&f, text);
    memset(&p, 0xff, sizeof(p));
    options_of_peers(&f.config, &who, &p);
    assert_int_equal(p.options.seed_count, 2);
    assert_ptr_equal(p.options.seeds, p.seeds);
    assert_string_equal(p.seeds[0], "10.0.0.1:9001");
    assert_string_equal(p.seeds[1], "a.example:1");
    assert_int_equal(options_of_boot(&f.config).cluster_id, 0);
    fixture_release(&f);
}

static struct admit question(const char *text)
{
    struct fixture f;
    struct admit ask;
    const struct identity id = {.node = 5, .directory = {3, 4}};
    load(&f, text);
    memset(&ask, 0xff, sizeof(ask));
    options_of_admit(&f.config, &id, &ask);
    fixture_release(&f);
    return ask;
}

/* What it says of itself when it asks. */
static void test_what_it_asks(void **state)
{
    UNUSED(state);
    struct admit ask = question(all_options);
    assert_int_equal(ask.id, 5);
    assert_int_equal(ask.directory.high, 3);
    assert_int_equal(ask.directory.low, 4);
    assert_int_equal(ask.level_min, LEVEL_MIN);
    assert_int_equal(ask.level_max, LEVEL_MAX);
    assert_string_equal(ask.peer_address, "10.0.0.2:9002");
    assert_string_equal(ask.client_address, "[2001:db8::2]:6002");
    ask = question("node-id 5\nnode 0 10.0.0.1:1\nnode 5 [::1]:9002\n");
    assert_string_equal(ask.peer_address, "[::1]:9002");
    assert_string_equal(ask.client_address, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_member_has_its_share),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_a_small_disk_has_small_tables),
        cmocka_unit_test(test_the_node),
        cmocka_unit_test(test_the_peers),
        cmocka_unit_test(test_where_clients_find_it),
        cmocka_unit_test(test_the_cluster),
        cmocka_unit_test(test_what_peers_are_told),
        cmocka_unit_test(test_who_is_asked),
        cmocka_unit_test(test_what_it_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
