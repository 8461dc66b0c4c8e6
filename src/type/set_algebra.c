/*
 * How it works: trees of members are all in the order of the same hash, so two
 * that are about as large are walked side by side; one that is much larger than
 * what is looked up in it is searched. What is subtracted and packed is one
 * sorted list (set_keys.h). A union is in set_union.c.
 *
 * How it fails: after an error of the store the sets seem to end; the keyspace
 * has the error.
 */
#include "type/set_algebra.h"

#include "base/alloc.h"
#include "type/member.h"
#include "type/packed.h"
#include "type/set.h"
#include "type/set_keys.h"

/* A set that is so many times larger is searched, not walked. */
#define SEARCH_FACTOR 16

/* ---- whether other sets have a member ---- */

struct peer {
    struct object *o;
    bool walks;
    bool ended;
    struct btree_cursor cursor; /* if it walks */
};

struct peers {
    struct peer *peers;
    uint32_t count;
};

static void peers_init(struct peers *p, uint32_t max)
{
    *p = (struct peers){.peers = mem_zalloc((max + 1) * sizeof(*p->peers))};
}

static void peers_release(struct peers *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        btree_cursor_release(&p->peers[i].cursor);
    mem_free(p->peers);
}

/* Whether it has members of `o`, which are asked for in their order, is going
 * to be asked. */
static void peers_add(struct peers *p, struct object *set, struct object *o)
{
    struct peer *peer = &p->peers[p->count++];
    ASSERT(set != o);
    peer->o = set;
    peer->walks = !packed_is(set) && !packed_is(o) &&
                  object_count(set) / SEARCH_FACTOR < object_count(o);
    btree_cursor_init(&peer->cursor, &set->trees[0]);
    if (peer->walks)
        peer->ended = !btree_seek_nth(&peer->cursor, 0);
}

static bool walk_to(struct peer *p, struct bytes key)
{
    int order = -1;
    while (!p->ended) {
        order = bytes_cmp(btree_at(&p->cursor).key, key);
        if (order >= 0)
            break;
        p->ended = !btree_next(&p->cursor);
    }
    return order == 0;
}

static bool peer_has(struct peer *p, struct bytes key)
{
    struct element e;
    if (p->walks)
        return walk_to(p, key);
    if (packed_is(p->o))
        return set_has(p->o, member_of(key));
    return btree_find(&p->o->trees[0], key, &e);
}

/* Whether all of them have it, or none of them. */
static bool peers_have(struct peers *p, struct bytes key, bool wanted)
{
    for (uint32_t i = 0; i < p->count; i++) {
        if (peer_has(&p->peers[i], key) != wanted)
            return false;
    }
    return true;
}

/* ---- a set that is walked while others are asked ---- */

struct walk {
    struct packed_walk walk;
    struct bytes member;
    struct buf key; /* of a packed one */
};

static void walk_init(struct walk *w, struct object *o)
{
    *w = (struct walk){0};
    packed_walk_init(&w->walk, o);
}

static void walk_release(struct walk *w)
{
    packed_walk_release(&w->walk);
    buf_release(&w->key);
}

/* The key of the next member, as trees have it. */
static bool walk_next(struct walk *w, struct bytes *key)
{
    struct bytes value;
    if (!packed_walk_next(&w->walk, &w->member, &value))
        return false;
    if (packed_is(w->walk.o)) {
        member_key(w->walk.o, w->member, &w->key);
        *key = buf_view(&w->key);
    } else {
        *key = btree_at(&w->walk.cursor).key;
    }
    return true;
}

void set_intersect(struct object *const *sets, uint32_t count,
                   set_visit_fn *visit, void *user)
{
    struct peers peers;
    struct walk walk;
    struct bytes key;
    struct object *least = sets[0];
    ASSERT(count > 0);
    for (uint32_t i = 1; i < count; i++) {
        if (object_count(sets[i]) < object_count(least))
            least = sets[i];
    }
    peers_init(&peers, count);
    for (uint32_t i = 0; i < count; i++) {
        if (sets[i] != least)
            peers_add(&peers, sets[i], least);
    }
    walk_init(&walk, least);
    while (walk_next(&walk, &key)) {
        if (peers_have(&peers, key, true) && !visit(user, walk.member))
            break;
    }
    walk_release(&walk);
    peers_release(&peers);
}

void set_subtract(struct object *const *sets, uint32_t count,
                  set_visit_fn *visit, void *user)
{
    struct peers peers;
    struct set_keys small;
    struct walk walk;
    struct bytes key;
    ASSERT(count > 0);
    peers_init(&peers, count);
    for (uint32_t i = 1; i < count; i++) {
        if (!packed_is(sets[i]))
            peers_add(&peers, sets[i], sets[0]);
    }
    set_keys_init(&small, sets + 1, count - 1, false);
    walk_init(&walk, sets[0]);
    while (walk_next(&walk, &key)) {
        if (peers_have(&peers, key, false) && !set_keys_has(&small, key) &&
            !visit(user, walk.member))
            break;
    }
    walk_release(&walk);
    set_keys_release(&small);
    peers_release(&peers);
}
