/*
 * Compare and set, compare and delete: the operations of Verdi's vard, and
 * Valkey's spelling of the second one. (SET ... IFEQ is in cmd_string.c.)
 *
 * A missing key equals nothing, not even the empty string. CAS removes any
 * expiry that the key had, like SET.
 *
 * How it fails: WRONGTYPE for a key of another type than string.
 */
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"

/* False: the answer has been written. */
static bool equals(struct cmd_call *c)
{
    struct value v;
    ASSERT(c->argc >= 3);
    if (!lookup_string(c, c->argv[1], &v))
        return false;
    if (v.type != VALUE_NONE && keyspace_equals(c->ks, &v, c->argv[2]))
        return true;
    resp_integer(c->out, 0);
    return false;
}

void cmd_cas_run(struct cmd_call *c)
{
    ASSERT(c->argc == 4);
    if (!equals(c))
        return;
    put_string(c, c->argv[1], c->argv[3], 0);
    resp_integer(c->out, 1);
}

/* DELIFEQ too. */
void cmd_cad_run(struct cmd_call *c)
{
    if (!equals(c))
        return;
    bool was = keyspace_delete(c->ks, c->db, c->argv[1]);
    ASSERT(was);
    resp_integer(c->out, 1);
}
