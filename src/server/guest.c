/*
 * What guests (protocol.h) may see and do of their clients, but for the way
 * of their requests, which is that of all commands (dispatch.c).
 *
 * How it fails: a guest that is not understood closes its own connection.
 */
#include "server/protocol.h"

#include "server/server_internal.h"

const char *guest_id(const struct client *c)
{
    return c->guest_id;
}

uint64_t guest_request_max(const struct client *c)
{
    return c->server->options.config->proto_max_bulk_len_bytes;
}

struct buf *guest_output(struct client *c)
{
    ASSERT(c->state == CLIENT_OPEN);
    client_mark_dirty(c);
    return &c->conn.out;
}

void guest_close(struct client *c, const char *why)
{
    char text[ADDRESS_TEXT_MAX];
    ASSERT(c->protocol != NULL);
    address_format(&c->peer, text);
    log_verbose(c->server->options.log,
                "closing client %s, which speaks %s: %s", text,
                c->protocol->name, why);
    client_doom(c);
}

void guest_introduce(struct client *c, const char *id)
{
    size_t len = strlen(id);
    ASSERT(c->guest_id[0] == '\0'); /* once */
    ASSERT(len > 0 && len < sizeof(c->guest_id));
    memcpy(c->guest_id, id, len + 1);
    LIST_EACH(link, &c->server->clients.open)
    {
        struct client *other = CONTAINER_OF(link, struct client, link);
        if (other != c && strcmp(other->guest_id, id) == 0)
            guest_close(other, "a newer connection of the same client");
    }
}
