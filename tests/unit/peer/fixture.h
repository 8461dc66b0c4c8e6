/*
 * Up to three members in one process, on one loop, on ports of 127.0.0.1 that
 * the kernel chose. Every node checks by itself that `up` and `down`
 * alternate and that payloads come only in between. Nothing sleeps: the loop
 * runs until a condition holds, or a deadline fails the test.
 */
#ifndef UNIT_PEER_FIXTURE_H
#define UNIT_PEER_FIXTURE_H

#include "base/alloc.h"
#include "base/rng.h"
#include "peer/peer_internal.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIXTURE __attribute__((unused)) static

#define CLUSTER_NODES 3
#define DEADLINE_MS   20000
#define RECEIVED_MAX  4096
#define CLUSTER_ID    UINT64_C(0x1122334455667788)
#define PAYLOAD_MAX   ((uint64_t)100 * 1024 * 1024)
#define QUEUE_MAX     ((uint64_t)32 * 1024 * 1024)

struct received {
    node_id from;
    uint8_t type;
    struct buf payload;
};

struct node {
    struct cluster *cluster;
    node_id id;
    struct peers *peers;
    struct transport transport;
    struct transport_events events;
    struct logger log;
    struct buf lines; /* of the log, each with a newline */
    uint64_t incarnation;
    bool is_up[CLUSTER_NODES + 1]; /* by id */
    int ups[CLUSTER_NODES + 1];
    int downs[CLUSTER_NODES + 1];
    uint64_t incarnations[CLUSTER_NODES + 1];
    char client_address[CLUSTER_NODES + 1][160];
    struct received *received;
    size_t received_count;
    size_t received_bytes;
    int refuse; /* answer of receive, when negative */
    struct member_facts facts[CLUSTER_NODES + 1]; /* what it knows */
    bool no_member[CLUSTER_NODES + 1];            /* in its configuration */
    struct receipt shown;                         /* to it, last; */
    bool forgets;                                 /* and what it says of that */
    struct greeting greeting[CLUSTER_NODES + 1];  /* that it got last */
    int greetings[CLUSTER_NODES + 1];
    uint16_t level_max[CLUSTER_NODES + 1]; /* as it was told before a link */
    /* Of those in answer to its own: the last verdict but "not yet". */
    enum greeting_verdict told[CLUSTER_NODES + 1];
    /* As a member that is asked: its answer, and the last question. */
    int admits; /* 0, ERR_AGAIN, ERR_MISMATCH */
    struct admit asked;
    int asks;
    /* As a blank one: what it was told. */
    struct grant grant[CLUSTER_NODES + 1];
    int grants[CLUSTER_NODES + 1];
};

struct cluster {
    struct loop *loop;
    int files_before; /* that were open */
    struct loop_timer deadline;
    struct loop_timer tick;
    bool late;
    bool (*until)(struct cluster *c);
    char addresses[CLUSTER_NODES + 1][ADDRESS_TEXT_MAX];
    struct peer_member members[CLUSTER_NODES];
    size_t member_count;
    struct node nodes[CLUSTER_NODES + 1]; /* by id, from 1 */
    /* What conditions look at. */
    node_id watched;
    size_t wanted;
    const char *text;
    void *arg;
};

FIXTURE void node_up(void *ctx, node_id peer, uint64_t incarnation,
                     const char *client_address)
{
    struct node *n = ctx;
    assert_true(peer <= CLUSTER_NODES);
    assert_false(n->is_up[peer]);
    assert_true(n->level_max[peer] > 0);
    n->is_up[peer] = true;
    n->ups[peer]++;
    n->incarnations[peer] = incarnation;
    snprintf(n->client_address[peer], sizeof(n->client_address[peer]), "%s",
             client_address);
}

FIXTURE void node_down(void *ctx, node_id peer)
{
    struct node *n = ctx;
    assert_true(n->is_up[peer]);
    n->is_up[peer] = false;
    n->downs[peer]++;
}

