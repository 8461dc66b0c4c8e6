/*
 * The bad network: a proxy through which the nodes of a cluster reach each
 * other. It listens on one port for each ordered pair of nodes; what node A
 * sends to B travels on the *path* from A to B, whichever of the two has
 * dialed the connection. Each path has faults of its own, so that any shape
 * of partition can be made, one-way ones too.
 *
 * link.c is the program and its commands; link_conn.c moves the bytes.
 */
#ifndef CHAOS_LINK_H
#define CHAOS_LINK_H

#include "base/base.h"

#define LINK_NODES_MAX 8

enum path_fault {
    PATH_STALL,  /* nothing passes; what is sent arrives when it is over */
    PATH_REFUSE, /* connections are reset, new ones too */
    PATH_DELAY,  /* ms */
    PATH_JITTER, /* ms, added at random */
    PATH_STEP,   /* ms; all bytes of a step arrive together */
    PATH_RATE,   /* bytes a second */
    PATH_PIECES, /* bytes; writes are cut into pieces of 1 to so many */
    PATH_FAULTS
};

struct path {
    int64_t fault[PATH_FAULTS]; /* 0: none */
    int64_t corrupt;            /* so many chunks get a wrong bit, */
    int64_t corrupt_bit;        /* this one; -1: any */
};

struct chunk;
struct net;

/* One direction of a connection. */
struct lane {
    struct path *path;
    struct chunk *head, *tail;
    size_t queued;
    int64_t due_us;  /* of the last chunk: they stay in order */
    int64_t free_us; /* when the rate allows the next byte */
    bool eof;        /* the source has ended; a last chunk says so */
};

/* fd[0] dialed us, fd[1] is our connection to the other node; lane[i] comes
 * from fd[i]. -1: closed. */
struct conn {
    struct conn *next;
    struct net *net;
    int from, to;
    int fd[2];
    bool connected; /* fd[1] */
    struct lane lane[2];
};

struct net {
    struct path path[LINK_NODES_MAX + 1][LINK_NODES_MAX + 1];
    int port[LINK_NODES_MAX + 1]; /* of the nodes' peers; 0: no such node */
    struct conn *conns;
    uint64_t random;
    uint64_t bytes, connections, resets, corrupted;
};

int64_t link_now_us(void);
uint64_t link_random(struct net *n, uint64_t bound);

/* Takes over a connection that `from` has made to reach `to`. */
void conn_open(struct net *n, int from, int to, int fd);
/* What poll should wait for at end i; 0: nothing, or it is closed. */
short conn_wants(const struct conn *c, int i, int64_t now_us);
/* When its next chunk is due; INT64_MAX: nothing waits for time alone. */
int64_t conn_due_us(const struct conn *c);
/* Moves what can be moved; `events` is what poll found at each end. */
void conn_run(struct conn *c, const short events[2], int64_t now_us);
/* Resets end i; what came from there before still reaches the other end. */
void conn_reset(struct conn *c, int i);
/* Frees those with both ends closed. */
void conns_sweep(struct net *n);

#endif
