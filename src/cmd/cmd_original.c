/*
 * The operations of Verdi's vard (Verdi Raft, systems/VarD.v), as
 * internal commands: original/original.c turns its clients' requests into
 * these, and their replies back into its text.
 *
 * Every one answers an array of three: the key, its value now, and its value
 * before, with nulls for none; so the first answer to a request, kept for its
 * repetitions, is the same text whatever has happened since. GET goes through
 * the log for the same reason. There are no syntax errors: the arity says it
 * all.
 *
 * How it fails: WRONGTYPE for a key of another type than string.
 */
#include "base/buf.h"
#include "cmd/cmd_internal.h"

/* What the key holds before the operation; `data` owns a copy of it. */
struct old_value {
    bool found;
    struct buf data;
};

/* False: the key holds something else than a string (an error was written). */
static bool old_value_get(struct cmd_call *c, struct old_value *old)
{
    struct value v;
    ASSERT(c->argc >= 2);
    *old = (struct old_value){false, BUF_INIT};
    if (!keyspace_get(c->ks, c->db, c->argv[1], &v))
        return true;
    if (v.type != VALUE_STRING) {
        resp_error(c->out, "WRONGTYPE Operation against a key holding the "
                           "wrong kind of value");
        return false;
    }
    old->found = true;
    buf_bytes(&old->data, v.data);
    return true;
}

static void reply_value(struct cmd_call *c, bool found, struct bytes value)
{
    ASSERT(found || value.len == 0);
    if (found)
        resp_bulk(c->out, value);
    else
        resp_null(c->out);
}

/* Replies and frees the old value. */
static void reply(struct cmd_call *c, bool found, struct bytes value,
                  struct old_value *old)
{
    ASSERT(old->found || old->data.len == 0);
    resp_array(c->out, 3);
    resp_bulk(c->out, c->argv[1]);
    reply_value(c, found, value);
    reply_value(c, old->found, buf_view(&old->data));
    buf_release(&old->data);
}

static void put(struct cmd_call *c, struct bytes data)
{
    struct value v = {.type = VALUE_STRING, .data = data};
    ASSERT(c->argc >= 3);
    keyspace_put(c->ks, c->db, c->argv[1], &v);
}

static bool equals(const struct old_value *old, struct bytes expected)
{
    ASSERT(old->found || old->data.len == 0);
    return old->found && bytes_eq(buf_view(&old->data), expected);
}

void cmd_original_get_run(struct cmd_call *c)
{
    struct old_value old;
    ASSERT(c->argc == 2);
    if (!old_value_get(c, &old))
        return;
    reply(c, old.found, buf_view(&old.data), &old);
}

void cmd_original_put_run(struct cmd_call *c)
{
    struct old_value old;
    ASSERT(c->argc == 3);
    if (!old_value_get(c, &old))
        return;
    put(c, c->argv[2]);
    reply(c, true, c->argv[2], &old);
}

void cmd_original_del_run(struct cmd_call *c)
{
    struct old_value old;
    ASSERT(c->argc == 2);
    if (!old_value_get(c, &old))
        return;
    bool was = keyspace_delete(c->ks, c->db, c->argv[1]);
    ASSERT(was == old.found);
    reply(c, false, BYTES_NONE, &old);
}

/* The expected value "-" means that the key must be missing. */
void cmd_original_cas_run(struct cmd_call *c)
{
    struct old_value old;
    ASSERT(c->argc == 4);
    if (!old_value_get(c, &old))
        return;
    bool none = bytes_eq(c->argv[2], BYTES_LIT("-"));
    if (none ? !old.found : equals(&old, c->argv[2])) {
        put(c, c->argv[3]);
        reply(c, true, c->argv[3], &old);
    } else {
        reply(c, old.found, buf_view(&old.data), &old);
    }
}

void cmd_original_cad_run(struct cmd_call *c)
{
    struct old_value old;
    ASSERT(c->argc == 3);
    if (!old_value_get(c, &old))
        return;
    if (equals(&old, c->argv[2])) {
        bool was = keyspace_delete(c->ks, c->db, c->argv[1]);
        ASSERT(was);
        reply(c, false, BYTES_NONE, &old);
    } else {
        reply(c, old.found, buf_view(&old.data), &old);
    }
}
