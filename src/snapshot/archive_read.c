/*
 * Reads one part after the other. No memory is taken for a length that the file
 * says before that length has been compared with what is left of the file; what
 * is compressed cannot be more than 255 times as much.
 *
 * How it fails: at the first thing that is wrong, with where it is.
 */
#include "snapshot/archive_internal.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/level.h"
#include "base/num.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lz4.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LZ4_RATIO_MAX 255
#define KEPT_BYTES    ((size_t)1024 * 1024)

static const char advice[] = "Do not use this file: take another backup, or "
                             "the file from where it was copied.";

struct archive_reader {
    char *file;
    int fd;
    uint64_t size;
    uint64_t at;
    struct buf text;
    uint64_t hash; /* of the head, and what was stored of chunks */
    struct buf stored;
    struct buf rows;
    struct inspect *inspect;
};

static int corrupt(const struct archive_reader *r, struct buf *error,
                   const char *what)
{
    buf_printf(error, "%s: at byte %" PRIu64 ": %s. %s", r->file, r->at, what,
               advice);
    return ERR_CORRUPT;
}

/* Replaces what is in *out with the next bytes. */
static int take(struct archive_reader *r, uint64_t len, struct buf *out,
                struct buf *error)
{
    buf_reset(out);
    buf_shrink(out, KEPT_BYTES);
    if (len > r->size - r->at)
        return corrupt(r, error, "the file is cut short");
    int err = file_pread(r->fd, buf_reserve(out, (size_t)len), (size_t)len,
                         (int64_t)r->at);
    if (err != 0) {
        buf_printf(error, "%s: reading failed: %s", r->file, strerror(errno));
        return ERR_IO;
    }
    out->len = (size_t)len;
    r->at += len;
    return 0;
}

uint64_t archive_text_number(struct bytes text, const char *name)
{
    size_t len = strlen(name);
    uint64_t value = 0;
    while (text.len > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t line = end == NULL ? text.len : (size_t)(end - text.data) + 1;
        if (line > len + 1 && memcmp(text.data, name, len) == 0 &&
            bytes_eq(bytes_of(text.data + len, 1), BYTES_LIT(":"))) {
            struct bytes number = bytes_of(text.data + len + 1, line - len - 1);
            while (number.len > 0 && number.data[number.len - 1] <= ' ')
                number.len--;
            return num_parse_u64(number, &value) ? value : 0;
        }
        text = bytes_from(text, line);
    }
    return 0;
}

int archive_check_level(struct bytes text, struct buf *error)
{
    uint64_t level = archive_text_number(text, "level");
    ASSERT(error->len == 0);
    if (level <= LEVEL_MAX)
        return 0;
    buf_printf(error,
               "the state is of level %" PRIu64
               ", and this program, vardctl " VARD_VERSION
               ", knows the levels %d to %d: use a later version of vardctl, "
               "one that knows it",
               level, LEVEL_MIN, LEVEL_MAX);
    return ERR_MISMATCH;
}

static int read_head(struct archive_reader *r, struct buf *error)
{
    int err = take(r, ARCHIVE_HEAD_SIZE, &r->stored, error);
    if (err != 0)
        return err;
    struct reader in = reader_of(buf_view(&r->stored));
    struct bytes magic = reader_bytes(&in, ARCHIVE_MAGIC.len);
    if (!bytes_eq(magic, ARCHIVE_MAGIC)) {
        r->at = 0;
        return corrupt(
            r, error,
            bytes_eq(bytes_of(magic.data, 7), bytes_of(ARCHIVE_MAGIC.data, 7))
                ? "it is a backup in a form that this version of vardctl does "
                  "not know; use the version that has made it"
                : "this is no backup made by vardctl");
    }
    uint32_t len = reader_u32(&in);
    uint32_t zero = reader_u32(&in);
    uint64_t hash = hash64(buf_view(&r->stored));
    if (len > ARCHIVE_TEXT_MAX || zero != 0)
        return corrupt(r, error, "the head is damaged");
    struct buf head = BUF_INIT;
    buf_bytes(&head, buf_view(&r->stored));
    err = take(r, len, &r->text, error);
    buf_bytes(&head, buf_view(&r->text));
    hash = hash64(buf_view(&head));
    buf_release(&head);
    if (err == 0)
        err = take(r, 8, &r->stored, error);
    if (err == 0 && load_u64le(r->stored.data) != hash)
        err = corrupt(r, error, "the head is damaged");
    r->hash = hash;
    return err;
}

