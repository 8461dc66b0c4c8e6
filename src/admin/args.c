/*
 * What functions of commands share: looks at arguments.
 *
 * How it fails: it does not.
 */
#include "admin/admin_internal.h"

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
