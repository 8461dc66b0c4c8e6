// link: rocks
/*
 * The Raft log on both stores: changes, reopening, and refusing whatever
 * does not prove itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "contract/killed_child.h"
#include "contract/temp_dir.h"
#include "journal/journal.h"
#include "rocks/rocks.h"
#include "store/store_memory.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

struct fixture {
    struct store *store;
    struct journal *log;
    bool memory;
    struct temp_dir dir;
    char path[TEMP_PATH_SIZE];
};

static const struct rocks_options small = {
    .state_memory_bytes = 1024 * 1024,
    .log_memory_bytes = 1024 * 1024,
    .block_cache_bytes = 1024 * 1024,
    .create = true,
};

/* A small cache, so that reads come from both. */
static const struct journal_options options = {.group = 0,
                                               .cache_bytes_max = 1000};

static void open_log(struct fixture *f)
{
    struct buf error = BUF_INIT;
    int rc = journal_open(&f->log, f->store, &options, &error);
    if (rc != 0)
        print_error("%.*s\n", (int)error.len, (const char *)error.data);
    assert_int_equal(rc, 0);
    buf_release(&error);
}

static void reopen(struct fixture *f)
{
    journal_close(f->log);
    f->log = NULL;
    open_log(f);
}

static int setup_memory(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));
    f->memory = true;
    f->store = store_memory_new();
    open_log(f);
    *state = f;
    return 0;
}

static int setup_rocksdb(void **state)
{
    struct fixture *f = mem_zalloc(sizeof(*f));
    struct buf error = BUF_INIT;
    f->dir = temp_dir_new();
    temp_dir_file(&f->dir, "db", f->path);
    assert_int_equal(rocks_open(&f->store, f->path, &small, &error), 0);
    open_log(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->log != NULL)
        journal_close(f->log);
    if (f->store != NULL)
        store_close(f->store);
    if (!f->memory)
        temp_dir_remove(&f->dir);
    mem_free(f);
    return 0;
}

static void write_batch(struct store *s, struct store_batch *b)
{
    int rc = store_write(s, b, STORE_LOGGED);
    ASSERT(rc == 0);
    store_batch_release(b);
}

static void append_to(struct journal *log, struct store_batch *b,
                      raft_term term)
{
    char text[64];
    raft_index index = journal_last(log) + 1;
    snprintf(text, sizeof(text), "entry %llu of term %llu",
             (unsigned long long)index, (unsigned long long)term);
    struct entry e = {.index = index,
                      .term = term,
                      .time_ms = (int64_t)index,
                      .kind = ENTRY_REQUESTS,
                      .payload = bytes_str(text)};
    entry_seal(&e);
    journal_append(log, b, &e);
}

static void append(struct fixture *f, int count, raft_term term)
{
    struct store_batch b = STORE_BATCH_INIT;
    journal_hard_state(f->log, &b, term, 1);
    write_batch(f->store, &b);
    for (int i = 0; i < count; i++) {
        append_to(f->log, &b, term); /* one a batch: the cache is trimmed */
        write_batch(f->store, &b);
    }
}

static void expect_entry(struct fixture *f, raft_index index, raft_term term)
{
    struct entry e;
    struct buf scratch = BUF_INIT;
    char text[64];
    snprintf(text, sizeof(text), "entry %llu of term %llu",
             (unsigned long long)index, (unsigned long long)term);
    assert_int_equal(journal_read(f->log, index, &e, &scratch), 0);
    assert_int_equal(e.index, index);
    assert_int_equal(e.term, term);
    assert_true(bytes_eq(e.payload, bytes_str(text)));
    buf_release(&scratch);
}

static void expect_none(struct fixture *f, raft_index index)
{
    struct entry e;
    struct buf scratch = BUF_INIT;
    assert_int_equal(journal_read(f->log, index, &e, &scratch), ERR_NOT_FOUND);
    buf_release(&scratch);
}

