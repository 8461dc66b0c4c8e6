/*
 * Takes a state in that comes in chunks: a thread of its own inspects them and
 * has them put together beside the state in use, so that who receives them
 * never waits for a disk. What is asked for is done in this order; what came
 * of it is told when the owner looks.
 */
#ifndef SNAPSHOT_INTAKE_H
#define SNAPSHOT_INTAKE_H

#include "base/base.h"
#include "snapshot/chunk.h"
#include "snapshot/inspect.h"
#include "store/store_fill.h"

struct intake;

/* How far the chunks go that it was given, or had at its beginning. */
struct intake_place {
    uint64_t chunks;
    uint64_t hash; /* of the last one, as its source says */
    uint64_t bytes;
};

enum intake_kind {
    INTAKE_NOTHING,
    INTAKE_PART,   /* all that was given before intake_part() is durable */
    INTAKE_ENDS,   /* intake_end(): it is whole, and right in itself */
    INTAKE_STATE,  /* intake_make(): it is a state of the store */
    INTAKE_FAILED, /* nothing more comes of it */
};

/* Borrowed until the next look. */
struct intake_news {
    enum intake_kind kind;
    uint32_t parts;               /* PART */
    uint64_t bytes;               /* PART: of rows, in these */
    struct bytes saved;           /* PART: inspect_save() of these */
    struct inspect_totals totals; /* ENDS */
    uint64_t state;               /* STATE: the number */
    const char *what;             /* FAILED: ends with a zero, as the next */
    const char *why;
};

/* Takes fill and inspection over. `sync_first`: a store that is synced before
 * the first part is made, or NULL. `threadless`: at each look one thing is
 * done, so that a simulation can be repeated. */
struct intake *intake_new(struct store_fill *fill, struct inspect *inspect,
                          struct store *sync_first, bool threadless);
/* Nothing more is begun. True: nothing is being done either, so intake_free()
 * waits for nothing. */
bool intake_stop(struct intake *k);
/* Waits for what is being done; the parts stay. NULL: nothing to do. */
void intake_free(struct intake *k);

/* The next chunk, of which it makes a copy. */
void intake_chunk(struct intake *k, const struct chunk *c);
/* A part ends here. */
void intake_part(struct intake *k);
/* There are no more chunks. */
void intake_end(struct intake *k);
/* After INTAKE_ENDS: it is made a state (store_fill_end). */
void intake_make(struct intake *k);

/* What has come of it since the last look; of several parts the last one. */
void intake_look(struct intake *k, struct intake_news *out);

struct intake_place intake_given(const struct intake *k);
/* Bytes of rows that were inspected and added. */
uint64_t intake_taken(struct intake *k);
/* All that was asked for is done, or it has failed. */
bool intake_is_idle(struct intake *k);
/* While it is idle. */
const struct inspect *intake_inspect(struct intake *k);

#endif
