/*
 * SHUTDOWN: its words; the orderly end itself is the server's.
 *
 * How it fails: words that contradict each other are a syntax error.
 */
#include "admin/admin_internal.h"

void admin_shutdown(struct server_call *call)
{
    bool now = false, abort = false, save = false, nosave = false;
    for (uint32_t i = 1; i < call->argc; i++) {
        if (arg_is(call, i, "nosave"))
            nosave = true;
        else if (arg_is(call, i, "save"))
            save = true;
        else if (arg_is(call, i, "now"))
            now = true;
        else if (arg_is(call, i, "abort"))
            abort = true;
        else if (!arg_is(call, i, "force")) {
            resp_error(call->out, "ERR syntax error");
            return;
        }
    }
    if ((save && nosave) || (abort && call->argc > 2)) {
        resp_error(call->out, "ERR syntax error");
        return;
    }
    if (abort) {
        if (server_shutdown_abort(call->s))
            resp_status(call->out, "OK");
        else
            resp_error(call->out, "ERR No shutdown in progress.");
        return;
    }
    log_warning(server_log(call->s), "User requested shutdown...");
    server_shutdown(call, now ? SHUTDOWN_NOW : SHUTDOWN_ORDERLY);
}
