/*
 * "host:port" taken apart and put together: the only place that does either.
 * An IPv6 number is in brackets, "[::1]:6379"; a host is any text that is not
 * empty and has neither brackets nor, outside of brackets, a colon. Whether it
 * is a name, a number or nonsense is for the caller to find out.
 */
#ifndef BASE_HOSTPORT_H
#define BASE_HOSTPORT_H

#include "base/base.h"
#include "base/bytes.h"

/* The host without its brackets, a view of `text`, and the port, 0 to 65535
 * in plain digits. False, with nothing written, if it is anything else: no
 * port, "::1" without brackets, a bracket missing. */
MUST_USE bool hostport_split(struct bytes text, struct bytes *host,
                             uint16_t *port);
/* A host without a port: "host" or "[::1]". */
MUST_USE bool hostport_host(struct bytes text, struct bytes *host);
/* Writes what hostport_split reads, and a NUL; brackets where they are needed.
 * Cut off at `size`, like snprintf; the whole length is returned. */
size_t hostport_join(struct bytes host, uint16_t port, char *out, size_t size);

#endif
