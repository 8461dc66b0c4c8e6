/*
 * Bits of strings: SETBIT, GETBIT, BITCOUNT, BITPOS. Of a long string only the
 * pages are touched that the bits are in.
 *
 * How it fails: with an error reply, and nothing changed. BITCOUNT and BITPOS
 * look at their arguments only if the key exists, and some of them not even
 * then, as in Redis. What would look at more than CMD_LOOK_MAX is refused.
 */
#include "cmd/cmd_bits.h"

#include "base/num.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "type/bits.h"

/* --- shared ------------------------------------------------------------- */

bool parse_bit_offset(struct resp_writer *w, struct bytes text,
                      uint8_t field_bits, uint64_t *offset)
{
    int64_t number = 0;
    bool fields = field_bits > 0 && text.len > 0 && text.data[0] == '#';
    bool ok =
        num_parse_i64(bytes_from(text, fields), &number) &&
        !__builtin_mul_overflow(number, fields ? field_bits : 1, &number) &&
        number >= 0 && number / 8 < CMD_STRING_MAX;
    if (!ok)
        resp_error(w, "ERR bit offset is not an integer or out of range");
    *offset = (uint64_t)number;
    ASSERT(!ok || *offset / 8 < CMD_STRING_MAX);
    return ok;
}

void read_window(struct cmd_call *c, const struct value *v, uint64_t first,
                 uint8_t *out, size_t len)
{
    struct bytes part;
    memset(out, 0, len);
    if (first >= v->length)
        return;
    struct value_range r =
        keyspace_scan(c->ks, v, first, MIN(len, v->length - first));
    while (keyspace_next(c->ks, &r, &part)) {
        ASSERT(part.len <= len);
        memcpy(out, part.data, part.len);
        out += part.len;
        len -= part.len;
    }
}

/* --- one bit ------------------------------------------------------------ */

static bool parse_setbit(const struct cmd_args *a, uint64_t *offset, bool *bit)
{
    int64_t value = 0;
    ASSERT(a->argc == 4);
    if (!parse_bit_offset(a->out, a->argv[2], 0, offset))
        return false;
    bool ok = num_parse_i64(a->argv[3], &value) && (value == 0 || value == 1);
    if (!ok)
        resp_error(a->out, "ERR bit is not an integer or out of range");
    *bit = value == 1;
    return ok;
}

bool cmd_setbit_check(struct cmd_args *a)
{
    uint64_t offset = 0;
    bool bit = false;
    ASSERT((a->cmd->flags & CMD_WRITE) != 0);
    return parse_setbit(a, &offset, &bit);
}

void cmd_setbit_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    uint64_t offset = 0;
    bool bit = false;
    uint8_t byte = 0;
    struct value v;
    if (!parse_setbit(&a, &offset, &bit) || !lookup_string(c, c->argv[1], &v))
        return;
    uint8_t mask = (uint8_t)(0x80u >> offset % 8);
    read_window(c, &v, offset / 8, &byte, 1);
    bool old = (byte & mask) != 0;
    if (old != bit || offset / 8 >= v.length) {
        byte = (uint8_t)(bit ? byte | mask : byte & ~mask);
        keyspace_overwrite(c->ks, c->db, c->argv[1], offset / 8,
                           bytes_of(&byte, 1));
    }
    ASSERT(offset / 8 < CMD_STRING_MAX);
    resp_integer(c->out, old);
}

void cmd_getbit_run(struct cmd_call *c)
{
    uint64_t offset = 0;
    uint8_t byte = 0;
    struct value v;
    ASSERT(c->argc == 3);
    if (!parse_bit_offset(c->out, c->argv[2], 0, &offset) ||
        !lookup_string(c, c->argv[1], &v))
        return;
    read_window(c, &v, offset / 8, &byte, 1);
    ASSERT(offset / 8 < v.length || byte == 0);
    resp_integer(c->out, byte >> (7 - offset % 8) & 1);
}

/* --- ranges ------------------------------------------------------------- */

/* Bits from one up to and with another; none if first > last. */
struct bit_range {
    int64_t first, last;
};

/* Numbers of bytes or bits, which count from the end if negative, as numbers of
 * bits within the string. */
