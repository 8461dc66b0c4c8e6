/*
 * How it works: of each node's upload there is a head row and a row for each
 * part. All of it is in memory as well, in one piece, as the request needs it;
 * that is read from the rows once, with the next part after the start, and from
 * then on the parts are written and never read. The bytes of one that was
 * dropped stay until the entry ends, for what the request has put may borrow
 * from them.
 *
 * A node drops what it has given up, after a crash at its next start. One that
 * never comes back does not; so the head has an expiry, which each part moves
 * on, and the sweep drops what is behind it. For a node that comes back later
 * than that, the next part is none that can be added, and the request is not
 * executed, of which its client is told, if it still waits.
 *
 * How it fails: rows that contradict each other are ERR_CORRUPT, which
 * keyspace_commit() returns.
 */
#include "data/upload.h"

#include "base/alloc.h"
#include "base/reader.h"
#include "data/key.h"
#include "data/keyspace_internal.h"
#include "data/kinds.h"

/* All zero but for the node: there is none. */
struct upload {
    struct upload *next;
    node_id node;
    uint64_t number;
    uint64_t total;
    uint64_t received;
    uint64_t part_size;
    struct buf bytes; /* what has come, or nothing: see load() */
};

/* Bytes of an upload that was dropped in this entry. */
struct upload_bytes {
    struct upload_bytes *next;
    struct buf bytes;
};

/* --- from the rows ------------------------------------------------------ */

static bool head_decode(struct bytes row, struct upload *u)
{
    struct reader r = reader_of(row);
    u->number = reader_u64be(&r);
    u->total = reader_u64be(&r);
    u->received = reader_u64be(&r);
    u->part_size = reader_u64be(&r);
    ASSERT(r.rest.len == 8); /* rows.c has checked the size, and the expiry */
    return u->received > 0 && u->received <= u->total && u->part_size > 0 &&
           u->total <= UPLOAD_BYTES_MAX;
}

/* The node's upload; its head is in memory from now on. */
static struct upload *upload_of(struct keyspace *ks, node_id node)
{
    uint8_t key[KEY_UPLOAD_SIZE];
    struct buf head = BUF_INIT;
    ASSERT(node != NODE_NONE);
    for (struct upload *u = ks->uploads; u != NULL; u = u->next) {
        if (u->node == node)
            return u;
    }
    struct upload *u = mem_zalloc(sizeof(*u));
    u->node = node;
    u->next = ks->uploads;
    ks->uploads = u;
    if (rows_stored(&ks->rows, key_upload(key, node), &head) &&
        !head_decode(buf_view(&head), u))
        rows_fail(&ks->rows, ERR_CORRUPT);
    buf_release(&head);
    return u;
}

/* Reads the parts if they are not in memory. Then they are those of entries
 * before this one: what an entry adds is added in memory as well. */
static void load(struct keyspace *ks, struct upload *u)
{
    uint8_t key[KEY_PART_SIZE];
    while (u->bytes.len < u->received && ks->rows.error == 0) {
        size_t offset = u->bytes.len;
        uint64_t size = MIN(u->part_size, u->received - offset);
        if (!rows_stored(&ks->rows, key_part(key, u->node, offset),
                         &u->bytes) ||
            u->bytes.len - offset != size)
            rows_fail(&ks->rows, ERR_CORRUPT);
    }
}

void uploads_settle(struct keyspace *ks)
{
    while (ks->uploads_dropped != NULL) {
        struct upload_bytes *b = ks->uploads_dropped;
        ks->uploads_dropped = b->next;
        buf_release(&b->bytes);
        mem_free(b);
    }
}

void uploads_release(struct keyspace *ks)
{
    uploads_settle(ks);
    while (ks->uploads != NULL) {
        struct upload *u = ks->uploads;
        ks->uploads = u->next;
        buf_release(&u->bytes);
        mem_free(u);
    }
}

/* --- to the rows -------------------------------------------------------- */

static void put_head(struct keyspace *ks, const struct upload *u)
{
    uint8_t key[KEY_UPLOAD_SIZE];
    struct buf head = BUF_INIT;
    buf_u64be(&head, u->number);
    buf_u64be(&head, u->total);
    buf_u64be(&head, u->received);
    buf_u64be(&head, u->part_size);
    buf_u64be(&head, (uint64_t)ks->entry.time_ms + UPLOAD_KEPT_MS);
    ASSERT(head.len == UPLOAD_SIZE);
    rows_put(&ks->rows, key_upload(key, u->node), buf_view(&head));
    buf_release(&head);
}

static void drop_bytes(struct keyspace *ks, struct upload *u)
{
    struct upload_bytes *b = mem_alloc(sizeof(*b));
    ASSERT(ks->rows.in_entry);
    *b = (struct upload_bytes){ks->uploads_dropped, u->bytes};
    ks->uploads_dropped = b;
    u->bytes = BUF_INIT;
}

void upload_drop(struct keyspace *ks, node_id node)
{
    struct upload *u = upload_of(ks, node);
    uint8_t key[KEY_PART_SIZE];
    ASSERT(ks->rows.in_entry);
    if (u->total == 0)
        return;
    for (uint64_t at = 0; at < u->received; at += u->part_size)
        rows_erase(&ks->rows, key_part(key, node, at));
    rows_delete(&ks->rows, key_upload(key, node));
    u->number = 0;
    u->total = 0;
    u->received = 0;
    u->part_size = 0;
    drop_bytes(ks, u);
}

/* Whether a first part can begin an upload. */
static bool can_begin(const struct upload_part *p)
{
    return p->offset == 0 && p->bytes.len > 0 && p->bytes.len <= p->total &&
           p->total <= UPLOAD_BYTES_MAX;
}

static bool is_next(const struct upload *u, const struct upload_part *p)
{
    ASSERT(u->received <= u->total);
    return p->number == u->number && p->total == u->total &&
           p->offset == u->received && p->bytes.len > 0 &&
           p->bytes.len == MIN(u->part_size, u->total - u->received);
}

bool upload_add(struct keyspace *ks, node_id node,
                const struct upload_part *part)
{
    ASSERT(ks->rows.in_entry);
    struct upload *u = upload_of(ks, node);
    if (part->offset == 0 ? !can_begin(part) : !is_next(u, part))
        return false;
    if (part->offset == 0) {
        upload_drop(ks, node);
        u->number = part->number;
        u->total = part->total;
        u->part_size = part->bytes.len;
    }
    uint8_t key[KEY_PART_SIZE];
    rows_put_unread(&ks->rows, key_part(key, node, part->offset), part->bytes);
    load(ks, u);
    buf_bytes(&u->bytes, part->bytes);
    u->received += part->bytes.len;
    put_head(ks, u);
    ASSERT(u->received <= u->total);
    return true;
}

bool upload_whole(struct keyspace *ks, node_id node, uint64_t number,
                  struct bytes *bytes)
{
    ASSERT(ks->rows.in_entry && bytes != NULL);
    struct upload *u = upload_of(ks, node);
    if (u->total == 0 || u->number != number || u->received < u->total)
        return false;
    load(ks, u);
    *bytes = buf_view(&u->bytes);
    return bytes->len == u->total; /* but for an error of the store */
}

bool upload_exists(struct keyspace *ks, node_id node)
{
    ASSERT(!ks->rows.in_entry);
    return upload_of(ks, node)->total > 0;
}
