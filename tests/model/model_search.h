/* What the parts of a search share: see model_search.c. */
#ifndef MODEL_SEARCH_H
#define MODEL_SEARCH_H

#include "model_live.h"
#include "model_memo.h"
#include "model_outline.h"
#include "model_queue.h"
#include "model_table.h"

#define MODEL_BATCH   64
#define MODEL_THREADS 16

/* A state that was reached, not yet looked up. */
struct model_successor {
    struct model_tuple tuple;
    struct model_print print;
    bool counted; /* something that is bounded was used up */
    struct model_origin origin;
};

struct model_search {
    const struct model_config *config;
    const struct model_limits *limits;
    struct model_store store;
    struct model_table table;
    struct model_queue queue;
    struct model_worker *workers[MODEL_THREADS];
    struct model_outlines outlines; /* with limits->outlines; one thread */
    uint32_t depth;
    double began;
    double said;
    _Atomic uint64_t states;
    _Atomic uint64_t transitions;
    _Atomic uint64_t cuts;
    _Atomic bool stop;
    const char *limit; /* why it stopped early */

    /* The first violation that a thread found. */
    pthread_mutex_t lock;
    bool violated;
    char violation[256];
    struct model_origin origin; /* from which state, by which of its events */
    uint64_t wanted; /* 0, or the fingerprint of a state to stop at */
};

struct model_worker {
    struct model_search *search;
    struct model_memo memo;
    struct model_chunk in;
    struct model_chunk out;
    struct model_edges edges;
    uint32_t messages[MODEL_WIRE_MAX + MODEL_SENT_MAX]; /* after an event */
    uint32_t message_count;
    struct model_successor batch[MODEL_BATCH];
    uint32_t batch_count;
    uint64_t states;
    uint64_t transitions;
    uint64_t cuts;
    struct model *reference; /* NULL, or for model_compare.c */
    struct model_state *from;
};

/* model_expand.c: everything that can follow from a state. */
void model_expand(struct model_worker *w, const struct model_tuple *t,
                  uint64_t state);
/* Events of a state. */
uint32_t model_tuple_events(const struct model_store *store,
                            const struct model_tuple *t,
                            struct model_event *events);
/* model_compare.c: does the core itself agree with what was remembered? */
void model_compare_begin(struct model_worker *w, const struct model_tuple *t);
void model_compare_event(struct model_worker *w, struct model_event e,
                         const struct model_successor *got, uint32_t count);

/* model_replay.c: the way to the violation, as a script. */
void model_replay(struct model_search *s, FILE *file);
/* The first state. */
void model_first(struct model_search *s, struct model_tuple *t);

#endif
