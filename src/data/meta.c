/*
 * How it works: fixed offsets and fixed names; nothing may follow.
 * How it fails: what does not decode is ERR_CORRUPT, and the replica must not
 * start on it: without its position the state is worth nothing.
 */
#include "data/meta.h"

#include "base/level.h"
#include "base/reader.h"
#include "data/comparison.h"
#include "data/key.h"
#include "data/kinds.h"

_Static_assert(META_APPLIED_SIZE == 5 * 8, "on disk");
_Static_assert(META_COUNT_SIZE == 8 + 8 + 4 + 16, "on disk");
_Static_assert(META_NEXT_SIZE == 3 * 8, "on disk");

static const char APPLIED_KEY[] = "mapplied";
static const char COUNT_KEY[] = "mcount"; /* before the database */
static const char NEXT_KEY[] = "mnext";
static const char SEED_KEY[] = "mseed";
static const char MEMBERS_KEY[] = "mmembers";
static const char DESIRED_KEY[] = "mdesired";
static const char COMPARISON_KEY[] = "mcomparison";
static const char LEVEL_KEY[] = "mlevel";
static const char DATABASES_KEY[] = "mdatabases";

_Static_assert(META_COUNT_KEY_SIZE == sizeof(COUNT_KEY), "on disk");

#define COMPARISON_HEAD_SIZE   17
#define COMPARISON_REPORT_SIZE 21
#define COUNT_DB_OFFSET        (META_COUNT_KEY_SIZE - 1)

struct bytes meta_applied_key(void)
{
    ASSERT(APPLIED_KEY[0] == ROW_META);
    return bytes_str(APPLIED_KEY);
}

struct bytes meta_count_key(uint8_t out[META_COUNT_KEY_SIZE], uint8_t db)
{
    ASSERT(COUNT_KEY[0] == ROW_META && db < KEYSPACE_DATABASES);
    memcpy(out, COUNT_KEY, COUNT_DB_OFFSET);
    out[COUNT_DB_OFFSET] = db;
    return bytes_of(out, META_COUNT_KEY_SIZE);
}

struct bytes meta_seed_key(void)
{
    return bytes_of(SEED_KEY, sizeof(SEED_KEY) - 1);
}

void meta_seed_encode(struct buf *out, uint64_t seed)
{
    ASSERT(seed != 0);
    buf_reset(out);
    buf_u64be(out, seed);
}

int meta_seed_decode(struct bytes b, uint64_t *out)
{
    struct reader r = reader_of(b);
    *out = reader_u64be(&r);
    return reader_done(&r) && *out != 0 ? 0 : ERR_CORRUPT;
}

struct bytes meta_databases_key(void)
{
    return bytes_str(DATABASES_KEY);
}

void meta_databases_encode(struct buf *out, const uint8_t *places)
{
    ASSERT(places[0] < KEYSPACE_DATABASES);
    buf_reset(out);
    buf_append(out, places, KEYSPACE_DATABASES);
}

int meta_databases_decode(struct bytes b, uint8_t *places)
{
    uint32_t seen = 0;
    if (b.len != KEYSPACE_DATABASES)
        return ERR_CORRUPT;
    for (uint8_t i = 0; i < KEYSPACE_DATABASES; i++) {
        places[i] = b.data[i];
        if (places[i] >= KEYSPACE_DATABASES)
            return ERR_CORRUPT;
        seen |= UINT32_C(1) << places[i];
    }
    return seen == (UINT32_C(1) << KEYSPACE_DATABASES) - 1 ? 0 : ERR_CORRUPT;
}

struct bytes meta_next_key(void)
{
    ASSERT(NEXT_KEY[0] == ROW_META);
    return bytes_str(NEXT_KEY);
}

struct bytes meta_members_key(void)
{
    ASSERT(MEMBERS_KEY[0] == ROW_META);
    return bytes_str(MEMBERS_KEY);
}

struct bytes meta_desired_key(void)
{
    ASSERT(DESIRED_KEY[0] == ROW_META);
    return bytes_str(DESIRED_KEY);
}

struct bytes meta_comparison_key(void)
{
    ASSERT(COMPARISON_KEY[0] == ROW_META);
    return bytes_str(COMPARISON_KEY);
}

struct bytes meta_level_key(void)
{
    ASSERT(LEVEL_KEY[0] == ROW_META);
    return bytes_str(LEVEL_KEY);
}

static bool times_bounded(const struct applied *a)
{
    return a->time_ms >= 0 && a->time_ms <= META_TIME_MAX &&
           a->wall_offset_ms >= -META_OFFSET_MAX &&
           a->wall_offset_ms <= META_OFFSET_MAX;
}

