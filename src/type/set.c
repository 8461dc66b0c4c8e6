/*
 * How it works: packed.c finds, adds and removes. Here is the order of packed
 * integers: each is put in front of the first greater one.
 *
 * How it fails: see set.h.
 */
#include "type/set.h"

#include "base/num.h"
#include "type/packed.h"

bool set_has(struct object *o, struct bytes member)
{
    struct bytes value;
    return packed_find(o, member, &value);
}

/* Where a packed integer belongs; true if it is there. */
static bool place_integer(struct object *o, int64_t n, struct page_place *place)
{
    struct bytes page = buf_view(&o->trees[0].root);
    uint32_t count = page_count(page);
    ASSERT(packed_is(o) && set_is_ints(o));
    *place = page_nth(page, 0);
    for (; place->index < count; *place = page_next(page, *place)) {
        struct element e = leaf_element(page, *place);
        int64_t there = 0;
        bool is_integer = num_parse_i64(packed_member(o, &e), &there);
        if (!is_integer || there >= n)
            return is_integer && there == n;
    }
    return false;
}

static bool add_integer(struct object *o, int64_t n, struct bytes member)
{
    struct page_place place;
    if (place_integer(o, n, &place))
        return false;
    packed_insert(o, place, member, BYTES_NONE);
    return true;
}

/* What Redis calls a set that has got a member. */
static void note_added(struct object *o, bool is_integer)
{
    if (object_count(o) == 1 && is_integer)
        o->flags |= VALUE_INTS;
    if (is_integer && object_count(o) <= SET_INTS_MAX)
        return;
    o->flags = (uint8_t)((o->flags & ~VALUE_INTS) | VALUE_LARGE);
}

bool set_add(struct object *o, struct bytes member)
{
    int64_t n = 0;
    bool added = false;
    bool is_integer = num_parse_i64(member, &n);
    ASSERT(o->type == VALUE_SET);
    if (is_integer && packed_is(o) && set_is_ints(o))
        added = add_integer(o, n, member);
    else
        added = packed_put(o, member, BYTES_NONE);
    if (added)
        note_added(o, is_integer);
    return added;
}

bool set_remove(struct object *o, struct bytes member)
{
    ASSERT(o->type == VALUE_SET);
    return packed_remove(o, member);
}

void set_remove_nth(struct object *o, uint64_t nth)
{
    ASSERT(nth < object_count(o));
    packed_remove_nth(o, nth);
}

/* They were in the order of their hashes. */
static void sort_integers(struct object *o)
{
    struct buf old = o->trees[0].root;
    struct bytes page = buf_view(&old);
    uint32_t count = page_count(page);
    o->trees[0].root = BUF_INIT;
    page_init(&o->trees[0].root, 0);
    o->trees[0].count = 0;
    struct page_place place = page_nth(page, 0);
    for (; place.index < count; place = page_next(page, place)) {
        struct element e = leaf_element(page, place);
        int64_t n = 0;
        bool added = num_parse_i64(e.key, &n) && add_integer(o, n, e.key);
        if (!added)
            object_corrupt(o);
    }
    buf_release(&old);
}

void set_settle(struct object *o)
{
    bool was_packed = packed_is(o);
    packed_settle(o);
    if (!was_packed && packed_is(o) && set_is_ints(o))
        sort_integers(o);
}

bool set_nth(struct object *o, uint64_t nth, struct bytes *member)
{
    struct element e;
    ASSERT(nth < object_count(o));
    if (!btree_get(&o->trees[0], nth, &e))
        return false;
    *member = packed_member(o, &e);
    return true;
}
