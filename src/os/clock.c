/*
 * clock_gettime, which can only fail for a clock that does not exist.
 */
#include "os/clock.h"

#include <time.h>

static int64_t clock_us(clockid_t clock)
{
    struct timespec t;
    int err = clock_gettime(clock, &t);
    ASSERT(err == 0);
    ASSERT(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
    return clock_us(CLOCK_BOOTTIME);
}

int64_t clock_mono_ms(void)
{
    return clock_mono_us() / 1000;
}

int64_t clock_wall_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

int64_t clock_wall_ms(void)
{
    return clock_wall_us() / 1000;
}
