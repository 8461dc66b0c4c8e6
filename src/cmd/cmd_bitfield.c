/*
 * BITFIELD and BITFIELD_RO: numbers of any width at any place of a string.
 *
 * How it works: the operations are parsed twice, first all, then each again
 * when it is its turn; so nothing is kept between. A string is made long enough
 * for all that is going to be written before the first operation, also if that
 * then fails, as in Redis.
 *
 * How it fails: with an error reply, and nothing changed. What OVERFLOW FAIL
 * refuses is nil among the replies.
 */
#include "cmd/cmd_bits.h"

#include "base/num.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "type/bits.h"

enum field_verb { FIELD_GET, FIELD_SET, FIELD_INCRBY };

struct operation {
    enum field_verb verb;
    struct bits_field field;
    int64_t number; /* of SET and INCRBY */
};

/* Walks over the operations. */
struct operations {
    const struct bytes *argv;
    uint32_t argc;
    uint32_t at;
    enum bits_overflow overflow; /* for those that follow */
    struct resp_writer *out;     /* for an error */
    bool failed;                 /* it has been written */
};

static bool fail(struct operations *o, const char *text)
{
    ASSERT(!o->failed);
    resp_error(o->out, text);
    o->failed = true;
    return false;
}

static bool parse_overflow(struct operations *o)
{
    ASSERT(o->at + 1 < o->argc);
    struct bytes word = o->argv[o->at + 1];
    if (word_is(word, "wrap"))
        o->overflow = BITS_WRAP;
    else if (word_is(word, "sat"))
        o->overflow = BITS_SATURATE;
    else if (word_is(word, "fail"))
        o->overflow = BITS_FAIL;
    else
        return fail(o, "ERR Invalid OVERFLOW type specified");
    o->at += 2;
    ASSERT(o->at <= o->argc);
    return true;
}

/* "i16", "u8". Redis reads the number as a C string. */
static bool parse_type(struct operations *o, struct bytes text,
                       struct bits_field *f)
{
    int64_t bits = 0;
    if (text.len > 0 && (text.data[0] == 'i' || text.data[0] == 'u')) {
        struct bytes number = bytes_from(text, 1);
        const uint8_t *nul =
            number.len > 0 ? memchr(number.data, '\0', number.len) : NULL;
        if (nul != NULL)
            number.len = (size_t)(nul - number.data);
        f->is_signed = text.data[0] == 'i';
        if (!num_parse_i64(number, &bits))
            bits = 0;
    }
    if (bits < 1 || bits > (f->is_signed ? 64 : 63))
        return fail(o, "ERR Invalid bitfield type. Use something like i16 u8. "
                       "Note that u64 is not supported but i64 is.");
    f->bits = (uint8_t)bits;
    ASSERT(f->is_signed || f->bits < 64);
    return true;
}

static bool parse_verb(struct operations *o, enum field_verb *verb)
{
    struct bytes word = o->argv[o->at];
    ASSERT(o->at < o->argc);
    uint32_t more = o->argc - o->at - 1;
    if (word_is(word, "get") && more >= 2)
        *verb = FIELD_GET;
    else if (word_is(word, "set") && more >= 3)
        *verb = FIELD_SET;
    else if (word_is(word, "incrby") && more >= 3)
        *verb = FIELD_INCRBY;
    else
        return fail(o, "ERR syntax error");
    return true;
}

static bool parse_operation(struct operations *o, struct operation *op)
{
    *op = (struct operation){.number = 0};
    if (!parse_verb(o, &op->verb) ||
        !parse_type(o, o->argv[o->at + 1], &op->field))
        return false;
    if (!parse_bit_offset(o->out, o->argv[o->at + 2], op->field.bits,
                          &op->field.offset) ||
        (op->verb != FIELD_GET &&
         !parse_integer(o->out, o->argv[o->at + 3], &op->number))) {
        o->failed = true;
        return false;
    }
    if (op->verb != FIELD_GET && bits_last_byte(&op->field) >= CMD_STRING_MAX)
        return fail(o, "ERR bit offset is not an integer or out of range");
    o->at += op->verb == FIELD_GET ? 3 : 4;
    ASSERT(o->at <= o->argc);
    return true;
}

