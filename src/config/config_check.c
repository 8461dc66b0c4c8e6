/*
 * Rules that concern more than one option. Each says what is wrong and what
 * would be right; the first broken one is reported.
 *
 * How it fails: ERR_INVALID with that line in `error`. Nothing is changed here:
 * the caller refuses the start, or puts the old values back.
 */
#include "config/config_table.h"

#include <inttypes.h>
#include <string.h>

static int refuse(struct buf *error)
{
    ASSERT(error->len > 0);
    return ERR_INVALID;
}

static uint16_t port_of(const char *address)
{
    struct bytes host;
    uint16_t port = 0;
    bool ok = option_address(bytes_str(address), &host, &port);
    ASSERT(ok); /* checked when it was set */
    return port;
}

static bool same_address(const char *a, const char *b)
{
    return a != NULL && b != NULL &&
           bytes_eq_nocase(bytes_str(a), bytes_str(b));
}

static int check_pair(const struct config_node *a, const struct config_node *b,
                      struct buf *error)
{
    const char *twice = NULL;
    if (a->id == b->id) {
        buf_printf(error, "node id %" PRIu32 " is given twice", a->id);
        return refuse(error);
    }
    if (same_address(a->peer_address, b->peer_address) ||
        same_address(a->peer_address, b->client_address))
        twice = a->peer_address;
    else if (same_address(a->client_address, b->client_address) ||
             same_address(a->client_address, b->peer_address))
        twice = a->client_address;
    if (twice == NULL)
        return 0;
    buf_printf(error,
               "nodes %" PRIu32 " and %" PRIu32 " have the same address %s",
               a->id, b->id, twice);
    return refuse(error);
}

static int check_nodes(const struct config *c, struct buf *error)
{
    if (c->node_count > CONFIG_NODES_MAX) {
        buf_printf(error, "%zu node lines, but a cluster has at most %d nodes",
                   c->node_count, CONFIG_NODES_MAX);
        return refuse(error);
    }
    for (size_t i = 0; i < c->node_count; i++) {
        const struct config_node *n = &c->nodes[i];
        if (same_address(n->peer_address, n->client_address)) {
            buf_printf(error,
                       "node %" PRIu32 " has %s for peers and for clients: "
                       "two ports are needed",
                       n->id, n->peer_address);
            return refuse(error);
        }
        for (size_t j = 0; j < i; j++) {
            int err = check_pair(&c->nodes[j], n, error);
            if (err != 0)
                return err;
        }
    }
    return 0;
}

static int check_self(const struct config *c, struct buf *error)
{
    const struct config_node *self = config_self(c);
    if (c->node_count == 0)
        return 0;
    if (self == NULL) {
        buf_printf(error,
                   "node-id is %" PRIu32 ", but no node line has this id",
                   c->node_id);
        return refuse(error);
    }
    if (c->port != 0 && port_of(self->peer_address) == c->port) {
        buf_printf(error,
                   "port %" PRIu32 " is this node's peer port as well (node "
                   "%" PRIu32 " %s): two ports are needed",
                   c->port, self->id, self->peer_address);
        return refuse(error);
    }
    return 0;
}

/* Who is to be asked, and how they reach this node. */
static int check_join(const struct config *c, struct buf *error)
{
    struct bytes host;
    struct bytes seed;
    uint16_t port;
    size_t count = 0;
    if (c->join[0] == '\0')
        return 0;
    for (; config_seed(c, count, &seed); count++) {
        if (!option_address(seed, &host, &port)) {
            buf_printf(error,
                       "join has '%.*s', and takes HOST:PORT,... of members, "
                       "with the ports that they have for each other",
                       (int)seed.len, (const char *)seed.data);
            return refuse(error);
        }
    }
    if (count == 0 || count > CONFIG_NODES_MAX) {
        buf_printf(error, "join takes 1 to %d addresses", CONFIG_NODES_MAX);
        return refuse(error);
    }
    if (c->node_count == 0) {
        buf_printf(error,
                   "with join this node's own line is needed: node %" PRIu32
                   " HOST:PORT, where the other members reach it",
                   c->node_id);
        return refuse(error);
    }
    if (c->bootstrap) {
        buf_str(error, "join asks for a cluster that there is, and bootstrap "
                       "begins one: leave one of them out");
        return refuse(error);
    }
    return 0;
}

static int check_times(const struct config *c, struct buf *error)
{
    ASSERT(c->election_timeout_ms > 0);
    if (c->heartbeat_interval_ms > c->election_timeout_ms / 3) {
        buf_printf(error,
                   "heartbeat-interval %" PRIu32 " must be at most a third of "
                   "election-timeout %" PRIu32,
                   c->heartbeat_interval_ms, c->election_timeout_ms);
        return refuse(error);
    }
    return 0;
}

static int check_sizes(const struct config *c, struct buf *error)
{
    if (c->log_size_bytes > c->log_size_max_bytes) {
        buf_printf(error,
                   "log-size %" PRIu64 " must not be above log-size-max "
                   "%" PRIu64,
                   c->log_size_bytes, c->log_size_max_bytes);
        return refuse(error);
    }
    if (c->entry_size_max_bytes > c->log_size_bytes) {
        buf_printf(error,
                   "entry-size-max %" PRIu64 " must not be above log-size "
                   "%" PRIu64,
                   c->entry_size_max_bytes, c->log_size_bytes);
        return refuse(error);
    }
    if (c->proto_max_bulk_len_bytes > c->log_size_max_bytes / 2) {
        buf_printf(error,
                   "proto-max-bulk-len %" PRIu64 " must be at most half of "
                   "log-size-max %" PRIu64,
                   c->proto_max_bulk_len_bytes, c->log_size_max_bytes);
        return refuse(error);
    }
    return 0;
}

static int check_process(const struct config *c, struct buf *error)
{
    if (c->port == 0 && c->unixsocket[0] == '\0') {
        buf_str(error, "port 0 and no unixsocket: nothing to listen on");
        return refuse(error);
    }
    if (c->dir[0] == '\0') {
        buf_str(error, "dir is empty: name the directory of the data");
        return refuse(error);
    }
    if (c->daemonize && c->supervised == CONFIG_SUPERVISED_SYSTEMD) {
        buf_str(error, "daemonize yes and supervised systemd exclude each "
                       "other");
        return refuse(error);
    }
    return 0;
}

int config_check(const struct config *c, struct buf *error)
{
    ASSERT(c != NULL && error != NULL);
    int (*const checks[])(const struct config *, struct buf *) = {
        check_nodes, check_self,  check_join,
        check_times, check_sizes, check_process};
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        int err = checks[i](c, error);
        if (err != 0)
            return err;
    }
    return 0;
}
