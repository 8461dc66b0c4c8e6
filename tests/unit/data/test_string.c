/*
 * Strings longer than a page: their bytes are apart from the row of their key.
 * What is asked of the store is counted here, by kind of row.
 */
// link: store base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/reader.h"
#include "base/rng.h"
#include "data/key.h"
#include "data/meta.h"
#include "data/pages.h"
#include "data/value.h"
#include "unit/data/data_fixture.h"

#define PAGE KEYSPACE_PAGE_SIZE
#define KEY  BYTES_LIT("a")

/* --- a store that counts -------------------------------------------------- */

struct counting {
    struct store base;
    struct store *inner;
    uint32_t gets[ROW_LETTERS];
    uint32_t once; /* of them, those that nobody keeps */
    size_t bytes;  /* read */
    size_t written;
};

static int count_get(struct counting *c, struct bytes key, struct buf *value)
{
    size_t before = value->len;
    int err = store_get(c->inner, STORE_STATE, key, value);
    c->gets[key.data[0]]++;
    c->bytes += value->len - before;
    return err;
}

static int counting_get(struct store *s, enum store_family family,
                        struct bytes key, struct buf *value)
{
    assert_int_equal(family, STORE_STATE);
    return count_get((struct counting *)s, key, value);
}

static int counting_get_once(struct store *s, enum store_family family,
                             struct bytes key, struct buf *value)
{
    ((struct counting *)s)->once++;
    return counting_get(s, family, key, value);
}

static int counting_write(struct store *s, const struct store_batch *b,
                          enum store_write_kind kind)
{
    struct counting *c = (struct counting *)s;
    struct store_batch_op op;
    size_t pos = 0;
    while (store_batch_next(b, &pos, &op))
        c->written += op.value.len;
    return store_write(c->inner, b, kind);
}

static struct store_iter *counting_iter_new(struct store *s,
                                            enum store_family family)
{
    return store_iter_new(((struct counting *)s)->inner, family);
}

static void setup_counting(struct fixture *f, struct counting *c)
{
    static const struct store_ops ops = {
        .get = counting_get,
        .get_once = counting_get_once,
        .write = counting_write,
        .iter_new = counting_iter_new,
    };
    *c = (struct counting){.base = {&ops}, .inner = store_memory_new()};
    *f = (struct fixture){.store = &c->base, .now_ms = 1000};
    open_keyspace(f);
}

static void teardown_counting(struct fixture *f, struct counting *c)
{
    keyspace_close(f->ks);
    store_close(c->inner);
}

static void forget(struct counting *c)
{
    memset(c->gets, 0, sizeof(c->gets));
    c->once = 0;
    c->bytes = 0;
    c->written = 0;
}

/* --- words ------------------------------------------------------------------
 */

/* Bytes that differ from page to page. */
static struct bytes pattern(size_t len)
{
    static uint8_t all[200 * PAGE];
    assert_true(len <= sizeof(all));
    for (size_t i = all[8] == 0 ? 0 : sizeof(all); i < sizeof(all); i++)
        all[i] = (uint8_t)(i / PAGE * 7 + i % 251 + 1);
    return bytes_of(all, len);
}

static void put_bytes(struct fixture *f, struct bytes key, struct bytes data,
                      int64_t expire_ms)
{
    struct value v = {
        .type = VALUE_STRING, .expire_ms = expire_ms, .data = data};
    keyspace_put(f->ks, 0, key, &v);
}

static void put_pages(struct fixture *f, size_t pages)
{
    begin(f);
    put_bytes(f, KEY, pattern(pages * PAGE), 0);
    commit(f);
}

static struct value look(struct fixture *f)
{
    struct value v = {.type = VALUE_NONE};
    bool found = keyspace_get(f->ks, 0, KEY, &v);
    assert_int_equal(found, v.type != VALUE_NONE);
    return v;
}

static void read_into(struct fixture *f, const struct value *v, struct buf *out)
{
    struct value_range r = keyspace_range(f->ks, v, 0, v->length);
    struct bytes part;
    buf_reset(out);
    while (keyspace_next(f->ks, &r, &part)) {
        assert_in_range(part.len, 1, PAGE);
        buf_bytes(out, part);
    }
    assert_int_equal(out->len, v->length);
}

