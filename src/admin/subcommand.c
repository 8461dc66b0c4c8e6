/*
 * Subcommands: found by name in a command's table, their arity checked, HELP
 * answered from its lines. Also what functions of commands share.
 *
 * How it fails: as Redis does, with the same texts.
 */
#include "admin/admin_internal.h"

#include <ctype.h>
#include <stdio.h>

bool arg_is(const struct server_call *call, uint32_t i, const char *word)
{
    return i < call->argc && bytes_eq_nocase(call->argv[i], bytes_str(word));
}

bool is_printable(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < '!' || text.data[i] > '~')
            return false;
    return true;
}

#define NAME_MAX_LEN 32

static void upper_name(const struct server_call *call, char out[NAME_MAX_LEN])
{
    const char *name = call->cmd->name;
    size_t len = 0;
    for (; name[len] != '\0' && len < NAME_MAX_LEN - 1; len++)
        out[len] = (char)toupper((unsigned char)name[len]);
    out[len] = '\0';
}

static void reply_help(struct server_call *call, const char *const *help,
                       size_t help_count)
{
    char name[NAME_MAX_LEN];
    char first[128];
    upper_name(call, name);
    snprintf(
        first, sizeof(first),
        "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", name);
    resp_array(call->out, help_count + 3);
    resp_status(call->out, first);
    for (size_t i = 0; i < help_count; i++)
        resp_status(call->out, help[i]);
    resp_status(call->out, "HELP");
    resp_status(call->out, "    Print this help.");
}

static void reply_sub_arity(struct server_call *call, const char *name)
{
    resp_errorf(call->out, "ERR wrong number of arguments for '%s|%s' command",
                call->cmd->name, name);
}

void subcommand_run(struct server_call *call, const struct subcommand *table,
                    size_t count, const char *const *help, size_t help_count)
{
    ASSERT(call->argc >= 2);
    if (arg_is(call, 1, "help")) {
        if (call->argc == 2)
            reply_help(call, help, help_count);
        else
            reply_sub_arity(call, "help");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (!arg_is(call, 1, table[i].name))
            continue;
        int arity = table[i].arity;
        int argc = (int)call->argc;
        ASSERT(arity != 0);
        if (arity > 0 ? argc == arity : argc >= -arity) {
            table[i].fn(call);
            return;
        }
        reply_sub_arity(call, table[i].name);
        return;
    }
    char name[NAME_MAX_LEN];
    int len = (int)MIN(call->argv[1].len, 128);
    upper_name(call, name);
    resp_errorf(call->out, "ERR unknown subcommand '%.*s'. Try %s HELP.", len,
                (const char *)call->argv[1].data, name);
}
