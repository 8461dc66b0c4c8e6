/*
 * What a node keeps of a state that it is fetching: the parts, and a row that
 * says how far it came, with all that the inspection has to remember.
 *
 * The parts of one transfer must never be taken for those of another one: so
 * the row is gone from the disk before another transfer makes a part. Parts
 * without a row are removed by the next start.
 *
 * How it fails: a row or parts that cannot be used are as good as none. A row
 * that cannot be written ends the node, as each write of the log does.
 */
#include <inttypes.h>

#include "base/reader.h"
#include "node/node_internal.h"
#include "snapshot/intake.h"

#define ROW         BYTES_LIT("refill")
#define ROW_VERSION 1
#define REFUSE_MS   10000 /* after a transfer that has failed */

/* --- the row ------------------------------------------------------------ */

void node_refill_note(struct node *n, const struct intake_news *part)
{
    struct refill *r = &n->refill;
    struct buf row = BUF_INIT;

    ASSERT(part->parts > 0 && part->bytes > r->noted_bytes);
    buf_u8(&row, ROW_VERSION);
    buf_u32(&row, part->parts);
    buf_u64(&row, n->options.cluster_id);
    buf_u64(&row, r->offer.index);
    buf_u64(&row, r->offer.term);
    buf_u64(&row, r->offer.chain);
    buf_u64(&row, r->offer.bytes);
    buf_bytes(&row, part->saved);
    store_batch_reset(&n->batch);
    store_batch_put(&n->batch, STORE_META, ROW, buf_view(&row));
    int err = store_write(n->store, &n->batch, STORE_LOGGED);
    if (err != 0)
        node_fail_by(n, "noting what came of a state", err);
    buf_release(&row);
    r->noted = true;
    r->noted_bytes = part->bytes;
}

/* NULL: there is nothing that is of use. */
static struct inspect *read_row(struct node *n, uint32_t *parts)
{
    struct refill *r = &n->refill;
    struct inspect *saved = NULL;
    struct buf raw = BUF_INIT;

    r->noted = store_get(n->store, STORE_META, ROW, &raw) == 0;
    struct reader row = reader_of(buf_view(&raw));
    bool known = reader_u8(&row) == ROW_VERSION;
    *parts = reader_u32(&row);
    known = known && reader_u64(&row) == n->options.cluster_id;
    r->offer.index = reader_u64(&row);
    r->offer.term = reader_u64(&row);
    r->offer.chain = reader_u64(&row);
    r->offer.bytes = reader_u64(&row);
    if (r->noted && known && !row.failed && *parts > 0)
        saved = inspect_load(row.rest);
    buf_release(&raw);
    if (!saved || inspect_last(saved).len > 0)
        return saved;
    inspect_free(saved);
    return NULL;
}

void node_refill_unnote(struct node *n)
{
    if (n->refill.noted)
        store_batch_delete(&n->batch, STORE_META, ROW);
    n->refill.noted = false;
    ASSERT(!n->dead);
}

/* It is gone from the disk, too, before there is a part of another transfer:
 * whose intake syncs first. */
static void erase_row(struct node *n)
{
    if (!n->refill.noted || n->dead)
        return;
    store_batch_reset(&n->batch);
    node_refill_unnote(n);
    int err = store_write(n->store, &n->batch, STORE_LOGGED);
    if (err != 0)
        node_fail_by(n, "ending the transfer of a state", err);
}

/* --- the transfer as a whole -------------------------------------------- */

/* But for what is being done of it. */
static void release(struct node *n)
{
    struct refill *r = &n->refill;

    ASSERT(!r->leaving);
    buf_release(&r->rows);
    *r = (struct refill){.refuse_until_ms = r->refuse_until_ms,
                         .told_ms = r->told_ms,
                         .noted = r->noted,
                         .leaving = r->intake};
    ASSERT(r->phase == REFILL_NONE);
}

void node_refill_release(struct node *n)
{
    struct refill *r = &n->refill;

    intake_free(r->intake);
    intake_free(r->leaving);
    r->intake = r->leaving = NULL;
    release(n);
}

/* A new fill removes all parts. */
static void remove_parts(struct node *n)
{
    struct store_fill *none;
    int err = store_fill_begin(n->store, 0, BYTES_NONE, &none);

    if (err == 0)
        store_fill_free(none);
    ASSERT(!n->refill.intake && !n->refill.leaving);
}

/* What is being written is waited for by nobody, so the parts may go later. */
bool node_refill_left(struct node *n)
{
    struct refill *r = &n->refill;

    if (!r->leaving)
        return true;
    if (!intake_stop(r->leaving))
        return false;
    intake_free(r->leaving);
    r->leaving = NULL;
    remove_parts(n);
    return true;
}

void node_refill_drop(struct node *n)
{
    bool any = n->refill.intake != NULL;
    release(n);
    erase_row(n);
    if (!n->dead && node_refill_left(n) && !any)
        remove_parts(n);
    ASSERT(n->dead || !n->refill.noted);
}

/* The source may let go of it; who is not told finds out by the silence. */
void node_refill_leave(struct node *n)
{
    struct refill *r = &n->refill;
    struct transfer t = {.kind = TRANSFER_LEAVE, .id = r->id};

    ASSERT(r->phase != REFILL_NONE);
    int err = r->id != 0 ? node_transfer_send(n, r->offer.source, &t) : 0;
    UNUSED(err);
    r->id = 0;
}

/* What has come is of no use, or there is no place for it. */
void node_refill_fail(struct node *n, const char *what, const char *why)
{
    log_warning(n->logger,
                "the state of entry %" PRIu64 " from node %u: %s: %s; what "
                "came is removed, another offer is awaited",
                n->refill.offer.index, n->refill.offer.source, what, why);
    node_refill_leave(n);
    node_refill_drop(n);
    n->refill.refuse_until_ms = n->mono_ms + REFUSE_MS;
    ASSERT(n->refill.phase == REFILL_NONE);
}

/* What came so far waits. */
void node_refill_keep(struct node *n, const char *why)
{
    struct refill *r = &n->refill;

    ASSERT(r->phase == REFILL_FETCHING);
    log_notice(n->logger,
               "the state of entry %" PRIu64 " from node %u: %s; %" PRIu64
               " MB are here, another offer is awaited",
               r->offer.index, r->offer.source, why,
               intake_given(r->intake).bytes >> 20);
    node_refill_leave(n);
    r->phase = REFILL_KEPT;
    buf_release(&r->rows);
    r->head.total = 0;
}

void node_refill_open(struct node *n)
{
    struct refill *r = &n->refill;
    struct store_fill *fill = NULL;
    uint32_t parts;

    ASSERT(r->phase == REFILL_NONE && !r->intake);
    struct inspect *saved = read_row(n, &parts);
    if (saved && r->offer.index > keyspace_applied(n->ks)->index &&
        store_fill_begin(n->store, parts, inspect_last(saved), &fill) == 0) {
        r->intake = intake_new(fill, saved, NULL, n->options.threadless);
        r->part_bytes = r->noted_bytes = intake_given(r->intake).bytes;
        r->phase = REFILL_KEPT;
        log_notice(n->logger,
                   "%" PRIu64 " MB of the state of entry %" PRIu64
                   " are here, as they came before the start",
                   r->noted_bytes >> 20, r->offer.index);
        return;
    }
    inspect_free(saved);
    node_refill_drop(n);
}