static void expect_bytes(struct fixture *f, struct bytes expected)
{
    struct buf all = BUF_INIT;
    struct value v = look(f);
    assert_int_equal(v.type, VALUE_STRING);
    assert_int_equal(v.length, expected.len);
    assert_int_equal(v.pages.id != 0, expected.len > PAGE);
    read_into(f, &v, &all);
    assert_true(bytes_eq(buf_view(&all), expected));
    assert_true(keyspace_equals(f->ks, &v, expected));
    buf_release(&all);
}

static uint32_t sweep(struct fixture *f, uint32_t limit)
{
    begin(f);
    uint32_t done = keyspace_sweep_pages(f->ks, limit);
    commit(f);
    return done;
}

static void sweep_all(struct fixture *f)
{
    for (int i = 0; i < 100 && keyspace_tickets(f->ks) > 0; i++)
        assert_true(sweep(f, 1000) > 0);
    assert_int_equal(keyspace_tickets(f->ks), 0);
}

/* Pages that no value and no ticket accounts for; *pages counts all. */
static size_t orphans(struct fixture *f, size_t *pages)
{
    struct {
        uint64_t id, from, end;
    } known[64];
    size_t count = 0;
    size_t lost = 0;
    *pages = 0;
    struct store_iter *it = store_iter_new(f->store, STORE_STATE);
    for (store_iter_seek(it, BYTES_NONE); store_iter_valid(it);
         store_iter_next(it)) { /* 'g' and 'k' come before 'p' */
        struct bytes key = store_iter_key(it);
        struct bytes row = store_iter_value(it);
        struct ticket t;
        struct value v;
        assert_true(count < ARRAY_LEN(known));
        assert_int_equal(row_check(key, row), 0);
        if (row_in_epoch(key) && !keyspace_is_current(f->ks, key))
            continue;
        if (row_is(key, ROW_TICKET)) {
            assert_int_equal(ticket_decode(row, &t), 0);
            known[count].id = t.owner.id;
            known[count].from = t.page;
            known[count++].end = t.end;
        } else if (row_is_apart(key, row)) {
            assert_int_equal(value_decode(row, &v), 0);
            assert_int_equal(value_apart_decode(&v), 0);
            known[count].id = v.pages.id;
            known[count].from = 0;
            known[count++].end = v.pages_end;
        } else if (row_is(key, ROW_PAGE)) {
            struct reader r = reader_of(bytes_from(key, KEY_EPOCH_SIZE));
            uint64_t id = reader_u64be(&r);
            uint64_t page = (uint64_t)reader_u8(&r) << 32;
            bool found = false;
            page |= reader_u32be(&r);
            for (size_t i = 0; i < count; i++)
                found |= known[i].id == id && known[i].from <= page &&
                         page < known[i].end;
            lost += !found;
            ++*pages;
        }
    }
    store_iter_free(it);
    return lost;
}

static void expect_pages(struct fixture *f, size_t expected)
{
    size_t pages = 0;
    assert_int_equal(orphans(f, &pages), 0);
    assert_int_equal(pages, expected);
}

/* --- what is read ----------------------------------------------------------
 */

static void a_lookup_reads_the_head_alone(void **state)
{
    UNUSED(state);
    struct counting c;
    struct fixture f;
    setup_counting(&f, &c);
    put_pages(&f, 100);
    forget(&c);
    struct value v = look(&f);
    assert_int_equal(v.length, 100 * PAGE);
    assert_int_equal(v.expire_ms, 0);
    assert_int_equal(v.version, 1);
    assert_int_equal(v.data.len, 0);
    assert_int_equal(c.gets[ROW_PAGE], 0);
    assert_true(c.bytes < 100);
    assert_false(keyspace_equals(f.ks, &v, BYTES_LIT("no")));
    assert_int_equal(c.gets[ROW_PAGE], 0);
    teardown_counting(&f, &c);
}

