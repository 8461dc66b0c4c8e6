/*
 * How it works: all keys are written one behind the other, and views of them
 * are sorted. Packed sets are small, so this is memory for as much as their
 * records have.
 *
 * How it fails: it does not.
 */
#include "type/set_keys.h"

#include "base/alloc.h"
#include "base/num.h"
#include "type/member.h"
#include "type/packed.h"
#include "type/set.h"

#include <stdlib.h>

#define INTEGER_PREFIX 8

static void key_of(struct set_keys *k, struct object *o, struct bytes member)
{
    uint8_t hash[MEMBER_HASH_SIZE];
    int64_t n = 0;
    if (k->prefix == INTEGER_PREFIX) {
        if (!num_parse_i64(member, &n))
            object_corrupt(o);
        buf_u64be(&k->bytes, (uint64_t)n ^ UINT64_C(1) << 63);
    } else {
        buf_bytes(&k->bytes, member_key_first(hash, member_hash(o, member)));
    }
    buf_bytes(&k->bytes, member);
}

/* The bytes have room, so they stay where they are. */
static void add_all(struct set_keys *k, struct object *o)
{
    struct bytes page = buf_view(&o->trees[0].root);
    uint32_t count = page_count(page);
    struct page_place place = page_nth(page, 0);
    for (; place.index < count; place = page_next(page, place)) {
        struct element e = leaf_element(page, place);
        size_t from = k->bytes.len;
        key_of(k, o, packed_member(o, &e));
        k->keys[k->count++] = bytes_from(buf_view(&k->bytes), from);
    }
}

static int by_bytes(const void *a, const void *b)
{
    const struct bytes *x = a;
    const struct bytes *y = b;
    return bytes_cmp(*x, *y);
}

bool set_keys_integers(struct object *const *sets, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!packed_is(sets[i]) || !set_is_ints(sets[i]))
            return false;
    }
    return true;
}

void set_keys_init(struct set_keys *k, struct object *const *sets,
                   uint32_t count, bool integers)
{
    size_t members = 0;
    size_t size = 0;
    ASSERT(!integers || set_keys_integers(sets, count));
    *k = (struct set_keys){.prefix =
                               integers ? INTEGER_PREFIX : MEMBER_HASH_SIZE};
    for (uint32_t i = 0; i < count; i++) {
        if (!packed_is(sets[i]))
            continue;
        members += object_count(sets[i]);
        size += sets[i]->trees[0].root.len;
    }
    if (members == 0)
        return;
    buf_reserve(&k->bytes, size + members * INTEGER_PREFIX);
    k->keys = mem_alloc(members * sizeof(*k->keys));
    for (uint32_t i = 0; i < count; i++) {
        if (packed_is(sets[i]))
            add_all(k, sets[i]);
    }
    ASSERT(k->count == members);
    qsort(k->keys, k->count, sizeof(*k->keys), by_bytes);
}

void set_keys_release(struct set_keys *k)
{
    buf_release(&k->bytes);
    mem_free(k->keys);
    *k = (struct set_keys){0};
}

bool set_keys_has(const struct set_keys *k, struct bytes key)
{
    uint32_t from = 0;
    uint32_t to = k->count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        int order = bytes_cmp(k->keys[middle], key);
        if (order == 0)
            return true;
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return false;
}
