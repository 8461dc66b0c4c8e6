/*
 * How SORT orders elements, and finds what its patterns name.
 *
 * Elements and weights are copies in memory, so the order is made without the
 * state. It is total: what compares equal is in the order of its bytes, in a
 * list in its order there. Redis leaves this open.
 *
 * A pattern is read up to its first zero, as Redis reads it. It names a string,
 * or (behind "->") a field of a hash.
 *
 * How it fails: what is too much is refused, by every replica alike.
 */
#include "cmd/cmd_collection.h"
#include "cmd/cmd_parse.h"
#include "cmd/cmd_sort.h"
#include "type/hash.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct sort_item {
    uint32_t nth; /* of the elements */
    double score;
};

/* ---- texts ---- */

static bool too_much(struct sort *s)
{
    const char *instead = s->type == VALUE_LIST  ? "LRANGE"
                          : s->type == VALUE_SET ? "SSCAN"
                                                 : "ZSCAN";
    ASSERT(s->call != NULL);
    resp_errorf(s->call->out, "ERR too much to be sorted at once, use %s",
                instead);
    return false;
}

static const struct sort_text *text_at(const struct sort_list *l, uint64_t nth)
{
    ASSERT(nth < sort_list_count(l));
    const struct sort_text *all = (const void *)l->texts.data;
    return &all[nth];
}

struct bytes sort_list_at(const struct sort_list *l, uint64_t nth, bool *there)
{
    const struct sort_text *t = text_at(l, nth);
    ASSERT(t->at + t->len < l->bytes.len);
    *there = t->there;
    return bytes_of(l->bytes.data + t->at, t->len);
}

/* Before a text of so many bytes is copied. */
static bool begin_text(struct sort *s, struct sort_list *l, uint64_t len,
                       bool there)
{
    struct sort_text t = {l->bytes.len, (uint32_t)len, there};
    s->bytes += len + sizeof(t);
    if (s->bytes > CMD_REPLY_BYTES_MAX)
        return too_much(s);
    ASSERT(len <= UINT32_MAX);
    buf_append(&l->texts, &t, sizeof(t));
    return true;
}

static bool add_text(struct sort *s, struct sort_list *l, struct bytes text,
                     bool there)
{
    ASSERT(there || text.len == 0);
    if (!begin_text(s, l, text.len, there))
        return false;
    buf_bytes(&l->bytes, text);
    buf_u8(&l->bytes, 0);
    return true;
}

static bool add_cell(struct sort *s, struct sort_list *l, struct object *o,
                     const struct cell *v)
{
    if (!begin_text(s, l, v->length, true))
        return false;
    size_t end = l->bytes.len + (size_t)v->length;
    cell_read(o, v, &l->bytes);
    ASSERT(l->bytes.len <= end);
    while (l->bytes.len <= end) /* after an error of the store */
        buf_u8(&l->bytes, 0);
    return true;
}

static void list_release(struct sort_list *l)
{
    ASSERT(l->texts.len % sizeof(struct sort_text) == 0);
    buf_release(&l->bytes);
    buf_release(&l->texts);
}

void sort_release(struct sort *s)
{
    ASSERT(s->call != NULL);
    list_release(&s->elements);
    list_release(&s->weights);
    buf_release(&s->order);
    buf_release(&s->key);
}

bool sort_add(struct sort *s, struct bytes element)
{
    return add_text(s, &s->elements, element, true);
}

bool sort_add_cell(struct sort *s, struct object *o, const struct cell *v)
{
    return add_cell(s, &s->elements, o, v);
}

bool sort_count_fits(struct sort *s, uint64_t elements)
{
    return elements <= CMD_SORT_MAX || too_much(s);
}

/* ---- patterns ---- */

struct bytes sort_text_of(struct bytes pattern)
{
    const uint8_t *end =
        pattern.len > 0 ? memchr(pattern.data, 0, pattern.len) : NULL;
    if (end != NULL)
        pattern.len = (size_t)(end - pattern.data);
    return pattern;
}

/* What is behind the first "->" after `from`; none if that is nothing. */
static struct bytes field_of(struct bytes pattern, size_t from)
{
    size_t len = sort_text_of(pattern).len;
    for (size_t i = from; i + 2 < len; i++) {
        if (pattern.data[i] == '-' && pattern.data[i + 1] == '>')
            return bytes_from(pattern, i + 2);
    }
    return BYTES_NONE;
}

static bool take_string(struct sort *s, struct sort_list *out)
{
    struct keyspace *ks = s->call->ks;
    struct value v;
    struct bytes part;
    bool found = keyspace_get(ks, s->call->db, buf_view(&s->key), &v);
    if (!found || v.type != VALUE_STRING)
        return add_text(s, out, BYTES_NONE, false);
    if (!begin_text(s, out, v.length, true))
        return false;
    struct value_range r = keyspace_range(ks, &v, 0, v.length);
    while (keyspace_next(ks, &r, &part))
        buf_bytes(&out->bytes, part);
    ASSERT(r.at == r.end);
    buf_u8(&out->bytes, 0);
    return true;
}

