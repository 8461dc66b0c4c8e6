/*
 * How it works: the reader keeps its position as an offset from the start of
 * the command and remembers each argument as (offset, length), because the
 * buffer may move before the command is complete. Lengths of one to nine
 * digits, which is the normal case, have a fast path; everything else
 * (incomplete, negative, too long, damaged) takes the slow path.
 *
 * How it fails: with one of the texts of redis-server 7.0, after which the
 * connection must be closed and the reader must not be used. Two differences
 * from Redis are intentional: a line's limit counts its own bytes, not those
 * received with it, so that splitting a request never changes its meaning; and
 * a NUL in a line is a byte like any other, where Redis waits forever.
 */
#include "resp/resp_reader.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/num.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define ARGS_CAP_FIRST 8
#define ARGS_CAP_KEPT  1024 /* larger arrays are freed afterwards */

void resp_reader_init(struct resp_reader *r)
{
    ASSERT(r != NULL);
    memset(r, 0, sizeof(*r));
    r->argc_left = -1;
    r->bulk_len = -1;
}

void resp_reader_release(struct resp_reader *r)
{
    ASSERT(r != NULL);
    if (r->inline_text != NULL)
        buf_release(r->inline_text);
    mem_free(r->inline_text);
    mem_free(r->args);
    mem_free(r->argv);
    resp_reader_init(r);
}

static void free_args(struct resp_reader *r)
{
    mem_free(r->args);
    r->args = NULL;
    r->args_cap = 0;
    r->argc = 0;
}

static void free_argv(struct resp_reader *r)
{
    mem_free(r->argv);
    r->argv = NULL;
    r->argv_cap = 0;
}

void resp_reader_trim(struct resp_reader *r)
{
    ASSERT(r->argc <= r->args_cap);
    if (r->pos == 0 && r->args_cap > ARGS_CAP_KEPT)
        free_args(r);
    if (r->argv_cap > ARGS_CAP_KEPT)
        free_argv(r);
}

void resp_reader_shrink(struct resp_reader *r)
{
    free_argv(r);
    if (r->pos > 0)
        return; /* it has begun the next command */
    free_args(r);
    if (r->inline_text != NULL)
        buf_release(r->inline_text);
}

/* Prepares for the next command, and frees the memory of a huge one. */
static void begin(struct resp_reader *r)
{
    ASSERT(r->pos == 0 && r->bulk_len == -1);
    r->argc = 0;
    resp_reader_trim(r);
}

static void add_arg(struct resp_reader *r, size_t offset, size_t len)
{
    ASSERT(r->argc < RESP_ARGC_MAX);
    if (r->argc == r->args_cap) {
        r->args_cap = r->args_cap == 0 ? ARGS_CAP_FIRST : 2 * r->args_cap;
        r->args = mem_realloc(r->args, r->args_cap * sizeof(*r->args));
    }
    r->args[r->argc++] = (struct resp_arg){offset, len};
}

/* The command is complete: turns offsets into views of `base`. */
static enum resp_result complete(struct resp_reader *r, const uint8_t *base,
                                 size_t *consumed)
{
    ASSERT(r->argc > 0 && r->argc <= r->args_cap);
    if (r->argv_cap < r->argc) {
        mem_free(r->argv);
        r->argv_cap = r->args_cap;
        r->argv = mem_alloc(r->argv_cap * sizeof(*r->argv));
    }
    for (uint32_t i = 0; i < r->argc; i++)
        r->argv[i] = bytes_of(base + r->args[i].offset, r->args[i].len);
    *consumed = r->pos;
    r->pos = 0;
    r->argc_left = -1;
    return RESP_COMMAND;
}

static enum resp_result empty(struct resp_reader *r, size_t size,
                              size_t *consumed)
{
    ASSERT(size > 0);
    *consumed = size;
    r->pos = 0;
    r->argc_left = -1;
    return RESP_EMPTY;
}

/*@ requires \valid(error);
  @ assigns *error;
  @ ensures \result == RESP_ERROR; */
