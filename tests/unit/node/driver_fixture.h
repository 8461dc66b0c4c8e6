/*
 * Members that come and go in a world of nodes: for the tests of the driver.
 */
#ifndef TESTS_UNIT_NODE_DRIVER_FIXTURE_H
#define TESTS_UNIT_NODE_DRIVER_FIXTURE_H

#include <cmocka.h>

#include <stdio.h>

#include "node/node_internal.h"
#include "world/world.h"

static const struct configuration *members_at(struct world *w, uint32_t at)
{
    raft_index index;

    return node_configuration(w->nodes[at].node, &index);
}

static const char *peer_text(node_id id)
{
    static char texts[RAFT_NODES_MAX + 4][32];
    char *text = texts[id % (RAFT_NODES_MAX + 4)];

    snprintf(text, 32, "10.0.0.%u:7000", id);
    return text;
}

static const char *client_text(node_id id)
{
    static char texts[RAFT_NODES_MAX + 4][32];
    char *text = texts[id % (RAFT_NODES_MAX + 4)];

    snprintf(text, 32, "10.0.0.%u:6379", id);
    return text;
}

static uint32_t leader_of(struct world *w)
{
    int leader = world_elect(w);

    assert_true(leader >= 0);
    return (uint32_t)leader;
}

static struct node_change add(node_id id)
{
    return (struct node_change){.kind = NODE_ADD,
                                .id = id,
                                .peer_address = peer_text(id),
                                .client_address = client_text(id)};
}

/* Is there nothing left to do? */
static bool is_reached(struct world *w)
{
    struct node_change_status st;
    int leader = world_leader(w);

    if (leader < 0)
        return false;
    struct node *n = w->nodes[leader].node;
    node_change_status(n, &st);
    return n->driver.term == n->raft.term && n->driver.due_ms > n->mono_ms &&
           raft_can_change(&n->raft) && st.next[0] == '\0' &&
           st.waits[0] == '\0' &&
           keyspace_applied(n->ks)->index == n->raft.last;
}

static void drop_removed(struct world *w)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->nodes[i].removed && w->nodes[i].node)
            world_crash_keep(w, i, 100);
}

static void begin(struct world *w, uint32_t founders, uint64_t seed)
{
    world_prepare(w, WORLD_NODES_MAX, seed);
    w->founders = founders;
    w->nonces = true;
    world_start_all(w);
    world_write(w, leader_of(w), 3);
}

#endif
