/*
 * How it works: arrays that are moved by one when something goes in or out.
 * The hash of what has no order is a sum over its elements, else a chain.
 */
#include "check/fold_coll.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdio.h>

#define NIL BYTES_LIT("(nil)")

struct fold_coll *fold_coll_new(enum fold_type type)
{
    struct fold_coll *c = mem_zalloc(sizeof(*c));

    ASSERT(type != FOLD_STRING);
    c->type = type;
    return c;
}

static void group_release(struct fold_group *g)
{
    for (size_t i = 0; i < g->count; i++)
        buf_release(&g->pending[i].consumer);
    mem_free(g->pending);
    buf_release(&g->name);
}

void fold_coll_free(struct fold_coll *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++) {
        buf_release(&c->items[i].name);
        buf_release(&c->items[i].value);
    }
    for (size_t i = 0; i < c->group_count; i++)
        group_release(&c->groups[i]);
    mem_free(c->items);
    mem_free(c);
}

struct fold_coll *fold_coll_copy(const struct fold_coll *c)
{
    struct fold_coll *copy = fold_coll_new(c->type);

    ASSERT(c->group_count == 0);
    for (size_t i = 0; i < c->count; i++) {
        struct fold_item *to = fold_insert(copy, i);
        buf_bytes(&to->name, buf_view(&c->items[i].name));
        buf_bytes(&to->value, buf_view(&c->items[i].value));
        to->score = c->items[i].score;
        to->expire_ms = c->items[i].expire_ms;
        to->id = c->items[i].id;
    }
    copy->last = c->last;
    return copy;
}

size_t fold_find(const struct fold_coll *c, struct bytes name)
{
    for (size_t i = 0; c && i < c->count; i++)
        if (bytes_eq(buf_view(&c->items[i].name), name))
            return i;
    return FOLD_NOT_THERE;
}

struct fold_item *fold_insert(struct fold_coll *c, size_t at)
{
    ASSERT(at <= c->count);
    if (c->count == c->cap) {
        c->cap = MAX(c->cap * 2, 16);
        c->items = mem_realloc(c->items, c->cap * sizeof(c->items[0]));
    }
    memmove(&c->items[at + 1], &c->items[at],
            (c->count - at) * sizeof(c->items[0]));
    c->items[at] = (struct fold_item){.name = BUF_INIT, .value = BUF_INIT};
    c->count++;
    return &c->items[at];
}

void fold_remove(struct fold_coll *c, size_t at)
{
    ASSERT(at < c->count);
    buf_release(&c->items[at].name);
    buf_release(&c->items[at].value);
    c->count--;
    memmove(&c->items[at], &c->items[at + 1],
            (c->count - at) * sizeof(c->items[0]));
}

void fold_place(struct fold_coll *c, struct bytes name, int64_t score)
{
    size_t at = 0;

    while (at < c->count &&
           (c->items[at].score < score ||
            (c->items[at].score == score &&
             bytes_cmp(buf_view(&c->items[at].name), name) < 0)))
        at++;
    struct fold_item *to = fold_insert(c, at);
    buf_bytes(&to->name, name);
    to->score = score;
}

int64_t fold_due_ms(const struct fold_coll *c)
{
    int64_t first_ms = 0;

    for (size_t i = 0; c && i < c->count; i++) {
        int64_t ms = c->items[i].expire_ms;
        if (ms > 0 && (first_ms == 0 || ms < first_ms))
            first_ms = ms;
    }
    return first_ms;
}

/* --- words ---------------------------------------------------------------- */

void fold_word_add(struct fold_words *w, struct bytes word)
{
    if (w->count == w->cap) {
        w->cap = MAX(w->cap * 2, 64);
        w->list = mem_realloc(w->list, w->cap * sizeof(w->list[0]));
    }
    w->list[w->count++] = word;
}

void fold_words_release(struct fold_words *w)
{
    mem_free(w->list);
    *w = (struct fold_words){.list = NULL};
}

/* A line without its end; false: it has none. */
static bool take_line(struct bytes *reply, struct bytes *line)
{
    for (size_t i = 0; i + 1 < reply->len; i++) {
        if (reply->data[i] != '\r' || reply->data[i + 1] != '\n')
            continue;
        *line = bytes_of(reply->data, i);
        *reply = bytes_from(*reply, i + 2);
        return true;
    }
    return false;
}

