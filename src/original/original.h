/*
 * The protocol of Verdi's vard as a guest of the server, on the same port as
 * RESP: it connects wire.h and the server.
 *
 * A new connection of a client closes its older one, as in Verdi's vard.
 */
#ifndef ORIGINAL_ORIGINAL_H
#define ORIGINAL_ORIGINAL_H

#include "server/protocol.h"

extern const struct protocol original_protocol;

#endif
