/*
 * Tells systemd how the start goes (Type=notify): one datagram to the socket
 * that it names in NOTIFY_SOCKET. The protocol is documented in sd_notify(3)
 * as stable, and so small that linking libsystemd for it would only add code
 * to the process.
 */
#ifndef MAIN_NOTIFY_H
#define MAIN_NOTIFY_H

#include "base/base.h"

/* Is somebody listening? */
bool notify_wanted(void);
/* "READY=1\nSTATUS=..." and the like; nothing happens if nobody listens. */
void notify_send(const char *state);

#endif
