/*
 * The table of the cluster, from nodes that answer what a test says: each is a
 * thread with a listening socket that answers INFO on one connection.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "ctl/ctl.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NODES_MAX 3

struct fake {
    pthread_t thread;
    int listening;
    uint16_t port;
    char reply[1024]; /* as it is on the wire; empty: closes at once */
};

struct fixture {
    struct fake fakes[NODES_MAX];
    size_t count;
    struct cluster cluster;
    char *text; /* what status_print printed */
    size_t length;
};

static void *serve(void *ctx)
{
    struct fake *f = ctx;
    char request[256];
    int fd = accept(f->listening, NULL, NULL);
    if (fd >= 0 && read(fd, request, sizeof(request)) > 0 &&
        write(fd, f->reply, strlen(f->reply)) > 0)
        (void)!read(fd, request, sizeof(request)); /* until it is closed */
    close(fd);
    return NULL;
}

static struct fake *add_node(struct fixture *f)
{
    struct fake *fake = &f->fakes[f->count++];
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t len = sizeof(in);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fake->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fake->listening, (struct sockaddr *)&in, len), 0);
    assert_int_equal(listen(fake->listening, 1), 0);
    getsockname(fake->listening, (struct sockaddr *)&in, &len);
    fake->port = ntohs(in.sin_port);
    return fake;
}

static void answers(struct fake *fake, const char *text)
{
    snprintf(fake->reply, sizeof(fake->reply), "$%zu\r\n%s\r\n", strlen(text),
             text);
}

/* What it says of a member whose address it does not know. */
#define LINKED(id)                                                             \
    "raft_node_" #id ":client_address=,link=up,state=replicate,lag=0\r\n"
#define UNLINKED(id)                                                           \
    "raft_node_" #id ":client_address=,link=down,state=down\r\n"
#define PAUSED(id)                                                             \
    "raft_node_" #id ":client_address=,link=up,state=paused,lag=7\r\n"

/* Followers follow node 1, if they are another. */
static void answers_in_term(struct fake *fake, int id, const char *role,
                            int term, const char *more)
{
    char text[700];
    bool leads = strcmp(role, "leader") == 0;
    bool follows = strcmp(role, "follower") == 0 && id != 1;
    snprintf(text, sizeof(text),
             "raft_role:%s\r\nraft_node_id:%d\r\nraft_leader_id:%d\r\n"
             "raft_term:%d\r\n"
             "raft_commit_index:%d\r\nraft_applied_index:10\r\n"
             "raft_log_bytes:77\r\ndb0:keys=2,expires=0\r\n"
             "db3:keys=3,expires=0\r\n%s",
             role, id, leads || follows ? 1 : -1, term, id == 1 ? 12 : 10,
             more);
    answers(fake, text);
}

static void answers_as(struct fake *fake, int id, const char *role,
                       const char *more)
{
    answers_in_term(fake, id, role, 4, more);
}

/* Runs the nodes, knowing the first `given` of them. */
static int status_of(struct fixture *f, size_t given)
{
    for (size_t i = 0; i < f->count; i++) {
        char address[32];
        snprintf(address, sizeof(address), "127.0.0.1:%u", f->fakes[i].port);
        if (i < given)
            assert_true(cluster_add(&f->cluster, bytes_str(address), false));
        assert_int_equal(
            pthread_create(&f->fakes[i].thread, NULL, serve, &f->fakes[i]), 0);
    }
    FILE *out = open_memstream(&f->text, &f->length);
    int status = status_print(&f->cluster, out);
    fclose(out);
    return status;
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    cluster_release(&f->cluster);
    for (size_t i = 0; i < f->count; i++) {
        shutdown(f->fakes[i].listening, SHUT_RDWR);
        pthread_join(f->fakes[i].thread, NULL);
        close(f->fakes[i].listening);
    }
    free(f->text);
    free(f);
    return 0;
}

