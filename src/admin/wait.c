/*
 * WAIT and WAITAOF: who has what this connection has written.
 *
 * A write is answered when a majority of the members has it on disk and this
 * one has executed it. So all but a few ask for nothing that is not true
 * already. For more, a leader knows what each member has; any other member
 * knows from the leader what all have. Looked at again some times a second.
 *
 * How it fails: what does not come in time is not counted. Without a leader
 * nothing comes.
 */
#include "admin/admin_internal.h"

#include "base/num.h"

#include <inttypes.h>

struct wanted {
    int64_t local;
    int64_t others;
    int64_t timeout_ms; /* 0: any */
};

static bool parse_timeout(struct server_call *call, struct wanted *w)
{
    const char *error = NULL;
    if (!num_parse_i64(call->argv[call->argc - 1], &w->timeout_ms))
        error = "ERR timeout is not an integer or out of range";
    else if (w->timeout_ms < 0)
        error = "ERR timeout is negative";
    if (error != NULL)
        resp_error(call->out, error);
    return error == NULL;
}

static bool parse_number(struct server_call *call, uint32_t i, int64_t *out)
{
    if (num_parse_i64(call->argv[i], out))
        return true;
    resp_error(call->out, "ERR value is not an integer or out of range");
    return false;
}

static bool parse(struct server_call *call, struct wanted *w)
{
    *w = (struct wanted){.local = 0};
    ASSERT(call->argc == 3 || call->argc == 4);
    if (call->cmd->id == CMD_ID_WAIT)
        return parse_number(call, 1, &w->others) && parse_timeout(call, w);
    if (!parse_number(call, 1, &w->local))
        return false;
    if (w->local < 0 || w->local > 1) {
        resp_error(call->out,
                   "ERR value is out of range, value must between 0 and 1");
        return false;
    }
    if (!num_parse_i64(call->argv[2], &w->others) || w->others < 0) {
        resp_error(call->out, "ERR value is out of range, must be positive");
        return false;
    }
    return parse_timeout(call, w);
}

/* How many other members have all up to an entry, as far as it is known here:
 * at least all but one of a majority. */
static int64_t others_with(const struct node_status *st, raft_index index)
{
    int64_t known = 0;
    int64_t sure = (int64_t)(st->voters / 2);
    if (st->held_by_all >= index)
        return st->peer_count;
    for (uint32_t i = 0; st->role == RAFT_LEADER && i < st->peer_count; i++)
        known += st->peers[i].match >= index;
    ASSERT(known <= st->peer_count);
    return MAX(known, MIN(sure, (int64_t)st->peer_count));
}

void admin_wait(struct server_call *call)
{
    struct node_status st;
    struct wanted w;
    if (!parse(call, &w))
        return;
    node_status(server_node(call->s), &st);
    if (call->waited_ms == 0 || call->at_once)
        *call->kept = st.applied;
    ASSERT(*call->kept <= st.applied);
    int64_t others = others_with(&st, *call->kept);
    int64_t local = st.durable >= *call->kept;
    bool late = w.timeout_ms > 0 && call->waited_ms >= w.timeout_ms;
    if ((others < w.others || local < w.local) && !late && !call->at_once) {
        server_later(call);
        return;
    }
    if (call->cmd->id == CMD_ID_WAITAOF) {
        resp_array(call->out, 2);
        resp_integer(call->out, local);
    }
    resp_integer(call->out, others);
}
