/*
 * What the commands on groups of streams share.
 */
#ifndef CMD_CMD_STREAM_GROUP_H
#define CMD_CMD_STREAM_GROUP_H

#include "cmd/cmd_stream.h"
#include "type/xgroup.h"

/* "NOGROUP No such key 'x' or consumer group 'g'", and the same in the words of
 * XGROUP and XINFO. */
void reply_no_group(struct resp_writer *w, struct bytes key,
                    struct bytes group);
void reply_no_group_of_key(struct resp_writer *w, struct bytes key,
                           struct bytes group);
/* Opens the stream of argv[1], and its group of argv[2]. False: the reply is
 * written, and nothing is open. */
MUST_USE bool open_group(struct cmd_call *c, struct xstream *s,
                         struct xgroup *g);
/* A consumer's name is written twice for each entry that it has pending. */
#define CONSUMER_NAME_MAX 1024

/* Whether the name in an argument is short enough; false: the error is written.
 */
MUST_USE bool consumer_fits(const struct cmd_args *a, uint32_t at);
/* The entry with this id; false: there is none, and nothing was written. */
bool reply_stream_entry_at(struct cmd_call *c, struct xstream *s,
                           struct xstream_id id);

#endif
