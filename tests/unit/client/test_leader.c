/* Who leads, if several say so, nobody does, or a node refuses. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "unit/client/fake_server.h"

/* INFO of a node, as it is on the wire. */
static const char *says(char out[512], const char *role, int term,
                        const char *more)
{
    char text[400];
    int len = snprintf(text, sizeof(text),
                       "# Raft\r\nraft_role:%s\r\nraft_term:%d\r\n%s", role,
                       term, more);
    snprintf(out, 512, "$%d\r\n%s\r\n", len, text);
    return out;
}

static int find(struct fixture *f, size_t *leader)
{
    *leader = 99;
    return cluster_find_leader(&f->cluster, 2000, true, leader, &f->answer);
}

static void of_two_the_younger_leads(void **state)
{
    struct fixture *f = *state;
    char older[512], younger[512];
    size_t leader;
    struct fake *one = add_node(f, says(older, "leader", 4, ""));
    struct fake *two = add_node(f, says(younger, "leader", 5, ""));
    assert_int_equal(find(f, &leader), 0);
    assert_int_equal(leader, 1);
    one->steps[0] = younger;
    two->steps[0] = older;
    assert_int_equal(find(f, &leader), 0);
    assert_int_equal(leader, 0);
}

static void a_follower_of_a_higher_term_does_not_lead(void **state)
{
    struct fixture *f = *state;
    char a[512], b[512];
    size_t leader;
    add_node(f, says(a, "follower", 9, ""));
    add_node(f, says(b, "leader", 3, ""));
    assert_int_equal(find(f, &leader), 0);
    assert_int_equal(leader, 1);
}

static void nobody_leads(void **state)
{
    struct fixture *f = *state;
    char a[512];
    size_t leader;
    uint16_t port;
    int fd = taken_port(&port);
    know_port(f, port);
    add_node(f, says(a, "candidate", 3, ""));
    assert_int_equal(find(f, &leader), ERR_NOT_FOUND);
    assert_int_equal(f->answer.text.len, 0);
    close(fd);
}

static void a_refusal_counts_if_nobody_leads(void **state)
{
    struct fixture *f = *state;
    char a[512];
    size_t leader;
    add_node(f, "-NOAUTH first\r\n");
    struct fake *two = add_node(f, "-NOAUTH second\r\n");
    assert_int_equal(find(f, &leader), ERR_AUTH);
    assert_true(bytes_eq(buf_view(&f->answer.text), BYTES_LIT("NOAUTH first")));
    two->steps[0] = says(a, "leader", 3, "");
    buf_reset(&f->answer.text);
    assert_int_equal(find(f, &leader), 0);
    assert_int_equal(leader, 1);
}

static void members_that_are_named_are_asked(void **state)
{
    struct fixture *f = *state;
    char a[512], b[512], member[100];
    size_t leader;
    struct fake *hidden = add_fake(f, says(a, "leader", 5, ""));
    snprintf(member, sizeof(member),
             "raft_node_2:client_address=127.0.0.1:%u,link=up\r\n",
             hidden->port);
    add_node(f, says(b, "leader", 4, member));
    assert_int_equal(
        cluster_find_leader(&f->cluster, 2000, false, &leader, &f->answer), 0);
    assert_int_equal(leader, 0);
    assert_int_equal(f->cluster.node_count, 1);
    assert_int_equal(find(f, &leader), 0);
    assert_int_equal(leader, 1);
    assert_int_equal(f->cluster.node_count, 2);
}

static void a_master_of_redis_leads(void **state)
{
    struct fixture *f = *state;
    size_t leader;
    add_node(f, "$12\r\nrole:slave\r\n\r\n");
    add_node(f, "$13\r\nrole:master\r\n\r\n");
    assert_int_equal(find(f, &leader), 0);
    assert_int_equal(leader, 1);
}

/* They answer when all have been asked; those named are asked together, too. */
static void all_are_asked_at_once(void **state)
{
    struct fixture *f = *state;
    struct meeting given = {.all = 1}, named = {.all = 2};
    char a[512], b[512], c[512], members[200];
    size_t leader;
    struct fake *two = add_fake(f, says(a, "leader", 4, ""));
    struct fake *three = add_fake(f, says(b, "follower", 4, ""));
    snprintf(members, sizeof(members),
             "raft_node_2:client_address=127.0.0.1:%u\r\n"
             "raft_node_3:client_address=127.0.0.1:%u\r\n",
             two->port, three->port);
    struct fake *one = add_node(f, says(c, "follower", 4, members));
    one->meeting = &given;
    two->meeting = three->meeting = &named;
    assert_int_equal(find(f, &leader), 0);
    assert_int_equal(leader, 1);
    given = (struct meeting){.all = 3};
    two->meeting = three->meeting = &given;
    assert_int_equal(find(f, &leader), 0);
    assert_int_equal(leader, 1);
    assert_int_equal(f->cluster.node_count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_two_the_younger_leads),
        TEST(a_follower_of_a_higher_term_does_not_lead),
        TEST(nobody_leads),
        TEST(a_refusal_counts_if_nobody_leads),
        TEST(members_that_are_named_are_asked),
        TEST(a_master_of_redis_leads),
        TEST(all_are_asked_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