static enum resp_result fail(const char **error, const char *text)
{
    *error = text;
    return RESP_ERROR;
}

/* --- inline commands ---------------------------------------------------- */

/*@ assigns \nothing;
  @ ensures \result <==> c == ' ' || '\t' <= c <= '\r'; */
static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/*@ assigns \nothing;
  @ ensures -1 <= \result <= 15; */
static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static uint8_t unescape(uint8_t c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'b':
        return '\b';
    case 'a':
        return '\a';
    default:
        return c;
    }
}

/* Reads one element of a text in double quotes at line[*i]; moves *i past. */
static void double_quoted(struct bytes line, size_t *i, struct buf *out)
{
    size_t left = line.len - *i;
    const uint8_t *p = line.data + *i;
    ASSERT(left > 0);
    if (p[0] == '\\' && left >= 4 && p[1] == 'x' && hex_digit(p[2]) >= 0 &&
        hex_digit(p[3]) >= 0) {
        buf_u8(out, (uint8_t)(hex_digit(p[2]) * 16 + hex_digit(p[3])));
        *i += 4;
    } else if (p[0] == '\\' && left >= 2) {
        buf_u8(out, unescape(p[1]));
        *i += 2;
    } else {
        buf_u8(out, p[0]);
        *i += 1;
    }
}

/* The same in single quotes, where only \' is special. */
static void single_quoted(struct bytes line, size_t *i, struct buf *out)
{
    ASSERT(*i < line.len);
    if (line.data[*i] == '\\' && *i + 1 < line.len && line.data[*i + 1] == '\'')
        *i += 1;
    buf_u8(out, line.data[*i]);
    *i += 1;
}

/* A quoted part, from after its opening quote to after its closing one, which
 * must be followed by a space or the end. */
static bool quoted_part(struct bytes line, size_t *i, uint8_t quote,
                        struct buf *out)
{
    while (*i < line.len && line.data[*i] != quote) {
        if (quote == '"')
            double_quoted(line, i, out);
        else
            single_quoted(line, i, out);
    }
    if (*i >= line.len)
        return false;
    *i += 1;
    return *i == line.len || is_space(line.data[*i]);
}

/* One argument, beginning at line[*i], which is not a space. */
static bool inline_arg(struct bytes line, size_t *i, struct buf *out)
{
    while (*i < line.len) {
        uint8_t c = line.data[*i];
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
            return true;
        *i += 1;
        if (c == '"' || c == '\'')
            return quoted_part(line, i, c, out);
        buf_u8(out, c);
    }
    return true;
}

/* Splits a line into arguments; inline_text holds them without quotes. */
static bool split_line(struct resp_reader *r, struct bytes line)
{
    if (r->inline_text == NULL)
        r->inline_text = mem_zalloc(sizeof(*r->inline_text));
    struct buf *text = r->inline_text;
    buf_reset(text);
    size_t i = 0;
    for (;;) {
        while (i < line.len && is_space(line.data[i]))
            i++;
        if (i == line.len)
            return true;
        size_t offset = text->len;
        if (!inline_arg(line, &i, text))
            return false;
        add_arg(r, offset, text->len - offset);
    }
}

static enum resp_result read_inline(struct resp_reader *r, struct bytes input,
                                    size_t *consumed, size_t *need,
                                    const char **error)
{
    ASSERT(r->pos <= input.len);
    const uint8_t *lf = memchr(input.data + r->pos, '\n', input.len - r->pos);
    size_t len = lf == NULL ? input.len : (size_t)(lf - input.data);
    if (len > RESP_INLINE_MAX)
        return fail(error, "Protocol error: too big inline request");
    if (lf == NULL) {
        r->pos = input.len;
        *need = input.len + 1;
        return RESP_MORE;
    }

    size_t size = len + 1;
    if (len > 0 && input.data[len - 1] == '\r')
        len--;
    if (!split_line(r, bytes_of(input.data, len)))
        return fail(error, "Protocol error: unbalanced quotes in request");
    if (r->argc == 0)
        return empty(r, size, consumed);
    r->pos = size;
    buf_reserve(r->inline_text, 1); /* so that data is not NULL */
    return complete(r, r->inline_text->data, consumed);
}

