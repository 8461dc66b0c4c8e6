/*
 * The table of the server's commands, subcommands, and the commands that are
 * too small for a file of their own.
 */
#include "server/commands.h"

#include "base/num.h"
#include "os/clock.h"
#include "server/server_internal.h"

#include <ctype.h>
#include <stdio.h>

static void ping(struct server_call *call)
{
    if (call->argc > 2)
        cmd_reply_arity(call->out, call->cmd);
    else if (call->argc == 2)
        resp_bulk(call->out, call->argv[1]);
    else
        resp_status(call->out, "PONG");
}

static void echo(struct server_call *call)
{
    resp_bulk(call->out, call->argv[1]);
}

static void tell_time(struct server_call *call)
{
    int64_t us = clock_wall_us();
    ASSERT(us >= 0);
    resp_array(call->out, 2);
    resp_bulkf(call->out, "%lld", (long long)(us / 1000000));
    resp_bulkf(call->out, "%lld", (long long)(us % 1000000));
}

static void command(struct server_call *call)
{
    cmd_reply_command(call->out, call->argv, call->argc);
}

static server_fn *const functions[SERVER_CMD_COUNT] = {
    [SERVER_CMD_AUTH] = server_auth,
    [SERVER_CMD_CLIENT] = server_client,
    [SERVER_CMD_COMMAND] = command,
    [SERVER_CMD_CONFIG] = server_config,
    [SERVER_CMD_ECHO] = echo,
    [SERVER_CMD_HELLO] = server_hello,
    [SERVER_CMD_INFO] = server_info,
    [SERVER_CMD_PING] = ping,
    [SERVER_CMD_QUIT] = server_quit,
    [SERVER_CMD_RAFT] = server_raft,
    [SERVER_CMD_RESET] = server_reset,
    [SERVER_CMD_ROLE] = server_role,
    [SERVER_CMD_SELECT] = server_select,
    [SERVER_CMD_SHUTDOWN] = server_shutdown_command,
    [SERVER_CMD_TIME] = tell_time,
};

void server_command_run(struct server_call *call)
{
    int id = call->cmd->server_id;
    ASSERT(id >= 0 && id < SERVER_CMD_COUNT);
    if (functions[id] == NULL) {
        resp_error(call->out, "ERR this command is not available");
        return;
    }
    functions[id](call);
}

bool arg_is(const struct server_call *call, uint32_t i, const char *word)
{
    return i < call->argc && bytes_eq_nocase(call->argv[i], bytes_str(word));
}

#define NAME_MAX_LEN 32

static void upper_name(const struct server_call *call, char out[NAME_MAX_LEN])
{
    const char *name = call->cmd->name;
    size_t len = 0;
    for (; name[len] != '\0' && len < NAME_MAX_LEN - 1; len++)
        out[len] = (char)toupper((unsigned char)name[len]);
    out[len] = '\0';
}

static void reply_help(struct server_call *call, const char *const *help,
                       size_t help_count)
{
    char name[NAME_MAX_LEN];
    char first[128];
    upper_name(call, name);
    snprintf(
        first, sizeof(first),
        "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", name);
    resp_array(call->out, help_count + 3);
    resp_status(call->out, first);
    for (size_t i = 0; i < help_count; i++)
        resp_status(call->out, help[i]);
    resp_status(call->out, "HELP");
    resp_status(call->out, "    Print this help.");
}

static void reply_sub_arity(struct server_call *call, const char *name)
{
    resp_errorf(call->out, "ERR wrong number of arguments for '%s|%s' command",
                call->cmd->name, name);
}

void subcommand_run(struct server_call *call, const struct subcommand *table,
                    size_t count, const char *const *help, size_t help_count)
{
    ASSERT(call->argc >= 2);
    if (arg_is(call, 1, "help")) {
        if (call->argc == 2)
            reply_help(call, help, help_count);
        else
            reply_sub_arity(call, "help");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (!arg_is(call, 1, table[i].name))
            continue;
        int arity = table[i].arity;
        int argc = (int)call->argc;
        ASSERT(arity != 0);
        if (arity > 0 ? argc == arity : argc >= -arity) {
            table[i].fn(call);
            return;
        }
        reply_sub_arity(call, table[i].name);
        return;
    }
    char name[NAME_MAX_LEN];
    int len = (int)MIN(call->argv[1].len, 128);
    upper_name(call, name);
    resp_errorf(call->out, "ERR unknown subcommand '%.*s'. Try %s HELP.", len,
                (const char *)call->argv[1].data, name);
}
