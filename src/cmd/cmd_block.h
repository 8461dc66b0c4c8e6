/*
 * Commands that wait if there is nothing to take (CMD_BLOCKS).
 */
#ifndef CMD_CMD_BLOCK_H
#define CMD_CMD_BLOCK_H

#include "cmd/cmd.h"

/* The time that such a command waits makes sense; true of any other command.
 * False: the error has been written. */
MUST_USE bool check_timeout(const struct cmd_args *a);

#endif
