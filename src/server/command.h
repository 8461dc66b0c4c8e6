/*
 * Commands that the server itself executes: about the connection, the node
 * and its configuration. Their functions are in src/admin; main hands them to
 * the server as a table by command id (struct server_options), so that the
 * server names none of them.
 *
 * Each function writes exactly one reply, or none where Redis writes none
 * (CLIENT REPLY OFF). What it may see and change of the server is declared
 * here and in client.h.
 */
#ifndef SERVER_COMMAND_H
#define SERVER_COMMAND_H

#include "base/base.h"
#include "base/bytes.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "config/config.h"
#include "node/node.h"
#include "peer/peer.h"
#include "resp/resp_writer.h"
#include "server/client.h"
#include "server/stats.h"

/* The version of Redis whose behaviour clients are told to expect. */
#define SERVER_REDIS_VERSION "7.0.15"

struct server_call {
    struct server *s;
    struct client *c;
    const struct cmd *cmd;
    const struct bytes *argv; /* the arity was checked */
    uint32_t argc;
    struct resp_writer *out; /* the client's own; HELLO sets its protocol */
    int64_t waited_ms;       /* 0: it is called for the first time */
    bool later;              /* server_later() */
    bool at_once;            /* it must not be, for it is in a transaction */
    uint64_t *kept;          /* whatever a command that waits has put there */
    /* In place of a reply, if `changes`: a request for the log, whose reply is
     * the client's. */
    bool changes;
    struct node_change_request change;
    bool holds; /* then: the client gets that reply by calling it again, with */
    struct bytes held; /* the reply; empty: none yet */
};

typedef void server_fn(struct server_call *call);

/* --- what the server consists of ---------------------------------------- */

struct config *server_config(const struct server *s);
const struct logger *server_log(const struct server *s);
struct node *server_node(const struct server *s);
/* The level by which commands are known (base/level.h). */
uint16_t server_level(const struct server *s);
/* Why there is no node yet, as an error's text; NULL: there is one. */
const char *server_waiting(const struct server *s);
/* Without a node: see server_options. */
MUST_USE int server_bootstrap(struct server *s, struct buf *why);
struct stats *server_stats(struct server *s);
/* Sets all counters back, those that the node keeps too. */
void server_stats_reset(struct server *s);
/* What the node has counted since then. */
struct keyspace_tally server_tally(const struct server *s);
/* What the links know of a member; false: there is no such link. */
bool server_peer_info(const struct server *s, node_id id,
                      struct peer_info *out);

/* To be called after a change of the configuration: tells the node and the
 * log about the options that they hold copies of. */
void server_config_changed(struct server *s);

/* --- how it is ---------------------------------------------------------- */

struct server_status {
    const char *run_id;
    const char *executable;
    int64_t uptime_ms;
    size_t clients;
    uint64_t clients_bytes;    /* memory of all clients */
    uint64_t max_input_bytes;  /* largest of a client's buffers in the last */
    uint64_t max_output_bytes; /* second */
    uint64_t waiting_clients;  /* that waited for something then */
    uint64_t blocked_clients;  /* that wait in a command, by now */
    uint64_t timed_clients;    /* of these: not forever */
    uint64_t resident_bytes;   /* of the process */
    uint64_t resident_start_bytes; /* before there was a client */
    uint64_t resident_peak_bytes;
    uint64_t links_bytes;      /* queued for the other members */
    uint64_t unsynced_entries; /* of the log, at this node */
    int64_t synced_ms;       /* wall clock: some were synced, or none waited */
    int64_t disk_free_bytes; /* negative: not known */
    uint64_t disk_promised_bytes; /* will be taken of them */
    bool disk_short;      /* writes are refused for lack of disk space */
    bool disk_short_here; /* on this node's disk */
};

void server_status(struct server *s, struct server_status *out);

/* --- a command that waits ------------------------------------------------ */

/* Nothing was written: the same command is called again soon, with what has
 * passed. The client's next commands wait behind it. */
void server_later(struct server_call *call);

/* --- its end ------------------------------------------------------------ */

enum shutdown_how {
    SHUTDOWN_ORDERLY, /* leadership is handed over, answers are waited for */
    SHUTDOWN_NOW,
};

/* For a client that waits for it: its reply is the end of its connection, or
 * an error if the shutdown is aborted. */
void server_shutdown(struct server_call *call, enum shutdown_how how);
/* False if there is none to be aborted, or it is too late. */
bool server_shutdown_abort(struct server *s);

#endif
