/*
 * The first two durable writes of a start: which combinations of database
 * and watermark are those of an interrupted start, and which are damage.
 */
// link: node store
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contract/temp_dir.h"
#include "journal/journal.h"
#include "node/node_boot.h"
#include "store/store_memory.h"

struct fixture {
    struct temp_dir dir;
    char path[TEMP_PATH_SIZE];
    struct store *store;
    struct node_boot boot;
    struct identity id;
};

static void setup(struct fixture *f)
{
    *f = (struct fixture){
        .boot = {
            .self = 3, .cluster_id = 77, .label = "", .directory = {5, 6}}};
    f->dir = temp_dir_new();
    temp_dir_file(&f->dir, "watermark", f->path);
    f->store = store_memory_new();
}

static void teardown(struct fixture *f)
{
    store_close(f->store);
    temp_dir_remove(&f->dir);
}

/* A start with the watermark file as it is; `gone`: what is written to it
 * fails, if it was never written before. */
static int start(struct fixture *f, bool gone)
{
    struct watermark_file *file;
    struct watermark mark;
    struct buf error = BUF_INIT;
    char temporary[TEMP_PATH_SIZE + 8];
    bool found = false;
    int rc = watermark_open(&file, f->path, &mark, &found, &error);
    assert_int_equal(rc, 0);
    if (gone) {
        snprintf(temporary, sizeof(temporary), "%s.new", f->path);
        assert_int_equal(unlink(temporary), 0);
    }
    f->boot.store = f->store;
    f->boot.nonce++;
    f->boot.mark_file = file;
    f->boot.mark = found ? &mark : NULL;
    rc = node_boot(&f->boot, &f->id, &error);
    assert_int_equal(rc == 0, error.len == 0);
    watermark_close(file);
    buf_release(&error);
    return rc;
}

static struct watermark mark_of(struct fixture *f)
{
    struct watermark_file *file;
    struct watermark mark;
    struct buf error = BUF_INIT;
    bool found = false;
    assert_int_equal(watermark_open(&file, f->path, &mark, &found, &error), 0);
    assert_true(found);
    watermark_close(file);
    return mark;
}

/* What this node has promised, as a later start finds it. */
static void promise(struct fixture *f, const struct watermark *promised)
{
    struct watermark_file *file;
    struct watermark mark;
    struct buf error = BUF_INIT;
    bool found = false;
    assert_int_equal(watermark_open(&file, f->path, &mark, &found, &error), 0);
    assert_int_equal(watermark_write(file, promised, true), 0);
    watermark_close(file);
}

/* Each start raises the incarnation in both places, for good. */
static void test_starts(void **state)
{
    struct fixture f;
    struct identity stored;
    UNUSED(state);
    setup(&f);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(start(&f, false), 0);
        assert_int_equal(f.id.incarnation, i);
        assert_int_equal(mark_of(&f).incarnation, i);
        store_memory_crash(f.store, 0);
        assert_int_equal(journal_identity(f.store, &stored), 0);
        assert_int_equal(stored.incarnation, i);
        assert_int_equal(stored.node, 3);
    }
    teardown(&f);
}

/* The watermark cannot be written: the identity is not either, or the next
 * start would take the missing watermark for damage. */
static void test_watermark_first(void **state)
{
    struct fixture f;
    struct identity stored;
    UNUSED(state);
    setup(&f);
    assert_int_equal(start(&f, true), ERR_IO);
    assert_int_equal(journal_identity(f.store, &stored), ERR_NOT_FOUND);
    assert_int_equal(start(&f, false), 0);
    teardown(&f);
}

/* The first start, interrupted between the two writes: the number that stood
 * in the watermark is not used twice. */
static void test_interrupted(void **state)
{
    struct fixture f;
    UNUSED(state);
    setup(&f);
    store_memory_fail(f.store, "write", 1);
    assert_int_not_equal(start(&f, false), 0);
    assert_int_equal(mark_of(&f).incarnation, 1);
    store_memory_crash(f.store, 0);
    assert_int_equal(start(&f, false), 0);
    assert_int_equal(f.id.incarnation, 2);
    teardown(&f);
}

/* A start that ends when the identity is on disk, the watermark not yet. */
static void start_half(struct fixture *f)
{
    struct watermark mark = mark_of(f);
    struct buf error = BUF_INIT;
    f->boot.nonce++;
    f->boot.mark_file = NULL;
    f->boot.mark = &mark;
    assert_int_equal(node_boot(&f->boot, &f->id, &error), 0);
    buf_release(&error);
}

/* Several in a row, whatever they end by, are no damage (a full disk and a
 * supervisor that tries again), and no number is used twice. */
