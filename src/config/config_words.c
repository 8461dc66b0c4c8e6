/*
 * One pass over the line. Each word is built in a piece of the arena as long as
 * the rest of the line, which is enough since escapes only shorten it.
 *
 * How it fails: ERR_INVALID for a quote that is not closed, or not followed by
 * a blank; ERR_TOO_BIG for too many words. A text with a zero byte in it has no
 * copy (NULL).
 */
#include "config/config_words.h"

#include "base/alloc.h"

struct scan {
    const uint8_t *p;
    const uint8_t *end;
    uint8_t *out; /* the word that is being built */
    size_t len;
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' ||
           c == '\f';
}

/* The value of a hexadecimal digit, or -1. */
static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static uint8_t plain_escape(uint8_t c)
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

/* After a backslash in double quotes that is not the last character. */
static void scan_escape(struct scan *s)
{
    ASSERT(s->p < s->end);
    if (*s->p == 'x' && s->end - s->p >= 3 && digit_of(s->p[1]) >= 0 &&
        digit_of(s->p[2]) >= 0) {
        s->out[s->len++] =
            (uint8_t)(digit_of(s->p[1]) * 16 + digit_of(s->p[2]));
        s->p += 3;
    } else {
        s->out[s->len++] = plain_escape(*s->p++);
    }
}

/* From after the opening quote to after the closing one. */
static int scan_quoted(struct scan *s, uint8_t quote)
{
    ASSERT(quote == '"' || quote == '\'');
    while (s->p < s->end && *s->p != quote) {
        uint8_t c = *s->p++;
        bool more = s->p < s->end;
        if (c == '\\' && more && quote == '"')
            scan_escape(s);
        else if (c == '\\' && more && *s->p == '\'')
            s->out[s->len++] = *s->p++;
        else
            s->out[s->len++] = c;
    }
    if (s->p == s->end)
        return ERR_INVALID;
    s->p++;
    return s->p == s->end || is_blank(*s->p) ? 0 : ERR_INVALID;
}

static int scan_word(struct scan *s)
{
    while (s->p < s->end && !is_blank(*s->p)) {
        uint8_t c = *s->p++;
        if (c == '"' || c == '\'') {
            if (scan_quoted(s, c) != 0)
                return ERR_INVALID;
        } else {
            s->out[s->len++] = c;
        }
    }
    return 0;
}

int config_split(struct bytes line, struct arena *arena,
                 struct config_words *out)
{
    ASSERT(arena != NULL && out != NULL);
    out->count = 0;
    struct scan s = {.p = line.data, .end = line.data};
    if (line.len > 0)
        s.end = line.data + line.len;
    for (;;) {
        while (s.p < s.end && is_blank(*s.p))
            s.p++;
        if (s.p == s.end)
            return 0;
        if (out->count == CONFIG_WORDS_MAX)
            return ERR_TOO_BIG;
        s.out = arena_alloc(arena, (size_t)(s.end - s.p));
        s.len = 0;
        int err = scan_word(&s);
        if (err != 0)
            return err;
        out->items[out->count++] = bytes_of(s.out, s.len);
    }
}

char *config_text_of(struct bytes word)
{
    if (word.len > 0 && memchr(word.data, '\0', word.len) != NULL)
        return NULL;
    char *text = mem_alloc(word.len + 1);
    if (word.len > 0)
        memcpy(text, word.data, word.len);
    text[word.len] = '\0';
    return text;
}
