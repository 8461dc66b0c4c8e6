/*
 * A fill: a state that is put together beside the one in use, and takes its
 * place in one step, or never. Nobody sees anything of it before.
 *
 * Rows come in the order of their keys, into one part after the other. A part
 * that was ended is durable, so who has noted how many there are goes on from
 * there after a crash. There is one fill at a time.
 *
 * Threads: the store's thread begins a fill, and uses the state; in between one
 * thread, this or another one, may add to it, end it and free it.
 *
 * How it fails: a fill that has failed is freed, and another one begun; the
 * store goes on as if there had been none.
 */
#ifndef STORE_STORE_FILL_H
#define STORE_STORE_FILL_H

#include "store/store.h"
#include "store/store_rows.h"

struct store_fill_ops {
    int (*add)(struct store_fill *f, struct bytes rows);
    int (*part)(struct store_fill *f, uint32_t *parts);
    int (*end)(struct store_fill *f, uint64_t *state);
    const char *(*error)(struct store_fill *f);
    void (*free)(struct store_fill *f);
};

struct store_fill {
    const struct store_fill_ops *ops;
};

/* Begins one, after the first `parts` parts of an earlier one, which must have
 * been told durable (0: anew); what else there is of earlier ones goes. `after`
 * is the last key of these parts. ERR_NOT_FOUND: they are not there, begin anew
 * (*out is NULL then). */
MUST_USE static inline int store_fill_begin(struct store *s, uint32_t parts,
                                            struct bytes after,
                                            struct store_fill **out)
{
    return s->ops->fill_begin(s, parts, after, out);
}

/* Adds rows (store_rows.h). ERR_CORRUPT: they are none, or not in order after
 * all before; the fill is of no use any more. ERR_IO. */
MUST_USE static inline int store_fill_add(struct store_fill *f,
                                          struct bytes rows)
{
    return f->ops->add(f, rows);
}

/* Ends a part: all that was added is durable, in *parts parts. */
MUST_USE static inline int store_fill_part(struct store_fill *f,
                                           uint32_t *parts)
{
    return f->ops->part(f, parts);
}

/* Ends the last part, and makes a state of all of them, which has a number. It
 * is gone after a crash or a close, unless it has been used. */
MUST_USE static inline int store_fill_end(struct store_fill *f, uint64_t *state)
{
    return f->ops->end(f, state);
}

static inline const char *store_fill_error(struct store_fill *f)
{
    return f->ops->error(f);
}

/* The parts stay. NULL: nothing to do. */
static inline void store_fill_free(struct store_fill *f)
{
    if (f != NULL)
        f->ops->free(f);
}

/* Writes a logged batch, and with it, in one step, puts the state that a fill
 * has made in the place of the present one, with all that is in memory of it:
 * at once for readers, on disk as soon as the batch is durable. Until then a
 * crash brings back the old state with all that was logged before the batch.
 * There are no iterators over the state. What the fills and the old state take
 * is given back later (store_tidy). Errors as for a write. */
MUST_USE static inline int
store_state_use(struct store *s, const struct store_batch *b, uint64_t state)
{
    return s->ops->state_use(s, b, state);
}

#endif
