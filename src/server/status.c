/*
 * What the commands of the server (src/admin) see of it; see command.h. Also
 * what a server is born with.
 *
 * How it fails: it cannot.
 */
#include "base/rng.h"
#include "os/process.h"
#include "server/server_internal.h"

void birth_init(struct server *s)
{
    struct birth *id = &s->birth;
    uint64_t rng = s->options.seed;
    ASSERT(s->turn.is_set);
    id->start_ms = s->turn.mono_ms;
    for (size_t i = 0; i < sizeof(id->run_id) - 1; i++)
        id->run_id[i] = "0123456789abcdef"[rng_below(&rng, 16)];
    ASSERT(id->run_id[sizeof(id->run_id) - 1] == '\0');
}

struct config *server_config(const struct server *s)
{
    return s->options.config;
}

const struct logger *server_log(const struct server *s)
{
    return s->options.log;
}

struct node *server_node(const struct server *s)
{
    ASSERT(s->node != NULL); /* no command is executed before the start */
    return s->node;
}

uint16_t server_level(const struct server *s)
{
    ASSERT(s->node != NULL || s->waiting[0] != '\0');
    return s->node != NULL ? node_level(s->node) : LEVEL_MIN;
}

const char *server_waiting(const struct server *s)
{
    ASSERT(s->node != NULL || s->waiting[0] != '\0');
    return s->node != NULL ? NULL : s->waiting;
}

struct stats *server_stats(struct server *s)
{
    return &s->stats;
}

void server_stats_reset(struct server *s)
{
    ASSERT(s->node != NULL);
    stats_reset(&s->stats);
    s->stats.tally_before = node_tally(s->node);
}

struct keyspace_tally server_tally(const struct server *s)
{
    struct keyspace_tally now = node_tally(s->node);
    const struct keyspace_tally *before = &s->stats.tally_before;
    ASSERT(now.hits >= before->hits && now.misses >= before->misses);
    ASSERT(now.expired >= before->expired);
    return (struct keyspace_tally){
        .hits = now.hits - before->hits,
        .misses = now.misses - before->misses,
        .expired = now.expired - before->expired,
        .tickets = now.tickets,
    };
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

static uint64_t links_bytes(const struct server *s)
{
    struct peer_info info;
    uint64_t sum = 0;
    for (size_t i = 0; s->peers != NULL && peers_info(s->peers, i, &info); i++)
        sum += info.queued_bytes;
    return sum;
}

void server_status(struct server *s, struct server_status *out)
{
    uint64_t resident = process_resident_bytes();
    s->cron.resident_peak_bytes = MAX(s->cron.resident_peak_bytes, resident);
    struct node_status st = cron_look_synced(s);
    *out = (struct server_status){
        .run_id = s->birth.run_id,
        .executable = s->options.executable,
        .uptime_ms = s->turn.mono_ms - s->birth.start_ms,
        .clients = s->clients.count,
        .clients_bytes = s->clients.bytes,
        .max_input_bytes = s->limits.max_input_bytes,
        .max_output_bytes = s->limits.max_output_bytes,
        .waiting_clients = s->limits.waiting,
        .blocked_clients = s->blocked.count,
        .timed_clients = s->blocked.timed,
        .resident_bytes = resident,
        .resident_start_bytes = s->cron.resident_start_bytes,
        .links_bytes = links_bytes(s),
        .resident_peak_bytes = s->cron.resident_peak_bytes,
        .unsynced_entries = st.last - st.durable,
        .synced_ms = s->cron.synced_ms,
        .disk_free_bytes = s->disk.free_bytes,
        .disk_promised_bytes = s->disk.promised_bytes,
        .disk_short = disk_floor_short(s),
        .disk_short_here = s->disk.is_short,
    };
    ASSERT(out->uptime_ms >= 0);
}
