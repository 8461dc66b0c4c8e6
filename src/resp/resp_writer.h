/*
 * Writes replies, in RESP2 or RESP3 as the connection asked with HELLO.
 * A writer borrows the buffer it appends to. A NULL writer (or one with a
 * NULL buffer) drops everything: a node that applies an entry of another node
 * builds no replies.
 *
 * A writer may have a limit: bytes that would make its buffer longer are
 * dropped, and so is everything after them; `over` says so. The buffer does not
 * hold a whole reply then, and must not be sent.
 */
#ifndef RESP_RESP_WRITER_H
#define RESP_RESP_WRITER_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

struct resp_writer {
    struct buf *out;
    uint8_t protocol; /* 2 or 3 */
    size_t limit;     /* of out->len, in bytes; 0: none */
    bool over;        /* set by the writer, cleared by its owner */
};

void resp_status(struct resp_writer *w, const char *text); /* +text */
/* -text: `text` begins with its code, e.g. "ERR syntax error"; CR and LF in
 * it become spaces. */
void resp_error(struct resp_writer *w, const char *text);
void resp_errorf(struct resp_writer *w, const char *format, ...) PRINTF(2, 3);
void resp_integer(struct resp_writer *w, int64_t v);
void resp_bulk(struct resp_writer *w, struct bytes b);
/* A bulk string in parts: begin, and if that says true, parts that make up the
 * announced length, and end. False: it is dropped, nothing else follows. */
MUST_USE bool resp_bulk_begin(struct resp_writer *w, size_t len);
/* Begins one likewise, but the parts come from elsewhere: no room is made. */
MUST_USE bool resp_bulk_head(struct resp_writer *w, size_t len);
void resp_bulk_part(struct resp_writer *w, struct bytes part);
void resp_bulk_end(struct resp_writer *w);
void resp_bulk_str(struct resp_writer *w, const char *s);
void resp_bulkf(struct resp_writer *w, const char *format, ...) PRINTF(2, 3);
void resp_null(struct resp_writer *w);       /* $-1 or _ */
void resp_null_array(struct resp_writer *w); /* *-1 or _ */
/* RESP3 a double; RESP2 a bulk string: as many digits as tell it from others,
 * in Redis' form. Not a NaN. */
void resp_double(struct resp_writer *w, double v);
void resp_array(struct resp_writer *w, size_t count);
void resp_map(struct resp_writer *w, size_t pairs); /* RESP2: array of 2n */
void resp_set(struct resp_writer *w, size_t count); /* RESP2: array */
/* RESP3 verbatim string, format of three letters; RESP2: bulk. */
void resp_verbatim(struct resp_writer *w, const char *format, struct bytes b);
/* Appends bytes that already are a reply. */
void resp_raw(struct resp_writer *w, struct bytes b);

#endif
