/*
 * The level in force (base/level.h): a row of the state, which an entry raises
 * for those that follow. So each entry is executed by the level that was in
 * force at that entry, whenever it is executed, by whatever program, and the
 * state of any entry has its level with it: in files, in snapshots, in backups.
 */
#ifndef DATA_LEVEL_H
#define DATA_LEVEL_H

#include "data/keyspace.h"

/* LEVEL_MIN as long as no entry has raised it. Within an entry, that as of its
 * beginning, until level_raise(). */
uint16_t level_get(const struct keyspace *ks);
/* Inside an entry: at least what it is. */
void level_raise(struct keyspace *ks, uint16_t level);

#endif