/* --- arrays of bulk strings --------------------------------------------- */

/*@ logic integer tens(integer n) = n <= 0 ? 1 : 10 * tens(n - 1);
 */

enum line_result { LINE_MORE, LINE_TOO_LONG, LINE_BAD, LINE_OK };

/* The number between the type byte at `pos` and CR LF; the byte after CR is
 * taken for LF without a check, as in Redis. */
/*@ requires readable(input) && \valid(pos) && \valid(out);
  @ requires *pos <= input.len;
  @ assigns *pos, *out;
  @ ensures *pos <= input.len && LINE_MORE <= \result <= LINE_OK;
  @ ensures \result == LINE_OK ==> \old(*pos) + 4 <= *pos;
  @ ensures \result == LINE_OK && digit(input.data[\old(*pos) + 1]) ==>
  @     *out == decimal(input.data + \old(*pos) + 1,
  @                     *pos - \old(*pos) - 3); */
static enum line_result number_slow(struct bytes input, size_t *pos,
                                    int64_t *out)
{
    size_t left = input.len - *pos;
    const uint8_t *p = input.data + *pos;
    const uint8_t *cr = left > 0 ? memchr(p, '\r', left) : NULL;
    size_t len = cr == NULL ? left : (size_t)(cr - p);
    if (len > RESP_INLINE_MAX)
        return LINE_TOO_LONG;
    if (cr == NULL || left - len < 2)
        return LINE_MORE;
    *pos += len + 2;
    if (len == 0 || !num_parse_i64(bytes_of(p + 1, len - 1), out))
        return LINE_BAD;
    return LINE_OK;
}

/*@ requires readable(input) && \valid(pos) && \valid(out);
  @ requires *pos < input.len;
  @ assigns *pos, *out;
  @ ensures *pos <= input.len && LINE_MORE <= \result <= LINE_OK;
  @ ensures \result == LINE_OK ==> \old(*pos) + 4 <= *pos;
  @ ensures \result == LINE_OK && digit(input.data[\old(*pos) + 1]) ==>
  @     *out == decimal(input.data + \old(*pos) + 1,
  @                     *pos - \old(*pos) - 3); */
static inline enum line_result number(struct bytes input, size_t *pos,
                                      int64_t *out)
{
    const uint8_t *p = input.data + *pos + 1;
    const uint8_t *end = input.data + input.len;
    uint32_t v = 0;
    size_t digits = 0;
    /*@ loop invariant digits <= 9 && *pos + 1 + digits <= input.len;
      @ loop invariant v == decimal(p, digits);
      @ loop invariant v < tens(digits);
      @ loop assigns digits, v;
      @ loop variant 9 - digits; */
    while (digits < 9 && p + digits < end && p[digits] >= '0' &&
           p[digits] <= '9')
        v = v * 10 + (uint32_t)(p[digits++] - '0');
    bool plain = digits > 0 && (digits == 1 || p[0] != '0') &&
                 p + digits + 1 < end && p[digits] == '\r';
    if (!plain)
        return number_slow(input, pos, out);
    *out = v;
    *pos += digits + 3;
    return LINE_OK;
}

/*@ requires \valid(r) && readable(input) && input.len > 0;
  @ requires \valid_read(limits) && limits->argc_max <= RESP_ARGC_MAX;
  @ requires \valid(need) && \valid(error);
  @ requires \separated(r, limits, need, error);
  @ assigns r->pos, r->argc_left, *need, *error;
  @ ensures \result == RESP_COMMAND ==>
  @     0 <= r->argc_left <= limits->argc_max && 4 <= r->pos <= input.len;
  @ ensures \result != RESP_COMMAND ==>
  @     \result == RESP_MORE || \result == RESP_ERROR; */
