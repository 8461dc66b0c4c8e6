/*
 * The server's own commands: INFO, CLIENT, CONFIG, HELLO, RAFT and so on. The
 * server is given them as this table.
 */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "server/command.h"

/* By command id. NULL: the command is not one of the server's functions
 * (a container, ONCE, which wraps a command on data, or one of those). */
extern server_fn *const admin_commands[CMD_ID_COUNT];

#endif
