/*
 * The keys of members in a tree: hash(6) member, in the order of a hash that
 * has the keyspace's seed, which nobody outside knows. So whoever chooses the
 * members cannot make their hashes equal, a cursor is a number, and the trees
 * of two sets are in the same order.
 */
#ifndef TYPE_MEMBER_H
#define TYPE_MEMBER_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "data/object.h"

#define MEMBER_HASH_SIZE 6
#define MEMBER_HASH_BITS 48

/* 48 bits. */
uint64_t member_hash(struct object *o, struct bytes member);
/* Replaces what is in *out. */
void member_key(struct object *o, struct bytes member, struct buf *out);
/* Where the members of a hash begin. */
struct bytes member_key_first(uint8_t out[MEMBER_HASH_SIZE], uint64_t hash);
/* Of a key in such a tree, which must have them. */
uint64_t member_key_hash(struct bytes key);
struct bytes member_of(struct bytes key);

#endif
