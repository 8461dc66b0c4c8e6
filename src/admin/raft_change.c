/*
 * RAFT ADD, REMOVE, PROMOTE, DEMOTE, REPLACE, MOVE and PRIORITY: the members
 * are to become others. The leader judges it and makes a request of it, which
 * goes through the log as any other, and whose reply is the answer. With WAIT
 * that reply is held until the members are what was asked for: only the reply
 * waits, the change goes on without whoever asked.
 *
 * How it fails: what cannot be, or what another node has to be asked for, is
 * answered with what to do.
 */
#include "admin/admin_internal.h"
#include "base/num.h"

#include <inttypes.h>
#include <string.h>

#define WAIT_SECONDS     60
#define WAIT_SECONDS_MAX 3600

/* The text of an argument; false: it has none that an address could have. */
static bool text_of(struct bytes arg, char out[NODE_TEXT_SIZE])
{
    if (arg.len >= NODE_TEXT_SIZE || memchr(arg.data, '\0', arg.len) != NULL)
        return false;
    memcpy(out, arg.data, arg.len);
    out[arg.len] = '\0';
    return true;
}

static bool take_id(struct server_call *call, bool any, node_id *out)
{
    uint64_t id;
    ASSERT(call->argc >= 3);
    *out = NODE_NONE;
    if (any && bytes_eq(call->argv[2], BYTES_LIT("*")))
        return true;
    if (!num_parse_u64(call->argv[2], &id) || id >= NODE_NONE) {
        resp_errorf(call->out, "ERR invalid node id%s",
                    any ? ": a number, or * for the next one" : "");
        return false;
    }
    *out = (node_id)id;
    return true;
}

static void refuse(struct server_call *call, int err, const struct buf *why)
{
    struct node_status st;
    node_status(server_node(call->s), &st);
    if (err != ERR_NO_LEADER)
        resp_errorf(call->out, "ERR %.*s", (int)why->len,
                    why->len > 0 ? (const char *)why->data : "");
    else if (st.role == RAFT_LEADER)
        resp_error(call->out, "TRYAGAIN this node leads since a moment ago "
                              "only");
    else if (st.leader == NODE_NONE)
        resp_error(call->out, "NOTLEADER no leader is known");
    else
        resp_errorf(call->out, "NOTLEADER the leader is node %u at %s",
                    st.leader, st.leader_address);
}

static void change(struct server_call *call, struct node_change *ask)
{
    struct buf why = BUF_INIT;
    int err =
        node_change_members(server_node(call->s), ask, &call->change, &why);
    call->changes = err == 0;
    if (err != 0)
        refuse(call, err, &why);
    buf_release(&why);
}

/* It is in the log. */
static void when_done(struct server_call *call, int64_t wait_ms)
{
    struct node_change_status change;
    struct node_status st;
    node_status(server_node(call->s), &st);
    node_change_status(server_node(call->s), &change);
    if (change.done)
        resp_raw(call->out, call->held);
    else if (st.role == RAFT_LEADER && call->waited_ms < wait_ms)
        server_later(call);
    else if (st.role == RAFT_LEADER)
        resp_errorf(call->out,
                    "INPROGRESS the change was taken and goes on, but is not "
                    "done after %" PRId64 " seconds%s%s (see RAFT MEMBERS)",
                    wait_ms / 1000, change.waits[0] != '\0' ? ": " : "",
                    change.waits);
    else if (st.leader == NODE_NONE)
        resp_error(call->out, "INPROGRESS the change was taken and goes on, "
                              "but this node does not lead any more, and no "
                              "leader is known (see RAFT MEMBERS)");
    else
        resp_errorf(call->out,
                    "INPROGRESS the change was taken and goes on, but this "
                    "node does not lead any more: see RAFT MEMBERS of node %u "
                    "at %s",
                    st.leader, st.leader_address);
}

/* Takes WAIT [seconds] off the arguments, of which so many are others at least.
 * True: the change was asked for already, or there is an error. */
