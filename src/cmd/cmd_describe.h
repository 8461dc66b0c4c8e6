/*
 * A part of COMMAND INFO: where keys are. No command yet has keys whose place
 * depends on other arguments, so a test shows how they would be described.
 */
#ifndef CMD_CMD_DESCRIBE_H
#define CMD_CMD_DESCRIBE_H

#include "resp/resp_writer.h"
#include "table/table.h"

void describe_key_specs(struct resp_writer *w, const struct cmd *c);

#endif
