/*
 * What the files of the dispatch share: a command on its way, and what may
 * become of it. All of these say false for "not now".
 */
#ifndef SERVER_DISPATCH_INTERNAL_H
#define SERVER_DISPATCH_INTERNAL_H

#include "server/dispatch.h"
#include "server/server_internal.h"

#define LOADING_TEXT_SIZE 64

/* One command on its way. */
struct dispatch {
    const struct cmd *cmd;
    const struct bytes *argv;
    uint32_t argc;
    uint8_t flags;            /* REPLY_* */
    uint64_t request_id;      /* of REPLY_TO_GUEST */
    struct bytes once_client; /* empty: none */
    uint64_t once_id;
    const struct cmd *told; /* by which it is counted; NULL: cmd */
};

/* --- dispatch_base.c ----------------------------------------------------- */

uint8_t dispatch_mute(const struct client *c);
/* It was taken off the input: on to the next. */
bool dispatch_taken(struct client *c, const struct cmd *cmd);
/* The same of one that was executed, submitted or refused. */
bool dispatch_finished(struct client *c, const struct cmd *cmd);

/* An error; what was to be part of a transaction, or to guard one, is not. */
bool dispatch_refuse(struct client *c, const struct cmd *cmd, const char *text);
bool dispatch_refuse_unknown(struct client *c, const struct bytes *argv,
                             uint32_t argc);
bool dispatch_refuse_arity(struct client *c, const struct cmd *cmd);
/* The error is in server.syntax_error. */
bool dispatch_refuse_syntax(struct client *c, const struct dispatch *d);
bool dispatch_refuse_guest(struct client *c, uint64_t request_id, int err);
/* An error that spoils nothing. */
bool dispatch_complain(struct client *c, const struct cmd *cmd,
                       const char *text);

/* Whether the arguments make sense, so that an error never enters the log.
 * If not, the error is in server.syntax_error. */
bool dispatch_syntax_ok(struct client *c, const struct dispatch *d);
/* Has this node not got yet what it must have before it serves? */
bool dispatch_is_loading(const struct client *c, char text[LOADING_TEXT_SIZE]);
/* To the log, or to the deferred reads. */
bool dispatch_submit(struct client *c, const struct dispatch *d);
bool dispatch_defer(struct client *c, const struct dispatch *d);

/* A reply that is known at once: it is told behind those that are not. */
bool dispatch_tell(struct client *c, const char *text);
/* One that was answered so is done. */
bool dispatch_done(struct client *c, const struct cmd *cmd);

/* --- transaction.c ------------------------------------------------------- */

/* MULTI, EXEC, DISCARD, WATCH, UNWATCH; EXEC in ONCE. */
bool dispatch_multi(struct client *c, const struct dispatch *d);
bool dispatch_exec(struct client *c, const struct dispatch *d);
/* Is it executed between MULTI and EXEC, too? Otherwise it is queued. */
bool dispatch_is_passed(const struct dispatch *d);
bool dispatch_queue(struct client *c, const struct dispatch *d);

#endif
