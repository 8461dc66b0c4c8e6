/*
 * The functions of the commands, and what they share.
 */
#ifndef ADMIN_ADMIN_INTERNAL_H
#define ADMIN_ADMIN_INTERNAL_H

#include "server/command.h"

server_fn admin_auth, admin_hello, admin_reset, admin_quit, admin_select;
server_fn admin_client, admin_config, admin_info, admin_raft, admin_role;
server_fn admin_shutdown;

/* The argument is that word, in upper or lower case. */
bool arg_is(const struct server_call *call, uint32_t i, const char *word);
/* Every byte is a printable character of ASCII, and no space. */
bool is_printable(struct bytes text);

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

#endif
