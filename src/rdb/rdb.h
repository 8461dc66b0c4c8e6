/*
 * Values as Redis and Valkey write them, in RDB files and as what DUMP gives:
 * the types of the format, and what a reader tells of a value.
 *
 * The format is that of rdb.c of Redis (up to 8.0) and Valkey (up to 9.0).
 * Numbers in it are little-endian unless said otherwise. Times are by the wall
 * clock, in ms.
 *
 * Nothing here believes a length: what is announced is allocated only as far as
 * its bytes are there. Functions return 0 or an error of base.h:
 *
 *   ERR_CORRUPT   this is no such value
 *   ERR_INVALID   a type that has no meaning here (modules, later ones)
 *   ERR_LIMIT     a string, or all together, is longer than the reader takes
 *   ERR_TOO_BIG   a member, or another name, is
 *   others        those of the source that the bytes come from
 */
#ifndef RDB_RDB_H
#define RDB_RDB_H

#include "base/base.h"
#include "base/bytes.h"

enum rdb_type {
    RDB_STRING = 0,
    RDB_LIST = 1,
    RDB_SET = 2,
    RDB_ZSET_TEXT = 3, /* scores as text */
    RDB_HASH = 4,
    RDB_ZSET = 5,
    RDB_MODULE_OLD = 6,
    RDB_MODULE = 7,
    RDB_HASH_ZIPMAP = 9,
    RDB_LIST_ZIPLIST = 10,
    RDB_SET_INTSET = 11,
    RDB_ZSET_ZIPLIST = 12,
    RDB_HASH_ZIPLIST = 13,
    RDB_LIST_ZIPLISTS = 14,
    RDB_STREAM_1 = 15,
    RDB_HASH_LISTPACK = 16,
    RDB_ZSET_LISTPACK = 17,
    RDB_LIST_PACKS = 18, /* listpacks, and elements that are long */
    RDB_STREAM_2 = 19,   /* also: first and greatest deleted id, all added */
    RDB_SET_LISTPACK = 20,
    RDB_STREAM_3 = 21,        /* also: when a consumer was active */
    RDB_HASH_TIMES_TAIL = 22, /* Valkey: field, value, time */
    RDB_HASH_TIMES_OLD = 23,  /* a listpack of these, of Redis before 7.4 */
    RDB_HASH_TIMES = 24,      /* Redis 7.4: time, field, value */
    RDB_HASH_TIMES_PACK = 25, /* Redis 7.4: a listpack of field, value, time */
};

enum rdb_kind {
    RDB_KIND_NONE, /* no type that is known */
    RDB_KIND_STRING,
    RDB_KIND_LIST,
    RDB_KIND_SET,
    RDB_KIND_ZSET,
    RDB_KIND_HASH,
    RDB_KIND_STREAM,
    RDB_KIND_MODULE,
};

enum rdb_kind rdb_kind(uint8_t type);
/* "string", "module" ... */
const char *rdb_kind_name(enum rdb_kind kind);

/* The newest version of the format that is read, and Valkey's, which counts by
 * itself. */
#define RDB_VERSION_MAX    12
#define RDB_VERSION_VALKEY 80

static inline bool rdb_version_known(uint32_t version)
{
    return version <= RDB_VERSION_MAX || version == RDB_VERSION_VALKEY;
}

struct rdb_id {
    uint64_t ms;
    uint64_t seq;
};

static inline int rdb_id_compare(struct rdb_id a, struct rdb_id b)
{
    if (a.ms != b.ms)
        return a.ms < b.ms ? -1 : 1;
    return (a.seq > b.seq) - (a.seq < b.seq);
}

enum rdb_what {
    RDB_THE_STRING, /* all of the value: name */
    RDB_ELEMENT,    /* of a list, the left one first: name */
    RDB_MEMBER,     /* of a set: name */
    RDB_SCORED,     /* of a sorted set: name, score, which is no NaN */
    RDB_FIELD,      /* of a hash: name, value, time_ms (0: never) */
    /* Of a stream: its entries, itself, its groups. Behind each group are its
     * consumers, and behind each of those what it has pending. */
    RDB_ENTRY,    /* id, fields, count; ids are rising */
    RDB_STREAM,   /* id: the last one; first, deleted, added */
    RDB_GROUP,    /* name, id: the last one delivered, read */
    RDB_CONSUMER, /* name, time_ms: seen */
    RDB_PENDING,  /* id, time_ms: delivered, deliveries */
};

#define RDB_READ_UNKNOWN  INT64_C(-1)
#define RDB_READ_ESTIMATE INT64_C(-2) /* formats that did not have it */

/* What a value consists of, one after the other; borrowed for the call. */
struct rdb_item {
    enum rdb_what what;
    struct bytes name;
    struct bytes value;
    bool
        lasting; /* the name is a part of the bytes that the reader was given */
    double score;
    int64_t time_ms;
    struct rdb_id id;
    struct rdb_id first;
    struct rdb_id deleted;
    uint64_t added;
    int64_t read;
    uint64_t deliveries;
    const struct bytes *fields; /* and values, in turn */
    uint32_t count;             /* of both */
};

/* Anything but 0 ends the reading, which returns it. */
typedef int rdb_visit_fn(void *arg, const struct rdb_item *item);

#endif
