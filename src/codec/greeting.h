/*
 * What two members tell each other once they have proved who they are: which
 * directory this is, which start of it, and what the sender knows of the
 * receiver. The payload of FRAME_GREETING (codec/frame.h), one each way, the
 * dialer's first. Little-endian, every spare byte zero and checked.
 *
 * greeting, GREETING_SIZE:
 *    0  cluster_id(8)
 *    8  label(8)
 *   16  members(8)
 *   24  directory(16)
 *   40  nonce(8)
 *   48  flags(1)
 *   49  verdict(1)
 *   50  level(2)  level_min(2)  level_max(2)
 *   56  known_incarnation(8)
 *   64  known_nonce(8)
 *   72  replaced_at(8)
 *   80  members_at(8)
 *   88  address(64)
 *  152  peer_address(128)
 *  280  version(16)
 *  296  receipt: life(4)  zero(4)  term(8)  index(8)  chain(8)
 *  328  founding(344), codec/record.h
 *  672  mac(32)
 *
 * The mac is a proof (peer/peer_auth.h) over HELLO, WELCOME and what precedes
 * it; zeros without a peer-secret. GREETING_BODY_SIZE is what it covers.
 */
#ifndef CODEC_GREETING_H
#define CODEC_GREETING_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "codec/directory.h"
#include "codec/hello.h"
#include "codec/record.h"

#define GREETING_ADDRESS_SIZE 64  /* with the NUL */
#define GREETING_PEER_SIZE    128 /* with the NUL */
#define GREETING_VERSION_SIZE 16  /* with the NUL */
#define GREETING_BODY_SIZE    (328 + FOUNDING_SIZE)
#define GREETING_SIZE         (GREETING_BODY_SIZE + PROOF_SIZE)

/* What the sender thinks of the receiver. All but the first mean: no link. */
enum greeting_verdict {
    GREETING_WELCOME,
    GREETING_NOT_YET,       /* one of the two is blank */
    GREETING_OTHER_CLUSTER, /* or another cluster-id, or other node lines */
    GREETING_OLD,           /* a later start of it, or another one as late, is
                               known: it has an older copy of its data */
    GREETING_TWIN,          /* another process is it, now, at the address */
    GREETING_LINKED,        /* an earlier start of it is linked still */
    GREETING_REPLACED,      /* another directory has its id since an entry */
    GREETING_REMOVED,       /* it is no member, since a committed entry */
    GREETING_LEVEL,         /* its program cannot execute the level in force */
    GREETING_FORGOT,        /* the sender itself lacks what the receiver has a
                               receipt of: it is on an older copy, and ends */
    GREETING_VERDICTS,
};

struct greeting {
    uint64_t cluster_id; /* 0: blank, it belongs to none yet */
    uint64_t label;      /* of the option cluster-id; 0: not given */
    uint64_t members; /* of the ids in its node lines; 0: they do not count */
    struct directory_id directory; /* never none */
    uint64_t nonce;                /* of its start, never 0 */
    bool lost;   /* blank, because what it had was lost: founds nothing */
    bool forced; /* blank, and told to begin without those that are missing */
    enum greeting_verdict verdict;
    uint64_t known_incarnation; /* of the receiver, the highest; 0: none */
    uint64_t known_nonce;       /* of that start; 0: not known */
    uint64_t replaced_at; /* the entry, with GREETING_REPLACED and _REMOVED */
    uint64_t members_at;  /* of the newest configuration in its log; 0: none */
    char address[GREETING_ADDRESS_SIZE];   /* with GREETING_TWIN, else "" */
    char peer_address[GREETING_PEER_SIZE]; /* where to dial it; "": as before */
    uint16_t level;                        /* in force here; 0: not known yet */
    uint16_t level_min, level_max;         /* that its program can execute */
    char version[GREETING_VERSION_SIZE];   /* of its program, not empty */
    struct receipt receipt;   /* of the receiver, `member` is not told */
    struct founding founding; /* of its cluster; count 0: it has none to show */
};

/* Another process is the receiver, now: what else the two know of each other
 * does not count. */
static inline bool greeting_of_twin(const struct greeting *g)
{
    return g->verdict == GREETING_TWIN || g->verdict == GREETING_LINKED;
}

/* Appends the body; the caller adds the mac. */
void greeting_encode(const struct greeting *g, struct buf *out);
/* `b` is a body. ERR_CORRUPT, with *out of no use. */
MUST_USE int greeting_decode(struct bytes b, struct greeting *out);

#endif
