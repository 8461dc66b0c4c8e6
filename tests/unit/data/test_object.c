/*
 * Collections as objects: their records, what they leave behind, and what
 * happens to them under other names. What is in them is the concern of trees.
 */
// link: store base page
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/object.h"
#include "data/value.h"
#include "data_fixture.h"

#include <stdio.h>

#define MANY 30000 /* elements: more pages than are deleted at once */

static struct object *open_list(struct fixture *f, const char *key)
{
    struct object *o;
    enum object_found found =
        object_open(f->ks, 0, bytes_str(key), VALUE_LIST, &o);
    assert_int_not_equal(found, OBJECT_OTHER);
    return o;
}

static void save(struct object *o)
{
    object_save(o);
    object_close(o);
}

static void add(struct object *o, uint32_t count)
{
    char text[32];
    for (uint32_t i = 0; i < count; i++) {
        int len = snprintf(text, sizeof(text), "element %u", i);
        btree_insert(&o->trees[0], object_count(o),
                     bytes_of(text, (size_t)len));
    }
}

static void make_list(struct fixture *f, const char *key, uint32_t count)
{
    begin(f);
    struct object *o = open_list(f, key);
    add(o, count);
    save(o);
    commit(f);
}

/* The list has these elements, and its tree is whole. */
static void expect_list(struct fixture *f, const char *key, uint64_t count)
{
    struct object *o = open_list(f, key);
    assert_int_equal(object_count(o), count);
    assert_int_equal(o->exists, count > 0);
    assert_int_equal(btree_check(&o->trees[0]), 0);
    object_close(o);
}

static void sweep_all(struct fixture *f)
{
    for (int i = 0; keyspace_tickets(f->ks) > 0 && i < 1000; i++) {
        begin(f);
        (void)keyspace_sweep_pages(f->ks, 100);
        commit(f);
    }
    assert_int_equal(keyspace_tickets(f->ks), 0);
}

static void a_small_one_is_its_record(void **state)
{
    struct fixture f;
    UNUSED(state);
    setup(&f);
    make_list(&f, "l", 3);
    assert_int_equal(rows(&f, ROW_VALUE), 1);
    assert_int_equal(rows(&f, ROW_TREE), 0);
    expect_list(&f, "l", 3);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 1);
    teardown(&f);
}

static void an_empty_one_is_none(void **state)
{
    struct fixture f;
    UNUSED(state);
    setup(&f);
    make_list(&f, "l", 0);
    assert_int_equal(rows(&f, ROW_VALUE), 0);
    make_list(&f, "l", 2);
    begin(&f);
    struct object *o = open_list(&f, "l");
    btree_cut(&o->trees[0], 0, 2);
    save(o);
    commit(&f);
    assert_int_equal(rows(&f, ROW_VALUE), 0);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 0);
    teardown(&f);
}

static void a_stream_stays_empty(void **state)
{
    struct fixture f;
    struct object *o;
    UNUSED(state);
    setup(&f);
    begin(&f);
    assert_int_equal(object_open(f.ks, 0, BYTES_LIT("s"), VALUE_STREAM, &o),
                     OBJECT_NONE);
    o->own_len = 3;
    memcpy(o->own, "own", 3);
    save(o);
    commit(&f);
    assert_int_equal(object_open(f.ks, 0, BYTES_LIT("s"), VALUE_STREAM, &o),
                     OBJECT_FOUND);
    assert_int_equal(o->own_len, 3);
    assert_memory_equal(o->own, "own", 3);
    object_close(o);
    teardown(&f);
}

static void other_types_are_told(void **state)
{
    struct fixture f;
    struct object *o;
    UNUSED(state);
    setup(&f);
    make_list(&f, "l", 3);
    begin(&f);
    put(&f, 0, "s", "text", 0);
    commit(&f);
    assert_int_equal(object_open(f.ks, 0, BYTES_LIT("s"), VALUE_LIST, &o),
                     OBJECT_OTHER);
    assert_null(o);
    assert_int_equal(object_open(f.ks, 0, BYTES_LIT("l"), VALUE_SET, &o),
                     OBJECT_OTHER);
    teardown(&f);
}

