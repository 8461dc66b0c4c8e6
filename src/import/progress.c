/*
 * How it works: the clock is looked at for each key; something is written five
 * times a second at most, and every five seconds if nobody sits there.
 *
 * How it fails: what cannot be written is not.
 */
#include "import/progress.h"

#include "os/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define BAR_MS  200
#define LINE_MS 5000
#define WIDTH   30

void progress_begin(struct progress *p, const char *what, bool quiet)
{
    int64_t now_ms = clock_mono_ms();
    *p = (struct progress){.what = what,
                           .quiet = quiet,
                           .terminal = isatty(STDERR_FILENO) == 1,
                           .begun_ms = now_ms,
                           .shown_ms = now_ms};
}

static void show(struct progress *p, int percent, uint64_t keys, uint64_t rate)
{
    char bar[WIDTH + 1];
    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < percent * WIDTH / 100 ? '#' : '.';
    bar[WIDTH] = '\0';
    if (p->terminal)
        fprintf(stderr, "\r%s [%s] %3d%%  %" PRIu64 " keys, %" PRIu64 "/s  ",
                p->what, bar, percent, keys, rate);
    else
        fprintf(stderr, "%s: %d%%, %" PRIu64 " keys, %" PRIu64 "/s\n", p->what,
                percent, keys, rate);
    p->shown = p->terminal;
}

void progress_show(struct progress *p, uint64_t done, uint64_t all,
                   uint64_t keys)
{
    int64_t now_ms = clock_mono_ms();
    if (p->quiet || now_ms - p->shown_ms < (p->terminal ? BAR_MS : LINE_MS))
        return;
    double part = all > 0 ? (double)done / (double)all : 1;
    int64_t since_ms = MAX(now_ms - p->begun_ms, 1);
    p->shown_ms = now_ms;
    show(p, part >= 1 ? 100 : (int)(part * 100), keys,
         keys * 1000 / (uint64_t)since_ms);
}

void progress_end(struct progress *p)
{
    if (p->shown)
        fprintf(stderr, "\r%79s\r", "");
    p->shown = false;
}
