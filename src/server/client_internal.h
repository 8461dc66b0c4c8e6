/*
 * The inside of a client's connection: what it sent and was not executed yet,
 * what was executed and not answered yet, and who it is.
 *
 * A client is a checked state machine; client_move() is the only way to
 * another state, client_check() what must hold:
 *
 *   OPEN ------ its last reply is written -----> CLOSING
 *     |                                            |
 *     +---------------------+----------------------+
 *                           |
 *         all output has left, a limit, a kill: DOOMED, for the rest of the
 *         turn; the connection broke: at once
 *                           |
 *              +------------+------------+
 *     the node owes it answers      it is owed nothing
 *              v                         v
 *            ZOMBIE -- answered ------> GONE ------> freed
 *
 *   OPEN     reads requests and executes them
 *   CLOSING  executes nothing any more; closes when its output has left
 *   DOOMED   will be closed before the loop waits next
 *   ZOMBIE   closed, but the node owes answers for it, which nobody wants
 *   GONE     closed, owed nothing: freed before the loop waits next
 *
 * It is never freed or closed in the middle of work on it; so nobody who
 * holds a pointer during a turn has to ask whether it is still alive.
 *
 * Order of replies. `unanswered` are requests given to the node, answered in
 * their order. `reads` are read commands that wait for their point; all were
 * sent in one turn. A client that cannot go on waits (enum client_wait), its
 * next command stays in the input buffer, and what it waits for puts it on
 * the server's ready list. client_wait() is the only way to wait.
 *
 * Owner: the server. Thread: the loop's.
 */
#ifndef SERVER_CLIENT_INTERNAL_H
#define SERVER_CLIENT_INTERNAL_H

#include "base/arena.h"
#include "base/base.h"
#include "base/list.h"
#include "cmd/cmd.h"
#include "net/conn.h"
#include "node/node.h"
#include "os/socket.h"
#include "resp/resp_reader.h"
#include "resp/resp_writer.h"
#include "server/client.h"
#include "server/multi.h"
#include "server/protocol.h"

#define CLIENT_STATES(X)                                                       \
    X(CLIENT_OPEN, "open")                                                     \
    X(CLIENT_CLOSING, "closing")                                               \
    X(CLIENT_DOOMED, "doomed")                                                 \
    X(CLIENT_ZOMBIE, "zombie")                                                 \
    X(CLIENT_GONE, "gone")

enum client_state {
#define X(name, text) name,
    CLIENT_STATES(X)
#undef X
        CLIENT_STATE_COUNT
};

enum client_wait {
    WAIT_NONE,     /* for input */
    WAIT_TURN,     /* it has had its share of this turn */
    WAIT_IDLE,     /* until everything is answered */
    WAIT_READS,    /* until its reads are answered */
    WAIT_NODE,     /* until the node takes requests again */
    WAIT_UPLOAD,   /* until more of its large request can be sent */
    WAIT_OUTPUT,   /* until its output has left */
    WAIT_LATER,    /* to be asked the same again (server_later) */
    WAIT_BLOCKED,  /* for an element, or its time (blocked.h) */
    WAIT_SHUTDOWN, /* it asked for one */
    WAIT_COUNT
};

enum {
    REPLY_MUTE = 1,     /* its reply is not wanted (CLIENT REPLY) */
    REPLY_TO_GUEST = 2, /* the reply goes to the client's protocol */
    REPLY_HELD = 4,     /* its command gets it, and is called again */
    REPLY_BLOCKS = 8, /* there may be none yet: its command stays (blocked.h) */
    REPLY_WATCH = 16, /* it is that of VARD.WATCH, for WATCH */
};

/* A request given to the node; or what was answered at once behind such, and is
 * told in its turn. */
struct unanswered {
    const struct cmd *cmd;
    uint64_t request_id; /* REPLY_TO_GUEST */
    int64_t start_us;
    uint8_t flags;
    const char *ready; /* the reply; NULL: the node owes it */
};

struct unanswered_ring {
    struct unanswered *items;
    uint32_t head;
    uint32_t count;
    uint32_t cap; /* a power of two, or 0 */
};

/* A read command that waits; its arguments are copies in the arena. */
struct deferred {
    const struct cmd *cmd;
    const struct bytes *argv;
    uint32_t argc;
    uint8_t flags;
    const struct cmd *told; /* by which it is counted; NULL: cmd */
    const char *ready;      /* no read: this is told in its turn; then the rest
                               is nothing */
};

enum reads_phase {
    READS_NONE,   /* the list is empty */
    READS_ASKED,  /* the node was asked for a point to read at */
    READS_TO_LOG, /* the rest has to go through the log */
    READS_AGAIN,  /* the rest needs another point, once output has left */
    READS_PART,   /* a reply is written in parts, as its output leaves */
};

struct deferred_list {
    enum reads_phase phase;
    struct arena arena;
    struct deferred *items;
    uint32_t count;
    uint32_t cap;
    uint32_t next; /* those before it are done */
    uint64_t turn; /* when it was asked: later reads may not join */
};

enum blocked_phase { /* blocked.h */
                     BLOCKED_NONE,
                     BLOCKED_WAITING,
                     BLOCKED_ASKED,
                     BLOCKED_CALLED,
                     BLOCKED_TRYING,
                     BLOCKED_SERVED,
};

enum blocked_unblock { UNBLOCK_NONE, UNBLOCK_TIMEOUT, UNBLOCK_ERROR };

