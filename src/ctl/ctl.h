/*
 * vardctl, the operator's tool.
 *
 * vardctl.c   command line, help, one function per command: the program
 * status.c    the table of the cluster
 *
 * Thread: one.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "client/cluster.h"

#include <stdio.h>

/* Exit statuses, also in the help. */
enum ctl_exit {
    CTL_GOOD = 0,
    CTL_NO = 1, /* key missing, not equal, cluster not healthy */
    CTL_USAGE = 2,
    CTL_NOT_DONE = 3, /* nobody could do it: definitely not executed */
    CTL_UNKNOWN = 4,  /* no answer: it may have been executed */
    CTL_REFUSED = 5,  /* an error as the answer: not executed */
};

/* Asks each node, prints the table and the verdict; the exit status. */
int status_print(struct cluster *c, FILE *out);

#endif
