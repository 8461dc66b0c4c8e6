/*
 * How it works: all nodes are asked at once; those given name others, and the
 * same node may be known by two addresses: rows with the same node id are one,
 * unless they are two processes. A member that others name without an address
 * has a row as well.
 *
 * How it fails: a node that does not answer, or refuses, gets a row that says
 * why; a number that its INFO lacks is 0, a text is empty.
 */
#include "ctl/view.h"

#include "base/alloc.h"
#include "base/hostport.h"
#include "base/num.h"
#include "client/info.h"
#include "metrics/metrics.h"

#include <stdio.h>

/* Rows for addresses, and for members without one. */
#define ROWS_MAX (CLUSTER_NODES_MAX + VIEW_PEERS_MAX)

static void copy_text(char *out, size_t size, struct bytes text)
{
    snprintf(out, size, "%.*s", (int)MIN(text.len, size - 1),
             text.len == 0 ? "" : (const char *)text.data);
}

static struct bytes value_of(struct bytes info, enum metric_id id)
{
    return info_field(info, metric_at(id)->name);
}

static uint64_t number_of(struct bytes text)
{
    uint64_t n = 0;
    return num_parse_u64(text, &n) ? n : 0;
}

static uint64_t number(struct bytes info, enum metric_id id)
{
    return number_of(value_of(info, id));
}

static uint64_t count_keys(struct bytes info)
{
    uint64_t keys = 0;
    for (int db = 0; db < 16; db++) {
        char name[8];
        snprintf(name, sizeof(name), "db%d", db);
        keys += number_of(info_part(info_field(info, name), "keys"));
    }
    return keys;
}

static void take_peers(struct row *r, struct bytes info)
{
    struct bytes id, value;
    while (cluster_next_member(&info, &id, &value)) {
        if (r->peer_count == VIEW_PEERS_MAX)
            return;
        struct peer_row *p = &r->peers[r->peer_count++];
        copy_text(p->id, sizeof(p->id), id);
        copy_text(p->state, sizeof(p->state), info_part(value, "state"));
        p->linked = bytes_eq(info_part(value, "link"), BYTES_LIT("up"));
        p->lag = number_of(info_part(value, "lag"));
    }
}

/* A node that leads need not say of itself that it follows itself. */
static void take_leader(struct row *r, struct bytes info)
{
    struct bytes leader = value_of(info, METRIC_raft_leader_id);
    if (bytes_eq(bytes_str(r->role), BYTES_LIT("leader")))
        leader = bytes_str(r->id);
    if (!bytes_eq(leader, BYTES_LIT("-1")))
        copy_text(r->leader, sizeof(r->leader), leader);
}

static void take_info(struct row *r, struct bytes info)
{
    copy_text(r->id, sizeof(r->id), value_of(info, METRIC_raft_node_id));
    copy_text(r->role, sizeof(r->role), value_of(info, METRIC_raft_role));
    copy_text(r->cluster, sizeof(r->cluster),
              value_of(info, METRIC_raft_cluster_id));
    copy_text(r->process, sizeof(r->process), value_of(info, METRIC_run_id));
    take_leader(r, info);
    r->term = number(info, METRIC_raft_term);
    r->commit = number(info, METRIC_raft_commit_index);
    r->applied = number(info, METRIC_raft_applied_index);
    r->log_bytes = number(info, METRIC_raft_log_bytes);
    r->disk_free = number(info, METRIC_disk_free_bytes);
    r->members = number(info, METRIC_raft_nodes);
    r->recovering = number(info, METRIC_raft_recovering) != 0;
    r->level = number(info, METRIC_raft_level);
    r->level_max = number(info, METRIC_raft_level_max);
    copy_text(r->level_waits, sizeof(r->level_waits),
              value_of(info, METRIC_raft_level_waits));
    r->no_writes = number(info, METRIC_disk_writes_refused) != 0;
    r->disk_short = number(info, METRIC_disk_nearly_full) != 0;
    r->keys = count_keys(info);
    take_peers(r, info);
    r->up = true;
}

