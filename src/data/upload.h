/*
 * Uploads: a large request goes through the log in parts, ahead of itself, so
 * that no entry is large and those of others pass in between. Its parts are
 * kept as rows, one upload for each node, until the request is executed or
 * the node drops it; so the state at any entry is all that is needed to go on.
 *
 * The parts of an upload come in their order, each exactly once, because they
 * are requests of their node's session (session.h). All have the size of the
 * first one, except the last. What is left of the upload of a node that does
 * not come back is dropped after a while (UPLOAD_KEPT_MS).
 *
 * Part of the keyspace: changed between keyspace_begin and keyspace_commit.
 */
#ifndef DATA_UPLOAD_H
#define DATA_UPLOAD_H

#include "data/keyspace.h"

/* No request is larger. */
#define UPLOAD_BYTES_MAX ((uint64_t)1024 * 1024 * 1024)
/* In the log's time: it is dropped so long after its last part. That is longer
 * than a request waits anywhere, and than wall clocks are likely to be wrong.
 */
#define UPLOAD_KEPT_MS ((uint64_t)6 * 3600 * 1000)

struct upload_part {
    uint64_t number; /* the node's own, of this upload */
    uint64_t total;  /* bytes of the upload */
    uint64_t offset;
    struct bytes bytes;
};

/* Adds a part; one at offset 0 begins an upload, whatever was there before.
 * False, and nothing is changed: it is not the part that comes next. */
MUST_USE bool upload_add(struct keyspace *ks, node_id node,
                         const struct upload_part *part);
/* The bytes of an upload of which all parts have come, borrowed until the entry
 * ends; false: there is no such upload. */
MUST_USE bool upload_whole(struct keyspace *ks, node_id node, uint64_t number,
                           struct bytes *bytes);
/* Deletes what there is of the node's upload. */
void upload_drop(struct keyspace *ks, node_id node);
/* Outside an entry: is anything kept for the node? */
bool upload_exists(struct keyspace *ks, node_id node);

/* For keyspace_commit(), when everything is written. */
void uploads_settle(struct keyspace *ks);
/* For keyspace_close(). */
void uploads_release(struct keyspace *ks);

#endif
