/*
 * A strict reader of replies, written from the specification of RESP2 and
 * RESP3 and not from src/resp: what the writer's output is judged with.
 */
#ifndef FUZZ_REPLY_H
#define FUZZ_REPLY_H

#include "base/base.h"
#include "base/bytes.h"

/* Moves *b past one whole reply of this protocol; false if it is none. */
MUST_USE bool reply_skip(struct bytes *b, uint8_t protocol);

/* Exactly one reply, and nothing behind it. */
MUST_USE bool reply_is_one(struct bytes b, uint8_t protocol);

#endif
