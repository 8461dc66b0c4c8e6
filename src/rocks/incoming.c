/* Fails only in not finding what it looks for, or as a file system does. */
#include "rocks/incoming.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME    "incoming"
#define SUFFIX  ".sst is missing"
#define SST_LEN 4 /* of the suffix, what belongs to the name */

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

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* "123456.sst" in "... /123456.sst is missing ...". */
static bool missing_table(struct bytes text, struct bytes *name)
{
    const uint8_t *at = memmem(text.data, text.len, SUFFIX, sizeof(SUFFIX) - 1);
    if (at == NULL)
        return false;
    const uint8_t *begin = at;
    while (begin > text.data && is_digit(begin[-1]))
        begin--;
    *name = bytes_of(begin, (size_t)(at - begin) + SST_LEN);
    return begin < at;
}

char *incoming_restore(const char *db, struct bytes refusal)
{
    struct bytes name;
    if (!missing_table(refusal, &name))
        return NULL;
    char *from = incoming_path(db);
    char *to = path_of(db, name);
    bool done = link(from, to) == 0;
    mem_free(from);
    if (done)
        return to;
    mem_free(to);
    return NULL;
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
