/*
 * The forms of packs, for pack.c alone.
 */
#ifndef RDB_PACK_INTERNAL_H
#define RDB_PACK_INTERNAL_H

#include "rdb/pack.h"

#define PACK_END 0xff

bool listpack_open(struct pack *p, struct bytes b);
int listpack_next(struct pack *p, struct pack_element *e);
bool ziplist_open(struct pack *p, struct bytes b);
int ziplist_next(struct pack *p, struct pack_element *e);
bool zipmap_open(struct pack *p, struct bytes b);
int zipmap_next(struct pack *p, struct pack_element *e);
bool ints_open(struct pack *p, struct bytes b);
int ints_next(struct pack *p, struct pack_element *e);

/* A signed integer of so many bytes. */
static inline int64_t pack_integer(struct reader *r, uint32_t size)
{
    struct reader bytes = reader_of(reader_bytes(r, size));
    uint64_t n = 0;
    for (uint32_t i = 0; i < size; i++)
        n |= (uint64_t)reader_u8(&bytes) << 8 * i;
    uint32_t unused = 64 - 8 * size;
    return (int64_t)(n << unused) >> unused;
}

/* The last byte, behind which there is nothing. */
static inline int pack_end(struct pack *p)
{
    bool ended = reader_u8(&p->rest) == PACK_END && reader_done(&p->rest);
    return ended && (!p->counted || p->count == 0) ? 0 : ERR_CORRUPT;
}

#endif
