/*
 * How it works: the writer is led on from the connection's output to the end of
 * the piece that was added last, with what is left of its limit. So a reply is
 * bounded by its whole length, as if it were written at once.
 *
 * How it fails: it does not; see stream_next().
 */
#include "cmd/cmd_rest.h"

#include "base/alloc.h"

void cmd_rest_init(struct cmd_rest *rest)
{
    list_init(&rest->pieces);
}

bool cmd_rest_is_empty(const struct cmd_rest *rest)
{
    return list_empty(&rest->pieces);
}

static struct cmd_rest_piece *piece_of(struct list *link)
{
    return CONTAINER_OF(link, struct cmd_rest_piece, link);
}

static void piece_free(struct cmd_rest_piece *p)
{
    list_remove(&p->link);
    stream_close(&p->stream);
    buf_release(&p->after);
    mem_free(p);
}

void cmd_rest_drop(struct cmd_rest *rest)
{
    while (!cmd_rest_is_empty(rest))
        piece_free(piece_of(rest->pieces.next));
}

size_t cmd_rest_memory(const struct cmd_rest *rest)
{
    size_t bytes = 0;
    struct list *at = rest->pieces.next;
    for (; at != &rest->pieces; at = at->next) {
        const struct cmd_rest_piece *p = piece_of(at);
        bytes += sizeof(*p) + stream_memory(&p->stream) + p->after.cap;
    }
    return bytes;
}

void cmd_rest_add(struct cmd_rest *rest, struct keyspace *ks,
                  const struct value_range *range, struct resp_writer *w)
{
    struct cmd_rest_piece *p = mem_zalloc(sizeof(*p));
    size_t length = (size_t)(range->end - range->at);
    ASSERT(w->out != NULL && !w->over);
    list_append(&rest->pieces, &p->link);
    stream_open(ks, &p->stream, range);
    buf_str(&p->after, "\r\n");
    if (w->limit > 0) {
        size_t used = w->out->len + length;
        w->limit = used < w->limit ? w->limit - used + p->after.len : 1;
    }
    w->out = &p->after;
}

/* What comes after the string; true: that was all of the piece. */
static bool take_after(struct cmd_rest_piece *p, struct buf *out, size_t bytes)
{
    struct bytes left = bytes_from(buf_view(&p->after), p->told);
    left.len = MIN(left.len, bytes);
    buf_bytes(out, left);
    p->told += left.len;
    ASSERT(p->told <= p->after.len);
    return p->told == p->after.len;
}

void cmd_rest_take(struct cmd_rest *rest, struct keyspace *ks, struct buf *out,
                   size_t bytes)
{
    size_t end = out->len + bytes;
    struct bytes part;
    while (!cmd_rest_is_empty(rest) && out->len < end) {
        struct cmd_rest_piece *p = piece_of(rest->pieces.next);
        if (p->told == 0 && stream_next(ks, &p->stream, &part))
            buf_bytes(out, part);
        else if (take_after(p, out, end - out->len))
            piece_free(p);
    }
}
