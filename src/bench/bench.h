/*
 * vard-bench: the inside of the load generator.
 *
 * options.c    the command line
 * run.c        threads, phases, progress: from options to results
 * worker.c     one thread: an event loop, its connections, the load
 * link.c       one connection of a worker, lost and made again
 * resp.c       the Redis protocol
 * collection.c the operations on collections
 * leader.c     which node leads
 * usage.c      processor time and memory of the servers
 * result.c     text, CSV, JSON
 * histogram.c, keys.c, errors.c: the parts
 *
 * The protocol is a table of functions, so that tests/bench can put the same
 * load on other stores.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "base/base.h"
#include "base/buf.h"
#include "bench/errors.h"
#include "bench/histogram.h"
#include "bench/keys.h"
#include "client/cluster.h"

#include <stdatomic.h>
#include <stdio.h>

#define BENCH_PIDS_MAX    32
#define BENCH_THREADS_MAX 64

enum bench_exit { BENCH_GOOD = 0, BENCH_ERRORS = 1, BENCH_USAGE = 2 };

enum bench_mode { MODE_SETUP, MODE_CLOSED, MODE_OPEN };

/* What can be sent; "mixed" is half set and half get. Those from OP_HSET on are
 * for collections (collection.h). */
enum bench_op {
    OP_SET,
    OP_GET,
    OP_INCR,
    OP_CAS,
    OP_SETNX,
    OP_MIXED,
    OP_HSET,
    OP_HGET,
    OP_LPUSH,
    OP_RPOP,
    OP_SADD,
    OP_SISMEMBER,
    OP_ZADD,
    OP_ZRANK,
    OP_ZRANGE,
    OP_XADD,
    OP_XREAD,
    OP_COUNT,
};

enum bench_target { TARGET_ALL, TARGET_LEADER, TARGET_FOLLOWERS };

struct bench_options {
    int64_t mode; /* enum bench_mode */
    int64_t op;   /* enum bench_op */
    int64_t leader_only, followers_only;
    int64_t connections, threads, pipeline;
    int64_t keys, zipf, puts_percent, value_bytes;
    int64_t elements; /* of a collection; 0: the operation is not for them */
    int64_t duration_ms, warmup_ms; /* 0: by count */
    int64_t count;                  /* 0: by time */
    double rate;
    int64_t poisson;
    int64_t timeout_ms;
    int64_t seed;
    int64_t format; /* enum bench_format */
    int64_t quiet;
    const char *password, *prefix, *label, *series;
    struct cluster cluster; /* the nodes to load, at least one */
    int64_t pids[BENCH_PIDS_MAX];
    size_t pid_count;
};

enum bench_format { FORMAT_TEXT, FORMAT_CSV, FORMAT_JSON };

/* ---- protocol ---- */

struct bench_request {
    enum bench_op op; /* not OP_MIXED */
    struct bytes key;
    struct bytes value; /* CAS: expected and new */
    /* Collections: the element, or the first of so many that setup writes. */
    uint64_t element;
    uint64_t score; /* below BENCH_SCORE_MAX */
    uint32_t setup; /* 0: not setup */
};

enum bench_reply_kind {
    REPLY_STATUS,
    REPLY_INTEGER,
    REPLY_STRING,
    REPLY_NIL,
    REPLY_ARRAY,
    REPLY_ERROR,
};

struct bench_reply {
    enum bench_reply_kind kind;
    uint64_t number; /* of the request on this connection, from 0 */
    int64_t integer; /* the integer, or how long a string or an array is */
    struct bytes error;
};

/* Each `state` is that of one connection. No function blocks. */
struct bench_protocol {
    const char *program;
    const char *nodes; /* when none are given */
    bool finds_leader; /* speaks the Redis protocol, with INFO */
    unsigned ops;      /* bits 1 << enum bench_op */
    /* May write a greeting (password) to `out`. */
    void *(*open)(const struct bench_options *o, struct buf *out);
    void (*close)(void *state);
    void (*request)(void *state, struct buf *out,
                    const struct bench_request *r);
    /* 0, or ERR_PROTOCOL. May write control messages to `out`. */
    int (*feed)(void *state, struct bytes in, struct buf *out);
    /* 1: a reply, whose error text is good until the next call; 0: none;
     * ERR_PROTOCOL, ERR_AUTH: the connection is of no use any more. */
    int (*next)(void *state, struct bench_reply *reply);
};

/* resp.c */
extern const struct bench_protocol bench_resp;

/* ---- options ---- */

/* 0; BENCH_USAGE: something is wrong, after a message; 1 + BENCH_USAGE: help
 * was asked for and printed. */
int bench_options_parse(struct bench_options *o, const struct bench_protocol *p,
                        int argc, char **argv);
const char *bench_op_name(int64_t op);
const char *bench_mode_name(int64_t mode);

/* ---- a run ---- */

/* The times that all workers go by, on the monotonic clock. Written before
 * the workers are told to go; `end_us` moves when the run is cut short. */
struct bench_clock {
    _Atomic int64_t go_us; /* 0: not yet */
    int64_t measure_us;
    _Atomic int64_t end_us; /* INT64_MAX: by count */
};

struct bench_usage {
    int64_t cpu_us; /* user and system, of all */
    uint64_t rss_peak_bytes_max;
    uint64_t rss_peak_bytes_sum;
    size_t missing; /* processes that are not there */
};

struct bench_result {
    struct histogram latency;
    struct errors errors;
    uint64_t ops; /* answered well, in the measured time */
    uint64_t misses;
    uint64_t done_all; /* with warm-up and errors */
    uint64_t reconnects;
    double elapsed_s;
    struct bench_usage servers; /* cpu_us: used in the measured time */
    int64_t client_cpu_us;
};

int bench_main(const struct bench_protocol *p, int argc, char **argv);

/* Keeps only the leader in `c`, or all nodes except it. False, after a message,
 * if there is none. */
MUST_USE bool bench_select_nodes(struct cluster *c, enum bench_target target,
                                 const char *program);

void bench_usage_read(struct bench_usage *u, const int64_t *pids, size_t n);

void bench_result_print(FILE *out, const struct bench_options *o,
                        const struct bench_result *r);

#endif
