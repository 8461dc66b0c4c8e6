/*
 * What DUMP gives and RESTORE takes: a value behind its type, and a footer, the
 * version of the format(2) and the checksum of all that(8).
 */
#ifndef RDB_RDB_PAYLOAD_H
#define RDB_RDB_PAYLOAD_H

#include "base/buf.h"
#include "rdb/rdb_value.h"

struct rdb_limits {
    uint64_t string_max; /* of a string, an element, a value */
    uint64_t name_max;   /* of a member, a field, a group, a consumer */
    uint64_t total_max;  /* of all of them together, as they are unpacked */
};

/* Whether version and checksum are right. */
MUST_USE bool rdb_payload_whole(struct bytes payload);
/* Of a whole one: the type of its value, and its kind. */
uint8_t rdb_payload_type(struct bytes payload);

/* Whether the value of a whole payload is one, all of it, with at least one
 * element (a stream may have none), without a member, a field, a group or a
 * consumer that is there twice, and within limits. Where it says 0, reading
 * it again will not fail. */
MUST_USE int rdb_payload_check(struct bytes payload,
                               const struct rdb_limits *limits);
/* Tells the value of a payload. */
MUST_USE int rdb_payload_read(struct bytes payload, uint64_t string_max,
                              rdb_visit_fn *visit, void *arg);

/* Puts the footer behind a value that begins with its type: *out is a whole
 * payload then. */
void rdb_payload_end(struct buf *out, uint16_t version);

#endif
