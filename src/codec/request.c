/*
 * Writing: each request is one reservation, filled in from left to right.
 * Reading: a length is compared with the bytes that are there before it is
 * used, and nothing is allocated. A record has one encoding only: unknown
 * flags, or a client id without its flag, are ERR_CORRUPT. So is what no node
 * writes and no replica could apply: a database that there is not, a request
 * without a command, a once-request that is kept for no time.
 */
#include "codec/request.h"

#include "base/reader.h"

#include <string.h>

#define FLAGS_KNOWN (REQUEST_FLAG_ONCE | REQUEST_FLAG_INTERNAL)

_Static_assert(4 + 8 + 8 + 4 + 4 == PARCEL_HEADER_SIZE, "parcel header");
_Static_assert(4 + 1 + 1 + 2 + 4 + 8 + 4 == REQUEST_HEADER_SIZE,
               "request header");

size_t request_parcel_begin(struct buf *out, node_id node, uint64_t incarnation,
                            uint64_t first_seq)
{
    ASSERT(node != NODE_NONE);
    size_t begin = out->len;
    buf_u32(out, node);
    buf_u64(out, incarnation);
    buf_u64(out, first_seq);
    buf_u32(out, 0);
    buf_u32(out, 0);
    ASSERT(out->len - begin == PARCEL_HEADER_SIZE);
    return begin;
}

void request_parcel_end(struct buf *out, size_t begin, uint32_t count)
{
    ASSERT(begin <= out->len && out->len - begin >= PARCEL_HEADER_SIZE);
    ASSERT(count > 0);
    size_t length = out->len - begin - PARCEL_HEADER_SIZE;
    ASSERT(length <= UINT32_MAX);
    store_u32le(out->data + begin + 20, count);
    store_u32le(out->data + begin + 24, (uint32_t)length);
}

/* The same rule for what we write and for what we read. */
/*@ requires \valid_read(r);
  @ assigns \nothing;
  @ ensures \result ==> 0 < r->argc <= REQUEST_ARGC_MAX &&
  @     r->db < REQUEST_DATABASES &&
  @     r->once_client.len <= REQUEST_ONCE_LEN_MAX; */
static bool head_valid(const struct request *r)
{
    if ((r->flags & ~FLAGS_KNOWN) != 0 || r->argc > REQUEST_ARGC_MAX)
        return false;
    if (r->argc == 0 || r->db >= REQUEST_DATABASES)
        return false;
    if ((r->flags & REQUEST_FLAG_ONCE) == 0)
        return r->once_client.len == 0 && r->once_id == 0 && r->once_ttl_s == 0;
    return r->once_ttl_s > 0 && r->once_client.len > 0 &&
           r->once_client.len <= REQUEST_ONCE_LEN_MAX;
}

size_t request_encoded_size(const struct request *head,
                            const struct bytes *argv)
{
    size_t size = REQUEST_HEADER_SIZE + head->once_client.len;
    for (uint32_t i = 0; i < head->argc; i++) {
        ASSERT(argv[i].len <= UINT32_MAX);
        size += 4 + argv[i].len;
    }
    ASSERT(size - 4 <= UINT32_MAX);
    return size;
}

static void head_encode(uint8_t p[REQUEST_HEADER_SIZE],
                        const struct request *head, size_t size)
{
    ASSERT(head_valid(head));
    store_u32le(p, (uint32_t)(size - 4));
    p[4] = head->flags;
    p[5] = head->db;
    p[6] = (uint8_t)head->once_client.len;
    p[7] = (uint8_t)(head->once_client.len >> 8);
    store_u32le(p + 8, head->argc);
    store_u64le(p + 12, head->once_id);
    store_u32le(p + 20, head->once_ttl_s);
}

void request_encode(struct buf *out, const struct request *head,
                    const struct bytes *argv)
{
    size_t size = request_encoded_size(head, argv);
    uint8_t *p = buf_reserve(out, size);
    head_encode(p, head, size);
    out->len += REQUEST_HEADER_SIZE;
    buf_bytes(out, head->once_client);
    for (uint32_t i = 0; i < head->argc; i++) {
        store_u32le(out->data + out->len, (uint32_t)argv[i].len);
        out->len += 4;
        buf_bytes(out, argv[i]);
    }
    ASSERT(out->data + out->len == p + size);
}

/* A window on bytes that are given piece by piece. */
struct window {
    struct buf *out;
    size_t skip; /* bytes before it */
    size_t left; /* bytes of it that are missing */
};

static void window_add(struct window *w, struct bytes piece)
{
    if (piece.len <= w->skip) {
        w->skip -= piece.len;
        return;
    }
    struct bytes rest = bytes_from(piece, w->skip);
    w->skip = 0;
    rest.len = MIN(rest.len, w->left);
    buf_bytes(w->out, rest);
    w->left -= rest.len;
}

