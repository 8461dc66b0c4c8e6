/*
 * How it works: each key that somebody waits for has the list of its clients'
 * places. A key is *due* when something may have changed for those: an entry
 * has put an element there (blocked_ready), a client has come, or one that was
 * called has come back, whatever became of it. Before the loop waits the
 * number of elements at each key that is due is compared with how many of its
 * clients are called already, and the difference is called.
 *
 * So it does not matter what is counted too often: it costs a look at this
 * node's state. What must not happen is that there is something, and nobody is
 * told: each way out of CALLED and TRYING makes all keys of the client due.
 *
 * A client that is registered sees each later entry: both happen in turns of
 * the same loop, and it looks when it has been registered.
 *
 * nil says that there was nothing when the time was over. So it is said at a
 * point of the log that lies behind that time: that of a read, or of the
 * client's own command.
 *
 * What a group of consumers waits for goes with the group, or the stream: the
 * client is told.
 *
 * How it fails: a node without a leader refuses what is called; the client
 * waits on, and its keys are looked at again some times a second. When its time
 * is over it is told that there is no leader.
 */
#include "server/blocked.h"

#include "base/rng.h"
#include "os/clock.h"
#include "server/blocked_keys.h"
#include "server/server_internal.h"

/* nil, or an error. */
static void answer(struct client *c, const char *error)
{
    const struct blocked *b = &c->blocked;
    ASSERT(c->state == CLIENT_OPEN && c->unanswered.count == 0);
    struct resp_writer *w = client_reply_begin(c);
    if (error != NULL)
        resp_error(w, error);
    else
        resp_null_array(w);
    stats_called(&c->server->stats, b->cmd, 0);
    client_reply_end(c, b->cmd, b->flags);
    blocked_served(c);
    if (c->wait != WAIT_NONE) /* else its command is being looked at */
        client_wake(c, c->wait);
}

/* By CLIENT UNBLOCK. */
static void answer_unblocked(struct client *c)
{
    ASSERT(c->blocked.unblock != UNBLOCK_NONE);
    answer(c, c->blocked.unblock == UNBLOCK_ERROR
                  ? "UNBLOCKED client unblocked via CLIENT UNBLOCK"
                  : NULL);
}

/* --- the time ----------------------------------------------------------- */

static void ask(struct client *c)
{
    struct blocked *b = &c->blocked;
    ASSERT((b->late || b->reads) && b->phase == BLOCKED_WAITING);
    if (b->reads)
        b->last = b->late;
    int err = node_read(c->server->node, c);
    if (err != 0)
        answer(c, reply_error_text(err));
    else
        blocked_move(c, BLOCKED_ASKED);
}

static void on_timer(void *ctx)
{
    struct client *c = ctx;
    turn_begin(c->server);
    ASSERT(c->blocked.count > 0 && !c->blocked.late);
    c->blocked.late = true;
    if (c->blocked.phase == BLOCKED_WAITING && c->state == CLIENT_OPEN)
        ask(c);
}

/* --- those who come ----------------------------------------------------- */

static struct node_found look(const struct client *c,
                              const struct blocked_key *k)
{
    const struct blocked *b = &c->blocked;
    struct bytes group = buf_view(&b->group);
    ASSERT(k->db < KEYSPACE_DATABASES);
    return node_look(c->server->node, k->db, blocked_key_bytes(k),
                     b->grouped ? &group : NULL);
}

/* What its group reads is not there (any more); NULL: it is. */
static const char *gone(const struct client *c, const struct node_found *found)
{
    ASSERT(c->blocked.count > 0);
    if (!c->blocked.grouped || found->in_doubt)
        return NULL;
    if (found->type != VALUE_STREAM)
        return "UNBLOCKED the stream key no longer exists";
    return found->no_group ? "NOGROUP the consumer group this client was "
                             "blocked on no longer exists"
                           : NULL;
}

/* Nobody who takes something waits before it. */
static bool is_first(const struct blocked_place *p)
{
    LIST_EACH(link, &p->key->waiters)
    {
        const struct blocked_place *other = blocked_place_of(link);
        if (other == p)
            return true;
        if (!other->client->blocked.reads)
            return false;
    }
    ASSERT(false);
    return false;
}

/* The first key that is there has what it wants and nobody waits before it, or
 * is of another type: there is an answer. Of streams, any key. */
static bool may_begin(struct client *c)
{
    struct blocked *b = &c->blocked;
    ASSERT(b->count > 0 && b->phase == BLOCKED_WAITING);
    for (uint32_t i = 0; i < b->count; i++) {
        struct node_found found = look(c, b->places[i].key);
        if (found.in_doubt || gone(c, &found) != NULL)
            return true; /* the log knows better */
        if (found.type == VALUE_NONE || (b->grouped && found.count == 0))
            continue;
        return found.type != b->type || is_first(&b->places[i]);
    }
    return false;
}

