/*
 * The types of values, and the header of a stored one, big-endian:
 *
 *   0 type(1)  1 encoding(1)  2 flags(1)  3 zero(1)  4 expire_ms(8)
 *   12 version(8)  20 data
 *
 * The data of a string by encoding:
 *
 *   VALUE_PLAIN  the value's bytes
 *   VALUE_APART  0 id(8)  8 length(8): the bytes are in the pages of this id;
 *                more of them than a page has
 *
 * Those of a collection are its record (record.h); VALUE_APART if there is more
 * of it in rows of its id.
 *
 * README.md says how to add a type.
 */
#ifndef DATA_VALUE_H
#define DATA_VALUE_H

#include "base/base.h"
#include "base/bytes.h"
#include "data/keyspace.h"

#define VALUE_HEADER_SIZE     20
#define VALUE_ENCODING_OFFSET 1
#define VALUE_FLAGS_OFFSET    2
#define VALUE_EXPIRE_OFFSET   4
#define VALUE_APART_SIZE      16 /* after the header */

/* As many bytes as there are numbers of pages; commands have lower limits. */
#define VALUE_LENGTH_MAX ((uint64_t)KEYSPACE_PAGE_SIZE * 0xffffffffff)

enum value_encoding {
    VALUE_PLAIN = 0,
    VALUE_APART = 1,
};

/* Of a collection. */
enum value_flag {
    VALUE_LARGE = 1 << 0,  /* Redis would call it by the name for large ones */
    VALUE_INTS = 1 << 1,   /* a set: of integers, which are in their order */
    VALUE_HASHED = 1 << 2, /* members are found by hash (type/member.h) */
    VALUE_FIELD_TTL = 1 << 3, /* a hash: fields have expiries. The first of
                               * these is what its own bytes begin with. */
    VALUE_FLAGS = 15,
};

/* What the rest of this room and the commands must know about a type. */
struct value_type_info {
    const char *name;  /* as TYPE tells it */
    uint8_t encodings; /* it has the encodings 0 ... encodings - 1 */
    bool plain;        /* plain data are the value's bytes, and nothing else */
    bool stays;        /* when it is empty */
    uint8_t trees;     /* of a collection */
    uint8_t flags;     /* that it may have */
};

/* How many pages a string that is apart has. */
static inline uint64_t pages_of(uint64_t length)
{
    return length / KEYSPACE_PAGE_SIZE + (length % KEYSPACE_PAGE_SIZE != 0);
}

/* The type must exist. */
const struct value_type_info *value_type_info(uint8_t type);
/* Whether the type exists and has this encoding. */
/*@ assigns \nothing; */
bool value_form_known(uint8_t type, uint8_t encoding);

void value_encode_header(uint8_t out[VALUE_HEADER_SIZE], const struct value *v);
/* v->data borrows from `row`, whatever the encoding. ERR_CORRUPT if the row
 * cannot be ours: too short, an unknown type or encoding, a negative expiry. */
/*@ requires readable(row) && \valid(v);
  @ assigns *v;
  @ ensures \result == 0 ==> v->expire_ms >= 0;
  @ ensures \result == 0 ==> readable(v->data);
  @ ensures \result == 0 ==>
  @     v->data.data == row.data + VALUE_HEADER_SIZE;
  @ ensures \result == 0 ==> v->data.len == row.len - VALUE_HEADER_SIZE; */
MUST_USE int value_decode(struct bytes row, struct value *v);
/* Of a value that is apart, which was decoded: whose its rows are, and the
 * length of a string, in place of the data. ERR_CORRUPT if they cannot be ours.
 */
MUST_USE int value_apart_decode(struct value *v);
void value_apart_encode(uint8_t out[VALUE_APART_SIZE], uint64_t id,
                        uint64_t length);

/* A time as rows and keys have it, big-endian. */
/*@ requires \valid_read(p + (0 .. 7));
  @ assigns \nothing; */
int64_t time_load(const uint8_t *p);
/*@ requires \valid(p + (0 .. 7)) && time_ms >= 0;
  @ assigns p[0 .. 7]; */
void time_store(uint8_t *p, int64_t time_ms);

#endif
