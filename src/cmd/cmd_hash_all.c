/*
 * Many fields of a hash: HGETALL and its family, HRANDFIELD, HSCAN.
 *
 * How it fails: with an error reply; a reply that becomes too long is taken
 * back. Nothing here changes a hash.
 */
#include "base/alloc.h"
#include "cmd/cmd_collection.h"
#include "cmd/cmd_hash.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "type/sample.h"

#include <inttypes.h>

#define INSTEAD "HSCAN"

/* What is told of each field. */
enum told { TOLD_FIELDS = 1, TOLD_VALUES = 2, TOLD_BOTH = 3 };

/* False: nothing more is to be told. */
static bool tell(struct long_reply *r, struct hash *h, enum told told,
                 struct bytes field, const struct cell *value)
{
    struct cmd_call *c = r->call;
    ASSERT(told >= TOLD_FIELDS && told <= TOLD_BOTH);
    uint64_t bytes = (told & TOLD_FIELDS) ? field.len : 0;
    bytes += (told & TOLD_VALUES) ? value->length : 0;
    if (!long_reply_add(r, bytes, INSTEAD))
        return false;
    if (told & TOLD_FIELDS)
        resp_bulk(c->out, field);
    if (told & TOLD_VALUES)
        reply_cell(c, h->o, value);
    return true;
}

/* --- HGETALL, HKEYS, HVALS ---------------------------------------------- */

/* Reading a long value ends what was borrowed of the hash, but not what the
 * walk has: it is at a copy. */
static void tell_all(struct long_reply *r, struct hash *h, enum told told)
{
    struct hash_walk w;
    struct bytes field;
    struct cell value;
    hash_walk_init(&w, h);
    while (hash_walk_next(&w, &field, &value) &&
           tell(r, h, told, field, &value))
        continue;
    hash_walk_release(&w);
}

static void all(struct cmd_call *c, enum told told)
{
    struct hash h;
    struct long_reply r;
    ASSERT(c->argc == 2);
    if (!open_hash(c, &h))
        return;
    long_reply_begin(&r, c);
    if (told == TOLD_BOTH)
        resp_map(c->out, hash_count(&h));
    else
        resp_array(c->out, hash_count(&h));
    tell_all(&r, &h, told);
    close_hash(&h);
}

void cmd_hgetall_run(struct cmd_call *c)
{
    ASSERT(c->cmd->id == CMD_ID_HGETALL);
    all(c, TOLD_BOTH);
}

void cmd_hkeys_run(struct cmd_call *c)
{
    ASSERT(c->cmd->id == CMD_ID_HKEYS);
    all(c, TOLD_FIELDS);
}

void cmd_hvals_run(struct cmd_call *c)
{
    ASSERT(c->cmd->id == CMD_ID_HVALS);
    all(c, TOLD_VALUES);
}

/* --- HRANDFIELD --------------------------------------------------------- */

struct choice {
    bool counted; /* COUNT was given */
    bool again;   /* a field may come more than once */
    uint64_t count;
    enum told told;
};

static bool parse_choice(const struct cmd_args *a, struct choice *out)
{
    int64_t count = 0;
    *out = (struct choice){.count = 1, .told = TOLD_FIELDS};
    if (a->argc == 2)
        return true;
    if (!parse_integer(a->out, a->argv[2], &count))
        return false;
    if (count == INT64_MIN) {
        resp_errorf(a->out,
                    "ERR value is out of range, value must between %" PRId64
                    " and %" PRId64,
                    -INT64_MAX, INT64_MAX);
        return false;
    }
    if (a->argc > 4 || (a->argc == 4 && !word_is(a->argv[3], "withvalues"))) {
        reply_syntax(a->out);
        return false;
    }
    if (a->argc == 4) {
        out->told = TOLD_BOTH;
        if (count < -INT64_MAX / 2 || count > INT64_MAX / 2) {
            resp_error(a->out, "ERR value is out of range");
            return false;
        }
    }
    out->counted = true;
    out->again = count < 0;
    out->count = (uint64_t)(count < 0 ? -count : count);
    ASSERT(out->count <= INT64_MAX);
    return true;
}

bool cmd_hrandfield_check(struct cmd_args *a)
{
    struct choice choice;
    ASSERT(a->argc >= 2);
    return parse_choice(a, &choice);
}

static void reply_one(struct cmd_call *c, struct hash *h)
{
    uint64_t rng = c->seed;
    struct bytes field;
    struct cell value;
    if (hash_count(h) > 0 &&
        hash_nth(h, sample_below(&rng, hash_count(h)), &field, &value))
        resp_bulk(c->out, field);
    else
        resp_null(c->out);
}

