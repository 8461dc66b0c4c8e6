/*
 * What a value has, as a number that is the same for each form of it.
 */
#ifndef IMPORT_DIGEST_H
#define IMPORT_DIGEST_H

#include "base/base.h"
#include "base/bytes.h"

/* Of a payload of DUMP. Left out are times, which nodes keep by another clock:
 * those of fields, and of what is pending in a stream. Errors of rdb.h. */
MUST_USE int import_digest(struct bytes payload, uint64_t *digest);

#endif
