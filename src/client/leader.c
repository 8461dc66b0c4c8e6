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

/* Whether the node has said something; the text of the first refusal is kept.
 */
static bool has_said(const struct cluster_reply *reply, struct answer *refusal)
{
    if (reply->err != 0)
        return false;
    if (reply->answer.kind == ANSWER_TEXT)
        return true;
    if (refusal->text.len == 0) {
        buf_bytes(&refusal->text, buf_view(&reply->answer.text));
        refusal->kind = ANSWER_ERROR;
    }
    return false;
}

struct found {
    size_t leader;
    uint64_t term;
    bool found;
};

static void look(size_t node, struct bytes info, struct found *f)
{
    uint64_t term = term_of(info);
    if (leads(info) && (!f->found || term > f->term))
        *f = (struct found){node, term, true};
}

int cluster_find_leader(struct cluster *c, int64_t ask_ms, bool discover,
                        size_t *leader, struct answer *refusal)
{
    const char *argv[] = {"INFO"};
    const struct link_request info = {.argv = argv, .argc = 1};
    struct cluster_replies said = {0};
    struct found f = {0};
    ASSERT(refusal->text.len == 0);
    /* Those who answer may name others. */
    for (size_t asked = 0; asked < c->node_count; asked += said.count) {
        cluster_ask_all(c, asked, &info, ask_ms, &said);
        for (size_t i = 0; i < said.count; i++) {
            struct bytes text = buf_view(&said.of[i].answer.text);
            if (!has_said(&said.of[i], refusal))
                continue;
            if (discover)
                cluster_take_members(c, text);
            look(asked + i, text, &f);
        }
    }
    cluster_replies_release(&said);
    if (!f.found)
        return refusal->text.len > 0 ? ERR_AUTH : ERR_NOT_FOUND;
    *leader = f.leader;
    return 0;
}