void meta_applied_encode(struct buf *out, const struct applied *a)
{
    ASSERT(times_bounded(a));
    buf_reset(out);
    buf_u64be(out, a->index);
    buf_u64be(out, a->term);
    buf_u64be(out, (uint64_t)a->time_ms);
    buf_u64be(out, (uint64_t)a->wall_offset_ms);
    buf_u64be(out, a->chain);
    ASSERT(out->len == META_APPLIED_SIZE);
}

int meta_applied_decode(struct bytes b, struct applied *out)
{
    struct reader r = reader_of(b);
    out->index = reader_u64be(&r);
    out->term = reader_u64be(&r);
    out->time_ms = (int64_t)reader_u64be(&r);
    out->wall_offset_ms = (int64_t)reader_u64be(&r);
    out->chain = reader_u64be(&r);
    return reader_done(&r) && times_bounded(out) ? 0 : ERR_CORRUPT;
}

void meta_count_encode(struct buf *out, const struct keyspace_count *c,
                       uint32_t epoch)
{
    ASSERT(c->expires <= c->keys);
    buf_reset(out);
    buf_u64be(out, c->keys);
    buf_u64be(out, c->expires);
    buf_u32be(out, epoch);
    buf_u64be(out, c->expire_sum_high);
    buf_u64be(out, c->expire_sum_low);
    ASSERT(out->len == META_COUNT_SIZE);
}

int meta_count_decode(struct bytes b, struct keyspace_count *out,
                      uint32_t *epoch)
{
    struct reader r = reader_of(b);
    out->keys = reader_u64be(&r);
    out->expires = reader_u64be(&r);
    *epoch = reader_u32be(&r);
    out->expire_sum_high = reader_u64be(&r);
    out->expire_sum_low = reader_u64be(&r);
    bool sum_ok =
        out->expires > 0 || (out->expire_sum_high | out->expire_sum_low) == 0;
    return reader_done(&r) && out->expires <= out->keys && sum_ok ? 0
                                                                  : ERR_CORRUPT;
}

void meta_next_encode(struct buf *out, const struct meta_next *n)
{
    ASSERT(n->id > 0 && n->first_ticket > 0 && n->first_ticket <= n->ticket);
    buf_reset(out);
    buf_u64be(out, n->id);
    buf_u64be(out, n->ticket);
    buf_u64be(out, n->first_ticket);
    ASSERT(out->len == META_NEXT_SIZE);
}

int meta_next_decode(struct bytes b, struct meta_next *out)
{
    struct reader r = reader_of(b);
    out->id = reader_u64be(&r);
    out->ticket = reader_u64be(&r);
    out->first_ticket = reader_u64be(&r);
    bool ok = out->id > 0 && out->first_ticket > 0 &&
              out->first_ticket <= out->ticket;
    return reader_done(&r) && ok ? 0 : ERR_CORRUPT;
}

void meta_members_encode(struct buf *out, uint64_t index, struct bytes record)
{
    ASSERT(index > 0 && record.len > 0 && record.len <= META_MEMBERS_MAX);
    buf_reset(out);
    buf_u64be(out, index);
    buf_u32be(out, (uint32_t)record.len);
    buf_bytes(out, record);
}

int meta_members_decode(struct bytes b, uint64_t *index, struct bytes *record)
{
    struct reader r = reader_of(b);
    *index = reader_u64be(&r);
    uint32_t len = reader_u32be(&r);
    *record = reader_bytes(&r, len);
    bool ok =
        reader_done(&r) && *index > 0 && len > 0 && len <= META_MEMBERS_MAX;
    return ok ? 0 : ERR_CORRUPT;
}

void meta_comparison_encode(struct buf *out, const struct comparison *c)
{
    ASSERT(c->index > 0 && c->count <= COMPARISON_REPORTS_MAX);
    buf_reset(out);
    buf_u64be(out, c->index);
    buf_u64be(out, (uint64_t)c->time_ms);
    buf_u8(out, (uint8_t)c->count);
    for (uint32_t i = 0; i < c->count; i++) {
        const struct comparison_report *r = &c->reports[i];
        ASSERT(r->found || r->hash == 0);
        buf_u32be(out, r->node);
        buf_u64be(out, r->began);
        buf_u8(out, r->found);
        buf_u64be(out, r->hash);
    }
    ASSERT(out->len ==
           COMPARISON_HEAD_SIZE + c->count * COMPARISON_REPORT_SIZE);
}

