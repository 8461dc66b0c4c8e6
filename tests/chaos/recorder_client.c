/*
 * A client and its connection. hiredis waits for the reply as long as
 * timeout_ms says; after any failure the connection is closed, since a late
 * reply would be taken for that of the next command.
 *
 * What a failure means: the command was sent, or may have been, so its outcome
 * is unknown; but when there was no connection, nothing was asked.
 */
#include "recorder.h"

#include "base/alloc.h"

#include <string.h>
#include <time.h>

#define CONNECT_MS      500
#define NO_CONNECT_US   30000
#define ANSWER_TEXT_MAX (RECORDER_TEXT_MAX - 1)

void client_init(struct client *c, struct recorder *r, int place)
{
    int nodes = r->options.node_count;
    ASSERT(place >= 0 && nodes > 0);
    pthread_mutex_lock(&r->lock);
    uint32_t number = ++r->clients_used;
    pthread_mutex_unlock(&r->lock);
    *c = (struct client){.recorder = r,
                         .number = number,
                         .home = place % nodes,
                         .node = place % nodes,
                         .roams = place / nodes % 4 == 0,
                         .random = (uint64_t)recorder_now_us() * 2 +
                                   number * UINT64_C(0x9e3779b97f4a7c15) + 1};
    history_init(&c->texts);
}

static void disconnect(struct client *c)
{
    if (c->connection != NULL)
        redisFree(c->connection);
    c->connection = NULL;
}

void client_release(struct client *c)
{
    disconnect(c);
    history_release(&c->texts);
    buf_release(&c->lines);
}

uint64_t client_random(struct client *c, uint64_t bound)
{
    ASSERT(bound > 0);
    c->random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = c->random;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (x ^ (x >> 31)) % bound;
}

void client_pause(struct client *c, int us)
{
    int64_t drawn = (int64_t)client_random(c, (uint64_t)us * 2 + 1);
    struct timespec t = {drawn / 1000000, drawn % 1000000 * 1000};
    nanosleep(&t, NULL);
}

void client_move(struct client *c, int node)
{
    ASSERT(node >= 0 && node < c->recorder->options.node_count);
    if (node != c->node)
        disconnect(c);
    c->node = node;
}

static bool connect_client(struct client *c)
{
    const struct recorder_options *o = &c->recorder->options;
    struct timeval wait = {0, CONNECT_MS * 1000};
    struct timeval timeout = {o->timeout_ms / 1000,
                              o->timeout_ms % 1000 * 1000};
    if (c->connection != NULL)
        return true;
    c->connection =
        redisConnectWithTimeout("127.0.0.1", o->port[c->node], wait);
    if (c->connection == NULL || c->connection->err != 0 ||
        redisSetTimeout(c->connection, timeout) != REDIS_OK) {
        disconnect(c);
        client_pause(c, NO_CONNECT_US);
        return false;
    }
    return true;
}

/* An error: one that promises "not executed", or leaves it open, or that no
 * command here may get. */
static void take_error(struct client *c, const char *text, struct answer *out)
{
    out->outcome = HISTORY_FAIL;
    if (strncmp(text, "UNKNOWN", 7) == 0)
        out->outcome = HISTORY_UNKNOWN;
    else if (strncmp(text, "CLUSTERDOWN", 11) != 0)
        recorder_count(c->recorder, COUNT_ODD, text);
}

/* The texts of an array. Entries of a stream are an id, and in an array a field
 * and a value: the ids rise, the values are kept. */
static void take_lines(struct client *c, const redisReply *reply,
                       struct answer *out)
{
    unsigned long long last[2] = {0, 0};
    buf_reset(&c->lines);
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *e = reply->element[i];
        if (c->ids) {
            unsigned long long id[2] = {0, 0};
            ASSERT(e->elements == 2 && e->element[1]->elements == 2);
            int n = sscanf(e->element[0]->str, "%llu-%llu", &id[0], &id[1]);
            ASSERT(n == 2);
            if (id[0] < last[0] || (id[0] == last[0] && id[1] <= last[1]))
                recorder_count(c->recorder, COUNT_WRONG, "ids do not rise");
            memcpy(last, id, sizeof(last));
            e = e->element[1]->element[1];
        }
        buf_bytes(&c->lines, bytes_of(e->str, e->len));
        buf_char(&c->lines, '\n');
    }
    out->reply = reply->elements > 0 ? REPLY_TEXT : REPLY_NIL;
    out->lines = reply->elements > 0;
    buf_u8(&c->lines, 0); /* a text, for who takes it apart */
    c->lines.len--;
}

static void take_reply(struct client *c, const redisReply *reply,
                       struct answer *out)
{
    *out = (struct answer){.outcome = HISTORY_OK};
    switch (reply->type) {
    case REDIS_REPLY_STATUS:
        out->reply = REPLY_OK;
        break;
    case REDIS_REPLY_NIL:
        out->reply = REPLY_NIL;
        break;
    case REDIS_REPLY_INTEGER:
        out->reply = REPLY_INT;
        out->number = reply->integer;
        break;
    case REDIS_REPLY_STRING:
        out->reply = REPLY_TEXT;
        if (reply->len > ANSWER_TEXT_MAX)
            recorder_count(c->recorder, COUNT_ODD, "a value of nobody");
        memcpy(out->text, reply->str, MIN(reply->len, ANSWER_TEXT_MAX));
        break;
    case REDIS_REPLY_ARRAY:
        take_lines(c, reply, out);
        break;
    case REDIS_REPLY_ERROR:
        take_error(c, reply->str, out);
        break;
    default:
        recorder_count(c->recorder, COUNT_ODD, "a reply of a strange type");
        out->outcome = HISTORY_UNKNOWN;
    }
}

bool client_ask(struct client *c, int argc, const char **argv,
                struct answer *out)
{
    if (!connect_client(c))
        return false;
    redisReply *reply = redisCommandArgv(c->connection, argc, argv, NULL);
    if (reply == NULL) {
        *out = (struct answer){.outcome = HISTORY_UNKNOWN};
        disconnect(c);
        return true;
    }
    take_reply(c, reply, out);
    freeReplyObject(reply);
    return true;
}
