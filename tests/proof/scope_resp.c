/*
 * Every byte string of up to N bytes over an alphabet of 12, behind each of a
 * few beginnings, through the reader of requests, three times: whole, byte by
 * byte, and byte by byte but called only when `need` says so. All three must
 * give the same commands, the same error, and consume the same bytes;
 * arguments lie in the input or, of an inline command, in the reader's own
 * text.
 *
 *     scope_resp N
 */
#include "resp/resp_reader.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/num.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LEN_MAX    9
#define PREFIX_MAX 10

static const char alphabet[] = "*$012-\r\na \"\\";

static const char *const prefixes[] = {"", "*1\r\n$", "*2\r\n$1\r\na\r"};

enum mode { WHOLE, STEPS, NEED };

/* What a reader made of a string. */
struct transcript {
    uint64_t hash; /* of results, arguments, sizes and error */
    size_t consumed;
    bool failed;
};

static void note(struct transcript *t, const void *data, size_t len)
{
    t->hash = hash64_seed(bytes_of(data, len), t->hash + 1);
}

static void note_command(struct transcript *t, const struct resp_reader *r,
                         struct bytes input)
{
    for (uint32_t i = 0; i < r->argc; i++) {
        struct bytes arg = r->argv[i];
        bool inside = arg.data >= input.data &&
                      arg.data + arg.len <= input.data + input.len;
        const struct buf *text = r->inline_text;
        bool unquoted = text != NULL && arg.data >= text->data &&
                        arg.data + arg.len <= text->data + text->len;
        ASSERT(inside || unquoted);
        note(t, &arg.len, sizeof(arg.len));
        note(t, arg.data, arg.len);
    }
}

/* One call; true if there may be more in the same input. */
static bool step(struct resp_reader *r, struct bytes input, size_t *need,
                 struct transcript *t)
{
    static const struct resp_limits limits = {4, 64};
    size_t consumed = 0;
    const char *error = NULL;
    enum resp_result result =
        resp_read(r, input, &limits, &consumed, need, &error);
    if (result == RESP_MORE) {
        ASSERT(consumed == 0 && *need > input.len);
        return false;
    }
    note(t, &result, sizeof(result));
    if (result == RESP_ERROR) {
        note(t, error, strlen(error));
        t->failed = true;
        return false;
    }
    ASSERT(consumed > 0 && consumed <= input.len);
    if (result == RESP_COMMAND)
        note_command(t, r, input);
    t->consumed += consumed;
    *need = 1;
    return true;
}

static struct transcript read_all(struct resp_reader *r, struct bytes text,
                                  enum mode mode)
{
    struct transcript t = {0, 0, false};
    resp_reader_init(r);
    size_t need = 1;
    for (size_t end = mode == WHOLE ? text.len : 1; end <= text.len; end++) {
        for (;;) {
            struct bytes input =
                bytes_of(text.data + t.consumed, end - t.consumed);
            if (input.len == 0 || (mode == NEED && input.len < need) ||
                !step(r, input, &need, &t))
                break;
        }
        if (t.failed)
            break;
    }
    resp_reader_release(r);
    note(&t, &t.consumed, sizeof(t.consumed));
    return t;
}

static bool agrees(struct bytes text)
{
    struct resp_reader r;
    struct transcript whole = read_all(&r, text, WHOLE);
    struct transcript steps = read_all(&r, text, STEPS);
    struct transcript need = read_all(&r, text, NEED);
    return whole.hash == steps.hash && whole.failed == steps.failed &&
           whole.hash == need.hash && whole.failed == need.failed;
}

/* The next string of this length in the order of counting. */
static bool next(uint8_t *digits, uint8_t *text, size_t len)
{
    for (size_t i = len; i > 0; i--) {
        bool carry = ++digits[i - 1] == sizeof(alphabet) - 1;
        if (carry)
            digits[i - 1] = 0;
        text[i - 1] = (uint8_t)alphabet[digits[i - 1]];
        if (!carry)
            return true;
    }
    return false;
}

/* All strings of one length behind one prefix; how many, or 0. */
static uint64_t try_length(const char *prefix, size_t len)
{
    uint8_t digits[LEN_MAX] = {0};
    uint8_t text[PREFIX_MAX + LEN_MAX];
    uint64_t tried = 0;
    size_t begin = strlen(prefix);
    ASSERT(begin <= PREFIX_MAX && len <= LEN_MAX);
    memcpy(text, prefix, begin);
    memset(text + begin, alphabet[0], len);
    do {
        tried++;
        if (!agrees(bytes_of(text, begin + len))) {
            printf("scope_resp: differs when split:");
            for (size_t i = 0; i < begin + len; i++)
                printf(" %02x", text[i]);
            printf("\n");
            return 0;
        }
    } while (next(digits, text + begin, len));
    return tried;
}

int main(int argc, char **argv)
{
    uint64_t max = 0;
    if (argc != 2 || !num_parse_u64(bytes_str(argv[1]), &max) ||
        max > LEN_MAX) {
        fprintf(stderr, "usage: scope_resp 0..%d\n", LEN_MAX);
        return 2;
    }
    uint64_t tried = 0;
    for (size_t len = 1; len <= max; len++) {
        for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
            uint64_t here = try_length(prefixes[i], len);
            if (here == 0)
                return 1;
            tried += here;
        }
    }
    printf("scope_resp: %" PRIu64 " strings, length <= %" PRIu64 "\n", tried,
           max);
    return 0;
}
