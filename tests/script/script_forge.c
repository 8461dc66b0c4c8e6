/* Messages that no core made: what a faulty or hostile peer may send. */
#include <string.h>

#include "script.h"

static bool type_of(struct script *s, enum raft_message_type *type)
{
    const char *name = script_value(s, "type");

    for (int t = RAFT_MSG_PRE_VOTE; name != NULL && t < RAFT_MSG_TYPE_END;
         t++) {
        if (strcmp(name, raft_message_name((enum raft_message_type)t)) == 0) {
            *type = (enum raft_message_type)t;
            return true;
        }
    }
    script_error(s, "no such message type");
    return false;
}

static void fill_runs(struct script *s, struct raft_message *m)
{
    raft_term terms[CLUSTER_CHUNK_MAX];
    uint32_t count =
        script_terms(s, script_value(s, "terms"), terms, CLUSTER_CHUNK_MAX);

    m->count = (uint32_t)script_option(s, "count", count);
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && terms[i] == terms[i - 1]) {
            continue;
        }
        if (m->run_count < RAFT_MESSAGE_RUNS_MAX) {
            m->runs[m->run_count].first = m->index + 1 + i;
            m->runs[m->run_count++].term = terms[i];
        }
    }
    m->run_count = (uint32_t)script_option(s, "runs", m->run_count);
}

/* message FROM TO type=TYPE [field=value ...] */
void forge_message(struct script *s)
{
    uint32_t from = 0;
    uint32_t to = 0;
    struct raft_message m;

    memset(&m, 0, sizeof(m));
    if (!script_node(s, 1, &from) || !script_node(s, 2, &to) ||
        !type_of(s, &m.type)) {
        return;
    }
    m.from = (node_id)script_option(s, "from", s->c->members.ids[from]);
    m.to = (node_id)script_option(s, "to", s->c->members.ids[to]);
    m.group = (uint16_t)script_option(s, "group", s->c->config.group);
    m.cluster_id = script_option(s, "cluster", s->c->config.cluster_id);
    m.from_incarnation =
        script_option(s, "incarnation", s->c->nodes[from].incarnation);
    m.to_incarnation = script_option(s, "to_incarnation", 0);
    m.term = script_option(s, "term", s->c->nodes[from].core.term);
    m.index = script_option(s, "index", 0);
    m.index_term = script_option(s, "index_term", 0);
    m.commit = script_option(s, "commit", 0);
    m.refused = script_option(s, "refused", 0);
    m.match = script_option(s, "match", 0);
    m.verified = script_option(s, "verified", 0);
    m.round = script_option(s, "round", 0);
    m.read_id = script_option(s, "read", 0);
    m.granted = script_option(s, "granted", 0) != 0;
    m.rejected = script_option(s, "rejected", 0) != 0;
    m.transfer = script_option(s, "transfer", 0) != 0;
    fill_runs(s, &m);
    if (!s->broken && s->c->nodes[to].up) {
        cluster_step(
            s->c, to,
            (struct raft_event){.type = RAFT_EV_MESSAGE, .message = &m});
        cluster_flush(s->c, to);
    }
}
