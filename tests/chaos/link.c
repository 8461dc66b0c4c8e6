/*
 * link ID:PORT...: the bad network between nodes whose peer ports these are;
 * see link.h. Prints "port FROM TO PORT" for each ordered pair, the port that
 * FROM is to be told for TO, then "ready". Then commands on standard input,
 * each answered by one line, "ok ..." or "error ..."; ends with its input.
 *
 *   set FROM TO FAULT VALUE   0 is any node; faults: stall refuse delay
 *                             jitter step rate pieces, as in link.h
 *   corrupt FROM TO COUNT     flips a bit in so many chunks, any one
 *   corrupt FROM TO COUNT BIT this one
 *   reset FROM TO             of the connections that FROM has dialed
 *   orphan FROM TO            the same at FROM's end only: what it has sent
 *                             still arrives, late
 *   clear                     no faults any more
 *   seed N
 *   count                     bytes, connections, resets, corrupted
 *
 * How it works: one thread, poll, at most some hundred sockets.
 */
#include "link.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/num.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WORDS_MAX 6
#define WAIT_MS   1000

struct door { /* where one node dials another */
    int from, to, fd;
};

struct link {
    struct net net;
    struct door doors[LINK_NODES_MAX * LINK_NODES_MAX];
    size_t door_count;
    struct buf input;
};

static const char *const fault_names[PATH_FAULTS] = {
    [PATH_STALL] = "stall",   [PATH_REFUSE] = "refuse", [PATH_DELAY] = "delay",
    [PATH_JITTER] = "jitter", [PATH_STEP] = "step",     [PATH_RATE] = "rate",
    [PATH_PIECES] = "pieces",
};

/* --- commands ------------------------------------------------------------ */

static bool matches(int wanted, int is)
{
    return wanted == 0 || wanted == is;
}

static void reset_conns(struct net *n, int from, int to, bool both)
{
    for (struct conn *c = n->conns; c != NULL; c = c->next) {
        if (!matches(from, c->from) || !matches(to, c->to))
            continue;
        conn_reset(c, 0);
        if (both)
            conn_reset(c, 1);
    }
}

/* Whatever travels on the path, whoever dialed. */
static void reset_path(struct net *n, int from, int to)
{
    reset_conns(n, from, to, true);
    reset_conns(n, to, from, true);
}

static void set_fault(struct net *n, const int pair[2], enum path_fault fault,
                      int64_t value)
{
    for (int from = 1; from <= LINK_NODES_MAX; from++) {
        for (int to = 1; to <= LINK_NODES_MAX; to++) {
            if (matches(pair[0], from) && matches(pair[1], to))
                n->path[from][to].fault[fault] = value;
        }
    }
    if (fault == PATH_REFUSE && value != 0)
        reset_path(n, pair[0], pair[1]);
}

static void corrupt(struct net *n, const int pair[2], int64_t count,
                    int64_t bit)
{
    for (int from = 1; from <= LINK_NODES_MAX; from++) {
        for (int to = 1; to <= LINK_NODES_MAX; to++) {
            if (!matches(pair[0], from) || !matches(pair[1], to))
                continue;
            n->path[from][to].corrupt = count;
            n->path[from][to].corrupt_bit = bit;
        }
    }
}

static bool command_set(struct net *n, const int pair[2], struct bytes name,
                        int64_t value)
{
    for (size_t i = 0; i < PATH_FAULTS; i++) {
        if (bytes_eq(name, bytes_str(fault_names[i]))) {
            set_fault(n, pair, (enum path_fault)i, value);
            return true;
        }
    }
    return false;
}

/* Commands about a pair of nodes; false: there is no such command. */
static bool command_pair(struct net *n, const struct bytes *word, size_t words)
{
    int64_t number[2] = {0, 0};
    int64_t value = 0;
    int64_t count = 0;
    for (size_t i = 0; i < 2; i++) {
        if (!num_parse_i64(word[1 + i], &number[i]) || number[i] < 0 ||
            number[i] > LINK_NODES_MAX)
            return false;
    }
    int pair[2] = {(int)number[0], (int)number[1]};
    if (words > 3 && (!num_parse_i64(word[words - 1], &value) || value < 0))
        return false;
    if (words == 5 && bytes_eq(word[0], BYTES_LIT("set")))
        return command_set(n, pair, word[3], value);
    if (words == 4 && bytes_eq(word[0], BYTES_LIT("corrupt")))
        corrupt(n, pair, value, -1);
    else if (words == 5 && bytes_eq(word[0], BYTES_LIT("corrupt")) &&
             num_parse_i64(word[3], &count) && count >= 0)
        corrupt(n, pair, count, value);
    else if (words == 3 && bytes_eq(word[0], BYTES_LIT("reset")))
        reset_conns(n, pair[0], pair[1], true);
    else if (words == 3 && bytes_eq(word[0], BYTES_LIT("orphan")))
        reset_conns(n, pair[0], pair[1], false);
    else
        return false;
    return true;
}

static bool command(struct net *n, const struct bytes *word, size_t words)
{
    int64_t value = 0;
    if (words >= 3)
        return command_pair(n, word, words);
    if (words == 2 && bytes_eq(word[0], BYTES_LIT("seed")) &&
        num_parse_i64(word[1], &value)) {
        n->random = (uint64_t)value * UINT64_C(0x9e3779b97f4a7c15) | 1;
        return true;
    }
    if (words == 1 && bytes_eq(word[0], BYTES_LIT("clear"))) {
        memset(n->path, 0, sizeof(n->path));
        return true;
    }
    return words == 1 && bytes_eq(word[0], BYTES_LIT("count"));
}

