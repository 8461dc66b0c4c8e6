/*
 * An archive: a directory with the history of a cluster, as backups and the
 * log behind them.
 *
 *   base-INDEX      a backup (snapshot/archive.h): the state after that entry
 *   log-INDEX       the log from that entry on (codec/segment.h)
 *   log-INDEX.part  the same, as long as more comes to it; it is the last one
 *
 * INDEX has 20 digits. Beside them there may be LOCK, and base.new, a base that
 * was not finished.
 */
#ifndef CTL_SHELF_H
#define CTL_SHELF_H

#include "base/base.h"
#include "base/buf.h"
#include "codec/segment.h"
#include "data/keyspace.h"

#define SHELF_NAME_SIZE 40
#define SHELF_TIME_SIZE 40
#define SHELF_PIECE_MAX ((size_t)256 << 20) /* bytes; nobody writes larger */
#define SHELF_NEW       "base.new"
#define SHELF_PART      ".part"

struct shelf_file {
    raft_index index;
    bool is_part;
    char name[SHELF_NAME_SIZE];
};

/* Both ascending by index. */
struct shelf {
    const char *dir; /* borrowed */
    struct shelf_file *bases;
    size_t base_count;
    struct shelf_file *logs;
    size_t log_count;
};

/* ERR_IO with a text; the caller releases it in any case. */
MUST_USE int shelf_read(struct shelf *out, const char *dir, struct buf *error);
void shelf_release(struct shelf *s);
/* The caller frees it. */
char *shelf_path(const char *dir, const char *name);
/* "base-" or "log-" and the index. */
void shelf_name(char out[SHELF_NAME_SIZE], const char *kind, raft_index index);

/* Of which entry a base is the state, and of which cluster. `cluster_id` may be
 * NULL. ERR_CORRUPT, ERR_IO, ERR_MISMATCH with a text. The first: of any file
 * that is a backup. */
MUST_USE int shelf_head(const char *path, struct applied *out,
                        uint64_t *cluster_id, struct buf *error);
MUST_USE int shelf_base(const struct shelf *s, size_t i, struct applied *out,
                        uint64_t *cluster_id, struct buf *error);

/* The log of an archive, entry by entry, from behind some entry on. Starts as
 * {.shelf, .last, .chain}, the rest zero. */
struct walk {
    const struct shelf *shelf;
    raft_index last; /* the entry before the next one */
    uint64_t chain;  /* up to there */
    size_t next;     /* file to be opened */
    bool is_open;
    struct buf bytes; /* of the file */
    struct segment at;
};

/* The next entry, borrowed until the next call. ERR_NOT_FOUND: the archive
 * ends. ERR_BEHIND: it has entries from walk_gap() on, and not this one.
 * ERR_CORRUPT, ERR_IO: with a text. */
MUST_USE int walk_next(struct walk *w, struct entry *out, struct buf *error);
raft_index walk_gap(const struct walk *w);
/* Goes on with the first entry of this file, whatever came before. Errors as
 * above. */
MUST_USE int walk_seek(struct walk *w, size_t file, struct buf *error);
void walk_release(struct walk *w);

/* Reads all of it, and says what it has: CTL_GOOD or CTL_NO (ctl/ctl.h). */
int shelf_verify(const char *dir);

/* An entry's time by the wall clock, for who compares and for who reads. */
int64_t shelf_wall_ms(int64_t time_ms, int64_t wall_offset_ms);
void shelf_time(char out[SHELF_TIME_SIZE], int64_t wall_ms);

#endif
