/*
 * Parts of states, each kept once.
 *
 * There are hundreds of millions of states, but only thousands of states that
 * a single node can be in, of messages, and of histories (the ghost). Each has
 * a number here, and a state is a handful of numbers, a tuple. A part has a
 * hash for each way to name the nodes; the sum of the hashes of its parts is
 * that of a state. The six sums, mixed and added, are the same for all states
 * that differ in names only: that is the fingerprint.
 *
 * Threads may add and read at the same time; parts stay where they are.
 */
#ifndef MODEL_PART_H
#define MODEL_PART_H

#include <pthread.h>

#include "model_budget.h"
#include "model_table.h"

#define MODEL_PART_CHUNK  4096
#define MODEL_PART_CHUNKS 8192

struct model_part {
    uint64_t hash[MODEL_ORDERS];
    uint64_t outline;     /* see model_outline.h */
    const uint8_t *bytes; /* then the events of a node */
    uint32_t mentions;    /* see model_form.c */
    uint32_t present;     /* see model_present_in_node() */
    uint32_t sender;      /* all that model_dead() sees of a node as sender */
    uint16_t size;        /* of bytes */
    uint8_t events;       /* how many */
    uint8_t commit;       /* of a ghost */
    uint8_t granted;      /* the same: lives, by position */
    uint8_t cut;          /* of a node's log */
    uint8_t term : 3;     /* of a node or a message */
    uint8_t leads : 1;
    uint8_t may_be_stale : 1; /* see model_may_be_stale() */
    uint8_t spare_vote : 1;   /* see model_form.c */
    uint8_t contests : 1;
    uint8_t holds_term : 1; /* see model_canonical_ghost() */
    uint8_t writes : 1;     /* are under way */
    uint8_t is_vote : 1;    /* a message that asks */
    uint8_t is_pre_vote : 1;
    uint8_t from : 2; /* of a message */
    uint8_t to : 2;
};

struct model_parts {
    pthread_mutex_t lock;
    struct model_part *chunks[MODEL_PART_CHUNKS];
    uint32_t count; /* the part 0 is none */
    uint32_t *slots;
    uint32_t slot_count; /* a power of two */
    uint64_t bytes;      /* of memory */
};

/* All parts of a search, and what makes them. */
struct model_store {
    const struct model_config *config;
    struct model_budget budget;
    struct model_parts nodes;
    struct model_parts ghosts;
    struct model_parts messages;
};

void model_store_init(struct model_store *s, const struct model_config *config);
void model_store_release(struct model_store *s);
uint64_t model_store_bytes(const struct model_store *s);

/* The numbers of parts of a canonical state; `scratch` is for comparing. */
uint32_t model_store_node(struct model_store *s,
                          const struct model_state *state, uint32_t pos,
                          struct model_state *scratch);
uint32_t model_store_ghost(struct model_store *s,
                           const struct model_state *state,
                           struct model_state *scratch);
uint32_t model_store_message(struct model_store *s,
                             const struct raft_message *msg);

static inline const struct model_part *
model_part_at(const struct model_parts *p, uint32_t id)
{
    ASSERT(id > 0);
    return &p->chunks[id / MODEL_PART_CHUNK][id % MODEL_PART_CHUNK];
}

static inline const struct model_event *
model_part_events(const struct model_part *p)
{
    return (const struct model_event *)(const void *)(p->bytes + p->size);
}

/* A state as numbers of parts. */
struct model_tuple {
    uint32_t nodes[MODEL_NODES];
    uint32_t ghost;
    struct model_used used;
    uint32_t wire_count;
    uint32_t wire[MODEL_WIRE_MAX];
};

/* state is canonical */
void model_tuple_from(struct model_store *s, const struct model_state *state,
                      struct model_state *scratch, struct model_tuple *t);
void model_tuple_to(const struct model_store *s, const struct model_tuple *t,
                    struct model_state *state);
struct model_print model_tuple_print(const struct model_store *s,
                                     const struct model_tuple *t);

#endif
