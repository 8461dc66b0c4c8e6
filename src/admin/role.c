/*
 * ROLE: as Redis tells it, with the leader as the master.
 *
 * How it fails: it cannot; an address that is not known is empty.
 */
#include "admin/admin_internal.h"
#include "admin/raft_text.h"

#include <inttypes.h>

static void role_master(struct server_call *call, const struct node_status *st)
{
    ASSERT(st->role == RAFT_LEADER);
    size_t connected = 0;
    for (size_t i = 0; i < st->peer_count; i++)
        connected += st->peers[i].up ? 1 : 0;
    resp_array(call->out, 3);
    resp_bulk_str(call->out, "master");
    resp_integer(call->out, (int64_t)st->applied);
    resp_array(call->out, connected);
    for (size_t i = 0; i < st->peer_count; i++) {
        struct bytes host;
        uint16_t port;
        if (!st->peers[i].up)
            continue;
        split_address(st->peers[i].client_address, &host, &port);
        resp_array(call->out, 3);
        resp_bulk(call->out, host);
        resp_bulkf(call->out, "%u", port);
        resp_bulkf(call->out, "%" PRIu64, st->peers[i].match);
    }
}

static void role_slave(struct server_call *call, const struct node_status *st)
{
    ASSERT(st->role != RAFT_LEADER);
    struct bytes host;
    uint16_t port;
    split_address(st->leader_address, &host, &port);
    resp_array(call->out, 5);
    resp_bulk_str(call->out, "slave");
    resp_bulk(call->out, host);
    resp_integer(call->out, port);
    resp_bulk_str(call->out, st->leader == NODE_NONE ? "connect" : "connected");
    resp_integer(call->out, (int64_t)st->applied);
}

void admin_role(struct server_call *call)
{
    struct node_status st;
    node_status(server_node(call->s), &st);
    ASSERT(st.peer_count < RAFT_NODES_MAX);
    if (st.role == RAFT_LEADER)
        role_master(call, &st);
    else
        role_slave(call, &st);
}
