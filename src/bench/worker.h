/*
 * One thread of load: an event loop, its share of the connections, of the
 * rate and of the count.
 *
 * Closed loop: each connection sends `pipeline` requests with one write, and
 * the next ones when all are answered; latency counts from the write.
 *
 * Open loop: requests are due at times fixed beforehand, whether or not
 * earlier ones are answered. A due request takes a connection with room
 * (fewer than `pipeline` unanswered), or waits for one; latency counts from
 * the time it was due, so that waiting shows (no coordinated omission). The
 * waiting line is a number and a time, and needs no memory.
 *
 * The measured result contains what was answered in the measured time (closed
 * loop), or what was due in it (open loop). Errors always count. At the end the
 * worker waits for what was sent, at most `timeout`; a request that was due and
 * never sent is an error.
 *
 * Thread: worker_new and worker_free belong to the main thread, before and
 * after worker_run; worker_signal and the atomics to any.
 */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include "bench/bench.h"
#include "net/conn.h"
#include "os/socket.h"

struct worker;

struct slot {
    int64_t start_us; /* latency counts from here */
    int64_t sent_us;
    enum bench_op op;
    bool busy;
};

enum bench_link_state { LINK_DOWN, LINK_CONNECTING, LINK_UP };

struct bench_link {
    struct worker *worker;
    void (*ready)(struct bench_link *l);
    enum bench_link_state state;
    struct conn conn;          /* LINK_UP */
    struct loop_io connecting; /* LINK_CONNECTING */
    int fd;                    /* while connecting */
    struct loop_timer retry;
    int64_t since_us; /* when it began to connect */
    size_t node;      /* the next one to try after a loss */
    void *protocol;   /* state of the protocol, LINK_UP */
    uint64_t sent;    /* requests on this connection */
    uint32_t unanswered;
    bool dirty;         /* in the worker's list of what to flush */
    bool queued;        /* in the worker's ring of links with room */
    bool decided;       /* connected or failed once */
    struct slot *slots; /* `pipeline` of them, by number modulo that */
};

struct worker_share {
    const struct bench_options *options;
    const struct bench_protocol *protocol;
    const struct keys *keys;
    const struct address *addresses; /* of the cluster's nodes */
    struct bench_clock *clock;
    size_t index, count; /* this worker, of so many */
};

struct worker {
    struct worker_share share;
    struct loop *loop;
    struct loop_async wake;
    struct loop_timer tick;
    struct loop_io due_io; /* open loop: a timerfd */
    int due_fd;
    struct bench_link *links;
    size_t link_count;
    struct bench_link **dirty;
    size_t dirty_count;
    struct bench_link **room; /* ring of link_count, open loop */
    size_t room_head, room_count;
    uint64_t rng;
    uint64_t quota;      /* requests still to send; UINT64_MAX: no end */
    uint64_t unanswered; /* of all links */
    uint64_t setup_next; /* key of the next request of setup */
    double due_us;       /* open loop: when the next one is due */
    double interval_us;
    size_t undecided;      /* links that have not connected or failed yet */
    int64_t dark_since_us; /* a loss, and no answer since; 0: not so */
    bool going, stopping, over;

    struct histogram latency; /* of measured requests */
    struct errors errors;
    _Atomic uint64_t ops;
    _Atomic uint64_t misses;
    _Atomic uint64_t done_all;
    _Atomic uint64_t reconnects;
    _Atomic uint64_t links_up;
    _Atomic bool ready; /* all links connected, or failed once */
    _Atomic int64_t finished_us;
};

struct worker *worker_new(const struct worker_share *share);
void worker_free(struct worker *w);
/* Connects, waits for clock->go_us and a signal, runs to the end. */
void *worker_run(void *worker);
/* Tells the worker that the clock was set, or changed. */
void worker_signal(struct worker *w);

/* ---- for link.c, reply.c and worker.c alone ---- */

/* reply.c: the answer to what was in the slot; counts it. */
void bench_reply_count(struct worker *w, const struct slot *s,
                       const struct bench_reply *r, int64_t now_us);

/* link.c: `ready` is told when it is up, or some of its requests have been
 * answered. */
void bench_link_init(struct bench_link *l, struct worker *w, size_t index,
                     void (*ready)(struct bench_link *l));
void bench_link_connect(struct bench_link *l);
/* Counts all unanswered requests as errors of this kind, connects again. */
void bench_link_lose(struct bench_link *l, const char *kind, struct bytes why);
void bench_link_end(struct bench_link *l);
void bench_link_send(struct bench_link *l, const struct bench_request *r,
                     int64_t start_us, int64_t now_us);
/* Room for one more: the slot of the next request is free. */
bool bench_link_has_room(const struct bench_link *l);

#endif
