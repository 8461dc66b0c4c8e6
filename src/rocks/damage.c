/*
 * Files are looked at in the order in which opening depends on them: a table
 * file that the text names; CURRENT; the MANIFEST that it names; the
 * write-ahead logs, oldest first; the last bytes of each table file (RocksDB's
 * text about those may name the MANIFEST instead). Blocks within a table file
 * are checked when they are read, and RocksDB then names the file.
 *
 * How it fails: a file that cannot be read counts as damaged. If nothing is
 * found, RocksDB's own text is what remains, with a list of what looked whole;
 * texts of another RocksDB than the tested one are ERR_IO. In doubt it is no
 * tear, so nothing is repaired.
 */
#include "rocks/damage.h"

#include "base/alloc.h"
#include "base/reader.h"
#include "os/file.h"
#include "rocks/record_file.h"
#include "rocks/rocks_version.h"
#include "store/damage_advice.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE    4096
#define CURRENT_SIZE 64
#define NAME_SIZE    32

/* The end of a table file: checksum type(1) two handles and padding(40)
 * version(4) magic(8). */
#define FOOTER_SIZE       53
#define FOOTER_VERSION    41
#define FOOTER_MAGIC      45
#define TABLE_MAGIC       0x88e241b785f4cff7u
#define CHECKSUM_TYPE_MAX 4
#define VERSION_MAX       5

static const char digits[] = "0123456789";

struct numbers {
    uint64_t *list; /* owned */
    size_t count;
    size_t cap;
};

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The numbers of the files NUMBER.suffix, ascending; release the list. */
static struct numbers files_of(const char *dir, const char *suffix)
{
    struct numbers n = {NULL, 0, 0};
    DIR *d = opendir(dir);
    if (d == NULL)
        return n;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        size_t len = strspn(e->d_name, digits);
        if (len == 0 || strcmp(e->d_name + len, suffix) != 0)
            continue;
        if (n.count == n.cap) {
            n.cap = MAX(n.cap * 2, (size_t)16);
            n.list = mem_realloc(n.list, n.cap * sizeof(*n.list));
        }
        n.list[n.count++] = strtoull(e->d_name, NULL, 10);
    }
    closedir(d);
    if (n.count > 1)
        qsort(n.list, n.count, sizeof(*n.list), compare_numbers);
    return n;
}

/* False if it is too long to be a path. */
static bool path_of(const char *dir, const char *name, char out[PATH_SIZE])
{
    ASSERT(dir != NULL && name != NULL);
    int len = snprintf(out, PATH_SIZE, "%s/%s", dir, name);
    return len > 0 && len < PATH_SIZE;
}

static bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

/* RocksDB's text names a table file: always by its path, and one that is
 * missing by an old suffix. */
static bool find_named_table(const char *dir, const char *status,
                             struct buf *out)
{
    static const char *const suffixes[] = {".sst", ".ldb"};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        const char *dot = strstr(status, suffixes[i]);
        const char *name = dot;
        while (name > status && strchr(digits, name[-1]) != NULL)
            name--;
        if (dot == NULL || name == dot)
            continue;
        char file[NAME_SIZE];
        char path[PATH_SIZE];
        snprintf(file, sizeof(file), "%.*s.sst", (int)MIN(dot - name, 20),
                 name);
        if (!path_of(dir, file, path))
            return false;
        buf_printf(out, "the table file %s is %s", path,
                   exists(path) ? "damaged" : "missing");
        return true;
    }
    return false;
}

static bool find_in_records(const char *dir, const char *name, const char *what,
                            struct buf *out)
{
    struct record_damage d;
    char path[PATH_SIZE];
    if (!path_of(dir, name, path))
        return false;
    int err = record_file_check(path, &d);
    if (err == 0)
        return false;
    if (err == ERR_CORRUPT)
        buf_printf(out, "%s %s is damaged at byte %" PRIu64 ": %s", what, path,
                   d.offset, d.cause);
    else
        buf_printf(out, "%s %s cannot be read", what, path);
    return true;
}

/* CURRENT holds the name of the MANIFEST, and a newline. */
static bool find_in_current(const char *dir, struct buf *out)
{
    char path[PATH_SIZE];
    char manifest[PATH_SIZE];
    struct buf text = BUF_INIT;
    if (!path_of(dir, "CURRENT", path))
        return false;
    int err = file_read(path, CURRENT_SIZE, &text);
    buf_char(&text, 0);
    char *name = (char *)text.data;
    size_t len = strlen(name);
    bool whole = err == 0 && strncmp(name, "MANIFEST-", 9) == 0 &&
                 strspn(name + 9, digits) + 10 == len &&
                 name[len - 1] == '\n' && text.len == len + 1;
    bool found = true;
    if (whole)
        name[len - 1] = 0;
    if (!whole)
        buf_printf(out, "the file %s %s", path,
                   err == 0 ? "is damaged: it should name the MANIFEST file"
                            : "cannot be read");
    else if (path_of(dir, name, manifest) && !exists(manifest))
        buf_printf(out,
                   "the file %s is damaged, or the file %s that it names is "
                   "missing",
                   path, manifest);
    else
        found = find_in_records(dir, name, "the file", out);
    buf_release(&text);
    return found;
}

static bool find_in_logs(const char *dir, struct buf *out)
{
    struct numbers n = files_of(dir, ".log");
    bool found = false;
    for (size_t i = 0; !found && i < n.count; i++) {
        char name[NAME_SIZE];
        snprintf(name, sizeof(name), "%06" PRIu64 ".log", n.list[i]);
        found = find_in_records(dir, name, "the write-ahead log", out);
    }
    mem_free(n.list);
    return found;
}

