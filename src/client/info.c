/*
 * Lines end in CRLF or LF. How it fails: what is not there is an empty value;
 * no line and no value is trusted to have a shape.
 */
#include "client/info.h"

#include <string.h>

bool info_line(struct bytes *text, struct bytes *line)
{
    if (text->len == 0)
        return false;
    const uint8_t *end = memchr(text->data, '\n', text->len);
    size_t len = end != NULL ? (size_t)(end - text->data) : text->len;
    *line = bytes_of(text->data, len);
    if (len > 0 && line->data[len - 1] == '\r')
        line->len--;
    *text = bytes_from(*text, MIN(len + 1, text->len));
    return true;
}

bool info_pair(struct bytes line, struct bytes *name, struct bytes *value)
{
    const uint8_t *colon =
        line.len > 0 ? memchr(line.data, ':', line.len) : NULL;
    if (colon == NULL)
        return false;
    size_t len = (size_t)(colon - line.data);
    *name = bytes_of(line.data, len);
    *value = bytes_from(line, len + 1);
    return true;
}

struct bytes info_field(struct bytes info, const char *name)
{
    struct bytes line, key, value;
    while (info_line(&info, &line)) {
        if (info_pair(line, &key, &value) && bytes_eq(key, bytes_str(name)))
            return value;
    }
    return BYTES_NONE;
}

struct bytes info_part(struct bytes value, const char *name)
{
    size_t len = strlen(name);
    while (value.len > 0) {
        const uint8_t *comma = memchr(value.data, ',', value.len);
        size_t end = comma != NULL ? (size_t)(comma - value.data) : value.len;
        if (end > len && value.data[len] == '=' &&
            memcmp(value.data, name, len) == 0)
            return bytes_of(value.data + len + 1, end - len - 1);
        value = bytes_from(value, MIN(end + 1, value.len));
    }
    return BYTES_NONE;
}
