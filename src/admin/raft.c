/*
 * RAFT MEMBERS, RAFT STATUS and RAFT TRANSFER, for operators.
 *
 * How it fails: what this node cannot do is answered with who could.
 */
#include "admin/admin_internal.h"
#include "admin/measure.h"
#include "admin/raft_text.h"
#include "base/num.h"

static void pair_text(struct resp_writer *w, const char *name,
                      const char *value)
{
    resp_bulk_str(w, name);
    resp_bulk_str(w, value);
}

static void pair_number(struct resp_writer *w, const char *name, uint64_t value)
{
    ASSERT(value <= INT64_MAX);
    resp_bulk_str(w, name);
    resp_integer(w, (int64_t)value);
}

static void write_peer(struct resp_writer *w, const struct node_status *st,
                       size_t i)
{
    bool leads = st->role == RAFT_LEADER;
    ASSERT(i < st->peer_count && st->peers[i].id != st->self);
    resp_map(w, leads ? 6 : 4);
    pair_number(w, "id", st->peers[i].id);
    pair_text(w, "client-address", st->peers[i].client_address);
    pair_text(w, "link", st->peers[i].up ? "up" : "down");
    pair_text(w, "state", raft_progress_text(st, i));
    if (leads) {
        pair_number(w, "match-index", st->peers[i].match);
        pair_number(w, "next-index", st->peers[i].next);
    }
}

/* What RAFT STATUS shows of the section "raft" of INFO. */
static const enum metric_id status_rows[] = {
    METRIC_raft_node_id,       METRIC_raft_cluster_id,
    METRIC_raft_role,          METRIC_raft_term,
    METRIC_raft_leader_id,     METRIC_raft_leader_address,
    METRIC_raft_commit_index,  METRIC_raft_applied_index,
    METRIC_raft_durable_index, METRIC_raft_first_index,
    METRIC_raft_last_index,    METRIC_raft_log_bytes,
    METRIC_raft_incarnation,
};

/* The name in INFO without its prefix, and with - for _. */
static void status_name(const struct metric *row, struct resp_writer *w)
{
    static const char prefix[] = "raft_";
    char name[64];
    size_t len = 0;
    ASSERT(strncmp(row->name, prefix, sizeof(prefix) - 1) == 0);
    for (const char *c = row->name + sizeof(prefix) - 1; *c != '\0'; c++) {
        ASSERT(len < sizeof(name));
        name[len++] = *c == '_' ? '-' : *c;
    }
    resp_bulk(w, bytes_of(name, len));
}

static void status_row(const struct metrics *m, enum metric_id id,
                       struct resp_writer *w)
{
    ASSERT(metrics_has(m, id));
    status_name(metric_at(id), w);
    if (metric_at(id)->kind != KIND_TEXT) {
        resp_integer(w, metrics_number(m, id));
        return;
    }
    struct buf text = BUF_INIT;
    metrics_write(m, id, &text);
    resp_bulk(w, buf_view(&text));
    buf_release(&text);
}

void admin_raft_status(struct server_call *call)
{
    struct resp_writer *w = call->out;
    struct metrics m = METRICS_INIT;
    struct node_status st;
    node_status(server_node(call->s), &st);
    ASSERT(st.peer_count < RAFT_NODES_MAX);
    measure(call->s, "raft", &m);
    resp_map(w, ARRAY_LEN(status_rows) + 1);
    for (size_t i = 0; i < ARRAY_LEN(status_rows); i++)
        status_row(&m, status_rows[i], w);
    metrics_release(&m);
    resp_bulk_str(w, "nodes");
    resp_array(w, st.peer_count);
    for (size_t i = 0; i < st.peer_count; i++)
        write_peer(w, &st, i);
}

/* What it is to become. */
static const char *desired_of(const struct node_change_status *change,
                              const struct member *m)
{
    if (change->desired == NULL)
        return member_role_text(m->roles);
    const struct member *want = configuration_find(change->desired, m->id);
    return want != NULL ? member_role_text(want->roles) : "none";
}

/* Where it is reached: as agreed on, else as this node knows. */
static const char *peer_address(struct server *s, const struct member *m)
{
    const struct config_node *self = config_self(server_config(s));
    struct peer_info link;
    if (m->peer_address[0] != '\0')
        return m->peer_address;
    if (self != NULL && self->id == m->id)
        return self->peer_address;
    return server_peer_info(s, m->id, &link) ? link.address : "";
}

