/*
 * How it works: records of fixed sizes, which say how the arguments are to be
 * divided; the decoder counts them before anything is executed.
 *
 * How it fails: what does not add up is no program. A peer may have written
 * anything, so no number is trusted: sums are of 64 bits.
 */
#include "cmd/program.h"

#include "base/reader.h"
#include "data/keyspace.h"

void program_begin(struct buf *head, uint32_t steps, uint32_t conditions)
{
    ASSERT(head->len == 0);
    buf_u32(head, steps);
    buf_u32(head, conditions);
}

void program_put_step(struct buf *head, const struct program_step *s)
{
    ASSERT(s->local == (s->argc == 0) && s->db < KEYSPACE_DATABASES);
    buf_u8(head, s->db);
    buf_u8(head, s->local);
    buf_u16(head, 0);
    buf_u32(head, s->argc);
}

void program_put_condition(struct buf *head, const struct program_condition *c)
{
    ASSERT(c->kind > 0 && c->kind < CONDITION_KINDS);
    ASSERT(c->kind == CONDITION_WATCHED || c->version == 0);
    buf_u8(head, c->kind);
    buf_u8(head, c->db);
    buf_u16(head, 0);
    buf_u64(head, c->version);
}

uint32_t condition_argc(uint8_t kind)
{
    ASSERT(kind > 0 && kind < CONDITION_KINDS);
    return kind == CONDITION_IFEQ || kind == CONDITION_IFNE ? 2 : 1;
}

static bool read_step(struct reader *r, struct program_step *out)
{
    out->db = reader_u8(r);
    uint8_t local = reader_u8(r);
    uint16_t zero = reader_u16(r);
    out->argc = reader_u32(r);
    out->local = local == 1;
    return !r->failed && local <= 1 && zero == 0 &&
           out->db < KEYSPACE_DATABASES && out->local == (out->argc == 0);
}

static bool read_condition(struct reader *r, struct program_condition *out)
{
    out->kind = reader_u8(r);
    out->db = reader_u8(r);
    uint16_t zero = reader_u16(r);
    out->version = reader_u64(r);
    return !r->failed && zero == 0 && out->kind > 0 &&
           out->kind < CONDITION_KINDS && out->db < KEYSPACE_DATABASES &&
           (out->kind == CONDITION_WATCHED || out->version == 0);
}

/* Reads all records; false: one is not valid, or they are not all there is. */
static bool add_up(const struct program *p, uint64_t *args)
{
    struct reader r = reader_of(p->records);
    struct program_step step;
    struct program_condition condition;
    ASSERT(*args == 0);
    for (uint32_t i = 0; i < p->steps; i++) {
        if (!read_step(&r, &step))
            return false;
        *args += step.argc;
    }
    for (uint32_t i = 0; i < p->conditions; i++) {
        if (!read_condition(&r, &condition))
            return false;
        *args += condition_argc(condition.kind);
    }
    return reader_done(&r);
}

bool program_decode(struct bytes head, uint32_t argc, struct program *out)
{
    struct reader r = reader_of(head);
    uint64_t args = 0;
    ASSERT(argc >= PROGRAM_ARGS);
    out->steps = reader_u32(&r);
    out->conditions = reader_u32(&r);
    out->records = r.rest;
    return !r.failed && add_up(out, &args) && args == argc - PROGRAM_ARGS;
}

struct program_step program_step(const struct program *p, uint32_t i)
{
    struct program_step s;
    ASSERT(i < p->steps);
    struct reader r =
        reader_of(bytes_from(p->records, (size_t)i * PROGRAM_STEP_SIZE));
    bool ok = read_step(&r, &s);
    ASSERT(ok);
    return s;
}

struct program_condition program_condition(const struct program *p, uint32_t i)
{
    struct program_condition c;
    size_t at = (size_t)p->steps * PROGRAM_STEP_SIZE +
                (size_t)i * PROGRAM_CONDITION_SIZE;
    ASSERT(i < p->conditions);
    struct reader r = reader_of(bytes_from(p->records, at));
    bool ok = read_condition(&r, &c);
    ASSERT(ok);
    return c;
}