static void test_interrupted_again(void **state)
{
    struct fixture f;
    UNUSED(state);
    setup(&f);
    assert_int_equal(start(&f, false), 0);
    uint64_t before = f.id.incarnation;
    for (int i = 0; i < 3; i++) {
        store_memory_fail(f.store, i == 1 ? "sync" : "write", 1);
        assert_int_equal(start(&f, false), ERR_IO);
        store_memory_crash(f.store, 0);
    }
    assert_int_equal(start(&f, false), 0);
    assert_true(f.id.incarnation > before);
    before = f.id.incarnation;
    for (int i = 0; i < 3; i++)
        start_half(&f);
    assert_int_equal(start(&f, false), 0);
    assert_true(f.id.incarnation > before + 3);
    assert_int_equal(mark_of(&f).incarnation, f.id.incarnation);
    teardown(&f);
}

static void test_damage(void **state)
{
    struct fixture f;
    UNUSED(state);
    setup(&f);
    assert_int_equal(start(&f, false), 0);

    f.boot.self = 4;
    assert_int_equal(start(&f, false), ERR_MISMATCH);
    f.boot.self = 3;
    f.boot.cluster_id = 78;
    assert_int_equal(start(&f, false), 0); /* the stored one counts */
    assert_int_equal(f.id.cluster_id, 77);
    f.boot.cluster_id = 77;

    struct watermark mark = mark_of(&f);
    struct watermark other = mark;
    other.incarnation += 2; /* one more than an interrupted start explains */
    promise(&f, &other);
    assert_int_equal(start(&f, false), ERR_CORRUPT);
    other = mark;
    other.node = 9;
    promise(&f, &other);
    assert_int_equal(start(&f, false), ERR_MISMATCH);

    assert_int_equal(unlink(f.path), 0);
    assert_int_equal(start(&f, false), ERR_CORRUPT);
    teardown(&f);
}

/* An empty database next to promises. */
static void test_lost_database(void **state)
{
    struct fixture f;
    UNUSED(state);
    setup(&f);
    struct watermark mark = {
        .cluster_id = 77, .node = 3, .incarnation = 1, .vote = NODE_NONE};
    promise(&f, &mark);
    assert_int_equal(start(&f, false), 0);
    teardown(&f);
    setup(&f);
    mark.term = 1;
    promise(&f, &mark);
    assert_int_equal(start(&f, false), ERR_CORRUPT);
    teardown(&f);
    setup(&f);
    mark.term = 0;
    mark.index = 1;
    promise(&f, &mark);
    assert_int_equal(start(&f, false), ERR_CORRUPT);
    teardown(&f);
}

static struct grant grant_of(uint32_t life, uint64_t cluster_id)
{
    return (struct grant){.verdict = GRANT_GIVEN,
                          .life = life,
                          .cluster_id = cluster_id,
                          .index = 0x1234};
}

/* A start with a life that was granted. */
static int begin(struct fixture *f, uint32_t life, uint64_t cluster_id)
{
    struct grant grant = grant_of(life, cluster_id);
    f->boot.grant = &grant;
    int rc = start(f, false);
    f->boot.grant = NULL;
    return rc;
}

/* Of how many bytes is the record? 0: there is none. */
static size_t record_size(struct fixture *f)
{
    struct buf value = BUF_INIT;
    int rc = store_get(f->store, STORE_META, NODE_RECOVERING_KEY, &value);
    size_t len = rc == 0 ? value.len : 0;
    buf_release(&value);
    return len;
}

/* Promises are given up only when it is on disk that they are. The directory is
 * another one then, and of no cluster, however often it starts. */
static void test_lost(void **state)
{
    struct fixture f;
    struct watermark promised = {.cluster_id = 77,
                                 .node = 3,
                                 .incarnation = 5,
                                 .directory = {1, 2},
                                 .term = 4,
                                 .vote = 3,
                                 .index = 90};
    UNUSED(state);
    setup(&f);
    f.boot.cluster_id = 0;
    promise(&f, &promised);
    f.boot.lost = true;
    store_memory_fail(f.store, "write", 1);
    assert_int_not_equal(start(&f, false), 0);
    assert_int_equal(mark_of(&f).term, 4);
    store_memory_crash(f.store, 0);

    for (uint64_t i = 6; i < 10; i++) {
        assert_int_equal(start(&f, false), 0);
        assert_int_equal(f.id.incarnation, i);
        assert_int_equal(f.id.cluster_id, 0);
        assert_int_equal(f.id.directory.high, 5);
        assert_int_equal(f.id.directory.low, 6);
        f.boot.directory.low++; /* it keeps the one that it has asked with */
        assert_int_equal(mark_of(&f).term, 0);
        assert_int_equal(mark_of(&f).index, 0);
        assert_int_equal(mark_of(&f).incarnation, i);
        assert_true(node_boot_is_lost(f.store));
        f.boot.lost = i == 7; /* the record says it, or damage again */
    }
    f.boot.cluster_id = 99; /* without other members nobody can let it in */
    assert_int_equal(start(&f, false), ERR_CORRUPT);
    f.boot.cluster_id = 0;
    f.boot.self = 4; /* another node's directory is no damage */
    f.boot.lost = true;
    assert_int_equal(start(&f, false), ERR_MISMATCH);
    teardown(&f);
}