static void test_new_log(void **state)
{
    struct fixture *f = *state;
    struct raft_start start;
    journal_start(f->log, &start);
    assert_int_equal(start.term, 0);
    assert_int_equal(start.vote, NODE_NONE);
    assert_int_equal(start.log_first, 1);
    assert_int_equal(start.log_last, 0);
    assert_int_equal(start.run_count, 0);
    assert_int_equal(journal_bytes(f->log), 0);
    uint64_t chain = 1;
    assert_int_equal(journal_chain(f->log, 0, &chain), 0);
    assert_int_equal(chain, 0);
    assert_int_equal(journal_chain(f->log, 1, &chain), ERR_NOT_FOUND);
    expect_none(f, 0);
    expect_none(f, 1);
}

static void test_identity(void **state)
{
    struct fixture *f = *state;
    struct identity id = {.cluster_id = 5,
                          .node = 2,
                          .incarnation = 9,
                          .directory = {3, 4},
                          .nonce = 8};
    struct identity got;
    assert_int_equal(journal_identity(f->store, &got), ERR_NOT_FOUND);
    struct store_batch b = STORE_BATCH_INIT;
    journal_put_identity(&b, &id);
    write_batch(f->store, &b);
    assert_int_equal(journal_identity(f->store, &got), 0);
    assert_int_equal(got.cluster_id, 5);
    assert_int_equal(got.node, 2);
    assert_int_equal(got.incarnation, 9);
    assert_true(directory_id_eq(got.directory, id.directory));
    assert_int_equal(got.nonce, 8);
}

static void test_append_reopen(void **state)
{
    struct fixture *f = *state;
    append(f, 50, 1);
    append(f, 1, 2);
    append(f, 50, 4);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(journal_first(f->log), 1);
        assert_int_equal(journal_last(f->log), 101);
        expect_entry(f, 1, 1);
        expect_entry(f, 50, 1);
        expect_entry(f, 51, 2);
        expect_entry(f, 52, 4);
        expect_entry(f, 101, 4);
        struct raft_start start;
        journal_start(f->log, &start);
        assert_int_equal(start.term, 4);
        assert_int_equal(start.vote, 1);
        assert_int_equal(start.log_last, 101);
        assert_int_equal(start.run_count, 3);
        assert_int_equal(start.runs[1].first, 51);
        assert_int_equal(start.runs[1].term, 2);
        uint64_t bytes = journal_bytes(f->log);
        reopen(f);
        assert_int_equal(journal_bytes(f->log), bytes);
    }
}

static void test_truncate(void **state)
{
    struct fixture *f = *state;
    append(f, 10, 1);
    uint64_t chain10;
    assert_int_equal(journal_chain(f->log, 10, &chain10), 0);
    append(f, 10, 2);
    append(f, 10, 3);
    struct store_batch b = STORE_BATCH_INIT;
    journal_truncate(f->log, &b, 31); /* nothing there */
    assert_int_equal(b.count, 0);
    journal_truncate(f->log, &b, 11);
    append_to(f->log, &b, 5);
    journal_hard_state(f->log, &b, 5, NODE_NONE);
    write_batch(f->store, &b);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(journal_last(f->log), 11);
        expect_entry(f, 10, 1);
        expect_entry(f, 11, 5);
        expect_none(f, 12);
        uint64_t chain;
        assert_int_equal(journal_chain(f->log, 10, &chain), 0);
        assert_int_equal(chain, chain10);
        reopen(f);
    }
}

