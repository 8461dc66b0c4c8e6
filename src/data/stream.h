/*
 * Streams: a part of a long string that is told over several turns, as it was
 * when it was looked up. What a stream has not given yet stays in the pages;
 * before an entry changes or deletes one of them, all of it is copied, once for
 * all streams of the value.
 *
 * Outside an entry only: a stream belongs to a reader of one replica and is no
 * part of the state.
 */
#ifndef DATA_STREAM_H
#define DATA_STREAM_H

#include "base/list.h"
#include "data/keyspace.h"

/* What a value was, from a byte on. */
struct stream_copy {
    struct stream_copy *next; /* while streams_save() makes them */
    uint64_t id;              /* that of its pages */
    uint64_t at;
    size_t streams; /* whose it is */
    struct buf bytes;
};

struct value_stream {
    struct list link; /* in the keyspace's, while the pages are needed */
    struct value_range range; /* what has not been told */
    struct stream_copy *copy; /* if the value has changed */
};

/* The range must be one of pages. */
void stream_open(struct keyspace *ks, struct value_stream *st,
                 const struct value_range *range);
/* The next bytes, borrowed until the next call on the keyspace; false: that was
 * all. After an error of the store they are zeros. */
MUST_USE bool stream_next(struct keyspace *ks, struct value_stream *st,
                          struct bytes *out);
void stream_close(struct value_stream *st);
/* Its share of what is copied. */
MUST_USE size_t stream_memory(const struct value_stream *st);

/* For keyspace_commit(), before the entry is written; keyspace_leave(), when
 * all pages go; and keyspace_close(). */
void streams_save(struct keyspace *ks);
void streams_save_all(struct keyspace *ks);
void streams_detach(struct keyspace *ks);

#endif
