/*
 * RESTORE of a stream: a group, and a consumer, are saved when all that belongs
 * to them was told.
 *
 * How it fails: it does not; what is told was checked.
 */
#include "cmd/cmd_restore.h"

static struct xstream_id id_of(struct rdb_id id)
{
    return (struct xstream_id){id.ms, id.seq};
}

static int64_t log_time(struct restored *r, int64_t wall_ms)
{
    ASSERT(wall_ms >= 0);
    return keyspace_from_wall(r->call->ks, wall_ms);
}

static void end_consumer(struct restored *r)
{
    ASSERT(r->in_group || !r->in_consumer);
    if (r->in_consumer)
        xconsumer_save(&r->group, &r->consumer);
    r->in_consumer = false;
}

static void end_group(struct restored *r)
{
    end_consumer(r);
    ASSERT(!r->in_consumer);
    if (r->in_group)
        xgroup_save(&r->group);
    r->in_group = false;
}

static void begin_group(struct restored *r, const struct rdb_item *i)
{
    end_group(r);
    ASSERT(!r->in_group);
    buf_reset(&r->group_name);
    buf_bytes(&r->group_name, i->name);
    xgroup_create(&r->stream, buf_view(&r->group_name), &r->group);
    r->group.last = id_of(i->id);
    r->group.read = i->read == RDB_READ_ESTIMATE
                        ? xgroup_read_at(&r->stream, r->group.last)
                        : i->read;
    r->in_group = true;
}

static void begin_consumer(struct restored *r, const struct rdb_item *i)
{
    end_consumer(r);
    ASSERT(r->in_group);
    buf_reset(&r->consumer_name);
    buf_bytes(&r->consumer_name, i->name);
    r->consumer = (struct xconsumer){.name = buf_view(&r->consumer_name),
                                     .seen_ms = log_time(r, i->time_ms)};
    r->in_consumer = true;
}

static void restore_pending(struct restored *r, const struct rdb_item *i)
{
    struct xpending p = {.id = id_of(i->id),
                         .time_ms = log_time(r, i->time_ms),
                         .deliveries = i->deliveries};
    ASSERT(r->in_group && r->in_consumer);
    xpending_give(&r->group, &r->consumer, &p);
}

static void restore_itself(struct restored *r, const struct rdb_item *i)
{
    struct xstream *s = &r->stream;
    ASSERT(i->added >= xstream_length(s));
    s->last = id_of(i->id);
    s->max_deleted = id_of(i->deleted);
    s->added = i->added;
}

void restore_stream_item(struct restored *r, const struct rdb_item *i)
{
    ASSERT(r->kind == RDB_KIND_STREAM);
    if (i->what == RDB_ENTRY)
        xstream_add(&r->stream, id_of(i->id), i->fields, i->count);
    else if (i->what == RDB_STREAM)
        restore_itself(r, i);
    else if (i->what == RDB_GROUP)
        begin_group(r, i);
    else if (i->what == RDB_CONSUMER)
        begin_consumer(r, i);
    else
        restore_pending(r, i);
}

void restore_stream_end(struct restored *r)
{
    end_group(r);
    ASSERT(!r->in_group && !r->in_consumer);
    xstream_save(&r->stream);
}
