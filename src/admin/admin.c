/*
 * The table of the server's own commands, and those that are too small for a
 * file of their own.
 *
 * How it fails: wrong arguments are answered.
 */
#include "admin/admin.h"

#include "admin/admin_internal.h"
#include "os/clock.h"

#include <inttypes.h>

void admin_ping(struct server_call *call)
{
    ASSERT(call->argc >= 1);
    if (call->argc > 2)
        cmd_reply_arity(call->out, call->cmd);
    else if (call->argc == 2)
        resp_bulk(call->out, call->argv[1]);
    else
        resp_status(call->out, "PONG");
}

void admin_echo(struct server_call *call)
{
    ASSERT(call->argc == 2);
    resp_bulk(call->out, call->argv[1]);
}

void admin_time(struct server_call *call)
{
    int64_t us = clock_wall_us();
    ASSERT(us >= 0);
    resp_array(call->out, 2);
    resp_bulkf(call->out, "%" PRId64, us / 1000000);
    resp_bulkf(call->out, "%" PRId64, us % 1000000);
}

void admin_command(struct server_call *call)
{
    cmd_reply_command(call->out, call->cmd, call->argv, call->argc,
                      server_level(call->s));
}

void admin_help(struct server_call *call)
{
    ASSERT(call->cmd->container != CMD_ID_NONE);
    cmd_reply_help(call->out, cmd_by_id(call->cmd->container),
                   server_level(call->s));
}

server_fn *const admin_commands[CMD_ID_COUNT] = {
#define LOCAL(id, fn) [CMD_ID_##id] = admin_##fn,
#include "admin/functions.def"
#undef LOCAL
};
