/*
 * Watermark files: any bytes as a file. It opens if and only if one of its
 * two slots is whole, with the newer one; what is written then is what the
 * next open finds. The file stands in memory (memfd_create).
 *
 * input: seal(1) cut(1), then what stands in the two slots.
 */
// link: journal
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/reader.h"
#include "fuzz/fuzz.h"
#include "journal/watermark.h"

#define SLOT_SIZE     4096
#define KIND          4 /* of the checksum, codec/record.c */
#define RECORD_SIZE   WATERMARK_RECORD_SIZE
#define PATH_TEXT_MAX 64

static struct buf make_file(struct fuzz *f)
{
    struct buf file = BUF_INIT;
    uint8_t seal = fuzz_u8(f);
    size_t size = fuzz_u8(f) < 16 ? fuzz_u8(f) * 24u : 2 * SLOT_SIZE;
    memset(buf_reserve(&file, 2 * SLOT_SIZE), 0, 2 * SLOT_SIZE);
    for (size_t i = 0; i < 2; i++) {
        uint8_t *slot = file.data + i * SLOT_SIZE;
        struct bytes b = fuzz_take(f, RECORD_SIZE);
        if (b.len > 0)
            memcpy(slot, b.data, b.len);
        if ((seal & (1 << i)) == 0)
            continue;
        struct bytes body = bytes_of(slot, RECORD_SIZE - 8);
        store_u64le(slot + RECORD_SIZE - 8, hash64_seed(body, KIND));
    }
    file.len = MIN(size, 2 * SLOT_SIZE);
    return file;
}

/* What the file should be taken for. */
static bool expect(const struct buf *file, struct watermark *newest)
{
    bool found = false;
    for (size_t i = 0; i < 2; i++) {
        size_t at = i * SLOT_SIZE;
        size_t len = file->len > at ? MIN(file->len - at, RECORD_SIZE) : 0;
        struct watermark w;
        if (watermark_decode(bytes_of(file->data + at, len), &w) != 0)
            continue;
        if (!found || w.generation >= newest->generation)
            *newest = w;
        found = true;
    }
    return found;
}

static bool same(const struct watermark *a, const struct watermark *b)
{
    struct buf x = BUF_INIT;
    struct buf y = BUF_INIT;
    watermark_encode(a, &x);
    watermark_encode(b, &y);
    bool equal = bytes_eq(buf_view(&x), buf_view(&y));
    buf_release(&x);
    buf_release(&y);
    return equal;
}

/* Writes twice over whatever was there; the last one is found again. */
static void check_write(const char *path, struct watermark_file *f, bool sync)
{
    struct buf error = BUF_INIT;
    struct watermark w = {.node = 3, .term = 5, .index = 7};
    struct watermark last = {0};
    bool found = false;
    ASSERT(watermark_write(f, &w, sync) == 0);
    w.index = 8;
    ASSERT(watermark_write(f, &w, !sync) == 0);
    watermark_close(f);
    ASSERT(watermark_open(&f, path, &last, &found, &error) == 0);
    ASSERT(found && last.index == 8 && last.term == 5);
    watermark_close(f);
    buf_release(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz input = fuzz_of(data, size);
    struct buf file = make_file(&input);
    struct watermark want = {0};
    struct watermark last = {0};
    struct watermark_file *f = NULL;
    struct buf error = BUF_INIT;
    bool found = false;
    char path[PATH_TEXT_MAX];
    int fd = memfd_create("watermark", MFD_CLOEXEC);
    ASSERT(fd >= 0);
    ASSERT(write(fd, file.data, file.len) == (ssize_t)file.len);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);

    bool good = expect(&file, &want);
    int rc = watermark_open(&f, path, &last, &found, &error);
    ASSERT(rc == (good ? 0 : ERR_CORRUPT));
    if (good) {
        ASSERT(found && same(&last, &want));
        bool wraps = last.generation >= UINT64_MAX - 2;
        if (wraps)
            watermark_close(f);
        else
            check_write(path, f, size % 2 == 0);
    } else {
        ASSERT(error.len > 0);
    }
    close(fd);
    buf_release(&file);
    buf_release(&error);
    return 0;
}
