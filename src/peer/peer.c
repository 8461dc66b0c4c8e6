/*
 * The members, and the two directions of each joined into one link.
 *
 * How it fails: whatever the network does ends in peer_break() (a link that
 * stood) or in a retry with back-off (an attempt that failed). Only the
 * start can fail as such: an address that cannot be read or listened on.
 */
#include "peer/peer.h"

#include "base/alloc.h"
#include "base/hostport.h"
#include "base/rng.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "peer/peer_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LISTEN_BACKLOG      128
#define COMPLAIN_EVERY_MS   1000
#define NO_ADDRESS_OF_OURS  "0.0.0.0"
#define NO_ADDRESS_OF_OURS6 "::"

struct peer *peers_find(struct peers *p, node_id id)
{
    for (size_t i = 0; i < p->member_count; i++) {
        if (p->members[i].id == id)
            return &p->members[i];
    }
    return NULL;
}

void peer_check(const struct peer *peer)
{
    bool both = peer->link.state == LINK_STANDING && peer->inbound != NULL;
    ASSERT(peer->up == both);
    if (peer->inbound != NULL) {
        ASSERT(peer->inbound->state == INBOUND_STANDING);
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

/* It listens on all its addresses, or does not say on which. */
static bool is_any_address(const char *host)
{
    return host[0] == '\0' || host[0] == '*' ||
           strcmp(host, NO_ADDRESS_OF_OURS) == 0 ||
           strcmp(host, NO_ADDRESS_OF_OURS6) == 0 || strcmp(host, "::*") == 0;
}

/* Where the peer's clients find it: what it says, or if it listens on all
 * addresses, the host that we know it by. */
static void set_client_address(struct peer *peer)
{
    const struct hello *h = &peer->inbound->hello;
    struct bytes host = bytes_str(h->client_host);
    uint16_t ignored;
    peer->client_address[0] = '\0';
    if (h->client_port == 0)
        return;
    if (is_any_address(h->client_host)) {
        bool ok = hostport_split(bytes_str(peer->address), &host, &ignored);
        ASSERT(ok); /* it was parsed when the peer was made */
    }
    hostport_join(host, h->client_port, peer->client_address,
                  sizeof(peer->client_address));
}

void peer_join(struct peer *peer)
{
    ASSERT(!peer->up);
    if (peer->link.state != LINK_STANDING || peer->inbound == NULL) {
        peer_check(peer);
        return;
    }
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
    char reason[PEER_WHY_MAX]; /* `why` may stand in what is freed now */
    snprintf(reason, sizeof(reason), "%s", why);
    if (peer->inbound != NULL)
        peer_inbound_free(peer->inbound);
    if (peer->link.state == LINK_STANDING)
        peer_link_break(peer);
    peer_check(peer);
    if (!was_up)
        return;
    log_warning(peer->peers->log, "peer %u (%s): link down: %s", peer->id,
                peer->address, reason);
    const struct transport_events *events = peer->peers->events;
    events->down(events->ctx, peer->id);
}

static void work_cb(void *ctx)
{
    struct peers *p = ctx;
    for (size_t i = 0; i < p->member_count; i++) {
        struct peer *peer = &p->members[i];
        if (peer->up)
            peer_inbound_resume(peer->inbound);
        peer_link_flush(peer);
    }
}

void peers_work_soon(struct peers *p)
{
    if (p->work.impl == NULL)
        loop_timer_start(p->loop, &p->work, 0);
}

/* ----- start and end ----- */

static int add_member(struct peers *p, const struct peer_member *m,
                      struct buf *error)
{
    if (m->id == NODE_NONE || peers_find(p, m->id) != NULL) {
        buf_printf(error, "member %u is given twice, or not valid", m->id);
        return ERR_INVALID;
    }
    struct peer *peer = &p->members[p->member_count];
    *peer = (struct peer){.peers = p, .id = m->id};
    int err = address_parse(bytes_str(m->address), &peer->resolved);
    if (err != 0) {
        buf_printf(error, "member %u: address '%s': %s%s", m->id, m->address,
                   error_text(err),
                   err == ERR_NOT_FOUND ? "; a name must be known to this "
                                          "machine when the node starts"
                                        : "");
        return ERR_INVALID;
    }
    peer->address = mem_strdup(m->address);
    p->member_count++;
    peer_link_init(peer);
    return 0;
}

static void accepted(void *ctx, int fd, const char *address)
{
    peer_inbound_accept(ctx, fd, address);
}

static int start_listening(struct peers *p, const char *text, struct buf *error)
{
    struct address a;
    int err = address_parse(bytes_str(text), &a);
    if (err != 0) {
        buf_printf(error, "peer address '%s': %s", text, error_text(err));
        return ERR_INVALID;
    }
    int fd = socket_listen(&a, LISTEN_BACKLOG);
    if (fd < 0) {
        buf_printf(error,
                   "cannot listen on peer address %s: %s; it is what the line "
                   "of this node-id says, and must be a free port of this "
                   "machine",
                   text, strerror(errno));
        return ERR_IO;
    }
    p->listener.accepted = accepted;
    p->listener.ctx = p;
    listener_open(&p->listener, p->loop, fd, p->log);
    return 0;
}

static int check_options(const struct peers_options *o, struct buf *error)
{
    const char *host = o->client_host != NULL ? o->client_host : "";
    bool printable = true;
    for (const char *c = host; *c != '\0'; c++)
        printable = printable && *c > ' ' && *c <= '~';
    if (!printable || strlen(host) >= HELLO_HOST_SIZE) {
        buf_printf(error, "the address '%.100s' told to clients is not valid",
                   host);
        return ERR_INVALID;
    }
    return 0;
}

static struct peers *peers_alloc(struct loop *l, const struct peers_options *o)
{
    const char *secret = o->secret != NULL ? o->secret : "";
    struct peers *p = mem_zalloc(sizeof(*p));
    p->loop = l;
    p->log = o->log;
    p->events = o->events;
    p->identity = (struct peer_identity){
        .cluster_id = o->cluster_id,
        .self = o->self,
        .incarnation = o->incarnation,
        .secured = secret[0] != '\0',
    };
    p->client_host = mem_strdup(o->client_host != NULL ? o->client_host : "");
    p->client_port = o->client_port;
    buf_str(&p->secret, secret);
    p->queue_bytes_max = o->queue_bytes_max;
    p->payload_bytes_max =
        MIN(o->payload_bytes_max, (uint64_t)FRAGMENT_TOTAL_MAX);
    p->members = mem_zalloc((o->member_count + 1) * sizeof(p->members[0]));
    p->listener.fd = -1;
    list_init(&p->strangers);
    p->work = (struct loop_timer){NULL, work_cb, p};
    p->rng = entropy_u64();
    return p;
}

int peers_new(struct peers **out, struct loop *l,
              const struct peers_options *options, struct buf *error)
{
    ASSERT(options->incarnation != 0);
    ASSERT(options->self != NODE_NONE);
    ASSERT(options->events != NULL);
    *out = NULL;
    int err = check_options(options, error);
    if (err != 0)
        return err;
    struct peers *p = peers_alloc(l, options);
    if (options->listen_address != NULL)
        err = start_listening(p, options->listen_address, error);
    for (size_t i = 0; err == 0 && i < options->member_count; i++) {
        if (options->members[i].id != options->self)
            err = add_member(p, &options->members[i], error);
    }
    if (err != 0) {
        peers_free(p);
        return err;
    }
    *out = p;
    return 0;
}

void peers_free(struct peers *p)
{
    if (p == NULL)
        return;
    if (p->listener.fd >= 0)
        listener_close(&p->listener);
    loop_timer_stop(p->loop, &p->work);
    while (!list_empty(&p->strangers)) {
        struct list *first = p->strangers.next;
        peer_inbound_free(CONTAINER_OF(first, struct peer_inbound, link));
    }
    ASSERT(p->stranger_count == 0);
    for (size_t i = 0; i < p->member_count; i++) {
        struct peer *peer = &p->members[i];
        if (peer->inbound != NULL)
            peer_inbound_free(peer->inbound);
        peer_link_release(peer);
        mem_free(peer->address);
    }
    if (p->secret.len > 0)
        explicit_bzero(p->secret.data, p->secret.len);
    buf_release(&p->secret);
    mem_free(p->client_host);
    mem_free(p->members);
    mem_free(p);
}

/* ----- sending ----- */

static int transport_send(void *ctx, node_id to, uint8_t frame_type,
                          enum transport_priority priority,
                          const struct bytes pieces[2])
{
    struct peers *p = ctx;
    struct peer *peer = peers_find(p, to);
    if (peer == NULL || !peer->up)
        return ERR_CLOSED;
    uint64_t size = (uint64_t)pieces[0].len + pieces[1].len;
    if (size > p->payload_bytes_max)
        return ERR_TOO_BIG;
    uint64_t queued = peer_link_queued(peer);
    uint64_t max = p->queue_bytes_max;
    if (priority == TRANSPORT_CONTROL)
        max += PEER_CONTROL_EXTRA_BYTES;
    if (queued > 0 && queued + size > max)
        return ERR_LIMIT;
    peer_queue_add(&peer->link.queue, frame_type, priority, pieces);
    return 0;
}

struct transport peers_transport(struct peers *p)
{
    ASSERT(p != NULL);
    return (struct transport){p, transport_send};
}

void peers_flush(struct peers *p)
{
    for (size_t i = 0; i < p->member_count; i++)
        peer_link_flush(&p->members[i]);
}

bool peers_info(const struct peers *p, size_t i, struct peer_info *out)
{
    if (i >= p->member_count)
        return false;
    const struct peer *peer = &p->members[i];
    uint64_t now =
        peer->inbound != NULL ? peer->inbound->conn.received_bytes : 0;
    *out = (struct peer_info){
        .id = peer->id,
        .address = peer->address,
        .client_address = peer->client_address,
        .up = peer->up,
        .incarnation = peer->incarnation_seen,
        .queued_bytes = peer_link_queued(peer),
        .sent_bytes = peer->link.sent_bytes + peer->link.conn.sent_bytes,
        .received_bytes = peer->received_bytes + now,
    };
    return true;
}
