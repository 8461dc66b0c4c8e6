/*
 * Hashes, field by field: HSET, HGET and their family. cmd_hash_all.c has the
 * commands that look at many fields.
 *
 * A hash that has changed is saved before it is closed, and what its commands
 * answer of a field is answered before anything is changed.
 *
 * How it fails: with an error reply, and nothing changed.
 */
#include "cmd/cmd_hash.h"
#include "base/num.h"
#include "cmd/cmd_collection.h"
#include "cmd/cmd_counter.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"

#include <math.h>

bool open_hash(struct cmd_call *c, struct hash *h)
{
    struct object *o;
    if (!open_collection(c, c->argv[1], VALUE_HASH, &o))
        return false;
    hash_init(h, o);
    ASSERT(o->exists || object_count(o) == 0);
    return true;
}

void close_hash(struct hash *h)
{
    struct object *o = h->o;
    ASSERT(o != NULL && o->type == VALUE_HASH);
    hash_release(h);
    object_close(o);
}

void save_hash(struct hash *h)
{
    ASSERT(!packed_is(h->o) || h->o->trees[0].root.len <= OBJECT_PACKED_MAX);
    hash_settle(h);
    object_save(h->o);
    close_hash(h);
}

/* One field, the second argument. */
bool cmd_hsetnx_check(struct cmd_args *a)
{
    ASSERT(a->argc == 4);
    return members_fit(a, 2, a->argc);
}

/* --- HSET --------------------------------------------------------------- */

bool cmd_hset_check(struct cmd_args *a)
{
    ASSERT(a->argc >= 4);
    if (a->argc % 2 != 0) {
        cmd_reply_arity(a->out, a->cmd);
        return false;
    }
    return members_fit(a, 2, 2);
}

void cmd_hset_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct hash h;
    int64_t added = 0;
    if (!cmd_hset_check(&a) || !open_hash(c, &h))
        return;
    ASSERT(c->argc % 2 == 0);
    for (uint32_t i = 2; i < c->argc; i += 2)
        added += hash_set(&h, c->argv[i], c->argv[i + 1]);
    save_hash(&h);
    if (c->cmd->id == CMD_ID_HMSET)
        resp_status(c->out, "OK");
    else
        resp_integer(c->out, added);
}

void cmd_hsetnx_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct hash h;
    struct cell old;
    ASSERT(c->argc == 4);
    if (!cmd_hsetnx_check(&a) || !open_hash(c, &h))
        return;
    if (hash_get(&h, c->argv[2], &old)) {
        resp_integer(c->out, 0);
        close_hash(&h);
        return;
    }
    hash_set(&h, c->argv[2], c->argv[3]);
    save_hash(&h);
    resp_integer(c->out, 1);
}

void cmd_hdel_run(struct cmd_call *c)
{
    struct hash h;
    int64_t deleted = 0;
    ASSERT(c->argc >= 3);
    if (!open_hash(c, &h))
        return;
    uint64_t before = object_count(h.o);
    for (uint32_t i = 2; i < c->argc; i++)
        deleted += hash_delete(&h, c->argv[i]);
    ASSERT(deleted < c->argc);
    if (object_count(h.o) < before)
        save_hash(&h);
    else
        close_hash(&h);
    resp_integer(c->out, deleted);
}

/* --- HGET --------------------------------------------------------------- */

static void reply_field(struct cmd_call *c, struct hash *h, struct bytes field)
{
    struct cell v;
    ASSERT(h->o->type == VALUE_HASH);
    if (hash_get(h, field, &v))
        reply_cell(c, h->o, &v);
    else
        resp_null(c->out);
}

void cmd_hget_run(struct cmd_call *c)
{
    struct hash h;
    ASSERT(c->argc == 3);
    if (!open_hash(c, &h))
        return;
    reply_field(c, &h, c->argv[2]);
    close_hash(&h);
}

void cmd_hmget_run(struct cmd_call *c)
{
    struct hash h;
    ASSERT(c->argc >= 3);
    if (!open_hash(c, &h))
        return;
    resp_array(c->out, c->argc - 2);
    for (uint32_t i = 2; i < c->argc && !may_stop(c); i++)
        reply_field(c, &h, c->argv[i]);
    close_hash(&h);
}

void cmd_hexists_run(struct cmd_call *c)
{
    struct hash h;
    struct cell v;
    ASSERT(c->argc == 3);
    if (!open_hash(c, &h))
        return;
    resp_integer(c->out, hash_get(&h, c->argv[2], &v));
    close_hash(&h);
}

