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
/* NULL: there is nothing to close. */
void link_close(struct link *l);

#endif
