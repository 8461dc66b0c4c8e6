/*
 * How it fails: silently. A supervisor that cannot be told is no reason not
 * to serve; it gives up on the unit by itself.
 */
#include "main/notify.h"

#include <stdlib.h>
#include <systemd/sd-daemon.h>

bool notify_wanted(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    return path != NULL && path[0] != '\0';
}

void notify_send(const char *state)
{
    ASSERT(state != NULL);
    (void)sd_notify(0, state);
}
