/*
 * Clients that wait for elements of lists and the like (BLPOP). Nobody but this
 * node knows of them: nothing is in the log or in the state for one that waits.
 *
 * A client's command stays in its input. It is registered at the keys that it
 * waits for, in the order of arrival. When the state of this node has something
 * there, as many clients as there are elements are called, the first ones
 * first; their commands go through the log as any other write, and the entry
 * says who gets what. One that comes too late has changed nothing and keeps its
 * place. So no element ever leaves a list but for a client that has asked for
 * it and was there.
 *
 *   NONE -> WAITING -> CALLED -> TRYING -> SERVED -> NONE
 *              ^ |                  |        ^
 *              | +---> ASKED -------|--------+
 *              |         |          |
 *              +---------+----------+
 *
 * One that takes nothing (XREAD) has no command for the log. It is ASKED when
 * it comes, which says what was there then; from there, and whenever there is
 * something new, it is CALLED, and reads the state of this node.
 *
 *   WAITING  for an element
 *   ASKED    its time is over: for the point at which there must be nothing
 *   CALLED   its command is going to be given to the node
 *   TRYING   the node has it
 *   SERVED   its reply is written; its command is to be taken off the input
 *
 * Thread: the loop's.
 */
#ifndef SERVER_BLOCKED_H
#define SERVER_BLOCKED_H

#include "base/map.h"
#include "server/client_internal.h"

/* All of them. */
struct blocked_clients {
    struct map keys;     /* struct blocked_key by database and key */
    struct list due;     /* of these: to be looked at */
    struct list stalled; /* the same when blocked_retry() says so */
    size_t count;        /* of clients */
    size_t timed;        /* those that do not wait forever */
    bool watching;       /* the node tells what is ready */
    struct buf scratch;
};

struct blocked_call {
    const struct cmd *cmd; /* CMD_BLOCKS; the arguments were checked */
    const struct bytes *argv;
    uint32_t argc;
    uint8_t flags; /* REPLY_MUTE */
    bool first;    /* it has to be tried first, whatever there is (ONCE) */
    bool reads;    /* it is no write */
};

void blocked_init(struct blocked_clients *all, uint64_t seed);
void blocked_release(struct blocked_clients *all);

/* Registers a client. True: its command is to be tried at once; the client is
 * CALLED. False: it is WAITING. */
MUST_USE bool blocked_begin(struct client *c, const struct blocked_call *call);
/* It is WAITING, and its client waits for that. */
void blocked_wait(struct client *c);
/* It is CALLED, and no write: executes it. False: whether there is something
 * cannot be told here, but in the log. True: its reply is written, it is
 * WAITING or closed. */
MUST_USE bool blocked_run(struct client *c, const struct blocked_call *call);
/* The node has taken its command. */
void blocked_submitted(struct client *c);
/* The node has refused it. True: the client is WAITING again; false: it is to
 * be told. */
MUST_USE bool blocked_refused(struct client *c, int err);
/* There was nothing: it is WAITING, or its reply is written, or it is closed.
 */
void blocked_again(struct client *c);
/* Its reply is written. */
void blocked_served(struct client *c);
/* Its command is over, or its connection is. */
void blocked_end(struct client *c);
/* If it sends no more, nobody may be there to take what it waits for. */
void blocked_input_ended(struct client *c);

/* From the node: see node_events. */
void blocked_ready(struct server *s, const struct keyspace_key *key);
void blocked_read_ready(struct client *c, int err);
/* Before the loop waits, ahead of the clients that are ready: calls those for
 * whom there is something. */
void blocked_turn(struct server *s);
/* The next turn has something to do for them. */
bool blocked_is_due(const struct server *s);
/* Now and then: what could not be tried is looked at again. */
void blocked_retry(struct server *s);

/* What must hold whenever the loop waits. */
void blocked_check(const struct server *s);

#endif
