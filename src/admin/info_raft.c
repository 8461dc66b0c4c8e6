/*
 * The section is taken from node_status() and peers_info(); one line for each
 * other member says how the link to it is and, on the leader, how far it is.
 */
#include "admin/info_raft.h"

#include "admin/admin_internal.h"
#include "admin/raft.h"

typedef unsigned long long ull;

static void peer_line(const struct server *s, const struct node_status *st,
                      size_t i, struct buf *out)
{
    const struct node_peer_status *peer = &st->peers[i];
    struct peer_info link;
    buf_printf(out, "raft_node_%u:client_address=%s,link=%s,state=%s", peer->id,
               peer->client_address, peer->up ? "up" : "down",
               raft_progress_text(st, i));
    if (st->role == RAFT_LEADER) {
        ull lag = st->last > peer->match ? st->last - peer->match : 0;
        buf_printf(out, ",match=%llu,next=%llu,lag=%llu", (ull)peer->match,
                   (ull)peer->next, lag);
    }
    if (server_peer_info(s, peer->id, &link))
        buf_printf(out,
                   ",peer_address=%s,incarnation=%llu,queued_bytes=%llu,"
                   "sent_bytes=%llu,received_bytes=%llu",
                   link.address, (ull)link.incarnation, (ull)link.queued_bytes,
                   (ull)link.sent_bytes, (ull)link.received_bytes);
    buf_str(out, "\r\n");
}

void info_section_raft(struct server *s, struct buf *out)
{
    struct node_status st;
    node_status(server_node(s), &st);
    ASSERT(st.peer_count < RAFT_NODES_MAX);
    ASSERT(st.self == server_config(s)->node_id);
    long long leader = st.leader == NODE_NONE ? -1 : (long long)st.leader;
    buf_printf(out,
               "raft_role:%s\r\n"
               "raft_node_id:%u\r\n"
               "raft_leader_id:%lld\r\n"
               "raft_leader_address:%s\r\n"
               "raft_term:%llu\r\n"
               "raft_commit_index:%llu\r\n"
               "raft_applied_index:%llu\r\n"
               "raft_durable_index:%llu\r\n"
               "raft_first_index:%llu\r\n"
               "raft_last_index:%llu\r\n"
               "raft_log_bytes:%llu\r\n",
               raft_role_text(st.role), st.self, leader, st.leader_address,
               (ull)st.term, (ull)st.commit, (ull)st.applied, (ull)st.durable,
               (ull)st.first, (ull)st.last, (ull)st.log_bytes);
    buf_printf(out,
               "raft_cluster_id:%016llx\r\n"
               "raft_incarnation:%llu\r\n"
               "raft_recovering:%d\r\n"
               "raft_pending_requests:%llu\r\n"
               "raft_pending_bytes:%llu\r\n"
               "raft_pending_reads:%llu\r\n"
               "raft_applied_requests:%llu\r\n"
               "raft_skipped_requests:%llu\r\n"
               "raft_elections:%llu\r\n"
               "raft_nodes:%u\r\n",
               (ull)st.cluster_id, (ull)st.incarnation, st.recovering,
               (ull)st.pending_requests, (ull)st.pending_bytes,
               (ull)st.pending_reads, (ull)st.applied_requests,
               (ull)st.skipped_requests, (ull)st.elections, st.peer_count + 1);
    for (size_t i = 0; i < st.peer_count; i++)
        peer_line(s, &st, i, out);
}
