/*
 * Transactions (program.h): VARD.EXEC and VARD.EXEC_RO, which are EXEC as the
 * log has it, and VARD.WATCH, by which a node learns what a transaction is to
 * depend on.
 *
 * How it works: all conditions first; then every step as the command it is, one
 * after the other, with nothing in between, because an entry is executed as a
 * whole. A step that writes is executed by all replicas; one that reads by the
 * one whose client gets the answer, or by all if that is kept (ONCE).
 *
 * A record has the index of its last write as its version, so any write between
 * WATCH and EXEC is noticed, of the same value, too. What was not there may
 * have come and gone: absent then and absent now is the same.
 *
 * How it fails: an error of a step is its reply, and the others go on. Whether
 * an entry is full is asked before the first step alone; a transaction that
 * brings more into memory than an entry may is `undone`: its caller takes back
 * all of it.
 */
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "cmd/program.h"
#include "data/database.h"

/* The reply to a transaction has no more reads than this. */
#define REPLY_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* --- conditions --------------------------------------------------------- */

enum verdict { HOLDS, FAILS, WRONG_TYPE };

static enum verdict compare(struct cmd_call *c, const struct value *v,
                            struct bytes wanted, bool equal)
{
    ASSERT(v->type != VALUE_NONE);
    if (v->type != VALUE_STRING)
        return WRONG_TYPE;
    return keyspace_equals(c->ks, v, wanted) == equal ? HOLDS : FAILS;
}

/* Records of two databases may be of the same entry, and SWAPDB exchanges them:
 * so the place counts as well. */
static uint64_t stamp_of(const struct value *v, uint8_t place)
{
    ASSERT(v->version > 0 && place < KEYSPACE_DATABASES);
    return v->version * KEYSPACE_DATABASES + place;
}

static enum verdict look(struct cmd_call *c,
                         const struct program_condition *condition,
                         const struct bytes *argv)
{
    struct value v;
    uint8_t place = database_place(c->ks, condition->db);
    bool found = keyspace_get(c->ks, place, argv[0], &v);
    switch (condition->kind) {
    case CONDITION_WATCHED:
        return found && stamp_of(&v, place) == condition->version ? HOLDS
                                                                  : FAILS;
    case CONDITION_ABSENT:
    case CONDITION_NX:
        return found ? FAILS : HOLDS;
    case CONDITION_IFEQ:
        return found ? compare(c, &v, argv[1], true) : FAILS;
    case CONDITION_IFNE:
        return found ? compare(c, &v, argv[1], false) : HOLDS;
    default:
        ASSERT(condition->kind == CONDITION_XX);
        return found ? HOLDS : FAILS;
    }
}

/* The first that does not hold decides. */
static enum verdict conditions_hold(struct cmd_call *c, const struct program *p,
                                    const struct bytes *argv)
{
    for (uint32_t i = 0; i < p->conditions; i++) {
        struct program_condition condition = program_condition(p, i);
        enum verdict verdict = look(c, &condition, argv);
        if (verdict != HOLDS)
            return verdict;
        argv += condition_argc(condition.kind);
    }
    ASSERT(argv == c->argv + c->argc);
    return HOLDS;
}

/* --- steps -------------------------------------------------------------- */

/* A peer may have written anything. */
static const struct cmd *step_command(const struct cmd_call *c,
                                      const struct program_step *s,
                                      const struct bytes *argv)
{
    const struct cmd *cmd = cmd_lookup_at(argv[0], c->level);
    ASSERT(s->argc > 0);
    if (cmd == NULL || !cmd_is_data(cmd) || !cmd_arity_ok(cmd, s->argc) ||
        (cmd->flags & CMD_INTERNAL) != 0)
        return NULL;
    return cmd;
}

static void tell(const struct cmd_call *c, const struct cmd *cmd, size_t before,
                 int64_t since_us)
{
    const struct buf *out = c->out->out;
    if (c->steps == NULL || out == NULL || c->out->over)
        return;
    ASSERT(out->len > before);
    c->steps->done(c->steps->ctx, cmd, bytes_from(buf_view(out), before),
                   since_us);
}

static bool is_too_long(const struct cmd_call *c, size_t begin)
{
    const struct buf *out = c->out->out;
    ASSERT(out == NULL || out->len >= begin);
    return !c->kept && out != NULL && out->len - begin > REPLY_BYTES_MAX;
}