/* blocked.c: what it waits for. */
struct blocked {
    enum blocked_phase phase;
    const struct cmd *cmd;
    uint8_t type;     /* of the collections */
    uint8_t flags;    /* of its reply */
    bool reads;       /* it takes nothing (XREAD): its command is no write */
    bool grouped;     /* it waits for what a group has not got, */
    struct buf group; /* this one; */
    const char *gone; /* which is not there any more, or its stream */
    struct cmd_since *since; /* of XREAD */
    bool timed;              /* not forever */
    bool late;               /* its time is over, */
    bool last;               /* and was before the node got its command last */
    bool waited;             /* it was not served at once */
    enum blocked_unblock unblock; /* CLIENT UNBLOCK came meanwhile */
    struct blocked_place *places; /* at the keys, in the command's order */
    uint32_t count;
    struct loop_timer timer;
};

struct client {
    struct conn conn;
    struct server *server;
    struct list link;  /* in the server's list for its state */
    struct list ready; /* in the server's ready list, or alone */
    struct list dirty; /* in the list of those with new output, or alone */

    enum client_state state;
    enum client_wait wait;
    const struct protocol *protocol; /* NULL: not enough was sent to tell */

    /* input */
    struct resp_reader reader;
    size_t need;             /* input below this is not worth looking at */
    const char *input_error; /* of the protocol; told when all is answered */
    uint64_t received_seen;  /* bytes counted in the statistics */
    uint64_t sent_seen;
    uint64_t reads_seen;
    uint64_t writes_seen;
    size_t accounted_bytes; /* of its memory, in the sum of all */

    /* unanswered */
    struct unanswered_ring unanswered;
    struct deferred_list reads;
    struct cmd_rest rest; /* of the read executed last */
    int64_t later_ms;     /* since when its command waits; 0: it does not */
    uint64_t later_kept;  /* by that command */
    struct multi *multi;  /* NULL: it was never needed */
    struct buf held;      /* what its command's request was answered, if that
                             is not told yet */
    struct blocked blocked;
    bool uploading; /* the node knows of a large request that it began */

    /* output */
    struct resp_writer writer;
    size_t reply_start;    /* of the reply being written, in conn.out */
    int64_t above_soft_ms; /* since when over the soft limit; 0: not */

    /* who it is */
    uint64_t id;
    struct address peer;
    struct address local;
    bool unix_socket;
    uint32_t auth_failures;
    struct client_settings settings;
    char *texts[CLIENT_TEXT_COUNT]; /* NULL: none */
    size_t text_bytes;              /* of these */
    char guest_id[GUEST_ID_MAX];    /* "": it is no guest */
    const struct cmd *last_cmd;
    int64_t created_ms;    /* monotonic */
    int64_t active_ms;     /* it sent something, or took some output */
    int64_t authorized_ms; /* when it was seen to be; at first, created_ms */
    int64_t closing_ms;    /* since when CLOSING, or the same */
};

/* Takes the descriptor over; the client is in the server's list. */
struct client *client_new(struct server *s, int fd, const struct address *peer,
                          bool unix_socket);
/* The only way to another state. */
void client_move(struct client *c, enum client_state to);
/* What must hold whenever no work on it is under way. */
void client_check(const struct client *c);
/* The only way to wait, and with WAIT_NONE to go on. Always false: it is what
 * the callers return, "not now". */
bool client_wait(struct client *c, enum client_wait reason);
/* Closes the connection of a doomed client, or of one that closed itself. */
void client_finish(struct client *c);
/* Frees a GONE client. */
void client_free(struct client *c);

/* What it takes of the server's memory. */
size_t client_memory(const struct client *c);
/* Its memory may have changed: the sum of all follows. */
void client_account(struct client *c);
/* Nothing of it is under way: it has all replies, and no command waits. */
bool client_is_quiet(const struct client *c);
/* Frees what a quiet one keeps for commands to come; the bytes. */
size_t client_shrink(struct client *c);
/* Adds what the connection moved since the last time to the statistics. */
void client_count_bytes(struct client *c);

/* It has new output, which leaves before the loop waits. */
void client_mark_dirty(struct client *c);
/* The client may go on; it gets its turn from the server's ready list. */
void client_mark_ready(struct client *c);
/* Gives a request to the node, which may answer that it goes on later: then the
 * client waits for that. */
MUST_USE int client_submit(struct client *c, const struct node_submit *what);
/* Its large request, if it has one, is not going to be submitted. */
void client_abandon(struct client *c);
/* Puts it on the ready list if that is what it waits for. */
void client_wake(struct client *c, enum client_wait reason);

/* A reply: begin gives the writer, which takes no more than the client may
 * have unsent; end accounts for what was written, removes it again if it is
 * muted, and dooms a client that is beyond its limit. */
struct resp_writer *client_reply_begin(struct client *c);
void client_reply_end(struct client *c, const struct cmd *cmd, uint8_t flags);
/* One error, as the reply to a command (cmd may be NULL). */
void client_reply_error(struct client *c, const struct cmd *cmd, uint8_t flags,
                        const char *text);

/* Its transactions; made if there is nothing yet. */
struct multi *client_multi(struct client *c);
/* Everything was answered: a transaction that was running has ended. */
void client_settle(struct client *c);

/* The text of an error of the node, beginning with its code. */
const char *reply_error_text(int err);

/* The ring of requests given to the node. */
void unanswered_push(struct unanswered_ring *r, const struct unanswered *p);
struct unanswered *unanswered_front(struct unanswered_ring *r);
void unanswered_pop(struct unanswered_ring *r);
/* Frees the memory of an empty one. */
void unanswered_shrink(struct unanswered_ring *r);

/* The list of deferred reads. */
void deferred_add(struct deferred_list *l, const struct deferred *d);
void deferred_clear(struct deferred_list *l);
/* Frees the memory of an empty one. */
void deferred_shrink(struct deferred_list *l);

#endif
