/*
 * Formats one line and passes it to the sink. A line that is too long is cut.
 * Control characters are written as \xHH, because a line may quote what a
 * client sent, and a client must not be able to forge another line.
 *
 * How it fails: the caller never learns of it. The sink drops a line that it
 * cannot write, because the log must not stop the node.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_MAX_BYTES 1000

/* Copies with escapes into `out`; returns the length. */
static size_t escape(const char *text, char out[LINE_MAX_BYTES + 1])
{
    static const char hex[] = "0123456789abcdef";
    size_t len = 0;
    for (const char *p = text; *p != '\0'; p++) {
        uint8_t c = (uint8_t)*p;
        bool control = c < 0x20 || c == 0x7f;
        if (len + (control ? 4 : 1) > LINE_MAX_BYTES)
            break;
        if (control) {
            out[len++] = '\\';
            out[len++] = 'x';
            out[len++] = hex[c >> 4];
            out[len++] = hex[c & 15];
        } else {
            out[len++] = (char)c;
        }
    }
    ASSERT(len <= LINE_MAX_BYTES);
    out[len] = '\0';
    return len;
}

void log_line(const struct logger *log, enum log_level level,
              const char *format, ...)
{
    ASSERT(format != NULL);
    if (log == NULL || level < log->level)
        return;
    ASSERT(log->write != NULL);

    char text[LINE_MAX_BYTES + 1];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ASSERT(n >= 0);

    char line[LINE_MAX_BYTES + 1];
    size_t len = escape(text, line);
    log->write(log->ctx, level, line, len);
}
