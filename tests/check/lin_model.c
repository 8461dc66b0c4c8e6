/*
 * Values in an array, found by a hash table with linear probing. Horner's
 * rule takes eight bytes at a time; since a concatenation hashes to
 * hash(a) * base^len(b) + hash(b), APPEND needs the parts' hashes only.
 *
 * Numbers are what Redis takes for numbers (base/num.h): at most 20 bytes,
 * which every value carries along.
 */
#include "check/lin_model.h"

#include "base/alloc.h"
#include "base/num.h"

#include <string.h>

#define PRIME     ((UINT64_C(1) << 61) - 1)
#define SLOTS_MIN ((size_t)64)
#define OTHER     (UINT64_C(1) << 63) /* no hash modulo PRIME has this bit */

typedef unsigned __int128 wide;

/* Drawn once at random, below the prime. */
static const uint64_t bases[2] = {UINT64_C(0x0b6c1a9f3d2e8475),
                                  UINT64_C(0x1562f0d84c9b7a37)};

/* --- hashes ------------------------------------------------------------- */

static uint64_t reduce(wide v)
{
    uint64_t r = (uint64_t)(v & PRIME) + (uint64_t)(v >> 61 & PRIME) +
                 (uint64_t)(v >> 122);
    r = (r & PRIME) + (r >> 61);
    return r >= PRIME ? r - PRIME : r;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
    return reduce((wide)a * b);
}

static uint64_t power(uint64_t base, uint64_t exponent)
{
    uint64_t r = 1;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            r = multiply(r, base);
        base = multiply(base, base);
    }
    return r;
}

/* Bytes count from 1, so that leading zeros matter. */
static uint64_t polynomial(struct bytes text, uint64_t base)
{
    uint64_t powers[9] = {1};
    uint64_t hash = 0;
    size_t at = 0;
    if (text.len >= 8) {
        for (size_t i = 1; i < ARRAY_LEN(powers); i++)
            powers[i] = multiply(powers[i - 1], base);
    }
    for (; at + 8 <= text.len; at += 8) {
        wide sum = (wide)hash * powers[8];
        for (size_t i = 0; i < 8; i++)
            sum += (wide)powers[7 - i] * (text.data[at + i] + 1u);
        hash = reduce(sum);
    }
    for (; at < text.len; at++)
        hash = reduce((wide)hash * base + text.data[at] + 1u);
    ASSERT(hash < PRIME);
    return hash;
}

static struct model_value value_of(struct bytes text)
{
    struct model_value v = {.len = text.len, .exists = true};
    for (size_t i = 0; i < 2; i++)
        v.hash[i] = polynomial(text, bases[i]);
    if (text.len > 0 && text.len <= MODEL_SMALL_MAX)
        memcpy(v.small, text.data, text.len);
    return v;
}

static struct model_value concatenate(const struct model_value *a,
                                      const struct model_value *b)
{
    struct model_value v = {.len = a->len + b->len, .exists = true};
    for (size_t i = 0; i < 2; i++)
        v.hash[i] =
            reduce((wide)a->hash[i] * power(bases[i], b->len) + b->hash[i]);
    if (v.len <= MODEL_SMALL_MAX) {
        memcpy(v.small, a->small, a->len);
        memcpy(v.small + a->len, b->small, b->len);
    }
    return v;
}

/* --- the table of values ------------------------------------------------ */

static bool same(const struct model_value *a, const struct model_value *b)
{
    return a->exists == b->exists && a->len == b->len &&
           a->hash[0] == b->hash[0] && a->hash[1] == b->hash[1];
}

static size_t slot_of(const struct model *m, const struct model_value *v)
{
    uint64_t mixed = (v->hash[0] ^ v->len) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(mixed >> 20) & (m->slot_cap - 1);
}

static void slots_fill(struct model *m)
{
    ASSERT(m->slot_cap > m->count);
    memset(m->slots, 0, m->slot_cap * sizeof(*m->slots));
    for (uint32_t state = 1; state < m->count; state++) {
        size_t at = slot_of(m, &m->values[state]);
        while (m->slots[at] != 0)
            at = (at + 1) & (m->slot_cap - 1);
        m->slots[at] = state;
    }
}

static void slots_resize(struct model *m, size_t cap)
{
    mem_free(m->slots);
    m->slot_cap = cap;
    m->slots = mem_alloc(cap * sizeof(*m->slots));
    slots_fill(m);
}

