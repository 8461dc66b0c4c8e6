/*
 * Decoders against their layouts, written out with indexes: requests, parcels,
 * watermarks, fragments. First valid records, each with every end cut off,
 * every byte behind it, every byte changed to every value, and every two bytes
 * changed to each of a few values; watermarks sealed again after it, too, or
 * the checksum would be all that is tried. Then requests of every combination
 * of header fields, with every tail of up to N bytes below 3. What is accepted
 * has the fields that the layout says; what is refused has moved nothing.
 *
 *     scope_codec N
 */
#include "codec/hello.h"
#include "codec/record.h"
#include "codec/request.h"

#include "base/hash.h"
#include "base/num.h"
#include "base/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TAIL_MAX       10
#define SIZE_MAX_TRIED 128
#define WATERMARK_SEED 4 /* the kind of the record, codec/record.c */

#define FRAGMENT_HEAD    24
#define FRAGMENT_LARGEST (640u * 1024u * 1024u)

/* Two bytes at a time get these. */
static const uint8_t values[] = {0, 1, 2, 3, 16, 28, 64, 255};

static uint64_t number(const uint8_t *p, size_t size)
{
    uint64_t v = 0;
    while (size-- > 0)
        v = v * 256 + p[size];
    return v;
}

/* --- requests ------------------------------------------------------------ */

static bool head_good(const uint8_t *p)
{
    uint64_t once_len = number(p + 6, 2);
    uint64_t argc = number(p + 8, 4);
    uint64_t id = number(p + 12, 8);
    uint64_t ttl = number(p + 20, 4);
    if (p[4] > 3 || p[5] > 15 || argc < 1 || argc > 1024 * 1024)
        return false;
    if (p[4] == 1 || p[4] == 3)
        return ttl > 0 && once_len >= 1 && once_len <= 64;
    return once_len == 0 && id == 0 && ttl == 0;
}

/* Of the request that b begins with; 0: it does not begin with one. */
static size_t request_size(struct bytes b)
{
    const uint8_t *p = b.data;
    if (b.len < 24 || number(p, 4) < 20 || number(p, 4) > b.len - 4)
        return 0;
    if (!head_good(p))
        return 0;
    size_t end = 4 + number(p, 4);
    size_t at = 24 + number(p + 6, 2);
    for (uint64_t left = number(p + 8, 4); left > 0; left--) {
        if (at + 4 > end)
            return 0;
        at += 4 + number(p + at, 4);
    }
    return at == end ? end : 0;
}

static bool request_agrees(struct bytes b)
{
    struct request r;
    struct bytes rest = b;
    int rc = request_decode(&rest, &r);
    size_t size = request_size(b);
    if (size == 0)
        return rc == ERR_CORRUPT && rest.data == b.data && rest.len == b.len;
    size_t once_len = number(b.data + 6, 2);
    return rc == 0 && rest.data == b.data + size && rest.len == b.len - size &&
           r.flags == b.data[4] && r.db == b.data[5] &&
           r.argc == number(b.data + 8, 4) &&
           r.once_id == number(b.data + 12, 8) &&
           r.once_ttl_s == number(b.data + 20, 4) &&
           r.once_client.data == b.data + 24 && r.once_client.len == once_len &&
           r.args.data == b.data + 24 + once_len &&
           r.args.len == size - 24 - once_len;
}

static bool parcel_good(struct bytes b)
{
    const uint8_t *p = b.data;
    if (b.len < 28 || number(p + 24, 4) > b.len - 28)
        return false;
    uint64_t count = number(p + 20, 4);
    if (number(p, 4) == UINT32_MAX || count == 0 ||
        number(p + 12, 8) > UINT64_MAX - count)
        return false;
    struct bytes rest = bytes_of(p + 28, number(p + 24, 4));
    for (; count > 0; count--) {
        size_t size = request_size(rest);
        if (size == 0)
            return false;
        rest = bytes_of(rest.data + size, rest.len - size);
    }
    return rest.len == 0;
}

static bool parcel_agrees(struct bytes b)
{
    struct request_parcel g;
    struct bytes rest = b;
    int rc = request_parcel_decode(&rest, &g);
    if (!parcel_good(b))
        return rc == ERR_CORRUPT && rest.data == b.data && rest.len == b.len;
    size_t length = number(b.data + 24, 4);
    return rc == 0 && rest.data == b.data + 28 + length &&
           rest.len == b.len - 28 - length && g.node == number(b.data, 4) &&
           g.incarnation == number(b.data + 4, 8) &&
           g.first_seq == number(b.data + 12, 8) &&
           g.count == number(b.data + 20, 4) &&
           g.requests.data == b.data + 28 && g.requests.len == length;
}

/* --- watermarks and fragments -------------------------------------------- */

