/*
 * LCS: the longest common subsequence of two strings.
 *
 * How it fails: with an error reply. The table of the lengths may have
 * TABLE_MAX bytes, which is 16 million pairs of bytes and holds up the loop for
 * less than a tenth of a second; Redis refuses what proto-max-bulk-len is too
 * small for, in the same words.
 */
#include "base/alloc.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "type/lcs.h"

#define TABLE_MAX (64 * 1024 * 1024)

struct lcs_options {
    bool len, idx, with_length;
    int64_t least; /* parts that are shorter are not told */
};

static bool parse_lcs(struct cmd_call *c, struct lcs_options *o)
{
    *o = (struct lcs_options){.least = 0};
    ASSERT(c->argc >= 3);
    for (uint32_t i = 3; i < c->argc; i++) {
        struct bytes word = c->argv[i];
        if (word_is(word, "idx")) {
            o->idx = true;
        } else if (word_is(word, "len")) {
            o->len = true;
        } else if (word_is(word, "withmatchlen")) {
            o->with_length = true;
        } else if (word_is(word, "minmatchlen") && i + 1 < c->argc) {
            if (!parse_integer(c->out, c->argv[++i], &o->least))
                return false;
        } else {
            reply_syntax(c->out);
            return false;
        }
    }
    if (!o->len || !o->idx)
        return true;
    resp_error(c->out, "ERR If you want both the length and indexes, please "
                       "just use IDX.");
    return false;
}

static uint32_t length_of(const struct lcs_match *m)
{
    ASSERT(m->a_end - m->a_start == m->b_end - m->b_start);
    return m->a_end - m->a_start + 1;
}

static void reply_pair(struct cmd_call *c, uint32_t first, uint32_t last)
{
    ASSERT(first <= last);
    resp_array(c->out, 2);
    resp_integer(c->out, first);
    resp_integer(c->out, last);
}

static void reply_matches(struct cmd_call *c, struct lcs *l,
                          const struct lcs_options *o)
{
    struct lcs_match m;
    size_t count = 0;
    while (lcs_next(l, &m))
        count += length_of(&m) >= o->least;
    resp_map(c->out, 2);
    resp_bulk_str(c->out, "matches");
    resp_array(c->out, count);
    lcs_rewind(l);
    while (lcs_next(l, &m)) {
        if (length_of(&m) < o->least)
            continue;
        resp_array(c->out, o->with_length ? 3 : 2);
        reply_pair(c, m.a_start, m.a_end);
        reply_pair(c, m.b_start, m.b_end);
        if (o->with_length)
            resp_integer(c->out, length_of(&m));
    }
    resp_bulk_str(c->out, "len");
    resp_integer(c->out, l->length);
    ASSERT(count <= l->length);
}

static void reply_string(struct cmd_call *c, struct lcs *l)
{
    uint8_t *text = mem_alloc(MAX(l->length, 1));
    size_t at = l->length;
    struct lcs_match m;
    while (lcs_next(l, &m)) {
        uint32_t length = length_of(&m);
        ASSERT(length <= at);
        at -= length;
        memcpy(text + at, l->a.data + m.a_start, length);
    }
    ASSERT(at == 0);
    resp_bulk(c->out, bytes_of(text, l->length));
    mem_free(text);
}

static void reply(struct cmd_call *c, struct bytes a, struct bytes b,
                  const struct lcs_options *o)
{
    struct lcs l;
    ASSERT(lcs_memory(a.len, b.len) <= TABLE_MAX);
    lcs_init(&l, a, b);
    if (o->idx)
        reply_matches(c, &l, o);
    else if (o->len)
        resp_integer(c->out, l.length);
    else
        reply_string(c, &l);
    lcs_release(&l);
}

/* A copy, for the value is borrowed until the next look-up. */
static void copy(struct cmd_call *c, struct bytes key, struct buf *out)
{
    struct value v;
    struct bytes part;
    if (!keyspace_get(c->ks, c->db, key, &v))
        return;
    ASSERT(v.type == VALUE_STRING);
    struct value_range r = keyspace_range(c->ks, &v, 0, v.length);
    while (keyspace_next(c->ks, &r, &part))
        buf_bytes(out, part);
}

static bool look_up(struct cmd_call *c, uint64_t lengths[2])
{
    for (uint32_t i = 0; i < 2; i++) {
        struct value v;
        bool found = keyspace_get(c->ks, c->db, c->argv[i + 1], &v);
        lengths[i] = found ? v.length : 0;
        if (found && v.type != VALUE_STRING) {
            resp_error(c->out, "ERR The specified keys must contain string "
                               "values");
            return false;
        }
    }
    ASSERT(lengths[0] <= CMD_STRING_MAX && lengths[1] <= CMD_STRING_MAX);
    return true;
}

void cmd_lcs_run(struct cmd_call *c)
{
    struct lcs_options o;
    uint64_t lengths[2];
    struct buf a = BUF_INIT, b = BUF_INIT;
    if (!look_up(c, lengths) || !parse_lcs(c, &o))
        return;
    if (lcs_memory(lengths[0], lengths[1]) > TABLE_MAX) {
        resp_error(c->out, "ERR Insufficient memory, transient memory for LCS "
                           "exceeds proto-max-bulk-len");
        return;
    }
    copy(c, c->argv[1], &a);
    copy(c, c->argv[2], &b);
    ASSERT(a.len == lengths[0] || keyspace_error(c->ks) != 0);
    reply(c, buf_view(&a), buf_view(&b), &o);
    buf_release(&a);
    buf_release(&b);
}
