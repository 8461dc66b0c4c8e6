/*
 * The table of the cluster: one row per node, from the INFO of each, and a
 * line that says whether it is healthy.
 *
 * The nodes given may name others, and the same node may be known by two
 * addresses: rows with the same node id are one.
 *
 * How it fails: a node that does not answer, or refuses, gets a row that says
 * why; a number that its INFO lacks is 0. The exit status is that of the last
 * line: healthy or not, no leader, nobody answers, refused.
 */
#include "ctl/ctl.h"

#include "base/alloc.h"
#include "base/hostport.h"
#include "base/num.h"
#include "client/info.h"
#include "metrics/metrics.h"

#include <inttypes.h>
#include <stdio.h>

#define STATUS_ASK_MS 1500
#define TEXT_MAX      64

struct row {
    char id[TEXT_MAX], address[CLUSTER_HOST_MAX + 8], role[TEXT_MAX];
    uint64_t term, commit, applied, log_bytes, keys;
    uint64_t members; /* that it knows of, with itself */
    bool up, hidden;
    bool refused;  /* it answers, but with an error */
    char why[512]; /* protected mode explains itself at length */
};

static void copy_text(char *out, size_t size, struct bytes text)
{
    snprintf(out, size, "%.*s", (int)MIN(text.len, size - 1),
             text.len == 0 ? "" : (const char *)text.data);
}

static struct bytes value_of(struct bytes info, enum metric_id id)
{
    return info_field(info, metric_at(id)->name);
}

static uint64_t number(struct bytes info, enum metric_id id)
{
    uint64_t n = 0;
    return num_parse_u64(value_of(info, id), &n) ? n : 0;
}

static uint64_t count_keys(struct bytes info)
{
    uint64_t keys = 0;
    for (int db = 0; db < 16; db++) {
        char name[8];
        uint64_t n = 0;
        snprintf(name, sizeof(name), "db%d", db);
        if (num_parse_u64(info_part(info_field(info, name), "keys"), &n))
            keys += n;
    }
    return keys;
}

static void take_info(struct row *r, struct bytes info)
{
    copy_text(r->id, sizeof(r->id), value_of(info, METRIC_raft_node_id));
    copy_text(r->role, sizeof(r->role), value_of(info, METRIC_raft_role));
    r->term = number(info, METRIC_raft_term);
    r->commit = number(info, METRIC_raft_commit_index);
    r->applied = number(info, METRIC_raft_applied_index);
    r->log_bytes = number(info, METRIC_raft_log_bytes);
    r->keys = count_keys(info);
    r->members = number(info, METRIC_raft_nodes);
    r->up = true;
}