static bool watermark_agrees(struct bytes b)
{
    struct watermark w;
    const uint8_t *p = b.data;
    int rc = watermark_decode(b, &w);
    if (b.len != 96 ||
        number(p + 88, 8) != hash64_seed(bytes_of(p, 88), WATERMARK_SEED))
        return rc == ERR_CORRUPT;
    return rc == 0 && w.cluster_id == number(p, 8) &&
           w.node == number(p + 8, 4) && w.vote == number(p + 12, 4) &&
           w.incarnation == number(p + 16, 8) && w.term == number(p + 24, 8) &&
           w.index == number(p + 32, 8) && w.index_term == number(p + 40, 8) &&
           w.chain == number(p + 48, 8) && w.generation == number(p + 56, 8) &&
           w.directory.high == number(p + 64, 8) &&
           w.directory.low == number(p + 72, 8) && w.nonce == number(p + 80, 8);
}

static bool fragment_good(struct bytes b)
{
    const uint8_t *p = b.data;
    if (b.len < FRAGMENT_HEAD || number(p + 20, 4) != b.len - FRAGMENT_HEAD)
        return false;
    uint64_t total = number(p + 12, 4);
    return number(p + 17, 3) == 0 &&
           (p[16] == 4 || p[16] == 5 || p[16] == 10) && b.len > FRAGMENT_HEAD &&
           total <= FRAGMENT_LARGEST &&
           number(p + 8, 4) + (b.len - FRAGMENT_HEAD) <= total;
}

static bool fragment_agrees(struct bytes b)
{
    struct fragment f;
    int rc = fragment_decode(b, &f);
    if (!fragment_good(b))
        return rc == ERR_CORRUPT;
    return rc == 0 && f.id == number(b.data, 8) &&
           f.offset == number(b.data + 8, 4) &&
           f.total == number(b.data + 12, 4) && f.type == b.data[16] &&
           f.data.data == b.data + FRAGMENT_HEAD &&
           f.data.len == b.len - FRAGMENT_HEAD;
}

/* --- valid records and their neighbours ---------------------------------- */

static void make_requests(struct buf *out)
{
    struct bytes argv[] = {BYTES_LIT("SET"), BYTES_LIT("k"), BYTES_LIT("")};
    struct request plain = {.argc = 3, .db = 1};
    struct request once = {.argc = 1,
                           .flags = REQUEST_FLAG_ONCE,
                           .once_id = 7,
                           .once_ttl_s = 60,
                           .once_client = BYTES_LIT("me")};
    request_encode(out, &once, argv);
    request_encode(out, &plain, argv);
}

/* The client's id is as long as may be, and could be one byte longer. */
static void make_longest(struct buf *out)
{
    static const uint8_t id[REQUEST_ONCE_LEN_MAX];
    static const uint8_t zero[1];
    struct bytes argv[] = {bytes_of(zero, 1)};
    struct request once = {.argc = 1,
                           .flags = REQUEST_FLAG_ONCE,
                           .once_ttl_s = 1,
                           .once_client = bytes_of(id, sizeof(id))};
    request_encode(out, &once, argv);
}

static void make_parcel(struct buf *out)
{
    size_t begin = request_parcel_begin(out, 0xffffff, 9, UINT64_MAX - 3);
    make_requests(out);
    request_parcel_end(out, begin, 2);
}

static void make_watermark(struct buf *out)
{
    struct watermark w = {.cluster_id = 1,
                          .node = 2,
                          .incarnation = 3,
                          .directory = {10, 11},
                          .nonce = 12,
                          .term = 4,
                          .vote = 5,
                          .index = 6,
                          .index_term = 7,
                          .chain = UINT64_MAX,
                          .generation = 9};
    watermark_encode(&w, out);
}

static void make_fragment(struct buf *out)
{
    struct fragment f = {.id = 1,
                         .offset = FRAGMENT_LARGEST - 3,
                         .total = FRAGMENT_LARGEST,
                         .type = 4,
                         .data = BYTES_LIT("abc")};
    fragment_encode(&f, out);
}

/* Nearly one: it has no data. */
static void make_empty(struct buf *out)
{
    buf_u64(out, 1);
    buf_u32(out, 2);
    buf_u32(out, 5);
    buf_u32(out, 4);
    buf_u32(out, 0);
}

static const struct subject {
    const char *name;
    void (*make)(struct buf *out);
    bool (*agrees)(struct bytes b);
    bool sealed;
} subjects[] = {
    {"request", make_requests, request_agrees, false},
    {"longest request", make_longest, request_agrees, false},
    {"parcel", make_parcel, parcel_agrees, false},
    {"watermark", make_watermark, watermark_agrees, true},
    {"fragment", make_fragment, fragment_agrees, false},
    {"empty fragment", make_empty, fragment_agrees, false},
};

