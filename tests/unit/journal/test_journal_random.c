// link: rocks
/*
 * The Raft log against a plain array, through random appends, truncations,
 * cuts, restarts, crashes and reopenings. In memory: thousands of rounds,
 * each crash keeping a random number of unsynced batches. On RocksDB: a child
 * with the disk thread works at random until it kills itself; whatever it
 * left must open, be whole, and reach its watermark.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "contract/killed_child.h"
#include "contract/temp_dir.h"
#include "journal/disk.h"
#include "journal/journal.h"
#include "rocks/rocks.h"
#include "store/store_memory.h"

#include <string.h>
#include <time.h>

#define MODEL_MAX   400
#define MEMORY_RUNS 12
#define ROUNDS      1000
#define KILLS       24
#define SECONDS_MAX 12

static const struct journal_options options = {.cache_bytes_max = 800};

/* What the log must be. Terms stand for contents. */
struct model {
    raft_index first;
    raft_index last;
    raft_term prev_term;
    raft_term term; /* hard state */
    raft_term terms[MODEL_MAX];
    uint64_t chains[MODEL_MAX]; /* [0] of first-1, then of each entry */
};

struct world {
    struct store *store;
    struct journal *log;
    uint64_t rng;
    struct model now;
    struct model *written; /* after each batch since the last sync */
    uint32_t written_count;
    struct model synced;
};

static size_t model_len(const struct model *m)
{
    return (size_t)(m->last + 1 - m->first);
}

/* Contents follow from index, term and a number, to tell rewrites apart. */
static void append_one(struct journal *log, struct store_batch *b,
                       raft_term term, uint64_t seed)
{
    uint8_t payload[200];
    size_t len = (size_t)(seed % sizeof(payload));
    memset(payload, (int)(seed & 0xff), sizeof(payload));
    struct entry e = {.index = journal_last(log) + 1,
                      .term = term,
                      .seed = seed,
                      .kind = ENTRY_REQUESTS,
                      .payload = bytes_of(payload, len)};
    entry_seal(&e);
    journal_append(log, b, &e);
}

static uint64_t chain_of(struct journal *log, raft_index index)
{
    uint64_t chain = 0;
    int rc = journal_chain(log, index, &chain);
    ASSERT(rc == 0);
    return chain;
}

static void random_append(struct world *w, struct store_batch *b)
{
    struct model *m = &w->now;
    if (m->term == 0 || rng_below(&w->rng, 8) == 0)
        m->term += 1 + rng_below(&w->rng, 3);
    journal_hard_state(w->log, b, m->term, NODE_NONE);
    uint64_t count = 1 + rng_below(&w->rng, 5);
    for (uint64_t i = 0; i < count && model_len(m) + 2 < MODEL_MAX; i++) {
        append_one(w->log, b, m->term, rng_next(&w->rng));
        m->last++;
        m->terms[model_len(m)] = m->term;
        m->chains[model_len(m)] = chain_of(w->log, m->last);
    }
}

static void random_truncate(struct world *w, struct store_batch *b)
{
    struct model *m = &w->now;
    raft_index from = m->first + rng_below(&w->rng, model_len(m) + 1);
    if (rng_below(&w->rng, 2) == 0)
        from = MAX(from, m->last - MIN(m->last, (raft_index)3));
    journal_truncate(w->log, b, from);
    m->last = from - 1;
    m->term++; /* what replaces them is of a later term */
}

static void random_cut(struct world *w, struct store_batch *b)
{
    struct model *m = &w->now;
    size_t n = (size_t)rng_below(&w->rng, model_len(m) + 1);
    journal_cut(w->log, b, m->first + n);
    if (n > 0)
        m->prev_term = m->terms[n];
    memmove(m->terms, m->terms + n, (MODEL_MAX - n) * sizeof(m->terms[0]));
    memmove(m->chains, m->chains + n, (MODEL_MAX - n) * sizeof(m->chains[0]));
    m->first += n;
}

static void random_restart(struct world *w, struct store_batch *b)
{
    struct model *m = &w->now;
    raft_index index = m->last + 1 + rng_below(&w->rng, 1000);
    m->term++;
    m->chains[0] = rng_next(&w->rng);
    m->first = index + 1;
    m->last = index;
    m->prev_term = m->term;
    journal_restart(w->log, b, index, m->term, m->chains[0]);
    journal_hard_state(w->log, b, m->term, NODE_NONE);
}