void request_encode_part(struct buf *out, const struct request *head,
                         const struct bytes *argv, size_t offset, size_t len)
{
    uint8_t begin[REQUEST_HEADER_SIZE];
    uint8_t size[4];
    size_t total = request_encoded_size(head, argv);
    struct window w = {out, offset, len};
    ASSERT(offset <= total && len <= total - offset);
    head_encode(begin, head, total);
    window_add(&w, bytes_of(begin, sizeof(begin)));
    window_add(&w, head->once_client);
    for (uint32_t i = 0; i < head->argc && w.left > 0; i++) {
        store_u32le(size, (uint32_t)argv[i].len);
        window_add(&w, bytes_of(size, sizeof(size)));
        window_add(&w, argv[i]);
    }
    ASSERT(w.left == 0);
}

/* argc times len(4) bytes, and nothing else. */
/*@ requires readable(args);
  @ assigns \nothing;
  @ ensures \result && argc == 0 ==> args.len == 0; */
static bool args_valid(struct bytes args, uint32_t argc)
{
    struct reader r = reader_of(args);
    /*@ loop invariant readable(r.rest) && 0 <= i <= argc;
      @ loop invariant i == 0 ==> r.rest.len == args.len;
      @ loop assigns i, r;
      @ loop variant argc - i; */
    for (uint32_t i = 0; i < argc && !r.failed; i++) {
        uint32_t len = reader_u32(&r);
        reader_bytes(&r, len);
    }
    return reader_done(&r);
}

int request_decode(struct bytes *bytes, struct request *out)
{
    ASSERT(bytes != NULL);
    ASSERT(out != NULL);
    struct reader r = reader_of(*bytes);
    uint32_t length = reader_u32(&r);
    struct reader body = reader_of(reader_bytes(&r, length));
    if (r.failed)
        return ERR_CORRUPT;

    out->flags = reader_u8(&body);
    out->db = reader_u8(&body);
    uint16_t once_len = reader_u16(&body);
    out->argc = reader_u32(&body);
    out->once_id = reader_u64(&body);
    out->once_ttl_s = reader_u32(&body);
    out->once_client = reader_bytes(&body, once_len);
    out->args = body.rest;
    if (body.failed || !head_valid(out) || !args_valid(out->args, out->argc))
        return ERR_CORRUPT;
    *bytes = r.rest;
    return 0;
}

struct bytes request_arg(struct bytes *args)
{
    ASSERT(args->len >= 4);
    uint32_t len = load_u32le(args->data);
    ASSERT(len <= args->len - 4);
    struct bytes arg = bytes_of(args->data + 4, len);
    *args = bytes_from(*args, 4 + (size_t)len);
    return arg;
}

/*@ requires readable(requests);
  @ assigns \nothing; */
static bool requests_valid(struct bytes requests, uint32_t count)
{
    struct request request;
    /*@ loop invariant readable(requests) && 0 <= i <= count;
      @ loop assigns i, requests, request;
      @ loop variant count - i; */
    for (uint32_t i = 0; i < count; i++) {
        if (request_decode(&requests, &request) != 0)
            return false;
    }
    return requests.len == 0;
}

int request_parcel_head(struct bytes *bytes, struct request_parcel *out)
{
    ASSERT(bytes != NULL);
    ASSERT(out != NULL);
    struct reader r = reader_of(*bytes);
    out->node = reader_u32(&r);
    out->incarnation = reader_u64(&r);
    out->first_seq = reader_u64(&r);
    out->count = reader_u32(&r);
    uint32_t length = reader_u32(&r);
    out->requests = reader_bytes(&r, length);
    if (r.failed || out->node == NODE_NONE || out->count == 0)
        return ERR_CORRUPT;
    if (out->first_seq > UINT64_MAX - out->count)
        return ERR_CORRUPT; /* its sequence numbers would wrap around */
    *bytes = r.rest;
    return 0;
}

int request_parcel_decode(struct bytes *bytes, struct request_parcel *out)
{
    ASSERT(bytes != NULL);
    struct bytes rest = *bytes;
    if (request_parcel_head(&rest, out) != 0)
        return ERR_CORRUPT;
    if (!requests_valid(out->requests, out->count))
        return ERR_CORRUPT;
    *bytes = rest;
    return 0;
}

int request_parcels_check(struct bytes payload)
{
    struct request_parcel parcel;
    do {
        if (request_parcel_decode(&payload, &parcel) != 0)
            return ERR_CORRUPT;
    } while (payload.len > 0);
    return 0;
}
