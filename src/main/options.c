/*
 * What each room is told, made from the options of the configuration.
 *
 * The sizes belong together: what one node may put into a message, the others
 * must accept. They follow from proto-max-bulk-len and entry-size-max, which
 * should therefore be the same on all nodes.
 *
 * Nothing here fails: config_load() has refused every form that is wrong, so an
 * address that cannot be split, or a node without a line of its own, is an
 * assertion.
 */
#include "main/options.h"

#include "base/hash.h"
#include "base/hostport.h"
#include "os/clock.h"
#include "os/entropy.h"

#include <stdio.h>
#include <string.h>

#define MB ((uint64_t)1024 * 1024)

/* The longest value that proto-max-bulk-len may ever allow fits. The same on
 * all nodes, whatever their configuration: what one accepts from its clients,
 * the others must take from it. */
#define REQUEST_BYTES_MAX (576 * MB)

/* An entry is closed when it has reached entry-size-max (16 MiB at most), by
 * a parcel that may have been just below that, and whose last request may be
 * the largest. */
#define PAYLOAD_BYTES_MAX (REQUEST_BYTES_MAX + 3 * 16 * MB + MB)

_Static_assert(CONFIG_NODES_MAX == RAFT_NODES_MAX,
               "the configuration allows as many members as the core");

/* Tables and write-ahead logs are parts of the disk, or what is in memory and
 * on its way could not be written any more when the disk is nearly full. */
#define DISK_TABLES 32 /* the disk has so many times the tables in memory */
#define DISK_LOGS   64 /* and so many write-ahead logs */

static uint64_t part_of(uint64_t disk_bytes, uint64_t parts, uint64_t usual)
{
    if (disk_bytes == 0)
        return usual;
    return MIN(usual, MAX(disk_bytes / parts, MB));
}

struct rocks_options options_of_store(const struct config *c,
                                      uint64_t disk_bytes)
{
    ASSERT(c->state_memory_bytes > 0);
    struct rocks_options o = {
        .state_memory_bytes =
            part_of(disk_bytes, DISK_TABLES, c->state_memory_bytes),
        .log_memory_bytes = part_of(disk_bytes, DISK_LOGS, 32 * MB),
        .block_cache_bytes = c->block_cache_bytes,
        .disk_bytes = disk_bytes,
        .shares = (uint32_t)c->node_count,
        .create = true,
    };
    for (size_t i = 0; i < c->node_count; i++)
        o.share += c->nodes[i].id < c->node_id;
    return o;
}

/* The directory is blank until they have been met. */
static bool has_others(const struct config *c)
{
    return c->node_count > 1 || c->join[0] != '\0';
}

struct node_boot options_of_boot(const struct config *c)
{
    struct directory_id directory = {entropy_u64(), entropy_u64()};
    uint64_t cluster_id = MAX(entropy_u64(), (uint64_t)1);
    ASSERT(c->node_count <= CONFIG_NODES_MAX);
    return (struct node_boot){
        .self = c->node_id,
        .cluster_id = has_others(c) ? 0 : cluster_id,
        .label = c->cluster_id,
        .directory = directory,
        .nonce = MAX(entropy_u64(), (uint64_t)1),
    };
}

/* Texts that are too long, or not printable, are left to what is known. */
void options_of_admit(const struct config *c, const struct identity *identity,
                      struct admit *out)
{
    const struct config_node *self = config_self(c);
    ASSERT(self != NULL && self->id == identity->node);
    *out = (struct admit){
        .id = self->id,
        .directory = identity->directory,
        .level_min = LEVEL_MIN,
        .level_max = LEVEL_MAX,
    };
    bool fits =
        member_set_text(out->peer_address, sizeof(out->peer_address),
                        self->peer_address) &&
        (self->client_address == NULL ||
         member_set_text(out->client_address, sizeof(out->client_address),
                         self->client_address));
    UNUSED(fits);
}

