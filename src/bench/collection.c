/*
 * How it works: a table has the commands; each is written as its arguments in
 * turn. Commands of setup have up to BATCH elements, those of streams one.
 *
 * Nothing here fails: what does not fit together was refused (options.c).
 */
#include "bench/collection.h"

#include "base/num.h"
#include "base/rng.h"

#include <inttypes.h>

#define BATCH 100
#define RANGE 10

enum bench_answer {
    ANSWER_COUNT,  /* an integer */
    ANSWER_FOUND,  /* 1, or 0: a miss */
    ANSWER_RANK,   /* an integer, or nil: a miss */
    ANSWER_STRING, /* or nil: a miss */
    ANSWER_ARRAY,  /* with nothing in it, or nil: a miss */
};

struct row {
    enum key_family family;
    enum bench_answer answer;
    const char *wrong;
    /* What setup sends: its name, and arguments for an element. */
    const char *setup;
    int setup_words;
};

static const struct row rows[] = {
    [OP_HSET] = {KEY_HASH, ANSWER_COUNT, "hset: not an integer", "HSET", 2},
    [OP_HGET] = {KEY_HASH, ANSWER_STRING, "hget: not a string", "HSET", 2},
    [OP_LPUSH] = {KEY_LIST, ANSWER_COUNT, "lpush: not an integer", "RPUSH", 1},
    [OP_RPOP] = {KEY_LIST, ANSWER_STRING, "rpop: not a string", "RPUSH", 1},
    [OP_SADD] = {KEY_SET, ANSWER_COUNT, "sadd: not an integer", "SADD", 1},
    [OP_SISMEMBER] = {KEY_SET, ANSWER_FOUND, "sismember: not an integer",
                      "SADD", 1},
    [OP_ZADD] = {KEY_SORTED_SET, ANSWER_COUNT, "zadd: not an integer", "ZADD",
                 2},
    [OP_ZRANK] = {KEY_SORTED_SET, ANSWER_RANK, "zrank: not an integer", "ZADD",
                  2},
    [OP_ZRANGE] = {KEY_SORTED_SET, ANSWER_ARRAY, "zrange: not an array", "ZADD",
                   2},
    [OP_XADD] = {KEY_STREAM, ANSWER_STRING, "xadd: not a string", "XADD", 3},
    [OP_XREAD] = {KEY_STREAM, ANSWER_ARRAY, "xread: not an array", "XADD", 3},
};
_Static_assert(ARRAY_LEN(rows) == OP_COUNT, "each has a row");

bool bench_is_collection(int64_t op)
{
    return op >= OP_HSET && op < OP_COUNT;
}

static const struct row *row_of(int64_t op)
{
    ASSERT(bench_is_collection(op));
    return &rows[op];
}

enum key_family bench_collection_family(int64_t op)
{
    return row_of(op)->family;
}

enum bench_op bench_collection_writer(int64_t op)
{
    switch (row_of(op)->family) {
    case KEY_HASH:
        return OP_HSET;
    case KEY_LIST:
        return OP_LPUSH;
    case KEY_SET:
        return OP_SADD;
    case KEY_SORTED_SET:
        return OP_ZADD;
    default:
        return OP_XADD;
    }
}

/* ---- which element ---- */

static int64_t batch_of(const struct bench_options *o)
{
    return row_of(o->op)->family == KEY_STREAM ? 1 : BATCH;
}

/* Commands of setup for one collection. */
static int64_t batches(const struct bench_options *o)
{
    return (o->elements + batch_of(o) - 1) / batch_of(o);
}

int64_t bench_setup_commands(const struct bench_options *o)
{
    return bench_is_collection(o->op) ? o->keys * batches(o) : o->keys;
}

bool bench_setup_in_order(const struct bench_options *o)
{
    return bench_is_collection(o->op) && row_of(o->op)->family == KEY_STREAM;
}

uint64_t bench_collection_batch(const struct bench_options *o, uint64_t number,
                                struct bench_request *r)
{
    uint64_t each = (uint64_t)batches(o);
    int64_t first = (int64_t)(number % each) * batch_of(o);
    ASSERT(first < o->elements);
    r->element = (uint64_t)first;
    r->setup = (uint32_t)MIN(batch_of(o), o->elements - first);
    return number / each;
}

void bench_collection_choose(const struct bench_options *o, uint64_t *rng,
                             struct bench_request *r)
{
    uint64_t most = (uint64_t)o->elements;
    if (r->op == OP_SADD)
        most *= 2;
    else if (r->op == OP_ZRANGE || r->op == OP_XREAD)
        most = most > RANGE ? most - RANGE + 1 : 1;
    r->element = rng_below(rng, most);
    r->score = rng_below(rng, BENCH_SCORE_MAX);
}

/* ---- requests ---- */

void bench_write_bulk(struct buf *out, struct bytes b)
{
    char digits[NUM_TEXT_MAX];
    size_t len = num_format_i64((int64_t)b.len, digits);
    buf_char(out, '$');
    buf_append(out, digits, len);
    buf_append(out, "\r\n", 2);
    buf_bytes(out, b);
    buf_append(out, "\r\n", 2);
}

