/*
 * Keeps the nodes that the run is to load: the leader alone, or all but it.
 * Who leads is asked once, before the run.
 *
 * How it fails: if no node leads, or no node but the leader would be left, a
 * line on standard error says so, and the result is false: the program ends
 * with status 1 before any load.
 */
#include "bench/bench.h"

#define ASK_MS 2000

bool bench_select_nodes(struct cluster *c, enum bench_target target,
                        const char *program)
{
    if (target == TARGET_ALL)
        return true;
    struct answer refusal = {0};
    size_t leader = 0;
    int err = cluster_find_leader(c, ASK_MS, false, &leader, &refusal);
    struct bytes why = buf_view(&refusal.text);
    if (err != 0)
        fprintf(stderr, "%s: none of the nodes leads %.*s\n", program,
                (int)why.len, why.len > 0 ? (const char *)why.data : "");
    buf_release(&refusal.text);
    for (size_t i = 0; i < c->node_count; i++) {
        link_close(c->nodes[i].link);
        c->nodes[i].link = NULL;
    }
    if (err != 0)
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
