/*
 * The wire protocol of Verdi's vard (Verdi Raft, extraction/vard, and its
 * shim in Verdi's runtime): frames, requests and replies as bytes.
 *
 * Frames both ways: length(4, little-endian) text. The first frame of a
 * client is its id, 32 lower-case hex digits. The others are requests,
 * "ID CMD key arg arg" with "-" for none:
 *
 *   GET key - -     PUT key value -     DEL key - -
 *   CAS key expected new ("-": must be missing)    CAD key expected -
 *
 * keys and values match [/A-Za-z0-9]+. Replies: "Response ID key value old",
 * the value after and before the operation; "NotLeader ID": not executed.
 *
 * Client id and request id name a request forever: sent again, on whatever
 * connection to whatever node, it gets the first answer again. A new
 * connection of a client closes its older one. All as in Verdi's vard. The keys
 * are in database 0.
 */
#ifndef ORIGINAL_WIRE_H
#define ORIGINAL_WIRE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

#define ORIGINAL_ID_LEN 32

struct original_request {
    uint64_t id;
    const char *command; /* the internal command's name: "vard.get", ... */
    uint32_t argc;       /* with the command */
    struct bytes argv[4];
};

/* The size of the frame at the front with its length, 0 when it is not
 * complete; ERR_TOO_BIG when it claims more than `max`. The text borrows. */
MUST_USE int64_t original_frame(struct bytes input, uint64_t max,
                                struct bytes *text, size_t *need);
MUST_USE int original_parse_id(struct bytes text, char id[ORIGINAL_ID_LEN + 1]);
MUST_USE int original_parse(struct bytes text, struct original_request *out);
/* Turns a reply of an internal command into text. ERR_INVALID: it cannot be
 * said in this protocol, which has no error replies. */
MUST_USE int original_format(uint64_t id, struct bytes reply, struct buf *out);

#endif
