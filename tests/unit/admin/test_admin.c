/*
 * What the server tells about itself: INFO, ROLE, RAFT, CLIENT, CONFIG,
 * HELLO, SHUTDOWN, with a node that leads or follows as the test wants.
 */
// link: original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/raft_text.h"
#include "unit/server/fake_node.h"

static const char *ask(struct fixture *f, const char *command)
{
    send_text(f, command);
    const char *got = received_on(f->fd);
    assert_non_null(got);
    return got;
}

#define assert_has(text, part)   assert_non_null(strstr((text), (part)))
#define assert_lacks(text, part) assert_null(strstr((text), (part)))

static void info_has_what_libraries_read(void **state)
{
    static const char *const fields[] = {
        "# Server\r\nredis_version:7.0.15\r\n",
        "\r\nvard_version:",
        "\r\nredis_mode:standalone\r\n",
        "\r\n\r\n# Clients\r\nconnected_clients:1\r\n",
        "\r\nused_memory:",
        "\r\nmaxmemory_policy:noeviction\r\nmem_allocator:libc\r\n",
        "\r\nloading:0\r\n",
        "\r\ntotal_commands_processed:0\r\n",
        "\r\nrole:master\r\nconnected_slaves:1\r\nslave0:ip=10.0.0.2,"
        "port=6380,state=online,offset=39,lag=3\r\n",
        "\r\nused_cpu_user:",
        "\r\n# Cluster\r\ncluster_enabled:0\r\n",
        "\r\n# Keyspace\r\ndb0:keys=4,expires=1,avg_ttl=1500\r\n",
        "\r\n# Raft\r\nraft_role:leader\r\nraft_node_id:1\r\n"
        "raft_leader_id:1\r\nraft_leader_address:\r\nraft_term:7\r\n"
        "raft_commit_index:41\r\nraft_applied_index:40\r\n",
        "\r\nraft_level:1\r\nraft_level_max:2\r\nraft_level_waits:node 2"
        "\r\nraft_priority:100"
        "\r\nraft_nodes:3\r\nraft_node_2:client_address=10.0.0.2:6380,link=up,"
        "state=probe,match=39,next=0,lag=3\r\n",
        "\r\nraft_node_3:client_address=,link=down,state=down,match=0,",
    };
    struct fixture *f = *state;
    const char *got = ask(f, "INFO\r\n");
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        assert_has(got, fields[i]);
    assert_lacks(got, "# Commandstats");
}

static void info_of_some_sections(void **state)
{
    struct fixture *f = *state;
    const char *got = ask(f, "INFO replication CLUSTER\r\n");
    assert_has(got, "\r\n# Replication\r\n");
    assert_has(got, "\r\n\r\n# Cluster\r\n");
    assert_lacks(got, "# Server");
    got = ask(f, "INFO commandstats\r\n");
    assert_has(got, "cmdstat_info:calls=1,");
    assert_string_equal(ask(f, "INFO nosuch\r\n"), "$0\r\n\r\n");
    got = ask(f, "INFO all\r\n");
    assert_has(got, "# Server\r\n");
    assert_has(got, "# Commandstats\r\n");
    got = ask(f, "NOSUCH\r\n");
    assert_has(ask(f, "INFO errorstats\r\n"), "errorstat_ERR:count=1\r\n");
    (void)ask(f, "SELECT\r\nSELECT 99\r\nSELECT 0\r\n");
    got = ask(f, "INFO commandstats\r\n");
    const char *select = strstr(got, "cmdstat_select:calls=2,");
    assert_non_null(select);
    assert_has(strstr(select, "rejected_calls="),
               "rejected_calls=1,failed_calls=1\r\n");
}

static void values_of_the_node_are_counted(void **state)
{
    struct fixture *f = *state;
    f->node->tally = (struct keyspace_tally){.hits = 5, .misses = 3};
    f->node->tally.expired = 2;
    const char *got = ask(f, "INFO stats\r\n");
    assert_has(got, "\r\nexpired_keys:2\r\n");
    assert_has(got, "\r\nkeyspace_hits:5\r\nkeyspace_misses:3\r\n");
    (void)ask(f, "CONFIG RESETSTAT\r\n");
    f->node->tally.misses++;
    got = ask(f, "INFO stats\r\n");
    assert_has(got, "\r\nexpired_keys:0\r\n");
    assert_has(got, "\r\nkeyspace_hits:0\r\nkeyspace_misses:1\r\n");
}

