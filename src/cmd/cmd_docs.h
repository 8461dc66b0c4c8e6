/*
 * COMMAND DOCS of one command.
 */
#ifndef CMD_CMD_DOCS_H
#define CMD_CMD_DOCS_H

#include "resp/resp_writer.h"
#include "table/table.h"

/* A pair "name" -> documentation of a DOCS reply, with that of the
 * subcommands. */
void docs_write(struct resp_writer *w, const struct cmd *c, uint16_t level);

#endif
