/*
 * The protocol of Verdi's vard: frames, client ids, requests; and replies of
 * the internal commands as its text. A frame is the same read whole and in
 * prefixes; a request that is accepted is accepted again when written anew; a
 * reply that can be said is read back with the same three words.
 *
 * input: kind(1) bytes of the connection, or of a reply.
 */
// link: original
#include <inttypes.h>

#include "base/buf.h"
#include "base/reader.h"
#include "fuzz/fuzz.h"
#include "original/wire.h"
#include "resp/resp_writer.h"

#define FRAME_MAX 4096

static const char *const names[][2] = {
    {"GET", "vard.get"}, {"PUT", "vard.put"}, {"DEL", "vard.del"},
    {"CAS", "vard.cas"}, {"CAD", "vard.cad"},
};

static bool same_request(const struct original_request *a,
                         const struct original_request *b)
{
    bool same =
        a->id == b->id && a->command == b->command && a->argc == b->argc;
    for (uint32_t i = 0; same && i < a->argc; i++)
        same = bytes_eq(a->argv[i], b->argv[i]);
    return same;
}

/* Written anew, with "-" for what the command does not take. */
static void check_request(struct bytes text)
{
    struct original_request r;
    struct original_request again;
    struct buf b = BUF_INIT;
    if (original_parse(text, &r) != 0)
        return;
    ASSERT(r.argc >= 2 && r.argc <= ARRAY_LEN(r.argv));
    buf_printf(&b, "%" PRIu64 " ", r.id);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i][1], r.command) == 0)
            buf_str(&b, names[i][0]);
    for (uint32_t i = 1; i < 4; i++) {
        buf_char(&b, ' ');
        buf_bytes(&b, i < r.argc ? r.argv[i] : BYTES_LIT("-"));
    }
    int rc = original_parse(buf_view(&b), &again);
    ASSERT(rc == 0 && same_request(&r, &again));
    buf_release(&b);
}

static void check_frames(struct bytes input)
{
    for (;;) {
        struct bytes text;
        size_t need = 0;
        char id[ORIGINAL_ID_LEN + 1];
        int64_t size = original_frame(input, FRAME_MAX, &text, &need);
        if (size <= 0) {
            ASSERT(size == ERR_TOO_BIG || need > input.len);
            break;
        }
        ASSERT((uint64_t)size == text.len + 4 && need == (uint64_t)size);
        struct bytes cut = bytes_of(input.data, (size_t)size - 1);
        ASSERT(original_frame(cut, FRAME_MAX, &text, &need) == 0);
        text = bytes_of(input.data + 4, (size_t)size - 4);
        if (original_parse_id(text, id) == 0)
            ASSERT(strlen(id) == ORIGINAL_ID_LEN);
        check_request(text);
        input = bytes_from(input, (size_t)size);
    }
}

/* A reply as the internal commands write it: three strings or nulls. */
static void check_reply(struct fuzz *f)
{
    struct buf reply = BUF_INIT;
    struct buf out = BUF_INIT;
    struct buf want = BUF_INIT;
    struct resp_writer w = {.out = &reply, .protocol = 2};
    uint64_t id = fuzz_number(f);
    resp_array(&w, 3);
    buf_printf(&want, "Response %" PRIu64, id);
    for (int i = 0; i < 3; i++) {
        bool null = fuzz_below(f, 3) == 0;
        struct bytes text = null ? BYTES_LIT("-") : fuzz_text(f);
        if (null)
            resp_null(&w);
        else
            resp_bulk(&w, text);
        buf_char(&want, ' ');
        buf_bytes(&want, text);
    }
    if (original_format(id, buf_view(&reply), &out) == 0) {
        ASSERT(out.len >= 4 && load_u32le(out.data) == out.len - 4);
        ASSERT(bytes_eq(bytes_from(buf_view(&out), 4), buf_view(&want)));
    }
    buf_release(&reply);
    buf_release(&out);
    buf_release(&want);
}

static void check_any_reply(struct bytes reply)
{
    struct buf out = BUF_INIT;
    int rc = original_format(7, reply, &out);
    ASSERT(rc <= 0 && (rc == 0) == (out.len > 0));
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = fuzz_of(data, size);
    switch (fuzz_below(&f, 6)) {
    case 0:
        check_reply(&f);
        break;
    case 1:
        check_any_reply(f.rest);
        break;
    case 2:
        check_request(f.rest);
        break;
    default:
        check_frames(f.rest);
        break;
    }
    return 0;
}
