/*
 * Reads that wait for their point in time. All of a client's reads of one
 * turn share one question to the node; when it is answered they are
 * executed in their order.
 *
 * Two things can end that early. A key may be about to expire (its expiry is
 * in doubt, data/keyspace.h): that read and those after it then go through
 * the log. And the replies may grow so large that they should leave first:
 * the rest is then asked for again, at a later point, which is as correct.
 *
 * How it fails: without a leader each of them is answered with an error.
 */
#include "server/reads.h"
#include "base/rng.h"
#include "os/clock.h"
#include "server/server_internal.h"
#include "server/steps.h"

/* Nothing is left of the list: whoever waited for that may go on. */
static void list_done(struct client *c)
{
    ASSERT(c->reads.next == c->reads.count);
    deferred_clear(&c->reads);
    client_settle(c);
    client_wake(c, WAIT_READS);
    if (client_is_idle(c))
        client_wake(c, WAIT_IDLE);
}

static const struct cmd *told_as(const struct deferred *d)
{
    ASSERT(d->ready == NULL);
    return d->told != NULL ? d->told : d->cmd;
}

static void tell_ready(struct client *c, const struct deferred *d)
{
    ASSERT(d->ready != NULL);
    resp_raw(client_reply_begin(c), bytes_str(d->ready));
    client_reply_end(c, NULL, d->flags);
}

/* It was not executed, so it is no call that failed. */
static void reject(struct client *c, const struct deferred *d, int err)
{
    ASSERT(err < 0);
    if (d->ready != NULL) {
        tell_ready(c, d);
        return;
    }
    stats_of(&c->server->stats, told_as(d))->rejected++;
    if (d->flags & REPLY_WATCH)
        client_multi(c)->watch_failed = true;
    client_reply_error(c, NULL, d->flags & REPLY_MUTE, reply_error_text(err));
}

static void fail_all(struct client *c, int err)
{
    struct deferred_list *l = &c->reads;
    ASSERT(err < 0 && l->next < l->count);
    for (; l->next < l->count; l->next++)
        reject(c, &l->items[l->next], err);
}

/* False: it could not be told, and has to go through the log. */
static bool run_one(struct client *c, const struct deferred *d)
{
    if (d->ready != NULL) {
        tell_ready(c, d);
        return true;
    }
    ASSERT((d->cmd->flags & CMD_READ) != 0);
    struct server *s = c->server;
    int64_t start_us = clock_mono_us();
    struct cmd_call call = {
        .out = client_reply_begin(c),
        .argv = d->argv,
        .argc = d->argc,
        .db = c->settings.db,
        .seed = rng_next(&s->read_rng),
        .rest = (d->flags & REPLY_MUTE) != 0 ? NULL : &c->rest,
    };
    if (d->cmd->id == CMD_ID_VARD_EXEC_RO) {
        call.rest = NULL; /* all of it is of one moment */
        call.steps = steps_of(c);
    }
    ASSERT(cmd_rest_is_empty(&c->rest));
    bool ok = node_run_read(s->node, d->cmd, &call);
    c->writer.out = &c->conn.out; /* it may have been led on */
    if (!ok || c->writer.over)
        cmd_rest_drop(&c->rest);
    if (!ok) {
        c->conn.out.len = c->reply_start;
        return false;
    }
    if (d->flags & REPLY_WATCH)
        reply_watch(c);
    client_reply_end(c, told_as(d), d->flags & REPLY_MUTE);
    stats_called(&s->stats, told_as(d), clock_mono_us() - start_us);
    return true;
}

static void run_all(struct client *c)
{
    struct deferred_list *l = &c->reads;
    ASSERT(l->phase == READS_ASKED && l->count > 0);
    while (l->next < l->count) {
        if (conn_pending(&c->conn) > CLIENT_OUTPUT_PAUSE) {
            l->phase = READS_AGAIN;
            (void)client_wait(c, WAIT_OUTPUT);
            return;
        }
        if (!run_one(c, &l->items[l->next])) {
            l->phase = READS_TO_LOG;
            (void)client_wait(c, WAIT_TURN);
            client_mark_ready(c);
            return;
        }
        l->next++;
        if (c->state == CLIENT_DOOMED)
            l->next = l->count; /* its output became too much */
        else if (!cmd_rest_is_empty(&c->rest)) {
            l->phase = READS_PART;
            (void)client_wait(c, WAIT_OUTPUT);
            return;
        }
    }
}

void reads_ready(struct client *c, int err)
{
    ASSERT(c->reads.phase == READS_ASKED);
    ASSERT(c->unanswered.count == 0);
    if (c->state >= CLIENT_DOOMED) {
        deferred_clear(&c->reads);
        if (c->state == CLIENT_ZOMBIE)
            client_move(c, CLIENT_GONE);
        return;
    }
    if (err != 0)
        fail_all(c, err);
    else
        run_all(c);
    if (c->reads.next == c->reads.count && c->reads.phase != READS_PART)
        list_done(c);
    ASSERT(c->reads.phase != READS_ASKED);
}

