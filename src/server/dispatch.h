/*
 * The way of a command: parse, look up, arity, authentication, syntax, then
 * to the node (a write), to the deferred reads (a read), or to a function of
 * the server.
 *
 * Replies leave in the order of the requests, so each kind waits for what it
 * could overtake:
 *
 *   write   behind writes it goes to the node at once, which keeps the order;
 *           it waits for deferred reads
 *   read    behind writes it goes through the log as well, so that pipelines
 *           keep going; else it joins the deferred reads of this iteration,
 *           or waits for those of an earlier one (they were asked for a point
 *           in time that may lie before this read was sent)
 *   server  waits until nothing is unanswered; so do errors
 */
#ifndef SERVER_DISPATCH_H
#define SERVER_DISPATCH_H

#include "base/base.h"
#include "base/bytes.h"
#include "node/node.h"
#include "server/client_internal.h"

/* One command on its way. */
struct dispatch {
    const struct cmd *cmd;
    const struct bytes *argv;
    uint32_t argc;
    uint8_t flags;            /* PENDING_* */
    uint64_t request_id;      /* of PENDING_GUEST */
    struct bytes once_client; /* empty: none */
    uint64_t once_id;
};

/* Executes what the client sent, as far as it may go. */
void dispatch_input(struct client *c);
/* Whether the client may execute one more command now, after so many and so
 * much input in this turn; if not, c->wait says what for. */
bool dispatch_has_share(struct client *c, uint32_t commands, size_t input);
/* From the ready list: what it waited for has happened. */
void dispatch_resume(struct client *c);
/* The reply to the oldest request given to the node is written. */
void dispatch_reply_done(struct client *c, enum node_outcome outcome);
struct resp_writer *dispatch_reply_open(struct client *c);

/* The texts of node errors, beginning with their code. */
const char *dispatch_error_text(int error);

/* reads.c: the node says that the deferred reads may be done, or why not. */
void reads_ready(struct client *c, int error);
/* Does what is left of them; false: not now. */
MUST_USE bool reads_resume(struct client *c);
/* Puts a read among the deferred ones; false: not now. */
MUST_USE bool reads_defer(struct client *c, const struct dispatch *d);

#endif