static void take_line(struct net *n, struct bytes line)
{
    struct bytes word[WORDS_MAX];
    size_t words = 0;
    while (line.len > 0 && words < WORDS_MAX) {
        size_t len = 0;
        while (len < line.len && line.data[len] != ' ')
            len++;
        word[words++] = bytes_of(line.data, len);
        line = bytes_from(line, MIN(len + 1, line.len));
    }
    if (words == 0 || !command(n, word, words)) {
        puts("error unknown command");
        return;
    }
    printf("ok %" PRIu64 " bytes %" PRIu64 " connections %" PRIu64
           " resets %" PRIu64 " corrupted\n",
           n->bytes, n->connections, n->resets, n->corrupted);
}

/* False: the input has ended. */
static bool read_commands(struct link *l)
{
    uint8_t *room = buf_reserve(&l->input, 4096);
    ssize_t got = read(STDIN_FILENO, room, 4096);
    if (got <= 0)
        return got < 0 && errno == EINTR;
    l->input.len += (size_t)got;
    uint8_t *end = NULL;
    while (l->input.len > 0 &&
           (end = memchr(l->input.data, '\n', l->input.len)) != NULL) {
        size_t len = (size_t)(end - l->input.data);
        take_line(&l->net, bytes_of(l->input.data, len));
        buf_consume(&l->input, len + 1);
    }
    return fflush(stdout) == 0;
}

/* --- the loop ------------------------------------------------------------ */

static void take_conns(struct link *l, const struct pollfd *polled)
{
    for (size_t i = 0; i < l->door_count; i++) {
        if ((polled[i].revents & POLLIN) == 0)
            continue;
        int fd =
            accept4(l->doors[i].fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            conn_open(&l->net, l->doors[i].from, l->doors[i].to, fd);
    }
}

static int wait_ms(const struct net *n, int64_t now_us)
{
    int64_t due_us = now_us + WAIT_MS * 1000;
    for (struct conn *c = n->conns; c != NULL; c = c->next) {
        if (c->connected)
            due_us = MIN(due_us, conn_due_us(c));
    }
    return due_us <= now_us ? 0 : (int)((due_us - now_us + 999) / 1000);
}

/* One turn; false: the input has ended. */
static bool turn(struct link *l, struct buf *room)
{
    size_t count = 1 + l->door_count;
    int64_t now_us = link_now_us();
    for (struct conn *c = l->net.conns; c != NULL; c = c->next)
        count += 2;
    buf_reset(room);
    struct pollfd *p =
        (struct pollfd *)(void *)buf_reserve(room, count * sizeof(*p));
    p[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    for (size_t i = 0; i < l->door_count; i++)
        p[1 + i] = (struct pollfd){.fd = l->doors[i].fd, .events = POLLIN};
    size_t at = 1 + l->door_count;
    for (struct conn *c = l->net.conns; c != NULL; c = c->next) {
        for (int i = 0; i < 2; i++) {
            short wants = conn_wants(c, i, now_us);
            p[at++] = (struct pollfd){.fd = wants != 0 ? c->fd[i] : -1,
                                      .events = wants};
        }
    }
    int found = poll(p, count, wait_ms(&l->net, now_us));
    ASSERT(found >= 0 || errno == EINTR);
    now_us = link_now_us();
    at = 1 + l->door_count;
    for (struct conn *c = l->net.conns; c != NULL; c = c->next, at += 2) {
        short events[2] = {p[at].revents, p[at + 1].revents};
        conn_run(c, events, now_us);
    }
    take_conns(l, p + 1);
    bool more = p[0].revents == 0 || read_commands(l);
    conns_sweep(&l->net);
    return more;
}

/* --- the start ----------------------------------------------------------- */

static void open_door(struct link *l, int from, int to)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0);
    int err = bind(fd, (struct sockaddr *)&address, sizeof(address));
    ASSERT(err == 0 && listen(fd, 64) == 0);
    err = getsockname(fd, (struct sockaddr *)&address, &len);
    ASSERT(err == 0);
    l->doors[l->door_count++] = (struct door){from, to, fd};
    printf("port %d %d %d\n", from, to, ntohs(address.sin_port));
}

static bool take_node(struct net *n, const char *text)
{
    int64_t id = 0;
    int64_t port = 0;
    size_t len = strcspn(text, ":");
    if (text[len] == '\0' || !num_parse_i64(bytes_of(text, len), &id) ||
        !num_parse_i64(bytes_str(text + len + 1), &port))
        return false;
    if (id < 1 || id > LINK_NODES_MAX || port < 1 || port > 65535)
        return false;
    n->port[id] = (int)port;
    return true;
}

int main(int argc, char **argv)
{
    struct link *l = mem_zalloc(sizeof(*l));
    struct buf room = BUF_INIT;
    l->net.random = 1;
    for (int i = 1; i < argc; i++) {
        if (!take_node(&l->net, argv[i])) {
            fputs("usage: link ID:PORT...\n", stderr);
            return 2;
        }
    }
    for (int from = 1; from <= LINK_NODES_MAX; from++) {
        for (int to = 1; to <= LINK_NODES_MAX; to++) {
            if (from != to && l->net.port[from] && l->net.port[to])
                open_door(l, from, to);
        }
    }
    puts("ready");
    (void)fflush(stdout);
    while (turn(l, &room))
        ;
    reset_conns(&l->net, 0, 0, true);
    conns_sweep(&l->net);
    buf_release(&l->input);
    buf_release(&room);
    mem_free(l);
    return 0;
}
