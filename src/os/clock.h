/*
 * The clocks. Monotonic time measures durations and never goes back; it goes on
 * while the machine is suspended (CLOCK_BOOTTIME), for a lease runs on then as
 * well. Wall time is what the calendar says since 1970 (UTC) and may jump.
 */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include "base/base.h"

int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
int64_t clock_wall_ms(void);
int64_t clock_wall_us(void);

#endif
