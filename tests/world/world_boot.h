/*
 * Starts a node over what a test gives it, as main/vard.c does over files and
 * sockets: boots the store (incarnation, identity, watermark), then the node.
 */
#ifndef TESTS_WORLD_BOOT_H
#define TESTS_WORLD_BOOT_H

#include "node/node.h"
#include "world/world_disk.h"

#define WORLD_CLUSTER_ID 77
#define WORLD_WALL_MS    INT64_C(1000000) /* a wall clock at monotonic 0 */

struct world_boot {
    /* Identity, members and watermark are filled in: the members are 0 to
     * member_count - 1. */
    struct node_options options;
    /* `disk` is filled in, and the events as below. */
    struct node_env env;
    struct world_disk *disk;
    uint32_t life; /* that it was granted, and begins; 0: it goes on */
    /* With it; NULL: nothing but the life is known. A grant that is kept in
     * the store says who the members are, as in main/vard.c. */
    const struct configuration *members;
    uint64_t nonce;
};

/* What node_boot() or node_new() says, with a text in *error. Then the node
 * is NULL; *how tells its incarnation in any case where it was booted. */
MUST_USE int world_boot(struct node **out, struct world_boot *how,
                        struct buf *error);

/* What is NULL of the callbacks that a test may do without does nothing. */
void world_fill_events(struct node_events *e);

/* What most tests start with: short timeouts, no bounds that they meet. */
struct node_options world_options(node_id self, uint32_t member_count);

#endif
