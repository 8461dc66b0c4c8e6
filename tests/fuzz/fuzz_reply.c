/*
 * Replies: any sequence of calls of the writer that has the shape of one
 * reply gives the bytes of exactly one reply, in either protocol, or says
 * that its limit was reached. Errors stay one line whatever is in them.
 */
// link: resp fuzz_common
#include "fuzz/fuzz.h"
#include "fuzz/reply.h"
#include "resp/resp_writer.h"

#define DEPTH_MAX 4
#define TEXT_MAX  64
#define HEAD_MAX  64 /* the writer may count as much for type and length */

/* A text with a NUL at its end. */
static const char *text_of(struct fuzz *f, char text[TEXT_MAX])
{
    struct bytes b = fuzz_take(f, fuzz_u8(f) % (TEXT_MAX - 1));
    if (b.len > 0)
        memcpy(text, b.data, b.len);
    text[b.len] = '\0';
    return text;
}

/* A value that holds no others. */
static void write_leaf(struct fuzz *f, struct resp_writer *w)
{
    char text[TEXT_MAX];
    switch (fuzz_below(f, 11)) {
    case 0:
        resp_status(w, "OK");
        break;
    case 1:
        resp_errorf(w, "ERR %s", text_of(f, text));
        break;
    case 2:
        resp_error(w, text_of(f, text)[0] != '-' ? text : "ERR");
        break;
    case 3:
        resp_integer(w, (int64_t)fuzz_number(f));
        break;
    case 4:
        resp_bulk(w, fuzz_text(f));
        break;
    case 5:
        resp_bulkf(w, "%s:%d", text_of(f, text), 7);
        break;
    case 6:
        resp_null(w);
        break;
    default:
        resp_verbatim(w, "txt", fuzz_text(f));
        break;
    }
}

/* Depth first, without recursion: `left` values are missing at each level. */
static void write_one(struct fuzz *f, struct resp_writer *w)
{
    uint32_t left[DEPTH_MAX + 1] = {1};
    int depth = 0;
    while (depth >= 0) {
        if (left[depth] == 0) {
            depth--;
            continue;
        }
        left[depth]--;
        uint32_t kind = fuzz_below(f, 12);
        uint32_t count = kind < 3 ? fuzz_below(f, 5) : 0;
        if (kind >= 3 || depth == DEPTH_MAX) {
            write_leaf(f, w);
            continue;
        }
        if (kind == 0)
            resp_array(w, count);
        else if (kind == 1)
            resp_map(w, count);
        else
            resp_set(w, count);
        left[++depth] = kind == 1 ? 2 * count : count;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = fuzz_of(data, size);
    struct buf out = BUF_INIT;
    struct buf limited = BUF_INIT;
    uint8_t protocol = fuzz_below(&f, 2) == 0 ? 2 : 3;
    size_t limit = 1 + (size_t)fuzz_u8(&f) * 4;
    struct fuzz same = f;

    struct resp_writer w = {.out = &out, .protocol = protocol};
    write_one(&f, &w);
    ASSERT(!w.over && reply_is_one(buf_view(&out), protocol));

    struct resp_writer bounded = {
        .out = &limited, .protocol = protocol, .limit = limit};
    write_one(&same, &bounded);
    ASSERT(limited.len <= limit);
    ASSERT(bounded.over || out.len <= limit);
    ASSERT(!bounded.over || out.len + HEAD_MAX > limit);
    if (!bounded.over)
        ASSERT(bytes_eq(buf_view(&limited), buf_view(&out)));
    buf_release(&out);
    buf_release(&limited);
    return 0;
}
