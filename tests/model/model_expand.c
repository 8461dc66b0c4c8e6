/*
 * From one state to all that follow, in numbers of parts only.
 *
 * Two rounds hide the time that memory takes: first all remembered steps are
 * asked for, then used; what they lead to is gathered, while the places in
 * the table are fetched, and looked up in one go.
 */
#include <string.h>

#include "model_search.h"

uint32_t model_tuple_events(const struct model_store *store,
                            const struct model_tuple *t,
                            struct model_event *events)
{
    const struct model_part *ghost = model_part_at(&store->ghosts, t->ghost);
    struct model_there there = {.commit = ghost->commit,
                                .granted = ghost->granted};
    uint32_t count = 0;

    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        uint8_t cut = model_part_at(&store->nodes, t->nodes[i])->cut;
        there.cut = MAX(there.cut, cut);
    }
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        const struct model_part *node =
            model_part_at(&store->nodes, t->nodes[i]);
        const struct model_event *own = model_part_events(node);
        for (uint32_t k = 0; k < node->events; k++) {
            if (model_may(store->config, &t->used, own[k].type) &&
                model_is_there(store->config, own[k], there)) {
                events[count++] = own[k];
            }
        }
    }
    bool twice = model_may(store->config, &t->used, MODEL_DUPLICATE);
    for (uint32_t i = 0; i < t->wire_count; i++) {
        const struct model_part *msg =
            model_part_at(&store->messages, t->wire[i]);
        struct model_event e = {
            .type = MODEL_DELIVER, .node = msg->to, .arg = (uint8_t)i};
        events[count++] = e;
        if (msg->is_vote &&
            model_part_at(&store->nodes, t->nodes[msg->to])->may_be_stale) {
            e.type = MODEL_DELIVER_STALE;
            events[count++] = e;
        }
        if (twice) {
            e.type = MODEL_DUPLICATE;
            events[count++] = e;
        }
    }
    ASSERT(count <= MODEL_EVENTS_MAX);
    return count;
}

static bool contains(const uint32_t *messages, uint32_t count, uint32_t id)
{
    for (uint32_t i = 0; i < count; i++) {
        if (messages[i] == id) {
            return true;
        }
    }
    return false;
}

/* Nodes, ghost and counters after this outcome. */
static void go_on(const struct model_store *store,
                  const struct model_tuple *from, struct model_event e,
                  const struct model_outcome *o, struct model_tuple *next)
{
    *next = *from;
    model_use(store->config, &next->used, e.type);
    next->ghost = o->ghost;
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        next->nodes[i] = o->nodes[i] != 0 ? o->nodes[i] : from->nodes[i];
    }
}

/* The messages there are then, old ones and new ones. */
static void gather(struct model_worker *w, const struct model_tuple *from,
                   struct model_event e, const struct model_outcome *o,
                   const struct model_tuple *next)
{
    bool taken = e.type == MODEL_DELIVER || e.type == MODEL_DELIVER_STALE;
    uint32_t count = 0;

    for (uint32_t i = 0; i < from->wire_count; i++) {
        uint32_t id = from->wire[i];
        if ((!taken || i != e.arg) && !model_memo_dead(&w->memo, next, id)) {
            w->messages[count++] = id;
        }
    }
    for (uint32_t i = 0; i < o->sent_count; i++) {
        uint32_t id = o->sent[i];
        if (!contains(w->messages, count, id) &&
            !model_memo_dead(&w->memo, next, id)) {
            w->messages[count++] = id;
        }
    }
    w->message_count = count;
}

static void keep(struct model_worker *w, uint64_t choice, struct model_tuple *t)
{
    t->wire_count = 0;
    for (uint32_t i = 0; i < w->message_count; i++) {
        if ((choice >> i & 1) != 0) {
            t->wire[t->wire_count++] = w->messages[i];
        }
    }
    if (w->search->config->losses != MODEL_ANY) {
        uint32_t lost = w->message_count - t->wire_count;
        t->used.losses = (uint8_t)(t->used.losses + lost);
    }
    model_memo_form(&w->memo, t);
}

static void violation(struct model_worker *w, const char *text,
                      struct model_origin origin)
{
    struct model_search *s = w->search;

    pthread_mutex_lock(&s->lock);
    if (!s->violated) {
        s->violated = true;
        snprintf(s->violation, sizeof(s->violation), "%s", text);
        s->origin = origin;
    }
    pthread_mutex_unlock(&s->lock);
    s->stop = true;
}

