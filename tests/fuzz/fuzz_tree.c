/*
 * A counted B+-tree with small pages against a sorted array, and then with
 * damage to a page.
 *
 * After each operation the whole tree holds (btree_check), its elements are
 * those of the array, and after each entry the store has as many rows as the
 * tree uses. A damaged page is ERR_CORRUPT, or what is found is a tree all the
 * same: whoever gets no error has been told elements that are in order, as many
 * as are counted.
 *
 * input: form(1), then operations: see step(); from one on the tree is damaged.
 */
// link: data store page
#include "data/btree.h"
#include "data/key.h"
#include "data/kinds.h"
#include "fuzz/fuzz.h"
#include "store/store_memory.h"

#include <stdio.h>

#define MODEL_MAX 400
#define KEY_MAX   128

/* A hundred elements make three levels. */
static const struct btree_limits limits[] = {
    {.page_max = 64, .leaf_root_max = 80, .inner_root_max = 64},
    {.page_max = 64,
     .leaf_root_max = 80,
     .inner_root_max = 64,
     .sequence = true},
    {.page_max = 160, .leaf_root_max = 60, .inner_root_max = 100},
    {.page_max = 160,
     .leaf_root_max = 300,
     .inner_root_max = 40,
     .sequence = true},
};

struct item {
    uint32_t key; /* 0 in a sequence */
    uint8_t mark; /* what its value begins with */
    uint8_t len;
};

struct run {
    struct store *store;
    struct rows rows;
    struct btree_space space;
    struct btree tree;
    struct item items[MODEL_MAX];
    uint32_t count;
    uint64_t entries;
    uint8_t mark;
};

/* Some are so long that a page has few of them. */
static struct bytes key_of(uint32_t n, char out[KEY_MAX])
{
    int len = snprintf(out, KEY_MAX, "%04u%0*u", n, n % 16 == 5 ? 90 : 1, 7u);
    return bytes_of(out, (size_t)len);
}

static struct bytes value_of(const struct item *i, uint8_t out[256])
{
    memset(out, i->mark, 256);
    return bytes_of(out, i->len);
}

static bool is_sequence(const struct run *r)
{
    return r->tree.limits->sequence;
}

/* Where a key is, or would be. */
static uint32_t place_of(const struct run *r, uint32_t key)
{
    uint32_t at = 0;
    while (at < r->count && r->items[at].key < key)
        at++;
    return at;
}

static void model_add(struct run *r, uint32_t at, struct item i)
{
    memmove(&r->items[at + 1], &r->items[at], (r->count - at) * sizeof(i));
    r->items[at] = i;
    r->count++;
}

static void model_cut(struct run *r, uint32_t from, uint32_t to)
{
    memmove(&r->items[from], &r->items[to],
            (r->count - to) * sizeof(r->items[0]));
    r->count -= to - from;
}

/* --- operations --------------------------------------------------------- */

static void put(struct run *r, uint32_t where, uint8_t len)
{
    char text[KEY_MAX];
    uint8_t bytes[256];
    struct item i = {.mark = r->mark++, .len = len};
    if (is_sequence(r)) {
        uint32_t at = where % (r->count + 1);
        btree_insert(&r->tree, at, value_of(&i, bytes));
        model_add(r, at, i);
        return;
    }
    i.key = where;
    uint32_t at = place_of(r, where);
    bool there = at < r->count && r->items[at].key == where;
    bool added = btree_put(&r->tree, key_of(where, text), value_of(&i, bytes));
    ASSERT(added != there);
    if (there)
        r->items[at] = i;
    else
        model_add(r, at, i);
}

static void take(struct run *r, uint32_t where)
{
    char text[KEY_MAX];
    if (is_sequence(r)) {
        uint32_t at = where % (r->count + 1);
        btree_cut(&r->tree, at, at + (at < r->count));
        model_cut(r, at, at + (at < r->count));
        return;
    }
    uint32_t at = place_of(r, where);
    bool there = at < r->count && r->items[at].key == where;
    bool removed = btree_remove(&r->tree, key_of(where, text));
    ASSERT(removed == there);
    model_cut(r, at, at + there);
}

