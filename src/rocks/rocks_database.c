/*
 * One attempt to open the database, for reading or for writing.
 *
 * How it fails: RocksDB's text is the caller's; damage.h explains it.
 */
#include "rocks/rocks_internal.h"

#include <string.h>

static char *try_to_open(struct rocks *r, bool read_only)
{
    static const char *const names[ROCKS_FAMILIES] = {"default", "log", "meta",
                                                      "state"};
    _Static_assert(STORE_LOG == 0 && STORE_META == 1 && STORE_STATE == 2,
                   "order of the names");
    const rocksdb_options_t *const *options =
        (const rocksdb_options_t *const *)r->options;
    char *why = NULL;
    ASSERT(r->db == NULL);
    if (read_only)
        r->db = rocksdb_open_for_read_only_column_families(
            r->options[0], r->path, ROCKS_FAMILIES, names, options, r->handles,
            false, &why);
    else
        r->db =
            rocksdb_open_column_families(r->options[0], r->path, ROCKS_FAMILIES,
                                         names, options, r->handles, &why);
    ASSERT((r->db == NULL) == (why != NULL));
    return why;
}

char *rocks_open_database(struct rocks *r, bool read_only)
{
    char *why = try_to_open(r, read_only);
    if (why == NULL || strstr(why, "not linked") == NULL)
        return why;
    /* Built without lz4. A text that is not recognized here is a refusal that
     * says so, of whatever version it is. */
    rocksdb_free(why);
    rocksdb_options_set_compression(r->options[1 + STORE_STATE],
                                    rocksdb_no_compression);
    return try_to_open(r, read_only);
}