/* The disk does nothing: the time of the last sync stays. */
static void the_last_sync_is_told(void **state)
{
    struct fixture *f = *state;
    int64_t *synced_ms = &f->server->cron.synced_ms;
    assert_has(ask(f, "INFO persistence\r\n"), "\r\naof_current_size:7777\r\n");
    assert_true(*synced_ms > 0);
    f->node->durable = 40;
    const char *got = ask(f, "INFO persistence\r\n");
    assert_has(got, "\r\nrdb_changes_since_last_save:2\r\n");
    *synced_ms = 1700000000999;
    got = ask(f, "INFO persistence\r\n");
    assert_has(got, "\r\nrdb_last_save_time:1700000000\r\n");
    f->node->durable = 41;
    got = ask(f, "INFO persistence\r\n");
    assert_has(got, "\r\nrdb_changes_since_last_save:1\r\n");
    assert_lacks(got, "\r\nrdb_last_save_time:1700000000\r\n");
}

static void memory_is_compared(void **state)
{
    struct fixture *f = *state;
    const char *got = ask(f, "INFO memory\r\n");
    const char *at = strstr(got, "\r\nallocator_allocated:");
    assert_non_null(at);
    uint64_t allocated = strtoull(at + 22, NULL, 10);
    at = strstr(got, "\r\nused_memory:");
    uint64_t resident = strtoull(at + 14, NULL, 10);
    at = strstr(got, "\r\nmem_fragmentation_ratio:");
    double ratio = strtod(at + 26, NULL);
    if (allocated > 0) /* not so with a sanitizer's allocator */
        assert_true(ratio * (double)allocated >
                    (double)resident * 0.9 - (double)allocated * 0.01);
    else
        assert_true(ratio == 0);
}

/* A subcommand has counters of its own; what is none is its container's. */
static void subcommands_are_counted(void **state)
{
    struct fixture *f = *state;
    (void)ask(f, "CLIENT ID\r\n");
    (void)ask(f, "CLIENT ID\r\n");
    (void)ask(f, "CLIENT NOSUCH\r\n");
    (void)ask(f, "CLIENT REPLY MAYBE\r\n");
    assert_has(ask(f, "CLIENT INFO\r\n"), " cmd=client|info ");
    const char *got = ask(f, "INFO commandstats\r\n");
    assert_has(got, "cmdstat_client:calls=0,usec=0,usec_per_call=0.00,"
                    "rejected_calls=1,failed_calls=0\r\n");
    assert_has(got, "cmdstat_client|id:calls=2,");
    assert_has(got, "cmdstat_client|info:calls=1,");
    got = strstr(got, "cmdstat_client|reply:calls=1,");
    assert_non_null(got);
    assert_has(got, ",rejected_calls=0,failed_calls=1\r\n");
    got = ask(f, "INFO latencystats\r\n");
    assert_has(got, "# Latencystats\r\n");
    assert_has(got, "latency_percentiles_usec_client|id:p50=");
    assert_lacks(got, "latency_percentiles_usec_client:");
    assert_has(got, ".000,p99=");
    assert_has(got, ".000,p99.9=");
    assert_lacks(ask(f, "INFO\r\n"), "# Latencystats");
    (void)ask(f, "CONFIG RESETSTAT\r\n");
    got = ask(f, "INFO commandstats\r\n");
    assert_has(got, "cmdstat_config|resetstat:calls=1,");
    assert_lacks(got, "cmdstat_client");
}

static void a_follower_says_who_leads(void **state)
{
    struct fixture *f = *state;
    f->node->leader = false;
    const char *got = ask(f, "INFO replication\r\n");
    assert_has(got, "role:slave\r\nmaster_host:10.0.0.2\r\n"
                    "master_port:6380\r\nmaster_link_status:up\r\n"
                    "master_last_io_seconds_ago:2\r\n");
    assert_string_equal(ask(f, "ROLE\r\n"),
                        "*5\r\n$5\r\nslave\r\n$8\r\n10.0.0.2\r\n:6380\r\n"
                        "$9\r\nconnected\r\n:40\r\n");
    assert_string_equal(ask(f, "RAFT TRANSFER\r\n"),
                        "-NOTLEADER the leader is node 2 at 10.0.0.2:6380\r\n");
    assert_string_equal(ask(f, "RAFT LEVEL 2\r\n"),
                        "-NOTLEADER the leader is node 2 at 10.0.0.2:6380\r\n");
}

