/*
 * Sets the values of metrics.def, a section of INFO at a time, so that nobody
 * pays for what was not asked for.
 */
#ifndef ADMIN_MEASURE_H
#define ADMIN_MEASURE_H

#include "metrics/metrics.h"

struct server;

/* Sets all values of the section; none if it has no rows. */
void measure(struct server *s, const char *section, struct metrics *m);

#endif