FIXTURE int node_receive(void *ctx, node_id peer, uint8_t frame_type,
                         struct bytes payload)
{
    struct node *n = ctx;
    assert_true(n->is_up[peer]);
    if (n->refuse < 0)
        return n->refuse;
    assert_true(n->received_count < RECEIVED_MAX);
    struct received *r = &n->received[n->received_count++];
    *r = (struct received){.from = peer, .type = frame_type};
    buf_bytes(&r->payload, payload);
    n->received_bytes += payload.len;
    return 0;
}

FIXTURE void node_known(void *ctx, node_id member, struct member_facts *out)
{
    struct node *n = ctx;
    if (member == NODE_NONE)
        return; /* whoever is there */
    assert_true(member <= CLUSTER_NODES);
    *out = n->facts[member];
    out->is_member = !n->no_member[member];
}

FIXTURE bool node_remembers(void *ctx, const struct receipt *receipt)
{
    struct node *n = ctx;
    n->shown = *receipt;
    return !n->forgets;
}

FIXTURE void node_levels(void *ctx, node_id peer, uint16_t level_min,
                         uint16_t level_max)
{
    struct node *n = ctx;
    assert_true(peer <= CLUSTER_NODES);
    assert_in_range(level_min, 1, level_max);
    n->level_max[peer] = level_max;
}

FIXTURE void node_greeted(void *ctx, node_id peer, const struct greeting *g,
                          int ours, bool dialed)
{
    struct node *n = ctx;
    assert_true(peer <= CLUSTER_NODES);
    assert_in_range(ours, GREETING_WELCOME, GREETING_VERDICTS - 1);
    n->greeting[peer] = *g;
    n->greetings[peer]++;
    if (dialed && g->verdict != GREETING_NOT_YET)
        n->told[peer] = g->verdict;
}

FIXTURE int node_admit(void *ctx, const struct admit *ask, struct grant *out,
                       struct buf *why)
{
    struct node *n = ctx;
    n->asked = *ask;
    n->asks++;
    if (n->admits != 0) {
        buf_printf(why, "node %u has its reason", n->id);
        return n->admits;
    }
    memset(out, 0, sizeof(*out));
    out->life = 4;
    out->cluster_id = CLUSTER_ID;
    out->index = 17;
    node_id ids[RAFT_NODES_MAX];
    for (node_id i = 0; i < RAFT_NODES_MAX; i++)
        ids[i] = i + 1;
    configuration_of(&out->configuration, ids, RAFT_NODES_MAX);
    for (node_id i = 0; i < RAFT_NODES_MAX; i++) { /* as long as it may be */
        struct member *m = &out->configuration.members[i];
        memset(m->peer_address, 'a', sizeof(m->peer_address) - 1);
        memset(m->client_address, 'b', sizeof(m->client_address) - 1);
        memset(m->zone, 'c', sizeof(m->zone) - 1);
    }
    return 0;
}

FIXTURE void node_granted(void *ctx, node_id peer, const struct grant *grant)
{
    struct node *n = ctx;
    assert_true(peer <= CLUSTER_NODES);
    n->grant[peer] = *grant;
    n->grants[peer]++;
}

FIXTURE void node_log(void *ctx, enum log_level level, const char *line,
                      size_t len)
{
    struct node *n = ctx;
    buf_printf(&n->lines, "%c ", ".-*#"[level]); /* as the log of a node has */
    buf_append(&n->lines, line, len);
    buf_char(&n->lines, '\n');
}

FIXTURE int lines_with(const struct node *n, const char *text)
{
    int count = 0;
    struct bytes rest = buf_view(&n->lines);
    const uint8_t *at;
    while (rest.len > 0 &&
           (at = memmem(rest.data, rest.len, text, strlen(text))) != NULL) {
        count++;
        rest = bytes_from(rest, (size_t)(at - rest.data) + 1);
    }
    return count;
}

