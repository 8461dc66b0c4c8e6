/*
 * Opening for writing changes files: logs are replayed into tables and then
 * deleted, tables that the MANIFEST does not know are deleted, a torn tail is
 * dropped. A file that was missing cannot be brought back afterwards (RocksDB
 * 7.8 aborts on it). So the database is opened for reading before, and its
 * owner is asked whether it has what it must have (store_check.h).
 *
 * A database that is refused may be whole up to a hole that a power cut left,
 * or with tables that it has failed to take over; both are tried, by opening
 * it for reading again.
 *
 * How it fails: ERR_CORRUPT and ERR_IO with a text; every file is as it was.
 */
#include "base/alloc.h"
#include "rocks/damage.h"
#include "rocks/incoming.h"
#include "rocks/rocks_internal.h"
#include "rocks/rocks_version.h"
#include "store/damage_advice.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

/* Rows of a family that are in write-ahead logs only. */
static uint64_t unflushed(struct rocks *r, enum store_family family)
{
    static const char *const names[] = {"rocksdb.num-entries-active-mem-table",
                                        "rocksdb.num-entries-imm-mem-tables"};
    uint64_t sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        uint64_t n = 0;
        int err = rocksdb_property_int_cf(r->db, rocks_handle(r, family),
                                          names[i], &n);
        ASSERT(err == 0);
        sum += n;
    }
    return sum;
}

static int check_content(struct rocks *r, const struct store_check *check,
                         struct buf *error)
{
    struct buf text = BUF_INIT;
    int err =
        check->content(check->ctx, &r->base, unflushed(r, STORE_LOG), &text);
    ASSERT((err == 0) == (text.len == 0));
    if (err != 0)
        buf_printf(error, "%s: %.*s", r->path, (int)text.len,
                   (const char *)text.data);
    buf_release(&text);
    return err;
}

/* Opens it for reading, and asks the check. ERR_NOT_FOUND: the database was
 * never made in full. */
static int check_database(const char *path, const struct rocks_options *options,
                          enum rocks_recovery recovery, bool tables,
                          struct buf *error)
{
    struct rocks *r = rocks_new(path, options, recovery);
    int err = 0;
    char *why = rocks_open_database(r, true);
    if (why != NULL && damage_lacks_families(why))
        err = damage_explain_families(path, why, tables, error);
    else if (why != NULL)
        err = damage_explain(path, why, error);
    else if (options->check != NULL)
        err = check_content(r, options->check, error);
    rocksdb_free(why);
    rocks_close(&r->base);
    return err;
}

/* The database is refused; is it whole up to a hole that a power cut left?
 * Without a check there is no telling. */
static bool is_whole_to_hole(const char *path,
                             const struct rocks_options *options, bool tables)
{
    if (options->check == NULL || !damage_is_tear(path))
        return false;
    struct buf ignored = BUF_INIT;
    int err = check_database(path, options, ROCKS_TO_HOLE, tables, &ignored);
    buf_release(&ignored);
    return err == 0;
}

/* The database is refused; is it whole with tables that it has failed to take
 * over? If so these are given back to it. */
static bool is_whole_with_incoming(const char *path,
                                   const struct rocks_options *options,
                                   bool tables, struct bytes refusal)
{
    uint32_t ways = incoming_ways(path, refusal);
    for (uint32_t way = 0; way < ways; way++) {
        if (!incoming_name(path, refusal, way))
            continue;
        struct buf ignored = BUF_INIT;
        int err =
            check_database(path, options, ROCKS_TOLERATE, tables, &ignored);
        buf_release(&ignored);
        if (err == 0)
            return true;
        if (!incoming_unname(path, refusal, way))
            break;
    }
    return false;
}

/* Is what was refused whole if it is opened in another way? */
static bool is_whole_otherwise(const char *path,
                               const struct rocks_options *options, bool tables,
                               struct bytes refusal,
                               enum rocks_recovery *recovery)
{
    if (!rocks_version_is_tested(rocks_version()))
        return false;
    if (is_whole_to_hole(path, options, tables)) {
        *recovery = ROCKS_TO_HOLE;
        return true;
    }
    return is_whole_with_incoming(path, options, tables, refusal);
}

/* What is in a database's directory, as far as it tells what it is. */
struct files {
    bool current; /* the file CURRENT */
    bool tables;
    bool logs;
};

/* Digits, then the suffix. */
static bool is_numbered(const char *name, const char *suffix)
{
    size_t digits = strspn(name, "0123456789");
    return digits > 0 && strcmp(name + digits, suffix) == 0;
}

/* A directory that does not exist has nothing. One that cannot be read may
 * have anything: ERR_IO, with a text. */
static int find_files(const char *path, struct files *out, struct buf *error)
{
    ASSERT(path != NULL && out != NULL);
    *out = (struct files){false, false, false};
    DIR *dir = opendir(path);
    if (dir == NULL && errno == ENOENT)
        return 0;
    errno = dir == NULL ? errno : 0;
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        out->current = out->current || strcmp(e->d_name, "CURRENT") == 0;
        out->tables = out->tables || is_numbered(e->d_name, ".sst");
        out->logs = out->logs || is_numbered(e->d_name, ".log");
    }
    int failed = errno;
    if (dir != NULL)
        closedir(dir);
    if (failed == 0)
        return 0;
    buf_printf(error, "%s: this directory cannot be read: %s", path,
               strerror(failed));
    return ERR_IO;
}

int rocks_check(const char *path, const struct rocks_options *options,
                enum rocks_recovery *recovery, struct buf *error)
{
    struct files f;
    size_t said = error->len;
    *recovery = ROCKS_TOLERATE;
    int err = find_files(path, &f, error);
    if (err != 0)
        return err;
    err = ERR_NOT_FOUND;
    if (f.current) {
        err = check_database(path, options, *recovery, f.tables, error);
        struct bytes refusal = bytes_from(buf_view(error), said);
        if (err == ERR_CORRUPT &&
            is_whole_otherwise(path, options, f.tables, refusal, recovery)) {
            error->len = said;
            err = 0;
        }
    } else if (f.tables || f.logs) {
        /* RocksDB would make a new, empty database in its place. */
        buf_printf(error,
                   "%s: the database is damaged: its file CURRENT is missing. "
                   "%s",
                   path, STORE_DAMAGE_ADVICE);
        err = ERR_CORRUPT;
    }
    if (err == ERR_NOT_FOUND && options->check != NULL)
        err = options->check->absence(options->check->ctx, path, error);
    if (err == ERR_CORRUPT)
        buf_str(error, " Nothing was written: the files of the database are "
                       "as they were.");
    return err == ERR_NOT_FOUND ? 0 : err;
}
