/*
 * What a start tells the log: what is started, and where the node lines differ
 * from what the members have agreed on.
 */
#ifndef MAIN_ANNOUNCE_H
#define MAIN_ANNOUNCE_H

#include "base/buf.h"
#include "base/log.h"
#include "codec/configuration.h"
#include "config/config.h"

void announce_start(const struct logger *log, const struct config *c,
                    const char *dir);
/* The members by entry `at` of the log are these. The node lines are not
 * obeyed; with the option join they need not name all. */
void announce_members(const struct logger *log, const struct config *c,
                      const struct configuration *members, raft_index at);
/* The same as text: a line for each difference, each with its end. */
void announce_differences(const struct config *c,
                          const struct configuration *members, struct buf *out);

#endif
