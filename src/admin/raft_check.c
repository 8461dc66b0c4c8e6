/*
 * RAFT CHECK: the members compare their states. The reply is lines of
 * name:value, as those of INFO.
 *
 * How it fails: what cannot begin is an error; when the time is up the reply
 * says what there is.
 */
#include "admin/admin_internal.h"
#include "admin/raft_text.h"
#include "base/num.h"

#include <inttypes.h>

#define WAIT_SECONDS     60
#define WAIT_SECONDS_MAX 86400

static void write_member(struct buf *out, const struct compare_member *m)
{
    ASSERT(m->id != NODE_NONE);
    buf_printf(out, "node_%u:link=%s,result=%s,hash=", m->id,
               m->up ? "up" : "down", compare_result_text(m->result));
    if (m->result == COMPARE_MISSING || m->result == COMPARE_UNKNOWN)
        buf_str(out, "none\r\n");
    else
        buf_printf(out, "%016" PRIx64 "\r\n", m->hash);
}

static void reply(struct server_call *call, const struct compare_status *st)
{
    struct buf out = BUF_INIT;
    ASSERT(st->count <= RAFT_NODES_MAX);
    buf_printf(&out,
               "index:%" PRIu64 "\r\nresult:%s\r\nrunning:%u\r\nmembers:%u"
               "\r\n",
               st->index, compare_verdict_text(st), st->running, st->count);
    for (uint32_t i = 0; i < st->count; i++)
        write_member(&out, &st->members[i]);
    resp_bulk(call->out, buf_view(&out));
    buf_release(&out);
}

static void refuse(struct server_call *call, int err)
{
    ASSERT(err == ERR_NO_LEADER || err == ERR_REFILL);
    resp_error(call->out, err == ERR_NO_LEADER
                              ? "CLUSTERDOWN no leader is known, so nothing "
                                "can be compared"
                              : "ERR this node is being refilled: ask another "
                                "one, or later");
}

/* False: the error is written. */
static bool parse(struct server_call *call, uint64_t *seconds)
{
    *seconds = WAIT_SECONDS;
    if (call->argc > 3)
        resp_error(call->out, "ERR syntax error");
    else if (call->argc == 3 && (!num_parse_u64(call->argv[2], seconds) ||
                                 *seconds > WAIT_SECONDS_MAX))
        resp_error(call->out, "ERR invalid number of seconds");
    else
        return true;
    return false;
}

void admin_raft_check(struct server_call *call)
{
    struct compare_status st;
    uint64_t seconds;
    if (!parse(call, &seconds))
        return;
    ASSERT(seconds <= WAIT_SECONDS_MAX);
    int err = call->waited_ms == 0 ? node_compare_ask(server_node(call->s)) : 0;
    if (err != 0) {
        refuse(call, err);
        return;
    }
    node_compare_status(server_node(call->s), &st);
    if (st.running && call->waited_ms < (int64_t)seconds * 1000)
        server_later(call);
    else
        reply(call, &st);
}
