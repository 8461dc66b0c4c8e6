/*
 * The other nodes that this one knows: the members, and whoever has a link
 * without being one. A candidate may be a member of which our log does not know
 * yet; one that was removed has its link for a while.
 *
 * The core knows the members alone, and of a new one nothing: it is told of the
 * links that are up already (node_peers_next).
 *
 * How it fails: of more strangers than there is room for nothing is known, and
 * what they send is refused.
 */
#include <inttypes.h>
#include <stdio.h>

#include "node/node_boot.h"
#include "node/node_internal.h"

bool node_peer_is_member(const struct node *n, const struct node_peer *p)
{
    ASSERT(p->id != n->options.self);
    return raft_position(&n->raft, p->id) >= 0;
}

static bool is_wanted(const struct node *n, const struct node_peer *p)
{
    ASSERT(p->id != n->options.self);
    return p->up || configuration_find(&n->membership.newest, p->id);
}

/* Those that are no members and have no link are forgotten. */
static void drop_unwanted(struct node *n)
{
    uint32_t kept = 0;

    ASSERT(n->peer_count <= NODE_PEERS_MAX);
    for (uint32_t i = 0; i < n->peer_count; i++)
        if (is_wanted(n, &n->peers[i]))
            n->peers[kept++] = n->peers[i];
    memset(&n->peers[kept], 0, (n->peer_count - kept) * sizeof(n->peers[0]));
    n->peer_count = kept;
}

static struct node_peer *add(struct node *n, node_id id)
{
    ASSERT(id != n->options.self && !node_peer_find(n, id));
    if (n->peer_count == NODE_PEERS_MAX)
        return NULL;
    struct node_peer *p = &n->peers[n->peer_count++];
    p->id = id;
    return p;
}

/* A stranger makes room for a member; its link stays, and is not listened to.
 */
static void add_member(struct node *n, node_id id)
{
    ASSERT(configuration_find(&n->membership.newest, id));
    for (uint32_t i = 0; n->peer_count == NODE_PEERS_MAX; i++) {
        ASSERT(i < n->peer_count); /* members alone are fewer */
        if (!configuration_find(&n->membership.newest, n->peers[i].id) &&
            !n->peers[i].receiver.ahead)
            n->peers[i] = n->peers[--n->peer_count];
    }
    struct node_peer *p = add(n, id);
    ASSERT(p != NULL);
}

void node_peers_changed(struct node *n)
{
    const struct configuration *c = &n->membership.newest;

    ASSERT(c->count > 0);
    drop_unwanted(n);
    for (uint32_t i = 0; i < c->count; i++)
        if (c->members[i].id != n->options.self &&
            !node_peer_find(n, c->members[i].id))
            add_member(n, c->members[i].id);
    if (n->transport.members)
        n->transport.members(n->transport.ctx, c, n->membership.newest_at);
}

bool node_peers_up(struct node *n, node_id id, uint64_t incarnation,
                   const char *client_address)
{
    struct node_peer *p = node_peer_find(n, id);

    ASSERT(client_address && id != n->options.self);
    if (!p) {
        drop_unwanted(n);
        p = add(n, id);
    }
    if (!p)
        return false;
    if (p->incarnation != incarnation)
        p->taken_seq = 0;
    p->up = true;
    p->follows_ms = 0;
    p->incarnation = incarnation;
    snprintf(p->client_address, sizeof(p->client_address), "%s",
             client_address);
    return true;
}

bool node_peers_next(const struct node *n, struct raft_event *e)
{
    ASSERT(!n->dead);
    for (uint32_t i = 0; i < n->peer_count; i++) {
        const struct node_peer *p = &n->peers[i];
        int pos = raft_position(&n->raft, p->id);
        if (pos < 0 || !p->up || n->raft.progress[pos].link_up)
            continue;
        *e = node_event(n, RAFT_EV_PEER_UP);
        e->peer = p->id;
        e->incarnation = p->incarnation;
        return true;
    }
    return false;
}

/* --- what is said of a change -------------------------------------------- */

const char *member_role_text(uint8_t roles)
{
    ASSERT((roles & ~MEMBER_ROLES) == 0);
    if (roles & MEMBER_LEAVING)
        return "leaving";
    switch (roles) {
    case MEMBER_VOTER:
        return "voter";
    case MEMBER_OUTGOING:
        return "outgoing";
    case MEMBER_VOTER | MEMBER_OUTGOING:
        return "voter, outgoing";
    default:
        return "learner";
    }
}

static void tell_member(struct node *n, const struct member *m,
                        const struct member *old)
{
    raft_index at = n->membership.newest_at;

    ASSERT(!old || old->id == m->id);
    if (!old || old->roles != m->roles)
        log_notice(n->logger, "entry %" PRIu64 ": node %u is %s, before %s", at,
                   m->id, member_role_text(m->roles),
                   old ? member_role_text(old->roles) : "no member");
    if (old && old->life != m->life)
        log_notice(n->logger,
                   "entry %" PRIu64 ": node %u has life %u, before %u: "
                   "its directory had lost what it promised",
                   at, m->id, m->life, old->life);
    if (old && strcmp(old->peer_address, m->peer_address) != 0)
        log_notice(n->logger, "entry %" PRIu64 ": node %u is at %s", at, m->id,
                   m->peer_address);
}

void node_peers_tell(struct node *n, const struct configuration *before)
{
    const struct configuration *now = &n->membership.newest;

    ASSERT(now->count > 0);
    for (uint32_t i = 0; i < now->count; i++)
        tell_member(n, &now->members[i],
                    configuration_find(before, now->members[i].id));
    for (uint32_t i = 0; i < before->count; i++)
        if (!configuration_find(now, before->members[i].id))
            log_notice(n->logger, "entry %" PRIu64 ": node %u is no member",
                       n->membership.newest_at, before->members[i].id);
    if (before->level != now->level)
        log_notice(n->logger, "entry %" PRIu64 ": the level is %u, before %u",
                   n->membership.newest_at, now->level, before->level);
}

void node_peers_leave(struct node *n)
{
    struct buf value = BUF_INIT;
    char text[NODE_TEXT_SIZE];

    ASSERT(n->membership.applied_at > 0);
    buf_u64be(&value, n->membership.applied_at);
    store_batch_reset(&n->batch);
    store_batch_put(&n->batch, STORE_META, NODE_REMOVED_KEY, buf_view(&value));
    int err = store_write(n->store, &n->batch, STORE_LOGGED);
    if (err == 0)
        err = store_sync(n->store);
    buf_release(&value);
    if (err != 0) {
        node_fail_by(n, "writing that this node was removed", err);
        return;
    }
    snprintf(text, sizeof(text),
             "node %u was removed from the cluster by entry %" PRIu64 ": it "
             "stops, and its data directory is not used again",
             n->options.self, n->membership.applied_at);
    node_remove(n, text);
}
