/*
 * What a node sends through the log for its large requests (data/upload.h):
 * their parts, and in the end the request itself, which the node puts in the
 * place of VARD.WHOLE before it is executed.
 *
 * How it fails: a part that does not fit is answered with 0, and what comes
 * after it does not fit either. So VARD.WHOLE is executed as such only if its
 * parts were refused, for which an entry that is full is the only reason.
 */
#include "base/num.h"
#include "cmd/cmd_internal.h"
#include "data/upload.h"

static bool parse_part(const struct cmd_call *c, struct upload_part *part)
{
    ASSERT(c->argc == 5);
    part->bytes = c->argv[4];
    return num_parse_u64(c->argv[1], &part->number) &&
           num_parse_u64(c->argv[2], &part->total) &&
           num_parse_u64(c->argv[3], &part->offset);
}

void cmd_upload_part_run(struct cmd_call *c)
{
    struct upload_part part;
    if (c->node == NODE_NONE || !parse_part(c, &part)) {
        resp_error(c->out, "ERR it is not a part of a request");
        return;
    }
    resp_integer(c->out, upload_add(c->ks, c->node, &part) ? 1 : 0);
}

void cmd_upload_whole_run(struct cmd_call *c)
{
    ASSERT(c->argc == 2);
    cmd_reply_entry_full(c->out);
}

void cmd_upload_drop_run(struct cmd_call *c)
{
    ASSERT(c->argc == 1);
    if (c->node != NODE_NONE)
        upload_drop(c->ks, c->node);
    resp_status(c->out, "OK");
}
