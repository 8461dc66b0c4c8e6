/*
 * A keyspace over a store in memory, with short words for what the tests do.
 */
#ifndef TESTS_UNIT_DATA_FIXTURE_H
#define TESTS_UNIT_DATA_FIXTURE_H

#include "data/keyspace.h"
#include "data/kinds.h"
#include "store/store_memory.h"

struct fixture {
    struct store *store;
    struct keyspace *ks;
    uint64_t index;
    int64_t now_ms;
    int64_t wall_offset_ms;
};

static inline void open_keyspace(struct fixture *f)
{
    struct buf error = BUF_INIT;
    int err = keyspace_open(&f->ks, f->store, &error);
    ASSERT(err == 0);
    f->index = keyspace_applied(f->ks)->index;
    buf_release(&error);
}

static inline void setup(struct fixture *f)
{
    *f = (struct fixture){.store = store_memory_new(), .now_ms = 1000};
    open_keyspace(f);
}

static inline void teardown(struct fixture *f)
{
    keyspace_close(f->ks);
    store_close(f->store);
}

static inline void begin(struct fixture *f)
{
    f->index++;
    struct applied entry = {f->index, 3, f->now_ms, f->wall_offset_ms,
                            f->index + 100};
    keyspace_begin(f->ks, &entry, f->index);
}

static inline void commit(struct fixture *f)
{
    int err = keyspace_commit(f->ks);
    ASSERT(err == 0);
}

static inline void put(struct fixture *f, uint8_t db, const char *key,
                       const char *data, int64_t expire_ms)
{
    struct value v = {
        .type = VALUE_STRING, .expire_ms = expire_ms, .data = bytes_str(data)};
    keyspace_put(f->ks, db, bytes_str(key), &v);
}

static inline bool del(struct fixture *f, uint8_t db, const char *key)
{
    return keyspace_delete(f->ks, db, bytes_str(key));
}

/* The value is this text; NULL: there is none. */
static inline bool holds(struct fixture *f, uint8_t db, const char *key,
                         const char *data)
{
    struct value v;
    bool found = keyspace_get(f->ks, db, bytes_str(key), &v);
    if (data == NULL || !found)
        return !found && data == NULL;
    return keyspace_equals(f->ks, &v, bytes_str(data));
}

/* The rows of a kind; of those in an epoch only what no flush has ended. */
static inline size_t rows(struct fixture *f, enum row_letter letter)
{
    size_t n = 0;
    struct store_iter *it = store_iter_new(f->store, STORE_STATE);
    for (store_iter_seek(it, BYTES_NONE); store_iter_valid(it);
         store_iter_next(it)) {
        struct bytes key = store_iter_key(it);
        n += row_is(key, letter) &&
             (!row_in_epoch(key) || keyspace_is_current(f->ks, key));
    }
    store_iter_free(it);
    return n;
}

#endif