/* One try; counts it, or says what differs. */
static bool check(const struct subject *s, struct bytes b, uint64_t *tried)
{
    (*tried)++;
    if (s->agrees(b))
        return true;
    printf("scope_codec: %s differs:", s->name);
    for (size_t i = 0; i < b.len; i++)
        printf(" %02x", b.data[i]);
    printf("\n");
    return false;
}

/* As it is, and sealed again if it has a seal. */
static bool check_both(const struct subject *s, struct bytes b, uint64_t *tried)
{
    if (!check(s, b, tried))
        return false;
    if (!s->sealed)
        return true;
    uint8_t copy[SIZE_MAX_TRIED];
    ASSERT(b.len <= sizeof(copy));
    memcpy(copy, b.data, b.len);
    store_u64le(copy + b.len - 8,
                hash64_seed(bytes_of(copy, b.len - 8), WATERMARK_SEED));
    return check(s, bytes_of(copy, b.len), tried);
}

static bool try_two(const struct subject *s, uint8_t *at, struct bytes b,
                    uint64_t *tried)
{
    for (uint8_t *to = at + 1; to < b.data + b.len; to++) {
        uint8_t second = *to;
        for (size_t i = 0; i < ARRAY_LEN(values); i++) {
            *to = values[i];
            if (!check_both(s, b, tried))
                return false;
        }
        *to = second;
    }
    return true;
}

static bool try_neighbours(const struct subject *s, uint64_t *tried)
{
    uint8_t text[SIZE_MAX_TRIED];
    struct buf made = BUF_INIT;
    s->make(&made);
    size_t len = made.len;
    ASSERT(len < sizeof(text));
    memcpy(text, made.data, len);
    buf_release(&made);

    bool good = true;
    for (size_t cut = 0; good && cut <= len; cut++)
        good = check(s, bytes_of(text, cut), tried);
    for (unsigned v = 0; good && v < 256; v++) {
        text[len] = (uint8_t)v;
        good = check_both(s, bytes_of(text, len + 1), tried);
    }
    for (size_t at = 0; good && at < len; at++) {
        uint8_t first = text[at];
        for (unsigned v = 0; good && v < 256; v++) {
            text[at] = (uint8_t)v;
            good = check_both(s, bytes_of(text, len), tried);
        }
        for (size_t i = 0; good && i < ARRAY_LEN(values); i++) {
            text[at] = values[i];
            good = try_two(s, text + at, bytes_of(text, len), tried);
        }
        text[at] = first;
    }
    return good;
}

/* --- every small request ------------------------------------------------- */

/* The next tail over 0, 1, 2; false after the last. */
static bool next(uint8_t *tail, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (++tail[i] < 3)
            return true;
        tail[i] = 0;
    }
    return false;
}

static bool try_tails(uint8_t *text, size_t tail, uint64_t *tried)
{
    memset(text + 24, 0, tail);
    do {
        if (!check(&subjects[0], bytes_of(text, 24 + tail), tried))
            return false;
    } while (next(text + 24, tail));
    return true;
}

/* The n-th header; false when there are no more. */
static bool header(uint8_t *text, size_t tail, unsigned n)
{
    static const uint8_t once_lens[] = {0, 1, 2, 64, 65};
    memset(text, 0, 24);
    store_u32le(text, (uint32_t)(19 + tail + n % 3));
    n /= 3;
    text[4] = (uint8_t)(n % 5);
    n /= 5;
    text[5] = (uint8_t)(14 + n % 3);
    n /= 3;
    text[6] = once_lens[n % ARRAY_LEN(once_lens)];
    n /= (unsigned)ARRAY_LEN(once_lens);
    text[8] = (uint8_t)(n % 4);
    n /= 4;
    text[12] = (uint8_t)(n % 2);
    n /= 2;
    text[20] = (uint8_t)(n % 2);
    return n < 2;
}

static bool try_requests(size_t tail_max, uint64_t *tried)
{
    uint8_t text[24 + TAIL_MAX];
    for (size_t tail = 0; tail <= tail_max; tail++) {
        for (unsigned n = 0; header(text, tail, n); n++) {
            if (!try_tails(text, tail, tried))
                return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    uint64_t max = 0;
    uint64_t tried = 0;
    if (argc != 2 || !num_parse_u64(bytes_str(argv[1]), &max) ||
        max > TAIL_MAX) {
        fprintf(stderr, "usage: scope_codec 0..%d\n", TAIL_MAX);
        return 2;
    }
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        if (!try_neighbours(&subjects[i], &tried))
            return 1;
    }
    if (!try_requests(max, &tried))
        return 1;
    printf("scope_codec: %" PRIu64 " records, tails <= %" PRIu64 "\n", tried,
           max);
    return 0;
}
