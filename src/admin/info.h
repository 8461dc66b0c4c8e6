/*
 * INFO: the sections, as Redis 7 formats them, and "# Raft". A value is
 * measured, or a constant that is true of vard (CONSTANT in metrics.def), for
 * fields that client libraries read; what vard does not have is left out. One
 * exception: lag=0 in the lines of slaves, the seconds since a follower was
 * last heard, is not measured.
 */
#ifndef ADMIN_INFO_H
#define ADMIN_INFO_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

struct server;

/* Appends the sections that the words ask for: names of sections, "default",
 * "all", "everything"; no word means "default". */
void info_text(struct server *s, const struct bytes *words, size_t word_count,
               struct buf *out);

#endif
