/*
 * A directory under $TMPDIR (or /tmp) for one test, removed with what is in
 * it. For tests only: failures end the test.
 */
#ifndef CONTRACT_TEMP_DIR_H
#define CONTRACT_TEMP_DIR_H

#include "base/base.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TEMP_PATH_SIZE 256

struct temp_dir {
    char path[TEMP_PATH_SIZE];
};

static inline struct temp_dir temp_dir_new(void)
{
    struct temp_dir d;
    const char *tmp = getenv("TMPDIR");
    int n = snprintf(d.path, sizeof(d.path), "%s/vard-test-XXXXXX",
                     tmp != NULL && tmp[0] != 0 ? tmp : "/tmp");
    ASSERT(n > 0 && (size_t)n < sizeof(d.path));
    char *made = mkdtemp(d.path);
    ASSERT(made != NULL);
    return d;
}

static inline int temp_dir_remove_one(const char *path, const struct stat *st,
                                      int flag, struct FTW *ftw)
{
    UNUSED(st);
    UNUSED(flag);
    UNUSED(ftw);
    return remove(path);
}

static inline void temp_dir_remove(const struct temp_dir *d)
{
    int rc = nftw(d->path, temp_dir_remove_one, 8, FTW_DEPTH | FTW_PHYS);
    ASSERT(rc == 0);
}

/* The path of a file in it; `out` has TEMP_PATH_SIZE bytes. */
static inline const char *temp_dir_file(const struct temp_dir *d,
                                        const char *name, char *out)
{
    int n = snprintf(out, TEMP_PATH_SIZE, "%s/%s", d->path, name);
    ASSERT(n > 0 && n < TEMP_PATH_SIZE);
    return out;
}

#endif
