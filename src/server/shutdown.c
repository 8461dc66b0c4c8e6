/*
 * The orderly end: SIGTERM, SIGINT, SHUTDOWN.
 *
 * First leadership is handed over, for at most two election timeouts, while
 * clients go on being served; then nothing new is executed, and answers that
 * are due get a second to come and leave; then the loop stops, and main
 * closes what is open. Nothing depends on any of this: a process that is
 * killed loses no acknowledged write. It spares the clients a pause.
 *
 * A second signal ends the wait at once.
 *
 * How it fails: it always comes to an end. A transfer that cannot begin is left
 * out; one that takes too long, and clients that are not answered in time, are
 * logged and not waited for. Only SHUTDOWN ABORT stops it, before the transfer
 * is over.
 */
#include <signal.h>

#include "server/server_internal.h"

#define DRAIN_MS 1000

static void stop_loop(struct server *s)
{
    struct shutdown *sd = &s->shutdown;
    ASSERT(sd->phase != SHUTDOWN_DONE);
    sd->phase = SHUTDOWN_DONE;
    loop_timer_stop(s->options.loop, &sd->timer);
    log_warning(s->options.log, "vard is now ready to exit, bye bye...");
    loop_stop(s->options.loop);
}

static void drain(struct server *s)
{
    struct shutdown *sd = &s->shutdown;
    ASSERT(sd->phase < SHUTDOWN_DRAIN);
    sd->phase = SHUTDOWN_DRAIN;
    server_listen_close(s);
    loop_timer_start(s->options.loop, &sd->timer, DRAIN_MS);
}

/* True if there is a transfer to wait for. */
static bool begin_transfer(struct server *s)
{
    ASSERT(s->shutdown.phase == SHUTDOWN_TRANSFER);
    s->shutdown.transfer_ended = false;
    return s->node != NULL && node_transfer(s->node, NODE_NONE);
}

void shutdown_begin(struct server *s, enum shutdown_how how)
{
    struct shutdown *sd = &s->shutdown;
    if (sd->phase == SHUTDOWN_DONE)
        return;
    if (sd->phase == SHUTDOWN_NONE && s->options.stopping != NULL)
        s->options.stopping(s->options.ctx);
    if (how == SHUTDOWN_NOW) {
        stop_loop(s);
        return;
    }
    if (sd->phase != SHUTDOWN_NONE)
        return;
    sd->phase = SHUTDOWN_TRANSFER;
    if (begin_transfer(s))
        loop_timer_start(s->options.loop, &sd->timer,
                         2 * (int64_t)s->options.config->election_timeout_ms);
    else
        drain(s);
}

void server_shutdown(struct server_call *call, enum shutdown_how how)
{
    (void)client_wait(call->c, WAIT_SHUTDOWN);
    shutdown_begin(call->s, how);
}

/* Clients that asked for the shutdown learn that it does not happen. */
static void tell_aborted(struct server *s)
{
    ASSERT(s->shutdown.phase == SHUTDOWN_NONE);
    LIST_EACH(link, &s->clients.open)
    {
        struct client *c = CONTAINER_OF(link, struct client, link);
        if (c->wait != WAIT_SHUTDOWN)
            continue;
        client_reply_error(c, NULL, 0,
                           "ERR Errors trying to SHUTDOWN. Check logs.");
        (void)client_wait(c, WAIT_TURN);
        client_mark_ready(c);
    }
}

bool server_shutdown_abort(struct server *s)
{
    struct shutdown *sd = &s->shutdown;
    if (sd->phase != SHUTDOWN_TRANSFER)
        return false;
    sd->phase = SHUTDOWN_NONE;
    sd->by_signal = false; /* the next signal is a first one */
    loop_timer_stop(s->options.loop, &sd->timer);
    log_notice(s->options.log, "Shutdown manually aborted.");
    tell_aborted(s);
    return true;
}

void shutdown_transfer_ended(struct server *s)
{
    s->shutdown.transfer_ended = true;
}

static bool all_answered(const struct server *s)
{
    ASSERT(s->shutdown.phase == SHUTDOWN_DRAIN);
    LIST_EACH(link, &s->clients.open)
    {
        const struct client *c = CONTAINER_OF(link, struct client, link);
        if (!client_is_idle(c) || conn_pending(&c->conn) > 0)
            return false;
    }
    return true;
}

void shutdown_progress(struct server *s)
{
    struct shutdown *sd = &s->shutdown;
    if (sd->phase == SHUTDOWN_TRANSFER && sd->transfer_ended)
        drain(s);
    if (sd->phase == SHUTDOWN_DRAIN && all_answered(s))
        stop_loop(s);
}

static void on_timer(void *ctx)
{
    struct server *s = ctx;
    ASSERT(s->shutdown.phase == SHUTDOWN_TRANSFER ||
           s->shutdown.phase == SHUTDOWN_DRAIN);
    turn_begin(s);
    if (s->shutdown.phase == SHUTDOWN_TRANSFER) {
        log_warning(s->options.log,
                    "no other node took leadership over in time");
        drain(s);
    } else if (s->shutdown.phase == SHUTDOWN_DRAIN) {
        log_warning(s->options.log, "some clients were not answered in time");
        stop_loop(s);
    }
}

static void on_signal(struct server *s, const char *name)
{
    turn_begin(s);
    if (s->shutdown.by_signal) {
        log_warning(s->options.log, "Received %s again, exiting at once", name);
        shutdown_begin(s, SHUTDOWN_NOW);
        return;
    }
    s->shutdown.by_signal = true;
    log_warning(s->options.log, "Received %s, shutting down", name);
    shutdown_begin(s, SHUTDOWN_ORDERLY);
}

static void on_sigterm(void *ctx)
{
    on_signal(ctx, "SIGTERM");
}

static void on_sigint(void *ctx)
{
    on_signal(ctx, "SIGINT");
}

void shutdown_init(struct server *s)
{
    struct shutdown *sd = &s->shutdown;
    ASSERT(sd->phase == SHUTDOWN_NONE);
    *sd = (struct shutdown){.phase = SHUTDOWN_NONE};
    sd->timer = (struct loop_timer){NULL, on_timer, s};
    sd->sigterm = (struct loop_signal){NULL, on_sigterm, s};
    sd->sigint = (struct loop_signal){NULL, on_sigint, s};
    loop_signal_start(s->options.loop, &sd->sigterm, SIGTERM);
    loop_signal_start(s->options.loop, &sd->sigint, SIGINT);
}

void server_signals_end(struct server *s)
{
    ASSERT(s->shutdown.sigterm.fn != NULL);
    loop_poll(s->options.loop);
    loop_signal_stop(s->options.loop, &s->shutdown.sigterm);
    loop_signal_stop(s->options.loop, &s->shutdown.sigint);
}

void shutdown_release(struct server *s)
{
    loop_timer_stop(s->options.loop, &s->shutdown.timer);
    loop_signal_stop(s->options.loop, &s->shutdown.sigterm);
    loop_signal_stop(s->options.loop, &s->shutdown.sigint);
}
