/*
 * RAFT STATUS and RAFT TRANSFER, for operators.
 *
 * How it fails: what this node cannot do is answered with who could.
 */
#include "admin/raft.h"
#include "admin/admin_internal.h"
#include "base/num.h"

#include <stdio.h>

const char *raft_role_text(enum raft_role role)
{
    switch (role) {
    case RAFT_FOLLOWER:
        return "follower";
    case RAFT_PRE_CANDIDATE:
    case RAFT_CANDIDATE:
        return "candidate";
    case RAFT_LEADER:
        return "leader";
    }
    return "unknown";
}

const char *raft_progress_text(const struct node_status *st, size_t i)
{
    ASSERT(i < st->peer_count);
    if (!st->peers[i].up)
        return "down";
    if (st->role != RAFT_LEADER)
        return "up";
    switch (st->peers[i].state) {
    case RAFT_PROBE:
        return "probe";
    case RAFT_REPLICATE:
        return "replicate";
    case RAFT_SNAPSHOT:
        return "snapshot";
    }
    return "up";
}

static void pair_text(struct resp_writer *w, const char *name,
                      const char *value)
{
    resp_bulk_str(w, name);
    resp_bulk_str(w, value);
}

static void pair_number(struct resp_writer *w, const char *name, uint64_t value)
{
    resp_bulk_str(w, name);
    resp_integer(w, (int64_t)value);
}

static int64_t id_or_none(node_id id)
{
    return id == NODE_NONE ? -1 : (int64_t)id;
}

static void write_peer(struct resp_writer *w, const struct node_status *st,
                       size_t i)
{
    bool leads = st->role == RAFT_LEADER;
    resp_map(w, leads ? 6 : 4);
    pair_number(w, "id", st->peers[i].id);
    pair_text(w, "client-address", st->peers[i].client_address);
    pair_text(w, "link", st->peers[i].up ? "up" : "down");
    pair_text(w, "state", raft_progress_text(st, i));
    if (leads) {
        pair_number(w, "match-index", st->peers[i].match);
        pair_number(w, "next-index", st->peers[i].next);
    }
}

static void sub_status(struct server_call *call)
{
    struct resp_writer *w = call->out;
    struct node_status st;
    char cluster[17];
    node_status(server_node(call->s), &st);
    snprintf(cluster, sizeof(cluster), "%016llx",
             (unsigned long long)st.cluster_id);
    resp_map(w, 14);
    pair_number(w, "node-id", st.self);
    pair_text(w, "cluster-id", cluster);
    pair_text(w, "role", raft_role_text(st.role));
    pair_number(w, "term", st.term);
    resp_bulk_str(w, "leader-id");
    resp_integer(w, id_or_none(st.leader));
    pair_text(w, "leader-address", st.leader_address);
    pair_number(w, "commit-index", st.commit);
    pair_number(w, "applied-index", st.applied);
    pair_number(w, "durable-index", st.durable);
    pair_number(w, "first-index", st.first);
    pair_number(w, "last-index", st.last);
    pair_number(w, "log-bytes", st.log_bytes);
    pair_number(w, "incarnation", st.incarnation);
    resp_bulk_str(w, "nodes");
    resp_array(w, st.peer_count);
    for (size_t i = 0; i < st.peer_count; i++)
        write_peer(w, &st, i);
}

static void sub_transfer(struct server_call *call)
{
    node_id to = NODE_NONE;
    struct node_status st;
    node_status(server_node(call->s), &st);
    if (call->argc > 3) {
        resp_error(call->out, "ERR syntax error");
        return;
    }
    if (call->argc == 3) {
        uint64_t id;
        if (!num_parse_u64(call->argv[2], &id) || id >= NODE_NONE) {
            resp_error(call->out, "ERR invalid node id");
            return;
        }
        to = (node_id)id;
    }
    if (st.role != RAFT_LEADER && st.leader == NODE_NONE)
        resp_error(call->out, "NOTLEADER no leader is known");
    else if (st.role != RAFT_LEADER)
        resp_errorf(call->out, "NOTLEADER the leader is node %u at %s",
                    st.leader, st.leader_address);
    else if (to == st.self)
        resp_error(call->out, "ERR this node leads already");
    else if (!node_transfer(server_node(call->s), to))
        resp_error(call->out, "ERR there is no such node that could take over");
    else
        resp_status(call->out, "OK");
}

static const struct subcommand subcommands[] = {
    {"status", 2, sub_status},
    {"transfer", -2, sub_transfer},
};

static const char *const help[] = {
    "STATUS",
    "    Return the state of this node's Raft: role, term, indexes, members.",
    "TRANSFER [<node-id>]",
    "    Hand leadership over, to the most advanced follower or to <node-id>.",
    "    OK means that it has begun.",
};

void admin_raft(struct server_call *call)
{
    subcommand_run(call, subcommands, ARRAY_LEN(subcommands), help,
                   ARRAY_LEN(help));
}
