/*
 * A transaction on its way: what a client has sent since MULTI, and the keys
 * that it watches. It becomes one request (cmd/program.h), which all replicas
 * execute at once; steps that are no commands on data are executed by this node
 * when it builds the reply.
 *
 * Ownership: of its client, who has one only if it was ever needed. Arguments
 * are copied. Thread: the loop's.
 */
#ifndef SERVER_MULTI_H
#define SERVER_MULTI_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "table/table.h"

/* What one client may have queued, and watch. */
#define MULTI_BYTES_MAX   ((size_t)512 * 1024 * 1024)
#define MULTI_ARGS_MAX    (1024 * 1024 - 256 * 1024)
#define MULTI_STEPS_MAX   65536
#define MULTI_WATCHES_MAX 65536

struct multi_step {
    const struct cmd *cmd; /* a subcommand, not its container */
    uint32_t first;        /* in args */
    uint32_t argc;
    uint8_t db;
};

struct multi_watch {
    struct bytes key;
    int64_t version; /* 0: there was none; -1: it can only fail */
    uint8_t db;
};

struct multi_condition {
    uint8_t kind; /* enum condition_kind */
    uint8_t db;
};

struct multi {
    bool failed;       /* an error while it was queued: EXEC fails */
    bool running;      /* EXEC was given to the node, and needs local steps */
    bool ends_client;  /* one of those closes it when all is told */
    uint8_t db;        /* of the next step */
    int64_t databases; /* that there are */
    uint32_t locals;   /* steps that are no commands on data */
    bool unrepeatable; /* one of them must not be executed twice */
    const struct cmd *heaviest; /* a write, if possible one that takes space */
    struct arena arena;         /* what args points to */
    struct bytes *args; /* PROGRAM_ARGS of the request's, of steps, then of
                           conditions */
    uint32_t step_args;
    uint32_t args_cap;
    struct bytes *gathered; /* the same without those of local steps */
    uint32_t gathered_cap;
    struct multi_step *steps;
    uint32_t step_count;
    uint32_t steps_cap;
    struct multi_condition *conditions; /* those that EXEC names */
    uint32_t condition_count;
    uint32_t condition_args;
    uint32_t conditions_cap;
    struct buf head;
    struct arena watched; /* their keys */
    struct multi_watch *watches;
    uint32_t watch_count;
    uint32_t watch_known; /* so many have got their version */
    uint32_t watches_cap;
    bool watch_failed; /* a WATCH was not executed: no EXEC may be */
};

struct multi *multi_new(void);
void multi_free(struct multi *m);
/* Nothing is queued or watched. */
bool multi_is_empty(const struct multi *m);
size_t multi_memory(const struct multi *m);

/* MULTI, on this database. */
void multi_begin(struct multi *m, uint8_t db, int64_t databases);
/* Forgets what was queued. */
void multi_clear(struct multi *m);
/* NULL, or the error: there is no room for it. */
MUST_USE const char *multi_too_much(const struct multi *m,
                                    const struct bytes *argv, uint32_t argc);
/* Queues one: a row that was resolved, and is not too much. */
void multi_add(struct multi *m, const struct cmd *cmd, const struct bytes *argv,
               uint32_t argc);

/* WATCH: keys of which multi_watched() tells the versions, in their order.
 * NULL, or the error: too many. The first argument is the command's name. */
MUST_USE const char *multi_can_watch(const struct multi *m, uint32_t argc);
void multi_watch(struct multi *m, uint8_t db, const struct bytes *argv,
                 uint32_t argc);
/* The reply of VARD.WATCH; false, and no EXEC may be: it is an error. */
bool multi_watched(struct multi *m, struct bytes reply);
void multi_unwatch(struct multi *m);
/* Different keys. */
uint32_t multi_watched_keys(const struct multi *m);
/* The arguments of VARD.WATCH, for those of WATCH; until the next call. */
const struct bytes *multi_watch_args(struct multi *m, const struct bytes *argv,
                                     uint32_t argc);

/* The words of EXEC. False: a syntax error. */
MUST_USE bool multi_conditions(struct multi *m, uint8_t db,
                               const struct bytes *argv, uint32_t argc);
/* The request; its arguments until the next call. */
const struct bytes *multi_build(struct multi *m, bool write, uint32_t *argc);

#endif