static void test_cut(void **state)
{
    struct fixture *f = *state;
    append(f, 10, 1);
    append(f, 10, 2);
    uint64_t chain12;
    uint64_t got;
    uint64_t before = journal_bytes(f->log);
    assert_int_equal(journal_chain(f->log, 12, &chain12), 0);
    struct store_batch b = STORE_BATCH_INIT;
    journal_cut(f->log, &b, 13);
    write_batch(f->store, &b);
    uint64_t bytes = journal_bytes(f->log);
    assert_true(bytes < before && bytes > 0);
    for (int round = 0; round < 2; round++) {
        struct raft_start start;
        journal_start(f->log, &start);
        assert_int_equal(start.log_first, 13);
        assert_int_equal(start.log_prev_term, 2);
        assert_int_equal(start.log_last, 20);
        assert_int_equal(start.run_count, 1);
        assert_int_equal(start.runs[0].first, 13);
        assert_int_equal(journal_chain(f->log, 12, &got), 0);
        assert_int_equal(got, chain12);
        assert_int_equal(journal_chain(f->log, 11, &got), ERR_NOT_FOUND);
        assert_int_equal(journal_bytes(f->log), bytes);
        expect_none(f, 12);
        expect_entry(f, 13, 2);
        reopen(f);
    }
    journal_cut(f->log, &b, 21); /* all of it */
    write_batch(f->store, &b);
    reopen(f);
    assert_int_equal(journal_first(f->log), 21);
    assert_int_equal(journal_last(f->log), 20);
    append(f, 1, 3);
    expect_entry(f, 21, 3);
}

static void append_change(struct fixture *f, raft_term term)
{
    struct store_batch b = STORE_BATCH_INIT;
    struct entry e = {.index = journal_last(f->log) + 1,
                      .term = term,
                      .kind = ENTRY_CONFIG,
                      .payload = BYTES_LIT("members")};
    entry_seal(&e);
    journal_append(f->log, &b, &e);
    write_batch(f->store, &b);
}

/* Where the entries are that change the members: found again by who opens the
 * log, gone with those that are cut or truncated. */
static void test_changes(void **state)
{
    struct fixture *f = *state;
    struct store_batch b = STORE_BATCH_INIT;
    assert_int_equal(journal_change_before(f->log, UINT64_MAX), 0);
    append(f, 4, 1);
    append_change(f, 1); /* 5 */
    append(f, 4, 1);
    append_change(f, 1); /* 10 */
    append_change(f, 1); /* 11 */
    append(f, 4, 1);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(journal_change_before(f->log, 4), 0);
        assert_int_equal(journal_change_before(f->log, 5), 5);
        assert_int_equal(journal_change_before(f->log, 9), 5);
        assert_int_equal(journal_change_before(f->log, 10), 10);
        assert_int_equal(journal_change_before(f->log, 99), 11);
        reopen(f);
    }
    journal_truncate(f->log, &b, 11);
    write_batch(f->store, &b);
    assert_int_equal(journal_change_before(f->log, 99), 10);
    append(f, 3, 1);
    assert_int_equal(journal_change_before(f->log, 99), 10);
    journal_cut(f->log, &b, 6);
    write_batch(f->store, &b);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(journal_change_before(f->log, 9), 0);
        assert_int_equal(journal_change_before(f->log, 10), 10);
        reopen(f);
    }
    journal_restart(f->log, &b, 50, 7, 1);
    write_batch(f->store, &b);
    assert_int_equal(journal_change_before(f->log, 99), 0);
}

static void test_restart_beyond(void **state)
{
    struct fixture *f = *state;
    append(f, 10, 1);
    struct store_batch b = STORE_BATCH_INIT;
    journal_restart(f->log, &b, 500, 7, 12345);
    journal_hard_state(f->log, &b, 7, NODE_NONE);
    write_batch(f->store, &b);
    for (int round = 0; round < 2; round++) {
        struct raft_start start;
        uint64_t chain;
        journal_start(f->log, &start);
        assert_int_equal(start.log_first, 501);
        assert_int_equal(start.log_last, 500);
        assert_int_equal(start.log_prev_term, 7);
        assert_int_equal(start.run_count, 0);
        assert_int_equal(journal_chain(f->log, 500, &chain), 0);
        assert_int_equal(chain, 12345);
        expect_none(f, 5);
        reopen(f);
    }
    append(f, 3, 8);
    reopen(f);
    expect_entry(f, 503, 8);
}

static void test_many_runs(void **state)
{
    struct fixture *f = *state;
    for (raft_term t = 1; t <= RAFT_RUNS_MAX + 10; t++)
        append(f, 2, t);
    reopen(f);
    struct raft_start start;
    journal_start(f->log, &start);
    assert_int_equal(start.run_count, RAFT_RUNS_MAX);
    assert_int_equal(start.log_first, 21);
    assert_int_equal(start.log_prev_term, 10);
    assert_int_equal(start.runs[0].first, 21);
    assert_int_equal(start.runs[0].term, 11);
}

