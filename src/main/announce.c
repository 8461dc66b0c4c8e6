/*
 * The node lines say who the members are until an entry of the log does. From
 * then on they are only places to look for them: a difference is told, in full,
 * and never obeyed, as nobody knows whether the lines are older or newer.
 *
 * How it fails: it does not.
 */
#include "main/announce.h"

#include <inttypes.h>
#include <string.h>

#include "os/process.h"

void announce_start(const struct logger *log, const struct config *c,
                    const char *dir)
{
    ASSERT(dir != NULL);
    log_notice(log,
               "vard %s is starting, pid %" PRId64 ", node %u of %zu, data "
               "in %s",
               VARD_VERSION, process_id(), c->node_id,
               MAX(c->node_count, (size_t)1), dir);
    if (c->file[0] == '\0' && !c->original_options)
        log_warning(log, "no config file specified, using the defaults");
    for (size_t i = 0; i < c->notice_count; i++)
        log_notice(log, "%s", c->notices[i]);
    if (c->warn_no_password)
        log_warning(log, "listening on all addresses without a password: "
                         "whoever reaches this machine can read and change "
                         "everything; see requirepass and bind");
    if (c->node_count > 1 && c->peer_secret[0] == '\0')
        log_warning(log, "no peer-secret is set: whoever reaches the peer "
                         "ports can take part in the cluster");
}

static bool is_other(const char *agreed, const char *line)
{
    return agreed[0] != '\0' && line != NULL && strcmp(agreed, line) != 0;
}

static void compare_line(const struct config_node *line,
                         const struct configuration *members, struct buf *out)
{
    const struct member *m = configuration_find(members, line->id);
    ASSERT(line->peer_address != NULL);
    if (m == NULL) {
        buf_printf(out, "node %u (%s) has a line, and is no member\n", line->id,
                   line->peer_address);
        return;
    }
    if (is_other(m->peer_address, line->peer_address))
        buf_printf(out, "node %u is at %s, not at %s as its line says\n",
                   line->id, m->peer_address, line->peer_address);
    if (is_other(m->client_address, line->client_address))
        buf_printf(out,
                   "node %u is at %s for clients, not at %s as its line says\n",
                   line->id, m->client_address, line->client_address);
    if (line->has_priority && line->priority != m->priority)
        buf_printf(out, "node %u has priority %u, not %u as its line says\n",
                   line->id, m->priority, line->priority);
    if ((m->roles & MEMBER_VOTER) == 0)
        buf_printf(out, "node %u does not vote\n", line->id);
}

static bool has_line(const struct config *c, node_id id)
{
    for (size_t i = 0; i < c->node_count; i++) {
        if (c->nodes[i].id == id)
            return true;
    }
    return false;
}

void announce_differences(const struct config *c,
                          const struct configuration *members, struct buf *out)
{
    bool joins = c->join[0] != '\0';
    ASSERT(members->count > 0);
    for (size_t i = 0; i < c->node_count; i++)
        compare_line(&c->nodes[i], members, out);
    for (uint32_t i = 0; i < members->count && !joins; i++) {
        const struct member *m = &members->members[i];
        if (!has_line(c, m->id))
            buf_printf(out, "node %u (%s) is a member, and has no line\n",
                       m->id,
                       m->peer_address[0] != '\0' ? m->peer_address
                                                  : "at an unknown address");
    }
}

void announce_members(const struct logger *log, const struct config *c,
                      const struct configuration *members, raft_index at)
{
    struct buf text = BUF_INIT;
    if (at == 0 || c->node_count == 0)
        return;
    announce_differences(c, members, &text);
    if (text.len > 0)
        log_notice(log,
                   "the node lines are not what the members have agreed on by "
                   "entry %" PRIu64 " of the log, which counts:",
                   at);
    for (size_t from = 0; from < text.len;) {
        const uint8_t *end = memchr(text.data + from, '\n', text.len - from);
        ASSERT(end != NULL);
        size_t len = (size_t)(end - (text.data + from));
        log_notice(log, "  %.*s", (int)len, (const char *)text.data + from);
        from += len + 1;
    }
    buf_release(&text);
}
