/*
 * Hashes of commands, opened and closed.
 */
#ifndef CMD_CMD_HASH_H
#define CMD_CMD_HASH_H

#include "cmd/cmd.h"
#include "type/hash.h"

/* That of the first key. False: WRONGTYPE was answered. */
MUST_USE bool open_hash(struct cmd_call *c, struct hash *h);
/* One of the two ends it: after changes, and without any. */
void save_hash(struct hash *h);
void close_hash(struct hash *h);

#endif
