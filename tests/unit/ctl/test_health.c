/*
 * Whether a cluster is well, from what its nodes say: each test takes a
 * cluster that is, and changes what one of them says.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ctl/health.h"

#include <stdio.h>
#include <string.h>

struct fixture {
    struct view view;
    struct health health;
};

/* Into a field of a row, each of which has room for it. */
static void set_text(char *field, const char *text)
{
    snprintf(field, 16, "%s", text);
}

static struct row *row(struct fixture *f, size_t id)
{
    assert_true(id >= 1 && id <= f->view.count);
    return &f->view.rows[id - 1];
}

/* What node `of` says of member `about`. */
static struct peer_row *said(struct fixture *f, size_t of, size_t about)
{
    char id[8];
    snprintf(id, sizeof(id), "%zu", about);
    struct row *r = row(f, of);
    for (size_t i = 0; i < r->peer_count; i++)
        if (strcmp(r->peers[i].id, id) == 0)
            return &r->peers[i];
    fail_msg("node %zu says nothing of node %zu", of, about);
    return NULL;
}

static void add_row(struct fixture *f, size_t id, size_t count)
{
    struct row *r = &f->view.rows[f->view.count++];
    *r = (struct row){.up = true,
                      .given = true,
                      .term = 4,
                      .commit = 70,
                      .applied = 70,
                      .members = count,
                      .leader = "1",
                      .cluster = "c"};
    snprintf(r->id, sizeof(r->id), "%zu", id);
    snprintf(r->process, sizeof(r->process), "p%zu", id);
    snprintf(r->address, sizeof(r->address), "10.0.0.%zu:6379", id);
    snprintf(r->role, sizeof(r->role), "%s", id == 1 ? "leader" : "follower");
    for (size_t other = 1; other <= count; other++) {
        if (other == id)
            continue;
        struct peer_row *p = &r->peers[r->peer_count++];
        *p = (struct peer_row){.linked = true};
        snprintf(p->id, sizeof(p->id), "%zu", other);
        snprintf(p->state, sizeof(p->state), "%s",
                 id == 1 ? "replicate" : "up");
    }
}

/* Node 1 leads in term 4. */
static void cluster_of(struct fixture *f, size_t count)
{
    f->view.rows = mem_zalloc((count + 2) * sizeof(*f->view.rows));
    for (size_t id = 1; id <= count; id++)
        add_row(f, id, count);
}

static void silent(struct fixture *f, size_t id)
{
    struct row *r = row(f, id);
    char name[VIEW_ID_MAX];
    memcpy(name, r->id, sizeof(name));
    *r = (struct row){.given = true};
    memcpy(r->id, name, sizeof(name));
    buf_str(&r->why, "no answer");
}

static void unlink_both(struct fixture *f, size_t a, size_t b)
{
    if (row(f, a)->up)
        said(f, a, b)->linked = false;
    if (row(f, b)->up)
        said(f, b, a)->linked = false;
}

static void judge(struct fixture *f)
{
    health_judge(&f->view, &f->health);
}

static const char *reasons(struct fixture *f, size_t id)
{
    struct buf *b = &row(f, id)->reasons;
    buf_char(b, '\0');
    b->len--;
    return (const char *)b->data;
}

/* The row has one reason, and it is this. */
static void expect_reason(struct fixture *f, size_t id, const char *text)
{
    char wanted[256];
    snprintf(wanted, sizeof(wanted), "%s\n", text);
    assert_string_equal(reasons(f, id), wanted);
    assert_false(f->health.healthy);
}

static void expect_well(struct fixture *f, size_t id)
{
    assert_string_equal(reasons(f, id), "");
}

static void expect_only_reason(struct fixture *f, size_t id, const char *text)
{
    judge(f);
    expect_reason(f, id, text);
    for (size_t other = 1; other <= f->view.count; other++)
        if (other != id)
            expect_well(f, other);
}

static int setup(void **state)
{
    *state = mem_zalloc(sizeof(struct fixture));
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    view_release(&f->view);
    mem_free(f);
    return 0;
}