/* Grown over many entries, over a restart, and emptied again. */
static void it_grows_and_goes(void **state)
{
    struct fixture f;
    UNUSED(state);
    setup(&f);
    for (uint32_t i = 0; i < 10; i++)
        make_list(&f, "l", MANY / 10);
    assert_true(rows(&f, ROW_TREE) > 10);
    keyspace_close(f.ks);
    open_keyspace(&f);
    expect_list(&f, "l", MANY);
    begin(&f);
    struct object *o = open_list(&f, "l");
    btree_cut(&o->trees[0], 10, MANY);
    save(o);
    commit(&f);
    /* Its last page went into the record, and its id with it. */
    assert_int_equal(rows(&f, ROW_TREE), 0);
    expect_list(&f, "l", 10);
    make_list(&f, "l", MANY);
    begin(&f);
    o = open_list(&f, "l");
    btree_cut(&o->trees[0], 0, MANY + 10);
    save(o);
    commit(&f);
    assert_int_equal(rows(&f, ROW_TREE), 0);
    assert_int_equal(rows(&f, ROW_VALUE), 0);
    assert_int_equal(keyspace_tickets(f.ks), 0); /* nothing is left to do */
    teardown(&f);
}

/* What replaces a large one leaves a ticket, and at the end nothing. */
static void what_takes_its_place(void **state)
{
    struct fixture f;
    UNUSED(state);
    for (int way = 0; way < 6; way++) {
        setup(&f);
        make_list(&f, "l", MANY);
        begin(&f);
        struct object *o;
        if (way == 0) {
            assert_true(del(&f, 0, "l"));
        } else if (way == 1) {
            put(&f, 0, "l", "text", 0);
        } else if (way == 2) {
            o = object_new(f.ks, 0, BYTES_LIT("l"), VALUE_SET);
            o->flags = VALUE_INTS;
            save(o); /* empty */
        } else if (way == 3) {
            o = object_new(f.ks, 0, BYTES_LIT("l"), VALUE_LIST);
            add(o, 7);
            save(o);
        } else if (way == 4) {
            o = open_list(&f, "l");
            object_clear(o);
            add(o, 7);
            save(o);
        } else {
            keyspace_set_expiry(f.ks, 0, BYTES_LIT("l"), f.now_ms - 1);
        }
        commit(&f);
        assert_int_equal(keyspace_tickets(f.ks), 1);
        if (way == 3 || way == 4)
            expect_list(&f, "l", 7);
        sweep_all(&f);
        assert_int_equal(rows(&f, ROW_TREE), 0);
        teardown(&f);
    }
}

static void it_expires(void **state)
{
    struct fixture f;
    UNUSED(state);
    setup(&f);
    make_list(&f, "l", MANY);
    begin(&f);
    keyspace_set_expiry(f.ks, 0, BYTES_LIT("l"), f.now_ms + 10);
    commit(&f);
    begin(&f);
    struct object *o = open_list(&f, "l");
    assert_int_equal(o->expire_ms, f.now_ms + 10);
    add(o, 1); /* the expiry stays */
    save(o);
    commit(&f);
    f.now_ms += 10;
    begin(&f);
    o = open_list(&f, "l");
    assert_int_equal(object_count(o), 0); /* another one begins */
    add(o, 2);
    save(o);
    commit(&f);
    expect_list(&f, "l", 2);
    begin(&f);
    (void)keyspace_sweep(f.ks, 10);
    commit(&f);
    sweep_all(&f);
    expect_list(&f, "l", 2);
    assert_int_equal(rows(&f, ROW_TREE), 0);
    assert_int_equal(keyspace_counts(f.ks, 0)->expires, 0);
    teardown(&f);
}

