/*
 * Tells systemd how far the start is (Type=notify), through libsystemd: see
 * sd_notify(3). Nothing happens when no supervisor listens.
 */
#ifndef MAIN_NOTIFY_H
#define MAIN_NOTIFY_H

#include "base/base.h"

/* Is somebody listening? */
bool notify_wanted(void);
/* "READY=1\nSTATUS=..." and the like; nothing happens if nobody listens. */
void notify_send(const char *state);

#endif
