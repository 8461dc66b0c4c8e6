/*
 * Field by field through the bounds-checked reader. A payload that is too
 * short, too long, or holds a value that no honest sender writes is
 * ERR_CORRUPT, and the output is then not to be used.
 */
#include "codec/hello.h"

#include "base/reader.h"
#include "codec/frame.h"

#include <string.h>

_Static_assert(4 + 4 + 4 + 2 + 2 + 3 * 8 + HELLO_NONCE_SIZE + HELLO_HOST_SIZE ==
                   HELLO_SIZE,
               "size of a hello");
_Static_assert(8 + 4 + 4 + 1 + 3 + 4 == FRAGMENT_HEADER_SIZE,
               "size of a fragment's header");
_Static_assert(FRAGMENT_HEADER_SIZE < FRAME_LENGTH_MAX,
               "a fragment has room for data");

/* Printable, ended by a NUL, and zeros from there on: so that a host has
 * exactly one encoding, and can be put into a log line. */
static bool host_valid(const char host[HELLO_HOST_SIZE])
{
    size_t len = strnlen(host, HELLO_HOST_SIZE);
    if (len == HELLO_HOST_SIZE)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (host[i] <= ' ' || host[i] > '~')
            return false;
    }
    for (size_t i = len; i < HELLO_HOST_SIZE; i++) {
        if (host[i] != 0)
            return false;
    }
    return true;
}

void hello_encode(const struct hello *h, struct buf *out)
{
    ASSERT(h->version_min <= h->version_max);
    ASSERT(h->from_incarnation != 0);
    size_t len = strnlen(h->client_host, HELLO_HOST_SIZE);
    ASSERT(len < HELLO_HOST_SIZE);
    size_t begin = out->len;

    buf_u8(out, h->version_min);
    buf_u8(out, h->version_max);
    buf_u8(out, h->secured ? 1 : 0);
    buf_u8(out, 0);
    buf_u32(out, h->from);
    buf_u32(out, h->to);
    buf_u16(out, h->client_port);
    buf_u16(out, 0);
    buf_u64(out, h->cluster_id);
    buf_u64(out, h->from_incarnation);
    buf_u64(out, h->to_incarnation);
    buf_append(out, h->nonce, sizeof(h->nonce));
    char host[HELLO_HOST_SIZE] = {0}; /* bytes after the NUL are not sent */
    memcpy(host, h->client_host, len);
    buf_append(out, host, sizeof(host));
    ASSERT(out->len - begin == HELLO_SIZE);
}

int hello_decode(struct bytes b, struct hello *out)
{
    ASSERT(out != NULL);
    if (b.len != HELLO_SIZE)
        return ERR_CORRUPT;
    struct reader r = reader_of(b);
    out->version_min = reader_u8(&r);
    out->version_max = reader_u8(&r);
    uint8_t secured = reader_u8(&r);
    uint8_t spare1 = reader_u8(&r);
    out->secured = secured == 1;
    out->from = reader_u32(&r);
    out->to = reader_u32(&r);
    out->client_port = reader_u16(&r);
    uint16_t spare2 = reader_u16(&r);
    out->cluster_id = reader_u64(&r);
    out->from_incarnation = reader_u64(&r);
    out->to_incarnation = reader_u64(&r);
    memcpy(out->nonce, reader_bytes(&r, HELLO_NONCE_SIZE).data,
           HELLO_NONCE_SIZE);
    memcpy(out->client_host, reader_bytes(&r, HELLO_HOST_SIZE).data,
           HELLO_HOST_SIZE);
    ASSERT(reader_done(&r));

    bool ok = out->version_min <= out->version_max && secured <= 1 &&
              spare1 == 0 && spare2 == 0 && out->from_incarnation != 0 &&
              out->from != NODE_NONE && host_valid(out->client_host);
    return ok ? 0 : ERR_CORRUPT;
}

void proof_encode(const struct proof *p, struct buf *out)
{
    ASSERT(p != NULL);
    buf_append(out, p->mac, sizeof(p->mac));
}

int proof_decode(struct bytes b, struct proof *out)
{
    ASSERT(out != NULL);
    if (b.len != PROOF_SIZE)
        return ERR_CORRUPT;
    memcpy(out->mac, b.data, PROOF_SIZE);
    return 0;
}

/*@ requires \valid_read(f);
  @ assigns \nothing;
  @ ensures \result ==> 0 < f->total <= FRAGMENT_TOTAL_MAX &&
  @     0 < f->data.len && f->offset + f->data.len <= f->total &&
  @     (f->type == FRAME_RAFT || f->type == FRAME_FORWARD ||
  @      f->type == FRAME_SNAPSHOT); */
static bool fragment_valid(const struct fragment *f)
{
    if (f->type != FRAME_RAFT && f->type != FRAME_FORWARD &&
        f->type != FRAME_SNAPSHOT)
        return false;
    if (f->total == 0 || f->total > FRAGMENT_TOTAL_MAX)
        return false;
    /* No sum here that could wrap around. */
    return f->data.len > 0 && f->offset < f->total &&
           f->data.len <= f->total - f->offset;
}

void fragment_encode(const struct fragment *f, struct buf *out)
{
    ASSERT(fragment_valid(f));
    ASSERT(f->data.len <= FRAME_LENGTH_MAX - FRAGMENT_HEADER_SIZE);
    buf_u64(out, f->id);
    buf_u32(out, f->offset);
    buf_u32(out, f->total);
    buf_u8(out, f->type);
    buf_u8(out, 0);
    buf_u16(out, 0);
    buf_u32(out, (uint32_t)f->data.len);
    buf_bytes(out, f->data);
}

int fragment_decode(struct bytes b, struct fragment *out)
{
    ASSERT(out != NULL);
    struct reader r = reader_of(b);
    out->id = reader_u64(&r);
    out->offset = reader_u32(&r);
    out->total = reader_u32(&r);
    out->type = reader_u8(&r);
    uint8_t spare1 = reader_u8(&r);
    uint16_t spare2 = reader_u16(&r);
    uint32_t len = reader_u32(&r);
    out->data = reader_bytes(&r, len);
    if (!reader_done(&r) || spare1 != 0 || spare2 != 0)
        return ERR_CORRUPT;
    return fragment_valid(out) ? 0 : ERR_CORRUPT;
}
