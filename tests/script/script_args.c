/* The words of a command. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

void script_error(struct script *s, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    buf_printf(&s->out, "ERROR: %s\n", text);
    s->broken = true;
}

bool script_split(struct script *s, const char *line)
{
    snprintf(s->line, sizeof(s->line), "%s", line);
    s->arg_count = 0;
    for (char *p = s->line; *p != '\0';) {
        while (*p == ' ') {
            *p++ = '\0';
        }
        if (*p == '\0') {
            break;
        }
        if (s->arg_count == SCRIPT_ARGS_MAX) {
            script_error(s, "too many words");
            return false;
        }
        s->args[s->arg_count++] = p;
        while (*p != '\0' && *p != ' ') {
            p++;
        }
    }
    return s->arg_count > 0;
}

static uint64_t parse(struct script *s, const char *text)
{
    char *end = NULL;
    uint64_t v = strtoull(text, &end, 10);

    if (end == text || *end != '\0') {
        script_error(s, "'%s' is not a number", text);
    }
    return v;
}

uint64_t script_number(struct script *s, uint32_t i, uint64_t usual)
{
    return i < s->arg_count ? parse(s, s->args[i]) : usual;
}

bool script_node(struct script *s, uint32_t i, uint32_t *pos)
{
    if (i >= s->arg_count) {
        script_error(s, "a node is missing");
        return false;
    }
    uint64_t id = parse(s, s->args[i]);
    for (*pos = 0; *pos < s->c->count; (*pos)++) {
        if (s->c->members.ids[*pos] == id) {
            return true;
        }
    }
    script_error(s, "no node '%s'", s->args[i]);
    return false;
}

const char *script_value(const struct script *s, const char *key)
{
    size_t len = strlen(key);

    for (uint32_t i = 1; i < s->arg_count; i++) {
        if (strncmp(s->args[i], key, len) == 0 && s->args[i][len] == '=') {
            return s->args[i] + len + 1;
        }
    }
    return NULL;
}

uint64_t script_option(struct script *s, const char *key, uint64_t usual)
{
    const char *value = script_value(s, key);
    return value != NULL ? parse(s, value) : usual;
}

uint32_t script_terms(struct script *s, const char *text, raft_term *terms,
                      uint32_t max)
{
    uint32_t count = 0;

    while (text != NULL && *text != '\0') {
        char *end = NULL;
        uint64_t term = strtoull(text, &end, 10);
        if (end == text || count == max) {
            script_error(s, "bad list of terms '%s'", text);
            return 0;
        }
        terms[count++] = term;
        text = *end == ',' ? end + 1 : end;
    }
    return count;
}