static void expiry_replacing_and_deleting_read_no_page(void **state)
{
    UNUSED(state);
    struct counting c;
    struct fixture f;
    setup_counting(&f, &c);
    put_pages(&f, 100);
    forget(&c);
    begin(&f);
    keyspace_set_expiry(f.ks, 0, KEY, 5000);
    commit(&f);
    assert_int_equal(look(&f).expire_ms, 5000);
    assert_int_equal(look(&f).version, 2);
    assert_true(c.written < 1000);
    begin(&f);
    put_bytes(&f, KEY, pattern(90 * PAGE), 0);
    commit(&f);
    begin(&f);
    put_bytes(&f, KEY, BYTES_LIT("short"), 0);
    commit(&f);
    put_pages(&f, 50);
    begin(&f);
    assert_true(keyspace_delete(f.ks, 0, KEY));
    assert_true(keyspace_entry_bytes(f.ks) < 50 * 1000);
    commit(&f);
    sweep_all(&f);
    assert_int_equal(c.gets[ROW_PAGE], 0);
    assert_true(c.bytes < 2000);
    expect_pages(&f, 0);
    teardown_counting(&f, &c);
}

/* Of a part only the pages that it is in; of a long part nothing is kept. */
static void a_part_reads_its_pages(void **state)
{
    UNUSED(state);
    static const struct {
        uint64_t start, length;
        uint32_t pages;
        bool once;
    } parts[] = {
        {0, 10, 1, false},          {PAGE - 1, 2, 2, false},
        {5 * PAGE, PAGE, 1, false}, {100 * PAGE - 1, 1, 1, false},
        {7, 16 * PAGE, 17, false},  {0, 16 * PAGE + 1, 17, true},
        {0, 100 * PAGE, 100, true}, {50, 0, 0, false},
    };
    struct counting c;
    struct fixture f;
    setup_counting(&f, &c);
    put_pages(&f, 100);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct value v = look(&f);
        struct bytes part;
        struct bytes rest = bytes_of(pattern(100 * PAGE).data + parts[i].start,
                                     parts[i].length);
        forget(&c);
        struct value_range r =
            keyspace_range(f.ks, &v, parts[i].start, parts[i].length);
        while (keyspace_next(f.ks, &r, &part)) {
            assert_true(part.len <= rest.len);
            assert_memory_equal(part.data, rest.data, part.len);
            rest = bytes_from(rest, part.len);
        }
        assert_int_equal(rest.len, 0);
        assert_int_equal(c.gets[ROW_PAGE], parts[i].pages);
        assert_int_equal(c.once, parts[i].once ? parts[i].pages : 0);
    }
    teardown_counting(&f, &c);
}

static void a_change_touches_its_pages(void **state)
{
    UNUSED(state);
    static const struct {
        uint64_t offset;
        size_t length;
        uint32_t read;
        uint32_t written;
    } changes[] = {
        {0, 1, 1, 1},                    /* the beginning */
        {3 * PAGE - 1, 2, 2, 2},         /* over the end of a page */
        {3 * PAGE, PAGE, 0, 1},          /* a whole page */
        {3 * PAGE - 5, PAGE + 10, 2, 3}, /* one whole, two in part */
        {100 * PAGE + 100, 7, 1, 1},     /* APPEND */
        {100 * PAGE + 107, PAGE, 1, 2},  /* the same into the next page */
        {150 * PAGE + 100, 1, 0, 1},     /* far behind the end */
        {120 * PAGE, 5, 1, 1},           /* where there is no page */
        {150 * PAGE + 101, 2 * PAGE, 1, 3},
    };
    struct counting c;
    struct fixture f;
    setup_counting(&f, &c);
    uint8_t *model = mem_zalloc(160 * PAGE);
    size_t len = 100 * PAGE + 100;
    memcpy(model, pattern(len).data, len);
    begin(&f);
    put_bytes(&f, KEY, pattern(len), 0);
    commit(&f);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct bytes data =
            bytes_of(pattern(20 * PAGE).data + 3 * PAGE + i, changes[i].length);
        forget(&c);
        begin(&f);
        keyspace_overwrite(f.ks, 0, KEY, changes[i].offset, data);
        commit(&f);
        assert_int_equal(c.gets[ROW_PAGE], changes[i].read);
        assert_true(c.written <= changes[i].written * PAGE + 1000);
        memcpy(model + changes[i].offset, data.data, data.len);
        len = MAX(len, changes[i].offset + data.len);
        expect_bytes(&f, bytes_of(model, len));
    }
    mem_free(model);
    teardown_counting(&f, &c);
}

/* --- forms -------------------------------------------------------------------
 */

