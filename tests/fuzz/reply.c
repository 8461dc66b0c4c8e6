/*
 * A count of values that are still to come stands for the nesting, so that no
 * reply makes it recurse.
 */
#include "fuzz/reply.h"

#include "base/num.h"

#define VALUES_MAX (INT64_C(1) << 40)

/* The text between the type and CR LF, in which neither may stand. */
static bool take_line(struct bytes *b, struct bytes *out)
{
    size_t len = 0;
    while (len < b->len && b->data[len] != '\r' && b->data[len] != '\n')
        len++;
    if (b->len - len < 2 || b->data[len] != '\r' || b->data[len + 1] != '\n')
        return false;
    *out = bytes_of(b->data, len);
    *b = bytes_from(*b, len + 2);
    return true;
}

static bool take_blob(struct bytes *b, int64_t len)
{
    if (len < 0 || (uint64_t)len > b->len || b->len - (uint64_t)len < 2)
        return false;
    if (memcmp(b->data + len, "\r\n", 2) != 0)
        return false;
    *b = bytes_from(*b, (size_t)len + 2);
    return true;
}

/* "inf", "-inf", "nan", or digits with point and exponent. */
static bool is_double(struct bytes text)
{
    if (bytes_eq(text, BYTES_LIT("inf")) || bytes_eq(text, BYTES_LIT("-inf")) ||
        bytes_eq(text, BYTES_LIT("nan")))
        return true;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == 0 || strchr("0123456789+-.e", text.data[i]) == NULL)
            return false;
    return text.len > 0;
}

/* Of an aggregate: how many values follow; -1: a null; false: wrong. */
static bool count_of(uint8_t type, int64_t n, uint8_t protocol, int64_t *values)
{
    if (type != '*' && protocol != 3)
        return false;
    if (type == '*' && n == -1 && protocol == 2) {
        *values = 0;
        return true;
    }
    *values = type == '%' ? 2 * n : n;
    return n >= 0 && n <= VALUES_MAX;
}

/* One value without what it contains, which is added to *left. */
static bool take_value(struct bytes *b, uint8_t protocol, int64_t *left)
{
    struct bytes line;
    int64_t n = 0;
    int64_t values = 0;
    uint8_t type = b->len > 0 ? b->data[0] : 0;
    if (type == 0)
        return false;
    *b = bytes_from(*b, 1);
    if (!take_line(b, &line))
        return false;
    bool number = num_parse_i64(line, &n);
    switch (type) {
    case '+':
        return true;
    case '-':
        return true;
    case ':':
        return number;
    case '$':
        return (number && n == -1 && protocol == 2) ||
               (number && take_blob(b, n));
    case '=': /* a format of three letters, a colon, the text */
        return protocol == 3 && number && n >= 4 && (uint64_t)n <= b->len &&
               b->data[3] == ':' && take_blob(b, n);
    case '_':
        return protocol == 3 && line.len == 0;
    case '#':
        return protocol == 3 && (bytes_eq(line, BYTES_LIT("t")) ||
                                 bytes_eq(line, BYTES_LIT("f")));
    case ',':
        return protocol == 3 && is_double(line);
    case '*':
    case '%':
    case '~':
    case '>':
        if (!number || !count_of(type, n, protocol, &values))
            return false;
        *left += values;
        return *left <= VALUES_MAX;
    default:
        return false;
    }
}

bool reply_skip(struct bytes *b, uint8_t protocol)
{
    int64_t left = 1;
    ASSERT(protocol == 2 || protocol == 3);
    while (left > 0) {
        left--;
        if (!take_value(b, protocol, &left))
            return false;
    }
    return true;
}

bool reply_is_one(struct bytes b, uint8_t protocol)
{
    return reply_skip(&b, protocol) && b.len == 0;
}
