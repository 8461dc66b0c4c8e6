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
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"

/* Replies before anything changes: the old value is read then. */
static void begin_reply(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    resp_array(c->out, 3);
    resp_bulk(c->out, c->argv[1]);
}

static void reply_same(struct cmd_call *c, const struct value *old)
{
    begin_reply(c);
    reply_value(c, old);
    reply_value(c, old);
}

static void put(struct cmd_call *c, const struct value *old, struct bytes data)
{
    begin_reply(c);
    resp_bulk(c->out, data);
    reply_value(c, old);
    put_string(c, c->argv[1], data, 0);
}

static void delete_key(struct cmd_call *c, const struct value *old)
{
    bool found = old->type != VALUE_NONE;
    begin_reply(c);
    resp_null(c->out);
    reply_value(c, old);
    bool was = keyspace_delete(c->ks, c->db, c->argv[1]);
    ASSERT(was == found);
}

static bool equals(struct cmd_call *c, const struct value *old,
                   struct bytes expected)
{
    return old->type != VALUE_NONE && keyspace_equals(c->ks, old, expected);
}

void cmd_original_get_run(struct cmd_call *c)
{
    struct value old;
    ASSERT(c->argc == 2);
    if (lookup_string(c, c->argv[1], &old))
        reply_same(c, &old);
}

void cmd_original_put_run(struct cmd_call *c)
{
    struct value old;
    ASSERT(c->argc == 3);
    if (lookup_string(c, c->argv[1], &old))
        put(c, &old, c->argv[2]);
}

void cmd_original_del_run(struct cmd_call *c)
{
    struct value old;
    ASSERT(c->argc == 2);
    if (lookup_string(c, c->argv[1], &old))
        delete_key(c, &old);
}

/* The expected value "-" means that the key must be missing. */
void cmd_original_cas_run(struct cmd_call *c)
{
    struct value old;
    ASSERT(c->argc == 4);
    if (!lookup_string(c, c->argv[1], &old))
        return;
    bool none = bytes_eq(c->argv[2], BYTES_LIT("-"));
    if (none ? old.type == VALUE_NONE : equals(c, &old, c->argv[2]))
        put(c, &old, c->argv[3]);
    else
        reply_same(c, &old);
}

void cmd_original_cad_run(struct cmd_call *c)
{
    struct value old;
    ASSERT(c->argc == 3);
    if (!lookup_string(c, c->argv[1], &old))
        return;
    if (equals(c, &old, c->argv[2]))
        delete_key(c, &old);
    else
        reply_same(c, &old);
}
