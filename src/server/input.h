/*
 * From a client's bytes to its requests: which protocol it speaks, what it
 * may do in a turn, and when it goes on.
 */
#ifndef SERVER_INPUT_H
#define SERVER_INPUT_H

#include "server/client_internal.h"

/* Executes what the client sent, as far as it may go. */
void input_run(struct client *c);
/* For a client of the ready list: what it waited for has happened. */
void input_resume(struct client *c);
/* Whether the client may execute one more request now, after so many and so
 * much input in this turn; if not, c->wait says what for. */
bool input_has_share(struct client *c, uint32_t requests, size_t input);

#endif
