/*
 * The command table: what every command and subcommand is, and none of their
 * functions. Lookup, arity, flags, ACL categories, where the keys are, HELP,
 * COMMAND and the tests all come from its rows.
 *
 * A row is a command ("client") or a subcommand ("client|id"); a command with
 * subcommands is their container. The functions are bound by id: those of
 * data commands in the room cmd, those that this node answers by itself in
 * the room admin.
 *
 * The rows are constant and live forever: nothing is allocated or fails.
 */
#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H

#include "base/base.h"
#include "base/bytes.h"
#include "base/level.h"
#include "table/keys.h"

/* CMD_ID_GET, CMD_ID_CLIENT_KILL: the place of the row in the table. */
enum cmd_id {
    CMD_ID_NONE = -1,
#define ID(id) CMD_ID_##id,
#define SUB_ID(container, id)
#include "table/ids.def"
#undef ID
#undef SUB_ID
    CMD_ID_COMMANDS, /* how many are commands; subcommands follow them */
    CMD_ID_LAST_COMMAND = CMD_ID_COMMANDS - 1,
#define ID(id)
#define SUB_ID(container, id) CMD_ID_##container##_##id,
#include "table/ids.def"
#undef ID
#undef SUB_ID
    CMD_ID_COUNT,
};

/* README.md names what enforces each of them. */
enum cmd_flag {
    CMD_WRITE = 1 << 0,     /* goes through the log */
    CMD_READ = 1 << 1,      /* reads data: linearizable read */
    CMD_LOCAL = 1 << 2,     /* this node answers it, with or without a leader */
    CMD_WRAPPER = 1 << 3,   /* contains another command: ONCE */
    CMD_CONTAINER = 1 << 4, /* has subcommands */
    CMD_FAST = 1 << 5,      /* in @fast; all others are in @slow */
    CMD_ADMIN = 1 << 6,     /* in @admin and @dangerous */
    CMD_NO_AUTH = 1 << 7,   /* allowed before AUTH */
    CMD_INTERNAL = 1 << 8,  /* the node's own: unknown to clients */
    CMD_UPKEEP = 1 << 9,    /* internal, and on no client's behalf at all */
    CMD_FREES = 1 << 10,    /* lets go of data: also while the disk is short */
    CMD_BLOCKS = 1 << 11,   /* waits if there is nothing to take */
    CMD_NO_MULTI = 1 << 12, /* refused between MULTI and EXEC */
    CMD_MULTI = 1 << 13,    /* about transactions: dispatch itself does it */
};

/* CAT_BIT_READ is a number, CAT_READ the bit of that number. */
enum cmd_category_bit {
#define CATEGORY(id, name) CAT_BIT_##id,
#include "table/categories.def"
#undef CATEGORY
    CAT_BITS,
};
enum cmd_category {
#define CATEGORY(id, name) CAT_##id = 1 << CAT_BIT_##id,
#include "table/categories.def"
#undef CATEGORY
};

struct cmd {
    enum cmd_id id;
    enum cmd_id container; /* of a subcommand; CMD_ID_NONE for a command */
    const char *name;      /* lower case; "client|id" for a subcommand */
    int arity;             /* as Redis: negative means at least */
    uint32_t flags;        /* enum cmd_flag */
    uint32_t categories;   /* bits of enum cmd_category, all of them */
    uint16_t level;        /* it came with; 0: the first. See cmd_level() */
    uint32_t key_specs;
    const struct key_spec *keys;
    const char *family;     /* "string", "generic", ... */
    const char *since;      /* of Redis (or Valkey); ours: "1.0.0" */
    const char *summary;    /* what it does */
    const char *complexity; /* "O(1)" */
    const char *tips;       /* as COMMAND INFO, or NULL */
    const char *syntax;     /* the arguments: "key value [NX|XX]", or NULL */
    const char *help;       /* its lines of HELP, or NULL */
};

/* Finds a command without regard to case; NULL if there is none. Internal
 * ones are found too: for clients they must be unknown commands. */
const struct cmd *cmd_lookup(struct bytes name);
/* The same of a container's subcommand: "id" of "client". */
const struct cmd *cmd_lookup_sub(const struct cmd *container,
                                 struct bytes name);
/* The same of either, a subcommand by its full name: "client|id". */
const struct cmd *cmd_lookup_any(struct bytes name);

/* The level (base/level.h) it came with: below that, it is not there. */
static inline uint16_t cmd_level(const struct cmd *c)
{
    return c->level > LEVEL_MIN ? c->level : LEVEL_MIN;
}

/* The same three as of a level: what came later is not found. */
const struct cmd *cmd_lookup_at(struct bytes name, uint16_t level);
const struct cmd *cmd_lookup_sub_at(const struct cmd *container,
                                    struct bytes name, uint16_t level);
const struct cmd *cmd_lookup_any_at(struct bytes name, uint16_t level);

/* As cmd_lookup_at(); who asks for many names tries the command that the last
 * one was first, for most are the same. `last` may be any row, or NULL. */
const struct cmd *cmd_lookup_again(const struct cmd *last, struct bytes name,
                                   uint16_t level);

/* A row by its id, 0..CMD_ID_COUNT-1. */
const struct cmd *cmd_by_id(enum cmd_id id);
/* Commands by position, 0..cmd_count()-1, in order of names. */
const struct cmd *cmd_at(size_t i);
size_t cmd_count(void);

/* All rows in the order in which the table is written, 0..CMD_ID_COUNT-1:
 * HELP lists subcommands in this order. */
const struct cmd *cmd_as_written(size_t i);

/* Its function is a pure function of the data: the room cmd runs it. */
static inline bool cmd_is_data(const struct cmd *c)
{
    return (c->flags & (CMD_LOCAL | CMD_WRAPPER | CMD_MULTI)) == 0;
}

/* The argument count fits the arity. */
bool cmd_arity_ok(const struct cmd *c, uint32_t argc);

/* "read", ...; the name of a bit, and the bit of a name (0: there is none). */
const char *cmd_category_name(enum cmd_category_bit bit);
uint32_t cmd_category_find(struct bytes name);

#endif