static void ask_row(struct cluster *c, size_t node, struct row *r)
{
    const char *argv[] = {"INFO"};
    const struct link_request info = {.argv = argv, .argc = 1};
    const struct cluster_node *n = &c->nodes[node];
    struct answer a = {0};
    *r = (struct row){.id = "?", .role = "-"};
    hostport_join(bytes_str(n->host), n->port, r->address, sizeof(r->address));
    int err = cluster_ask_node(c, node, &info, STATUS_ASK_MS, &a);
    if (err != 0)
        copy_text(r->why, sizeof(r->why), buf_view(&n->why));
    else if (a.kind == ANSWER_TEXT)
        take_info(r, buf_view(&a.text));
    else
        copy_text(r->why, sizeof(r->why), buf_view(&a.text));
    r->refused = err == 0 && !r->up;
    if (r->up)
        cluster_take_members(c, buf_view(&a.text));
    buf_release(&a.text);
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

/* Of two rows of the same node the later one goes, and the address that
 * others know it by, if it does not answer there but elsewhere. */
static void hide_twice_known(const struct cluster *c, struct row *rows)
{
    for (size_t i = 0; i < c->node_count; i++) {
        bool stale = !rows[i].up && c->nodes[i].discovered;
        for (size_t j = 0; j < c->node_count; j++) {
            bool same = bytes_eq(bytes_str(rows[j].id), bytes_str(rows[i].id));
            if (same && rows[j].up && (stale || (rows[i].up && j < i)))
                rows[i].hidden = true;
        }
    }
}

static void print_row(FILE *out, const struct row *r, uint64_t commit)
{
    if (!r->up) {
        fprintf(out, "%-5s %-22s %-10s %8s %12s %12s %8s %10s %9s  %s\n", r->id,
                r->address, "-", "-", "-", "-", "-", "-", "-",
                r->refused ? "REFUSED" : "DOWN");
        fprintf(out, "      %s\n", r->why);
        return;
    }
    uint64_t lag = commit > r->applied ? commit - r->applied : 0;
    fprintf(out,
            "%-5s %-22s %-10s %8" PRIu64 " %12" PRIu64 " %12" PRIu64
            " %8" PRIu64 " %10" PRIu64 " %9" PRIu64 "  up\n",
            r->id, r->address, r->role, r->term, r->commit, r->applied, lag,
            r->log_bytes, r->keys);
}

/* The leader is the one of the highest term; an old one may not know yet. */
static const struct row *find_leader(const struct row *rows, size_t count)
{
    const struct row *leader = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].hidden && rows[i].up &&
            bytes_eq(bytes_str(rows[i].role), BYTES_LIT("leader")) &&
            (leader == NULL || rows[i].term > leader->term))
            leader = &rows[i];
    }
    return leader;
}

static int judge(FILE *out, const struct row *leader, size_t up, size_t all)
{
    if (leader == NULL) {
        fprintf(out,
                "cluster: NO LEADER, %zu of %zu nodes up: requests wait until "
                "%s\n",
                up, all,
                up > all / 2 ? "one is elected, within seconds if the nodes "
                               "reach each other (their logs say)"
                             : "a majority is back");
        return CTL_NOT_DONE;
    }
    bool healthy = up == all;
    fprintf(out,
            "cluster: %s, %zu of %zu nodes up, leader %s (%s), term %" PRIu64
            "\n",
            healthy ? "healthy" : "serving, but NOT healthy", up, all,
            leader->id, leader->address, leader->term);
    return healthy ? CTL_GOOD : CTL_NO;
}

static int judge_none(FILE *out, bool refused)
{
    if (refused) {
        fprintf(out,
                "cluster: unknown, a node answers but refuses: a password goes "
                "into VARD_PASSWORD or --password\n");
        return CTL_REFUSED;
    }
    fprintf(out, "cluster: no node answers; if there are others, name them: "
                 "--cluster HOST:PORT,...\n");
    return CTL_NOT_DONE;
}

int status_print(struct cluster *c, FILE *out)
{
    ASSERT(c->node_count > 0);
    struct row *rows = mem_zalloc(CLUSTER_NODES_MAX * sizeof(*rows));
    /* The count grows while nodes name others. */
    for (size_t i = 0; i < c->node_count; i++)
        ask_row(c, i, &rows[i]);
    size_t count = c->node_count, up = 0, all = 0;
    uint64_t commit = 0, members = 0;
    bool refused = false;
    name_silent(c, rows);
    hide_twice_known(c, rows);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].hidden)
            continue;
        all++;
        up += rows[i].up;
        refused = refused || rows[i].refused;
        commit = MAX(commit, rows[i].commit);
        members = MAX(members, rows[i].members);
    }
    /* Of a member that is down, nobody may know the client address. */
    all = MAX(all, (size_t)members);
    fprintf(out, "%-5s %-22s %-10s %8s %12s %12s %8s %10s %9s  %s\n", "node",
            "clients", "role", "term", "commit", "applied", "lag", "log-bytes",
            "keys", "state");
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].hidden)
            print_row(out, &rows[i], commit);
    }
    int status = up > 0 ? judge(out, find_leader(rows, count), up, all)
                        : judge_none(out, refused);
    mem_free(rows);
    return status;
}
