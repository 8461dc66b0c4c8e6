/*
 * The inside of the server, shared by the files of this folder only.
 */
#ifndef SERVER_SERVER_INTERNAL_H
#define SERVER_SERVER_INTERNAL_H

#include "base/list.h"
#include "net/listener.h"
#include "server/blocked.h"
#include "server/client_internal.h"
#include "server/server.h"
#include "server/stats.h"

#define DOORS_MAX 17 /* addresses, and the Unix socket */
/* What one client may do per turn, so that others have their turn. */
#define CLIENT_COMMANDS_MAX 1000
#define CLIENT_INPUT_MAX    (1024 * 1024)
/* A client with more unsent output than this executes nothing. */
#define CLIENT_OUTPUT_PAUSE (1024 * 1024)
/* Of one long reply, in one turn. */
#define READS_PART_BYTES (512 * 1024)
/* Of all long replies, in one turn. */
#define READS_TURN_BYTES (4 * 1024 * 1024)
/* A client that waits is not read from beyond this much input. */
#define CLIENT_INPUT_PAUSE (1024 * 1024)
/* Requests a client may have given to the node, unanswered. */
#define CLIENT_UNANSWERED_MAX 65536
/* Before authentication. */
#define UNAUTH_INPUT_MAX   (1024 * 1024)
#define UNAUTH_OUTPUT_MAX  (64 * 1024)
#define UNAUTH_DEADLINE_MS 60000
/* Wrong passwords on one connection; then it is closed. */
#define AUTH_FAILURES_MAX 10
/* Failed authentications are logged at most once in this time. */
#define AUTH_REPORT_MS 1000
/* Lines a second about clients that were closed for a limit. */
#define CLOSED_LOGGED_MAX 10
/* A request may always be this much longer than its largest argument may be. */
#define QUERY_ROOM (1024 * 1024)
/* A client that is silent for so long keeps no buffers. */
#define CLIENT_SHRINK_MS 2000
/* When idle clients have freed so much, the system gets it back; that takes
 * time, so not more often than this. */
#define GIVE_BACK_BYTES (8 * 1024 * 1024)
#define GIVE_BACK_MS    10000
/* How long a client that is being closed has time to read its last output. */
#define CLIENT_CLOSING_MS 10000

/* server.c: what the loop, the node, the peers and the disk call. */
struct wiring {
    struct node_events node_events;
    struct transport_events transport_events;
    struct loop_async disk_async;
    struct loop_timer deadline_timer;
    struct loop_timer cron_timer;
};

/* turn.c: the time of this turn of the loop. */
struct turn {
    bool is_set;
    int64_t mono_ms;
    int64_t wall_ms;
    uint64_t number;   /* raised at each node_flush() */
    size_t told_bytes; /* of long replies */
};

/* client.c: all clients, by state, and those that have something to do. */
struct clients {
    const struct conn_events *events;
    struct list open; /* and closing */
    struct list doomed;
    struct list zombies;
    struct list gone;
    struct list ready;
    struct list dirty;
    size_t count; /* open, closing and doomed */
    uint64_t last_id;
    uint64_t bytes; /* memory of all, see client_account */
};

/* listen.c: an address that clients come in by. */
struct door {
    struct server *server;
    struct listener listener; /* its fd is -1 until server_start() */
    int fd;
    bool unix_socket;
    char text[ADDRESS_TEXT_MAX];
};

struct doors {
    struct door items[DOORS_MAX];
    size_t count;
};

/* limits.c: what was closed, and what the last look at all clients showed. */
struct limits {
    uint32_t closed_logged;    /* clients closed for a limit in this second */
    uint64_t closed_unlogged;  /* those about which no line was written */
    uint64_t max_input_bytes;  /* largest of a client's buffers */
    uint64_t max_output_bytes; /* the same */
    uint64_t waiting;          /* clients that wait for something */
    uint64_t freed_bytes;      /* of idle clients, not given back yet */
    int64_t given_back_ms;     /* when that was done last */
};

/* disk_floor.c */
struct disk_floor {
    int64_t free_bytes;      /* negative: not known */
    uint64_t promised_bytes; /* will be taken of them */
    bool is_short;           /* this node's disk; see disk_floor_short() */
    bool is_full;            /* for deletions, too */
    bool is_near;            /* to being short */
    int64_t looked_ms;       /* at the turn's time */
};

/* security.c */
struct security {
    int64_t attack_warned_ms;
    int64_t auth_reported_ms;
    uint64_t auth_unreported; /* failures since then */
    struct address auth_peer; /* of the last one */
};

