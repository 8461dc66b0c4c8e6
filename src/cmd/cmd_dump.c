/*
 * DUMP: a value as bytes that RESTORE takes, here and on a Redis server.
 *
 * The forms are the plainest ones (rdb/rdb_write.h); so every Redis server from
 * version 5 on takes them, but for streams (7.0) and hashes whose fields
 * expire (7.4).
 *
 * How it fails: a payload of more than CMD_REPLY_BYTES_MAX is not told. An
 * error of the store is the keyspace's.
 */
#include "cmd/cmd_dump.h"

#include "cmd/cmd_internal.h"
#include "rdb/rdb_payload.h"
#include "rdb/rdb_write.h"
#include "type/hash.h"
#include "type/list.h"
#include "type/packed.h"
#include "type/zset.h"

static bool dump_string(struct dump *d, const struct value *v)
{
    struct bytes part;
    ASSERT(v->type == VALUE_STRING);
    if (!dump_fits(d, v->length))
        return false;
    struct value_range r = keyspace_range(d->ks, v, 0, v->length);
    rdb_put_length(&d->out, v->length);
    while (keyspace_next(d->ks, &r, &part))
        buf_bytes(&d->out, part);
    return true;
}

static bool dump_cell(struct dump *d, struct object *o, const struct cell *c)
{
    ASSERT(o->exists);
    if (!dump_fits(d, c->length))
        return false;
    rdb_put_length(&d->out, c->length);
    cell_read(o, c, &d->out);
    return true;
}

static bool dump_list(struct dump *d, struct object *o)
{
    struct list_walk w;
    bool fits = true;
    ASSERT(o->type == VALUE_LIST);
    rdb_put_length(&d->out, list_length(o));
    list_walk_init(&w, o, 0, false);
    while (fits && list_walk_next(&w))
        fits = dump_cell(d, o, &w.cell);
    list_walk_release(&w);
    return fits;
}

static bool dump_set(struct dump *d, struct object *o)
{
    struct packed_walk w;
    struct bytes member;
    struct bytes nothing;
    bool fits = true;
    ASSERT(o->type == VALUE_SET);
    rdb_put_length(&d->out, object_count(o));
    packed_walk_init(&w, o);
    while (fits && packed_walk_next(&w, &member, &nothing)) {
        rdb_put_string(&d->out, member);
        fits = dump_fits(d, 0);
    }
    packed_walk_release(&w);
    return fits;
}

/* From the highest score down, as Redis does. */
static bool dump_zset(struct dump *d, struct zset *z)
{
    struct zset_walk w;
    struct zset_entry e;
    uint64_t count = zset_count(z);
    bool fits = true;
    ASSERT(count > 0);
    rdb_put_length(&d->out, count);
    zset_walk_init(&w, z);
    bool there = zset_walk_to(&w, count - 1, &e);
    for (; there && fits; there = zset_walk_previous(&w, &e)) {
        rdb_put_string(&d->out, e.member);
        rdb_put_score(&d->out, e.score);
        fits = dump_fits(d, 0);
    }
    zset_walk_release(&w);
    return fits;
}

/* The first time that a field expires; 0: none does. */
static int64_t first_time(struct hash *h)
{
    struct hash_walk w;
    struct bytes field;
    struct cell value;
    int64_t first = 0;
    ASSERT(h->o->type == VALUE_HASH);
    if ((h->o->flags & VALUE_FIELD_TTL) == 0)
        return 0;
    hash_walk_init(&w, h);
    while (hash_walk_next(&w, &field, &value)) {
        int64_t ms = value.expire_ms;
        if (ms != 0 && (first == 0 || ms < first))
            first = ms;
    }
    hash_walk_release(&w);
    return first;
}

static void put_time(struct dump *d, int64_t expire_ms, int64_t first_ms)
{
    ASSERT(expire_ms == 0 || expire_ms >= first_ms);
    if (expire_ms == 0) {
        rdb_put_length(&d->out, 0);
        return;
    }
    int64_t after_ms =
        keyspace_to_wall(d->ks, expire_ms) - keyspace_to_wall(d->ks, first_ms);
    rdb_put_length(&d->out, (uint64_t)after_ms + 1);
}

