/*
 * The port begins after the last colon; the host is before it.
 *
 * How it fails: malformed text is refused, never repaired; a guess would
 * connect to some other place.
 */
#include "base/hostport.h"

#include "base/num.h"

#include <stdio.h>

static bool has(struct bytes text, char c)
{
    return text.len > 0 && memchr(text.data, c, text.len) != NULL;
}

bool hostport_host(struct bytes text, struct bytes *host)
{
    bool bracketed =
        text.len >= 2 && text.data[0] == '[' && text.data[text.len - 1] == ']';
    struct bytes inner =
        bracketed ? bytes_of(text.data + 1, text.len - 2) : text;
    if (inner.len == 0 || has(inner, '[') || has(inner, ']') ||
        (has(inner, ':') && !bracketed))
        return false;
    *host = inner;
    return true;
}

bool hostport_split(struct bytes text, struct bytes *host, uint16_t *port)
{
    size_t colon = text.len;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    uint64_t number = 0;
    if (colon == 0 || !num_parse_u64(bytes_from(text, colon), &number) ||
        number > UINT16_MAX ||
        !hostport_host(bytes_of(text.data, colon - 1), host))
        return false;
    *port = (uint16_t)number;
    return true;
}

size_t hostport_join(struct bytes host, uint16_t port, char *out, size_t size)
{
    ASSERT(size > 0 && host.len <= INT32_MAX);
    bool bracketed = has(host, ':');
    int n = snprintf(out, size, "%s%.*s%s:%u", bracketed ? "[" : "",
                     (int)host.len, host.len > 0 ? (const char *)host.data : "",
                     bracketed ? "]" : "", (unsigned)port);
    ASSERT(n >= 0);
    return (size_t)n;
}
