/*
 * How it works: a length begins with two bits: 0, the other six are it; 1, with
 * the next byte they are 14 bits; 2, four or eight bytes follow, big-endian; 3,
 * it is no length but the form of a string: an integer of 1, 2 or 4 bytes, or
 * what LZF has made of it.
 *
 * How it fails: see rdb_in.h. The window grows only as bytes arrive.
 */
#include "rdb/rdb_in.h"

#include "base/num.h"
#include "base/reader.h"
#include "rdb/crc64.h"
#include "rdb/lzf.h"

enum form { FORM_INT8 = 0, FORM_INT16 = 1, FORM_INT32 = 2, FORM_LZF = 3 };

void rdb_in_init(struct rdb_in *in, struct bytes all, uint64_t string_max)
{
    *in = (struct rdb_in){.rest = all, .string_max = string_max};
}

void rdb_in_source(struct rdb_in *in, rdb_more_fn *more, void *arg,
                   uint64_t string_max)
{
    ASSERT(more != NULL);
    *in = (struct rdb_in){.more = more, .arg = arg, .string_max = string_max};
}

void rdb_in_release(struct rdb_in *in)
{
    buf_release(&in->window);
}

void rdb_in_fail(struct rdb_in *in, int err)
{
    ASSERT(err < 0);
    if (in->err == 0)
        in->err = err;
    in->rest = BYTES_NONE;
}

/* At least so many bytes are there, or it has failed. */
static bool fill(struct rdb_in *in, uint64_t len)
{
    while (in->err == 0 && in->rest.len < len) {
        if (in->more == NULL) {
            rdb_in_fail(in, ERR_CORRUPT);
            break;
        }
        ASSERT(in->rest.len <= in->window.len);
        buf_consume(&in->window, in->window.len - in->rest.len);
        int err = in->more(in->arg, &in->window);
        if (err != 0)
            rdb_in_fail(in, err);
        else
            in->rest = buf_view(&in->window);
    }
    return in->err == 0;
}

static void copy(struct rdb_in *in, struct bytes got)
{
    in->copy_over |= got.len > in->copy_max - MIN(in->copy->len, in->copy_max);
    if (!in->copy_over)
        buf_bytes(in->copy, got);
}

struct bytes rdb_in_bytes(struct rdb_in *in, uint64_t len)
{
    if (!fill(in, len))
        return BYTES_NONE;
    struct bytes got = bytes_of(in->rest.data, (size_t)len);
    in->rest = bytes_from(in->rest, (size_t)len);
    in->offset += len;
    if (in->summing)
        in->crc = crc64(in->crc, got);
    if (in->copy != NULL)
        copy(in, got);
    return got;
}

uint8_t rdb_in_u8(struct rdb_in *in)
{
    struct reader r = reader_of(rdb_in_bytes(in, 1));
    return reader_u8(&r);
}

uint32_t rdb_in_u32(struct rdb_in *in)
{
    struct reader r = reader_of(rdb_in_bytes(in, 4));
    return reader_u32(&r);
}

uint64_t rdb_in_u64(struct rdb_in *in)
{
    struct reader r = reader_of(rdb_in_bytes(in, 8));
    return reader_u64(&r);
}

/* A length, or the form of a string. */
static uint64_t length_or_form(struct rdb_in *in, bool *form)
{
    uint8_t first = rdb_in_u8(in);
    *form = first >> 6 == 3;
    if (first >> 6 == 0 || *form)
        return first & 0x3f;
    if (first >> 6 == 1)
        return (uint64_t)(first & 0x3f) << 8 | rdb_in_u8(in);
    if (first != 0x80 && first != 0x81) {
        rdb_in_fail(in, ERR_CORRUPT);
        return 0;
    }
    struct reader r = reader_of(rdb_in_bytes(in, first == 0x80 ? 4 : 8));
    return first == 0x80 ? reader_u32be(&r) : reader_u64be(&r);
}

uint64_t rdb_in_length(struct rdb_in *in)
{
    bool form = false;
    uint64_t len = length_or_form(in, &form);
    if (form)
        rdb_in_fail(in, ERR_CORRUPT);
    return in->err == 0 ? len : 0;
}

static struct bytes integer(struct rdb_in *in, uint64_t form, struct buf *room)
{
    struct reader r = reader_of(rdb_in_bytes(in, UINT64_C(1) << form));
    int64_t n = form == FORM_INT8    ? (int8_t)reader_u8(&r)
                : form == FORM_INT16 ? (int16_t)reader_u16(&r)
                                     : (int32_t)reader_u32(&r);
    char text[NUM_TEXT_MAX];
    ASSERT(form <= FORM_INT32);
    buf_reset(room);
    buf_append(room, text, num_format_i64(n, text));
    return buf_view(room);
}

static bool fits(struct rdb_in *in, uint64_t len)
{
    if (len > in->string_max)
        rdb_in_fail(in, ERR_LIMIT);
    return in->err == 0;
}

static struct bytes unpack(struct rdb_in *in, struct buf *room)
{
    uint64_t packed = rdb_in_length(in);
    uint64_t len = rdb_in_length(in);
    if (!fits(in, len) || !fits(in, packed))
        return BYTES_NONE;
    struct bytes from = rdb_in_bytes(in, packed);
    int err = in->err != 0 ? in->err : rdb_lzf(from, len, room);
    if (err != 0)
        rdb_in_fail(in, err);
    return err == 0 ? buf_view(room) : BYTES_NONE;
}

struct bytes rdb_in_string(struct rdb_in *in, struct buf *room, bool *lasting)
{
    bool form = false;
    uint64_t len = length_or_form(in, &form);
    if (lasting != NULL)
        *lasting = !form && in->more == NULL;
    if (form && len <= FORM_INT32)
        return integer(in, len, room);
    if (form && len == FORM_LZF)
        return unpack(in, room);
    if (form)
        rdb_in_fail(in, ERR_CORRUPT);
    if (!fits(in, len))
        return BYTES_NONE;
    struct bytes got = rdb_in_bytes(in, len);
    if (in->more == NULL)
        return got;
    buf_reset(room);
    buf_bytes(room, got);
    return buf_view(room);
}

void rdb_in_skip_string(struct rdb_in *in)
{
    struct buf room = BUF_INIT;
    (void)rdb_in_string(in, &room, NULL);
    buf_release(&room);
}
