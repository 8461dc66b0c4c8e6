/*
 * How it works: options are read left to right. Of two that exclude each
 * other the second one is refused; the same one may be repeated, and the last
 * one counts, as in Redis 7.0. Times are checked in two steps: what needs no
 * clock before the command enters the log, the sum with the entry's time when
 * it is applied.
 *
 * How it fails: a function that returns false has written the error reply.
 */
#include "cmd/cmd_parse.h"

#include "base/num.h"

bool parse_integer(struct resp_writer *w, struct bytes text, int64_t *out)
{
    if (num_parse_i64(text, out))
        return true;
    resp_error(w, "ERR value is not an integer or out of range");
    return false;
}

void reply_syntax(struct resp_writer *w)
{
    resp_error(w, "ERR syntax error");
}

void reply_wrong_type(struct resp_writer *w)
{
    resp_error(w, "WRONGTYPE Operation against a key holding the wrong kind of "
                  "value");
}

void reply_expire_time(struct resp_writer *w, const struct cmd *cmd)
{
    ASSERT((cmd->flags & CMD_WRITE) != 0);
    resp_errorf(w, "ERR invalid expire time in '%s' command", cmd->name);
}

void reply_too_long(struct cmd_call *c, const char *name, const char *instead)
{
    ASSERT(CMD_LOOK_MAX % (1024 * 1024) == 0);
    resp_errorf(c->out, "ERR %s of more than %d MiB: %s", name,
                CMD_LOOK_MAX / (1024 * 1024), instead);
}

/* --- comparisons -------------------------------------------------------- */

enum compare_kind compare_word(struct bytes word)
{
    static const char *const words[] = {"ifeq", "ifne", "ifdeq", "ifdne"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (word_is(word, words[i]))
            return (enum compare_kind)(COMPARE_IFEQ + i);
    }
    ASSERT(!word_is(word, "ifeq"));
    return COMPARE_NONE;
}

/* --- expiry and the options of SET -------------------------------------- */

static bool expiry_is_timed(enum expire_kind kind)
{
    ASSERT(kind <= EXPIRE_PERSIST);
    return kind >= EXPIRE_EX && kind <= EXPIRE_PXAT;
}

/* Each word has the level that it came with (src/table/README.md). The last
 * one is that of vard.next, for tests. */
static enum expire_kind expire_word(struct bytes arg, uint16_t level)
{
    static const struct {
        const char *word;
        enum expire_kind kind;
        uint16_t level;
    } words[] = {
        {"ex", EXPIRE_EX, 1},
        {"px", EXPIRE_PX, 1},
        {"exat", EXPIRE_EXAT, 1},
        {"pxat", EXPIRE_PXAT, 1},
        {"keepttl", EXPIRE_KEEPTTL, 1},
        {"persist", EXPIRE_PERSIST, 1},
        {"vard.next", EXPIRE_KEEPTTL, LEVEL_NEXT},
    };
    ASSERT(level >= LEVEL_MIN);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (words[i].level <= level && word_is(arg, words[i].word))
            return words[i].kind;
    }
    return EXPIRE_NONE;
}

/* Tries argv[*i] as an expiry; moves *i to the last word it took. */
static bool expire_option(const struct cmd_args *a, uint32_t *i,
                          struct expiry *e, enum expire_kind foreign)
{
    ASSERT(*i < a->argc);
    enum expire_kind kind = expire_word(a->argv[*i], a->level);
    if (kind == EXPIRE_NONE || kind == foreign ||
        (e->kind != EXPIRE_NONE && e->kind != kind))
        return false;
    if (expiry_is_timed(kind)) {
        if (*i + 1 == a->argc)
            return false;
        *i += 1;
        e->arg = a->argv[*i];
    }
    e->kind = kind;
    return true;
}

static bool condition_option(const struct cmd_args *a, uint32_t *i,
                             struct set_options *o)
{
    ASSERT(*i < a->argc);
    struct bytes arg = a->argv[*i];
    struct comparison_of k = {.kind = compare_word(arg)};
    enum set_condition condition = SET_ALWAYS;
    if (word_is(arg, "nx"))
        condition = SET_NX;
    else if (word_is(arg, "xx"))
        condition = SET_XX;
    else if (k.kind != COMPARE_NONE)
        condition = SET_COMPARED;
    bool again = condition == o->condition && k.kind == o->comparison.kind;
    if (condition == SET_ALWAYS || (o->condition != SET_ALWAYS && !again))
        return false;
    if (condition == SET_COMPARED) {
        if (*i + 1 == a->argc)
            return false;
        *i += 1;
        k.value = a->argv[*i];
        o->comparison = k;
    }
    o->condition = condition;
    return true;
}

/* From argv[first] on; all: those that only SET has, too. */
static bool parse_options(const struct cmd_args *a, uint32_t first, bool all,
                          struct set_options *out)
{
    ASSERT(first <= a->argc);
    *out = (struct set_options){.condition = SET_ALWAYS};
    for (uint32_t i = first; i < a->argc; i++) {
        if (all && word_is(a->argv[i], "get")) {
            out->get = true;
        } else if ((!condition_option(a, &i, out) &&
                    !expire_option(a, &i, &out->expiry, EXPIRE_PERSIST)) ||
                   (!all && out->condition == SET_COMPARED)) {
            reply_syntax(a->out);
            return false;
        }
    }
    ASSERT(out->expiry.kind != EXPIRE_PERSIST);
    return parse_expiry(a, &out->expiry);
}

