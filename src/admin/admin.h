/*
 * The server's own commands: INFO, CLIENT, CONFIG, HELLO, RAFT and so on. The
 * server is given them as this table.
 */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "server/command.h"

/* Indexed by command id. NULL: the server has no function for it (a container,
 * a command on data, or ONCE, which wraps one). */
extern server_fn *const admin_commands[CMD_ID_COUNT];

#endif