static void check_model(struct world *w)
{
    const struct model *m = &w->now;
    struct buf scratch = BUF_INIT;
    assert_int_equal(journal_first(w->log), m->first);
    assert_int_equal(journal_last(w->log), m->last);
    assert_int_equal(chain_of(w->log, m->first - 1), m->chains[0]);
    uint64_t bytes = 0;
    for (raft_index i = m->first; i <= m->last; i++) {
        struct entry e;
        size_t at = (size_t)(i + 1 - m->first);
        assert_int_equal(journal_read(w->log, i, &e, &scratch), 0);
        assert_int_equal(e.term, m->terms[at]);
        assert_int_equal(chain_of(w->log, i), m->chains[at]);
        bytes += ENTRY_HEADER_SIZE + e.payload.len;
    }
    assert_int_equal(journal_bytes(w->log), bytes);
    struct raft_start start;
    journal_start(w->log, &start);
    assert_int_equal(start.term, m->term);
    if (start.log_first == m->first)
        assert_int_equal(start.log_prev_term, m->prev_term);
    buf_release(&scratch);
}

static void open_log(struct world *w)
{
    struct buf error = BUF_INIT;
    int rc = journal_open(&w->log, w->store, &options, &error);
    if (rc != 0)
        print_error("%.*s\n", (int)error.len, (const char *)error.data);
    assert_int_equal(rc, 0);
    buf_release(&error);
}

static void change(struct world *w)
{
    struct store_batch b = STORE_BATCH_INIT;
    uint64_t what = rng_below(&w->rng, 20);
    if (what < 14 || model_len(&w->now) == 0)
        random_append(w, &b);
    else if (what < 17)
        random_truncate(w, &b);
    else if (what < 19 || rng_below(&w->rng, 4) > 0)
        random_cut(w, &b);
    else
        random_restart(w, &b);
    journal_hard_state(w->log, &b, w->now.term, NODE_NONE);
    assert_int_equal(store_write(w->store, &b, STORE_LOGGED), 0);
    store_batch_release(&b);
    ASSERT(w->written_count < ROUNDS);
    w->written[w->written_count++] = w->now;
    assert_int_equal(store_memory_unsynced(w->store), w->written_count);
}

static void sync_now(struct world *w)
{
    assert_int_equal(store_sync(w->store), 0);
    w->synced = w->now;
    w->written_count = 0;
}

static void crash(struct world *w)
{
    uint32_t keep = (uint32_t)rng_below(&w->rng, w->written_count + 2);
    journal_close(w->log);
    store_memory_crash(w->store, keep);
    if (keep == 0)
        w->now = w->synced;
    else if (keep <= w->written_count)
        w->now = w->written[keep - 1];
    w->synced = w->now;
    w->written_count = 0;
    open_log(w);
}

static void run_in_memory(uint64_t seed)
{
    struct world w = {
        .store = store_memory_new(), .rng = seed, .now = {.first = 1}};
    w.written = mem_alloc(ROUNDS * sizeof(*w.written));
    w.synced = w.now;
    open_log(&w);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t what = rng_below(&w.rng, 20);
        if (what < 13) {
            change(&w);
        } else if (what < 16) {
            sync_now(&w);
        } else if (what < 18) {
            journal_close(w.log);
            open_log(&w);
        } else {
            crash(&w);
        }
        check_model(&w);
    }
    journal_close(w.log);
    store_close(w.store);
    mem_free(w.written);
}

static void test_memory(void **state)
{
    UNUSED(state);
    for (uint64_t seed = 1; seed <= MEMORY_RUNS; seed++)
        run_in_memory(seed);
}

/* RocksDB, killed. */

static const struct rocks_options small = {
    .state_memory_bytes = 64 * 1024,
    .log_memory_bytes = 64 * 1024,
    .block_cache_bytes = 1024 * 1024,
    .create = true,
};

struct node {
    struct store *store;
    struct journal *log;
    struct watermark_file *file;
    struct watermark mark;
    bool found;
};

