/*
 * A table of the sections: each is its rows of metrics.def, then the lines
 * whose number depends on the data, of a member, a command, a database. A
 * section ends with an empty line, but for the last.
 *
 * Nothing here fails: the name of a section that does not exist adds nothing,
 * an address that is not known is empty, and what is not known of a link is
 * left out of its line.
 */
#include "admin/info.h"

#include "admin/admin_internal.h"
#include "admin/measure.h"
#include "admin/raft_text.h"

#include <inttypes.h>

static void slaves(const struct node_status *st, struct buf *out)
{
    ASSERT(st->role == RAFT_LEADER);
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
                   "slave%u:ip=%.*s,port=%u,state=online,offset=%" PRIu64 ","
                   "lag=%" PRId64 "\r\n",
                   count++, (int)host.len, (const char *)host.data, port,
                   peer->match, peer->silent_ms / 1000);
    }
    buf_printf(out, "connected_slaves:%u\r\n", count);
    buf_bytes(out, buf_view(&lines));
    buf_release(&lines);
}

static void lines_replication(struct server *s, struct buf *out)
{
    struct node_status st;
    node_status(server_node(s), &st);
    ASSERT(st.peer_count < RAFT_NODES_MAX);
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
                   "master_last_io_seconds_ago:%" PRId64 "\r\n"
                   "master_sync_in_progress:0\r\n"
                   "slave_repl_offset:%" PRIu64 "\r\n"
                   "slave_read_only:0\r\n"
                   "connected_slaves:0\r\n",
                   (int)host.len, (const char *)host.data, port,
                   st.leader == NODE_NONE ? "down" : "up",
                   st.leader_silent_ms < 0 ? -1 : st.leader_silent_ms / 1000,
                   st.applied);
    }
    buf_printf(out,
               "master_replid:%016" PRIx64 "%016" PRIx64 "%08" PRIx64 "\r\n"
               "master_repl_offset:%" PRIu64 "\r\n",
               st.cluster_id, st.cluster_id, (st.cluster_id & UINT32_MAX),
               st.commit);
}

static void lines_commandstats(struct server *s, struct buf *out)
{
    struct stats *stats = server_stats(s);
    for (enum cmd_id id = 0; id < CMD_ID_COUNT; id++) {
        const struct cmd *cmd = cmd_by_id(id);
        const struct stats_command *st = stats_of(stats, cmd);
        ASSERT(st->calls > 0 || st->usec == 0);
        if (st->calls == 0 && st->rejected == 0)
            continue;
        double mean =
            st->calls > 0 ? (double)st->usec / (double)st->calls : 0.0;
        buf_printf(
            out,
            "cmdstat_%s:calls=%" PRIu64 ",usec=%" PRIu64 ",usec_per_call=%.2f,"
            "rejected_calls=%" PRIu64 ",failed_calls=%" PRIu64 "\r\n",
            cmd->name, st->calls, st->usec, mean, st->rejected, st->failed);
    }
}

static void lines_latencystats(struct server *s, struct buf *out)
{
    struct stats *stats = server_stats(s);
    for (enum cmd_id id = 0; id < CMD_ID_COUNT; id++) {
        const struct cmd *cmd = cmd_by_id(id);
        const struct latency *l = stats_of(stats, cmd)->latency;
        if (l == NULL)
            continue;
        buf_printf(out,
                   "latency_percentiles_usec_%s:p50=%" PRIu64
                   ".000,p99=%" PRIu64 ".000,p99.9=%" PRIu64 ".000\r\n",
                   cmd->name, latency_quantile(l, 0.5),
                   latency_quantile(l, 0.99), latency_quantile(l, 0.999));
    }
}

static void lines_errorstats(struct server *s, struct buf *out)
{
    struct bytes code;
    void *count;
    size_t pos = 0;
    while (map_next(&server_stats(s)->errors, &pos, &code, &count)) {
        uint64_t times = *(uint64_t *)count;
        ASSERT(times > 0);
        buf_printf(out, "errorstat_%.*s:count=%" PRIu64 "\r\n", (int)code.len,
                   (const char *)code.data, times);
    }
}

