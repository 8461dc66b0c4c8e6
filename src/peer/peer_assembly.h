/*
 * Puts the fragments of one payload together. Memory grows with what has
 * arrived (to twice that, and never above the claimed total), not with what
 * was claimed, and the claim itself is bounded. Memory up to
 * PEER_ASSEMBLY_KEPT stays for the next payload.
 */
#ifndef PEER_PEER_ASSEMBLY_H
#define PEER_PEER_ASSEMBLY_H

#include "base/base.h"
#include "base/buf.h"
#include "codec/hello.h"

/* A full append message, and some. */
#define PEER_ASSEMBLY_KEPT ((size_t)2 * 1024 * 1024)

struct peer_assembly {
    struct buf data;
    uint64_t id;    /* of the current payload, or the last one */
    uint32_t total; /* 0: none is underway */
    uint8_t type;
};

/* 1: the payload is complete in `data`, until peer_assembly_reset(). 0: more
 * is to come. ERR_PROTOCOL: not the fragment that can come now. ERR_TOO_BIG:
 * a payload of more than payload_bytes_max. */
MUST_USE int peer_assembly_add(struct peer_assembly *a,
                               const struct fragment *f,
                               uint64_t payload_bytes_max);
/* Ready for the next payload. */
void peer_assembly_reset(struct peer_assembly *a);
/* As that, and gives all memory back. */
void peer_assembly_release(struct peer_assembly *a);

#endif
