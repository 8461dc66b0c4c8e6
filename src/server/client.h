/*
 * A client, as the rooms above the server see it: the commands of the server
 * itself (src/admin) and guests that speak another protocol (src/original).
 * They read and change what is declared here, and nothing else of it.
 *
 * Ownership: the server makes and frees clients. A pointer to one is good
 * until the loop waits next, whatever becomes of the connection meanwhile.
 * Thread: the loop's.
 */
#ifndef SERVER_CLIENT_H
#define SERVER_CLIENT_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "os/socket.h"

struct client;
struct server;

/* The longest address as clients see it, or path of the Unix socket, with a
 * NUL. */
#define CLIENT_ADDRESS_MAX (ADDRESS_TEXT_MAX + 128)

/* What a client may choose for its own connection. */
struct client_settings {
    bool authenticated; /* it gave the password, or came when there was none */
    bool reply_off;     /* CLIENT REPLY OFF */
    bool reply_skip;    /* this command's reply is not wanted */
    bool reply_skip_next; /* nor that of the next one */
    bool no_evict;        /* never closed for maxmemory-clients */
    bool no_touch;
    bool readonly; /* its reads may be a bit out of date (READONLY) */
    bool in_multi; /* commands are queued until EXEC, DISCARD or RESET */
    uint8_t db;
};

enum client_text {
    CLIENT_NAME,
    CLIENT_LIB_NAME,
    CLIENT_LIB_VERSION,
    CLIENT_TEXT_COUNT,
};

struct client_settings *client_settings(struct client *c);
/* NULL: none was set. */
const char *client_text(const struct client *c, enum client_text which);
/* An empty value removes the text. */
void client_set_text(struct client *c, enum client_text which,
                     struct bytes value);

/* It is authenticated, or there is no password now: it is served. */
bool client_is_authorized(const struct client *c);
/* Counted from 1 since the start of the server. */
uint64_t client_id(const struct client *c);
/* It has no unanswered request. */
bool client_is_idle(const struct client *c);
/* It reads requests and executes them: it is not being closed. */
bool client_is_open(const struct client *c);
/* The next one after `c` of all that are connected; NULL: the first. */
struct client *client_next(struct server *s, struct client *c);

/* The addresses of its two ends; all clients of the Unix socket have the
 * same, the socket's path. */
void client_peer_text(const struct client *c, char out[CLIENT_ADDRESS_MAX]);
void client_local_text(const struct client *c, char out[CLIENT_ADDRESS_MAX]);
/* The line of CLIENT LIST about it, without a newline. */
void client_describe(const struct client *c, struct buf *out);

/* It is not between MULTI and EXEC any more, and watches no key. It must be
 * idle. */
void client_forget_transaction(struct client *c);

/* Closes once the output has left; no more commands. */
void client_close_after_reply(struct client *c);
/* Closes before the loop waits next; what is in the output is lost. */
void client_doom(struct client *c);
/* It waits in a command (CLIENT_BLOCKS): it is told nil, or an error. False: it
 * does not. */
bool client_unblock(struct client *c, bool error);
/* It gave a wrong password: this is counted and reported in the log; after
 * too many the connection is closed after the reply. */
void client_auth_failed(struct client *c);

#endif