int archive_open(struct archive_reader **out, const char *file,
                 struct buf *error)
{
    struct archive_reader *r = mem_zalloc(sizeof(*r));
    struct stat st;
    int err = ERR_IO;
    r->file = mem_strdup(file);
    r->inspect = inspect_new();
    r->fd = open(file, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0 || fstat(r->fd, &st) != 0)
        buf_printf(error, "%s: %s", file, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        buf_printf(error, "%s: this is no file", file);
    else {
        r->size = (uint64_t)st.st_size;
        err = read_head(r, error);
        if (err == 0)
            err = archive_check_level(buf_view(&r->text), error);
    }
    *out = err == 0 ? r : NULL;
    if (err != 0)
        archive_free(r);
    return err;
}

void archive_free(struct archive_reader *r)
{
    if (r == NULL)
        return;
    if (r->fd >= 0)
        close(r->fd);
    inspect_free(r->inspect);
    buf_release(&r->text);
    buf_release(&r->stored);
    buf_release(&r->rows);
    mem_free(r->file);
    mem_free(r);
}

struct bytes archive_text(const struct archive_reader *r)
{
    return buf_view(&r->text);
}

uint64_t archive_number(const struct archive_reader *r, const char *name)
{
    return archive_text_number(buf_view(&r->text), name);
}

static int unpack(struct archive_reader *r, uint32_t len, struct buf *error)
{
    if (r->stored.len == len) {
        buf_reset(&r->rows);
        buf_bytes(&r->rows, buf_view(&r->stored));
        return 0;
    }
    if (len > INT32_MAX || r->stored.len > len ||
        len / LZ4_RATIO_MAX > r->stored.len)
        return corrupt(r, error, "a chunk has a length that it cannot have");
    buf_reset(&r->rows);
    buf_shrink(&r->rows, KEPT_BYTES);
    char *to = (char *)buf_reserve(&r->rows, len);
    int made = LZ4_decompress_safe((const char *)r->stored.data, to,
                                   (int)r->stored.len, (int)len);
    if (made < 0 || (uint32_t)made != len)
        return corrupt(r, error, "a chunk cannot be unpacked");
    r->rows.len = len;
    return 0;
}

/* The bytes behind the letter of a part that mean nothing yet. */
static bool spare_is_zero(const struct archive_reader *r)
{
    const uint8_t *spare = r->stored.data;
    ASSERT(r->stored.len >= 3);
    return (spare[0] | spare[1] | spare[2]) == 0;
}

static int next_chunk(struct archive_reader *r, struct chunk *c,
                      struct buf *error)
{
    int err = take(r, ARCHIVE_CHUNK_SIZE - 1, &r->stored, error);
    if (err == 0 && !spare_is_zero(r))
        err = corrupt(r, error, "a chunk is damaged");
    if (err != 0)
        return err;
    struct reader in = reader_of(bytes_from(buf_view(&r->stored), 3));
    uint32_t len = reader_u32(&in);
    uint32_t stored = reader_u32(&in);
    c->number = reader_u64(&in);
    c->hash = reader_u64(&in);
    err = take(r, stored, &r->stored, error);
    if (err == 0)
        err = unpack(r, len, error);
    if (err != 0)
        return err;
    r->hash = hash64_seed(buf_view(&r->stored), r->hash);
    c->rows = buf_view(&r->rows);
    struct buf what = BUF_INIT;
    err = inspect_chunk(r->inspect, c, &what);
    buf_char(&what, 0);
    if (err != 0)
        err = corrupt(r, error, (const char *)what.data);
    buf_release(&what);
    return err;
}

static int check_trailer(struct archive_reader *r,
                         const struct inspect_totals *t, struct buf *error)
{
    struct reader in = reader_of(bytes_from(buf_view(&r->stored), 3));
    uint64_t stated[4];
    for (size_t i = 0; i < ARRAY_LEN(stated); i++)
        stated[i] = reader_u64(&in);
    uint64_t hash = reader_u64(&in);
    struct buf whole = BUF_INIT;
    buf_u8(&whole, ARCHIVE_TRAILER);
    buf_bytes(&whole, bytes_of(r->stored.data, r->stored.len - 8));
    bool right = hash == hash64_seed(buf_view(&whole), r->hash);
    buf_release(&whole);
    if (!right)
        return corrupt(r, error, "the trailer is damaged");
    if (stated[0] != t->chunks || stated[1] != t->rows ||
        stated[2] != t->bytes || stated[3] != t->hash)
        return corrupt(r, error, "the trailer is of another backup");
    if (archive_number(r, "index") != t->applied.index)
        return corrupt(r, error, "the head is of another backup");
    return r->at == r->size
               ? 0
               : corrupt(r, error, "there is something after the trailer");
}

static int take_end(struct archive_reader *r, struct inspect_totals *totals,
                    struct buf *error)
{
    struct buf what = BUF_INIT;
    int err = take(r, ARCHIVE_TRAILER_SIZE - 1, &r->stored, error);
    if (err == 0 && inspect_end(r->inspect, totals, &what) != 0) {
        buf_char(&what, 0);
        err = corrupt(r, error, (const char *)what.data);
    }
    buf_release(&what);
    if (err == 0)
        err = check_trailer(r, totals, error);
    return err == 0 ? ERR_NOT_FOUND : err;
}

int archive_next(struct archive_reader *r, struct chunk *c,
                 struct inspect_totals *totals, struct buf *error)
{
    int err = take(r, 1, &r->stored, error);
    if (err != 0)
        return err;
    switch (r->stored.data[0]) {
    case ARCHIVE_CHUNK:
        return next_chunk(r, c, error);
    case ARCHIVE_TRAILER:
        return take_end(r, totals, error);
    default:
        r->at--;
        return corrupt(r, error, "this is neither a chunk nor the trailer");
    }
}
