/*
 * How it works: frames become requests to the node with the internal commands
 * of cmd/cmd_original.c, under the client's id and request id; so exactly-once
 * is the same machinery as for ONCE. Replies come as arrays of three and
 * leave as text.
 *
 * How it fails: what does not belong to the protocol closes that connection
 * and nothing else, as in Verdi's vard, which has no error replies. So does a
 * value that a RESP client has stored and that this protocol can't carry, and
 * a request of which nobody knows whether it was executed. With a password
 * set nobody gets in this way, because the protocol has no place for it.
 */
#include "original/original.h"

#include "base/reader.h"
#include "original/wire.h"

#include <inttypes.h>
#include <string.h>

static void not_leader(struct client *c, uint64_t id)
{
    struct buf *out = guest_output(c);
    size_t begin = out->len;
    buf_u32(out, 0);
    buf_printf(out, "NotLeader %" PRIu64, id);
    store_u32le(out->data + begin, (uint32_t)(out->len - begin - 4));
}

static void answer(struct client *c, uint64_t id, enum guest_outcome outcome,
                   struct bytes reply)
{
    switch (outcome) {
    case GUEST_EXECUTED:
        ASSERT(reply.len > 0);
        if (original_format(id, reply, guest_output(c)) != 0)
            guest_close(c, "the reply cannot be said in it");
        break;
    case GUEST_OUTDATED: /* Verdi's vard does not answer it either */
        break;
    case GUEST_UNKNOWN:
        guest_close(c, "the reply cannot be said in it");
        break;
    case GUEST_REFUSED:
        ASSERT(reply.len == 0);
        not_leader(c, id);
        break;
    case GUEST_TOO_BIG:
        guest_close(c, "the request is too big");
        break;
    }
}

/* The first frame: who it is. An older connection of the same client's is
 * closed. */
static void introduce(struct client *c, struct bytes text)
{
    char id[ORIGINAL_ID_LEN + 1];
    ASSERT(guest_id(c)[0] == '\0');
    if (!client_is_authorized(c)) {
        guest_close(c, "a password is required, which it cannot give");
        return;
    }
    if (original_parse_id(text, id) != 0) {
        guest_close(c, "bad client id");
        return;
    }
    guest_introduce(c, id);
}

/* False: not now. */
static bool request(struct client *c, struct bytes text)
{
    struct original_request r;
    if (original_parse(text, &r) != 0) {
        guest_close(c, "not a request");
        return true;
    }
    struct guest_request g = {
        .cmd = cmd_lookup(bytes_str(r.command)),
        .argv = r.argv,
        .argc = r.argc,
        .id = r.id,
    };
    ASSERT(g.cmd != NULL && guest_id(c)[0] != '\0');
    return guest_submit(c, &g);
}

/* One frame; the bytes it took, or 0: no further now. */
static size_t take_frame(struct client *c, struct bytes input, size_t *need)
{
    struct bytes text;
    bool first = guest_id(c)[0] == '\0';
    uint64_t max = first ? ORIGINAL_ID_LEN : guest_request_max(c);
    int64_t size = original_frame(input, max, &text, need);
    if (size < 0)
        guest_close(c, "the frame is too long");
    if (size <= 0)
        return 0;
    ASSERT((size_t)size <= input.len);
    if (first)
        introduce(c, text);
    else if (!request(c, text))
        return 0;
    return (size_t)size;
}

/* The first bytes of a client are the length of its id. */
static const uint8_t magic[4] = {ORIGINAL_ID_LEN, 0, 0, 0};

const struct protocol original_protocol = {
    .name = "the protocol of Verdi's vard",
    .magic = {magic, sizeof(magic)},
    .request_min = sizeof(magic),
    .take = take_frame,
    .answer = answer,
};
