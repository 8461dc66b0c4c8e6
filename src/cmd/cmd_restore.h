/*
 * What the files of RESTORE share: a value that is being made of a payload.
 */
#ifndef CMD_CMD_RESTORE_H
#define CMD_CMD_RESTORE_H

#include "base/buf.h"
#include "cmd/cmd.h"
#include "rdb/rdb.h"
#include "type/hash.h"
#include "type/xgroup.h"
#include "type/zset.h"

struct restored {
    struct cmd_call *call;
    struct bytes key;
    int64_t expire_ms; /* by the log's time; 0: never */
    enum rdb_kind kind;
    struct object *object; /* of a list, set or hash */
    struct hash hash;
    struct zset zset;
    /* Of a stream: what is told now belongs to these. */
    struct xstream stream;
    struct xgroup group;
    struct xconsumer consumer;
    bool in_group;
    bool in_consumer;
    struct buf group_name;
    struct buf consumer_name;
};

/* A part of a stream. */
void restore_stream_item(struct restored *r, const struct rdb_item *i);
/* What was told last is whole. */
void restore_stream_end(struct restored *r);

#endif