static void the_level_is_told_and_raised(void **state)
{
    static const char *const bad[] = {"0", "x", "-1", "65536", "1.0", "\"\""};
    struct fixture *f = *state;
    assert_string_equal(ask(f, "RAFT LEVEL\r\n"),
                        "*12\r\n$5\r\nlevel\r\n:1\r\n"
                        "$9\r\nlevel-min\r\n:1\r\n$9\r\nlevel-max\r\n:2\r\n"
                        "$10\r\nlevel-auto\r\n$3\r\nyes\r\n"
                        "$9\r\nwaits-for\r\n$6\r\nnode 2\r\n"
                        "$7\r\nmembers\r\n*2\r\n"
                        "*6\r\n$2\r\nid\r\n:1\r\n$9\r\nlevel-min\r\n:1\r\n"
                        "$9\r\nlevel-max\r\n:2\r\n"
                        "*6\r\n$2\r\nid\r\n:2\r\n$9\r\nlevel-min\r\n:0\r\n"
                        "$9\r\nlevel-max\r\n:0\r\n");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char line[64];
        snprintf(line, sizeof(line), "RAFT LEVEL %s\r\n", bad[i]);
        assert_string_equal(ask(f, line), "-ERR invalid level\r\n");
    }
    assert_string_equal(ask(f, "RAFT LEVEL 2 3\r\n"), "-ERR syntax error\r\n");
    assert_string_equal(ask(f, "RAFT LEVEL 3\r\n"), "-ERR no level 3\r\n");
    assert_string_equal(ask(f, "SET k v VARD.NEXT\r\n"),
                        "-ERR syntax error\r\n");
    assert_string_equal(ask(f, "RAFT LEVEL 2\r\n"), "+OK\r\n");
    assert_int_equal(f->node->level, 2);
    (void)ask(f, "CONFIG SET level-auto no\r\n");
    assert_false(f->node->level_auto);
    assert_has(ask(f, "RAFT LEVEL\r\n"), "level-auto\r\n$2\r\nno\r\n");
}

static void a_leader_tells_its_followers(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(ask(f, "ROLE\r\n"),
                        "*3\r\n$6\r\nmaster\r\n:40\r\n*1\r\n*3\r\n"
                        "$8\r\n10.0.0.2\r\n$4\r\n6380\r\n$2\r\n39\r\n");
    assert_has(ask(f, "INFO replication\r\n"),
               "\r\nconnected_slaves:1\r\nslave0:ip=10.0.0.2,port=6380,"
               "state=online,offset=39,lag=3\r\n");
    assert_string_equal(ask(f, "RAFT TRANSFER 2\r\n"), "+OK\r\n");
    assert_string_equal(ask(f, "RAFT TRANSFER 1\r\n"),
                        "-ERR this node leads already\r\n");
    assert_string_equal(ask(f, "RAFT TRANSFER x\r\n"),
                        "-ERR invalid node id\r\n");
    const char *got = ask(f, "RAFT STATUS\r\n");
    assert_has(got, "*28\r\n$7\r\nnode-id\r\n:1\r\n");
    assert_has(got, "$4\r\nrole\r\n$6\r\nleader\r\n");
    assert_has(got, "$5\r\nnodes\r\n*2\r\n*12\r\n");
    got = ask(f, "RAFT MEMBERS\r\n");
    assert_has(got, "*18\r\n$5\r\nentry\r\n:9\r\n$5\r\nlevel\r\n:1\r\n"
                    "$6\r\nleader\r\n:1\r\n"
                    "$14\r\nleader-address\r\n$0\r\n\r\n"
                    "$9\r\ntolerates\r\n:1\r\n$4\r\ndone\r\n:0\r\n"
                    "$4\r\nnext\r\n$15\r\nnode 5 is added\r\n"
                    "$5\r\nwaits\r\n$12\r\nit is a test\r\n"
                    "$7\r\nmembers\r\n*4\r\n*22\r\n$2\r\nid\r\n:1\r\n"
                    "$4\r\nrole\r\n$5\r\nvoter\r\n"
                    "$7\r\ndesired\r\n$5\r\nvoter\r\n$4\r\nlife\r\n:0\r\n"
                    "$9\r\ndirectory\r\n$0\r\n\r\n");
    assert_has(got, ":5\r\n$4\r\nrole\r\n$4\r\nnone\r\n"
                    "$7\r\ndesired\r\n$5\r\nvoter\r\n");
    assert_has(got, ":2\r\n$4\r\nrole\r\n$5\r\nvoter\r\n"
                    "$7\r\ndesired\r\n$4\r\nnone\r\n$4\r\nlife\r\n:4\r\n"
                    "$9\r\ndirectory\r\n$32\r\n"
                    "000000000000000000000000000000ff\r\n");
    f->node->leader = false;
    assert_has(ask(f, "RAFT MEMBERS\r\n"),
               "$6\r\nleader\r\n:2\r\n"
               "$14\r\nleader-address\r\n$13\r\n10.0.0.2:6380\r\n"
               "$9\r\ntolerates\r\n$-1\r\n$4\r\ndone\r\n$-1\r\n"
               "$4\r\nnext\r\n$-1\r\n"
               "$5\r\nwaits\r\n$-1\r\n$7\r\nmembers\r\n");
}

