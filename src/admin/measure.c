/*
 * One function a section, and a table of them: each row of metrics.def that is
 * not a constant has the line here that sets it.
 *
 * How it fails: it cannot; a value that is not known has a number that says so
 * (see its row).
 */
#include "admin/measure.h"

#include "admin/admin_internal.h"
#include "admin/raft_text.h"
#include "base/alloc.h"
#include "os/clock.h"
#include "os/process.h"

#include <inttypes.h>

#define S_PER_DAY 86400

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

static void measure_server(struct server *s, struct metrics *m)
{
    const struct config *config = server_config(s);
    struct server_status st;
    char os[PROCESS_UNAME_MAX];
    server_status(s, &st);
    process_uname(os);
    int64_t up_s = st.uptime_ms / 1000;
    ASSERT(up_s >= 0 && config->hz > 0);
    metrics_text(m, METRIC_redis_version, "%s", SERVER_REDIS_VERSION);
    metrics_text(m, METRIC_vard_version, "%s", VARD_VERSION);
    metrics_text(m, METRIC_os, "%s", os);
    metrics_text(m, METRIC_arch_bits, "%d", (int)sizeof(long) * 8);
    metrics_text(m, METRIC_process_id, "%" PRId64, (int64_t)process_id());
    metrics_text(m, METRIC_process_supervised, "%s", supervised_text(config));
    metrics_text(m, METRIC_run_id, "%s", st.run_id);
    metrics_text(m, METRIC_tcp_port, "%" PRIu32, (uint32_t)config->port);
    metrics_text(m, METRIC_server_time_usec, "%" PRId64, clock_wall_us());
    metrics_text(m, METRIC_uptime_in_seconds, "%" PRId64, up_s);
    metrics_text(m, METRIC_uptime_in_days, "%" PRId64, up_s / S_PER_DAY);
    metrics_text(m, METRIC_hz, "%" PRIu32, config->hz);
    metrics_text(m, METRIC_configured_hz, "%" PRIu32, config->hz);
    metrics_text(m, METRIC_executable, "%s", st.executable);
    metrics_text(m, METRIC_config_file, "%s", config->file);
}

static void measure_clients(struct server *s, struct metrics *m)
{
    struct server_status st;
    server_status(s, &st);
    metrics_count(m, METRIC_connected_clients, st.clients);
    metrics_count(m, METRIC_maxclients, server_config(s)->maxclients);
    metrics_count(m, METRIC_client_recent_max_input_buffer, st.max_input_bytes);
    metrics_count(m, METRIC_client_recent_max_output_buffer,
                  st.max_output_bytes);
    metrics_count(m, METRIC_waiting_clients, st.waiting_clients);
    metrics_count(m, METRIC_blocked_clients, st.blocked_clients);
    metrics_count(m, METRIC_clients_in_timeout_table, st.timed_clients);
}

static void measure_allocator(int64_t resident, struct metrics *m)
{
    int64_t allocated = (int64_t)mem_allocated_bytes();
    /* Other threads allocate between the two questions. */
    int64_t held = MAX((int64_t)mem_held_bytes(), allocated);
    bool known = allocated > 0;
    ASSERT(resident >= 0 && allocated >= 0);
    metrics_set(m, METRIC_allocator_allocated, allocated);
    metrics_text(m, METRIC_mem_fragmentation_ratio, "%.2f",
                 known ? (double)resident / (double)allocated : 0.0);
    metrics_set(m, METRIC_mem_fragmentation_bytes,
                known ? resident - allocated : 0);
    metrics_set(m, METRIC_allocator_active, held);
    metrics_text(m, METRIC_allocator_frag_ratio, "%.2f",
                 known ? (double)held / (double)allocated : 0.0);
    metrics_text(m, METRIC_allocator_frag_bytes, "%" PRId64, held - allocated);
}

/* What the process had before it had clients, what these have, and the rest:
 * caches of the data and of the log, buffers on their way to disk. */
static void measure_shares(const struct server_status *st, struct metrics *m)
{
    uint64_t overhead =
        st->resident_start_bytes + st->clients_bytes + st->links_bytes;
    ASSERT(st->resident_peak_bytes >= st->resident_start_bytes);
    metrics_text(m, METRIC_used_memory_overhead, "%" PRIu64, overhead);
    metrics_count(m, METRIC_used_memory_startup, st->resident_start_bytes);
    metrics_text(m, METRIC_used_memory_dataset, "%" PRIu64,
                 st->resident_bytes - MIN(overhead, st->resident_bytes));
}

/* used_memory is the process's, which is what the machine lacks. */
static void measure_memory(struct server *s, struct metrics *m)
{
    struct server_status st;
    server_status(s, &st);
    ASSERT(st.resident_peak_bytes >= st.resident_bytes);
    metrics_count(m, METRIC_used_memory, st.resident_bytes);
    metrics_text(m, METRIC_used_memory_rss, "%" PRIu64, st.resident_bytes);
    metrics_count(m, METRIC_used_memory_peak, st.resident_peak_bytes);
    measure_allocator((int64_t)st.resident_bytes, m);
    measure_shares(&st, m);
    metrics_count(m, METRIC_mem_clients_slaves, st.links_bytes);
    metrics_count(m, METRIC_total_system_memory, process_memory_bytes());
    metrics_count(m, METRIC_mem_clients_normal, st.clients_bytes);
    metrics_count(m, METRIC_lazyfree_pending_objects, server_tally(s).tickets);
}

