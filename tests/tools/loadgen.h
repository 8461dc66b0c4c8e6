/*
 * The load generator of the tests: closed-loop writers that note what became
 * of each write, and a reader that compares the notes with the data.
 *
 * Every write carries a tag, a number that its writer never uses again, not
 * even when the outcome is not known. So afterwards each tag can be judged:
 * acknowledged, it must be there once; unknown, at most once; definitely
 * refused, never.
 */
#ifndef LOADGEN_H
#define LOADGEN_H

#include "base/base.h"

#include <hiredis/hiredis.h>
#include <stdio.h>

#define LOADGEN_NODES_MAX   16
#define LOADGEN_WRITERS_MAX 1000
#define LOADGEN_TEXT_MAX    128

enum loadgen_op {
    LOADGEN_APPEND, /* APPEND key ";tag": one key per writer */
    LOADGEN_INCR,   /* INCR key: one key per writer, counts */
    LOADGEN_SET,    /* SET key:tag tag: one key per write */
};

struct loadgen_node {
    char host[LOADGEN_TEXT_MAX];
    int port;
};

struct loadgen_options {
    struct loadgen_node nodes[LOADGEN_NODES_MAX];
    int node_count;
    int writers;
    int64_t duration_ms;
    int64_t writes_max; /* of each writer; 0: until the time is up */
    int timeout_ms;     /* of connecting and of one reply */
    int value_size;     /* padding of each value, for SET */
    enum loadgen_op op;
    bool failover; /* after an error go on at the next node */
    bool quiet;    /* do not print the first errors */
    const char *prefix;
    const char *password;
    const char *acks_path;
};

/* What became of a write; as noted in the file, "A writer tag". */
enum loadgen_outcome {
    OUTCOME_ACKED = 'A',
    OUTCOME_UNKNOWN = 'U', /* connection lost, timeout, -UNKNOWN */
    OUTCOME_REFUSED = 'F', /* any other error: must never be seen */
};

/* Connects and authenticates; NULL with a text in `error`. */
redisContext *loadgen_connect(const struct loadgen_options *o, int node,
                              char error[LOADGEN_TEXT_MAX]);
int64_t loadgen_now_us(void);
/* The key of a writer; for SET, of one write. */
void loadgen_key(const struct loadgen_options *o, int writer, int64_t tag,
                 char out[LOADGEN_TEXT_MAX]);

/* Both return the exit status: 0, or 1 if something was wrong. */
int loadgen_write(const struct loadgen_options *o);
int loadgen_verify(const struct loadgen_options *o);

#endif
