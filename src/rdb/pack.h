/*
 * The small forms of collections, which are one string each: listpacks, the
 * ziplists and zipmaps of older versions, and sets of integers. All of them are
 * read as elements, one after the other.
 */
#ifndef RDB_PACK_H
#define RDB_PACK_H

#include "base/base.h"
#include "base/bytes.h"
#include "base/num.h"
#include "base/reader.h"

enum pack_form { PACK_LISTPACK, PACK_ZIPLIST, PACK_ZIPMAP, PACK_INTS };

struct pack {
    enum pack_form form;
    struct reader rest;
    bool counted; /* it says how many elements there are: */
    uint64_t count;
    uint32_t size;     /* of an integer of PACK_INTS, in bytes */
    uint32_t previous; /* how long the element before is, in a ziplist */
    bool value;        /* of a zipmap: that is what follows */
    int64_t last;      /* of PACK_INTS, whose integers rise */
};

struct pack_element {
    bool integer;
    int64_t number;
    struct bytes bytes;        /* of one that is none: a part of the pack */
    char digits[NUM_TEXT_MAX]; /* for pack_text() */
};

/* False: it is no such pack. */
MUST_USE bool pack_open(struct pack *p, enum pack_form form, struct bytes b);
/* 1: *e is the next element. 0: there is no more, and all is right.
 * ERR_CORRUPT. */
MUST_USE int pack_next(struct pack *p, struct pack_element *e);
/* The element as bytes, which are a part of it or of the pack. */
struct bytes pack_text(struct pack_element *e);
/* How many bytes are left: no more elements than that can follow. */
static inline size_t pack_left(const struct pack *p)
{
    return p->rest.rest.len;
}

#endif