static bool add(struct model_search *s, const struct model_tuple *t,
                struct model_print print, uint32_t *slot)
{
    const struct model_budget *b = &s->store.budget;
    uint32_t vector = model_budget_vector(b, &t->used);

    return model_table_add(&s->table, print, vector, b->above[vector], slot);
}

static void look_up(struct model_worker *w)
{
    struct model_search *s = w->search;
    uint32_t slot = 0;

    for (uint32_t i = 0; i < w->batch_count; i++) {
        struct model_successor *next = &w->batch[i];
        if (add(s, &next->tuple, next->print, &slot)) {
            uint32_t marks = model_memo_view(&w->memo, &next->tuple);
            w->states++;
            if (s->limits->outlines) {
                model_outlines_add(&s->outlines, &s->store, &next->tuple);
            }
            if ((marks & MODEL_MARK_BAD) != 0) {
                violation(w, w->memo.violation, next->origin);
            }
            if (next->print.check == s->wanted) {
                violation(w, "X15 liveness: no way from here to a goal",
                          next->origin);
            }
            if (s->config->live) {
                s->table.marks[slot] |= (uint8_t)marks;
            }
            model_queue_push(&s->queue, &w->out, &next->tuple, next->origin);
        }
        if (s->config->live && !next->counted) {
            model_edges_add(&w->edges, slot);
        }
    }
    w->batch_count = 0;
}

/* All ways to lose what is too much; false: more than may be lost. */
static bool add_all(struct model_worker *w, const struct model_used *used,
                    struct model_successor *next)
{
    const struct model_config *config = w->search->config;
    const struct model_tuple before = next->tuple;
    uint32_t count = w->message_count;
    uint32_t kept = MIN(count, config->in_flight);
    uint64_t choice = 0;

    if (config->losses != MODEL_ANY &&
        before.used.losses + count - kept > config->losses) {
        return false;
    }
    for (uint32_t n = 0; model_next_choice(count, kept, &choice); n++) {
        if (w->batch_count == MODEL_BATCH) {
            look_up(w);
        }
        next->tuple = before;
        next->origin.choice = n & 1023;
        ASSERT(next->origin.choice == n);
        keep(w, choice, &next->tuple);
        next->counted = memcmp(&next->tuple.used, used, sizeof(*used)) != 0;
        next->print = model_tuple_print(&w->search->store, &next->tuple);
        model_table_prefetch(&w->search->table, next->print);
        w->batch[w->batch_count++] = *next;
    }
    return true;
}

static void try_event(struct model_worker *w, const struct model_tuple *t,
                      struct model_event e, struct model_origin origin)
{
    struct model_successor next = {.origin = origin};
    const struct model_outcome *o = model_memo_step(&w->memo, t, e);

    w->transitions++;
    if ((o->flags & MODEL_FLAG_VIOLATION) != 0) {
        violation(w, w->memo.violation, origin);
        return;
    }
    if ((o->flags & MODEL_FLAG_CUT) != 0) {
        w->cuts++;
        return;
    }
    go_on(w->memo.store, t, e, o, &next.tuple);
    gather(w, t, e, o, &next.tuple);
    w->cuts += !add_all(w, &t->used, &next);
}

void model_expand(struct model_worker *w, const struct model_tuple *t,
                  uint64_t state)
{
    struct model_event events[MODEL_EVENTS_MAX];
    uint32_t count = model_tuple_events(&w->search->store, t, events);
    struct model_origin origin = {.parent = state & ((UINT64_C(1) << 46) - 1)};

    if (w->search->config->live) {
        uint32_t slot = 0;
        bool added =
            add(w->search, t, model_tuple_print(&w->search->store, t), &slot);
        ASSERT(!added);
        model_edges_begin(&w->edges, slot);
    }
    for (uint32_t i = 0; i < count; i++) {
        model_memo_prefetch(&w->memo, t, events[i]);
    }
    if (w->reference != NULL) {
        model_compare_begin(w, t);
    }
    for (uint32_t i = 0; i < count && !w->search->violated; i++) {
        origin.event = i & 255;
        if (w->reference == NULL) {
            try_event(w, t, events[i], origin);
            continue;
        }
        look_up(w);
        try_event(w, t, events[i], origin);
        model_compare_event(w, events[i], w->batch, w->batch_count);
    }
    look_up(w);
    if (w->search->config->live) {
        model_edges_end(&w->edges);
    }
}
