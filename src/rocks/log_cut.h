/*
 * The files of the log that have nothing but what was cut, dropped aside: the
 * MANIFEST is synced for it, and names are removed one after the other, which
 * takes up to 0.1 s for each on a busy disk. A log that was kept for a member
 * that was fetching a state has many of them, and is cut at once.
 *
 * Nothing depends on when it is done: what was cut is not read any more.
 */
#ifndef ROCKS_LOG_CUT_H
#define ROCKS_LOG_CUT_H

#include "base/base.h"
#include "base/bytes.h"

struct log_cut;
struct rocks;

struct log_cut *log_cut_new(struct rocks *r);
/* Ends the thread; what it has not begun is left to the next cut. NULL: nothing
 * to do. */
void log_cut_free(struct log_cut *c);

/* Everything from `begin` up to `end` was cut, and that is durable. */
void log_cut_ask(struct log_cut *c, struct bytes begin, struct bytes end);

#endif
