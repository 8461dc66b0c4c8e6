/*
 * Commands: one table, and the functions of those that work on data.
 *
 * A data command is a pure function of (keyspace, arguments, entry time,
 * seed): it reads no clock and knows no connection. It has two halves. Its
 * check looks at the arguments alone, so that a syntax error is answered
 * before it enters the log. Its run executes an entry and writes exactly one
 * reply; an entry may come from another node, so it does not rely on the
 * check: both use the same parser.
 *
 * Commands of the server itself (PING, CONFIG, ...) stand in the same table
 * (commands.def) with their arity, flags and documentation, and have their
 * functions in src/server.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include "base/base.h"
#include "base/bytes.h"
#include "data/keyspace.h"
#include "resp/resp_writer.h"

enum cmd_flag {
    CMD_WRITE = 1 << 0, /* goes through the log */
    CMD_READ = 1 << 1,  /* reads data: linearizable read */
    CMD_FAST = 1 << 2,
    CMD_ADMIN = 1 << 3,
    CMD_NO_AUTH = 1 << 4, /* allowed before AUTH */
    CMD_LOADING = 1 << 5, /* allowed without a leader */
    CMD_STALE = 1 << 6,
    CMD_DENYOOM = 1 << 7,
    CMD_SERVER = 1 << 8, /* its function is the server's */
    CMD_NOSCRIPT = 1 << 9,
    CMD_SKIP_MONITOR = 1 << 10,
    CMD_INTERNAL = 1 << 11, /* the node's own: refuse it from clients */
    CMD_ALLOW_BUSY = 1 << 12,
    CMD_NO_MULTI = 1 << 13,
    CMD_UPKEEP = 1 << 14, /* internal, and on no client's behalf at all */
};

/* What is checked before a command enters the log. */
struct cmd_args {
    const struct cmd *cmd;
    const struct bytes *argv; /* argv[0] is the command's name */
    uint32_t argc;
    uint64_t value_max; /* the longest value this node takes; 0: not known */
    struct resp_writer *out; /* for the error */
};

/* What is executed; borrowed for the call. */
struct cmd_call {
    const struct cmd *cmd;
    struct keyspace *ks;
    struct resp_writer *out; /* may be a writer that drops everything */
    const struct bytes *argv;
    uint32_t argc;
    uint8_t db;
    uint64_t seed;
};

/* False: the error has been written. True: nothing has been written. */
typedef bool cmd_check_fn(struct cmd_args *a);
/* Writes one reply. */
typedef void cmd_run_fn(struct cmd_call *c);

struct cmd {
    const char *name; /* lower case */
    int arity;        /* as Redis: negative means at least */
    uint32_t flags;
    int first_key, last_key, key_step;
    cmd_check_fn *check; /* NULL: any arguments of the right number will do */
    cmd_run_fn *run;     /* NULL for commands of the server */
    int server_id;       /* enum server_cmd, or -1 */
    const char *group;   /* "string", "generic", ... */
    const char *since;   /* of Redis (or Valkey); ours: "1.0.0" */
    const char *summary;
    const char *complexity;
    const char *categories; /* as COMMAND INFO: "@write @string @slow" */
    const char *key_flags;  /* what is done to the keys: "RW access update" */
    const char *tips;       /* as COMMAND INFO, or "" */
    const char *syntax;     /* the arguments: "key value [NX|XX]" */
};

/* Every server command has an id here: SERVER_CMD_PING, ... */
enum server_cmd {
    SERVER_CMD_NONE = -1,
#define SERVER(id, ...) SERVER_CMD_##id,
#define DATA(...)
#define CHECKED(...)
#include "cmd/commands.def"
#undef SERVER
#undef DATA
#undef CHECKED
    SERVER_CMD_COUNT,
};

/* Finds a command without regard to case; NULL if there is none. Internal
 * ones are found too: for clients they must be unknown commands. */
const struct cmd *cmd_lookup(struct bytes name);
/* By position in the table, 0..cmd_count()-1, in order of names. */
const struct cmd *cmd_at(size_t i);
size_t cmd_count(void);

/* The argument count fits the arity. */
bool cmd_arity_ok(const struct cmd *c, uint32_t argc);

/* Redis's texts: "unknown command 'x', with args beginning with: ..." and
 * "wrong number of arguments for 'x' command". */
void cmd_reply_unknown(struct resp_writer *w, const struct bytes *argv,
                       uint32_t argc);
void cmd_reply_arity(struct resp_writer *w, const struct cmd *c);

/* An entry that has brought more than this into memory executes nothing more:
 * the rest of its commands are answered with OOM, those of the original's
 * protocol and the sweep (which comes again) included. A few kilobytes of
 * APPEND to large values could exhaust the memory of every replica otherwise,
 * again at each restart. Part of the state machine, so it is no option. */
#define CMD_ENTRY_BYTES_MAX (256 * 1024 * 1024)

/* During apply: the entry is over that limit. The same on every replica. */
bool cmd_entry_full(const struct keyspace *ks);
void cmd_reply_entry_full(struct resp_writer *w);

/* Whether the arguments of a data command make sense, as far as they tell by
 * themselves; the arity was checked. False: the error has been written. */
MUST_USE bool cmd_check(struct cmd_args *args);
/* Runs a data command; the arity was checked. A read leaves no trace in the
 * entry, so one replica may execute it alone. */
void cmd_run(struct cmd_call *call);

/* COMMAND [COUNT | INFO [name ...] | DOCS [name ...] | LIST [FILTERBY ...] |
 * GETKEYS ... | HELP]; argv as the client sent it. */
void cmd_reply_command(struct resp_writer *w, const struct bytes *argv,
                       uint32_t argc);

#endif
