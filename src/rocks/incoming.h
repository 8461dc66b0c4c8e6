/*
 * The files that tables are written to before the database takes them over:
 * `incoming` in the database's directory, and for a whole state, all of them at
 * once, its parts `refill.1`, `refill.2` and so on (rocks_fill.c).
 *
 * RocksDB 7.8 gives them second names, writes these to the MANIFEST, and then
 * removes the first. If writing or syncing the MANIFEST fails, it removes the
 * second names instead, though the MANIFEST may have got the record all the
 * same; such a database cannot be opened, because tables are missing that are
 * still there under their first names.
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

#define INCOMING_PARTS "refill." /* names of parts begin so */

/* The path of part 1, 2 ...; 0: of the one that is being written. The caller
 * frees it. */
char *incoming_part_path(const char *db, uint32_t part);

/* `refusal` is the text of an opening that was refused. If it is for a missing
 * table, there are so many ways to give files that were not taken over the
 * names of tables; 0: none. Which one is right is found out by opening: the
 * MANIFEST has the size of each table and what identifies it. */
uint32_t incoming_ways(const char *db, struct bytes refusal);

/* Names the files in that way, from 0 on. False: that cannot be, and nothing
 * was done. */
bool incoming_name(const char *db, struct bytes refusal, uint32_t way);

/* Takes the names that incoming_name() has given away again. False: errno says
 * why; what stays is no table that the database knows. */
MUST_USE bool incoming_unname(const char *db, struct bytes refusal,
                              uint32_t way);

#endif
