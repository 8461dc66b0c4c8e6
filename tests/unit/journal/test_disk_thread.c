/*
 * The disk thread with a store whose sync waits for the test: order of sync
 * and watermark, merging, lowering, failures. Nothing here depends on time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contract/temp_dir.h"
#include "journal/disk.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>

/* A store that can only sync. */
struct gate {
    struct store base;
    sem_t entered;  /* posted when a sync begins */
    sem_t allowed;  /* waited for before it returns */
    sem_t notified; /* posted by notify */
    int result;     /* of the next sync */
    struct watermark_file *file;
    raft_index marked; /* the watermark's index when the sync began */
    int syncs;
    atomic_bool hold; /* notify waits for `released` */
    sem_t released;
    struct temp_dir dir;
    struct disk *disk;
};

static int gate_sync(struct store *s)
{
    struct gate *g = CONTAINER_OF(s, struct gate, base);
    struct watermark last;
    g->marked = watermark_last(g->file, &last) ? last.index : 0;
    g->syncs++;
    sem_post(&g->entered);
    sem_wait(&g->allowed);
    return g->result;
}

static const char *gate_error(struct store *s)
{
    UNUSED(s);
    return "the gate is broken";
}

static void notify(void *ctx)
{
    struct gate *g = ctx;
    sem_post(&g->notified);
    if (atomic_load(&g->hold))
        sem_wait(&g->released);
}

static const struct store_ops gate_ops = {.sync = gate_sync,
                                          .error = gate_error};
static struct gate gate;

static int setup(void **state)
{
    UNUSED(state);
    memset(&gate, 0, sizeof(gate));
    gate.base.ops = &gate_ops;
    sem_init(&gate.entered, 0, 0);
    sem_init(&gate.allowed, 0, 0);
    sem_init(&gate.notified, 0, 0);
    sem_init(&gate.released, 0, 0);
    gate.dir = temp_dir_new();
    char path[TEMP_PATH_SIZE];
    struct watermark last;
    bool found;
    struct buf error = BUF_INIT;
    int rc =
        watermark_open(&gate.file, temp_dir_file(&gate.dir, "watermark", path),
                       &last, &found, &error);
    gate.disk = disk_thread_new(&gate.base, gate.file, notify, &gate);
    return rc;
}

static int teardown(void **state)
{
    UNUSED(state);
    for (int i = 0; i < 10; i++)
        sem_post(&gate.allowed);
    if (gate.disk != NULL)
        disk_thread_free(gate.disk);
    watermark_close(gate.file);
    temp_dir_remove(&gate.dir);
    return 0;
}

static struct disk_point point(uint64_t seq, raft_index index, bool hard)
{
    return (struct disk_point){.seq = seq,
                               .hard_state = hard,
                               .mark = {.term = 1,
                                        .vote = NODE_NONE,
                                        .index = index,
                                        .index_term = 1,
                                        .chain = index * 10}};
}

static void ask(uint64_t seq, raft_index index, bool hard)
{
    struct disk_point p = point(seq, index, hard);
    gate.disk->sync(gate.disk, &p);
}

static raft_index marked(void)
{
    struct watermark last;
    return watermark_last(gate.file, &last) ? last.index : 0;
}

static void test_order(void **state)
{
    UNUSED(state);
    struct disk_point p;
    assert_false(gate.disk->done(gate.disk, &p));
    ask(1, 5, false);
    sem_wait(&gate.entered);
    assert_int_equal(gate.marked, 0); /* the mark comes after the sync */
    assert_false(gate.disk->done(gate.disk, &p));
    sem_post(&gate.allowed);
    sem_wait(&gate.notified);
    assert_int_equal(marked(), 5);
    assert_true(gate.disk->done(gate.disk, &p));
    assert_int_equal(p.seq, 1);
    assert_int_equal(p.mark.index, 5);
    assert_false(gate.disk->done(gate.disk, &p)); /* taken once */
    assert_null(gate.disk->error(gate.disk));
}

