/*
 * What can be seen of the states of a search, for comparing two searches: the
 * set of all outlines. An outline is what a reduction must not lose: of each
 * node role, term, log, disk, commit, and whether it knows a leader, for all
 * nodes together.
 */
#ifndef MODEL_OUTLINE_H
#define MODEL_OUTLINE_H

#include "model_part.h"

struct model_outlines {
    uint64_t *slots;
    uint64_t slot_count; /* a power of two */
    uint64_t count;
    uint64_t sum; /* of all hashes: two equal sets have equal sums */
};

uint64_t model_outline_of_node(const struct model_state *s, uint32_t pos);
void model_outlines_init(struct model_outlines *o);
void model_outlines_release(struct model_outlines *o);
void model_outlines_add(struct model_outlines *o, const struct model_store *s,
                        const struct model_tuple *t);

#endif