bool blocked_begin(struct client *c, const struct blocked_call *call)
{
    struct server *s = c->server;
    struct blocked *b = &c->blocked;
    struct cmd_blocking wants = cmd_blocking(call->cmd, call->argv, call->argc);
    ASSERT(b->phase == BLOCKED_NONE && b->count == 0);
    *b = (struct blocked){.phase = BLOCKED_WAITING,
                          .cmd = call->cmd,
                          .type = wants.type,
                          .reads = call->reads,
                          .grouped = wants.grouped,
                          .flags = call->flags & REPLY_MUTE,
                          .timed = wants.timeout_ms > 0};
    ASSERT(wants.waits);
    buf_bytes(&b->group, wants.group);
    blocked_enter(c, call);
    c->last_cmd = call->cmd;
    if (!s->blocked.watching)
        node_watch_ready(s->node, true);
    s->blocked.watching = true;
    s->blocked.timed += b->timed;
    b->timer = (struct loop_timer){NULL, on_timer, c};
    if (b->timed)
        loop_timer_start(s->options.loop, &b->timer, wants.timeout_ms);
    if (b->reads)
        return false;
    if (call->first || may_begin(c)) {
        blocked_move(c, BLOCKED_CALLED);
        return true;
    }
    b->waited = true;
    for (uint32_t i = 0; i < b->count; i++)
        blocked_key_due(&s->blocked, b->places[i].key);
    return false;
}

void blocked_wait(struct client *c)
{
    ASSERT(c->blocked.phase == BLOCKED_WAITING);
    (void)client_wait(c, WAIT_BLOCKED);
    if (c->blocked.reads)
        ask(c);
    else
        blocked_input_ended(c);
}

/* --- their commands ----------------------------------------------------- */

void blocked_submitted(struct client *c)
{
    ASSERT(c->blocked.phase == BLOCKED_CALLED);
    c->blocked.last = c->blocked.late;
    blocked_move(c, BLOCKED_TRYING);
}

bool blocked_refused(struct client *c, int err)
{
    struct blocked *b = &c->blocked;
    ASSERT(b->phase == BLOCKED_CALLED && err < 0);
    if (err != ERR_NO_LEADER || b->late || !b->waited ||
        b->unblock != UNBLOCK_NONE)
        return false;
    blocked_move(c, BLOCKED_WAITING);
    for (uint32_t i = 0; i < b->count; i++)
        blocked_key_stall(&c->server->blocked, b->places[i].key);
    return true;
}

/* There was nothing; `ask_now`: whatever the time, it has to be asked again. */
static void wait_again(struct client *c, bool ask_now)
{
    struct blocked *b = &c->blocked;
    ASSERT(c->state == CLIENT_OPEN);
    blocked_move(c, BLOCKED_WAITING);
    b->waited = true;
    if (b->unblock != UNBLOCK_NONE) {
        answer_unblocked(c);
    } else if (c->conn.ended) {
        client_close_after_reply(c);
    } else if (b->late && b->last) {
        answer(c, NULL);
    } else {
        (void)client_wait(c, WAIT_BLOCKED);
        if (c->conn.paused) /* its end is seen by reading alone */
            conn_pause(&c->conn, false);
        if (b->late || ask_now)
            ask(c);
    }
}

void blocked_again(struct client *c)
{
    ASSERT(c->blocked.phase == BLOCKED_TRYING);
    wait_again(c, c->blocked.reads);
}

bool blocked_run(struct client *c, const struct blocked_call *call)
{
    struct server *s = c->server;
    struct blocked *b = &c->blocked;
    int64_t start_us = clock_mono_us();
    struct cmd_call run = {
        .out = client_reply_begin(c),
        .argv = call->argv,
        .argc = call->argc,
        .db = c->settings.db,
        .seed = rng_next(&s->read_rng),
        .since = b->since,
    };
    ASSERT(b->phase == BLOCKED_CALLED && b->reads);
    bool known = node_run_read(s->node, call->cmd, &run);
    if (!known || run.blocked)
        c->conn.out.len = c->reply_start;
    if (!known)
        return false;
    if (run.blocked) {
        wait_again(c, false);
        return true;
    }
    client_reply_end(c, call->cmd, b->flags);
    stats_called(&s->stats, call->cmd, clock_mono_us() - start_us);
    blocked_served(c);
    return true;
}

void blocked_input_ended(struct client *c)
{
    enum blocked_phase phase = c->blocked.phase;
    if (!c->conn.ended || (c->blocked.reads && !c->blocked.waited))
        return; /* what is there is told */
    if (phase == BLOCKED_WAITING)
        client_close_after_reply(c);
    else if (phase == BLOCKED_ASKED)
        client_doom(c);
}

/* --- elements ----------------------------------------------------------- */

static void all_due(struct blocked_clients *all)
{
    size_t at = 0;
    void *key = NULL;
    ASSERT(all->watching);
    while (map_next(&all->keys, &at, NULL, &key))
        blocked_key_due(all, key);
}

void blocked_ready(struct server *s, const struct keyspace_key *key)
{
    struct blocked_key *k;
    ASSERT(s->blocked.watching);
    if (key == NULL)
        all_due(&s->blocked);
    else if ((k = blocked_key_find(&s->blocked, key->db, key->key)) != NULL)
        blocked_key_due(&s->blocked, k);
}