/* ----- the loop ----- */

FIXTURE void deadline_cb(void *ctx)
{
    struct cluster *c = ctx;
    c->late = true;
    loop_stop(c->loop);
}

FIXTURE void before_wait(void *ctx)
{
    struct cluster *c = ctx;
    for (node_id id = 1; id <= CLUSTER_NODES; id++) {
        if (c->nodes[id].peers != NULL)
            peers_flush(c->nodes[id].peers);
    }
    if (c->until != NULL && c->until(c))
        loop_stop(c->loop);
}

FIXTURE bool run_quietly(struct cluster *c, bool (*until)(struct cluster *c),
                         int64_t deadline_ms)
{
    c->until = until;
    c->late = false;
    loop_timer_start(c->loop, &c->deadline, deadline_ms);
    loop_run(c->loop);
    loop_timer_stop(c->loop, &c->deadline);
    c->until = NULL;
    return !c->late;
}

FIXTURE void run_until(struct cluster *c, bool (*until)(struct cluster *c))
{
    if (run_quietly(c, until, DEADLINE_MS))
        return;
    for (node_id id = 1; id <= CLUSTER_NODES; id++)
        fprintf(stderr, "node %u:\n%.*s", id, (int)c->nodes[id].lines.len,
                (const char *)c->nodes[id].lines.data);
    fail_msg("the condition did not come true in time");
}

FIXTURE bool never(struct cluster *c)
{
    (void)c;
    return false;
}

/* Lets the loop run for a while in which something must not happen. */
FIXTURE void run_for(struct cluster *c, int64_t ms)
{
    assert_false(run_quietly(c, never, ms));
}

/* ----- nodes ----- */

FIXTURE struct peers_options node_options(struct cluster *c, node_id id,
                                          uint64_t incarnation)
{
    struct node *n = &c->nodes[id];
    n->events = (struct transport_events){.ctx = n,
                                          .up = node_up,
                                          .down = node_down,
                                          .receive = node_receive,
                                          .known = node_known,
                                          .remembers = node_remembers,
                                          .levels = node_levels,
                                          .admit = node_admit,
                                          .greeted = node_greeted,
                                          .granted = node_granted};
    n->log = (struct logger){LOG_DEBUG, node_log, n};
    n->incarnation = incarnation;
    return (struct peers_options){
        .cluster_id = CLUSTER_ID,
        .directory = {id, 1},
        .nonce = 1000 * id + incarnation,
        .self = id,
        .incarnation = incarnation,
        .listen_address = c->addresses[id],
        .client_host = "",
        .client_port = (uint16_t)(7000 + id),
        .queue_bytes_max = QUEUE_MAX,
        .payload_bytes_max = PAYLOAD_MAX,
        .members = c->members,
        .member_count = c->member_count,
        .log = &n->log,
        .events = &n->events,
    };
}

FIXTURE void node_start_with(struct cluster *c,
                             const struct peers_options *options)
{
    struct node *n = &c->nodes[options->self];
    assert_null(n->peers);
    struct buf error = BUF_INIT;
    int rc = peers_new(&n->peers, c->loop, options, &error);
    if (rc != 0)
        fail_msg("%.*s", (int)error.len, (const char *)error.data);
    buf_release(&error);
    n->transport = peers_transport(n->peers);
}

FIXTURE void node_start(struct cluster *c, node_id id, uint64_t incarnation)
{
    struct peers_options o = node_options(c, id, incarnation);
    node_start_with(c, &o);
}

FIXTURE void node_forget_received(struct node *n)
{
    for (size_t i = 0; i < n->received_count; i++)
        buf_release(&n->received[i].payload);
    n->received_count = 0;
    n->received_bytes = 0;
}

/* As when its process dies: everything of it is gone at once. */
FIXTURE void node_stop(struct cluster *c, node_id id)
{
    struct node *n = &c->nodes[id];
    peers_free(n->peers);
    n->peers = NULL;
    memset(n->is_up, 0, sizeof(n->is_up));
}

