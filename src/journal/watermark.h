/*
 * The watermark: what this node has promised to others (its vote, the entries
 * it acknowledged), in a small file outside RocksDB. RocksDB cannot see that
 * a write-ahead log was deleted, or cut at the border of a record; comparing
 * its log with the watermark at start does.
 *
 * Two slots of one disk block each. The slot synced last is left alone; all
 * writes go to the other one until it has been synced as well. So a torn
 * write never spoils what is known to be on the disk. Terms and votes are
 * synced to it before they are reported durable; the log position is written
 * with each sync and synced itself about every WATERMARK_SYNC_MS. Before a
 * truncation the position is lowered, with a sync.
 */
#ifndef JOURNAL_WATERMARK_H
#define JOURNAL_WATERMARK_H

#include "base/base.h"
#include "base/buf.h"
#include "codec/record.h"

#define WATERMARK_SYNC_MS 100

struct watermark_file;

/* Opens the file. `found` tells whether it had a valid slot; the newer one is
 * then in *last. A file that does not exist appears, whole, with the first
 * write; so one without a valid slot is damaged: ERR_CORRUPT. On any failure
 * `error` has the text. */
MUST_USE int watermark_open(struct watermark_file **out, const char *path,
                            struct watermark *last, bool *found,
                            struct buf *error);
/* Writes it (the generation is chosen here); with `sync`, waits for the disk
 * too. Thread-safe. ERR_IO is final, watermark_error() says why. */
MUST_USE int watermark_write(struct watermark_file *f,
                             const struct watermark *w, bool sync);
/* The mark written last, by this process or before; false if there is none. */
bool watermark_last(struct watermark_file *f, struct watermark *out);
/* What failed, for a person; empty if nothing did. */
const char *watermark_error(const struct watermark_file *f);
void watermark_close(struct watermark_file *f);

#endif
