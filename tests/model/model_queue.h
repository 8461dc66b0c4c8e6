/*
 * States that wait, level by level, and from which state each was reached; in
 * temporary files without names, which vanish with the process.
 *
 * A level is a list of chunks; threads take chunks of one level and write
 * chunks of the next. Chunk c holds the states c * MODEL_CHUNK and following
 * ones: a state's number, by which its way back is found. Only the two levels
 * are kept as states; of all states it is kept which event led to them, from
 * where (8 bytes).
 */
#ifndef MODEL_QUEUE_H
#define MODEL_QUEUE_H

#include <pthread.h>
#include <stdatomic.h>

#include "model_part.h"

#define MODEL_CHUNK 1024

/* What happened: which of the events of the state before, which choice of
 * losses. */
struct model_origin {
    uint64_t parent : 46;
    uint64_t event : 8;
    uint64_t choice : 10;
};

_Static_assert(sizeof(struct model_origin) == 8, "one word");

struct model_level {
    int file;
    uint64_t first;  /* number of its first chunk */
    uint64_t chunks; /* written */
    _Atomic uint64_t taken;
    uint16_t *counts; /* of states in a chunk */
    uint64_t counts_max;
};

struct model_queue {
    uint32_t record_size;
    int origins;
    pthread_mutex_t lock;
    struct model_level levels[2];
    uint32_t current; /* is read; the other is written */
    uint64_t chunks;  /* written in all */
};

/* A thread's own chunk under way. */
struct model_chunk {
    uint32_t count;
    uint64_t number; /* of a chunk that was read: of its first state */
    uint8_t *records;
    struct model_origin origins[MODEL_CHUNK];
};

void model_queue_init(struct model_queue *q, uint32_t in_flight);
void model_queue_release(struct model_queue *q);
void model_chunk_init(struct model_chunk *c, const struct model_queue *q);
void model_chunk_release(struct model_chunk *c);

void model_queue_push(struct model_queue *q, struct model_chunk *c,
                      const struct model_tuple *t, struct model_origin origin);
/* Writes out a chunk that is not full. */
void model_queue_flush(struct model_queue *q, struct model_chunk *c);
/* False: nothing is left of this level. */
bool model_queue_take(struct model_queue *q, struct model_chunk *c);
void model_chunk_get(const struct model_queue *q, const struct model_chunk *c,
                     uint32_t i, struct model_tuple *t);
/* The next level becomes the current one; false if it is empty. All chunks
 * were flushed, no thread reads. */
bool model_queue_next_level(struct model_queue *q);
struct model_origin model_queue_origin(const struct model_queue *q,
                                       uint64_t state);
/* Bytes of states that wait. */
uint64_t model_queue_bytes(const struct model_queue *q);

#endif
