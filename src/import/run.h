/*
 * The two halves of an import.
 */
#ifndef IMPORT_RUN_H
#define IMPORT_RUN_H

#include "import/import.h"
#include "import/state.h"

/* What they have found. */
struct import_result {
    struct import_state state;
    uint64_t verified;
    uint64_t different;
};

/* How many keys the cluster has, in all databases. */
MUST_USE int import_count(const struct import_options *o, uint64_t *keys,
                          struct buf *why);
/* Loads all of a source: 0, or an error that has ended it, with its text. */
MUST_USE int import_load(const struct import_options *o, struct source *s,
                         struct import_result *r, struct buf *why);
/* Compares all of a source, which was opened anew, with what is there. */
MUST_USE int import_verify(const struct import_options *o, struct source *s,
                           struct import_result *r, struct buf *why);

#endif