#define assert_has(f, part) assert_non_null(strstr((f)->text, (part)))

static void a_healthy_cluster_is_found_through_one_node(void **state)
{
    struct fixture *f = *state;
    struct fake *one = add_node(f), *two = add_node(f);
    char member[128];
    snprintf(member, sizeof(member),
             "raft_nodes:2\r\nraft_node_2:client_address=127.0.0.1:%u,link=up,"
             "state=replicate,match=10\r\n",
             two->port);
    answers_as(one, 1, "leader", member);
    answers_as(two, 2, "follower", "raft_nodes:2\r\n" LINKED(1));
    assert_int_equal(status_of(f, 1), CTL_GOOD);
    char row[64];
    snprintf(row, sizeof(row), "\n1     127.0.0.1:%-12u leader", one->port);
    assert_has(f, row);
    assert_has(f, "        4           12           10        2         77");
    assert_has(f, "        5  up\n");
    snprintf(row, sizeof(row), "\n2     127.0.0.1:%-12u follower", two->port);
    assert_has(f, row);
    assert_has(f, "cluster: healthy, 2 of 2 nodes up, leader 1 (127.0.0.1:");
}

static void a_member_of_unknown_address_counts(void **state)
{
    struct fixture *f = *state;
    answers_as(add_node(f), 1, "leader",
               "raft_nodes:3\r\n" LINKED(2) LINKED(3));
    assert_int_equal(status_of(f, 1), CTL_NO);
    assert_has(f, "\n3     ?                      -       ");
    assert_has(f, "  DOWN\n      no node that answers has heard of its address "
                  "for clients; the leader is linked to it (replicate)\n");
    assert_has(f, "cluster: serving, but NOT healthy, 1 of 3 nodes up");
}

/* Two that are linked are enough, three that are not are none. */
static void a_leader_without_followers_serves_nobody(void **state)
{
    struct fixture *f = *state;
    answers_as(add_node(f), 1, "leader",
               "raft_nodes:3\r\n" UNLINKED(2) UNLINKED(3));
    answers_as(add_node(f), 2, "candidate", "raft_nodes:3\r\n");
    answers_as(add_node(f), 3, "follower", "raft_nodes:3\r\n" UNLINKED(1));
    assert_int_equal(status_of(f, 3), CTL_NOT_DONE);
    assert_has(f,
               "        2         77         5  NOT WELL\n      it asks for "
               "votes, and has no leader; the leader is node 1, in term 4\n");
    assert_has(f, "cluster: NO MAJORITY, 3 of 3 nodes up: requests wait until "
                  "more nodes follow the leader, node 1 in term 4\n");
}

static void one_that_is_not_well_has_a_reason(void **state)
{
    struct fixture *f = *state;
    answers_as(add_node(f), 1, "leader", "raft_nodes:2\r\n" LINKED(2));
    answers_as(add_node(f), 2, "follower",
               "raft_nodes:2\r\nraft_recovering:1\r\n" LINKED(1));
    assert_int_equal(status_of(f, 2), CTL_NOT_DONE);
    assert_has(f, "NOT WELL\n      it is being refilled, and neither votes nor "
                  "counts until then\ncluster: NO MAJORITY");
}

static void without_space_only_reads_are_served(void **state)
{
    struct fixture *f = *state;
    answers_as(add_node(f), 1, "leader",
               "raft_nodes:1\r\ndisk_writes_refused:1\r\ndisk_nearly_full:1\r\n"
               "disk_free_bytes:7340032\r\n");
    assert_int_equal(status_of(f, 1), CTL_NO);
    assert_has(f, "(7 MiB): all nodes refuse writes\ncluster: refusing writes, "
                  "NOT healthy, 1 "
                  "of 1 nodes up");
}

