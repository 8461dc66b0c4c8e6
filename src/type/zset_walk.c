/*
 * How it works: an element of the tree by score is taken apart here, and
 * nowhere else; walks go over this tree.
 *
 * How it fails: what cannot be ours is ERR_CORRUPT, kept by the keyspace, and
 * ends a walk.
 */
#include "page/page.h"
#include "type/score.h"
#include "type/zset.h"
#include "type/zset_internal.h"

/* ---- elements ---- */

bool zset_corrupt(struct zset *z)
{
    object_corrupt(z->object);
    return false;
}

struct bytes zset_key(struct zset *z, uint64_t order, struct bytes member)
{
    buf_reset(&z->key);
    buf_u64be(&z->key, order);
    buf_bytes(&z->key, member);
    return buf_view(&z->key);
}

bool zset_entry_of(struct zset *z, const struct element *e,
                   struct zset_entry *out)
{
    if (e->key.len < SCORE_SIZE || e->value.len > 1)
        return zset_corrupt(z);
    out->score = score_of(score_load(e->key.data));
    out->member = bytes_from(e->key, SCORE_SIZE);
    if (out->score != out->score || (e->value.len == 1 && out->score != 0))
        return zset_corrupt(z);
    if (e->value.len == 1)
        out->score = -0.0;
    return true;
}

/* ---- walks ---- */

void zset_walk_init(struct zset_walk *w, struct zset *z)
{
    w->zset = z;
    btree_cursor_init(&w->cursor, &z->object->trees[ZSET_BY_SCORE]);
}

void zset_walk_release(struct zset_walk *w)
{
    btree_cursor_release(&w->cursor);
}

static bool give(struct zset_walk *w, bool there, struct zset_entry *out)
{
    if (!there)
        return false;
    struct element e = btree_at(&w->cursor);
    return zset_entry_of(w->zset, &e, out);
}

bool zset_walk_to(struct zset_walk *w, uint64_t rank, struct zset_entry *out)
{
    return give(w, btree_seek_nth(&w->cursor, rank), out);
}

bool zset_walk_next(struct zset_walk *w, struct zset_entry *out)
{
    return give(w, btree_next(&w->cursor), out);
}

bool zset_walk_previous(struct zset_walk *w, struct zset_entry *out)
{
    return give(w, btree_previous(&w->cursor), out);
}