static bool take_field(struct sort *s, struct bytes field,
                       struct sort_list *out)
{
    struct cmd_call *c = s->call;
    struct object *o;
    struct hash h;
    struct cell v;
    enum object_found found =
        object_open(c->ks, c->db, buf_view(&s->key), VALUE_HASH, &o);
    if (found != OBJECT_FOUND) {
        object_close(o);
        return add_text(s, out, BYTES_NONE, false);
    }
    hash_init(&h, o);
    bool ok = field.len <= CMD_MEMBER_MAX && hash_get(&h, field, &v)
                  ? add_cell(s, out, o, &v)
                  : add_text(s, out, BYTES_NONE, false);
    hash_release(&h);
    object_close(o);
    return ok;
}

/* Counts one value that is looked up. */
static bool may_look(struct sort *s)
{
    s->looked++;
    s->named += s->key.len;
    ASSERT(s->looked <= CMD_SORT_MAX + 1);
    if (s->looked > CMD_SORT_MAX || s->named > CMD_ENTRY_BYTES_MAX)
        return too_much(s);
    if (!cmd_entry_full(s->call->ks))
        return true;
    cmd_reply_entry_full(s->call->out);
    return false;
}

bool sort_look_up(struct sort *s, struct bytes pattern, struct bytes element,
                  struct sort_list *out)
{
    struct bytes text = sort_text_of(pattern);
    if (bytes_eq(text, BYTES_LIT("#")))
        return add_text(s, out, element, true);
    const uint8_t *star =
        text.len > 0 ? memchr(text.data, '*', text.len) : NULL;
    if (star == NULL)
        return add_text(s, out, BYTES_NONE, false);
    size_t before = (size_t)(star - pattern.data);
    struct bytes field = field_of(pattern, before + 1);
    struct bytes after = bytes_from(pattern, before + 1);
    if (field.len > 0)
        after.len -= field.len + 2;
    buf_reset(&s->key);
    buf_bytes(&s->key, bytes_of(pattern.data, before));
    buf_bytes(&s->key, element);
    buf_bytes(&s->key, after);
    ASSERT(s->key.len + 1 <= pattern.len + element.len);
    if (!may_look(s))
        return false;
    return field.len > 0 ? take_field(s, field, out) : take_string(s, out);
}

/* ---- order ---- */

static struct sort_item *items(const struct sort *s)
{
    ASSERT(s->order.len % sizeof(struct sort_item) == 0);
    return (struct sort_item *)(void *)s->order.data;
}

struct bytes sort_at(const struct sort *s, uint64_t place)
{
    bool there = false;
    uint64_t nth = s->order.len > 0 ? items(s)[place].nth : place;
    struct bytes element = sort_list_at(&s->elements, nth, &there);
    ASSERT(there);
    return element;
}

/* As Redis reads a weight: strtod() up to the zero behind it. */
static bool score_of(struct bytes text, double *score)
{
    char *end = NULL;
    ASSERT(text.data[text.len] == 0);
    errno = 0;
    *score = strtod((const char *)text.data, &end);
    return *end == '\0' && errno != ERANGE && !isnan(*score);
}

static int compare_weights(const struct sort *s, uint32_t a, uint32_t b)
{
    bool a_there = false;
    bool b_there = false;
    ASSERT(s->alpha && s->by_pattern);
    struct bytes x = sort_list_at(&s->weights, a, &a_there);
    struct bytes y = sort_list_at(&s->weights, b, &b_there);
    if (!a_there || !b_there)
        return (int)a_there - (int)b_there;
    return bytes_cmp(x, y);
}

static int compare(const void *a, const void *b, void *arg)
{
    const struct sort *s = arg;
    const struct sort_item *x = a;
    const struct sort_item *y = b;
    bool there = false;
    int order = 0;
    if (!s->alpha)
        order = (x->score > y->score) - (x->score < y->score);
    else if (s->by_pattern)
        order = compare_weights(s, x->nth, y->nth);
    bool open = s->alpha && s->by_pattern && s->type == VALUE_LIST;
    if (order == 0 && !open)
        order = bytes_cmp(sort_list_at(&s->elements, x->nth, &there),
                          sort_list_at(&s->elements, y->nth, &there));
    if (order != 0)
        return s->descending ? -order : order;
    ASSERT(s->type == VALUE_LIST || x == y || x->nth == y->nth);
    return (x->nth > y->nth) - (x->nth < y->nth);
}

static bool weigh(struct sort *s, uint32_t nth, bool *good, double *score)
{
    bool there = true;
    struct bytes text = sort_list_at(&s->elements, nth, &there);
    *score = 0;
    if (s->by_pattern) {
        if (!sort_look_up(s, s->by, text, &s->weights))
            return false;
        text = sort_list_at(&s->weights, nth, &there);
    }
    ASSERT(!s->by_pattern || sort_list_count(&s->weights) == nth + 1);
    if (!s->alpha && there)
        *good &= score_of(text, score);
    return true;
}

bool sort_order(struct sort *s)
{
    uint64_t count = sort_list_count(&s->elements);
    bool good = true;
    ASSERT(count <= CMD_SORT_MAX && s->order.len == 0);
    for (uint32_t i = 0; i < count; i++) {
        struct sort_item item = {i, 0};
        if (!weigh(s, i, &good, &item.score))
            return false;
        buf_append(&s->order, &item, sizeof(item));
    }
    if (!good) {
        resp_error(s->call->out,
                   "ERR One or more scores can't be converted into double");
        return false;
    }
    if (count > 0)
        qsort_r(s->order.data, count, sizeof(struct sort_item), compare, s);
    return true;
}
