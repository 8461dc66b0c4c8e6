/* What a search remembers: fingerprints with their parents, and a queue. */
#ifndef MODEL_TABLE_H
#define MODEL_TABLE_H

#include "model.h"

/* Open addressing, linear probing; a state is named by its slot. */
struct model_table {
    uint64_t slot_count; /* a power of two */
    uint64_t used;
    uint64_t *prints;  /* 0: free */
    uint32_t *parents; /* slot of the state it was first reached from */
    uint8_t *marks;    /* NULL, or for model_live.c */
};

void model_table_init(struct model_table *t, uint64_t bytes, bool marks);
void model_table_release(struct model_table *t);
bool model_table_full(const struct model_table *t);
/* True: it is new. *slot says where it is. */
bool model_table_add(struct model_table *t, uint64_t print, uint32_t parent,
                     uint32_t *slot);

/* First in, first out; packed states with their slots. */
struct model_chunk;
struct model_queue {
    struct model_chunk *head;
    struct model_chunk *tail;
    uint64_t count;
    uint64_t bytes; /* of all chunks */
};

void model_queue_push(struct model_queue *q, const struct model_code *code,
                      uint32_t slot);
/* False: empty. */
bool model_queue_pop(struct model_queue *q, struct model_code *code,
                     uint32_t *slot);
void model_queue_release(struct model_queue *q);

/* model_live.c: can every state still get somewhere? */
#define MODEL_MARK_GOOD 1 /* a goal, or can reach one */
#define MODEL_MARK_MUST 2 /* has to */
struct model_live {
    uint32_t *edges; /* for each state: slot, slots it leads to, count */
    uint64_t used;
    uint64_t max;
    bool overflow;
};

void model_live_init(struct model_live *live, uint64_t bytes);
void model_live_release(struct model_live *live);
void model_live_begin(struct model_live *live, uint32_t slot);
void model_live_edge(struct model_live *live, uint32_t to);
void model_live_end(struct model_live *live, uint32_t edges);
uint8_t model_live_mark(const struct model_config *config,
                        const struct model_state *s);
/* Slot of a state that can reach no goal though it must, or UINT32_MAX. */
uint32_t model_live_check(struct model_live *live, struct model_table *t);

#endif