static int ask(struct client *c)
{
    struct server *s = c->server;
    ASSERT(c->reads.phase == READS_NONE || c->reads.phase == READS_AGAIN);
    if (!c->settings.readonly)
        return node_read(s->node, c);
    return node_read_recent(s->node, c, s->options.config->stale_max_ms);
}

bool reads_defer(struct client *c, const struct deferred *read)
{
    struct server *s = c->server;
    struct deferred_list *l = &c->reads;
    ASSERT(c->unanswered.count == 0);
    if (l->phase != READS_NONE &&
        (l->phase != READS_ASKED || l->turn != s->turn.number))
        return client_wait(c, WAIT_READS);
    if (l->phase == READS_NONE) {
        int err = ask(c);
        if (err != 0) {
            reject(c, read, err);
            return true;
        }
        l->phase = READS_ASKED;
        l->turn = s->turn.number;
    }
    deferred_add(l, read);
    return true;
}

/* Behind what the node owes, or at once. */
static void pass_ready(struct client *c, const struct deferred *item)
{
    ASSERT(c->reads.phase == READS_TO_LOG);
    struct unanswered p = {.flags = item->flags, .ready = item->ready};
    ASSERT(item->ready != NULL);
    if (c->unanswered.count > 0)
        unanswered_push(&c->unanswered, &p);
    else
        tell_ready(c, item);
}

/* What is left goes through the log, as far as it is taken. */
static bool to_log(struct client *c)
{
    struct deferred_list *l = &c->reads;
    ASSERT(l->phase == READS_TO_LOG);
    while (l->next < l->count) {
        struct deferred *item = &l->items[l->next];
        if (item->ready != NULL) {
            pass_ready(c, item);
            l->next++;
            continue;
        }
        struct node_submit submit = {
            .db = c->settings.db, .argv = item->argv, .argc = item->argc};
        if (!node_can_submit(c->server->node))
            return client_wait(c, WAIT_NODE);
        int err = client_submit(c, &submit);
        if (err == ERR_AGAIN)
            return false;
        if (err != 0 && c->unanswered.count > 0) {
            /* Its error comes after the replies to those. */
            return client_wait(c, WAIT_IDLE);
        }
        if (err != 0) {
            reject(c, item, err);
        } else {
            struct unanswered p = {told_as(item), 0, clock_mono_us(),
                                   item->flags, NULL};
            unanswered_push(&c->unanswered, &p);
            c->server->stats.reads_through_log++;
        }
        l->next++;
    }
    deferred_clear(l);
    client_settle(c);
    return true;
}

static bool ask_again(struct client *c)
{
    struct deferred_list *l = &c->reads;
    ASSERT(l->phase == READS_AGAIN && l->next < l->count);
    if (conn_pending(&c->conn) > CLIENT_OUTPUT_PAUSE)
        return client_wait(c, WAIT_OUTPUT);
    int err = ask(c);
    if (err != 0) {
        fail_all(c, err);
        deferred_clear(l);
        client_settle(c);
        return true;
    }
    l->phase = READS_ASKED;
    return client_wait(c, WAIT_READS);
}

/* More of a long reply, as much as a turn may take of one client; if others
 * have taken what it may take of all, this one is among the first of the next.
 */
static bool write_part(struct client *c)
{
    struct deferred_list *l = &c->reads;
    struct turn *t = &c->server->turn;
    ASSERT(l->phase == READS_PART && !cmd_rest_is_empty(&c->rest));
    if (conn_pending(&c->conn) > CLIENT_OUTPUT_PAUSE)
        return client_wait(c, WAIT_OUTPUT);
    if (t->told_bytes >= READS_TURN_BYTES) {
        client_mark_ready(c);
        return client_wait(c, WAIT_TURN);
    }
    t->told_bytes += READS_PART_BYTES;
    node_read_rest(c->server->node, &c->rest, &c->conn.out, READS_PART_BYTES);
    client_mark_dirty(c);
    if (!cmd_rest_is_empty(&c->rest))
        return client_wait(c, WAIT_OUTPUT);
    l->phase = READS_AGAIN;
    if (l->next < l->count)
        return ask_again(c);
    list_done(c);
    return true;
}

bool reads_resume(struct client *c)
{
    ASSERT(c->state == CLIENT_OPEN && c->wait == WAIT_NONE);
    switch (c->reads.phase) {
    case READS_NONE:
    case READS_ASKED:
        return true;
    case READS_TO_LOG:
        return to_log(c);
    case READS_AGAIN:
        return ask_again(c);
    case READS_PART:
        return write_part(c);
    }
    return true;
}