/* In RESP3 a field and its value are a pair of their own. */
static bool tell_chosen(struct long_reply *r, struct hash *h, enum told told,
                        uint64_t nth)
{
    struct bytes field;
    struct cell value;
    ASSERT(nth < hash_count(h));
    if (!hash_nth(h, nth, &field, &value))
        return false;
    if (told == TOLD_BOTH && r->call->out->protocol == 3)
        resp_array(r->call->out, 2);
    return tell(r, h, told, field, &value);
}

static void choose(struct cmd_call *c, struct hash *h, const struct choice *o)
{
    uint64_t rng = c->seed;
    uint64_t n = hash_count(h);
    uint64_t k = o->again ? o->count : MIN(o->count, n);
    struct long_reply r;
    if (n == 0)
        k = 0;
    if (!long_reply_count(c, k, INSTEAD))
        return;
    long_reply_begin(&r, c);
    resp_array(c->out,
               o->told == TOLD_BOTH && c->out->protocol == 2 ? 2 * k : k);
    uint64_t *chosen = NULL;
    ASSERT(o->again || k <= n);
    if (!o->again && k > 0) {
        chosen = mem_alloc((size_t)k * sizeof(*chosen));
        sample_distinct(&rng, n, k, chosen);
    }
    for (uint64_t i = 0; i < k; i++) {
        uint64_t nth = o->again ? sample_below(&rng, n) : chosen[i];
        if (!tell_chosen(&r, h, o->told, nth))
            break;
    }
    mem_free(chosen);
}

void cmd_hrandfield_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct choice choice;
    struct hash h;
    if (!parse_choice(&a, &choice) || !open_hash(c, &h))
        return;
    if (choice.counted)
        choose(c, &h, &choice);
    else
        reply_one(c, &h);
    close_hash(&h);
}

/* --- HSCAN -------------------------------------------------------------- */

bool cmd_hscan_check(struct cmd_args *a)
{
    uint64_t cursor = 0;
    ASSERT(a->argc >= 3);
    return parse_scan_cursor(a, 2, &cursor);
}

struct scan {
    uint64_t cursor;
    uint64_t told;  /* elements of the reply */
    uint64_t bytes; /* of what they have */
};

/* What is packed is told at once, or not at all. */
static bool too_much(const struct hash *h, const struct scan *s)
{
    ASSERT(s->told % 2 == 0);
    return packed_is(h->o) && s->bytes > CMD_REPLY_BYTES_MAX;
}

static void scan(struct cmd_call *c, struct hash *h,
                 const struct scan_options *o, struct scan *s)
{
    struct packed_scan p;
    struct bytes field;
    struct bytes stored;
    struct cell value;
    packed_scan_init(&p, h->o, s->cursor, o->count);
    while (packed_scan_next(&p, &field, &stored)) {
        if (!scan_wants(o, field) || !hash_decode(h, stored, &value))
            continue;
        s->bytes += field.len + value.length;
        if (too_much(h, s))
            break;
        resp_bulk(c->out, field);
        reply_cell(c, h->o, &value);
        s->told += 2;
        ASSERT(p.count <= o->count);
        if (s->bytes > CMD_REPLY_BYTES_MAX)
            p.count = 0; /* the rest next time */
    }
    s->cursor = p.cursor;
    packed_scan_release(&p);
}

/* How many there are is known at the end, and told at the beginning. */
static void reply_scan(struct cmd_call *c, struct hash *h,
                       const struct scan_options *o, uint64_t cursor)
{
    struct scan s = {.cursor = cursor};
    struct buf found = BUF_INIT;
    struct resp_writer inner = *c->out;
    struct resp_writer *outer = c->out;
    inner.out = outer->out != NULL ? &found : NULL;
    c->out = &inner;
    scan(c, h, o, &s);
    c->out = outer;
    outer->over |= inner.over;
    if (too_much(h, &s)) {
        resp_error(c->out, "ERR reply too large, use HKEYS and HGET");
    } else {
        resp_array(c->out, 2);
        resp_bulkf(c->out, "%" PRIu64, s.cursor);
        resp_array(c->out, s.told);
        resp_raw(c->out, buf_view(&found));
    }
    buf_release(&found);
}

/* Redis looks at the options only if there is a hash. */
void cmd_hscan_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct scan_options o;
    struct hash h;
    uint64_t cursor = 0;
    if (!parse_scan_cursor(&a, 2, &cursor) || !open_hash(c, &h))
        return;
    if (!h.o->exists)
        reply_scan_none(c);
    else if (parse_scan_options(&a, 3, &o))
        reply_scan(c, &h, &o, cursor);
    close_hash(&h);
}
