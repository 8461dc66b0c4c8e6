/*
 * Which clients wait for which keys (blocked.h), for the files of that.
 */
#ifndef SERVER_BLOCKED_KEYS_H
#define SERVER_BLOCKED_KEYS_H

#include "server/blocked.h"

/* A key, and who waits for it. */
struct blocked_key {
    struct list link;    /* of those that are due, or stalled, or alone */
    struct list waiters; /* struct blocked_place, the first one first */
    uint64_t called;     /* of these: CALLED or TRYING */
    uint8_t db;
    size_t len;
    uint8_t bytes[];
};

struct blocked_place {
    struct list link;
    struct client *client;
    struct blocked_key *key;
};

static inline struct bytes blocked_key_bytes(const struct blocked_key *k)
{
    return bytes_of(k->bytes, k->len);
}

static inline struct blocked_place *blocked_place_of(struct list *link)
{
    return CONTAINER_OF(link, struct blocked_place, link);
}

/* NULL: nobody waits for it. */
struct blocked_key *blocked_key_find(struct blocked_clients *all, uint8_t db,
                                     struct bytes key);
/* It is looked at in this turn or the next. */
void blocked_key_due(struct blocked_clients *all, struct blocked_key *k);
/* The same when blocked_retry() says so. */
void blocked_key_stall(struct blocked_clients *all, struct blocked_key *k);
/* Puts a client at the end of each of its keys, once. */
void blocked_enter(struct client *c, const struct blocked_call *call);
/* Of a client that is at its keys. Those that it is not called for any more
 * are due. */
void blocked_move(struct client *c, enum blocked_phase to);

#endif
