/*
 * The functions of the table's data commands, for the files of this room.
 */
#ifndef CMD_CMD_INTERNAL_H
#define CMD_CMD_INTERNAL_H

#include "cmd/cmd.h"

#define SERVER(...)
#define DATA(fn, ...) cmd_run_fn cmd_##fn##_run;
#define CHECKED(fn, ...)                                                       \
    cmd_check_fn cmd_##fn##_check;                                             \
    cmd_run_fn cmd_##fn##_run;
#include "cmd/commands.def"
#undef SERVER
#undef DATA
#undef CHECKED

#endif
