/*
 * The commands of vardctl: one table, from which the command line is judged
 * and the help is made.
 *
 * Thread: one.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include "client/cluster.h"

#include <stdio.h>

#define CTL_DEFAULT_CLUSTER "127.0.0.1:6379"

/* What a command takes beside its arguments, before or behind them. */
enum command_option {
    OPTION_FORCE = 1,
    OPTION_LEARNER = 2,
    OPTION_WAIT = 4, /* with or without seconds behind it */
};

/* What the command line says. */
struct ctl {
    struct cluster cluster;
    const char *list; /* --cluster; NULL: none */
    char *file;       /* --config; NULL: none */
    char *extra;      /* lines of --config for a new node; NULL: none */
    char *secret;     /* --password, which every user could see in /proc */
    int argc;
    char **argv;      /* the command's own arguments, without its options */
    unsigned options; /* enum command_option */
    int64_t wait_ms;  /* of OPTION_WAIT; 0: it is not given */
};

struct ctl_command {
    const char *name;
    int args_min, args_max;
    unsigned options;  /* that it knows, enum command_option */
    bool takes_data;   /* its arguments may be anything, "--x" too */
    bool asks_nobody;  /* no node: the cluster need not be known */
    const char *brief; /* its arguments, in the list of all commands */
    const char *usage; /* all of them; NULL: those */
    const char *doc;   /* one line */
    const char *more;  /* lines, each with its end; NULL: there is no more */
    int (*run)(struct ctl *c); /* NULL: it is the help */
};

extern const struct ctl_command ctl_commands[];
/* NULL: there is none. */
const struct ctl_command *command_find(const char *name);
/* "10" is 10,000 ms. False: not a number of seconds from `least` to an hour. */
MUST_USE bool command_seconds(const char *text, int64_t least, int64_t *ms);

/* ask.c: CTL_USAGE after a message on standard error. */
int command_misused(const char *what, const char *word);
/* `status` is returned, after the error as one line on standard error.
 */
int ctl_fail(int status, const struct answer *a);
/* Asks the cluster, whose members one of the nodes given names; the caller
 * decides what a good answer means. */
int ctl_ask(struct ctl *c, const char *const *argv, size_t argc, bool write,
            struct answer *a);

/* help.c: of all commands, or of one. */
void help_print(FILE *out);
void help_print_one(FILE *out, const struct ctl_command *command);

#endif
