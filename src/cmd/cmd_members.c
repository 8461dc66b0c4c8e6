/*
 * What the members are to become (data/members.h). A leader has judged what an
 * operator asks for, by what no replica can know when it executes the request:
 * who can be reached, who has caught up. So the request says what is to be kept
 * and which record that was made from; two that were made from the same one do
 * not undo each other.
 *
 * How it fails: another record stands by now; the operator asks again.
 */
#include "base/num.h"
#include "cmd/cmd_internal.h"
#include "data/members.h"

/* VARD.MEMBERS expected record id: answered with the id, or OK if it is 0. */
void cmd_members_run(struct cmd_call *c)
{
    uint64_t expected = 0;
    uint64_t id = 0;
    ASSERT(c->argc == 4);
    if (!num_parse_u64(c->argv[1], &expected) ||
        !num_parse_u64(c->argv[3], &id) || id > UINT32_MAX ||
        !members_desire(c->ks, expected, c->argv[2]))
        resp_error(c->out, "TRYAGAIN the members were changed meanwhile; "
                           "nothing was done");
    else if (id > 0)
        resp_integer(c->out, (int64_t)id);
    else
        resp_status(c->out, "OK");
}
