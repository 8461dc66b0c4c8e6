/*
 * Commands that the server itself executes: about the connection, the node
 * and its configuration. Each writes exactly one reply, or none where Redis
 * writes none (CLIENT REPLY OFF).
 */
#ifndef SERVER_COMMANDS_H
#define SERVER_COMMANDS_H

#include "base/base.h"
#include "base/bytes.h"
#include "cmd/cmd.h"
#include "resp/resp_writer.h"

struct server;
struct client;

struct server_call {
    struct server *s;
    struct client *c;
    const struct cmd *cmd;
    const struct bytes *argv;
    uint32_t argc;
    struct resp_writer *out;
};

typedef void server_fn(struct server_call *call);

/* Runs the function of the command; arity and rights were checked. */
void server_command_run(struct server_call *call);

/* A command's subcommands; the arity is as in the command table. */
struct subcommand {
    const char *name; /* lower case */
    int arity;
    server_fn *fn;
};

/* Finds argv[1] in the table and runs it, or answers as Redis does. "help"
 * answers with the lines of `help`. */
void subcommand_run(struct server_call *call, const struct subcommand *table,
                    size_t count, const char *const *help, size_t help_count);

bool arg_is(const struct server_call *call, uint32_t i, const char *word);

server_fn server_auth, server_hello, server_reset, server_quit, server_select;
server_fn server_client, server_config, server_info, server_raft, server_role;
server_fn server_shutdown_command;

/* One client in the format of CLIENT LIST, without a newline. */
void client_describe(const struct client *c, struct buf *out);

#endif
