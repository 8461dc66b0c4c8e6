/*
 * Who is dialed and heard: the members of the node's newest configuration,
 * those of the node lines until it has told one, and for a while some that are
 * not in it.
 *
 * A member that leaves keeps its link for PEER_LEAVE_MS, so that it gets the
 * entry which says so. A stranger with a newer configuration than this node's
 * is one of its members: it may be the candidate that this node needs, so it is
 * linked for as long; by then it is a member here too, or asks again.
 *
 * How it fails: addresses of node lines are checked at the start. One in a
 * configuration that makes no sense is not dialed, and the log says so.
 */
#include "base/alloc.h"
#include "peer/peer_internal.h"

#include <inttypes.h>
#include <string.h>

/* ----- one comes, one goes ----- */

static void leave_cb(void *ctx)
{
    struct peer *peer = ctx;
    ASSERT(peer->left);
    peers_work_soon(peer->peers);
}

static struct peer *add(struct peers *p, node_id id)
{
    ASSERT(id != p->identity.self);
    ASSERT(id == NODE_NONE || peers_find(p, id) == NULL);
    ASSERT(p->member_count < PEERS_MAX);
    struct peer *peer = mem_zalloc(sizeof(*peer));
    peer->peers = p;
    peer->id = id;
    peer->met = id;
    peer->address = "";
    peer->place = PLACE_SEED;
    peer->leaves = (struct loop_timer){NULL, leave_cb, peer};
    p->members[p->member_count++] = peer;
    peer_link_init(peer);
    return peer;
}

void peer_free(struct peer *peer)
{
    loop_timer_stop(peer->peers->loop, &peer->leaves);
    if (peer->inbound != NULL)
        peer_inbound_free(peer->inbound);
    peer_link_release(peer);
    peer_place_release(peer);
    mem_free(peer);
}

static void forget(struct peers *p, size_t i)
{
    struct peer *peer = p->members[i];
    ASSERT(peer->left && i < p->member_count);
    peer_break(peer, "it is no member");
    p->members[i] = p->members[--p->member_count];
    peer_free(peer);
}

static void begin_to_leave(struct peer *peer)
{
    peer->left = true;
    loop_timer_start(peer->peers->loop, &peer->leaves, PEER_LEAVE_MS);
}

int peers_add_seed(struct peers *p, const struct peer_member *m,
                   struct buf *error)
{
    ASSERT(p->member_count < PEERS_MAX);
    if (m->id == NODE_NONE || peers_find(p, m->id) != NULL) {
        buf_printf(error, "member %u is given twice or is not a valid id",
                   m->id);
        return ERR_INVALID;
    }
    struct peer *peer = add(p, m->id);
    if (peer_place_set(peer, PLACE_SEED, m->address))
        return 0;
    buf_printf(error, "member %u: address '%s': %s", m->id, m->address,
               error_text(ERR_INVALID));
    return ERR_INVALID;
}

int peers_add_asked(struct peers *p, const char *address, struct buf *error)
{
    ASSERT(p->member_count < PEERS_MAX);
    struct peer *peer = add(p, NODE_NONE);
    p->joins = p->identity.cluster_id == 0;
    if (peer_place_set(peer, PLACE_SEED, address))
        return 0;
    buf_printf(error, "'%s' is no address of a member", address);
    return ERR_INVALID;
}

struct peer *peers_add_stranger(struct peers *p, node_id id,
                                const struct greeting *g)
{
    size_t strangers = 0;
    for (size_t i = 0; i < p->member_count; i++)
        strangers += p->members[i]->left;
    ASSERT(id != NODE_NONE);
    if (strangers >= PEER_STRANGERS_MAX || g->peer_address[0] == '\0')
        return NULL;
    struct peer *peer = add(p, id);
    begin_to_leave(peer);
    peer_place_told(peer, g->peer_address);
    if (p->identity.cluster_id != 0)
        log_notice(p->log,
                   "peer %u (%s): it is no member here, but has a newer "
                   "configuration, of entry %" PRIu64 ": it is heard",
                   id, peer->address, g->members_at);
    return peer;
}

/* ----- the configuration ----- */

static void put_address(struct peer *peer, const char *address)
{
    const char *text = address[0] != '\0' ? address : NULL;
    if (!peer_place_set(peer, PLACE_MEMBERS, text))
        peer_complain(peer, "its address in the configuration, '%s', is none",
                      address);
}

static void come(struct peers *p, const struct member *m)
{
    struct peer *peer = peers_find(p, m->id);
    if (peer == NULL)
        peer = add(p, m->id);
    loop_timer_stop(p->loop, &peer->leaves);
    peer->left = false;
    put_address(peer, m->peer_address);
}

/* First those who leave, so that there is room for all who come. */
static void follow(struct peers *p)
{
    const struct configuration *c = &p->wanted;
    size_t left = 0;
    for (size_t i = 0; i < p->member_count; i++) {
        struct peer *peer = p->members[i];
        if (peer->id != NODE_NONE && !peer->left &&
            configuration_find(c, peer->id) == NULL)
            begin_to_leave(peer);
    }
    for (size_t i = 0; i < p->member_count; i++)
        left += p->members[i]->left;
    for (size_t i = 0; left > PEER_STRANGERS_MAX; i++) {
        ASSERT(i < p->member_count);
        if (!p->members[i]->left)
            continue;
        forget(p, i--);
        left--;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->members[i].id != p->identity.self)
            come(p, &c->members[i]);
    }
}

void peers_settle(struct peers *p)
{
    if (p->wanted_new)
        follow(p);
    p->wanted_new = false;
    for (size_t i = p->member_count; i-- > 0;) {
        struct peer *peer = p->members[i];
        if (peer->left && peer->leaves.impl == NULL)
            forget(p, i);
    }
}