static struct bit_range bit_range(const struct value *v, int64_t start,
                                  int64_t end, bool bits)
{
    int64_t length = (int64_t)v->length * (bits ? 8 : 1);
    ASSERT(v->length <= INT64_MAX / 8);
    start = MAX(start < 0 ? start + length : start, 0);
    end = MIN(MAX(end < 0 ? end + length : end, 0), length - 1);
    if (start > end)
        return (struct bit_range){0, -1};
    if (bits)
        return (struct bit_range){start, end};
    return (struct bit_range){start * 8, end * 8 + 7};
}

/* The word that says in what start and end are counted. */
static bool parse_unit(struct cmd_call *c, struct bytes word, bool *bits)
{
    ASSERT(c->argc >= 5);
    *bits = word_is(word, "bit");
    if (*bits || word_is(word, "byte"))
        return true;
    reply_syntax(c->out);
    return false;
}

/* The bytes of a range, with those at its ends that have bits of it. */
static struct value_range scan(struct cmd_call *c, const struct value *v,
                               const struct bit_range *r)
{
    uint64_t first = (uint64_t)r->first / 8;
    ASSERT(r->first >= 0 && r->first <= r->last);
    return keyspace_scan(c->ks, v, first, (uint64_t)r->last / 8 - first + 1);
}

/* How many of the bits of a byte are set that are before the range. */
static uint64_t set_before(struct bytes part, int64_t first)
{
    ASSERT(part.len > 0 && first >= 0);
    uint8_t byte = (uint8_t)(part.data[0] & ~(0xffu >> first % 8));
    return bits_count(bytes_of(&byte, 1));
}

static uint64_t set_after(struct bytes part, int64_t last)
{
    ASSERT(part.len > 0 && last >= 0);
    uint8_t byte = (uint8_t)(part.data[part.len - 1] & (0x7fu >> last % 8));
    return bits_count(bytes_of(&byte, 1));
}

/* -1: that is too much to look at. */
static int64_t count_range(struct cmd_call *c, const struct value *v,
                           const struct bit_range *range)
{
    struct value_range r = scan(c, v, range);
    uint64_t first = r.at;
    uint64_t n = 0;
    struct bytes part;
    while (keyspace_next(c->ks, &r, &part)) {
        if (r.seen > CMD_LOOK_MAX)
            return -1;
        if (r.hole)
            continue;
        n += bits_count(part);
        if (r.at - part.len == first)
            n -= set_before(part, range->first);
        if (r.at == r.end)
            n -= set_after(part, range->last);
    }
    ASSERT(n <= (uint64_t)(range->last - range->first) + 1);
    return (int64_t)n;
}

/* False: the answer has been written. */
static bool parse_bitcount(struct cmd_call *c, const struct value *v,
                           struct bit_range *out)
{
    int64_t start = 0;
    int64_t end = -1;
    bool bits = false;
    ASSERT(v->type == VALUE_STRING);
    if (c->argc == 2) {
        *out = bit_range(v, 0, -1, false);
        return true;
    }
    if (c->argc != 4 && c->argc != 5) {
        reply_syntax(c->out);
        return false;
    }
    if (!parse_integer(c->out, c->argv[2], &start) ||
        !parse_integer(c->out, c->argv[3], &end))
        return false;
    if (start < 0 && end < 0 && start > end) {
        resp_integer(c->out, 0);
        return false;
    }
    if (c->argc == 5 && !parse_unit(c, c->argv[4], &bits))
        return false;
    *out = bit_range(v, start, end, bits);
    return true;
}

void cmd_bitcount_run(struct cmd_call *c)
{
    struct value v;
    struct bit_range range;
    int64_t n = 0;
    ASSERT(c->argc >= 2);
    if (!lookup_string(c, c->argv[1], &v))
        return;
    if (v.type != VALUE_NONE) {
        if (!parse_bitcount(c, &v, &range))
            return;
        if (range.first <= range.last)
            n = count_range(c, &v, &range);
    }
    if (n < 0)
        reply_too_long(c, "BITCOUNT", "count parts, BITCOUNT key start end");
    else
        resp_integer(c->out, n);
}

#define NOT_FOUND (-1)
#define TOO_LONG  (-2)

