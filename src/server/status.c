/*
 * What the commands of the server (src/admin) see of it; see command.h.
 *
 * How it fails: it cannot.
 */
#include "os/process.h"
#include "server/server_internal.h"

struct config *server_config(const struct server *s)
{
    return s->config;
}

const struct logger *server_log(const struct server *s)
{
    return s->log;
}

struct node *server_node(const struct server *s)
{
    ASSERT(s->node != NULL); /* no command is executed before the start */
    return s->node;
}

struct stats *server_stats(struct server *s)
{
    return &s->stats;
}

bool server_peer_info(const struct server *s, node_id id, struct peer_info *out)
{
    if (s->peers == NULL)
        return false;
    for (size_t i = 0; peers_info(s->peers, i, out); i++)
        if (out->id == id)
            return true;
    return false;
}

void server_status(struct server *s, struct server_status *out)
{
    uint64_t resident = process_resident_bytes();
    s->resident_peak_bytes = MAX(s->resident_peak_bytes, resident);
    *out = (struct server_status){
        .run_id = s->run_id,
        .executable = s->options.executable,
        .uptime_ms = s->mono_ms - s->start_mono_ms,
        .clients = s->client_count,
        .clients_bytes = s->clients_bytes,
        .max_input_bytes = s->max_input_bytes,
        .max_output_bytes = s->max_output_bytes,
        .waiting_clients = s->blocked_clients,
        .resident_bytes = resident,
        .resident_peak_bytes = s->resident_peak_bytes,
        .disk_free_bytes = s->disk_free_bytes,
        .disk_short = limits_disk_short(s),
    };
    ASSERT(out->uptime_ms >= 0);
}
