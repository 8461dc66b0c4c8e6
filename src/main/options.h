/*
 * From the configuration of the operator to the options of the rooms.
 */
#ifndef MAIN_OPTIONS_H
#define MAIN_OPTIONS_H

#include "base/base.h"
#include "codec/record.h"
#include "config/config.h"
#include "node/node.h"
#include "node/node_boot.h"
#include "peer/peer.h"
#include "rocks/rocks.h"

/* `disk_bytes`: the size of the file system with the data; 0: not known. */
struct rocks_options options_of_store(const struct config *c,
                                      uint64_t disk_bytes);
/* A node on its own begins a cluster at once, with an id that is drawn; a
 * member of several only when they have met. */
struct node_boot options_of_boot(const struct config *c);
/* What this node says when it asks to be let in. */
void options_of_admit(const struct config *c, const struct identity *identity,
                      struct admit *out);
struct node_options options_of_node(const struct config *c,
                                    const struct identity *identity);

/* Members and texts that peers_options points to. */
struct peer_settings {
    struct peers_options options;
    struct peer_member members[CONFIG_NODES_MAX];
    char seeds[CONFIG_NODES_MAX][PEER_SEED_SIZE];
    char client_host[256];
};

void options_of_peers(const struct config *c, const struct identity *identity,
                      struct peer_settings *out);

#endif
