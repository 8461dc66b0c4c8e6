/*
 * When elements of a collection are due: a row beside its value, ROW_DUE, which
 * has a place in the index of expiries. It follows the value: whatever sets,
 * replaces or removes one that is VALUE_FIELD_TTL changes it, too.
 *
 * But what is deleted unread leaves it (keyspace_remove_unread), so it only
 * says when to look: what is not there then is nothing to sweep.
 */
#ifndef DATA_DUE_H
#define DATA_DUE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "data/rows.h"

/* Before the row of a value is replaced or removed: deletes what there is
 * beside it. True if there was anything; the row may have moved then. */
bool due_drop(struct rows *rs, struct bytes state_key, const struct row *value);
/* After it was set: v is the collection, with its record. */
void due_put(struct rows *rs, struct bytes state_key, const struct value *v);

#endif
