/*
 * How it works: a field is an element of the first tree (packed.c), whose value
 * is a cell. Before an element gets another cell, or goes, what its cell has
 * apart is dropped.
 *
 * How it fails: a cell that cannot be ours is an error of the keyspace
 * (cell.h); its field is not found then.
 */
#include "type/hash.h"

void hash_init(struct hash *h, struct object *o)
{
    ASSERT(o->type == VALUE_HASH);
    *h = (struct hash){.o = o};
}

void hash_release(struct hash *h)
{
    buf_release(&h->stored);
}

bool hash_get(struct hash *h, struct bytes field, struct cell *value)
{
    struct bytes stored;
    return packed_find(h->o, field, &stored) &&
           cell_decode(h->o, stored, value);
}

static void note_size(struct object *o, struct bytes field, struct bytes value)
{
    if (field.len > HASH_SMALL_BYTES || value.len > HASH_SMALL_BYTES ||
        object_count(o) > HASH_SMALL_FIELDS)
        o->flags |= VALUE_LARGE;
}

bool hash_set(struct hash *h, struct bytes field, struct bytes value)
{
    struct cell old;
    if (hash_get(h, field, &old))
        cell_drop(h->o, &old);
    cell_encode(h->o, value, 0, HASH_INLINE_MAX, &h->stored);
    bool added = packed_put(h->o, field, buf_view(&h->stored));
    note_size(h->o, field, value);
    return added;
}

bool hash_delete(struct hash *h, struct bytes field)
{
    struct cell old;
    if (!hash_get(h, field, &old))
        return false;
    cell_drop(h->o, &old);
    return packed_remove(h->o, field);
}

bool hash_nth(struct hash *h, uint64_t nth, struct bytes *field,
              struct cell *value)
{
    struct element e;
    if (!btree_get(&h->o->trees[0], nth, &e))
        return false;
    *field = packed_member(h->o, &e);
    return cell_decode(h->o, e.value, value);
}

void hash_walk_init(struct hash_walk *w, struct hash *h)
{
    packed_walk_init(&w->walk, h->o);
}

void hash_walk_release(struct hash_walk *w)
{
    packed_walk_release(&w->walk);
}

bool hash_walk_next(struct hash_walk *w, struct bytes *field,
                    struct cell *value)
{
    struct bytes stored;
    return packed_walk_next(&w->walk, field, &stored) &&
           cell_decode(w->walk.o, stored, value);
}
