/*
 * How it works: both ends of a range are ranks, each found by one way down the
 * tree by score, whatever is between them. An end that is left out itself is
 * the one after: the next order of a score, or a member with one more byte.
 *
 * A cursor of ZSCAN is the hash to go on from. Members in one leaf are few, so
 * all whose hash is not less are given at once: right also for a set that was
 * larger when the scan began.
 *
 * How it fails: see zset.c.
 */
#include "page/page.h"
#include "type/member.h"
#include "type/score.h"
#include "type/zset.h"
#include "type/zset_internal.h"

/* No more than there are, even if a damaged page says so. */
static uint64_t rank_of(struct zset *z, struct bytes key)
{
    struct btree *scores = &z->object->trees[ZSET_BY_SCORE];
    return MIN(btree_rank(scores, key), scores->count);
}

/* How many have a lower score, or one that is not higher. */
static uint64_t rank_of_score(struct zset *z, double score, bool after)
{
    uint64_t order = score_order(score);
    ASSERT(order < UINT64_MAX);
    return rank_of(z, zset_key(z, order + after, BYTES_NONE));
}

struct zset_span zset_by_score(struct zset *z, const struct zset_scores *r)
{
    return (struct zset_span){rank_of_score(z, r->min, r->min_open),
                              rank_of_score(z, r->max, !r->max_open)};
}

/* How many are before a word, with the score of the first. */
static uint64_t rank_of_word(struct zset *z, uint64_t order,
                             const struct zset_word *word, bool after)
{
    struct btree *scores = &z->object->trees[ZSET_BY_SCORE];
    if (word->kind == ZSET_WORD_FIRST)
        return 0;
    if (word->kind == ZSET_WORD_LAST)
        return scores->count;
    (void)zset_key(z, order, word->member);
    if (after)
        buf_char(&z->key, '\0');
    return rank_of(z, buf_view(&z->key));
}

struct zset_span zset_by_word(struct zset *z, const struct zset_words *r)
{
    struct zset_span none = {0, 0};
    struct zset_entry entry;
    struct element e;
    if (!btree_get(&z->object->trees[ZSET_BY_SCORE], 0, &e) ||
        !zset_entry_of(z, &e, &entry))
        return none;
    uint64_t order = score_order(entry.score);
    return (struct zset_span){rank_of_word(z, order, &r->min, r->min.open),
                              rank_of_word(z, order, &r->max, !r->max.open)};
}

/* ---- ZSCAN ---- */

static void scan_packed(struct zset *z, uint64_t cursor, zset_visit_fn *visit,
                        void *arg)
{
    struct zset_walk w;
    struct zset_entry e;
    zset_walk_init(&w, z);
    for (bool on = zset_walk_to(&w, 0, &e); on; on = zset_walk_next(&w, &e)) {
        if (cursor == 0 || member_hash(z->object, e.member) >= cursor)
            (void)visit(arg, &e); /* there are few */
    }
    zset_walk_release(&w);
}

/* Takes apart an element of the tree by member. */
static bool entry_by_member(struct zset *z, const struct element *e,
                            struct zset_entry *out)
{
    if (e->key.len < MEMBER_HASH_SIZE || e->value.len != SCORE_SIZE)
        return zset_corrupt(z);
    out->member = member_of(e->key);
    out->score = score_from_bits(score_load(e->value.data));
    return out->score == out->score || zset_corrupt(z);
}

uint64_t zset_scan(struct zset *z, uint64_t cursor, uint64_t count,
                   zset_visit_fn *visit, void *arg)
{
    struct btree_cursor c;
    struct zset_entry entry;
    uint8_t first[MEMBER_HASH_SIZE];
    uint64_t hash = 0;
    uint64_t last = 0;
    if (cursor > ZSET_CURSOR_MAX)
        return 0;
    if (!zset_is_hashed(z)) {
        scan_packed(z, cursor, visit, arg);
        return 0;
    }
    btree_cursor_init(&c, &z->object->trees[ZSET_BY_MEMBER]);
    bool on = btree_seek(&c, member_key_first(first, cursor));
    for (uint64_t seen = 0; on; seen++) {
        struct element e = btree_at(&c);
        on = entry_by_member(z, &e, &entry);
        if (!on)
            break;
        hash = member_key_hash(e.key);
        if (seen >= count && hash != last)
            break;
        if (!visit(arg, &entry))
            count = 0;
        last = hash;
        on = btree_next(&c);
    }
    btree_cursor_release(&c);
    return on ? hash : 0;
}

/* ---- all that always holds ---- */

/* Each element has its own in the other tree. */
static int check_members(struct zset *z)
{
    struct zset_walk w;
    struct zset_entry e;
    double score = 0;
    int err = 0;
    zset_walk_init(&w, z);
    for (bool on = zset_walk_to(&w, 0, &e); on && err == 0;
         on = zset_walk_next(&w, &e)) {
        if (!zset_score(z, e.member, &score) ||
            score_bits(score) != score_bits(e.score))
            err = ERR_CORRUPT;
    }
    zset_walk_release(&w);
    return err;
}

int zset_check(struct zset *z)
{
    struct btree *scores = &z->object->trees[ZSET_BY_SCORE];
    struct btree *members = &z->object->trees[ZSET_BY_MEMBER];
    bool packed = page_level(buf_view(&scores->root)) == 0 &&
                  scores->root.len <= OBJECT_PACKED_MAX;
    uint64_t other = zset_is_hashed(z) ? scores->count : 0;
    int err = btree_check(scores);
    if (err == 0)
        err = btree_check(members);
    if (err == 0 &&
        (members->count != other || (!zset_is_hashed(z) && !packed)))
        err = ERR_CORRUPT;
    return err != 0 ? err : check_members(z);
}
