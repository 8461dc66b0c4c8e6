/*
 * How it works: a table with an entry for each letter, so that a kind is found
 * without a search. The table says the least sizes of keys and values; `valid`
 * checks the rest, and may look at bytes within these sizes.
 *
 * How it fails: bytes that this code did not write are ERR_CORRUPT; the
 * store's own checksums make that a bug or a broken machine.
 */
#include "data/kinds.h"

#include "base/reader.h"
#include "data/key.h"
#include "data/meta.h"
#include "data/record.h"
#include "data/value.h"
#include "page/page.h"

/* In a key in an epoch. */
#define DB_OFFSET    1
#define EPOCH_OFFSET 2

_Static_assert(SESSION_SIZE == 8 + 8 + 8, "on disk");
_Static_assert(ONCE_HEADER_SIZE == 8 + 8, "on disk");
_Static_assert(UPLOAD_SIZE == 5 * 8, "on disk");
_Static_assert(DUE_SIZE == 1 + 8, "on disk");
_Static_assert(TICKET_SIZE == 1 + 1 + 4 + 8 + 5 + 5, "on disk");
_Static_assert(TREE_BLOB > PAGE_LEVEL_MAX, "no page begins so");

static bool value_valid(struct bytes key, struct bytes value)
{
    struct value v;
    UNUSED(key);
    struct record r;
    if (value_decode(value, &v) != 0)
        return false;
    if (!value_type_info(v.type)->plain)
        return record_decode(&v, &r) == 0;
    return v.encoding == VALUE_APART ? value_apart_decode(&v) == 0
                                     : v.length <= KEYSPACE_PAGE_SIZE;
}

static bool page_valid(struct bytes key, struct bytes value)
{
    struct reader r = reader_of(bytes_from(key, KEY_EPOCH_SIZE));
    return key.len == KEY_PAGE_SIZE && reader_u64be(&r) != 0 &&
           value.len <= KEYSPACE_PAGE_SIZE;
}

static bool tree_valid(struct bytes key, struct bytes value)
{
    struct reader r = reader_of(bytes_from(key, KEY_EPOCH_SIZE));
    return key.len == KEY_PAGE_SIZE && reader_u64be(&r) != 0 &&
           (value.data[0] == TREE_BLOB || page_is_valid(value));
}

static bool ticket_valid(struct bytes key, struct bytes value)
{
    struct ticket t;
    return key.len == KEY_TICKET_SIZE && ticket_decode(value, &t) == 0;
}

static bool once_valid(struct bytes key, struct bytes value)
{
    UNUSED(key);
    return time_load(value.data + ONCE_EXPIRE_OFFSET) > 0;
}

static bool session_valid(struct bytes key, struct bytes value)
{
    return key.len == KEY_SESSION_SIZE && value.len == SESSION_SIZE;
}

/* What the numbers say is the concern of upload.c. */
static bool upload_valid(struct bytes key, struct bytes value)
{
    return key.len == KEY_UPLOAD_SIZE && value.len == UPLOAD_SIZE &&
           time_load(value.data + UPLOAD_EXPIRE_OFFSET) > 0;
}

static bool due_valid(struct bytes key, struct bytes value)
{
    UNUSED(key);
    return value.len == DUE_SIZE && value.data[0] == VALUE_HASH &&
           time_load(value.data + DUE_EXPIRE_OFFSET) > 0;
}

static bool part_valid(struct bytes key, struct bytes value)
{
    UNUSED(value);
    return key.len == KEY_PART_SIZE;
}

static bool expiry_valid(struct bytes key, struct bytes value)
{
    struct bytes of = bytes_from(key, KEY_EXPIRY_PREFIX_SIZE);
    return (value.len == 0 || bytes_eq(value, EXPIRY_APART)) &&
           time_load(key.data + 1) > 0 && row_check_key(of) == 0 &&
           row_may_expire(of);
}

