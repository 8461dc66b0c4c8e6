/*
 * What is remembered of steps, so that the core need not do them again.
 *
 * What an event does depends on the nodes it touches and on the ghost, of
 * which there are few. Four caches, for each thread its own; each is a table
 * of fixed size in which the newer entry replaces the older:
 *
 * - steps: (event, nodes touched, ghost) -> the same after, messages sent
 * - dead: (message, its sender, its receiver) -> is it of no use any more?
 * - views: (all nodes, ghost) -> invariants between nodes hold; marks
 * - forms: (ghost, node or message, what matters of the rest) -> its form
 *
 * A step is first tried with the nodes it does not touch left blank: empty
 * disks, no votes. What the checker finds good even so is good: to it the
 * others are witnesses only. Where it does not, the step is done again with
 * the true others, and is remembered for just these.
 */
#ifndef MODEL_MEMO_H
#define MODEL_MEMO_H

#include "model_part.h"

#define MODEL_SENT_MAX 11

enum model_flag {
    MODEL_FLAG_CUT = 1,       /* went over a bound */
    MODEL_FLAG_VIOLATION = 2, /* what is in the text of the memo */
    MODEL_FLAG_OTHERS = 4,    /* ask again with all nodes */
};

struct model_outcome {
    uint32_t nodes[MODEL_NODES]; /* 0: not touched */
    uint32_t ghost;
    uint8_t flags;
    uint8_t sent_count;
    uint16_t sent[MODEL_SENT_MAX];
};

struct model_step {
    uint64_t event; /* with the message; 0: free */
    uint32_t nodes[MODEL_NODES];
    uint32_t ghost;
    struct model_outcome outcome;
};

_Static_assert(sizeof(struct model_step) == 64 || MODEL_NODES > 3,
               "one cache line");

#define MODEL_KEY (MODEL_NODES + 1)

struct model_triple {
    uint32_t key[MODEL_KEY];
    uint32_t value;
};

/* What a view says. */
enum model_mark {
    MODEL_MARK_KNOWN = 1,
    MODEL_MARK_GOOD = 2, /* all is done */
    MODEL_MARK_MUST = 4, /* it has to be possible to get all done */
    MODEL_MARK_BAD = 8,  /* check_cluster() found a violation */
};

struct model_memo {
    struct model m; /* does steps */
    struct model_state scratch;
    struct model_store *store;
    struct model_step *steps;
    uint64_t step_mask;
    struct model_triple *dead;
    struct model_triple *views;
    struct model_triple *forms;
    uint64_t small_mask;
    uint64_t step_misses;
    uint64_t dead_misses;
    uint64_t view_misses;
    char violation[256];
};

void model_memo_init(struct model_memo *memo, struct model_store *store,
                     uint64_t bytes);
void model_memo_release(struct model_memo *memo);

/* Fetches what model_memo_step() will look at. */
void model_memo_prefetch(const struct model_memo *memo,
                         const struct model_tuple *t, struct model_event e);
const struct model_outcome *model_memo_step(struct model_memo *memo,
                                            const struct model_tuple *t,
                                            struct model_event e);
bool model_memo_dead(struct model_memo *memo, const struct model_tuple *t,
                     uint32_t message);
/* Marks; a violation's text is in memo->violation. */
uint32_t model_memo_view(struct model_memo *memo, const struct model_tuple *t);
/* The rest of model_canonical(), for a tuple whose nodes are canonical each for
 * itself. */
void model_memo_form(struct model_memo *memo, struct model_tuple *t);

#endif
