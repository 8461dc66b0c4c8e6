/*
 * Groups of requests, as peers forward them and entries contain them. What is
 * accepted encodes to the same bytes, is accepted again when cut off behind
 * it, and never when cut short; the quick way of reading agrees.
 */
// link: codec
#include <stdlib.h>

#include "base/alloc.h"
#include "codec/request.h"
#include "fuzz/fuzz.h"

static void encode_request(struct request *r, struct buf *out)
{
    struct bytes *argv = mem_alloc(r->argc * sizeof(argv[0]));
    struct bytes args = r->args;
    for (uint32_t i = 0; i < r->argc; i++)
        argv[i] = request_arg(&args);
    ASSERT(args.len == 0);
    request_encode(out, r, argv);
    mem_free(argv);
}

static void check_parcel(const struct request_parcel *g, struct bytes raw)
{
    struct buf again = BUF_INIT;
    struct bytes requests = g->requests;
    size_t begin =
        request_parcel_begin(&again, g->node, g->incarnation, g->first_seq);
    ASSERT(g->count > 0 && g->first_seq + g->count > g->first_seq);
    for (uint32_t i = 0; i < g->count; i++) {
        struct request r;
        int rc = request_decode(&requests, &r);
        ASSERT(rc == 0);
        ASSERT(r.db < REQUEST_DATABASES && r.argc > 0);
        ASSERT(r.argc <= r.args.len / 4); /* no claim without its bytes */
        encode_request(&r, &again);
    }
    ASSERT(requests.len == 0);
    request_parcel_end(&again, begin, g->count);
    ASSERT(bytes_eq(buf_view(&again), raw));
    buf_release(&again);
}

/* Cut anywhere, in a block of its own. */
static void check_cut(struct bytes raw, size_t len)
{
    struct request_parcel g;
    uint8_t *block = malloc(len);
    ASSERT(len < raw.len && (block != NULL || len == 0));
    if (len > 0)
        memcpy(block, raw.data, len);
    struct bytes b = bytes_of(block, len);
    ASSERT(request_parcel_decode(&b, &g) == ERR_CORRUPT && b.len == len);
    free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    struct bytes rest = input;
    struct request_parcel g;
    while (rest.len > 0) {
        struct bytes before = rest;
        struct bytes quick = rest;
        struct request_parcel head;
        int err = request_parcel_head(&quick, &head);
        if (request_parcel_decode(&rest, &g) != 0) {
            ASSERT(rest.len == before.len);
            break;
        }
        ASSERT(err == 0 && quick.len == rest.len);
        struct bytes raw = bytes_of(before.data, before.len - rest.len);
        check_parcel(&g, raw);
        check_cut(raw, size % raw.len);
    }
    bool whole = size > 0 && rest.len == 0;
    ASSERT((request_parcels_check(input) == 0) == whole);
    return 0;
}
