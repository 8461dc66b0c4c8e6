/*
 * VARD.NEXT, which is of the level after the last (base/level.h): what nobody
 * can execute yet. By it tests see that members of two versions execute alike.
 *
 * How it fails: it does not.
 */
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"

void cmd_next_run(struct cmd_call *c)
{
    ASSERT(c->argc == 3 && c->level >= LEVEL_NEXT);
    put_string(c, c->argv[1], c->argv[2], 0);
    resp_status(c->out, "OK");
}