/* What the node is asked for, and what is answered if it cannot be. */
static void members_change(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *command, *asked;
    } good[] = {
        {"RAFT REMOVE 2\r\n", "change 1 2  ;"},
        {"RAFT REMOVE 2 FORCE\r\n", "change 1 2 force  ;"},
        {"RAFT DEMOTE 2 force\r\n", "change 3 2 force  ;"},
        {"RAFT PROMOTE 4294967294\r\n", "change 2 4294967294  ;"},
        {"RAFT MOVE 2 a:1\r\n", "change 5 2 a:1 ;"},
        {"RAFT MOVE 2 a:1 b:2\r\n", "change 5 2 a:1 b:2;"},
        {"RAFT REPLACE 2 a:1 b:2\r\n", "change 4 2 a:1 b:2;"},
    };
    static const char *const bad[] = {
        "RAFT REMOVE x\r\n",
        "RAFT REMOVE *\r\n",
        "RAFT REMOVE -1\r\n",
        "RAFT REMOVE 4294967295\r\n",
        "RAFT REMOVE 2 FORCED\r\n",
        "RAFT REMOVE 2 FORCE x\r\n",
        "RAFT PROMOTE 2 FORCE\r\n",
        "RAFT MOVE 2\r\n",
        "RAFT MOVE 2 a:1 b:2 c\r\n",
        "RAFT REPLACE * a:1\r\n",
        "RAFT ADD *\r\n",
    };
    f->node->change_result = ERR_INVALID;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        f->node->heard[0] = '\0';
        assert_string_equal(ask(f, good[i].command), "-ERR that cannot be\r\n");
        assert_has(f->node->heard, good[i].asked);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        f->node->heard[0] = '\0';
        assert_has(ask(f, bad[i]), "-ERR ");
        assert_null(strstr(f->node->heard, "change"));
    }
    /* Without a node line nobody could reach it. */
    assert_has(ask(f, "RAFT ADD * a:1\r\n"), "-ERR no other member could");
}

static void look_again(struct fixture *f)
{
    turn_begin(f->server);
    cron_run(f->server);
    turn(f);
}

/* A change that is waited for. */
static void ask_held(struct fixture *f, const char *command)
{
    size_t submitted = f->node->submitted;
    f->node->change_done = false;
    send_text(f, command);
    assert_int_equal(f->node->submitted, submitted + 1);
    look_again(f); /* not before the log has it */
    expect(f, "");
    answer(f, 1);
    turn(f);
    expect(f, "");
}

#define TAKEN "+vard.members 0 record 4\r\n"

/* What only a leader does, asked where it leads since now, where another one
 * does, and where none is known. */
static void who_leads_is_told(void **state)
{
    static const char *const asked[] = {
        "RAFT REMOVE 2\r\n", "RAFT TRANSFER\r\n", "RAFT LEVEL 2\r\n"};
    static const char *const said[] = {
        "-NOTLEADER the leader is node 2 at 10.0.0.2:6380\r\n",
        "-NOTLEADER no leader is known\r\n"};
    struct fixture *f = *state;
    f->node->change_result = ERR_NO_LEADER;
    assert_string_equal(
        ask(f, asked[0]),
        "-TRYAGAIN this node leads since a moment ago only\r\n");
    f->node->leader = false;
    for (int none = 0; none < 2; none++) {
        f->node->leaderless = none;
        for (size_t i = 0; i < ARRAY_LEN(asked); i++)
            assert_string_equal(ask(f, asked[i]), said[none]);
        assert_has(ask(f, "ROLE\r\n"),
                   none ? "$7\r\nconnect\r\n" : "$9\r\nconnected\r\n");
    }
}

/* Leadership goes to one that can take it over, and is another one. */
static void leadership_goes_to_another(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(ask(f, "RAFT TRANSFER 2\r\n"), "+OK\r\n");
    assert_string_equal(ask(f, "RAFT TRANSFER 1\r\n"),
                        "-ERR this node leads already\r\n");
    assert_string_equal(ask(f, "RAFT TRANSFER x\r\n"),
                        "-ERR invalid node id\r\n");
    assert_string_equal(ask(f, "RAFT TRANSFER 4294967295\r\n"),
                        "-ERR invalid node id\r\n");
    assert_string_equal(ask(f, "RAFT TRANSFER 2 3\r\n"),
                        "-ERR syntax error\r\n");
    f->node->no_transfer = true;
    assert_string_equal(ask(f, "RAFT TRANSFER 3\r\n"),
                        "-ERR there is no such node that could take over\r\n");
}

