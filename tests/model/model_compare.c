/*
 * The slow way, to check the fast one: the whole state, the core itself, all
 * invariants, and then the same fingerprints. Anything that model_memo.c
 * remembers though it depends on more than its key shows here.
 */
#include <stdlib.h>
#include <string.h>

#include "model_search.h"

static void differ(const char *what)
{
    printf("DIFFERS: what is remembered is not what the core does: %s\n", what);
    exit(1);
}

void model_compare_begin(struct model_worker *w, const struct model_tuple *t)
{
    struct model_event slow[MODEL_EVENTS_MAX];
    struct model_event fast[MODEL_EVENTS_MAX];
    const struct model_store *store = &w->search->store;

    model_tuple_to(store, t, w->from);
    uint32_t count = model_events(w->reference, w->from, slow);
    if (count != model_tuple_events(store, t, fast) ||
        memcmp(slow, fast, count * sizeof(slow[0])) != 0) {
        differ("events");
    }
}

void model_compare_event(struct model_worker *w, struct model_event e,
                         const struct model_successor *got, uint32_t count)
{
    struct model *m = w->reference;
    struct model_state *next = &w->memo.m.state;
    struct model_tuple t;
    uint64_t choice = 0;
    uint32_t n = 0;

    model_copy(&m->state, w->from);
    model_apply(m, e);
    if (m->violation != NULL && count > 0) {
        return; /* between nodes: to be seen when the state is looked up */
    }
    if ((m->violation != NULL) != w->search->violated) {
        differ("violation");
    }
    if (m->violation != NULL || m->cut) {
        if (count != 0) {
            differ("bounds");
        }
        return;
    }
    for (; model_wire(m, &choice, next); n++) {
        model_tuple_from(&w->search->store, next, &w->memo.scratch, &t);
        struct model_print print = model_tuple_print(&w->search->store, &t);
        if (n >= count || print.place != got[n].print.place ||
            print.check != got[n].print.check) {
            differ("states");
        }
    }
    if (n != count) {
        differ("number of states");
    }
}
