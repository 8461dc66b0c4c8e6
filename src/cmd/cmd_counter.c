/*
 * Numbers in strings: INCR and its family, INCRBYFLOAT.
 *
 * INCRBYFLOAT must give the same bytes on every replica: it adds in long
 * double and writes 17 decimals without trailing zeros, as Redis does, in the
 * C locale, which this program never leaves. Members of different processor
 * architecture may have long doubles of different precision; a cluster must
 * not mix these.
 *
 * How it fails: WRONGTYPE for a key of another type than string; an error reply
 * for what is not a number, or for a result out of range. Nothing is changed
 * then.
 */
#include "cmd/cmd_counter.h"

#include "base/num.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A value that is apart has no data of its own: it is no number, and so is no
 * text of no bytes. */
_Static_assert(FLOAT_TEXT_MAX < KEYSPACE_PAGE_SIZE, "numbers are plain");

static void add(struct cmd_call *c, int64_t increment)
{
    struct value v;
    int64_t number = 0;
    if (!lookup_string(c, c->argv[1], &v))
        return;
    ASSERT(v.type != VALUE_NONE || v.expire_ms == 0);
    if (v.type != VALUE_NONE && !parse_integer(c->out, v.data, &number))
        return;
    if (!num_add_i64(number, increment, &number)) {
        resp_error(c->out, "ERR increment or decrement would overflow");
        return;
    }
    char text[NUM_TEXT_MAX];
    size_t len = num_format_i64(number, text);
    ASSERT(len > 0 && len <= sizeof(text));
    put_string(c, c->argv[1], bytes_of(text, len), v.expire_ms);
    resp_integer(c->out, number);
}

void cmd_incr_run(struct cmd_call *c)
{
    ASSERT(c->argc == 2);
    add(c, 1);
}

void cmd_decr_run(struct cmd_call *c)
{
    ASSERT(c->argc == 2);
    add(c, -1);
}

bool cmd_incrby_check(struct cmd_args *a)
{
    int64_t increment = 0;
    ASSERT(a->argc == 3);
    return parse_integer(a->out, a->argv[2], &increment);
}

void cmd_incrby_run(struct cmd_call *c)
{
    int64_t increment = 0;
    ASSERT(c->argc == 3);
    if (parse_integer(c->out, c->argv[2], &increment))
        add(c, increment);
}

/* The negative of what is to be subtracted. */
static bool parse_decrement(const struct cmd_args *a, int64_t *increment)
{
    int64_t decrement = 0;
    ASSERT(a->argc == 3);
    if (!parse_integer(a->out, a->argv[2], &decrement))
        return false;
    if (decrement == INT64_MIN) {
        resp_error(a->out, "ERR decrement would overflow");
        return false;
    }
    *increment = -decrement;
    return true;
}

bool cmd_decrby_check(struct cmd_args *a)
{
    int64_t increment = 0;
    bool ok = parse_decrement(a, &increment);
    ASSERT(!ok || increment != INT64_MIN);
    return ok;
}

void cmd_decrby_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    int64_t increment = 0;
    ASSERT(c->cmd->id == CMD_ID_DECRBY);
    if (parse_decrement(&a, &increment))
        add(c, increment);
}

/* --- INCRBYFLOAT -------------------------------------------------------- */

bool float_from(struct bytes text, long double *out)
{
    char copy[FLOAT_TEXT_MAX];
    if (text.len == 0 || text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    bool space = copy[0] == ' ' || (copy[0] >= '\t' && copy[0] <= '\r');
    char *end = NULL;
    errno = 0;
    *out = strtold(copy, &end);
    ASSERT(end != NULL);
    bool range = errno == ERANGE && (isinf(*out) || *out == 0);
    return !space && end == copy + text.len && !range && !isnan(*out);
}

static bool parse_float(struct resp_writer *w, struct bytes text,
                        long double *out)
{
    if (float_from(text, out)) {
        ASSERT(!isnan(*out));
        return true;
    }
    resp_error(w, "ERR value is not a valid float");
    return false;
}

size_t float_format(long double v, char out[FLOAT_TEXT_MAX])
{
    int written = snprintf(out, FLOAT_TEXT_MAX, "%.17Lf", v);
    ASSERT(written > 0 && written < FLOAT_TEXT_MAX);
    size_t len = (size_t)written;
    while (out[len - 1] == '0')
        len--;
    if (out[len - 1] == '.')
        len--;
    if (len == 2 && out[0] == '-' && out[1] == '0') {
        out[0] = '0';
        len = 1;
    }
    ASSERT(len > 0 && out[len - 1] >= '0' && out[len - 1] <= '9');
    return len;
}

bool cmd_incrbyfloat_check(struct cmd_args *a)
{
    long double increment = 0;
    ASSERT(a->argc == 3);
    return parse_float(a->out, a->argv[2], &increment);
}

void cmd_incrbyfloat_run(struct cmd_call *c)
{
    struct value v;
    long double number = 0;
    long double increment = 0;
    ASSERT(c->argc == 3);
    if (!lookup_string(c, c->argv[1], &v) ||
        (v.type != VALUE_NONE && !parse_float(c->out, v.data, &number)) ||
        !parse_float(c->out, c->argv[2], &increment))
        return;
    ASSERT(!isnan(number) && !isnan(increment));
    number += increment;
    if (isnan(number) || isinf(number)) {
        resp_error(c->out, "ERR increment would produce NaN or Infinity");
        return;
    }
    char text[FLOAT_TEXT_MAX];
    struct bytes result = bytes_of(text, float_format(number, text));
    put_string(c, c->argv[1], result, v.expire_ms);
    resp_bulk(c->out, result);
}
