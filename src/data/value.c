/*
 * How it works: fixed offsets, every byte written and every byte checked.
 * How it fails: a header that this code did not write is ERR_CORRUPT; the
 * store's own checksums make that a bug or a broken machine.
 */
#include "data/value.h"

_Static_assert(VALUE_HEADER_SIZE == 1 + 1 + 2 + 8 + 8, "on disk");
_Static_assert(VALUE_ENCODING_OFFSET == 1, "on disk");
_Static_assert(VALUE_EXPIRE_OFFSET == 1 + 1 + 2, "on disk");
_Static_assert(VALUE_APART_SIZE == 8 + 8, "on disk");
#define VALUE_VERSION_OFFSET 12

static const struct value_type_info types[] = {
    [VALUE_STRING] = {.name = "string", .encodings = 2, .plain = true},
    [VALUE_LIST] = {.name = "list",
                    .encodings = 2,
                    .trees = 1,
                    .flags = VALUE_LARGE},
    [VALUE_SET] = {.name = "set",
                   .encodings = 2,
                   .trees = 1,
                   .flags = VALUE_LARGE | VALUE_INTS | VALUE_HASHED},
    [VALUE_ZSET] = {.name = "zset",
                    .encodings = 2,
                    .trees = 2,
                    .flags = VALUE_LARGE | VALUE_HASHED},
    [VALUE_HASH] = {.name = "hash",
                    .encodings = 2,
                    .trees = 2,
                    .flags = VALUE_LARGE | VALUE_HASHED | VALUE_FIELD_TTL},
    [VALUE_STREAM] = {.name = "stream",
                      .encodings = 2,
                      .stays = true,
                      .trees = 5},
};
_Static_assert(ARRAY_LEN(types) == VALUE_TYPES, "each type has its entry");

bool value_form_known(uint8_t type, uint8_t encoding)
{
    return type < ARRAY_LEN(types) && encoding < types[type].encodings;
}

/*@ assigns \nothing; */
static bool flags_known(uint8_t type, uint8_t flags)
{
    return type < ARRAY_LEN(types) && (flags & ~types[type].flags) == 0;
}

const struct value_type_info *value_type_info(uint8_t type)
{
    ASSERT(value_form_known(type, 0) && types[type].name != NULL);
    return &types[type];
}

/*@ requires \valid(p + (0 .. 7));
  @ assigns p[0 .. 7];
  @ ensures \forall integer i;
  @     0 <= i < 8 ==> p[i] == (uint8_t)(v >> (56 - 8 * i)); */
static void put_u64be(uint8_t *p, uint64_t v)
{
    /*@ loop invariant 0 <= i <= 8;
      @ loop invariant \forall integer k;
      @     0 <= k < i ==> p[k] == (uint8_t)(v >> (56 - 8 * k));
      @ loop assigns i, p[0 .. 7];
      @ loop variant 8 - i; */
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (56 - 8 * i));
}

/* Written out, the compiler makes one load of it. */
/*@ requires \valid_read(p + (0 .. 7));
  @ assigns \nothing; */
static uint64_t get_u64be(const uint8_t *p)
{
    return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 |
           (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
           (uint64_t)p[6] << 8 | (uint64_t)p[7];
}

int64_t time_load(const uint8_t *p)
{
    return (int64_t)get_u64be(p);
}

void time_store(uint8_t *p, int64_t time_ms)
{
    ASSERT(time_ms >= 0);
    put_u64be(p, (uint64_t)time_ms);
}

void value_encode_header(uint8_t out[VALUE_HEADER_SIZE], const struct value *v)
{
    ASSERT(value_form_known(v->type, v->encoding));
    ASSERT(flags_known(v->type, v->flags));
    out[0] = v->type;
    out[1] = v->encoding;
    out[2] = v->flags;
    out[3] = 0;
    time_store(out + VALUE_EXPIRE_OFFSET, v->expire_ms);
    put_u64be(out + VALUE_VERSION_OFFSET, v->version);
}

int value_decode(struct bytes row, struct value *v)
{
    ASSERT(v != NULL);
    if (row.len < VALUE_HEADER_SIZE)
        return ERR_CORRUPT;
    const uint8_t *p = row.data;
    int64_t expire_ms = time_load(p + VALUE_EXPIRE_OFFSET);
    if (!value_form_known(p[0], p[1]) || !flags_known(p[0], p[2]) ||
        p[3] != 0 || expire_ms < 0)
        return ERR_CORRUPT;
    *v = (struct value){
        .type = p[0],
        .encoding = p[1],
        .flags = p[2],
        .expire_ms = expire_ms,
        .version = get_u64be(p + VALUE_VERSION_OFFSET),
        .length = row.len - VALUE_HEADER_SIZE,
        .data = bytes_from(row, VALUE_HEADER_SIZE),
    };
    return 0;
}

/* Of a collection: the record begins with its id and the next number. */
static int rows_decode(struct value *v)
{
    if (v->data.len < 8 + 5)
        return ERR_CORRUPT;
    const uint8_t *next = v->data.data + 8;
    v->pages.id = get_u64be(v->data.data);
    v->pages_end = 0;
    for (int i = 0; i < 5; i++)
        v->pages_end = v->pages_end << 8 | next[i];
    return v->pages.id != 0 && v->pages_end > 1 ? 0 : ERR_CORRUPT;
}

int value_apart_decode(struct value *v)
{
    ASSERT(v->encoding == VALUE_APART);
    if (!types[v->type].plain)
        return rows_decode(v);
    if (v->data.len != VALUE_APART_SIZE)
        return ERR_CORRUPT;
    v->pages.id = get_u64be(v->data.data);
    v->length = get_u64be(v->data.data + 8);
    v->pages_end = pages_of(v->length);
    v->data = BYTES_NONE;
    bool ok = v->pages.id != 0 && v->length > KEYSPACE_PAGE_SIZE &&
              v->length <= VALUE_LENGTH_MAX;
    return ok ? 0 : ERR_CORRUPT;
}

void value_apart_encode(uint8_t out[VALUE_APART_SIZE], uint64_t id,
                        uint64_t length)
{
    ASSERT(id != 0);
    ASSERT(length > KEYSPACE_PAGE_SIZE && length <= VALUE_LENGTH_MAX);
    put_u64be(out, id);
    put_u64be(out + 8, length);
}