/* WAIT: the reply is held until it is done; what is sent behind it waits. */
static void the_reply_of_a_change_is_held(void **state)
{
    struct fixture *f = *state;
    struct node *n = f->node;
    ask_held(f, "RAFT REMOVE 2 WAIT\r\nSET after 1\r\n");
    look_again(f);
    expect(f, "");
    assert_int_equal(n->submitted, 1);
    n->change_done = true;
    look_again(f);
    expect(f, TAKEN);
    assert_int_equal(n->submitted, 2);
    answer(f, 1);
    expect(f, "+SET after 1\r\n");
    /* Not too long, nor by one that does not lead any more. */
    ask_held(f, "RAFT PROMOTE 2 wait 5\r\n");
    f->client->later_ms -= 4000;
    look_again(f);
    expect(f, "");
    f->client->later_ms -= 1000;
    look_again(f);
    expect(f, "-INPROGRESS the change was taken and goes on, but is not done "
              "after 5 seconds: it is a test (see RAFT MEMBERS)\r\n");
    ask_held(f, "RAFT REPLACE 2 a:1 WAIT 5\r\n");
    n->leader = false;
    look_again(f);
    expect(f, "-INPROGRESS the change was taken and goes on, but this node "
              "does not lead any more: see RAFT MEMBERS of node 2 at "
              "10.0.0.2:6380\r\n");
    n->leader = true;
    /* Another one is not taken for it. */
    n->change_done = true;
    send_text(f, "RAFT REMOVE 2\r\n");
    answer(f, 1);
    expect(f, TAKEN);
    assert_int_equal(n->submitted, 5);
}

static void what_is_held_ends_without_a_leader(void **state)
{
    struct fixture *f = *state;
    ask_held(f, "RAFT REMOVE 2 WAIT\r\n");
    f->node->leader = false;
    f->node->leaderless = true;
    look_again(f);
    expect(f, "-INPROGRESS the change was taken and goes on, but this node "
              "does not lead any more, and no leader is known (see RAFT "
              "MEMBERS)\r\n");
}

/* It is an error: nothing was changed. Or nobody waits any more. */
static void what_is_held_may_end_early(void **state)
{
    struct fixture *f = *state;
    struct node *n = f->node;
    int fd;
    send_text(f, "RAFT MOVE 2 a:1 b:2 WAIT 0\r\n");
    n->requests[0].text[0] = '\0';
    struct resp_writer *w = n->events->reply_open(
        n->events->ctx, n->requests[n->answered++].client);
    resp_error(w, "ERR others were faster");
    n->events->reply_done(n->events->ctx, n->requests[0].client, NODE_EXECUTED);
    turn(f);
    expect(f, "-ERR others were faster\r\n");
    ask_held(f, "CLIENT REPLY OFF\r\nRAFT MOVE 2 a:1 WAIT\r\n");
    n->change_done = true;
    look_again(f);
    expect(f, "");
    /* The client goes away before the log has it, and after. */
    for (int i = 0; i < 2; i++) {
        (void)connect_client(f, &fd);
        n->change_done = false;
        ssize_t len = write(fd, "RAFT REMOVE 2 WAIT\r\n", 20);
        assert_int_equal(len, 20);
        turn(f);
        if (i == 1)
            answer(f, 1);
        close(fd);
        turn(f);
        if (i == 0)
            answer(f, 1);
        look_again(f);
        /* It may have shut its sending side only; the reply tells. */
        assert_int_equal(f->server->clients.count, 2);
        n->change_done = true;
        look_again(f);
        turn(f);
        assert_int_equal(f->server->clients.count, 1);
        assert_int_equal(n->answered, n->submitted);
    }
}

/* How long it has been there, and how long it has said nothing. */
static void clients_have_an_age(void **state)
{
    struct fixture *f = *state;
    int fd;
    struct client *c = connect_client(f, &fd);
    c->created_ms -= 100500;
    c->active_ms -= 7500;
    struct buf text = BUF_INIT;
    client_describe(c, &text);
    buf_char(&text, '\0');
    assert_has((const char *)text.data, " age=100 idle=7 ");
    buf_release(&text);
    close(fd);
}

static void addresses_are_split(void **state)
{
    struct bytes host;
    uint16_t port;
    UNUSED(state);
    split_address("[::1]:7000", &host, &port);
    assert_true(bytes_eq(host, BYTES_LIT("::1")));
    assert_int_equal(port, 7000);
    split_address("", &host, &port);
    assert_int_equal(host.len, 0);
    assert_int_equal(port, 0);
}

static void hello_and_its_protocols(void **state)
{
    struct fixture *f = *state;
    const char *got = ask(f, "HELLO 3 SETNAME me\r\n");
    assert_has(got, "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n");
    assert_has(got, "$5\r\nproto\r\n:3\r\n");
    assert_has(got, "$4\r\nmode\r\n$10\r\nstandalone\r\n");
    assert_string_equal(ask(f, "CLIENT GETNAME\r\n"), "$2\r\nme\r\n");
    assert_string_equal(ask(f, "HELLO 4\r\n"),
                        "-NOPROTO unsupported protocol version\r\n");
    assert_string_equal(
        ask(f, "HELLO x\r\n"),
        "-ERR Protocol version is not an integer or out of range\r\n");
    assert_string_equal(ask(f, "HELLO 2 FOO\r\n"),
                        "-ERR Syntax error in HELLO option 'FOO'\r\n");
    assert_has(ask(f, "HELLO\r\n"), "%7\r\n");
    assert_has(ask(f, "HELLO 2\r\n"), "*14\r\n");
    assert_string_equal(ask(f, "RESET\r\n"), "+RESET\r\n");
    assert_string_equal(ask(f, "CLIENT GETNAME\r\n"), "$-1\r\n");
}

