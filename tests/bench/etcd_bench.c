/*
 * etcd-bench: vard-bench for etcd. The same loops, clocks and results; the
 * protocol is gRPC over HTTP/2 without TLS, as etcd's own Go client speaks
 * it, framed by nghttp2: each request is a stream on its connection.
 *
 * How it fails: an error of nghttp2 ends the connection; a grpc-status other
 * than 0, and a stream that is reset, are error replies. etcd's gRPC server
 * has no limit of streams; a request that finds one waits inside nghttp2.
 */
#include "base/alloc.h"
#include "bench/bench.h"
#include "etcd_message.h"

#include <nghttp2/nghttp2.h>

#define WINDOW_BYTES (16 << 20)
#define STATUS_MAX   96

struct stream {
    struct stream *next; /* of those done, or of those free */
    uint64_t number;
    enum bench_op op;
    bool refused; /* grpc-status was not 0 */
    bool closed_well;
    size_t sent;
    struct buf request;
    struct buf response;
    char status[STATUS_MAX];
};

struct etcd {
    nghttp2_session *session;
    uint64_t number;
    struct stream *done, **done_tail; /* answered, not yet taken */
    struct stream *free;
    struct stream *taken; /* its text is on loan to the caller */
    size_t streams;       /* on the way */
};

static void stream_free(struct stream *s)
{
    buf_release(&s->request);
    buf_release(&s->response);
    mem_free(s);
}

static struct stream *stream_take(struct etcd *e)
{
    struct stream *s = e->free;
    if (s == NULL)
        return mem_zalloc(sizeof(*s));
    e->free = s->next;
    struct buf request = s->request, response = s->response;
    *s = (struct stream){.request = request, .response = response};
    buf_reset(&s->request);
    buf_reset(&s->response);
    return s;
}

static ssize_t on_read(nghttp2_session *session, int32_t id, uint8_t *to,
                       size_t room, uint32_t *flags, nghttp2_data_source *from,
                       void *ctx)
{
    UNUSED(session);
    UNUSED(id);
    UNUSED(ctx);
    struct stream *s = from->ptr;
    size_t n = MIN(room, s->request.len - s->sent);
    memcpy(to, s->request.data + s->sent, n);
    s->sent += n;
    if (s->sent == s->request.len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id,
                   const uint8_t *data, size_t len, void *ctx)
{
    UNUSED(flags);
    UNUSED(ctx);
    struct stream *s = nghttp2_session_get_stream_user_data(session, id);
    if (s != NULL)
        buf_append(&s->response, data, len);
    return 0;
}

/* grpc-status comes before grpc-message. */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame,
                     const uint8_t *name, size_t name_len, const uint8_t *value,
                     size_t value_len, uint8_t flags, void *ctx)
{
    UNUSED(flags);
    UNUSED(ctx);
    struct stream *s =
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    struct bytes key = bytes_of(name, name_len);
    if (s == NULL)
        return 0;
    size_t used = strlen(s->status);
    if (bytes_eq(key, BYTES_LIT("grpc-status"))) {
        s->refused = !bytes_eq(bytes_of(value, value_len), BYTES_LIT("0"));
        snprintf(s->status, STATUS_MAX, "grpc-%.*s", (int)MIN(value_len, 8),
                 (const char *)value);
    } else if (bytes_eq(key, BYTES_LIT("grpc-message"))) {
        snprintf(s->status + used, STATUS_MAX - used, " %.*s",
                 (int)MIN(value_len, STATUS_MAX), (const char *)value);
    }
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code,
                    void *ctx)
{
    struct etcd *e = ctx;
    struct stream *s = nghttp2_session_get_stream_user_data(session, id);
    if (s == NULL)
        return 0;
    s->closed_well = code == NGHTTP2_NO_ERROR;
    s->next = NULL;
    *e->done_tail = s;
    e->done_tail = &s->next;
    e->streams--;
    return 0;
}

static bool drain(struct etcd *e, struct buf *out)
{
    const uint8_t *data = NULL;
    ssize_t n = 0;
    while ((n = nghttp2_session_mem_send(e->session, &data)) > 0)
        buf_append(out, data, (size_t)n);
    return n == 0;
}