static uint32_t intern(struct model *m, struct model_value v)
{
    ASSERT(v.exists);
    size_t at = slot_of(m, &v);
    for (; m->slots[at] != 0; at = (at + 1) & (m->slot_cap - 1)) {
        if (same(&m->values[m->slots[at]], &v))
            return m->slots[at];
    }
    ASSERT(m->count < MODEL_NONE / 2);
    if (m->count == m->cap) {
        m->cap *= 2;
        m->values = mem_realloc(m->values, m->cap * sizeof(*m->values));
    }
    uint32_t state = m->count++;
    m->values[state] = v;
    m->slots[at] = state;
    if (2 * (size_t)m->count >= m->slot_cap)
        slots_resize(m, 2 * m->slot_cap);
    return state;
}

void model_init(struct model *m)
{
    *m = (struct model){.cap = SLOTS_MIN, .count = 1};
    m->values = mem_zalloc(m->cap * sizeof(*m->values));
    slots_resize(m, SLOTS_MIN);
    ASSERT(!m->values[MODEL_MISSING].exists);
}

void model_release(struct model *m)
{
    mem_free(m->values);
    mem_free(m->slots);
    buf_release(&m->lists);
    *m = (struct model){.cap = 0};
}

void model_reset(struct model *m)
{
    ASSERT(m->count > 0);
    bool roomy = m->slot_cap > SLOTS_MIN && m->slot_cap > 16 * (size_t)m->count;
    m->count = 1;
    buf_reset(&m->lists);
    if (roomy)
        slots_resize(m, SLOTS_MIN);
    else
        slots_fill(m);
}

uint32_t model_state(struct model *m, struct bytes text)
{
    return intern(m, value_of(text));
}

uint32_t model_state_list(struct model *m, struct bytes lines)
{
    if (lines.len == 0)
        return MODEL_MISSING;
    uint32_t state = model_state(m, lines);
    struct model_value *v = &m->values[state];
    if (!v->list) {
        v->list = true;
        v->at = m->lists.len;
        buf_bytes(&m->lists, lines);
    }
    return state;
}

/* The lines of a list, borrowed until the next one is kept. */
static struct bytes lines_of(const struct model *m, uint32_t state)
{
    const struct model_value *v = &m->values[state];
    if (!v->exists)
        return BYTES_NONE;
    ASSERT(v->list);
    return bytes_of(m->lists.data + v->at, v->len);
}

uint32_t model_state_number(struct model *m, int64_t number)
{
    char text[NUM_TEXT_MAX];
    size_t len = num_format_i64(number, text);
    return model_state(m, bytes_of(text, len));
}

uint32_t model_state_other(struct model *m, uint64_t len)
{
    struct model_value v = {.hash = {OTHER, OTHER}, .len = len, .exists = true};
    return intern(m, v);
}

const struct model_value *model_value(const struct model *m, uint32_t state)
{
    ASSERT(state < m->count);
    return &m->values[state];
}

/* --- operations --------------------------------------------------------- */

struct model_op model_op(struct model *m, const struct history *h,
                         const struct history_op *op)
{
    ASSERT(history_op_error(h, op) == NULL);
    struct model_op out = {.kind = op->kind,
                           .reply = op->reply,
                           .increment = op->increment,
                           .number = op->number};
    if (op->value != 0)
        out.value = model_state(m, history_text(h, op->value));
    if (op->expected != 0)
        out.expected = model_state(m, history_text(h, op->expected));
    if (op->text != 0 && op->kind == HISTORY_LRANGE)
        out.text = model_state_list(m, history_text(h, op->text));
    else if (op->text != 0)
        out.text = model_state(m, history_text(h, op->text));
    if (history_kind_pushes((enum history_kind)op->kind))
        out.element = history_text(h, op->value);
    return out;
}

static bool replied_int(const struct model_op *op, int64_t number)
{
    return op->reply == REPLY_NONE ||
           (op->reply == REPLY_INT && op->number == number);
}

/* The reply is the value of `state`. */
static bool replied_value(const struct model_op *op, uint32_t state)
{
    if (op->reply == REPLY_NONE)
        return true;
    if (state == MODEL_MISSING)
        return op->reply == REPLY_NIL;
    return op->reply == REPLY_TEXT && op->text == state;
}

/* Changes to `value` if `condition` holds; answers 1 or 0. */
static bool change_if(const struct model_op *op, bool condition, uint32_t value,
                      uint32_t *next)
{
    if (condition)
        *next = value;
    return replied_int(op, condition ? 1 : 0);
}

static bool step_append(struct model *m, const struct model_op *op,
                        uint32_t state, uint32_t *next)
{
    struct model_value v = m->values[op->value];
    if (state == MODEL_MISSING)
        *next = op->value;
    else
        *next = intern(m, concatenate(&m->values[state], &v));
    return replied_int(op, (int64_t)m->values[*next].len);
}

