/*
 * Nothing that happens to the log touches term and vote: whatever is cut,
 * truncated or begun anew, and wherever a crash comes, the vote that was
 * synced is the vote that is read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/entry.h"
#include "journal/journal.h"
#include "store/store_memory.h"

#define TERM 7
#define VOTE 2

struct fixture {
    struct store *store;
    struct journal *log;
};

static void open_log(struct fixture *f)
{
    static const struct journal_options options = {.cache_bytes_max = 1000};
    struct buf error = BUF_INIT;

    assert_int_equal(journal_open(&f->log, f->store, &options, &error), 0);
    buf_release(&error);
}

static void write_batch(struct fixture *f, struct store_batch *b)
{
    assert_int_equal(store_write(f->store, b, STORE_LOGGED), 0);
    store_batch_release(b);
}

static void append(struct fixture *f, struct store_batch *b, raft_term term)
{
    struct entry e = {.index = journal_last(f->log) + 1,
                      .term = term,
                      .kind = ENTRY_REQUESTS,
                      .payload = BYTES_LIT("payload")};

    entry_seal(&e);
    journal_append(f->log, b, &e);
}

static void begin(struct fixture *f)
{
    struct store_batch b = STORE_BATCH_INIT;

    f->store = store_memory_new();
    open_log(f);
    for (int i = 0; i < 10; i++) {
        append(f, &b, 3);
    }
    journal_hard_state(f->log, &b, TERM, VOTE);
    write_batch(f, &b);
    assert_int_equal(store_sync(f->store), 0);
}

static void act_nothing(struct fixture *f, struct store_batch *b)
{
    (void)f;
    (void)b;
}

/* An index of the log, or the one after its last if it is empty. */
static raft_index middle(const struct fixture *f)
{
    raft_index first = journal_first(f->log);
    return first + (journal_last(f->log) + 1 - first) / 2;
}

static void act_cut(struct fixture *f, struct store_batch *b)
{
    journal_cut(f->log, b, middle(f));
}

static void act_cut_whole(struct fixture *f, struct store_batch *b)
{
    journal_cut(f->log, b, journal_last(f->log) + 1);
}

static void act_truncate(struct fixture *f, struct store_batch *b)
{
    journal_truncate(f->log, b, journal_first(f->log));
}

static void act_replace(struct fixture *f, struct store_batch *b)
{
    journal_truncate(f->log, b, middle(f));
    append(f, b, TERM);
}

static void act_restart(struct fixture *f, struct store_batch *b)
{
    journal_restart(f->log, b, journal_last(f->log) + 500, 6, 12345);
}

static void (*const acts[])(struct fixture *, struct store_batch *) = {
    act_nothing, act_cut, act_cut_whole, act_truncate, act_replace, act_restart,
};

/* Two of them in turn, and a crash that keeps none, one or both. */
static void run_pair(size_t first, size_t second, uint32_t kept)
{
    struct fixture f;
    struct raft_start start;
    struct store_batch b = STORE_BATCH_INIT;

    begin(&f);
    acts[first](&f, &b);
    write_batch(&f, &b);
    acts[second](&f, &b);
    write_batch(&f, &b);
    raft_index ends[2] = {journal_first(f.log), journal_last(f.log)};
    journal_close(f.log);
    store_memory_crash(f.store, kept);
    open_log(&f);
    journal_start(f.log, &start);
    /* Both acts are in what the crash has kept. */
    if (kept == 2) {
        assert_int_equal(journal_first(f.log), ends[0]);
        assert_int_equal(journal_last(f.log), ends[1]);
    }
    assert_int_equal(start.term, TERM);
    assert_int_equal(start.vote, VOTE);
    journal_close(f.log);
    store_close(f.store);
}

static void test_vote_stays(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
        for (size_t k = 0; k < ARRAY_LEN(acts); k++) {
            for (uint32_t kept = 0; kept <= 2; kept++) {
                run_pair(i, k, kept);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vote_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
