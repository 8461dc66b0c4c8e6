/*
 * How an empty directory asks for a life, and the answer: the payloads of
 * FRAME_ADMIT and FRAME_GRANT (codec/frame.h). Little-endian.
 *
 * admit:
 *    0  id(4)
 *    4  level_min(2)
 *    6  level_max(2)
 *    8  directory(16)
 *   24  peer_len(1)    peer_address(peer_len)
 *       client_len(1)  client_address(client_len)
 *
 * grant:
 *    0  verdict(1)
 *    1  why_len(1)
 *    2  zero(2)
 *    4  life(4)
 *    8  cluster_id(8)
 *   16  index(8)
 *   24  why(why_len)
 *       configuration (codec/configuration.h), if it is granted
 *
 * Decoding expects the whole payload, and what can be true.
 */
#ifndef CODEC_ADMIT_H
#define CODEC_ADMIT_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "codec/configuration.h"

#define GRANT_WHY_SIZE 256 /* with the NUL */

/* A directory without a memory wants to be the member with this id. It must be
 * a new one, which has never been anything: its id is made when it is. */
struct admit {
    node_id id;
    struct directory_id directory; /* not none */
    uint16_t level_min;            /* what its program can execute */
    uint16_t level_max;
    char peer_address[CONFIGURATION_ADDRESS_SIZE]; /* "": as before */
    char client_address[CONFIGURATION_ADDRESS_SIZE];
};

enum grant_verdict {
    GRANT_GIVEN = 0,
    GRANT_LATER = 1,   /* ask again */
    GRANT_REFUSED = 2, /* an operator has to do something */
    GRANT_VERDICTS,
};

/* With another verdict than GRANT_GIVEN all but `why` is zero. */
struct grant {
    uint8_t verdict; /* of enum grant_verdict */
    uint32_t life;   /* never 0: what is new begins after the first */
    uint64_t cluster_id;
    raft_index index; /* applied up to here, the member may serve */
    struct configuration configuration;
    char why[GRANT_WHY_SIZE]; /* for people */
};

void admit_encode(const struct admit *a, struct buf *out);
MUST_USE int admit_decode(struct bytes b, struct admit *out);
void grant_encode(const struct grant *g, struct buf *out);
MUST_USE int grant_decode(struct bytes b, struct grant *out);

#endif
