/*
 * How a node makes its writes durable, without waiting for it: the interface,
 * and its implementation by a thread (disk_thread.c). The simulator has its
 * own.
 *
 * Group commit without a timer: while one sync runs, later points gather, and
 * the next sync covers them all.
 */
#ifndef JOURNAL_DISK_H
#define JOURNAL_DISK_H

#include "base/base.h"
#include "codec/record.h"
#include "journal/watermark.h"
#include "store/store.h"

/* Everything written to the store so far, and what it amounts to. */
struct disk_point {
    uint64_t seq;          /* of the raft_write written last */
    struct watermark mark; /* position and hard state after that write */
    bool hard_state;       /* term or vote changed: the mark is synced too */
};

struct disk {
    /* Asks for durability of everything written so far. Later the owner is
     * notified and takes the result with `done`. */
    void (*sync)(struct disk *d, const struct disk_point *point);
    /* Takes the newest point known to be durable; false if there is none
     * that was not taken before. */
    bool (*done)(struct disk *d, struct disk_point *point);
    /* Before a truncation is written: lowers the watermark, and waits. ERR_IO:
     * it is not lowered (see error), and the truncation must not be written,
     * for the disk would have less than the watermark promises. */
    MUST_USE int (*lower)(struct disk *d, const struct watermark *mark);
    /* What failed; NULL if nothing did. After a failure nothing is ever
     * reported durable again: the process must end. */
    const char *(*error)(struct disk *d);
};

/* The thread. `notify` is called from it after each sync (and after a
 * failure); it must be thread-safe and quick (ev_async_send). */
struct disk *disk_thread_new(struct store *s, struct watermark_file *f,
                             void (*notify)(void *ctx), void *ctx);
/* Finishes what was asked for, ends the thread and frees it. */
void disk_thread_free(struct disk *d);

#endif
