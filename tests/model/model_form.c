/*
 * States that nothing can tell apart, brought into one form; what concerns
 * more than one node at a time.
 *
 * Incarnations of a node are only compared with each other. If those that are
 * still mentioned anywhere are 2 and 3, they may as well be 1 and 2.
 *
 * A vote of term t is of no use any more if nobody can ask for it: no request
 * of term t is on its way to the voter, nobody is a candidate in t, and nobody
 * can become one, since all are in t or later, on their disks too. Whoever
 * leads keeps its own. (The checker's record of votes granted is not touched,
 * and who is elected in a term is known to it.)
 */
#include "model.h"

#define BITS ((1U << MODEL_INCARNATIONS) - 1)

static uint32_t mention(uint32_t pos, uint64_t incarnation)
{
    uint32_t start = (uint32_t)MODEL_START(incarnation);

    ASSERT(start <= MODEL_INCARNATIONS);
    return start == 0 ? 0 : 1U << (pos * MODEL_INCARNATIONS + start - 1);
}

uint32_t model_mentions_in_node(const struct model_state *s, uint32_t pos)
{
    const struct raft *r = &s->cores[pos];
    uint32_t bits = mention(pos, r->config.incarnation) |
                    mention(pos, s->check.nodes[pos].lost_in);

    for (uint32_t i = 0; i < r->members[RAFT_NEWEST].count; i++) {
        node_id id = r->members[RAFT_NEWEST].ids[i];
        if (id != pos) {
            bits |= mention(id, r->progress[i].incarnation);
        }
    }
    if (r->leader != NODE_NONE && r->role != RAFT_LEADER) {
        bits |= mention(r->leader, r->leader_incarnation);
    }
    for (uint32_t i = 0; i < r->read_count; i++) {
        bits |= mention(r->reads[i].from, r->reads[i].from_incarnation);
    }
    return bits;
}

uint32_t model_mentions_in_message(const struct raft_message *m)
{
    return mention(m->from, m->from_incarnation) |
           mention(m->to, m->to_incarnation);
}

bool model_mentions_dense(uint32_t mentions)
{
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        uint32_t bits = mentions >> i * MODEL_INCARNATIONS & BITS;
        if ((bits & (bits + 1)) != 0) {
            return false;
        }
    }
    return true;
}

static void rename_one(uint64_t *incarnation, uint32_t pos, uint32_t mentions)
{
    uint32_t bits = mentions >> pos * MODEL_INCARNATIONS & BITS;

    if (*incarnation > 0) {
        ASSERT((mention(pos, *incarnation) & mentions) != 0);
        bits &= (1U << *incarnation) - 1;
        *incarnation = (uint64_t)__builtin_popcount(bits);
    }
}

void model_rename_node(struct model_state *s, uint32_t pos, uint32_t mentions)
{
    struct raft *r = &s->cores[pos];

    rename_one(&r->config.incarnation, pos, mentions);
    s->check.nodes[pos].incarnation = r->config.incarnation;
    rename_one(&s->check.nodes[pos].lost_in, pos, mentions);
    for (uint32_t i = 0; i < r->members[RAFT_NEWEST].count; i++) {
        node_id id = r->members[RAFT_NEWEST].ids[i];
        if (id != pos) {
            rename_one(&r->progress[i].incarnation, id, mentions);
        }
    }
    if (r->leader != NODE_NONE && r->role != RAFT_LEADER) {
        rename_one(&r->leader_incarnation, r->leader, mentions);
    }
    for (uint32_t i = 0; i < r->read_count; i++) {
        rename_one(&r->reads[i].from_incarnation, r->reads[i].from, mentions);
    }
}

void model_rename_message(struct raft_message *m, uint32_t mentions)
{
    rename_one(&m->from_incarnation, m->from, mentions);
    rename_one(&m->to_incarnation, m->to, mentions);
}

bool model_has_spare_vote(const struct model_state *s, uint32_t pos)
{
    const struct raft *r = &s->cores[pos];

    return r->vote != NODE_NONE && r->role == RAFT_FOLLOWER;
}

void model_forget_vote(struct model_state *s, uint32_t pos)
{
    s->cores[pos].vote = NODE_NONE;
    s->check.nodes[pos].disk_vote = NODE_NONE;
}

bool model_contests(const struct model_state *s, uint32_t pos)
{
    return s->cores[pos].role == RAFT_CANDIDATE;
}

static bool vote_is_asked_for(const struct model_state *s, uint32_t pos)
{
    raft_term term = s->cores[pos].term;

    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        const struct raft *r = &s->cores[i];
        if (r->term < term || s->check.nodes[i].write_count > 0 ||
            (r->term == term && model_contests(s, i))) {
            return true;
        }
    }
    for (uint32_t i = 0; i < s->wire_count; i++) {
        const struct raft_message *m = &s->wire[i];
        if (m->type == RAFT_MSG_VOTE && m->to == pos && m->term == term) {
            return true;
        }
    }
    return false;
}

void model_form(struct model_state *s)
{
    uint32_t mentions = 0;
    uint32_t forget = 0;

    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        mentions |= model_mentions_in_node(s, i);
        if (model_has_spare_vote(s, i) && !vote_is_asked_for(s, i)) {
            forget |= 1U << i;
        }
    }
    for (uint32_t i = 0; i < s->wire_count; i++) {
        mentions |= model_mentions_in_message(&s->wire[i]);
    }
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        model_rename_node(s, i, mentions);
        if ((forget >> i & 1) != 0) {
            model_forget_vote(s, i);
        }
    }
    for (uint32_t i = 0; i < s->wire_count; i++) {
        model_rename_message(&s->wire[i], mentions);
    }
}
