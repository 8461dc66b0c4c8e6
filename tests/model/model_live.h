/* Can every state still get to where all is done? See model_live.c. */
#ifndef MODEL_LIVE_H
#define MODEL_LIVE_H

#include "model_table.h"

/* A thread's edges: for each state its slot, the slots it leads to, their
 * number; in a temporary file. */
struct model_edges {
    FILE *file;
    uint32_t slot;
    uint32_t count; /* of the state under way */
    uint64_t words; /* written */
};

void model_edges_init(struct model_edges *e);
void model_edges_release(struct model_edges *e);
void model_edges_begin(struct model_edges *e, uint32_t slot);
void model_edges_add(struct model_edges *e, uint32_t to);
void model_edges_end(struct model_edges *e);

/* MODEL_MARK_GOOD and MODEL_MARK_MUST of a state. */
uint8_t model_live_mark(const struct model_config *config,
                        const struct model_state *s);
/* Slot of a state that can reach no goal though it must, or UINT32_MAX. */
uint32_t model_live_check(struct model_edges *const edges[], uint32_t count,
                          struct model_table *t);

#endif
