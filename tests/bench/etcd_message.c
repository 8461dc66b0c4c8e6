/*
 * How it works: a field is a varint (number << 3 | type), then a varint or a
 * length and bytes. CAS is a transaction that compares the value, SET NX one
 * that compares the create revision with 0.
 */
#include "etcd_message.h"

enum wire {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2,
    WIRE_FIXED32 = 5
};

enum field {
    PUT_KEY = 1,
    PUT_VALUE = 2,
    RANGE_KEY = 1,
    RANGE_KVS = 2,
    KV_VALUE = 5,
    TXN_COMPARE = 1,
    TXN_SUCCESS = 2,
    TXN_SUCCEEDED = 2,
    OP_PUT = 2,
    COMPARE_TARGET = 2,
    COMPARE_KEY = 3,
    COMPARE_CREATE = 5,
    COMPARE_VALUE = 7,
};

enum compare_target { TARGET_CREATE = 1, TARGET_VALUE = 3 };

#define GRPC_HEAD 5

static void write_varint(struct buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_u8(out, (uint8_t)(v | 0x80));
    buf_u8(out, (uint8_t)v);
}

static size_t varint_len(uint64_t v)
{
    size_t len = 1;
    for (; v >= 0x80; v >>= 7)
        len++;
    return len;
}

static void write_number(struct buf *out, enum field f, uint64_t v)
{
    write_varint(out, (uint64_t)f << 3 | WIRE_VARINT);
    write_varint(out, v);
}

static void write_head(struct buf *out, enum field f, size_t len)
{
    write_varint(out, (uint64_t)f << 3 | WIRE_BYTES);
    write_varint(out, len);
}

static void write_bytes(struct buf *out, enum field f, struct bytes b)
{
    write_head(out, f, b.len);
    buf_bytes(out, b);
}

/* Of a field of bytes with a number below 16. */
static size_t field_len(size_t len)
{
    return 1 + varint_len(len) + len;
}

static void write_put(struct buf *out, const struct bench_request *r)
{
    write_bytes(out, PUT_KEY, r->key);
    write_bytes(out, PUT_VALUE, r->value);
}

static void write_txn(struct buf *out, const struct bench_request *r)
{
    bool cas = r->op == OP_CAS;
    size_t compare =
        2 + field_len(r->key.len) + (cas ? field_len(r->value.len) : 2);
    write_head(out, TXN_COMPARE, compare);
    write_number(out, COMPARE_TARGET, cas ? TARGET_VALUE : TARGET_CREATE);
    write_bytes(out, COMPARE_KEY, r->key);
    if (cas)
        write_bytes(out, COMPARE_VALUE, r->value);
    else
        write_number(out, COMPARE_CREATE, 0);
    size_t put = field_len(r->key.len) + field_len(r->value.len);
    write_head(out, TXN_SUCCESS, field_len(put));
    write_head(out, OP_PUT, put);
    write_put(out, r);
}

const char *etcd_path(enum bench_op op)
{
    if (op == OP_SET)
        return "/etcdserverpb.KV/Put";
    return op == OP_GET ? "/etcdserverpb.KV/Range" : "/etcdserverpb.KV/Txn";
}

void etcd_request(struct buf *out, const struct bench_request *r)
{
    size_t from = out->len;
    buf_u8(out, 0); /* not compressed */
    buf_u32be(out, 0);
    if (r->op == OP_SET)
        write_put(out, r);
    else if (r->op == OP_GET)
        write_bytes(out, RANGE_KEY, r->key);
    else
        write_txn(out, r);
    size_t len = out->len - from - GRPC_HEAD;
    for (int i = 0; i < 4; i++)
        out->data[from + 1 + (size_t)i] = (uint8_t)(len >> (24 - 8 * i));
}

static bool take_varint(struct bytes *in, uint64_t *v)
{
    *v = 0;
    for (unsigned shift = 0; shift < 64 && in->len > 0; shift += 7) {
        uint8_t byte = in->data[0];
        *in = bytes_from(*in, 1);
        *v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

struct field_read {
    uint64_t number;
    uint64_t value;     /* WIRE_VARINT */
    struct bytes bytes; /* WIRE_BYTES */
};

static bool take_field(struct bytes *in, struct field_read *f)
{
    uint64_t tag = 0;
    *f = (struct field_read){0};
    if (!take_varint(in, &tag))
        return false;
    f->number = tag >> 3;
    uint64_t skip = 0;
    switch (tag & 7) {
    case WIRE_VARINT:
        return take_varint(in, &f->value);
    case WIRE_BYTES:
        if (!take_varint(in, &skip) || skip > in->len)
            return false;
        f->bytes = bytes_of(in->data, (size_t)skip);
        break;
    case WIRE_FIXED64:
        skip = 8;
        break;
    case WIRE_FIXED32:
        skip = 4;
        break;
    default:
        return false;
    }
    if (skip > in->len)
        return false;
    *in = bytes_from(*in, (size_t)skip);
    return true;
}

/* A key-value pair: only the length of its value is of interest. */
static int take_pair(struct bytes in, struct bench_reply *reply)
{
    struct field_read f;
    reply->kind = REPLY_STRING;
    reply->integer = 0;
    while (in.len > 0) {
        if (!take_field(&in, &f))
            return ERR_PROTOCOL;
        if (f.number == KV_VALUE)
            reply->integer = (int64_t)f.bytes.len;
    }
    return 0;
}

int etcd_response(struct bytes message, enum bench_op op,
                  struct bench_reply *reply)
{
    struct field_read f;
    bool succeeded = false;
    if (message.len < GRPC_HEAD || message.data[0] != 0)
        return ERR_PROTOCOL;
    struct bytes in = bytes_from(message, GRPC_HEAD);
    reply->kind = op == OP_GET ? REPLY_NIL : REPLY_STATUS;
    while (in.len > 0) {
        if (!take_field(&in, &f))
            return ERR_PROTOCOL;
        if (op == OP_GET && f.number == RANGE_KVS &&
            take_pair(f.bytes, reply) != 0)
            return ERR_PROTOCOL;
        if (f.number == TXN_SUCCEEDED)
            succeeded = f.value != 0;
    }
    if (op == OP_CAS) {
        reply->kind = REPLY_INTEGER;
        reply->integer = succeeded;
    } else if (op == OP_SETNX && !succeeded) {
        reply->kind = REPLY_NIL;
    }
    return 0;
}
