/*
 * A transaction as one request: conditions, and steps, which are executed
 * together if all conditions hold. It is the command VARD.EXEC, or VARD.EXEC_RO
 * if no step writes:
 *
 *   argv[0] its name   argv[1] the head   argv[2..] arguments: of the steps,
 * one after the other, then of the conditions
 *
 * head, PROGRAM_HEAD_SIZE = 8, then all steps, then all conditions:
 *    0  steps(4)
 *    4  conditions(4)
 * step, PROGRAM_STEP_SIZE = 8:
 *    0  db(1)
 *    1  local(1): 0; or 1, and argc is 0: the node that was asked executes it
 *    2  zero(2)
 *    4  argc(4)
 * condition, PROGRAM_CONDITION_SIZE = 12:
 *    0  kind(1)
 *    1  db(1)
 *    2  zero(2)
 *    4  version(8), of CONDITION_WATCHED, otherwise 0: the index of the last
 *       write, times the number of databases, and the place (data/database.h)
 *
 * Little-endian. A condition has a key; IFEQ and IFNE a value behind it.
 */
#ifndef CMD_PROGRAM_H
#define CMD_PROGRAM_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

#define PROGRAM_HEAD_SIZE      8
#define PROGRAM_STEP_SIZE      8
#define PROGRAM_CONDITION_SIZE 12
#define PROGRAM_ARGS           2 /* where the arguments of steps begin */

enum condition_kind {
    CONDITION_WATCHED = 1, /* the record of this version is there */
    CONDITION_ABSENT,      /* none was there, and none is */
    CONDITION_IFEQ,
    CONDITION_IFNE,
    CONDITION_NX,
    CONDITION_XX,
    CONDITION_KINDS, /* above all kinds */
};

struct program_step {
    uint8_t db;
    bool local;
    uint32_t argc;
};

struct program_condition {
    uint8_t kind;
    uint8_t db;
    uint64_t version;
};

struct program {
    uint32_t steps;
    uint32_t conditions;
    struct bytes records; /* borrowed; of steps and conditions, checked */
};

/* Begins a head in an empty buffer; as many steps, then conditions follow. */
void program_begin(struct buf *head, uint32_t steps, uint32_t conditions);
void program_put_step(struct buf *head, const struct program_step *s);
void program_put_condition(struct buf *head, const struct program_condition *c);

/* False: it is no head for so many arguments (argc counts the name and the
 * head): lengths that do not add up, or what no node writes. */
MUST_USE bool program_decode(struct bytes head, uint32_t argc,
                             struct program *out);
/* Those of a decoded one, by place. */
struct program_step program_step(const struct program *p, uint32_t i);
struct program_condition program_condition(const struct program *p, uint32_t i);
/* The arguments of a condition of this kind. */
uint32_t condition_argc(uint8_t kind);

#endif