static void a_value_is_apart_if_it_is_longer_than_a_page(void **state)
{
    UNUSED(state);
    static const size_t lengths[] = {
        0, 1,         PAGE - 1,  PAGE,         PAGE + 1, 2 * PAGE,
        3, 70 * PAGE, 71 * PAGE, 5 * PAGE + 9, PAGE};
    struct fixture f;
    setup(&f);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        begin(&f);
        put_bytes(&f, KEY, pattern(lengths[i]), 0);
        expect_bytes(&f, pattern(lengths[i]));
        commit(&f);
        expect_bytes(&f, pattern(lengths[i]));
        sweep_all(&f);
        expect_pages(&f, lengths[i] > PAGE ? pages_of(lengths[i]) : 0);
    }
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 1);
    teardown(&f);
}

static void a_value_that_grows_moves_apart(void **state)
{
    UNUSED(state);
    static const struct {
        size_t old;
        uint64_t offset;
        size_t length;
    } cases[] = {
        {0, PAGE, 1},        {0, 0, PAGE + 1},    {0, 5 * PAGE + 3, 2},
        {10, 10, PAGE},      {10, 5, PAGE + 10},  {PAGE, PAGE, 1},
        {PAGE, PAGE - 1, 2}, {100, 9 * PAGE, 10}, {PAGE, 3 * PAGE, 2 * PAGE},
        {PAGE - 1, PAGE, 1},
    };
    struct fixture f;
    setup(&f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t *model = mem_zalloc(10 * PAGE);
        size_t len = cases[i].offset + cases[i].length;
        struct bytes data = pattern(cases[i].length);
        memcpy(model, pattern(cases[i].old).data, cases[i].old);
        memcpy(model + cases[i].offset, data.data, data.len);
        begin(&f);
        put_bytes(&f, KEY, pattern(cases[i].old), 7000);
        commit(&f);
        begin(&f);
        keyspace_overwrite(f.ks, 0, KEY, cases[i].offset, data);
        expect_bytes(&f, bytes_of(model, len));
        commit(&f);
        expect_bytes(&f, bytes_of(model, len));
        assert_int_equal(look(&f).expire_ms, 7000);
        assert_int_equal(orphans(&f, &len), 0);
        mem_free(model);
    }
    teardown(&f);
}

/* A replaced value's pages are written over, unless many would be left. */
static void pages_are_used_again_or_never(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    put_pages(&f, 100);
    uint64_t id = look(&f).pages.id;
    put_pages(&f, 100 - PAGES_AT_ONCE);
    assert_int_equal(look(&f).pages.id, id);
    assert_int_equal(keyspace_tickets(f.ks), 0);
    expect_pages(&f, 100 - PAGES_AT_ONCE);
    put_pages(&f, 100);
    assert_int_equal(look(&f).pages.id, id);
    put_pages(&f, 99 - PAGES_AT_ONCE);
    assert_true(look(&f).pages.id > id);
    assert_int_equal(keyspace_tickets(f.ks), 1);
    expect_pages(&f, 100 + 99 - PAGES_AT_ONCE);
    id = look(&f).pages.id;
    begin(&f);
    assert_true(del(&f, 0, "a"));
    commit(&f);
    put_pages(&f, 2);
    assert_true(look(&f).pages.id > id);
    id = look(&f).pages.id;
    keyspace_close(f.ks);
    open_keyspace(&f);
    begin(&f);
    put_bytes(&f, BYTES_LIT("b"), pattern(2 * PAGE), 0);
    commit(&f);
    assert_int_equal(look(&f).pages.id, id);
    expect_pages(&f, 100 + 4);
    teardown(&f);
}

/* What is not in the store any more is not there for the rest of an entry, and
 * what a value that was cut short had does not come back when it grows. */
static void what_was_cut_off_is_zeros(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    put_pages(&f, 4);
    begin(&f);
    put_bytes(&f, KEY, pattern(PAGE + 5), 0);
    keyspace_overwrite(f.ks, 0, KEY, 4 * PAGE - 1, BYTES_LIT("!"));
    uint8_t *model = mem_zalloc(4 * PAGE);
    memcpy(model, pattern(PAGE + 5).data, PAGE + 5);
    model[4 * PAGE - 1] = '!';
    expect_bytes(&f, bytes_of(model, 4 * PAGE));
    commit(&f);
    expect_bytes(&f, bytes_of(model, 4 * PAGE));
    expect_pages(&f, 3);
    mem_free(model);
    teardown(&f);
}

/* --- tickets -----------------------------------------------------------------
 */