static void take_row(struct cluster *c, size_t node,
                     const struct cluster_reply *reply, struct row *r)
{
    const struct cluster_node *n = &c->nodes[node];
    struct bytes text = buf_view(&reply->answer.text);
    *r = (struct row){.id = "?", .role = "-", .given = !n->discovered};
    hostport_join(bytes_str(n->host), n->port, r->address, sizeof(r->address));
    if (reply->err != 0)
        buf_bytes(&r->why, buf_view(&n->why));
    else if (reply->answer.kind != ANSWER_TEXT)
        buf_bytes(&r->why, text);
    else if (info_field(text, "loading_reason").len > 0)
        buf_bytes(&r->why, info_field(text, "loading_reason"));
    else if (value_of(text, METRIC_raft_role).len == 0)
        buf_str(&r->why, "it answers, but not as a node of vard");
    else
        take_info(r, text);
    r->refused = reply->err == 0 && reply->answer.kind == ANSWER_ERROR;
    if (r->up)
        cluster_take_members(c, text);
}

/* All nodes, then those that they name. */
static void ask_rows(struct cluster *c, int64_t ask_ms, struct row *rows)
{
    const char *argv[] = {"INFO"};
    const struct link_request info = {.argv = argv, .argc = 1};
    struct cluster_replies said = {0};
    for (size_t asked = 0; asked < c->node_count; asked += said.count) {
        cluster_ask_all(c, asked, &info, ask_ms, &said);
        for (size_t i = 0; i < said.count; i++)
            take_row(c, asked + i, &said.of[i], &rows[asked + i]);
    }
    cluster_replies_release(&said);
}

/* Who does not answer has the id that others know it by. */
static void name_silent(const struct cluster *c, struct row *rows)
{
    for (size_t i = 0; i < c->node_count; i++) {
        if (!rows[i].up && c->nodes[i].id[0] != '\0')
            copy_text(rows[i].id, sizeof(rows[i].id),
                      bytes_str(c->nodes[i].id));
    }
}

static bool same_text(const char *a, const char *b)
{
    return bytes_eq(bytes_str(a), bytes_str(b));
}

static bool same_node(const struct row *a, const struct row *b)
{
    return same_text(a->id, b->id) && same_text(a->cluster, b->cluster) &&
           same_text(a->process, b->process);
}

/* Of two rows of the same node the later one goes, and the address that
 * others know it by, if it does not answer there but elsewhere. */
static void hide_twice_known(struct view *v)
{
    for (size_t i = 0; i < v->count; i++) {
        struct row *r = &v->rows[i];
        bool stale = !r->up && !r->given;
        for (size_t j = 0; j < v->count; j++) {
            const struct row *other = &v->rows[j];
            if (stale && other->up && same_text(other->id, r->id))
                r->hidden = true;
            if (r->up && other->up && j < i && same_node(other, r))
                r->hidden = true;
        }
    }
}

/* Others name members whose address they have never heard: those were not
 * linked to them since they started. */
static void add_unaddressed(struct view *v)
{
    size_t answered = v->count;
    for (size_t i = 0; i < answered; i++) {
        const struct row *r = &v->rows[i];
        for (size_t p = 0; p < r->peer_count && v->count < ROWS_MAX; p++) {
            if (view_find(v, r->peers[p].id) != NULL)
                continue;
            struct row *added = &v->rows[v->count++];
            *added = (struct row){.address = "?", .role = "-"};
            copy_text(added->id, sizeof(added->id), bytes_str(r->peers[p].id));
            buf_str(&added->why, "no node that answers has heard of its "
                                 "address for clients");
        }
    }
}

void view_take(struct view *v, struct cluster *c, int64_t ask_ms)
{
    ASSERT(c->node_count > 0);
    v->rows = mem_zalloc(ROWS_MAX * sizeof(*v->rows));
    ask_rows(c, ask_ms, v->rows);
    v->count = c->node_count;
    name_silent(c, v->rows);
    hide_twice_known(v);
    add_unaddressed(v);
}

void view_release(struct view *v)
{
    for (size_t i = 0; i < v->count; i++) {
        buf_release(&v->rows[i].why);
        buf_release(&v->rows[i].reasons);
    }
    mem_free(v->rows);
    *v = (struct view){0};
}

const struct peer_row *view_peer(const struct row *r, const char *id)
{
    for (size_t i = 0; i < r->peer_count; i++) {
        if (same_text(r->peers[i].id, id))
            return &r->peers[i];
    }
    return NULL;
}

struct row *view_find(const struct view *v, const char *id)
{
    struct row *found = NULL;
    for (size_t i = 0; i < v->count; i++) {
        struct row *r = &v->rows[i];
        bool better = found == NULL || (r->up && !found->up);
        if (!r->hidden && better && same_text(r->id, id))
            found = r;
    }
    return found;
}
