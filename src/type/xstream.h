/*
 * Streams, the data type: entries by their ids, which only grow, each with
 * fields and values. (With an X, as in the names of its commands: data/stream.h
 * is about long strings that are read over many turns.)
 *
 * The first tree has the entries: ms(8) seq(8), big-endian, and a cell with the
 * fields, one after the other: length(1), or 0xff and length(4), then the
 * bytes. Own bytes: last id(16)  greatest id deleted(16)  entries ever
 * added(8).
 */
#ifndef TYPE_XSTREAM_H
#define TYPE_XSTREAM_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "data/object.h"

struct xstream_id {
    uint64_t ms;
    uint64_t seq;
};

#define XSTREAM_ID_MAX                                                         \
    (struct xstream_id)                                                        \
    {                                                                          \
        UINT64_MAX, UINT64_MAX                                                 \
    }

/* One that is open: its object, and what that keeps besides the entries. */
struct xstream {
    struct object *object;
    struct xstream_id last;
    struct xstream_id max_deleted;
    uint64_t added;
    uint32_t next_group;
};

int xstream_id_compare(struct xstream_id a, struct xstream_id b);
static inline bool xstream_id_is_zero(struct xstream_id id)
{
    return id.ms == 0 && id.seq == 0;
}
/* The neighbours; false: there is none. */
MUST_USE bool xstream_id_next(struct xstream_id *id);
MUST_USE bool xstream_id_previous(struct xstream_id *id);

/* As object_open(); of OBJECT_OTHER nothing is open. */
enum object_found xstream_open(struct keyspace *ks, uint8_t db,
                               struct bytes key, struct xstream *out);
void xstream_save(struct xstream *s);
void xstream_close(struct xstream *s);

static inline uint64_t xstream_length(const struct xstream *s)
{
    return object_count(s->object);
}
/* How many entries have smaller ids. */
uint64_t xstream_rank(struct xstream *s, struct xstream_id id);
/* The ids of the entries at both ends; 0-0 if there are none. */
struct xstream_id xstream_first(struct xstream *s);
struct xstream_id xstream_final(struct xstream *s);

/* Adds an entry; its id is greater than the last one. */
void xstream_add(struct xstream *s, struct xstream_id id,
                 const struct bytes *fields, uint32_t count);
/* True if there was one. */
bool xstream_delete(struct xstream *s, struct xstream_id id);
/* Removes the first entries, so many, which must be there. */
void xstream_cut(struct xstream *s, uint64_t count);
/* How long an entry is, without a look at what it has apart. */
uint64_t xstream_bytes(struct xstream *s, uint64_t nth);
/* How many entries from one on, `max` at most, have no more than *left bytes,
 * where each counts for so many more; one at least, if there is one. *left
 * becomes what is left then. */
uint64_t xstream_fit(struct xstream *s, uint64_t first, uint64_t max,
                     uint64_t each, uint64_t *left);

/* Walks over entries. Any change of the stream ends it. */
struct xstream_cursor {
    struct xstream *stream;
    struct btree_cursor at;
    struct xstream_id id; /* of the entry that it is at */
    struct buf entry;     /* its fields */
    uint32_t fields;      /* how many, with the values */
};

void xstream_cursor_init(struct xstream_cursor *c, struct xstream *s);
void xstream_cursor_release(struct xstream_cursor *c);
/* Go to an entry by its number; false: there is none, or an error. */
MUST_USE bool xstream_seek(struct xstream_cursor *c, uint64_t nth);
MUST_USE bool xstream_next(struct xstream_cursor *c);
MUST_USE bool xstream_previous(struct xstream_cursor *c);
/* The next field or value of the entry; *at begins with 0. */
MUST_USE bool xstream_field(const struct xstream_cursor *c, size_t *at,
                            struct bytes *field);

#endif