static bool dump_hash(struct dump *d, struct hash *h, int64_t first_ms)
{
    struct hash_walk w;
    struct bytes field;
    struct cell value;
    bool fits = true;
    ASSERT(first_ms == 0 || (h->o->flags & VALUE_FIELD_TTL) != 0);
    if (first_ms != 0)
        buf_u64(&d->out, (uint64_t)keyspace_to_wall(d->ks, first_ms));
    rdb_put_length(&d->out, hash_count(h));
    hash_walk_init(&w, h);
    while (fits && hash_walk_next(&w, &field, &value)) {
        if (first_ms != 0)
            put_time(d, value.expire_ms, first_ms);
        rdb_put_string(&d->out, field);
        fits = dump_cell(d, h->o, &value);
    }
    hash_walk_release(&w);
    return fits;
}

/* The type goes in front of a value, so it is known before. */
static uint16_t begin(struct dump *d, uint8_t type, uint16_t version)
{
    ASSERT(d->out.len == 0);
    buf_u8(&d->out, type);
    return version;
}

static bool open_and_dump_hash(struct dump *d, struct object *o,
                               uint16_t *version)
{
    struct hash h;
    hash_init(&h, o);
    int64_t first_ms = first_time(&h);
    ASSERT(first_ms >= 0);
    *version = first_ms != 0 ? begin(d, RDB_HASH_TIMES, RDB_WRITES_TIMES)
                             : begin(d, RDB_HASH, RDB_WRITES);
    bool fits = dump_hash(d, &h, first_ms);
    hash_release(&h);
    return fits;
}

static bool dump_stream_value(struct dump *d, struct cmd_call *c,
                              uint16_t *version)
{
    struct xstream s;
    *version = begin(d, RDB_STREAM_2, RDB_WRITES_STREAM);
    if (xstream_open(c->ks, c->db, c->argv[1], &s) == OBJECT_OTHER)
        return true; /* an error of the store */
    bool fits = dump_stream(d, &s);
    ASSERT(!fits || d->out.len > 1);
    xstream_close(&s);
    return fits;
}

static bool dump_zset_value(struct dump *d, struct cmd_call *c,
                            uint16_t *version)
{
    struct zset z;
    *version = begin(d, RDB_ZSET, RDB_WRITES);
    enum object_found found = zset_open(&z, c->ks, c->db, c->argv[1]);
    if (found == OBJECT_OTHER)
        return true;
    bool fits = found != OBJECT_FOUND || dump_zset(d, &z);
    ASSERT(!fits || d->out.len >= 1);
    zset_close(&z);
    return fits;
}

static bool dump_other(struct dump *d, struct cmd_call *c, uint8_t type,
                       uint16_t *version)
{
    struct object *o;
    bool fits = true;
    if (object_open(c->ks, c->db, c->argv[1], type, &o) == OBJECT_OTHER)
        return true;
    if (type == VALUE_HASH) {
        fits = open_and_dump_hash(d, o, version);
    } else if (type == VALUE_SET) {
        *version = begin(d, RDB_SET, RDB_WRITES);
        fits = dump_set(d, o);
    } else {
        ASSERT(type == VALUE_LIST);
        *version = begin(d, RDB_LIST, RDB_WRITES);
        fits = dump_list(d, o);
    }
    object_close(o);
    return fits;
}

static bool dump_value(struct dump *d, struct cmd_call *c,
                       const struct value *v, uint16_t *version)
{
    ASSERT(v->type != VALUE_NONE && v->type < VALUE_TYPES);
    switch (v->type) {
    case VALUE_STRING:
        *version = begin(d, RDB_STRING, RDB_WRITES);
        return dump_string(d, v);
    case VALUE_ZSET:
        return dump_zset_value(d, c, version);
    case VALUE_STREAM:
        return dump_stream_value(d, c, version);
    default:
        return dump_other(d, c, v->type, version);
    }
}

void cmd_dump_run(struct cmd_call *c)
{
    struct dump d = {.ks = c->ks};
    struct value v;
    uint16_t version = RDB_WRITES;
    ASSERT(c->argc == 2);
    if (!keyspace_get(c->ks, c->db, c->argv[1], &v)) {
        resp_null(c->out);
        return;
    }
    if (!dump_value(&d, c, &v, &version)) {
        resp_error(c->out, "ERR reply too large, use the commands of its type, "
                           "which tell parts of a value");
    } else if (d.out.len > 1) {
        rdb_payload_end(&d.out, version);
        resp_bulk(c->out, buf_view(&d.out));
    } else {
        resp_null(c->out); /* an error of the store, which ends the node */
    }
    buf_release(&d.out);
}
