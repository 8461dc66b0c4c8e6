/* Fails only in not finding what it looks for, or as a file system does. */
#include "rocks/incoming.h"

#include "base/alloc.h"
#include "base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME   "incoming"
#define SUFFIX ".sst is missing"

static char *path_of(const char *db, struct bytes name)
{
    size_t size = strlen(db) + 1 + name.len + 1;
    char *path = mem_alloc(size);
    snprintf(path, size, "%s/%.*s", db, (int)name.len, (const char *)name.data);
    return path;
}

char *incoming_path(const char *db)
{
    ASSERT(db != NULL);
    return path_of(db, BYTES_LIT(NAME));
}

bool incoming_remove(const char *file)
{
    return unlink(file) == 0 || errno == ENOENT;
}

char *incoming_part_path(const char *db, uint32_t part)
{
    char name[sizeof(INCOMING_PARTS "part") + NUM_TEXT_MAX];
    if (part == 0)
        snprintf(name, sizeof(name), INCOMING_PARTS "part");
    else
        snprintf(name, sizeof(name), INCOMING_PARTS "%" PRIu32, part);
    return path_of(db, bytes_str(name));
}

static char *table_path(const char *db, uint64_t number)
{
    char name[sizeof(".sst") + NUM_TEXT_MAX];
    snprintf(name, sizeof(name), "%06" PRIu64 ".sst", number);
    return path_of(db, bytes_str(name));
}

/* 123456 of "... /123456.sst is missing ..."; names have leading zeroes. */
static bool missing_table(struct bytes text, uint64_t *number)
{
    const uint8_t *at = memmem(text.data, text.len, SUFFIX, sizeof(SUFFIX) - 1);
    uint64_t unit = 1;
    *number = 0;
    for (; at != NULL && at > text.data && at[-1] >= '0' && at[-1] <= '9';
         at--, unit *= 10)
        *number += unit * (uint64_t)(at[-1] - '0');
    return *number > 0;
}

static uint32_t count_parts(const char *db)
{
    for (uint32_t parts = 0;; parts++) {
        char *path = incoming_part_path(db, parts + 1);
        bool is_there = access(path, F_OK) == 0;
        mem_free(path);
        if (!is_there)
            return parts;
    }
}

uint32_t incoming_ways(const char *db, struct bytes refusal)
{
    uint64_t missing;
    return missing_table(refusal, &missing) ? 1 + count_parts(db) : 0;
}

static bool name_file(char *from, char *to)
{
    bool done = link(from, to) == 0;
    mem_free(from);
    mem_free(to);
    return done;
}

static bool unname_file(char *table)
{
    bool done = unlink(table) == 0 || errno == ENOENT;
    mem_free(table);
    return done;
}

/* The way is 0 for the file `incoming`; else the part that the missing table
 * was. RocksDB numbers the parts in their order. */
static uint32_t parts_of(const char *db, uint64_t missing, uint32_t way,
                         uint64_t *first)
{
    *first = way == 0 || missing < way ? 0 : missing - (way - 1);
    return *first == 0 ? 0 : count_parts(db);
}

bool incoming_name(const char *db, struct bytes refusal, uint32_t way)
{
    uint64_t missing, first;
    if (!missing_table(refusal, &missing))
        return false;
    if (way == 0)
        return name_file(incoming_path(db), table_path(db, missing));
    uint32_t parts = parts_of(db, missing, way, &first);
    uint32_t done = 0;
    while (done < parts && name_file(incoming_part_path(db, done + 1),
                                     table_path(db, first + done)))
        done++;
    if (done > 0 && done == parts)
        return true;
    while (done > 0 && unname_file(table_path(db, first + --done)))
        ;
    return false;
}

bool incoming_unname(const char *db, struct bytes refusal, uint32_t way)
{
    uint64_t missing, first;
    bool done = missing_table(refusal, &missing);
    ASSERT(done);
    if (way == 0)
        return unname_file(table_path(db, missing));
    uint32_t parts = parts_of(db, missing, way, &first);
    for (uint32_t i = 0; i < parts && done; i++)
        done = unname_file(table_path(db, first + i));
    return done;
}

void incoming_pace_begin(struct incoming_pace *p, const char *file)
{
    *p = (struct incoming_pace){open(file, O_WRONLY | O_CLOEXEC), 0};
}

void incoming_pace_add(struct incoming_pace *p, size_t bytes)
{
    p->bytes += bytes;
    if (p->bytes < INCOMING_PACE || p->fd < 0)
        return;
    p->bytes = 0;
    /* Waits for the bit before, begins this one. No promise hangs on it: the
     * file is synced as a whole. */
    (void)sync_file_range(p->fd, 0, 0,
                          SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE);
}

void incoming_pace_end(struct incoming_pace *p)
{
    if (p->fd >= 0)
        (void)close(p->fd);
}
