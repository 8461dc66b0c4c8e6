/*
 * vard-import: the inside of the program that moves existing data here.
 *
 * options.c      the command line
 * source_file.c  keys out of an RDB file
 * source_scan.c  keys out of a server that runs, by SCAN and DUMP
 * replica.c      keys, and then changes, as a replica of it gets them
 * follow.c       these changes
 * pipe.c         requests to the cluster, many under way, none lost or doubled
 * digest.c       what a value has, as a number
 * state.c        how far it has come, for the next run
 * progress.c     what a person sees meanwhile
 * count.c        how many keys the cluster has
 * load.c         from a source to the cluster
 * verify.c       the same once more, to compare
 * report.c       lines about what is wrong
 */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include "base/base.h"
#include "base/buf.h"
#include "client/cluster.h"
#include "rdb/rdb_file.h"

enum import_exit {
    IMPORT_GOOD = 0,
    IMPORT_SOME = 1, /* not all keys are there, or not all are equal */
    IMPORT_USAGE = 2,
    IMPORT_ENDED = 3, /* by an error: a file may be gone on with */
};

struct import_options {
    const char *file; /* or: */
    const char *server;
    const char *server_password;
    struct cluster cluster;
    const char *state; /* a file; NULL: none */
    bool replace;
    bool follow; /* the server, as a replica */
    bool no_verify;
    bool verify_only;
    bool quiet;
    char *secrets[2]; /* copies of passwords of the command line */
};

/* False: help was asked for, or the line is wrong; *exit says which. */
MUST_USE bool import_options_parse(struct import_options *o, int argc,
                                   char **argv, int *exit);

void import_options_release(struct import_options *o);

/* Where keys come from. */
struct source {
    void *self;
    /* 1: the next key. 0: there is no more. An error: `why` says which. */
    int (*next)(void *self, struct rdb_key *key, struct buf *why);
    void (*close)(void *self);
    uint64_t done; /* of `all`, in whatever it counts */
    uint64_t all;
    uint64_t identity; /* differs if it is another, or has changed; 0: always */
};

#define IMPORT_PAYLOAD_MAX ((size_t)64 << 20)

/* The name and the text of an error, for a person. */
void import_complain(const char *about, const struct buf *why);
/* A key that is left out, or differs, and why. */
void import_report(const struct rdb_key *key, const char *why);

#endif
