/*
 * RocksDB's files of records, which start-up looks through to name a damage:
 * any bytes as a file. It says whole, or where; never reads elsewhere. Sealed,
 * the records get the checksums that let the walk go on.
 *
 * input: seal(1) repeat(1) the file; repeated, to reach the next block.
 */
// link: rocks
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/reader.h"
#include "fuzz/fuzz.h"
#include "rocks/crc32c.h"
#include "rocks/record_file.h"

#define BLOCK_SIZE  32768
#define HEADER_SIZE 7
#define FILE_MAX    (3 * BLOCK_SIZE)

/* Record by record in each block. */
static void seal(struct buf *file)
{
    for (size_t at = 0; file->len - at >= HEADER_SIZE;) {
        size_t left = BLOCK_SIZE - at % BLOCK_SIZE;
        uint8_t *p = file->data + at;
        if (left < HEADER_SIZE) {
            at += left;
            if (at > file->len)
                break;
            continue;
        }
        size_t len = (size_t)(p[4] | p[5] << 8);
        size_t size = HEADER_SIZE + len + (p[6] > 4 && p[6] < 9 ? 4 : 0);
        if (size > left || size > file->len - at)
            break;
        store_u32le(p, crc32c_masked(bytes_of(p + 6, size - 6)));
        at += size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = fuzz_of(data, size);
    bool sealed = fuzz_below(&f, 4) != 0;
    uint32_t times = 1 + (fuzz_u8(&f) >= 248 ? 64 : 0);
    struct record_damage damage = {0};
    struct buf file = BUF_INIT;
    char path[64];
    for (uint32_t i = 0; i < times && file.len < FILE_MAX; i++)
        buf_bytes(&file, f.rest);
    if (sealed && file.len > 0)
        seal(&file);
    int fd = memfd_create("records", MFD_CLOEXEC);
    ASSERT(fd >= 0);
    ASSERT(file.len == 0 ||
           write(fd, file.data, file.len) == (ssize_t)file.len);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int rc = record_file_check(path, &damage);
    ASSERT(rc == 0 || rc == ERR_CORRUPT);
    ASSERT(rc == 0 || (damage.offset < file.len && damage.cause != NULL));
    close(fd);
    buf_release(&file);
    return 0;
}
