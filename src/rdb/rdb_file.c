/*
 * How it works: nine letters, "REDIS" or "VALKEY" and the version; then types
 * of values, each with a key and a value, and between them numbers from 243 on
 * that say something about what follows, or about all. The bytes of a value are
 * copied as they are read: they are those that DUMP would give.
 *
 * How it fails: see rdb_file.h. What is read is checked as far as
 * rdb_value_read() does; the rest is up to who takes the payload.
 */
#include "rdb/rdb_file.h"

#include "rdb/rdb_payload.h"
#include "rdb/rdb_value.h"

#include <stdio.h>

#define STRING_MAX (512 * 1024 * 1024)

enum mark {
    MARK_SLOT = 244,
    MARK_FUNCTIONS = 245,
    MARK_MODULE = 247,
    MARK_IDLE = 248,
    MARK_FREQUENCY = 249,
    MARK_ABOUT = 250, /* the file */
    MARK_SIZES = 251,
    MARK_EXPIRES_MS = 252,
    MARK_EXPIRES = 253,
    MARK_DATABASE = 254,
    MARK_END = 255,
    MARK_FIRST = 240, /* of all that may come */
};

void rdb_file_init(struct rdb_file *f, rdb_more_fn *more, void *arg,
                   size_t payload_max)
{
    *f = (struct rdb_file){.db = 0};
    rdb_in_source(&f->in, more, arg, STRING_MAX);
    f->in.summing = true;
    f->in.copy_max = payload_max;
}

void rdb_file_release(struct rdb_file *f)
{
    rdb_in_release(&f->in);
    buf_release(&f->name);
    buf_release(&f->payload);
}

int rdb_file_begin(struct rdb_file *f)
{
    char text[10] = {0};
    unsigned version = 0;
    struct bytes head = rdb_in_bytes(&f->in, 9);
    if (f->in.err != 0)
        return f->in.err == ERR_CLOSED ? ERR_CORRUPT : f->in.err;
    memcpy(text, head.data, head.len);
    if (sscanf(text, "REDIS%4u", &version) != 1 &&
        sscanf(text, "VALKEY%3u", &version) != 1)
        return ERR_CORRUPT;
    f->version = version;
    if (version == 0 || !rdb_version_known(version)) {
        snprintf(f->refused, sizeof(f->refused), "version %u", version);
        return ERR_MISMATCH;
    }
    return 0;
}

static void expires(struct rdb_file *f, uint64_t ms)
{
    f->expire_ms = (int64_t)MIN(MAX(ms, 1), (uint64_t)INT64_MAX);
}

static void begin_database(struct rdb_file *f)
{
    uint64_t number = rdb_in_length(&f->in);
    f->db = (uint32_t)MIN(number, UINT32_MAX);
}

static void pass_lengths(struct rdb_file *f, int count)
{
    for (int i = 0; i < count; i++)
        (void)rdb_in_length(&f->in);
}

/* What is not a key. */
static int read_mark(struct rdb_file *f, uint8_t mark)
{
    struct rdb_in *in = &f->in;
    switch (mark) {
    case MARK_DATABASE:
        begin_database(f);
        break;
    case MARK_EXPIRES:
        expires(f, rdb_in_u32(in) * UINT64_C(1000));
        break;
    case MARK_EXPIRES_MS:
        expires(f, rdb_in_u64(in));
        break;
    case MARK_SIZES:
        pass_lengths(f, 2);
        break;
    case MARK_SLOT:
        pass_lengths(f, 3);
        break;
    case MARK_IDLE:
        pass_lengths(f, 1);
        break;
    case MARK_FREQUENCY:
        (void)rdb_in_u8(in);
        break;
    case MARK_ABOUT:
        rdb_in_skip_string(in);
        rdb_in_skip_string(in);
        break;
    case MARK_FUNCTIONS:
        rdb_in_skip_string(in);
        f->functions++;
        break;
    case MARK_MODULE:
        return rdb_module_skip(in, RDB_MODULE);
    default:
        snprintf(f->refused, sizeof(f->refused), "mark %u", mark);
        return ERR_INVALID;
    }
    return in->err;
}

/* The checksum is of all that came before it; 0 is none. */
static int read_end(struct rdb_file *f)
{
    uint64_t crc = f->in.crc;
    f->in.summing = false;
    uint64_t told = f->version >= 5 ? rdb_in_u64(&f->in) : 0;
    if (f->in.err != 0)
        return f->in.err;
    if (told == 0 || told == crc)
        return 0;
    snprintf(f->refused, sizeof(f->refused), "a checksum that is wrong");
    return ERR_MISMATCH;
}

static int count_item(void *arg, const struct rdb_item *item)
{
    uint64_t *items = arg;
    UNUSED(item);
    ++*items;
    return 0;
}

static int read_value(struct rdb_file *f, uint8_t type, struct rdb_key *key)
{
    buf_reset(&f->payload);
    buf_u8(&f->payload, type);
    f->in.copy = &f->payload;
    f->in.copy_over = false;
    int err = key->kind == RDB_KIND_MODULE
                  ? rdb_module_skip(&f->in, type)
                  : rdb_value_read(&f->in, type, count_item, &key->items);
    f->in.copy = NULL;
    if (err != 0 || f->in.copy_over || key->kind == RDB_KIND_MODULE)
        return err;
    rdb_payload_end(&f->payload, (uint16_t)f->version);
    key->payload = buf_view(&f->payload);
    return 0;
}

static int read_key(struct rdb_file *f, uint8_t type, struct rdb_key *key)
{
    *key = (struct rdb_key){.db = f->db, .kind = rdb_kind(type)};
    key->name = rdb_in_string(&f->in, &f->name, NULL);
    if (f->in.err != 0)
        return f->in.err;
    if (key->kind == RDB_KIND_NONE) {
        snprintf(f->refused, sizeof(f->refused), "type %u", type);
        return ERR_INVALID;
    }
    key->expire_ms = f->expire_ms;
    f->expire_ms = 0;
    int err = read_value(f, type, key);
    return err != 0 ? err : 1;
}

int rdb_file_next(struct rdb_file *f, struct rdb_key *key)
{
    for (;;) {
        uint8_t type = rdb_in_u8(&f->in);
        if (f->in.err != 0)
            return f->in.err;
        if (type == MARK_END)
            return read_end(f);
        if (type < MARK_FIRST)
            return read_key(f, type, key);
        int err = read_mark(f, type);
        if (err != 0)
            return err;
    }
}
