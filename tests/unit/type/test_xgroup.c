/*
 * Consumer groups against plain tables: who has what pending, how often it was
 * delivered, and that walks see what is theirs and no more.
 */
// link: data store base page
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../data/data_fixture.h"
#include "type/xgroup.h"

#include <stdio.h>

#define GROUPS    3
#define CONSUMERS 4
#define IDS       60
#define NOBODY    (-1)

static const char *const names[CONSUMERS] = {"", "a", "ab", "b"};

struct model {
    int owner[GROUPS][IDS]; /* or NOBODY */
    uint64_t deliveries[GROUPS][IDS];
    bool consumer[GROUPS][CONSUMERS];
    bool group[GROUPS];
    uint64_t seed;
};

static uint32_t pick(struct model *m, uint32_t below)
{
    m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(m->seed >> 33) % below;
}

static struct xstream_id id_of(uint32_t i)
{
    return (struct xstream_id){i / 7, i % 7 + 1};
}

static struct bytes group_name(uint32_t g)
{
    static const char *const all[GROUPS] = {"", "g", "gg"};
    return bytes_str(all[g]);
}

static void give(struct model *m, struct xstream *s, uint32_t g)
{
    uint32_t i = pick(m, IDS);
    uint32_t who = pick(m, CONSUMERS);
    struct xgroup group;
    struct xconsumer c;
    struct xpending p = {id_of(i), 100 + i, pick(m, 9), BYTES_NONE};
    assert_true(xgroup_find(s, group_name(g), &group));
    assert_int_equal(xconsumer_find(&group, bytes_str(names[who]), &c),
                     m->consumer[g][who]);
    xpending_give(&group, &c, &p);
    xconsumer_save(&group, &c);
    xgroup_save(&group);
    m->consumer[g][who] = true;
    m->owner[g][i] = (int)who;
    m->deliveries[g][i] = p.deliveries;
}

static void drop(struct model *m, struct xstream *s, uint32_t g)
{
    uint32_t i = pick(m, IDS);
    struct xgroup group;
    assert_true(xgroup_find(s, group_name(g), &group));
    assert_int_equal(xpending_remove(&group, id_of(i)),
                     m->owner[g][i] != NOBODY);
    xgroup_save(&group);
    m->owner[g][i] = NOBODY;
}

static void drop_consumer(struct model *m, struct xstream *s, uint32_t g)
{
    uint32_t who = pick(m, CONSUMERS);
    struct xgroup group;
    struct xconsumer c;
    assert_true(xgroup_find(s, group_name(g), &group));
    if (!xconsumer_find(&group, bytes_str(names[who]), &c))
        return;
    xconsumer_delete(&group, &c);
    xgroup_save(&group);
    m->consumer[g][who] = false;
    for (uint32_t i = 0; i < IDS; i++) {
        if (m->owner[g][i] == (int)who)
            m->owner[g][i] = NOBODY;
    }
}

static void create(struct model *m, struct xstream *s, uint32_t g)
{
    struct xgroup group;
    assert_false(xgroup_find(s, group_name(g), &group));
    xgroup_create(s, group_name(g), &group);
    xgroup_save(&group);
    m->group[g] = true;
    for (uint32_t i = 0; i < IDS; i++)
        m->owner[g][i] = NOBODY;
    for (uint32_t i = 0; i < CONSUMERS; i++)
        m->consumer[g][i] = false;
}

static void destroy(struct model *m, struct xstream *s, uint32_t g)
{
    struct xgroup group;
    assert_true(xgroup_find(s, group_name(g), &group));
    xgroup_destroy(&group);
    m->group[g] = false;
}

static void step(struct model *m, struct xstream *s)
{
    uint32_t g = pick(m, GROUPS);
    uint32_t what = pick(m, 100);
    if (!m->group[g])
        create(m, s, g);
    else if (what < 60)
        give(m, s, g);
    else if (what < 95)
        drop(m, s, g);
    else if (what < 98)
        drop_consumer(m, s, g);
    else
        destroy(m, s, g);
}

static void expect_pending(const struct model *m, const struct xgroup *g,
                           uint32_t nth)
{
    struct xpending p;
    struct xwalk w;
    struct xstream_id last;
    uint64_t count = 0;
    uint32_t greatest = 0;
    xwalk_pending(&w, g, (struct xstream_id){0, 0});
    for (uint32_t i = 0; i < IDS; i++) {
        int owner = m->owner[nth][i];
        if (owner == NOBODY)
            continue;
        assert_true(xwalk_next_pending(&w, &p));
        assert_int_equal(xstream_id_compare(p.id, id_of(i)), 0);
        assert_int_equal(p.time_ms, 100 + i);
        assert_int_equal(p.deliveries, m->deliveries[nth][i]);
        assert_true(bytes_eq(p.consumer, bytes_str(names[owner])));
        count++;
        greatest = i;
    }
    assert_false(xwalk_next_pending(&w, &p));
    xwalk_release(&w);
    assert_int_equal(g->pending, count);
    assert_int_equal(xpending_last(g, &last) &&
                         xstream_id_compare(last, id_of(greatest)) == 0,
                     count > 0);
}