static void databases(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(ask(f, "SELECT 15\r\n"), "+OK\r\n");
    assert_int_equal(f->client->settings.db, 15);
    assert_string_equal(ask(f, "SELECT 16\r\n"),
                        "-ERR DB index is out of range\r\n");
    assert_string_equal(ask(f, "SELECT -1\r\n"),
                        "-ERR DB index is out of range\r\n");
    assert_string_equal(ask(f, "SELECT a\r\n"),
                        "-ERR value is not an integer or out of range\r\n");
    assert_string_equal(ask(f, "SELECT 2147483647\r\n"),
                        "-ERR DB index is out of range\r\n");
    assert_string_equal(ask(f, "SELECT -2147483649\r\n"),
                        "-ERR value is out of range, value must between "
                        "-2147483648 and 2147483647\r\n");
    assert_int_equal(f->client->settings.db, 15);
}

static void clients_are_listed_and_killed(void **state)
{
    struct fixture *f = *state;
    int fd;
    char text[256];
    struct client *other = connect_client(f, &fd);
    const char *got = ask(f, "CLIENT LIST\r\n");
    assert_has(got, "id=1 addr=");
    assert_has(got, "\nid=2 addr=");
    assert_has(got, " cmd=client|list user=default ");
    snprintf(text, sizeof(text), " addr=%s:0 laddr=%s:0 fd", f->path, f->path);
    assert_has(got, text);
    snprintf(text, sizeof(text), "CLIENT LIST ID %llu\r\n",
             (unsigned long long)other->id);
    got = ask(f, text);
    assert_lacks(got, "id=1 ");
    assert_has(got, "id=2 ");
    assert_string_equal(ask(f, "CLIENT KILL ID 99\r\n"), ":0\r\n");
    assert_string_equal(ask(f, "CLIENT KILL TYPE pubsub\r\n"), ":0\r\n");
    assert_string_equal(ask(f, "CLIENT KILL TYPE foo\r\n"),
                        "-ERR Unknown client type 'foo'\r\n");
    assert_string_equal(ask(f, "CLIENT KILL USER nobody\r\n"),
                        "-ERR No such user 'nobody'\r\n");
    /* An address that nobody has, not any. */
    assert_string_equal(ask(f, "CLIENT KILL \"\"\r\n"),
                        "-ERR No such client\r\n");
    assert_string_equal(ask(f, "CLIENT KILL ADDR \"\"\r\n"), ":0\r\n");
    assert_string_equal(ask(f, "CLIENT KILL LADDR \"\"\r\n"), ":0\r\n");
    snprintf(text, sizeof(text), "CLIENT KILL ADDR %s:0 LADDR %s:0\r\n",
             f->path, f->path);
    assert_string_equal(ask(f, text), ":1\r\n");
    assert_null(received_on(fd));
    close(fd);
    assert_string_equal(ask(f, "CLIENT KILL ID 1\r\n"), ":0\r\n");
    assert_string_equal(ask(f, "CLIENT KILL ID 1 SKIPME no\r\n"), ":1\r\n");
    turn(f);
    assert_null(received_on(f->fd));
}

static struct address address_at(const char *text)
{
    struct address a;
    assert_int_equal(address_parse(bytes_str(text), &a), 0);
    return a;
}

/* Another client, as if it had come by TCP. */
static void connect_from(struct fixture *f, const char *peer, const char *local,
                         int *fd)
{
    struct client *c = connect_client(f, fd);
    c->unix_socket = false;
    c->peer = address_at(peer);
    c->local = address_at(local);
}

