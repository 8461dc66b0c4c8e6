/*
 * CONFIG: the options of this node, while it runs. What CONFIG SET changes
 * holds until the process ends; CONFIG REWRITE refuses, because the file
 * belongs to the operator.
 *
 * How it fails: what cannot be done is answered with the reason, and then no
 * option has changed. A pattern that fits no option gets an empty reply, and no
 * error.
 */
#include "admin/admin_internal.h"

/* Each pattern is compared with each option. */
#define PATTERNS_MAX    100
#define PATTERN_LEN_MAX 1024

struct collector {
    struct resp_writer *out;
};

static void write_pair(void *ctx, struct bytes name, struct bytes value)
{
    struct collector *c = ctx;
    ASSERT(name.len > 0);
    resp_bulk(c->out, name);
    resp_bulk(c->out, value);
}

/* False: an error was written. */
static bool patterns_ok(struct server_call *call)
{
    ASSERT(call->argc > 2);
    if (call->argc - 2 > PATTERNS_MAX) {
        resp_errorf(call->out, "ERR too many patterns: at most %d are accepted",
                    PATTERNS_MAX);
        return false;
    }
    for (uint32_t i = 2; i < call->argc; i++) {
        if (call->argv[i].len > PATTERN_LEN_MAX) {
            resp_errorf(
                call->out,
                "ERR a pattern is too long: at most %d bytes are accepted",
                PATTERN_LEN_MAX);
            return false;
        }
    }
    return true;
}

void admin_config_get(struct server_call *call)
{
    const struct bytes *patterns = call->argv + 2;
    size_t count = call->argc - 2;
    struct collector collector = {call->out};
    ASSERT(count > 0);
    if (!patterns_ok(call))
        return;
    size_t pairs =
        config_get(server_config(call->s), patterns, count, NULL, NULL);
    resp_map(call->out, pairs);
    size_t written = config_get(server_config(call->s), patterns, count,
                                write_pair, &collector);
    ASSERT(written == pairs);
}

void admin_config_set(struct server_call *call)
{
    ASSERT(call->argc >= 4);
    struct buf error = BUF_INIT;
    int err = config_set(server_config(call->s), call->argv + 2, call->argc - 2,
                         &error);
    ASSERT(err == 0 || error.len > 0);
    if (err != 0) {
        resp_errorf(call->out, "ERR %.*s", (int)error.len,
                    (const char *)error.data);
    } else {
        server_config_changed(call->s);
        resp_status(call->out, "OK");
    }
    buf_release(&error);
}

void admin_config_resetstat(struct server_call *call)
{
    server_stats_reset(call->s);
    resp_status(call->out, "OK");
}

void admin_config_rewrite(struct server_call *call)
{
    if (server_config(call->s)->file[0] == '\0')
        resp_error(call->out,
                   "ERR The server is running without a config file");
    else
        resp_error(call->out, "ERR Rewriting config file: not supported, "
                              "change the file by hand");
}