static bool is_asked(struct server_call *call, uint32_t least)
{
    static const struct bytes word = BYTES_LIT("WAIT");
    uint32_t argc = call->argc;
    uint64_t seconds = WAIT_SECONDS;
    ASSERT(argc >= least);
    bool alone = argc > least && bytes_eq_nocase(call->argv[argc - 1], word);
    bool timed =
        argc > least + 1 && bytes_eq_nocase(call->argv[argc - 2], word);
    if (timed && (!num_parse_u64(call->argv[argc - 1], &seconds) ||
                  seconds > WAIT_SECONDS_MAX)) {
        resp_error(call->out, "ERR invalid number of seconds");
        return true;
    }
    call->holds = alone || timed;
    call->argc -= timed ? 2 : alone;
    if (call->held.len == 0)
        return false;
    if (call->held.data[0] == '-')
        resp_raw(call->out, call->held);
    else
        when_done(call, (int64_t)seconds * 1000);
    return true;
}

static void syntax_error(struct server_call *call)
{
    resp_error(call->out, "ERR syntax error");
}

static bool last_is(struct server_call *call, struct bytes word)
{
    return bytes_eq_nocase(call->argv[call->argc - 1], word);
}

/* REMOVE, PROMOTE, DEMOTE: the id, and FORCE where it may be. */
static void change_one(struct server_call *call, enum node_change_kind kind)
{
    struct node_change ask = {
        .kind = kind, .peer_address = "", .client_address = ""};
    if (is_asked(call, 3))
        return;
    ASSERT(call->argc >= 3);
    ask.force = kind != NODE_PROMOTE && call->argc == 4 &&
                last_is(call, BYTES_LIT("FORCE"));
    if (call->argc > (ask.force ? 4u : 3u))
        syntax_error(call);
    else if (take_id(call, false, &ask.id))
        change(call, &ask);
}

/* ADD, REPLACE, MOVE: the id, one address or two; `argc` without the rest. */
static void change_with_addresses(struct server_call *call, uint32_t argc,
                                  struct node_change *ask)
{
    char peer[NODE_TEXT_SIZE];
    char client[NODE_TEXT_SIZE] = "";
    ASSERT(call->argc >= 4);
    if (argc > 5 || argc < 4) {
        syntax_error(call);
        return;
    }
    if (!take_id(call, ask->kind == NODE_ADD, &ask->id))
        return;
    if (!text_of(call->argv[3], peer) ||
        (argc == 5 && !text_of(call->argv[4], client))) {
        resp_error(call->out, "ERR an address is HOST:PORT, of at most 127 "
                              "characters");
        return;
    }
    ask->peer_address = peer;
    ask->client_address = client;
    change(call, ask);
}

/* A node without a line of its own listens to no member. */
static bool may_have_others(struct server_call *call)
{
    const struct config *c = server_config(call->s);
    if (config_self(c) != NULL)
        return true;
    resp_errorf(call->out,
                "ERR no other member could reach this node: add `node %u "
                "HOST:PORT` to its configuration, and start it again",
                c->node_id);
    return false;
}

void admin_raft_add(struct server_call *call)
{
    struct node_change ask = {.kind = NODE_ADD};
    if (is_asked(call, 4) || !may_have_others(call))
        return;
    ask.learner = call->argc > 4 && last_is(call, BYTES_LIT("LEARNER"));
    change_with_addresses(call, call->argc - ask.learner, &ask);
}

void admin_raft_replace(struct server_call *call)
{
    struct node_change ask = {.kind = NODE_REPLACE};
    if (!is_asked(call, 4))
        change_with_addresses(call, call->argc, &ask);
}

void admin_raft_move(struct server_call *call)
{
    struct node_change ask = {.kind = NODE_MOVE};
    if (!is_asked(call, 4))
        change_with_addresses(call, call->argc, &ask);
}

void admin_raft_remove(struct server_call *call)
{
    change_one(call, NODE_REMOVE);
}

void admin_raft_promote(struct server_call *call)
{
    change_one(call, NODE_PROMOTE);
}

void admin_raft_demote(struct server_call *call)
{
    change_one(call, NODE_DEMOTE);
}

void admin_raft_priority(struct server_call *call)
{
    struct node_change ask = {
        .kind = NODE_PRIORITY, .peer_address = "", .client_address = ""};
    uint64_t priority;
    if (is_asked(call, 4))
        return;
    ASSERT(call->argc >= 4);
    if (call->argc > 4) {
        syntax_error(call);
        return;
    }
    if (!take_id(call, false, &ask.id))
        return;
    if (!num_parse_u64(call->argv[3], &priority) || priority > UINT8_MAX) {
        resp_error(call->out, "ERR a priority is a number from 0 to 255");
        return;
    }
    ask.priority = (uint8_t)priority;
    change(call, &ask);
}
