/*
 * The changes of a server, after all that it had was loaded.
 */
#ifndef IMPORT_FOLLOW_H
#define IMPORT_FOLLOW_H

#include "import/replica.h"
#include "import/run.h"

/* Until SIGINT or SIGTERM, or the server's end: 0; or an error that has ended
 * it. */
MUST_USE int import_follow(const struct import_options *o,
                           struct replica *replica,
                           struct import_result *result, struct buf *why);

#endif