/* The next one. False: there is none, or o->failed. */
static bool next_operation(struct operations *o, struct operation *op)
{
    ASSERT(!o->failed && o->at >= 2);
    while (o->at < o->argc && word_is(o->argv[o->at], "overflow") &&
           o->at + 1 < o->argc) {
        if (!parse_overflow(o))
            return false;
    }
    return o->at < o->argc && parse_operation(o, op);
}

static struct operations operations_of(const struct cmd_args *a)
{
    ASSERT(a->argc >= 2);
    return (struct operations){
        .argv = a->argv, .argc = a->argc, .at = 2, .out = a->out};
}

/* What all of them are. */
struct summary {
    uint32_t count;
    bool writes;
    uint64_t last_byte; /* that is written */
};

static bool summarize(const struct cmd_args *a, struct summary *s)
{
    struct operations o = operations_of(a);
    struct operation op;
    *s = (struct summary){.count = 0};
    while (next_operation(&o, &op)) {
        s->count++;
        if (op.verb == FIELD_GET)
            continue;
        s->writes = true;
        s->last_byte = MAX(s->last_byte, bits_last_byte(&op.field));
    }
    if (!o.failed && s->writes && (a->cmd->flags & CMD_WRITE) == 0)
        return fail(&o, "ERR BITFIELD_RO only supports the GET subcommand");
    ASSERT(o.failed || o.at == o.argc);
    return !o.failed;
}

bool cmd_bitfield_check(struct cmd_args *a)
{
    struct summary s;
    ASSERT(a->argc >= 2);
    return summarize(a, &s);
}

/* The bytes that a field is in, as the string has them by now. */
static bool load_window(struct cmd_call *c, const struct bits_field *f,
                        uint8_t window[BITS_WINDOW])
{
    struct value v;
    ASSERT(f->bits > 0);
    if (!lookup_string(c, c->argv[1], &v))
        return false;
    read_window(c, &v, bits_first_byte(f), window, BITS_WINDOW);
    return true;
}

static void store_window(struct cmd_call *c, const struct bits_field *f,
                         const uint8_t window[BITS_WINDOW])
{
    uint64_t first = bits_first_byte(f);
    size_t len = (size_t)(bits_last_byte(f) - first + 1);
    ASSERT(len <= BITS_WINDOW && len <= KEYSPACE_COPIED);
    keyspace_overwrite(c->ks, c->db, c->argv[1], first, bytes_of(window, len));
}

static void execute(struct cmd_call *c, const struct operation *op,
                    enum bits_overflow overflow)
{
    const struct bits_field *f = &op->field;
    uint8_t window[BITS_WINDOW];
    int64_t sum = 0;
    if (!load_window(c, f, window)) {
        ASSERT(keyspace_error(c->ks) != 0); /* it was a string before */
        return;
    }
    int64_t old = bits_load(window, f);
    bool adds = op->verb == FIELD_INCRBY;
    if (op->verb == FIELD_GET) {
        resp_integer(c->out, old);
        return;
    }
    if (!bits_add(f, overflow, adds ? old : op->number, adds ? op->number : 0,
                  &sum)) {
        resp_null(c->out);
        return;
    }
    resp_integer(c->out, adds ? sum : old);
    if (sum == old)
        return;
    bits_store(window, f, sum);
    store_window(c, f, window);
}

/* Makes the string as long as it has to be. */
static void grow(struct cmd_call *c, uint64_t length, uint64_t last_byte)
{
    static const uint8_t zero = 0;
    ASSERT(last_byte < CMD_STRING_MAX);
    if (last_byte >= length)
        keyspace_overwrite(c->ks, c->db, c->argv[1], last_byte,
                           bytes_of(&zero, 1));
}

void cmd_bitfield_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct operations o = operations_of(&a);
    struct operation op;
    struct summary s;
    struct value v;
    if (!summarize(&a, &s) || !lookup_string(c, c->argv[1], &v))
        return;
    if (s.writes)
        grow(c, v.length, s.last_byte);
    resp_array(c->out, s.count);
    while (next_operation(&o, &op)) {
        if (may_stop(c))
            return;
        execute(c, &op, o.overflow);
    }
    ASSERT(!o.failed);
}
