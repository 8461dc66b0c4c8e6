/*
 * The replies that all commands share: what is unknown, what has the wrong
 * number of arguments, HELP. In Redis's words.
 *
 * How it fails: it does not. What an error quotes is cut off.
 */
#include "cmd/cmd.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define QUOTE_MAX 128 /* of a name or the arguments in an error */
#define NAME_SIZE 32

/* As much of an argument as an error quotes: up to `max` bytes or a NUL. */
static int quoted_len(struct bytes arg, size_t max)
{
    size_t len = MIN(arg.len, max);
    const void *nul = len > 0 ? memchr(arg.data, '\0', len) : NULL;
    if (nul != NULL)
        len = (size_t)((const uint8_t *)nul - arg.data);
    ASSERT(len <= QUOTE_MAX);
    return (int)len;
}

void cmd_reply_unknown(struct resp_writer *w, const struct bytes *argv,
                       uint32_t argc)
{
    ASSERT(argc >= 1);
    char args[2 * QUOTE_MAX];
    size_t len = 0;
    for (uint32_t i = 1; i < argc && len < QUOTE_MAX; i++) {
        int quoted = quoted_len(argv[i], QUOTE_MAX - len);
        int n = snprintf(args + len, sizeof(args) - len, "'%.*s' ", quoted,
                         quoted > 0 ? (const char *)argv[i].data : "");
        ASSERT(n > 0 && len + (size_t)n < sizeof(args));
        len += (size_t)n;
    }
    args[len] = '\0';
    int quoted = quoted_len(argv[0], QUOTE_MAX);
    resp_errorf(w, "ERR unknown command '%.*s', with args beginning with: %s",
                quoted, quoted > 0 ? (const char *)argv[0].data : "", args);
}

void cmd_reply_arity(struct resp_writer *w, const struct cmd *c)
{
    ASSERT(c != NULL);
    resp_errorf(w, "ERR wrong number of arguments for '%s' command", c->name);
}

bool cmd_entry_full(const struct keyspace *ks)
{
    ASSERT(ks != NULL);
    return keyspace_entry_bytes(ks) > CMD_ENTRY_BYTES_MAX ||
           keyspace_viewed_bytes(ks) > CMD_ENTRY_VIEWED_MAX;
}

void cmd_reply_entry_full(struct resp_writer *w)
{
    resp_error(w, "OOM too much data in one log entry, try again");
}

void cmd_reply_undone(struct resp_writer *w)
{
    resp_error(w, "OOM too much data in one transaction; nothing of it was "
                  "executed");
}

void cmd_reply_behind_undone(struct resp_writer *w)
{
    resp_error(w, "BUSY too much work in one log entry, try again; nothing of "
                  "the transaction was executed");
}

/* The container's name as a person would write it. */
static void upper_name(const struct cmd *c, char out[NAME_SIZE])
{
    size_t len = strlen(c->name);
    ASSERT(len < NAME_SIZE);
    for (size_t i = 0; i <= len; i++)
        out[i] = (char)toupper((unsigned char)c->name[i]);
}

static bool in_help_of(const struct cmd *c, const struct cmd *container,
                       uint16_t level)
{
    bool own = c == container || c->container == container->id;
    ASSERT(!own || c == container || c->help != NULL);
    return own && c->help != NULL && cmd_level(c) <= level;
}

static size_t line_count(const char *text)
{
    size_t n = 1;
    ASSERT(*text != '\0' && *text != '\n');
    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

static void reply_lines(struct resp_writer *w, const char *text)
{
    char line[2 * QUOTE_MAX];
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        ASSERT(len > 0 && len < sizeof(line));
        memcpy(line, text, len);
        line[len] = '\0';
        resp_status(w, line);
        text += len + (text[len] == '\n');
    }
}

void cmd_reply_help(struct resp_writer *w, const struct cmd *container,
                    uint16_t level)
{
    char name[NAME_SIZE];
    char first[128];
    size_t lines = 1;
    ASSERT((container->flags & CMD_CONTAINER) != 0);
    upper_name(container, name);
    snprintf(
        first, sizeof(first),
        "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", name);
    for (size_t i = 0; i < CMD_ID_COUNT; i++) {
        if (in_help_of(cmd_as_written(i), container, level))
            lines += line_count(cmd_as_written(i)->help);
    }
    resp_array(w, lines);
    resp_status(w, first);
    for (size_t i = 0; i < CMD_ID_COUNT; i++) {
        if (in_help_of(cmd_as_written(i), container, level))
            reply_lines(w, cmd_as_written(i)->help);
    }
}

static void reply_unknown_sub(struct resp_writer *w, const struct cmd *c,
                              struct bytes word)
{
    char name[NAME_SIZE];
    ASSERT((c->flags & CMD_CONTAINER) != 0);
    upper_name(c, name);
    resp_errorf(w, "ERR unknown subcommand '%.*s'. Try %s HELP.",
                (int)MIN(word.len, QUOTE_MAX),
                word.len > 0 ? (const char *)word.data : "", name);
}

const struct cmd *cmd_resolve(const struct cmd *c, const struct bytes *argv,
                              uint32_t argc, uint16_t level,
                              struct resp_writer *w)
{
    ASSERT(cmd_arity_ok(c, argc));
    if ((c->flags & CMD_CONTAINER) == 0 || argc == 1)
        return c;
    const struct cmd *sub = cmd_lookup_sub_at(c, argv[1], level);
    if (sub == NULL) {
        reply_unknown_sub(w, c, argv[1]);
        return NULL;
    }
    ASSERT(sub->container == c->id);
    if (cmd_arity_ok(sub, argc))
        return sub;
    cmd_reply_arity(w, sub);
    return NULL;
}