static void of_any_size_it_may_be_healthy(void **state)
{
    struct fixture *f = *state;
    for (size_t count = 1; count <= 9; count++) {
        cluster_of(f, count);
        judge(f);
        assert_true(f->health.healthy);
        assert_true(f->health.has_majority);
        assert_string_equal(f->health.leader, "1");
        assert_int_equal(f->health.term, 4);
        assert_int_equal(f->health.following, count);
        assert_int_equal(f->health.all, count);
        for (size_t id = 1; id <= count; id++) {
            expect_well(f, id);
            assert_true(health_is_ready(&f->health, row(f, id)));
        }
        view_release(&f->view);
    }
}

static void a_node_that_does_not_answer(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    silent(f, 3);
    unlink_both(f, 1, 3);
    unlink_both(f, 2, 3);
    expect_only_reason(f, 3, "no answer");
    assert_true(f->health.has_majority);
    assert_false(health_is_ready(&f->health, row(f, 3)));
}

static void one_that_answers_to_the_others_only(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    silent(f, 3);
    expect_only_reason(f, 3,
                       "no answer; the leader is linked to it (replicate)");
    assert_int_equal(f->health.following, 3);
}

static void the_leader_answers_to_the_others_only(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    silent(f, 1);
    expect_only_reason(f, 1, "no answer");
    assert_true(f->health.has_majority);
    assert_string_equal(f->health.leader, "1");
    assert_null(f->health.leader_row);
    assert_true(health_is_ready(&f->health, row(f, 2)));
}

/* Until they have noticed, they say that they follow it. */
static void a_leader_that_was_just_killed(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    silent(f, 1);
    unlink_both(f, 1, 2);
    unlink_both(f, 1, 3);
    judge(f);
    assert_false(f->health.has_majority);
    assert_false(health_is_ready(&f->health, row(f, 2)));
}

static void one_that_was_emptied(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    row(f, 2)->commit = row(f, 2)->applied = 0;
    set_text(said(f, 1, 2)->state, "probe");
    expect_only_reason(f, 2,
                       "the leader does not send it entries yet (probe): it "
                       "looks for where their logs agree");
    assert_int_equal(f->health.following, 2);
}

static void one_that_can_never_catch_up(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    set_text(said(f, 1, 2)->state, "snapshot");
    expect_only_reason(f, 2,
                       "it cannot catch up: the leader's log does not have "
                       "the entries any more that it lacks");
}

static void one_that_is_far_behind(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    said(f, 1, 2)->lag = VIEW_LAG_MAX;
    judge(f);
    assert_true(f->health.healthy);
    said(f, 1, 2)->lag = VIEW_LAG_MAX + 1;
    expect_only_reason(f, 2, "it lacks 1001 entries");
}

static void one_that_has_much_to_execute(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    row(f, 3)->commit = 70 + VIEW_LAG_MAX;
    judge(f);
    assert_true(f->health.healthy);
    row(f, 3)->commit++;
    expect_only_reason(f, 3, "it has 1001 entries yet to execute");
}

static void one_that_is_refilled(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    row(f, 2)->recovering = true;
    expect_only_reason(f, 2,
                       "it is being refilled, and neither votes nor counts "
                       "until then");
    assert_int_equal(f->health.following, 2);
    assert_false(health_is_ready(&f->health, row(f, 2)));
}

/* It asks for votes, which nobody hears. */
static void one_with_another_secret(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    unlink_both(f, 2, 1);
    unlink_both(f, 2, 3);
    row(f, 2)->leader[0] = '\0';
    set_text(row(f, 2)->role, "candidate");
    expect_only_reason(
        f, 2,
        "it asks for votes, and has no leader; the leader is node 1, in term "
        "4\nit and the leader are not linked (their logs say why)\n"
        "it and node 3 are not linked (their logs say why)");
}

