/*
 * Processor time and memory of other processes, from /proc (see proc(5)).
 * The kernel counts the time in ticks of 10 ms: precise enough over seconds.
 *
 * How it fails: a process whose time cannot be read is counted as missing and
 * adds nothing; memory that cannot be read adds 0.
 */
#include "bench/bench.h"

#include "base/num.h"

#include <inttypes.h>
#include <unistd.h>

#define STAT_UTIME 14 /* the field's number in proc(5), from 1 */
#define STAT_STIME 15

static size_t read_text(int64_t pid, const char *name, char *out, size_t room)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%" PRId64 "/%s", pid, name);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    size_t n = fread(out, 1, room - 1, f);
    fclose(f);
    out[n] = '\0';
    return n;
}

static struct bytes word_after(const char *text)
{
    text += strspn(text, " \t");
    return bytes_of(text, strcspn(text, " \t\n"));
}

/* Ticks in the program and in the kernel for it; -1: not there. */
static int64_t ticks(const char *stat)
{
    /* The name, field 2, is in brackets and may hold anything. */
    const char *at = strrchr(stat, ')');
    if (at == NULL)
        return -1;
    at++;
    int64_t sum = 0, n = 0;
    for (int field = 3; field <= STAT_STIME; field++) {
        struct bytes word = word_after(at);
        if (field >= STAT_UTIME) {
            if (!num_parse_i64(word, &n))
                return -1;
            sum += n;
        }
        at = (const char *)word.data + word.len;
    }
    return sum;
}

static uint64_t peak_bytes(const char *status)
{
    const char *line = strstr(status, "\nVmHWM:");
    int64_t kib = 0;
    if (line == NULL || !num_parse_i64(word_after(line + 7), &kib))
        return 0;
    return (uint64_t)kib * 1024;
}

void bench_usage_read(struct bench_usage *u, const int64_t *pids, size_t n)
{
    *u = (struct bench_usage){0};
    int64_t tick_us = 1000000 / sysconf(_SC_CLK_TCK);
    char text[4096];
    for (size_t i = 0; i < n; i++) {
        int64_t used = -1;
        if (read_text(pids[i], "stat", text, sizeof(text)) > 0)
            used = ticks(text);
        if (used < 0) {
            u->missing++;
            continue;
        }
        u->cpu_us += used * tick_us;
        if (read_text(pids[i], "status", text, sizeof(text)) == 0)
            continue;
        uint64_t peak = peak_bytes(text);
        u->rss_peak_bytes_max = MAX(u->rss_peak_bytes_max, peak);
        u->rss_peak_bytes_sum += peak;
    }
}
