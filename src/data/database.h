/*
 * Which database a client means by a number. A database has a place, its number
 * in the keys of rows, where it stays for good: all functions of this room take
 * places. Clients say numbers, and SWAPDB exchanges what two of them mean,
 * whatever is in there, in O(1).
 *
 * As long as nothing was exchanged, places are the numbers; then they are a row
 * of the state, so they are the same on all members, in snapshots and backups.
 */
#ifndef DATA_DATABASE_H
#define DATA_DATABASE_H

#include "data/keyspace.h"

/* The place of the database that clients call `number`. Within an entry, as it
 * is by now. */
uint8_t database_place(const struct keyspace *ks, uint8_t number);
/* What clients call the database at a place. */
uint8_t database_number(const struct keyspace *ks, uint8_t place);
/* Inside an entry: exchanges two of them, which may be the same.
 * Whoever waits for elements looks again. */
void database_swap(struct keyspace *ks, uint8_t a, uint8_t b);

#endif