static void kill_tells_the_two_ends_apart(void **state)
{
    struct fixture *f = *state;
    int fds[3];
    connect_from(f, "10.0.0.1:1001", "10.0.0.9:6379", &fds[0]);
    connect_from(f, "10.0.0.1:1002", "10.0.0.9:6379", &fds[1]);
    connect_from(f, "10.0.0.1:1003", "10.0.0.8:6379", &fds[2]);
    assert_has(ask(f, "CLIENT LIST\r\n"),
               " addr=10.0.0.1:1002 laddr=10.0.0.9:6379 ");
    static const struct {
        const char *filter, *reply;
    } rows[] = {
        {"10.0.0.9:6379", "-ERR No such client\r\n"},
        {"ADDR 10.0.0.9:6379", ":0\r\n"},
        {"LADDR 10.0.0.1:1001", ":0\r\n"},
        {"ADDR 10.0.0.1:1001 LADDR 10.0.0.8:6379", ":0\r\n"},
        {"ADDR 10.0.0.1:1003 LADDR 10.0.0.9:6379", ":0\r\n"},
        {"ADDR 10.0.0.1:1003 LADDR 10.0.0.8:6379 ID 2", ":0\r\n"},
        {"ADDR 10.0.0.1:1001 LADDR 10.0.0.9:6379", ":1\r\n"},
        {"LADDR 10.0.0.9:6379", ":1\r\n"}, /* the second one is left */
        {"10.0.0.1:1003", "+OK\r\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char line[128];
        snprintf(line, sizeof(line), "CLIENT KILL %s\r\n", rows[i].filter);
        assert_string_equal(ask(f, line), rows[i].reply);
    }
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        assert_null(received_on(fds[i]));
        close(fds[i]);
    }
}

static void own_settings(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(ask(f, "CLIENT SETNAME mine\r\n"), "+OK\r\n");
    assert_string_equal(ask(f, "CLIENT GETNAME\r\n"), "$4\r\nmine\r\n");
    assert_string_equal(ask(f, "CLIENT SETNAME \"\"\r\n"), "+OK\r\n");
    static const char *const wrong[] = {"NO-EVICT x", "NO-TOUCH x", "REPLY x"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char line[64];
        snprintf(line, sizeof(line), "CLIENT %s\r\n", wrong[i]);
        assert_string_equal(ask(f, line), "-ERR syntax error\r\n");
    }
    assert_string_equal(ask(f, "CLIENT ID\r\n"), ":1\r\n");
    assert_string_equal(ask(f, "CLIENT SETINFO LIB-NAME lib\r\n"), "+OK\r\n");
    assert_string_equal(ask(f, "CLIENT SETINFO LIB-VER 1.2\r\n"), "+OK\r\n");
    assert_has(ask(f, "CLIENT INFO\r\n"), " lib-name=lib lib-ver=1.2\n");
    assert_string_equal(ask(f, "CLIENT SETINFO FOO x\r\n"),
                        "-ERR Unrecognized option 'FOO'\r\n");
    assert_string_equal(ask(f, "CLIENT SETNAME \"a b\"\r\n"),
                        "-ERR Client names cannot contain spaces, newlines or "
                        "special characters.\r\n");
    assert_string_equal(ask(f, "CLIENT NO-EVICT on\r\n"), "+OK\r\n");
    assert_string_equal(ask(f, "CLIENT NO-TOUCH x\r\n"),
                        "-ERR syntax error\r\n");
    assert_string_equal(ask(f, "CLIENT FOO\r\n"),
                        "-ERR unknown subcommand 'FOO'. Try CLIENT HELP.\r\n");
    assert_string_equal(
        ask(f, "CLIENT SETNAME\r\n"),
        "-ERR wrong number of arguments for 'client|setname' command\r\n");
    assert_has(ask(f, "CLIENT HELP\r\n"), "+CLIENT <subcommand> [<arg>");
    assert_string_equal(
        ask(f, "CLIENT HELP x\r\n"),
        "-ERR wrong number of arguments for 'client|help' command\r\n");
}

static void options(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(ask(f, "CONFIG GET maxclients nosuch\r\n"),
                        "*2\r\n$10\r\nmaxclients\r\n$5\r\n10000\r\n");
    assert_string_equal(ask(f, "CONFIG GET nosuch\r\n"), "*0\r\n");
    assert_string_equal(ask(f, "CONFIG SET timeout 7\r\n"), "+OK\r\n");
    assert_int_equal(f->config.timeout_s, 7);
    assert_has(ask(f, "CONFIG SET nosuch 7\r\n"), "-ERR Unknown option");
    assert_string_equal(ask(f, "CONFIG RESETSTAT\r\n"), "+OK\r\n");
    assert_string_equal(ask(f, "CONFIG REWRITE\r\n"),
                        "-ERR The server is running without a config file\r\n");
}

/* "command word word ...", asked. */
static const char *ask_with(struct fixture *f, const char *command,
                            const char *word, int count)
{
    struct buf text = BUF_INIT;
    buf_str(&text, command);
    for (int i = 0; i < count; i++)
        buf_printf(&text, " %s", word);
    buf_append(&text, "\r\n", 3);
    const char *got = ask(f, (const char *)text.data);
    buf_release(&text);
    return got;
}

