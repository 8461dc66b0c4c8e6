/*
 * How it fails: an error leaves FILE as it was, and archive_close() removes
 * what was written of FILE.part.
 */
#include "snapshot/archive_internal.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <lz4.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct archive_writer {
    char *file;
    char *part;
    int fd;
    uint64_t hash; /* of the head, and what was stored of chunks */
    struct buf out;
};

static int failed(const struct archive_writer *w, struct buf *error,
                  const char *what)
{
    buf_printf(error, "%s: %s: %s", w->part, what, strerror(errno));
    return ERR_IO;
}

static int write_out(struct archive_writer *w, struct buf *error)
{
    int err = file_write(w->fd, w->out.data, w->out.len);
    buf_reset(&w->out);
    return err == 0 ? 0 : failed(w, error, "writing failed");
}

static int write_head(struct archive_writer *w, struct bytes text,
                      struct buf *error)
{
    ASSERT(text.len <= ARCHIVE_TEXT_MAX);
    buf_bytes(&w->out, ARCHIVE_MAGIC);
    buf_u32(&w->out, (uint32_t)text.len);
    buf_u32(&w->out, 0);
    buf_bytes(&w->out, text);
    w->hash = hash64(buf_view(&w->out));
    buf_u64(&w->out, w->hash);
    return write_out(w, error);
}

int archive_create(struct archive_writer **out, const char *file,
                   struct bytes text, struct buf *error)
{
    struct archive_writer *w = mem_zalloc(sizeof(*w));
    size_t size = strlen(file) + sizeof(".part");
    int err = ERR_IO;
    w->file = mem_strdup(file);
    w->part = mem_alloc(size);
    snprintf(w->part, size, "%s.part", file);
    w->fd = -1;
    if (access(file, F_OK) == 0)
        buf_printf(error,
                   "%s: there is such a file already. Choose another name, or "
                   "remove it.",
                   file);
    else if (archive_check_level(text, error) != 0)
        err = ERR_MISMATCH;
    else if ((w->fd = open(w->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                           0600)) < 0)
        err = failed(w, error, "it cannot be created");
    else
        err = write_head(w, text, error);
    *out = err == 0 ? w : NULL;
    if (err != 0)
        archive_close(w);
    return err;
}

/* Appends the rows, shorter if they can be; how many bytes. */
static size_t append_rows(struct buf *out, struct bytes rows)
{
    size_t max = rows.len > LZ4_MAX_INPUT_SIZE
                     ? 0
                     : (size_t)LZ4_compressBound((int)rows.len);
    int len = 0;
    if (max > 0) {
        char *to = (char *)buf_reserve(out, max);
        len = LZ4_compress_default((const char *)rows.data, to, (int)rows.len,
                                   (int)max);
    }
    if (len > 0 && (size_t)len < rows.len)
        out->len += (size_t)len;
    else
        buf_bytes(out, rows);
    return len > 0 && (size_t)len < rows.len ? (size_t)len : rows.len;
}

int archive_add(struct archive_writer *w, const struct chunk *c,
                struct buf *error)
{
    ASSERT(c->rows.len > 0 && c->rows.len <= UINT32_MAX);
    buf_u8(&w->out, ARCHIVE_CHUNK);
    buf_u8(&w->out, 0);
    buf_u16(&w->out, 0);
    buf_u32(&w->out, (uint32_t)c->rows.len);
    size_t at = w->out.len;
    buf_u32(&w->out, 0);
    buf_u64(&w->out, c->number);
    buf_u64(&w->out, c->hash);
    ASSERT(w->out.len == ARCHIVE_CHUNK_SIZE);
    size_t stored = append_rows(&w->out, c->rows);
    store_u32le(w->out.data + at, (uint32_t)stored);
    w->hash =
        hash64_seed(bytes_from(buf_view(&w->out), ARCHIVE_CHUNK_SIZE), w->hash);
    return write_out(w, error);
}

int archive_finish(struct archive_writer *w, const struct inspect_totals *t,
                   struct buf *error)
{
    buf_u8(&w->out, ARCHIVE_TRAILER);
    buf_u8(&w->out, 0);
    buf_u16(&w->out, 0);
    buf_u64(&w->out, t->chunks);
    buf_u64(&w->out, t->rows);
    buf_u64(&w->out, t->bytes);
    buf_u64(&w->out, t->hash);
    buf_u64(&w->out, hash64_seed(buf_view(&w->out), w->hash));
    ASSERT(w->out.len == ARCHIVE_TRAILER_SIZE);
    int err = write_out(w, error);
    if (err == 0 && fsync(w->fd) != 0)
        err = failed(w, error, "syncing failed");
    if (err == 0 && rename(w->part, w->file) != 0)
        err = failed(w, error, "it cannot get its name");
    if (err != 0)
        return err;
    close(w->fd);
    w->fd = -1; /* nothing to remove any more */
    return file_sync_parent(w->file) == 0
               ? 0
               : failed(w, error, "syncing its directory failed");
}

void archive_close(struct archive_writer *w)
{
    if (w == NULL)
        return;
    if (w->fd >= 0) {
        close(w->fd);
        (void)unlink(w->part);
    }
    mem_free(w->file);
    mem_free(w->part);
    buf_release(&w->out);
    mem_free(w);
}