static void pages_are_deleted_at_once_or_by_sweeps(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    put_pages(&f, PAGES_AT_ONCE);
    begin(&f);
    assert_true(del(&f, 0, "a"));
    commit(&f);
    assert_int_equal(keyspace_tickets(f.ks), 0);
    assert_false(keyspace_due(f.ks, 1000));
    expect_pages(&f, 0);
    put_pages(&f, PAGES_AT_ONCE + 1);
    begin(&f);
    assert_true(del(&f, 0, "a"));
    assert_true(holds(&f, 0, "a", NULL));
    commit(&f);
    assert_int_equal(keyspace_tickets(f.ks), 1);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 0);
    assert_true(keyspace_due(f.ks, 1000));
    assert_int_equal(sweep(&f, 0), 0);
    assert_int_equal(sweep(&f, 40), 40);
    expect_pages(&f, PAGES_AT_ONCE + 1 - 40);
    keyspace_close(f.ks);
    open_keyspace(&f);
    assert_int_equal(keyspace_tickets(f.ks), 1);
    assert_true(keyspace_due(f.ks, 1000));
    assert_int_equal(sweep(&f, 40), PAGES_AT_ONCE + 1 - 40);
    assert_int_equal(keyspace_tickets(f.ks), 0);
    assert_false(keyspace_due(f.ks, 1000));
    expect_pages(&f, 0);
    assert_int_equal(rows(&f, ROW_TICKET), 0);
    teardown(&f);
}

/* In order, over the ends of tickets; those of an ended epoch go alone. */
static void tickets_are_worked_off_in_order(void **state)
{
    UNUSED(state);
    static const char *const keys[] = {"a", "b", "c"};
    struct fixture f;
    setup(&f);
    begin(&f);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct value v = {.type = VALUE_STRING, .data = pattern(70 * PAGE)};
        keyspace_put(f.ks, i == 1 ? 1 : 0, bytes_str(keys[i]), &v);
    }
    commit(&f);
    begin(&f);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_true(del(&f, i == 1 ? 1 : 0, keys[i]));
    assert_int_equal(keyspace_sweep_pages(f.ks, 10), 10);
    commit(&f);
    assert_int_equal(keyspace_tickets(f.ks), 3);
    expect_pages(&f, 200);
    begin(&f);
    assert_true(keyspace_flush_db(f.ks, 1));
    assert_int_equal(keyspace_sweep_pages(f.ks, 60 + 1 + 5), 60 + 1 + 5);
    commit(&f);
    assert_int_equal(keyspace_tickets(f.ks), 1);
    expect_pages(&f, 65);
    assert_int_equal(sweep(&f, 1000), 65);
    assert_int_equal(keyspace_tickets(f.ks), 0);
    teardown(&f);
}

/* A long value made of one byte far out: its pages are deleted like others. */
static void a_long_value_without_pages_is_deleted(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    keyspace_overwrite(f.ks, 0, KEY, 1000 * PAGE, BYTES_LIT("x"));
    commit(&f);
    expect_pages(&f, 1);
    begin(&f);
    assert_true(del(&f, 0, "a"));
    commit(&f);
    assert_int_equal(sweep(&f, 1000), 1000);
    assert_int_equal(sweep(&f, 1000), 1);
    expect_pages(&f, 0);
    assert_int_equal(keyspace_tickets(f.ks), 0);
    teardown(&f);
}

/* --- expiry, flushes ---------------------------------------------------------
 */

static void an_expired_value_loses_its_pages(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    begin(&f);
    put_bytes(&f, BYTES_LIT("swept"), pattern(3 * PAGE), 2000);
    put_bytes(&f, BYTES_LIT("long"), pattern(80 * PAGE), 2000);
    put_bytes(&f, BYTES_LIT("replaced"), pattern(3 * PAGE), 2000);
    put_bytes(&f, BYTES_LIT("grown"), pattern(3 * PAGE), 2000);
    put_bytes(&f, BYTES_LIT("past"), pattern(3 * PAGE), 0);
    put_bytes(&f, BYTES_LIT("passed"), pattern(3 * PAGE), 0);
    commit(&f);
    f.now_ms = 2500;
    begin(&f);
    put(&f, 0, "replaced", "1", 0);
    keyspace_overwrite(f.ks, 0, BYTES_LIT("grown"), 1, BYTES_LIT("1"));
    keyspace_set_expiry(f.ks, 0, BYTES_LIT("past"), 2500);
    put(&f, 0, "passed", "1", 2499);
    assert_int_equal(keyspace_sweep(f.ks, 100), 2);
    commit(&f);
    assert_true(holds(&f, 0, "past", NULL));
    assert_true(holds(&f, 0, "passed", NULL));
    struct value v;
    assert_true(keyspace_get(f.ks, 0, BYTES_LIT("grown"), &v));
    assert_int_equal(v.length, 2);
    expect_pages(&f, 80);
    assert_int_equal(sweep(&f, 100), 80);
    expect_pages(&f, 0);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 2);
    assert_int_equal(keyspace_counts(f.ks, 0)->expires, 0);
    teardown(&f);
}