static void lines_keyspace(struct server *s, struct buf *out)
{
    for (uint32_t db = 0; db < server_config(s)->databases; db++) {
        const struct node *node = server_node(s);
        struct keyspace_count count = node_counts(node, (uint8_t)db);
        if (count.keys > 0)
            buf_printf(out,
                       "db%u:keys=%" PRIu64 ",expires=%" PRIu64
                       ",avg_ttl=%" PRId64 "\r\n",
                       db, count.keys, count.expires,
                       node_mean_ttl_ms(node, (uint8_t)db));
    }
}

/* How the link to another member is and, on the leader, how far it is. */
static void peer_line(const struct server *s, const struct node_status *st,
                      size_t i, struct buf *out)
{
    const struct node_peer_status *peer = &st->peers[i];
    struct peer_info link;
    ASSERT(peer->id != st->self && peer->id != NODE_NONE);
    buf_printf(out, "raft_node_%u:client_address=%s,link=%s,state=%s", peer->id,
               peer->client_address, peer->up ? "up" : "down",
               raft_progress_text(st, i));
    if (st->role == RAFT_LEADER) {
        uint64_t lag = st->last > peer->match ? st->last - peer->match : 0;
        buf_printf(out, ",match=%" PRIu64 ",next=%" PRIu64 ",lag=%" PRIu64,
                   peer->match, peer->next, lag);
    }
    if (server_peer_info(s, peer->id, &link))
        buf_printf(out,
                   ",peer_address=%s,incarnation=%" PRIu64
                   ",queued_bytes=%" PRIu64 ","
                   "sent_bytes=%" PRIu64 ",received_bytes=%" PRIu64,
                   link.address, link.incarnation, link.queued_bytes,
                   link.sent_bytes, link.received_bytes);
    buf_str(out, "\r\n");
}

static void lines_raft(struct server *s, struct buf *out)
{
    struct node_status st;
    node_status(server_node(s), &st);
    for (size_t i = 0; i < st.peer_count; i++)
        peer_line(s, &st, i, out);
}

struct section {
    const char *name;  /* as asked for, and in metrics.def */
    const char *title; /* as written */
    /* Lines that are no rows of metrics.def, after those; NULL: none. */
    void (*lines)(struct server *s, struct buf *out);
    bool by_default; /* else only with "all" or by name */
};

static const struct section sections[] = {
    {"server", "Server", NULL, true},
    {"clients", "Clients", NULL, true},
    {"memory", "Memory", NULL, true},
    {"persistence", "Persistence", NULL, true},
    {"stats", "Stats", NULL, true},
    {"replication", "Replication", lines_replication, true},
    {"cpu", "CPU", NULL, true},
    {"modules", "Modules", NULL, true},
    {"commandstats", "Commandstats", lines_commandstats, false},
    {"errorstats", "Errorstats", lines_errorstats, true},
    {"latencystats", "Latencystats", lines_latencystats, false},
    {"cluster", "Cluster", NULL, true},
    {"keyspace", "Keyspace", lines_keyspace, true},
    {"raft", "Raft", lines_raft, true},
};

static void write_section(struct server *s, const struct section *section,
                          struct buf *out)
{
    struct metrics m = METRICS_INIT;
    buf_printf(out, "# %s\r\n", section->title);
    measure(s, section->name, &m);
    metrics_info(&m, section->name, out);
    metrics_release(&m);
    if (section->lines != NULL)
        section->lines(s, out);
}

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
        write_section(s, &sections[i], out);
    }
}

/* There is no node yet whose values could be shown. */
static void info_of_waiting(const char *why, struct buf *out)
{
    ASSERT(why != NULL && why[0] != '\0');
    buf_printf(out,
               "# Server\r\nredis_version:%s\r\n\r\n"
               "# Persistence\r\nloading:1\r\nloading_reason:%s\r\n",
               SERVER_REDIS_VERSION, why);
}

void admin_info(struct server_call *call)
{
    struct buf text = BUF_INIT;
    const char *why = server_waiting(call->s);
    ASSERT(call->argc >= 1);
    if (why != NULL)
        info_of_waiting(why, &text);
    else
        info_text(call->s, call->argv + 1, call->argc - 1, &text);
    resp_verbatim(call->out, "txt", buf_view(&text));
    buf_release(&text);
}
