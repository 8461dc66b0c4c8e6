/*
 * How it works: options are read left to right; those that exclude each
 * other are refused where the second one stands, repeating the same one is
 * allowed and the last counts, as in Redis 7.0. Times are checked in two
 * steps: what needs no clock before the command enters the log, the sum with
 * the entry's time when it is applied.
 */
#include "cmd/cmd_parse.h"

#include "base/num.h"

bool parse_integer(struct cmd_call *c, struct bytes text, int64_t *out)
{
    if (num_parse_i64(text, out))
        return true;
    resp_error(c->out, "ERR value is not an integer or out of range");
    return false;
}

void reply_syntax(struct cmd_call *c)
{
    resp_error(c->out, "ERR syntax error");
}

void reply_expire_time(struct cmd_call *c)
{
    const struct cmd *cmd = cmd_lookup(c->argv[0]);
    ASSERT(cmd != NULL);
    resp_errorf(c->out, "ERR invalid expire time in '%s' command", cmd->name);
}

static enum expire_kind expire_word(struct bytes arg)
{
    static const struct {
        const char *word;
        enum expire_kind kind;
    } words[] = {
        {"ex", EXPIRE_EX},           {"px", EXPIRE_PX},
        {"exat", EXPIRE_EXAT},       {"pxat", EXPIRE_PXAT},
        {"keepttl", EXPIRE_KEEPTTL}, {"persist", EXPIRE_PERSIST},
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (word_is(arg, words[i].word))
            return words[i].kind;
    }
    return EXPIRE_NONE;
}

/* Tries argv[*i] as an expiry; moves *i to the last word it took. */
static bool expire_option(struct cmd_call *c, uint32_t *i,
                          struct set_options *o, enum expire_kind foreign)
{
    enum expire_kind kind = expire_word(c->argv[*i]);
    if (kind == EXPIRE_NONE || kind == foreign ||
        (o->expire != EXPIRE_NONE && o->expire != kind))
        return false;
    if (kind != EXPIRE_KEEPTTL && kind != EXPIRE_PERSIST) {
        if (*i + 1 == c->argc)
            return false;
        *i += 1;
        o->expire_arg = c->argv[*i];
    }
    o->expire = kind;
    return true;
}

static bool condition_option(struct cmd_call *c, uint32_t *i,
                             struct set_options *o)
{
    struct bytes arg = c->argv[*i];
    enum set_condition condition = SET_ALWAYS;
    if (word_is(arg, "nx"))
        condition = SET_NX;
    else if (word_is(arg, "xx"))
        condition = SET_XX;
    else if (word_is(arg, "ifeq"))
        condition = SET_IFEQ;
    bool again = condition == o->condition && condition != SET_IFEQ;
    if (condition == SET_ALWAYS || (o->condition != SET_ALWAYS && !again))
        return false;
    if (condition == SET_IFEQ) {
        if (*i + 1 == c->argc)
            return false;
        *i += 1;
        o->comparison = c->argv[*i];
    }
    o->condition = condition;
    return true;
}

bool parse_set_options(struct cmd_call *c, struct set_options *out)
{
    ASSERT(c->argc >= 3);
    *out = (struct set_options){.expire = EXPIRE_NONE};
    for (uint32_t i = 3; i < c->argc; i++) {
        if (word_is(c->argv[i], "get")) {
            out->get = true;
        } else if (!condition_option(c, &i, out) &&
                   !expire_option(c, &i, out, EXPIRE_PERSIST)) {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

bool parse_getex_options(struct cmd_call *c, struct set_options *out)
{
    ASSERT(c->argc >= 2);
    *out = (struct set_options){.expire = EXPIRE_NONE};
    for (uint32_t i = 2; i < c->argc; i++) {
        if (!expire_option(c, &i, out, EXPIRE_KEEPTTL)) {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

/* A number of seconds or ms, in ms; false if it is not above 0 or too large. */
/*@ requires \valid(number);
  @ assigns *number;
  @ behavior seconds:
  @     assumes seconds;
  @     ensures \result <==> 0 < \old(*number) * 1000 <= INT64_MAX;
  @     ensures \result ==> *number == \old(*number) * 1000;
  @ behavior ms:
  @     assumes !seconds;
  @     ensures \result <==> 0 < \old(*number);
  @     ensures \result ==> *number == \old(*number);
  @ complete behaviors; disjoint behaviors; */
static bool to_ms(bool seconds, int64_t *number)
{
    if (*number <= 0 || (seconds && *number > INT64_MAX / 1000))
        return false;
    if (seconds)
        *number *= 1000;
    return true;
}

/* The number in ms, not yet added to any time. */
static bool expire_number(struct cmd_call *c, enum expire_kind kind,
                          struct bytes arg, int64_t *out)
{
    ASSERT(kind >= EXPIRE_EX && kind <= EXPIRE_PXAT);
    bool seconds = kind == EXPIRE_EX || kind == EXPIRE_EXAT;
    if (!parse_integer(c, arg, out))
        return false;
    if (!to_ms(seconds, out)) {
        reply_expire_time(c);
        return false;
    }
    return true;
}

bool check_expire_arg(struct cmd_call *c, enum expire_kind kind,
                      struct bytes arg)
{
    int64_t number = 0;
    bool timed = kind >= EXPIRE_EX && kind <= EXPIRE_PXAT;
    return !timed || expire_number(c, kind, arg, &number);
}

bool parse_expire_ms(struct cmd_call *c, enum expire_kind kind,
                     struct bytes arg, int64_t *out)
{
    ASSERT(!c->check_only);
    if (!expire_number(c, kind, arg, out))
        return false;
    if (kind == EXPIRE_EXAT || kind == EXPIRE_PXAT)
        return true;
    if (!num_add_i64(*out, keyspace_now(c->ks), out)) {
        reply_expire_time(c);
        return false;
    }
    return true;
}

bool lookup_string(struct cmd_call *c, struct bytes key, struct value *out)
{
    ASSERT(!c->check_only && c->ks != NULL);
    if (!keyspace_get(c->ks, c->db, key, out) || out->type == VALUE_STRING)
        return true;
    resp_error(c->out, "WRONGTYPE Operation against a key holding the wrong "
                       "kind of value");
    return false;
}

void reply_value(struct cmd_call *c, const struct value *v)
{
    if (v->type == VALUE_NONE)
        resp_null(c->out);
    else
        resp_bulk(c->out, v->data);
}

void put_string(struct cmd_call *c, struct bytes key, struct bytes data,
                int64_t expire_ms)
{
    struct value v = {
        .type = VALUE_STRING, .expire_ms = expire_ms, .data = data};
    keyspace_put(c->ks, c->db, key, &v);
}
