/*
 * How it works: the run of a command that may wait takes what is there, or sets
 * cmd_call.blocked and does nothing. Who waits, and for how long, is the affair
 * of the node that the client is connected with (src/server/blocked.h).
 *
 * How it fails: a time that is none is an error. One that does not fit in a
 * number of milliseconds is negative, as in Redis 7.0.
 */
#include "cmd/cmd_block.h"

#include "cmd/cmd_counter.h"
#include "cmd/cmd_stream.h"

#include <math.h>

#define MS_END 9223372036854775808.0L /* 2^63 */

static struct bytes timeout_of(const struct cmd *c, const struct bytes *argv,
                               uint32_t argc)
{
    ASSERT((c->flags & CMD_BLOCKS) != 0 && argc >= 3);
    bool is_first = c->id == CMD_ID_BLMPOP || c->id == CMD_ID_BZMPOP;
    return argv[is_first ? 1 : argc - 1];
}

/* In ms; NULL, or the error. */
static const char *parse_timeout(struct bytes arg, int64_t *out)
{
    long double seconds = 0;
    *out = 0;
    if (!float_from(arg, &seconds))
        return "ERR timeout is not a float or out of range";
    long double ms = ceill(seconds * 1000);
    if (ms < 0 || ms >= MS_END)
        return "ERR timeout is negative";
    *out = (int64_t)ms;
    return NULL;
}

bool check_timeout(const struct cmd_args *a)
{
    int64_t ms = 0;
    ASSERT((a->cmd->categories & CAT_STREAM) == 0); /* in ms: BLOCK */
    if ((a->cmd->flags & CMD_BLOCKS) == 0)
        return true;
    const char *error =
        parse_timeout(timeout_of(a->cmd, a->argv, a->argc), &ms);
    ASSERT(ms >= 0);
    if (error != NULL)
        resp_error(a->out, error);
    return error == NULL;
}

struct cmd_blocking cmd_blocking(const struct cmd *c, const struct bytes *argv,
                                 uint32_t argc)
{
    bool is_list = (c->categories & CAT_LIST) != 0;
    struct cmd_blocking b = {.waits = true,
                             .type = is_list ? VALUE_LIST : VALUE_ZSET};
    ASSERT((c->flags & CMD_BLOCKS) != 0);
    if ((c->categories & CAT_STREAM) != 0)
        return stream_blocking(c, argv, argc);
    ASSERT(is_list || (c->categories & CAT_SORTEDSET) != 0);
    const char *error = parse_timeout(timeout_of(c, argv, argc), &b.timeout_ms);
    ASSERT(error == NULL); /* it was checked */
    return b;
}

void cmd_reply_nothing(const struct cmd_call *call)
{
    ASSERT(call->blocked);
    if (call->cmd->id == CMD_ID_BLMOVE || call->cmd->id == CMD_ID_BRPOPLPUSH)
        resp_null(call->out);
    else
        resp_null_array(call->out);
}