static void the_sweep_deletes_it(void **state)
{
    struct fixture f;
    UNUSED(state);
    setup(&f);
    make_list(&f, "l", MANY);
    begin(&f);
    keyspace_set_expiry(f.ks, 0, BYTES_LIT("l"), f.now_ms + 10);
    commit(&f);
    f.now_ms += 20;
    begin(&f);
    assert_int_equal(keyspace_sweep(f.ks, 10), 1);
    commit(&f);
    assert_int_equal(keyspace_tickets(f.ks), 1);
    sweep_all(&f);
    assert_int_equal(rows(&f, ROW_TREE), 0);
    assert_int_equal(rows(&f, ROW_EXPIRY), 0);
    teardown(&f);
}

/* A list whose rows are few among those that it has had takes too long. */
static void copies_have_a_bound(void **state)
{
    struct fixture f;
    struct object_place from = {0, BYTES_LIT("l")};
    struct object_place to = {3, BYTES_LIT("copy")};
    UNUSED(state);
    setup(&f);
    make_list(&f, "l", MANY);
    begin(&f);
    struct object *o = open_list(&f, "l");
    o->space.next += 2000000;
    save(o);
    commit(&f);
    begin(&f);
    assert_false(object_copy(f.ks, &from, &to, 256 * 1024 * 1024));
    commit(&f);
    expect_list(&f, "l", MANY);
    assert_int_equal(keyspace_counts(f.ks, 3)->keys, 0);
    begin(&f);
    o = open_list(&f, "l");
    o->space.next -= 1990000;
    save(o);
    assert_true(object_copy(f.ks, &from, &to, 256 * 1024 * 1024));
    commit(&f);
    teardown(&f);
}

static void other_names(void **state)
{
    struct fixture f;
    UNUSED(state);
    setup(&f);
    make_list(&f, "l", MANY);
    make_list(&f, "old", MANY);
    size_t pages = rows(&f, ROW_TREE) / 2;
    begin(&f);
    keyspace_set_expiry(f.ks, 0, BYTES_LIT("l"), f.now_ms + 10);
    object_rename(f.ks, 0, BYTES_LIT("l"), BYTES_LIT("old"));
    commit(&f);
    sweep_all(&f);
    expect_list(&f, "l", 0);
    expect_list(&f, "old", MANY);
    assert_int_equal(rows(&f, ROW_TREE), pages);
    assert_int_equal(keyspace_counts(f.ks, 0)->expires, 1);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 1);

    struct object_place from = {0, BYTES_LIT("old")};
    struct object_place to = {3, BYTES_LIT("copy")};
    begin(&f);
    assert_true(object_copy(f.ks, &from, &to, UINT64_MAX));
    assert_true(del(&f, 0, "old"));
    commit(&f);
    sweep_all(&f);
    assert_int_equal(rows(&f, ROW_TREE), pages);
    struct object *o;
    assert_int_equal(object_open(f.ks, 3, to.key, VALUE_LIST, &o),
                     OBJECT_FOUND);
    assert_int_equal(btree_check(&o->trees[0]), 0);
    assert_int_equal(object_count(o), MANY);
    object_close(o);

    begin(&f);
    assert_false(object_copy(f.ks, &to, &from, 5000));
    commit(&f);
    assert_int_equal(rows(&f, ROW_TREE), pages);
    assert_int_equal(keyspace_counts(f.ks, 0)->keys, 0);
    teardown(&f);
}

/* A long string, too, has rows of its own. */
static void other_names_of_a_string(void **state)
{
    static char text[100000];
    struct fixture f;
    UNUSED(state);
    setup(&f);
    memset(text, 'x', sizeof(text) - 1);
    begin(&f);
    put(&f, 0, "s", text, 0);
    commit(&f);
    begin(&f);
    object_rename(f.ks, 0, BYTES_LIT("s"), BYTES_LIT("t"));
    struct object_place from = {0, BYTES_LIT("t")};
    struct object_place to = {1, BYTES_LIT("t")};
    assert_true(object_copy(f.ks, &from, &to, UINT64_MAX));
    commit(&f);
    assert_true(holds(&f, 0, "s", NULL));
    assert_true(holds(&f, 0, "t", text));
    begin(&f);
    assert_true(del(&f, 0, "t"));
    commit(&f);
    assert_true(holds(&f, 1, "t", text));
    teardown(&f);
}

