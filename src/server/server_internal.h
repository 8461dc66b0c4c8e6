/*
 * The inside of the server, shared by the files of this folder only.
 */
#ifndef SERVER_SERVER_INTERNAL_H
#define SERVER_SERVER_INTERNAL_H

#include "base/list.h"
#include "net/listener.h"
#include "server/client_internal.h"
#include "server/server.h"
#include "server/stats.h"

#define DOORS_MAX 17 /* addresses, and the Unix socket */
/* What one client may do per iteration, so that others have their turn. */
#define CLIENT_COMMANDS_MAX 1000
#define CLIENT_INPUT_MAX    (1024 * 1024)
/* A client with more unsent output than this executes nothing. */
#define CLIENT_OUTPUT_PAUSE (1024 * 1024)
/* A client that waits is not read from beyond this much input. */
#define CLIENT_INPUT_PAUSE (1024 * 1024)
/* Requests a client may have given to the node, unanswered. */
#define CLIENT_PENDING_MAX 65536
/* Before authentication. */
#define UNAUTH_INPUT_MAX   (1024 * 1024)
#define UNAUTH_OUTPUT_MAX  (64 * 1024)
#define UNAUTH_DEADLINE_MS 60000
/* Wrong passwords on one connection; then it is closed. */
#define AUTH_FAILURES_MAX 10
/* How often failed authentications are logged at most. */
#define AUTH_REPORT_MS 1000
/* Lines a second about clients that were closed for a limit. */
#define CLOSED_LOGGED_MAX 10
/* What a request may be longer than its largest argument, at least. */
#define QUERY_ROOM (1024 * 1024)
/* How long a client that is being closed may take its last output. */
#define CLIENT_CLOSING_MS 10000

/* An address that clients come in by. */
struct door {
    struct server *server;
    struct listener listener; /* its fd is -1 until server_start() */
    int fd;
    bool unix_socket;
    char text[ADDRESS_TEXT_MAX];
};

enum shutdown_phase {
    SHUTDOWN_NONE,
    SHUTDOWN_TRANSFER, /* leadership is handed over; clients are served */
    SHUTDOWN_DRAIN,    /* no new commands; answers that are due go out */
    SHUTDOWN_DONE,     /* the loop was stopped */
};

struct shutdown {
    enum shutdown_phase phase;
    struct loop_timer timer;
    struct loop_signal sigterm;
    struct loop_signal sigint;
    bool by_signal;
    bool transfer_ended;
};

struct server {
    struct loop *loop;
    struct config *config;
    struct logger *log;
    struct logfile *logfile;
    struct server_options options;
    struct node *node;
    struct peers *peers;
    struct node_events node_events;
    struct transport_events transport_events;
    struct loop_async disk_async;
    struct loop_timer deadline_timer;
    struct loop_timer cron_timer;
    struct door doors[DOORS_MAX];
    size_t door_count;
    struct shutdown shutdown;

    /* The time of this iteration. */
    bool time_is_set;
    int64_t mono_ms;
    int64_t wall_ms;
    uint64_t iteration; /* raised at each node_flush() */

    /* Clients by state, and those that have something to do. */
    struct list clients;
    struct list doomed;
    struct list zombies;
    struct list gone;
    struct list ready;
    struct list dirty;
    size_t client_count;
    uint64_t last_client_id;

    struct stats stats;
    struct buf scratch; /* one reply being looked at */
    struct resp_writer scratch_writer;
    struct buf guest_reply; /* of a guest's command, before it is answered */
    struct resp_writer guest_writer;
    int64_t start_mono_ms;
    int64_t second_ms; /* when the chores of each second were done last */
    int64_t attack_warned_ms;
    int64_t auth_reported_ms;
    uint64_t auth_unreported;  /* failures since then */
    struct address auth_peer;  /* of the last one */
    int64_t disk_free_bytes;   /* negative: not known */
    bool disk_full;            /* this node's; see limits_disk_short */
    uint64_t clients_bytes;    /* memory of all clients, see limits_account */
    uint32_t closed_logged;    /* clients closed for a limit in this second */
    uint64_t closed_unlogged;  /* those about which no line was written */
    uint64_t max_input_bytes;  /* largest of a client's buffers seen in the */
    uint64_t max_output_bytes; /* last round through all clients */
    uint64_t blocked_clients;  /* that wait for something, in that round */
    uint64_t resident_peak_bytes;
    char run_id[41];
};

/* server.c: reads the clocks, if this iteration has not yet. */
void server_tick(struct server *s);
extern const struct conn_events server_conn_events;
/* Adds what the connection moved since the last time to the statistics. */
void server_count_bytes(struct client *c);

/* security.c: logs failed authentications, if there were any and none were
 * logged lately. */
void security_report(struct server *s);
/* A web browser was made to send a request: closes, logged once a minute. */
void security_attack(struct client *c);

/* listen.c */
void server_accept_start(struct server *s);
void server_listen_close(struct server *s);

/* limits.c: called about hz times a second, and each second. */
void limits_cron(struct server *s);
/* Unsent output: closes the client if it is too much. */
void limits_output(struct client *c);
/* The same behind each reply, so that replies are bounded while they are
 * built; only the limit that holds at once. */
void limits_reply(struct client *c);
/* The limit that holds at once, in bytes; 0: none. */
size_t limits_output_max(const struct client *c);
/* Unexecuted input; false if the client was closed for it. */
bool limits_input(struct client *c);
/* Its memory may have changed. */
void limits_account(struct client *c);
/* Closes the largest clients while all together have too much memory; false
 * if none was closed. */
bool limits_memory(struct server *s);

/* Too little disk is free, here or at another member: no writes. The text
 * says where. */
bool limits_disk_short(const struct server *s);
const char *limits_disk_text(const struct server *s);

/* shutdown.c */
void shutdown_init(struct server *s);
void shutdown_begin(struct server *s, enum shutdown_how how);
void shutdown_transfer_ended(struct server *s);
/* Before the loop waits: is everything answered? */
void shutdown_progress(struct server *s);
void shutdown_release(struct server *s);

#endif
