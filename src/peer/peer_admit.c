/*
 * A blank directory asks to be let in, and what it is answered.
 *
 * It asks on the connections that it dials, after the greetings: one question
 * and one answer for each, then the next attempt follows soon. So a member that
 * is asked keeps nothing, and any of them may be asked, of which the leader
 * grants.
 *
 * Whoever is let in shuts out the directory that had the id before. With a
 * peer-secret only a member can ask. Without one, anybody who reaches the port
 * could: then the question has to come from the host where the member is said
 * to be.
 *
 * How it fails: a question or an answer that is damaged ends the connection. A
 * question that is refused is answered with the reason, which is in the log of
 * who asked.
 */
#include "peer/peer_internal.h"

#include <stdio.h>
#include <string.h>

static void send_frame(struct conn *c, uint8_t type, const struct buf *payload)
{
    size_t begin = frame_begin(&c->out, type, 0);
    ASSERT(payload->len > 0);
    buf_bytes(&c->out, buf_view(payload));
    frame_end(&c->out, begin);
    conn_flush(c);
}

/* ----- who asks ----- */

bool peer_admit_wants(const struct peers *p, const struct greeting *g)
{
    ASSERT(!p->asks || p->identity.cluster_id == 0);
    return p->asks && g->cluster_id != 0 && g->verdict == GREETING_NOT_YET;
}

void peer_admit_send(const struct peers *p, struct conn *conn)
{
    struct buf payload = BUF_INIT;
    ASSERT(p->asks);
    admit_encode(&p->ask, &payload);
    send_frame(conn, FRAME_ADMIT, &payload);
    buf_release(&payload);
}

int peer_admit_answered(struct peer *peer, struct bytes payload,
                        char why[PEER_WHY_MAX])
{
    const struct transport_events *events = peer->peers->events;
    struct grant g;
    int err = grant_decode(payload, &g);
    ASSERT(peer->peers->asks);
    if (err != 0)
        return err;
    snprintf(why, PEER_WHY_MAX, "%.*s", PEER_WHY_MAX - 1,
             g.verdict == GRANT_GIVEN ? "it lets this node in" : g.why);
    peer->link.backoff_ms = PEER_ASK_MS;
    if (events->granted != NULL)
        events->granted(events->ctx,
                        peer->id != NODE_NONE ? peer->id : peer->met, &g);
    return ERR_MISMATCH; /* this connection has done what it was for */
}

/* ----- who is asked ----- */

static bool is_at_its_address(const struct peer *peer, int fd)
{
    struct address from;
    ASSERT(fd >= 0);
    return socket_peer(fd, &from) && address_same_host(&from, &peer->found);
}

static int judge(const struct peer *peer, const struct peer_inbound *in,
                 const struct admit *ask, struct grant *out, struct buf *why)
{
    const struct peers *p = peer->peers;
    ASSERT(p->identity.cluster_id != 0);
    bool known = peer->address[0] != '\0';
    if (!p->identity.secured && known &&
        !is_at_its_address(peer, in->conn.fd)) {
        buf_printf(why,
                   "without a peer-secret member %u is let in only from its "
                   "own address, %s, and this came from %s",
                   peer->id, peer->address, in->address);
        return ERR_MISMATCH;
    }
    if (p->events->admit == NULL) {
        buf_str(why, "nobody here can let it in");
        return ERR_AGAIN;
    }
    return p->events->admit(p->events->ctx, ask, out, why);
}

int peer_admit_answer(struct peer_inbound *in, struct bytes payload)
{
    const struct peer nobody = peer_nobody(in->peers, in->hello.from);
    const struct peer *found = peers_find(in->peers, in->hello.from);
    const struct peer *peer = found != NULL ? found : &nobody;
    struct buf text = BUF_INIT;
    struct admit ask;
    struct grant g;
    int err = admit_decode(payload, &ask);
    ASSERT(in->state == INBOUND_ADMIT);
    if (err != 0 || ask.id != peer->id)
        return ERR_CORRUPT;
    memset(&g, 0, sizeof(g));
    err = judge(peer, in, &ask, &g, &text);
    ASSERT(err == 0 || text.len > 0);
    if (err != 0)
        memset(&g, 0, sizeof(g));
    g.verdict = err == 0           ? GRANT_GIVEN
                : err == ERR_AGAIN ? GRANT_LATER
                                   : GRANT_REFUSED;
    snprintf(g.why, sizeof(g.why), "%.*s", (int)text.len,
             text.len > 0 ? (const char *)text.data : "");
    buf_reset(&text);
    grant_encode(&g, &text);
    send_frame(&in->conn, FRAME_GRANT, &text);
    buf_release(&text);
    in->expected = true;
    return ERR_MISMATCH; /* it has its answer */
}
