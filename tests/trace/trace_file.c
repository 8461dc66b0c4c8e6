/* A line is "MICROSECONDS TEXT"; the files are merged by that time. */
#include "trace/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int trace_file_advance(struct trace_file *f)
{
    char *end;

    ASSERT(f->stream);
    ssize_t len = getline(&f->line, &f->cap, f->stream);
    if (len <= 0 || f->line[len - 1] != '\n') {
        free(f->line); /* getline's */
        f->line = NULL;
        return 0;
    }
    f->number++;
    f->line[len - 1] = '\0';
    f->time_us = strtoll(f->line, &end, 10);
    if (end == f->line || *end != ' ') {
        fprintf(stderr, "%s:%" PRIu64 ": no time before the line\n", f->path,
                f->number);
        return ERR_CORRUPT;
    }
    memmove(f->line, end + 1, strlen(end + 1) + 1);
    return 0;
}

int trace_files_open(struct trace_files *f, char *const *paths, int count)
{
    ASSERT(count > 0);
    if (count > TRACE_FILES_MAX) {
        fprintf(stderr, "at most %d traces\n", TRACE_FILES_MAX);
        return ERR_LIMIT;
    }
    for (int i = 0; i < count; i++) {
        struct trace_file *t = &f->at[f->count];
        t->path = paths[i];
        t->stream = fopen(paths[i], "r");
        if (!t->stream) {
            fprintf(stderr, "%s: %s\n", paths[i], strerror(errno));
            return ERR_IO;
        }
        f->count++;
        int err = trace_file_advance(t);
        if (err != 0)
            return err;
    }
    return 0;
}

void trace_files_close(struct trace_files *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        fclose(f->at[i].stream);
        free(f->at[i].line); /* getline's */
    }
    f->count = 0;
}

struct trace_file *trace_files_next(struct trace_files *f)
{
    struct trace_file *first = NULL;

    for (uint32_t i = 0; i < f->count; i++) {
        struct trace_file *t = &f->at[i];
        if (t->line && (!first || t->time_us < first->time_us))
            first = t;
    }
    return first;
}
