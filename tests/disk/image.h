/*
 * A directory on a file system that can lose power: what has reached the
 * disk, and what is only in memory. Fed with the records of a tape, it makes
 * the directory as it may be found after a power cut at that moment.
 *
 * The model. Data of a file reach the disk by a sync of that file. An entry
 * of a directory (created, renamed, removed) reaches it
 * - IMAGE_POSIX: by a sync of that directory, and by nothing else;
 * - IMAGE_JOURNAL: by any sync, since a journalling file system (ext4, xfs)
 *   commits all earlier changes of metadata with it.
 * After a sync that failed, the pages it covered count as clean: no later sync
 * of that file brings them to the disk.
 * What has not reached the disk may be there or not, in any combination that
 * `image_cut` names. An operation on a name is atomic; a write is not: its
 * sectors of 512 bytes are. A sector that was never written is zeroes.
 *
 * Files named LOG* (RocksDB's own diary, never synced, never read) are left
 * out of what is built.
 */
#ifndef DISK_IMAGE_H
#define DISK_IMAGE_H

#include "base/base.h"
#include "tape.h"

enum image_model { IMAGE_POSIX, IMAGE_JOURNAL };

/* What becomes of the operations that have not reached the disk. */
#define IMAGE_CUTS(X)                                                          \
    X(KEPT, "all kept")                                                        \
    X(LOST, "all unsynced lost")                                               \
    X(NAMES, "names kept, data lost")                                          \
    X(DATA, "data kept, names lost")                                           \
    X(ZEROES, "names and sizes kept, data zeroes")                             \
    X(PREFIX, "a prefix kept")                                                 \
    X(WITHOUT, "a single one lost")                                            \
    X(TORN, "the last write torn at 512 bytes")                                \
    X(SECTORS, "any sectors of unsynced writes")

enum image_cut {
#define X(name, text) IMAGE_##name,
    IMAGE_CUTS(X)
#undef X
        IMAGE_CUT_COUNT,
};

struct image_variant {
    enum image_cut cut;
    uint64_t pick; /* PREFIX: how many; WITHOUT: which; TORN: sectors kept;
                    * SECTORS: a seed */
};

struct image;

struct image *image_new(enum image_model model);
void image_free(struct image *m);
/* Before anything is applied: what stands in a directory has reached the
 * disk. */
void image_load(struct image *m, const char *dir);
void image_apply(struct image *m, const struct tape_event *e);

/* For a mutant: syncs of files with this in their path are not believed; "/":
 * of directories. NULL: all are. */
void image_distrust(struct image *m, const char *part);

/* Operations that have not reached the disk. */
size_t image_pending(const struct image *m);
/* Is the i-th of them one on a name? */
bool image_is_name(const struct image *m, uint64_t i);
/* Sectors of the last of them if it is a write, else 0. */
uint64_t image_last_sectors(const struct image *m);

/* A hash of what image_build would make. */
uint64_t image_hash(const struct image *m, const struct image_variant *v);
/* Makes the directory, which must not exist yet. */
void image_build(const struct image *m, const struct image_variant *v,
                 const char *dir);
/* Says into `out` where a real directory differs from "all kept"; nothing if
 * it does not. */
void image_compare(const struct image *m, const char *dir, struct buf *out);

#endif
