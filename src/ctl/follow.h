/*
 * vardctl archive: follows a cluster, and keeps its history in a directory
 * (ctl/shelf.h).
 */
#ifndef CTL_FOLLOW_H
#define CTL_FOLLOW_H

#include "client/cluster.h"

struct follow_options {
    bool once;          /* until it has what was committed at the beginning;
                           otherwise without end, whatever becomes of nodes */
    bool base;          /* a new base first */
    size_t piece_bytes; /* then a file of the log is closed */
};
/* An exit status after a message. */
int follow_cluster(struct cluster *c, const char *dir,
                   const struct follow_options *o);
/* DIR [--once] [--base] [--piece SIZE]. */
int follow_command(struct cluster *c, int argc, char **argv);

#endif
