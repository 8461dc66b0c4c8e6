/*
 * How it works: a collection is a length and strings, or one string that is a
 * pack (pack.h), or several. Streams are in rdb_stream.c.
 *
 * How it fails: see rdb.h. What came before an error was told.
 */
#include "rdb/rdb_value.h"

#include "rdb/rdb_value_internal.h"

#include <math.h>
#include <stdlib.h>

enum form {
    FORM_NONE,
    FORM_STRING,
    FORM_PLAIN, /* a length and strings */
    FORM_PACK,  /* one pack */
    FORM_PACKS, /* a length and packs */
    FORM_STREAM,
    FORM_MODULE,
};

static const struct {
    uint8_t kind; /* enum rdb_kind */
    uint8_t form;
    uint8_t pack; /* enum pack_form */
} types[] = {
    [RDB_STRING] = {RDB_KIND_STRING, FORM_STRING, 0},
    [RDB_LIST] = {RDB_KIND_LIST, FORM_PLAIN, 0},
    [RDB_SET] = {RDB_KIND_SET, FORM_PLAIN, 0},
    [RDB_ZSET_TEXT] = {RDB_KIND_ZSET, FORM_PLAIN, 0},
    [RDB_HASH] = {RDB_KIND_HASH, FORM_PLAIN, 0},
    [RDB_ZSET] = {RDB_KIND_ZSET, FORM_PLAIN, 0},
    [RDB_MODULE_OLD] = {RDB_KIND_MODULE, FORM_MODULE, 0},
    [RDB_MODULE] = {RDB_KIND_MODULE, FORM_MODULE, 0},
    [RDB_HASH_ZIPMAP] = {RDB_KIND_HASH, FORM_PACK, PACK_ZIPMAP},
    [RDB_LIST_ZIPLIST] = {RDB_KIND_LIST, FORM_PACK, PACK_ZIPLIST},
    [RDB_SET_INTSET] = {RDB_KIND_SET, FORM_PACK, PACK_INTS},
    [RDB_ZSET_ZIPLIST] = {RDB_KIND_ZSET, FORM_PACK, PACK_ZIPLIST},
    [RDB_HASH_ZIPLIST] = {RDB_KIND_HASH, FORM_PACK, PACK_ZIPLIST},
    [RDB_LIST_ZIPLISTS] = {RDB_KIND_LIST, FORM_PACKS, PACK_ZIPLIST},
    [RDB_STREAM_1] = {RDB_KIND_STREAM, FORM_STREAM, 0},
    [RDB_HASH_LISTPACK] = {RDB_KIND_HASH, FORM_PACK, PACK_LISTPACK},
    [RDB_ZSET_LISTPACK] = {RDB_KIND_ZSET, FORM_PACK, PACK_LISTPACK},
    [RDB_LIST_PACKS] = {RDB_KIND_LIST, FORM_PACKS, PACK_LISTPACK},
    [RDB_STREAM_2] = {RDB_KIND_STREAM, FORM_STREAM, 0},
    [RDB_SET_LISTPACK] = {RDB_KIND_SET, FORM_PACK, PACK_LISTPACK},
    [RDB_STREAM_3] = {RDB_KIND_STREAM, FORM_STREAM, 0},
    [RDB_HASH_TIMES_TAIL] = {RDB_KIND_HASH, FORM_PLAIN, 0},
    [RDB_HASH_TIMES_OLD] = {RDB_KIND_HASH, FORM_PACK, PACK_LISTPACK},
    [RDB_HASH_TIMES] = {RDB_KIND_HASH, FORM_PLAIN, 0},
    [RDB_HASH_TIMES_PACK] = {RDB_KIND_HASH, FORM_PACK, PACK_LISTPACK},
};

enum rdb_kind rdb_kind(uint8_t type)
{
    return type < ARRAY_LEN(types) ? (enum rdb_kind)types[type].kind
                                   : RDB_KIND_NONE;
}

const char *rdb_kind_name(enum rdb_kind kind)
{
    static const char *const names[] = {
        [RDB_KIND_NONE] = "unknown",  [RDB_KIND_STRING] = "string",
        [RDB_KIND_LIST] = "list",     [RDB_KIND_SET] = "set",
        [RDB_KIND_ZSET] = "zset",     [RDB_KIND_HASH] = "hash",
        [RDB_KIND_STREAM] = "stream", [RDB_KIND_MODULE] = "module",
    };
    ASSERT(kind < ARRAY_LEN(names));
    return names[kind];
}

/* --- scores and times --------------------------------------------------- */

