/*
 * Requests to the cluster, of which many are under way on one connection. None
 * is lost: when a connection ends, or a node cannot do it for now, all that
 * were not answered are sent again, to the next node. So each must be one that
 * may be sent twice: a read, or one in ONCE.
 */
#ifndef IMPORT_PIPE_H
#define IMPORT_PIPE_H

#include "client/cluster.h"

#define PIPE_WINDOW 64
#define PIPE_BYTES  (8 * 1024 * 1024)

struct pipe_request {
    uint32_t db;
    struct buf args;    /* one behind the other */
    struct buf lengths; /* size_t */
    uint32_t argc;
    uint64_t number; /* whoever sends it sets these: */
    struct buf name;
    int64_t expire_ms;
    uint64_t digest;
    size_t weight; /* how many bytes it, or its answer, has */
    bool selects;  /* an answer to SELECT comes before its own */
    bool doubtful; /* a node has refused it, or one before it, for now: what was
                      behind may have been executed without it */
};

/* What an answer means: 0 it is done, or an error, which ends it all and has
 * its text in `why`. */
typedef int pipe_answered_fn(void *arg, const struct pipe_request *r,
                             const struct answer *a, struct buf *why);

struct pipe {
    struct cluster *cluster;
    struct link *link;
    uint32_t db;                               /* that the connection is in */
    struct pipe_request requests[PIPE_WINDOW]; /* a ring */
    uint32_t first;
    uint32_t count;
    size_t bytes;
    struct answer answer;
    struct buf argv; /* of the request that is being sent */
    pipe_answered_fn *answered;
    void *arg;
};

void pipe_init(struct pipe *p, struct cluster *c, pipe_answered_fn *answered,
               void *arg);
void pipe_release(struct pipe *p);
/* The place for the next request, which is empty but for its memory. Waits for
 * answers if too many are under way. An error ends it all, and `why` has the
 * text. */
MUST_USE int pipe_next(struct pipe *p, struct pipe_request **out,
                       struct buf *why);
/* Waits until those under way have numbers that are less than PIPE_WINDOW away
 * from this one, the next. */
MUST_USE int pipe_settle(struct pipe *p, uint64_t number, struct buf *why);
void pipe_add(struct pipe_request *r, struct bytes arg);
void pipe_add_number(struct pipe_request *r, uint64_t n);
/* It goes out. */
MUST_USE int pipe_send(struct pipe *p, struct buf *why);
/* A later request of the same client in ONCE was executed: so this one was,
 * too, if that was sent behind its answer. */
bool pipe_is_old(const struct answer *a);
/* Waits for all answers. */
MUST_USE int pipe_finish(struct pipe *p, struct buf *why);

#endif
