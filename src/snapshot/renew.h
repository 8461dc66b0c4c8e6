/*
 * The rows of a backup as those of a new cluster, in which nobody is whom the
 * old one knew: without its sessions, what its nodes had sent in parts, and its
 * members; at another position.
 */
#ifndef SNAPSHOT_RENEW_H
#define SNAPSHOT_RENEW_H

#include "base/base.h"
#include "base/buf.h"
#include "data/keyspace.h"

/* Replaces *out by the rows for the new cluster. The rows were inspected. */
void renew_rows(struct bytes rows, const struct applied *position,
                struct buf *out);

#endif
