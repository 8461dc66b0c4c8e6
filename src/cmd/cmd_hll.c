/*
 * HyperLogLog: PFADD, PFCOUNT, PFMERGE, on strings in Redis' own format
 * (type/hll.h).
 *
 * PFCOUNT is a read here: what it has computed is not kept in the value, so
 * each call computes it again, which takes some 20 microseconds a key.
 *
 * How it fails: with an error reply, and nothing changed: a string that is no
 * HyperLogLog, or one whose registers are damaged, or too many keys at once.
 */
#include "base/alloc.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "type/hll.h"

/* More would hold up the loop. It decides what is written. */
#define KEYS_MAX 16384

_Static_assert(HLL_MAX <= KEYSPACE_PAGE_SIZE, "it is copied when it is put");

/* A key's value while a command works on it. */
struct sketch {
    struct buf bytes;
    bool there;
    int64_t expire_ms;
};

static bool corrupted(struct cmd_call *c)
{
    ASSERT(c->argc >= 2);
    resp_error(c->out, "INVALIDOBJ Corrupted HLL object detected");
    return false;
}

static void copy(struct cmd_call *c, const struct value *v, struct buf *out)
{
    struct value_range r = keyspace_range(c->ks, v, 0, v->length);
    struct bytes part;
    ASSERT(v->length <= HLL_MAX);
    buf_reset(out);
    while (keyspace_next(c->ks, &r, &part))
        buf_bytes(out, part);
}

/* False: the error has been written. */
static bool load(struct cmd_call *c, struct bytes key, struct sketch *s)
{
    struct value v;
    s->there = false;
    s->expire_ms = 0;
    if (!lookup_string(c, key, &v))
        return false;
    if (v.type == VALUE_NONE)
        return true;
    uint64_t length = v.length;
    v.length = MIN(v.length, HLL_MAX);
    if (v.pages.id == 0)
        v.data.len = (size_t)v.length;
    copy(c, &v, &s->bytes);
    if (!hll_is(buf_view(&s->bytes), length)) {
        resp_error(c->out, "WRONGTYPE Key is not a valid HyperLogLog string "
                           "value.");
        return false;
    }
    s->there = true;
    s->expire_ms = v.expire_ms;
    ASSERT(s->bytes.len >= HLL_HEADER);
    return length <= HLL_MAX || corrupted(c);
}

static void save(struct cmd_call *c, struct bytes key, struct sketch *s)
{
    ASSERT(s->there && s->bytes.len <= HLL_MAX);
    hll_changed(&s->bytes);
    put_string(c, key, buf_view(&s->bytes), s->expire_ms);
}

/* An empty one if there is none. */
static bool load_or_begin(struct cmd_call *c, struct bytes key,
                          struct sketch *s)
{
    if (!load(c, key, s))
        return false;
    if (!s->there)
        hll_init(&s->bytes);
    ASSERT(hll_is(buf_view(&s->bytes), s->bytes.len));
    return true;
}

void cmd_pfadd_run(struct cmd_call *c)
{
    struct sketch s = {.bytes = BUF_INIT};
    bool ok = load_or_begin(c, c->argv[1], &s);
    bool changed = !s.there;
    ASSERT(c->argc >= 2);
    for (uint32_t i = 2; ok && i < c->argc; i++) {
        int res = hll_add(&s.bytes, c->argv[i]);
        ok = res >= 0 || corrupted(c);
        changed |= res == 1;
    }
    if (ok && changed) {
        s.there = true;
        save(c, c->argv[1], &s);
    }
    if (ok)
        resp_integer(c->out, changed);
    buf_release(&s.bytes);
}

/* --- several ------------------------------------------------------------ */

static bool too_many(struct resp_writer *w, const struct cmd *cmd,
                     uint32_t argc)
{
    ASSERT(argc >= 2);
    if (argc - 1 <= KEYS_MAX)
        return false;
    resp_errorf(w, "ERR %s of more than %d keys: PFMERGE some of them first",
                cmd->id == CMD_ID_PFCOUNT ? "PFCOUNT" : "PFMERGE", KEYS_MAX);
    return true;
}

bool cmd_pfmany_check(struct cmd_args *a)
{
    ASSERT(a->cmd->id == CMD_ID_PFCOUNT || a->cmd->id == CMD_ID_PFMERGE);
    return !too_many(a->out, a->cmd, a->argc);
}

/* The highest register of all the keys. *dense: one of them is dense. */
static bool merge_all(struct cmd_call *c, uint8_t *registers, bool *dense)
{
    struct sketch s = {.bytes = BUF_INIT};
    bool ok = true;
    *dense = false;
    ASSERT(c->argc - 1 <= KEYS_MAX);
    for (uint32_t i = 1; ok && i < c->argc; i++) {
        ok = load(c, c->argv[i], &s);
        if (!ok || !s.there)
            continue;
        *dense |= hll_is_dense(buf_view(&s.bytes));
        ok = hll_merge(registers, buf_view(&s.bytes)) == 0 || corrupted(c);
    }
    buf_release(&s.bytes);
    return ok;
}

static void count_one(struct cmd_call *c)
{
    struct sketch s = {.bytes = BUF_INIT};
    uint64_t count = 0;
    bool ok = load(c, c->argv[1], &s);
    ASSERT(c->argc == 2);
    if (ok && s.there)
        ok = hll_count(buf_view(&s.bytes), &count) == 0 || corrupted(c);
    if (ok)
        resp_integer(c->out, (int64_t)count);
    buf_release(&s.bytes);
}

void cmd_pfcount_run(struct cmd_call *c)
{
    bool dense = false;
    ASSERT((c->cmd->flags & CMD_READ) != 0);
    if (too_many(c->out, c->cmd, c->argc))
        return;
    if (c->argc == 2) {
        count_one(c);
        return;
    }
    uint8_t *registers = mem_zalloc(HLL_REGISTERS);
    if (merge_all(c, registers, &dense))
        resp_integer(c->out, (int64_t)hll_count_registers(registers));
    mem_free(registers);
}

void cmd_pfmerge_run(struct cmd_call *c)
{
    struct sketch s = {.bytes = BUF_INIT};
    bool dense = false;
    if (too_many(c->out, c->cmd, c->argc))
        return;
    uint8_t *registers = mem_zalloc(HLL_REGISTERS);
    if (merge_all(c, registers, &dense) && load_or_begin(c, c->argv[1], &s) &&
        (hll_raise(&s.bytes, registers, dense) == 0 || corrupted(c))) {
        ASSERT(!dense || hll_is_dense(buf_view(&s.bytes)));
        s.there = true;
        save(c, c->argv[1], &s);
        resp_status(c->out, "OK");
    }
    buf_release(&s.bytes);
    mem_free(registers);
}
