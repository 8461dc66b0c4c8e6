/*
 * A process that was killed leaves the tables that its merges were writing.
 * RocksDB removes them when it opens the database for writing, but a start on a
 * full disk does not get so far.
 *
 * How it fails: what cannot be found out, or removed, stays.
 */
#include "base/alloc.h"
#include "rocks/rocks_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Names of live files begin with a slash. */
static bool is_live(const rocksdb_livefiles_t *live, const char *name)
{
    int count = rocksdb_livefiles_count(live);
    for (int i = 0; i < count; i++) {
        const char *known = rocksdb_livefiles_name(live, i);
        if (strcmp(known + (known[0] == '/'), name) == 0)
            return true;
    }
    return false;
}

static void remove_others(const char *path, const rocksdb_livefiles_t *live)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        size_t digits = strspn(e->d_name, "0123456789");
        if (digits > 0 && strcmp(e->d_name + digits, ".sst") == 0 &&
            !is_live(live, e->d_name))
            (void)unlinkat(dirfd(dir), e->d_name, 0);
    }
    closedir(dir);
}

void rocks_drop_orphans(const char *path, const struct rocks_options *options,
                        enum rocks_recovery recovery)
{
    ASSERT(path != NULL && options != NULL);
    struct rocks *r = rocks_new(path, options, recovery);
    char *why = rocks_open_database(r, true);
    if (why == NULL) {
        const rocksdb_livefiles_t *live = rocksdb_livefiles(r->db);
        remove_others(path, live);
        rocksdb_livefiles_destroy(live);
    }
    rocksdb_free(why);
    rocks_close(&r->base);
}