static enum resp_result read_count(struct resp_reader *r, struct bytes input,
                                   const struct resp_limits *limits,
                                   size_t *need, const char **error)
{
    int64_t count = 0;
    size_t pos = 0;
    switch (number(input, &pos, &count)) {
    case LINE_MORE:
        *need = input.len + 1;
        return RESP_MORE;
    case LINE_TOO_LONG:
        return fail(error, "Protocol error: too big mbulk count string");
    case LINE_BAD:
        return fail(error, "Protocol error: invalid multibulk length");
    case LINE_OK:
        break;
    }
    if (count > (int64_t)limits->argc_max) {
        bool unauth =
            limits->argc_max <= RESP_ARGC_MAX_UNAUTH && count <= INT_MAX;
        return fail(error,
                    unauth ? "Protocol error: unauthenticated multibulk length"
                           : "Protocol error: invalid multibulk length");
    }
    ASSERT(count <= RESP_ARGC_MAX);
    r->pos = pos;
    r->argc_left = MAX(count, 0);
    return RESP_COMMAND;
}

/* The length line of the next argument. */
static enum resp_result read_length(struct resp_reader *r, struct bytes input,
                                    const struct resp_limits *limits,
                                    size_t *need, const char **error)
{
    int64_t len = 0;
    size_t pos = r->pos;
    bool bulk = pos < input.len && input.data[pos] == '$';
    enum line_result line =
        bulk ? number(input, &pos, &len) : number_slow(input, &pos, &len);
    if (line == LINE_MORE) {
        *need = input.len + 1;
        return RESP_MORE;
    }
    if (line == LINE_TOO_LONG)
        return fail(error, "Protocol error: too big bulk count string");
    if (!bulk) {
        snprintf(r->error, sizeof(r->error),
                 "Protocol error: expected '$', got '%c'", input.data[r->pos]);
        return fail(error, r->error);
    }
    if (line == LINE_BAD || len < 0 || len > RESP_BULK_MAX)
        return fail(error, "Protocol error: invalid bulk length");
    if ((uint64_t)len > limits->bulk_max) {
        bool unauth = limits->bulk_max <= RESP_BULK_MAX_UNAUTH;
        return fail(error, unauth
                               ? "Protocol error: unauthenticated bulk length"
                               : "Protocol error: invalid bulk length");
    }
    r->pos = pos;
    r->bulk_len = len;
    return RESP_COMMAND;
}

static enum resp_result read_args(struct resp_reader *r, struct bytes input,
                                  const struct resp_limits *limits,
                                  size_t *need, const char **error)
{
    while (r->argc_left > 0) {
        if (r->bulk_len < 0) {
            enum resp_result res = read_length(r, input, limits, need, error);
            if (res != RESP_COMMAND)
                return res;
        }
        size_t len = (size_t)r->bulk_len;
        ASSERT(len <= RESP_BULK_MAX && r->pos <= input.len);
        if (input.len - r->pos < len + 2) {
            *need = r->pos + len + 2;
            return RESP_MORE;
        }
        add_arg(r, r->pos, len);
        r->pos += len + 2;
        r->bulk_len = -1;
        r->argc_left--;
    }
    return RESP_COMMAND;
}

enum resp_result resp_read(struct resp_reader *r, struct bytes input,
                           const struct resp_limits *limits, size_t *consumed,
                           size_t *need, const char **error)
{
    ASSERT(r != NULL && limits != NULL && consumed != NULL);
    ASSERT(need != NULL && error != NULL && r->pos <= input.len);
    ASSERT(limits->argc_max <= RESP_ARGC_MAX);
    *consumed = 0;
    *need = 1;
    *error = NULL;
    if (input.len == 0)
        return RESP_MORE;
    if (r->pos == 0)
        begin(r);
    if (input.data[0] != '*')
        return read_inline(r, input, consumed, need, error);
    if (r->argc_left < 0) {
        enum resp_result res = read_count(r, input, limits, need, error);
        if (res != RESP_COMMAND)
            return res;
        if (r->argc_left == 0)
            return empty(r, r->pos, consumed);
    }
    enum resp_result res = read_args(r, input, limits, need, error);
    return res == RESP_COMMAND ? complete(r, input.data, consumed) : res;
}