static void write_member(struct server *s, struct resp_writer *w,
                         const struct node_change_status *change,
                         const struct member *m, const struct configuration *c)
{
    const struct member *is = configuration_find(c, m->id);
    char directory[DIRECTORY_TEXT_SIZE];
    directory_text(m->directory, directory);
    resp_map(w, 11);
    pair_number(w, "id", m->id);
    pair_text(w, "role", is != NULL ? member_role_text(is->roles) : "none");
    pair_text(w, "desired", desired_of(change, m));
    pair_number(w, "life", m->life);
    pair_text(w, "directory",
              directory_id_is_none(m->directory) ? "" : directory);
    pair_text(w, "peer-address", peer_address(s, m));
    pair_text(w, "client-address", m->client_address);
    pair_number(w, "level-min", m->level_min);
    pair_number(w, "level-max", m->level_max);
    pair_number(w, "priority", m->priority);
    pair_text(w, "zone", m->zone);
}

/* Those that are to be members, and are none yet. */
static uint32_t count_coming(const struct configuration *c,
                             const struct configuration *desired)
{
    uint32_t count = 0;
    for (uint32_t i = 0; desired != NULL && i < desired->count; i++)
        count += configuration_find(c, desired->members[i].id) == NULL;
    return count;
}

/* Who knows more of the members than is in the log: the links, who has caught
 * up, and so what comes next. */
static void write_leader(struct resp_writer *w, const struct node_status *st)
{
    bool known = st->leader != NODE_NONE;
    ASSERT(known || st->role != RAFT_LEADER);
    resp_bulk_str(w, "leader");
    if (known)
        resp_integer(w, st->leader);
    else
        resp_null(w);
    pair_text(w, "leader-address", known ? st->leader_address : "");
}

/* Null if this node does not lead: it does not know. */
static void write_outlook(struct resp_writer *w, bool leads,
                          const struct node_change_status *change)
{
    static const char *const names[] = {"tolerates", "done", "next", "waits"};
    ASSERT(leads || change->tolerates == 0);
    if (leads) {
        pair_number(w, "tolerates", change->tolerates);
        pair_number(w, "done", change->done);
        pair_text(w, "next", change->next);
        pair_text(w, "waits", change->waits);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        resp_bulk_str(w, names[i]);
        resp_null(w);
    }
}

void admin_raft_members(struct server_call *call)
{
    struct resp_writer *w = call->out;
    raft_index at = 0;
    const struct configuration *c =
        node_configuration(server_node(call->s), &at);
    ASSERT(c->count > 0 && c->count <= RAFT_NODES_MAX);
    struct node_change_status change;
    struct node_status st;
    node_change_status(server_node(call->s), &change);
    node_status(server_node(call->s), &st);
    resp_map(w, 9);
    pair_number(w, "entry", at);
    pair_number(w, "level", c->level);
    write_leader(w, &st);
    write_outlook(w, st.role == RAFT_LEADER, &change);
    resp_bulk_str(w, "members");
    resp_array(w, c->count + count_coming(c, change.desired));
    for (uint32_t i = 0; i < c->count; i++)
        write_member(call->s, w, &change, &c->members[i], c);
    for (uint32_t i = 0; change.desired && i < change.desired->count; i++) {
        const struct member *m = &change.desired->members[i];
        if (configuration_find(c, m->id) == NULL)
            write_member(call->s, w, &change, m, c);
    }
}

void admin_raft_bootstrap(struct server_call *call)
{
    struct buf why = BUF_INIT;
    int err = server_bootstrap(call->s, &why);
    ASSERT((err != 0) == (why.len > 0));
    if (err == 0)
        resp_status(call->out, "OK");
    else
        resp_errorf(call->out, "ERR %.*s", (int)why.len,
                    (const char *)why.data);
    buf_release(&why);
}

void admin_raft_transfer(struct server_call *call)
{
    node_id to = NODE_NONE;
    struct node_status st;
    node_status(server_node(call->s), &st);
    ASSERT(call->argc >= 2 && st.self < NODE_NONE);
    if (call->argc > 3) {
        resp_error(call->out, "ERR syntax error");
        return;
    }
    if (call->argc == 3) {
        uint64_t id;
        if (!num_parse_u64(call->argv[2], &id) || id >= NODE_NONE) {
            resp_error(call->out, "ERR invalid node id");
            return;
        }
        to = (node_id)id;
    }
    if (st.role != RAFT_LEADER && st.leader == NODE_NONE)
        resp_error(call->out, "NOTLEADER no leader is known");
    else if (st.role != RAFT_LEADER)
        resp_errorf(call->out, "NOTLEADER the leader is node %u at %s",
                    st.leader, st.leader_address);
    else if (to == st.self)
        resp_error(call->out, "ERR this node leads already");
    else if (!node_transfer(server_node(call->s), to))
        resp_error(call->out, "ERR there is no such node that could take over");
    else
        resp_status(call->out, "OK");
}
