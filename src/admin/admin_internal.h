/*
 * The functions of the commands, and what they share.
 */
#ifndef ADMIN_ADMIN_INTERNAL_H
#define ADMIN_ADMIN_INTERNAL_H

#include "server/command.h"

#define LOCAL(id, fn) server_fn admin_##fn;
#include "admin/functions.def"
#undef LOCAL

/* The argument is that word, in upper or lower case. */
bool arg_is(const struct server_call *call, uint32_t i, const char *word);
/* Every byte is a printable character of ASCII, and no space. */
bool is_printable(struct bytes text);

#endif