/* As a node starts: everything opens, and proves itself whole. */
static bool node_open(struct node *n, const char *dir)
{
    char path[TEMP_PATH_SIZE + 16];
    struct buf error = BUF_INIT;
    snprintf(path, sizeof(path), "%s/db", dir);
    int rc = rocks_open(&n->store, path, &small, &error);
    if (rc == 0)
        rc = journal_open(&n->log, n->store, &options, &error);
    snprintf(path, sizeof(path), "%s/watermark", dir);
    if (rc == 0)
        rc = watermark_open(&n->file, path, &n->mark, &n->found, &error);
    if (rc == 0 && n->found)
        rc = journal_check(n->log, &n->mark, &error);
    if (rc != 0)
        print_error("%.*s\n", (int)error.len, (const char *)error.data);
    buf_release(&error);
    return rc == 0;
}

static void node_close(struct node *n)
{
    journal_close(n->log);
    store_close(n->store);
    watermark_close(n->file);
}

static void ignore_notice(void *ctx)
{
    UNUSED(ctx);
}

/* One random change, with state beside it, and a point to make durable. */
static void node_step(struct node *n, struct disk *disk, uint64_t seq,
                      uint64_t *rng)
{
    struct store_batch b = STORE_BATCH_INIT;
    struct raft_start start;
    journal_start(n->log, &start);
    raft_index first = journal_first(n->log);
    raft_index last = journal_last(n->log);
    raft_term term = start.term + (rng_below(rng, 50) == 0);
    struct watermark mark = {.vote = NODE_NONE, .term = MAX(term, 1u)};
    uint64_t what = rng_below(rng, 40);
    if (what == 0 && last > first) {
        raft_index from = last - rng_below(rng, MIN(last - first, 5u));
        struct watermark low = {.index = from - 1,
                                .chain = chain_of(n->log, from - 1)};
        assert_int_equal(disk->lower(disk, &low), 0);
        journal_truncate(n->log, &b, from);
        mark.term++;
    } else if (what == 1 && last > first + 100) {
        journal_cut(n->log, &b, last - 100);
    }
    journal_hard_state(n->log, &b, mark.term, NODE_NONE);
    for (uint64_t i = rng_below(rng, 8); i > 0; i--)
        append_one(n->log, &b, mark.term, rng_next(rng));
    int rc = store_write(n->store, &b, STORE_LOGGED);
    ASSERT(rc == 0);
    store_batch_reset(&b);
    uint64_t key = rng_next(rng);
    store_batch_put(&b, STORE_STATE, bytes_of(&key, 2), bytes_of(&key, 8));
    rc = store_write(n->store, &b, STORE_UNLOGGED);
    ASSERT(rc == 0);
    store_batch_release(&b);
    mark.index = journal_last(n->log);
    mark.chain = chain_of(n->log, mark.index);
    struct disk_point p = {
        .seq = seq, .mark = mark, .hard_state = mark.term != start.term};
    disk->sync(disk, &p);
    ASSERT(disk->error(disk) == NULL);
}

NORETURN static void work_until_killed(uint64_t seed, const char *dir)
{
    struct node n;
    uint64_t rng = seed;
    if (!node_open(&n, dir))
        _exit(1);
    struct disk *disk = disk_thread_new(n.store, n.file, ignore_notice, NULL);
    uint64_t steps = 1 + rng_below(&rng, 4000);
    for (uint64_t i = 1; i <= steps; i++)
        node_step(&n, disk, i, &rng);
    killed_child_end();
}

static double seconds(void)
{
    struct timespec t;
    int rc = clock_gettime(CLOCK_MONOTONIC, &t);
    ASSERT(rc == 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void test_killed(void **state)
{
    UNUSED(state);
    struct temp_dir dir = temp_dir_new();
    double until = seconds() + SECONDS_MAX;
    raft_index reached = 0;
    int round = 0;
    for (; round < KILLS && seconds() < until; round++) {
        char number[16];
        snprintf(number, sizeof(number), "%d", round + 1);
        assert_true(killed_child_run(number, dir.path));
        struct node n;
        assert_true(node_open(&n, dir.path));
        if (n.found)
            reached = MAX(reached, n.mark.index);
        node_close(&n);
    }
    assert_true(round > 2);
    assert_true(reached > 100);
    temp_dir_remove(&dir);
}

int main(int argc, char **argv)
{
    if (killed_child_is(argc, argv))
        work_until_killed(strtoull(argv[2], NULL, 10), argv[3]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
