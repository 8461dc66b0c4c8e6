/*
 * A directory of its own for a test, deleted with all that is in it.
 */
#ifndef TESTS_OS_FIXTURE_H
#define TESTS_OS_FIXTURE_H

#include "base/base.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct temp_dir {
    char path[64];
};

static inline void temp_dir_make(struct temp_dir *t)
{
    snprintf(t->path, sizeof(t->path), "/tmp/vard-test-XXXXXX");
    assert_non_null(mkdtemp(t->path));
}

static inline int temp_dir_remove_one(const char *path, const struct stat *st,
                                      int type, struct FTW *ftw)
{
    UNUSED(st);
    UNUSED(type);
    UNUSED(ftw);
    return remove(path);
}

static inline void temp_dir_remove(struct temp_dir *t)
{
    nftw(t->path, temp_dir_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* "DIR/name", until the next call with the same room. */
static inline const char *temp_dir_file(const struct temp_dir *t,
                                        const char *name, char room[128])
{
    snprintf(room, 128, "%s/%s", t->path, name);
    return room;
}

#endif
