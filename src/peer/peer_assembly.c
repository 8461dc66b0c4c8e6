/*
 * Fragments arrive in order over one connection, so all that can be right is
 * the first one of a payload with a higher id, or exactly the next one.
 *
 * How it fails: ERR_PROTOCOL for any other fragment, ERR_TOO_BIG for a payload
 * above the limit; either closes the link.
 */
#include "peer/peer_assembly.h"

#include "base/alloc.h"

static int begin(struct peer_assembly *a, const struct fragment *f,
                 uint64_t payload_bytes_max)
{
    ASSERT(a->data.len == 0);
    if (f->id <= a->id || f->offset != 0)
        return ERR_PROTOCOL;
    if (f->total > payload_bytes_max)
        return ERR_TOO_BIG;
    a->id = f->id;
    a->total = f->total;
    a->type = f->type;
    return 0;
}

static bool is_next(const struct peer_assembly *a, const struct fragment *f)
{
    return f->id == a->id && f->total == a->total && f->type == a->type &&
           f->offset == a->data.len && f->data.len <= a->total - f->offset;
}

/* Room for `extra` more bytes: doubling, but not beyond the total. */
static void grow(struct peer_assembly *a, size_t extra)
{
    struct buf *b = &a->data;
    size_t need = b->len + extra;
    ASSERT(need <= a->total);
    if (need <= b->cap)
        return;
    size_t cap = MIN(MAX(need, b->cap * 2), (size_t)a->total);
    b->data = mem_realloc(b->data, cap);
    b->cap = cap;
}

int peer_assembly_add(struct peer_assembly *a, const struct fragment *f,
                      uint64_t payload_bytes_max)
{
    ASSERT(f->data.len > 0);
    ASSERT(a->total == 0 || a->data.len < a->total);
    if (a->total == 0) {
        int err = begin(a, f, payload_bytes_max);
        if (err != 0)
            return err;
    }
    if (!is_next(a, f))
        return ERR_PROTOCOL;
    grow(a, f->data.len);
    buf_bytes(&a->data, f->data);
    ASSERT(a->data.len <= a->total);
    return a->data.len == a->total ? 1 : 0;
}

void peer_assembly_reset(struct peer_assembly *a)
{
    buf_reset(&a->data);
    buf_shrink(&a->data, PEER_ASSEMBLY_KEPT);
    a->total = 0;
}

void peer_assembly_release(struct peer_assembly *a)
{
    buf_release(&a->data);
    a->total = 0;
}
