/*
 * Where a member is dialed. The configuration of the cluster says it; node
 * lines do while that does not, and a member that has moved says itself where
 * it is now. Attempts that fail go round what is known.
 *
 * What a member says of itself counts only when it is not what it said before:
 * others may have to reach it at another address than it knows of.
 *
 * How it fails: what is no address is not taken.
 */
#include "base/alloc.h"
#include "peer/peer_internal.h"

#include <stdio.h>
#include <string.h>

/* The next attempt goes there. */
static void use(struct peer *peer, enum peer_place which)
{
    const char *text = peer->places[which];
    peer->place = which;
    peer->address = text != NULL ? text : "";
    peer->nth = 0;
    peer->found = (struct address){.len = 0};
    if (peer->lookup != NULL) /* of the address that was used before */
        lookup_cancel(peer->lookup);
    peer->lookup = NULL;
    int err = address_number(bytes_str(peer->address), &peer->found);
    peer->is_name = err == ERR_NOT_FOUND;
    if (peer->link.state == LINK_LOOKUP)
        peer_link_wait(&peer->link);
}

static bool is_address(const char *text)
{
    struct address a;
    int err = address_number(bytes_str(text), &a);
    return err == 0 || err == ERR_NOT_FOUND;
}

/* The one that is to be tried first. */
static enum peer_place best(const struct peer *peer)
{
    static const enum peer_place order[] = {PLACE_TOLD, PLACE_MEMBERS,
                                            PLACE_SEED};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        if (peer->places[order[i]] != NULL)
            return order[i];
    }
    return PLACE_SEED;
}

bool peer_place_set(struct peer *peer, enum peer_place which,
                    const char *address)
{
    const char *old = peer->places[which];
    ASSERT(which < PLACES);
    if (address != NULL && !is_address(address))
        return false;
    bool same = old != NULL && address != NULL && strcmp(old, address) == 0;
    if (same || (old == NULL && address == NULL))
        return true;
    char before[GREETING_PEER_SIZE + HELLO_HOST_SIZE];
    snprintf(before, sizeof(before), "%s", peer->address);
    mem_free(peer->places[which]);
    peer->places[which] = address != NULL ? mem_strdup(address) : NULL;
    if (which == PLACE_MEMBERS && address != NULL) {
        mem_free(peer->places[PLACE_TOLD]); /* it is newer than that */
        peer->places[PLACE_TOLD] = NULL;
    }
    use(peer, best(peer));
    if (before[0] != '\0' && strcmp(before, peer->address) != 0)
        log_notice(peer->peers->log,
                   "peer %u (%s): dialed there from now on, "
                   "before at %s",
                   peer->id, peer->address, before);
    return true;
}

void peer_place_next(struct peer *peer)
{
    peer->nth++;
    if (peer->lookup != NULL) /* its answer may be of use yet */
        return;
    for (unsigned i = 1; i < PLACES; i++) {
        enum peer_place next =
            (enum peer_place)(((unsigned)peer->place + i) % PLACES);
        const char *text = peer->places[next];
        if (text == NULL || strcmp(text, peer->address) == 0)
            continue;
        uint32_t nth = peer->nth;
        use(peer, next);
        peer->nth = nth;
        return;
    }
}

void peer_place_told(struct peer *peer, const char *address)
{
    const char *known = peer->places[PLACE_MEMBERS];
    if (address[0] == '\0' || !is_address(address))
        return;
    if (known == NULL)
        known = peer->told_first;
    bool nowhere = peer->address[0] == '\0';
    bool moved = known != NULL && strcmp(known, address) != 0;
    if (peer->told_first == NULL)
        peer->told_first = mem_strdup(address);
    if (moved || nowhere)
        peer_place_set(peer, PLACE_TOLD, address);
}

void peer_place_release(struct peer *peer)
{
    if (peer->lookup != NULL)
        lookup_cancel(peer->lookup);
    peer->lookup = NULL;
    for (int i = 0; i < PLACES; i++)
        mem_free(peer->places[i]);
    mem_free(peer->told_first);
}

bool peers_seed_needed(const struct peers *p)
{
    bool needed = p->identity.cluster_id == 0;
    for (size_t i = 0; i < p->member_count && !needed; i++)
        needed = p->members[i]->address[0] == '\0' && !p->members[i]->up;
    return needed;
}

void peers_seed_met(struct peers *p, const struct peer *seed)
{
    struct peer *known = peers_find(p, seed->met);
    ASSERT(seed->id == NODE_NONE);
    if (known == NULL || known->address[0] != '\0')
        return;
    peer_place_set(known, PLACE_SEED, seed->address);
}
