/*
 * A sorted table in memory, for what the state family has not written to
 * files yet: keys to values or to deletions. It may hold copies of what files
 * have as well (memtable_keep), which answer reads and are never written.
 *
 * Keys are never removed one by one: the whole table is freed at once. Memory
 * comes from blocks of its own; a value that is replaced by one of the same
 * size stays where it is.
 *
 * A B+-tree whose nodes hold the first 16 bytes of each key next to each
 * other, so that a search rarely looks at a key itself (Graefe & Larson,
 * "B-tree indexes and CPU caches", 2001: "poor man's normalized keys").
 *
 * Not thread-safe; a table that nobody changes may be read by many.
 */
#ifndef STORE_MEMTABLE_H
#define STORE_MEMTABLE_H

#include "base/base.h"
#include "base/bytes.h"

struct memtable;

/* What a table knows of a key. */
enum memtable_kind {
    MEMTABLE_UNKNOWN, /* ask the store below */
    MEMTABLE_VALUE,
    MEMTABLE_COPY, /* of a value in the store below */
    MEMTABLE_DELETED,
};

/* block_size: of the blocks of memory, in bytes. seed: of the hash table, not
 * to be guessed by those who choose the keys. */
struct memtable *memtable_new(size_t block_size, uint64_t seed);
void memtable_free(struct memtable *m);

void memtable_put(struct memtable *m, struct bytes key, struct bytes value);
void memtable_delete(struct memtable *m, struct bytes key);
/* Nobody will ask this table or the store below for begin <= key < end any
 * more. It is only remembered, for the owner who writes the table to the store
 * below. */
void memtable_discard(struct memtable *m, struct bytes begin, struct bytes end);
/* Keeps a copy of a value in the store below; the table must not know the
 * key. */
void memtable_keep(struct memtable *m, struct bytes key, struct bytes value);

/* The value is borrowed until the next change. */
enum memtable_kind memtable_get(const struct memtable *m, struct bytes key,
                                struct bytes *value);

/* A hint: these keys will be asked for or written soon. The tables have the
 * same seed and come newest first. What the tables know of them is fetched into
 * the processor's cache for many keys at once, which takes hardly longer than
 * for one. */
void memtable_expect(const struct memtable *const *tables, size_t table_count,
                     const struct bytes *keys, size_t count);

/* Memory in use, in bytes: never falls. */
size_t memtable_bytes(const struct memtable *m);
/* Is there a value, a deletion, or a range that was discarded? */
bool memtable_dirty(const struct memtable *m);
/* How many values and deletions there are; and how many deletions. */
size_t memtable_changes(const struct memtable *m);
size_t memtable_deletions(const struct memtable *m);

/* The ranges discarded, begin and end. */
size_t memtable_discards(const struct memtable *m);
void memtable_discarded(const struct memtable *m, size_t i, struct bytes *begin,
                        struct bytes *end);

/* Walks what the table knows in the order of keys; any change ends it. */
struct memtable_cursor {
    const struct memtable_leaf *leaf;
    uint32_t at;
};

/* A cursor at the first key >= `key`. */
struct memtable_cursor memtable_seek(const struct memtable *m,
                                     struct bytes key);
bool memtable_valid(const struct memtable_cursor *c);
void memtable_next(struct memtable_cursor *c);
struct bytes memtable_key(const struct memtable_cursor *c);
/* The kind is never MEMTABLE_UNKNOWN. */
enum memtable_kind memtable_value(const struct memtable_cursor *c,
                                  struct bytes *value);

#endif
