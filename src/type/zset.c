/*
 * How it works: whoever changes a member changes both trees, the one by score
 * and, if there is one, the one by member. A set gets its second tree when the
 * first has outgrown a leaf, and loses it when all is in a quarter of that
 * again, so that it does not go back and forth.
 *
 * How it fails: where the two trees do not agree, a stored one was damaged:
 * ERR_CORRUPT is kept, and the entry is lost with the rows.
 */
#include "type/zset.h"

#include "data/value.h"
#include "page/page.h"
#include "type/member.h"
#include "type/score.h"
#include "type/zset_internal.h"

#define ZSET_PACK_AGAIN (OBJECT_PACKED_MAX / 4)

/* ---- from the key to the set and back ---- */

enum object_found zset_open(struct zset *z, struct keyspace *ks, uint8_t db,
                            struct bytes key)
{
    *z = (struct zset){.object = NULL};
    enum object_found found = object_open(ks, db, key, VALUE_ZSET, &z->object);
    ASSERT((found == OBJECT_OTHER) == (z->object == NULL));
    return found;
}

void zset_new(struct zset *z, struct keyspace *ks, uint8_t db, struct bytes key)
{
    *z = (struct zset){.object = object_new(ks, db, key, VALUE_ZSET)};
}

void zset_save(struct zset *z)
{
    object_save(z->object);
}

void zset_close(struct zset *z)
{
    object_close(z->object);
    buf_release(&z->key);
    buf_release(&z->member);
    z->object = NULL;
}

/* ---- elements ---- */

static struct bytes member_row(struct zset *z, struct bytes member)
{
    member_key(z->object, member, &z->member);
    return buf_view(&z->member);
}

static void put_score(struct zset *z, double score, struct bytes member)
{
    struct bytes minus = BYTES_LIT("-");
    bool signed_zero = score == 0 && score_bits(score) != 0;
    bool added = btree_put(&z->object->trees[ZSET_BY_SCORE],
                           zset_key(z, score_order(score), member),
                           signed_zero ? minus : BYTES_NONE);
    if (!added)
        (void)zset_corrupt(z);
}

static void put_member(struct zset *z, struct bytes member, double score)
{
    uint8_t stored[SCORE_SIZE];
    score_store(stored, score_bits(score));
    btree_put(&z->object->trees[ZSET_BY_MEMBER], member_row(z, member),
              bytes_of(stored, sizeof(stored)));
}

static void drop_score(struct zset *z, double score, struct bytes member)
{
    if (!btree_remove(&z->object->trees[ZSET_BY_SCORE],
                      zset_key(z, score_order(score), member)))
        (void)zset_corrupt(z);
}

/* ---- one tree or two ---- */

static bool is_leaf(const struct zset *z)
{
    return page_level(buf_view(&z->object->trees[ZSET_BY_SCORE].root)) == 0;
}

/* After something was added. */
static void outgrow(struct zset *z)
{
    struct zset_walk w;
    struct zset_entry e;
    size_t len = z->object->trees[ZSET_BY_SCORE].root.len;
    if (zset_is_hashed(z) || (is_leaf(z) && len <= OBJECT_PACKED_MAX))
        return;
    zset_walk_init(&w, z);
    for (bool on = zset_walk_to(&w, 0, &e); on; on = zset_walk_next(&w, &e))
        put_member(z, e.member, e.score);
    zset_walk_release(&w);
    z->object->flags |= VALUE_HASHED;
}

/* After something was removed. */
static void pack(struct zset *z)
{
    struct btree *members = &z->object->trees[ZSET_BY_MEMBER];
    size_t len = z->object->trees[ZSET_BY_SCORE].root.len;
    if (!zset_is_hashed(z) || !is_leaf(z) || len > ZSET_PACK_AGAIN)
        return;
    btree_cut(members, 0, members->count);
    z->object->flags &= (uint8_t)~VALUE_HASHED;
}

/* ---- members ---- */

