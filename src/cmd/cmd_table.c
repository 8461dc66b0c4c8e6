/*
 * The table: commands.def turned into an array in order of names. A lookup
 * brings the name to lower case once and searches by halves; the table is
 * constant and needs no set-up. What is not found is answered in Redis's
 * words.
 */
#include "cmd/cmd.h"
#include "cmd/cmd_internal.h"

#include <stdio.h>
#include <string.h>

#define NAME_LEN_MAX 16
#define QUOTE_MAX    128 /* of a name or the arguments in an error */

static const struct cmd table[] = {
#define ROW(cname, car, cflags, cfirst, clast, cstep, cgroup, csince,          \
            csummary, ccomplexity, ccategories, ckeys, ctips, csyntax, ccheck, \
            crun, cid)                                                         \
    {.name = cname,                                                            \
     .arity = car,                                                             \
     .flags = cflags,                                                          \
     .first_key = cfirst,                                                      \
     .last_key = clast,                                                        \
     .key_step = cstep,                                                        \
     .check = ccheck,                                                          \
     .run = crun,                                                              \
     .server_id = cid,                                                         \
     .group = cgroup,                                                          \
     .since = csince,                                                          \
     .summary = csummary,                                                      \
     .complexity = ccomplexity,                                                \
     .categories = ccategories,                                                \
     .key_flags = ckeys,                                                       \
     .tips = ctips,                                                            \
     .syntax = csyntax},
#define SERVER(id, n, ar, fl, a, b, s, g, si, su, co, ca, k, t, sy)            \
    ROW(n, ar, (fl) | CMD_SERVER, a, b, s, g, si, su, co, ca, k, t, sy, NULL,  \
        NULL, SERVER_CMD_##id)
#define DATA(fn, n, ar, fl, a, b, s, g, si, su, co, ca, k, t, sy)              \
    ROW(n, ar, fl, a, b, s, g, si, su, co, ca, k, t, sy, NULL, cmd_##fn##_run, \
        SERVER_CMD_NONE)
#define CHECKED(fn, n, ar, fl, a, b, s, g, si, su, co, ca, k, t, sy)           \
    ROW(n, ar, fl, a, b, s, g, si, su, co, ca, k, t, sy, cmd_##fn##_check,     \
        cmd_##fn##_run, SERVER_CMD_NONE)
#include "cmd/commands.def"
#undef CHECKED
#undef DATA
#undef SERVER
#undef ROW
};

const struct cmd *cmd_at(size_t i)
{
    ASSERT(i < ARRAY_LEN(table));
    return &table[i];
}

size_t cmd_count(void)
{
    return ARRAY_LEN(table);
}

const struct cmd *cmd_lookup(struct bytes name)
{
    char lower[NAME_LEN_MAX + 1];
    if (name.len == 0 || name.len > NAME_LEN_MAX)
        return NULL;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        if (c == '\0')
            return NULL;
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    lower[name.len] = '\0';

    size_t low = 0;
    size_t high = ARRAY_LEN(table);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(lower, table[middle].name);
        if (order == 0)
            return &table[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool cmd_arity_ok(const struct cmd *c, uint32_t argc)
{
    ASSERT(c != NULL && c->arity != 0);
    if (c->arity > 0)
        return argc == (uint32_t)c->arity;
    return argc >= (uint32_t)-c->arity;
}

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
    return keyspace_entry_bytes(ks) > CMD_ENTRY_BYTES_MAX;
}

/* Only this replica's reads through the log: they may be refused here. */
static bool reads_full(const struct keyspace *ks)
{
    return keyspace_read_bytes(ks) > CMD_ENTRY_BYTES_MAX;
}

void cmd_reply_entry_full(struct resp_writer *w)
{
    resp_error(w, "OOM too much data in one log entry, try again");
}

bool cmd_check(struct cmd_args *args)
{
    const struct cmd *c = args->cmd;
    ASSERT(c->run != NULL && cmd_arity_ok(c, args->argc));
    ASSERT(args->out->out != NULL && !args->out->over);
    size_t before = args->out->out->len;
    bool ok = c->check == NULL || c->check(args);
    ASSERT(!ok || args->out->out->len == before);
    return ok;
}

static bool has_replied(const struct resp_writer *w, size_t before)
{
    return w->out == NULL || w->over || w->out->len > before;
}

void cmd_run(struct cmd_call *call)
{
    const struct cmd *c = call->cmd;
    ASSERT(c->run != NULL && cmd_arity_ok(c, call->argc));
    ASSERT(call->db < KEYSPACE_DATABASES);
    size_t before = call->out->out != NULL ? call->out->out->len : 0;
    bool read = (c->flags & CMD_WRITE) == 0;
    if (cmd_entry_full(call->ks) || (read && reads_full(call->ks))) {
        cmd_reply_entry_full(call->out);
        return;
    }
    keyspace_set_reading(call->ks, read);
    c->run(call);
    keyspace_set_reading(call->ks, false);
    ASSERT(has_replied(call->out, before));
}