/* Whether the index row of an expiry says that there are pages; -1: there is
 * no such row. */
static int index_says(struct fixture *f, int64_t time_ms)
{
    struct buf of = BUF_INIT;
    struct buf key = BUF_INIT;
    struct buf value = BUF_INIT;
    key_encode(&of, 0, 0, KEY);
    key_expiry(&key, time_ms, buf_view(&of));
    int err = store_get(f->store, STORE_STATE, buf_view(&key), &value);
    int says = err != 0 ? -1 : bytes_eq(buf_view(&value), EXPIRY_APART);
    buf_release(&of);
    buf_release(&key);
    buf_release(&value);
    return says;
}

/* In every way in which the form of a value changes, with its expiry or not. */
static void the_index_says_what_is_apart(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    static const struct {
        size_t length;
        int64_t expire_ms;
    } steps[] = {
        {10, 5000},    {2 * PAGE, 5000}, {3 * PAGE, 5000},
        {1, 5000},     {1, 6000},        {2 * PAGE, 7000},
        {2 * PAGE, 0}, {2 * PAGE, 5000}, {7, 8000},
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        begin(&f);
        put_bytes(&f, KEY, pattern(steps[i].length), steps[i].expire_ms);
        commit(&f);
        assert_int_equal(rows(&f, ROW_EXPIRY), steps[i].expire_ms != 0);
        if (steps[i].expire_ms != 0)
            assert_int_equal(index_says(&f, steps[i].expire_ms),
                             steps[i].length > PAGE);
    }
    begin(&f);
    keyspace_overwrite(f.ks, 0, KEY, 2 * PAGE, BYTES_LIT("x"));
    commit(&f);
    assert_int_equal(index_says(&f, 8000), 1);
    begin(&f);
    keyspace_set_expiry(f.ks, 0, KEY, 9000);
    commit(&f);
    assert_int_equal(index_says(&f, 8000), -1);
    assert_int_equal(index_says(&f, 9000), 1);
    teardown(&f);
}

static void a_flush_ends_pages_too(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    put_pages(&f, 3);
    begin(&f);
    assert_true(keyspace_flush_db(f.ks, 0));
    assert_true(holds(&f, 0, "a", NULL));
    put_bytes(&f, KEY, pattern(2 * PAGE), 0);
    keyspace_overwrite(f.ks, 0, KEY, 5 * PAGE, BYTES_LIT("x"));
    commit(&f);
    uint8_t *model = mem_zalloc(5 * PAGE + 1);
    memcpy(model, pattern(2 * PAGE).data, 2 * PAGE);
    model[5 * PAGE] = 'x';
    expect_bytes(&f, bytes_of(model, 5 * PAGE + 1));
    expect_pages(&f, 3);
    mem_free(model);
    begin(&f);
    put_bytes(&f, KEY, pattern(90 * PAGE), 0);
    assert_true(keyspace_flush_db(f.ks, 0));
    commit(&f);
    expect_pages(&f, 0);
    assert_int_equal(keyspace_tickets(f.ks), 0);
    teardown(&f);
}

/* --- damage ------------------------------------------------------------------
 */