static void expect_owned(const struct model *m, const struct xgroup *g,
                         uint32_t nth, uint32_t who)
{
    struct xconsumer c;
    struct xstream_id id;
    struct xwalk w;
    uint64_t count = 0;
    assert_int_equal(xconsumer_find(g, bytes_str(names[who]), &c),
                     m->consumer[nth][who]);
    xwalk_owned(&w, g, bytes_str(names[who]), (struct xstream_id){0, 0});
    for (uint32_t i = 0; i < IDS; i++) {
        if (m->owner[nth][i] != (int)who)
            continue;
        assert_true(xwalk_next_owned(&w, &id));
        assert_int_equal(xstream_id_compare(id, id_of(i)), 0);
        count++;
    }
    assert_false(xwalk_next_owned(&w, &id));
    xwalk_release(&w);
    assert_int_equal(c.pending, count);
}

static void expect_consumers(const struct model *m, const struct xgroup *g,
                             uint32_t nth)
{
    struct xconsumer c;
    struct xwalk w;
    uint64_t count = 0;
    xwalk_consumers(&w, g);
    for (uint32_t i = 0; i < CONSUMERS; i++) {
        expect_owned(m, g, nth, i);
        if (!m->consumer[nth][i])
            continue;
        assert_true(xwalk_consumer(&w, &c));
        assert_true(bytes_eq(c.name, bytes_str(names[i])));
        count++;
    }
    assert_false(xwalk_consumer(&w, &c));
    xwalk_release(&w);
    assert_int_equal(xgroup_consumers(g), count);
}

static void expect(struct fixture *f, const struct model *m)
{
    struct xstream s;
    struct xgroup g;
    struct xwalk w;
    assert_int_equal(xstream_open(f->ks, 0, BYTES_LIT("x"), &s), OBJECT_FOUND);
    xwalk_groups(&w, &s);
    for (uint32_t i = 0; i < GROUPS; i++) {
        if (!m->group[i])
            continue;
        struct xgroup found;
        assert_true(xwalk_group(&w, &g));
        assert_true(bytes_eq(g.name, group_name(i)));
        assert_true(xgroup_find(&s, group_name(i), &found));
        expect_pending(m, &found, i);
        expect_consumers(m, &found, i);
    }
    assert_false(xwalk_group(&w, &g));
    xwalk_release(&w);
    for (uint8_t i = 0; i < s.object->tree_count; i++)
        assert_int_equal(btree_check(&s.object->trees[i]), 0);
    xstream_close(&s);
}

static void as_plain_tables(void **state)
{
    struct fixture f;
    struct xstream s;
    struct model m = {.seed = 3};
    UNUSED(state);
    setup(&f);
    for (uint32_t round = 0; round < 300; round++) {
        begin(&f);
        assert_int_not_equal(xstream_open(f.ks, 0, BYTES_LIT("x"), &s),
                             OBJECT_OTHER);
        for (uint32_t i = 0; i < 12; i++)
            step(&m, &s);
        xstream_save(&s);
        xstream_close(&s);
        commit(&f);
        expect(&f, &m);
    }
    begin(&f);
    assert_int_equal(xstream_open(f.ks, 0, BYTES_LIT("x"), &s), OBJECT_FOUND);
    for (uint32_t g = 0; g < GROUPS; g++) {
        if (m.group[g])
            destroy(&m, &s, g);
    }
    for (uint8_t i = 0; i < s.object->tree_count; i++)
        assert_int_equal(s.object->trees[i].count, 0); /* nothing is left */
    xstream_save(&s);
    xstream_close(&s);
    commit(&f);
    assert_int_equal(rows(&f, ROW_TREE), 0);
    teardown(&f);
}

static void add(struct xstream *s, uint64_t ms)
{
    struct bytes fields[2] = {BYTES_LIT("f"), BYTES_LIT("v")};
    xstream_add(s, (struct xstream_id){ms, 0}, fields, 2);
}

/* As redis-server 7.0.15 counts. */
static void what_a_group_has_read(void **state)
{
    struct fixture f;
    struct xstream s;
    struct xgroup g;
    int64_t lag = -7;
    UNUSED(state);
    setup(&f);
    begin(&f);
    assert_int_equal(xstream_open(f.ks, 0, BYTES_LIT("x"), &s), OBJECT_NONE);
    xgroup_create(&s, BYTES_LIT("g"), &g);
    assert_true(xgroup_lag(&g, &lag));
    assert_int_equal(lag, 0);
    for (uint64_t ms = 1; ms <= 5; ms++)
        add(&s, ms);
    assert_true(xgroup_lag(&g, &lag)); /* it is before the first */
    assert_int_equal(lag, 5);
    xgroup_advance(&g, (struct xstream_id){1, 0});
    xgroup_advance(&g, (struct xstream_id){2, 0});
    assert_int_equal(g.read, 2);
    assert_true(xgroup_lag(&g, &lag));
    assert_int_equal(lag, 3);
    assert_true(xstream_delete(&s, (struct xstream_id){4, 0}));
    assert_false(xgroup_lag(&g, &lag)); /* one of the three is gone */
    xgroup_advance(&g, (struct xstream_id){3, 0});
    assert_int_equal(g.read, XGROUP_READ_UNKNOWN);
    xgroup_advance(&g, (struct xstream_id){5, 0});
    assert_int_equal(g.read, 5);
    assert_true(xgroup_lag(&g, &lag));
    assert_int_equal(lag, 0);
    xstream_cut(&s, 3); /* up to what was deleted */
    add(&s, 6);
    assert_true(xgroup_lag(&g, &lag));
    assert_int_equal(lag, 1);
    assert_int_equal(xgroup_read_at(&s, (struct xstream_id){9, 0}),
                     XGROUP_READ_UNKNOWN);
    xstream_close(&s);
    commit(&f);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_plain_tables),
        cmocka_unit_test(what_a_group_has_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
