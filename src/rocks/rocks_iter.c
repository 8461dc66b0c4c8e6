/*
 * RocksDB's iterators: each sees the database as of its creation.
 *
 * How it fails: damage ends an iterator as the last key does; its status tells
 * the difference, ERR_CORRUPT or ERR_IO, and is final.
 */
#include "base/alloc.h"
#include "rocks/rocks_internal.h"

struct rocks_iter {
    struct store_iter base;
    struct rocks *store;
    rocksdb_iterator_t *it;
};

static struct rocks_iter *iter_of(struct store_iter *it)
{
    return CONTAINER_OF(it, struct rocks_iter, base);
}

static void iter_seek(struct store_iter *it, struct bytes key)
{
    rocksdb_iter_seek(iter_of(it)->it, (const char *)key.data, key.len);
}

static void iter_seek_last(struct store_iter *it)
{
    rocksdb_iter_seek_to_last(iter_of(it)->it);
}

static bool iter_valid(struct store_iter *it)
{
    return rocksdb_iter_valid(iter_of(it)->it) != 0;
}

static void iter_next(struct store_iter *it)
{
    rocksdb_iter_next(iter_of(it)->it);
}

static void iter_prev(struct store_iter *it)
{
    rocksdb_iter_prev(iter_of(it)->it);
}

static struct bytes iter_key(struct store_iter *it)
{
    size_t len = 0;
    const char *key = rocksdb_iter_key(iter_of(it)->it, &len);
    return bytes_of(key, len);
}

static struct bytes iter_value(struct store_iter *it)
{
    size_t len = 0;
    const char *value = rocksdb_iter_value(iter_of(it)->it, &len);
    return bytes_of(value, len);
}

static int iter_status(struct store_iter *it)
{
    struct rocks_iter *i = iter_of(it);
    char *why = NULL;
    rocksdb_iter_get_error(i->it, &why);
    return why == NULL ? 0 : rocks_read_failed(i->store, why);
}

static void iter_free(struct store_iter *it)
{
    struct rocks_iter *i = iter_of(it);
    ASSERT(i->store->iterators > 0);
    i->store->iterators--;
    rocksdb_iter_destroy(i->it);
    mem_free(i);
}

struct store_iter *rocks_iter_new(struct store *s, enum store_family family)
{
    static const struct store_iter_ops ops = {
        .seek = iter_seek,
        .seek_last = iter_seek_last,
        .valid = iter_valid,
        .next = iter_next,
        .prev = iter_prev,
        .key = iter_key,
        .value = iter_value,
        .status = iter_status,
        .free = iter_free,
    };
    struct rocks *r = rocks_of(s);
    struct rocks_iter *i = mem_zalloc(sizeof(*i));
    i->base.ops = &ops;
    i->store = r;
    rocksdb_readoptions_t *const options[] = {r->scan_log, r->read,
                                              r->scan_state};
    _Static_assert(STORE_LOG == 0 && STORE_META == 1 && STORE_STATE == 2,
                   "order of the options");
    i->it = rocksdb_create_iterator_cf(r->db, options[family],
                                       rocks_handle(r, family));
    r->iterators++;
    return &i->base;
}
