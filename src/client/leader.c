/*
 * How it works: a leader that was cut off from the others, or stopped for a
 * while, says that it leads until it hears of the next one. So all nodes are
 * asked, and of those that say so the one of the highest term leads. A
 * replicated Redis server says it by its role, and has no term.
 *
 * How it fails: a node that does not answer is passed over; an error that a
 * node answers counts only if no other node leads.
 */
#include "base/num.h"
#include "client/cluster.h"
#include "client/info.h"
#include "metrics/metrics.h"

static struct bytes value_of(struct bytes info, enum metric_id id)
{
    return info_field(info, metric_at(id)->name);
}

static bool leads(struct bytes info)
{
    struct bytes role = value_of(info, METRIC_raft_role);
    if (role.len > 0)
        return bytes_eq(role, BYTES_LIT("leader"));
    return bytes_eq(info_field(info, "role"), BYTES_LIT("master"));
}

static uint64_t term_of(struct bytes info)
{
    uint64_t term = 0;
    return num_parse_u64(value_of(info, METRIC_raft_term), &term) ? term : 0;
}

/* What the node says, in `said`; false: it does not answer, or refuses, and
 * the text of the first refusal is kept in `refusal`. */
static bool ask_info(struct cluster *c, size_t node, int64_t ask_ms,
                     struct answer *said, struct answer *refusal)
{
    const char *argv[] = {"INFO"};
    const struct link_request info = {.argv = argv, .argc = 1};
    if (cluster_ask_node(c, node, &info, ask_ms, said) != 0)
        return false;
    if (said->kind == ANSWER_TEXT)
        return true;
    if (refusal->text.len == 0) {
        buf_bytes(&refusal->text, buf_view(&said->text));
        refusal->kind = ANSWER_ERROR;
    }
    return false;
}

int cluster_find_leader(struct cluster *c, int64_t ask_ms, bool discover,
                        size_t *leader, struct answer *refusal)
{
    struct answer said = {0};
    uint64_t highest = 0;
    bool found = false;
    ASSERT(refusal->text.len == 0);
    /* The count grows while nodes name others. */
    for (size_t i = 0; i < c->node_count; i++) {
        if (!ask_info(c, i, ask_ms, &said, refusal))
            continue;
        struct bytes info = buf_view(&said.text);
        if (discover)
            cluster_take_members(c, info);
        uint64_t term = term_of(info);
        if (!leads(info) || (found && term <= highest))
            continue;
        *leader = i;
        highest = term;
        found = true;
    }
    buf_release(&said.text);
    if (found)
        return 0;
    return refusal->text.len > 0 ? ERR_AUTH : ERR_NOT_FOUND;
}
