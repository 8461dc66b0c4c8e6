/*
 * What the state says of itself, in rows of their own ('m' name): the applied
 * position; for each database that has ever had keys, counts and epoch; the
 * numbers that are given out next, once one has been; the seed of hashes, once
 * it was needed; where the databases are, once some were exchanged; who the
 * members are, once an entry has said so, and who they are to be; the level,
 * once one has raised it; what they have found when they compared their states
 * last (comparison.h). And tickets: pages that are to be deleted, see pages.h.
 *
 * Integers are big-endian, offsets in front:
 *
 *   'm' "applied"      0 index(8)  8 term(8)  16 time_ms(8)
 *                      24 wall_offset_ms(8)  32 chain(8)
 *   'm' "count" db(1)  0 keys(8)  8 expires(8)  16 epoch(4)
 *                      20 sum of the expiries, in ms (16)
 *   'm' "next"         0 id(8)  8 ticket(8)  16 the first ticket that is
 *                      there(8), or the same number
 *   'm' "level"        0 level(2)
 *   'm' "members"      0 index(8), of the entry  8 length(4)  12 what it said
 *   'm' "desired"      the same
 *   'm' "comparison"   0 index(8), of the entry  8 time_ms(8)  16 count(1)
 *                      17 reports, by the ids of their nodes: node(4) began(8)
 *                      found(1) hash(8)
 *   'm' "seed"         0 seed(8), of the hashes of members
 *   'm' "databases"    0 the place of each(16), see database.h
 *   'g' number(8)      0 letter of the rows(1)  1 db(1)  2 epoch(4)  6 id(8)
 *                      14 page(5)  19 end(5)
 */
#ifndef DATA_META_H
#define DATA_META_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "data/keyspace.h"

/* What the times of entries are bounded by; see codec/entry.h. */
#define META_TIME_MAX       (INT64_C(1) << 60)
#define META_OFFSET_MAX     (INT64_C(1) << 61)
#define META_APPLIED_SIZE   40
#define META_COUNT_SIZE     36
#define META_COUNT_KEY_SIZE 7
#define META_NEXT_SIZE      24
#define META_MEMBERS_MAX    4096 /* of what an entry said */

/* The numbers that are given out next: they only grow. */
struct meta_next {
    uint64_t id;           /* of a value that is apart; from 1 on */
    uint64_t ticket;       /* from 1 on */
    uint64_t first_ticket; /* all from here to before `ticket` are there */
};

/* Pages from one up to before another. */
struct ticket {
    uint8_t letter; /* ROW_PAGE, ROW_TREE */
    struct page_owner owner;
    uint64_t page;
    uint64_t end;
};

struct bytes meta_applied_key(void);
/* Borrows from *out. */
struct bytes meta_count_key(uint8_t out[META_COUNT_KEY_SIZE], uint8_t db);

struct bytes meta_next_key(void);

/* Replace what is in *out. */
void meta_applied_encode(struct buf *out, const struct applied *a);
void meta_count_encode(struct buf *out, const struct keyspace_count *c,
                       uint32_t epoch);

/* ERR_CORRUPT: a wrong size, a time or offset out of bounds, more expiries than
 * keys, a sum without expiries. */
MUST_USE int meta_applied_decode(struct bytes b, struct applied *out);
MUST_USE int meta_count_decode(struct bytes b, struct keyspace_count *out,
                               uint32_t *epoch);

struct bytes meta_members_key(void);
struct bytes meta_desired_key(void);
struct bytes meta_comparison_key(void);
struct bytes meta_level_key(void);

void meta_next_encode(struct buf *out, const struct meta_next *n);
/* ERR_CORRUPT: a wrong size, a number that is 0, a first ticket beyond the
 * next one. */
MUST_USE int meta_next_decode(struct bytes b, struct meta_next *out);

struct bytes meta_seed_key(void);
void meta_seed_encode(struct buf *out, uint64_t seed);
/* ERR_CORRUPT: a wrong size, or no seed. */
MUST_USE int meta_seed_decode(struct bytes b, uint64_t *out);

struct bytes meta_databases_key(void);
/* Of KEYSPACE_DATABASES places each. */
void meta_databases_encode(struct buf *out, const uint8_t *places);
/* ERR_CORRUPT: a wrong size, or not each place once. */
MUST_USE int meta_databases_decode(struct bytes b, uint8_t *places);

void meta_members_encode(struct buf *out, uint64_t index, struct bytes record);
/* ERR_CORRUPT: no index, nothing said, another length, or too much. What is
 * said is the concern of who reads it. *record borrows from b. */
MUST_USE int meta_members_decode(struct bytes b, uint64_t *index,
                                 struct bytes *record);

struct comparison; /* comparison.h */
void meta_comparison_encode(struct buf *out, const struct comparison *c);
/* ERR_CORRUPT: no index, a time out of bounds, another size, nodes that are not
 * in order, a hash that was not found. */
MUST_USE int meta_comparison_decode(struct bytes b, struct comparison *out);
void meta_level_encode(struct buf *out, uint16_t level);
/* ERR_CORRUPT: a wrong size, or a level that is in force without any row. */
MUST_USE int meta_level_decode(struct bytes b, uint16_t *out);

void ticket_encode(struct buf *out, const struct ticket *t);
/* ERR_CORRUPT: a wrong size, an unknown letter or database, no id, no pages. */
MUST_USE int ticket_decode(struct bytes b, struct ticket *out);

/* Whether such a row can be ours: its name is known, its value decodes. */
bool meta_valid(struct bytes key, struct bytes value);

#endif
