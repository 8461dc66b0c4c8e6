/*
 * Collections: what a key has whose value is no string. An object is one of
 * them, opened: its trees (btree.h), of which the first has all elements, and
 * what else its type keeps in the record, the row of the key. A small
 * collection is its record alone; what does not fit there is in rows of its
 * own ('t', key.h), which belong to the object's id: pages of its trees, and
 * blobs, long values of elements. An id is taken when the first such row is,
 * and let go with the last.
 *
 * The form of the record is in record.h. What elements and own bytes mean is
 * known to the type's file in the room `type` alone.
 *
 * Objects are of one entry, or of one read: they are opened, changed, saved,
 * and closed before the next command. No two are open of one key. Changes that
 * are not saved are lost in part, so whoever has changed one saves it.
 *
 * Errors of the store are kept by the keyspace, as always: then nothing is
 * found, and the entry is lost.
 */
#ifndef DATA_OBJECT_H
#define DATA_OBJECT_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/list.h"
#include "data/btree.h"
#include "data/keyspace.h"
#include "data/record.h"

#define OBJECT_TREES_MAX RECORD_TREES_MAX
#define OBJECT_OWN_MAX   RECORD_OWN_MAX

/* In bytes, and the same on all replicas: the pages of trees by key, and those
 * of lists and streams; roots; the first tree's root, in which all elements of
 * a small hash, set or sorted set are, before it is VALUE_HASHED, and below
 * which it may be small again; a part of a blob. A test has its own
 * (tests/fuzz/tiny.txt). */
#ifndef OBJECT_PAGE_MAX
#define OBJECT_PAGE_MAX       1024
#define OBJECT_LONG_PAGE_MAX  4096
#define OBJECT_LEAF_ROOT_MAX  1024
#define OBJECT_LONG_ROOT_MAX  2048
#define OBJECT_INNER_ROOT_MAX 512
#define OBJECT_PACKED_MAX     2048
#define OBJECT_REPACK_MAX     512
#define OBJECT_BLOB_PART      (KEYSPACE_PAGE_SIZE - 1) /* behind TREE_BLOB */
#endif

struct object {
    struct keyspace *ks;
    struct list link; /* while it is not open */
    struct buf key;
    uint8_t db;
    uint8_t type;
    uint8_t flags;     /* enum value_flag: the type's to set */
    bool exists;       /* it was there when it was opened */
    int64_t expire_ms; /* 0: never */
    uint64_t version;  /* see struct value */
    uint8_t own_len;   /* the type's to set, with the bytes */
    uint8_t own[OBJECT_OWN_MAX];
    uint8_t tree_count;    /* of its type */
    uint64_t count_before; /* elements when it was opened */
    struct btree_space space;
    uint64_t settled; /* the id that its record has, whose rows are gone */
    struct btree trees[OBJECT_TREES_MAX];
};

enum object_found {
    OBJECT_FOUND,
    OBJECT_NONE,  /* no live value: *out is an empty one of the type */
    OBJECT_OTHER, /* a value of another type: *out is NULL */
};

/* Opens the collection of a key, which must be of this type. In an entry it may
 * be changed. An empty one has no flags, no own bytes, no expiry. */
enum object_found object_open(struct keyspace *ks, uint8_t db, struct bytes key,
                              uint8_t type, struct object **out);
/* An empty one in place of whatever the key has, once it is saved: for what is
 * made anew (*STORE, RESTORE). */
struct object *object_new(struct keyspace *ks, uint8_t db, struct bytes key,
                          uint8_t type);
/* Writes it. One whose first tree is empty is no more: its key is deleted,
 * unless its type stays empty (value_type_info.stays). So is one whose expiry
 * is not in the future. */
void object_save(struct object *o);
void object_close(struct object *o); /* NULL: nothing */

/* How many elements: of the first tree. */
static inline uint64_t object_count(const struct object *o)
{
    return o->trees[0].count;
}

/* Drops all elements, flags and own bytes; the expiry stays. */
void object_clear(struct object *o);
/* Makes a tree, which must have no pages, an empty one, of the form that it has
 * by the flags as they are now: the first tree of a hash or set is a sequence
 * as long as it is not VALUE_HASHED. */
void object_tree_begin(struct object *o, uint8_t tree);
/* The seed of the hashes of members, the same on all replicas. Outside entries
 * 0 as long as there is none; then nothing has members by hash. */
uint64_t object_hash_seed(struct object *o);

/* Gives what a key has, of any type, to another key of the same database, whose
 * own value goes; the first must be live. The expiry moves along. O(1). */
void object_rename(struct keyspace *ks, uint8_t db, struct bytes from,
                   struct bytes to);
/* The same, but the value stays and the other key, of any database, gets a copy
 * of it. O(bytes): false, and nothing is changed, if the entry would then have
 * more than so many in memory. */
struct object_place {
    uint8_t db;
    struct bytes key;
};
MUST_USE bool object_copy(struct keyspace *ks, const struct object_place *from,
                          const struct object_place *to, uint64_t bytes_max);

/* What a type finds in its elements cannot be ours: ERR_CORRUPT, kept by the
 * keyspace. */
void object_corrupt(struct object *o);

/* ---- blobs: long values of elements, in rows of their own ---- */

struct blob {
    uint64_t row; /* the number of its first row */
    uint64_t length;
};

struct blob object_blob_put(struct object *o, struct bytes data);
void object_blob_drop(struct object *o, const struct blob *b);
/* Its next bytes from `at` on, which is below its length; borrowed until the
 * next call on the keyspace or the object. Empty after an error. */
struct bytes object_blob_view(struct object *o, const struct blob *b,
                              uint64_t at);
/* Counts as a view of the whole blob, and reads nothing: for the replica that
 * does not need it. */
void object_blob_pass(struct object *o, const struct blob *b);

#endif
