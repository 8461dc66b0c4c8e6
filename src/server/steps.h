/*
 * The steps of a transaction, as far as this node's server has to do with them:
 * those that are no commands on data, and the counters of all.
 */
#ifndef SERVER_STEPS_H
#define SERVER_STEPS_H

#include "server/client_internal.h"

/* For the transaction of this client that is executed next; borrowed until the
 * next call. */
const struct cmd_steps *steps_of(struct client *c);
/* Executes one that is no command on data, and writes its reply. */
void step_local(struct client *c, uint32_t step, struct resp_writer *out);
/* Replaces the reply of VARD.WATCH, which is being written, by that of WATCH.
 */
void reply_watch(struct client *c);

#endif