/* cron.c */
struct cron {
    int64_t second_ms;     /* when the chores of each second were done last */
    uint64_t durable_seen; /* last synced entry */
    int64_t synced_ms;     /* wall clock: it was another, or none waited */
    uint64_t resident_start_bytes; /* before there was a client */
    uint64_t resident_peak_bytes;
};

/* status.c */
struct birth {
    int64_t start_ms; /* monotonic */
    char run_id[41];
};

/* A reply that is looked at before it becomes a client's. */
struct draft {
    struct buf text;
    struct resp_writer writer;
};

enum shutdown_phase {
    SHUTDOWN_NONE,
    SHUTDOWN_TRANSFER, /* leadership is handed over; clients are served */
    SHUTDOWN_DRAIN,    /* no new commands; answers that are due go out */
    SHUTDOWN_DONE,     /* the loop was stopped */
};

/* shutdown.c */
struct shutdown {
    enum shutdown_phase phase;
    struct loop_timer timer;
    struct loop_signal sigterm;
    struct loop_signal sigint;
    bool by_signal;
    bool transfer_ended;
};

/* Each struct belongs to the file named at it, which alone writes it. */
struct server {
    struct server_options options; /* given */
    struct node *node;             /* NULL until server_start() */
    struct peers *peers;           /* NULL: there are no other members */
    char waiting[256]; /* an error, without a node; "": it is not waited for */
    struct wiring wiring;
    struct turn turn;
    struct clients clients;
    struct blocked_clients blocked; /* blocked.c */
    struct doors doors;
    struct limits limits;
    struct disk_floor disk;
    struct security security;
    struct cron cron;
    struct birth birth;
    struct stats stats;
    uint64_t read_rng;         /* reads.c: for what chooses at random */
    struct draft syntax_error; /* dispatch.c: of the command just checked */
    struct draft guest_reply;  /* dispatch.c: of the guest being answered */
    struct cmd_steps steps;    /* steps.c: who is told of them */
    struct shutdown shutdown;
};

/* server.c: what must hold whenever the loop waits. */
void server_check(const struct server *s);

/* turn.c: reads the clocks, if this turn has not yet. */
void turn_begin(struct server *s);
/* The loop is going to wait. */
void turn_end(struct server *s);

/* client.c */
void clients_init(struct clients *l, const struct conn_events *events);
/* Compares the lists with the counts; looks at no client. */
void clients_check(const struct clients *l);
/* Looks at all clients. */
void clients_check_each(const struct clients *l);

/* connection.c */
extern const struct conn_events connection_events;

/* security.c: logs failed authentications, if there were any and none were
 * logged lately. */
void security_report(struct server *s);
/* A web browser was made to send a request: closes, logged once a minute. */
void security_attack(struct client *c);

/* listen.c */
void server_accept_start(struct server *s);
void server_listen_close(struct server *s);

/* cron.c: called about hz times a second. */
void cron_run(struct server *s);
/* Looks what the disk has synced; what the node says. */
struct node_status cron_look_synced(struct server *s);

/* limits.c: unsent output: closes the client if it is too much. */
void limits_output(struct client *c);
/* The same after each reply, so that replies are bounded while they are built;
 * it looks only at the limit that holds at once. */
void limits_reply(struct client *c);
/* The limit that holds at once, in bytes; 0: none. */
size_t limits_output_max(const struct client *c);
/* Looks at unexecuted input; false if the client was closed for it. */
bool limits_input(struct client *c);
/* Closes the largest clients while all together have too much memory; false
 * if none was closed. */
bool limits_memory(struct server *s);
/* Looks at all clients: silence, time, memory; once a second. */
void limits_each_second(struct server *s);

/* disk_floor.c: too little disk space is free, here or at another member: no
 * writes but deletions. */
bool disk_floor_short(const struct server *s);
/* Why this write is refused; NULL: it is not. */
const char *disk_floor_refusal(const struct server *s, const struct cmd *cmd);
/* Measures the free disk space of this node, and what is promised of it. */
void disk_floor_look(struct server *s);
/* At the end of a turn: looks again if it may have made the difference. */
void disk_floor_turn(struct server *s);

/* status.c */
void birth_init(struct server *s);

/* shutdown.c */
void shutdown_init(struct server *s);
void shutdown_begin(struct server *s, enum shutdown_how how);
void shutdown_transfer_ended(struct server *s);
/* To be called before the loop waits: goes on to the next phase if leadership
 * has been handed over, or if everything is answered. */
void shutdown_progress(struct server *s);
void shutdown_release(struct server *s);

#endif
