/*
 * The pages of values that are apart (value.h): rows of KEYSPACE_PAGE_SIZE
 * bytes, numbered from 0 on, where the byte at an offset is in page offset /
 * KEYSPACE_PAGE_SIZE. A page may be shorter than what the value has there, or
 * missing: the rest is zeros. No page has bytes beyond the value's end.
 *
 * Who they belong to is a number, the id, that no other value ever gets: what
 * deletes pages later cannot meet those of another value.
 *
 * Pages are deleted without being read, for their numbers are known: few at
 * once, more by sweeps, for which a ticket says which (meta.h).
 */
#ifndef DATA_PAGES_H
#define DATA_PAGES_H

#include "data/keyspace.h"
#include "data/meta.h"
#include "data/rows.h"
#include "data/value.h"

/* More pages than these are deleted by sweeps. */
#define PAGES_AT_ONCE 64

/* The next bytes at `at`, up to `end` or to the end of a page; zeros after an
 * error. Borrowed until the next call on the rows. */
struct bytes pages_view(struct rows *rs, const struct page_owner *o,
                        uint64_t at, uint64_t end, bool once);
/* Whether a view is of bytes that no page has. */
bool pages_is_hole(struct bytes view);
/* Writes data at an offset of a value that has `length` bytes by now: reads
 * only pages that keep something of what they have. Whole pages borrow from
 * `data` until the entry ends, unless they are short (KEYSPACE_COPIED). */
void pages_write(struct rows *rs, const struct page_owner *o, uint64_t length,
                 uint64_t offset, struct bytes data);

/* Deletes the pages from one up to before another, now or by a ticket with the
 * next number. */
void pages_drop(struct rows *rs, struct meta_next *next,
                const struct ticket *pages);
/* Deletes up to `limit` pages of the first tickets, and the tickets that have
 * no more; of an ended epoch the ticket alone, which counts as one page.
 * Returns how many it has counted. ERR_CORRUPT, kept by the rows: a ticket is
 * missing. */
uint32_t pages_sweep(struct rows *rs, struct meta_next *next, uint32_t limit);

#endif
