/*
 * Operations in one growing array, texts in one growing buffer with a hash
 * table of their numbers (linear probing, at most half full). Texts are never
 * removed. Nothing here fails but by running out of memory.
 */
#include "check/history.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <string.h>

#define SLOTS_MIN ((size_t)64)

struct history_text {
    uint64_t offset; /* in data */
    uint32_t len;
    uint32_t hash; /* its upper half, to skip most comparisons */
};

void history_init(struct history *h)
{
    memset(h, 0, sizeof(*h));
    h->data = BUF_INIT;
}

void history_release(struct history *h)
{
    mem_free(h->ops);
    mem_free(h->texts);
    mem_free(h->slots);
    buf_release(&h->data);
    history_init(h);
}

/* --- texts -------------------------------------------------------------- */

struct bytes history_text(const struct history *h, uint32_t id)
{
    ASSERT(id > 0 && id <= h->text_count);
    const struct history_text *t = &h->texts[id - 1];
    ASSERT(t->offset + t->len <= h->data.len);
    if (t->len == 0)
        return BYTES_NONE;
    return bytes_of(h->data.data + t->offset, t->len);
}

/* The slot of the text, or the empty one where it belongs. */
static size_t slot_find(const struct history *h, uint64_t hash,
                        struct bytes text)
{
    ASSERT(h->slot_cap > h->text_count);
    size_t mask = h->slot_cap - 1;
    size_t at = (size_t)hash & mask;
    for (; h->slots[at] != 0; at = (at + 1) & mask) {
        const struct history_text *t = &h->texts[h->slots[at] - 1];
        if (t->hash == (uint32_t)(hash >> 32) && t->len == text.len &&
            bytes_eq(history_text(h, h->slots[at]), text))
            break;
    }
    return at;
}

static void slots_grow(struct history *h)
{
    size_t cap = MAX(SLOTS_MIN, 2 * h->slot_cap);
    ASSERT(cap > 2 * (size_t)h->text_count);
    mem_free(h->slots);
    h->slots = mem_zalloc(cap * sizeof(*h->slots));
    h->slot_cap = cap;
    for (uint32_t id = 1; id <= h->text_count; id++) {
        size_t at = (size_t)hash64(history_text(h, id)) & (cap - 1);
        while (h->slots[at] != 0)
            at = (at + 1) & (cap - 1);
        h->slots[at] = id;
    }
}

uint32_t history_intern(struct history *h, struct bytes text)
{
    ASSERT(text.len <= UINT32_MAX);
    if (2 * ((size_t)h->text_count + 1) >= h->slot_cap)
        slots_grow(h);
    uint64_t hash = hash64(text);
    size_t at = slot_find(h, hash, text);
    if (h->slots[at] != 0)
        return h->slots[at];

    ASSERT(h->text_count < UINT32_MAX / 2);
    if (h->text_count == h->text_cap) {
        h->text_cap = MAX(64u, 2 * h->text_cap);
        h->texts = mem_realloc(h->texts, h->text_cap * sizeof(*h->texts));
    }
    h->texts[h->text_count++] = (struct history_text){
        h->data.len, (uint32_t)text.len, (uint32_t)(hash >> 32)};
    buf_bytes(&h->data, text);
    h->slots[at] = h->text_count;
    return h->text_count;
}

/* --- operations --------------------------------------------------------- */

bool history_kind_reads(enum history_kind kind)
{
    ASSERT((unsigned)kind < HISTORY_KINDS);
    return kind == HISTORY_GET || kind == HISTORY_EXISTS ||
           kind == HISTORY_STRLEN || kind == HISTORY_LLEN ||
           kind == HISTORY_LRANGE;
}

bool history_kind_pushes(enum history_kind kind)
{
    ASSERT((unsigned)kind < HISTORY_KINDS);
    return kind == HISTORY_RPUSH || kind == HISTORY_LPUSH ||
           kind == HISTORY_XADD;
}

bool history_kind_of_list(enum history_kind kind)
{
    ASSERT((unsigned)kind < HISTORY_KINDS);
    return kind >= HISTORY_RPUSH;
}

const char *history_kind_word(enum history_kind kind)
{
    static const char *const words[] = {
#define X(name, word, args) word,
        HISTORY_KIND_TABLE(X)
#undef X
    };
    ASSERT((unsigned)kind < ARRAY_LEN(words));
    return words[kind];
}

unsigned history_kind_args(enum history_kind kind)
{
    static const uint8_t args_of[] = {
#define X(name, word, args) args,
        HISTORY_KIND_TABLE(X)
#undef X
    };
    ASSERT((unsigned)kind < ARRAY_LEN(args_of));
    return args_of[kind];
}

static bool needs_value(unsigned kind)
{
    return kind == HISTORY_SET || kind == HISTORY_SETNX ||
           kind == HISTORY_CAS || kind == HISTORY_APPEND ||
           kind == HISTORY_GETSET || kind == HISTORY_PUT ||
           history_kind_pushes((enum history_kind)kind);
}

static const char *reply_error(const struct history *h,
                               const struct history_op *op)
{
    bool ok = op->outcome == HISTORY_OK;
    if (op->reply > REPLY_ERROR)
        return "unknown reply";
    if (ok != (op->reply != REPLY_NONE))
        return "a reply belongs to outcome ok, and to it only";
    if (ok != (op->ret != HISTORY_NEVER) && op->outcome != HISTORY_FAIL)
        return "a time of return belongs to a known outcome";
    if (op->ret < op->invoke)
        return "returned before it was invoked";
    if ((op->reply == REPLY_TEXT) != (op->text != 0))
        return "a text belongs to a text reply";
    if (op->text > h->text_count)
        return "no such text";
    return NULL;
}

const char *history_op_error(const struct history *h,
                             const struct history_op *op)
{
    if (op->kind >= HISTORY_KINDS)
        return "unknown operation";
    if (op->outcome > HISTORY_FAIL)
        return "unknown outcome";
    if (op->key == 0 || op->key > h->text_count)
        return "no such key";
    if (needs_value(op->kind) != (op->value != 0) || op->value > h->text_count)
        return "value missing, or too many";
    bool compares = op->kind == HISTORY_CAS || op->kind == HISTORY_CAD;
    if (compares != (op->expected != 0) || op->expected > h->text_count)
        return "expected value missing, or too many";
    if (history_kind_pushes((enum history_kind)op->kind) &&
        memchr(history_text(h, op->value).data, '\n',
               history_text(h, op->value).len) != NULL)
        return "an element with a newline";
    if (op->kind != HISTORY_INCRBY && op->increment != 0)
        return "increment without incrby";
    if (op->place > PLACE_READ)
        return "unknown place";
    if (op->place != PLACE_LOG && op->pos != 0)
        return "position without an entry";
    if (op->place == PLACE_READ && !history_kind_reads(op->kind))
        return "only a read has a read index";
    return reply_error(h, op);
}

void history_add(struct history *h, const struct history_op *op)
{
    ASSERT(history_op_error(h, op) == NULL);
    ASSERT(h->count < HISTORY_OPS_MAX);
    if (h->count == h->cap) {
        h->cap = MAX((size_t)64, 2 * h->cap);
        h->ops = mem_realloc(h->ops, h->cap * sizeof(*h->ops));
    }
    h->ops[h->count++] = *op;
}
