/*
 * What two members say before they trust each other, and the pieces of a
 * large frame: the payloads of FRAME_HELLO, FRAME_WELCOME, FRAME_PROOF and
 * FRAME_FRAGMENT (codec/frame.h). Little-endian, every byte written, every
 * spare byte zero and checked.
 *
 * PROTOCOL_VERSION is the version of all that the frames carry (that of the
 * frame itself is FRAME_VERSION). The hello has the same layout in all
 * versions, so that a node of another version is rejected with the reason, and
 * not as a corrupt stream.
 * 1: Raft messages of 256 bytes. 2: a beat after each Raft message. 3: large
 * requests in parts. 4: entries with the wall clock's offset. 5: Raft messages
 * of 272 bytes, which tell of a state that is being fetched; entries that say
 * who the members are. 6: greetings. 7: states from member to member.
 * 8: greetings that say where to dial. 9: lives that are asked for.
 * 10: greetings that tell of levels.
 *
 * hello, HELLO_SIZE = 136 bytes:
 *    0  version_min(1)
 *    1  version_max(1)
 *    2  secured(1)
 *    3  zero(1)
 *    4  from(4)
 *    8  to(4)
 *   12  client_port(2)
 *   14  zero(2)
 *   16  cluster_id(8)
 *   24  from_incarnation(8)
 *   32  to_incarnation(8)
 *   40  nonce(32)
 *   72  client_host(64)
 *
 * proof:
 *    0  mac(32)
 *
 * fragment:
 *    0  id(8)
 *    8  offset(4)
 *   12  total(4)
 *   16  type(1)
 *   17  zero(3)
 *   20  len(4)
 *   24  data(len)
 *
 * Decoding expects exactly the whole payload; ERR_CORRUPT if it is shorter or
 * longer. Nothing is allocated.
 */
#ifndef CODEC_HELLO_H
#define CODEC_HELLO_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

#define PROTOCOL_VERSION     10
#define HELLO_SIZE           136
#define HELLO_HOST_SIZE      64 /* with the NUL */
#define HELLO_NONCE_SIZE     32
#define PROOF_SIZE           32
#define FRAGMENT_HEADER_SIZE 24
#define FRAGMENT_TOTAL_MAX   (640u * 1024u * 1024u)

struct hello {
    uint8_t version_min; /* of the protocols it speaks, min <= max */
    uint8_t version_max;
    uint64_t cluster_id; /* 0: blank, it belongs to none yet */
    node_id from;
    node_id to;                /* NODE_NONE: whoever is there */
    uint64_t from_incarnation; /* never 0, blank or not */
    uint64_t to_incarnation;   /* 0: not known yet */
    uint8_t nonce[HELLO_NONCE_SIZE];
    bool secured; /* wants a proof, and will give one */
    uint16_t client_port;
    char client_host[HELLO_HOST_SIZE]; /* ends in a NUL; may be empty */
};

struct proof {
    uint8_t mac[PROOF_SIZE];
};

/* A piece of a frame whose payload is `total` bytes long. */
struct fragment {
    uint64_t id;       /* of the whole, chosen by its sender */
    uint32_t offset;   /* of this piece in it */
    uint32_t total;    /* 1..FRAGMENT_TOTAL_MAX */
    uint8_t type;      /* of the whole: FRAME_RAFT, _FORWARD, _SNAPSHOT */
    struct bytes data; /* borrowed; never empty, ends at total at most */
};

/* The same record serves FRAME_HELLO and FRAME_WELCOME. The decoded host is
 * printable ASCII without spaces, ends in a NUL and is followed by zeros. */
void hello_encode(const struct hello *h, struct buf *out);
MUST_USE int hello_decode(struct bytes b, struct hello *out);

void proof_encode(const struct proof *p, struct buf *out);
/*@ requires readable(b) && \valid(out);
  @ requires \separated(out, b.data + (0 .. b.len - 1));
  @ assigns *out;
  @ ensures \result == 0 <==> b.len == PROOF_SIZE;
  @ ensures \result == 0 ==> (\forall integer i;
  @     0 <= i < PROOF_SIZE ==> out->mac[i] == b.data[i]); */
MUST_USE int proof_decode(struct bytes b, struct proof *out);

/* Asserts what decoding checks. `total` is a claim: whoever collects the
 * pieces allocates with what has arrived, not by it. */
void fragment_encode(const struct fragment *f, struct buf *out);
/*@ requires readable(b) && \valid(out);
  @ assigns *out;
  @ ensures \result == 0 ==> 0 < out->total <= FRAGMENT_TOTAL_MAX;
  @ ensures \result == 0 ==> out->offset + out->data.len <= out->total;
  @ ensures \result == 0 ==>
  @     out->data.data == b.data + FRAGMENT_HEADER_SIZE;
  @ ensures \result == 0 ==>
  @     out->data.len == b.len - FRAGMENT_HEADER_SIZE; */
MUST_USE int fragment_decode(struct bytes b, struct fragment *out);

#endif
