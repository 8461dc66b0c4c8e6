/*
 * Consumer groups of streams: who has got which entry, and has not acknowledged
 * it yet.
 *
 * A group has a number, by which its rows are found. Integers are big-endian:
 *
 *   tree 1, groups     name -> number(4) last id(16) entries read(8; -1:
 * unknown) pending(8) tree 2, consumers  number(4) name -> seen_ms(8)
 * pending(8) tree 3, pending    number(4) id(16) -> time_ms(8) deliveries(8)
 * consumer tree 4, owned      number(4) length(4) consumer id(16) -> nothing
 *
 * Times are the log's. Names are borrowed from the caller, or from the walk
 * that has found them.
 */
#ifndef TYPE_XGROUP_H
#define TYPE_XGROUP_H

#include "type/xstream.h"

#define XGROUP_READ_UNKNOWN INT64_C(-1)

struct xgroup {
    struct xstream *stream;
    struct bytes name;
    uint32_t number;
    struct xstream_id last; /* delivered */
    int64_t read;           /* entries, by now; or XGROUP_READ_UNKNOWN */
    uint64_t pending;
};

struct xconsumer {
    struct bytes name;
    int64_t seen_ms;
    uint64_t pending;
};

struct xpending {
    struct xstream_id id;
    int64_t time_ms; /* of the last delivery */
    uint64_t deliveries;
    struct bytes consumer; /* borrowed until the next call */
};

/* ---- groups ---- */

MUST_USE bool xgroup_find(struct xstream *s, struct bytes name,
                          struct xgroup *out);
/* One that is not there yet; it has to be saved. */
void xgroup_create(struct xstream *s, struct bytes name, struct xgroup *out);
void xgroup_save(const struct xgroup *g);
void xgroup_destroy(const struct xgroup *g);
uint64_t xgroup_consumers(const struct xgroup *g);
/* What Redis tells of a group: how many entries were ever added up to an id, or
 * XGROUP_READ_UNKNOWN; and how many the group has not read, by its count, if
 * that can be told. */
int64_t xgroup_read_at(struct xstream *s, struct xstream_id id);
MUST_USE bool xgroup_lag(const struct xgroup *g, int64_t *lag);
/* An entry that comes after the last one is delivered. */
void xgroup_advance(struct xgroup *g, struct xstream_id id);

/* ---- consumers ---- */

/* Not found: one that is new, and has to be saved. */
bool xconsumer_find(const struct xgroup *g, struct bytes name,
                    struct xconsumer *out);
void xconsumer_save(const struct xgroup *g, const struct xconsumer *c);
/* With all that it has pending; the group has to be saved. */
void xconsumer_delete(struct xgroup *g, const struct xconsumer *c);

/* ---- pending entries: group and owner have to be saved after a change ---- */

MUST_USE bool xpending_find(const struct xgroup *g, struct xstream_id id,
                            struct xpending *out);
/* An entry is the owner's from now on, whether it was pending or not. */
void xpending_give(struct xgroup *g, struct xconsumer *owner,
                   const struct xpending *p);
/* True if it was pending. The owner in the tree is changed, no other copy. */
bool xpending_remove(struct xgroup *g, struct xstream_id id);

/* The greatest id that is pending. */
MUST_USE bool xpending_last(const struct xgroup *g, struct xstream_id *id);

/* ---- walks, which any change ends ---- */

struct xwalk {
    struct xstream *stream;
    struct btree_cursor at;
    struct buf prefix; /* of the keys that it is about */
    bool more;         /* the cursor is at an element */
    bool begun;        /* that was told */
};

void xwalk_groups(struct xwalk *w, struct xstream *s);
void xwalk_consumers(struct xwalk *w, const struct xgroup *g);
/* From an id on; the second, what one consumer has. */
void xwalk_pending(struct xwalk *w, const struct xgroup *g,
                   struct xstream_id from);
void xwalk_owned(struct xwalk *w, const struct xgroup *g, struct bytes consumer,
                 struct xstream_id from);
/* The next one; false: there is no more. */
MUST_USE bool xwalk_group(struct xwalk *w, struct xgroup *out);
MUST_USE bool xwalk_consumer(struct xwalk *w, struct xconsumer *out);
MUST_USE bool xwalk_next_pending(struct xwalk *w, struct xpending *out);
MUST_USE bool xwalk_next_owned(struct xwalk *w, struct xstream_id *id);
void xwalk_release(struct xwalk *w);

#endif
