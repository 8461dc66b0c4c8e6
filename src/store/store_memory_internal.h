/*
 * What the files of the store in memory share: store_memory.c,
 * store_memory_copy.c, which has its views and fills, and
 * store_memory_batch.c, which both of them need.
 */
#ifndef STORE_STORE_MEMORY_INTERNAL_H
#define STORE_STORE_MEMORY_INTERNAL_H

#include "base/list.h"
#include "os/mutex.h"
#include "store/store_memory.h"
#include "store/tree.h"

#define MEMORY_PARTS_MAX  64 /* of a fill */
#define MEMORY_STATES_MAX 8  /* made by fills and not used */

enum memory_operation { OP_GET, OP_WRITE, OP_SYNC, OP_COUNT };

struct family {
    struct tree *now;
    struct tree *safe;
};

/* An unsynced batch. */
struct memory_pending {
    struct list link;
    struct store_batch batch;
    bool uses_state;    /* it puts a state in the place of another */
    struct tree *state; /* that one; an empty one is NULL */
};

struct store_memory {
    struct store base;
    struct mutex lock;
    struct family families[STORE_FAMILY_COUNT];
    struct list pending;
    uint32_t pending_count;
    uint64_t fail_after[OP_COUNT]; /* 0: never; 1: the next and all later */
    bool failed;                   /* a write or sync has failed */
    bool full;
    struct store_batch discarded; /* ranges of the state */
    bool discards_safe;           /* all of them were flushed */
    uint32_t tidied;
    struct tree *measured; /* the version whose extent is known */
    struct store_extent extent;
    uint32_t iterators;
    uint32_t views;
    struct store_view *asked; /* NULL: none */
    uint32_t asked_looks;     /* at it */
    bool filling;
    struct tree *parts[MEMORY_PARTS_MAX]; /* after so many parts and one */
    uint32_t part_count;
    struct tree *states[MEMORY_STATES_MAX]; /* by their numbers */
    uint64_t state_count;                   /* numbers given out */
    char error[64];
};

static inline struct store_memory *store_memory_of(struct store *s)
{
    return CONTAINER_OF(s, struct store_memory, base);
}

/* The next functions need the lock; store_memory_batch.c. */

/* Whether this operation is to fail. */
bool store_memory_fails(struct store_memory *m, enum memory_operation op);
void store_memory_apply(struct store_memory *m, const struct store_batch *b,
                        enum store_write_kind kind);
/* Remembers a batch until it is synced. */
struct memory_pending *store_memory_pend(struct store_memory *m,
                                         const struct store_batch *b);

/* store_memory_copy.c: views and fills. */

struct store_view *store_memory_view_open(struct store *s);
void store_memory_view_ask(struct store *s);
MUST_USE int store_memory_view_take(struct store *s, struct store_view **out);
void store_memory_view_drop(struct store *s);
MUST_USE int store_memory_fill_begin(struct store *s, uint32_t parts,
                                     struct bytes after,
                                     struct store_fill **out);
MUST_USE int store_memory_state_use(struct store *s,
                                    const struct store_batch *b,
                                    uint64_t state);
/* Puts a state in the place of the present one, for readers. */
void store_memory_put_state(struct store_memory *m, struct tree *state);
/* States that were made and not used are gone after a crash. */
void store_memory_copy_crash(struct store_memory *m);
void store_memory_copy_release(struct store_memory *m);

#endif
