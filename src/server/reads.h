/*
 * Reads that wait for their point in time.
 */
#ifndef SERVER_READS_H
#define SERVER_READS_H

#include "server/client_internal.h"

/* The node says that the deferred reads may be done, or why not. */
void reads_ready(struct client *c, int err);
/* Executes the reads that are left; false: not now. */
MUST_USE bool reads_resume(struct client *c);
/* Puts a read among the deferred ones; its arguments are copied. False: not
 * now. */
MUST_USE bool reads_defer(struct client *c, const struct deferred *read);

#endif
