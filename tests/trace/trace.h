/*
 * Traces of real nodes (src/node/node_trace.h), replayed: the same steps go
 * through the same core again, which must go the same way, and the monitor of
 * ../check looks at each of them.
 *
 * The traces of one cluster are read together, in the order of their times;
 * they begin with the first start of each node, on an empty disk.
 */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include <stdio.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "check/check.h"

#define TRACE_FILES_MAX RAFT_NODES_MAX
#define TRACE_READS_MAX 4096 /* reads of a node under way */

/* --- trace_file.c: the files, merged ------------------------------------- */

struct trace_file {
    const char *path;
    FILE *stream;
    char *line; /* the next one, without its time; NULL: no more */
    size_t cap;
    int64_t time_us;
    uint64_t number; /* of that line */
};

struct trace_files {
    struct trace_file at[TRACE_FILES_MAX];
    uint32_t count;
};

/* ERR_IO, ERR_LIMIT: said on standard error. */
MUST_USE int trace_files_open(struct trace_files *f, char *const *paths,
                              int count);
void trace_files_close(struct trace_files *f);
/* The file with the earliest next line, or NULL at the end. */
struct trace_file *trace_files_next(struct trace_files *f);
/* Reads the line after this one. A last line that was cut off by the death
 * of the process is left out. ERR_CORRUPT: without a time. */
MUST_USE int trace_file_advance(struct trace_file *f);

/* --- trace_parse.c: one line --------------------------------------------- */

enum trace_kind {
    TRACE_START,
    TRACE_STEP,
    TRACE_APPLIED,
};

struct trace_line {
    enum trace_kind kind;
    /* start */
    struct raft_config config;
    struct raft_start start;
    struct raft_run runs[RAFT_RUNS_MAX];
    /* start, step */
    struct raft_event event;
    struct raft_message message;
    struct raft_members members; /* of the event */
    uint64_t digest;
    uint64_t chains[CHECK_CHUNK_MAX];
    uint32_t chain_count;
    /* applied */
    raft_index applied;
};

/* ERR_CORRUPT if it is not of node_trace.h. */
MUST_USE int trace_parse(const char *text, struct trace_line *out);

/* --- trace_replay.c ------------------------------------------------------ */

struct trace_read {
    uint64_t id;
    raft_index commit; /* largest known anywhere when it was asked for */
    bool open;
};

struct trace_node {
    bool known;
    struct raft core;
    struct raft before;
    struct trace_read reads[TRACE_READS_MAX];
    uint64_t write_seqs[CHECK_WRITES_MAX]; /* of the check's writes */
    uint32_t write_count;
};

struct trace_stats {
    uint64_t steps, starts, applied, reads, elections;
    uint64_t events[RAFT_EV_FLUSH + 1];
    uint64_t messages[RAFT_MSG_TYPE_END];
};

struct trace_replay {
    struct check check;
    struct trace_node nodes[RAFT_NODES_MAX];
    uint64_t cluster_id;         /* of the node seen first, */
    struct raft_members members; /* and its members */
    bool begun;
    struct raft_out out;
    struct trace_stats stats;
    const char *violation; /* NULL: none so far */
};

/* `file`: which one the line is of; a file is one node's. */
void trace_replay(struct trace_replay *t, uint32_t file,
                  const struct trace_line *line);

#endif
