/*
 * How it works: whoever wants to know has one function, which is called at
 * once. Nothing is kept, and nothing of it is part of the state.
 *
 * How it fails: it does not.
 */
#include "data/key.h"
#include "data/keyspace_internal.h"
#include "data/kinds.h"

void keyspace_tell_ready(struct keyspace *ks, keyspace_ready_fn *fn, void *ctx)
{
    ASSERT(!ks->rows.in_entry);
    ks->ready_fn = fn;
    ks->ready_ctx = ctx;
}

void keyspace_ready(struct keyspace *ks, uint8_t db, struct bytes key)
{
    struct keyspace_key ready = {db, key};
    ASSERT(ks->rows.in_entry && db < KEYSPACE_DATABASES);
    if (ks->ready_fn != NULL)
        ks->ready_fn(ks->ready_ctx, &ready);
}

void keyspace_gone(struct keyspace *ks, struct bytes state_key)
{
    ASSERT(row_is(state_key, ROW_VALUE));
    if (ks->ready_fn != NULL)
        keyspace_ready(ks, row_db(state_key),
                       bytes_from(state_key, KEY_PREFIX_SIZE));
}

void keyspace_all_ready(struct keyspace *ks)
{
    ASSERT(ks->rows.in_entry);
    if (ks->ready_fn != NULL)
        ks->ready_fn(ks->ready_ctx, NULL);
}