/* One that is short of space is none of those that bear a failure. */
static void one_without_space_bears_no_failure(void **state)
{
    struct fixture *f = *state;
    answers_as(add_node(f), 1, "leader",
               "raft_nodes:3\r\ndisk_short_members:1\r\n" LINKED(2) PAUSED(3));
    answers_as(add_node(f), 2, "follower",
               "raft_nodes:3\r\n" LINKED(1) LINKED(3));
    answers_as(add_node(f), 3, "follower",
               "raft_nodes:3\r\ndisk_writes_refused:1\r\ndisk_nearly_full:1"
               "\r\ndisk_free_bytes:7340032\r\n" LINKED(1) LINKED(2));
    assert_int_equal(status_of(f, 3), CTL_NO);
    assert_has(f, "NOT WELL\n      the leader sends it no entries while its "
                  "disk is short of space: it lacks 7, and its clients are "
                  "refused\n      too little disk space is free here (7 MiB): "
                  "it refuses writes\ncluster: serving, but NOT healthy, 3 of "
                  "3 nodes up, leader 1 (");
    assert_has(f, "), term 4; 0 more may fail (of 1 when all are well)\n");
}

static void another_server_is_no_node(void **state)
{
    struct fixture *f = *state;
    answers(add_node(f), "redis_version:7.0.15\r\nrole:master\r\n");
    assert_int_equal(status_of(f, 1), CTL_NOT_DONE);
    assert_has(f, "DOWN\n      it answers, but not as a node of vard\n");
}

static void two_clusters_are_not_one(void **state)
{
    struct fixture *f = *state;
    answers_as(add_node(f), 1, "leader",
               "raft_nodes:1\r\nraft_cluster_id:a\r\n");
    answers_as(add_node(f), 1, "leader",
               "raft_nodes:1\r\nraft_cluster_id:b\r\n");
    assert_int_equal(status_of(f, 2), CTL_NO);
    assert_has(f, "there is another node 1, at 127.0.0.1:");
    assert_has(f, "it belongs to another cluster than node 1\n");
}

/* A process that was started from a copy of the data. */
static void two_processes_are_not_one_node(void **state)
{
    struct fixture *f = *state;
    answers_as(add_node(f), 1, "leader", "raft_nodes:1\r\nrun_id:a\r\n");
    answers_as(add_node(f), 1, "leader", "raft_nodes:1\r\nrun_id:b\r\n");
    assert_int_equal(status_of(f, 2), CTL_NO);
    assert_has(f, "there is another node 1, at 127.0.0.1:");
}

static void a_node_with_two_addresses_is_one_row(void **state)
{
    struct fixture *f = *state;
    answers_as(add_node(f), 1, "leader", "raft_nodes:1\r\n");
    answers_as(add_node(f), 1, "leader", "raft_nodes:1\r\n");
    assert_int_equal(status_of(f, 2), CTL_GOOD);
    assert_has(f, "1 of 1 nodes up");
}

/* One that was cut off has not heard of the next one yet. */
static void of_two_leaders_the_younger_is_believed(void **state)
{
    struct fixture *f = *state;
    answers_in_term(add_node(f), 1, "leader", 4, "raft_nodes:3\r\n");
    answers_in_term(add_node(f), 2, "leader", 6,
                    "raft_nodes:3\r\n" LINKED(1) LINKED(4));
    answers_in_term(add_node(f), 3, "leader", 5, "raft_nodes:3\r\n");
    assert_int_equal(status_of(f, 3), CTL_NO);
    assert_has(f, "it leads in term 4; the leader is node 2, in term 6\n");
    assert_has(f, "it leads in term 5; the leader is node 2, in term 6\n");
    assert_has(f, "3 of 4 nodes up, leader 2 (127.0.0.1:");
    assert_has(f, "), term 6\n");
}

/* A port on which nobody listens; the socket keeps it. */
static int taken_port(uint16_t *port)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t len = sizeof(in);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    *port = ntohs(in.sin_port);
    return fd;
}

/* Node 1 answers at the address that was given; node 2 knows it by another,
 * which does not answer. */
