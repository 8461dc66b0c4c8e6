/*
 * One connection to a node, on hiredis.
 *
 * It fails in two ways that must not be mixed up: before the request can have
 * left (ERR_CLOSED, to be tried elsewhere), and after (ERR_IO: nobody knows
 * whether it was executed).
 */
#include "client/link.h"

#include "base/alloc.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <hiredis/hiredis.h>

struct link {
    redisContext *context;
};

static struct timeval timeval_of(int64_t ms)
{
    ASSERT(ms >= 0);
    return (struct timeval){(time_t)(ms / 1000),
                            (suseconds_t)(ms % 1000 * 1000)};
}

int link_open(struct link **out, const char *host, uint16_t port,
              int64_t timeout_ms, struct buf *why)
{
    ASSERT(out != NULL && host != NULL);
    redisContext *c =
        redisConnectWithTimeout(host, port, timeval_of(timeout_ms));
    if (c == NULL || c->err != 0) {
        buf_reset(why);
        buf_str(why, c != NULL ? c->errstr : "out of memory");
        if (c != NULL)
            redisFree(c);
        return ERR_CLOSED;
    }
    *out = mem_zalloc(sizeof(**out));
    (*out)->context = c;
    return 0;
}

void link_close(struct link *l)
{
    if (l == NULL)
        return;
    redisFree(l->context);
    mem_free(l);
}

/* Of elements that are themselves lists at most so many are in each other. */
#define DEPTH_MAX 8

static void take_elements(const redisReply *reply, int depth, struct buf *out)
{
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *e = reply->element[i];
        if (e->type == REDIS_REPLY_INTEGER) {
            buf_printf(out, "%" PRId64 "\n", (int64_t)e->integer);
        } else if (e->type == REDIS_REPLY_ARRAY && depth < DEPTH_MAX) {
            buf_str(out, "[\n");
            take_elements(e, depth + 1, out);
            buf_str(out, "]\n");
        } else {
            buf_append(out, e->str != NULL ? e->str : "",
                       e->str != NULL ? e->len : 0);
            buf_char(out, '\n');
        }
    }
}

static void take_parts(const redisReply *reply, int depth, struct buf *out)
{
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *e = reply->element[i];
        if (e->type == REDIS_REPLY_ARRAY && depth < DEPTH_MAX) {
            take_parts(e, depth + 1, out);
        } else if (e->str != NULL) {
            buf_u64(out, e->len);
            buf_append(out, e->str, e->len);
        }
    }
}

static void take_reply(const redisReply *reply, struct answer *out)
{
    ASSERT(reply != NULL);
    buf_reset(&out->text);
    out->number = 0;
    switch (reply->type) {
    case REDIS_REPLY_NIL:
        out->kind = ANSWER_NIL;
        break;
    case REDIS_REPLY_INTEGER:
        out->kind = ANSWER_NUMBER;
        out->number = reply->integer;
        break;
    case REDIS_REPLY_ERROR:
        out->kind = ANSWER_ERROR;
        buf_append(&out->text, reply->str, reply->len);
        break;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        out->kind = ANSWER_TEXT;
        buf_append(&out->text, reply->str, reply->len);
        break;
    case REDIS_REPLY_ARRAY:
        out->kind = ANSWER_LIST;
        take_elements(reply, 0, &out->text);
        if (out->parts != NULL)
            take_parts(reply, 0, out->parts);
        break;
    default:
        out->kind = ANSWER_ERROR;
        buf_str(&out->text, "ERR a reply of an unexpected type");
    }
}

/* A receive timeout comes as EAGAIN, whose text says nothing. */
static const char *reason_of(const redisContext *c)
{
    if (c->err == REDIS_ERR_EOF)
        return "connection closed";
    if (c->err == REDIS_ERR_IO && errno == EAGAIN)
        return "connected, but no answer in time";
    return c->errstr;
}

int link_ask(struct link *l, const struct link_request *r, int64_t timeout_ms,
             struct answer *out, struct buf *why)
{
    ASSERT(l != NULL && r->argc > 0);
    redisSetTimeout(l->context, timeval_of(timeout_ms));
    /* hiredis does not write to argv, it only lacks the const. */
    redisReply *reply =
        redisCommandArgv(l->context, (int)r->argc,
                         (const char **)(uintptr_t)r->argv, r->lengths);
    if (reply == NULL) {
        buf_reset(why);
        buf_str(why, reason_of(l->context));
        return ERR_IO;
    }
    take_reply(reply, out);
    freeReplyObject(reply);
    return 0;
}

static int fail(const struct link *l, struct buf *why)
{
    buf_reset(why);
    buf_str(why, reason_of(l->context));
    return ERR_IO;
}

/* It leaves when an answer is waited for. */
int link_send(struct link *l, const struct link_request *r, struct buf *why)
{
    ASSERT(l != NULL && r->argc > 0);
    int res =
        redisAppendCommandArgv(l->context, (int)r->argc,
                               (const char **)(uintptr_t)r->argv, r->lengths);
    return res == REDIS_OK ? 0 : fail(l, why);
}

int link_receive(struct link *l, int64_t timeout_ms, struct answer *out,
                 struct buf *why)
{
    void *reply = NULL;
    ASSERT(l != NULL);
    redisSetTimeout(l->context, timeval_of(timeout_ms));
    if (redisGetReply(l->context, &reply) != REDIS_OK || reply == NULL)
        return fail(l, why);
    take_reply(reply, out);
    freeReplyObject(reply);
    return 0;
}

#define READ_SIZE (256 * 1024)

int link_write(struct link *l, struct bytes data, struct buf *why)
{
    ASSERT(l != NULL);
    while (data.len > 0) {
        ssize_t sent = send(l->context->fd, data.data, data.len, MSG_NOSIGNAL);
        if (sent > 0) {
            data = bytes_from(data, (size_t)sent);
        } else if (errno != EINTR) {
            buf_reset(why);
            buf_str(why, strerror(errno));
            return ERR_IO;
        }
    }
    return 0;
}

int link_read(struct link *l, int64_t timeout_ms, struct buf *to,
              struct buf *why)
{
    struct pollfd p = {.fd = l->context->fd, .events = POLLIN};
    int ready = poll(&p, 1, (int)MIN(timeout_ms, (int64_t)INT_MAX));
    if (ready == 0 || (ready < 0 && errno == EINTR))
        return ERR_NO_ANSWER;
    ssize_t got = recv(l->context->fd, buf_reserve(to, READ_SIZE), READ_SIZE,
                       MSG_DONTWAIT);
    if (got > 0) {
        to->len += (size_t)got;
        return 0;
    }
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return ERR_NO_ANSWER;
    buf_reset(why);
    buf_str(why, got == 0 ? "connection closed" : strerror(errno));
    return got == 0 ? ERR_CLOSED : ERR_IO;
}
