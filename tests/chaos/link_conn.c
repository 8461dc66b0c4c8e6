/*
 * Connections of the bad network. What is read from one end becomes a chunk
 * that is due when the path says so; chunks are written in order, and the end
 * of the source is a chunk too (of no bytes), so that a stalled or slow path
 * hides it as a real network would. A reset of one end alone therefore leaves
 * bytes on their way that arrive after their connection has been replaced.
 *
 * How it fails: any error of a socket is an end of the connection; there is
 * nobody to tell. Memory per direction is bounded by LANE_BYTES_MAX.
 */
#include "link.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LANE_BYTES_MAX (1024 * 1024)
#define READ_BYTES     65536

struct chunk {
    struct chunk *next;
    int64_t due_us;
    size_t len; /* 0: the end */
    size_t sent;
    uint8_t data[];
};

int64_t link_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* xorshift64: a seed is a run, as far as the sockets let it be one. */
uint64_t link_random(struct net *n, uint64_t bound)
{
    ASSERT(bound > 0 && n->random != 0);
    n->random ^= n->random << 13;
    n->random ^= n->random >> 7;
    n->random ^= n->random << 17;
    return n->random % bound;
}

/* --- lanes --------------------------------------------------------------- */

static int64_t due(struct net *n, struct lane *l, size_t len, int64_t now_us)
{
    const int64_t *fault = l->path->fault;
    int64_t at = now_us + fault[PATH_DELAY] * 1000;
    if (fault[PATH_JITTER] > 0)
        at += (int64_t)link_random(n, (uint64_t)fault[PATH_JITTER] * 1000 + 1);
    if (fault[PATH_STEP] > 0) {
        int64_t step = fault[PATH_STEP] * 1000;
        at = (at / step + 1) * step;
    }
    if (fault[PATH_RATE] > 0) {
        int64_t took = (int64_t)len * 1000000 / fault[PATH_RATE];
        l->free_us = MAX(l->free_us, now_us) + took;
        at = MAX(at, l->free_us);
    }
    l->due_us = MAX(l->due_us, at);
    return l->due_us;
}

