/*
 * Replies on their way into a client's output: counted, bounded while they
 * are written, removed again when nobody wants them.
 *
 * How it fails: a reply that would pass the client's limit is dropped as a
 * whole, and the client with it.
 */
#include "server/server_internal.h"

struct resp_writer *client_reply_begin(struct client *c)
{
    ASSERT(c->state <= CLIENT_DOOMED);
    size_t max = limits_output_max(c);
    size_t sent = c->conn.out.len - conn_pending(&c->conn);
    c->reply_start = c->conn.out.len;
    c->writer.limit = max == 0 ? 0 : max + sent;
    c->writer.over = false;
    return &c->writer;
}

void client_reply_end(struct client *c, const struct cmd *cmd, uint8_t flags)
{
    struct server *s = c->server;
    struct buf *out = &c->conn.out;
    ASSERT(out->len >= c->reply_start);
    ASSERT((flags & ~REPLY_MUTE) == 0);
    struct bytes reply = bytes_from(buf_view(out), c->reply_start);
    if (stats_reply(&s->stats, reply) && cmd != NULL)
        stats_of(&s->stats, cmd)->failed++;
    if (c->writer.over || (flags & REPLY_MUTE))
        out->len = c->reply_start; /* never a part of a reply */
    if (flags & REPLY_MUTE)
        return;
    if (out->len > c->reply_start)
        client_mark_dirty(c);
    limits_reply(c);
}

const char *reply_error_text(int err)
{
    ASSERT(err < 0);
    switch (err) {
    case ERR_NO_LEADER:
        return "CLUSTERDOWN No leader is known; the command was not executed";
    case ERR_REFILL:
        return "CLUSTERDOWN This node has not been refilled yet; the command "
               "was not executed";
    case ERR_BEHIND:
        return "CLUSTERDOWN This node lacks entries that are committed; the "
               "command was not executed";
    case ERR_SPACE:
        return "CLUSTERDOWN This node lacks entries that are committed, for "
               "lack of disk space; the command was not executed";
    case ERR_NO_ANSWER:
        return "CLUSTERDOWN The leader, or a majority, did not answer in time; "
               "the command was not executed";
    case ERR_TOO_BIG:
        return "ERR the command is too big for one request; see "
               "proto-max-bulk-len";
    default:
        return "ERR the command could not be executed";
    }
}

void client_reply_error(struct client *c, const struct cmd *cmd, uint8_t flags,
                        const char *text)
{
    ASSERT(text[0] >= 'A' && text[0] <= 'Z'); /* it begins with a code */
    resp_error(client_reply_begin(c), text);
    client_reply_end(c, cmd, flags);
}
