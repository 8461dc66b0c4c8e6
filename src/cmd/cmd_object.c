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

static const struct word {
    const char *name;
    uint32_t argc;
} words[] = {
    {"help", 2}, {"encoding", 3}, {"freq", 3}, {"idletime", 3}, {"refcount", 3},
};

static const struct word *find_word(struct bytes arg)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (word_is(arg, words[i].name))
            return &words[i];
    }
    return NULL;
}

bool cmd_object_check(struct cmd_args *a)
{
    ASSERT(a->argc >= 2);
    const struct word *word = find_word(a->argv[1]);
    if (word == NULL) {
        resp_errorf(a->out, "ERR unknown subcommand '%.*s'. Try OBJECT HELP.",
                    (int)MIN(a->argv[1].len, 128),
                    (const char *)a->argv[1].data);
        return false;
    }
    if (a->argc == word->argc)
        return true;
    resp_errorf(a->out, "ERR wrong number of arguments for 'object|%s' command",
                word->name);
    return false;
}

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

static void reply_lines(struct resp_writer *w)
{
    static const char *const lines[] = {
        "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ENCODING <key>",
        "    Return the kind of internal representation used in order to store "
        "the value",
        "    associated with a <key>.",
        "FREQ <key>",
        "    Return the access frequency index of the <key>. The returned "
        "integer is",
        "    proportional to the logarithm of the recent access frequency of "
        "the key.",
        "IDLETIME <key>",
        "    Return the idle time of the <key>, that is the approximated "
        "number "
        "of",
        "    seconds elapsed since the last access to the key.",
        "REFCOUNT <key>",
        "    Return the number of references of the value associated with the "
        "specified",
        "    <key>.",
        "HELP",
        "    Prints this help.",
    };
    resp_array(w, ARRAY_LEN(lines));
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        resp_status(w, lines[i]);
}

/* No value is shared, or thrown out by its age or use, so nothing is noted of
 * that. */
void cmd_object_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct value v;
    ASSERT((c->cmd->flags & CMD_READ) != 0);
    if (!cmd_object_check(&a))
        return;
    struct bytes word = c->argv[1];
    if (c->argc == 2)
        reply_lines(c->out);
    else if (!keyspace_get(c->ks, c->db, c->argv[2], &v))
        resp_null(c->out);
    else if (word_is(word, "encoding"))
        resp_bulk_str(c->out, encoding(&v));
    else if (word_is(word, "freq"))
        resp_error(c->out,
                   "ERR An LFU maxmemory policy is not selected, access "
                   "frequency not tracked. Please note that when switching "
                   "between policies at runtime LRU and LFU data will take "
                   "some time to adjust.");
    else
        resp_integer(c->out, word_is(word, "refcount"));
}
