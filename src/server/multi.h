/*
 * Transactions, which do not exist yet. MULTI is taken all the same: what a
 * client sends behind it, often in the same packet, must not be executed one
 * by one. All of it is refused, until EXEC, which fails, DISCARD or RESET.
 *
 * Thread: the loop's.
 */
#ifndef SERVER_MULTI_H
#define SERVER_MULTI_H

#include "base/base.h"
#include "base/bytes.h"
#include "table/table.h"

enum multi_word { MULTI_NONE, MULTI_BEGIN, MULTI_EXEC, MULTI_DISCARD };

/* What is answered to each command between MULTI and EXEC. */
#define MULTI_REFUSAL                                                          \
    "ERR there are no transactions yet: nothing is executed between MULTI "    \
    "and EXEC or DISCARD"

/* The words are no commands (table/table.h): COMMAND does not show them. */
enum multi_word multi_word_of(struct bytes name);
/* Begins or ends it; NULL: the answer is OK, else that error. */
const char *multi_run(enum multi_word word, uint32_t argc, bool *in_multi);
/* It is executed between MULTI and EXEC, too. */
bool multi_lets_pass(const struct cmd *cmd);

#endif