/* What was granted begins, once: the first start of that life, with what the
 * node has to apply before it serves. */
static void test_granted(void **state)
{
    struct fixture f;
    struct buf value = BUF_INIT;
    UNUSED(state);
    for (int lost = 0; lost < 2; lost++) {
        setup(&f);
        if (lost == 1) { /* the cluster that it was of is remembered */
            assert_int_equal(start(&f, false), 0);
            f.boot.directory.low++;
        }
        f.boot.cluster_id = 0;
        f.boot.lost = lost == 1;
        assert_int_equal(start(&f, false), 0);
        struct directory_id asked = f.id.directory;
        f.boot.lost = false;
        if (lost == 1)
            assert_int_equal(begin(&f, 3, 78), ERR_MISMATCH);
        assert_int_equal(begin(&f, 3, 77), 0);
        assert_true(f.id.incarnation == (UINT64_C(3) << 32 | 1));
        assert_true(mark_of(&f).incarnation == (UINT64_C(3) << 32 | 1));
        assert_int_equal(f.id.cluster_id, 77);
        assert_true(directory_id_eq(f.id.directory, asked));
        buf_reset(&value);
        assert_int_equal(
            store_get(f.store, STORE_META, NODE_RECOVERING_KEY, &value), 0);
        assert_int_equal(value.len, 8);
        assert_int_equal(value.data[6], 0x12);
        assert_int_equal(value.data[7], 0x34);
        assert_false(node_boot_is_lost(f.store));
        assert_int_equal(begin(&f, 3, 77), ERR_MISMATCH); /* it has begun */
        assert_int_equal(start(&f, false), 0);
        assert_true(f.id.incarnation == (UINT64_C(3) << 32 | 2));
        assert_int_equal(f.id.cluster_id, 77);
        assert_int_equal(record_size(&f), 8);
        teardown(&f);
    }
    buf_release(&value);
}

/* A life that is about to begin, and a crash between the two writes: either it
 * has begun, or the directory asks again, as the same one. */
static void test_granted_half(void **state)
{
    struct fixture f;
    UNUSED(state);
    setup(&f);
    f.boot.cluster_id = 0;
    assert_int_equal(start(&f, false), 0);
    store_memory_fail(f.store, "write", 1);
    assert_int_not_equal(begin(&f, 1, 77), 0);
    store_memory_crash(f.store, 0);
    f.boot.directory.low++;
    assert_int_equal(start(&f, false), 0);
    assert_int_equal(f.id.cluster_id, 0);
    assert_int_equal(f.id.directory.low, 6);
    struct watermark blank = mark_of(&f);
    assert_int_equal(begin(&f, 1, 77), 0);
    promise(&f, &blank); /* it was not written */
    assert_int_equal(start(&f, false), 0);
    assert_int_equal(f.id.cluster_id, 77);
    assert_true(f.id.incarnation == (UINT64_C(1) << 32 | 2));
    assert_int_equal(record_size(&f), 8);
    teardown(&f);
}

/* The directory has the id that its first start has drawn, in both places;
 * each start has its nonce. */
static void test_directory_id(void **state)
{
    struct fixture f;
    struct identity stored;
    struct directory_id first = {5, 6};
    UNUSED(state);
    setup(&f);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(start(&f, false), 0);
        f.boot.directory.low++; /* what another start draws is not used */
        struct watermark mark = mark_of(&f);
        assert_int_equal(journal_identity(f.store, &stored), 0);
        assert_true(directory_id_eq(f.id.directory, first));
        assert_true(directory_id_eq(stored.directory, first));
        assert_true(directory_id_eq(mark.directory, first));
        assert_int_equal(f.id.nonce, i);
        assert_int_equal(stored.nonce, i);
        assert_int_equal(mark.nonce, i);
    }
    teardown(&f);
}

/* The id that a first start has written to the watermark stays, when it did
 * not get as far as the database. */
static void test_directory_id_of_half_a_start(void **state)
{
    struct fixture f;
    struct directory_id first = {5, 6};
    UNUSED(state);
    setup(&f);
    store_memory_fail(f.store, "write", 1);
    assert_int_not_equal(start(&f, false), 0);
    store_memory_crash(f.store, 0);
    f.boot.directory.low++;
    assert_int_equal(start(&f, false), 0);
    assert_true(directory_id_eq(f.id.directory, first));
    assert_int_equal(start(&f, false), 0);
    assert_true(directory_id_eq(f.id.directory, first));
    teardown(&f);
}

