/*
 * The Redis protocol: requests written by hand, replies read by hiredis's
 * reader with functions of ours, so that no reply allocates memory: its
 * kind and length are noted, its contents are not kept.
 *
 * How it fails: what is not the protocol ends the connection; so does a
 * refused password.
 */
#include "bench/collection.h"

#include "base/alloc.h"
#include "base/num.h"

#include <hiredis/read.h>

#define ERROR_MAX 256

struct resp {
    redisReader *reader;
    bool greeting; /* the answer to AUTH is still to come */
    uint64_t number;
    struct bench_reply reply;
    char error[ERROR_MAX];
};

static struct resp *resp_of(const redisReadTask *task)
{
    ASSERT(task->privdata != NULL);
    return task->privdata;
}

static void *on_string(const redisReadTask *task, char *text, size_t len)
{
    struct resp *s = resp_of(task);
    if (task->parent != NULL)
        return s; /* of an array, which counts as a whole */
    s->reply.integer = (int64_t)len;
    if (task->type == REDIS_REPLY_ERROR) {
        size_t kept = MIN(len, ERROR_MAX);
        memcpy(s->error, text, kept);
        s->reply.kind = REPLY_ERROR;
        s->reply.error = bytes_of(s->error, kept);
    } else {
        s->reply.kind =
            task->type == REDIS_REPLY_STATUS ? REPLY_STATUS : REPLY_STRING;
    }
    return s;
}

static void *on_array(const redisReadTask *task, int elements)
{
    struct resp *s = resp_of(task);
    if (task->parent != NULL)
        return s;
    s->reply.kind = REPLY_ARRAY;
    s->reply.integer = elements;
    return s;
}

static void *on_integer(const redisReadTask *task, long long n)
{
    struct resp *s = resp_of(task);
    if (task->parent != NULL)
        return s;
    s->reply.kind = REPLY_INTEGER;
    s->reply.integer = n;
    return s;
}

static void *on_nil(const redisReadTask *task)
{
    struct resp *s = resp_of(task);
    if (task->parent != NULL)
        return s;
    s->reply.kind = REPLY_NIL;
    return s;
}

static void on_free(void *reply)
{
    UNUSED(reply);
}

/* hiredis 0.14 wants it writable, and does not write. */
static redisReplyObjectFunctions *functions(void)
{
    static const redisReplyObjectFunctions fn = {on_string, on_array,
                                                 on_integer, on_nil, on_free};
    return (redisReplyObjectFunctions *)(uintptr_t)&fn;
}

static void *resp_open(const struct bench_options *o, struct buf *out)
{
    struct resp *s = mem_zalloc(sizeof(*s));
    s->reader = redisReaderCreateWithFunctions(functions());
    ASSERT(s->reader != NULL);
    s->reader->privdata = s;
    s->reader->maxbuf = 0; /* keep the buffer */
    if (o->password != NULL) {
        buf_str(out, "*2\r\n$4\r\nAUTH\r\n");
        bench_write_bulk(out, bytes_str(o->password));
        s->greeting = true;
    }
    return s;
}

static void resp_close(void *state)
{
    struct resp *s = state;
    redisReaderFree(s->reader);
    mem_free(s);
}

static void resp_request(void *state, struct buf *out,
                         const struct bench_request *r)
{
    UNUSED(state);
    static const struct {
        const char *head;
        int values;
        const char *tail;
    } forms[] = {
        [OP_SET] = {"*3\r\n$3\r\nSET\r\n", 1, ""},
        [OP_GET] = {"*2\r\n$3\r\nGET\r\n", 0, ""},
        [OP_INCR] = {"*2\r\n$4\r\nINCR\r\n", 0, ""},
        [OP_CAS] = {"*4\r\n$3\r\nCAS\r\n", 2, ""},
        [OP_SETNX] = {"*4\r\n$3\r\nSET\r\n", 1, "$2\r\nNX\r\n"},
    };
    if (bench_is_collection(r->op)) {
        bench_collection_write(out, r);
        return;
    }
    ASSERT((size_t)r->op < ARRAY_LEN(forms));
    buf_str(out, forms[r->op].head);
    bench_write_bulk(out, r->key);
    for (int i = 0; i < forms[r->op].values; i++)
        bench_write_bulk(out, r->value);
    buf_str(out, forms[r->op].tail);
}

static int resp_feed(void *state, struct bytes in, struct buf *out)
{
    UNUSED(out);
    struct resp *s = state;
    int err = redisReaderFeed(s->reader, (const char *)in.data, in.len);
    return err == REDIS_OK ? 0 : ERR_PROTOCOL;
}

static int resp_next(void *state, struct bench_reply *reply)
{
    struct resp *s = state;
    void *seen = NULL;
    while (true) {
        if (redisReaderGetReply(s->reader, &seen) != REDIS_OK)
            return ERR_PROTOCOL;
        if (seen == NULL)
            return 0;
        if (!s->greeting)
            break;
        s->greeting = false;
        if (s->reply.kind == REPLY_ERROR) {
            *reply = s->reply;
            return ERR_AUTH;
        }
    }
    *reply = s->reply;
    reply->number = s->number++;
    return 1;
}

const struct bench_protocol bench_resp = {
    .program = "vard-bench",
    .nodes = "127.0.0.1:6379",
    .finds_leader = true,
    .ops = (1U << OP_COUNT) - 1,
    .open = resp_open,
    .close = resp_close,
    .request = resp_request,
    .feed = resp_feed,
    .next = resp_next,
};