static void know_dead_address(struct fixture *f, const char *dead)
{
    char member[128];
    snprintf(member, sizeof(member),
             "raft_nodes:2\r\nraft_node_1:client_address=%s,link=up\r\n", dead);
    answers_as(add_node(f), 1, "leader", "raft_nodes:2\r\n" LINKED(2));
    answers_as(add_node(f), 2, "follower", member);
}

static void an_address_known_from_others_does_not_count_twice(void **state)
{
    struct fixture *f = *state;
    char dead[32];
    uint16_t port;
    int fd = taken_port(&port);
    snprintf(dead, sizeof(dead), "127.0.0.1:%u", port);
    know_dead_address(f, dead);
    assert_int_equal(status_of(f, 2), CTL_GOOD);
    assert_has(f, "2 of 2 nodes up");
    assert_null(strstr(f->text, dead));
    close(fd);
}

static void an_address_that_was_given_counts(void **state)
{
    struct fixture *f = *state;
    char dead[32];
    uint16_t port;
    int fd = taken_port(&port);
    snprintf(dead, sizeof(dead), "127.0.0.1:%u", port);
    know_dead_address(f, dead);
    assert_true(cluster_add(&f->cluster, bytes_str(dead), false));
    assert_int_equal(status_of(f, 2), CTL_NO);
    assert_has(f, "2 of 3 nodes up");
    assert_has(f, dead);
    assert_has(f, "DOWN\n");
    close(fd);
}

static void no_leader_is_said(void **state)
{
    struct fixture *f = *state;
    answers_as(add_node(f), 1, "follower", "raft_nodes:3\r\n");
    answers_as(add_node(f), 2, "candidate", "raft_nodes:3\r\n");
    assert_int_equal(status_of(f, 2), CTL_NOT_DONE);
    assert_has(f, "cluster: NO LEADER, 2 of 3 nodes up: requests wait until "
                  "one is elected");
}

static void without_a_majority_nobody_is_elected(void **state)
{
    struct fixture *f = *state;
    answers_as(add_node(f), 1, "candidate", "raft_nodes:3\r\n");
    assert_int_equal(status_of(f, 1), CTL_NOT_DONE);
    assert_has(f, "cluster: NO LEADER, 1 of 3 nodes up: requests wait until "
                  "a majority is back");
}

static void a_refusal_is_not_a_node_that_is_down(void **state)
{
    struct fixture *f = *state;
    struct fake *one = add_node(f);
    snprintf(one->reply, sizeof(one->reply), "%s",
             "-NOAUTH Authentication required.\r\n");
    assert_int_equal(status_of(f, 1), CTL_REFUSED);
    assert_has(f, "REFUSED\n      NOAUTH Authentication required.\n");
    assert_has(f, "cluster: unknown, a node answers but refuses");
}

static void nobody_answers(void **state)
{
    struct fixture *f = *state;
    add_node(f);
    assert_int_equal(status_of(f, 1), CTL_NOT_DONE);
    assert_has(f, "DOWN\n      connection closed\n");
    assert_has(f, "cluster: no node answers");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_healthy_cluster_is_found_through_one_node),
        TEST(a_member_of_unknown_address_counts),
        TEST(a_leader_without_followers_serves_nobody),
        TEST(one_that_is_not_well_has_a_reason),
        TEST(without_space_only_reads_are_served),
        TEST(one_without_space_bears_no_failure),
        TEST(another_server_is_no_node),
        TEST(two_clusters_are_not_one),
        TEST(two_processes_are_not_one_node),
        TEST(a_node_with_two_addresses_is_one_row),
        TEST(of_two_leaders_the_younger_is_believed),
        TEST(an_address_known_from_others_does_not_count_twice),
        TEST(an_address_that_was_given_counts),
        TEST(no_leader_is_said),
        TEST(without_a_majority_nobody_is_elected),
        TEST(a_refusal_is_not_a_node_that_is_down),
        TEST(nobody_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
