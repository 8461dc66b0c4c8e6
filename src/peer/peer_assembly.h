/*
 * Puts the fragments of one payload together. Memory follows the bytes that
 * have arrived (at most twice as many, and never more than the claimed total),
 * not the claim; the claim itself is bounded, too. Up to PEER_ASSEMBLY_KEPT
 * bytes of memory are kept for the next payload.
 */
#ifndef PEER_PEER_ASSEMBLY_H
#define PEER_PEER_ASSEMBLY_H

#include "base/base.h"
#include "base/buf.h"
#include "codec/hello.h"

/* More than a full append message. */
#define PEER_ASSEMBLY_KEPT ((size_t)2 * 1024 * 1024)

struct peer_assembly {
    struct buf data;
    uint64_t id;    /* of the current payload, or the last one */
    uint32_t total; /* 0: none is underway */
    uint8_t type;
};

/* 1: the payload is complete in `data`, until peer_assembly_reset(). 0: more
 * is to come. ERR_PROTOCOL: not the fragment that may come now. ERR_TOO_BIG:
 * a payload of more than payload_bytes_max. */
MUST_USE int peer_assembly_add(struct peer_assembly *a,
                               const struct fragment *f,
                               uint64_t payload_bytes_max);
/* Ready for the next payload. */
void peer_assembly_reset(struct peer_assembly *a);
/* The same, and frees all memory. */
void peer_assembly_release(struct peer_assembly *a);

#endif