/* False: no honest node has written it. */
static bool take_report(struct reader *r, struct comparison *c)
{
    struct comparison_report *to = &c->reports[c->count];
    to->node = reader_u32be(r);
    to->began = reader_u64be(r);
    uint8_t found = reader_u8(r);
    to->found = found == 1;
    to->hash = reader_u64be(r);
    bool ordered = c->count == 0 || to->node > c->reports[c->count - 1].node;
    c->count++;
    return ordered && found <= 1 && (to->found || to->hash == 0);
}

int meta_comparison_decode(struct bytes b, struct comparison *out)
{
    struct reader r = reader_of(b);
    *out = (struct comparison){.count = 0};
    out->index = reader_u64be(&r);
    out->time_ms = (int64_t)reader_u64be(&r);
    uint8_t reports = reader_u8(&r);
    bool ok = out->index > 0 && out->time_ms >= 0 &&
              out->time_ms <= META_TIME_MAX &&
              reports <= COMPARISON_REPORTS_MAX;
    for (uint8_t i = 0; ok && i < reports; i++)
        ok = take_report(&r, out);
    return ok && reader_done(&r) ? 0 : ERR_CORRUPT;
}

void meta_level_encode(struct buf *out, uint16_t level)
{
    ASSERT(level > LEVEL_MIN);
    buf_reset(out);
    buf_u16be(out, level);
}

int meta_level_decode(struct bytes b, uint16_t *out)
{
    struct reader r = reader_of(b);
    uint16_t level = reader_u16be(&r);
    if (!reader_done(&r) || level <= LEVEL_MIN)
        return ERR_CORRUPT;
    *out = level;
    return 0;
}

static void put_page(struct buf *out, uint64_t page)
{
    ASSERT(page < KEY_PAGES);
    buf_u8(out, (uint8_t)(page >> 32));
    buf_u32be(out, (uint32_t)page);
}

static uint64_t get_page(struct reader *r)
{
    uint64_t high = reader_u8(r);
    return high << 32 | reader_u32be(r);
}

void ticket_encode(struct buf *out, const struct ticket *t)
{
    ASSERT(t->owner.id > 0 && t->page < t->end);
    buf_reset(out);
    buf_u8(out, t->letter);
    buf_u8(out, t->owner.db);
    buf_u32be(out, t->owner.epoch);
    buf_u64be(out, t->owner.id);
    put_page(out, t->page);
    put_page(out, t->end);
    ASSERT(out->len == TICKET_SIZE);
}

int ticket_decode(struct bytes b, struct ticket *out)
{
    struct reader r = reader_of(b);
    out->letter = reader_u8(&r);
    out->owner.db = reader_u8(&r);
    out->owner.epoch = reader_u32be(&r);
    out->owner.id = reader_u64be(&r);
    out->page = get_page(&r);
    out->end = get_page(&r);
    bool ok = (out->letter == ROW_PAGE || out->letter == ROW_TREE) &&
              out->owner.db < KEYSPACE_DATABASES && out->owner.id > 0 &&
              out->page < out->end;
    return reader_done(&r) && ok ? 0 : ERR_CORRUPT;
}

/* The name is that of the counts of a database. */
static bool is_count_key(struct bytes key)
{
    return key.len == META_COUNT_KEY_SIZE &&
           memcmp(key.data, COUNT_KEY, COUNT_DB_OFFSET) == 0 &&
           key.data[COUNT_DB_OFFSET] < KEYSPACE_DATABASES;
}

bool meta_valid(struct bytes key, struct bytes value)
{
    struct applied applied;
    struct keyspace_count count;
    struct meta_next next;
    uint64_t seed;
    uint8_t places[KEYSPACE_DATABASES];
    struct comparison comparison;
    struct bytes record;
    uint64_t index = 0;
    uint32_t epoch = 0;
    if (bytes_eq(key, meta_comparison_key()))
        return meta_comparison_decode(value, &comparison) == 0;
    uint16_t level = 0;
    if (bytes_eq(key, meta_level_key()))
        return meta_level_decode(value, &level) == 0;
    if (bytes_eq(key, meta_members_key()) || bytes_eq(key, meta_desired_key()))
        return meta_members_decode(value, &index, &record) == 0;
    if (bytes_eq(key, meta_applied_key()))
        return meta_applied_decode(value, &applied) == 0;
    if (bytes_eq(key, meta_seed_key()))
        return meta_seed_decode(value, &seed) == 0;
    if (bytes_eq(key, meta_databases_key()))
        return meta_databases_decode(value, places) == 0;
    if (bytes_eq(key, meta_next_key()))
        return meta_next_decode(value, &next) == 0;
    return is_count_key(key) && meta_count_decode(value, &count, &epoch) == 0;
}
