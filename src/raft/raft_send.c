/*
 * Messages sent, and the positions of those they go to.
 *
 * raft_send() makes a message with what every message says: who speaks, to
 * which start of whom, in which term. The sender adds the fields of its type.
 * The message is the caller's to fill in until the step ends; raft_step() then
 * asserts that it says nothing that its type has no use for.
 *
 * How it fails: it cannot. The output has room for all messages of a step; who
 * exceeds it has made a mistake, and the assertion stops the process.
 */
#include <string.h>

#include "raft/raft_internal.h"

int raft_position(const struct raft *r, node_id id)
{
    /*@ loop invariant 0 <= i <= r->config.voter_count;
      @ loop invariant \forall integer k;
      @     0 <= k < i ==> r->config.voters[k] != id;
      @ loop assigns i;
      @ loop variant r->config.voter_count - i; */
    for (uint32_t i = 0; i < r->config.voter_count; i++) {
        if (r->config.voters[i] == id) {
            return (int)i;
        }
    }
    return -1;
}

uint32_t raft_voter(const struct raft *r, node_id id)
{
    int pos = raft_position(r, id);
    ASSERT(pos >= 0);
    return (uint32_t)pos;
}

uint32_t raft_self(const struct raft *r)
{
    return raft_voter(r, r->config.self);
}

/* A message to voters[pos], in our term; the caller fills in the rest. */
struct raft_message *raft_send(struct raft *r, struct raft_out *out,
                               uint32_t pos, enum raft_message_type type)
{
    ASSERT(pos < r->config.voter_count);
    ASSERT(pos != raft_self(r));
    ASSERT(out->message_count < RAFT_MESSAGES_MAX);
    struct raft_message *m = &out->messages[out->message_count++];
    memset(m, 0, sizeof(*m));
    m->type = type;
    m->group = r->config.group;
    m->cluster_id = r->config.cluster_id;
    m->from = r->config.self;
    m->to = r->config.voters[pos];
    m->from_incarnation = r->config.incarnation;
    m->to_incarnation =
        r->progress[pos].restarted_maybe ? 0 : r->progress[pos].incarnation;
    m->term = r->term;
    m->recovering = r->recovering;
    return m;
}
