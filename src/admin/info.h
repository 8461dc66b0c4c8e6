/*
 * INFO: the sections, as Redis 7 formats them, and "# Raft". Every value was
 * measured; what vard does not have is left out, except for fields that
 * client libraries read and for which there is a true value.
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

/* As Redis writes sizes for people: "1.50M", "980B". */
void info_human(uint64_t bytes, struct buf *out);

#endif