static void *etcd_open(const struct bench_options *o, struct buf *out)
{
    UNUSED(o);
    struct etcd *e = mem_zalloc(sizeof(*e));
    e->done_tail = &e->done;
    nghttp2_session_callbacks *on = NULL;
    int rc = nghttp2_session_callbacks_new(&on);
    ASSERT(rc == 0);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(on, on_data);
    nghttp2_session_callbacks_set_on_header_callback(on, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(on, on_close);
    rc = nghttp2_session_client_new(&e->session, on, e);
    ASSERT(rc == 0);
    nghttp2_session_callbacks_del(on);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW_BYTES}};
    rc = nghttp2_submit_settings(e->session, NGHTTP2_FLAG_NONE, settings,
                                 ARRAY_LEN(settings));
    ASSERT(rc == 0);
    rc = nghttp2_session_set_local_window_size(e->session, NGHTTP2_FLAG_NONE, 0,
                                               WINDOW_BYTES);
    ASSERT(rc == 0);
    drain(e, out);
    return e;
}

static void free_list(struct stream *s)
{
    while (s != NULL) {
        struct stream *next = s->next;
        stream_free(s);
        s = next;
    }
}

static void etcd_close(void *state)
{
    struct etcd *e = state;
    /* Streams on the way belong to the session: their end puts them into
     * the list of those done. */
    for (int32_t id = 1; e->streams > 0; id += 2) {
        struct stream *s = nghttp2_session_get_stream_user_data(e->session, id);
        if (s == NULL)
            continue;
        stream_free(s);
        e->streams--;
    }
    nghttp2_session_del(e->session);
    free_list(e->done);
    free_list(e->free);
    if (e->taken != NULL)
        stream_free(e->taken);
    mem_free(e);
}

#define HEADER(name, value)                                                    \
    {                                                                          \
        (uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value),           \
            sizeof(name) - 1, sizeof(value) - 1, NGHTTP2_NV_FLAG_NONE          \
    }

static void etcd_send(void *state, struct buf *out,
                      const struct bench_request *r)
{
    struct etcd *e = state;
    struct stream *s = stream_take(e);
    s->number = e->number++;
    s->op = r->op;
    etcd_request(&s->request, r);
    nghttp2_nv headers[] = {
        HEADER(":method", "POST"),
        HEADER(":scheme", "http"),
        HEADER(":path", ""),
        HEADER(":authority", "etcd"),
        HEADER("content-type", "application/grpc"),
        HEADER("te", "trailers"),
    };
    const char *path = etcd_path(r->op);
    headers[2].value = (uint8_t *)(uintptr_t)path;
    headers[2].valuelen = strlen(path);
    nghttp2_data_provider data = {.source = {.ptr = s},
                                  .read_callback = on_read};
    int32_t id = nghttp2_submit_request(e->session, NULL, headers,
                                        ARRAY_LEN(headers), &data, s);
    ASSERT(id > 0);
    e->streams++;
    drain(e, out);
}

static int etcd_feed(void *state, struct bytes in, struct buf *out)
{
    struct etcd *e = state;
    ssize_t n = nghttp2_session_mem_recv(e->session, in.data, in.len);
    if (n != (ssize_t)in.len || !drain(e, out))
        return ERR_PROTOCOL;
    return 0;
}

/* The stream whose text the caller had may be used again. */
static void recycle_taken(struct etcd *e)
{
    if (e->taken == NULL)
        return;
    e->taken->next = e->free;
    e->free = e->taken;
    e->taken = NULL;
}

static int etcd_next(void *state, struct bench_reply *reply)
{
    struct etcd *e = state;
    recycle_taken(e);
    struct stream *s = e->done;
    if (s == NULL)
        return 0;
    e->done = s->next;
    if (e->done == NULL)
        e->done_tail = &e->done;
    e->taken = s;
    *reply = (struct bench_reply){.number = s->number};
    if (s->closed_well && !s->refused &&
        etcd_response(buf_view(&s->response), s->op, reply) == 0)
        return 1;
    reply->kind = REPLY_ERROR;
    reply->error = s->refused ? bytes_str(s->status)
                              : BYTES_LIT("stream-reset without an answer");
    return 1;
}

static const struct bench_protocol etcd_grpc = {
    .program = "etcd-bench",
    .nodes = "127.0.0.1:2379",
    .finds_leader = false,
    .ops = 1U << OP_SET | 1U << OP_GET | 1U << OP_CAS | 1U << OP_SETNX,
    .open = etcd_open,
    .close = etcd_close,
    .request = etcd_send,
    .feed = etcd_feed,
    .next = etcd_next,
};

int main(int argc, char **argv)
{
    return bench_main(&etcd_grpc, argc, argv);
}
