/*
 * One function a section, and a table of them. A section ends with an empty
 * line, but for the last.
 */
#include "admin/info.h"

#include "admin/admin_internal.h"
#include "admin/info_raft.h"
#include "admin/raft.h"
#include "os/clock.h"
#include "os/process.h"

typedef unsigned long long ull;

void info_human(uint64_t bytes, struct buf *out)
{
    static const char units[] = "KMGTP";
    double value = (double)bytes;
    size_t unit = 0;
    if (bytes < 1024) {
        buf_printf(out, "%lluB", (ull)bytes);
        return;
    }
    value /= 1024;
    for (; value >= 1024 && unit + 2 < sizeof(units); unit++)
        value /= 1024;
    ASSERT(unit + 1 < sizeof(units));
    buf_printf(out, "%.2f%c", value, units[unit]);
}

static const char *supervised_text(const struct config *config)
{
    switch (config->supervised) {
    case CONFIG_SUPERVISED_SYSTEMD:
        return "systemd";
    case CONFIG_SUPERVISED_AUTO:
        return "auto";
    default:
        return "no";
    }
}

static void section_server(struct server *s, struct buf *out)
{
    const struct config *config = server_config(s);
    struct server_status st;
    char os[PROCESS_UNAME_MAX];
    server_status(s, &st);
    int64_t up_s = st.uptime_ms / 1000;
    process_uname(os);
    buf_printf(out,
               "redis_version:%s\r\n"
               "vard_version:%s\r\n"
               "redis_mode:standalone\r\n"
               "os:%s\r\n"
               "arch_bits:%d\r\n"
               "process_id:%lld\r\n"
               "process_supervised:%s\r\n"
               "run_id:%s\r\n"
               "tcp_port:%u\r\n"
               "server_time_usec:%lld\r\n"
               "uptime_in_seconds:%lld\r\n"
               "uptime_in_days:%lld\r\n"
               "hz:%u\r\n"
               "configured_hz:%u\r\n"
               "executable:%s\r\n"
               "config_file:%s\r\n",
               SERVER_REDIS_VERSION, VARD_VERSION, os, (int)sizeof(long) * 8,
               (long long)process_id(), supervised_text(config), st.run_id,
               config->port, (long long)clock_wall_us(), (long long)up_s,
               (long long)(up_s / 86400), config->hz, config->hz, st.executable,
               config->file);
}

static void section_clients(struct server *s, struct buf *out)
{
    struct server_status st;
    server_status(s, &st);
    buf_printf(out,
               "connected_clients:%zu\r\n"
               "cluster_connections:0\r\n"
               "maxclients:%u\r\n"
               "client_recent_max_input_buffer:%llu\r\n"
               "client_recent_max_output_buffer:%llu\r\n"
               "blocked_clients:0\r\n"
               "tracking_clients:0\r\n"
               "waiting_clients:%llu\r\n",
               st.clients, server_config(s)->maxclients,
               (ull)st.max_input_bytes, (ull)st.max_output_bytes,
               (ull)st.waiting_clients);
}

static void human_field(struct buf *out, const char *name, uint64_t bytes)
{
    buf_printf(out, "%s:%llu\r\n%s_human:", name, (ull)bytes, name);
    info_human(bytes, out);
    buf_str(out, "\r\n");
}

/* Memory is the process's: its allocator's share is not known. */
static void section_memory(struct server *s, struct buf *out)
{
    struct server_status st;
    server_status(s, &st);
    human_field(out, "used_memory", st.resident_bytes);
    human_field(out, "used_memory_rss", st.resident_bytes);
    human_field(out, "used_memory_peak", st.resident_peak_bytes);
    human_field(out, "total_system_memory", process_memory_bytes());
    human_field(out, "maxmemory", 0);
    buf_printf(out,
               "maxmemory_policy:noeviction\r\n"
               "mem_allocator:libc\r\n"
               "mem_clients_normal:%llu\r\n",
               (ull)st.clients_bytes);
}

