/*
 * The way of a command: parse, look up, arity, authentication, syntax, then
 * to the node (a write), to the deferred reads (a read), or to a function of
 * the server.
 *
 * Replies leave in the order of the requests, so each kind waits for what it
 * could overtake:
 *
 *   write   after writes it goes to the node at once, which keeps the order;
 *           it waits for deferred reads
 *   read    after writes it goes through the log as well, so that pipelines
 *           keep going; else it joins the deferred reads of this turn,
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

/* One command; false: not now, c->wait says what for. */
MUST_USE bool dispatch_command(struct client *c, const struct bytes *argv,
                               uint32_t argc);
/* The reply to the oldest request given to the node is written. */
void dispatch_reply_done(struct client *c, enum node_outcome outcome);
struct resp_writer *dispatch_reply_open(struct client *c);

#endif
