/*
 * How it works: a map of keys, each with the list of its clients' places. A key
 * exists as long as somebody waits for it. A client has its places in one
 * array, in the order of its command's keys.
 *
 * How it fails: it does not.
 */
#include "server/blocked_keys.h"

#include "base/alloc.h"
#include "server/server_internal.h"

void blocked_init(struct blocked_clients *all, uint64_t seed)
{
    ASSERT(all->count == 0);
    map_init(&all->keys, seed);
    list_init(&all->due);
    list_init(&all->stalled);
}

void blocked_release(struct blocked_clients *all)
{
    ASSERT(all->count == 0 && all->keys.count == 0);
    map_release(&all->keys);
    buf_release(&all->scratch);
}

/* --- keys --------------------------------------------------------------- */

static struct bytes name_of(struct blocked_clients *all, uint8_t db,
                            struct bytes key)
{
    ASSERT(db < KEYSPACE_DATABASES);
    buf_reset(&all->scratch);
    buf_u8(&all->scratch, db);
    buf_bytes(&all->scratch, key);
    return buf_view(&all->scratch);
}

struct blocked_key *blocked_key_find(struct blocked_clients *all, uint8_t db,
                                     struct bytes key)
{
    return map_get(&all->keys, name_of(all, db, key));
}

static struct blocked_key *key_make(struct blocked_clients *all, uint8_t db,
                                    struct bytes key)
{
    struct blocked_key *k = blocked_key_find(all, db, key);
    if (k != NULL)
        return k;
    k = mem_zalloc(sizeof(*k) + key.len);
    list_init(&k->link);
    list_init(&k->waiters);
    k->db = db;
    k->len = key.len;
    if (key.len > 0)
        memcpy(k->bytes, key.data, key.len);
    void *before = map_put(&all->keys, name_of(all, db, key), k);
    ASSERT(before == NULL);
    return k;
}

void blocked_key_due(struct blocked_clients *all, struct blocked_key *k)
{
    ASSERT(!list_empty(&k->waiters));
    list_remove(&k->link);
    list_append(&all->due, &k->link);
}

void blocked_key_stall(struct blocked_clients *all, struct blocked_key *k)
{
    ASSERT(!list_empty(&k->waiters));
    list_remove(&k->link);
    list_append(&all->stalled, &k->link);
}

static void key_drop(struct blocked_clients *all, struct blocked_key *k)
{
    ASSERT(list_empty(&k->waiters) && k->called == 0);
    list_remove(&k->link);
    void *was =
        map_remove(&all->keys, name_of(all, k->db, blocked_key_bytes(k)));
    ASSERT(was == k);
    mem_free(k);
}

/* --- states ------------------------------------------------------------- */

static bool is_called(enum blocked_phase phase)
{
    return phase == BLOCKED_CALLED || phase == BLOCKED_TRYING;
}

void blocked_move(struct client *c, enum blocked_phase to)
{
    struct blocked *b = &c->blocked;
    bool was = is_called(b->phase);
    ASSERT(b->count > 0 && b->phase != to);
    b->phase = to;
    if (was == is_called(to))
        return;
    for (uint32_t i = 0; i < b->count; i++) {
        struct blocked_key *k = b->places[i].key;
        ASSERT(!was || k->called > 0);
        k->called += was ? UINT64_MAX : 1;
        if (was)
            blocked_key_due(&c->server->blocked, k);
    }
}

/* It does not wait for its keys any more. */
static void leave(struct client *c)
{
    struct blocked_clients *all = &c->server->blocked;
    struct blocked *b = &c->blocked;
    loop_timer_stop(c->server->options.loop, &b->timer);
    if (b->count == 0)
        return;
    if (is_called(b->phase))
        blocked_move(c, BLOCKED_WAITING);
    for (uint32_t i = 0; i < b->count; i++) {
        struct blocked_key *k = b->places[i].key;
        list_remove(&b->places[i].link);
        if (list_empty(&k->waiters))
            key_drop(all, k);
    }
    mem_free(b->places);
    mem_free(b->since);
    buf_release(&b->group);
    b->places = NULL;
    b->since = NULL;
    b->count = 0;
    ASSERT(all->count > 0);
    all->count--;
    all->timed -= b->timed;
    b->timed = false;
}

void blocked_end(struct client *c)
{
    struct blocked *b = &c->blocked;
    leave(c);
    ASSERT(b->count == 0);
    if (b->phase != BLOCKED_ASKED) /* the node is going to tell it */
        b->phase = BLOCKED_NONE;
}

void blocked_served(struct client *c)
{
    ASSERT(c->blocked.count > 0);
    leave(c);
    c->blocked.phase = BLOCKED_SERVED;
}

void blocked_enter(struct client *c, const struct blocked_call *call)
{
    struct blocked_clients *all = &c->server->blocked;
    struct blocked *b = &c->blocked;
    struct cmd_keys keys;
    struct cmd_key key;
    b->places = mem_zalloc(call->argc * sizeof(b->places[0]));
    if (b->reads)
        b->since = mem_zalloc(call->argc * sizeof(b->since[0]));
    cmd_keys_begin(&keys, call->cmd, call->argv, call->argc);
    while (cmd_keys_next(&keys, &key)) {
        if ((key.flags & KEY_INSERT) != 0)
            continue;
        struct blocked_key *k =
            key_make(all, c->settings.db, call->argv[key.index]);
        if (!list_empty(&k->waiters) &&
            blocked_place_of(k->waiters.prev)->client == c)
            continue;
        struct blocked_place *p = &b->places[b->count++];
        *p = (struct blocked_place){.client = c, .key = k};
        list_append(&k->waiters, &p->link);
    }
    ASSERT(b->count > 0 && !keys.invalid);
    all->count++;
}
