/*
 * How it works: the upper 48 bits of the seeded hash, big-endian, then the
 * member. How it fails: it does not.
 */
#include "type/member.h"

#include "base/hash.h"

uint64_t member_hash(struct object *o, struct bytes member)
{
    return hash64_seed(member, object_hash_seed(o)) >> (64 - MEMBER_HASH_BITS);
}

struct bytes member_key_first(uint8_t out[MEMBER_HASH_SIZE], uint64_t hash)
{
    ASSERT(hash >> MEMBER_HASH_BITS == 0);
    for (int i = 0; i < MEMBER_HASH_SIZE; i++)
        out[i] = (uint8_t)(hash >> (8 * (MEMBER_HASH_SIZE - 1 - i)));
    return bytes_of(out, MEMBER_HASH_SIZE);
}

void member_key(struct object *o, struct bytes member, struct buf *out)
{
    uint8_t hash[MEMBER_HASH_SIZE];
    buf_reset(out);
    buf_bytes(out, member_key_first(hash, member_hash(o, member)));
    buf_bytes(out, member);
}

uint64_t member_key_hash(struct bytes key)
{
    uint64_t hash = 0;
    ASSERT(key.len >= MEMBER_HASH_SIZE);
    for (int i = 0; i < MEMBER_HASH_SIZE; i++)
        hash = hash << 8 | key.data[i];
    return hash;
}

struct bytes member_of(struct bytes key)
{
    ASSERT(key.len >= MEMBER_HASH_SIZE);
    return bytes_from(key, MEMBER_HASH_SIZE);
}
