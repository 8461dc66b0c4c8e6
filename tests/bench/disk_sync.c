/*
 * disk-sync DIR SECONDS: what a durable append costs on this disk. Appends
 * 512 bytes and calls fdatasync, again and again, in a file of its own;
 * prints "syncs N per_s N p50_us N p99_us N max_us N".
 *
 * The file is written once beforehand, as logs do that reuse their files, so
 * that its size does not change while it is measured.
 */
#include "base/alloc.h"
#include "base/bytes.h"
#include "base/num.h"
#include "bench/histogram.h"
#include "os/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define APPEND_BYTES 512
#define FILE_BYTES   (4 << 20)

static bool fill(int fd)
{
    uint8_t *block = mem_alloc(FILE_BYTES);
    memset(block, 0x5a, FILE_BYTES);
    bool good = write(fd, block, FILE_BYTES) == FILE_BYTES && fsync(fd) == 0;
    mem_free(block);
    return good;
}

static bool measure(int fd, int64_t seconds, struct histogram *h)
{
    uint8_t block[APPEND_BYTES];
    memset(block, 0xa5, sizeof(block));
    int64_t end_us = clock_mono_us() + seconds * 1000000;
    off_t at = 0;
    for (int64_t from_us = clock_mono_us(); from_us < end_us;) {
        if (pwrite(fd, block, sizeof(block), at) != sizeof(block) ||
            fdatasync(fd) != 0)
            return false;
        int64_t now_us = clock_mono_us();
        histogram_record(h, now_us - from_us);
        from_us = now_us;
        at = (at + APPEND_BYTES) % FILE_BYTES;
    }
    return true;
}

int main(int argc, char **argv)
{
    int64_t seconds = 0;
    if (argc != 3 || !num_parse_i64(bytes_str(argv[2]), &seconds) ||
        seconds < 1 || seconds > 3600) {
        fprintf(stderr, "usage: disk-sync DIR SECONDS\n");
        return 2;
    }
    char path[4096];
    snprintf(path, sizeof(path), "%s/disk-sync.%d", argv[1], (int)getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    struct histogram *h = mem_zalloc(sizeof(*h));
    histogram_reset(h);
    bool good = fd >= 0 && fill(fd) && measure(fd, seconds, h);
    if (!good)
        perror(path);
    else
        printf("syncs %llu per_s %llu p50_us %llu p99_us %llu max_us %llu\n",
               (unsigned long long)h->count,
               (unsigned long long)(h->count / (uint64_t)seconds),
               (unsigned long long)histogram_percentile(h, 50),
               (unsigned long long)histogram_percentile(h, 99),
               (unsigned long long)histogram_percentile(h, 100));
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    mem_free(h);
    return good ? 0 : 1;
}