static void measure_persistence(struct server *s, struct metrics *m)
{
    struct server_status st;
    struct node_status node;
    uint32_t percent = 0;
    server_status(s, &st);
    node_status(server_node(s), &node);
    metrics_text(m, METRIC_aof_current_size, "%" PRIu64, node.log_bytes);
    metrics_set(m, METRIC_loading,
                node_loading(server_node(s), &percent) ? 1 : 0);
    metrics_count(m, METRIC_rdb_changes_since_last_save, st.unsynced_entries);
    metrics_text(m, METRIC_rdb_last_save_time, "%" PRId64, st.synced_ms / 1000);
    metrics_set(m, METRIC_disk_free_bytes, st.disk_free_bytes);
    metrics_count(m, METRIC_disk_promised_bytes, st.disk_promised_bytes);
    metrics_set(m, METRIC_disk_writes_refused, st.disk_short ? 1 : 0);
    metrics_set(m, METRIC_disk_nearly_full, st.disk_short_here ? 1 : 0);
    metrics_count(m, METRIC_disk_short_members,
                  node_short_members(server_node(s)));
}

static double kib_of(const struct stats_rate *rate)
{
    return (double)stats_rate_value(rate) / 1024;
}

static void measure_closed(const struct stats *st, struct metrics *m)
{
    metrics_count(m, METRIC_evicted_clients, st->evicted_clients);
    metrics_count(m, METRIC_client_output_buffer_limit_disconnections,
                  st->output_limit_closed);
    metrics_count(m, METRIC_client_query_buffer_limit_disconnections,
                  st->query_limit_closed);
    metrics_count(m, METRIC_client_idle_disconnections, st->idle_closed);
    metrics_count(m, METRIC_client_protocol_errors, st->protocol_errors);
}

static void measure_stats(struct server *s, struct metrics *m)
{
    const struct stats *st = server_stats(s);
    struct keyspace_tally tally = server_tally(s);
    metrics_count(m, METRIC_expired_keys, tally.expired);
    metrics_count(m, METRIC_keyspace_hits, tally.hits);
    metrics_count(m, METRIC_keyspace_misses, tally.misses);
    metrics_count(m, METRIC_total_connections_received,
                  st->connections_received);
    metrics_count(m, METRIC_total_commands_processed, st->commands_processed);
    metrics_text(m, METRIC_instantaneous_ops_per_sec, "%" PRIu64,
                 stats_rate_value(&st->commands_rate));
    metrics_count(m, METRIC_total_net_input_bytes, st->input_bytes);
    metrics_count(m, METRIC_total_net_output_bytes, st->output_bytes);
    metrics_text(m, METRIC_instantaneous_input_kbps, "%.2f",
                 kib_of(&st->input_rate));
    metrics_text(m, METRIC_instantaneous_output_kbps, "%.2f",
                 kib_of(&st->output_rate));
    metrics_count(m, METRIC_total_reads_processed, st->socket_reads);
    metrics_count(m, METRIC_total_writes_processed, st->socket_writes);
    metrics_count(m, METRIC_rejected_connections, st->connections_rejected);
    metrics_count(m, METRIC_total_error_replies, st->error_replies);
    metrics_count(m, METRIC_acl_access_denied_auth, st->auth_failures);
    metrics_count(m, METRIC_once_requests, st->once_requests);
    metrics_count(m, METRIC_reads_through_log, st->reads_through_log);
    measure_closed(st, m);
}

static void measure_cpu(struct server *s, struct metrics *m)
{
    struct process_usage usage = process_usage();
    UNUSED(s);
    ASSERT(usage.system_us >= 0 && usage.user_us >= 0);
    metrics_set(m, METRIC_used_cpu_sys, usage.system_us);
    metrics_set(m, METRIC_used_cpu_user, usage.user_us);
    usage = process_thread_usage();
    metrics_set(m, METRIC_used_cpu_sys_main_thread, usage.system_us);
    metrics_set(m, METRIC_used_cpu_user_main_thread, usage.user_us);
}

static void measure_comparison(const struct node *n, struct metrics *m)
{
    struct compare_status st;
    node_compare_status(n, &st);
    ASSERT(st.different + st.undecided <= st.count);
    metrics_text(m, METRIC_raft_check_result, "%s", compare_verdict_text(&st));
    metrics_count(m, METRIC_raft_check_index, st.index);
    metrics_set(m, METRIC_raft_check_running, st.running ? 1 : 0);
    metrics_count(m, METRIC_raft_check_different, st.different + st.undecided);
}

static void measure_raft(struct server *s, struct metrics *m)
{
    struct node_status st;
    node_status(server_node(s), &st);
    ASSERT(st.peer_count < RAFT_NODES_MAX);
    ASSERT(st.self == server_config(s)->node_id);
    ASSERT(st.applied <= st.commit);
    metrics_text(m, METRIC_raft_role, "%s", raft_role_text(st.role));
    metrics_set(m, METRIC_raft_leader_id,
                st.leader == NODE_NONE ? -1 : (int64_t)st.leader);
    metrics_text(m, METRIC_raft_leader_address, "%s", st.leader_address);
    node_measure(server_node(s), m);
    measure_comparison(server_node(s), m);
}

static const struct {
    const char *section;
    void (*measure)(struct server *s, struct metrics *m);
} sections[] = {
    {"server", measure_server}, {"clients", measure_clients},
    {"memory", measure_memory}, {"persistence", measure_persistence},
    {"stats", measure_stats},   {"cpu", measure_cpu},
    {"raft", measure_raft},
};

void measure(struct server *s, const char *section, struct metrics *m)
{
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        if (strcmp(sections[i].section, section) == 0)
            sections[i].measure(s, m);
    }
}
