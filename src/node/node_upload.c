/*
 * Large requests. The bytes of one go through the log in parts ahead of it, as
 * requests of the node's own, and become one again when it is applied
 * (data/upload.h). So no entry is large: heartbeats, and what other clients
 * want, pass in between, and every step of every node is short.
 *
 * One large request of this node is on its way at a time, and of its parts no
 * more than UPLOAD_WINDOW that are not applied here; other clients with a large
 * one wait for their turn. The bytes stay with the client, which submits the
 * same request again and again, until all parts are on their way and the
 * request itself follows them.
 *
 * How it fails: a client whose parts are not applied in time is told that its
 * request was not executed, which is true: it was not submitted yet. What has
 * been kept of it is dropped when nothing of it is on its way any more; after
 * a crash by the next start of the node.
 */
#include "base/num.h"
#include "node/node_internal.h"

uint64_t node_upload_above(const struct node *n)
{
    return n->options.upload_above > 0 ? n->options.upload_above : UPLOAD_ABOVE;
}

static size_t part_bytes(const struct node *n)
{
    ASSERT(node_upload_above(n) <= SIZE_MAX);
    return MAX((size_t)node_upload_above(n) / UPLOAD_WINDOW, 1);
}

void node_upload_release(struct node *n)
{
    ASSERT(n->upload.waiting_count <= n->upload.waiting_cap);
    mem_free(n->upload.waiting);
    buf_release(&n->upload.part);
}

/* --- whose turn it is --------------------------------------------------- */

static void waiting_add(struct upload_turns *u, void *client)
{
    ASSERT(u->client && u->client != client);
    for (size_t i = 0; i < u->waiting_count; i++)
        if (u->waiting[i] == client)
            return;
    if (u->waiting_count == u->waiting_cap) {
        u->waiting_cap = MAX(u->waiting_cap * 2, 16);
        u->waiting =
            mem_realloc(u->waiting, u->waiting_cap * sizeof(u->waiting[0]));
    }
    u->waiting[u->waiting_count++] = client;
}

static void waiting_remove(struct upload_turns *u, size_t i)
{
    ASSERT(i < u->waiting_count);
    u->waiting_count--;
    memmove(u->waiting + i, u->waiting + i + 1,
            (u->waiting_count - i) * sizeof(u->waiting[0]));
}

static void pass_on(struct upload_turns *u)
{
    ASSERT(u->client);
    u->client = NULL;
    u->total = 0;
    u->sent = 0;
    if (u->waiting_count == 0)
        return;
    u->client = u->waiting[0];
    waiting_remove(u, 0);
}

void node_abandon(struct node *n, const void *client)
{
    struct upload_turns *u = &n->upload;

    ASSERT(client);
    if (u->client == client) {
        pass_on(u);
        return;
    }
    for (size_t i = 0; i < u->waiting_count; i++) {
        if (u->waiting[i] == client) {
            waiting_remove(u, i);
            return;
        }
    }
}

/* --- parts on their way ------------------------------------------------- */

static bool window_open(const struct node *n)
{
    const struct upload_turns *u = &n->upload;

    ASSERT(u->last_seq < n->requests.ring.next_seq);
    return u->parts < UPLOAD_WINDOW ||
           u->seqs[u->parts % UPLOAD_WINDOW] < n->requests.ring.first_seq;
}

/* The oldest part that is not applied has waited for too long. */
static bool stalled(const struct node *n)
{
    const struct upload_turns *u = &n->upload;
    const struct request_ring *r = &n->requests.ring;
    int64_t limit = n->mono_ms - (int64_t)n->options.request_timeout_ms;

    if (n->mono_ms < n->timers.extended_until_ms)
        return false;
    for (uint64_t i = MIN(u->parts, UPLOAD_WINDOW); i > 0; i--) {
        uint64_t seq = u->seqs[(u->parts - i) % UPLOAD_WINDOW];
        ASSERT(seq < r->next_seq);
        if (seq >= r->first_seq)
            return r->items[seq & (r->cap - 1)].since_ms <= limit;
    }
    return false;
}

int node_upload_begin(struct node *n, void *client, uint64_t size)
{
    struct upload_turns *u = &n->upload;

    ASSERT(client && size > 0);
    if (stalled(n))
        return node_excuse(n, ERR_NO_ANSWER);
    ASSERT(u->client || u->waiting_count == 0);
    if (!u->client)
        u->client = client;
    if (u->client != client) {
        waiting_add(u, client);
        return ERR_AGAIN;
    }
    if (u->total != size) {
        u->number++;
        u->total = size;
        u->sent = 0;
    }
    return 0;
}

static struct bytes number_text(uint64_t v, char out[NUM_TEXT_MAX])
{
    ASSERT(v <= INT64_MAX);
    return bytes_of(out, num_format_i64((int64_t)v, out));
}

bool node_upload_next(struct node *n, const struct request *head,
                      const struct bytes *argv,
                      struct bytes part[UPLOAD_PART_ARGC])
{
    struct upload_turns *u = &n->upload;
    size_t size = (size_t)MIN(part_bytes(n), u->total - u->sent);

    ASSERT(u->client && u->sent <= u->total);
    if (size == 0 || !window_open(n))
        return false;
    buf_reset(&u->part);
    request_encode_part(&u->part, head, argv, (size_t)u->sent, size);
    part[0] = BYTES_LIT("vard.part");
    part[1] = number_text(u->number, u->texts[0]);
    part[2] = number_text(u->total, u->texts[1]);
    part[3] = number_text(u->sent, u->texts[2]);
    part[4] = buf_view(&u->part);
    ASSERT(u->part.len == size);
    u->sent += size;
    u->last_seq = n->requests.ring.next_seq;
    u->seqs[u->parts++ % UPLOAD_WINDOW] = u->last_seq;
    return true;
}

bool node_upload_end(struct node *n, struct bytes whole[UPLOAD_WHOLE_ARGC])
{
    struct upload_turns *u = &n->upload;

    ASSERT(u->client && u->total > 0);
    if (u->sent < u->total)
        return false;
    whole[0] = BYTES_LIT("vard.whole");
    whole[1] = number_text(u->number, u->texts[0]);
    u->last_seq = n->requests.ring.next_seq;
    pass_on(u);
    return true;
}

void node_upload_wake(struct node *n)
{
    const struct upload_turns *u = &n->upload;

    ASSERT(u->sent <= u->total);
    if (u->client &&
        (window_open(n) || stalled(n) || node_leaderless_too_long(n)))
        n->events.upload_ready(n->events.ctx, u->client);
}

bool node_upload_is_left(struct node *n)
{
    const struct upload_turns *u = &n->upload;

    ASSERT(u->client || u->total == 0);
    if (u->client || u->last_seq >= n->requests.ring.first_seq)
        return false;
    return upload_exists(n->ks, n->options.self);
}
