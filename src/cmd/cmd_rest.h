/*
 * The rest of a long reply, which follows in parts: pieces, each of which is a
 * part of a long string and what comes after it. A command that only reads may
 * leave such strings to it (cmd_call.rest); then all of them are told as they
 * were when the command was executed, whatever happens to them meanwhile.
 */
#ifndef CMD_CMD_REST_H
#define CMD_CMD_REST_H

#include "base/list.h"
#include "data/stream.h"
#include "resp/resp_writer.h"

/* Shorter strings are written at once. */
#define CMD_REST_MIN (256 * 1024)

struct cmd_rest {
    struct list pieces; /* struct cmd_rest_piece */
};

struct cmd_rest_piece {
    struct list link;
    struct value_stream stream;
    struct buf after; /* the rest of the reply, up to the next piece */
    size_t told;      /* of that */
};

void cmd_rest_init(struct cmd_rest *rest);
bool cmd_rest_is_empty(const struct cmd_rest *rest);
/* Nobody wants it any more. */
void cmd_rest_drop(struct cmd_rest *rest);
/* What it has in memory. */
size_t cmd_rest_memory(const struct cmd_rest *rest);
/* A bulk string whose bytes follow later: its head has been written. From now
 * on *w writes behind it. */
void cmd_rest_add(struct cmd_rest *rest, struct keyspace *ks,
                  const struct value_range *range, struct resp_writer *w);
/* Appends about so many bytes of it to *out, or what is left. */
void cmd_rest_take(struct cmd_rest *rest, struct keyspace *ks, struct buf *out,
                   size_t bytes);

#endif
