/*
 * What an archive (ctl/shelf.h) is good for: the state of a cluster as of some
 * moment.
 */
#ifndef CTL_REWIND_H
#define CTL_REWIND_H

#include "base/base.h"
#include "raft/raft.h"

/* Up to where; neither: all that the archive has. */
struct rewind_to {
    bool by_time;
    int64_t wall_ms;  /* entries up to that time */
    raft_index index; /* up to this entry; 0: not said */
};

/* "SECONDS[.mmm]" since 1970, or "YYYY-MM-DDTHH:MM:SS[.mmm]Z". */
MUST_USE bool rewind_parse_time(const char *text, int64_t *wall_ms);

/* FILE|ARCHIVE DIR [--until TIME | --entry INDEX]: as below, or a backup. */
int rewind_command(int argc, char **argv);
/* Makes a data directory of it, as backup_restore() of a backup that was taken
 * then. CTL_GOOD, or CTL_NOT_DONE after a message. */
int rewind_restore(const char *archive, const char *dir,
                   const struct rewind_to *to);
#endif
