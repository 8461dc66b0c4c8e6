/*
 * One blocking connection to a node, for the tools: a request, an answer. The
 * only place that knows hiredis's connections.
 *
 * Thread: one for each link. Every call ends within the timeout given.
 */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

enum answer_kind {
    ANSWER_NIL,
    ANSWER_TEXT, /* status or value */
    ANSWER_NUMBER,
    ANSWER_LIST,  /* text: a line for each element; a list among them is "[",
                     its elements, and "]" */
    ANSWER_ERROR, /* text says which */
};

/* Starts as {0}; the caller releases `text`. */
struct answer {
    enum answer_kind kind;
    struct buf text;
    int64_t number;
    /* If it is not NULL, it gets the texts of a list, and of lists in it, one
     * after the other, each behind its length(8): `text` cannot tell lines from
     * bytes. */
    struct buf *parts;
};

struct link_request {
    const char *const *argv;
    const size_t *lengths; /* NULL: argv are plain strings */
    size_t argc;
    bool write; /* it may change data: not sent twice */
};

struct link;

/* Both return 0, ERR_CLOSED if the request cannot have left, ERR_IO if it may
 * have, with a text in `why`. */
MUST_USE int link_open(struct link **out, const char *host, uint16_t port,
                       int64_t timeout_ms, struct buf *why);
MUST_USE int link_ask(struct link *l, const struct link_request *r,
                      int64_t timeout_ms, struct answer *out, struct buf *why);
/* The same in two steps, for many requests that are under way: send some, then
 * receive as many answers, in this order. Errors are ERR_IO. */
MUST_USE int link_send(struct link *l, const struct link_request *r,
                       struct buf *why);
MUST_USE int link_receive(struct link *l, int64_t timeout_ms,
                          struct answer *out, struct buf *why);
/* Bytes that are no requests and answers, of a connection that waits for no
 * answer: writes all of them; appends what has come, at least a byte.
 * ERR_NO_ANSWER: nothing came in time. ERR_CLOSED: the other side has closed.
 * ERR_IO. */
MUST_USE int link_write(struct link *l, struct bytes data, struct buf *why);
MUST_USE int link_read(struct link *l, int64_t timeout_ms, struct buf *to,
                       struct buf *why);
/* NULL: there is nothing to close. */
void link_close(struct link *l);

#endif
