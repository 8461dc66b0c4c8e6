/*
 * How it works: a leaf is copied, and walked there; for the next one the tree
 * is searched again, by number: the pages above are in memory by then, and
 * nothing has to be remembered of them.
 *
 * How it fails: after an error of the rows there is no next element.
 */
#include "data/btree.h"
#include "data/btree_internal.h"

void btree_cursor_init(struct btree_cursor *c, struct btree *t)
{
    *c = (struct btree_cursor){.tree = t};
}

void btree_cursor_release(struct btree_cursor *c)
{
    buf_release(&c->leaf);
}

static bool arrive(struct btree_cursor *c, const struct btree_spot *s)
{
    buf_reset(&c->leaf);
    buf_bytes(&c->leaf, s->leaf);
    c->place = s->place;
    c->nth = s->nth;
    return true;
}

bool btree_seek_nth(struct btree_cursor *c, uint64_t nth)
{
    struct btree_spot s;
    if (!btree_down_to_nth(c->tree, nth, &s) || !s.found)
        return false;
    return arrive(c, &s);
}

bool btree_seek(struct btree_cursor *c, struct bytes key)
{
    struct btree_spot s;
    if (!btree_down_to_key(c->tree, key, &s))
        return false;
    if (s.place.index == page_count(s.leaf)) /* it begins the next leaf */
        return btree_seek_nth(c, s.nth);
    return arrive(c, &s);
}

bool btree_next(struct btree_cursor *c)
{
    struct bytes leaf = buf_view(&c->leaf);
    c->nth++;
    c->place = page_next(leaf, c->place);
    return c->place.index < page_count(leaf) || btree_seek_nth(c, c->nth);
}

bool btree_previous(struct btree_cursor *c)
{
    if (c->nth == 0)
        return false;
    c->nth--;
    if (c->place.index == 0)
        return btree_seek_nth(c, c->nth);
    c->place = page_nth(buf_view(&c->leaf), c->place.index - 1);
    return true;
}

struct element btree_at(const struct btree_cursor *c)
{
    return leaf_element(buf_view(&c->leaf), c->place);
}
