/*
 * How many bytes a key has in the state: its row, those of its pages and other
 * long parts, and its place in the index of expiries. What the store makes of
 * them on disk (it compresses them), and keeps in memory, is its own matter.
 */
#ifndef DATA_USAGE_H
#define DATA_USAGE_H

#include "data/keyspace.h"

/* No more rows are looked at, whatever is asked for. */
#define USAGE_SAMPLES_MAX 100000

/* v is what keyspace_get() gave for the key. Of its pages `samples` are looked
 * at (0: all), equally far from each other, and stand for the others. */
uint64_t usage_of(struct keyspace *ks, struct bytes key, const struct value *v,
                  uint64_t samples);

#endif