static void set(struct run *r, uint32_t where, uint8_t len)
{
    uint8_t bytes[256];
    if (r->count == 0)
        return;
    struct item *i = &r->items[where % r->count];
    i->mark = r->mark++;
    i->len = len;
    btree_set(&r->tree, where % r->count, value_of(i, bytes));
}

static void cut(struct run *r, uint32_t from, uint32_t count)
{
    from %= r->count + 1;
    count = MIN(count, r->count - from);
    btree_cut(&r->tree, from, from + count);
    model_cut(r, from, from + count);
}

/* --- what must hold ----------------------------------------------------- */

static void check_item(struct run *r, uint32_t nth)
{
    char text[KEY_MAX];
    uint8_t bytes[256];
    const struct item *i = &r->items[nth];
    struct element e;
    bool there = btree_get(&r->tree, nth, &e);
    ASSERT(there && bytes_eq(e.value, value_of(i, bytes)));
    if (is_sequence(r))
        return;
    ASSERT(bytes_eq(e.key, key_of(i->key, text)));
    ASSERT(btree_rank(&r->tree, key_of(i->key, text)) == nth);
    there = btree_find(&r->tree, key_of(i->key, text), &e);
    ASSERT(there && bytes_eq(e.value, value_of(i, bytes)));
}

static void check_walk(struct run *r)
{
    struct btree_cursor c;
    uint8_t bytes[256];
    uint32_t n = 0;
    btree_cursor_init(&c, &r->tree);
    bool more = btree_seek_nth(&c, 0);
    for (; more; more = btree_next(&c), n++)
        ASSERT(n < r->count &&
               bytes_eq(btree_at(&c).value, value_of(&r->items[n], bytes)));
    ASSERT(n == r->count);
    btree_cursor_release(&c);
}

static void check(struct run *r)
{
    ASSERT(r->tree.count == r->count);
    int err = btree_check(&r->tree);
    ASSERT(err == 0);
    check_walk(r);
    for (uint32_t i = 0; i < r->count; i += 1 + r->count / 8)
        check_item(r, i);
}

/* All rows are the tree's, and it uses no others. */
static void check_rows(struct run *r)
{
    struct store_iter *it = store_iter_new(r->store, STORE_STATE);
    uint64_t count = 0;
    for (store_iter_seek(it, BYTES_NONE); store_iter_valid(it);
         store_iter_next(it))
        count += row_is(store_iter_key(it), ROW_TREE);
    store_iter_free(it);
    ASSERT(count == r->space.used);
}

static void commit(struct run *r)
{
    (void)rows_prepare(&r->rows);
    int err = rows_write(&r->rows);
    ASSERT(err == 0);
    check_rows(r);
}

static void begin(struct run *r)
{
    rows_begin(&r->rows, ++r->entries);
}

/* op(1) where(1) how(1): runs of elements, so that few bytes make a large
 * tree. False: the next thing is damage. */
static bool step(struct run *r, struct fuzz *f)
{
    uint32_t op = fuzz_below(f, 16);
    uint32_t where = fuzz_u8(f);
    uint32_t how = fuzz_u8(f);
    uint32_t run = 1 + how / 8;
    uint8_t len = (uint8_t)(how % 8 == 7 ? 60 : how % 8);
    for (uint32_t i = 0; op < 6 && i < run && r->count < MODEL_MAX; i++)
        put(r, op < 3 ? where + i : where * 3 + i * 7, len);
    for (uint32_t i = 0; op >= 6 && op < 10 && i < run; i++)
        take(r, op < 8 ? where + i : where * 3 + i * 7);
    if (op == 10 || op == 11)
        set(r, where, len);
    if (op == 12)
        cut(r, where, how);
    if (op == 13 || op == 14) {
        commit(r);
        begin(r);
    }
    check(r);
    return op != 15;
}

