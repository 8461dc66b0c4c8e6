/*
 * RAFT LEVEL, for operators: what the cluster may use, and raising it.
 *
 * How it fails: with an error that says who keeps the level as it is, or who
 * could raise it.
 */
#include "admin/admin_internal.h"
#include "base/num.h"

static void put_number(struct resp_writer *w, const char *name, uint64_t value)
{
    ASSERT(value <= INT64_MAX);
    resp_bulk_str(w, name);
    resp_integer(w, (int64_t)value);
}

static void tell(struct server_call *call)
{
    struct resp_writer *w = call->out;
    struct node_levels l;
    struct buf waits = BUF_INIT;
    node_levels(server_node(call->s), &l, &waits);
    ASSERT(l.level >= LEVEL_MIN && l.level <= l.max);
    resp_map(w, 6);
    put_number(w, "level", l.level);
    put_number(w, "level-min", LEVEL_MIN);
    put_number(w, "level-max", l.max);
    resp_bulk_str(w, "level-auto");
    resp_bulk_str(w, l.held ? "no" : "yes");
    resp_bulk_str(w, "waits-for");
    resp_bulk(w, buf_view(&waits));
    resp_bulk_str(w, "members");
    resp_array(w, l.count);
    for (uint32_t i = 0; i < l.count; i++) {
        resp_map(w, 3);
        put_number(w, "id", l.members[i].id);
        put_number(w, "level-min", l.members[i].min);
        put_number(w, "level-max", l.members[i].max);
    }
    buf_release(&waits);
}

static void raise(struct server_call *call, uint16_t level)
{
    struct buf why = BUF_INIT;
    int err = node_raise_level(server_node(call->s), level, &why);
    ASSERT(err == 0 || why.len > 0);
    if (err == 0)
        resp_status(call->out, "OK");
    else
        resp_errorf(call->out, "ERR %.*s", (int)why.len,
                    (const char *)why.data);
    buf_release(&why);
}

void admin_raft_level(struct server_call *call)
{
    struct node_status st;
    uint64_t level = 0;
    node_status(server_node(call->s), &st);
    ASSERT(call->argc >= 2 && st.self < NODE_NONE);
    if (call->argc == 2)
        tell(call);
    else if (call->argc > 3)
        resp_error(call->out, "ERR syntax error");
    else if (!num_parse_u64(call->argv[2], &level) || level == 0 ||
             level > UINT16_MAX)
        resp_error(call->out, "ERR invalid level");
    else if (st.role != RAFT_LEADER && st.leader == NODE_NONE)
        resp_error(call->out, "NOTLEADER no leader is known");
    else if (st.role != RAFT_LEADER)
        resp_errorf(call->out, "NOTLEADER the leader is node %u at %s",
                    st.leader, st.leader_address);
    else
        raise(call, (uint16_t)level);
}
