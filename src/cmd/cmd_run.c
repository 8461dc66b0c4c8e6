/*
 * The functions of the data commands by id, and what is checked around each.
 *
 * How it fails: when an entry has brought too much into memory, the rest of
 * its commands are answered with OOM, by every replica alike.
 */
#include "cmd/cmd_internal.h"
#include "data/database.h"

static const struct cmd_functions functions[CMD_ID_COUNT] = {
#define RUN(id, run) [CMD_ID_##id] = {NULL, cmd_##run##_run},
#define CHECKED(id, check, run)                                                \
    [CMD_ID_##id] = {cmd_##check##_check, cmd_##run##_run},
#include "cmd/functions.def"
#undef RUN
#undef CHECKED
};

const struct cmd_functions *cmd_functions(enum cmd_id id)
{
    ASSERT(id >= 0 && id < CMD_ID_COUNT);
    if (functions[id].run == NULL)
        return NULL;
    ASSERT(cmd_is_data(cmd_by_id(id)));
    return &functions[id];
}

void cmd_help_run(struct cmd_call *c)
{
    ASSERT(c->cmd->container != CMD_ID_NONE);
    cmd_reply_help(c->out, cmd_by_id(c->cmd->container), c->level);
}

/* Only this replica's reads through the log: they may be refused here. */
static bool reads_full(const struct keyspace *ks)
{
    ASSERT(ks != NULL);
    return keyspace_read_bytes(ks) > CMD_ENTRY_BYTES_MAX ||
           keyspace_read_views(ks) > CMD_ENTRY_VIEWED_MAX;
}

bool cmd_check(struct cmd_args *args)
{
    const struct cmd *c = args->cmd;
    ASSERT(cmd_is_data(c) && cmd_arity_ok(c, args->argc));
    ASSERT(cmd_level(c) <= args->level);
    ASSERT(args->out->out != NULL && !args->out->over);
    if ((c->flags & CMD_CONTAINER) != 0)
        c = cmd_resolve(c, args->argv, args->argc, args->level, args->out);
    if (c == NULL)
        return false;
    cmd_check_fn *check = functions[c->id].check;
    size_t before = args->out->out->len;
    args->cmd = c;
    bool ok = check == NULL || check(args);
    ASSERT(!ok || args->out->out->len == before);
    return ok;
}

/* `out` is where the reply began: its rest may be elsewhere. */
static bool has_replied(const struct resp_writer *w, const struct buf *out,
                        size_t before)
{
    ASSERT(out == NULL || out->len >= before);
    return out == NULL || w->over || out->len > before;
}

static void execute(struct cmd_call *call, bool read)
{
    const struct cmd *c = call->cmd;
    if ((c->flags & CMD_CONTAINER) != 0)
        c = cmd_resolve(c, call->argv, call->argc, call->level, call->out);
    if (c == NULL)
        return;
    ASSERT((c->flags & CMD_WRITE) == (call->cmd->flags & CMD_WRITE));
    call->cmd = c;
    call->db = database_place(call->ks, call->db);
    keyspace_set_reading(call->ks, read);
    functions[c->id].run(call);
    keyspace_set_reading(call->ks, false);
}

/* A step of a transaction: an entry that is full does not end what has begun.
 */
static void run_one(struct cmd_call *call)
{
    const struct cmd *c = call->cmd;
    ASSERT(cmd_is_data(c) && cmd_arity_ok(c, call->argc));
    ASSERT(call->steps == NULL && call->rest == NULL);
    bool read = (c->flags & CMD_WRITE) == 0 && !call->kept;
    if (read && reads_full(call->ks))
        cmd_reply_entry_full(call->out);
    else
        execute(call, read);
}

void cmd_run(struct cmd_call *call)
{
    const struct cmd *c = call->cmd;
    ASSERT(cmd_is_data(c) && cmd_arity_ok(c, call->argc));
    ASSERT(cmd_level(c) <= call->level);
    ASSERT(call->db < KEYSPACE_DATABASES);
    const struct buf *out = call->out->out;
    size_t before = out != NULL ? out->len : 0;
    bool read = (c->flags & CMD_WRITE) == 0;
    if (cmd_entry_full(call->ks) || (read && reads_full(call->ks))) {
        cmd_reply_entry_full(call->out);
        return;
    }
    call->run_step = run_one;
    execute(call, read);
    ASSERT(call->undone || out == NULL ||
           call->blocked != has_replied(call->out, out, before));
    ASSERT(!call->blocked || (call->cmd->flags & CMD_BLOCKS) != 0);
}
