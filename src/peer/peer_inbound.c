/*
 * The states of the direction that we accept: how one follows another, what
 * holds in each, and the end of a connection in any of them.
 *
 * How it fails: it does not; a transition that is not in the table is a
 * mistake in peer_accept.c, and an assertion.
 */
#include "peer/peer_internal.h"

#include "base/alloc.h"

#define BIT(state) (1u << (state))

/* What may follow each state; the end of all is being freed. */
static const uint8_t moves[INBOUND_STATE_END] = {
    [INBOUND_HELLO] = BIT(INBOUND_PROOF) | BIT(INBOUND_GREETING),
    [INBOUND_PROOF] = BIT(INBOUND_GREETING),
    [INBOUND_GREETING] = BIT(INBOUND_ADMIT) | BIT(INBOUND_ESTABLISHED),
    [INBOUND_ADMIT] = 0,
    [INBOUND_ESTABLISHED] = 0,
};

void peer_inbound_check(const struct peer_inbound *in)
{
    bool established = in->state == INBOUND_ESTABLISHED;
    ASSERT((in->peer != NULL) == established);
    ASSERT((in->deadline.impl == NULL) == established);
    ASSERT(list_empty(&in->link) == established);
    ASSERT(in->state == INBOUND_HELLO || in->hello.from_incarnation != 0);
    ASSERT(established || in->assembly.total == 0);
}

void peer_inbound_move(struct peer_inbound *in, enum peer_inbound_state to)
{
    ASSERT(to < INBOUND_STATE_END);
    ASSERT((moves[in->state] & BIT(to)) != 0);
    in->state = to;
    peer_inbound_check(in);
}

void peer_inbound_leave_strangers(struct peer_inbound *in)
{
    ASSERT(!list_empty(&in->link));
    ASSERT(in->peers->stranger_count > 0);
    list_remove(&in->link);
    in->peers->stranger_count--;
}

void peer_inbound_free(struct peer_inbound *in)
{
    if (in->peer != NULL) {
        ASSERT(in->peer->inbound == in);
        in->peer->inbound = NULL;
        in->peer->received_bytes += in->conn.received_bytes;
    } else {
        peer_inbound_leave_strangers(in);
    }
    loop_timer_stop(in->peers->loop, &in->deadline);
    conn_close(&in->conn);
    peer_assembly_release(&in->assembly);
    mem_free(in);
}
