/*
 * BITOP: one string out of others, bit by bit.
 *
 * How it works: page by page. The result goes to pages of its own, which are
 * put under the destination's key at the end; so the destination may be one of
 * the sources. A page of zeros is not written: the result of strings with holes
 * has holes, too. A source drops out at its end; where AND has lost one, there
 * is nothing but zeros.
 *
 * How it fails: with an error reply, and nothing changed. What would look at
 * more than CMD_LOOK_MAX, or write more, is refused before.
 */
#include "base/alloc.h"
#include "cmd/cmd_bits.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "type/bits.h"

struct source {
    struct bytes key;
    struct value value; /* of a plain one: the data are looked up again */
};

struct bitop {
    struct cmd_call *c;
    enum bits_operation op;
    struct source *sources;
    uint32_t count; /* those that go on */
    bool ended;     /* one has ended, or there never was one */
    uint64_t length;
    uint8_t page[KEYSPACE_PAGE_SIZE];
};

static bool parse_operation(const struct cmd_args *a, enum bits_operation *op)
{
    static const char *const words[] = {"and", "or", "xor", "not"};
    ASSERT(a->argc >= 4);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!word_is(a->argv[1], words[i]))
            continue;
        *op = (enum bits_operation)i;
        if (*op != BITS_NOT || a->argc == 4)
            return true;
        resp_error(a->out, "ERR BITOP NOT must be called with a single source "
                           "key.");
        return false;
    }
    reply_syntax(a->out);
    return false;
}

bool cmd_bitop_check(struct cmd_args *a)
{
    enum bits_operation op;
    ASSERT((a->cmd->flags & CMD_WRITE) != 0);
    return parse_operation(a, &op);
}

/* False: one is no string. */
static bool look_up(struct bitop *b)
{
    struct cmd_call *c = b->c;
    for (uint32_t i = 3; i < c->argc; i++) {
        struct source *s = &b->sources[b->count];
        *s = (struct source){.key = c->argv[i]};
        if (!lookup_string(c, s->key, &s->value))
            return false;
        b->length = MAX(b->length, s->value.length);
        b->ended |= s->value.length == 0;
        b->count += s->value.length > 0;
    }
    ASSERT(b->count < c->argc);
    return true;
}

/* What looking at all of them costs; no more than a little over the limit. */
static uint64_t cost(const struct bitop *b)
{
    uint64_t seen = 0;
    struct bytes part;
    for (uint32_t i = 0; i < b->count && seen <= CMD_LOOK_MAX; i++) {
        const struct value *v = &b->sources[i].value;
        if (v->pages.id == 0) {
            seen += v->length;
            continue;
        }
        struct value_range r = keyspace_scan(b->c->ks, v, 0, v->length);
        while (seen + r.seen <= CMD_LOOK_MAX &&
               keyspace_next(b->c->ks, &r, &part))
            ASSERT(part.len > 0);
        seen += r.seen;
    }
    return seen;
}

/* Lengths say it as a rule; only what may have holes is looked at twice. */
static bool too_long(const struct bitop *b)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < b->count; i++)
        sum += b->sources[i].value.length;
    ASSERT(sum >= b->length);
    if (sum <= CMD_LOOK_MAX)
        return false;
    return b->op == BITS_NOT || cost(b) > CMD_LOOK_MAX;
}

/* --- one page ----------------------------------------------------------- */

/* A part of a source, into the page. The first one is what the others are
 * combined with. */
static void take_part(struct bitop *b, size_t at, struct bytes part, bool hole,
                      bool first)
{
    uint8_t *into = b->page + at;
    ASSERT(at + part.len <= sizeof(b->page));
    if (first)
        memcpy(into, part.data, part.len);
    else if (!hole)
        bits_combine(b->op, into, part.data, part.len);
    else if (b->op == BITS_AND)
        memset(into, 0, part.len);
}

static void take_source(struct bitop *b, struct source *s, uint64_t offset,
                        bool first)
{
    struct bytes part;
    size_t at = 0;
    ASSERT(offset % sizeof(b->page) == 0);
    if (s->value.pages.id == 0 && !lookup_string(b->c, s->key, &s->value))
        return; /* the store has an error */
    if (s->value.length <= offset)
        return;
    size_t len = (size_t)MIN(s->value.length - offset, sizeof(b->page));
    struct value_range r = keyspace_scan(b->c->ks, &s->value, offset, len);
    r.once = s->value.length > sizeof(b->page) * 16;
    while (keyspace_next(b->c->ks, &r, &part)) {
        take_part(b, at, part, r.hole, first);
        at += part.len;
    }
    if (b->op == BITS_AND)
        memset(b->page + at, 0, sizeof(b->page) - at);
}

/* Those that have nothing from here on. */
static void drop_ended(struct bitop *b, uint64_t offset)
{
    uint32_t left = 0;
    ASSERT(offset % sizeof(b->page) == 0);
    for (uint32_t i = 0; i < b->count; i++) {
        if (b->sources[i].value.length > offset)
            b->sources[left++] = b->sources[i];
    }
    b->ended |= left < b->count;
    b->count = left;
}

/* The next page of the result, `len` bytes of it. */
static void make_page(struct bitop *b, uint64_t offset, size_t len)
{
    ASSERT(len > 0 && len <= sizeof(b->page));
    memset(b->page, 0, sizeof(b->page));
    drop_ended(b, offset);
    if (b->op == BITS_AND && b->ended)
        return;
    for (uint32_t i = 0; i < b->count; i++)
        take_source(b, &b->sources[i], offset, i == 0);
    if (b->op == BITS_NOT)
        bits_combine(BITS_NOT, b->page, NULL, len);
}

/* --- the result --------------------------------------------------------- */

static bool is_zeros(const uint8_t *p, size_t len)
{
    ASSERT(len > 0);
    return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

static void make_long(struct bitop *b, struct bytes key)
{
    struct keyspace *ks = b->c->ks;
    struct page_owner pages = keyspace_draft(ks, b->c->db);
    ASSERT(b->length > sizeof(b->page));
    for (uint64_t at = 0; at < b->length; at += sizeof(b->page)) {
        size_t len = (size_t)MIN(b->length - at, sizeof(b->page));
        make_page(b, at, len);
        if (!is_zeros(b->page, len))
            keyspace_draft_page(ks, &pages, at / sizeof(b->page),
                                bytes_of(b->page, len));
    }
    keyspace_put_draft(ks, key, &pages, b->length);
}

static void make(struct bitop *b, struct bytes key)
{
    ASSERT(b->length <= CMD_STRING_MAX);
    if (b->length == 0) {
        (void)keyspace_delete(b->c->ks, b->c->db, key);
    } else if (b->length <= sizeof(b->page)) {
        make_page(b, 0, (size_t)b->length);
        put_string(b->c, key, bytes_of(b->page, (size_t)b->length), 0);
    } else {
        make_long(b, key);
    }
    resp_integer(b->c->out, (int64_t)b->length);
}

void cmd_bitop_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    enum bits_operation op;
    if (!parse_operation(&a, &op))
        return;
    struct bitop *b = mem_zalloc(sizeof(*b));
    b->c = c;
    b->op = op;
    b->sources = mem_alloc((c->argc - 3) * sizeof(*b->sources));
    if (!look_up(b))
        ASSERT(c->argc > 3); /* answered */
    else if (too_long(b))
        reply_too_long(c, "BITOP", "GETRANGE gives parts of a string");
    else
        make(b, c->argv[2]);
    mem_free(b->sources);
    mem_free(b);
}
