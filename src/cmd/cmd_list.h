/*
 * What the commands on lists share.
 */
#ifndef CMD_CMD_LIST_H
#define CMD_CMD_LIST_H

#include "cmd/cmd_collection.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "type/list.h"

/* A number from min to max, or an error that names them. */
MUST_USE bool list_parse_between(struct resp_writer *w, struct bytes arg,
                                 int64_t min, int64_t max, int64_t *out);
/* A number from min on, or else this error. */
MUST_USE bool list_parse_from(struct resp_writer *w, struct bytes arg,
                              int64_t min, const char *error, int64_t *out);

/* "LEFT" or "RIGHT", or else a syntax error. */
MUST_USE bool list_parse_end(struct resp_writer *w, struct bytes arg,
                             enum list_end *out);
/* Opens the list of a key; an empty one: there is none. False: it is of another
 * type (WRONGTYPE was answered). */
MUST_USE bool list_open(struct cmd_call *c, struct bytes key,
                        struct object **out);
/* May so many elements from an end on be told at once? False: the reply is an
 * error. One may always. */
MUST_USE bool list_pop_fits(struct cmd_call *c, struct object *o,
                            enum list_end end, uint64_t count);
/* Answers with so many elements from an end on, in their order from there, and
 * removes them; there are as many. Not saved. */
void list_pop(struct cmd_call *c, struct object *o, enum list_end end,
              uint64_t count);
/* The same of one, as an element alone. */
void list_pop_one(struct cmd_call *c, struct object *o, enum list_end end);
/* Answers with an element that is there. */
void list_reply_nth(struct cmd_call *c, struct object *o, uint64_t nth);

#endif
