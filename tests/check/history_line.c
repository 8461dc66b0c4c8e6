/*
 * The text format of histories, which check/history.h describes.
 *
 * A line is cut into its fields first; then every field is read by its own
 * function, and the finished operation is checked as a whole. The first
 * mistake ends the line with a constant text that says what is wrong; texts
 * that were interned by then stay, which harms nothing.
 */
#include "check/history.h"

#include "base/num.h"

#include <inttypes.h>

#define FIELDS_MAX 12

struct line {
    struct bytes fields[FIELDS_MAX];
    size_t count;
    size_t next; /* the field to be read */
};

/* --- writing ------------------------------------------------------------ */

static bool is_plain(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
           c == ':' || c == '/';
}

void history_write_text(struct bytes text, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    ASSERT(out != NULL);
    if (text.len == 0)
        buf_char(out, '%');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (is_plain(c)) {
            buf_char(out, (char)c);
            continue;
        }
        buf_char(out, '%');
        buf_char(out, digits[c >> 4]);
        buf_char(out, digits[c & 15]);
    }
}

static void write_field(const struct history *h, uint32_t id, struct buf *out)
{
    buf_char(out, ' ');
    history_write_text(history_text(h, id), out);
}

static void write_reply(const struct history *h, const struct history_op *op,
                        struct buf *out)
{
    switch ((enum history_reply)op->reply) {
    case REPLY_NONE:
        return;
    case REPLY_OK:
        buf_str(out, " = +");
        return;
    case REPLY_NIL:
        buf_str(out, " = _");
        return;
    case REPLY_INT:
        buf_printf(out, " = :%" PRId64, op->number);
        return;
    case REPLY_TEXT:
        buf_str(out, " = $");
        history_write_text(history_text(h, op->text), out);
        return;
    case REPLY_ERROR:
        buf_str(out, " = !");
        return;
    }
    ASSERT(false);
}

void history_write_op(const struct history *h, const struct history_op *op,
                      struct buf *out)
{
    static const char *const outcomes[] = {"ok", "unknown", "fail"};
    ASSERT(history_op_error(h, op) == NULL);
    buf_printf(out, "%" PRIu32 " %" PRId64, op->client, op->invoke);
    if (op->ret == HISTORY_NEVER)
        buf_str(out, " -");
    else
        buf_printf(out, " %" PRId64, op->ret);
    buf_printf(out, " %s %s", outcomes[op->outcome],
               history_kind_word(op->kind));
    write_field(h, op->key, out);
    if (op->expected != 0)
        write_field(h, op->expected, out);
    if (op->value != 0)
        write_field(h, op->value, out);
    if (op->kind == HISTORY_INCRBY)
        buf_printf(out, " %" PRId64, op->increment);
    write_reply(h, op, out);
    if (op->place == PLACE_LOG)
        buf_printf(out, " @%" PRIu64 ".%" PRIu32, op->index, op->pos);
    else if (op->place == PLACE_READ)
        buf_printf(out, " @r%" PRIu64, op->index);
    buf_char(out, '\n');
}

/* --- reading: fields ---------------------------------------------------- */

static bool split(struct bytes text, struct line *line)
{
    *line = (struct line){.count = 0};
    while (text.len > 0) {
        size_t n = 0;
        while (n < text.len && text.data[n] != ' ')
            n++;
        if (n == 0 || line->count == FIELDS_MAX)
            return false;
        line->fields[line->count++] = bytes_of(text.data, n);
        if (n + 1 == text.len)
            return false; /* a space at the end */
        text = bytes_from(text, MIN(n + 1, text.len));
    }
    return line->count > 0;
}

