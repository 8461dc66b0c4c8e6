/*
 * The file that a table of the state is written to before the database takes
 * it over: `incoming` in the database's directory.
 *
 * RocksDB 7.8 gives it a second name, writes that to the MANIFEST, and then
 * removes the first. If writing or syncing the MANIFEST fails, it removes the
 * second name instead, though the MANIFEST may have got the record all the
 * same; such a database cannot be opened, because a table is missing that is
 * still there under its first name.
 */
#ifndef ROCKS_INCOMING_H
#define ROCKS_INCOMING_H

#include "base/base.h"
#include "base/bytes.h"

#define INCOMING_PACE (1u << 20) /* bytes */

/* Its path; the caller frees it. */
char *incoming_path(const char *db);

/* Removes what an earlier one has left. It may be a table of the database by
 * its other name, so it must never be written again. False: errno says why. */
MUST_USE bool incoming_remove(const char *file);

/* While it is written: lets the disk have it bit by bit. If all of it went at
 * once, with the sync at its end, the log's syncs would wait for it: ext4
 * writes what files have grown by before the journal record that any of them
 * waits for. */
struct incoming_pace {
    int fd;
    size_t bytes; /* since the last bit */
};
/* The file is there. Without success it is not paced. */
void incoming_pace_begin(struct incoming_pace *p, const char *file);
void incoming_pace_add(struct incoming_pace *p, size_t bytes);
void incoming_pace_end(struct incoming_pace *p);

/* `refusal` is the text of an opening that was refused. If it is for a missing
 * table, and there is a file that was not taken over, gives it that table's
 * name. Returns the name, which the caller frees, or NULL: nothing was done.
 * The next opening finds out whether it is the right file: the MANIFEST has the
 * size of each table and what identifies it. */
char *incoming_restore(const char *db, struct bytes refusal);

#endif