/* Cut in one direction: each end says what it sees. */
static void a_link_to_the_leader_that_one_end_lost(void **state)
{
    struct fixture *f = *state;
    for (int end = 0; end < 2; end++) {
        cluster_of(f, 3);
        said(f, end == 0 ? 1 : 2, end == 0 ? 2 : 1)->linked = false;
        expect_only_reason(
            f, 2, "it and the leader are not linked (their logs say why)");
        assert_int_equal(f->health.following, 2);
        view_release(&f->view);
    }
}

static void a_link_between_followers(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    unlink_both(f, 2, 3);
    judge(f);
    expect_reason(f, 2, "it and node 3 are not linked (their logs say why)");
    expect_reason(f, 3, "it and node 2 are not linked (their logs say why)");
    expect_well(f, 1);
    assert_true(f->health.has_majority);
}

/* All refuse writes, for the disk of one. */
static void no_space(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    for (size_t id = 1; id <= 3; id++)
        row(f, id)->no_writes = true;
    row(f, 2)->disk_short = true;
    row(f, 2)->disk_free = 5 << 20;
    expect_only_reason(f, 2,
                       "too little disk space is free here (5 MiB): all nodes "
                       "refuse writes");
    assert_true(f->health.no_writes);
    assert_true(f->health.has_majority);
    assert_true(health_is_ready(&f->health, row(f, 2)));
}

/* The others take writes; it serves what it has, which is not enough. */
static void no_space_at_one(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    row(f, 3)->no_writes = row(f, 3)->disk_short = true;
    set_text(said(f, 1, 3)->state, "paused");
    said(f, 1, 3)->lag = 12;
    expect_only_reason(f, 3,
                       "the leader sends it no entries while its disk is short "
                       "of space: it lacks 12, and its clients are refused\n"
                       "too little disk space is free here (0 MiB): it refuses "
                       "writes");
    assert_false(f->health.no_writes);
    assert_true(f->health.has_majority);
    assert_int_equal(f->health.following, 2);
    assert_false(health_is_ready(&f->health, row(f, 3)));
    assert_true(health_is_ready(&f->health, row(f, 2)));
    assert_true(health_is_ready(&f->health, row(f, 1)));
}

/* Two that are paused are too many. */
static void no_majority_without_the_paused(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    set_text(said(f, 1, 2)->state, "paused");
    set_text(said(f, 1, 3)->state, "paused");
    judge(f);
    assert_false(f->health.has_majority);
}

static void no_space_where_nobody_answers(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    silent(f, 2);
    row(f, 1)->no_writes = true;
    judge(f);
    expect_reason(f, 1,
                  "it refuses writes: too few nodes have enough disk space, or "
                  "had it a moment ago");
    expect_well(f, 3);
}

/* A majority elected another one while it was paused. */
static void an_old_leader(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    for (size_t id = 2; id <= 3; id++) {
        row(f, id)->term = 6;
        set_text(row(f, id)->leader, "2");
        set_text(said(f, 2, id == 2 ? 3 : 1)->state, "replicate");
    }
    set_text(row(f, 2)->role, "leader");
    expect_only_reason(f, 1,
                       "it leads in term 4; the leader is node 2, in term 6");
    assert_string_equal(f->health.leader, "2");
    assert_ptr_equal(f->health.leader_row, row(f, 2));
    assert_int_equal(f->health.following, 2);
}

/* The same, and the new one does not answer here. */
static void an_old_leader_and_a_silent_one(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    row(f, 3)->term = 6;
    set_text(row(f, 3)->leader, "2");
    silent(f, 2);
    judge(f);
    expect_reason(f, 1, "it leads in term 4; the leader is node 2, in term 6");
    assert_string_equal(f->health.leader, "2");
    assert_true(f->health.has_majority);
}

static void a_follower_of_an_old_leader(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    row(f, 3)->term = 3;
    set_text(row(f, 3)->leader, "2");
    expect_only_reason(
        f, 3, "it follows node 2 in term 3; the leader is node 1, in term 4");
}