void cmd_hstrlen_run(struct cmd_call *c)
{
    struct hash h;
    struct cell v;
    ASSERT(c->argc == 3);
    if (!open_hash(c, &h))
        return;
    bool found = hash_get(&h, c->argv[2], &v);
    resp_integer(c->out, found ? (int64_t)v.length : 0);
    close_hash(&h);
}

void cmd_hlen_run(struct cmd_call *c)
{
    struct hash h;
    ASSERT(c->argc == 2);
    if (!open_hash(c, &h))
        return;
    resp_integer(c->out, (int64_t)hash_count(&h));
    close_hash(&h);
}

/* --- HINCRBY, HINCRBYFLOAT ---------------------------------------------- */

static bool parse_hincrby(const struct cmd_args *a, int64_t *increment)
{
    ASSERT(a->argc == 4);
    return parse_integer(a->out, a->argv[3], increment) &&
           members_fit(a, 2, a->argc);
}

bool cmd_hincrby_check(struct cmd_args *a)
{
    int64_t increment = 0;
    ASSERT((a->cmd->flags & CMD_WRITE) != 0);
    return parse_hincrby(a, &increment);
}

/* A number is short: it is never apart. */
_Static_assert(HASH_INLINE_MAX >= 20, "an integer as text");

static bool old_integer(struct cmd_call *c, struct hash *h, int64_t *out,
                        int64_t *expire_ms)
{
    struct cell v;
    ASSERT(*out == 0);
    if (!hash_get(h, c->argv[2], &v))
        return true;
    *expire_ms = v.expire_ms;
    if (!v.apart && num_parse_i64(v.bytes, out))
        return true;
    resp_error(c->out, "ERR hash value is not an integer");
    return false;
}

void cmd_hincrby_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct hash h;
    int64_t increment = 0;
    int64_t number = 0;
    int64_t expire_ms = 0;
    if (!parse_hincrby(&a, &increment) || !open_hash(c, &h))
        return;
    if (!old_integer(c, &h, &number, &expire_ms)) {
        close_hash(&h);
        return;
    }
    if (!num_add_i64(number, increment, &number)) {
        resp_error(c->out, "ERR increment or decrement would overflow");
        close_hash(&h);
        return;
    }
    char text[NUM_TEXT_MAX];
    struct bytes result = bytes_of(text, num_format_i64(number, text));
    hash_set_until(&h, c->argv[2], result, expire_ms);
    save_hash(&h);
    resp_integer(c->out, number);
}

static bool parse_hincrbyfloat(const struct cmd_args *a, long double *increment)
{
    ASSERT(a->argc == 4);
    if (!float_from(a->argv[3], increment)) {
        resp_error(a->out, "ERR value is not a valid float");
        return false;
    }
    if (isinf(*increment)) {
        resp_error(a->out, "ERR value is NaN or Infinity");
        return false;
    }
    return members_fit(a, 2, a->argc);
}

bool cmd_hincrbyfloat_check(struct cmd_args *a)
{
    long double increment = 0;
    ASSERT((a->cmd->flags & CMD_WRITE) != 0);
    return parse_hincrbyfloat(a, &increment);
}

/* One of thousands of digits is apart. */
static bool old_float(struct cmd_call *c, struct hash *h, long double *out,
                      int64_t *expire_ms)
{
    struct cell v;
    struct buf text = BUF_INIT;
    if (!hash_get(h, c->argv[2], &v))
        return true;
    *expire_ms = v.expire_ms;
    bool ok = v.length < FLOAT_TEXT_MAX;
    if (ok) {
        cell_read(h->o, &v, &text);
        ok = float_from(buf_view(&text), out);
        ASSERT(text.len <= FLOAT_TEXT_MAX);
    }
    buf_release(&text);
    if (!ok)
        resp_error(c->out, "ERR hash value is not a float");
    return ok;
}

void cmd_hincrbyfloat_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct hash h;
    long double increment = 0;
    long double number = 0;
    int64_t expire_ms = 0;
    if (!parse_hincrbyfloat(&a, &increment) || !open_hash(c, &h))
        return;
    if (!old_float(c, &h, &number, &expire_ms)) {
        close_hash(&h);
        return;
    }
    ASSERT(!isnan(number) && !isnan(increment));
    number += increment;
    if (isnan(number) || isinf(number)) {
        resp_error(c->out, "ERR increment would produce NaN or Infinity");
        close_hash(&h);
        return;
    }
    char text[FLOAT_TEXT_MAX];
    struct bytes result = bytes_of(text, float_format(number, text));
    hash_set_until(&h, c->argv[2], result, expire_ms);
    save_hash(&h);
    resp_bulk(c->out, result);
}
