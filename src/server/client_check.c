/*
 * What must hold of a client whenever no work on it is under way, and of all
 * clients whenever the loop waits.
 *
 * How it fails: it asserts. That a client waits for something which nobody is
 * going to tell it is such a contradiction: a lost wake-up is found when the
 * turn ends, or within a second, and not by the client's patience.
 */
#include "server/server_internal.h"

static void check_queues(const struct client *c)
{
    const struct unanswered_ring *r = &c->unanswered;
    const struct deferred_list *l = &c->reads;
    ASSERT((r->cap & (r->cap - 1)) == 0 && r->count <= r->cap);
    ASSERT(r->count <= CLIENT_UNANSWERED_MAX);
    ASSERT(r->head < MAX(r->cap, 1U));
    ASSERT(l->next <= l->count && l->count <= l->cap);
    ASSERT(l->phase != READS_NONE || l->count == 0);
    ASSERT(l->phase != READS_ASKED || r->count == 0);
    ASSERT(l->turn <= c->server->turn.number);
}

/* Somebody is going to put it on the ready list, or has. */
static void check_wait(const struct client *c)
{
    enum reads_phase phase = c->reads.phase;
    bool ready = !list_empty(&c->ready);
    switch (c->wait) {
    case WAIT_NONE: /* its socket will tell */
        ASSERT(phase == READS_NONE || phase == READS_ASKED);
        break;
    case WAIT_TURN:
        ASSERT(ready);
        break;
    case WAIT_IDLE:
        ASSERT(ready || !client_is_idle(c));
        break;
    case WAIT_READS:
        ASSERT(ready || phase == READS_ASKED);
        break;
    case WAIT_NODE: /* node_events.writable will tell */
        ASSERT(phase == READS_NONE || phase == READS_TO_LOG);
        break;
    case WAIT_UPLOAD: /* node_events.upload_ready will tell */
        ASSERT(ready || c->uploading);
        ASSERT(phase == READS_NONE || phase == READS_TO_LOG);
        break;
    case WAIT_OUTPUT:
        ASSERT(ready || conn_pending(&c->conn) > 0);
        break;
    case WAIT_LATER: /* cron.c will tell */
        ASSERT(c->later_ms > 0 && phase == READS_NONE);
        break;
    case WAIT_BLOCKED: /* blocked.c will tell */
        ASSERT(ready ||
               (c->blocked.count > 0 && (c->blocked.phase == BLOCKED_WAITING ||
                                         c->blocked.phase == BLOCKED_ASKED)));
        break;
    case WAIT_SHUTDOWN:
        ASSERT(c->server->shutdown.phase != SHUTDOWN_NONE);
        break;
    case WAIT_COUNT:
        ASSERT(c->wait < WAIT_COUNT);
    }
}

void client_check(const struct client *c)
{
    bool closed = c->state == CLIENT_ZOMBIE || c->state == CLIENT_GONE;
    ASSERT(closed == (c->conn.fd < 0));
    ASSERT(c->state != CLIENT_ZOMBIE || !client_is_idle(c));
    ASSERT(c->state != CLIENT_GONE || client_is_idle(c));
    ASSERT(c->state != CLIENT_CLOSING || client_is_idle(c));
    ASSERT(!closed || (list_empty(&c->ready) && list_empty(&c->dirty)));
    ASSERT(!closed || (c->wait == WAIT_NONE && c->accounted_bytes == 0));
    ASSERT(c->state == CLIENT_OPEN || c->conn.paused || closed);
    ASSERT(c->guest_id[0] == '\0' || c->protocol != NULL);
    ASSERT(c->id > 0 && c->id <= c->server->clients.last_id);
    ASSERT(!closed || !c->uploading);
    ASSERT(!closed || c->blocked.count == 0);
    ASSERT(c->blocked.phase != BLOCKED_TRYING || c->unanswered.count == 1);
    check_queues(c);
    if (c->state == CLIENT_OPEN)
        check_wait(c);
}

void clients_check(const struct clients *l)
{
    ASSERT(list_empty(&l->doomed) && list_empty(&l->gone));
    ASSERT(list_empty(&l->dirty));
    ASSERT(list_empty(&l->open) == (l->count == 0));
    ASSERT(l->count <= l->last_id);
    ASSERT(l->count > 0 || (l->bytes == 0 && list_empty(&l->ready)));
}

void clients_check_each(const struct clients *l)
{
    const struct list *const lists[] = {&l->open, &l->doomed, &l->zombies};
    size_t count = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const struct list *link = lists[i]->next;
        for (; link != lists[i]; link = link->next) {
            const struct client *c = CONTAINER_OF(link, struct client, link);
            client_check(c);
            count += c->state <= CLIENT_DOOMED;
            bytes += c->accounted_bytes;
        }
    }
    ASSERT(count == l->count);
    ASSERT(bytes == l->bytes);
}