struct node_options options_of_node(const struct config *c,
                                    const struct identity *identity)
{
    struct node_options o = {
        .cluster_id = identity->cluster_id,
        .self = identity->node,
        .incarnation = identity->incarnation,
        .directory = identity->directory,
        .nonce = identity->nonce,
        .member_count = 1,
        .election_timeout_ms = c->election_timeout_ms,
        .heartbeat_ms = c->heartbeat_interval_ms,
        .peer_down_delay_ms = c->peer_down_delay_ms,
        .disk_timeout_ms = c->disk_timeout_ms,
        .request_timeout_ms = c->request_timeout_ms,
        .request_bytes_max = REQUEST_BYTES_MAX,
        .entry_bytes_max = c->entry_size_max_bytes,
        .pending_bytes_max = 64 * MB,
        .log_bytes_soft = c->log_size_bytes,
        .log_bytes_hard = c->log_size_max_bytes,
        .log_cut_margin = 1000,
        .log_cache_bytes = 32 * MB,
        .now_ms = clock_mono_ms(),
        .once_ttl_s = c->once_ttl_s,
        .read_mode =
            c->read_mode == CONFIG_READ_STALE ? READ_STALE : READ_INDEX,
        .seed = entropy_u64(),
    };
    o.members[0] = identity->node;
    if (c->node_count > 0)
        o.member_count = (uint32_t)c->node_count;
    for (size_t i = 0; i < c->node_count; i++) {
        const struct config_node *line = &c->nodes[i];
        o.members[i] = line->id;
        if (line->has_priority)
            o.priorities[o.priority_count++] =
                (struct node_priority){line->id, line->priority};
    }
    return o;
}

/* Where clients find this node: as its line says, or on the host of its peer
 * address at the option port. */
static void set_client_address(const struct config_node *self,
                               const struct config *c,
                               struct peer_settings *out)
{
    struct bytes text =
        bytes_str(self->client_address != NULL ? self->client_address
                                               : self->peer_address);
    struct bytes host = BYTES_NONE;
    uint16_t port = 0;
    bool ok = hostport_split(text, &host, &port);
    ASSERT(ok); /* the form was checked by config_load */
    snprintf(out->client_host, sizeof(out->client_host), "%.*s", (int)host.len,
             (const char *)host.data);
    out->options.client_host = out->client_host;
    out->options.client_port =
        self->client_address != NULL ? port : (uint16_t)c->port;
}

/* What nodes compare of the option cluster-id; 0: it is not given. */
static uint64_t label_of(const char *name)
{
    ASSERT(name != NULL);
    return name[0] == '\0' ? 0 : MAX(hash64(bytes_str(name)), (uint64_t)1);
}

/* Whom a blank node asks, without knowing who they are. */
static void set_seeds(const struct config *c, struct peer_settings *out)
{
    struct bytes seed;
    for (size_t i = 0; config_seed(c, i, &seed); i++) {
        ASSERT(i < CONFIG_NODES_MAX && seed.len < PEER_SEED_SIZE);
        memcpy(out->seeds[i], seed.data, seed.len);
        out->options.seed_count = i + 1;
    }
}

void options_of_peers(const struct config *c, const struct identity *identity,
                      struct peer_settings *out)
{
    const struct config_node *self = config_self(c);
    ASSERT(self != NULL && self->id == identity->node);
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < c->node_count; i++)
        out->members[i] =
            (struct peer_member){c->nodes[i].id, c->nodes[i].peer_address};
    out->options = (struct peers_options){
        .cluster_id = identity->cluster_id,
        .self = identity->node,
        .incarnation = identity->incarnation,
        .label = label_of(c->cluster_id),
        .directory = identity->directory,
        .nonce = identity->nonce,
        .listen_address = self->peer_address,
        .secret = c->peer_secret,
        .queue_bytes_max = c->peer_queue_max_bytes,
        .payload_bytes_max = PAYLOAD_BYTES_MAX,
        .forced = c->bootstrap && identity->cluster_id == 0,
        .members = out->members,
        .member_count = c->node_count,
        .seeds = out->seeds,
    };
    set_seeds(c, out);
    set_client_address(self, c, out);
}