static bool step_incrby(struct model *m, const struct model_op *op,
                        uint32_t state, uint32_t *next)
{
    const struct model_value *v = &m->values[state];
    int64_t number = 0;
    bool ok =
        !v->exists || (v->len <= MODEL_SMALL_MAX && v->hash[0] < OTHER &&
                       num_parse_i64(bytes_of(v->small, v->len), &number));
    if (!ok || !num_add_i64(number, op->increment, &number))
        return op->reply == REPLY_NONE || op->reply == REPLY_ERROR;
    if (op->reply != REPLY_NONE &&
        (op->reply != REPLY_INT || op->number != number))
        return false;
    *next = model_state_number(m, number);
    return true;
}

/* --- lists -------------------------------------------------------------- */

static int64_t count_lines(struct bytes lines)
{
    int64_t count = 0;
    for (size_t i = 0; i < lines.len; i++)
        count += lines.data[i] == '\n';
    return count;
}

static bool step_push(struct model *m, const struct model_op *op,
                      uint32_t state, uint32_t *next)
{
    struct buf all = BUF_INIT;
    if (op->kind != HISTORY_LPUSH)
        buf_bytes(&all, lines_of(m, state));
    buf_bytes(&all, op->element);
    buf_char(&all, '\n');
    if (op->kind == HISTORY_LPUSH)
        buf_bytes(&all, lines_of(m, state));
    int64_t count = count_lines(buf_view(&all));
    *next = model_state_list(m, buf_view(&all));
    buf_release(&all);
    if (op->kind == HISTORY_XADD)
        return op->reply == REPLY_NONE || op->reply == REPLY_OK;
    return replied_int(op, count);
}

static bool step_pop(struct model *m, const struct model_op *op, uint32_t state,
                     uint32_t *next)
{
    struct buf all = BUF_INIT;
    size_t at = 0;
    if (state == MODEL_MISSING)
        return replied_value(op, state);
    buf_bytes(&all, lines_of(m, state));
    struct bytes lines = buf_view(&all);
    struct bytes popped;
    if (op->kind == HISTORY_LPOP) {
        while (lines.data[at] != '\n')
            at++;
        popped = bytes_of(lines.data, at);
        lines = bytes_from(lines, at + 1);
    } else {
        for (at = lines.len - 1; at > 0 && lines.data[at - 1] != '\n';)
            at--;
        popped = bytes_of(lines.data + at, lines.len - 1 - at);
        lines = bytes_of(lines.data, at);
    }
    bool fits = op->reply == REPLY_NONE ||
                (op->reply == REPLY_TEXT && op->text == model_state(m, popped));
    *next = model_state_list(m, lines);
    buf_release(&all);
    return fits;
}

bool model_step(struct model *m, const struct model_op *op, uint32_t state,
                uint32_t *next)
{
    ASSERT(state < m->count);
    bool exists = state != MODEL_MISSING;
    *next = state;
    switch ((enum history_kind)op->kind) {
    case HISTORY_GET:
        return replied_value(op, state);
    case HISTORY_SET:
        *next = op->value;
        return op->reply == REPLY_NONE || op->reply == REPLY_OK;
    case HISTORY_SETNX:
        return change_if(op, !exists, op->value, next);
    case HISTORY_CAS:
        return change_if(op, exists && state == op->expected, op->value, next);
    case HISTORY_CAD:
        return change_if(op, exists && state == op->expected, MODEL_MISSING,
                         next);
    case HISTORY_DEL:
        return change_if(op, exists, MODEL_MISSING, next);
    case HISTORY_INCRBY:
        return step_incrby(m, op, state, next);
    case HISTORY_APPEND:
        return step_append(m, op, state, next);
    case HISTORY_GETSET:
        *next = op->value;
        return replied_value(op, state);
    case HISTORY_GETDEL:
        *next = MODEL_MISSING;
        return replied_value(op, state);
    case HISTORY_EXISTS:
        return replied_int(op, exists ? 1 : 0);
    case HISTORY_STRLEN:
        return replied_int(op, (int64_t)m->values[state].len);
    case HISTORY_PUT:
        *next = op->value;
        return replied_int(op, exists ? 0 : 1);
    case HISTORY_RPUSH:
    case HISTORY_LPUSH:
    case HISTORY_XADD:
        return step_push(m, op, state, next);
    case HISTORY_LPOP:
    case HISTORY_RPOP:
        return step_pop(m, op, state, next);
    case HISTORY_LLEN:
        return replied_int(op, count_lines(lines_of(m, state)));
    case HISTORY_LRANGE:
        return replied_value(op, state);
    case HISTORY_KINDS:
        break;
    }
    ASSERT(false);
    return false;
}
