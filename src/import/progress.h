/*
 * What a person sees while it goes on: a bar on a terminal, a line now and then
 * elsewhere, on standard error.
 */
#ifndef IMPORT_PROGRESS_H
#define IMPORT_PROGRESS_H

#include "base/base.h"

struct progress {
    const char *what; /* "loading" */
    bool quiet;
    bool terminal;
    int64_t begun_ms;
    int64_t shown_ms;
    bool shown; /* there is a bar */
};

void progress_begin(struct progress *p, const char *what, bool quiet);
/* So much of all is done; shows it if it is time. */
void progress_show(struct progress *p, uint64_t done, uint64_t all,
                   uint64_t keys);
/* Removes the bar. */
void progress_end(struct progress *p);

#endif