static void spoil(struct net *n, struct path *path, struct chunk *c)
{
    uint64_t bits = (uint64_t)c->len * 8;
    uint64_t bit = path->corrupt_bit >= 0 ? (uint64_t)path->corrupt_bit % bits
                                          : link_random(n, bits);
    path->corrupt--;
    n->corrupted++;
    c->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

static void lane_put(struct net *n, struct lane *l, const uint8_t *data,
                     size_t len)
{
    struct chunk *c = mem_alloc(sizeof(*c) + len);
    *c = (struct chunk){.len = len, .due_us = due(n, l, len, link_now_us())};
    if (len > 0)
        memcpy(c->data, data, len);
    if (len > 0 && l->path->corrupt > 0)
        spoil(n, l->path, c);
    if (l->tail != NULL)
        l->tail->next = c;
    else
        l->head = c;
    l->tail = c;
    l->queued += len;
}

static void lane_pop(struct lane *l)
{
    struct chunk *c = l->head;
    ASSERT(c != NULL && l->queued >= c->len);
    l->queued -= c->len;
    l->head = c->next;
    if (l->head == NULL)
        l->tail = NULL;
    mem_free(c);
}

static void lane_end(struct net *n, struct lane *l)
{
    if (!l->eof)
        lane_put(n, l, NULL, 0);
    l->eof = true;
}

static bool lane_due(const struct lane *l, int64_t now_us)
{
    return l->head != NULL && l->head->due_us <= now_us &&
           l->path->fault[PATH_STALL] == 0;
}

/* --- ends ---------------------------------------------------------------- */

static void close_end(struct conn *c, int i)
{
    if (c->fd[i] < 0)
        return;
    (void)close(c->fd[i]);
    c->fd[i] = -1;
    while (c->lane[1 - i].head != NULL) /* nobody will read it */
        lane_pop(&c->lane[1 - i]);
    lane_end(c->net, &c->lane[i]);
}

void conn_reset(struct conn *c, int i)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    if (c->fd[i] < 0)
        return;
    (void)setsockopt(c->fd[i], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close_end(c, i);
    c->net->resets++;
}

static int dial(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 &&
        errno != EINPROGRESS) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

void conn_open(struct net *n, int from, int to, int fd)
{
    struct conn *c = mem_zalloc(sizeof(*c));
    int on = 1;
    *c = (struct conn){
        .next = n->conns,
        .net = n,
        .from = from,
        .to = to,
        .fd = {fd, -1},
        .lane = {{.path = &n->path[from][to]}, {.path = &n->path[to][from]}}};
    n->conns = c;
    n->connections++;
    if (c->lane[0].path->fault[PATH_REFUSE] ||
        c->lane[1].path->fault[PATH_REFUSE]) {
        conn_reset(c, 0);
        return;
    }
    c->fd[1] = dial(n->port[to]);
    if (c->fd[1] < 0) {
        conn_reset(c, 0);
        return;
    }
    for (int i = 0; i < 2; i++)
        (void)setsockopt(c->fd[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* --- moving -------------------------------------------------------------- */

static void read_end(struct conn *c, int i)
{
    uint8_t data[READ_BYTES];
    ssize_t got = read(c->fd[i], data, sizeof(data));
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        close_end(c, i);
    else if (c->fd[1 - i] >= 0)
        lane_put(c->net, &c->lane[i], data, (size_t)got);
}

/* True: go on with the next chunk. */
static bool write_chunk(struct conn *c, int i)
{
    struct lane *l = &c->lane[1 - i];
    struct chunk *chunk = l->head;
    int64_t pieces = l->path->fault[PATH_PIECES];
    if (chunk->len == 0) {
        close_end(c, i);
        return false;
    }
    size_t want = chunk->len - chunk->sent;
    if (pieces > 0) {
        size_t piece = 1 + link_random(c->net, (uint64_t)pieces);
        want = MIN(want, piece);
    }
    ssize_t sent =
        send(c->fd[i], chunk->data + chunk->sent, want, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR)
            close_end(c, i);
        return false;
    }
    chunk->sent += (size_t)sent;
    ASSERT(chunk->sent <= chunk->len);
    c->net->bytes += (uint64_t)sent;
    if (chunk->sent == chunk->len)
        lane_pop(l);
    return pieces == 0; /* a piece per turn, so that it arrives alone */
}

static void connected(struct conn *c)
{
    int error = 0;
    socklen_t len = sizeof(error);
    (void)getsockopt(c->fd[1], SOL_SOCKET, SO_ERROR, &error, &len);
    c->connected = error == 0;
    if (!c->connected) {
        conn_reset(c, 1);
        conn_reset(c, 0);
    }
}

short conn_wants(const struct conn *c, int i, int64_t now_us)
{
    short wants = 0;
    if (c->fd[i] < 0)
        return 0;
    if (i == 1 && !c->connected)
        return POLLOUT;
    if (c->lane[i].queued < LANE_BYTES_MAX)
        wants |= POLLIN;
    if (lane_due(&c->lane[1 - i], now_us))
        wants |= POLLOUT;
    return wants;
}

int64_t conn_due_us(const struct conn *c)
{
    int64_t next = INT64_MAX;
    for (int i = 0; i < 2; i++) {
        const struct lane *l = &c->lane[i];
        if (l->head != NULL && c->fd[1 - i] >= 0 &&
            l->path->fault[PATH_STALL] == 0)
            next = MIN(next, l->head->due_us);
    }
    return next;
}

void conn_run(struct conn *c, const short events[2], int64_t now_us)
{
    if (c->fd[1] >= 0 && !c->connected) {
        if (events[1] != 0)
            connected(c);
        return;
    }
    for (int i = 0; i < 2; i++) {
        if (c->fd[i] >= 0 && (events[i] & (POLLIN | POLLHUP | POLLERR)) &&
            c->lane[i].queued < LANE_BYTES_MAX)
            read_end(c, i);
        while (c->fd[i] >= 0 && lane_due(&c->lane[1 - i], now_us) &&
               write_chunk(c, i))
            ;
    }
}

void conns_sweep(struct net *n)
{
    struct conn **at = &n->conns;
    while (*at != NULL) {
        struct conn *c = *at;
        if (c->fd[0] >= 0 || c->fd[1] >= 0) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        for (int i = 0; i < 2; i++) {
            while (c->lane[i].head != NULL)
                lane_pop(&c->lane[i]);
        }
        mem_free(c);
    }
}
