/*
 * RESTORE: a key out of the bytes that DUMP has given, here or on a Redis
 * server.
 *
 * How it works: the payload is read twice when it is executed: once to see
 * whether all of it is right, and once to make the value. So nothing is
 * changed by a payload that is wrong, not even by one that came with an entry
 * of another node; and none that a client sends gets into the log, because the
 * check has read it before.
 *
 * How it fails: with an error reply, and nothing changed. Arguments that are
 * wrong are answered before the key is looked up, so before BUSYKEY.
 */
#include "cmd/cmd_restore.h"

#include "base/num.h"
#include "cmd/cmd_collection.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "rdb/rdb_payload.h"
#include "type/list.h"
#include "type/set.h"

#define FREQ_MAX 255

/* --- arguments ---------------------------------------------------------- */

struct restore_options {
    bool replace;
    bool absolute;
    bool idle;
    bool frequent;
    int64_t ttl_ms;
};

/* Values that say how long nobody has asked for the key, or how often somebody
 * has: they are read, as Redis does, and not kept. */
static bool parse_idle(const struct cmd_args *a, uint32_t at)
{
    int64_t n = 0;
    ASSERT(at < a->argc);
    if (!parse_integer(a->out, a->argv[at], &n))
        return false;
    if (n < 0)
        resp_error(a->out, "ERR Invalid IDLETIME value, must be >= 0");
    return n >= 0;
}

static bool parse_frequency(const struct cmd_args *a, uint32_t at)
{
    int64_t n = 0;
    ASSERT(at < a->argc);
    if (!parse_integer(a->out, a->argv[at], &n))
        return false;
    bool ok = n >= 0 && n <= FREQ_MAX;
    if (!ok)
        resp_error(a->out, "ERR Invalid FREQ value, must be >= 0 and <= 255");
    return ok;
}

/* One option at argv[*at]; *at becomes its last argument. */
static bool parse_option(const struct cmd_args *a, uint32_t *at,
                         struct restore_options *o)
{
    struct bytes word = a->argv[*at];
    bool more = *at + 1 < a->argc;
    ASSERT(!o->idle || !o->frequent);
    if (word_is(word, "replace")) {
        o->replace = true;
    } else if (word_is(word, "absttl")) {
        o->absolute = true;
    } else if (word_is(word, "idletime") && more && !o->frequent) {
        o->idle = true;
        return parse_idle(a, ++*at);
    } else if (word_is(word, "freq") && more && !o->idle) {
        o->frequent = true;
        return parse_frequency(a, ++*at);
    } else {
        reply_syntax(a->out);
        return false;
    }
    return true;
}

static bool parse_restore(const struct cmd_args *a, struct restore_options *o)
{
    ASSERT(a->argc >= 4);
    *o = (struct restore_options){.replace = false};
    for (uint32_t i = 4; i < a->argc; i++) {
        if (!parse_option(a, &i, o))
            return false;
    }
    if (!parse_integer(a->out, a->argv[2], &o->ttl_ms))
        return false;
    if (o->ttl_ms < 0)
        resp_error(a->out, "ERR Invalid TTL value, must be >= 0");
    return o->ttl_ms >= 0;
}

static void reply_payload(struct resp_writer *w, int err)
{
    ASSERT(err < 0);
    if (err == ERR_TOO_BIG)
        resp_errorf(w, "ERR member is longer than %d bytes", CMD_MEMBER_MAX);
    else if (err == ERR_LIMIT)
        resp_errorf(w,
                    "ERR payload has a string of more than proto-max-bulk-len "
                    "bytes, or more than %d MiB in all",
                    CMD_ENTRY_BYTES_MAX >> 20);
    else
        resp_error(w, "ERR Bad data format");
}

static bool check_payload(struct resp_writer *w, struct bytes payload,
                          uint64_t string_max)
{
    const struct rdb_limits limits = {.string_max = string_max,
                                      .name_max = CMD_MEMBER_MAX,
                                      .total_max = CMD_ENTRY_BYTES_MAX};
    ASSERT(string_max > 0);
    if (!rdb_payload_whole(payload)) {
        resp_error(w, "ERR DUMP payload version or checksum are wrong");
        return false;
    }
    int err = rdb_payload_check(payload, &limits);
    if (err != 0)
        reply_payload(w, err);
    return err == 0;
}

bool cmd_restore_check(struct cmd_args *a)
{
    struct restore_options o;
    ASSERT(a->argc >= 4);
    return parse_restore(a, &o) &&
           check_payload(a->out, a->argv[3],
                         a->value_max != 0 ? a->value_max : CMD_STRING_MAX);
}

/* --- the value ---------------------------------------------------------- */

/* The bytes of a string must stay until the commit if they are a page or more;
 * those that were unpacked do not. */
