/*
 * Writes of the database that wait for space.
 *
 * RocksDB takes a failed write for final, and so do we: a job of its own that
 * meets the end of the disk would end the process. Its files are written by
 * write(), which it calls through the dynamic linker, which takes the program's
 * first: disk_wait.c has one of that name. It does what the system's does, but
 * for files of a database (their names tell) it waits where that would have no
 * space, as long as waiting is on; and a merge waits earlier: it leaves room
 * for what has to be written. Whoever waits holds up nothing but its own
 * thread; a log that is not written is a disk that hangs, which members know
 * how to treat.
 *
 * A shared library that does not ask the linker keeps the system's write():
 * then nothing waits, and a full disk ends the process as before.
 */
#ifndef ROCKS_DISK_WAIT_H
#define ROCKS_DISK_WAIT_H

#include "base/base.h"

/* From now on writes wait, and merges leave `bytes` free. 0: nobody waits any
 * more, so that a database can be closed. One for the whole process, for a
 * call of the library tells nothing of the store that it is for; the store that
 * was opened last decides. */
void disk_wait_set(uint64_t bytes);

/* How many writes are waiting now. */
uint32_t disk_waiting(void);

#endif
