/*
 * The file of the option trace-file: lines of node/node_trace.h, each preceded
 * by the monotonic time in microseconds. On one machine that is a total order
 * in which every message comes after the step that sent it.
 */
#ifndef MAIN_TRACE_H
#define MAIN_TRACE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/log.h"

struct trace {
    int fd; /* -1: closed, or given up */
    const struct logger *log;
};

/* Appends to the file. ERR_IO with a text. */
MUST_USE int trace_open(struct trace *t, const char *path,
                        const struct logger *log, struct buf *error);
/* `ctx` is the struct trace. A line that cannot be written ends the trace,
 * with a warning. */
void trace_line(void *ctx, struct bytes line);
void trace_close(struct trace *t);

#endif
