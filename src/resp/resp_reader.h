/*
 * Incremental reader of requests: RESP arrays of bulk strings and inline
 * commands, as redis-server 7 reads them, split anywhere.
 *
 * The reader works on the connection's input buffer; it copies nothing. A
 * command's arguments borrow from that buffer until the caller consumes it. An
 * announced length never makes the reader allocate memory: of a large bulk
 * string it only remembers how much is missing.
 *
 * Errors are those of Redis ("Protocol error: ..."), after which the
 * connection is closed. A bulk longer than bulk_max is one of them, as in
 * Redis ("invalid bulk length").
 */
#ifndef RESP_RESP_READER_H
#define RESP_RESP_READER_H

#include "base/base.h"
#include "base/bytes.h"

#define RESP_INLINE_MAX      (64 * 1024)
#define RESP_ARGC_MAX        (1024 * 1024)
#define RESP_BULK_MAX        (512 * 1024 * 1024) /* whatever is configured */
#define RESP_ARGC_MAX_UNAUTH 10
#define RESP_BULK_MAX_UNAUTH 16384

/* Limits at or below those for unauthenticated clients give the error texts
 * that Redis has for these. */
struct resp_limits {
    uint32_t argc_max; /* 10 before authentication, as Redis */
    uint64_t bulk_max; /* 16384 before authentication */
};

struct resp_reader {
    /* The command being read. offsets are from the start of the command, so
     * that the buffer may move between calls. */
    size_t pos;        /* bytes of the command looked at so far */
    int64_t argc_left; /* -1: between commands */
    int64_t bulk_len;  /* -1: its length line is not complete yet */
    struct resp_arg {
        size_t offset;
        size_t len;
    } * args;
    uint32_t argc;
    uint32_t args_cap;
    struct bytes *argv; /* of the last complete command */
    uint32_t argv_cap;
    struct buf *inline_text; /* unquoted arguments of an inline command */
    char error[48];          /* the text of an error that names a byte */
};

enum resp_result {
    RESP_MORE,    /* not complete: read more from the connection */
    RESP_COMMAND, /* argv/argc are set, argc >= 1 */
    RESP_EMPTY,   /* an empty line or *0: consume it, nothing to do */
    RESP_ERROR,   /* *error is the text after "-ERR ": answer and close */
};

void resp_reader_init(struct resp_reader *r);
void resp_reader_release(struct resp_reader *r);

/* The last command was taken, and its argv is not needed any more: frees the
 * arrays of a huge one. */
void resp_reader_trim(struct resp_reader *r);
/* The same of all memory that is not needed to go on where it is. */
void resp_reader_shrink(struct resp_reader *r);

/* Looks at `input`, the unconsumed bytes (the same ones as before plus what
 * came since). For COMMAND and EMPTY, *consumed is the size of the command:
 * the caller consumes it once argv is no longer needed. *need: how many bytes
 * the input must have at least before it is worth calling again. */
enum resp_result resp_read(struct resp_reader *r, struct bytes input,
                           const struct resp_limits *limits, size_t *consumed,
                           size_t *need, const char **error);

#endif
