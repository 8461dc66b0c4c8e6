/*
 * What a batch does to the store in memory, and whether it is to fail.
 *
 * How it fails: it does not; a failure is what it was told to be.
 */
#include "base/alloc.h"
#include "store/store_memory_internal.h"

#include <stdio.h>

bool store_memory_fails(struct store_memory *m, enum memory_operation op)
{
    static const char *const names[OP_COUNT] = {"get", "write", "sync"};
    bool now = m->fail_after[op] == 1;
    if (m->fail_after[op] > 1)
        m->fail_after[op]--;
    if (op != OP_GET)
        now = now || m->failed;
    if (!now)
        return false;
    if (op != OP_GET)
        m->failed = true;
    snprintf(m->error, sizeof(m->error), "store in memory: %s failed, as told",
             names[op]);
    return true;
}

static struct tree *apply_op(struct tree *t, const struct store_batch_op *op)
{
    switch (op->op) {
    case STORE_OP_PUT:
        return tree_put(t, op->key, op->value);
    case STORE_OP_DELETE:
        return tree_delete(t, op->key);
    case STORE_OP_DELETE_RANGE:
        return tree_delete_range(t, op->key, op->value);
    case STORE_OP_DISCARD:
        /* The state keeps it until it is tidied, so that a reader who is
         * misled by it is found; the log would grow without bound. */
        return op->family == STORE_STATE
                   ? t
                   : tree_delete_range(t, op->key, op->value);
    }
    ASSERT(op->op == STORE_OP_PUT); /* not reached: the batch checked it */
    return t;
}

static void remember_discard(struct store_memory *m,
                             const struct store_batch_op *op)
{
    store_batch_discard(&m->discarded, STORE_STATE, op->key, op->value);
    m->discards_safe = false;
}

void store_memory_apply(struct store_memory *m, const struct store_batch *b,
                        enum store_write_kind kind)
{
    size_t pos = 0;
    struct store_batch_op op;
    while (store_batch_next(b, &pos, &op)) {
        ASSERT((op.family == STORE_STATE) == (kind == STORE_UNLOGGED));
        struct family *f = &m->families[op.family];
        f->now = apply_op(f->now, &op);
        if (op.op == STORE_OP_DISCARD && op.family == STORE_STATE)
            remember_discard(m, &op);
    }
}

struct memory_pending *store_memory_pend(struct store_memory *m,
                                         const struct store_batch *b)
{
    ASSERT(m->pending_count < UINT32_MAX);
    struct memory_pending *p = mem_zalloc(sizeof(*p));
    store_batch_copy(&p->batch, b);
    list_append(&m->pending, &p->link);
    m->pending_count++;
    return p;
}