static void work_is_bounded(void **state)
{
    struct fixture *f = *state;
    char text[2000];
    assert_has(ask_with(f, "CLIENT LIST ID", "1", 1000), "id=1 ");
    assert_string_equal(
        ask_with(f, "CLIENT LIST ID", "1", 1001),
        "-ERR too many client IDs: at most 1000 are accepted\r\n");
    assert_string_equal(ask(f, "CLIENT LIST ID 1 x\r\n"),
                        "-ERR Invalid client ID\r\n");
    assert_has(ask_with(f, "CONFIG GET", "hz", 100), "hz\r\n");
    assert_string_equal(ask_with(f, "CONFIG GET", "hz", 101),
                        "-ERR too many patterns: at most 100 are accepted\r\n");
    snprintf(text, sizeof(text), "CONFIG GET %01024d\r\n", 0);
    assert_string_equal(ask(f, text), "*0\r\n");
    snprintf(text, sizeof(text), "COMMAND LIST FILTERBY PATTERN %01024d\r\n",
             0);
    assert_string_equal(ask(f, text), "*0\r\n");
    snprintf(text, sizeof(text), "COMMAND LIST FILTERBY PATTERN %01025d\r\n",
             0);
    assert_string_equal(
        ask(f, text),
        "-ERR a pattern is too long: at most 1024 bytes are accepted\r\n");
    snprintf(text, sizeof(text), "CONFIG GET %01025d\r\n", 0);
    assert_string_equal(
        ask(f, text),
        "-ERR a pattern is too long: at most 1024 bytes are accepted\r\n");
}

static void shutdown_waits_for_answers(void **state)
{
    struct fixture *f = *state;
    int fd;
    f->node->leader = false;
    (void)connect_client(f, &fd);
    send_text(f, "SET a 1\r\n");
    ssize_t n = write(fd, "SHUTDOWN\r\n", 10);
    assert_int_equal(n, 10);
    turn(f);
    assert_int_equal(f->server->shutdown.phase, SHUTDOWN_DRAIN);
    send_text(f, "SET b 1\r\n");
    assert_int_equal(f->node->submitted, 1); /* nothing new */
    answer(f, 1);
    expect(f, "+SET a 1\r\n");
    assert_int_equal(f->server->shutdown.phase, SHUTDOWN_DONE);
    close(fd);
}

static void shutdown_hands_leadership_over_first(void **state)
{
    struct fixture *f = *state;
    int fd;
    (void)connect_client(f, &fd);
    ssize_t n = write(fd, "SHUTDOWN\r\n", 10);
    assert_int_equal(n, 10);
    turn(f);
    assert_int_equal(f->server->shutdown.phase, SHUTDOWN_TRANSFER);
    assert_string_equal(ask(f, "PING\r\n"), "+PONG\r\n");
    assert_string_equal(ask(f, "SHUTDOWN ABORT\r\n"), "+OK\r\n");
    assert_string_equal(received_on(fd),
                        "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
    assert_int_equal(f->server->shutdown.phase, SHUTDOWN_NONE);
    assert_string_equal(ask(f, "SHUTDOWN ABORT\r\n"),
                        "-ERR No shutdown in progress.\r\n");
    n = write(fd, "SHUTDOWN\r\n", 10);
    assert_int_equal(n, 10);
    turn(f);
    f->node->events->transfer_ended(f->node->events->ctx);
    turn(f);
    assert_int_equal(f->server->shutdown.phase, SHUTDOWN_DONE);
    close(fd);
}

static void shutdown_words(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(ask(f, "SHUTDOWN FOO\r\n"), "-ERR syntax error\r\n");
    assert_string_equal(ask(f, "SHUTDOWN SAVE NOSAVE\r\n"),
                        "-ERR syntax error\r\n");
    assert_string_equal(ask(f, "SHUTDOWN ABORT NOW\r\n"),
                        "-ERR syntax error\r\n");
    assert_int_equal(f->server->shutdown.phase, SHUTDOWN_NONE);
    send_text(f, "SHUTDOWN NOW\r\n");
    assert_int_equal(f->server->shutdown.phase, SHUTDOWN_DONE);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(info_has_what_libraries_read),
        test(info_of_some_sections),
        test(values_of_the_node_are_counted),
        test(the_last_sync_is_told),
        test(memory_is_compared),
        test(subcommands_are_counted),
        test(a_follower_says_who_leads),
        test(the_level_is_told_and_raised),
        test(a_leader_tells_its_followers),
        test(members_change),
        test(who_leads_is_told),
        test(leadership_goes_to_another),
        test(the_reply_of_a_change_is_held),
        test(what_is_held_ends_without_a_leader),
        test(what_is_held_may_end_early),
        cmocka_unit_test(addresses_are_split),
        test(clients_have_an_age),
        test(hello_and_its_protocols),
        test(databases),
        test(clients_are_listed_and_killed),
        test(kill_tells_the_two_ends_apart),
        test(own_settings),
        test(options),
        test(work_is_bounded),
        test(shutdown_waits_for_answers),
        test(shutdown_hands_leadership_over_first),
        test(shutdown_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
