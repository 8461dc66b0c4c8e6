/*
 * Protocols that clients speak. RESP is the server's own (dispatch.c); others
 * are guests on the same port, recognized by the first bytes of a connection.
 * main hands the list of guests to the server (struct server_options), so
 * that the server names none of them.
 *
 * A guest takes requests off the input and gives them to the server as
 * commands with the client's id and a request id; exactly-once execution,
 * order and limits are then the server's business. The server hands back what
 * became of each request, in the order of the requests, and the guest puts it
 * into its own words.
 *
 * Thread: the loop's.
 */
#ifndef SERVER_PROTOCOL_H
#define SERVER_PROTOCOL_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "cmd/cmd.h"
#include "server/client.h"

/* A client id: letters and digits of the guest's choice, and a NUL. */
#define GUEST_ID_MAX 33

/* What became of a request. */
enum guest_outcome {
    GUEST_EXECUTED, /* the reply may still be an error of the command's */
    GUEST_OUTDATED, /* not executed: older than the newest of its client */
    GUEST_UNKNOWN,  /* no majority in time; it may still be executed */
    GUEST_REFUSED,  /* never executed: no leader, or too little disk space */
    GUEST_TOO_BIG,  /* never executed: larger than a request may be */
};

struct protocol {
    const char *name;   /* as the log calls it */
    struct bytes magic; /* a connection that begins with this speaks it */
    size_t request_min; /* no request has fewer bytes than this */
    /* Takes one request off the front of the input and submits it. Returns
     * its size in bytes; 0: not now (guest_submit() said so, or the client
     * was closed), or not before the input has *need bytes. */
    size_t (*take)(struct client *c, struct bytes input, size_t *need);
    /* Answers a request. `reply` is what the command wrote, in RESP2, or
     * nothing when it was not executed. */
    void (*answer)(struct client *c, uint64_t request_id,
                   enum guest_outcome outcome, struct bytes reply);
};

struct guest_request {
    const struct cmd *cmd;    /* on data; its arity was checked */
    const struct bytes *argv; /* copied */
    uint32_t argc;
    uint64_t id; /* with the client's id a name for this request forever */
};

/* Gives a request of a client that has introduced itself to the node. False:
 * not now; the request stays in the input, and take() is called again. */
MUST_USE bool guest_submit(struct client *c, const struct guest_request *r);

/* Who it is, "" before guest_introduce(). */
const char *guest_id(const struct client *c);
/* Says who it is, once. An older connection with the same id is closed. */
void guest_introduce(struct client *c, const char *id);
/* The most bytes that a request may have. */
uint64_t guest_request_max(const struct client *c);
/* Where answers are appended to; they leave before the loop waits. */
struct buf *guest_output(struct client *c);
/* Closes the connection, and says why in the log. */
void guest_close(struct client *c, const char *why);

#endif