static void test_merge(void **state)
{
    UNUSED(state);
    ask(1, 1, false);
    sem_wait(&gate.entered);
    ask(2, 2, true);
    ask(3, 3, false);
    ask(4, 4, false);
    sem_post(&gate.allowed);
    sem_wait(&gate.entered);
    assert_int_equal(gate.marked, 1);
    sem_post(&gate.allowed);
    sem_wait(&gate.notified);
    sem_wait(&gate.notified);
    struct disk_point p;
    assert_true(gate.disk->done(gate.disk, &p));
    assert_int_equal(p.seq, 4);
    assert_true(p.hard_state); /* of point 2 */
    assert_int_equal(gate.syncs, 2);
    assert_int_equal(marked(), 4);

    ask(5, 5, false); /* and not kept forever */
    sem_post(&gate.allowed);
    sem_wait(&gate.notified);
    assert_true(gate.disk->done(gate.disk, &p));
    assert_false(p.hard_state);
}

/* The generation in a slot of the file. */
static uint64_t slot_generation(int slot)
{
    char path[TEMP_PATH_SIZE];
    FILE *f = fopen(temp_dir_file(&gate.dir, "watermark", path), "rb");
    assert_non_null(f);
    uint8_t raw[WATERMARK_RECORD_SIZE];
    struct watermark w;
    assert_int_equal(fseek(f, slot * 4096L, SEEK_SET), 0);
    assert_int_equal(fread(raw, 1, sizeof(raw), f), sizeof(raw));
    assert_int_equal(watermark_decode(bytes_of(raw, sizeof(raw)), &w), 0);
    fclose(f);
    return w.generation;
}

/* Hard state: each mark is synced, so the slots are written in turn. */
static void test_hard_state_is_synced(void **state)
{
    UNUSED(state);
    for (uint64_t i = 1; i <= 4; i++) {
        ask(i, i, true);
        sem_post(&gate.allowed);
        sem_wait(&gate.notified);
    }
    assert_int_equal(slot_generation(0), 3);
    assert_int_equal(slot_generation(1), 4);
}

static void test_failed_sync(void **state)
{
    UNUSED(state);
    gate.result = ERR_IO;
    ask(1, 1, false);
    sem_post(&gate.allowed);
    sem_wait(&gate.notified);
    struct disk_point p;
    assert_false(gate.disk->done(gate.disk, &p));
    assert_string_equal(gate.disk->error(gate.disk), "the gate is broken");
    assert_int_equal(marked(), 0);
    gate.result = 0; /* the disk is well again: too late */
    ask(2, 2, false);
    disk_thread_free(gate.disk);
    gate.disk = NULL;
    assert_int_equal(gate.syncs, 1);
    assert_int_equal(marked(), 0);
}

/* What was durable before a failure, and not taken, is not told any more. */
static void test_failure_after_success(void **state)
{
    UNUSED(state);
    ask(1, 1, false);
    sem_post(&gate.allowed);
    sem_wait(&gate.notified);
    sem_wait(&gate.entered);
    ask(2, 2, false);
    sem_wait(&gate.entered);
    gate.result = ERR_IO;
    sem_post(&gate.allowed);
    sem_wait(&gate.notified);
    struct disk_point p;
    assert_non_null(gate.disk->error(gate.disk));
    assert_false(gate.disk->done(gate.disk, &p));
    assert_int_equal(marked(), 1);
}

struct lowering {
    pthread_t thread;
    raft_index to;
    int err;
    sem_t ended;
};

static void *lower(void *arg)
{
    struct lowering *l = arg;
    struct watermark w = {.term = 9,
                          .vote = 9,
                          .index = l->to,
                          .index_term = 1,
                          .chain = l->to * 10};
    l->err = gate.disk->lower(gate.disk, &w);
    sem_post(&l->ended);
    return NULL;
}

