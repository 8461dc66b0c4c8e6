/*
 * The peers as a whole: start, end, what the node sends, what INFO shows. One
 * peer's two directions are joined in peer_pair.c.
 *
 * How it fails: only the start can fail, with an address that cannot be parsed
 * or listened on. Whatever the network does later ends in peer_break() or in a
 * retry with back-off.
 */
#include "peer/peer.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/reader.h"
#include "base/rng.h"
#include "os/entropy.h"
#include "peer/peer_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LISTEN_BACKLOG 128

static void work_cb(void *ctx)
{
    struct peers *p = ctx;
    peers_settle(p);
    for (size_t i = 0; i < p->member_count; i++) {
        struct peer *peer = p->members[i];
        if (peer->up)
            peer_inbound_resume(peer->inbound);
        peer_link_flush(peer);
    }
}

/* ----- start and end ----- */

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
                   "cannot listen on peer address %s: %s; the node line of "
                   "this node-id names it, and it must be a free port of this "
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
        buf_printf(error, "the address for clients, '%.100s', is not valid",
                   host);
        return ERR_INVALID;
    }
    return 0;
}

/* Of the ids in any order: nodes whose lists differ count majorities of
 * different sets. */
static uint64_t members_hash(const struct peers_options *o)
{
    uint64_t sum = 0;
    bool self = false;
    for (size_t i = 0; i < o->member_count; i++) {
        uint8_t id[4];
        store_u32le(id, o->members[i].id);
        sum += hash64(bytes_of(id, sizeof(id)));
        self = self || o->members[i].id == o->self;
    }
    uint8_t id[4];
    store_u32le(id, o->self);
    return self ? sum : sum + hash64(bytes_of(id, sizeof(id)));
}

static void greeting_init(struct peers *p, const struct peers_options *o)
{
    p->greeting = (struct greeting){
        .cluster_id = o->cluster_id,
        .label = o->label,
        .members = o->seed_count > 0 ? 0 : members_hash(o),
        .directory = o->directory,
        .nonce = o->nonce,
        .lost = o->lost,
        .forced = o->forced,
        .level_min = LEVEL_MIN,
        .level_max = o->level_max > 0 ? o->level_max : LEVEL_MAX,
        .version = VARD_VERSION,
    };
    if (o->founding != NULL)
        p->greeting.founding = *o->founding;
    const char *here = o->listen_address != NULL ? o->listen_address : "";
    if (strlen(here) < GREETING_PEER_SIZE && !peers_any_address(here))
        memcpy(p->greeting.peer_address, here, strlen(here));
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
    greeting_init(p, o);
    p->listen_address =
        mem_strdup(o->listen_address != NULL ? o->listen_address : "");
    p->client_host = mem_strdup(o->client_host != NULL ? o->client_host : "");
    p->client_port = o->client_port;
    p->look_up = o->look_up != NULL ? o->look_up : address_look_up;
    buf_str(&p->secret, secret);
    p->queue_bytes_max = o->queue_bytes_max;
    p->payload_bytes_max =
        MIN(o->payload_bytes_max, (uint64_t)FRAGMENT_TOTAL_MAX);
    p->listener.fd = -1;
    list_init(&p->strangers);
    p->work = (struct loop_timer){NULL, work_cb, p};
    p->rng = entropy_u64();
    return p;
}

int peers_new(struct peers **out, struct loop *l,
              const struct peers_options *options, struct buf *error)
{
    ASSERT(options->incarnation != 0 && options->nonce != 0);
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
            err = peers_add_seed(p, &options->members[i], error);
    }
    for (size_t i = 0; err == 0 && i < options->seed_count; i++)
        err = peers_add_asked(p, options->seeds[i], error);
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
    for (size_t i = 0; i < p->member_count; i++)
        peer_free(p->members[i]);
    if (p->secret.len > 0)
        explicit_bzero(p->secret.data, p->secret.len);
    buf_release(&p->secret);
    mem_free(p->listen_address);
    mem_free(p->client_host);
    mem_free(p);
}

/* ----- sending ----- */

/* What goes in the background has a bound of its own, and takes nothing away
 * from that of the others. */
static bool has_room(const struct peer *peer, enum transport_priority priority,
                     uint64_t size)
{
    uint64_t background = peer->link.queue.background_bytes;
    if (priority == TRANSPORT_BACKGROUND) {
        ASSERT(size <= TRANSPORT_BACKGROUND_PAYLOAD);
        return background + size <= TRANSPORT_BACKGROUND_BYTES;
    }
    uint64_t queued = peer_link_queued(peer);
    uint64_t max = peer->peers->queue_bytes_max;
    ASSERT(queued >= background);
    queued -= background;
    if (priority == TRANSPORT_CONTROL)
        max += PEER_CONTROL_EXTRA_BYTES;
    return queued == 0 || queued + size <= max;
}

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
    if (!has_room(peer, priority, size))
        return ERR_LIMIT;
    peer_queue_add(&peer->link.queue, frame_type, priority, pieces);
    return 0;
}

/* The members follow in a turn of their own: the node may be in the middle of
 * something, and links that end are events. */
static void transport_members(void *ctx, const struct configuration *c,
                              raft_index at)
{
    struct peers *p = ctx;
    ASSERT(c->count > 0);
    p->greeting.members_at = at;
    if (at > 0) /* the node lines do not count any more */
        p->greeting.members = 0;
    p->wanted = *c;
    p->wanted_new = true;
    peers_work_soon(p);
}

struct transport peers_transport(struct peers *p)
{
    ASSERT(p != NULL);
    return (struct transport){p, transport_send, transport_members};
}

void peers_force(struct peers *p)
{
    ASSERT(p->greeting.cluster_id == 0 && !p->greeting.lost);
    p->greeting.forced = true;
}

void peers_ask(struct peers *p, const struct admit *ask)
{
    ASSERT(p->identity.cluster_id == 0 && ask->id == p->identity.self);
    ASSERT(directory_id_eq(ask->directory, p->greeting.directory));
    if (p->asks)
        return;
    p->asks = true;
    p->ask = *ask;
    for (size_t i = 0; i < p->member_count; i++)
        peer_link_hurry(p->members[i]);
}

void peers_flush(struct peers *p)
{
    for (size_t i = 0; i < p->member_count; i++)
        peer_link_flush(p->members[i]);
}

bool peers_info(const struct peers *p, size_t i, struct peer_info *out)
{
    if (i >= p->member_count)
        return false;
    const struct peer *peer = p->members[i];
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
