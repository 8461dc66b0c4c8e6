/*
 * The functions of the table's data commands, for the files of this room.
 */
#ifndef CMD_CMD_INTERNAL_H
#define CMD_CMD_INTERNAL_H

#include "cmd/cmd.h"

#define SERVER(...)
#define DATA(fn, ...) cmd_fn fn;
#include "cmd/commands.def"
#undef SERVER
#undef DATA

#endif
