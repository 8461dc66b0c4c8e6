/*
 * How COMMAND describes one command: shared by cmd_info.c, which finds what
 * is asked for, and cmd_docs.c, which writes documentation.
 */
#ifndef CMD_CMD_DESCRIBE_H
#define CMD_CMD_DESCRIBE_H

#include "cmd/cmd.h"

/* The table that clients see: commands and subcommands ("client|id") without
 * the internal ones; a subcommand follows the commands, in order of names. */
size_t described_count(void);
const struct cmd *described_at(size_t i);
bool is_subcommand(const struct cmd *c);
bool is_subcommand_of(const struct cmd *c, const struct cmd *parent);
size_t subcommand_count(const struct cmd *parent);

/* Words separated by single spaces. */
size_t word_count(const char *words);
/* The next one; false at the end. Start with *rest = the text. */
MUST_USE bool word_next(struct bytes *rest, struct bytes *word);

/* A pair "name" -> documentation of a DOCS reply. */
void docs_write(struct resp_writer *w, const struct cmd *c);

#endif
