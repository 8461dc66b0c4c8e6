/*
 * The operations on collections: which element, which request, which answer.
 *
 * Fields and members are numbered from 0, and named as keys are. A stream that
 * setup writes has the ids 1-0, 2-0, ...; so it is written in this order.
 *
 * Thread: any; the state is the caller's.
 */
#ifndef BENCH_COLLECTION_H
#define BENCH_COLLECTION_H

#include "bench/bench.h"

#define BENCH_SCORE_MAX 1000000000

bool bench_is_collection(int64_t op);
/* Operations on one type share its keys. */
enum key_family bench_collection_family(int64_t op);

/* The operation as which setup writes and counts. */
enum bench_op bench_collection_writer(int64_t op);
/* How many commands setup sends. */
int64_t bench_setup_commands(const struct bench_options *o);
/* Each element must be written after the one before it. */
bool bench_setup_in_order(const struct bench_options *o);
/* What the command of this number writes; returns the index of its key. */
uint64_t bench_collection_batch(const struct bench_options *o, uint64_t number,
                                struct bench_request *r);
/* One element, and a score. */
void bench_collection_choose(const struct bench_options *o, uint64_t *rng,
                             struct bench_request *r);

void bench_collection_write(struct buf *out, const struct bench_request *r);
void bench_write_bulk(struct buf *out, struct bytes b);

/* NULL, or why the reply is not one to the operation; whether it is a miss. */
const char *bench_collection_wrong(enum bench_op op,
                                   const struct bench_reply *r, bool *miss);

#endif