/* An address that is free now; the listener is gone again. */
FIXTURE void choose_addresses(struct cluster *c)
{
    int fds[CLUSTER_NODES + 1];
    for (node_id id = 1; id <= CLUSTER_NODES; id++) {
        struct address a;
        assert_int_equal(address_parse(BYTES_LIT("127.0.0.1:0"), &a), 0);
        fds[id] = socket_listen(&a, 1);
        assert_true(fds[id] >= 0);
        assert_true(socket_local(fds[id], &a));
        address_format(&a, c->addresses[id]);
    }
    for (node_id id = 1; id <= CLUSTER_NODES; id++)
        socket_close(fds[id]);
}

FIXTURE int open_files(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

FIXTURE int cluster_setup(void **state)
{
    struct cluster *c = mem_zalloc(sizeof(*c));
    c->files_before = open_files();
    c->loop = loop_new();
    c->deadline = (struct loop_timer){NULL, deadline_cb, c};
    loop_before_wait(c->loop, before_wait, c);
    choose_addresses(c);
    for (node_id id = 1; id <= CLUSTER_NODES; id++) {
        c->members[id - 1] = (struct peer_member){id, c->addresses[id]};
        c->nodes[id].cluster = c;
        c->nodes[id].id = id;
        c->nodes[id].received =
            mem_zalloc(RECEIVED_MAX * sizeof(struct received));
    }
    c->member_count = 2;
    *state = c;
    return 0;
}

FIXTURE int cluster_teardown(void **state)
{
    struct cluster *c = *state;
    for (node_id id = 1; id <= CLUSTER_NODES; id++) {
        node_stop(c, id);
        node_forget_received(&c->nodes[id]);
        mem_free(c->nodes[id].received);
        buf_release(&c->nodes[id].lines);
    }
    loop_free(c->loop); /* asserts that no handle is left */
    assert_int_equal(open_files(), c->files_before);
    mem_free(c);
    return 0;
}

FIXTURE int send_to(struct node *n, node_id to,
                    enum transport_priority priority, struct bytes a,
                    struct bytes b)
{
    const struct bytes pieces[2] = {a, b};
    uint8_t type = priority == TRANSPORT_CONTROL ? FRAME_RAFT : FRAME_FORWARD;
    return n->transport.send(n->transport.ctx, to, type, priority, pieces);
}

FIXTURE struct peer *peer_in(struct cluster *c, node_id at, node_id of)
{
    struct peer *peer = peers_find(c->nodes[at].peers, of);
    assert_non_null(peer);
    return peer;
}

/* ----- conditions ----- */

FIXTURE bool all_up(struct cluster *c)
{
    for (node_id a = 1; a <= c->member_count; a++) {
        for (node_id b = 1; b <= c->member_count; b++) {
            if (a != b && !c->nodes[a].is_up[b])
                return false;
        }
    }
    return true;
}

FIXTURE bool one_and_two_down(struct cluster *c)
{
    return !c->nodes[1].is_up[2] && !c->nodes[2].is_up[1];
}

FIXTURE bool one_sees_two_down(struct cluster *c)
{
    return !c->nodes[1].is_up[2];
}

FIXTURE bool watched_received(struct cluster *c)
{
    return c->nodes[c->watched].received_count >= c->wanted;
}

/* The watched node has logged the text, `wanted` times. */
FIXTURE bool watched_logged(struct cluster *c)
{
    return lines_with(&c->nodes[c->watched], c->text) >= (int)c->wanted;
}

FIXTURE void run_until_logged(struct cluster *c, node_id at, const char *text)
{
    c->watched = at;
    c->text = text;
    c->wanted = 1;
    run_until(c, watched_logged);
}

FIXTURE void run_until_received(struct cluster *c, node_id at, size_t count)
{
    c->watched = at;
    c->wanted = count;
    run_until(c, watched_received);
}

#endif
