/*
 * A program as somebody would write it with hiredis: the blocking API with
 * pipelining, then the asynchronous one, on a node given as "host port
 * [password]". Prints "hiredis: ok" or what went wrong.
 *
 * The asynchronous API wants an event loop; here it is poll(2), so that the
 * test needs no further library.
 */
#include "base/base.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ASYNC_COUNT   1000
#define ASYNC_SECONDS 20

struct poller {
    redisAsyncContext *context;
    bool reading, writing, ended;
    int replies;
    int wrong;
};

static int fail(const char *what, const char *why)
{
    printf("hiredis: %s: %s\n", what, why);
    return 1;
}

static int expect(redisReply *reply, int type, const char *what)
{
    int bad = 0;
    if (reply == NULL)
        bad = fail(what, "no reply");
    else if (reply->type != type)
        bad = fail(what, reply->str != NULL ? reply->str : "wrong type");
    if (reply != NULL)
        freeReplyObject(reply);
    return bad;
}

static int check_binary(redisContext *c)
{
    const char value[] = "a\0b\r\n\xff";
    int bad = expect(redisCommand(c, "SET %b %b", "k\0e\ny", (size_t)5, value,
                                  sizeof(value) - 1),
                     REDIS_REPLY_STATUS, "SET binary");
    redisReply *reply = redisCommand(c, "GET %b", "k\0e\ny", (size_t)5);
    if (reply == NULL || reply->type != REDIS_REPLY_STRING ||
        reply->len != sizeof(value) - 1 ||
        memcmp(reply->str, value, reply->len) != 0)
        bad |= fail("GET binary", "not what was set");
    if (reply != NULL)
        freeReplyObject(reply);
    return bad;
}

static int check_pipeline(redisContext *c)
{
    const int count = 500;
    int bad =
        expect(redisCommand(c, "SET hiredis:n 0"), REDIS_REPLY_STATUS, "SET");
    for (int i = 0; i < count; i++)
        redisAppendCommand(c, "INCR hiredis:n");
    for (int i = 1; i <= count && bad == 0; i++) {
        redisReply *reply = NULL;
        if (redisGetReply(c, (void **)&reply) != REDIS_OK)
            return fail("pipeline", c->errstr);
        if (reply->type != REDIS_REPLY_INTEGER || reply->integer != i)
            bad = fail("pipeline", "replies are not in order");
        freeReplyObject(reply);
    }
    return bad;
}

/* In one packet, or each command after the answer to the last: executed by
 * EXEC, and the connection is well afterwards. */
static int check_transaction(redisContext *c, bool pipelined)
{
    static const char *const commands[] = {"MULTI", "INCR hiredis:n", "EXEC",
                                           "GET hiredis:n"};
    static const int types[] = {REDIS_REPLY_STATUS, REDIS_REPLY_STATUS,
                                REDIS_REPLY_ARRAY, REDIS_REPLY_STRING};
    int bad =
        expect(redisCommand(c, "SET hiredis:n 7"), REDIS_REPLY_STATUS, "SET");
    for (size_t i = 0; i < ARRAY_LEN(commands) && pipelined; i++)
        redisAppendCommand(c, commands[i]);
    for (size_t i = 0; i < ARRAY_LEN(commands) && bad == 0; i++) {
        redisReply *reply = NULL;
        if (!pipelined)
            redisAppendCommand(c, commands[i]);
        if (redisGetReply(c, (void **)&reply) != REDIS_OK)
            return fail("transaction", c->errstr);
        if (types[i] == REDIS_REPLY_STRING && strcmp(reply->str, "8") != 0)
            bad = fail("transaction", "was not executed once");
        bad |= expect(reply, types[i], commands[i]);
    }
    return bad;
}

