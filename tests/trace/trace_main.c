/* tracecheck FILE...: the traces of the nodes of one cluster. */
#include "trace/trace.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"

static const char usage[] =
    "tracecheck FILE...\n"
    "Replays the traces (option trace-file) of the nodes of one cluster, from\n"
    "their first start on, and checks every step against the invariants of\n"
    "tests/check. Exit status: 0 all hold, 1 a violation, 2 no such file.\n";

static void report(const struct trace_replay *t, uint32_t files)
{
    const struct trace_stats *s = &t->stats;

    printf("%" PRIu64 " steps of %u nodes, %" PRIu64 " starts, %" PRIu64
           " elections, term %" PRIu64 ", %" PRIu64
           " entries committed, %" PRIu64 " applied, %" PRIu64 " reads\n",
           s->steps, files, s->starts, s->elections,
           t->nodes[0].known ? t->nodes[0].core.term : 0, t->check.commit,
           s->applied, s->reads);
    for (int i = 1; i < RAFT_MSG_TYPE_END; i++)
        printf("%s%s %" PRIu64, i > 1 ? ", " : "received: ",
               raft_message_name((enum raft_message_type)i), s->messages[i]);
    printf("\n");
}

/* 0, or what is wrong was said. */
static int run(struct trace_files *files, struct trace_replay *t,
               struct trace_line *line)
{
    struct trace_file *f;

    while ((f = trace_files_next(files)) != NULL) {
        if (trace_parse(f->line, line) != 0)
            t->violation = "trace: not a line of node_trace.h";
        else
            trace_replay(t, (uint32_t)(f - files->at), line);
        if (t->violation) {
            printf("VIOLATION: %s\n%s:%" PRIu64 ": %.2000s\n", t->violation,
                   f->path, f->number, f->line);
            return 1;
        }
        if (trace_file_advance(f) != 0)
            return 2;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct trace_files files = {.count = 0};
    int status = 2;

    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        fputs(usage, argc < 2 ? stderr : stdout);
        return argc < 2 ? 2 : 0;
    }
    struct trace_replay *t = mem_zalloc(sizeof(*t));
    struct trace_line *line = mem_zalloc(sizeof(*line));
    if (trace_files_open(&files, argv + 1, argc - 1) == 0) {
        status = run(&files, t, line);
        report(t, files.count);
    }
    trace_files_close(&files);
    mem_free(line);
    mem_free(t);
    return status;
}