static void write_word(struct buf *out, const char *word)
{
    bench_write_bulk(out, bytes_str(word));
}

static void write_number(struct buf *out, uint64_t n)
{
    char digits[NUM_TEXT_MAX];
    bench_write_bulk(out, bytes_of(digits, num_format_i64((int64_t)n, digits)));
}

static void write_element(struct buf *out, uint64_t element)
{
    char text[KEY_TEXT_MAX];
    bench_write_bulk(out, keys_text("", KEY_ELEMENT, element, text));
}

/* "ID-0". */
static void write_id(struct buf *out, uint64_t id)
{
    char text[NUM_TEXT_MAX + 2];
    size_t len = num_format_i64((int64_t)id, text);
    memcpy(text + len, "-0", 2);
    bench_write_bulk(out, bytes_of(text, len + 2));
}

/* "*COUNT", the name and the key. */
static void write_head(struct buf *out, size_t count, const char *name,
                       const struct bench_request *r)
{
    char digits[NUM_TEXT_MAX];
    size_t len = num_format_i64((int64_t)count, digits);
    buf_char(out, '*');
    buf_append(out, digits, len);
    buf_append(out, "\r\n", 2);
    write_word(out, name);
    bench_write_bulk(out, r->key);
}

static uint64_t score_of(uint64_t element)
{
    return rng_next(&element) % BENCH_SCORE_MAX;
}

static void write_setup(struct buf *out, const struct bench_request *r)
{
    const struct row *row = row_of(r->op);
    write_head(out, 2 + r->setup * (size_t)row->setup_words, row->setup, r);
    for (uint64_t i = r->element; i < r->element + r->setup; i++) {
        if (row->family == KEY_SORTED_SET)
            write_number(out, score_of(i));
        if (row->family == KEY_STREAM) {
            write_id(out, i + 1);
            write_word(out, "f");
        } else if (row->family != KEY_LIST) {
            write_element(out, i);
        }
        if (row->family != KEY_SORTED_SET && row->family != KEY_SET)
            bench_write_bulk(out, r->value);
    }
}

static void write_xread(struct buf *out, const struct bench_request *r)
{
    buf_str(out, "*6\r\n");
    write_word(out, "XREAD");
    write_word(out, "COUNT");
    write_number(out, RANGE);
    write_word(out, "STREAMS");
    bench_write_bulk(out, r->key);
    write_id(out, r->element);
}

void bench_collection_write(struct buf *out, const struct bench_request *r)
{
    if (r->setup > 0) {
        write_setup(out, r);
        return;
    }
    switch ((int)r->op) {
    case OP_HSET:
        write_head(out, 4, "HSET", r);
        write_element(out, r->element);
        bench_write_bulk(out, r->value);
        break;
    case OP_LPUSH:
        write_head(out, 3, "LPUSH", r);
        bench_write_bulk(out, r->value);
        break;
    case OP_RPOP:
        write_head(out, 2, "RPOP", r);
        break;
    case OP_ZADD:
        write_head(out, 4, "ZADD", r);
        write_number(out, r->score);
        write_element(out, r->element);
        break;
    case OP_ZRANGE:
        write_head(out, 4, "ZRANGE", r);
        write_number(out, r->element);
        write_number(out, r->element + RANGE - 1);
        break;
    case OP_XADD:
        write_head(out, 5, "XADD", r);
        write_word(out, "*");
        write_word(out, "f");
        bench_write_bulk(out, r->value);
        break;
    case OP_XREAD:
        write_xread(out, r);
        break;
    default:
        write_head(out, 3,
                   r->op == OP_HGET    ? "HGET"
                   : r->op == OP_SADD  ? "SADD"
                   : r->op == OP_ZRANK ? "ZRANK"
                                       : "SISMEMBER",
                   r);
        write_element(out, r->element);
    }
}

/* ---- answers ---- */

const char *bench_collection_wrong(enum bench_op op,
                                   const struct bench_reply *r, bool *miss)
{
    const struct row *row = row_of(op);
    bool good = false;
    *miss = r->kind == REPLY_NIL;
    switch (row->answer) {
    case ANSWER_COUNT:
        *miss = false;
        good = r->kind == REPLY_INTEGER;
        break;
    case ANSWER_FOUND:
        *miss = r->kind == REPLY_INTEGER && r->integer == 0;
        good = r->kind == REPLY_INTEGER;
        break;
    case ANSWER_RANK:
        good = *miss || r->kind == REPLY_INTEGER;
        break;
    case ANSWER_STRING:
        good = *miss || r->kind == REPLY_STRING;
        break;
    case ANSWER_ARRAY:
        good = *miss || r->kind == REPLY_ARRAY;
        *miss = *miss || r->integer == 0;
        break;
    }
    return good ? NULL : row->wrong;
}