/* A watermark file from another directory, or from another copy of this one
 * that was started as often. That it may be refilled is no excuse. */
static void test_put_together(void **state)
{
    struct fixture f;
    UNUSED(state);
    setup(&f);
    assert_int_equal(start(&f, false), 0);
    struct watermark mark = mark_of(&f);
    struct watermark other = mark;
    for (int i = 0; i < 4; i++) {
        other = mark;
        if (i == 0)
            other.directory.high++;
        else if (i == 1)
            other.directory.low++;
        else if (i == 2)
            other.directory = (struct directory_id){0, 0};
        else
            other.nonce++;
        promise(&f, &other);
        for (int lost = 0; lost < 2; lost++) {
            f.boot.lost = lost;
            assert_int_equal(start(&f, false), ERR_MISMATCH);
        }
        f.boot.lost = false;
    }
    promise(&f, &mark);
    assert_int_equal(start(&f, false), 0);
    other = mark_of(&f); /* of an earlier start of its own */
    other.incarnation--;
    other.nonce--;
    promise(&f, &other);
    assert_int_equal(start(&f, false), 0);
    teardown(&f);
}

/* The name of the cluster is kept from the first start that has it, and
 * compared; the other starts need not have it. */
static void test_label(void **state)
{
    struct fixture f;
    UNUSED(state);
    setup(&f);
    assert_int_equal(start(&f, false), 0);
    f.boot.label = "orders";
    assert_int_equal(start(&f, false), 0);
    f.boot.label = "order";
    assert_int_equal(start(&f, false), ERR_MISMATCH);
    f.boot.lost = true;
    assert_int_equal(start(&f, false), ERR_MISMATCH);
    f.boot.lost = false;
    f.boot.label = "";
    assert_int_equal(start(&f, false), 0);
    f.boot.label = "orders";
    assert_int_equal(start(&f, false), 0);
    teardown(&f);
}

/* Without a cluster a directory is blank, and keeps its id; then it is of that
 * one, with what it was founded by, whatever the next starts are told. */
static void test_blank(void **state)
{
    const struct founding founding = {
        .cluster_id = 99, .count = 1, .members = {{3, {5, 6}}}};
    struct founding stored;
    struct fixture f;
    UNUSED(state);
    setup(&f);
    f.boot.cluster_id = 0;
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(start(&f, false), 0);
        f.boot.directory.low++;
        assert_int_equal(f.id.cluster_id, 0);
        assert_int_equal(f.id.incarnation, i);
        assert_int_equal(f.id.directory.low, 6);
        assert_int_equal(mark_of(&f).cluster_id, 0);
        assert_false(node_boot_is_lost(f.store));
    }
    f.boot.cluster_id = 99;
    f.boot.founding = &founding;
    start_half(&f); /* the watermark is still blank */
    f.boot.cluster_id = 0;
    f.boot.founding = NULL;
    assert_int_equal(start(&f, false), 0);
    assert_int_equal(f.id.cluster_id, 99);
    assert_int_equal(mark_of(&f).cluster_id, 99);
    assert_int_equal(node_boot_founding(f.store, &stored), 0);
    assert_true(founding_has(&stored, 3, f.id.directory));
    f.boot.cluster_id = 100;
    assert_int_equal(start(&f, false), 0);
    assert_int_equal(f.id.cluster_id, 99);
    /* A blank database, and the watermark of one that was not. */
    store_close(f.store);
    f.store = store_memory_new();
    struct watermark mark = mark_of(&f);
    assert_int_equal(unlink(f.path), 0);
    f.boot.cluster_id = 0;
    f.boot.directory = mark.directory;
    assert_int_equal(start(&f, false), 0);
    promise(&f, &mark);
    assert_int_equal(start(&f, false), ERR_CORRUPT); /* it is an older one */
    f.boot.lost = true;
    assert_int_equal(start(&f, false), 0);
    assert_int_equal(f.id.cluster_id, 0);
    f.boot.lost = false;
    assert_int_equal(begin(&f, 1, 98), ERR_MISMATCH); /* the mark has said it */
    assert_int_equal(begin(&f, 1, 99), 0);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starts),
        cmocka_unit_test(test_watermark_first),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_interrupted_again),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_lost_database),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_granted),
        cmocka_unit_test(test_granted_half),
        cmocka_unit_test(test_directory_id),
        cmocka_unit_test(test_directory_id_of_half_a_start),
        cmocka_unit_test(test_put_together),
        cmocka_unit_test(test_label),
        cmocka_unit_test(test_blank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