static void section_persistence(struct server *s, struct buf *out)
{
    struct server_status st;
    server_status(s, &st);
    buf_str(out, "loading:0\r\n"
                 "async_loading:0\r\n"
                 "rdb_bgsave_in_progress:0\r\n"
                 "aof_enabled:1\r\n"
                 "aof_rewrite_in_progress:0\r\n"
                 "aof_last_write_status:ok\r\n");
    buf_printf(out,
               "disk_free_bytes:%lld\r\n"
               "disk_writes_refused:%d\r\n",
               (long long)st.disk_free_bytes, st.disk_short ? 1 : 0);
}

static void section_stats(struct server *s, struct buf *out)
{
    const struct stats *st = server_stats(s);
    buf_printf(out,
               "total_connections_received:%llu\r\n"
               "total_commands_processed:%llu\r\n"
               "instantaneous_ops_per_sec:%llu\r\n"
               "total_net_input_bytes:%llu\r\n"
               "total_net_output_bytes:%llu\r\n"
               "instantaneous_input_kbps:%.2f\r\n"
               "instantaneous_output_kbps:%.2f\r\n"
               "rejected_connections:%llu\r\n"
               "evicted_keys:0\r\n"
               "evicted_clients:%llu\r\n"
               "total_error_replies:%llu\r\n",
               (ull)st->connections_received, (ull)st->commands_processed,
               (ull)stats_rate_value(&st->commands_rate), (ull)st->input_bytes,
               (ull)st->output_bytes,
               (double)stats_rate_value(&st->input_rate) / 1024,
               (double)stats_rate_value(&st->output_rate) / 1024,
               (ull)st->connections_rejected, (ull)st->evicted_clients,
               (ull)st->error_replies);
    buf_printf(out,
               "acl_access_denied_auth:%llu\r\n"
               "client_output_buffer_limit_disconnections:%llu\r\n"
               "client_query_buffer_limit_disconnections:%llu\r\n"
               "client_idle_disconnections:%llu\r\n"
               "client_protocol_errors:%llu\r\n"
               "once_requests:%llu\r\n"
               "reads_through_log:%llu\r\n",
               (ull)st->auth_failures, (ull)st->output_limit_closed,
               (ull)st->query_limit_closed, (ull)st->idle_closed,
               (ull)st->protocol_errors, (ull)st->once_requests,
               (ull)st->reads_through_log);
}

static void slaves(const struct node_status *st, struct buf *out)
{
    struct buf lines = BUF_INIT;
    unsigned count = 0;
    for (size_t i = 0; i < st->peer_count; i++) {
        const struct node_peer_status *peer = &st->peers[i];
        struct bytes host;
        uint16_t port;
        if (!peer->up)
            continue;
        split_address(peer->client_address, &host, &port);
        buf_printf(&lines,
                   "slave%u:ip=%.*s,port=%u,state=online,offset=%llu,"
                   "lag=0\r\n",
                   count++, (int)host.len, (const char *)host.data, port,
                   (ull)peer->match);
    }
    buf_printf(out, "connected_slaves:%u\r\n", count);
    buf_bytes(out, buf_view(&lines));
    buf_release(&lines);
}

static void section_replication(struct server *s, struct buf *out)
{
    struct node_status st;
    node_status(server_node(s), &st);
    if (st.role == RAFT_LEADER) {
        buf_str(out, "role:master\r\n");
        slaves(&st, out);
    } else {
        struct bytes host;
        uint16_t port;
        split_address(st.leader_address, &host, &port);
        buf_printf(out,
                   "role:slave\r\n"
                   "master_host:%.*s\r\n"
                   "master_port:%u\r\n"
                   "master_link_status:%s\r\n"
                   "master_sync_in_progress:0\r\n"
                   "slave_repl_offset:%llu\r\n"
                   "slave_read_only:0\r\n"
                   "connected_slaves:0\r\n",
                   (int)host.len, (const char *)host.data, port,
                   st.leader == NODE_NONE ? "down" : "up", (ull)st.applied);
    }
    buf_printf(out,
               "master_replid:%016llx%016llx%08llx\r\n"
               "master_repl_offset:%llu\r\n",
               (ull)st.cluster_id, (ull)st.cluster_id,
               (ull)(st.cluster_id & UINT32_MAX), (ull)st.commit);
}

static void section_cpu(struct server *s, struct buf *out)
{
    struct process_usage usage = process_usage();
    UNUSED(s);
    buf_printf(out,
               "used_cpu_sys:%lld.%06lld\r\n"
               "used_cpu_user:%lld.%06lld\r\n",
               (long long)(usage.system_us / 1000000),
               (long long)(usage.system_us % 1000000),
               (long long)(usage.user_us / 1000000),
               (long long)(usage.user_us % 1000000));
}