static bool footer_is_whole(const char *path)
{
    uint8_t raw[FOOTER_SIZE];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool whole =
        fstat(fd, &st) == 0 && st.st_size >= FOOTER_SIZE &&
        file_pread(fd, raw, FOOTER_SIZE, st.st_size - FOOTER_SIZE) == 0 &&
        raw[0] <= CHECKSUM_TYPE_MAX &&
        load_u32le(raw + FOOTER_VERSION) <= VERSION_MAX &&
        load_u64le(raw + FOOTER_MAGIC) == TABLE_MAGIC;
    close(fd);
    return whole;
}

static bool find_in_tables(const char *dir, struct buf *out)
{
    struct numbers n = files_of(dir, ".sst");
    bool found = false;
    for (size_t i = 0; !found && i < n.count; i++) {
        char name[NAME_SIZE];
        char path[PATH_SIZE];
        snprintf(name, sizeof(name), "%06" PRIu64 ".sst", n.list[i]);
        found = path_of(dir, name, path) && !footer_is_whole(path);
        if (found)
            buf_printf(out, "the table file %s is damaged at its end", path);
    }
    mem_free(n.list);
    return found;
}

/* Appends one clause: file, place and what is wrong, or else what was looked
 * at in vain. `status` is RocksDB's text. Tells whether a file was named. */
static bool find_damage(const char *dir, const char *status, struct buf *out)
{
    ASSERT(dir != NULL && dir[0] != 0);
    ASSERT(status != NULL && out != NULL);
    if (find_named_table(dir, status, out) || find_in_current(dir, out) ||
        find_in_logs(dir, out) || find_in_tables(dir, out))
        return true;
    buf_printf(out,
               "one of the files in %s, but by themselves CURRENT, the "
               "MANIFEST, the write-ahead logs (*.log) and the ends of the "
               "table files (*.sst) look whole",
               dir);
    return false;
}

bool damage_is_tear(const char *dir)
{
    ASSERT(dir != NULL && dir[0] != 0);
    struct buf ignored = BUF_INIT;
    bool tear = !find_in_current(dir, &ignored);
    buf_release(&ignored);
    struct numbers n = files_of(dir, ".log");
    size_t torn = 0;
    for (size_t i = 0; tear && i < n.count; i++) {
        char name[NAME_SIZE];
        char path[PATH_SIZE];
        struct record_damage d;
        snprintf(name, sizeof(name), "%06" PRIu64 ".log", n.list[i]);
        int err =
            path_of(dir, name, path) ? record_file_check(path, &d) : ERR_IO;
        torn += err == ERR_CORRUPT;
        tear = err == 0 || (err == ERR_CORRUPT && d.unwritten);
    }
    mem_free(n.list);
    return tear && torn > 0;
}

int damage_kind(const char *status)
{
    ASSERT(status != NULL);
    if (!rocks_version_is_tested(rocks_version()))
        return ERR_IO;
    return strncmp(status, "Corruption", 10) == 0 ? ERR_CORRUPT : ERR_IO;
}

/* What a text of another RocksDB means is not known. */
static int explain_unknown(const char *dir, const char *status,
                           struct buf *error)
{
    buf_printf(error,
               "%s: the database cannot be opened: %s. This program is linked "
               "to RocksDB %s but was tested with %s only: it does not "
               "interpret that text, and repairs nothing. Link it to RocksDB "
               "%s to know more.",
               dir, status, rocks_version(), ROCKS_VERSION_TESTED,
               ROCKS_VERSION_TESTED);
    return ERR_IO;
}

int damage_explain(const char *dir, const char *status, struct buf *error)
{
    if (!rocks_version_is_tested(rocks_version()))
        return explain_unknown(dir, status, error);
    if (strstr(status, "lock") != NULL && strstr(status, "LOCK") != NULL) {
        buf_printf(error,
                   "%s: another process uses this directory, or it may not be "
                   "locked (%s). Stop that process, or choose another "
                   "directory.",
                   dir, status);
        return ERR_BUSY;
    }
    if (strstr(status, "does not exist") != NULL &&
        strncmp(status, "Invalid argument", 16) == 0) {
        buf_printf(error,
                   "%s: there is no database here, though there should be one "
                   "(%s). If it was moved or deleted, bring it back.",
                   dir, status);
        return ERR_IO;
    }
    if (damage_kind(status) == ERR_CORRUPT || strstr(status, "No such file")) {
        struct buf clause = BUF_INIT;
        bool named = find_damage(dir, status, &clause);
        bool corrupt = named || damage_kind(status) == ERR_CORRUPT;
        if (corrupt)
            buf_printf(error, "%s: the database is damaged: %.*s (%s). %s", dir,
                       (int)clause.len, (const char *)clause.data, status,
                       STORE_DAMAGE_ADVICE);
        buf_release(&clause);
        if (corrupt)
            return ERR_CORRUPT;
    }
    buf_printf(error,
               "%s: the database cannot be opened: %s. Check that the "
               "directory exists and is writable, and that the disk has "
               "space.",
               dir, status);
    return ERR_IO;
}

bool damage_lacks_families(const char *status)
{
    ASSERT(status != NULL);
    return rocks_version_is_tested(rocks_version()) &&
           strstr(status, "Column family not found") != NULL;
}

int damage_explain_families(const char *dir, const char *status, bool tables,
                            struct buf *error)
{
    if (!tables)
        return ERR_NOT_FOUND;
    buf_printf(error,
               "%s: the database is damaged: its MANIFEST file is cut short "
               "(%s). %s",
               dir, status, STORE_DAMAGE_ADVICE);
    return ERR_CORRUPT;
}