static void test_lower(void **state)
{
    UNUSED(state);
    ask(1, 8, true);
    sem_post(&gate.allowed);
    sem_wait(&gate.notified);
    sem_wait(&gate.entered);
    assert_int_equal(marked(), 8);
    ask(2, 9, false);
    sem_wait(&gate.entered); /* in flight, and one more waits */
    ask(3, 10, false);
    struct lowering l = {.to = 4};
    sem_init(&l.ended, 0, 0);
    assert_int_equal(pthread_create(&l.thread, NULL, lower, &l), 0);
    assert_int_not_equal(sem_trywait(&l.ended), 0);
    sem_post(&gate.allowed);
    /* Either lower() came in between and the point after it is lowered too,
     * or that point was begun first: it then waits for us, and so does
     * lower(). In the end the mark is the lowered one. */
    sem_post(&gate.allowed);
    sem_wait(&l.ended);
    pthread_join(l.thread, NULL);
    assert_int_equal(l.err, 0);
    disk_thread_free(gate.disk);
    gate.disk = NULL;
    struct watermark last;
    assert_true(watermark_last(gate.file, &last));
    assert_int_equal(last.index, 4);
    assert_int_equal(last.chain, 40);
    assert_int_equal(last.term, 1); /* a promise is not made by lowering */
}

/* A point that waits while the mark is lowered must not raise it again. The
 * thread is held in notify, so that the point cannot be begun. */
static void test_lower_waiting_point(void **state)
{
    UNUSED(state);
    atomic_store(&gate.hold, true);
    ask(1, 8, false);
    sem_post(&gate.allowed);
    sem_wait(&gate.notified);
    ask(2, 9, true);
    struct watermark w = {.index = 4, .index_term = 1, .chain = 40};
    assert_int_equal(gate.disk->lower(gate.disk, &w), 0);
    assert_int_equal(marked(), 4);
    atomic_store(&gate.hold, false);
    sem_post(&gate.released);
    sem_post(&gate.allowed);
    sem_wait(&gate.notified);
    struct disk_point p;
    assert_true(gate.disk->done(gate.disk, &p));
    assert_int_equal(p.seq, 2);
    assert_int_equal(p.mark.index, 4);
    struct watermark last;
    assert_true(watermark_last(gate.file, &last));
    assert_int_equal(last.index, 4);
    assert_int_equal(last.chain, 40);
}

static void test_lower_nothing(void **state)
{
    UNUSED(state);
    struct watermark w = {.index = 3};
    /* No mark yet: none appears. */
    assert_int_equal(gate.disk->lower(gate.disk, &w), 0);
    assert_int_equal(marked(), 0);
    ask(1, 2, false);
    sem_post(&gate.allowed);
    sem_wait(&gate.notified);
    assert_int_equal(gate.disk->lower(gate.disk, &w), 0);
    assert_int_equal(marked(), 2); /* never raised */
}

/* After any failure, and by one of its own. */
static void test_lower_fails(void **state)
{
    struct rlimit before;
    struct watermark w = {.index = 3, .index_term = 1, .chain = 30};
    UNUSED(state);
    ask(1, 8, false);
    sem_post(&gate.allowed);
    sem_wait(&gate.notified);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit none = {0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    int err = gate.disk->lower(gate.disk, &w);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(err, ERR_IO);
    assert_non_null(strstr(gate.disk->error(gate.disk), "writing failed"));
    sem_wait(&gate.notified);
    assert_int_equal(marked(), 8);
    assert_int_equal(gate.disk->lower(gate.disk, &w), ERR_IO);
    assert_int_equal(marked(), 8);
}

static void test_free_finishes(void **state)
{
    UNUSED(state);
    ask(1, 1, false);
    sem_wait(&gate.entered);
    ask(2, 2, false);
    sem_post(&gate.allowed);
    sem_post(&gate.allowed);
    disk_thread_free(gate.disk);
    gate.disk = NULL;
    assert_int_equal(gate.syncs, 2);
    assert_int_equal(marked(), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_order),
        TEST(test_merge),
        TEST(test_failed_sync),
        TEST(test_failure_after_success),
        TEST(test_lower),
        TEST(test_lower_nothing),
        TEST(test_lower_fails),
        TEST(test_hard_state_is_synced),
        TEST(test_lower_waiting_point),
        TEST(test_free_finishes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
