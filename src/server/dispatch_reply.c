/*
 * Replies to what the node was given, in the order in which that was sent; and
 * to what was answered at once behind it, which is told in its turn.
 *
 * How it fails: a reply that nobody wants any more is not written.
 */
#include "server/dispatch.h"

#include "os/clock.h"
#include "server/blocked.h"
#include "server/server_internal.h"
#include "server/steps.h"

struct resp_writer *dispatch_reply_open(struct client *c)
{
    struct unanswered *p = unanswered_front(&c->unanswered);
    ASSERT(c->state != CLIENT_GONE && p->ready == NULL);
    if (c->state >= CLIENT_DOOMED)
        return NULL;
    if (p->flags & REPLY_TO_GUEST) {
        buf_reset(&c->server->guest_reply.text);
        return &c->server->guest_reply.writer;
    }
    return client_reply_begin(c);
}

static void account(struct client *c, const struct unanswered *p)
{
    stats_called(&c->server->stats, p->cmd, clock_mono_us() - p->start_us);
}

static enum guest_outcome guest_outcome(enum node_outcome outcome)
{
    switch (outcome) {
    case NODE_EXECUTED:
        return GUEST_EXECUTED;
    case NODE_OUTDATED:
        return GUEST_OUTDATED;
    case NODE_BLOCKED: /* no guest sends what may wait */
    case NODE_UNKNOWN:
        break;
    }
    return GUEST_UNKNOWN;
}

static void answer_guest(struct client *c, const struct unanswered *p,
                         enum node_outcome outcome)
{
    struct bytes reply = buf_view(&c->server->guest_reply.text);
    ASSERT(c->protocol != NULL && c->protocol->answer != NULL);
    (void)stats_reply(&c->server->stats, reply);
    if (c->state == CLIENT_OPEN)
        c->protocol->answer(c, p->request_id, guest_outcome(outcome), reply);
}

/* The command that asked for it is called again, and knows it then. */
static void hold_reply(struct client *c)
{
    struct buf *out = &c->conn.out;
    ASSERT(c->held.len == 0 && out->len > c->reply_start);
    buf_append(&c->held, out->data + c->reply_start, out->len - c->reply_start);
    out->len = c->reply_start;
}

/* What was answered at once behind those that the node has answered by now. */
static void tell_ready(struct client *c)
{
    while (c->unanswered.count > 0) {
        struct unanswered p = *unanswered_front(&c->unanswered);
        if (p.ready == NULL)
            return;
        unanswered_pop(&c->unanswered);
        if (c->state >= CLIENT_DOOMED)
            continue;
        resp_raw(client_reply_begin(c), bytes_str(p.ready));
        client_reply_end(c, NULL, p.flags);
    }
}

static void answered(struct client *c, const struct unanswered *p,
                     enum node_outcome outcome)
{
    if (p->flags & REPLY_TO_GUEST) {
        answer_guest(c, p, outcome);
        limits_reply(c);
    } else if (p->flags & REPLY_HELD) {
        hold_reply(c);
    } else if (outcome == NODE_BLOCKED) {
        blocked_again(c);
    } else if (p->flags & REPLY_BLOCKS) {
        client_reply_end(c, p->cmd, p->flags & REPLY_MUTE);
        blocked_served(c);
    } else {
        if (p->flags & REPLY_WATCH)
            reply_watch(c);
        client_reply_end(c, p->cmd, p->flags & REPLY_MUTE);
    }
}

void dispatch_reply_done(struct client *c, enum node_outcome outcome)
{
    struct unanswered p = *unanswered_front(&c->unanswered);
    ASSERT(c->reads.phase != READS_ASKED && p.ready == NULL);
    unanswered_pop(&c->unanswered);
    if (outcome != NODE_BLOCKED)
        account(c, &p);
    if (c->state < CLIENT_DOOMED)
        answered(c, &p, outcome);
    tell_ready(c);
    if (c->state > CLIENT_DOOMED) {
        if (client_is_idle(c))
            client_move(c, CLIENT_GONE);
        return;
    }
    if (c->state == CLIENT_DOOMED)
        return; /* nothing was written */
    client_settle(c);
    /* Reads on their way to the log wait for this too. */
    if (c->unanswered.count == 0 && c->reads.phase != READS_ASKED)
        client_wake(c, WAIT_IDLE);
}
