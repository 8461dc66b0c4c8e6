/*
 * One attempt to open the database, for reading or for writing, with all its
 * families: RocksDB refuses a database of which one is not named.
 *
 * How it fails: RocksDB's text is the caller's; damage.h explains it. Whatever
 * the MANIFEST does not tell of families, the opening finds out.
 */
#include "base/alloc.h"
#include "rocks/rocks_internal.h"

#include <string.h>

/* How the families are named and opened: those that are fixed, then the
 * state's. */
struct families {
    size_t count;
    const char **names;
    const rocksdb_options_t **options;
    rocksdb_column_family_handle_t **handles;
};

static void add_family(struct families *f, const char *name,
                       const rocksdb_options_t *options)
{
    f->names[f->count] = name;
    f->options[f->count] = options;
    f->count++;
}

static void families_init(struct families *f, size_t max)
{
    f->count = 0;
    f->names = mem_zalloc(max * sizeof(f->names[0]));
    f->options = mem_zalloc(max * sizeof(f->options[0]));
    f->handles = mem_zalloc(max * sizeof(f->handles[0]));
}

static void families_release(struct families *f)
{
    mem_free(f->names);
    mem_free(f->options);
    mem_free(f->handles);
}

/* `listed`: what the MANIFEST has, borrowed. Without a state there, there is to
 * be the first one. */
static void name_families(struct rocks *r, struct families *f,
                          char *const listed[], size_t count)
{
    static const char *const names[ROCKS_FIXED] = {"default", "log", "meta"};
    _Static_assert(STORE_LOG == 0 && STORE_META == 1 && STORE_STATE == 2,
                   "order of the names");
    families_init(f, ROCKS_FAMILIES + count);
    for (size_t i = 0; i < ROCKS_FIXED; i++)
        add_family(f, names[i], r->options[i]);
    for (size_t i = 0; i < count; i++) {
        if (rocks_state_is_name(listed[i]))
            add_family(f, listed[i], r->options[1 + STORE_STATE]);
    }
    if (f->count == ROCKS_FIXED)
        add_family(f, "state", r->options[1 + STORE_STATE]);
}

static void take_handles(struct rocks *r, const struct families *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (i < ROCKS_FIXED)
            r->handles[i] = f->handles[i];
        else
            rocks_state_opened(r, f->names[i], f->handles[i]);
    }
}

static char *open_families(struct rocks *r, struct families *f, bool read_only)
{
    char *why = NULL;
    ASSERT(r->db == NULL);
    if (read_only)
        r->db = rocksdb_open_for_read_only_column_families(
            r->options[0], r->path, (int)f->count, f->names, f->options,
            f->handles, false, &why);
    else
        r->db = rocksdb_open_column_families(r->options[0], r->path,
                                             (int)f->count, f->names,
                                             f->options, f->handles, &why);
    ASSERT((r->db == NULL) == (why != NULL));
    if (why != NULL)
        return why;
    take_handles(r, f);
    return rocks_state_choose(r);
}

static char *try_to_open(struct rocks *r, bool read_only)
{
    size_t count = 0;
    char *ignored = NULL;
    char **listed =
        rocksdb_list_column_families(r->options[0], r->path, &count, &ignored);
    struct families f;
    name_families(r, &f, listed, ignored == NULL ? count : 0);
    char *why = open_families(r, &f, read_only);
    families_release(&f);
    rocksdb_list_column_families_destroy(listed, count);
    rocksdb_free(ignored);
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
