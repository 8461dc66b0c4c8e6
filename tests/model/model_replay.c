/*
 * The way to a state, as an interaction script. Every state remembers from
 * which state and by which of its events it was first reached; the way back is
 * read from there, and walked again from the first state on. Breadth first
 * means that there is no shorter one (within the bounds).
 */
#include <string.h>

#include "base/alloc.h"
#include "model_search.h"

void model_first(struct model_search *s, struct model_tuple *t)
{
    struct model_memo *memo = &s->workers[0]->memo;

    model_start(&memo->m);
    model_prelude(&memo->m);
    model_canonical(s->config, &memo->m.state);
    model_tuple_from(&s->store, &memo->m.state, &memo->scratch, t);
}

/* Both states go on: the tuple, whose events are numbered, and the whole one,
 * whose core says what it does. */
static void step(struct model *m, struct model_memo *memo,
                 struct model_tuple *t, struct model_origin origin, FILE *file)
{
    struct model_event events[MODEL_EVENTS_MAX];
    struct model_state next;
    uint64_t choice = 0;

    (void)model_tuple_events(memo->store, t, events);
    m->script = file;
    model_apply(m, events[origin.event]);
    m->script = NULL;
    ASSERT(m->violation == NULL && !m->cut);
    for (uint32_t n = 0; n <= origin.choice; n++) {
        bool there = model_wire(m, &choice, &next);
        ASSERT(there);
    }
    memcpy(m->wire_ids, m->kept_ids, sizeof(m->wire_ids));
    model_copy(&m->state, &next);
    model_tuple_from(memo->store, &next, &memo->scratch, t);
}

static void last_step(struct model *m, const struct model_store *store,
                      const struct model_tuple *t, struct model_origin origin,
                      FILE *file)
{
    struct model_event events[MODEL_EVENTS_MAX];

    (void)model_tuple_events(store, t, events);
    m->script = file;
    model_apply(m, events[origin.event]);
    m->script = NULL;
}

/* Where it ends, as comments. */
static void describe(const struct model *m, FILE *file)
{
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        const struct raft *r = &m->state.cores[i];
        fprintf(file, "# %u: %s of term %u, last %u, commit %u, writes %u\n", i,
                raft_role_name(r->role), (unsigned)r->term, (unsigned)r->last,
                (unsigned)r->commit, m->state.check.nodes[i].write_count);
        const struct raft_members *members = &r->members[RAFT_NEWEST];
        fprintf(file, "#   members by entry %u: voters %x, outgoing %x of",
                (unsigned)r->members_at[RAFT_NEWEST], members->voters,
                members->outgoing);
        for (uint32_t k = 0; k < members->count; k++) {
            fprintf(file, " %u", members->ids[k]);
        }
        fprintf(file, "\n");
        for (uint32_t k = 0; k < members->count && r->role == RAFT_LEADER;
             k++) {
            const struct raft_progress *p = &r->progress[k];
            fprintf(file, "#   to %u: %s, match %u, next %u, in flight %u\n",
                    members->ids[k],
                    p->state == RAFT_PROBE ? "probe" : "replicate",
                    (unsigned)p->match, (unsigned)p->next, p->in_flight);
        }
    }
    for (uint32_t i = 0; i < m->all_count; i++) {
        const struct raft_message *msg = m->all[i];
        fprintf(file, "# in flight: %s of term %u from %u to %u\n",
                raft_message_name(msg->type), (unsigned)msg->term, msg->from,
                msg->to);
    }
}

void model_replay(struct model_search *s, FILE *file)
{
    struct model *m = mem_zalloc(sizeof(*m));
    struct model_memo *memo = &s->workers[0]->memo;
    struct model_origin *way = mem_alloc(256 * sizeof(*way));
    struct model_tuple t;
    uint32_t length = 0;

    for (uint64_t at = s->origin.parent; at != 0; at = way[length++].parent) {
        if (length > 0 && length % 256 == 0) {
            way = mem_realloc(way, (length + 256) * sizeof(*way));
        }
        way[length] = model_queue_origin(&s->queue, at);
    }
    fprintf(file, "# %u events\n", length + 1);
    m->config = s->config;
    model_start(m);
    m->script = file;
    model_prelude(m);
    m->script = NULL;
    model_canonical(s->config, &m->state);
    model_tuple_from(&s->store, &m->state, &memo->scratch, &t);
    while (length > 0) {
        step(m, memo, &t, way[--length], file);
    }
    last_step(m, &s->store, &t, s->origin, file);
    if (m->violation == NULL && s->wanted == 0) {
        fprintf(file, "# the replay does not show it\n");
    }
    describe(m, file);
    fprintf(file, "# VIOLATION: %s\n", s->violation);
    mem_free(way);
    mem_free(m);
}
