/*
 * The commands that work on data, and the replies that tell what the table
 * (table/table.h) says about all commands.
 *
 * A data command is a pure function of (keyspace, arguments, entry time,
 * seed): it reads no clock and knows no connection. It has two parts. Its
 * check looks at the arguments alone, so that a syntax error is answered
 * before it enters the log. Its run executes an entry and writes exactly one
 * reply; an entry may come from another node, so it does not rely on the
 * check: both use the same parser.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include "base/base.h"
#include "base/bytes.h"
#include "cmd/cmd_rest.h"
#include "data/keyspace.h"
#include "resp/resp_writer.h"
#include "table/table.h"

/* What is checked before a command enters the log. */
struct cmd_args {
    const struct cmd *cmd;    /* a container becomes the subcommand */
    const struct bytes *argv; /* argv[0] is the command's name */
    uint32_t argc;
    uint16_t level;     /* in force, by which words are known */
    uint64_t value_max; /* the longest value this node takes; 0: not known */
    struct resp_writer *out; /* for the error */
};

/* Who is told of the steps of a transaction: the server whose client waits for
 * the reply. */
struct cmd_steps {
    void *ctx;
    /* Executes a step that is no command on data, and writes its reply. */
    void (*local)(void *ctx, uint32_t step, struct resp_writer *out);
    /* One on data was executed; `since_us` is what now() said before. */
    void (*done)(void *ctx, const struct cmd *cmd, struct bytes reply,
                 int64_t since_us);
    int64_t (*now)(void *ctx);
};

/* What is executed; borrowed for the call. */
struct cmd_call {
    const struct cmd *cmd; /* a container becomes the subcommand */
    struct keyspace *ks;
    struct resp_writer *out; /* may be a writer that drops everything */
    struct cmd_rest *rest;   /* takes what may follow; NULL: nothing may */
    const struct bytes *argv;
    uint32_t argc;
    uint16_t level; /* in force at the entry */
    uint8_t db; /* as the client calls it; in a run, its place (database.h) */
    bool asked; /* this node's client has sent it: its lookups are counted */
    bool kept;  /* its reply is, so that all replicas build it (ONCE) */
    uint64_t seed;
    node_id node; /* in whose session it is, in apply */
    bool blocked; /* set by a run that found nothing to take (CMD_BLOCKS): it
                     has changed nothing and written no reply */
    struct cmd_since *since; /* of an XREAD that may wait: one for each of its
                                arguments at least; or NULL */
    /* Of a transaction: */
    const struct cmd_steps *steps; /* NULL: nobody is told of them */
    /* Set by cmd_run(), which runs a step by it. */
    void (*run_step)(struct cmd_call *call);
    bool undone; /* set: it has brought too much into memory, and must be
                    taken back; the reply is worth nothing */
};

/* What "$" of XREAD stood for when it was looked up first. */
struct cmd_since {
    bool known;
    uint64_t ms;
    uint64_t seq;
};

/* Redis's texts: "unknown command 'x', with args beginning with: ..." and
 * "wrong number of arguments for 'x' command". */
void cmd_reply_unknown(struct resp_writer *w, const struct bytes *argv,
                       uint32_t argc);
void cmd_reply_arity(struct resp_writer *w, const struct cmd *c);
/* The lines of a container's HELP, at this level. */
void cmd_reply_help(struct resp_writer *w, const struct cmd *container,
                    uint16_t level);

/* The row that is to be executed: the subcommand that argv names if `c` is a
 * container, else `c` itself. NULL: there is no such subcommand at this level,
 * or argc does not fit its arity; the error has been written. The arity of `c`
 * was checked. */
MUST_USE const struct cmd *cmd_resolve(const struct cmd *c,
                                       const struct bytes *argv, uint32_t argc,
                                       uint16_t level, struct resp_writer *w);

/* An entry that has brought more than this into memory executes nothing more:
 * the rest of its commands are answered with OOM, those of Verdi's
 * protocol and the sweep (which comes again) included. A few kilobytes of
 * APPEND to large values could exhaust the memory of every replica otherwise,
 * again at each restart. Part of the state machine, so it is not an option. */
#define CMD_ENTRY_BYTES_MAX (256 * 1024 * 1024)

/* A sweep deletes no more than this, whatever it was told: the memory of an
 * entry has a bound. Part of the state machine, too. */
#define CMD_SWEEP_LIMIT_MAX 100000

/* The same for one that has asked for more of values that are apart: these
 * bytes are not kept in memory, but every replica may have to read them. */
#define CMD_ENTRY_VIEWED_MAX (1024 * 1024 * 1024)

/* During apply: the entry is over a limit. The same on every replica. */
bool cmd_entry_full(const struct keyspace *ks);
void cmd_reply_entry_full(struct resp_writer *w);
/* The same of a transaction that was taken back, or that comes behind one. */
void cmd_reply_undone(struct resp_writer *w);
void cmd_reply_behind_undone(struct resp_writer *w);

/* Whether the arguments of a data command make sense by themselves; the arity
 * was checked. False: the error has been written. */
MUST_USE bool cmd_check(struct cmd_args *args);
/* Runs a data command; the arity was checked. A read leaves no trace in the
 * entry, so one replica may execute it alone. */
void cmd_run(struct cmd_call *call);

/* What a command that may wait (CMD_BLOCKS) waits for: elements of a collection
 * of this type at one of its keys that are not KEY_INSERT. Its arguments were
 * checked. */
struct cmd_blocking {
    bool waits;         /* false: it was not asked to (XREAD without BLOCK) */
    bool grouped;       /* for what a group of consumers has not got: this one,
                           which has to be there as long as it waits */
    uint8_t type;       /* enum value_type */
    int64_t timeout_ms; /* 0: it waits forever */
    struct bytes group; /* borrowed from the arguments */
};
struct cmd_blocking cmd_blocking(const struct cmd *c, const struct bytes *argv,
                                 uint32_t argc);
/* How many entries a group has not got; false: there is no such group. */
MUST_USE bool cmd_group_news(struct keyspace *ks, uint8_t db, struct bytes key,
                             struct bytes group, uint64_t *count);
/* The reply to a run that has found nothing, where nobody can wait: between
 * MULTI and EXEC, in a script. */
void cmd_reply_nothing(const struct cmd_call *call);

/* COMMAND and its subcommands, of what there is at this level; c is the row
 * that was resolved, argv as the client sent it. */
void cmd_reply_command(struct resp_writer *w, const struct cmd *c,
                       const struct bytes *argv, uint32_t argc, uint16_t level);

#endif
