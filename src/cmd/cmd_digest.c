/*
 * DIGEST, and DELEX, which deletes under a condition; what SET and DELEX
 * compare.
 *
 * A digest is XXH3 of 64 bits, as Redis 8.4 has it. A missing key equals
 * nothing: IFNE and IFDNE hold for it.
 *
 * How it fails: with an error reply, and nothing changed. What has more than
 * CMD_LOOK_MAX bytes has no digest.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"

#define DIGEST_CHARS 16 /* 64 bits in hexadecimal digits */

/* False: it is too long, which was answered. */
static bool digest(struct cmd_call *c, const struct value *v, uint64_t *out)
{
    struct value_range r = keyspace_scan(c->ks, v, 0, v->length);
    struct hash64_stream *h = hash64_begin();
    struct bytes part;
    ASSERT(v->type == VALUE_STRING);
    while (r.seen <= CMD_LOOK_MAX && keyspace_next(c->ks, &r, &part))
        hash64_add(h, part);
    *out = hash64_end(h);
    if (r.seen <= CMD_LOOK_MAX)
        return true;
    reply_too_long(c, "DIGEST", "GETRANGE gives parts of a string");
    return false;
}

void cmd_digest_run(struct cmd_call *c)
{
    struct value v;
    uint64_t hash = 0;
    ASSERT(c->argc == 2);
    if (!lookup_string(c, c->argv[1], &v))
        return;
    if (v.type == VALUE_NONE)
        resp_null(c->out);
    else if (digest(c, &v, &hash))
        resp_bulkf(c->out, "%016" PRIx64, hash);
}

/* Whether the digest is this text, whose letters may be of any case. What is as
 * long and no number is equal to none, as in Redis. */
static bool digest_equals(struct cmd_call *c, const struct value *v,
                          struct bytes text, bool *equal)
{
    char own[DIGEST_CHARS + 1];
    uint64_t hash = 0;
    ASSERT(v->type == VALUE_STRING);
    if (text.len != DIGEST_CHARS) {
        resp_errorf(c->out, "ERR must be exactly %d hexadecimal characters",
                    DIGEST_CHARS);
        return false;
    }
    if (!digest(c, v, &hash))
        return false;
    snprintf(own, sizeof(own), "%016" PRIx64, hash);
    *equal = word_is(text, own);
    return true;
}

bool comparison_holds(struct cmd_call *c, const struct comparison_of *k,
                      const struct value *v, bool *holds)
{
    bool digests = k->kind == COMPARE_IFDEQ || k->kind == COMPARE_IFDNE;
    bool unequal = k->kind == COMPARE_IFNE || k->kind == COMPARE_IFDNE;
    bool equal = false;
    ASSERT(v->type == VALUE_NONE || v->type == VALUE_STRING);
    if (v->type != VALUE_NONE && digests) {
        if (!digest_equals(c, v, k->value, &equal))
            return false;
    } else if (v->type != VALUE_NONE) {
        equal = keyspace_equals(c->ks, v, k->value);
    }
    *holds = equal != unequal;
    return true;
}

/* --- DELEX -------------------------------------------------------------- */

bool cmd_delex_check(struct cmd_args *a)
{
    ASSERT(a->argc >= 2);
    if (a->argc == 2 || a->argc == 4)
        return true;
    cmd_reply_arity(a->out, a->cmd);
    return false;
}

/* A condition is looked at only if there is a string, as in Redis. */
static bool delex_holds(struct cmd_call *c, const struct value *v)
{
    struct comparison_of k = {.kind = compare_word(c->argv[2]),
                              .value = c->argv[3]};
    bool holds = false;
    ASSERT(c->argc == 4);
    if (v->type != VALUE_STRING) {
        resp_error(c->out, "ERR Key should be of string type if conditions are "
                           "specified");
        return false;
    }
    if (k.kind == COMPARE_NONE) {
        resp_error(c->out, "ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or "
                           "IFDNE");
        return false;
    }
    if (!comparison_holds(c, &k, v, &holds))
        return false;
    if (!holds)
        resp_integer(c->out, 0);
    return holds;
}

void cmd_delex_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct value v;
    if (!cmd_delex_check(&a))
        return;
    if (!keyspace_get(c->ks, c->db, c->argv[1], &v)) {
        resp_integer(c->out, 0);
        return;
    }
    if (c->argc == 4 && !delex_holds(c, &v))
        return;
    bool was = keyspace_delete(c->ks, c->db, c->argv[1]);
    ASSERT(was);
    resp_integer(c->out, 1);
}
