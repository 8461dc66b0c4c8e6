/*
 * How far an import of a file has come, for the next run.
 */
#ifndef IMPORT_STATE_H
#define IMPORT_STATE_H

#include "base/base.h"
#include "base/buf.h"

struct import_state {
    uint64_t run;      /* the name of the import, in ONCE */
    uint64_t identity; /* of its source */
    uint64_t done;     /* keys of the source, whose answers are here */
    uint64_t loaded;
    uint64_t expired;
    uint64_t refused;
};

/* ERR_NOT_FOUND: there is none. ERR_CORRUPT: it is none. ERR_IO. */
MUST_USE int import_state_read(const char *path, struct import_state *s);
MUST_USE int import_state_write(const char *path, const struct import_state *s);

#endif
