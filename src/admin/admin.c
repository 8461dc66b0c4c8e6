/*
 * The table of the server's own commands, and those that are too small for a
 * file of their own.
 *
 * How it fails: wrong arguments are answered.
 */
#include "admin/admin.h"

#include "admin/admin_internal.h"
#include "os/clock.h"

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

server_fn *const admin_commands[SERVER_CMD_COUNT] = {
    [SERVER_CMD_AUTH] = admin_auth,     [SERVER_CMD_CLIENT] = admin_client,
    [SERVER_CMD_COMMAND] = command,     [SERVER_CMD_CONFIG] = admin_config,
    [SERVER_CMD_ECHO] = echo,           [SERVER_CMD_HELLO] = admin_hello,
    [SERVER_CMD_INFO] = admin_info,     [SERVER_CMD_PING] = ping,
    [SERVER_CMD_QUIT] = admin_quit,     [SERVER_CMD_RAFT] = admin_raft,
    [SERVER_CMD_RESET] = admin_reset,   [SERVER_CMD_ROLE] = admin_role,
    [SERVER_CMD_SELECT] = admin_select, [SERVER_CMD_SHUTDOWN] = admin_shutdown,
    [SERVER_CMD_TIME] = tell_time,
};
