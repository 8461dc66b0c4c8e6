/*
 * Who leads: vard says so in INFO raft; of replicated Redis servers the
 * master counts as the leader. Asked once, before the run.
 *
 * How it fails: a node that answers with an error, or not at all, is passed
 * over. If no node leads, or no node but the leader would be left, a line on
 * standard error says so, and the result is false: the program ends with status
 * 1 before any load.
 */
#include "bench/bench.h"

#include "client/info.h"
#include "metrics/metrics.h"

#define ASK_MS 2000

static bool leads(struct bytes info)
{
    struct bytes role = info_field(info, metric_at(METRIC_raft_role)->name);
    if (role.len > 0)
        return bytes_eq(role, BYTES_LIT("leader"));
    return bytes_eq(info_field(info, "role"), BYTES_LIT("master"));
}

/* The index, or node_count. */
static size_t find_leader(struct cluster *c, struct answer *a)
{
    const char *argv[] = {"INFO"};
    const struct link_request info = {.argv = argv, .argc = 1};
    for (size_t i = 0; i < c->node_count; i++) {
        if (cluster_ask_node(c, i, &info, ASK_MS, a) == 0 &&
            a->kind == ANSWER_TEXT && leads(buf_view(&a->text)))
            return i;
    }
    return c->node_count;
}

bool bench_select_nodes(struct cluster *c, enum bench_target target,
                        const char *program)
{
    if (target == TARGET_ALL)
        return true;
    struct answer a = {0};
    size_t leader = find_leader(c, &a);
    if (leader == c->node_count)
        fprintf(stderr, "%s: none of the nodes leads %.*s\n", program,
                a.kind == ANSWER_ERROR ? (int)a.text.len : 0,
                a.text.len > 0 ? (const char *)a.text.data : "");
    buf_release(&a.text);
    for (size_t i = 0; i < c->node_count; i++) {
        link_close(c->nodes[i].link);
        c->nodes[i].link = NULL;
    }
    if (leader == c->node_count)
        return false;
    struct cluster_node kept = c->nodes[leader];
    if (target == TARGET_LEADER) {
        c->nodes[leader] = c->nodes[0];
        c->nodes[0] = kept;
        c->node_count = 1;
        return true;
    }
    c->node_count--;
    c->nodes[leader] = c->nodes[c->node_count];
    if (c->node_count == 0)
        fprintf(stderr, "%s: the leader is the only node\n", program);
    return c->node_count > 0;
}
