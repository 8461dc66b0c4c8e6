/*
 * The number behind a name, found while the loop goes on: on a thread, because
 * the system's function may take many seconds, and cannot be interrupted.
 *
 * Ownership: the one who starts it may cancel it until `done` is called; then
 * it is gone. Thread: the loop's, but for `look_up`.
 */
#ifndef NET_LOOKUP_H
#define NET_LOOKUP_H

#include "base/base.h"
#include "base/bytes.h"
#include "net/loop.h"
#include "os/socket.h"

/* As address_look_up(), which it is but in tests. */
typedef int lookup_fn(struct bytes address, uint32_t nth, struct address *out);

struct lookup_order {
    const char *address; /* "host:port"; copied */
    uint32_t nth;        /* of what is found, which to take */
    lookup_fn *look_up;  /* called on the thread */
    /* Called once, by the loop; `a` is borrowed, NULL if err is not 0. */
    void (*done)(void *ctx, int err, const struct address *a);
    void *ctx;
};

struct lookup;

/* NULL: the system has no thread for it now. */
MUST_USE struct lookup *lookup_start(struct loop *l,
                                     const struct lookup_order *order);
/* `done` will not be called. The thread ends by itself. */
void lookup_cancel(struct lookup *k);

#endif