/* The next field, or an empty one, which no field is by itself. */
static struct bytes take(struct line *line)
{
    ASSERT(line->next <= line->count);
    if (line->next == line->count)
        return BYTES_NONE;
    return line->fields[line->next++];
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool unescape(struct bytes field, struct buf *out)
{
    if (bytes_eq(field, BYTES_LIT("%")))
        return true;
    for (size_t i = 0; i < field.len; i++) {
        uint8_t c = field.data[i];
        if (c == '%') {
            if (field.len - i < 3)
                return false;
            int high = hex_digit(field.data[i + 1]);
            int low = hex_digit(field.data[i + 2]);
            if (high < 0 || low < 0)
                return false;
            c = (uint8_t)(high * 16 + low);
            i += 2;
        } else if (!is_plain(c)) {
            return false;
        }
        buf_char(out, (char)c);
    }
    return field.len > 0;
}

static bool read_text(struct history *h, struct bytes field, uint32_t *id)
{
    struct buf text = BUF_INIT;
    bool ok = unescape(field, &text);
    if (ok)
        *id = history_intern(h, buf_view(&text));
    buf_release(&text);
    return ok;
}

static bool read_u32(struct bytes field, uint32_t *out)
{
    uint64_t v = 0;
    if (!num_parse_u64(field, &v) || v > UINT32_MAX)
        return false;
    *out = (uint32_t)v;
    return true;
}

static const char *read_outcome(struct bytes field, struct history_op *op)
{
    if (bytes_eq(field, BYTES_LIT("ok")))
        op->outcome = HISTORY_OK;
    else if (bytes_eq(field, BYTES_LIT("unknown")))
        op->outcome = HISTORY_UNKNOWN;
    else if (bytes_eq(field, BYTES_LIT("fail")))
        op->outcome = HISTORY_FAIL;
    else
        return "the outcome is ok, unknown or fail";
    return NULL;
}

/* False: the word is none of the table. */
static bool read_kind(struct bytes field, struct history_op *op,
                      unsigned *arguments)
{
    for (unsigned kind = 0; kind < HISTORY_KINDS; kind++) {
        if (bytes_eq_nocase(field, bytes_str(history_kind_word(kind)))) {
            op->kind = (uint8_t)kind;
            *arguments = history_kind_args(kind);
            return true;
        }
    }
    *arguments = 0;
    op->kind = HISTORY_INCRBY;
    op->increment = 1;
    if (bytes_eq_nocase(field, BYTES_LIT("incr")))
        return true;
    op->increment = -1;
    if (bytes_eq_nocase(field, BYTES_LIT("decr")))
        return true;
    op->increment = 0;
    op->kind = HISTORY_CAD;
    *arguments = 1;
    return bytes_eq_nocase(field, BYTES_LIT("delifeq"));
}

/* --- reading: parts of a line ------------------------------------------- */

static const char *read_times(struct line *line, struct history_op *op)
{
    if (!read_u32(take(line), &op->client))
        return "the client is a number of 32 bits";
    if (!num_parse_i64(take(line), &op->invoke))
        return "the invocation is a number of 64 bits";
    struct bytes ret = take(line);
    op->ret = HISTORY_NEVER;
    if (!bytes_eq(ret, BYTES_LIT("-")) && !num_parse_i64(ret, &op->ret))
        return "the return is a number of 64 bits or -";
    return read_outcome(take(line), op);
}

static const char *read_command(struct history *h, struct line *line,
                                struct history_op *op)
{
    unsigned arguments = 0;
    if (!read_kind(take(line), op, &arguments))
        return "no such operation";
    if (!read_text(h, take(line), &op->key))
        return "wrong key";
    if (op->kind == HISTORY_INCRBY) {
        if (arguments == 1 && !num_parse_i64(take(line), &op->increment))
            return "the increment is a number of 64 bits";
        return NULL;
    }
    bool compares = op->kind == HISTORY_CAS || op->kind == HISTORY_CAD;
    if (compares && !read_text(h, take(line), &op->expected))
        return "wrong expected value";
    if (arguments > (compares ? 1u : 0u) &&
        !read_text(h, take(line), &op->value))
        return "wrong value";
    return NULL;
}

static const char *read_reply(struct history *h, struct bytes field,
                              struct history_op *op)
{
    if (field.len == 0)
        return "the reply is missing";
    struct bytes rest = bytes_from(field, 1);
    bool ok = rest.len == 0;
    switch (field.data[0]) {
    case '+':
        op->reply = REPLY_OK;
        break;
    case '_':
        op->reply = REPLY_NIL;
        break;
    case '!':
        op->reply = REPLY_ERROR;
        break;
    case ':':
        op->reply = REPLY_INT;
        ok = num_parse_i64(rest, &op->number);
        break;
    case '$':
        op->reply = REPLY_TEXT;
        ok = read_text(h, rest, &op->text);
        break;
    default:
        ok = false;
    }
    return ok ? NULL : "wrong reply";
}

static const char *read_place(struct bytes field, struct history_op *op)
{
    ASSERT(field.len > 0 && field.data[0] == '@');
    field = bytes_from(field, 1);
    bool read = field.len > 0 && field.data[0] == 'r';
    op->place = read ? PLACE_READ : PLACE_LOG;
    if (read)
        field = bytes_from(field, 1);
    size_t n = 0;
    while (n < field.len && field.data[n] != '.')
        n++;
    bool ok = num_parse_u64(bytes_of(field.data, n), &op->index);
    if (ok && n < field.len)
        ok = !read && read_u32(bytes_from(field, n + 1), &op->pos);
    return ok ? NULL : "wrong place in the log";
}

static const char *read_op(struct history *h, struct line *line,
                           struct history_op *op)
{
    const char *why = read_times(line, op);
    if (why == NULL)
        why = read_command(h, line, op);
    if (why != NULL)
        return why;

    struct bytes field = take(line);
    if (bytes_eq(field, BYTES_LIT("="))) {
        why = read_reply(h, take(line), op);
        if (why != NULL)
            return why;
        field = take(line);
    }
    if (field.len > 0 && field.data[0] == '@') {
        why = read_place(field, op);
        if (why != NULL)
            return why;
        field = take(line);
    }
    if (field.len > 0)
        return "too many fields";
    return history_op_error(h, op);
}

int history_read_line(struct history *h, struct bytes line, const char **why)
{
    struct line fields;
    struct history_op op = {0};
    ASSERT(h != NULL && why != NULL);
    *why = NULL;
    if (line.len > 0 && line.data[line.len - 1] == '\n')
        line.len--;
    if (line.len == 0 || line.data[0] == '#')
        return 0;
    if (!split(line, &fields))
        *why = "fields are separated by one space";
    else if (h->count == HISTORY_OPS_MAX)
        *why = "too many operations";
    else
        *why = read_op(h, &fields, &op);
    if (*why != NULL)
        return ERR_INVALID;
    history_add(h, &op);
    return 0;
}

int history_read(struct history *h, struct bytes text, const char **why,
                 size_t *line_no)
{
    *why = NULL;
    *line_no = 0;
    while (text.len > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t n = end == NULL ? text.len : (size_t)(end - text.data) + 1;
        ASSERT(n > 0 && n <= text.len);
        ++*line_no;
        int err = history_read_line(h, bytes_of(text.data, n), why);
        if (err < 0)
            return err;
        text = bytes_from(text, n);
    }
    return 0;
}
