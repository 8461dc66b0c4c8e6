/*
 * What the commands on streams share. A function that returns false has written
 * the reply.
 */
#ifndef CMD_CMD_STREAM_H
#define CMD_CMD_STREAM_H

#include "cmd/cmd.h"
#include "cmd/cmd_collection.h"
#include "type/xstream.h"

/* "5-3", or "5": the sequence is then `missing`. */
MUST_USE bool parse_stream_id(struct resp_writer *w, struct bytes text,
                              uint64_t missing, struct xstream_id *out);
/* Opens the stream of a key: as open_collection(). What is open has to be
 * closed. */
MUST_USE bool open_stream(struct cmd_call *c, struct bytes key,
                          struct xstream *out);
/* "-", "+", an id, or "(" and an id: a bound of an interval, itself included.
 */
MUST_USE bool parse_stream_bound(struct resp_writer *w, struct bytes text,
                                 bool is_start, struct xstream_id *out);
/* What XREAD and XREADGROUP have in common. */
struct stream_reads {
    int64_t count; /* 0: all */
    bool no_ack;
    bool blocks;
    int64_t timeout_ms; /* 0: forever */
    uint32_t keys;      /* how many */
    uint32_t at;        /* the argument of the first */
    uint32_t group;     /* the argument of the group's name; 0: none */
};
MUST_USE bool parse_stream_reads(const struct cmd_args *a,
                                 struct stream_reads *out);
/* What the two wait for. */
struct cmd_blocking stream_blocking(const struct cmd *c,
                                    const struct bytes *argv, uint32_t argc);
void reply_stream_id(struct resp_writer *w, struct xstream_id id);

/* Entries by their numbers, from one on, so many, downwards if wanted. */
struct entry_range {
    uint64_t first;
    uint64_t count;
    bool reverse;
};
/* One entry: the id and its fields. */
void reply_stream_entry(struct cmd_call *c, const struct xstream_cursor *at);
/* The array of entries. False: it would be too long, and the reply is an error;
 * `r` began before whatever else the reply has. */
bool reply_stream_entries(struct cmd_call *c, struct xstream *s,
                          const struct entry_range *range,
                          struct long_reply *r);

#endif
