/*
 * How it works: going down looks at one page of each level, chosen by
 * separators or by weights. Looks leave nothing in memory but what the store
 * keeps; a page that is changed is touched, so that the entry has it.
 *
 * A page that comes from the store has been checked for itself (kinds.c); what
 * it has to do with the page above is checked on the way.
 *
 * How it fails: the rows keep the first error, ERR_CORRUPT for a page that is
 * missing, of another level, or with too few elements; then nothing is found,
 * and nothing changed.
 */
#include "data/btree.h"

#include "data/btree_internal.h"
#include "data/key.h"

void btree_init(struct btree *t, struct rows *rs, struct btree_space *space,
                const struct btree_limits *limits)
{
    ASSERT(space->owner.id != 0 || space->next_id != NULL);
    ASSERT(space->next > 0);
    ASSERT(limits->page_max > 0 && limits->leaf_root_max > 0);
    *t = (struct btree){.rows = rs, .space = space, .limits = limits};
    page_init(&t->root, 0);
}

void btree_release(struct btree *t)
{
    buf_release(&t->root);
    buf_release(&t->scratch);
}

int btree_load(struct btree *t, struct bytes root)
{
    if (!page_is_valid(root))
        return ERR_CORRUPT;
    buf_reset(&t->root);
    buf_bytes(&t->root, root);
    t->count = page_weight(root);
    return 0;
}

static bool corrupt(struct btree *t)
{
    rows_fail(t->rows, ERR_CORRUPT); /* an earlier error stays */
    return false;
}

bool btree_view(struct btree *t, uint64_t number, uint8_t level,
                struct bytes *page)
{
    uint8_t key[KEY_PAGE_SIZE];
    if (!rows_view(t->rows, key_tree_page(key, &t->space->owner, number), false,
                   page) ||
        page->data[0] != level)
        return corrupt(t);
    rows_viewed(t->rows, page->len);
    return true;
}

/* By key, or else by number, which becomes that in the leaf. */
static bool down(struct btree *t, const struct bytes *key, uint64_t *nth,
                 struct btree_spot *s)
{
    *s = (struct btree_spot){.leaf = buf_view(&t->root)};
    if (t->rows->error != 0)
        return false;
    for (uint8_t level = page_level(s->leaf); level > 0; level--) {
        uint64_t before = 0;
        struct page_place at = key != NULL ? branch_find(s->leaf, *key, &before)
                                           : branch_nth(s->leaf, nth);
        uint64_t child = branch_at(s->leaf, at).child;
        s->nth += before;
        s->steps[s->depth++].index = at.index;
        s->steps[s->depth].page = child;
        if (!btree_view(t, child, level - 1, &s->leaf))
            return false;
    }
    return true;
}

bool btree_down_to_key(struct btree *t, struct bytes key, struct btree_spot *s)
{
    if (!down(t, &key, NULL, s))
        return false;
    s->found = leaf_find(s->leaf, key, &s->place);
    s->nth += s->place.index;
    s->steps[s->depth].index = s->place.index;
    return true;
}

bool btree_down_to_nth(struct btree *t, uint64_t nth, struct btree_spot *s)
{
    uint64_t rest = MIN(nth, t->count);
    bool found = rest < t->count;
    if (!down(t, NULL, &rest, s))
        return false;
    uint32_t count = page_count(s->leaf);
    if (found ? rest >= count : rest != count)
        return corrupt(t);
    s->place = page_nth(s->leaf, (uint32_t)rest);
    s->steps[s->depth].index = s->place.index;
    s->nth = MIN(nth, t->count);
    s->found = found;
    return true;
}

bool btree_find(struct btree *t, struct bytes key, struct element *e)
{
    struct btree_spot s;
    if (!btree_down_to_key(t, key, &s) || !s.found)
        return false;
    *e = leaf_element(s.leaf, s.place);
    return true;
}

bool btree_get(struct btree *t, uint64_t nth, struct element *e)
{
    struct btree_spot s;
    if (!btree_down_to_nth(t, nth, &s) || !s.found)
        return false;
    *e = leaf_element(s.leaf, s.place);
    return true;
}

uint64_t btree_rank(struct btree *t, struct bytes key)
{
    struct btree_spot s;
    return btree_down_to_key(t, key, &s) ? s.nth : 0;
}

struct row *btree_row(struct btree *t, uint64_t number, bool fresh)
{
    uint8_t key[KEY_PAGE_SIZE];
    struct bytes row = key_tree_page(key, &t->space->owner, number);
    ASSERT(t->rows->error == 0);
    struct row *r = fresh ? rows_renew(t->rows, row) : rows_touch(t->rows, row);
    if (!r->present) {
        (void)corrupt(t);
        return NULL;
    }
    r->dirty = true;
    return r;
}

uint64_t btree_space_take(struct btree_space *space, uint64_t count)
{
    ASSERT(count > 0 && space->next + count - 1 <= PAGE_CHILD_MAX);
    if (space->owner.id == 0)
        space->owner.id = (*space->next_id)++;
    space->used += count;
    if (count == 1 && space->free_count > 0)
        return space->free[--space->free_count];
    space->next += count;
    return space->next - count;
}

void btree_space_give(struct btree_space *space, struct rows *rs,
                      uint64_t number)
{
    uint8_t key[KEY_PAGE_SIZE];
    rows_erase(rs, key_tree_page(key, &space->owner, number));
    if (space->used == 0) { /* the record lies */
        rows_fail(rs, ERR_CORRUPT);
        return;
    }
    space->used--;
    if (space->free_count < BTREE_FREE_MAX)
        space->free[space->free_count++] = number;
}

struct buf *btree_open(struct btree *t, const struct btree_spot *s,
                       uint32_t step)
{
    ASSERT(step <= s->depth);
    if (t->rows->error != 0)
        return NULL;
    if (step == 0)
        return &t->root;
    struct row *r = btree_row(t, s->steps[step].page, false);
    return r != NULL ? &r->value : NULL;
}

void btree_count(struct btree *t, const struct btree_spot *s, int64_t elements)
{
    ASSERT(elements >= 0 || t->count >= (uint64_t)-elements);
    for (uint32_t i = 0; i < s->depth; i++) {
        struct buf *page = btree_open(t, s, i);
        if (page == NULL)
            return;
        struct page_place at = page_nth(buf_view(page), s->steps[i].index);
        if (!branch_add(page, at, elements)) {
            (void)corrupt(t);
            return;
        }
    }
    t->count += (uint64_t)elements;
}