/* One step that is a command on data. */
static void run_step(struct cmd_call *c, const struct program_step *s,
                     const struct bytes *argv, size_t begin)
{
    const struct cmd *cmd = step_command(c, s, argv);
    const struct buf *out = c->out->out;
    size_t before = out != NULL ? out->len : 0;
    int64_t since_us = c->steps != NULL ? c->steps->now(c->steps->ctx) : 0;
    if (cmd == NULL) {
        cmd_reply_unknown(c->out, argv, s->argc);
        return;
    }
    bool write = (cmd->flags & CMD_WRITE) != 0;
    if (write && c->cmd->id != CMD_ID_VARD_EXEC) {
        cmd_reply_unknown(c->out, argv, s->argc); /* nobody sends it */
        return;
    }
    if (!write && out == NULL)
        return;
    struct cmd_call call = {.cmd = cmd,
                            .ks = c->ks,
                            .out = c->out,
                            .argv = argv,
                            .argc = s->argc,
                            .level = c->level,
                            .db = s->db,
                            .asked = c->asked,
                            .kept = c->kept,
                            .seed = c->seed,
                            .node = c->node};
    if (!write && is_too_long(c, begin))
        resp_error(c->out, "ERR the reply to this transaction has more than 64 "
                           "MiB: read less in one, or outside");
    else
        c->run_step(&call);
    if (call.blocked) /* it does not wait here */
        cmd_reply_nothing(&call);
    tell(c, call.cmd, before, since_us);
}

/* What the whole entry had brought into memory when the steps began. */
struct brought {
    uint64_t bytes;
    uint64_t views;
};

static bool is_too_much(const struct cmd_call *c, const struct brought *before)
{
    uint64_t bytes = keyspace_entry_bytes(c->ks);
    uint64_t views = keyspace_viewed_bytes(c->ks);
    ASSERT(bytes >= before->bytes && views >= before->views);
    return bytes - before->bytes > CMD_ENTRY_BYTES_MAX ||
           views - before->views > CMD_ENTRY_VIEWED_MAX;
}

static void run_local(struct cmd_call *c, uint32_t i)
{
    if (c->steps != NULL && c->out->out != NULL)
        c->steps->local(c->steps->ctx, i, c->out);
}

static void run_steps(struct cmd_call *c, const struct program *p)
{
    const struct bytes *argv = c->argv + PROGRAM_ARGS;
    const struct brought before = {keyspace_entry_bytes(c->ks),
                                   keyspace_viewed_bytes(c->ks)};
    size_t begin = c->out->out != NULL ? c->out->out->len : 0;
    uint64_t seed = c->seed;
    resp_array(c->out, p->steps);
    for (uint32_t i = 0; i < p->steps && !c->undone; i++) {
        struct program_step s = program_step(p, i);
        c->seed = seed + i * UINT64_C(0x9e3779b97f4a7c15);
        if (s.local)
            run_local(c, i);
        else
            run_step(c, &s, argv, begin);
        argv += s.argc;
        c->undone = is_too_much(c, &before);
    }
}

static const struct bytes *condition_args(const struct cmd_call *c,
                                          const struct program *p)
{
    const struct bytes *argv = c->argv + PROGRAM_ARGS;
    for (uint32_t i = 0; i < p->steps; i++)
        argv += program_step(p, i).argc;
    ASSERT(argv <= c->argv + c->argc);
    return argv;
}

void cmd_exec_run(struct cmd_call *c)
{
    struct program p;
    ASSERT(c->argc >= PROGRAM_ARGS && !c->undone);
    if (!program_decode(c->argv[1], c->argc, &p)) {
        cmd_reply_unknown(c->out, c->argv, 1); /* a peer has made it up */
        return;
    }
    switch (conditions_hold(c, &p, condition_args(c, &p))) {
    case FAILS:
        resp_null_array(c->out);
        break;
    case WRONG_TYPE:
        reply_wrong_type(c->out);
        break;
    case HOLDS:
        run_steps(c, &p);
        break;
    }
}

/* --- WATCH -------------------------------------------------------------- */

/* VARD.WATCH key ...: of each its version; 0, there is none; -1, one that no
 * record will have: this entry has written the key, and may write it again with
 * the same version. */
void cmd_watch_run(struct cmd_call *c)
{
    uint64_t applied = keyspace_applied(c->ks)->index;
    resp_array(c->out, c->argc - 1);
    for (uint32_t i = 1; i < c->argc; i++) {
        struct value v;
        int64_t told = 0;
        if (keyspace_get(c->ks, c->db, c->argv[i], &v))
            told = v.version > applied ? -1 : (int64_t)stamp_of(&v, c->db);
        ASSERT(told >= -1 && (told != 0 || v.type == VALUE_NONE));
        resp_integer(c->out, told);
    }
}
