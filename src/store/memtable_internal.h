/*
 * A table, as its files see it: memtable_block.c has the memory,
 * memtable_tree.c keeps the items in order, memtable.c finds them by their
 * hash.
 */
#ifndef STORE_MEMTABLE_INTERNAL_H
#define STORE_MEMTABLE_INTERNAL_H

#include "store/memtable.h"

/* What a table knows of one key. */
struct memtable_item {
    uint8_t *value;
    uint32_t value_len;
    uint32_t value_cap;
    uint32_t key_len;
    uint8_t kind; /* enum memtable_kind */
    bool large;   /* the value is not in a block */
    uint8_t key[];
};

struct memtable_block;
struct memtable_slot;
struct memtable_range;

struct memtable {
    void *root;     /* memtable_tree.c */
    uint32_t depth; /* of inner nodes above the leaves */
    struct memtable_slot *slots;
    size_t slot_count;         /* a power of two */
    struct memtable_slot *old; /* while the table grows; else NULL */
    size_t old_count;
    size_t copied; /* of the old slots: the first ones, to the new */
    size_t item_count;
    struct memtable_block *block;
    size_t block_size;
    uint64_t seed;
    size_t bytes;
    struct memtable_range *ranges;
    size_t range_count;
    size_t kinds[MEMTABLE_DELETED + 1]; /* items of each kind */
};

static inline struct bytes memtable_key_of(const struct memtable_item *e)
{
    return bytes_of(e->key, e->key_len);
}

/* memtable_block.c: memory that stays as long as the table. */
void *memtable_take(struct memtable *m, size_t size);
void memtable_release(struct memtable *m);

/* An empty tree; it needs no end, its memory is the table's. */
void memtable_tree_init(struct memtable *m);
/* The tree must not have the key. */
void memtable_insert(struct memtable *m, struct memtable_item *e);
/* The item that a cursor is at. */
struct memtable_item *memtable_item_at(const struct memtable_cursor *c);

#endif