static bool take_bulk(struct bytes *reply, struct bytes line,
                      struct fold_words *out)
{
    size_t len = 0;

    for (size_t i = 0; i < line.len; i++)
        len = len * 10 + (size_t)(line.data[i] - '0');
    if (reply->len < len + 2)
        return false;
    fold_word_add(out, bytes_of(reply->data, len));
    *reply = bytes_from(*reply, len + 2);
    return true;
}

bool fold_words_of(struct bytes reply, struct fold_words *out)
{
    struct bytes line;

    while (reply.len > 0) {
        if (!take_line(&reply, &line) || line.len == 0)
            return false;
        uint8_t mark = line.data[0];
        line = bytes_from(line, 1);
        bool none = mark == '_' || (line.len > 0 && line.data[0] == '-');
        if (none && (mark == '_' || mark == '$' || mark == '*'))
            fold_word_add(out, NIL);
        else if (mark == '$' && !take_bulk(&reply, line, out))
            return false;
        else if (mark == '-' || mark == '+' || mark == ':' || mark == ',')
            fold_word_add(out, line);
        else if (mark != '$' && mark != '*' && mark != '%' && mark != '~')
            return false;
    }
    return true;
}

size_t fold_unordered(struct bytes command)
{
    if (bytes_eq(command, BYTES_LIT("hgetall")))
        return 2;
    return bytes_eq(command, BYTES_LIT("smembers"));
}

/* One element as a number. */
static uint64_t element_hash(const struct bytes *words, size_t count)
{
    uint64_t h = 0;

    for (size_t i = 0; i < count; i++)
        h = hash64_seed(words[i], h * 31 + 1);
    return h;
}

static uint64_t words_hash(const struct fold_words *w, size_t element)
{
    uint64_t h = 0;

    for (size_t i = 0; i < w->count; i += MAX(element, 1)) {
        size_t count = MIN(MAX(element, 1), w->count - i);
        uint64_t one = element_hash(w->list + i, count);
        h = element > 0 ? h + one : h * UINT64_C(0x9fb21c651e98df25) + one;
    }
    return h;
}

bool fold_same_words(struct bytes command, struct bytes a, struct bytes b)
{
    struct fold_words x = {.list = NULL};
    struct fold_words y = {.list = NULL};
    size_t element = fold_unordered(command);
    bool same = fold_words_of(a, &x) && fold_words_of(b, &y) &&
                x.count == y.count &&
                words_hash(&x, element) == words_hash(&y, element);

    fold_words_release(&x);
    fold_words_release(&y);
    return same;
}

uint64_t fold_words_hash(enum fold_type type, const struct fold_words *w)
{
    return words_hash(w, type == FOLD_HASH ? 2 : type == FOLD_SET ? 1 : 0);
}

/* The words of one item, as the reply has them; text is for numbers. */
static void item_words(const struct fold_coll *c, const struct fold_item *i,
                       struct fold_words *w, char text[48])
{
    struct bytes name = buf_view(&i->name);
    struct bytes value = buf_view(&i->value);

    if (c->type == FOLD_STREAM)
        snprintf(text, 48, "%llu-%llu", (unsigned long long)i->id.ms,
                 (unsigned long long)i->id.seq);
    else
        snprintf(text, 48, "%lld", (long long)i->score);
    if (c->type == FOLD_STREAM)
        fold_word_add(w, bytes_str(text));
    if (c->type != FOLD_LIST)
        fold_word_add(w, name);
    if (c->type != FOLD_SET && c->type != FOLD_ZSET)
        fold_word_add(w, value);
    if (c->type == FOLD_ZSET)
        fold_word_add(w, bytes_str(text));
}

uint64_t fold_coll_hash(const struct fold_coll *c)
{
    struct fold_words w = {.list = NULL};
    char(*texts)[48] = mem_alloc((c->count + 1) * sizeof(*texts));

    for (size_t i = 0; i < c->count; i++)
        item_words(c, &c->items[i], &w, texts[i]);
    uint64_t h = fold_words_hash(c->type, &w);
    mem_free(texts);
    fold_words_release(&w);
    return h;
}