/* Why its command cannot be tried now; NULL: it can. */
static const char *refusal_of(const struct client *c)
{
    uint32_t percent = 0;
    if (node_loading(c->server->node, &percent))
        return "LOADING vard is being refilled";
    return c->blocked.reads ? NULL
                            : disk_floor_refusal(c->server, c->blocked.cmd);
}

/* Is there something for it, beside what others are called for? */
static bool is_for(struct client *c, const struct blocked_key *k,
                   const struct node_found *found)
{
    struct blocked *b = &c->blocked;
    ASSERT(b->phase == BLOCKED_WAITING);
    b->gone = gone(c, found);
    if (b->gone != NULL)
        return true;
    return found->type == b->type && (b->reads || k->called < found->count);
}

/* As many as there are elements that nobody is called for. */
static void call_for(struct server *s, struct blocked_key *k)
{
    const struct client *last = NULL;
    struct node_found found = {.type = VALUE_NONE};
    LIST_EACH(link, &k->waiters)
    {
        struct client *c = blocked_place_of(link)->client;
        if (c->blocked.phase != BLOCKED_WAITING || c->state != CLIENT_OPEN)
            continue;
        if (last == NULL || c->blocked.grouped || last->blocked.grouped)
            found = look(c, k);
        last = c;
        if (found.in_doubt || (is_for(c, k, &found) && refusal_of(c) != NULL)) {
            blocked_key_stall(&s->blocked, k);
            return;
        }
        if (!is_for(c, k, &found))
            continue;
        blocked_move(c, BLOCKED_CALLED);
        client_wake(c, WAIT_BLOCKED);
    }
    ASSERT(list_empty(&k->link)); /* what it was due for is done */
}

bool blocked_is_due(const struct server *s)
{
    return !list_empty(&s->blocked.due) && node_can_submit(s->node);
}

void blocked_turn(struct server *s)
{
    struct blocked_clients *all = &s->blocked;
    while (blocked_is_due(s)) {
        struct blocked_key *k =
            CONTAINER_OF(all->due.next, struct blocked_key, link);
        list_remove(&k->link);
        call_for(s, k);
    }
    if (all->count > 0 || !all->watching)
        return;
    ASSERT(all->keys.count == 0);
    node_watch_ready(s->node, false);
    all->watching = false;
}

void blocked_retry(struct server *s)
{
    struct blocked_clients *all = &s->blocked;
    while (!list_empty(&all->stalled))
        blocked_key_due(
            all, CONTAINER_OF(all->stalled.next, struct blocked_key, link));
}

/* Something that it waits for is there. */
static bool is_there(const struct client *c)
{
    const struct blocked *b = &c->blocked;
    ASSERT(b->count > 0 && b->late);
    for (uint32_t i = 0; i < b->count; i++) {
        const struct blocked_key *k = b->places[i].key;
        struct node_found found = look(c, k);
        if (found.in_doubt || gone(c, &found) != NULL ||
            (found.type == b->type && found.count > 0))
            return true;
    }
    return false;
}

void blocked_read_ready(struct client *c, int err)
{
    struct blocked *b = &c->blocked;
    ASSERT(b->phase == BLOCKED_ASKED);
    if (c->state >= CLIENT_DOOMED) {
        b->phase = b->count > 0 ? BLOCKED_WAITING : BLOCKED_NONE;
        if (c->state == CLIENT_ZOMBIE)
            client_move(c, CLIENT_GONE);
        return;
    }
    ASSERT(b->late || b->reads);
    blocked_move(c, BLOCKED_WAITING);
    if (b->unblock != UNBLOCK_NONE) {
        answer_unblocked(c);
    } else if (err != 0) {
        answer(c, reply_error_text(err));
    } else if (!b->reads && !is_there(c)) {
        answer(c, NULL);
    } else if (!b->reads && refusal_of(c) != NULL) {
        answer(c, refusal_of(c));
    } else {
        blocked_move(c, BLOCKED_CALLED);
        client_wake(c, WAIT_BLOCKED);
    }
}

/* --- what the rooms above see ------------------------------------------- */

bool client_unblock(struct client *c, bool error)
{
    struct blocked *b = &c->blocked;
    ASSERT(c->state < CLIENT_STATE_COUNT);
    if (b->count == 0 || c->state != CLIENT_OPEN)
        return false;
    b->unblock = error ? UNBLOCK_ERROR : UNBLOCK_TIMEOUT;
    if (b->phase == BLOCKED_WAITING)
        answer_unblocked(c);
    return true;
}

void blocked_check(const struct server *s)
{
    const struct blocked_clients *all = &s->blocked;
    ASSERT(all->count <= s->clients.count && all->timed <= all->count);
    ASSERT((all->count == 0) == (all->keys.count == 0));
    ASSERT(all->count == 0 || all->watching);
    ASSERT(all->count > 0 ||
           (list_empty(&all->due) && list_empty(&all->stalled)));
}