/* In the one leaf. */
static bool find_packed(struct zset *z, struct bytes member,
                        struct zset_entry *out, uint64_t *rank)
{
    struct bytes page = buf_view(&z->object->trees[ZSET_BY_SCORE].root);
    uint32_t count = page_count(page);
    if (page_level(page) != 0)
        return zset_corrupt(z);
    for (struct page_place p = page_nth(page, 0); p.index < count;
         p = page_next(page, p)) {
        struct element e = leaf_element(page, p);
        *rank = p.index;
        if (e.key.len == member.len + SCORE_SIZE &&
            bytes_eq(bytes_from(e.key, SCORE_SIZE), member))
            return zset_entry_of(z, &e, out);
    }
    return false;
}

bool zset_score(struct zset *z, struct bytes member, double *score)
{
    struct zset_entry entry;
    struct element e;
    uint64_t rank = 0;
    if (!zset_is_hashed(z)) {
        if (!find_packed(z, member, &entry, &rank))
            return false;
        *score = entry.score;
        return true;
    }
    if (!btree_find(&z->object->trees[ZSET_BY_MEMBER], member_row(z, member),
                    &e))
        return false;
    if (e.value.len != SCORE_SIZE)
        return zset_corrupt(z);
    *score = score_from_bits(score_load(e.value.data));
    return *score == *score || zset_corrupt(z);
}

bool zset_rank(struct zset *z, struct bytes member, uint64_t *rank,
               double *score)
{
    struct zset_entry entry;
    if (!zset_is_hashed(z)) {
        if (!find_packed(z, member, &entry, rank))
            return false;
        *score = entry.score;
        return true;
    }
    if (!zset_score(z, member, score))
        return false;
    *rank = btree_rank(&z->object->trees[ZSET_BY_SCORE],
                       zset_key(z, score_order(*score), member));
    return true;
}

bool zset_is_large(const struct zset *z)
{
    return (z->object->flags & VALUE_LARGE) != 0;
}

void zset_make_large(struct zset *z)
{
    z->object->flags |= VALUE_LARGE;
}

static double without_sign(const struct zset *z, double score)
{
    return score == 0 && !zset_is_large(z) ? 0.0 : score;
}

void zset_add(struct zset *z, struct bytes member, double score)
{
    if (zset_count(z) >= ZSET_SMALL_COUNT || member.len > ZSET_SMALL_MEMBER)
        zset_make_large(z);
    score = without_sign(z, score);
    put_score(z, score, member);
    if (zset_is_hashed(z))
        put_member(z, member, score);
    else
        outgrow(z);
}

void zset_change(struct zset *z, struct bytes member, double from, double to)
{
    ASSERT(from != to);
    to = without_sign(z, to);
    drop_score(z, from, member);
    put_score(z, to, member);
    if (zset_is_hashed(z))
        put_member(z, member, to);
    else
        outgrow(z); /* the sign of a zero takes a byte */
}

bool zset_remove(struct zset *z, struct bytes member)
{
    double score = 0;
    if (!zset_score(z, member, &score))
        return false;
    drop_score(z, score, member);
    if (!zset_is_hashed(z))
        return true;
    if (!btree_remove(&z->object->trees[ZSET_BY_MEMBER], member_row(z, member)))
        (void)zset_corrupt(z);
    pack(z);
    return true;
}

/* The members of these ranks go from the tree by member. */
static void cut_members(struct zset *z, uint64_t from, uint64_t to)
{
    struct btree *members = &z->object->trees[ZSET_BY_MEMBER];
    struct zset_walk w;
    struct zset_entry e;
    zset_walk_init(&w, z);
    bool on = zset_walk_to(&w, from, &e);
    for (uint64_t i = from; i < to && on; i++) {
        if (!btree_remove(members, member_row(z, e.member)))
            (void)zset_corrupt(z);
        on = zset_walk_next(&w, &e);
    }
    zset_walk_release(&w);
}

void zset_cut(struct zset *z, uint64_t from, uint64_t to)
{
    ASSERT(from <= to && to <= zset_count(z));
    if (from == to)
        return;
    if (from == 0 && to == zset_count(z)) {
        object_clear(z->object);
        return;
    }
    if (zset_is_hashed(z))
        cut_members(z, from, to);
    btree_cut(&z->object->trees[ZSET_BY_SCORE], from, to);
    pack(z);
}