/* As strtod reads it, all of it. */
static int parse_score(struct bytes text, double *out)
{
    char digits[512];
    char *end = NULL;
    if (text.len == 0 || text.len >= sizeof(digits))
        return ERR_CORRUPT;
    memcpy(digits, text.data, text.len);
    digits[text.len] = '\0';
    *out = strtod(digits, &end);
    bool whole = end == digits + text.len && digits[0] != ' ';
    return whole && !isnan(*out) ? 0 : ERR_CORRUPT;
}

/* A length and digits, or one byte that stands for what has none. */
static double read_text_score(struct rdb_in *in)
{
    enum { TEXT_NAN = 253, TEXT_PLUS = 254, TEXT_MINUS = 255 };
    double score = 0;
    uint8_t len = rdb_in_u8(in);
    if (len == TEXT_PLUS || len == TEXT_MINUS)
        return len == TEXT_PLUS ? INFINITY : -INFINITY;
    if (len == TEXT_NAN || parse_score(rdb_in_bytes(in, len), &score) != 0)
        rdb_in_fail(in, ERR_CORRUPT);
    return score;
}

static double read_score(struct rdb_in *in)
{
    uint64_t bits = rdb_in_u64(in);
    double score;
    _Static_assert(sizeof(score) == sizeof(bits), "IEEE 754");
    memcpy(&score, &bits, sizeof(score));
    if (isnan(score))
        rdb_in_fail(in, ERR_CORRUPT);
    return score;
}

/* 0: never. */
static int check_time(uint64_t ms, int64_t *out)
{
    *out = (int64_t)ms;
    return ms <= INT64_MAX ? 0 : ERR_CORRUPT;
}

/* --- plain -------------------------------------------------------------- */

static void read_times_field(struct value_reader *r, uint64_t base,
                             struct rdb_item *i)
{
    uint64_t time = rdb_in_length(r->in);
    uint64_t at = time == 0 ? 0 : base + time - 1;
    if (at < base && time != 0)
        at = UINT64_MAX;
    if (check_time(at, &i->time_ms) != 0)
        rdb_in_fail(r->in, ERR_CORRUPT);
    i->name = rdb_in_string(r->in, &r->first, &i->lasting);
    i->value = rdb_in_string(r->in, &r->second, NULL);
}

static void read_field(struct value_reader *r, uint64_t base,
                       struct rdb_item *i)
{
    i->what = RDB_FIELD;
    if (r->type == RDB_HASH_TIMES) {
        read_times_field(r, base, i);
        return;
    }
    i->name = rdb_in_string(r->in, &r->first, &i->lasting);
    i->value = rdb_in_string(r->in, &r->second, NULL);
    if (r->type != RDB_HASH_TIMES_TAIL)
        return;
    uint64_t time = rdb_in_u64(r->in);
    if (time != UINT64_MAX && check_time(time, &i->time_ms) != 0)
        rdb_in_fail(r->in, ERR_CORRUPT);
}

static void read_plain_item(struct value_reader *r, uint64_t base,
                            struct rdb_item *i)
{
    enum rdb_kind kind = rdb_kind(r->type);
    if (kind == RDB_KIND_HASH) {
        read_field(r, base, i);
        return;
    }
    i->what = kind == RDB_KIND_LIST  ? RDB_ELEMENT
              : kind == RDB_KIND_SET ? RDB_MEMBER
                                     : RDB_SCORED;
    i->name = rdb_in_string(r->in, &r->first, &i->lasting);
    if (r->type == RDB_ZSET)
        i->score = read_score(r->in);
    else if (r->type == RDB_ZSET_TEXT)
        i->score = read_text_score(r->in);
}

/* What the first string is in, with a source, may move while the score is read:
 * rdb_in_string() has copied it. */
static int read_plain(struct value_reader *r)
{
    uint64_t base = r->type == RDB_HASH_TIMES ? rdb_in_u64(r->in) : 0;
    uint64_t count = rdb_in_length(r->in);
    for (uint64_t n = 0; n < count && r->in->err == 0; n++) {
        struct rdb_item i = {.name = BYTES_NONE};
        read_plain_item(r, base, &i);
        int err = r->in->err != 0 ? r->in->err : tell(r, &i);
        if (err != 0)
            return err;
    }
    return r->in->err;
}

/* --- packs -------------------------------------------------------------- */

/* One more is needed: the end is an error. */
static int need(struct pack *p, struct pack_element *e)
{
    int got = pack_next(p, e);
    return got == 1 ? 0 : ERR_CORRUPT;
}

static int pack_score(struct pack *p, double *score)
{
    struct pack_element e;
    int err = need(p, &e);
    if (err == 0 && e.integer)
        *score = (double)e.number;
    else if (err == 0)
        err = parse_score(e.bytes, score);
    return err;
}