static void a_minority_leads_nobody(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    silent(f, 2);
    unlink_both(f, 1, 2);
    unlink_both(f, 3, 2);
    set_text(said(f, 1, 3)->state, "probe");
    judge(f);
    assert_false(f->health.has_majority);
    assert_false(f->health.healthy);
    assert_false(health_is_ready(&f->health, row(f, 1)));
    assert_false(health_is_ready(&f->health, row(f, 3)));
}

static void three_of_five_are_a_majority(void **state)
{
    struct fixture *f = *state;
    for (size_t down = 2; down <= 3; down++) {
        cluster_of(f, 5);
        for (size_t id = 6 - down; id <= 5; id++) {
            silent(f, id);
            for (size_t other = 1; other < id; other++)
                unlink_both(f, id, other);
        }
        judge(f);
        assert_int_equal(f->health.has_majority, down == 2);
        assert_int_equal(f->health.following, 5 - down);
        view_release(&f->view);
    }
}

static void no_leader_at_all(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    for (size_t id = 1; id <= 3; id++) {
        row(f, id)->leader[0] = '\0';
        set_text(row(f, id)->role, id == 1 ? "candidate" : "follower");
    }
    judge(f);
    expect_reason(f, 1, "it asks for votes, and has no leader");
    expect_reason(f, 2, "it knows no leader");
    assert_false(f->health.has_majority);
}

static void members_that_nobody_names_count(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 2);
    row(f, 1)->members = 3;
    judge(f);
    assert_false(f->health.healthy);
    assert_true(f->health.has_majority);
    assert_int_equal(f->health.all, 3);
}

static void a_node_of_another_cluster(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 2);
    set_text(row(f, 2)->cluster, "d");
    expect_only_reason(f, 2, "it belongs to another cluster than node 1");
}

static void two_processes_with_one_id(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    add_row(f, 2, 3);
    set_text(row(f, 4)->process, "other");
    set_text(row(f, 4)->address, "10.0.0.9:6379");
    judge(f);
    expect_reason(f, 2, "there is another node 2, at 10.0.0.9:6379");
    expect_reason(f, 4, "there is another node 2, at 10.0.0.2:6379");
}

static void one_that_the_leader_does_not_know(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    set_text(said(f, 1, 3)->id, "8");
    judge(f);
    expect_reason(f, 3, "the leader does not count it among the members");
}

static void what_is_hidden_is_not_judged(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    add_row(f, 3, 3);
    row(f, 4)->hidden = true;
    row(f, 4)->recovering = true;
    judge(f);
    assert_true(f->health.healthy);
    assert_int_equal(f->health.all, 3);
    expect_well(f, 4);
}

static void a_refusal_is_remembered(void **state)
{
    struct fixture *f = *state;
    cluster_of(f, 3);
    silent(f, 3);
    row(f, 3)->refused = true;
    judge(f);
    assert_true(f->health.refused);
    assert_false(f->health.healthy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_any_size_it_may_be_healthy),
        TEST(a_node_that_does_not_answer),
        TEST(one_that_answers_to_the_others_only),
        TEST(the_leader_answers_to_the_others_only),
        TEST(a_leader_that_was_just_killed),
        TEST(one_that_was_emptied),
        TEST(one_that_can_never_catch_up),
        TEST(one_that_is_far_behind),
        TEST(one_that_has_much_to_execute),
        TEST(one_that_is_refilled),
        TEST(one_with_another_secret),
        TEST(a_link_to_the_leader_that_one_end_lost),
        TEST(a_link_between_followers),
        TEST(no_space),
        TEST(no_space_where_nobody_answers),
        TEST(no_space_at_one),
        TEST(no_majority_without_the_paused),
        TEST(an_old_leader),
        TEST(an_old_leader_and_a_silent_one),
        TEST(a_follower_of_an_old_leader),
        TEST(a_minority_leads_nobody),
        TEST(three_of_five_are_a_majority),
        TEST(no_leader_at_all),
        TEST(members_that_nobody_names_count),
        TEST(a_node_of_another_cluster),
        TEST(two_processes_with_one_id),
        TEST(one_that_the_leader_does_not_know),
        TEST(what_is_hidden_is_not_judged),
        TEST(a_refusal_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
