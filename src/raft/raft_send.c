/*
 * Messages sent.
 *
 * raft_send() makes a message with what every message says: who speaks, to
 * which start of whom, in which term. The sender adds the fields of its type.
 * The message is the caller's to fill in until the step ends; raft_step() then
 * asserts that it says nothing that its type has no use for. They go to whom
 * asked, or leads, also if that one is no member here: its own log may know of
 * a change that this one lacks.
 *
 * How it fails: it cannot. The output has room for all messages of a step; who
 * exceeds it has made a mistake, and the assertion stops the process.
 */
#include <string.h>

#include "raft/raft_internal.h"

/* Which start of it is meant; 0: whichever there is. */
static uint64_t incarnation_of(const struct raft *r, node_id id)
{
    int pos = raft_position(r, id);

    if (pos < 0 || r->progress[pos].restarted_maybe) {
        return 0;
    }
    return r->progress[pos].incarnation;
}

/* A message in our term; the caller fills in the rest. */
struct raft_message *raft_send(struct raft *r, struct raft_out *out, node_id to,
                               enum raft_message_type type)
{
    ASSERT(to != r->config.self && to != NODE_NONE);
    ASSERT(out->message_count < RAFT_MESSAGES_MAX);
    struct raft_message *m = &out->messages[out->message_count++];
    memset(m, 0, sizeof(*m));
    m->type = type;
    m->group = r->config.group;
    m->cluster_id = r->config.cluster_id;
    m->from = r->config.self;
    m->to = to;
    m->from_incarnation = r->config.incarnation;
    m->to_incarnation = incarnation_of(r, to);
    m->term = r->term;
    m->recovering = r->recovering;
    return m;
}