/* --- damage ------------------------------------------------------------- */

/* One byte of one page becomes another one, behind the tree's back. */
static void damage(struct run *r, struct fuzz *f)
{
    struct store_batch b = STORE_BATCH_INIT;
    struct buf row = BUF_INIT;
    uint8_t key[KEY_PAGE_SIZE];
    uint64_t n = 1 + fuzz_u8(f) % MAX(r->space.next - 1, UINT64_C(1));
    struct bytes name = key_tree_page(key, &r->space.owner, n);
    int err = store_get(r->store, STORE_STATE, name, &row);
    if (err == 0 && row.len > 0) {
        size_t at = fuzz_u64(f) % row.len;
        row.data[at] ^= (uint8_t)(1 + fuzz_below(f, 255));
        store_batch_put(&b, STORE_STATE, name, buf_view(&row));
        if (fuzz_below(f, 8) == 0)
            store_batch_delete(&b, STORE_STATE, name);
        err = store_write(r->store, &b, STORE_UNLOGGED);
        ASSERT(err == 0);
    }
    store_batch_release(&b);
    buf_release(&row);
}

/* Nothing of it may end the process; what passes the check is in order. */
static void read_damaged(struct run *r)
{
    struct btree_cursor c;
    struct buf last = BUF_INIT;
    uint64_t n = 0;
    if (btree_check(&r->tree) != 0)
        return;
    btree_cursor_init(&c, &r->tree);
    bool more = btree_seek_nth(&c, 0);
    for (; more; more = btree_next(&c), n++) {
        struct bytes key = btree_at(&c).key;
        ASSERT(is_sequence(r) || n == 0 || bytes_cmp(buf_view(&last), key) < 0);
        buf_reset(&last);
        buf_bytes(&last, key);
    }
    ASSERT(n == r->tree.count && r->rows.error == 0);
    btree_cursor_release(&c);
    buf_release(&last);
}

static void use_damaged(struct run *r, struct fuzz *f)
{
    char text[KEY_MAX];
    struct element e;
    while (fuzz_more(f) && r->rows.error == 0) {
        uint32_t op = fuzz_below(f, 6);
        uint32_t where = fuzz_u8(f);
        struct bytes key = key_of(where, text);
        uint64_t nth = where % (r->tree.count + 1);
        if (op == 0 && nth < r->tree.count)
            (void)btree_get(&r->tree, nth, &e);
        else if (op == 1 && !is_sequence(r))
            (void)btree_find(&r->tree, key, &e);
        else if (op == 2 && !is_sequence(r))
            (void)btree_rank(&r->tree, key);
        else if (op == 3 && is_sequence(r))
            btree_insert(&r->tree, nth, key);
        else if (op == 3)
            btree_put(&r->tree, key, key);
        else if (op == 4 && !is_sequence(r))
            btree_remove(&r->tree, key);
        else if (op == 5)
            btree_cut(&r->tree, nth, MIN(nth + 9, r->tree.count));
    }
    ASSERT(r->rows.error == 0 || r->rows.error == ERR_CORRUPT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = fuzz_of(data, size);
    struct run r = {.store = store_memory_new()};
    bool damaged = false;
    rows_init(&r.rows, r.store);
    r.space = (struct btree_space){.owner = {2, 0, 7}, .next = 1};
    btree_init(&r.tree, &r.rows, &r.space,
               &limits[fuzz_below(&f, ARRAY_LEN(limits))]);
    begin(&r);
    while (!damaged && fuzz_more(&f))
        damaged = !step(&r, &f);
    commit(&r);
    damage(&r, &f);
    read_damaged(&r);
    begin(&r);
    use_damaged(&r, &f);
    btree_release(&r.tree);
    rows_release(&r.rows);
    store_close(r.store);
    return 0;
}
