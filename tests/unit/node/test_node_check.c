/*
 * node_check() finds what it is for: each fault here is put into a node that
 * is well, by hand, and must end the process there and nowhere else.
 */
// link: world node store data cmd
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/node_internal.h"

#include "world/world.h"

static struct world world;
static struct node *leader;
static struct node *follower;

/* --- faults --------------------------------------------------------------- */

static void applied_beyond_commit(struct node *n)
{
    n->raft.commit = keyspace_applied(n->ks)->index - 1;
}

static void core_and_log_disagree(struct node *n)
{
    n->raft.last++;
}

static void flushed_beyond_applied(struct node *n)
{
    n->compaction.flush_asked = keyspace_applied(n->ks)->index + 1;
}

static void term_not_told(struct node *n)
{
    n->told.term--;
}

static void leader_not_told(struct node *n)
{
    n->told.leader = NODE_NONE;
}

static void point_not_asked(struct node *n)
{
    n->durability.due = true;
}

static void point_of_an_older_write(struct node *n)
{
    n->durability.point.seq--;
}

static void another_incarnation(struct node *n)
{
    n->durability.done.incarnation++;
}

static void turn_without_a_tick(struct node *n)
{
    n->timers.flushed_ms--;
}

static void extended_too_far(struct node *n)
{
    n->timers.extended_until_ms = n->mono_ms + 60 * 60 * 1000;
}

static void peer_missing(struct node *n)
{
    n->peer_count--;
}

static void link_unknown_to_the_core(struct node *n)
{
    n->peers[0].up = !n->peers[0].up;
}

static void taken_without_leading(struct node *n)
{
    n->peers[1].taken_seq = 7;
}

static void short_without_leading(struct node *n)
{
    n->peers[0].disk_short = true;
}

static void leader_says_it_of_itself(struct node *n)
{
    n->space.told_too_few = true;
}

static void leader_is_paused(struct node *n)
{
    n->space.told_paused = true;
}

static void more_short_than_members(struct node *n)
{
    n->space.told_short = RAFT_NODES_MAX + 1;
}

static void refuses_without_leading(struct node *n)
{
    n->space.too_few = true;
}

static void short_and_the_core_does_not_know(struct node *n)
{
    n->space.own_short = true;
}

static void short_since_later(struct node *n)
{
    n->space.short_since_ms = n->mono_ms + 1;
}

static void inbox_without_leading(struct node *n)
{
    buf_str(&n->inbox.bytes, "x");
    n->inbox.last_bytes = 1;
}

static void inbox_beyond_its_bound(struct node *n)
{
    buf_str(&n->inbox.bytes, "many");
    n->inbox.last_bytes = 1;
    n->options.pending_bytes_max = 0;
}

static void proposal_left(struct node *n)
{
    n->proposal.count = 1;
}

static void number_skipped(struct node *n)
{
    n->requests.ring.next_seq++;
}

static void applied_beyond_submitted(struct node *n)
{
    n->requests.ring.first_seq = n->requests.ring.next_seq + 1;
}

static void timed_out_before_the_first(struct node *n)
{
    n->requests.ring.timed_out = n->requests.ring.first_seq - 1;
}

static void blocked_with_room(struct node *n)
{
    n->requests.blocked = true;
}

static void bytes_not_counted(struct node *n)
{
    n->requests.queue.bytes--;
}

static void parcel_lost(struct node *n)
{
    struct parcel *p = n->requests.queue.head;
    struct parcel *lost = p->next;

    n->requests.queue.bytes -= lost->bytes.len;
    p->next = lost->next;
}

static void tail_is_not_the_last(struct node *n)
{
    n->requests.queue.tail = n->requests.queue.head;
}

static void sent_what_is_gone(struct node *n)
{
    struct parcel_queue *q = &n->requests.queue;

    q->unsent = q->head;
    q->head = NULL;
    q->tail = NULL;
    q->bytes = 0;
}

static void freed_before_applied(struct node *n)
{
    struct parcel_queue *q = &n->requests.queue;

    q->bytes -= q->head->bytes.len;
    q->head = q->head->next;
}

static void batch_without_readers(struct node *n)
{
    n->reads.batches[0].id = n->reads.last_id;
    n->reads.batches[0].waiters.count = 0;
}

static void batch_not_served(struct node *n)
{
    struct read_batch *b = &n->reads.batches[0];

    b->released = true;
    b->index = keyspace_applied(n->ks)->index;
}

static void number_of_no_read(struct node *n)
{
    n->reads.batches[0].id = n->reads.last_id + 1;
}

static void cache_beyond_the_log(struct node *n)
{
    n->sending.cached_first = n->raft.last;
    n->sending.cached_last = n->raft.last + 1;
}

