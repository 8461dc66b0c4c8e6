/*
 * A collection as a replica has it, against that of the fold: all its elements,
 * by their words (check/fold_coll.h), walked by the functions of src/type that
 * no reply is made of alone; and every tree of it, page by page.
 */
#include "sim.h"

#include "data/object.h"
#include "type/hash.h"
#include "type/list.h"
#include "type/packed.h"
#include "type/xstream.h"
#include "type/zset.h"

#include <stdio.h>

/* Words that are gathered: the text is moved while it grows. */
struct gather {
    struct buf text;
    struct fold_words words; /* lengths only, until the end */
};

static void gather(struct gather *g, struct bytes word)
{
    buf_bytes(&g->text, word);
    fold_word_add(&g->words, bytes_of(NULL, word.len));
}

static void gather_cell(struct gather *g, struct object *o,
                        const struct cell *cell)
{
    size_t before = g->text.len;

    cell_read(o, cell, &g->text);
    fold_word_add(&g->words, bytes_of(NULL, g->text.len - before));
}

static uint64_t gather_end(struct gather *g, enum fold_type type)
{
    size_t at = 0;

    for (size_t i = 0; i < g->words.count; i++) {
        size_t len = g->words.list[i].len;
        g->words.list[i] = bytes_of(g->text.data + at, len);
        at += len;
    }
    uint64_t h = fold_words_hash(type, &g->words);
    buf_release(&g->text);
    fold_words_release(&g->words);
    return h;
}

/* --- by type -------------------------------------------------------------- */

static uint64_t see_hash(struct object *o, struct gather *g)
{
    struct hash h;
    struct hash_walk w;
    struct bytes field;
    struct cell cell;
    uint64_t count = 0;

    hash_init(&h, o);
    hash_walk_init(&w, &h);
    for (; hash_walk_next(&w, &field, &cell); count++) {
        gather(g, field);
        gather_cell(g, o, &cell);
    }
    hash_walk_release(&w);
    bool same = hash_count(&h) == count;
    hash_release(&h);
    return same ? count : UINT64_MAX;
}

static uint64_t see_list(struct object *o, struct gather *g)
{
    struct list_walk w;
    uint64_t count = 0;
    uint64_t blobs = 0;

    list_walk_init(&w, o, 0, false);
    for (; list_walk_next(&w); count++) {
        gather_cell(g, o, &w.cell);
        blobs += w.cell.apart;
    }
    list_walk_release(&w);
    return blobs == list_blobs(o) ? count : UINT64_MAX;
}

static uint64_t see_set(struct object *o, struct gather *g)
{
    struct packed_walk w;
    struct bytes member;
    struct bytes none;
    uint64_t count = 0;

    packed_walk_init(&w, o);
    for (; packed_walk_next(&w, &member, &none); count++)
        gather(g, member);
    packed_walk_release(&w);
    return count;
}

static uint64_t see_zset(struct object *o, struct gather *g)
{
    struct zset z = {.object = o};
    struct zset_walk w;
    struct zset_entry e;
    char text[24];
    uint64_t count = 0;

    if (zset_check(&z) != 0)
        return UINT64_MAX;
    zset_walk_init(&w, &z);
    bool more = zset_walk_to(&w, 0, &e);
    for (; more; count++, more = zset_walk_next(&w, &e)) {
        gather(g, e.member);
        snprintf(text, sizeof(text), "%lld", (long long)e.score);
        gather(g, bytes_str(text));
    }
    zset_walk_release(&w);
    buf_release(&z.key);
    buf_release(&z.member);
    return count;
}

static uint64_t see_stream(struct object *o, struct gather *g)
{
    struct xstream x = {.object = o};
    struct xstream_cursor c;
    char text[48];
    uint64_t count = 0;

    xstream_cursor_init(&c, &x);
    bool more = xstream_seek(&c, 0);
    for (; more; count++, more = xstream_next(&c)) {
        struct bytes field;
        size_t at = 0;
        snprintf(text, sizeof(text), "%llu-%llu", (unsigned long long)c.id.ms,
                 (unsigned long long)c.id.seq);
        gather(g, bytes_str(text));
        while (xstream_field(&c, &at, &field))
            gather(g, field);
    }
    xstream_cursor_release(&c);
    return count;
}

/* --- all of it ------------------------------------------------------------ */

/* Members that are packed have no order of their own. */
static bool trees_hold(struct object *o)
{
    bool packed =
        (o->type == VALUE_HASH || o->type == VALUE_SET) && packed_is(o);

    for (uint8_t i = packed; i < o->tree_count; i++)
        if (btree_check(&o->trees[i]) != 0)
            return false;
    return true;
}

static uint64_t see(struct object *o, struct gather *g)
{
    switch (o->type) {
    case VALUE_HASH:
        return see_hash(o, g);
    case VALUE_LIST:
        return see_list(o, g);
    case VALUE_SET:
        return see_set(o, g);
    case VALUE_ZSET:
        return see_zset(o, g);
    default:
        return see_stream(o, g);
    }
}

static uint8_t type_of(enum fold_type type)
{
    static const uint8_t types[] = {VALUE_STRING, VALUE_HASH, VALUE_LIST,
                                    VALUE_SET,    VALUE_ZSET, VALUE_STREAM};

    return types[type];
}

bool state_same(struct sim *s, struct keyspace *ks, struct bytes name,
                const struct fold_version *v)
{
    struct gather g = {.text = BUF_INIT};
    struct object *o;

    if (object_open(ks, 0, name, type_of(v->type), &o) != OBJECT_FOUND) {
        object_close(o);
        return false;
    }
    bool same = trees_hold(o) && see(o, &g) == v->len;
    same = gather_end(&g, v->type) == v->hash && same;
    s->stats.collections++;
    s->stats.trees += o->space.used > 0;
    object_close(o);
    return same;
}

bool state_is_over(struct keyspace *ks, struct bytes name)
{
    struct object *o;
    bool over = false;

    if (object_open(ks, 0, name, VALUE_HASH, &o) == OBJECT_FOUND) {
        struct hash h;
        hash_init(&h, o);
        over = hash_count(&h) == 0;
        hash_release(&h);
    }
    object_close(o);
    return over;
}
