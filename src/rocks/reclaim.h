/*
 * The space of deleted files, given back step by step. A file system frees all
 * blocks of a file when its last name goes, and ext4 with the option `discard`
 * tells the device so at the same time: syncs of other files wait for it,
 * 60 ms after a file of 33 MiB. RocksDB deletes such files every few seconds.
 *
 * A thread keeps descriptors of the large files (number.sst, number.log,
 * refill.number) of a directory, so that deleting one removes its name only;
 * then it shortens the file, step by step, and closes it. Nothing depends on
 * it: a file that it does not hold is freed at once, and so are all when the
 * process ends. A file that has a name left, wherever, is never touched.
 */
#ifndef ROCKS_RECLAIM_H
#define ROCKS_RECLAIM_H

#include "base/base.h"

#define RECLAIM_STEP (1024u * 1024u) /* bytes; files of more are held */

struct reclaim;

struct reclaim *reclaim_new(const char *dir);
/* Bytes of deleted files that are not given back yet, as of the last look. */
uint64_t reclaim_pending(const struct reclaim *r);
/* Is space wanted? Then files are not shortened in steps. */
void reclaim_hurry(struct reclaim *r, bool hurry);
/* How long it rests between two steps, while so many bytes wait. */
int64_t reclaim_pause_us(int64_t waiting, bool hurry);
/* Ends the thread; what is left of deleted files goes at once. NULL: nothing
 * to do. */
void reclaim_free(struct reclaim *r);

#endif
