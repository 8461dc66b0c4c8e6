/*
 * How it works: packed members are the elements of a leaf, the root, with the
 * members as their keys, so they are changed there (page/page.h) and nothing
 * has to be looked up. When that leaf has become longer than OBJECT_PACKED_MAX,
 * its elements are put into a tree by hash, which takes its place. The way
 * back is taken when the tree has no page any more and a quarter of that is
 * left: what grows and shrinks does not change its form each time.
 *
 * How it fails: the keyspace keeps the errors of the store; then nothing is
 * found, and what was changed is lost with the entry.
 */
#include "type/packed.h"

#include "type/member.h"

/* A key on the stack, unless it is long. */
struct member_room {
    uint8_t small[MEMBER_HASH_SIZE + 250];
    struct buf large;
};

static struct bytes key_of(struct object *o, struct bytes member,
                           struct member_room *room)
{
    room->large = BUF_INIT;
    if (member.len > sizeof(room->small) - MEMBER_HASH_SIZE) {
        member_key(o, member, &room->large);
        return buf_view(&room->large);
    }
    struct bytes first = member_key_first(room->small, member_hash(o, member));
    ASSERT(first.len == MEMBER_HASH_SIZE);
    if (member.len > 0)
        memcpy(room->small + first.len, member.data, member.len);
    return bytes_of(room->small, first.len + member.len);
}

static void release(struct member_room *room)
{
    buf_release(&room->large);
}

struct bytes packed_member(const struct object *o, const struct element *e)
{
    return packed_is(o) ? e->key : member_of(e->key);
}

/* ---- packed ---- */

static struct bytes leaf_of(const struct object *o)
{
    ASSERT(packed_is(o));
    return buf_view(&o->trees[0].root);
}

bool packed_place(struct object *o, struct bytes member,
                  struct page_place *place)
{
    struct bytes leaf = leaf_of(o);
    uint32_t count = page_count(leaf);
    *place = page_nth(leaf, 0);
    for (; place->index < count; *place = page_next(leaf, *place)) {
        if (bytes_eq(leaf_element(leaf, *place).key, member))
            return true;
    }
    return false;
}

/* Its elements are in a buffer of their own meanwhile. */
static void change_form(struct object *o)
{
    struct buf leaf = BUF_INIT;
    struct member_room room;
    bool hash = packed_is(o);
    ASSERT(page_level(buf_view(&o->trees[0].root)) == 0);
    buf_bytes(&leaf, buf_view(&o->trees[0].root));
    struct bytes page = buf_view(&leaf);
    uint32_t count = page_count(page);
    o->flags ^= VALUE_HASHED;
    object_tree_begin(o, 0);
    struct page_place at = page_nth(page, 0);
    for (; at.index < count; at = page_next(page, at)) {
        struct element e = leaf_element(page, at);
        if (hash) {
            btree_put(&o->trees[0], key_of(o, e.key, &room), e.value);
            release(&room);
        } else {
            struct element bare = {member_of(e.key), e.value};
            struct buf *root = &o->trees[0].root;
            leaf_insert(root, (struct page_place){at.index, root->len}, &bare);
            o->trees[0].count++;
        }
    }
    buf_release(&leaf);
}

void packed_insert(struct object *o, struct page_place place,
                   struct bytes member, struct bytes value)
{
    struct btree *t = &o->trees[0];
    struct element e = {member, value};
    ASSERT(packed_is(o));
    leaf_insert(&t->root, place, &e);
    t->count++;
    if (t->root.len > OBJECT_PACKED_MAX)
        change_form(o);
}

static bool put_packed(struct object *o, struct bytes member,
                       struct bytes value)
{
    struct page_place place;
    struct btree *t = &o->trees[0];
    if (!packed_place(o, member, &place)) {
        packed_insert(o, place, member, value);
        return true;
    }
    leaf_set(&t->root, place, value);
    if (t->root.len > OBJECT_PACKED_MAX)
        change_form(o);
    return false;
}

static bool find_packed(struct object *o, struct bytes member,
                        struct bytes *value)
{
    struct page_place place;
    if (!packed_place(o, member, &place))
        return false;
    *value = leaf_element(leaf_of(o), place).value;
    return true;
}

static bool remove_packed(struct object *o, struct bytes member)
{
    struct page_place place;
    if (!packed_place(o, member, &place))
        return false;
    page_remove(&o->trees[0].root, place, 1);
    o->trees[0].count--;
    return true;
}