static void section_modules(struct server *s, struct buf *out)
{
    UNUSED(s);
    UNUSED(out); /* there are none */
}

static void section_commandstats(struct server *s, struct buf *out)
{
    struct stats *stats = server_stats(s);
    for (size_t i = 0; i < cmd_count(); i++) {
        const struct cmd *cmd = cmd_at(i);
        const struct stats_command *st = stats_of(stats, cmd);
        if (st->calls == 0 && st->rejected == 0)
            continue;
        double mean =
            st->calls > 0 ? (double)st->usec / (double)st->calls : 0.0;
        buf_printf(out,
                   "cmdstat_%s:calls=%llu,usec=%llu,usec_per_call=%.2f,"
                   "rejected_calls=%llu,failed_calls=%llu\r\n",
                   cmd->name, (ull)st->calls, (ull)st->usec, mean,
                   (ull)st->rejected, (ull)st->failed);
    }
}

static void section_errorstats(struct server *s, struct buf *out)
{
    struct bytes code;
    void *count;
    size_t pos = 0;
    while (map_next(&server_stats(s)->errors, &pos, &code, &count))
        buf_printf(out, "errorstat_%.*s:count=%llu\r\n", (int)code.len,
                   (const char *)code.data, (ull) * (uint64_t *)count);
}

static void section_cluster(struct server *s, struct buf *out)
{
    UNUSED(s);
    buf_str(out, "cluster_enabled:0\r\n");
}

static void section_keyspace(struct server *s, struct buf *out)
{
    for (uint32_t db = 0; db < server_config(s)->databases; db++) {
        struct keyspace_count count = node_counts(server_node(s), (uint8_t)db);
        if (count.keys > 0)
            buf_printf(out, "db%u:keys=%llu,expires=%llu,avg_ttl=0\r\n", db,
                       (ull)count.keys, (ull)count.expires);
    }
}

struct section {
    const char *name;  /* as asked for */
    const char *title; /* as written */
    void (*write)(struct server *s, struct buf *out);
    bool by_default; /* else only with "all" or by name */
};

static const struct section sections[] = {
    {"server", "Server", section_server, true},
    {"clients", "Clients", section_clients, true},
    {"memory", "Memory", section_memory, true},
    {"persistence", "Persistence", section_persistence, true},
    {"stats", "Stats", section_stats, true},
    {"replication", "Replication", section_replication, true},
    {"cpu", "CPU", section_cpu, true},
    {"modules", "Modules", section_modules, true},
    {"commandstats", "Commandstats", section_commandstats, false},
    {"errorstats", "Errorstats", section_errorstats, true},
    {"cluster", "Cluster", section_cluster, true},
    {"keyspace", "Keyspace", section_keyspace, true},
    {"raft", "Raft", info_section_raft, true},
};

static bool wanted(const struct section *section, const struct bytes *words,
                   size_t word_count)
{
    if (word_count == 0)
        return section->by_default;
    for (size_t i = 0; i < word_count; i++) {
        if (bytes_eq_nocase(words[i], bytes_str(section->name)) ||
            bytes_eq_nocase(words[i], BYTES_LIT("all")) ||
            bytes_eq_nocase(words[i], BYTES_LIT("everything")))
            return true;
        if (bytes_eq_nocase(words[i], BYTES_LIT("default")) &&
            section->by_default)
            return true;
    }
    return false;
}

void info_text(struct server *s, const struct bytes *words, size_t word_count,
               struct buf *out)
{
    size_t begin = out->len;
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        if (!wanted(&sections[i], words, word_count))
            continue;
        if (out->len > begin)
            buf_str(out, "\r\n");
        buf_printf(out, "# %s\r\n", sections[i].title);
        sections[i].write(s, out);
    }
}

void admin_info(struct server_call *call)
{
    struct buf text = BUF_INIT;
    ASSERT(call->argc >= 1);
    info_text(call->s, call->argv + 1, call->argc - 1, &text);
    resp_verbatim(call->out, "txt", buf_view(&text));
    buf_release(&text);
}
