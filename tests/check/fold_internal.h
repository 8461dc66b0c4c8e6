/* What the files of the fold share: a command under way, and how a key gets
 * another version. */
#ifndef CHECK_FOLD_INTERNAL_H
#define CHECK_FOLD_INTERNAL_H

#include "check/fold.h"
#include "check/fold_coll.h"

struct fold_call {
    struct fold *f;
    const struct bytes *argv;
    uint32_t argc;
    int64_t time_ms;
    struct buf *reply;
};

/* The newest version, if it is alive at the entry's time. */
const struct fold_version *fold_live(const struct fold_call *c,
                                     const struct fold_key *k);
/* The key's value as it is now, from this entry on. */
void fold_push(struct fold_call *c, struct fold_key *k, bool present,
               int64_t expire_ms);
void fold_drop(struct fold_call *c, struct fold_key *k);
/* A field expires then: somebody has to look. */
void fold_note_due(struct fold *f, int64_t due_ms);

/* Replies, in RESP2. */
void fold_integer(struct fold_call *c, int64_t v);
void fold_bulk(struct fold_call *c, struct bytes b);
void fold_nil(struct fold_call *c);
void fold_array(struct fold_call *c, size_t count);
bool fold_is(struct bytes a, const char *text);
int64_t fold_number(struct bytes b);
/* A time of the wall clock, as this entry's leader read it, as the log's. */
int64_t fold_log_time(const struct fold_call *c, struct bytes b);

/* The collection of a key that is alive; NULL: there is none. Of another type:
 * "limit", for clients of ours do not do that. */
struct fold_coll *fold_open(struct fold_call *c, struct bytes name,
                            enum fold_type type);
/* The same, or an empty one. */
struct fold_coll *fold_make(struct fold_call *c, struct bytes name,
                            enum fold_type type);
/* After a change: a version, or none if it is empty and does not stay. */
void fold_save(struct fold_call *c, struct bytes name);
/* In place of whatever the key has; an empty one deletes it. Takes it over. */
void fold_replace(struct fold_call *c, struct bytes name,
                  struct fold_coll *coll, int64_t expire_ms);

/* Where a place from the end on (negative) is, as Redis counts; and what is
 * left of a range within a count: false if nothing is. */
bool fold_range(const struct bytes *from_to, size_t count, size_t *from,
                size_t *to);

/* By family; false: not one of these. */
bool fold_keys(struct fold_call *c);
bool fold_hash(struct fold_call *c);
bool fold_list(struct fold_call *c);
bool fold_set(struct fold_call *c);
bool fold_zset(struct fold_call *c);
bool fold_stream(struct fold_call *c);

#endif
