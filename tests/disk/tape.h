/*
 * What libjournal.so recorded, in memory: the records of one or more tapes,
 * in the order of their numbers.
 */
#ifndef DISK_TAPE_H
#define DISK_TAPE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "journal.h"

struct tape_event {
    struct journal_record r;
    char *path;        /* relative to its root */
    struct bytes data; /* of the tape's bytes */
    uint32_t tape;     /* which tape it is from */
};

struct tape {
    struct buf bytes[4];
    uint32_t tapes;
    struct tape_event *events;
    size_t count;
    size_t cap;
};

#define TAPE_INIT ((struct tape){.tapes = 0})

/* Reads one more tape; a record that its writer's death cut off ends it.
 * A file that is no tape is an assertion. */
void tape_read(struct tape *t, const char *path);
/* After the last one: brings all records into order. */
void tape_sort(struct tape *t);
void tape_release(struct tape *t);

#endif