static void sweep_never_submitted(struct node *n)
{
    n->sweeping.seq = n->requests.ring.next_seq;
}

static void sent_beyond_the_request(struct node *n)
{
    n->upload.sent = 1;
}

static void waits_behind_nobody(struct node *n)
{
    static void *client;
    n->upload.waiting = mem_alloc(sizeof(client));
    n->upload.waiting[0] = &client;
    n->upload.waiting_count = n->upload.waiting_cap = 1;
}

static void part_never_submitted(struct node *n)
{
    n->upload.last_seq = n->requests.ring.next_seq;
}

static void snapshot_of_nobody(struct node *n)
{
    n->snapshot.ahead = (void *)n;
}

static void snapshot_used_later(struct node *n)
{
    n->snapshot.used_ms = n->mono_ms + 1;
}

struct fault {
    void (*put)(struct node *n);
    bool in_follower;
};

static const struct fault faults[] = {
    {applied_beyond_commit, false},
    {snapshot_of_nobody, false},
    {snapshot_used_later, false},
    {core_and_log_disagree, false},
    {flushed_beyond_applied, false},
    {term_not_told, false},
    {leader_not_told, true},
    {point_not_asked, false},
    {point_of_an_older_write, false},
    {another_incarnation, false},
    {turn_without_a_tick, false},
    {extended_too_far, false},
    {peer_missing, false},
    {link_unknown_to_the_core, false},
    {taken_without_leading, true},
    {short_without_leading, true},
    {leader_says_it_of_itself, false},
    {leader_is_paused, false},
    {more_short_than_members, true},
    {refuses_without_leading, true},
    {short_and_the_core_does_not_know, true},
    {short_since_later, true},
    {inbox_without_leading, true},
    {inbox_beyond_its_bound, false},
    {proposal_left, false},
    {number_skipped, false},
    {number_skipped, true},
    {applied_beyond_submitted, false},
    {timed_out_before_the_first, false},
    {blocked_with_room, false},
    {bytes_not_counted, false},
    {parcel_lost, false},
    {tail_is_not_the_last, false},
    {sent_what_is_gone, false},
    {freed_before_applied, false},
    {batch_without_readers, false},
    {batch_not_served, false},
    {number_of_no_read, false},
    {cache_beyond_the_log, false},
    {sweep_never_submitted, false},
    {sent_beyond_the_request, false},
    {waits_behind_nobody, false},
    {part_never_submitted, true},
};

/* --- tests ---------------------------------------------------------------- */

static void nothing(struct node *n)
{
    UNUSED(n);
}

/* In a process of its own: does `last` end it within node_check()? */
static bool ends(void (*put)(struct node *), void (*last)(struct node *),
                 struct node *n)
{
    const struct rlimit none = {0, 0};
    char text[300] = "";
    int pipes[2];
    int status = 0;

    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        dup2(pipes[1], 2);
        put(n);
        last(n);
        _exit(0);
    }
    close(pipes[1]);
    bool said = read(pipes[0], text, sizeof(text) - 1) > 0;
    close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(said, WIFSIGNALED(status));
    return said && strstr(text, "node_check.c") != NULL;
}

static void check(struct node *n)
{
    node_check(n);
}

/* A leader that has four parcels which cannot commit, and readers. */
static int begin(void **state)
{
    UNUSED(state);
    world_init(&world, WORLD_NODES, 92);
    uint32_t id = (uint32_t)world_elect(&world);
    world_write(&world, id, 5);
    world_wait_equal(&world);
    leader = world.nodes[id].node;
    follower = world.nodes[(id + 1) % WORLD_NODES].node;
    struct world_client *own = world_client_new(&world, id);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(world_submit(own, "append k x"), 0);
        world.now_ms += 2;
        world_flush(&world);
    }
    assert_int_equal(node_read(leader, own), 0);
    world_flush(&world);
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    world_release(&world);
    return 0;
}

static void a_node_that_is_well_passes(void **state)
{
    UNUSED(state);
    assert_false(ends(nothing, check, leader));
    assert_false(ends(nothing, check, follower));
}

static void each_fault_ends_it(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        const struct fault *f = &faults[i];
        if (!ends(f->put, check, f->in_follower ? follower : leader))
            fail_msg("fault %zu is not found", i);
    }
}

/* Not only when it is called by hand. */
static void a_turn_ends_with_it(void **state)
{
    UNUSED(state);
    assert_false(ends(nothing, node_flush, leader));
    assert_true(ends(bytes_not_counted, node_flush, leader));
    assert_true(ends(term_not_told, node_flush, follower));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_that_is_well_passes),
        cmocka_unit_test(each_fault_ends_it),
        cmocka_unit_test(a_turn_ends_with_it),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