static void write_row(struct fixture *f, struct bytes key, struct bytes value)
{
    struct store_batch b = STORE_BATCH_INIT;
    if (value.len > 0)
        store_batch_put(&b, STORE_STATE, key, value);
    else
        store_batch_delete(&b, STORE_STATE, key);
    assert_int_equal(store_write(f->store, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
}

/* Zeros are read then, but nobody is told: the error is final. */
static void a_damaged_page_is_corrupt(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct bytes part;
    uint8_t key[KEY_PAGE_SIZE];
    setup(&f);
    put_pages(&f, 3);
    struct value v = look(&f);
    write_row(&f, key_page(key, &v.pages, 1), pattern(PAGE + 1));
    struct value_range r = keyspace_range(f.ks, &v, PAGE + 3, 5);
    assert_true(keyspace_next(f.ks, &r, &part));
    assert_memory_equal(part.data, "\0\0\0\0\0", 5);
    assert_int_equal(keyspace_error(f.ks), ERR_CORRUPT);
    begin(&f);
    assert_int_equal(keyspace_commit(f.ks), ERR_CORRUPT);
    teardown(&f);
}

static void a_page_that_cannot_be_read_is_an_error(void **state)
{
    UNUSED(state);
    struct fixture f;
    setup(&f);
    put_pages(&f, 3);
    begin(&f);
    struct value v = look(&f);
    assert_int_equal(v.length, 3 * PAGE);
    store_memory_fail(f.store, "get", 1);
    keyspace_overwrite(f.ks, 0, KEY, 5, BYTES_LIT("x"));
    store_memory_fail(f.store, "get", 0);
    assert_int_equal(keyspace_error(f.ks), ERR_IO);
    assert_int_equal(keyspace_commit(f.ks), ERR_IO);
    teardown(&f);
}

/* Numbers would be given out again: what has one already tells. */
static void numbers_that_were_lost_are_missed(void **state)
{
    UNUSED(state);
    struct fixture f;
    struct value v;
    setup(&f);
    put_pages(&f, 3);
    write_row(&f, meta_next_key(), BYTES_NONE);
    keyspace_close(f.ks);
    open_keyspace(&f);
    assert_false(keyspace_get(f.ks, 0, KEY, &v));
    assert_int_equal(keyspace_error(f.ks), ERR_CORRUPT);
    begin(&f);
    put_bytes(&f, KEY, pattern(3), 0);
    assert_int_equal(keyspace_commit(f.ks), ERR_CORRUPT);
    teardown(&f);
}

static void a_missing_ticket_is_corrupt(void **state)
{
    UNUSED(state);
    struct fixture f;
    uint8_t key[KEY_TICKET_SIZE];
    setup(&f);
    put_pages(&f, 70);
    begin(&f);
    assert_true(del(&f, 0, "a"));
    commit(&f);
    write_row(&f, key_ticket(key, 1), BYTES_NONE);
    begin(&f);
    assert_int_equal(keyspace_sweep_pages(f.ks, 10), 0);
    assert_int_equal(keyspace_commit(f.ks), ERR_CORRUPT);
    teardown(&f);
}

/* After a crash everything is as of one entry: bytes, head and ticket. What was
 * lost is done again, and comes to the same. */
static void a_crash_loses_whole_entries(void **state)
{
    UNUSED(state);
    struct fixture f;
    uint64_t id = 0;
    setup(&f);
    for (int round = 0; round < 2; round++) {
        put_pages(&f, 100);
        assert_true(id == 0 || look(&f).pages.id == id);
        id = look(&f).pages.id;
        if (round == 0)
            assert_int_equal(store_flush(f.store, STORE_STATE, true), 0);
        begin(&f);
        put_bytes(&f, KEY, pattern(PAGE + 1), 0);
        commit(&f);
        assert_int_equal(look(&f).pages.id, id + 1);
        assert_int_equal(sweep(&f, 70), 70);
        expect_pages(&f, 30 + 2);
        if (round > 0)
            break;
        keyspace_close(f.ks);
        store_memory_crash(f.store, 0);
        open_keyspace(&f);
        assert_int_equal(keyspace_tickets(f.ks), 0);
        expect_bytes(&f, pattern(100 * PAGE));
        expect_pages(&f, 100);
    }
    expect_bytes(&f, pattern(PAGE + 1));
    sweep_all(&f);
    expect_pages(&f, 2);
    teardown(&f);
}

/* --- anything ----------------------------------------------------------------
 */

struct model {
    uint8_t *data; /* NULL: no such key */
    size_t len;
    bool exists;
};

static size_t any_length(uint64_t *rng)
{
    static const size_t lengths[] = {
        0,        1,        100,      PAGE - 1,  PAGE,          PAGE + 1,
        2 * PAGE, 3 * PAGE, 5 * PAGE, 66 * PAGE, 5 * PAGE + 100};
    return lengths[rng_below(rng, ARRAY_LEN(lengths))] + rng_below(rng, 3);
}

static void model_write(struct model *m, size_t offset, struct bytes data)
{
    size_t len = m->exists ? m->len : 0;
    if (data.len == 0)
        return;
    if (len < offset)
        memset(m->data + len, 0, offset - len);
    memcpy(m->data + offset, data.data, data.len);
    m->len = MAX(len, offset + data.len);
    m->exists = true;
}

/* One change, to the keyspace and to the model. */
static void change(struct fixture *f, struct model *m, uint64_t *rng)
{
    struct bytes data =
        bytes_of(pattern(80 * PAGE).data + rng_below(rng, 50), any_length(rng));
    size_t len = m->exists ? m->len : 0;
    size_t offset = rng_below(rng, 4) == 0 ? len + rng_below(rng, 2 * PAGE)
                    : len > 0              ? rng_below(rng, len + 1)
                                           : 0;
    switch (rng_below(rng, 8)) {
    case 0:
        assert_int_equal(keyspace_delete(f->ks, 0, KEY), m->exists);
        m->exists = false;
        break;
    case 1:
    case 2:
        put_bytes(f, KEY, data, rng_below(rng, 2) > 0 ? 100000 : 0);
        m->exists = true;
        m->len = data.len;
        memcpy(m->data, data.data, data.len);
        break;
    case 3:
        (void)keyspace_sweep_pages(f->ks, (uint32_t)rng_below(rng, 60));
        break;
    case 4:
        if (rng_below(rng, 10) > 0)
            break;
        assert_true(keyspace_flush_db(f->ks, 0));
        m->exists = false;
        break;
    default:
        if (offset + data.len > 150 * PAGE || data.len == 0)
            break;
        keyspace_overwrite(f->ks, 0, KEY, offset, data);
        model_write(m, offset, data);
    }
}

static void anything_in_any_order(void **state)
{
    UNUSED(state);
    struct fixture f;
    uint64_t rng = 15;
    struct model m = {.data = mem_zalloc(160 * PAGE)};
    size_t pages = 0;
    setup(&f);
    for (int i = 0; i < 1500; i++) {
        begin(&f);
        for (uint64_t n = 1 + rng_below(&rng, 4); n > 0; n--)
            change(&f, &m, &rng);
        if (m.exists && i % 2 == 0)
            expect_bytes(&f, bytes_of(m.data, m.len));
        commit(&f);
        if (m.exists)
            expect_bytes(&f, bytes_of(m.data, m.len));
        else
            assert_int_equal(look(&f).type, VALUE_NONE);
        if (i % 10 == 0)
            assert_int_equal(orphans(&f, &pages), 0);
        if (i % 100 == 0) {
            keyspace_close(f.ks);
            open_keyspace(&f);
        }
    }
    sweep_all(&f);
    assert_int_equal(orphans(&f, &pages), 0);
    mem_free(m.data);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lookup_reads_the_head_alone),
        cmocka_unit_test(expiry_replacing_and_deleting_read_no_page),
        cmocka_unit_test(a_part_reads_its_pages),
        cmocka_unit_test(a_change_touches_its_pages),
        cmocka_unit_test(a_value_is_apart_if_it_is_longer_than_a_page),
        cmocka_unit_test(a_value_that_grows_moves_apart),
        cmocka_unit_test(pages_are_used_again_or_never),
        cmocka_unit_test(what_was_cut_off_is_zeros),
        cmocka_unit_test(pages_are_deleted_at_once_or_by_sweeps),
        cmocka_unit_test(tickets_are_worked_off_in_order),
        cmocka_unit_test(a_long_value_without_pages_is_deleted),
        cmocka_unit_test(an_expired_value_loses_its_pages),
        cmocka_unit_test(the_index_says_what_is_apart),
        cmocka_unit_test(a_flush_ends_pages_too),
        cmocka_unit_test(a_damaged_page_is_corrupt),
        cmocka_unit_test(a_page_that_cannot_be_read_is_an_error),
        cmocka_unit_test(numbers_that_were_lost_are_missed),
        cmocka_unit_test(a_missing_ticket_is_corrupt),
        cmocka_unit_test(a_crash_loses_whole_entries),
        cmocka_unit_test(anything_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