static void blobs(void **state)
{
    static char text[70000];
    struct fixture f;
    UNUSED(state);
    setup(&f);
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)(i * 7 + i / 1000);
    begin(&f);
    struct object *o = open_list(&f, "l");
    add(o, 1);
    struct blob b[3];
    static const size_t lengths[3] = {1, 16383, sizeof(text)};
    for (int i = 0; i < 3; i++)
        b[i] = object_blob_put(o, bytes_of(text, lengths[i]));
    save(o);
    commit(&f);
    assert_int_equal(rows(&f, ROW_TREE), 1 + 1 + 5);
    begin(&f);
    o = open_list(&f, "l");
    for (int i = 0; i < 3; i++) {
        for (uint64_t at = (uint64_t)i; at < lengths[i];) {
            struct bytes part = object_blob_view(o, &b[i], at);
            assert_true(part.len > 0);
            assert_memory_equal(part.data, text + at, part.len);
            at += part.len;
        }
    }
    object_blob_drop(o, &b[0]);
    object_blob_drop(o, &b[2]);
    b[0] = object_blob_put(o, bytes_of(text, 5));
    save(o);
    commit(&f);
    assert_int_equal(rows(&f, ROW_TREE), 2);
    begin(&f);
    assert_true(del(&f, 0, "l"));
    commit(&f);
    assert_int_equal(rows(&f, ROW_TREE), 0); /* few: at once */
    teardown(&f);
}

/* What a record says must be there. */
static void a_missing_part_of_a_blob(void **state)
{
    struct fixture f;
    UNUSED(state);
    setup(&f);
    make_list(&f, "l", 3);
    struct object *o = open_list(&f, "l");
    struct blob b = {5, 100};
    o->space.owner.id = 1;
    assert_int_equal(object_blob_view(o, &b, 0).len, 0);
    assert_int_equal(keyspace_error(f.ks), ERR_CORRUPT);
    object_close(o);
    teardown(&f);
}

static void a_part_of_a_blob_that_is_short(void **state)
{
    struct fixture f;
    UNUSED(state);
    setup(&f);
    begin(&f);
    struct object *o = open_list(&f, "l");
    struct blob b = object_blob_put(o, BYTES_LIT("some bytes"));
    b.length++;
    assert_int_equal(object_blob_view(o, &b, 0).len, 0);
    assert_int_equal(keyspace_error(f.ks), ERR_CORRUPT);
    object_close(o);
    assert_int_equal(keyspace_commit(f.ks), ERR_CORRUPT);
    teardown(&f);
}

/* The first entry that needs it makes it, for all entries to come. */
static void the_seed_stays(void **state)
{
    struct fixture f;
    UNUSED(state);
    setup(&f);
    make_list(&f, "l", 1);
    struct object *o = open_list(&f, "l");
    assert_int_equal(object_hash_seed(o), 0);
    object_close(o);
    begin(&f);
    o = open_list(&f, "l");
    uint64_t seed = object_hash_seed(o);
    object_close(o);
    commit(&f);
    assert_int_not_equal(seed, 0);
    keyspace_close(f.ks);
    open_keyspace(&f);
    begin(&f);
    o = open_list(&f, "l");
    assert_int_equal(object_hash_seed(o), seed);
    object_close(o);
    commit(&f);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_one_is_its_record),
        cmocka_unit_test(an_empty_one_is_none),
        cmocka_unit_test(a_stream_stays_empty),
        cmocka_unit_test(other_types_are_told),
        cmocka_unit_test(it_grows_and_goes),
        cmocka_unit_test(what_takes_its_place),
        cmocka_unit_test(it_expires),
        cmocka_unit_test(the_sweep_deletes_it),
        cmocka_unit_test(copies_have_a_bound),
        cmocka_unit_test(other_names),
        cmocka_unit_test(other_names_of_a_string),
        cmocka_unit_test(blobs),
        cmocka_unit_test(a_missing_part_of_a_blob),
        cmocka_unit_test(a_part_of_a_blob_that_is_short),
        cmocka_unit_test(the_seed_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
