/*
 * How it works: the file is read from its beginning, a piece at a time.
 *
 * How it fails: an error of the file or in it ends the source, with a text that
 * says where.
 */
#include "import/source.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE (256 * 1024)

struct file {
    struct source *source;
    int fd;
    int failed; /* errno */
    struct rdb_file rdb;
};

static int more(void *arg, struct buf *to)
{
    struct file *f = arg;
    uint8_t *at = buf_reserve(to, PIECE);
    ssize_t got = 0;
    do {
        got = read(f->fd, at, PIECE);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        f->failed = errno;
    if (got <= 0)
        return got < 0 ? ERR_IO : ERR_CLOSED;
    to->len += (size_t)got;
    return 0;
}

static void explain(const struct file *f, int err, struct buf *why)
{
    const char *what = f->rdb.refused;
    uint64_t at = f->rdb.in.offset;
    buf_reset(why);
    if (err == ERR_IO)
        buf_str(why, strerror(f->failed));
    else if (err == ERR_CLOSED)
        buf_printf(why, "the file is cut short: it ends at byte %" PRIu64, at);
    else if (err == ERR_CORRUPT && at <= 9)
        buf_str(why, "this is no RDB file");
    else if (what[0] != '\0')
        buf_printf(
            why, "the file has %s, which is not known here (byte %" PRIu64 ")",
            what, at);
    else
        buf_printf(why, "%s at byte %" PRIu64, error_text(err), at);
}

static int next(void *self, struct rdb_key *key, struct buf *why)
{
    struct file *f = self;
    int got = rdb_file_next(&f->rdb, key);
    f->source->done = f->rdb.in.offset;
    if (got == ERR_MISMATCH) {
        buf_reset(why);
        buf_str(why, "the file is damaged: its checksum is wrong");
    } else if (got < 0) {
        explain(f, got, why);
    } else if (got == 0 && f->rdb.functions > 0) {
        buf_reset(why);
        buf_printf(why, "%" PRIu64 " libraries of functions are left out",
                   f->rdb.functions);
    }
    return got;
}

static void close_file(void *self)
{
    struct file *f = self;
    (void)close(f->fd);
    rdb_file_release(&f->rdb);
    mem_free(f);
}

static uint64_t identity_of(const struct stat *st)
{
    const uint64_t parts[] = {(uint64_t)st->st_size, (uint64_t)st->st_ino,
                              (uint64_t)st->st_mtim.tv_sec,
                              (uint64_t)st->st_mtim.tv_nsec};
    return hash64(bytes_of(parts, sizeof(parts))) | 1;
}

int source_file_open(struct source *s, const char *path, struct buf *why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        buf_reset(why);
        buf_str(why, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return ERR_IO;
    }
    struct file *f = mem_zalloc(sizeof(*f));
    f->source = s;
    f->fd = fd;
    rdb_file_init(&f->rdb, more, f, IMPORT_PAYLOAD_MAX - 64);
    *s = (struct source){.self = f,
                         .next = next,
                         .close = close_file,
                         .all = (uint64_t)st.st_size,
                         .identity = identity_of(&st)};
    int err = rdb_file_begin(&f->rdb);
    if (err != 0) {
        explain(f, err, why);
        source_close(s);
    }
    return err;
}