/* ---- either ---- */

bool packed_find(struct object *o, struct bytes member, struct bytes *value)
{
    struct member_room room;
    struct element e;
    if (packed_is(o))
        return find_packed(o, member, value);
    bool found = btree_find(&o->trees[0], key_of(o, member, &room), &e);
    release(&room);
    if (found)
        *value = e.value;
    return found;
}

uint64_t packed_rank(struct object *o, struct bytes member)
{
    struct member_room room;
    struct page_place place;
    if (packed_is(o))
        return packed_place(o, member, &place) ? place.index : 0;
    uint64_t rank = btree_rank(&o->trees[0], key_of(o, member, &room));
    release(&room);
    return rank;
}

bool packed_put(struct object *o, struct bytes member, struct bytes value)
{
    struct member_room room;
    if (packed_is(o))
        return put_packed(o, member, value);
    bool added = btree_put(&o->trees[0], key_of(o, member, &room), value);
    release(&room);
    return added;
}

bool packed_remove(struct object *o, struct bytes member)
{
    struct member_room room;
    if (packed_is(o))
        return remove_packed(o, member);
    bool removed = btree_remove(&o->trees[0], key_of(o, member, &room));
    release(&room);
    return removed;
}

void packed_remove_nth(struct object *o, uint64_t nth)
{
    ASSERT(nth < object_count(o));
    btree_cut(&o->trees[0], nth, nth + 1);
}

void packed_settle(struct object *o)
{
    const struct btree *t = &o->trees[0];
    if (!packed_is(o) && page_level(buf_view(&t->root)) == 0 &&
        t->root.len <= OBJECT_REPACK_MAX)
        change_form(o);
}

/* ---- walks ---- */

void packed_walk_init(struct packed_walk *w, struct object *o)
{
    *w = (struct packed_walk){.o = o};
    btree_cursor_init(&w->cursor, &o->trees[0]);
}

void packed_walk_release(struct packed_walk *w)
{
    btree_cursor_release(&w->cursor);
}

bool packed_walk_next(struct packed_walk *w, struct bytes *member,
                      struct bytes *value)
{
    bool there =
        w->begun ? btree_next(&w->cursor) : btree_seek_nth(&w->cursor, 0);
    w->begun = true;
    if (!there)
        return false;
    struct element e = btree_at(&w->cursor);
    *member = packed_member(w->o, &e);
    *value = e.value;
    return true;
}

void packed_scan_init(struct packed_scan *s, struct object *o, uint64_t cursor,
                      uint64_t count)
{
    ASSERT(count > 0);
    packed_walk_init(&s->walk, o);
    s->cursor = cursor;
    s->count = count;
}

void packed_scan_release(struct packed_scan *s)
{
    packed_walk_release(&s->walk);
}

static bool scan_packed(struct packed_scan *s, struct bytes *member,
                        struct bytes *value)
{
    struct object *o = s->walk.o;
    while (packed_walk_next(&s->walk, member, value)) {
        if (s->cursor == 0 || member_hash(o, *member) >= s->cursor)
            return true;
    }
    s->cursor = 0;
    return false;
}

/* s->cursor becomes the hash of what was given last, until the end. */
static bool scan_hashed(struct packed_scan *s, struct bytes *member,
                        struct bytes *value)
{
    uint8_t first[MEMBER_HASH_SIZE];
    struct btree_cursor *c = &s->walk.cursor;
    bool begins = !s->walk.begun;
    bool there = begins ? btree_seek(c, member_key_first(first, s->cursor))
                        : btree_next(c);
    s->walk.begun = true;
    if (!there) {
        s->cursor = 0;
        return false;
    }
    struct element e = btree_at(c);
    uint64_t hash = member_key_hash(e.key);
    if (s->count == 0 && hash != s->cursor) {
        s->cursor = hash;
        return false;
    }
    s->count -= s->count > 0;
    s->cursor = hash;
    *member = member_of(e.key);
    *value = e.value;
    return true;
}

bool packed_scan_next(struct packed_scan *s, struct bytes *member,
                      struct bytes *value)
{
    if (packed_is(s->walk.o))
        return scan_packed(s, member, value);
    if (!s->walk.begun && s->cursor > PACKED_CURSOR_MAX) {
        s->cursor = 0;
        return false;
    }
    return scan_hashed(s, member, value);
}