static int pack_time(struct pack *p, int64_t *ms)
{
    struct pack_element e;
    int err = need(p, &e);
    if (err != 0)
        return err;
    if (!e.integer || e.number < 0)
        return ERR_CORRUPT;
    *ms = e.number;
    return 0;
}

static int tell_packed(struct value_reader *r, struct pack *p,
                       struct pack_element *e)
{
    struct rdb_item i = {.name = pack_text(e)};
    struct pack_element value;
    enum rdb_kind kind = rdb_kind(r->type);
    int err = 0;
    i.what = kind == RDB_KIND_LIST   ? RDB_ELEMENT
             : kind == RDB_KIND_SET  ? RDB_MEMBER
             : kind == RDB_KIND_ZSET ? RDB_SCORED
                                     : RDB_FIELD;
    if (i.what == RDB_SCORED)
        err = pack_score(p, &i.score);
    else if (i.what == RDB_FIELD)
        err = need(p, &value);
    if (err == 0 && i.what == RDB_FIELD)
        i.value = pack_text(&value);
    if (err == 0 &&
        (r->type == RDB_HASH_TIMES_OLD || r->type == RDB_HASH_TIMES_PACK))
        err = pack_time(p, &i.time_ms);
    return err != 0 ? err : tell(r, &i);
}

static int read_pack(struct value_reader *r)
{
    struct pack p;
    struct pack_element e;
    struct bytes b = rdb_in_string(r->in, &r->first, NULL);
    if (r->in->err != 0)
        return r->in->err;
    if (!pack_open(&p, (enum pack_form)types[r->type].pack, b))
        return ERR_CORRUPT;
    int got = 1;
    while ((got = pack_next(&p, &e)) == 1) {
        int err = tell_packed(r, &p, &e);
        if (err != 0)
            return err;
    }
    return got;
}

static int read_long_element(struct value_reader *r)
{
    struct rdb_item i = {.what = RDB_ELEMENT};
    i.name = rdb_in_string(r->in, &r->first, &i.lasting);
    return r->in->err != 0 ? r->in->err : tell(r, &i);
}

static int read_packs(struct value_reader *r)
{
    enum { LONG = 1, PACKED = 2 };
    uint64_t count = rdb_in_length(r->in);
    for (uint64_t n = 0; n < count && r->in->err == 0; n++) {
        uint64_t form =
            r->type == RDB_LIST_PACKS ? rdb_in_length(r->in) : PACKED;
        int err = form == PACKED ? read_pack(r)
                  : form == LONG ? read_long_element(r)
                                 : ERR_CORRUPT;
        if (err != 0)
            return r->in->err != 0 ? r->in->err : err;
    }
    return r->in->err;
}

/* --- all of them -------------------------------------------------------- */

static int read_string(struct value_reader *r)
{
    struct rdb_item i = {.what = RDB_THE_STRING};
    i.name = rdb_in_string(r->in, &r->first, &i.lasting);
    return r->in->err != 0 ? r->in->err : tell(r, &i);
}

static int read_value(struct value_reader *r)
{
    if (r->type == RDB_HASH_TIMES_PACK)
        (void)rdb_in_u64(r->in); /* the earliest time */
    switch (types[r->type].form) {
    case FORM_STRING:
        return read_string(r);
    case FORM_PLAIN:
        return read_plain(r);
    case FORM_PACK:
        return read_pack(r);
    case FORM_PACKS:
        return read_packs(r);
    case FORM_STREAM:
        return rdb_stream_read(r);
    default:
        return ERR_INVALID;
    }
}

int rdb_value_read(struct rdb_in *in, uint8_t type, rdb_visit_fn *visit,
                   void *arg)
{
    struct value_reader r = {
        .in = in, .type = type, .visit = visit, .arg = arg};
    if (rdb_kind(type) == RDB_KIND_NONE)
        return ERR_INVALID;
    int err = read_value(&r);
    buf_release(&r.first);
    buf_release(&r.second);
    ASSERT(err != 0 || in->err == 0);
    return err;
}

int rdb_module_skip(struct rdb_in *in, uint8_t type)
{
    enum { END = 0, SINT = 1, UINT = 2, FLOAT = 3, DOUBLE = 4, STRING = 5 };
    if (type != RDB_MODULE)
        return ERR_INVALID; /* nothing says how long it is */
    (void)rdb_in_length(in);
    for (;;) {
        uint64_t what = rdb_in_length(in);
        if (what == END || in->err != 0)
            return in->err;
        if (what == SINT || what == UINT)
            (void)rdb_in_length(in);
        else if (what == FLOAT || what == DOUBLE)
            (void)rdb_in_bytes(in, what == FLOAT ? 4 : 8);
        else if (what == STRING)
            rdb_in_skip_string(in);
        else
            return ERR_CORRUPT;
    }
}
