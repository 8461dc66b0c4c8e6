/*
 * The functions of the data commands, for the files of this room.
 */
#ifndef CMD_CMD_INTERNAL_H
#define CMD_CMD_INTERNAL_H

#include "cmd/cmd.h"

/* False: the error has been written. True: nothing has been written. */
typedef bool cmd_check_fn(struct cmd_args *a);
/* Writes one reply. */
typedef void cmd_run_fn(struct cmd_call *c);

#define RUN(id, run) cmd_run_fn cmd_##run##_run;
#define CHECKED(id, check, run)                                                \
    cmd_check_fn cmd_##check##_check;                                          \
    cmd_run_fn cmd_##run##_run;
#include "cmd/functions.def"
#undef RUN
#undef CHECKED

struct cmd_functions {
    cmd_check_fn *check; /* NULL: any arguments of the right number will do */
    cmd_run_fn *run;
};

/* NULL: the row is not that of a data command. */
const struct cmd_functions *cmd_functions(enum cmd_id id);

#endif