bool parse_set_options(const struct cmd_args *a, struct set_options *out)
{
    ASSERT(a->argc >= 3);
    if (a->argc > 3)
        return parse_options(a, 3, true, out);
    *out = (struct set_options){.condition = SET_ALWAYS};
    return true;
}

bool parse_msetex_options(const struct cmd_args *a, uint32_t first,
                          struct set_options *out)
{
    ASSERT(first >= 4);
    return parse_options(a, first, false, out);
}

bool parse_getex_options(const struct cmd_args *a, struct set_options *out)
{
    ASSERT(a->argc >= 2);
    *out = (struct set_options){.condition = SET_ALWAYS};
    for (uint32_t i = 2; i < a->argc; i++) {
        if (!expire_option(a, &i, &out->expiry, EXPIRE_KEEPTTL)) {
            reply_syntax(a->out);
            return false;
        }
    }
    ASSERT(out->expiry.kind != EXPIRE_KEEPTTL);
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

bool parse_expiry(const struct cmd_args *a, struct expiry *e)
{
    ASSERT(expiry_is_timed(e->kind) || e->arg.len == 0);
    if (!expiry_is_timed(e->kind))
        return true;
    if (!parse_integer(a->out, e->arg, &e->ms))
        return false;
    if (!to_ms(e->kind == EXPIRE_EX || e->kind == EXPIRE_EXAT, &e->ms)) {
        reply_expire_time(a->out, a->cmd);
        return false;
    }
    ASSERT(e->ms > 0);
    return true;
}

bool expiry_end(struct cmd_call *c, const struct expiry *e, int64_t *end_ms)
{
    *end_ms = 0;
    if (!expiry_is_timed(e->kind))
        return true;
    ASSERT(e->ms > 0); /* it was parsed */
    if (e->kind == EXPIRE_EXAT || e->kind == EXPIRE_PXAT) {
        *end_ms = keyspace_from_wall(c->ks, e->ms);
        return true;
    }
    if (!num_add_i64(keyspace_now(c->ks), e->ms, end_ms)) {
        reply_expire_time(c->out, c->cmd);
        return false;
    }
    return true;
}

bool may_stop(const struct cmd_call *c)
{
    ASSERT(c->cmd != NULL);
    return c->out->over && !c->kept && (c->cmd->flags & CMD_WRITE) == 0;
}

bool lookup_string(struct cmd_call *c, struct bytes key, struct value *out)
{
    bool found = keyspace_get(c->ks, c->db, key, out);
    ASSERT(found == (out->type != VALUE_NONE));
    ASSERT(found || (out->length == 0 && out->expire_ms == 0));
    if (!found || out->type == VALUE_STRING)
        return true;
    reply_wrong_type(c->out);
    return false;
}

bool lookup_answer(struct cmd_call *c, struct bytes key, struct value *out)
{
    ASSERT((c->cmd->flags & CMD_WRITE) != 0);
    bool ok = lookup_string(c, key, out);
    if (c->asked)
        keyspace_count_lookup(c->ks, out->type != VALUE_NONE);
    return ok;
}

/* Piece by piece, for what is apart; what is asked for counts, whoever gets the
 * reply. */
static void reply_pieces(struct cmd_call *c, const struct value *v,
                         uint64_t start, uint64_t length)
{
    struct value_range r = keyspace_range(c->ks, v, start, length);
    struct bytes part;
    if (c->rest != NULL && v->pages.id != 0 && length >= CMD_REST_MIN) {
        if (resp_bulk_head(c->out, length))
            cmd_rest_add(c->rest, c->ks, &r, c->out);
        return;
    }
    if (!resp_bulk_begin(c->out, length))
        return;
    while (keyspace_next(c->ks, &r, &part))
        resp_bulk_part(c->out, part);
    ASSERT(r.at == start + length);
    resp_bulk_end(c->out);
}

void reply_part(struct cmd_call *c, const struct value *v, uint64_t start,
                uint64_t length)
{
    ASSERT(start <= v->length && length <= v->length - start);
    if (v->pages.id != 0)
        reply_pieces(c, v, start, length);
    else if (length == 0)
        resp_bulk(c->out, BYTES_NONE);
    else
        resp_bulk(c->out, bytes_of(v->data.data + start, (size_t)length));
}

void reply_value(struct cmd_call *c, const struct value *v)
{
    ASSERT(v->type == VALUE_NONE || v->type == VALUE_STRING);
    if (v->type == VALUE_NONE)
        resp_null(c->out);
    else
        reply_part(c, v, 0, v->length);
}

void put_string(struct cmd_call *c, struct bytes key, struct bytes data,
                int64_t expire_ms)
{
    ASSERT((c->cmd->flags & CMD_WRITE) != 0);
    ASSERT(expire_ms >= 0);
    struct value v = {
        .type = VALUE_STRING, .expire_ms = expire_ms, .data = data};
    keyspace_put(c->ks, c->db, key, &v);
}