/* The same of a byte at an end of the range: the bits outside of it are made
 * the other ones. */
static int64_t find_at_end(uint8_t byte, uint64_t at,
                           const struct bit_range *range, bool bit)
{
    int64_t zero = (int64_t)at * 8;
    int64_t first = MAX(range->first - zero, 0);
    int64_t last = MIN(range->last - zero, 7);
    uint8_t mask = (uint8_t)((0xffu >> first) & (0xffu << (7 - last)));
    ASSERT(first <= last);
    byte = (uint8_t)(bit ? byte & mask : byte | ~mask);
    return bits_find(bytes_of(&byte, 1), bit);
}

/* In bytes of the range, from the one with the number `at` on. */
static int64_t find_in(struct bytes part, uint64_t at,
                       const struct bit_range *range, bool bit)
{
    uint64_t first = (uint64_t)range->first / 8;
    uint64_t last = (uint64_t)range->last / 8;
    int64_t found = NOT_FOUND;
    size_t i = 0;
    ASSERT(part.len > 0 && at >= first && at + part.len - 1 <= last);
    if (at == first)
        found = find_at_end(part.data[i++], at, range, bit);
    if (found == NOT_FOUND && i < part.len) {
        at += i;
        part = bytes_from(part, i);
        bool ends = at + part.len - 1 == last;
        found = bits_find(bytes_of(part.data, part.len - ends), bit);
        if (found == NOT_FOUND && ends) {
            at = last;
            found = find_at_end(part.data[part.len - 1], at, range, bit);
        }
    }
    return found == NOT_FOUND ? NOT_FOUND : (int64_t)at * 8 + found;
}

static int64_t find_range(struct cmd_call *c, const struct value *v,
                          const struct bit_range *range, bool bit)
{
    struct value_range r = scan(c, v, range);
    struct bytes part;
    while (keyspace_next(c->ks, &r, &part)) {
        if (r.seen > CMD_LOOK_MAX)
            return TOO_LONG;
        if (r.hole && bit)
            continue;
        int64_t found = find_in(part, r.at - part.len, range, bit);
        ASSERT(found <= range->last);
        if (found != NOT_FOUND)
            return found;
    }
    return NOT_FOUND;
}

/* False: the answer has been written. */
static bool parse_bitpos(struct cmd_call *c, const struct value *v,
                         struct bit_range *out)
{
    int64_t start = 0;
    int64_t end = -1;
    bool bits = false;
    ASSERT(v->type == VALUE_STRING && c->argc >= 3);
    if (c->argc > 6) {
        reply_syntax(c->out);
        return false;
    }
    if (c->argc >= 4 && !parse_integer(c->out, c->argv[3], &start))
        return false;
    if (c->argc == 6 && !parse_unit(c, c->argv[5], &bits))
        return false;
    if (c->argc >= 5 && !parse_integer(c->out, c->argv[4], &end))
        return false;
    *out = bit_range(v, start, end, bits);
    return true;
}

/* Behind a string's end there are zeros, but not behind an end that was
 * given. */
void cmd_bitpos_run(struct cmd_call *c)
{
    struct value v;
    struct bit_range range;
    int64_t bit = 0;
    ASSERT(c->argc >= 3 && (c->cmd->flags & CMD_READ) != 0);
    if (!parse_integer(c->out, c->argv[2], &bit))
        return;
    if (bit != 0 && bit != 1) {
        resp_error(c->out, "ERR The bit argument must be 1 or 0.");
        return;
    }
    if (!lookup_string(c, c->argv[1], &v))
        return;
    if (v.type == VALUE_NONE) {
        resp_integer(c->out, bit == 1 ? NOT_FOUND : 0);
        return;
    }
    if (!parse_bitpos(c, &v, &range))
        return;
    int64_t found = NOT_FOUND;
    if (range.first <= range.last)
        found = find_range(c, &v, &range, bit == 1);
    if (found == NOT_FOUND && bit == 0 && c->argc < 5 &&
        range.first <= range.last)
        found = (int64_t)v.length * 8;
    if (found == TOO_LONG)
        reply_too_long(c, "BITPOS", "search parts, BITPOS key bit start end");
    else
        resp_integer(c->out, found);
}
