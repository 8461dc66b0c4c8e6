/*
 * What the files of this room share: the parts of items.
 */
#ifndef PAGE_PAGE_INTERNAL_H
#define PAGE_PAGE_INTERNAL_H

#include "page/page.h"

/* A branch without its separator. */
#define BRANCH_WEIGHT_OFFSET 5
#define BRANCH_FIXED_SIZE    10

/* Five bytes, big-endian. */
uint64_t page_load(const uint8_t *p);
void page_store(uint8_t *p, uint64_t v);

/* The counted bytes at *at, which goes behind them; they are there. */
struct bytes page_counted(struct bytes page, size_t *at);
/* How many bytes a count takes with what it counts. */
size_t page_counted_size(size_t len);
/* Writes both, and returns where they end. */
uint8_t *page_put_counted(uint8_t *p, struct bytes b);

/* Makes `has` bytes of the `had` ones at an offset; what is behind moves. */
void page_resize(struct buf *page, size_t at, size_t had, size_t has);
/* Makes room for an item, which is counted, and returns where it goes. */
uint8_t *page_open(struct buf *page, struct page_place place, size_t size);

#endif