static int check_sync(const char *host, int port, const char *password)
{
    struct timeval timeout = {10, 0};
    redisContext *c = redisConnectWithTimeout(host, port, timeout);
    if (c == NULL || c->err != 0)
        return fail("connect", c != NULL ? c->errstr : "no memory");
    redisSetTimeout(c, timeout);
    int bad = 0;
    if (password != NULL)
        bad |= expect(redisCommand(c, "AUTH %s", password), REDIS_REPLY_STATUS,
                      "AUTH");
    bad |= expect(redisCommand(c, "PING"), REDIS_REPLY_STATUS, "PING");
    bad |= expect(redisCommand(c, "GET hiredis:none"), REDIS_REPLY_NIL,
                  "GET of nothing");
    bad |= expect(redisCommand(c, "NOSUCHCMD"), REDIS_REPLY_ERROR,
                  "an unknown command");
    bad |= expect(redisCommand(c, "MGET hiredis:none hiredis:none"),
                  REDIS_REPLY_ARRAY, "MGET");
    bad |= check_binary(c);
    bad |= check_pipeline(c);
    bad |= check_transaction(c, true);
    bad |= check_transaction(c, false);
    redisFree(c);
    return bad;
}

static void add_read(void *data)
{
    ((struct poller *)data)->reading = true;
}

static void del_read(void *data)
{
    ((struct poller *)data)->reading = false;
}

static void add_write(void *data)
{
    ((struct poller *)data)->writing = true;
}

static void del_write(void *data)
{
    ((struct poller *)data)->writing = false;
}

static void cleanup(void *data)
{
    struct poller *p = data;
    p->reading = p->writing = false;
    p->ended = true;
}

static void on_reply(redisAsyncContext *c, void *reply_pointer, void *data)
{
    const redisReply *reply = reply_pointer;
    struct poller *p = data;
    if (reply == NULL) { /* the connection broke */
        p->wrong++;
        return;
    }
    p->replies++;
    if (reply->type != REDIS_REPLY_INTEGER || reply->integer != p->replies)
        p->wrong++;
    if (p->replies == ASYNC_COUNT)
        redisAsyncDisconnect(c);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void poll_until_ended(struct poller *p)
{
    int64_t end = now_ms() + ASYNC_SECONDS * 1000;
    while (!p->ended && now_ms() < end) {
        struct pollfd fd = {.fd = p->context->c.fd};
        fd.events =
            (short)((p->reading ? POLLIN : 0) | (p->writing ? POLLOUT : 0));
        if (poll(&fd, 1, 100) <= 0)
            continue;
        if ((fd.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && p->reading)
            redisAsyncHandleRead(p->context);
        if (!p->ended && (fd.revents & POLLOUT) != 0 && p->writing)
            redisAsyncHandleWrite(p->context);
    }
}

static int check_async(const char *host, int port, const char *password)
{
    struct poller p = {.context = redisAsyncConnect(host, port)};
    redisAsyncContext *c = p.context;
    if (c == NULL || c->err != 0)
        return fail("async connect", c != NULL ? c->errstr : "no memory");
    c->ev.data = &p;
    c->ev.addRead = add_read;
    c->ev.delRead = del_read;
    c->ev.addWrite = add_write;
    c->ev.delWrite = del_write;
    c->ev.cleanup = cleanup;
    add_write(&p); /* tells of the connection */
    if (password != NULL)
        redisAsyncCommand(c, NULL, NULL, "AUTH %s", password);
    redisAsyncCommand(c, NULL, NULL, "DEL hiredis:async");
    for (int i = 0; i < ASYNC_COUNT; i++)
        redisAsyncCommand(c, on_reply, &p, "INCR hiredis:async");
    poll_until_ended(&p);
    if (!p.ended || p.replies != ASYNC_COUNT || p.wrong != 0)
        return fail("async", "replies are missing or wrong");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return fail("usage", "hiredis_client HOST PORT [PASSWORD]");
    const char *password = argc > 3 ? argv[3] : NULL;
    int port = (int)strtol(argv[2], NULL, 10);
    if (check_sync(argv[1], port, password) != 0 ||
        check_async(argv[1], port, password) != 0)
        return 1;
    printf("hiredis: ok\n");
    return 0;
}
