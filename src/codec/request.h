/*
 * Requests: commands of clients, as Raft entries contain them.
 *
 * The requests that one node read in one turn of its loop form a *parcel*, with
 * consecutive sequence numbers. A follower forwards the parcel's bytes as they
 * are; the leader's entry is one parcel after the other. The session rule
 * (data/session.h) applies each request exactly once.
 *
 * parcel, PARCEL_HEADER_SIZE = 28:
 *    0  node(4)
 *    4  incarnation(8)
 *   12  first_seq(8)
 *   20  count(4)
 *   24  length(4)
 *   28  requests(length)
 *
 * request, REQUEST_HEADER_SIZE = 24:
 *    0  length(4), of what follows
 *    4  flags(1)
 *    5  db(1)
 *    6  once_len(2)
 *    8  argc(4)
 *   12  once_id(8)
 *   20  once_ttl_s(4)
 *   24  once_client(once_len), then argc times len(4) argument(len)
 *
 * Little-endian.
 */
#ifndef CODEC_REQUEST_H
#define CODEC_REQUEST_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

#define PARCEL_HEADER_SIZE    28
#define REQUEST_HEADER_SIZE   24
#define REQUEST_ARGC_MAX      (1024 * 1024)
#define REQUEST_ONCE_LEN_MAX  64
#define REQUEST_DATABASES     16
#define REQUEST_FLAG_ONCE     0x01 /* once_client, once_id are set */
#define REQUEST_FLAG_INTERNAL 0x02 /* the node's own, not a client's */

struct request_parcel {
    node_id node;
    uint64_t incarnation;
    uint64_t first_seq;
    uint32_t count;
    struct bytes requests; /* borrowed */
};

struct request {
    uint8_t flags;
    uint8_t db; /* below REQUEST_DATABASES */
    uint64_t once_id;
    uint32_t once_ttl_s;      /* how long the result is kept: in the request, so
                                 that no replica's configuration matters; not 0
                                 with the flag */
    struct bytes once_client; /* borrowed */
    uint32_t argc;            /* at least 1 */
    struct bytes args;        /* borrowed; argc times len(4) bytes, checked */
};

/* Begins a parcel at the end of out: count and length are 0 until
 * request_parcel_end(). Returns where it begins. */
size_t request_parcel_begin(struct buf *out, node_id node, uint64_t incarnation,
                            uint64_t first_seq);
void request_encode(struct buf *out, const struct request *head,
                    const struct bytes *argv);
/* The bytes that request_encode() would append, and `len` of them from
 * `offset` on. */
size_t request_encoded_size(const struct request *head,
                            const struct bytes *argv);
void request_encode_part(struct buf *out, const struct request *head,
                         const struct bytes *argv, size_t offset, size_t len);
void request_parcel_end(struct buf *out, size_t begin, uint32_t count);

/* Reads one parcel (one request) off the front of *bytes and moves *bytes
 * past it. ERR_CORRUPT when it is cut short or its lengths disagree. A parcel
 * decodes only if all its requests do: what a peer forwards is checked once,
 * before it enters the log. */
/*@ requires \valid(bytes) && \valid(out) && readable(*bytes);
  @ requires \separated(bytes, out);
  @ assigns *bytes, *out;
  @ ensures readable(*bytes);
  @ ensures bytes->len <= \old(bytes->len);
  @ ensures \result == 0 ==> out->count > 0 && out->node != NODE_NONE;
  @ ensures \result == 0 ==> out->first_seq + out->count <= UINT64_MAX;
  @ ensures \result == 0 ==> readable(out->requests);
  @ ensures \result == 0 ==>
  @     out->requests.data == \old(bytes->data) + PARCEL_HEADER_SIZE;
  @ ensures \result == 0 ==> bytes->len ==
  @     \old(bytes->len) - PARCEL_HEADER_SIZE - out->requests.len;
  @ ensures \result != 0 ==> *bytes == \old(*bytes); */
MUST_USE int request_parcel_decode(struct bytes *bytes,
                                   struct request_parcel *out);
/* The same, but the requests are not checked: for callers that then decode each
 * of them, and see that nothing is left. */
MUST_USE int request_parcel_head(struct bytes *bytes,
                                 struct request_parcel *out);
/* ERR_CORRUPT unless it is the payload of an entry: parcels that decode, at
 * least one, and nothing else. */
MUST_USE int request_parcels_check(struct bytes payload);
/*@ requires \valid(bytes) && \valid(out) && readable(*bytes);
  @ requires \separated(bytes, out);
  @ assigns *bytes, *out;
  @ ensures readable(*bytes);
  @ ensures bytes->len <= \old(bytes->len);
  @ ensures \result == 0 ==> 0 < out->argc <= REQUEST_ARGC_MAX;
  @ ensures \result == 0 ==> out->db < REQUEST_DATABASES;
  @ ensures \result == 0 ==> readable(out->args);
  @ ensures \result == 0 ==> readable(out->once_client);
  @ ensures \result == 0 ==> out->once_client.len <= REQUEST_ONCE_LEN_MAX;
  @ ensures \result == 0 ==>
  @     out->args.len + out->once_client.len + REQUEST_HEADER_SIZE ==
  @         \old(bytes->len) - bytes->len;
  @ ensures \result != 0 ==> *bytes == \old(*bytes); */
MUST_USE int request_decode(struct bytes *bytes, struct request *out);

/* The next argument; the caller counts to argc. */
/*@ requires \valid(args) && readable(*args);
  @ requires args->len >= 4 && le32(args->data, 4) <= args->len - 4;
  @ assigns *args;
  @ ensures readable(\result) && readable(*args);
  @ ensures \result.data == \old(args->data) + 4 &&
  @     \result.len == le32{Pre}(\old(args->data), 4);
  @ ensures args->len == \old(args->len) - 4 - \result.len; */
struct bytes request_arg(struct bytes *args);

#endif
