/*
 * Nodes that answer what a test says: each is a thread with a listening
 * socket, which takes one connection after the other and answers request by
 * request from a list; the last of the list is repeated.
 */
#ifndef UNIT_CLIENT_FAKE_SERVER_H
#define UNIT_CLIENT_FAKE_SERVER_H

#include "client/cluster.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIXTURE   __attribute__((unused)) static
#define FAKES_MAX 3
#define STEPS_MAX 4

/* Instead of a reply: closes the connection, or says nothing. */
#define DROPS  "drops"
#define STALLS "stalls"

struct fake {
    pthread_t thread;
    int listening;
    uint16_t port;
    const char *steps[STEPS_MAX]; /* replies as they are on the wire */
    size_t step_count;
    bool closes;       /* after each reply */
    unsigned delay_ms; /* before each */
    atomic_size_t asked;
    struct meeting *meeting; /* NULL: it answers at once */
};

/* Those who answer when all of them have been asked. */
struct meeting {
    atomic_size_t asked;
    size_t all;
};

struct fixture {
    struct fake fakes[FAKES_MAX];
    size_t count;
    struct cluster cluster;
    struct answer answer;
};

/* False: not all were asked within ten seconds. */
FIXTURE bool fake_meet(struct meeting *m)
{
    atomic_fetch_add(&m->asked, 1);
    for (int ms = 0; ms < 10000 && atomic_load(&m->asked) < m->all; ms++)
        usleep(1000);
    return atomic_load(&m->asked) >= m->all;
}

/* False: the connection is over. */
FIXTURE bool fake_answer(struct fake *f, int fd)
{
    char request[1024];
    if (read(fd, request, sizeof(request)) <= 0)
        return false;
    size_t at = atomic_fetch_add(&f->asked, 1);
    const char *step = f->steps[MIN(at, f->step_count - 1)];
    if (strcmp(step, DROPS) == 0)
        return false;
    if (strcmp(step, STALLS) == 0)
        return true;
    usleep(f->delay_ms * 1000);
    if (f->meeting != NULL && !fake_meet(f->meeting))
        return false;
    return write(fd, step, strlen(step)) > 0 && !f->closes;
}

FIXTURE void *fake_serve(void *ctx)
{
    struct fake *f = ctx;
    int fd;
    while ((fd = accept(f->listening, NULL, NULL)) >= 0) {
        while (fake_answer(f, fd))
            continue;
        close(fd);
    }
    return NULL;
}

/* A port on which nobody listens; the socket keeps it. */
FIXTURE int taken_port(uint16_t *port)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t len = sizeof(in);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    *port = ntohs(in.sin_port);
    return fd;
}

FIXTURE void know_port(struct fixture *f, uint16_t port)
{
    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%u", port);
    assert_true(cluster_add(&f->cluster, bytes_str(address), false));
}

/* A node that the cluster does not know; it has one step. */
FIXTURE struct fake *add_fake(struct fixture *f, const char *step)
{
    assert_true(f->count < FAKES_MAX);
    struct fake *fake = &f->fakes[f->count++];
    fake->steps[fake->step_count++] = step;
    fake->listening = taken_port(&fake->port);
    assert_int_equal(listen(fake->listening, 8), 0);
    assert_int_equal(pthread_create(&fake->thread, NULL, fake_serve, fake), 0);
    return fake;
}

/* The same, and the cluster knows it. */
FIXTURE struct fake *add_node(struct fixture *f, const char *step)
{
    struct fake *fake = add_fake(f, step);
    know_port(f, fake->port);
    return fake;
}

/* How often it was asked so far. */
FIXTURE size_t asked(struct fake *fake)
{
    return atomic_load(&fake->asked);
}

FIXTURE int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->cluster.timeout_ms = 20000;
    *state = f;
    return 0;
}

FIXTURE int teardown(void **state)
{
    struct fixture *f = *state;
    cluster_release(&f->cluster);
    buf_release(&f->answer.text);
    for (size_t i = 0; i < f->count; i++) {
        shutdown(f->fakes[i].listening, SHUT_RDWR);
        pthread_join(f->fakes[i].thread, NULL);
        close(f->fakes[i].listening);
    }
    free(f);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
