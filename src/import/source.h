/*
 * The sources. They return 0, or an error with a text in `why`.
 */
#ifndef IMPORT_SOURCE_H
#define IMPORT_SOURCE_H

#include "import/import.h"

MUST_USE int source_file_open(struct source *s, const char *path,
                              struct buf *why);
MUST_USE int source_scan_open(struct source *s, const struct import_options *o,
                              struct buf *why);
static inline void source_close(struct source *s)
{
    if (s->self != NULL)
        s->close(s->self);
    s->self = NULL;
}

#endif
