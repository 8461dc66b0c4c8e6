/*
 * The states of the direction that we dial: how one follows another, what
 * holds in each, and the way back to LINK_WAITING, which frees all that a
 * connection has and starts the timer of the next attempt.
 *
 * How it fails: it does not; a transition that is not in the table is a
 * mistake in peer_link.c, and an assertion.
 */
#include "base/rng.h"
#include "peer/peer_internal.h"

#define BIT(state) (1u << (state))

/* What may follow each state. */
static const uint8_t moves[LINK_STATE_END] = {
    [LINK_WAITING] =
        BIT(LINK_WAITING) | BIT(LINK_LOOKUP) | BIT(LINK_CONNECTING),
    [LINK_LOOKUP] = BIT(LINK_CONNECTING) | BIT(LINK_WAITING),
    [LINK_CONNECTING] = BIT(LINK_HELLO) | BIT(LINK_WAITING),
    [LINK_HELLO] = BIT(LINK_PROOF) | BIT(LINK_GREETING) | BIT(LINK_WAITING),
    [LINK_PROOF] = BIT(LINK_GREETING) | BIT(LINK_WAITING),
    [LINK_GREETING] =
        BIT(LINK_ADMIT) | BIT(LINK_ESTABLISHED) | BIT(LINK_WAITING),
    [LINK_ADMIT] = BIT(LINK_WAITING),
    [LINK_ESTABLISHED] = BIT(LINK_WAITING),
};

void peer_link_check(const struct peer_link *k)
{
    bool welcomed = k->state == LINK_PROOF || k->state == LINK_GREETING ||
                    k->state == LINK_ADMIT || k->state == LINK_ESTABLISHED;
    bool talking = k->state == LINK_HELLO || welcomed;
    ASSERT((k->connect_fd >= 0) == (k->state == LINK_CONNECTING));
    ASSERT((k->connect_io.impl != NULL) == (k->state == LINK_CONNECTING));
    ASSERT((k->conn.fd >= 0) == talking);
    /* Only an established link has no timer. */
    ASSERT((k->timer.impl != NULL) == (k->state != LINK_ESTABLISHED));
    ASSERT(k->state == LINK_ESTABLISHED || peer_queue_empty(&k->queue));
    ASSERT(k->state != LINK_ESTABLISHED || k->incarnation != 0);
    ASSERT(welcomed || k->incarnation == 0);
}

void peer_link_move(struct peer_link *k, enum peer_link_state to)
{
    ASSERT(to < LINK_STATE_END);
    ASSERT((moves[k->state] & BIT(to)) != 0);
    k->state = to;
    peer_link_check(k);
}

static void close_all(struct peer_link *k)
{
    struct loop *l = peer_of_link(k)->peers->loop;
    loop_timer_stop(l, &k->timer);
    loop_timer_stop(l, &peer_of_link(k)->one_way);
    loop_io_stop(l, &k->connect_io);
    if (k->connect_fd >= 0)
        socket_close(k->connect_fd);
    k->connect_fd = -1;
    conn_close(&k->conn);
    peer_queue_clear(&k->queue);
    k->incarnation = 0;
}

void peer_link_wait(struct peer_link *k)
{
    struct peers *p = peer_of_link(k)->peers;
    close_all(k);
    ASSERT(k->backoff_ms >= PEER_BACKOFF_MIN_MS);
    int64_t half = k->backoff_ms / 2;
    int64_t delay = half + (int64_t)rng_below(&p->rng, (uint64_t)half + 1);
    loop_timer_start(p->loop, &k->timer, delay);
    k->backoff_ms = MIN(k->backoff_ms * 2, PEER_BACKOFF_MAX_MS);
    peer_link_move(k, LINK_WAITING);
}

void peer_link_break(struct peer *peer)
{
    struct peer_link *k = &peer->link;
    ASSERT(k->state == LINK_ESTABLISHED);
    if (!peer->flapping)
        k->backoff_ms = PEER_BACKOFF_MIN_MS;
    peer_link_wait(k);
}

void peer_link_release(struct peer *peer)
{
    close_all(&peer->link);
    ASSERT(peer_queue_empty(&peer->link.queue));
}

uint64_t peer_link_queued(const struct peer *peer)
{
    const struct peer_link *k = &peer->link;
    return k->queue.bytes + conn_pending(&k->conn);
}