static void restore_string(struct restored *r, const struct rdb_item *i)
{
    struct keyspace *ks = r->call->ks;
    uint8_t db = r->call->db;
    ASSERT(i->what == RDB_THE_STRING);
    if (i->lasting || i->name.len <= KEYSPACE_PAGE_SIZE) {
        put_string(r->call, r->key, i->name, r->expire_ms);
        return;
    }
    struct page_owner pages = keyspace_draft(ks, db);
    struct bytes rest = i->name;
    for (uint64_t page = 0; rest.len > 0; page++) {
        size_t len = MIN(rest.len, (size_t)KEYSPACE_PAGE_SIZE);
        keyspace_draft_page(ks, &pages, page, bytes_of(rest.data, len));
        rest = bytes_from(rest, len);
    }
    keyspace_put_draft(ks, r->key, &pages, i->name.len);
    if (r->expire_ms != 0)
        keyspace_set_expiry(ks, db, r->key, r->expire_ms);
}

static void restore_field(struct restored *r, const struct rdb_item *i)
{
    struct keyspace *ks = r->call->ks;
    int64_t end_ms = i->time_ms == 0 ? 0 : keyspace_from_wall(ks, i->time_ms);
    ASSERT(i->what == RDB_FIELD);
    if (end_ms == 0 || end_ms > keyspace_now(ks))
        hash_set_until(&r->hash, i->name, i->value, end_ms);
}

static int restore_item(void *arg, const struct rdb_item *i)
{
    struct restored *r = arg;
    ASSERT(r->kind != RDB_KIND_NONE);
    switch (i->what) {
    case RDB_THE_STRING:
        restore_string(r, i);
        break;
    case RDB_ELEMENT:
        list_push(r->object, LIST_RIGHT, i->name);
        break;
    case RDB_MEMBER:
        set_add(r->object, i->name);
        break;
    case RDB_SCORED:
        zset_add(&r->zset, i->name, i->score);
        break;
    case RDB_FIELD:
        restore_field(r, i);
        break;
    default:
        restore_stream_item(r, i);
        break;
    }
    return 0;
}

static struct object *begin_value(struct restored *r)
{
    static const uint8_t types[] = {
        [RDB_KIND_LIST] = VALUE_LIST,     [RDB_KIND_SET] = VALUE_SET,
        [RDB_KIND_ZSET] = VALUE_ZSET,     [RDB_KIND_HASH] = VALUE_HASH,
        [RDB_KIND_STREAM] = VALUE_STREAM,
    };
    struct cmd_call *c = r->call;
    ASSERT(r->kind < ARRAY_LEN(types));
    if (r->kind == RDB_KIND_STRING)
        return NULL;
    if (r->kind == RDB_KIND_ZSET) {
        zset_new(&r->zset, c->ks, c->db, r->key);
        return r->zset.object;
    }
    struct object *o = object_new(c->ks, c->db, r->key, types[r->kind]);
    if (r->kind == RDB_KIND_HASH)
        hash_init(&r->hash, o);
    else if (r->kind == RDB_KIND_STREAM)
        r->stream.object = o;
    return o;
}

static void end_value(struct restored *r)
{
    struct object *o = r->object;
    ASSERT((o == NULL) == (r->kind == RDB_KIND_STRING));
    if (o == NULL)
        return;
    o->expire_ms = r->expire_ms;
    if (r->kind == RDB_KIND_ZSET) {
        zset_save(&r->zset);
        zset_close(&r->zset);
        return;
    }
    if (r->kind == RDB_KIND_STREAM) {
        restore_stream_end(r);
    } else {
        if (r->kind == RDB_KIND_HASH)
            hash_settle(&r->hash);
        object_save(o);
    }
    if (r->kind == RDB_KIND_HASH)
        hash_release(&r->hash);
    object_close(o);
}

static void restore(struct cmd_call *c, int64_t expire_ms)
{
    struct restored r = {.call = c, .key = c->argv[1], .expire_ms = expire_ms};
    r.kind = rdb_kind(rdb_payload_type(c->argv[3]));
    r.object = begin_value(&r);
    int err = rdb_payload_read(c->argv[3], CMD_STRING_MAX, restore_item, &r);
    ASSERT(err == 0); /* it was checked */
    end_value(&r);
    buf_release(&r.group_name);
    buf_release(&r.consumer_name);
}

/* By the log's time: 0 is never. False: it is past. */
static bool end_of(struct cmd_call *c, const struct restore_options *o,
                   int64_t *end_ms)
{
    int64_t now_ms = keyspace_now(c->ks);
    ASSERT(o->ttl_ms >= 0);
    *end_ms = 0;
    if (o->ttl_ms == 0)
        return true;
    if (o->absolute)
        *end_ms = keyspace_from_wall(c->ks, o->ttl_ms);
    else if (!num_add_i64(now_ms, o->ttl_ms, end_ms))
        return false; /* as in Redis, whose sum is negative then */
    return *end_ms > now_ms;
}

void cmd_restore_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct restore_options o;
    struct value v;
    int64_t end_ms = 0;
    if (!parse_restore(&a, &o) ||
        !check_payload(c->out, c->argv[3], CMD_STRING_MAX))
        return;
    ASSERT(o.ttl_ms >= 0);
    if (!o.replace && keyspace_get(c->ks, c->db, c->argv[1], &v)) {
        resp_error(c->out, "BUSYKEY Target key name already exists.");
        return;
    }
    if (end_of(c, &o, &end_ms))
        restore(c, end_ms);
    else
        (void)keyspace_delete(c->ks, c->db, c->argv[1]);
    resp_status(c->out, "OK");
}
