/*
 * OBJECT: what Redis would say of how a value is kept. Its names for encodings
 * follow from the value and the flags of collections (data/value.h), not from
 * how the value is kept here.
 *
 * How it fails: with an error reply.
 */
#include "base/num.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "data/object.h"
#include "data/value.h"

/* A string of up to so many bytes is "embstr". */
#define EMBEDDED_MAX 44

static const char *string_encoding(const struct value *v)
{
    int64_t n = 0;
    ASSERT(v->type == VALUE_STRING);
    if (v->length > EMBEDDED_MAX)
        return "raw";
    return num_parse_i64(v->data, &n) ? "int" : "embstr";
}

static const char *encoding(const struct value *v)
{
    ASSERT(v->type != VALUE_NONE);
    bool large = (v->flags & VALUE_LARGE) != 0;
    switch (v->type) {
    case VALUE_STRING:
        return string_encoding(v);
    case VALUE_LIST:
        return "quicklist";
    case VALUE_SET:
        return large ? "hashtable" : "intset";
    case VALUE_ZSET:
        return large ? "skiplist" : "listpack";
    case VALUE_HASH:
        return large ? "hashtable" : "listpack";
    default:
        ASSERT(v->type == VALUE_STREAM);
        return "stream";
    }
}

/* No value is shared, or thrown out by its age or use, so nothing is noted of
 * that. */
void cmd_object_run(struct cmd_call *c)
{
    struct value v;
    ASSERT(c->argc == 3);
    if (!keyspace_get(c->ks, c->db, c->argv[2], &v))
        resp_null(c->out);
    else if (c->cmd->id == CMD_ID_OBJECT_ENCODING)
        resp_bulk_str(c->out, encoding(&v));
    else if (c->cmd->id == CMD_ID_OBJECT_FREQ)
        resp_error(c->out,
                   "ERR An LFU maxmemory policy is not selected, access "
                   "frequency not tracked. Please note that when switching "
                   "between policies at runtime LRU and LFU data will take "
                   "some time to adjust.");
    else
        resp_integer(c->out, c->cmd->id == CMD_ID_OBJECT_REFCOUNT);
}
