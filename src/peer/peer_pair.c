/*
 * The two directions of a peer as one link: the only place that tells the node
 * `up` and `down`. Small things that both directions need are here as well.
 *
 * How it fails: whatever the network does to an established direction ends in
 * peer_break(), which closes both.
 */
#include "base/hostport.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "peer/peer_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define COMPLAIN_EVERY_MS   1000
#define NO_ADDRESS_OF_OURS  "0.0.0.0"
#define NO_ADDRESS_OF_OURS6 "::"

struct peer *peers_find(struct peers *p, node_id id)
{
    for (size_t i = 0; id != NODE_NONE && i < p->member_count; i++) {
        if (p->members[i]->id == id)
            return p->members[i];
    }
    return NULL;
}

struct peer peer_nobody(struct peers *p, node_id id)
{
    ASSERT(p != NULL);
    return (struct peer){
        .peers = p, .id = id, .left = true, .address = "", .up = false};
}

void peer_check(const struct peer *peer)
{
    bool both = peer->link.state == LINK_ESTABLISHED && peer->inbound != NULL;
    ASSERT(peer->up == both);
    ASSERT(!peer->up || peer->one_way.impl == NULL);
    if (peer->inbound != NULL) {
        ASSERT(peer->inbound->state == INBOUND_ESTABLISHED);
        ASSERT(peer->inbound->peer == peer);
    }
    if (!peer->up)
        return;
    ASSERT(peer->link.incarnation == peer->inbound->hello.from_incarnation);
    ASSERT(peer->link.incarnation == peer->incarnation_seen);
}

void peer_complain(struct peer *peer, const char *format, ...)
{
    int64_t now = clock_mono_ms();
    if (peer->complained_at_ms != 0 &&
        now - peer->complained_at_ms < COMPLAIN_EVERY_MS)
        return;
    peer->complained_at_ms = now;
    char text[2 * PEER_WHY_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    log_warning(peer->peers->log, "peer %u (%s): %s", peer->id, peer->address,
                text);
}

void peers_hello_fill(struct peers *p, node_id to, struct hello *out)
{
    ASSERT(to != p->identity.self);
    *out = (struct hello){
        .version_min = PROTOCOL_VERSION,
        .version_max = PROTOCOL_VERSION,
        .cluster_id = p->identity.cluster_id,
        .from = p->identity.self,
        .to = to,
        .from_incarnation = p->identity.incarnation,
        .secured = p->identity.secured,
        .client_port = p->client_port,
    };
    entropy_fill(out->nonce, sizeof(out->nonce));
    snprintf(out->client_host, sizeof(out->client_host), "%s", p->client_host);
}

/* The peer listens on all its addresses, or does not say on which. */
static bool is_any_address(struct bytes host)
{
    return host.len == 0 || host.data[0] == '*' ||
           bytes_eq(host, BYTES_LIT(NO_ADDRESS_OF_OURS)) ||
           bytes_eq(host, BYTES_LIT(NO_ADDRESS_OF_OURS6)) ||
           bytes_eq(host, BYTES_LIT("::*"));
}

/* Without brackets, should it have some. False: it is no host. */
static bool told_host(const struct hello *h, struct bytes *host)
{
    *host = bytes_str(h->client_host);
    ASSERT(host->len < HELLO_HOST_SIZE);
    return hostport_host(*host, host) || (strchr(h->client_host, '[') == NULL &&
                                          strchr(h->client_host, ']') == NULL);
}

/* Where clients find the peer: at the address that it told us, or, if it
 * listens on all addresses, at the host under which we know it. */
static void set_client_address(struct peer *peer)
{
    const struct hello *h = &peer->inbound->hello;
    struct bytes host;
    uint16_t ignored;
    peer->client_address[0] = '\0';
    if (h->client_port == 0 || !told_host(h, &host))
        return;
    if (is_any_address(host)) {
        if (!hostport_split(bytes_str(peer->address), &host, &ignored))
            return; /* nobody has said where it is */
    }
    hostport_join(host, h->client_port, peer->client_address,
                  sizeof(peer->client_address));
}

bool peers_any_address(const char *address)
{
    struct bytes host;
    uint16_t port;
    return !hostport_split(bytes_str(address), &host, &port) ||
           is_any_address(host);
}

void peers_work_soon(struct peers *p)
{
    if (p->work.impl == NULL)
        loop_timer_start(p->loop, &p->work, 0);
}

void peer_join(struct peer *peer)
{
    ASSERT(!peer->up);
    if (peer->link.state != LINK_ESTABLISHED || peer->inbound == NULL) {
        peer_check(peer);
        return;
    }
    loop_timer_stop(peer->peers->loop, &peer->one_way);
    peer->up = true;
    peer->up_since_ms = clock_mono_ms();
    set_client_address(peer);
    peer_check(peer);
    log_notice(peer->peers->log, "peer %u (%s): link up, incarnation %" PRIu64,
               peer->id, peer->address, peer->link.incarnation);
    const struct transport_events *events = peer->peers->events;
    events->up(events->ctx, peer->id, peer->link.incarnation,
               peer->client_address);
    peers_work_soon(peer->peers);
}

void peer_break(struct peer *peer, const char *why)
{
    bool was_up = peer->up;
    peer->up = false;
    if (was_up) {
        int64_t life_ms = clock_mono_ms() - peer->up_since_ms;
        peer->flapping = life_ms < PEER_SHORT_LIFE_MS;
    }
    char reason[PEER_WHY_MAX]; /* `why` may be in memory that is freed now */
    snprintf(reason, sizeof(reason), "%s", why);
    if (peer->inbound != NULL)
        peer_inbound_free(peer->inbound);
    if (peer->link.state == LINK_ESTABLISHED)
        peer_link_break(peer);
    peer_check(peer);
    if (!was_up)
        return;
    log_warning(peer->peers->log, "peer %u (%s): link down: %s", peer->id,
                peer->address, reason);
    const struct transport_events *events = peer->peers->events;
    events->down(events->ctx, peer->id);
}
