/*
 * A keyspace in memory, and commands given as a line of text: each runs as
 * in a node, first checked only, then as an entry of its own.
 */
#ifndef TESTS_UNIT_CMD_FIXTURE_H
#define TESTS_UNIT_CMD_FIXTURE_H

#include "cmd/cmd.h"
#include "resp/resp_reader.h"
#include "store/store_memory.h"

#define START_MS INT64_C(1800000000000)

struct fixture {
    struct store *store;
    struct keyspace *ks;
    struct resp_reader reader;
    struct buf line;
    struct buf out;
    uint64_t index;
    int64_t time_ms;
    int64_t wall_offset_ms;
    uint8_t db;
    uint8_t protocol;
    bool internal; /* the node's own commands are allowed */
    uint16_t level;
    node_id node;       /* whose request it is */
    uint64_t value_max; /* that this node takes; 0: not known */
};

static inline void fixture_open(struct fixture *f)
{
    struct buf error = BUF_INIT;
    int err = keyspace_open(&f->ks, f->store, &error);
    ASSERT(err == 0);
    buf_release(&error);
}

static inline void fixture_init(struct fixture *f)
{
    *f = (struct fixture){
        .time_ms = START_MS, .protocol = 2, .level = LEVEL_NEXT};
    f->store = store_memory_new();
    resp_reader_init(&f->reader);
    fixture_open(f);
}

static inline void fixture_release(struct fixture *f)
{
    keyspace_close(f->ks);
    store_close(f->store);
    resp_reader_release(&f->reader);
    buf_release(&f->line);
    buf_release(&f->out);
}

static inline void fixture_begin(struct fixture *f)
{
    f->index++;
    uint64_t term = MAX(keyspace_applied(f->ks)->term, 1);
    struct applied entry = {f->index, term, f->time_ms, f->wall_offset_ms,
                            f->index * 7};
    keyspace_begin(f->ks, &entry, f->index);
}

static inline void fixture_commit(struct fixture *f)
{
    int err = keyspace_commit(f->ks);
    ASSERT(err == 0);
}

/* Splits a line into f->reader.argv. */
static inline void fixture_split(struct fixture *f, const char *line)
{
    struct resp_limits limits = {RESP_ARGC_MAX, RESP_BULK_MAX};
    size_t consumed = 0;
    size_t need = 0;
    const char *error = NULL;
    buf_reset(&f->line);
    buf_str(&f->line, line);
    buf_str(&f->line, "\r\n");
    enum resp_result res = resp_read(&f->reader, buf_view(&f->line), &limits,
                                     &consumed, &need, &error);
    ASSERT(res == RESP_COMMAND && consumed == f->line.len);
}

/* Checks the command split last; false: its error has been written. */
static inline bool fixture_check(struct fixture *f, const struct cmd *cmd)
{
    struct resp_writer w = {.out = &f->out, .protocol = f->protocol};
    struct cmd_args args = {
        .level = f->level,
        .value_max = f->value_max,
        .cmd = cmd,
        .argv = f->reader.argv,
        .argc = f->reader.argc,
        .out = &w,
    };
    size_t before = f->out.len;
    bool ok = cmd_check(&args);
    ASSERT(ok == (f->out.len == before));
    return ok;
}

/* Runs the command split last, checked or not; `out` may be NULL. */
static inline void fixture_execute(struct fixture *f, const struct cmd *cmd,
                                   struct buf *out)
{
    struct resp_writer w = {.out = out, .protocol = f->protocol};
    struct cmd_call call = {
        .level = f->level,
        .node = f->node,
        .cmd = cmd,
        .ks = f->ks,
        .out = &w,
        .argv = f->reader.argv,
        .argc = f->reader.argc,
        .db = f->db,
        .asked = out != NULL,
        .seed = f->index,
    };
    cmd_run(&call);
}

/* Looks the command up; NULL after the error has been written. */
static inline const struct cmd *fixture_find(struct fixture *f)
{
    struct resp_writer w = {.out = &f->out, .protocol = f->protocol};
    const struct cmd *cmd = cmd_lookup(f->reader.argv[0]);
    if (cmd == NULL || ((cmd->flags & CMD_INTERNAL) != 0 && !f->internal)) {
        cmd_reply_unknown(&w, f->reader.argv, f->reader.argc);
        return NULL;
    }
    if (!cmd_arity_ok(cmd, f->reader.argc)) {
        cmd_reply_arity(&w, cmd);
        return NULL;
    }
    return cmd;
}

/* COMMAND, split last. */
static inline void fixture_command(struct fixture *f, const struct cmd *cmd)
{
    struct resp_writer w = {.out = &f->out, .protocol = f->protocol};
    cmd = cmd_resolve(cmd, f->reader.argv, f->reader.argc, LEVEL_NEXT, &w);
    if (cmd != NULL)
        cmd_reply_command(&w, cmd, f->reader.argv, f->reader.argc, LEVEL_NEXT);
}

/* Appends the reply to f->out; an entry must be open. */
static inline void fixture_apply(struct fixture *f, const char *line)
{
    fixture_split(f, line);
    const struct cmd *cmd = fixture_find(f);
    if (cmd == NULL)
        return;
    if (cmd->id == CMD_ID_COMMAND) {
        fixture_command(f, cmd);
        return;
    }
    if (fixture_check(f, cmd))
        fixture_execute(f, cmd, &f->out);
}

/* One command in an entry of its own; returns its reply. */
static inline const char *fixture_run(struct fixture *f, const char *line)
{
    buf_reset(&f->out);
    fixture_begin(f);
    fixture_apply(f, line);
    fixture_commit(f);
    buf_u8(&f->out, 0);
    return (const char *)f->out.data;
}

/* A read outside of any entry, at time_ms. */
static inline const char *fixture_read(struct fixture *f, int64_t time_ms,
                                       const char *line)
{
    buf_reset(&f->out);
    keyspace_read_at(f->ks, time_ms);
    fixture_apply(f, line);
    buf_u8(&f->out, 0);
    return (const char *)f->out.data;
}

#endif
