/*
 * Collections by their keys: opening, what comes of a change, other names, and
 * fields whose time comes.
 *
 * A key is there as long as one of its fields, expired or not, and of those
 * that have expired nobody can tell when a sweep removes them: `maybe` says so.
 */
#include "check/fold_internal.h"

#include "base/alloc.h"

/* --- replies -------------------------------------------------------------- */

void fold_bulk(struct fold_call *c, struct bytes b)
{
    buf_printf(c->reply, "$%zu\r\n", b.len);
    buf_bytes(c->reply, b);
    buf_str(c->reply, "\r\n");
}

void fold_nil(struct fold_call *c)
{
    buf_str(c->reply, "$-1\r\n");
}

void fold_array(struct fold_call *c, size_t count)
{
    buf_printf(c->reply, "*%zu\r\n", count);
}

/* --- a key's collection --------------------------------------------------- */

struct fold_coll *fold_open(struct fold_call *c, struct bytes name,
                            enum fold_type type)
{
    struct fold_key *k = fold_key(c->f, name, true);

    if (!fold_live(c, k))
        return NULL;
    if (!k->coll || k->coll->type != type) {
        if (!c->f->violation)
            c->f->violation = "limit: a value of another type";
        return NULL;
    }
    return k->coll;
}

struct fold_coll *fold_make(struct fold_call *c, struct bytes name,
                            enum fold_type type)
{
    struct fold_key *k = fold_key(c->f, name, true);

    if (fold_live(c, k))
        return fold_open(c, name, type);
    fold_coll_free(k->coll);
    k->coll = fold_coll_new(type);
    return k->coll;
}

void fold_save(struct fold_call *c, struct bytes name)
{
    struct fold_key *k = fold_key(c->f, name, true);
    const struct fold_version *v = fold_live(c, k);

    ASSERT(k->coll);
    if (k->coll->count > 0 || k->coll->type == FOLD_STREAM) {
        fold_push(c, k, true, v ? v->expire_ms : 0);
        return;
    }
    fold_drop(c, k);
    k->maybe = k->unswept;
}

void fold_replace(struct fold_call *c, struct bytes name,
                  struct fold_coll *coll, int64_t expire_ms)
{
    struct fold_key *k = fold_key(c->f, name, true);
    bool gone = coll->count == 0 && coll->type != FOLD_STREAM;

    fold_drop(c, k);
    k->unswept = false;
    if (gone) {
        fold_coll_free(coll);
        return;
    }
    k->coll = coll;
    fold_push(c, k, true, expire_ms);
}

bool fold_range(const struct bytes *from_to, size_t count, size_t *from,
                size_t *to)
{
    int64_t n = (int64_t)count;
    int64_t a = fold_number(from_to[0]);
    int64_t b = fold_number(from_to[1]);

    a = MAX(a < 0 ? a + n : a, 0);
    b = MIN(b < 0 ? b + n : b, n - 1);
    *from = (size_t)MIN(a, n);
    *to = b < a ? *from : (size_t)b + 1;
    return *from < *to;
}

/* --- fields whose time comes ---------------------------------------------- */

void fold_note_due(struct fold *f, int64_t due_ms)
{
    if (due_ms > 0 && (f->due_ms == 0 || due_ms < f->due_ms))
        f->due_ms = due_ms;
}

static void expire_of(struct fold_call *c, struct fold_key *k)
{
    const struct fold_version *v = &k->versions[k->count - 1];

    for (size_t i = k->coll->count; i-- > 0;)
        if (k->coll->items[i].expire_ms > 0 &&
            k->coll->items[i].expire_ms <= c->time_ms)
            fold_remove(k->coll, i);
    k->unswept = true;
    if (k->coll->count > 0) {
        fold_push(c, k, v->present, v->expire_ms);
        return;
    }
    fold_drop(c, k);
    k->maybe = true;
}

void fold_expire_fields(struct fold *f, int64_t time_ms)
{
    struct fold_call c = {.f = f, .time_ms = time_ms};
    void *value;
    size_t pos = 0;

    if (f->due_ms == 0 || f->due_ms > time_ms)
        return;
    f->due_ms = 0;
    while (map_next(&f->keys, &pos, NULL, &value)) {
        struct fold_key *k = value;
        int64_t due_ms = fold_due_ms(k->coll);
        if (due_ms > 0 && due_ms <= time_ms)
            expire_of(&c, k);
        else
            fold_note_due(f, due_ms);
    }
}

/* --- other names ---------------------------------------------------------- */

static void rename_key(struct fold_call *c)
{
    struct fold_key *from = fold_key(c->f, c->argv[1], true);
    const struct fold_version *v = fold_live(c, from);

    if (!v) {
        buf_str(c->reply, "-ERR no such key\r\n");
        return;
    }
    buf_str(c->reply, "+OK\r\n");
    if (bytes_eq(c->argv[1], c->argv[2]))
        return;
    struct fold_coll *coll = from->coll;
    int64_t expire_ms = v->expire_ms;
    ASSERT(coll);
    from->coll = NULL;
    fold_drop(c, from);
    fold_replace(c, c->argv[2], coll, expire_ms);
}

/* copy from to [replace] */
static void copy_key(struct fold_call *c)
{
    struct fold_key *from = fold_key(c->f, c->argv[1], true);
    const struct fold_version *v = fold_live(c, from);
    bool there = fold_live(c, fold_key(c->f, c->argv[2], true)) != NULL;
    bool does = v && (!there || c->argc > 3);

    if (does)
        fold_replace(c, c->argv[2], fold_coll_copy(from->coll), v->expire_ms);
    fold_integer(c, does);
}

bool fold_keys(struct fold_call *c)
{
    if (fold_is(c->argv[0], "rename"))
        rename_key(c);
    else if (fold_is(c->argv[0], "copy"))
        copy_key(c);
    else
        return false;
    return true;
}
