/*
 * Commands: one table, and the functions of those that work on data.
 *
 * A data command is a pure function of (keyspace, arguments, entry time,
 * seed): it reads no clock and knows no connection. It parses first; with
 * check_only it returns there, so that a syntax error is answered before it
 * enters the log: then it writes the error, or nothing at all. Otherwise it
 * writes exactly one reply.
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

struct cmd_call {
    struct keyspace *ks;     /* NULL with check_only */
    struct resp_writer *out; /* may be a writer that drops everything */
    const struct bytes *argv;
    uint32_t argc;
    uint8_t db;
    bool check_only;
    uint64_t value_max; /* with check_only: the longest value; 0: not known */
    uint64_t seed;
};

typedef void cmd_fn(struct cmd_call *c);

struct cmd {
    const char *name; /* lower case */
    int arity;        /* as Redis: negative means at least */
    uint32_t flags;
    int first_key, last_key, key_step;
    cmd_fn *fn;        /* NULL for commands of the server */
    int server_id;     /* enum server_cmd, or -1 */
    const char *group; /* "string", "generic", ... */
    const char *since; /* of Redis (or Valkey); ours: "1.0.0" */
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
#include "cmd/commands.def"
#undef SERVER
#undef DATA
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

/* Runs a data command; argv[0] is the command's name, arity was checked. A
 * read leaves no trace in the entry, so one replica may execute it alone. */
void cmd_run(const struct cmd *c, struct cmd_call *call);

/* COMMAND [COUNT | INFO [name ...] | DOCS [name ...] | LIST [FILTERBY ...] |
 * GETKEYS ... | HELP]; argv as the client sent it. */
void cmd_reply_command(struct resp_writer *w, const struct bytes *argv,
                       uint32_t argc);

#endif