/* Damage: a record on disk is changed; opening, or reading, must say so. */

static struct bytes key_of(uint8_t key[10], raft_index index)
{
    memset(key, 0, 10);
    for (int i = 0; i < 8; i++)
        key[2 + i] = (uint8_t)(index >> (56 - 8 * i));
    return bytes_of(key, 10);
}

static void expect_refused(struct fixture *f, const char *part)
{
    struct journal *log = NULL;
    struct buf error = BUF_INIT;
    assert_int_equal(journal_open(&log, f->store, &options, &error),
                     ERR_CORRUPT);
    buf_char(&error, 0);
    if (strstr((const char *)error.data, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, (const char *)error.data);
    assert_non_null(strstr((const char *)error.data, "backup"));
    buf_release(&error);
}

/* An iterator that takes a table it cannot read on for one that has ended. */
static struct {
    const struct store_ops *store;
    const struct store_iter_ops *iter;
    struct store_ops short_store;
    struct store_iter_ops short_iter;
} sight;

static bool short_valid(struct store_iter *it)
{
    if (!sight.iter->valid(it))
        return false;
    struct bytes key = sight.iter->key(it);
    return key.data[key.len - 1] < 15;
}

static struct store_iter *short_iter_new(struct store *s,
                                         enum store_family family)
{
    struct store_iter *it = sight.store->iter_new(s, family);
    sight.iter = it->ops;
    sight.short_iter = *it->ops;
    sight.short_iter.valid = short_valid;
    it->ops = &sight.short_iter;
    return it;
}

static void test_end_is_not_the_end(void **state)
{
    struct fixture *f = *state;
    append(f, 20, 1);
    journal_close(f->log);
    f->log = NULL;
    sight.store = f->store->ops;
    sight.short_store = *sight.store;
    sight.short_store.iter_new = short_iter_new;
    f->store->ops = &sight.short_store;
    expect_refused(f, "entry 15");
    f->store->ops = sight.store;
    open_log(f);
    assert_int_equal(journal_last(f->log), 20);
}

/* Puts `value` at an entry's place, checks, and puts the old one back. */
static void with_record(struct fixture *f, raft_index index, struct bytes value,
                        const char *part)
{
    uint8_t key[10];
    struct buf old = BUF_INIT;
    key_of(key, index);
    assert_int_equal(store_get(f->store, STORE_LOG, bytes_of(key, 10), &old),
                     0);
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_put(&b, STORE_LOG, bytes_of(key, 10), value);
    write_batch(f->store, &b);
    expect_refused(f, part);
    if (index < 40) { /* not in the cache any more */
        struct entry e;
        struct buf scratch = BUF_INIT;
        assert_int_equal(journal_read(f->log, index, &e, &scratch),
                         ERR_CORRUPT);
        buf_release(&scratch);
    }
    store_batch_put(&b, STORE_LOG, bytes_of(key, 10), buf_view(&old));
    write_batch(f->store, &b);
    buf_release(&old);
}

static void test_damaged_bytes(void **state)
{
    struct fixture *f = *state;
    append(f, 50, 3);
    const raft_index indexes[] = {1, 25, 50};
    for (size_t i = 0; i < ARRAY_LEN(indexes); i++) {
        uint8_t key[10];
        struct buf raw = BUF_INIT;
        assert_int_equal(
            store_get(f->store, STORE_LOG, key_of(key, indexes[i]), &raw), 0);
        for (size_t at = 0; at < raw.len; at++) {
            raw.data[at] ^= 0x04;
            with_record(f, indexes[i], buf_view(&raw),
                        at < 8 ? "chain" : "checksum");
            raw.data[at] ^= 0x04;
        }
        with_record(f, indexes[i], bytes_of(raw.data, 7), "short");
        with_record(f, indexes[i], bytes_of(raw.data, raw.len - 1), "checksum");
        buf_char(&raw, 'x');
        with_record(f, indexes[i], buf_view(&raw), "too long");
        buf_release(&raw);
    }
    reopen(f); /* with all put back, it is whole */
}

/* A valid record with another content, or of another place. */
static void test_foreign_entry(void **state)
{
    struct fixture *f = *state;
    append(f, 50, 3);
    uint8_t key[10];
    struct buf raw = BUF_INIT;
    assert_int_equal(store_get(f->store, STORE_LOG, key_of(key, 25), &raw), 0);
    with_record(f, 26, buf_view(&raw), "checksum");
    struct entry e = {.index = 25, .term = 3, .kind = ENTRY_EMPTY};
    entry_seal(&e);
    buf_reset(&raw);
    uint64_t chain;
    assert_int_equal(journal_chain(f->log, 24, &chain), 0);
    buf_u64(&raw, entry_chain(chain, e.checksum));
    entry_encode(&e, &raw);
    with_record(f, 25, buf_view(&raw), "entry 26: the chain");
    e.term = 2;
    entry_seal(&e);
    buf_reset(&raw);
    buf_u64(&raw, entry_chain(chain, e.checksum));
    entry_encode(&e, &raw);
    with_record(f, 25, buf_view(&raw), "entry 25: its term");
    buf_release(&raw);
}

static void test_hole(void **state)
{
    struct fixture *f = *state;
    append(f, 50, 3);
    const raft_index gone[] = {1, 25, 49};
    for (size_t i = 0; i < ARRAY_LEN(gone); i++) {
        uint8_t key[10];
        struct buf old = BUF_INIT;
        struct bytes k = key_of(key, gone[i]);
        assert_int_equal(store_get(f->store, STORE_LOG, k, &old), 0);
        struct store_batch b = STORE_BATCH_INIT;
        store_batch_delete(&b, STORE_LOG, k);
        write_batch(f->store, &b);
        expect_refused(f, "missing");
        store_batch_put(&b, STORE_LOG, k, buf_view(&old));
        write_batch(f->store, &b);
        buf_release(&old);
    }
    reopen(f);
}

static void test_damaged_meta(void **state)
{
    struct fixture *f = *state;
    append(f, 10, 3);
    struct store_batch b = STORE_BATCH_INIT;
    journal_cut(f->log, &b, 5);
    uint8_t entry[10];
    for (raft_index i = 1; i < 5; i++) /* a store may drop what is cut */
        store_batch_delete(&b, STORE_LOG, key_of(entry, i));
    write_batch(f->store, &b);
    const char *keys[] = {"g0/hard", "g0/start"};
    const char *gone[] = {"term and vote are missing", "missing"};
    for (size_t i = 0; i < 2; i++) {
        struct buf raw = BUF_INIT;
        struct bytes key = bytes_str(keys[i]);
        assert_int_equal(store_get(f->store, STORE_META, key, &raw), 0);
        for (size_t at = 0; at < raw.len; at++) {
            raw.data[at] ^= 1;
            store_batch_put(&b, STORE_META, key, buf_view(&raw));
            write_batch(f->store, &b);
            expect_refused(f, "of group 0 is damaged");
            raw.data[at] ^= 1;
        }
        store_batch_delete(&b, STORE_META, key);
        write_batch(f->store, &b);
        expect_refused(f, gone[i]);
        store_batch_put(&b, STORE_META, key, buf_view(&raw));
        write_batch(f->store, &b);
        buf_release(&raw);
    }
    reopen(f);
}

static int check(struct fixture *f, raft_term term, node_id vote,
                 raft_index index, uint64_t chain)
{
    struct watermark w = {
        .term = term, .vote = vote, .index = index, .chain = chain};
    struct buf error = BUF_INIT;
    int rc = journal_check(f->log, &w, &error);
    assert_true((rc == 0) == (error.len == 0));
    buf_release(&error);
    return rc;
}

static void test_watermark(void **state)
{
    struct fixture *f = *state;
    append(f, 20, 3); /* vote 1 */
    struct store_batch b = STORE_BATCH_INIT;
    journal_cut(f->log, &b, 6);
    write_batch(f->store, &b);
    uint64_t chain[21] = {0};
    for (raft_index i = 5; i <= 20; i++)
        assert_int_equal(journal_chain(f->log, i, &chain[i]), 0);
    assert_int_equal(check(f, 0, NODE_NONE, 0, 0), 0);
    assert_int_equal(check(f, 3, 1, 20, chain[20]), 0);
    assert_int_equal(check(f, 3, 1, 10, chain[10]), 0);
    assert_int_equal(check(f, 3, 1, 5, chain[5]), 0);
    assert_int_equal(check(f, 3, 1, 4, 1), 0); /* cut off since */
    assert_int_equal(check(f, 2, 7, 10, chain[10]), 0);
    assert_int_equal(check(f, 3, NODE_NONE, 10, chain[10]), 0);
    assert_int_equal(check(f, 3, 2, 10, chain[10]), ERR_CORRUPT);
    assert_int_equal(check(f, 4, 1, 10, chain[10]), ERR_CORRUPT);
    assert_int_equal(check(f, 3, 1, 21, 0), ERR_CORRUPT);
    assert_int_equal(check(f, 3, 1, 20, chain[19]), ERR_CORRUPT);
    assert_int_equal(check(f, 3, 1, 5, chain[6]), ERR_CORRUPT);
}

/* Opening reads the newest entries alone, if told to. */
static void test_newest(void **state)
{
    struct fixture *f = *state;
    append(f, 10, 2);
    append(f, 30, 3);
    uint64_t chain = 0;
    uint64_t before = 0;
    assert_int_equal(journal_chain(f->log, 25, &before), 0);
    assert_int_equal(journal_chain(f->log, 40, &chain), 0);
    struct journal_options part = options;
    for (part.newest = 1; part.newest <= 45; part.newest++) {
        struct journal *log;
        struct raft_start start;
        struct buf error = BUF_INIT;
        uint64_t got = 0;
        assert_int_equal(journal_open(&log, f->store, &part, &error), 0);
        raft_index first = part.newest > 40 ? 1 : 41 - part.newest;
        assert_int_equal(journal_first(log), first);
        assert_int_equal(journal_last(log), 40);
        assert_int_equal(journal_chain(log, 40, &got), 0);
        assert_int_equal(got, chain);
        journal_start(log, &start);
        assert_int_equal(start.log_prev_term,
                         first == 1 ? 0 : (first > 11 ? 3 : 2));
        assert_int_equal(start.run_count, first > 10 ? 1 : 2);
        struct watermark w = {
            .term = 3, .vote = 1, .index = 25, .chain = before};
        assert_int_equal(journal_check(log, &w, &error), 0);
        w.chain++;
        assert_int_equal(journal_check(log, &w, &error),
                         first <= 26 ? ERR_CORRUPT : 0);
        journal_close(log);
        buf_release(&error);
    }
}

/* A hole is found if it is among them, or just before. */
static void test_newest_with_hole(void **state)
{
    struct fixture *f = *state;
    append(f, 40, 3);
    const uint8_t key[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 30};
    struct store_batch b = STORE_BATCH_INIT;
    store_batch_delete(&b, STORE_LOG, bytes_of(key, sizeof(key)));
    write_batch(f->store, &b);
    struct journal_options part = options;
    for (part.newest = 1; part.newest <= 40; part.newest++) {
        struct journal *log = NULL;
        struct buf error = BUF_INIT;
        int rc = journal_open(&log, f->store, &part, &error);
        assert_int_equal(rc, part.newest < 10 ? 0 : ERR_CORRUPT);
        assert_true((rc == 0) == (error.len == 0));
        if (log != NULL)
            journal_close(log);
        buf_release(&error);
    }
}

/* A long log does not come into memory as a whole. */
static void test_cache_after_open(void **state)
{
    struct fixture *f = *state;
    append(f, 200, 3);
    reopen(f);
    raft_index kept = 0;
    for (raft_index i = 1; i <= 200; i++)
        kept += journal_cached_record(f->log, i).len > 0;
    assert_in_range(kept, 1, options.cache_bytes_max / 40);
    assert_true(journal_cached_record(f->log, 200).len > 0);
}

/* Two logs in one store do not touch each other. */
static void test_groups_apart(void **state)
{
    struct fixture *f = *state;
    struct journal *other;
    struct buf error = BUF_INIT;
    const struct journal_options second = {.group = 1, .cache_bytes_max = 1000};
    assert_int_equal(journal_open(&other, f->store, &second, &error), 0);
    append(f, 10, 3);
    struct store_batch b = STORE_BATCH_INIT;
    journal_hard_state(other, &b, 4, 2);
    append_to(other, &b, 4);
    write_batch(f->store, &b);
    journal_truncate(f->log, &b, 5);
    write_batch(f->store, &b);
    journal_close(other);
    reopen(f);
    assert_int_equal(journal_last(f->log), 4);
    assert_int_equal(journal_open(&other, f->store, &second, &error), 0);
    assert_int_equal(journal_last(other), 1);
    journal_close(other);
}

/* RocksDB alone: the write-ahead log is damaged behind its back. */

NORETURN static void write_in_child(const char *path)
{
    struct store *s;
    struct journal *log;
    struct buf error = BUF_INIT;
    if (rocks_open(&s, path, &small, &error) != 0 ||
        journal_open(&log, s, &options, &error) != 0)
        _exit(1);
    for (int i = 0; i < 100; i++) {
        struct store_batch b = STORE_BATCH_INIT;
        journal_hard_state(log, &b, 3, 1);
        append_to(log, &b, 3);
        write_batch(s, &b);
        if (store_sync(s) != 0)
            _exit(1);
    }
    killed_child_end();
}

/* The newest write-ahead log's path and size. */
static off_t find_wal(const struct fixture *f, char *path)
{
    char newest[64] = "";
    DIR *dir = opendir(f->path);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        size_t len = strlen(e->d_name);
        if (len > 4 && len < sizeof(newest) &&
            strcmp(e->d_name + len - 4, ".log") == 0 &&
            strcmp(e->d_name, newest) > 0)
            memcpy(newest, e->d_name, len + 1);
    }
    closedir(dir);
    assert_true(newest[0] != 0);
    int n = snprintf(path, 2 * TEMP_PATH_SIZE, "%s/%s", f->path, newest);
    assert_true(n > 0 && n < 2 * TEMP_PATH_SIZE);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

/* 0 if the node would start: the store opens, the log opens, and it has what
 * the watermark promises. */
static int start_node(struct fixture *f)
{
    struct watermark promised = {.term = 3, .vote = 1, .index = 100};
    struct buf error = BUF_INIT;
    int rc = rocks_open(&f->store, f->path, &small, &error);
    if (rc == 0)
        rc = journal_open(&f->log, f->store, &options, &error);
    if (rc == 0 && journal_chain(f->log, 100, &promised.chain) != 0)
        promised.chain = 1;
    if (rc == 0)
        rc = journal_check(f->log, &promised, &error);
    assert_true((rc == 0) == (error.len == 0));
    if (rc != 0) {
        buf_char(&error, 0);
        assert_non_null(strstr((const char *)error.data, "backup"));
    }
    buf_release(&error);
    return rc;
}

static void prepare_wal(struct fixture *f, char *wal, off_t *size)
{
    journal_close(f->log);
    store_close(f->store);
    f->log = NULL;
    f->store = NULL;
    assert_true(killed_child_run("0", f->path));
    *size = find_wal(f, wal);
    assert_true(*size > 5000);
}

static void test_wal_whole(void **state)
{
    struct fixture *f = *state;
    char wal[2 * TEMP_PATH_SIZE];
    off_t size;
    prepare_wal(f, wal, &size);
    assert_int_equal(start_node(f), 0);
}

static void test_wal_deleted(void **state)
{
    struct fixture *f = *state;
    char wal[2 * TEMP_PATH_SIZE];
    off_t size;
    prepare_wal(f, wal, &size);
    assert_int_equal(unlink(wal), 0);
    assert_int_equal(start_node(f), ERR_CORRUPT);
}

static void test_wal_cut(void **state)
{
    struct fixture *f = *state;
    char wal[2 * TEMP_PATH_SIZE];
    off_t size;
    prepare_wal(f, wal, &size);
    assert_int_equal(truncate(wal, size / 2), 0);
    assert_int_equal(start_node(f), ERR_CORRUPT);
}

static void test_wal_flipped_bit(void **state)
{
    struct fixture *f = *state;
    char wal[2 * TEMP_PATH_SIZE];
    off_t size;
    prepare_wal(f, wal, &size);
    FILE *file = fopen(wal, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, size / 2, SEEK_SET), 0);
    int c = fgetc(file);
    assert_int_equal(fseek(file, size / 2, SEEK_SET), 0);
    fputc(c ^ 1, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(start_node(f), ERR_CORRUPT);
    assert_null(f->store); /* RocksDB itself refused */
}

static void test_current_deleted(void **state)
{
    struct fixture *f = *state;
    char wal[2 * TEMP_PATH_SIZE];
    char current[2 * TEMP_PATH_SIZE];
    off_t size;
    prepare_wal(f, wal, &size);
    snprintf(current, sizeof(current), "%s/CURRENT", f->path);
    assert_int_equal(unlink(current), 0);
    struct buf error = BUF_INIT;
    assert_int_equal(rocks_open(&f->store, f->path, &small, &error),
                     ERR_CORRUPT);
    buf_char(&error, 0);
    assert_non_null(strstr((const char *)error.data, "CURRENT is missing"));
    buf_release(&error);
}

static void test_open_twice(void **state)
{
    struct fixture *f = *state;
    struct store *second;
    struct buf error = BUF_INIT;
    assert_int_equal(rocks_open(&second, f->path, &small, &error), ERR_BUSY);
    assert_true(error.len > 40);
    buf_release(&error);
}

static void test_not_there(void **state)
{
    struct fixture *f = *state;
    struct store *second;
    struct buf error = BUF_INIT;
    struct rocks_options must_exist = small;
    must_exist.create = false;
    char path[TEMP_PATH_SIZE];
    temp_dir_file(&f->dir, "nothing", path);
    assert_int_equal(rocks_open(&second, path, &must_exist, &error), ERR_IO);
    buf_char(&error, 0);
    assert_non_null(strstr((const char *)error.data, path));
    buf_release(&error);
}

#define MEMORY(test)                                                           \
    {                                                                          \
        "memory: " #test, test, setup_memory, teardown, NULL                   \
    }
#define ROCKSDB(test)                                                          \
    {                                                                          \
        "rocksdb: " #test, test, setup_rocksdb, teardown, NULL                 \
    }
#define BOTH(test) MEMORY(test), ROCKSDB(test)

int main(int argc, char **argv)
{
    if (killed_child_is(argc, argv))
        write_in_child(argv[3]);
    const struct CMUnitTest tests[] = {
        BOTH(test_new_log),
        BOTH(test_identity),
        BOTH(test_append_reopen),
        BOTH(test_truncate),
        BOTH(test_cut),
        BOTH(test_changes),
        BOTH(test_restart_beyond),
        BOTH(test_many_runs),
        MEMORY(test_damaged_bytes),
        BOTH(test_foreign_entry),
        BOTH(test_hole),
        BOTH(test_damaged_meta),
        BOTH(test_watermark),
        BOTH(test_end_is_not_the_end),
        BOTH(test_newest),
        BOTH(test_newest_with_hole),
        BOTH(test_cache_after_open),
        BOTH(test_groups_apart),
        ROCKSDB(test_wal_whole),
        ROCKSDB(test_wal_deleted),
        ROCKSDB(test_wal_cut),
        ROCKSDB(test_wal_flipped_bit),
        ROCKSDB(test_current_deleted),
        ROCKSDB(test_open_twice),
        ROCKSDB(test_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
