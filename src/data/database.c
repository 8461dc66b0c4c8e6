/*
 * How it works: the places are kept in memory, and written with the entry that
 * has exchanged some.
 *
 * How it fails: a row that does not decode is ERR_CORRUPT when the keyspace is
 * opened.
 */
#include "data/database.h"

#include "data/keyspace_internal.h"
#include "data/meta.h"

int databases_load(struct keyspace *ks)
{
    struct bytes value;
    ASSERT(!ks->places_changed);
    for (uint8_t i = 0; i < KEYSPACE_DATABASES; i++)
        ks->places[i] = i;
    if (!rows_get(&ks->rows, meta_databases_key(), &value))
        return 0;
    return meta_databases_decode(value, ks->places);
}

uint8_t database_place(const struct keyspace *ks, uint8_t number)
{
    ASSERT(number < KEYSPACE_DATABASES);
    return ks->places[number];
}

uint8_t database_number(const struct keyspace *ks, uint8_t place)
{
    uint8_t number = 0;
    ASSERT(place < KEYSPACE_DATABASES);
    while (ks->places[number] != place)
        number++; /* each place is there once */
    return number;
}

void database_swap(struct keyspace *ks, uint8_t a, uint8_t b)
{
    uint8_t place = database_place(ks, a);
    ASSERT(ks->rows.in_entry);
    ks->places[a] = database_place(ks, b);
    ks->places[b] = place;
    ks->places_changed |= a != b;
    keyspace_all_ready(ks);
}

void databases_put(struct keyspace *ks, struct store_batch *b)
{
    ASSERT(ks->places[0] < KEYSPACE_DATABASES);
    if (!ks->places_changed)
        return;
    meta_databases_encode(&ks->key, ks->places);
    store_batch_put(b, STORE_STATE, meta_databases_key(), buf_view(&ks->key));
    ks->places_changed = false;
}
