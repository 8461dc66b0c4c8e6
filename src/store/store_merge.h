/*
 * An iterator over tables in memory and what is below them: of each key it
 * sees the newest, and none that is deleted. It only goes forward.
 */
#ifndef STORE_STORE_MERGE_H
#define STORE_STORE_MERGE_H

#include "store/memtable.h"
#include "store/store.h"

/* `older` may be NULL. Neither table may change while it lives; `below` is
 * taken over. `living` counts the iterators of their owner. */
struct store_iter *store_merge_new(const struct memtable *newer,
                                   const struct memtable *older,
                                   struct store_iter *below, uint32_t *living);

#endif