static const struct row_kind kinds[ROW_LETTERS] = {
    [ROW_VALUE] = {.name = "value",
                   .level = 1,
                   .key_size_min = KEY_PREFIX_SIZE,
                   .header_size = VALUE_HEADER_SIZE,
                   .expire_offset = VALUE_EXPIRE_OFFSET,
                   .in_epoch = true,
                   .valid = value_valid},
    [ROW_PAGE] = {.name = "page",
                  .level = 1,
                  .key_size_min = KEY_PAGE_SIZE,
                  .header_size = 1,
                  .in_epoch = true,
                  .valid = page_valid},
    [ROW_TREE] = {.name = "page of a tree",
                  .level = 1,
                  .key_size_min = KEY_PAGE_SIZE,
                  .header_size = 1,
                  .in_epoch = true,
                  .valid = tree_valid},
    [ROW_TICKET] = {.name = "ticket",
                    .level = 1,
                    .key_size_min = KEY_TICKET_SIZE,
                    .header_size = TICKET_SIZE,
                    .valid = ticket_valid},
    [ROW_EXPIRY] = {.name = "expiry",
                    .level = 1,
                    .key_size_min = KEY_EXPIRY_PREFIX_SIZE + 1,
                    .valid = expiry_valid},
    [ROW_SESSION] = {.name = "session",
                     .level = 1,
                     .key_size_min = KEY_SESSION_SIZE,
                     .header_size = SESSION_SIZE,
                     .valid = session_valid},
    [ROW_ONCE] = {.name = "first answer",
                  .level = 1,
                  .key_size_min = 1,
                  .header_size = ONCE_HEADER_SIZE,
                  .expire_offset = ONCE_EXPIRE_OFFSET,
                  .valid = once_valid},
    [ROW_UPLOAD] = {.name = "upload",
                    .level = 1,
                    .key_size_min = KEY_UPLOAD_SIZE,
                    .header_size = UPLOAD_SIZE,
                    .expire_offset = UPLOAD_EXPIRE_OFFSET,
                    .valid = upload_valid},
    [ROW_PART] = {.name = "part of an upload",
                  .level = 1,
                  .key_size_min = KEY_PART_SIZE,
                  .header_size = 1,
                  .valid = part_valid},
    [ROW_DUE] = {.name = "due elements",
                 .level = 1,
                 .key_size_min = KEY_PREFIX_SIZE,
                 .header_size = DUE_SIZE,
                 .expire_offset = DUE_EXPIRE_OFFSET,
                 .in_epoch = true,
                 .valid = due_valid},
    [ROW_META] = {.name = "counts and position",
                  .level = 1,
                  .key_size_min = 1,
                  .valid = meta_valid},
};

const struct row_kind *row_kind_of(uint8_t letter)
{
    const struct row_kind *k = &kinds[letter];
    if (k->name == NULL)
        return NULL;
    ASSERT(k->key_size_min > 0 && k->valid != NULL);
    ASSERT(k->level >= LEVEL_MIN);
    ASSERT(k->expire_offset == 0 || k->expire_offset + 8 <= k->header_size);
    ASSERT(!k->in_epoch || k->key_size_min >= KEY_EPOCH_SIZE);
    return k;
}

/* The kind of a key that has been checked. */
static const struct row_kind *kind_of(struct bytes key)
{
    ASSERT(key.len > 0);
    const struct row_kind *k = &kinds[key.data[0]];
    ASSERT(k->name != NULL && key.len >= k->key_size_min);
    return k;
}

int row_check_key(struct bytes key)
{
    const struct row_kind *k = key.len > 0 ? row_kind_of(key.data[0]) : NULL;
    if (k == NULL || key.len < k->key_size_min)
        return ERR_CORRUPT;
    if (k->in_epoch && key.data[DB_OFFSET] >= KEYSPACE_DATABASES)
        return ERR_CORRUPT;
    return 0;
}

int row_check(struct bytes key, struct bytes value)
{
    int err = row_check_key(key);
    if (err != 0)
        return err;
    const struct row_kind *k = kind_of(key);
    return value.len >= k->header_size && k->valid(key, value) ? 0
                                                               : ERR_CORRUPT;
}

uint16_t row_level(struct bytes key)
{
    return kind_of(key)->level;
}

bool row_may_expire(struct bytes key)
{
    return kind_of(key)->expire_offset != 0;
}

int64_t row_expire_ms(struct bytes key, struct bytes value)
{
    const struct row_kind *k = kind_of(key);
    if (k->expire_offset == 0)
        return 0;
    ASSERT(value.len >= k->header_size);
    int64_t time_ms = time_load(value.data + k->expire_offset);
    ASSERT(time_ms >= 0);
    return time_ms;
}

bool row_is_apart(struct bytes key, struct bytes value)
{
    if (!row_is(key, ROW_VALUE))
        return row_is(key, ROW_UPLOAD);
    ASSERT(value.len >= VALUE_HEADER_SIZE);
    return value.data[VALUE_ENCODING_OFFSET] == VALUE_APART ||
           (value.data[VALUE_FLAGS_OFFSET] & VALUE_FIELD_TTL) != 0;
}

bool row_epoch_of(struct bytes key, uint8_t *db, uint32_t *epoch)
{
    if (!kind_of(key)->in_epoch)
        return false;
    const uint8_t *p = key.data + EPOCH_OFFSET;
    *db = key.data[DB_OFFSET];
    *epoch = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
             (uint32_t)p[3];
    ASSERT(*db < KEYSPACE_DATABASES);
    return true;
}

bool row_in_epoch(struct bytes key)
{
    return kind_of(key)->in_epoch;
}

uint8_t row_db(struct bytes key)
{
    uint8_t db = 0;
    uint32_t epoch;
    bool in_epoch = row_epoch_of(key, &db, &epoch);
    ASSERT(in_epoch);
    return db;
}

uint32_t row_epoch(struct bytes key)
{
    uint8_t db;
    uint32_t epoch = 0;
    bool in_epoch = row_epoch_of(key, &db, &epoch);
    ASSERT(in_epoch);
    return epoch;
}
