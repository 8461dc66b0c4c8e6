/*
 * How it works: each reply is appended to the buffer in one piece, for which
 * room is reserved once. Whether the writer drops everything is checked first,
 * so that applying an entry on another node formats nothing.
 *
 * How it fails: it does not. With a limit, what exceeds it is dropped; the
 * caller decides what happens to the connection.
 */
#include "resp/resp_writer.h"

#include "base/num.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* No reply needs more than this in addition to the caller's bytes. */
#define HEAD_MAX 64

/* Whether a reply that contains `size` bytes of the caller is dropped. */
static bool drops(struct resp_writer *w, size_t size)
{
    ASSERT(w == NULL || w->out == NULL || w->protocol == 2 || w->protocol == 3);
    if (w == NULL || w->out == NULL)
        return true;
    if (w->limit == 0)
        return false;
    size_t used = MIN(w->out->len, w->limit);
    if (size > w->limit - used)
        w->over = true;
    return w->over;
}

/* Type, number, CR LF: how nearly every reply begins. */
static void head(struct resp_writer *w, char type, int64_t n)
{
    char line[NUM_TEXT_MAX + 3];
    line[0] = type;
    size_t len = 1 + num_format_i64(n, line + 1);
    line[len++] = '\r';
    line[len++] = '\n';
    ASSERT(len <= sizeof(line));
    buf_append(w->out, line, len);
}

static void count_head(struct resp_writer *w, char type, size_t count)
{
    ASSERT(count <= INT64_MAX);
    head(w, type, (int64_t)count);
}

void resp_status(struct resp_writer *w, const char *text)
{
    if (drops(w, strlen(text) + HEAD_MAX))
        return;
    ASSERT(text != NULL && strpbrk(text, "\r\n") == NULL);
    buf_char(w->out, '+');
    buf_str(w->out, text);
    buf_str(w->out, "\r\n");
}

/* A line must stay one line, whatever an argument quoted in it contains. */
static void one_line(struct buf *out, size_t from)
{
    ASSERT(from <= out->len);
    for (size_t i = from; i < out->len; i++) {
        if (out->data[i] == '\r' || out->data[i] == '\n')
            out->data[i] = ' ';
    }
    buf_str(out, "\r\n");
}

void resp_error(struct resp_writer *w, const char *text)
{
    if (drops(w, strlen(text) + HEAD_MAX))
        return;
    ASSERT(text != NULL && text[0] != '-');
    buf_char(w->out, '-');
    size_t from = w->out->len;
    buf_str(w->out, text);
    one_line(w->out, from);
}

/* Appends formatted text of `len` bytes; without the NUL. */
PRINTF(3, 0)
static void append_text(struct buf *out, size_t len, const char *format,
                        va_list ap)
{
    char *to = (char *)buf_reserve(out, len + 1);
    ASSERT(format != NULL);
    int written = vsnprintf(to, len + 1, format, ap);
    ASSERT(written >= 0 && (size_t)written == len);
    out->len += len;
}

/* The length of formatted text. */
PRINTF(1, 0)
static size_t text_len(const char *format, va_list ap)
{
    char none[1];
    ASSERT(format != NULL);
    int len = vsnprintf(none, sizeof(none), format, ap);
    ASSERT(len >= 0);
    return (size_t)len;
}

void resp_errorf(struct resp_writer *w, const char *format, ...)
{
    if (drops(w, HEAD_MAX))
        return;
    va_list ap;
    va_start(ap, format);
    size_t len = text_len(format, ap);
    va_end(ap);
    if (drops(w, len + HEAD_MAX))
        return;

    buf_char(w->out, '-');
    size_t from = w->out->len;
    va_start(ap, format);
    append_text(w->out, len, format, ap);
    va_end(ap);
    one_line(w->out, from);
}

void resp_integer(struct resp_writer *w, int64_t v)
{
    if (!drops(w, HEAD_MAX))
        head(w, ':', v);
}

bool resp_bulk_head(struct resp_writer *w, size_t len)
{
    ASSERT(len <= (size_t)PTRDIFF_MAX - HEAD_MAX);
    if (drops(w, len + HEAD_MAX))
        return false;
    count_head(w, '$', len);
    return true;
}

bool resp_bulk_begin(struct resp_writer *w, size_t len)
{
    if (!resp_bulk_head(w, len))
        return false;
    buf_reserve(w->out, len + 2);
    return true;
}

void resp_bulk_part(struct resp_writer *w, struct bytes part)
{
    ASSERT(w->out != NULL && !w->over);
    buf_bytes(w->out, part);
}

void resp_bulk_end(struct resp_writer *w)
{
    buf_append(w->out, "\r\n", 2);
}

void resp_bulk(struct resp_writer *w, struct bytes b)
{
    if (drops(w, b.len + HEAD_MAX))
        return;
    buf_reserve(w->out, b.len + NUM_TEXT_MAX + 8);
    count_head(w, '$', b.len);
    buf_bytes(w->out, b);
    buf_append(w->out, "\r\n", 2);
}

void resp_bulk_str(struct resp_writer *w, const char *s)
{
    ASSERT(s != NULL);
    resp_bulk(w, bytes_str(s));
}

void resp_bulkf(struct resp_writer *w, const char *format, ...)
{
    if (drops(w, HEAD_MAX))
        return;
    va_list ap;
    va_start(ap, format);
    size_t len = text_len(format, ap);
    va_end(ap);
    if (drops(w, len + HEAD_MAX))
        return;

    count_head(w, '$', len);
    va_start(ap, format);
    append_text(w->out, len, format, ap);
    va_end(ap);
    buf_append(w->out, "\r\n", 2);
}

void resp_null(struct resp_writer *w)
{
    if (!drops(w, HEAD_MAX))
        buf_str(w->out, w->protocol == 3 ? "_\r\n" : "$-1\r\n");
}

void resp_null_array(struct resp_writer *w)
{
    if (!drops(w, HEAD_MAX))
        buf_str(w->out, w->protocol == 3 ? "_\r\n" : "*-1\r\n");
}

void resp_double(struct resp_writer *w, double v)
{
    char text[32];
    ASSERT(!isnan(v));
    snprintf(text, sizeof(text), "%.17g", v); /* also "inf", "-inf" */
    if (w == NULL || w->protocol != 3)
        resp_bulk_str(w, text);
    else if (!drops(w, sizeof(text)))
        buf_printf(w->out, ",%s\r\n", text);
}

void resp_array(struct resp_writer *w, size_t count)
{
    if (!drops(w, HEAD_MAX))
        count_head(w, '*', count);
}

void resp_map(struct resp_writer *w, size_t pairs)
{
    if (drops(w, HEAD_MAX))
        return;
    if (w->protocol == 3)
        count_head(w, '%', pairs);
    else
        count_head(w, '*', 2 * pairs);
}

void resp_set(struct resp_writer *w, size_t count)
{
    if (!drops(w, HEAD_MAX))
        count_head(w, w->protocol == 3 ? '~' : '*', count);
}

void resp_verbatim(struct resp_writer *w, const char *format, struct bytes b)
{
    if (drops(w, b.len + HEAD_MAX))
        return;
    ASSERT(format != NULL && strlen(format) == 3);
    if (w->protocol != 3) {
        resp_bulk(w, b);
        return;
    }
    count_head(w, '=', b.len + 4);
    buf_str(w->out, format);
    buf_char(w->out, ':');
    buf_bytes(w->out, b);
    buf_str(w->out, "\r\n");
}

void resp_raw(struct resp_writer *w, struct bytes b)
{
    if (!drops(w, b.len))
        buf_bytes(w->out, b);
}
