/*
 * The server of one node: clients, their commands, and the wiring of loop,
 * node, peers and disk.
 *
 * A turn of the loop: whatever happened (input of clients, payloads of
 * peers, durable writes, timers) is handled, at one time that was read from
 * the clocks once; then, before the loop waits again, clients that may go on
 * get their turn, the node closes its batch (node_flush), peers and clients
 * are sent what is due to them.
 *
 * Start-up: server_new, server_listen, then the owner makes peers and node
 * with the events of the server, then server_start, then loop_run. The loop
 * is stopped by the server when a shutdown is complete.
 *
 * Thread: the loop's, but for server_disk_notify.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "base/base.h"
#include "base/buf.h"
#include "base/log.h"
#include "config/config.h"
#include "net/loop.h"
#include "node/node.h"
#include "node/node_transport.h"
#include "os/logfile.h"
#include "peer/peer.h"
#include "server/command.h"
#include "server/protocol.h"

struct server_options {
    struct loop *loop;
    struct config *config;   /* CONFIG SET changes it */
    struct logger *log;      /* its level follows the option loglevel */
    struct logfile *logfile; /* told the role; may be NULL */
    const char *data_dir;    /* absolute; its free disk is watched */
    const char *executable;  /* for INFO */
    uint64_t seed;
    /* The server's own commands by id, CMD_ID_COUNT of them. */
    server_fn *const *commands;
    /* Protocols beside RESP, on the same port. */
    const struct protocol *const *guests;
    size_t guest_count;
    /* The store or the disk failed (node_events): must not return. */
    void (*fatal)(void *ctx, int err, const char *text);
    /* An orderly shutdown begins; may be NULL. */
    void (*stopping)(void *ctx);
    /* See node_transport.h; may be NULL. */
    void (*greeted)(void *ctx, node_id peer, const struct greeting *greeting,
                    int ours, bool dialed);
    void (*granted)(void *ctx, node_id peer, const struct grant *grant);
    /* A cluster is to begin without the members that are missing, while there
     * is no node. ERR_INVALID with a sentence: it cannot. NULL: so it is. */
    int (*bootstrap)(void *ctx, struct buf *why);
    /* This node is no member any more: must not return. NULL: as `fatal`. */
    void (*removed)(void *ctx, const char *text);
    void *ctx; /* of those above */
};

struct server;

struct server *server_new(const struct server_options *options);
/* Opens the sockets for clients; they are served from server_start on. On
 * failure a text that says which address and why. */
MUST_USE int server_listen(struct server *s, struct buf *error);
/* What to give to node_new and peers_new. They live as long as the server. */
const struct node_events *server_node_events(struct server *s);
const struct transport_events *server_transport_events(struct server *s);
/* What to give to disk_thread_new; any thread. */
void server_disk_notify(void *server);
/* From now on events reach the node. `peers` is NULL without other members. */
void server_start(struct server *s, struct node *node, struct peers *peers);
/* Serves clients without a node, which waits to become a member: they get
 * "LOADING vard " and this text, which may be changed by calling it again. What
 * is about the connection alone works. `peers` greet the other members. */
void server_wait(struct server *s, struct peers *peers, const char *text);
/* For one that closes all to begin anew: SIGTERM and SIGINT that have come are
 * looked at, and later ones end the process at once, as before the start. */
void server_signals_end(struct server *s);
/* Closes clients and sockets; node and peers must be gone already. */
void server_free(struct server *s);

#endif
