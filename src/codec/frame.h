/*
 * The frame of the peer protocol.
 *
 *    0  magic(4), "vard"
 *    4  version(1)
 *    5  type(1)
 *    6  group(2)
 *    8  length(4)
 *   12  header_check(4)
 *   16  checksum(8)
 *   24  payload(length)
 *
 * Little-endian; FRAME_HEADER_SIZE = 24.
 * header_check: the lower half of the XXH3-64 of the 12 bytes before it, so
 * that a damaged length is found at once, not after bytes that never come.
 * checksum: XXH3-64 of the payload, seeded with that of the header's first 16
 * bytes.
 *
 * FRAME_VERSION is the version of this header alone; that of what the frames
 * carry is PROTOCOL_VERSION (codec/hello.h).
 *
 * Large frames travel as fragments (peer/), each a frame of its own, so that
 * heartbeats pass between them.
 */
#ifndef CODEC_FRAME_H
#define CODEC_FRAME_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

#define FRAME_MAGIC       0x64726176u /* "vard" */
#define FRAME_VERSION     1
#define FRAME_HEADER_SIZE 24
#define FRAME_LENGTH_MAX  (1024u * 1024u * 4u) /* of one frame's payload */

enum frame_type {
    FRAME_HELLO = 1, /* codec/hello.h */
    FRAME_WELCOME,   /* the answer to it */
    FRAME_PROOF,     /* HMAC over both nonces, if there is a secret */
    FRAME_RAFT,      /* codec/message.h, codec/beat.h, an append's entries */
    FRAME_FORWARD,   /* a parcel of requests, codec/request.h */
    FRAME_FRAGMENT,  /* a piece of a large frame */
    FRAME_GREETING,  /* codec/greeting.h, after the proofs */
    FRAME_ADMIT,     /* codec/admit.h: a blank one wants to be let in */
    FRAME_GRANT,     /* the answer to it */
    FRAME_SNAPSHOT,  /* codec/transfer.h */
    FRAME_TYPE_END,
};

struct frame {
    uint8_t type;
    uint16_t group;
    struct bytes payload; /* borrowed */
};

/* Begins a frame at the end of out; returns where. Append the payload, then
 * frame_end() fills in length and checksum. */
size_t frame_begin(struct buf *out, uint8_t type, uint16_t group);
void frame_end(struct buf *out, size_t begin);

/* Reads one frame off the front of *bytes and moves *bytes past it.
 * ERR_AGAIN: not all of it is there yet. ERR_PROTOCOL: wrong magic, version,
 * type or length: close the link. ERR_CORRUPT: the header or the payload does
 * not have its checksum: close it. */
/*@ requires \valid(bytes) && \valid(out) && readable(*bytes);
  @ requires \separated(bytes, out);
  @ assigns *bytes, *out;
  @ ensures \result == 0 ==> out->payload.len <= FRAME_LENGTH_MAX;
  @ ensures \result == 0 ==> FRAME_HELLO <= out->type < FRAME_TYPE_END;
  @ ensures \result == 0 ==>
  @     out->payload.data == \old(bytes->data) + FRAME_HEADER_SIZE;
  @ ensures \result == 0 ==>
  @     bytes->data == out->payload.data + out->payload.len;
  @ ensures \result == 0 ==>
  @     bytes->len == \old(bytes->len) - FRAME_HEADER_SIZE - out->payload.len;
  @ ensures \result == 0 ==> readable(out->payload) && readable(*bytes);
  @ ensures \result != 0 ==> *bytes == \old(*bytes) && *out == \old(*out);
  @ ensures \result == ERR_AGAIN ==> \old(bytes->len) < FRAME_HEADER_SIZE +
  @                                                      FRAME_LENGTH_MAX; */
MUST_USE int frame_decode(struct bytes *bytes, struct frame *out);

#endif
