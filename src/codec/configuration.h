/*
 * The configuration of the cluster: who its members are, and what all of them
 * understand. It is the payload of an entry of the log (ENTRY_CONFIG), which
 * counts from its append on; then a row of the state, once it is applied. It is
 * always whole, never a change to another one.
 *
 * configuration, CONFIGURATION_HEAD_SIZE = 4:
 *    0  version(1), CONFIGURATION_VERSION
 *    1  count(1), of members
 *    2  level(2)
 *    4  members, ascending by id, each:
 *        0  id(4)
 *        4  roles(1)
 *        5  priority(1)
 *        6  level_min(2)
 *        8  level_max(2)
 *       10  life(4)
 *       14  directory(16)
 *       30  peer_len(1)    peer_address(peer_len)
 *           client_len(1)  client_address(client_len)
 *           zone_len(1)    zone(zone_len)
 *
 * Little-endian. At most CONFIGURATION_SIZE_MAX bytes.
 *
 * The level (base/level.h) is raised when all members can execute it, and never
 * lowered; a program that cannot execute the one in force takes no part. For
 * the entries that follow, it counts once this one is applied (data/level.h).
 */
#ifndef CODEC_CONFIGURATION_H
#define CODEC_CONFIGURATION_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/level.h"
#include "base/reader.h"
#include "codec/directory.h"
#include "raft/raft.h"

#define CONFIGURATION_VERSION      1
#define CONFIGURATION_HEAD_SIZE    4
#define CONFIGURATION_SIZE_MAX     4096
#define CONFIGURATION_ADDRESS_SIZE 128 /* with the NUL */
#define CONFIGURATION_ZONE_SIZE    32  /* with the NUL */
/* A life is the upper half of an incarnation, which is below 2^63. */
#define CONFIGURATION_LIFE_MAX INT32_MAX

/* Who leads: src/node/node_priority.c. */
#define MEMBER_PRIORITY_USUAL 100

enum member_roles {
    MEMBER_VOTER = 1 << 0,    /* of the set that is to decide */
    MEMBER_OUTGOING = 1 << 1, /* of the one before, while members are joint */
    MEMBER_LEAVING = 1 << 2,  /* of neither, and will be no member: so that it
                                 learns of it */
    MEMBER_ROLES = (1 << 3) - 1,
};

/* Texts end in a NUL and are followed by zeros: two equal ones are equal as
 * bytes. An address may be empty: not known. */
struct member {
    node_id id;
    uint8_t roles; /* of enum member_roles; none: a learner */
    uint8_t priority;
    uint16_t level_min; /* what its program can execute, as it said last */
    uint16_t level_max;
    uint32_t life;
    struct directory_id directory; /* that this life was granted to */
    char peer_address[CONFIGURATION_ADDRESS_SIZE];
    char client_address[CONFIGURATION_ADDRESS_SIZE];
    char zone[CONFIGURATION_ZONE_SIZE];
};

struct configuration {
    uint16_t level;
    uint32_t count;
    struct member members[RAFT_NODES_MAX]; /* the rest is zero */
};

/* As many bytes as configuration_encode() appends. */
size_t configuration_size(const struct configuration *c);
/* Asserts what decoding checks: see configuration_valid(). */
void configuration_encode(const struct configuration *c, struct buf *out);
/* The whole of `b`. ERR_CORRUPT: another version, cut short, too long, too many
 * members, or what configuration_valid() refuses. */
MUST_USE int configuration_decode(struct bytes b, struct configuration *out);

/* Ids ascending, a voter, roles and texts that are some, levels that are in
 * order, a record that is not too long. */
bool configuration_valid(const struct configuration *c);

/* The member with this id; NULL: there is none. */
struct member *configuration_member(struct configuration *c, node_id id);
const struct member *configuration_find(const struct configuration *c,
                                        node_id id);
/* All of them vote, in their first life, with the usual priority, and nothing
 * else is known. */
void configuration_of(struct configuration *c, const node_id *ids,
                      uint32_t count);
/* What the core knows of it. */
void configuration_members(const struct configuration *c,
                           struct raft_members *out);
/* A text of a member becomes this one. False: it does not fit, or has bytes
 * that are not printable. */
MUST_USE bool member_set_text(char *field, size_t size, const char *text);

/* Such a text by itself: a length in one byte, then its bytes. `out` is zero
 * before it is decoded. */
bool member_text_valid(const char *text, size_t size);
void member_text_encode(const char *text, struct buf *out);
MUST_USE bool member_text_decode(struct reader *r, char *out, size_t size);

#endif
